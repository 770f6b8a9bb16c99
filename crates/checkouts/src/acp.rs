//! The door for clients of ACP: checkout sessions.

use crate::config::Client;
use crate::doors::{Before, Inner};
use crate::limits::{BODY_BYTES_MAX, KEY_BYTES_MAX, RETRY_SECONDS};
use crate::said::{Act, Asked, Call, NotAsked, Said};
use crate::store::{Dialect, Key};
use crate::till::{Change, No};
use http::{Method, StatusCode};
use protocols::acp::request::{Cancel, Complete, Create, Fault, Update, WantedItem};
use protocols::acp::session::{Speaker, session};
use protocols::acp::{API_VERSION, AcpError, ErrorKind, IDEMPOTENCY_KEY, REPLAYED, REQUEST_ID, VERSION};
use protocols::checkout::Checkout;
use serde_json::Value;

/// Answers a request to a path of ours.
pub(crate) async fn answer(inner: &Inner, call: &Call) -> Said {
    let said = match call.asked(&Method::POST) {
        Ok(asked) => match entered(inner, call) {
            Ok(client) => decided(inner, call, client, asked).await,
            Err(said) => said,
        },
        Err(NotAsked::Method(allowed)) => wrong_method(&allowed),
        Err(NotAsked::Address) => {
            no(StatusCode::NOT_FOUND, AcpError::invalid("not_found", "There is nothing here."))
        }
    };
    match call.header(REQUEST_ID) {
        Some(id) => said.with(REQUEST_ID, id),
        None => said,
    }
}

fn wrong_method(allowed: &str) -> Said {
    let error =
        AcpError::invalid("method_not_allowed", "Nothing was done. This address does not take this method.");
    no(StatusCode::METHOD_NOT_ALLOWED, error).with("allow", allowed)
}

/// Who asks, where it may, in the version that is spoken.
fn entered<'a>(inner: &'a Inner, call: &Call) -> Result<&'a Client, Said> {
    let key = call.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let client = key.and_then(|key| inner.by_key(key)).ok_or_else(|| {
        let error =
            AcpError::invalid("unauthorized", "Nothing was done. The API key is missing or not known.");
        no(StatusCode::UNAUTHORIZED, error).with("www-authenticate", "Bearer")
    })?;
    if call.header(API_VERSION) != Some(VERSION) {
        return Err(Said::new(StatusCode::BAD_REQUEST, AcpError::of_version()));
    }
    if BODY_BYTES_MAX < call.body.len() {
        let error = AcpError::invalid("body_too_large", "Nothing was done. The body is longer than 64 KiB.");
        return Err(no(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    if !call.is_json() {
        let error = AcpError::invalid("unsupported_media_type", "Nothing was done. The body has to be JSON.");
        return Err(no(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    Ok(client)
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
        let error = AcpError::invalid(
            "idempotency_key_required",
            "Nothing was done. `Idempotency-Key` names each change.",
        );
        return no(StatusCode::BAD_REQUEST, error);
    };
    let key = Key { client: client.name.clone(), place: format!("POST {}", call.path), key: name.to_owned() };
    let said = match inner.once(key, &call.body, done(inner, call, client, name, act)).await {
        Ok(Ok(said)) => said,
        Ok(Err(Before::Replayed(said))) => said.with(REPLAYED, "true"),
        Ok(Err(Before::Conflict)) => {
            let error = AcpError::invalid(
                "idempotency_conflict",
                "Nothing was done. This `Idempotency-Key` was used with another body.",
            );
            no(StatusCode::UNPROCESSABLE_ENTITY, error)
        }
        Ok(Err(Before::InFlight)) => in_flight(),
        Err(fault) => refused(No::Fault(fault.to_string())),
    };
    said.with(IDEMPOTENCY_KEY, name)
}

async fn done(inner: &Inner, call: &Call, client: &Client, key: &str, act: Act<'_>) -> Said {
    let (till, body, client) = (&inner.till, &call.body, client.name.as_str());
    let (came, status) = match act {
        Act::Create => {
            let came = match Create::read(body) {
                Ok(create) if create.currency != currency(inner) => Err(other_currency(inner)),
                Ok(create) => {
                    let change = Change {
                        lines: Some(lines(create.items)),
                        coupon: Some(create.coupons.into_iter().next()),
                        delivery: None,
                        buyer: create.buyer,
                        details: create.details,
                    };
                    till.open(&till.name(client, key, body), client, Dialect::Acp, change).await
                }
                Err(fault) => return unread(&fault),
            };
            (came, StatusCode::CREATED)
        }
        Act::Update(id) => {
            let came = match Update::read(body) {
                Ok(update) => {
                    let change = Change {
                        lines: update.items.map(lines),
                        coupon: update.coupons.map(|coupons| coupons.into_iter().next()),
                        delivery: update.delivery,
                        buyer: update.buyer,
                        details: update.details,
                    };
                    till.change(id, client, change).await
                }
                Err(fault) => return unread(&fault),
            };
            (came, StatusCode::OK)
        }
        Act::Complete(id) => {
            let came = match Complete::read(body) {
                Ok(complete) => till.pay(id, client, &complete.handler, &complete.token).await,
                Err(fault) => return unread(&fault),
            };
            (came, StatusCode::OK)
        }
        Act::Cancel(id) => {
            let came = match Cancel::read(body) {
                Ok(cancel) => {
                    let reason = cancel.reason.unwrap_or_else(|| "canceled by the buyer's side".to_owned());
                    till.cancel(id, client, &reason).await
                }
                Err(fault) => return unread(&fault),
            };
            (came, StatusCode::OK)
        }
    };
    came.map_or_else(refused, |checkout| shown(inner, status, &checkout))
}

fn shown(inner: &Inner, status: StatusCode, checkout: &Checkout) -> Said {
    let speaker = Speaker { handler: &inner.till.handler, links: &inner.config.links };
    Said::new(status, session(checkout, speaker))
}

/// Each mention is one of the item, unless it says how many.
fn lines(items: Vec<WantedItem>) -> Vec<(String, u32)> {
    items.into_iter().map(|item| (item.id, item.quantity.unwrap_or(1))).collect()
}

fn currency(inner: &Inner) -> String {
    inner.till.currency.as_str().to_ascii_lowercase()
}

fn other_currency(inner: &Inner) -> No {
    No::Unfit(format!("this shop sells in `{}`", currency(inner)))
}

fn unread(fault: &Fault) -> Said {
    let error =
        AcpError::invalid("invalid", format!("Nothing was done. The request cannot be read: {fault}."));
    no(StatusCode::BAD_REQUEST, error)
}

fn in_flight() -> Said {
    let error = AcpError::invalid(
        "idempotency_in_flight",
        "The same request is being answered; ask again in a moment.",
    );
    no(StatusCode::CONFLICT, error).with("retry-after", RETRY_SECONDS.to_string())
}

/// A 409 is of requests under way only, and says when to ask again; a session that has gone on answers as ACP has it for one that
/// is to be canceled too late.
fn refused(why: No) -> Said {
    let nothing = |code, why: String| AcpError::invalid(code, format!("Nothing was done: {why}."));
    let later = |why: String| AcpError {
        kind: ErrorKind::ServiceUnavailable,
        code: "service_unavailable",
        message: format!("It is not known yet whether this was done; send the same request again: {why}."),
        param: None,
    };
    match why {
        No::Unknown => {
            no(StatusCode::NOT_FOUND, nothing("not_found", "there is no such checkout session".to_owned()))
        }
        No::Cart(why) => no(StatusCode::BAD_REQUEST, nothing("invalid", why.to_string()).of("$.line_items")),
        No::Unfit(why) => no(StatusCode::BAD_REQUEST, nothing("unsupported", why)),
        No::State(why) => no(StatusCode::METHOD_NOT_ALLOWED, nothing("conflict", why)),
        No::Busy => in_flight(),
        No::Declined(why) => {
            let error = AcpError::invalid("payment_declined", format!("The payment was refused: {why}"));
            no(StatusCode::PAYMENT_REQUIRED, error.of("$.payment_data.instrument.credential.token"))
        }
        No::Short(why) => no(StatusCode::BAD_REQUEST, nothing("out_of_stock", why).of("$.line_items")),
        No::TooMany => {
            let why = "too many checkout sessions are open".to_owned();
            no(StatusCode::TOO_MANY_REQUESTS, nothing("rate_limited", why))
        }
        No::Away(why) => {
            no(StatusCode::SERVICE_UNAVAILABLE, later(why)).with("retry-after", RETRY_SECONDS.to_string())
        }
        No::Fault(fault) => {
            tracing::error!(%fault, "a checkout session could not be kept");
            let error = AcpError {
                kind: ErrorKind::ProcessingError,
                code: "internal_error",
                message: "Something went wrong on our side; send the same request again.".to_owned(),
                param: None,
            };
            no(StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    }
}

fn no(status: StatusCode, error: AcpError) -> Said {
    let body: Value = error.to_json();
    Said::new(status, body)
}
