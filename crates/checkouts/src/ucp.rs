//! The door for platforms of UCP: checkouts over REST.

use crate::config::Client;
use crate::doors::{Before, Inner};
use crate::limits::{BODY_BYTES_MAX, KEY_BYTES_MAX, RETRY_SECONDS};
use crate::said::{Act, Asked, Call, NotAsked, Said};
use crate::store::{Dialect, Key};
use crate::till::{Change, No};
use http::{Method, StatusCode};
use protocols::checkout::{Checkout, Note, NoteKind};
use protocols::ucp::checkout::{Severity, checkout, error};
use protocols::ucp::fulfillment::Place;
use protocols::ucp::order::order;
use protocols::ucp::request::{Complete, Fault, Wanted};
use protocols::ucp::signature::{Headers, NotSigned, Signable, verify};
use protocols::ucp::{UCP_AGENT, VERSION, agent_profile, agent_version};
use serde_json::Value;
use shop::CartNo;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REQUEST_ID: &str = "request-id";

/// What a request is about.
enum Wish<'a> {
    Checkout(Asked<'a>),
    /// An order, by its number.
    Order(&'a str),
}

/// Answers a request to a path of ours.
pub(crate) async fn answer(inner: &Inner, call: &Call) -> Said {
    let asked = match (&call.method, call.parts().as_slice()) {
        (&Method::GET, ["orders", number]) => Ok(Wish::Order(number)),
        (_, ["orders", _]) => Err(NotAsked::Method("GET".to_owned())),
        (_, ["orders", ..]) => Err(NotAsked::Address),
        (_, _) => call.asked(&Method::PUT).map(Wish::Checkout),
    };
    let said = match asked {
        Ok(wish) => match (entered(inner, call), wish) {
            (Ok(client), Wish::Checkout(asked)) => decided(inner, call, client, asked).await,
            (Ok(client), Wish::Order(number)) => ordered(inner, client, number).await,
            (Err(said), _) => said,
        },
        Err(NotAsked::Method(allowed)) => wrong_method(&allowed),
        Err(NotAsked::Address) => no(StatusCode::NOT_FOUND, "not_found", "There is nothing here."),
    };
    match call.header(REQUEST_ID) {
        Some(id) => said.with(REQUEST_ID, id),
        None => said,
    }
}

fn wrong_method(allowed: &str) -> Said {
    let why = "Nothing was done. This address does not take this method.";
    no(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", why).with("allow", allowed)
}

/// Who asks: by an API key, or by a signature under a key that the shop's file names.
fn entered<'a>(inner: &'a Inner, call: &Call) -> Result<&'a Client, Said> {
    if BODY_BYTES_MAX < call.body.len() {
        return Err(no(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "Nothing was done. The body is too long.",
        ));
    }
    if !call.is_json() {
        let why = "Nothing was done. The body has to be JSON.";
        return Err(no(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", why));
    }
    if let Some(version) = call.header(UCP_AGENT).and_then(agent_version).filter(|it| *it != VERSION) {
        let why =
            format!("Nothing was done. This shop speaks {VERSION}, and not `{}`.", version.escape_debug());
        return Err(no(StatusCode::UNPROCESSABLE_ENTITY, "version_unsupported", &why));
    }
    if call.header(UCP_AGENT).and_then(agent_profile).is_none() {
        let why = "Nothing was done. `UCP-Agent` has to name the platform's profile.";
        return Err(no(StatusCode::BAD_REQUEST, "invalid_profile_url", why));
    }
    if call.header("signature-input").is_some() {
        return signed(inner, call).map_err(|fault| {
            let code = match fault {
                NotSigned::Digest => "digest_mismatch",
                NotSigned::UnknownKey => "key_not_found",
                NotSigned::Malformed | NotSigned::Stale | NotSigned::Invalid => "signature_invalid",
            };
            no(StatusCode::UNAUTHORIZED, code, &format!("Nothing was done: {fault}."))
        });
    }
    let bearer = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let key = bearer.or_else(|| call.header("x-api-key"));
    key.and_then(|key| inner.by_key(key)).ok_or_else(|| {
        let why = "Nothing was done. Neither an API key nor a signature says who asks.";
        no(StatusCode::UNAUTHORIZED, "unauthorized", why).with("www-authenticate", "Bearer")
    })
}

fn signed<'a>(inner: &'a Inner, call: &Call) -> Result<&'a Client, NotSigned> {
    let header = |name: &str| call.header(name).map(str::to_owned);
    let headers = Headers {
        signature_input: header("signature-input").ok_or(NotSigned::Malformed)?,
        signature: header("signature").ok_or(NotSigned::Malformed)?,
        content_digest: header("content-digest"),
    };
    let authority = call.authority.as_deref().ok_or(NotSigned::Malformed)?;
    let request = Signable {
        method: call.method.as_str(),
        authority,
        path: &call.path,
        query: call.query.as_deref(),
        agent: call.header(UCP_AGENT),
        idempotency_key: call.header(IDEMPOTENCY_KEY),
        content_type: call.header("content-type").unwrap_or_default(),
        body: &call.body,
    };
    let mut who = None;
    verify(&request, &headers, inner.till.seconds(), |name| {
        let clients = inner.config.clients.iter();
        let mut keys = clients.filter_map(|client| Some((client, client.signs.as_ref()?)));
        let (client, (_, key)) = keys.find(|(_, (id, _))| id == name)?;
        who = Some(client);
        Some(key)
    })?;
    who.ok_or(NotSigned::UnknownKey)
}

async fn ordered(inner: &Inner, client: &Client, number: &str) -> Said {
    match inner.till.ordered(number, &client.name).await {
        Ok(it) => order(&it).map_or_else(|| unknown("order"), |order| Said::new(StatusCode::OK, order)),
        Err(No::Unknown) => unknown("order"),
        Err(why) => refused(why),
    }
}

async fn decided(inner: &Inner, call: &Call, client: &Client, asked: Asked<'_>) -> Said {
    let act = match asked {
        Asked::Look(id) => {
            let looked = inner.till.look(id, &client.name).await;
            return looked.map_or_else(refused, |it| shown(inner, StatusCode::OK, &it));
        }
        Asked::Change(act) => act,
    };
    let fits = |key: &&str| !key.is_empty() && key.len() <= KEY_BYTES_MAX;
    let Some(name) = call.header(IDEMPOTENCY_KEY).filter(fits) else {
        let why = "Nothing was done. `Idempotency-Key` names each change.";
        return no(StatusCode::BAD_REQUEST, "idempotency_key_required", why);
    };
    let place = format!("{} {}", call.method, call.path);
    let key = Key { client: client.name.clone(), place, key: name.to_owned() };
    match inner.once(key, &call.body, done(inner, call, client, name, act)).await {
        Ok(Ok(said) | Err(Before::Replayed(said))) => said,
        Ok(Err(Before::Conflict)) => {
            let why = "Nothing was done. This `Idempotency-Key` was used with another body.";
            no(StatusCode::CONFLICT, "idempotency_conflict", why)
        }
        Ok(Err(Before::InFlight)) => refused(No::Busy),
        Err(fault) => refused(No::Fault(fault.to_string())),
    }
}

async fn done(inner: &Inner, call: &Call, client: &Client, key: &str, act: Act<'_>) -> Said {
    let (till, body, client) = (&inner.till, &call.body, client.name.as_str());
    let (came, status) = match act {
        Act::Create => {
            let wanted = match Wanted::read(body) {
                Ok(wanted) => wanted,
                Err(fault) => return unread(&fault),
            };
            let came = match changed(inner, wanted, None) {
                Ok((change, notes)) => {
                    let came = till.open(&till.name(client, key, body), client, Dialect::Ucp, change).await;
                    came.map(|checkout| noted(checkout, notes))
                }
                Err(why) => Err(why),
            };
            (came, StatusCode::CREATED)
        }
        Act::Update(id) => {
            let wanted = match Wanted::read(body) {
                Ok(wanted) => wanted,
                Err(fault) => return unread(&fault),
            };
            let before = match till.look(id, client).await {
                Ok(checkout) => checkout,
                Err(why) => return refused(why),
            };
            let came = match changed(inner, wanted, before.place.as_ref()) {
                Ok((change, notes)) => {
                    till.change(id, client, change).await.map(|checkout| noted(checkout, notes))
                }
                Err(why) => Err(why),
            };
            (came, StatusCode::OK)
        }
        Act::Complete(id) => {
            let complete = match Complete::read(body) {
                Ok(complete) => complete,
                Err(fault) => return unread(&fault),
            };
            (till.pay(id, client, &complete.handler, &complete.token).await, StatusCode::OK)
        }
        Act::Cancel(id) => (till.cancel(id, client, "canceled by the buyer's side").await, StatusCode::OK),
    };
    came.map_or_else(refused, |checkout| shown(inner, status, &checkout))
}

/// What is put into a checkout, which goes to `place` so far, and what there is to say about it.
fn changed(inner: &Inner, wanted: Wanted, place: Option<&Value>) -> Result<(Change, Vec<Note>), No> {
    let details = match wanted.fulfillment.place {
        Some(Place::New(place)) => Some(place),
        Some(Place::Known(id)) if place.and_then(|it| it.get("id")).is_some_and(|it| *it == *id) => None,
        Some(Place::Known(_)) => {
            return Err(No::Unfit("the selected destination is none of those that were sent".to_owned()));
        }
        None => None,
    };
    let (coupon, notes) = wanted.codes.map_or((None, Vec::new()), |codes| {
        let (coupon, notes) = counts(inner, &codes);
        (Some(coupon), notes)
    });
    let (lines, delivery) = (Some(wanted.lines), wanted.fulfillment.delivery);
    Ok((Change { lines, coupon, delivery, buyer: wanted.buyer, details }, notes))
}

/// The first of the words that is one of the shop's coupons counts; the others are said not to.
fn counts(inner: &Inner, codes: &[String]) -> (Option<String>, Vec<Note>) {
    let coupons = &inner.till.shop.catalogue().coupons;
    let (mut coupon, mut notes) = (None, Vec::new());
    for (n, code) in codes.iter().enumerate() {
        let found = coupons.iter().find(|it| it.code.eq_ignore_ascii_case(code));
        let (kind, content) = match found {
            Some(found) if coupon.is_none() => {
                coupon = Some(found.code.clone());
                continue;
            }
            Some(_) => (NoteKind::CouponAside, "One discount code counts, and another one does already."),
            None => (NoteKind::CouponUnknown, "This shop has no such discount code."),
        };
        let param = Some(format!("$.discounts.codes[{n}]"));
        notes.push(Note { kind, param, content: content.to_owned() });
    }
    (coupon, notes)
}

fn noted(mut checkout: Checkout, notes: Vec<Note>) -> Checkout {
    checkout.notes.extend(notes);
    checkout
}

fn shown(inner: &Inner, status: StatusCode, it: &Checkout) -> Said {
    Said::new(status, checkout(it, &inner.till.handler, &inner.config.links))
}

fn unread(fault: &Fault) -> Said {
    let why = format!("Nothing was done. The request cannot be read: {fault}.");
    no(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &why)
}

fn refused(why: No) -> Said {
    let nothing = |status, code, why: &str| no(status, code, &format!("Nothing was done: {why}."));
    match why {
        No::Unknown => unknown("checkout"),
        No::Cart(why @ (CartNo::ItemUnknown(_) | CartNo::NotOrderable { .. })) => {
            nothing(StatusCode::BAD_REQUEST, "item_unavailable", &why.to_string())
        }
        No::Cart(why) => nothing(StatusCode::BAD_REQUEST, "invalid", &why.to_string()),
        No::Unfit(why) => nothing(StatusCode::BAD_REQUEST, "unsupported", &why),
        No::State(why) => nothing(StatusCode::CONFLICT, "conflict", &why),
        No::Busy => {
            let said =
                nothing(StatusCode::CONFLICT, "in_flight", "the same checkout is being changed or paid");
            said.with("retry-after", RETRY_SECONDS.to_string())
        }
        No::Declined(why) => {
            no(StatusCode::PAYMENT_REQUIRED, "payment_failed", &format!("The payment was refused: {why}"))
        }
        No::Short(why) => nothing(StatusCode::CONFLICT, "out_of_stock", &why),
        No::TooMany => nothing(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many checkouts are open"),
        No::Away(why) => {
            let why =
                format!("It is not known yet whether this was done; send the same request again: {why}.");
            let said = no(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", &why);
            said.with("retry-after", RETRY_SECONDS.to_string())
        }
        No::Fault(fault) => {
            tracing::error!(%fault, "a checkout could not be kept");
            let why = "Something went wrong on our side; send the same request again.";
            no(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", why)
        }
    }
}

/// There is none, or it is somebody else's.
fn unknown(what: &str) -> Said {
    no(StatusCode::NOT_FOUND, "not_found", &format!("Nothing was done: there is no such {what}."))
}

fn no(status: StatusCode, code: &str, why: &str) -> Said {
    let is_final = matches!(status, StatusCode::NOT_FOUND) || code == "version_unsupported";
    let severity = if is_final { Severity::Unrecoverable } else { Severity::Recoverable };
    Said::new(status, error(code, why, severity))
}
