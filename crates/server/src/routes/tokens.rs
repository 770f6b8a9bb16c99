//! Payment tokens of checkouts: an agent has money set aside for one checkout of one seller, and the seller takes it once.
//!
//! A token is a hold. What ACP calls an allowance and UCP a binding is the digest that the hold carries, so every limit
//! counts in one commit with the ledger, in total across dialects, and what is not taken goes back by itself.

use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::bills::derived;
use crate::codes::Edge;
use crate::convert::{bits, id, money, purchase_id, time, time_text};
use crate::limits::{TOKEN_AMOUNT_MINOR_MAX, TOKEN_SECONDS_MAX};
use crate::problem::{Answered, Problem};
use crate::recent::Bought;
use crate::request::Call;
use crate::routes::check_why;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, Amount, Asset, Capture, Code, HoldId, Id, KeyHolder, MandateId, PayeeId, Payees, PlaceHold,
    Purchase, Reject, Seq, Time, WalletId,
};
use engine::views::Form;
use evidence::Hash;
use http::StatusCode;
use protocols::ap2::Iso4217;
use protocols::binding::Binding;
use serde_json::Value;
use std::collections::BTreeMap;
use wire::answer::Asked;
use wire::token::{
    DelegatedPayment, NewDelegatedPayment, NewDetokenization, NewTaking, NewUcpToken, TokenCredential,
    UcpToken,
};

/// What a token begins with.
const PREFIX: &str = "vt_";

/// The only way of paying that is turned into a token.
const METHOD: &str = "tollbridge";

/// What names the taking of a token.
const TAKE: &[u8] = b"take";

/// Sets money aside for one checkout of one seller, and gives the token for it. The `Idempotency-Key` is the token's name.
#[utoipa::path(post, path = "/v1/agentic_commerce/delegate_payment", tag = "tokens", request_body = NewDelegatedPayment,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "The token", body = DelegatedPayment), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn delegate_payment(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    check_method(&call, "payment_method")?;
    let asked: NewDelegatedPayment = call.json()?;
    let (method, allowance) = (&asked.payment_method, &asked.allowance);
    if allowance.reason != "one_time" {
        return Err(refused("It is for more than one payment.").of("allowance.reason"));
    }
    let wanted = Wanted {
        wallet: method.wallet,
        mandate: method.mandate,
        approval: method.approval.as_deref(),
        why: method.why.as_deref(),
        merchant: allowance.merchant_id,
        checkout: &allowance.checkout_session_id,
        cart: asked.metadata.get("cart").map(String::as_str),
        amount: whole(&app, allowance.max_amount, &allowance.currency.to_ascii_uppercase())?,
        expires_at: time(&allowance.expires_at, "allowance.expires_at")?,
    };
    let name = call.change_id()?;
    let entry = match set_aside(&app, &caller, name, &wanted).await? {
        Ok(entry) => entry,
        Err(answer) => return Ok(json(answer.status(), &*answer)),
    };
    let (made, _) = app.entry(Seq(entry))?.ok_or(Problem::from(Edge::Internal))?;
    let metadata = BTreeMap::from([
        ("merchant_id".to_owned(), allowance.merchant_id.to_string()),
        ("checkout_session_id".to_owned(), allowance.checkout_session_id.clone()),
        ("max_amount".to_owned(), allowance.max_amount.to_string()),
        ("currency".to_owned(), allowance.currency.clone()),
        ("expires_at".to_owned(), time_text(wanted.expires_at)),
        ("entry".to_owned(), entry.to_string()),
        ("livemode".to_owned(), app.livemode.to_string()),
    ]);
    let said = DelegatedPayment { id: token(name), created: time_text(made.at), metadata };
    Ok(json(StatusCode::CREATED, &said))
}

/// The same, in UCP's shape: a wallet's money as the credential of an instrument. The `Idempotency-Key` is the token's name.
#[utoipa::path(post, path = "/v1/ucp/tokenize", tag = "tokens", request_body = NewUcpToken,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, description = "The token", body = UcpToken), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn ucp_tokenize(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    check_method(&call, "credential")?;
    let asked: NewUcpToken = call.json()?;
    let (credential, binding) = (&asked.credential, &asked.binding);
    let merchant = binding.identity.as_ref().map(|identity| identity.access_token);
    let wanted = Wanted {
        wallet: credential.wallet,
        mandate: credential.mandate,
        approval: credential.approval.as_deref(),
        why: None,
        merchant: merchant.ok_or_else(|| Problem::from(Edge::BodyMalformed).of("binding.identity"))?,
        checkout: &binding.checkout_id,
        cart: credential.cart.as_deref(),
        amount: whole(&app, credential.max_amount, &credential.currency)?,
        expires_at: time(&credential.expires_at, "credential.expires_at")?,
    };
    let name = call.change_id()?;
    match set_aside(&app, &caller, name, &wanted).await? {
        Ok(_) => Ok(json(StatusCode::OK, &UcpToken { token: token(name) })),
        Err(answer) => Ok(json(answer.status(), &*answer)),
    }
}

/// Says what a token stands for, to the seller it is for, who names the checkout. Nothing moves.
#[utoipa::path(post, path = "/v1/ucp/detokenize", tag = "tokens", request_body = NewDetokenization,
    responses((status = 200, description = "What it stands for", body = TokenCredential)))]
pub async fn ucp_detokenize(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let asked: NewDetokenization = call.json()?;
    let named = asked.binding.identity.map(|identity| PayeeId(id(identity.access_token.0)));
    if named.is_some_and(|named| KeyHolder::Payee(named) != caller.holder) {
        return Err(Edge::TokenUnknown.into());
    }
    let (hold, bought) =
        shown(&app, &caller, &asked.token, &asked.binding.checkout_id, asked.cart.as_deref()).await?;
    let asset = app.directory.asset(bought.purchase.asset).ok_or(Problem::from(Edge::Internal))?;
    let (placed, _) = app.entry(bought.seq)?.ok_or(Problem::from(Edge::Internal))?;
    let Action::PlaceHold(PlaceHold { expires_at, .. }) = placed.command.action else {
        return Err(Edge::TokenUnknown.into());
    };
    let said = TokenCredential {
        kind: "tollbridge_hold".to_owned(),
        hold: wire::HoldId(bits(hold.0)),
        amount: money(bought.purchase.amount, asset),
        expires_at: time_text(expires_at),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::OK, &said))
}

/// Takes what a token stands for, or as much of it as the checkout costs: once. The rest goes back.
#[utoipa::path(post, path = "/v1/tokens/{token}/take", tag = "tokens", request_body = NewTaking,
    params(("token" = String, Path)),
    responses((status = 201, description = "Taken", body = wire::hold::Capture)))]
pub async fn take_token(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let taking: NewTaking = call.json()?;
    let (hold, _) = shown(&app, &caller, &text, &taking.checkout, taking.cart.as_deref()).await?;
    let amount = app.same_asset(hold.0, taking.amount, Reject::HoldUnknown).await?;
    let action = Action::Capture(Capture { hold, amount, last: true });
    // One name for one amount: the same again is answered as before, and another finds the hold closed.
    let name = derived(hold, &[TAKE, &amount.minor().to_be_bytes()].concat());
    let came = app.execute(&caller, name, action).await;
    came.map_err(|problem| match problem.code() {
        "id_reused" | "hold_closed" => Edge::TokenTaken.into(),
        _ => problem,
    })
}

/// What an agent wants set aside.
struct Wanted<'a> {
    wallet: wire::WalletId,
    mandate: Option<wire::MandateId>,
    approval: Option<&'a str>,
    why: Option<&'a str>,
    merchant: wire::PayeeId,
    checkout: &'a str,
    cart: Option<&'a str>,
    amount: (Amount, Asset),
    expires_at: Time,
}

/// Sets the money aside, and says at which place of the journal. The inner error is a question to the owner.
async fn set_aside(
    app: &App,
    caller: &Caller,
    name: Id,
    wanted: &Wanted<'_>,
) -> Answered<Result<u64, Box<Answer>>> {
    check_why(wanted.why)?;
    let merchant = wanted.merchant.to_string();
    let (amount, asset) = wanted.amount;
    // Counted from the name's own time, so that a repeated request is judged as it was.
    if name.made_at().after(Time::from_seconds(TOKEN_SECONDS_MAX).0) < wanted.expires_at {
        return Err(refused("It would count for longer than a day.").of("expires_at"));
    }
    let purchase = Purchase {
        wallet: WalletId(id(wanted.wallet.0)),
        mandate: wanted.mandate.map(|mandate| MandateId(id(mandate.0))),
        to: Payees::One(PayeeId(id(wanted.merchant.0))),
        amount,
        asset: asset.code,
        category: None,
        reference: Some(digest(&merchant, wanted.checkout, wanted.cart)?),
        approval: wanted.approval.map(|text| purchase_id(text, "approval")).transpose()?,
    };
    let action = Action::PlaceHold(PlaceHold { purchase, expires_at: wanted.expires_at });
    let came = app.execute(caller, name, action).await;
    app.keep_why(caller, name, wanted.why, &came);
    let answer = came?;
    if let Answer::Held(held) = &answer { Ok(Ok(held.entry)) } else { Ok(Err(Box::new(answer))) }
}

/// The hold behind a token that is this seller's, for this checkout.
async fn shown(
    app: &App,
    caller: &Caller,
    text: &str,
    checkout: &str,
    cart: Option<&str>,
) -> Answered<(HoldId, Bought)> {
    let unknown = || Problem::from(Edge::TokenUnknown);
    let KeyHolder::Payee(payee) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
    let hold = text.strip_prefix(PREFIX).and_then(Id::from_text).map(HoldId).ok_or_else(unknown)?;
    let bought = app.bought(hold.0).await?.filter(|it| it.form == Form::Hold).ok_or_else(unknown)?;
    // Whose token it is, nobody else learns, nor that there is one.
    if bought.purchase.to != Payees::One(payee) {
        return Err(unknown());
    }
    let merchant = payee.to_string();
    let with_cart = digest(&merchant, checkout, cart)?;
    let without_cart = digest(&merchant, checkout, None)?;
    // A seller may show its cart for a token that is for any cart of the checkout.
    let fits = bought.purchase.reference.is_some_and(|it| it == with_cart || it == without_cart);
    if fits { Ok((hold, bought)) } else { Err(Edge::TokenElsewhere.into()) }
}

fn digest(merchant: &str, checkout: &str, cart: Option<&str>) -> Answered<Hash> {
    let binding = Binding { merchant, checkout, cart };
    binding.digest().map_err(|fault| refused(&format!("Of this, {fault}.")))
}

fn token(name: Id) -> String {
    format!("{PREFIX}{}", name.text())
}

fn refused(why: &str) -> Problem {
    Problem::from(Edge::TokenRefused).because(why)
}

/// Refuses the number of a card before anything of it is read, let alone kept or said again.
fn check_method(call: &Call, member: &'static str) -> Answered<()> {
    let body: Value = serde_json::from_slice(&call.body).map_err(|_| Problem::from(Edge::BodyMalformed))?;
    match body.get(member).and_then(|method| method.get("type")).and_then(Value::as_str) {
        Some(METHOD) => Ok(()),
        Some(_) => Err(Problem::from(Edge::CardRefused).of(member)),
        None => Err(Problem::from(Edge::BodyMalformed).of(member)),
    }
}

/// So many smallest units of a currency, in the asset that is registered for it.
fn whole(app: &App, minor: u64, currency: &str) -> Answered<(Amount, Asset)> {
    let unknown = || Problem::from(Reject::AssetUnknown).of("currency");
    let currency = Iso4217::parse(currency).map_err(|_| unknown())?;
    let asset =
        Code::new(currency.as_str()).and_then(|code| app.directory.asset(code)).ok_or_else(unknown)?;
    let finer = currency.exponent().and_then(|exponent| asset.scale.checked_sub(exponent));
    let finer = finer.ok_or_else(|| refused("The asset is counted in larger units than the currency."))?;
    if minor == 0 || TOKEN_AMOUNT_MINOR_MAX < minor {
        return Err(
            refused("There is nothing to take, or more than any reader of JSON can count.").of("max_amount")
        );
    }
    let amount =
        10u128.checked_pow(u32::from(finer)).and_then(|factor| u128::from(minor).checked_mul(factor));
    let amount = amount.and_then(Amount::new).ok_or_else(|| Problem::from(Reject::AmountTooLarge))?;
    Ok((amount, asset))
}
