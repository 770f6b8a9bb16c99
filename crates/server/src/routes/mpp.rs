//! The `Payment` scheme of HTTP authentication: the server as payment service of its method `toll`, for buyers and for
//! sellers who speak nothing else.

use crate::answer::json;
use crate::auth::Kind;
use crate::bills::{Paying, bill_refused, check_unsigned, unsigned_bill};
use crate::codes::Edge;
use crate::convert::{bits, id};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::check_why;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::HoldId;
use evidence::Hash;
use http::StatusCode;
use protocols::a402::Proof;
use protocols::mpp::{Challenge, Credential};
use wire::mpp::{MppSettlement, NewMppPayment, NewMppSettlement};
use wire::unsigned::UnsignedPayment;

/// Pays a challenge of the method `toll`: the money is held for the seller, and the payload says so.
#[utoipa::path(post, path = "/v1/mpp/pay", tag = "mpp", request_body = NewMppPayment,
    responses((status = 201, description = "Held, with the payload to send", body = UnsignedPayment),
              (status = 202, description = "The owner is asked", body = wire::answer::Asked)))]
pub async fn mpp_pay(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let payment: NewMppPayment = call.json()?;
    check_why(payment.why.as_deref())?;
    let challenge = Challenge::parse(&payment.challenge).map_err(|fault| bill_refused(&fault.to_string()))?;
    // The name's own time, so that a repeated request is the same command.
    let asked_at = id(payment.id.0).made_at();
    let demand = challenge.demand(asked_at).map_err(|fault| bill_refused(&fault.to_string()))?;
    let price = challenge.price().map_err(|fault| bill_refused(&fault.to_string()))?;
    let paying = Paying {
        id: payment.id,
        wallet: payment.wallet,
        mandate: payment.mandate,
        approval: payment.approval.as_deref(),
        why: payment.why.as_deref(),
        reference: Hash::of(payment.challenge.as_bytes()),
    };
    app.pay_unsigned(&caller, (price, demand), paying).await
}

/// Gives a seller what a credential pays: once, and all of it. The buyer's side agreed to that when it paid.
#[utoipa::path(post, path = "/v1/mpp/settle", tag = "mpp", security(()), request_body = NewMppSettlement,
    responses((status = 201, description = "The seller has it", body = MppSettlement)))]
pub async fn mpp_settle(State(app): State<App>, call: Call) -> Answered<Response> {
    let asked: NewMppSettlement = call.json()?;
    let refused = |why: &dyn std::fmt::Display| {
        Problem::from(Edge::CredentialRefused)
            .because(format!("Nothing was moved. It does not count: {why}."))
    };
    let Credential { challenge, credential } =
        Credential::decode(&asked.authorization).map_err(|fault| refused(&fault))?;
    // What a seller has billed itself, it also checks itself.
    if challenge.is_billed() {
        return Err(refused(&"its seller collects it itself"));
    }
    let proof = Proof::of_credential(credential).map_err(|fault| refused(&fault))?;
    let hold: HoldId = proof.trade_no.as_str().parse().map_err(|_| refused(&"it is no payment of ours"))?;
    let demand = challenge.demand(hold.0.made_at()).map_err(|fault| refused(&fault))?;
    let price = challenge.price().map_err(|fault| refused(&fault))?;
    check_unsigned(&app, &proof, &demand).map_err(|refusal| refused(&refusal))?;
    let bill = unsigned_bill(&app, &price, demand, &proof.buyer_unique_id)?;
    app.settle_whole(hold, bill.amount).await?;
    let answer = MppSettlement {
        hold: wire::HoldId(bits(hold.0)),
        amount: crate::convert::money(bill.amount, bill.asset),
        payer: proof.buyer_unique_id.as_str().to_owned(),
        challenge: challenge.id,
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &answer))
}
