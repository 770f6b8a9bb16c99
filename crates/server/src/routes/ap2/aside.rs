//! The credential provider: money set aside for one checkout, as a payment of x402 that only its payee can collect.

use super::{Presented, Shown, currency};
use crate::answer::Answer;
use crate::auth::Caller;
use crate::bills::{Came, Paying, bill_refused, buyer, identifier, network, unsigned_bill};
use crate::codes::Edge;
use crate::convert::{bits, id};
use crate::problem::{Answered, Problem};
use crate::state::App;
use protocols::a402::{Currency, Malformed};
use protocols::x402::{Payload, Requirements, Scheme};
use serde_json::Map;
use wire::ap2::Ap2Credential;

/// How long a payee may collect by a credential, in seconds: 15 minutes.
pub(super) const CREDENTIAL_SECONDS: u32 = 900;

/// Sets the money aside. The inner error is an answer of the book's by which nothing is.
pub(super) async fn place(
    app: &App,
    caller: &Caller,
    hold: wire::HoldId,
    presented: &Presented<'_>,
    shown: &Shown,
) -> Answered<Result<Ap2Credential, Box<Answer>>> {
    let (Some(currency), amount_minor) = (currency(shown.asset), shown.amount.minor()) else {
        return Err(Edge::Internal.into());
    };
    let accepted = Requirements {
        scheme: Scheme::Exact,
        network: network(app),
        amount_minor,
        currency: Currency::parse(currency.as_str()).map_err(|_| Problem::from(Edge::Internal))?,
        pay_to: identifier(shown.payee.to_string()),
        max_timeout_seconds: CREDENTIAL_SECONDS,
        extra: Map::from_iter([("decimals".to_owned(), shown.asset.scale.into())]),
    };
    let refused = |fault: Malformed| bill_refused(&fault.to_string());
    // The name's own time, so that a repeated request is the same command.
    let demand = accepted.demand(presented.transaction_id, id(hold.0).made_at()).map_err(refused)?;
    let buyer = buyer(caller);
    let bill = unsigned_bill(app, &accepted.price().map_err(refused)?, demand, &buyer)?;
    let paying = Paying {
        id: hold,
        wallet: wire::WalletId(bits(shown.wallet.0)),
        mandate: shown.mandate.map(|mandate| wire::MandateId(bits(mandate.0))),
        approval: None,
        why: None,
        reference: presented.digest(),
    };
    match app.pay_bill(caller, &bill, buyer, paying).await? {
        Came::Paid(paid) => {
            let resource = Some(presented.transaction_id.to_owned());
            let payload = Payload { resource, accepted, credential: paid.proof.payment_proof };
            Ok(Ok(Ap2Credential {
                credential: Some(payload.encode()),
                expires_at: Some(paid.proof.expires_at.as_str().to_owned()),
                receipt: None,
                entry: Some(paid.entry),
                livemode: app.livemode,
            }))
        }
        Came::Else(answer) => Ok(Err(answer)),
        Came::TooLate => Err(bill_refused("it had to be paid earlier")),
    }
}
