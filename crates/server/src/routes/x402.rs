//! The server in x402: payment service of buyers, and facilitator of sellers who speak nothing else.
//!
//! A buyer's payment is a hold, and its payload the credential for it. A facilitator's `settle` moves the money: all of it,
//! by what the buyer's side said when it paid, or as much as a seller says who shows that it is the seller. What is paid on
//! an EVM chain is no money of the book's: [`evm`] has that, where the server is built for it.

#[cfg(feature = "evm")]
mod evm;

use crate::answer::json;
use crate::auth::Kind;
use crate::bills::{Paying, SETTLE, bill_refused, check_unsigned, derived, network};
use crate::codes::Edge;
use crate::convert::id;
use crate::problem::Answered;
use crate::request::Call;
use crate::routes::check_why;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::{Action, Amount, Capture, HoldId, Void};
use evidence::Hash;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderName};
use protocols::a402::{KeyFault, Malformed, NotGenuine, Proof, Refusal};
use protocols::sabotage::{Sabotage, has};
use protocols::x402::{Ask, Fault, Reason, Requirements, Scheme, VERSION};
use serde_json::{Value, json as object};
use wire::unsigned::UnsignedPayment;
use wire::x402::NewX402Payment;

/// Pays what a seller asks for over x402: the money is held for the seller, and the payload says so.
#[utoipa::path(post, path = "/v1/x402/pay", tag = "x402", request_body = NewX402Payment,
    responses((status = 201, description = "Held, with the payload to send", body = UnsignedPayment),
              (status = 202, description = "The owner is asked", body = wire::answer::Asked)))]
pub async fn x402_pay(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let payment: NewX402Payment = call.json()?;
    check_why(payment.why.as_deref())?;
    let accepted =
        Requirements::parse(&payment.accepted).map_err(|fault| bill_refused(&fault.to_string()))?;
    // The name's own time, so that a repeated request is the same command.
    let asked_at = id(payment.id.0).made_at();
    let refused = |fault: Malformed| bill_refused(&fault.to_string());
    let demand = accepted.demand(&payment.resource, asked_at).map_err(refused)?;
    let price = accepted.price().map_err(refused)?;
    let paying = Paying {
        id: payment.id,
        wallet: payment.wallet,
        mandate: payment.mandate,
        approval: payment.approval.as_deref(),
        why: payment.why.as_deref(),
        reference: Hash::of([&payment.accepted, "\n", &payment.resource].concat().as_bytes()),
    };
    app.pay_unsigned(&caller, (price, demand), paying).await
}

/// A payment that a seller shows, which was genuine, in time and for what is asked for.
struct Shown {
    hold: HoldId,
    accepted: Requirements,
    requirements: Requirements,
    payer: String,
}

/// Why a payment does not count, and whose it claims to be.
struct No {
    reason: Reason,
    payer: Option<String>,
    hold: Option<HoldId>,
}

impl From<Fault> for No {
    fn from(fault: Fault) -> No {
        No { reason: fault.reason(), payer: None, hold: None }
    }
}

/// Which kinds of payment this facilitator takes.
#[utoipa::path(get, path = "/v1/x402/supported", tag = "x402", security(()),
    responses((status = 200, description = "The schemes and the network", body = Value)))]
pub async fn x402_supported(State(app): State<App>) -> Response {
    let network = network(&app).as_str();
    let kinds: Vec<Value> = Scheme::ALL
        .iter()
        .map(|scheme| object!({ "x402Version": VERSION, "scheme": scheme.as_str(), "network": network }))
        .collect();
    #[cfg(feature = "evm")]
    let (kinds, signers) = evm::supported(&app, kinds);
    #[cfg(not(feature = "evm"))]
    let signers = object!({});
    json(StatusCode::OK, &object!({ "kinds": kinds, "extensions": [], "signers": signers }))
}

/// Says whether a payment counts for what a seller asks. Nothing moves.
#[utoipa::path(post, path = "/v1/x402/verify", tag = "x402", security(()), request_body = Value,
    responses((status = 200, description = "Whether it counts, and why not", body = Value)))]
pub async fn x402_verify(State(app): State<App>, call: Call) -> Answered<Response> {
    #[cfg(feature = "evm")]
    if let Some(answer) = evm::verify(&app, &call).await {
        return Ok(answer);
    }
    let said = match shown(&app, &call) {
        Ok(shown) => match stands(&app, &shown).await? {
            None => object!({ "isValid": true, "payer": shown.payer }),
            Some(reason) => {
                object!({ "isValid": false, "invalidReason": reason.as_str(), "payer": shown.payer })
            }
        },
        Err(no) => object!({ "isValid": false, "invalidReason": no.reason.as_str(), "payer": no.payer }),
    };
    Ok(json(StatusCode::OK, &said))
}

/// Moves the money to the seller: once. Whoever settles `upto` signs as the seller.
#[utoipa::path(post, path = "/v1/x402/settle", tag = "x402", security((), ("signature" = []), ("session" = [])),
    request_body = Value,
    responses((status = 200, description = "Whether the seller has it, and why not", body = Value)))]
pub async fn x402_settle(State(app): State<App>, call: Call) -> Answered<Response> {
    #[cfg(feature = "evm")]
    if let Some(answer) = evm::settle(&app, &call).await {
        return Ok(answer);
    }
    let network = network(&app).as_str();
    let shown = match shown(&app, &call) {
        Ok(shown) => shown,
        Err(no) => {
            let transaction = no.hold.map(|hold| hold.to_string()).unwrap_or_default();
            return Ok(not_settled(no.reason, &transaction, no.payer.as_deref(), network));
        }
    };
    let transaction = shown.hold.to_string();
    match settle(&app, &call, &shown).await {
        Ok(amount_minor) => Ok(json(
            StatusCode::OK,
            &object!({
                "success": true,
                "transaction": transaction,
                "network": network,
                "payer": shown.payer,
                "amount": amount_minor.to_string(),
            }),
        )),
        Err(reason) => Ok(not_settled(reason, &transaction, Some(&shown.payer), network)),
    }
}

fn not_settled(reason: Reason, transaction: &str, payer: Option<&str>, network: &str) -> Response {
    let said = object!({
        "success": false,
        "errorReason": reason.as_str(),
        "transaction": transaction,
        "network": network,
        "payer": payer,
    });
    json(StatusCode::OK, &said)
}

/// Everything about a payment that can be checked without the book.
fn shown(app: &App, call: &Call) -> Result<Shown, No> {
    let Ask { payload, requirements } = Ask::read(&call.body)?;
    let no = |reason| No { reason, payer: None, hold: None };
    if requirements.network != network(app) || payload.accepted.network != network(app) {
        return Err(no(Reason::InvalidNetwork));
    }
    // What a seller has billed itself, it also checks itself.
    if !payload.accepted.fit(&requirements) || payload.accepted.are_billed() {
        return Err(no(Reason::InvalidRequirements));
    }
    let proof = Proof::of_credential(payload.credential).map_err(|_| no(Reason::InvalidPayload))?;
    let hold: HoldId = proof.trade_no.as_str().parse().map_err(|_| no(Reason::InvalidPayload))?;
    let payer = proof.buyer_unique_id.as_str().to_owned();
    let no = |reason| No { reason, payer: Some(payer.clone()), hold: Some(hold) };
    // Some clients cannot say what they buy when they pay: what they paid is bound to seller and amount.
    let demands = [payload.resource.as_deref().unwrap_or_default(), ""]
        .map(|resource| payload.accepted.demand(resource, hold.0.made_at()));
    let [Ok(bound), Ok(unbound)] = demands else { return Err(no(Reason::InvalidRequirements)) };
    let is_unbound = proof.request_fingerprint == unbound.request_fingerprint;
    let demand = if is_unbound { unbound } else { bound };
    check_unsigned(app, &proof, &demand).map_err(|refusal| no(reason_of(&refusal)))?;
    Ok(Shown { hold, accepted: payload.accepted, requirements, payer })
}

fn reason_of(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::NotGenuine(NotGenuine::Malformed(_)) => Reason::InvalidPayload,
        Refusal::NotGenuine(NotGenuine::Key(
            KeyFault::UnknownKey | KeyFault::WrongOwner | KeyFault::WrongAlgorithm | KeyFault::BadSignature,
        )) => Reason::InvalidSignature,
        Refusal::Expired | Refusal::NotYetIssued | Refusal::LivesTooLong | Refusal::PaidLate => {
            Reason::Expired
        }
        Refusal::MethodDiffers | Refusal::Differs { .. } | Refusal::NotTheBuyer | Refusal::NotOurBill(_) => {
            Reason::InvalidRequirements
        }
    }
}

/// Why a genuine payment can no longer be settled, as far as is known now.
async fn stands(app: &App, shown: &Shown) -> Answered<Option<Reason>> {
    use engine::views::State as S;
    let hold = shown.hold.0;
    let row = app.ask(move |view| Ok(view.purchase(hold)?)).await?;
    Ok(match row.map(|row| row.state) {
        // It is too new to be shown, and was stated by us.
        None | Some(S::Held) => None,
        Some(S::Captured | S::Paid) if has(Sabotage::AnyTime) => None,
        Some(S::Captured | S::Paid) => Some(Reason::AlreadySettled),
        Some(S::Voided | S::Expired | S::Disputed) => Some(Reason::Released),
    })
}

/// Captures what was agreed to, or as much of it as the seller asks; the rest goes back.
async fn settle(app: &App, call: &Call, shown: &Shown) -> Result<u128, Reason> {
    let hold = shown.hold;
    let amount = Amount::new(shown.requirements.amount_minor).ok_or(Reason::InvalidRequirements)?;
    let came = match shown.accepted.scheme {
        Scheme::Exact => app.settle_whole(hold, amount).await,
        Scheme::Upto => settle_part(app, call, hold, amount).await?,
    };
    match came {
        Ok(()) => Ok(amount.minor()),
        Err(_) if has(Sabotage::AnyTime) => Ok(amount.minor()),
        Err(problem) => Err(match problem.code() {
            "already_settled" => Reason::AlreadySettled,
            "hold_closed" | "id_reused" => match stands(app, shown).await {
                Ok(Some(reason)) => reason,
                Ok(None) | Err(_) => Reason::AlreadySettled,
            },
            "hold_expired" => Reason::Expired,
            "hold_unknown" => Reason::SellerUnknown,
            "owner_frozen" | "wallet_frozen" | "wallet_closed" | "agent_frozen" | "agent_revoked"
            | "mandate_frozen" | "mandate_revoked" | "key_revoked" => Reason::PayerStopped,
            _ => Reason::Unknown,
        }),
    }
}

/// Captures as much as its seller says, who has to show that he is.
async fn settle_part(app: &App, call: &Call, hold: HoldId, amount: Amount) -> Result<Answered<()>, Reason> {
    let signs = call.headers.contains_key(AUTHORIZATION)
        || call.headers.contains_key(HeaderName::from_static("signature-input"));
    if !signs {
        return Err(Reason::SellerUnknown);
    }
    let caller = app.caller(call, &[Kind::Payee]).await.map_err(|_| Reason::SellerUnknown)?;
    let action = if amount.is_zero() {
        Action::Void(Void { hold })
    } else {
        Action::Capture(Capture { hold, amount, last: true })
    };
    let answer = app.execute(&caller, derived(hold, SETTLE), action).await;
    Ok(answer.and_then(|answer| if answer.is_repeated() { Err(Edge::AlreadySettled.into()) } else { Ok(()) }))
}
