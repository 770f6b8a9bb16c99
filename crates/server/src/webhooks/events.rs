//! What is told: each entry that a seller's list shows, and each step of an agreement or of a payment under one.

use super::store::{Message, Webhook};
use crate::answer::purchase_name;
use crate::convert::time_text;
use crate::limits::{WEBHOOK_ENTRIES_MAX, WEBHOOK_MARK_ENTRIES};
use crate::problem::{Answered, Problem};
use crate::routes::entries::entry_text;
use crate::routes::intents::draft::unreadable;
use crate::routes::payment_services::{self, agreements, message};
use crate::state::{App, State};
use book::{Action, AdvancePayout, Entry, Id, PayoutStep, Seq, Time};
use engine::View;
use engine::views::{DecisionRow, Kind, Ruling, Whom};
use evidence::Hash;
use protocols::act::UtcTime;
use protocols::act::psd::TradeStatus;
use serde_json::{Value, json};
use std::time::Duration;

/// The type of a message that is sent to try a webhook out.
pub(crate) const TEST: &str = "test";
/// The owner has signed an agreement.
pub(crate) const SIGNED: &str = "agreement.signed";
/// The owner has turned an agreement down.
pub(crate) const DECLINED: &str = "agreement.declined";
/// An agreement was ended by somebody.
pub(crate) const ENDED: &str = "agreement.ended";
/// A payment under an agreement was made.
const COMPLETED: &str = "payment.completed";

/// A payout was handed to the bank.
const SENT: &str = "payout.sent";
/// How far a payout is beyond that.
const ENDED_PAYOUTS: [&str; 2] = ["payout.paid", "payout.failed"];

/// How far an entry says that a payout is, where it is about one.
fn step_of(entry: &Entry) -> Option<&'static str> {
    let Action::AdvancePayout(AdvancePayout { step, .. }) = &entry.command.action else { return None };
    let [paid, failed] = ENDED_PAYOUTS;
    Some(match step {
        PayoutStep::Sent { .. } => SENT,
        PayoutStep::Paid { .. } => paid,
        PayoutStep::Failed { .. } => failed,
    })
}

/// What a seller is told of an entry of this kind: its type, and whether that is told unasked. None of what is not a
/// seller's business, and of what comes by the thousand unless somebody asks.
fn told(kind: Kind) -> Option<(&'static str, bool)> {
    match kind {
        Kind::Pay => Some(("payment.paid", true)),
        Kind::PlaceHold => Some(("hold.placed", true)),
        Kind::Redeem => Some(("hold.redeemed", true)),
        Kind::Capture => Some(("hold.captured", true)),
        Kind::Void => Some(("hold.voided", true)),
        Kind::Expire => Some(("hold.expired", true)),
        Kind::Refund => Some(("refund.made", true)),
        Kind::OpenMeter => Some(("meter.opened", true)),
        Kind::Charge => Some(("meter.charged", false)),
        Kind::CloseMeter => Some(("meter.settled", true)),
        Kind::OpenChannel => Some(("channel.opened", true)),
        Kind::Claim => Some(("channel.claimed", false)),
        Kind::GrantQuota => Some(("quota.granted", true)),
        Kind::Deduct => Some(("quota.deducted", false)),
        Kind::Restore => Some(("quota.restored", false)),
        Kind::Subscribe => Some(("subscription.made", true)),
        Kind::Renew => Some(("subscription.renewed", true)),
        Kind::ChangePlan => Some(("subscription.changed", true)),
        Kind::CancelSubscription => Some(("subscription.cancelled", true)),
        Kind::OpenLink => Some(("link.opened", true)),
        Kind::PayLink => Some(("link.paid", true)),
        Kind::CloseLink => Some(("link.closed", true)),
        Kind::PlaceEscrow => Some(("hold.placed", true)),
        Kind::Dispute => Some(("hold.disputed", true)),
        Kind::IssueInvoice => Some(("invoice.issued", true)),
        Kind::SetDestination => Some(("payout.destination_named", true)),
        Kind::RequestPayout => Some(("payout.requested", true)),
        Kind::AdvancePayout => Some((SENT, true)),
        Kind::IssueCreditNote => Some(("credit_note.issued", true)),
        Kind::Transfer => Some(("transfer.made", true)),
        Kind::EnrolKey => Some(("key.enrolled", true)),
        Kind::RevokeKey => Some(("key.revoked", true)),
        Kind::Freeze => Some(("payee.frozen", true)),
        Kind::Unfreeze => Some(("payee.unfrozen", true)),
        Kind::Revoke => Some(("payee.revoked", true)),
        Kind::OpenBook
        | Kind::RegisterAsset
        | Kind::RegisterOwner
        | Kind::OpenWallet
        | Kind::OpenSubAccount
        | Kind::CloseWallet
        | Kind::RegisterPayee
        | Kind::EnrolAgent
        | Kind::SetLimits
        | Kind::GrantMandate
        | Kind::Delegate
        | Kind::Approve
        | Kind::ApproveAlike
        | Kind::Refuse
        | Kind::Observe
        | Kind::Allot
        | Kind::Reclaim
        | Kind::Present => None,
    }
}

/// Every type that a seller can ask to be told of.
pub(crate) fn types() -> impl Iterator<Item = &'static str> {
    Kind::ALL.iter().filter_map(|kind| told(*kind)).map(|(name, _)| name).chain(ENDED_PAYOUTS)
}

impl Webhook {
    fn wants(&self, entry: Seq, name: &str, is_unasked: bool) -> bool {
        if entry < self.from {
            return false;
        }
        if self.events.is_empty() { is_unasked } else { self.events.iter().any(|event| event == name) }
    }

    /// A message to this webhook; `about` makes its name.
    pub(crate) fn message(&self, kind: &str, about: &[u8], now: Time, data: &Value) -> Message {
        Message {
            id: name(&[&self.id.0, about].concat()),
            webhook: Some(self.id),
            url: self.url.clone(),
            kind: kind.to_owned(),
            body: body(kind, now, data),
            made_at: now,
            tries: 0,
        }
    }
}

/// The name of the message about one thing: whatever happens, it is told once.
fn name(about: &[u8]) -> Id {
    let Hash(bytes) = Hash::of(about);
    Id(std::array::from_fn(|place| bytes.get(place).copied().unwrap_or_default()))
}

fn body(kind: &str, at: Time, data: &Value) -> String {
    json!({"type": kind, "timestamp": time_text(at), "data": data}).to_string()
}

/// Reads the journal as far as the views show it, for as long as the server runs.
pub(super) async fn follow(app: &App) {
    let Ok(mut next) = app.webhooks.store.read_to() else {
        tracing::error!("nobody can be told anything: the webhooks' file cannot be read");
        return;
    };
    let mut kept = next;
    loop {
        if !app.reads.moved(next).await {
            return;
        }
        match step(app, next, &mut kept).await {
            Ok(read_to) => next = read_to,
            Err(problem) => {
                tracing::warn!(code = problem.code(), "what is to be told cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        // What comes in the next moment is looked at together; what is there already does not wait.
        if app.reads.position() <= next {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Keeps what is to be told of the next entries; returns where to go on. The place is kept with each message, and else
/// once in a while: what is read again after a restart is told once all the same.
async fn step(app: &App, from: Seq, kept: &mut Seq) -> Answered<Seq> {
    let position = app.reads.position();
    let somebody_agreed = app.papers.has_agreements().map_err(|fault| unreadable(&fault))?;
    if app.webhooks.nobody_listens() && !somebody_agreed {
        return Ok(position.max(from));
    }
    let state = app.clone();
    let (mut messages, steps, next) = app
        .reads
        .ask(from, move |view| {
            let found = view.decisions_from(Whom::Everybody, from, WEBHOOK_ENTRIES_MAX)?;
            let (mut messages, mut steps) = (Vec::new(), Vec::new());
            for row in found.rows.iter().filter(|row| matches!(row.ruling, Ruling::Allowed)) {
                to_sellers(&state, row, &mut messages)?;
                steps.extend(to_agents(&state, view, row)?);
            }
            Ok((messages, steps, found.next))
        })
        .await?;
    for step in steps {
        messages.push(step.message(app).await?);
    }
    if !messages.is_empty() || kept.0.saturating_add(WEBHOOK_MARK_ENTRIES) <= next.0 {
        *kept = keep(app, messages, next).await?;
    }
    Ok(next)
}

async fn keep(app: &App, messages: Vec<Message>, read_to: Seq) -> Answered<Seq> {
    let state = app.clone();
    let kept = tokio::task::spawn_blocking(move || state.keep_messages(&messages, Some(read_to))).await;
    match kept {
        Ok(Ok(())) => Ok(read_to),
        Ok(Err(fault)) => Err(unreadable(&fault)),
        Err(fault) => Err(unreadable(&fault)),
    }
}

fn to_sellers(app: &State, row: &DecisionRow, messages: &mut Vec<Message>) -> Answered<()> {
    let (Some(payee), Some((kind, is_unasked))) = (row.payee, told(row.kind)) else { return Ok(()) };
    let listeners = app.webhooks.listeners(payee);
    if listeners.is_empty() {
        return Ok(());
    }
    let entry = || app.entry(row.seq)?.ok_or_else(|| Problem::from(crate::codes::Edge::Internal));
    // How far a payout is, only the entry says.
    let step = if row.kind == Kind::AdvancePayout { step_of(&entry()?.0) } else { None };
    let kind = step.unwrap_or(kind);
    let mut listeners =
        listeners.iter().filter(|webhook| webhook.wants(row.seq, kind, is_unasked)).peekable();
    if listeners.peek().is_none() {
        return Ok(());
    }
    let (entry, bytes) = entry()?;
    let data = serde_json::to_value(entry_text(&entry, &bytes, app.livemode)).expect("an entry is JSON");
    let now = app.wall_clock();
    messages.extend(listeners.map(|webhook| webhook.message(kind, &row.seq.0.to_be_bytes(), now, &data)));
    Ok(())
}

/// A step that an agent is told of, at the address that it gave with its request.
enum Step {
    /// An agreement was signed, or has ended.
    Agreement { seq: Seq, url: String, kind: &'static str, agreement: Value },
    /// A payment under one was made.
    Payment { seq: Seq, url: String, message: Box<message::Message>, trade_no: String, at: Time },
}

fn to_agents(app: &State, view: &View, row: &DecisionRow) -> Answered<Option<Step>> {
    let Some(mandate) = row.mandate else { return Ok(None) };
    let is_payment = matches!(row.kind, Kind::Pay | Kind::PlaceHold);
    if !is_payment && !matches!(row.kind, Kind::GrantMandate | Kind::Revoke) {
        return Ok(None);
    }
    let paper = app.papers.agreement(mandate).map_err(|fault| unreadable(&fault))?;
    let Some(paper) = paper else { return Ok(None) };
    if !is_payment {
        let found = agreements::standing::found(view, paper, app.clock.now())?;
        let url = agreements::standing::notify_url(&found.paper)?;
        let kind = if row.kind == Kind::GrantMandate { SIGNED } else { ENDED };
        let agreement = agreements::standing::told_of(&found)?;
        return Ok(Some(Step::Agreement { seq: row.seq, url, kind, agreement }));
    }
    let Some(purchase) = view.purchase(row.id)? else { return Ok(None) };
    // What was approved of is paid under another name than it was asked under.
    let asked = purchase.purchase.approval.unwrap_or(row.id);
    let request = app.papers.request_of(asked).map_err(|fault| unreadable(&fault))?;
    let Some(message) = request.and_then(|(_, request)| message::Message::of_text(&request.message)) else {
        return Ok(None);
    };
    let message::Message::Agreed(pay) = &message else { return Ok(None) };
    let (url, trade_no) = (pay.notify_url.as_str().to_owned(), purchase_name(purchase.id, purchase.form));
    Ok(Some(Step::Payment { seq: row.seq, url, message: Box::new(message), trade_no, at: row.at }))
}

impl Step {
    async fn message(self, app: &App) -> Answered<Message> {
        let (seq, url, kind, data) = match self {
            Step::Agreement { seq, url, kind, agreement } => (seq, url, kind, agreement),
            Step::Payment { seq, url, message, trade_no, at } => {
                let at = Some(UtcTime::second_of(at));
                let text = payment_services::said(app, &message, &trade_no, TradeStatus::Success, at).await?;
                let data = serde_json::from_str(&text).map_err(|fault| unreadable(&fault))?;
                (seq, url, COMPLETED, data)
            }
        };
        Ok(to_address(url, kind, &seq.0.to_be_bytes(), app.wall_clock(), &data))
    }
}

/// A message to an address that an agent named.
pub(crate) fn to_address(url: String, kind: &str, about: &[u8], now: Time, data: &Value) -> Message {
    Message {
        id: name(&[url.as_bytes(), about].concat()),
        webhook: None,
        body: body(kind, now, data),
        url,
        kind: kind.to_owned(),
        made_at: now,
        tries: 0,
    }
}
