//! Where a purchase stands: a payment, hold or meter that was made, was denied, or that an owner was asked about.

use crate::answer::purchase_name;
use crate::codes::Edge;
use crate::convert::{bits, money, time_text};
use crate::problem::{Answered, Problem};
use crate::reads;
use crate::state::State;
use book::{Action, AgentId, Amount, Id, KeyHolder, Purchase, Seq, Time};
use engine::View;
use engine::views::{self, Form, PurchaseRow, Ruling};
use wire::hold::AtExpiry;
use wire::payment::PaymentState;

/// A purchase as it stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The entry that decided it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: Id,
    /// How it is paid.
    pub form: Form,
    /// Where it stands.
    pub status: Status,
    /// Why it was denied or asked about.
    pub code: Option<&'static str>,
    /// The agent that asked.
    pub agent: Option<AgentId>,
    /// What is bought.
    pub purchase: Purchase,
    /// When a hold ends by itself.
    pub expires_at: Option<Time>,
    /// What the payees got.
    pub captured: Amount,
    /// What went back after it was paid.
    pub refunded: Amount,
    /// Whether it was used as proof of payment.
    pub redeemed: bool,
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Paid at once.
    Paid,
    /// Set aside.
    Held,
    /// Over: captured for the last time, or settled.
    Captured,
    /// Over: given back.
    Released,
    /// Over: its time was.
    Expired,
    /// The owner is asked.
    Asked,
    /// A rule said no.
    Denied,
    /// Set aside, and the buyer's side objected.
    Disputed,
}

impl Status {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Status::Paid => "paid",
            Status::Held => "held",
            Status::Captured => "captured",
            Status::Released => "released",
            Status::Expired => "expired",
            Status::Asked => "asked",
            Status::Denied => "denied",
            Status::Disputed => "disputed",
        }
    }
}

impl From<PurchaseRow> for Standing {
    fn from(row: PurchaseRow) -> Standing {
        Standing {
            seq: row.seq,
            at: row.at,
            id: row.id,
            form: row.form,
            status: match row.state {
                views::State::Paid => Status::Paid,
                views::State::Held => Status::Held,
                views::State::Captured => Status::Captured,
                views::State::Voided => Status::Released,
                views::State::Expired => Status::Expired,
                views::State::Disputed => Status::Disputed,
            },
            code: None,
            agent: row.agent,
            purchase: row.purchase,
            expires_at: row.expires_at,
            captured: row.captured,
            refunded: row.refunded,
            redeemed: row.redeemed.is_some(),
        }
    }
}

/// The purchase of that name, if `viewer` may see it. Payees do not learn of what was not made.
pub(crate) fn find(app: &State, view: &View, viewer: KeyHolder, id: Id) -> Answered<Option<Standing>> {
    if let Some(row) = view.purchase(id)? {
        return Ok(Some(row).filter(|row| reads::sees_purchase(viewer, row)).map(Standing::from));
    }
    let Some(row) = view.decision_of(id)? else { return Ok(None) };
    let (status, code) = match row.ruling {
        Ruling::Asked(ask, _) => (Status::Asked, ask.code()),
        Ruling::Denied(refusal) => (Status::Denied, refusal.denial.code()),
        Ruling::Allowed => return Ok(None),
    };
    // Each period of a subscription is a payment of its own, and the subscription is none.
    let is_purchase = row.kind.form().is_some_and(|form| form != Form::Subscription);
    if !is_purchase || !reads::sees(viewer, row.owner, row.agent) {
        return Ok(None);
    }
    // What was not made has no row of its own; the journal has all of it.
    let (entry, _) = app.entry(row.seq)?.ok_or(Problem::from(Edge::Internal))?;
    let Some((purchase, form)) = Form::of(&entry.command.action) else { return Ok(None) };
    let expires_at = if let Action::PlaceHold(book::PlaceHold { expires_at, .. })
    | Action::OpenMeter(book::OpenMeter { expires_at, .. })
    | Action::OpenChannel(book::OpenChannel { expires_at, .. })
    | Action::PlaceEscrow(book::PlaceEscrow { expires_at, .. }) = &entry.command.action
    {
        Some(*expires_at)
    } else {
        None
    };
    Ok(Some(Standing {
        seq: row.seq,
        at: row.at,
        id,
        form,
        status,
        code: Some(code),
        agent: row.agent,
        purchase: purchase.clone(),
        expires_at,
        captured: Amount::ZERO,
        refunded: Amount::ZERO,
        redeemed: false,
    }))
}

impl Standing {
    /// It in the words of the API.
    pub(crate) fn text(self, app: &State) -> Answered<PaymentState> {
        let asset = app.directory.asset(self.purchase.asset).ok_or(Problem::from(Edge::Internal))?;
        Ok(PaymentState {
            id: purchase_name(self.id, self.form),
            status: self.status.code().to_owned(),
            wallet: wire::WalletId(bits(self.purchase.wallet.0)),
            agent: self.agent.map(|agent| wire::AgentId(bits(agent.0))),
            mandate: self.purchase.mandate.map(|mandate| wire::MandateId(bits(mandate.0))),
            payees: self.purchase.to.each().map(|payee| wire::PayeeId(bits(payee.0))).collect(),
            amount: money(self.purchase.amount, asset),
            captured: (self.form != Form::Payment).then(|| money(self.captured, asset)),
            refunded: money(self.refunded, asset),
            code: self.code.map(str::to_owned),
            expires_at: self.expires_at.map(time_text),
            at_expiry: match self.form {
                Form::Hold => Some(AtExpiry::Release),
                Form::Escrow if self.status == Status::Disputed => Some(AtExpiry::Release),
                Form::Escrow => Some(AtExpiry::Capture),
                Form::Payment | Form::Meter | Form::Subscription => None,
            },
            entry: self.seq.0,
            at: time_text(self.at),
            livemode: app.livemode,
        })
    }
}
