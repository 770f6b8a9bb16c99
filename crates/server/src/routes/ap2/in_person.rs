//! The trusted surface for an owner who is there: what they approve is signed closed, and the money set aside for its payee.
//!
//! Owners pay out of their own wallets, so no limit of an agent's is asked. The payment mandate names the hold, whose entry has its
//! digest, so the same request is answered with the same payment mandate.

use super::aside::{self, CREDENTIAL_SECONDS};
use super::{Presented, Shown, currency, instrument, issued, keep, key_id, seconds};
use crate::answer::json;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{amount, id, registered};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::{Asset, Denial, HoldId, KeyHolder, PayeeId, Payees, Presence, WalletId};
use http::StatusCode;
use protocols::ap2::{
    self, Addressed, Claimed, ClosedCheckout, Lifetime, Mandate, Merchant, Money, Payment, Refusal,
};
use wire::ap2::{Ap2Approval, NewAp2Approval};

/// Approves one checkout for an owner who is there: signs both mandates, and sets the money aside for the payee. The request has
/// to be signed by the owner's key, or made in a session that was just confirmed.
#[utoipa::path(post, path = "/v1/ap2/approvals", tag = "ap2", request_body = NewAp2Approval,
    responses((status = 201, description = "Both mandates, and the credential for the payee", body = Ap2Approval)))]
pub async fn ap2_approve(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    match caller.presence {
        Presence::Fresh => {}
        Presence::Session => return Err(Denial::PresenceRequired.into()),
    }
    let asked: NewAp2Approval = call.json()?;
    let asset = registered(&app.directory, asked.amount.asset, "amount")?;
    let shown = Shown {
        wallet: WalletId(id(asked.wallet.0)),
        mandate: None,
        payee: PayeeId(id(asked.payee.0)),
        amount: amount(asked.amount.amount),
        asset,
    };
    let lifetime = Lifetime {
        // The name's own time, as the credential's.
        issued_at: Some(seconds(id(asked.id.0).made_at())),
        valid_from: None,
        expires_at: Some(seconds(id(asked.id.0).made_at()).saturating_add(u64::from(CREDENTIAL_SECONDS))),
    };
    let checkout = ClosedCheckout::of(asked.checkout_jwt.clone(), lifetime);
    let transaction_id = checkout.checkout_hash.clone();
    let money = stated(&asked, asset)?;
    let name = asked.id.to_string();
    let checkout_mandate = issued(&app, &Mandate::Checkout(checkout))?;
    let payment_mandate =
        match kept(&app, caller.holder, HoldId(id(asked.id.0)), &shown, &transaction_id).await? {
            Some(payment_mandate) => payment_mandate,
            None => {
                let payee = asked.payee.to_string();
                let payment = Payment {
                    transaction_id: transaction_id.clone(),
                    payee: Merchant { id: payee.clone(), name: payee, website: None },
                    amount: money,
                    instrument: instrument(shown.wallet),
                    pisp: None,
                    execution_date: None,
                    risk_data: None,
                    lifetime,
                };
                approved(&app, &Mandate::Payment(Box::new(payment)), &name)?
            }
        };
    keep(&app, &checkout_mandate)?;
    keep(&app, &payment_mandate)?;
    let presented = Presented {
        name,
        payment_mandate: &payment_mandate,
        open_checkout: "",
        transaction_id: &transaction_id,
    };
    let credential = match aside::place(&app, &caller, asked.id, &presented, &shown).await? {
        Ok(credential) => credential,
        // Nobody asks an owner about their own payment.
        Err(_) => return Err(Edge::Internal.into()),
    };
    let (Some(credential), Some(expires_at), Some(entry)) =
        (credential.credential, credential.expires_at, credential.entry)
    else {
        return Err(Edge::Internal.into());
    };
    let said = Ap2Approval {
        id: asked.id,
        checkout_mandate,
        payment_mandate,
        transaction_id,
        audience: app.origin.clone(),
        credential,
        expires_at,
        entry,
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &said))
}

/// The amount in AP2's words, if it is what the checkout comes to, where that says so.
fn stated(asked: &NewAp2Approval, asset: Asset) -> Answered<Money> {
    let refused = |param, why: String| Problem::from(Edge::OpenMandateRefused).of(param).because(why);
    let unfit = |why: &str| refused("amount", format!("Nothing was signed or spent. {why}"));
    let currency = currency(asset).ok_or_else(|| unfit("AP2 pays in currencies of ISO 4217 only."))?;
    let amount_minor = u64::try_from(asked.amount.amount.minor()).ok();
    let amount_minor = amount_minor
        .filter(|minor| 0 < *minor && *minor <= protocols::limits::AP2_AMOUNT_MINOR_MAX)
        .ok_or_else(|| unfit("AP2 has no such amount."))?;
    let money = Money { amount_minor, currency };
    let total = ap2::total_of(&asked.checkout_jwt).map_err(|refusal: Refusal| {
        refused("checkout_jwt", format!("Nothing was signed or spent. It is no checkout of AP2: {refusal}."))
    })?;
    match total {
        Some(total) if total != money => Err(unfit("The checkout comes to another amount.")),
        Some(_) | None => Ok(money),
    }
}

/// A closed mandate for this server and this hold alone.
fn approved(app: &App, mandate: &Mandate, name: &str) -> Answered<String> {
    let to = Addressed { audience: &app.origin, nonce: name, at: app.clock.now() };
    let signed = ap2::approve(mandate, &app.mandate_key, &key_id(app), &to, &mut rand::random);
    signed.map_err(|refusal| Problem::from(Edge::OpenMandateRefused).because(format!("{refusal}.")))
}

/// The payment mandate of this hold, where the same was approved before.
async fn kept(
    app: &App,
    holder: KeyHolder,
    hold: HoldId,
    shown: &Shown,
    transaction_id: &str,
) -> Answered<Option<String>> {
    let (wallet, payee, amount) = (shown.wallet, shown.payee, shown.amount);
    let digest = app.ask(move |view| {
        let Some(row) = view.hold(hold)? else { return Ok(None) };
        let is_theirs = view.wallet(wallet)?.is_some_and(|wallet| KeyHolder::Owner(wallet.owner) == holder);
        let purchase = row.purchase;
        let is_same =
            purchase.wallet == wallet && purchase.to == Payees::One(payee) && purchase.amount == amount;
        Ok(purchase.reference.filter(|_| is_theirs && is_same))
    });
    let Some(digest) = digest.await? else { return Ok(None) };
    let text = app.bodies.text(digest).map_err(|fault| {
        tracing::error!(%fault, "a mandate cannot be read");
        Problem::from(Edge::Internal)
    })?;
    Ok(text.filter(|text| is_for(text, transaction_id)))
}

/// Whether a payment mandate is for this checkout.
fn is_for(text: &str, transaction_id: &str) -> bool {
    let stated = Claimed::read(text).map(|claimed| claimed.stated()).unwrap_or_default();
    matches!(stated.as_slice(), [Ok(Mandate::Payment(payment))] if payment.transaction_id == transaction_id)
}
