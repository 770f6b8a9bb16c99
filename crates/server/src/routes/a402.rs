//! A402: the server as payment service. It pays demands out of wallets, says once whether a proof counts, and moves the
//! money when the seller has said how the delivery ended.
//!
//! A payment is a hold, its number is the hold's name, and its redemption is an entry of the book: so once-only
//! survives a restart. Paying, validating and fulfilling are three steps; none is taken as evidence of the next.

use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::bills::{
    Bill, Came, Paying, buyer, credential_key_id, credential_keys, derived, identifier, network,
};
use crate::codes::Edge;
use crate::convert::{bits, id, registered, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::show;
use crate::recent::Bought;
use crate::request::{Call, path_id};
use crate::routes::check_why;
use crate::standing::{self, Status};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, Amount, Capture, CloseMeter, HoldId, Id, KeyHolder, MeterId, PayeeId, Purchase, Redeem, Reject,
    Seq, Void,
};
use engine::views::Form;
use evidence::{Hash, base64url};
use http::StatusCode;
use protocols::a402::wallet::{Collection, WalletTerms, method_version};
use protocols::a402::{
    CannotPay, Credential, ErrorId, HttpMethod, Identifier, KeyFault, Keyring, Needed, Proof, ProofCheck,
    RequestFacts, TradeState, check_own_proof,
};
use wire::a402::{
    A402Facts, A402Outcome, A402Payment, A402Trade, A402Verification, NewA402Confirmation, NewA402Payment,
    NewA402Verification,
};
use wire::problem::A402Error;

/// Pays a seller's demand: the money is held for the seller, and the proof says so. Where the demand is metered, a meter is
/// opened instead, and the seller collects what it counts.
#[utoipa::path(post, path = "/v1/a402/pay", tag = "a402", request_body = NewA402Payment,
    responses((status = 201, description = "Held, with the proof to send", body = A402Payment),
              (status = 202, description = "The owner is asked", body = wire::answer::Asked)))]
pub async fn a402_pay(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let payment: NewA402Payment = call.json()?;
    check_why(payment.why.as_deref())?;
    let (bill, buyer) = open_bill(&app, &caller, &payment.payment_needed)?;
    let paying = Paying {
        id: payment.id,
        wallet: payment.wallet,
        mandate: payment.mandate,
        approval: payment.approval.as_deref(),
        why: payment.why.as_deref(),
        reference: Hash::of(payment.payment_needed.as_bytes()),
    };
    let paid = match app.pay_bill(&caller, &bill, buyer, paying).await.map_err(in_the_catalogue)? {
        Came::Paid(paid) => paid,
        Came::Else(answer) => return Ok(json(answer.status(), &answer)),
        Came::TooLate => {
            return Err(refused(CannotPay::TooLate.error_id(), "the demand had to be paid earlier."));
        }
    };
    let payment_proof = paid.proof.encode().map_err(|_| Problem::from(Edge::HeldWithoutProof))?;
    let answer = A402Payment {
        trade_no: payment.id,
        hold: payment.id,
        meter: paid.meter,
        expires_at: paid.proof.expires_at.as_str().to_owned(),
        payment_proof,
        entry: paid.entry,
        repeated: paid.repeated,
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &answer))
}

fn open_bill(app: &App, caller: &Caller, header: &str) -> Answered<(Bill, Identifier)> {
    let (bill, buyer) = (read_bill(app, header)?, buyer(caller));
    if bill.demand.buyer_unique_id.as_ref().is_some_and(|named| *named != buyer) {
        return Err(refused(CannotPay::OtherBuyer.error_id(), "the demand is for another buyer."));
    }
    Ok((bill, buyer))
}

/// Reads a demand, whoever is to pay it.
pub(crate) fn read_bill(app: &App, header: &str) -> Answered<Bill> {
    let needed =
        Needed::decode(header).map_err(|fault| refused(ErrorId::RequestInvalid, &fault.to_string()))?;
    let terms = WalletTerms::read(&needed.demand, &needed.method).map_err(|fault| {
        use protocols::a402::wallet::TermsFault as F;
        let error = match &fault {
            F::OtherMethod { .. } => ErrorId::MethodUnsupported,
            F::Malformed(_)
            | F::NetworkDiffers
            | F::CurrencyDiffers
            | F::PspInTheOpen
            | F::AmountTooFine { .. } => ErrorId::RequestInvalid,
        };
        refused(error, &fault.to_string())
    })?;
    let collection = Collection::read(&needed.method)
        .map_err(|fault| refused(ErrorId::RequestInvalid, &fault.to_string()))?;
    if terms.network != network(app) {
        return Err(refused(ErrorId::MethodUnsupported, "the demand is for another network."));
    }
    let payee: PayeeId = (terms.payee.as_str().parse())
        .map_err(|_| refused(ErrorId::ParticipantInvalid, "the demand names no payee of this server."))?;
    if needed.demand.seller_unique_id != terms.payee {
        return Err(refused(ErrorId::ParticipantInvalid, "the seller is not the one who would be paid."));
    }
    needed.verify(&seller_keys(app, payee)).map_err(|fault| {
        let error = match fault {
            KeyFault::UnknownKey | KeyFault::WrongOwner => ErrorId::ParticipantInvalid,
            KeyFault::WrongAlgorithm | KeyFault::BadSignature => ErrorId::SignatureInvalid,
        };
        refused(error, &fault.to_string())
    })?;
    let minor = terms.amount_minor(&needed.demand);
    let minor = minor.map_err(|fault| refused(ErrorId::RequestInvalid, &fault.to_string()))?;
    let amount = Amount::new(minor).ok_or_else(|| Problem::from(Reject::AmountTooLarge))?;
    let asset = terms.asset.as_str().parse().map_err(|_| Problem::from(Reject::AssetUnknown))?;
    let asset = registered(&app.directory, asset, "payment_needed")?;
    Ok(Bill { demand: needed.demand, payee, amount, asset, collection })
}

/// The active keys of one seller: demands are signed by these, under their names.
fn seller_keys(app: &App, payee: PayeeId) -> Keyring {
    let mut keys = Keyring::default();
    for (name, key) in app.directory.keys_of_payee(payee) {
        keys.trust(identifier(name.to_string()), identifier(payee.to_string()), (*key).clone());
    }
    keys
}

/// Says whether a proof counts for the request that came with it, and redeems it: once.
#[utoipa::path(post, path = "/v1/a402/verify", tag = "a402", request_body = NewA402Verification,
    responses((status = 201, description = "It counts, for this delivery", body = A402Verification)))]
pub async fn a402_verify(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let asked: NewA402Verification = call.json()?;
    let credential = check(&app, &asked)?;
    if credential.seller_unique_id != buyer(&caller) {
        return Err(refused(ErrorId::ParticipantInvalid, "the payment was made to another seller."));
    }
    let trade_no: HoldId =
        credential.trade_no.as_str().parse().map_err(|_| Problem::from(Edge::TradeUnknown))?;
    let delivery = delivery(&credential);
    let action = Action::Redeem(Redeem { hold: trade_no, delivery });
    let answer =
        app.execute(&caller, derived(trade_no, &delivery.0), action).await.map_err(in_the_catalogue)?;
    let repeated = matches!(&answer, Answer::Done(done) if done.repeated);
    let entry = answer.entry();
    let bought = app.bought(trade_no.0).await?.ok_or_else(|| Problem::from(Edge::TradeUnknown))?;
    let meter = (bought.form == Form::Meter).then(|| wire::MeterId(bits(trade_no.0)));
    let answer = A402Verification {
        trade_no: wire::HoldId(bits(trade_no.0)),
        out_trade_no: credential.out_trade_no.as_str().to_owned(),
        resource_id: credential.resource_id.as_str().to_owned(),
        buyer_unique_id: credential.buyer_unique_id.as_str().to_owned(),
        amount: credential.amount.as_str().to_owned(),
        currency: credential.currency.as_str().to_owned(),
        meter,
        delivery_key: base64url::encode(delivery.as_bytes()),
        expires_at: credential.expires_at.as_str().to_owned(),
        transaction_state: TradeState::WaitSellerFulfillment.as_str().to_owned(),
        entry,
        repeated,
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &answer))
}

/// Everything that can say no to a proof before it is redeemed.
fn check(app: &App, asked: &NewA402Verification) -> Answered<Credential> {
    let invalid = |why: &dyn std::fmt::Display| refused(ErrorId::ProofInvalid, &why.to_string());
    let proof = Proof::decode(&asked.payment_proof).map_err(|fault| invalid(&fault))?;
    let keys = credential_keys(app);
    let method_id = network(app).method_id();
    if proof.method_id != method_id || proof.method_version != method_version() {
        return Err(refused(ErrorId::MethodUnsupported, "the proof is for another payment method."));
    }
    let request = request_facts(&asked.facts)?;
    let verified = check_own_proof(
        (&method_id, &method_version()),
        ProofCheck { proof: &proof, request: &request, psp_keys: &keys, now: app.clock.now() },
    );
    let verified = verified.map_err(|fault| refused(fault.error_id(), &fault.to_string()))?;
    let credential = verified.credential().clone();
    let facts = &asked.facts;
    if facts.resource_id != credential.resource_id.as_str()
        || facts.out_trade_no != credential.out_trade_no.as_str()
    {
        return Err(refused(ErrorId::ProofInvalid, "the proof is for another order or resource."));
    }
    Ok(credential)
}

fn request_facts(facts: &A402Facts) -> Answered<RequestFacts> {
    let malformed = |param: &'static str| Problem::from(Edge::BodyMalformed).of(param);
    Ok(RequestFacts {
        method: HttpMethod::parse(facts.request_method.as_str())
            .map_err(|_| malformed("facts.request_method"))?,
        fingerprint: protocols::a402::Fingerprint::parse(facts.request_fingerprint.as_str())
            .map_err(|_| malformed("facts.request_fingerprint"))?,
        idempotency_key: facts
            .idempotency_key
            .as_deref()
            .map(Identifier::parse)
            .transpose()
            .map_err(|_| malformed("facts.idempotency_key"))?,
        caller: None,
    })
}

/// The digest of the one delivery that a payment is good for.
fn delivery(credential: &Credential) -> Hash {
    let key = [
        "tollbridge a402 delivery 1",
        credential.method_id.as_str(),
        credential.trade_no.as_str(),
        credential.out_trade_no.as_str(),
        credential.resource_id.as_str(),
        credential.request_fingerprint.as_str(),
    ];
    Hash::of(key.join("\n").as_bytes())
}

/// Says how a delivery ended: the money moves, or goes back.
#[utoipa::path(post, path = "/v1/a402/confirm", tag = "a402", request_body = NewA402Confirmation,
    responses((status = 201, description = "The trade is over", body = A402Trade)))]
pub async fn a402_confirm(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let NewA402Confirmation { trade_no, outcome, amount } = call.json()?;
    let hold = HoldId(id(trade_no.0));
    let trade = trade(&app, &caller, hold, outcome).await?;
    let void = (&b"void"[..], Action::Void(Void { hold }), Status::Released);
    let (what, action, status) = match outcome {
        A402Outcome::Fulfilled if !trade.redeemed => {
            let why = "the proof was not verified, so nothing can have been delivered for it.";
            return Err(refused(ErrorId::StateConflict, why));
        }
        A402Outcome::Fulfilled if trade.form == Form::Meter && amount.is_some() => {
            return Err(refused(ErrorId::RequestInvalid, "a meter costs what it has counted."));
        }
        A402Outcome::Fulfilled if trade.form == Form::Meter => {
            let close = CloseMeter { meter: MeterId(hold.0) };
            (&b"settle"[..], Action::CloseMeter(close), Status::Captured)
        }
        A402Outcome::Fulfilled => match cost(&app, &trade.purchase, amount)? {
            Some(amount) => {
                (&b"capture"[..], Action::Capture(Capture { hold, amount, last: true }), Status::Captured)
            }
            None => void,
        },
        A402Outcome::Failed if amount.is_some() => {
            return Err(refused(ErrorId::RequestInvalid, "what was not delivered costs nothing."));
        }
        A402Outcome::Failed => void,
    };
    // What was just recorded is how it stands: a trade ends once.
    app.execute(&caller, derived(hold, what), action).await.map_err(in_the_catalogue)?;
    let text = trade_text(hold.0, trade.seq, status, trade.redeemed, app.livemode);
    Ok(json(StatusCode::CREATED, &text))
}

/// What is to be captured: all that is held, or as much of it as the seller says; nothing where it cost nothing.
///
/// More than is held is refused here: the book would record its no under the name that the right amount needs.
fn cost(app: &App, purchase: &Purchase, said: Option<wire::Money>) -> Answered<Option<Amount>> {
    let Some(said) = said else { return Ok(Some(purchase.amount)) };
    let asset = registered(&app.directory, said.asset, "amount")?;
    let amount = Amount::new(said.amount.minor()).ok_or_else(|| Problem::from(Reject::AmountTooLarge))?;
    if asset.code != purchase.asset {
        return Err(Problem::from(Edge::UnitMismatch).of("amount"));
    }
    if purchase.amount < amount {
        return Err(refused(ErrorId::LimitOrAssetRejected, "it is more than is held for it.").of("amount"));
    }
    Ok((!amount.is_zero()).then_some(amount))
}

/// The trade that a seller says something about: the seller's own, and as far as is needed for `outcome`.
async fn trade(app: &App, caller: &Caller, hold: HoldId, outcome: A402Outcome) -> Answered<Bought> {
    let remembered = app.recent.find(hold.0);
    let enough = |bought: &Bought| bought.redeemed || outcome == A402Outcome::Failed;
    let found = match remembered.filter(enough) {
        Some(bought) => Some(bought),
        None => app.ask(move |view| Ok(view.purchase(hold.0)?.map(Bought::from))).await?,
    };
    let viewer = caller.holder;
    let is_theirs = |bought: &Bought| {
        let mut payees = bought.purchase.to.each();
        let collects = matches!(viewer, KeyHolder::Payee(payee) if payees.any(|each| each == payee));
        collects && is_a_trade(bought.form) && bought.purchase.reference.is_some()
    };
    found.filter(is_theirs).ok_or_else(|| Edge::TradeUnknown.into())
}

/// What a demand is paid by: a hold, or a meter.
fn is_a_trade(form: Form) -> bool {
    match form {
        Form::Hold | Form::Meter | Form::Escrow => true,
        Form::Subscription => false,
        Form::Payment => false,
    }
}

/// Where a trade stands: payment, delivery and fulfilment, each for itself.
#[utoipa::path(get, path = "/v1/a402/trades/{trade_no}", tag = "a402", params(("trade_no" = wire::HoldId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The trade", body = A402Trade)))]
pub async fn a402_trade(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let hold: HoldId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let found = standing::find(app, view, caller.holder, hold.0)?;
        let found = found.filter(|found| is_a_trade(found.form) && found.purchase.reference.is_some());
        let found = found.ok_or_else(|| Problem::from(Edge::TradeUnknown))?;
        Ok(trade_text(hold.0, found.seq, found.status, found.redeemed, app.livemode))
    })
    .await
}

fn trade_text(hold: Id, entry: Seq, status: Status, redeemed: bool, livemode: bool) -> A402Trade {
    let (state, payment, delivery, fulfillment) = match status {
        Status::Captured | Status::Paid => (TradeState::TradeFinished, "paid", "accepted", "fulfilled"),
        Status::Released | Status::Expired => {
            (TradeState::TradeClosed, "returned", if redeemed { "accepted" } else { "none" }, "failed")
        }
        Status::Held | Status::Disputed if redeemed => {
            (TradeState::WaitSellerFulfillment, "held", "pending", "pending")
        }
        Status::Held | Status::Disputed => (TradeState::WaitBuyerPay, "held", "none", "pending"),
        Status::Asked | Status::Denied => (TradeState::Create, "none", "none", "pending"),
    };
    A402Trade {
        trade_no: wire::HoldId(bits(hold)),
        transaction_state: state.as_str().to_owned(),
        payment_status: payment.to_owned(),
        delivery_status: delivery.to_owned(),
        fulfillment_status: fulfillment.to_owned(),
        next_action: None,
        entry: entry.0,
        livemode,
    }
}

/// The key that signs credentials, for sellers who check them by themselves.
#[utoipa::path(get, path = "/v1/a402/key", tag = "a402", security(()),
    responses((status = 200, description = "The key", body = wire::a402::A402Key)))]
pub async fn a402_key(State(app): State<App>) -> Response {
    let key = wire::a402::A402Key {
        key_id: credential_key_id(&app).as_str().to_owned(),
        method_id: network(&app).method_id().as_str().to_owned(),
        algorithm: wire::account::Algorithm::Ed25519,
        public_key: base64url::encode(app.credential_key.public().bytes()),
        now: time_text(app.clock.now()),
        livemode: app.livemode,
    };
    json(StatusCode::OK, &key)
}

/// The keys that sign a seller's demands, for buyers who check them before they pay.
#[utoipa::path(get, path = "/v1/a402/sellers/{payee}", tag = "a402", params(("payee" = wire::PayeeId, Path)),
    responses((status = 200, description = "The keys that count now", body = wire::a402::A402SellerKeys)))]
pub async fn a402_seller_keys(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    app.caller(&call, Kind::ALL).await?;
    let payee: PayeeId = path_id(&text)?;
    let known = app.directory.keys_of_payee(payee);
    if known.is_empty() && app.ask(move |view| Ok(view.payee(payee)?)).await?.is_none() {
        return Err(Reject::PayeeUnknown.into());
    }
    let keys = known.iter().map(|(id, key)| said(*id, key));
    let keys = wire::a402::A402SellerKeys {
        payee: wire::PayeeId(bits(payee.0)),
        keys: keys.collect(),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::OK, &keys))
}

/// A key that signs messages, by its name.
pub(crate) fn said(id: book::KeyId, key: &evidence::PublicKey) -> wire::a402::A402SellerKey {
    wire::a402::A402SellerKey {
        key_id: wire::KeyId(bits(id.0)),
        algorithm: match key.algorithm() {
            evidence::Algorithm::Ed25519 => wire::account::Algorithm::Ed25519,
            evidence::Algorithm::Es256 => wire::account::Algorithm::Es256,
        },
        // As enrolled: the coordinates of an ES256 key without the byte that says they are not compressed.
        public_key: base64url::encode(match key.algorithm() {
            evidence::Algorithm::Ed25519 => key.bytes(),
            evidence::Algorithm::Es256 => key.bytes().strip_prefix(&[4]).unwrap_or(key.bytes()),
        }),
    }
}

pub(crate) fn refused(error: ErrorId, why: &str) -> Problem {
    Problem::from(Edge::A402Refused).because(why).with_a402(catalogued(error))
}

fn catalogued(error: ErrorId) -> A402Error {
    let entry = error.entry();
    A402Error {
        error_id: error.as_str().to_owned(),
        category: entry.category.as_str().to_owned(),
        phase: entry.phase.as_str().to_owned(),
        retryability: entry.retryability.as_str().to_owned(),
        valid_next_actions: entry
            .valid_next_actions
            .iter()
            .map(|action| action.as_str().to_owned())
            .collect(),
        message: entry.message.to_owned(),
    }
}

/// Adds what the catalogue calls a refusal of the book.
fn in_the_catalogue(problem: Problem) -> Problem {
    let error = match problem.code() {
        "held_without_proof" => ErrorId::RequestInvalid,
        "payment_too_large" | "total_exceeded" | "uses_exceeded" | "window_exceeded"
        | "velocity_exceeded" | "asset_mismatch" | "funds_insufficient" | "amount_too_large"
        | "amount_zero" => ErrorId::LimitOrAssetRejected,
        "hold_closed" | "hold_expired" | "hold_redeemed" | "hold_unknown" | "id_reused" => {
            ErrorId::StateConflict
        }
        "outcome_unknown" | "internal" | "busy" | "disk_full" | "not_ready" => ErrorId::SystemUnavailable,
        "payee_unknown" | "payee_closed" | "self_payment" | "wallet_unknown" => ErrorId::ParticipantInvalid,
        _ => ErrorId::AuthorizationRejected,
    };
    problem.with_a402(catalogued(error))
}
