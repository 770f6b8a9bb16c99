//! AP2: the server as trusted surface of owners, and as credential provider and payment processor of their agents.
//!
//! A mandate of the book is stated in AP2's format for an agent, who closes it and presents both. What AP2 says is checked
//! first; then the same agent pays under the same mandate, so that every limit holds in one commit with the ledger, and in
//! total across dialects. A closed mandate names the payment's id as its nonce, so nobody can present it for another.

mod aside;
mod in_person;

pub use in_person::*;

use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{bits, id};
use crate::problem::{Answered, Problem};
use crate::reads;
use crate::request::{Call, path_id};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, Amount, Asset, HoldId, KeyHolder, Limit, MandateId, Pay, PayeeId, Payees, PaymentId, Purchase,
    Reject, Time, WalletId,
};
use engine::views::{MandateRow, PurchaseRow};
use evidence::{Hash, PublicKey, base64url};
use http::StatusCode;
use protocols::NANOS;
use protocols::ap2::{
    self, Asked, CheckoutConstraint, Claimed, Expected, Frequency, Instrument, Iso4217, Lifetime, Mandate,
    Merchant, Mode, OpenCheckout, OpenPayment, Payment, PaymentConstraint, Preset, Receipt, ReceiptResult,
    Refusal, Standing, Transaction, Uses,
};
use protocols::limits::{AP2_AMOUNT_MINOR_MAX, AP2_LIST_MAX};
use serde_json::Value;
use wire::act::CredentialKeys;
use wire::ap2::{
    Ap2Credential, Ap2Settlement, Ap2Verdict, NewAp2Credential, NewAp2Payment, NewOpenMandates, OpenMandates,
};

/// The category of our instruments, in a mandate.
const INSTRUMENT: &str = "tollbridge";

/// States a mandate in AP2's format, for an agent's key and one open checkout.
///
/// It lets nothing through that the mandate does not: money moves by the agent's own signed request, under the mandate.
#[utoipa::path(post, path = "/v1/mandates/{id}/ap2", tag = "ap2", request_body = NewOpenMandates,
    params(("id" = wire::MandateId, Path)),
    responses((status = 201, description = "Both open mandates", body = OpenMandates)))]
pub async fn issue_open_mandates(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let mandate: MandateId = path_id(&text)?;
    let asked: NewOpenMandates = call.json()?;
    let (x, y) = (base64url::decode(&asked.agent_key.x), base64url::decode(&asked.agent_key.y));
    let key = x.zip(y).and_then(|(x, y)| PublicKey::es256(&x, &y).ok());
    let key = key.ok_or_else(|| Problem::from(Edge::KeyMalformed).of("agent_key"))?;
    let (row, asset) = mandate_of(&app, caller.holder, mandate).await?;
    let lifetime = Lifetime {
        issued_at: Some(seconds(app.clock.now())),
        valid_from: Some(seconds(row.valid_from)),
        expires_at: Some(seconds(row.expires_at)),
    };
    let constraints = checkout_constraints(&asked.checkout)?;
    let open = OpenCheckout { constraints, agent: key.clone(), lifetime };
    let open_checkout = issued(&app, &Mandate::OpenCheckout(open))?;
    let open_checkout_hash = base64url::encode(&Hash::of(open_checkout.as_bytes()).0);
    let open = OpenPayment {
        constraints: payment_constraints(&row, asset, &open_checkout_hash)?,
        agent: key,
        preset: Preset { instrument: Some(instrument(mandate)), ..Preset::default() },
        lifetime,
    };
    let open_payment = issued(&app, &Mandate::OpenPayment(Box::new(open)))?;
    keep(&app, &open_checkout)?;
    keep(&app, &open_payment)?;
    let said = OpenMandates {
        mandate: wire::MandateId(bits(mandate.0)),
        open_checkout,
        open_payment,
        open_checkout_hash,
        audience: app.origin.clone(),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &said))
}

/// Says whether a presentation would be paid. Nothing moves, and what depends on the ledger is not asked.
#[utoipa::path(post, path = "/v1/ap2/verify", tag = "ap2", request_body = NewAp2Payment,
    responses((status = 200, description = "Whether it counts, with a signed refusal where not", body = Ap2Verdict)))]
pub async fn ap2_verify(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    let asked: NewAp2Payment = call.json()?;
    let presented = Presented::payment(&asked);
    let receipt = match shown(&app, &caller, &presented).await? {
        Ok(_) => None,
        Err(refusal) => Some(presented.not_paid(&app, &refusal).sign(&app.mandate_key, &key_id(&app))),
    };
    let said = Ap2Verdict { valid: receipt.is_none(), receipt, livemode: app.livemode };
    Ok(json(StatusCode::OK, &said))
}

/// Pays what a presentation approves: once, within every limit, with a signed receipt also where nothing is paid.
#[utoipa::path(post, path = "/v1/ap2/settle", tag = "ap2", request_body = NewAp2Payment,
    responses((status = 200, description = "Whether the payee has the money, signed", body = Ap2Settlement)))]
pub async fn ap2_settle(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    let asked: NewAp2Payment = call.json()?;
    let presented = Presented::payment(&asked);
    let payment = PaymentId(id(asked.id.0));
    let (receipt, entry) = match shown_now_or_before(&app, &caller, &presented, payment.0).await? {
        Ok(shown) => settle(&app, &caller, payment, &presented, shown).await?,
        Err(refusal) => (presented.not_paid(&app, &refusal), None),
    };
    let status = if receipt.is_success() { "Success" } else { "Error" };
    let receipt = signed(&app, &receipt)?;
    let said = Ap2Settlement { status: status.to_owned(), receipt, entry, livemode: app.livemode };
    Ok(json(StatusCode::OK, &said))
}

/// Sets aside what a presentation approves, and gives the credential with which its payee collects it: a payment of x402,
/// for just this checkout.
#[utoipa::path(post, path = "/v1/ap2/credentials", tag = "ap2", request_body = NewAp2Credential,
    responses((status = 200, description = "The credential, or a signed refusal", body = Ap2Credential)))]
pub async fn ap2_credential(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    let asked: NewAp2Credential = call.json()?;
    let presented = Presented::credential(&asked);
    let came = match shown_now_or_before(&app, &caller, &presented, id(asked.id.0)).await? {
        Ok(shown) => set_aside(&app, &caller, asked.id, &presented, shown).await?,
        Err(refusal) => Err((presented.not_paid(&app, &refusal), None)),
    };
    let said = match came {
        Ok(credential) => credential,
        Err((receipt, entry)) => Ap2Credential {
            credential: None,
            expires_at: None,
            receipt: Some(signed(&app, &receipt)?),
            entry,
            livemode: app.livemode,
        },
    };
    Ok(json(StatusCode::OK, &said))
}

/// The keys that sign mandates and receipts of AP2.
#[utoipa::path(get, path = "/v1/ap2/keys", tag = "ap2", security(()),
    responses((status = 200, description = "The keys", body = CredentialKeys)))]
pub async fn ap2_keys(State(app): State<App>) -> Response {
    json(StatusCode::OK, &super::credentials::key_set(app.mandate_key.public(), key_id(&app)))
}

/// What an agent presents, and under which name: that of the payment, or of the hold.
struct Presented<'a> {
    name: String,
    payment_mandate: &'a str,
    open_checkout: &'a str,
    transaction_id: &'a str,
}

impl Presented<'_> {
    fn payment(asked: &NewAp2Payment) -> Presented<'_> {
        Presented {
            name: asked.id.to_string(),
            payment_mandate: &asked.payment_mandate,
            open_checkout: &asked.open_checkout,
            transaction_id: &asked.transaction_id,
        }
    }

    fn credential(asked: &NewAp2Credential) -> Presented<'_> {
        Presented {
            name: asked.id.to_string(),
            payment_mandate: &asked.payment_mandate,
            open_checkout: &asked.open_checkout,
            transaction_id: &asked.transaction_id,
        }
    }

    /// The journal has the digest of what was presented, and the server its letters.
    fn digest(&self) -> Hash {
        Hash::of(self.payment_mandate.as_bytes())
    }

    fn receipt(&self, app: &App, result: ReceiptResult) -> Receipt {
        let reference = ap2::reference_of(self.payment_mandate);
        Receipt { issuer: app.origin.clone(), issued_at: seconds(app.clock.now()), reference, result }
    }

    fn not_paid(&self, app: &App, why: &Refusal) -> Receipt {
        let (at, reference) = (seconds(app.clock.now()), ap2::reference_of(self.payment_mandate));
        Receipt::not_paid(&app.origin, at, reference, &self.name, why)
    }

    /// The receipt for what the book has refused, or would ask its owner about.
    fn denied(&self, app: &App, description: String) -> Receipt {
        let error = ap2::ErrorCode::UnresolvedConstraint.as_str().to_owned();
        self.receipt(app, ReceiptResult::NotPaid { payment_id: self.name.clone(), error, description })
    }
}

/// What AP2 allows, and what it asks of the book.
struct Shown {
    wallet: WalletId,
    /// The agent's; an owner who pays needs none.
    mandate: Option<MandateId>,
    payee: PayeeId,
    amount: Amount,
    asset: Asset,
}

/// The same as [`shown`], but for what this agent was paid for by the same letters under the same name: that is answered as
/// it was then, whatever has run out or was changed since. A refusal of what was paid would have the agent pay again.
async fn shown_now_or_before(
    app: &App,
    caller: &Caller,
    presented: &Presented<'_>,
    name: book::Id,
) -> Answered<Result<Shown, Refusal>> {
    let refusal = match shown(app, caller, presented).await? {
        Ok(shown) => return Ok(Ok(shown)),
        Err(refusal) => refusal,
    };
    let (holder, digest) = (caller.holder, presented.digest());
    let before = app.ask(move |view| {
        let row = match view.payment(PaymentId(name))? {
            Some(row) => Some(row),
            None => view.hold(HoldId(name))?,
        };
        let is_same = |row: &PurchaseRow| {
            row.purchase.reference == Some(digest) && row.agent.map(KeyHolder::Agent) == Some(holder)
        };
        let Some(Purchase { wallet, mandate, to: Payees::One(payee), amount, .. }) =
            row.filter(is_same).map(|row| row.purchase)
        else {
            return Ok(None);
        };
        let asset = view.wallet(wallet)?.map(|wallet| wallet.asset);
        Ok(asset.map(|asset| Shown { wallet, mandate, payee, amount, asset }))
    });
    Ok(before.await?.ok_or(refusal))
}

/// Everything about a presentation that can be checked without the ledger. The inner error is what a receipt says.
async fn shown(app: &App, caller: &Caller, presented: &Presented<'_>) -> Answered<Result<Shown, Refusal>> {
    let Approved { payment, standing } = match approved(app, presented) {
        Ok(approved) => approved,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let no = |constraint, why| Ok(Err(Refusal::Violated { constraint, why }));
    let ours = (payment.instrument.kind == INSTRUMENT).then(|| payment.instrument.id.parse().ok()).flatten();
    let Some(mandate) = ours else { return no("payment_instrument", "it is no mandate of this server") };
    let (row, asset) = match mandate_of(app, caller.holder, mandate).await {
        Ok(found) => found,
        Err(problem) if problem.code() == "mandate_unknown" => {
            return no("payment_instrument", "it is no mandate of this agent's");
        }
        Err(problem) => return Err(problem),
    };
    let Ok(payee) = payment.payee.id.parse::<PayeeId>() else {
        return no("payee", "it is no payee of this server");
    };
    if currency(asset).as_ref() != Some(&payment.amount.currency) {
        return no("payment_amount", "the wallet holds another currency");
    }
    if payment.execution_date.as_ref().is_some_and(|date| app.clock.now() < date.first) {
        return no("execution_date", "it is not to be executed yet");
    }
    let mut standing = standing.iter().map(|standing| is_kept_by(&row, standing));
    if standing.next() != Some(true) {
        return no("payment.budget", "the mandate's limits were raised since; it has to be issued again");
    }
    // What is paid under a mandate of an agent's is counted under the owner's alone.
    if !standing.all(|is_kept| is_kept) {
        return no(
            "payment.budget",
            "whoever passed it on allows less in all, or less often, than its owner",
        );
    }
    let Some(amount) = Amount::new(u128::from(payment.amount.amount_minor)).filter(|it| !it.is_zero()) else {
        return no("payment_amount", "there is nothing to pay");
    };
    Ok(Ok(Shown { wallet: row.wallet, mandate: Some(mandate), payee, amount, asset }))
}

/// A payment that this server's own mandate leaves open, and its agent has closed, or one that it was passed on to.
struct Approved {
    payment: Payment,
    /// Of each open mandate, the owner's first.
    standing: Vec<Standing>,
}

fn approved(app: &App, presented: &Presented<'_>) -> Result<Approved, Refusal> {
    let expected = Expected { audience: &app.origin, nonce: &presented.name, now: app.clock.now() };
    let verify = |text: &str| {
        let claimed = Claimed::read(text)?;
        if claimed.key_id() != Some(key_id(app).as_str()) {
            return Err(Refusal::UnknownKey);
        }
        claimed.verify(app.mandate_key.public(), &expected)
    };
    let open_checkouts = verify(presented.open_checkout)?.open_checkouts();
    let chain = verify(presented.payment_mandate)?;
    let transaction = Transaction::Is(presented.transaction_id);
    let approval =
        ap2::payment(&chain, &Asked { transaction, open_checkouts: &open_checkouts, now: app.clock.now() })?;
    match approval.mode {
        Mode::Autonomous => Ok(Approved { payment: approval.payment.clone(), standing: approval.standing }),
        Mode::Direct => Err(Refusal::Violated {
            constraint: "mandate",
            why: "what an owner approves in person is set aside at once, and is not paid again",
        }),
    }
}

/// Pays. A refusal of the book's is what the receipt says; what is no decision of the book's is no receipt.
async fn settle(
    app: &App,
    caller: &Caller,
    payment: PaymentId,
    presented: &Presented<'_>,
    shown: Shown,
) -> Answered<(Receipt, Option<u64>)> {
    // Before the book is asked: what it decides about has to be there to be shown.
    keep(app, presented.payment_mandate)?;
    let purchase = Purchase {
        wallet: shown.wallet,
        mandate: shown.mandate,
        to: Payees::One(shown.payee),
        amount: shown.amount,
        asset: shown.asset.code,
        category: None,
        reference: Some(presented.digest()),
        approval: None,
    };
    match app.execute(caller, payment.0, Action::Pay(Pay { purchase })).await {
        Ok(Answer::Paid(paid)) => {
            let result = ReceiptResult::Paid {
                payment_id: presented.name.clone(),
                psp_confirmation_id: paid.entry.to_string(),
                network_confirmation_id: paid.entry.to_string(),
            };
            Ok((presented.receipt(app, result), Some(paid.entry)))
        }
        Ok(answer) => asked_instead(app, presented, answer),
        Err(problem) => denied_instead(app, presented, problem),
    }
}

/// Sets the money aside for its payee. The inner error is a refusal of the book's, with its place.
async fn set_aside(
    app: &App,
    caller: &Caller,
    hold: wire::HoldId,
    presented: &Presented<'_>,
    shown: Shown,
) -> Answered<Result<Ap2Credential, (Receipt, Option<u64>)>> {
    keep(app, presented.payment_mandate)?;
    match aside::place(app, caller, hold, presented, &shown).await {
        Ok(Ok(credential)) => Ok(Ok(credential)),
        Ok(Err(answer)) => asked_instead(app, presented, *answer).map(Err),
        Err(problem) => denied_instead(app, presented, problem).map(Err),
    }
}

/// A question is a no here: a yes would be to this very presentation, which is never put again.
fn asked_instead(app: &App, presented: &Presented<'_>, answer: Answer) -> Answered<(Receipt, Option<u64>)> {
    match answer {
        Answer::Asked(question) => {
            let why = format!("the owner would have to be asked, for `{}`: nothing was spent", question.ask);
            Ok((presented.denied(app, why), Some(question.entry)))
        }
        Answer::Done(_)
        | Answer::Paid(_)
        | Answer::Held(_)
        | Answer::Captured(_)
        | Answer::Released(_)
        | Answer::Refunded(_)
        | Answer::Metered(_)
        | Answer::Charged(_)
        | Answer::Settled(_)
        | Answer::Subscribed(_)
        | Answer::Issued(_) => Err(Edge::Internal.into()),
    }
}

fn denied_instead(
    app: &App,
    presented: &Presented<'_>,
    problem: Problem,
) -> Answered<(Receipt, Option<u64>)> {
    match problem.entry() {
        Some(entry) => {
            Ok((presented.denied(app, format!("`{}`: nothing was spent", problem.code())), Some(entry)))
        }
        None => Err(problem),
    }
}

/// Whether the book holds what AP2's budget and number of uses hold, now that its limits are what they are.
fn is_kept_by(row: &MandateRow, standing: &Standing) -> bool {
    let Bounds { total, uses, .. } = Bounds::of(&row.limits);
    let within = |bound: Option<u128>, max: u64| bound.is_some_and(|bound| bound <= u128::from(max));
    let keeps_budget = standing.budget.is_none_or(|budget| within(total, budget.amount_minor));
    let keeps_uses = match standing.uses {
        Uses::Once => within(uses.map(u128::from), 1),
        Uses::Again { every: Frequency::OnDemand, occurrences_max } => {
            occurrences_max.is_none_or(|max| within(uses.map(u128::from), max))
        }
        Uses::Again {
            every:
                Frequency::Daily
                | Frequency::Weekly
                | Frequency::Biweekly
                | Frequency::Monthly
                | Frequency::Quarterly
                | Frequency::Annually,
            ..
        } => false,
    };
    keeps_budget && keeps_uses
}

/// What AP2 has words for, of a mandate's limits. The book keeps the others all the same.
#[derive(Default)]
struct Bounds<'a> {
    per_payment: Option<u128>,
    total: Option<u128>,
    uses: Option<u64>,
    payees: Option<&'a [PayeeId]>,
}

impl Bounds<'_> {
    fn of(limits: &[Limit]) -> Bounds<'_> {
        fn least<T: Ord>(known: Option<T>, max: T) -> Option<T> {
            Some(match known {
                Some(known) => known.min(max),
                None => max,
            })
        }
        let mut bounds = Bounds::default();
        for limit in limits {
            match limit {
                Limit::PerPayment { max } => bounds.per_payment = least(bounds.per_payment, max.minor()),
                Limit::Total { max } => bounds.total = least(bounds.total, max.minor()),
                Limit::Uses { max } => bounds.uses = least(bounds.uses, *max),
                Limit::PayeesAllowed { payees } => bounds.payees = bounds.payees.or(Some(payees)),
                Limit::Window { .. }
                | Limit::Velocity { .. }
                | Limit::PayeesDenied { .. }
                | Limit::CategoriesAllowed { .. }
                | Limit::CategoriesDenied { .. }
                | Limit::Validity { .. }
                | Limit::AskAbove { .. }
                | Limit::AskFirstContact
                | Limit::AskAlways
                | Limit::Unknown { .. }
                | Limit::PriceAtMost { .. } => {}
            }
        }
        bounds
    }
}

/// A mandate's limits in AP2's words.
///
/// # Errors
/// [`Edge::OpenMandateRefused`] where they leave more open than AP2 can say.
fn payment_constraints(
    row: &MandateRow,
    asset: Asset,
    open_checkout: &str,
) -> Answered<Vec<PaymentConstraint>> {
    let unfit = |why: &str| Problem::from(Edge::OpenMandateRefused).because(why);
    let currency = currency(asset).ok_or_else(|| unfit("AP2 pays in currencies of ISO 4217 only."))?;
    let minor = |bound: Option<u128>, why: &str| {
        let bound = bound.and_then(|bound| u64::try_from(bound).ok());
        bound.filter(|bound| *bound <= AP2_AMOUNT_MINOR_MAX).ok_or_else(|| unfit(why))
    };
    let Bounds { per_payment, total, uses, payees } = Bounds::of(&row.limits);
    let max_minor = minor(per_payment.or(total), "The mandate needs a limit of each payment.")?;
    let mut constraints = vec![
        PaymentConstraint::Reference { conditional_transaction_id: open_checkout.to_owned() },
        PaymentConstraint::AmountRange { currency, min_minor: None, max_minor },
    ];
    if uses != Some(1) {
        let why = "A mandate for more than one payment needs a limit in total.";
        constraints.push(PaymentConstraint::Budget { currency, max_minor: minor(total, why)? });
        let every = Frequency::OnDemand;
        constraints.push(PaymentConstraint::Recurrence { every, occurrences_max: uses });
    }
    if let Some(payees) = payees {
        let merchant =
            |payee: &PayeeId| Merchant { id: payee.to_string(), name: payee.to_string(), website: None };
        let allowed: Vec<Merchant> = payees.iter().map(merchant).collect();
        if AP2_LIST_MAX < allowed.len() {
            return Err(unfit("It allows more payees than AP2 can list."));
        }
        constraints.push(PaymentConstraint::AllowedPayees { allowed });
    }
    Ok(constraints)
}

/// What may be bought, as the owner says it.
fn checkout_constraints(text: &str) -> Answered<Vec<CheckoutConstraint>> {
    let malformed = |why: String| Problem::from(Edge::OpenMandateRefused).of("checkout").because(why);
    let value: Value = serde_json::from_str(text).map_err(|fault| malformed(format!("{fault}.")))?;
    let constraints =
        CheckoutConstraint::read_all(value).map_err(|refusal| malformed(format!("{refusal}.")))?;
    let is_items =
        |constraint: &CheckoutConstraint| matches!(constraint, CheckoutConstraint::LineItems { .. });
    if !constraints.iter().any(is_items) {
        return Err(malformed("It does not say what may be bought: `checkout.line_items`.".to_owned()));
    }
    Ok(constraints)
}

/// What pays: a mandate of this server's, or a wallet.
fn instrument(id: impl ToString) -> Instrument {
    Instrument { id: id.to_string(), kind: INSTRUMENT.to_owned(), description: None }
}

/// A mandate that the holder may see, and what its wallet holds.
async fn mandate_of(app: &App, holder: KeyHolder, mandate: MandateId) -> Answered<(MandateRow, Asset)> {
    app.ask(move |view| {
        let unknown = || Problem::from(Reject::MandateUnknown);
        let row = reads::mandate(view, holder, mandate)?.ok_or_else(unknown)?;
        let wallet = view.wallet(row.wallet)?.ok_or_else(unknown)?;
        Ok((row, wallet.asset))
    })
    .await
}

/// The currency of an asset that is counted in that currency's smallest unit.
fn currency(asset: Asset) -> Option<Iso4217> {
    let currency = Iso4217::parse(asset.code.as_str()).ok()?;
    (currency.exponent() == Some(asset.scale)).then_some(currency)
}

fn issued(app: &App, mandate: &Mandate) -> Answered<String> {
    let issued = ap2::issue(mandate, &app.mandate_key, &key_id(app), &mut rand::random);
    issued.map_err(|refusal| Problem::from(Edge::OpenMandateRefused).because(format!("{refusal}.")))
}

fn key_id(app: &App) -> String {
    base64url::encode(app.mandate_key.public().thumbprint().as_bytes())
}

/// Signs a receipt, and keeps it.
fn signed(app: &App, receipt: &Receipt) -> Answered<String> {
    let text = receipt.sign(&app.mandate_key, &key_id(app));
    keep(app, &text)?;
    Ok(text)
}

/// Keeps a text under its digest, byte for byte.
fn keep(app: &App, text: &str) -> Answered<()> {
    let kept = app.bodies.keep_text(text);
    kept.map(|_| ()).map_err(|fault| {
        tracing::error!(%fault, "a mandate cannot be kept");
        Edge::Internal.into()
    })
}

fn seconds(at: Time) -> u64 {
    at.0 / u64::try_from(NANOS).expect("a billion fits")
}
