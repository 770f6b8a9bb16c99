//! Rows: what the views answer with.

use crate::views::links::AskedLink;
use crate::views::stored::{Canonical, Columns, Kind, numbered};
use crate::views::subscriptions::AskedTerms;
use book::freeze::Status;
use book::open::Balance;
use book::{
    Action, Actor, AgentId, Amount, Ask, Asset, Code, Id, KeyHolder, KeyId, Limit, MandateId, Nanos,
    NanosPerUnit, OwnerId, Part, PartsPerMillion, PayeeId, Provenance, PublicKeyBytes, Purchase, RefundId,
    Refusal, Rounding, RuleRef, Seq, Time, TransferId, Versions, WalletId,
};
use evidence::Hash;

/// The beginning of a query for what [`PurchaseRow::read`] reads, up to the table.
macro_rules! select_purchase {
    ($rest:literal) => {
        concat!(
            "SELECT p.seq, p.at, p.id, p.form, p.state, p.owner, p.agent, p.purchase, p.versions, p.parts, p.captured,
             p.released, p.refunded, p.expires_at, p.redeemed, p.ended_at",
            $rest
        )
    };
}

/// The beginning of a query for what [`DecisionRow::read`] reads, up to the table.
macro_rules! select_decision {
    ($rest:literal) => {
        concat!(
            "SELECT d.seq, d.at, d.id, d.kind, d.actor, d.ask, d.refusal, d.amount, d.asset, d.about, d.owner, d.wallet,
             d.agent, d.payee, d.mandate",
            $rest
        )
    };
}

pub(super) use {select_decision, select_purchase};

/// A purchase by its name, which no other entry but its own expiry shares.
pub(super) const PURCHASE_BY_ID: &str =
    select_purchase!(" FROM decisions d JOIN purchases p ON p.seq = d.seq WHERE d.id = ?1 AND d.kind <> 29");

/// What kind of book this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookRow {
    /// When it was opened.
    pub at: Time,
    /// Play money.
    pub test: bool,
    /// How long the book remembers ids, in seconds. The views remember them for good.
    pub retention_seconds: u64,
}

/// An asset, and the two accounts every asset has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetRow {
    /// The entry that registered it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Code and scale.
    pub asset: Asset,
    /// Everybody outside; it alone may owe.
    pub world: Balance,
    /// The operator's fees.
    pub fees: Balance,
    /// What sellers are paid out and banks have not answered.
    pub transit: Balance,
}

/// A person or organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// The entry that registered it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: OwnerId,
    /// Whether it takes part.
    pub status: Status,
}

/// A public key that speaks, or spoke, for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The entry that enrolled it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: KeyId,
    /// For whom.
    pub holder: KeyHolder,
    /// The key.
    pub public_key: PublicKeyBytes,
    /// The entry that revoked it.
    pub revoked: Option<Seq>,
}

/// What was spent: held money is included, what was given back to the payer by ending a hold is not. Refunds do not
/// lessen it, for they make no room to spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// How much.
    pub amount: Amount,
    /// In how many purchases.
    pub uses: u64,
}

/// What a sub-account belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAccount {
    /// The wallet.
    pub parent: WalletId,
    /// The agent that alone may spend from it.
    pub agent: AgentId,
}

/// A wallet or sub-account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletRow {
    /// The entry that opened it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: WalletId,
    /// Whose.
    pub owner: OwnerId,
    /// What it holds.
    pub asset: Asset,
    /// Whether it takes part; closed is revoked.
    pub status: Status,
    /// Of a sub-account.
    pub sub: Option<SubAccount>,
    /// Its limits.
    pub limits: Vec<Limit>,
    /// Which version of them; 0 where there were never any.
    pub version: u32,
    /// Its money.
    pub balance: Balance,
    /// What was spent from it since it was opened.
    pub spent: Spent,
}

/// A seller's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayeeRow {
    /// The entry that registered it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: PayeeId,
    /// Whose, where that is an owner of this book.
    pub owner: Option<OwnerId>,
    /// What it collects.
    pub asset: Asset,
    /// Whether it takes part.
    pub status: Status,
    /// What it sells.
    pub category: Code,
    /// Who vouches for it.
    pub provenance: Provenance,
    /// The operator's fee.
    pub fee: PartsPerMillion,
    /// Its money.
    pub balance: Balance,
}

/// A program that spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRow {
    /// The entry that enrolled it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: AgentId,
    /// The wallet it may spend from.
    pub wallet: WalletId,
    /// Whose wallet that is.
    pub owner: OwnerId,
    /// Whether it takes part.
    pub status: Status,
    /// Its limits.
    pub limits: Vec<Limit>,
    /// Which version of them; 0 where there were never any.
    pub version: u32,
    /// What it spent since it was enrolled.
    pub spent: Spent,
}

/// A standing permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MandateRow {
    /// The entry that granted it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: MandateId,
    /// From which wallet.
    pub wallet: WalletId,
    /// Whose wallet that is.
    pub owner: OwnerId,
    /// To which agent.
    pub agent: AgentId,
    /// Whether it takes part.
    pub status: Status,
    /// From when.
    pub valid_from: Time,
    /// Until when, exclusive.
    pub expires_at: Time,
    /// The digest of what the owner agreed to.
    pub document: Hash,
    /// Its limits.
    pub limits: Vec<Limit>,
    /// Which version of them.
    pub version: u32,
    /// What it began with: spent under mandates of the same agent that had ended.
    pub inherited: Spent,
    /// What its limits count as spent, with what it began with.
    pub spent: Spent,
    /// The mandate it was delegated from; none where the owner granted it.
    pub parent: Option<MandateId>,
    /// So many delegations below the one that the owner granted.
    pub depth: u8,
    /// The entry that froze, thawed or revoked it last; none where nothing did.
    pub changed: Option<Seq>,
}

/// How a purchase is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// At once.
    Payment,
    /// Set aside, then captured.
    Hold,
    /// Set aside, then drawn down by counted work.
    Meter,
    /// By the period. Only questions have this form: each period that is paid is a payment.
    Subscription,
    /// Set aside, and captured when the time is up.
    Escrow,
}

numbered!(Form { 1 Payment, 2 Hold, 3 Meter, 4 Subscription, 5 Escrow, });

impl Form {
    /// What an action would buy and how it would be paid, where it is a purchase.
    pub fn of(action: &Action) -> Option<(&Purchase, Form)> {
        action.purchase().zip(Kind::of(action).form())
    }
}

impl Kind {
    /// How what an entry of this kind buys is paid, where it is a purchase of its own.
    pub fn form(self) -> Option<Form> {
        let forms = [
            (&[Kind::Pay, Kind::ChangePlan, Kind::PayLink][..], Form::Payment),
            (&[Kind::PlaceHold], Form::Hold),
            (&[Kind::OpenMeter, Kind::OpenChannel], Form::Meter),
            (&[Kind::Subscribe], Form::Subscription),
            (&[Kind::PlaceEscrow], Form::Escrow),
        ];
        forms.into_iter().find(|(kinds, _)| kinds.contains(&self)).map(|(_, form)| form)
    }
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Paid at once.
    Paid,
    /// Set aside; some of it may be captured.
    Held,
    /// Over: captured for the last time, or settled.
    Captured,
    /// Over: given back.
    Voided,
    /// Over: its time was.
    Expired,
    /// Set aside, and the buyer's side objected to its capture.
    Disputed,
}

numbered!(State { 1 Paid, 2 Held, 3 Captured, 4 Voided, 5 Expired, 6 Disputed, });

impl State {
    /// Whether money is set aside.
    pub fn is_open(self) -> bool {
        match self {
            State::Held | State::Disputed => true,
            State::Paid | State::Captured | State::Voided | State::Expired => false,
        }
    }
}

/// What one payee got, and gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRow {
    /// Who.
    pub payee: PayeeId,
    /// Before the fee, and the fee.
    pub paid: Part,
    /// What the payee gave back, and what the operator did.
    pub refunded: Part,
}

/// A payment, a hold or a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseRow {
    /// The entry that made it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name: a [`PaymentId`](book::PaymentId), [`HoldId`](book::HoldId) or [`MeterId`](book::MeterId) by its form.
    pub id: Id,
    /// How it is paid.
    pub form: Form,
    /// Where it stands.
    pub state: State,
    /// Whose wallet pays.
    pub owner: Option<OwnerId>,
    /// The agent that bought; none where the owner did.
    pub agent: Option<AgentId>,
    /// What was bought: wallet, mandate, payees, amount, asset, category, reference, approval.
    pub purchase: Purchase,
    /// The limits that allowed it.
    pub versions: Versions,
    /// What each payee got so far, in the order of the purchase. Empty while nothing was paid.
    pub parts: Vec<PartRow>,
    /// What was paid so far.
    pub captured: Amount,
    /// What was set aside and given back.
    pub released: Amount,
    /// What was refunded.
    pub refunded: Amount,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// The digest of the delivery it was redeemed for.
    pub redeemed: Option<Hash>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl PurchaseRow {
    pub(super) fn read(columns: &mut Columns<'_>) -> rusqlite::Result<PurchaseRow> {
        let mut row = PurchaseRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            form: columns.next()?,
            state: columns.next()?,
            owner: columns.next()?,
            agent: columns.next()?,
            purchase: columns.next::<Canonical<Purchase>>()?.0,
            versions: columns.next::<Canonical<Versions>>()?.0,
            parts: Vec::new(),
            captured: Amount::ZERO,
            released: Amount::ZERO,
            refunded: Amount::ZERO,
            expires_at: None,
            redeemed: None,
            ended_at: None,
        };
        let Canonical(parts) = columns.next::<Canonical<Vec<(Part, Part)>>>()?;
        row.parts = row
            .purchase
            .to
            .each()
            .zip(parts)
            .map(|(payee, (paid, refunded))| PartRow { payee, paid, refunded })
            .collect();
        row.captured = columns.next()?;
        row.released = columns.next()?;
        row.refunded = columns.next()?;
        row.expires_at = columns.next()?;
        row.redeemed = columns.next()?;
        row.ended_at = columns.next()?;
        Ok(row)
    }

    /// What is still set aside.
    pub fn held(&self) -> Amount {
        if self.state.is_open() { self.purchase.amount.saturating_sub(self.captured) } else { Amount::ZERO }
    }
}

/// A hold that is drawn down by counted work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterRow {
    /// The hold.
    pub purchase: PurchaseRow,
    /// What a unit of each kind of work costs.
    pub rates: Vec<NanosPerUnit>,
    /// How the exact cost becomes an amount.
    pub rounding: Rounding,
    /// The seller's number of the last charge.
    pub sequence: u64,
    /// How many charges.
    pub charges: u64,
    /// The exact cost of everything charged.
    pub total: Nanos,
    /// Once it is settled: the billionths that rounding left over.
    pub carry: Option<Nanos>,
    /// Of a channel: the key that its vouchers are signed with.
    pub voucher_key: Option<PublicKeyBytes>,
}

/// Money that went back to where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRow {
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: RefundId,
    /// The entry of the payment, hold or meter.
    pub purchase: Seq,
    /// How much.
    pub amount: Amount,
    /// To which wallet.
    pub wallet: WalletId,
    /// From each payee of the purchase, in order.
    pub parts: Vec<Part>,
}

/// Money that moved between accounts of one owner, or from or to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferRow {
    /// The entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: TransferId,
    /// Whence.
    pub from: book::Account,
    /// Whither.
    pub to: book::Account,
    /// How much.
    pub amount: Amount,
    /// In what.
    pub asset: Code,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// None yet; it waits until `until`.
    Waiting {
        /// Exclusive.
        until: Time,
    },
    /// Yes, good once and until `until`.
    Approved {
        /// Exclusive.
        until: Time,
    },
    /// No.
    Refused,
    /// Yes, and the purchase was made.
    Used,
    /// It was not answered in time, or the answer was not used in time.
    Expired,
}

/// What an owner was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRow {
    /// The entry that asked.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name: the id of the purchase that raised it.
    pub id: Id,
    /// How the purchase would be paid.
    pub form: Form,
    /// Who is asked.
    pub owner: OwnerId,
    /// Who wants to buy.
    pub agent: Option<AgentId>,
    /// What exactly.
    pub purchase: Purchase,
    /// The digest of that, to be named in the answer.
    pub digest: Hash,
    /// Why.
    pub ask: Ask,
    /// The limit that asks.
    pub rule: RuleRef,
    /// What became of it by the time of asking for it.
    pub answer: Answer,
    /// The entry that answered.
    pub answered: Option<Seq>,
    /// The entry that used the answer.
    pub used: Option<Seq>,
    /// Of a subscription: what else would be agreed on.
    pub terms: Option<AskedTerms>,
    /// Of a payment by a link: which, and what would be said.
    pub link: Option<AskedLink>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Allowed, and done.
    Allowed,
    /// Denied, and why.
    Denied(Refusal),
    /// The owner was asked, and why.
    Asked(Ask, RuleRef),
}

impl Ruling {
    /// `allow`, `deny` or `ask`.
    pub fn code(&self) -> &'static str {
        match self {
            Ruling::Allowed => "allow",
            Ruling::Denied(_) => "deny",
            Ruling::Asked(_, _) => "ask",
        }
    }

    /// The code of the denial or question.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Ruling::Allowed => None,
            Ruling::Denied(refusal) => Some(refusal.denial.code()),
            Ruling::Asked(ask, _) => Some(ask.code()),
        }
    }
}

/// One entry, as activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// Its place.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// The command's id: the name of what it made, if it made something.
    pub id: Id,
    /// What was asked.
    pub kind: Kind,
    /// Who asked.
    pub by: Actor,
    /// What was decided.
    pub ruling: Ruling,
    /// The money it is about.
    pub amount: Option<Amount>,
    /// In what.
    pub asset: Option<Code>,
    /// The purchase, question or key that it is about, where that is another entry's.
    pub about: Option<Id>,
    /// The owner it concerns.
    pub owner: Option<OwnerId>,
    /// The wallet it concerns; of a transfer, the giver's.
    pub wallet: Option<WalletId>,
    /// The agent it concerns.
    pub agent: Option<AgentId>,
    /// The payee it concerns; of a split, the first. A payee's own list shows only what was not refused.
    pub payee: Option<PayeeId>,
    /// The mandate it concerns.
    pub mandate: Option<MandateId>,
}

impl DecisionRow {
    pub(super) fn read(columns: &mut Columns<'_>) -> rusqlite::Result<DecisionRow> {
        Ok(DecisionRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            kind: columns.next()?,
            by: columns.next::<Canonical<Actor>>()?.0,
            ruling: {
                let ask = columns.next::<Option<Canonical<(Ask, RuleRef)>>>()?;
                let refusal = columns.next::<Option<Canonical<Refusal>>>()?;
                match (ask, refusal) {
                    (Some(Canonical((ask, rule))), _) => Ruling::Asked(ask, rule),
                    (None, Some(Canonical(refusal))) => Ruling::Denied(refusal),
                    (None, None) => Ruling::Allowed,
                }
            },
            amount: columns.next()?,
            asset: columns.next()?,
            about: columns.next()?,
            owner: columns.next()?,
            wallet: columns.next()?,
            agent: columns.next()?,
            payee: columns.next()?,
            mandate: columns.next()?,
        })
    }
}
