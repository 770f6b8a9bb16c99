//! Paying a bill, in whatever dialect it came: the money is held for the seller, and the credential says so.
//!
//! Reading a dialect's bill belongs to its routes, and what its bytes mean to `protocols`. A payment is a hold, or a meter
//! where the bill is for a deposit; its number is the hold's name.

use crate::answer::{Answer, json};
use crate::auth::Caller;
use crate::codes::Edge;
use crate::convert::{id, purchase_id, registered};
use crate::problem::{Answered, Problem};
use crate::state::{App, State};
use axum::response::Response;
use book::{
    Action, Amount, Capture, Command, HoldId, Id, KeyHolder, MandateId, NanosPerUnit, OpenMeter, PayeeId,
    Payees, PlaceHold, Purchase, Reject, Rounding, Seq, Time, WalletId,
};
use engine::views::Form;
use evidence::{Hash, base64url};
use http::StatusCode;
use protocols::a402::wallet::{Collection, Network, network_layer};
use protocols::a402::{
    Credential, Demand, Identifier, Keyring, Payment, Proof, ProofCheck, Refusal, RequestFacts, check_proof,
};
use protocols::bare::Price;
use wire::unsigned::{UnsignedPayload, UnsignedPayment};

/// What names the one settlement of a hold that nobody signs for as its seller.
pub(crate) const SETTLE: &[u8] = b"settle";

/// How much longer than its proof a hold lasts, so that a delivery begun in time can be confirmed.
const HOLD_MARGIN_SECONDS: u64 = 86_400;

/// What a metered demand's meter counts: billionths of the smallest unit, so that whatever the seller's prices are, the
/// sum is exact. It is rounded once, when it is settled.
const METERED_RATE: NanosPerUnit = NanosPerUnit(1);

/// A demand that is genuine, of our method, and for one of our payees.
pub(crate) struct Bill {
    pub(crate) demand: Demand,
    pub(crate) payee: PayeeId,
    pub(crate) amount: Amount,
    pub(crate) asset: book::Asset,
    pub(crate) collection: Collection,
}

/// What a dialect asks for in which sellers sign nothing, as a bill of one of our payees for this buyer.
///
/// # Errors
/// [`Edge::BillRefused`]: nothing was spent.
pub(crate) fn unsigned_bill(app: &App, price: &Price, demand: Demand, buyer: &Identifier) -> Answered<Bill> {
    if price.network != network(app) {
        return Err(bill_refused("it is asked for on another network"));
    }
    if demand.buyer_unique_id.as_ref().is_some_and(|named| named != buyer) {
        return Err(bill_refused("it is asked of another buyer"));
    }
    let payee: PayeeId = price
        .payee
        .as_str()
        .parse()
        .map_err(|_| bill_refused("who is to be paid is no payee of this server"))?;
    let asset = format!("{}/{}", price.currency, price.scale).parse();
    let asset = registered(&app.directory, asset.map_err(|_| Problem::from(Reject::AssetUnknown))?, "asset")?;
    let amount = Amount::new(price.amount_minor).ok_or_else(|| Problem::from(Reject::AmountTooLarge))?;
    Ok(Bill { demand, payee, amount, asset, collection: Collection::Whole })
}

pub(crate) fn bill_refused(why: &str) -> Problem {
    Problem::from(Edge::BillRefused).because(format!("Nothing was spent. It cannot be paid: {why}."))
}

/// Whether a proof pays for what a dialect asks in which sellers sign nothing: genuine, in time, and made for that.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn check_unsigned(app: &App, proof: &Proof, demand: &Demand) -> Result<(), Refusal> {
    let request = RequestFacts {
        method: demand.request_method.clone(),
        fingerprint: demand.request_fingerprint.clone(),
        idempotency_key: None,
        caller: None,
    };
    let keys = credential_keys(app);
    check_proof(demand, ProofCheck { proof, request: &request, psp_keys: &keys, now: app.clock.now() })
        .map(|_| ())
}

/// How a bill is to be paid.
pub(crate) struct Paying<'a> {
    pub(crate) id: wire::HoldId,
    pub(crate) wallet: wire::WalletId,
    pub(crate) mandate: Option<wire::MandateId>,
    pub(crate) approval: Option<&'a str>,
    pub(crate) why: Option<&'a str>,
    /// The digest of what was asked for, as it came.
    pub(crate) reference: Hash,
}

/// What came of it.
pub(crate) enum Came {
    /// The money is held.
    Paid(Box<Paid>),
    /// Nothing was spent: the owner is asked.
    Else(Box<Answer>),
    /// Nothing was spent: it had to be paid earlier.
    TooLate,
}

/// A bill that was paid.
pub(crate) struct Paid {
    pub(crate) proof: Proof,
    /// The meter, where the bill is for a deposit.
    pub(crate) meter: Option<wire::MeterId>,
    pub(crate) entry: u64,
    pub(crate) repeated: bool,
}

impl State {
    /// Pays a bill out of a wallet: once, however often it is asked for under the same name.
    ///
    /// # Errors
    /// A [`Problem`]: nothing was spent, unless the money is held and no proof can be given.
    pub(crate) async fn pay_bill(
        self: &App,
        caller: &Caller,
        bill: &Bill,
        buyer: Identifier,
        paying: Paying<'_>,
    ) -> Answered<Came> {
        let name = id(paying.id.0);
        // Whoever paid in time may ask again later.
        if bill.demand.pay_before.time() <= self.clock.now() && self.bought(name).await?.is_none() {
            return Ok(Came::TooLate);
        }
        let window = Time::from_seconds(u64::from(bill.demand.replay_window_seconds) + HOLD_MARGIN_SECONDS);
        let purchase = Purchase {
            wallet: WalletId(id(paying.wallet.0)),
            mandate: paying.mandate.map(|mandate| MandateId(id(mandate.0))),
            to: Payees::One(bill.payee),
            amount: bill.amount,
            asset: bill.asset.code,
            category: None,
            reference: Some(paying.reference),
            approval: paying.approval.map(|text| purchase_id(text, "approval")).transpose()?,
        };
        // Made of the demand alone, so that a repeated request is the same command.
        let expires_at = bill.demand.pay_before.time().after(window.0);
        let action = match bill.collection {
            Collection::Whole => Action::PlaceHold(PlaceHold { purchase, expires_at }),
            Collection::Metered => Action::OpenMeter(OpenMeter {
                purchase,
                expires_at,
                rates: vec![METERED_RATE],
                rounding: Rounding::HalfUp,
            }),
        };
        let came = self.execute(caller, name, action).await;
        self.keep_why(caller, name, paying.why, &came);
        let answer = came?;
        let (meter, entry, repeated) = if let Answer::Held(held) = &answer {
            (None, held.entry, held.repeated)
        } else if let Answer::Metered(meter) = &answer {
            (Some(meter.id), meter.entry, meter.repeated)
        } else {
            return Ok(Came::Else(Box::new(answer)));
        };
        if !repeated {
            self.keep_sold(bill.payee, name, bill.demand.resource_id.as_str());
        }
        let (made, _) = self.entry(Seq(entry))?.ok_or(Problem::from(Edge::Internal))?;
        let proof =
            prove(self, bill, buyer, HoldId(name), made.at).ok_or(Problem::from(Edge::HeldWithoutProof))?;
        Ok(Came::Paid(Box::new(Paid { proof, meter, entry, repeated })))
    }

    /// Pays what is asked for in a dialect in which sellers sign nothing, and answers with the payload to send.
    ///
    /// # Errors
    /// A [`Problem`]: nothing was spent, unless the money is held and no proof can be given.
    pub(crate) async fn pay_unsigned(
        self: &App,
        caller: &Caller,
        (price, demand): (Price, Demand),
        paying: Paying<'_>,
    ) -> Answered<Response> {
        let (buyer, hold) = (buyer(caller), paying.id);
        let bill = unsigned_bill(self, &price, demand, &buyer)?;
        let paid = match self.pay_bill(caller, &bill, buyer, paying).await? {
            Came::Paid(paid) => paid,
            Came::Else(answer) => return Ok(json(answer.status(), &answer)),
            Came::TooLate => return Err(bill_refused("it had to be paid earlier")),
        };
        let answer = UnsignedPayment {
            hold,
            payload: UnsignedPayload { credential: paid.proof.payment_proof.reveal().to_owned() },
            expires_at: paid.proof.expires_at.as_str().to_owned(),
            entry: paid.entry,
            repeated: paid.repeated,
            livemode: self.livemode,
        };
        Ok(json(StatusCode::CREATED, &answer))
    }

    /// Gives the seller all that is held, by what the buyer's side said when it paid: once, in whatever dialect.
    ///
    /// # Errors
    /// A [`Problem`]; [`Edge::AlreadySettled`] where the seller has it.
    pub(crate) async fn settle_whole(self: &App, hold: HoldId, amount: Amount) -> Answered<()> {
        let bought = self.bought(hold.0).await?.filter(|bought| bought.form == Form::Hold);
        let bought = bought.ok_or_else(|| Problem::from(Reject::HoldUnknown))?;
        let (placed, _) = self.entry(bought.seq)?.ok_or(Problem::from(Edge::Internal))?;
        let action = Action::Capture(Capture { hold, amount, last: true });
        let command = Command { id: derived(hold, SETTLE), by: placed.command.by, action };
        let answer = self.execute_as_said(command).await?;
        if answer.is_repeated() { Err(Edge::AlreadySettled.into()) } else { Ok(()) }
    }
}

pub(crate) fn network(app: &App) -> Network {
    if app.livemode { Network::Main } else { Network::Test }
}

/// Who buys, as sellers know it: the agent, or the owner where she pays herself.
pub(crate) fn buyer(caller: &Caller) -> Identifier {
    let text = match caller.holder {
        KeyHolder::Operator => "operator".to_owned(),
        KeyHolder::Owner(owner) => owner.to_string(),
        KeyHolder::Agent(agent) => agent.to_string(),
        KeyHolder::Payee(payee) => payee.to_string(),
    };
    identifier(text)
}

pub(crate) fn identifier(text: impl Into<String>) -> Identifier {
    Identifier::parse(text).expect("an id is a short text")
}

/// The name of the key that signs credentials: its thumbprint.
pub(crate) fn credential_key_id(app: &App) -> Identifier {
    identifier(base64url::encode(app.credential_key.public().thumbprint().as_bytes()))
}

pub(crate) fn credential_keys(app: &App) -> Keyring {
    let mut keys = Keyring::default();
    let speaks_for = identifier(network(app).method_id().as_str());
    keys.trust(credential_key_id(app), speaks_for, app.credential_key.public().clone());
    keys
}

/// The proof that a demand was paid; none where that was too late.
fn prove(app: &App, bill: &Bill, buyer: Identifier, hold: HoldId, paid_at: Time) -> Option<Proof> {
    let payment = Payment { trade_no: identifier(hold.to_string()), buyer_unique_id: buyer, paid_at };
    let credential = Credential::for_demand(&bill.demand, payment).ok()?;
    let payment_proof = credential.sign(&credential_key_id(app), &app.credential_key);
    Some(Proof::of(credential, payment_proof, network_layer(network(app))))
}

/// The id of a change that follows from a hold: the same for the same change, and remembered as long as the hold.
pub(crate) fn derived(hold: HoldId, what: &[u8]) -> Id {
    let hash = Hash::of(&[&hold.0.0[..], what].concat()).0;
    let random = hash.first_chunk::<16>().copied().unwrap_or_default();
    Id::new(hold.0.made_at(), random)
}
