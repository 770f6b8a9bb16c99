//! From an entry of the book to the answer on the wire.
//!
//! An answer is made of the command and its outcome alone, so that a repeated request gets the first answer again, also
//! after a restart.

use crate::codes;
use crate::convert::{bits, money, time_text};
use crate::directory::Directory;
use crate::problem::{Answered, Problem, rule};
use crate::recent::Bought;
use axum::response::{IntoResponse, Response};
use book::{
    Action, Actor, Amount, Asset, Billed, Command, CreditNoteId, HoldId, Id, InvoiceId, LinkId, MeterId,
    Moved, Outcome, Parts, Payees, PaymentId, PayoutId, Purchase, Question, QuotaId, Refusal, Seq,
    SubscriptionId, Term, TransferId,
};
use engine::views::Form;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use wire::AmountText;
use wire::answer::{Asked, Done};
use wire::hold::AtExpiry;
use wire::invoice::Issued;
use wire::problem::{Next, NextAction};
use wire::subscription::SubscriptionTerm;

/// What came of a change.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Answer {
    Done(Done),
    Paid(wire::payment::Payment),
    Held(wire::hold::Hold),
    Captured(wire::hold::Capture),
    Released(wire::hold::Release),
    Refunded(wire::payment::Refund),
    Metered(wire::meter::Meter),
    Charged(wire::meter::Charge),
    Settled(wire::meter::Settlement),
    Subscribed(wire::subscription::SubscriptionTerm),
    Issued(wire::invoice::Issued),
    Asked(Asked),
}

impl Answer {
    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Answer::Asked(_) => StatusCode::ACCEPTED,
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
            | Answer::Issued(_) => StatusCode::CREATED,
        }
    }

    /// Its place in the journal.
    pub fn entry(&self) -> u64 {
        match self {
            Answer::Done(it) => it.entry,
            Answer::Paid(it) => it.entry,
            Answer::Held(it) => it.entry,
            Answer::Captured(it) => it.entry,
            Answer::Released(it) => it.entry,
            Answer::Refunded(it) => it.entry,
            Answer::Metered(it) => it.entry,
            Answer::Charged(it) => it.entry,
            Answer::Settled(it) => it.entry,
            Answer::Subscribed(it) => it.entry,
            Answer::Issued(it) => it.entry,
            Answer::Asked(it) => it.entry,
        }
    }

    /// Whether it was given before.
    pub fn is_repeated(&self) -> bool {
        match self {
            Answer::Done(it) => it.repeated,
            Answer::Paid(it) => it.repeated,
            Answer::Held(it) => it.repeated,
            Answer::Captured(it) => it.repeated,
            Answer::Released(it) => it.repeated,
            Answer::Refunded(it) => it.repeated,
            Answer::Metered(it) => it.repeated,
            Answer::Charged(it) => it.repeated,
            Answer::Settled(it) => it.repeated,
            Answer::Subscribed(it) => it.repeated,
            Answer::Issued(it) => it.repeated,
            Answer::Asked(it) => it.repeated,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        json(self.status(), &self)
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("an answer is JSON");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What answers need beside the entry.
#[derive(Debug)]
pub struct Answers<'a> {
    /// The decimals of assets.
    pub directory: &'a Directory,
    /// The payment, hold or meter that the command is about, where it is another entry's.
    pub about: Option<&'a Bought>,
    /// Whether the book holds real money.
    pub livemode: bool,
}

impl Answers<'_> {
    /// The answer to a command whose entry is at `seq`.
    ///
    /// # Errors
    /// A [`Problem`] where a rule said no.
    pub fn of(&self, seq: Seq, command: &Command, outcome: &Outcome, repeated: bool) -> Answered<Answer> {
        let entry = seq.0;
        match outcome {
            Outcome::Done => {
                let id = name(command);
                Ok(Answer::Done(Done { id, entry, repeated, livemode: self.livemode }))
            }
            Outcome::Asked(question) => Ok(Answer::Asked(self.asked(entry, command, question, repeated))),
            Outcome::Denied(refusal) => Err(self.denied(entry, command, refusal, repeated)),
            Outcome::Paid(_)
            | Outcome::Held(_)
            | Outcome::Captured(_)
            | Outcome::Released(_)
            | Outcome::Refunded(_)
            | Outcome::Charged(_)
            | Outcome::Settled(_)
            | Outcome::Subscribed(_) => self.moved(entry, command, outcome, repeated),
            Outcome::Invoiced(billed) | Outcome::Credited(billed) => {
                Ok(Answer::Issued(self.issued(entry, command, billed, repeated)))
            }
        }
    }

    fn moved(&self, entry: u64, command: &Command, outcome: &Outcome, repeated: bool) -> Answered<Answer> {
        let livemode = self.livemode;
        match (&command.action, outcome) {
            (
                Action::Pay(book::Pay { purchase }) | Action::PayLink(book::PayLink { purchase, .. }),
                Outcome::Paid(moved),
            ) => {
                let asset = self.asset(purchase)?;
                Ok(Answer::Paid(wire::payment::Payment {
                    id: wire::PaymentId(bits(command.id)),
                    status: "paid".to_owned(),
                    wallet: wire::WalletId(bits(purchase.wallet.0)),
                    amount: money(moved.amount, asset),
                    parts: parts(&purchase.to, moved, asset),
                    entry,
                    repeated,
                    livemode,
                }))
            }
            (
                Action::PlaceHold(book::PlaceHold { purchase, expires_at })
                | Action::PlaceEscrow(book::PlaceEscrow { purchase, expires_at }),
                Outcome::Held(_),
            ) => Ok(Answer::Held(wire::hold::Hold {
                id: wire::HoldId(bits(command.id)),
                status: "held".to_owned(),
                wallet: wire::WalletId(bits(purchase.wallet.0)),
                amount: money(purchase.amount, self.asset(purchase)?),
                expires_at: time_text(*expires_at),
                at_expiry: if matches!(command.action, Action::PlaceEscrow(_)) {
                    AtExpiry::Capture
                } else {
                    AtExpiry::Release
                },
                entry,
                repeated,
                livemode,
            })),
            (
                Action::OpenMeter(book::OpenMeter { purchase, expires_at, .. })
                | Action::OpenChannel(book::OpenChannel { purchase, expires_at, .. }),
                Outcome::Held(_),
            ) => Ok(Answer::Metered(wire::meter::Meter {
                id: wire::MeterId(bits(command.id)),
                status: "held".to_owned(),
                wallet: wire::WalletId(bits(purchase.wallet.0)),
                amount: money(purchase.amount, self.asset(purchase)?),
                expires_at: time_text(*expires_at),
                entry,
                repeated,
                livemode,
            })),
            (Action::Capture(it), Outcome::Captured(moved)) => {
                let purchase = self.about()?.purchase.as_ref();
                let asset = self.asset(purchase)?;
                Ok(Answer::Captured(wire::hold::Capture {
                    hold: wire::HoldId(bits(it.hold.0)),
                    status: "captured".to_owned(),
                    amount: money(moved.amount, asset),
                    parts: parts(&purchase.to, moved, asset),
                    entry,
                    repeated,
                    livemode,
                }))
            }
            (Action::Void(it), Outcome::Released(released)) => Ok(Answer::Released(wire::hold::Release {
                hold: wire::HoldId(bits(it.hold.0)),
                status: "released".to_owned(),
                amount: money(released.amount, self.asset(&self.about()?.purchase)?),
                entry,
                repeated,
                livemode,
            })),
            (Action::Refund(it), Outcome::Refunded(_)) => {
                let Bought { purchase, form, .. } = self.about()?;
                Ok(Answer::Refunded(wire::payment::Refund {
                    id: wire::RefundId(bits(command.id)),
                    status: "refunded".to_owned(),
                    payment: purchase_name(it.payment, *form),
                    amount: money(it.amount, self.asset(purchase)?),
                    entry,
                    repeated,
                    livemode,
                }))
            }
            (
                Action::Charge(book::Charge { meter, .. })
                | Action::Claim(book::Claim { channel: meter, .. }),
                Outcome::Charged(metered),
            ) => Ok(Answer::Charged(wire::meter::Charge {
                id: wire::RequestId(bits(command.id)),
                meter: wire::MeterId(bits(meter.0)),
                status: "charged".to_owned(),
                total_nanos: metered.total.get().to_string(),
                entry,
                repeated,
                livemode,
            })),
            (Action::CloseMeter(it), Outcome::Settled(settled)) => {
                Ok(Answer::Settled(wire::meter::Settlement {
                    meter: wire::MeterId(bits(it.meter.0)),
                    status: "settled".to_owned(),
                    amount: settled.moved.amount.minor().to_string(),
                    released: settled.released.minor().to_string(),
                    carry_nanos: settled.carry.get().to_string(),
                    entry,
                    repeated,
                    livemode,
                }))
            }
            (Action::Subscribe(it), Outcome::Subscribed(term)) => {
                let name = SubscriptionId(command.id);
                let answer = self.subscribed(name, command.id, &it.purchase, term)?;
                Ok(Answer::Subscribed(SubscriptionTerm { entry, repeated, ..answer }))
            }
            (Action::ChangePlan(it), Outcome::Subscribed(term)) => {
                let answer = self.subscribed(it.subscription, command.id, &it.purchase, term)?;
                let status = "changed".to_owned();
                Ok(Answer::Subscribed(SubscriptionTerm { entry, repeated, status, ..answer }))
            }
            (_, _) => {
                tracing::error!(entry, "an outcome that does not belong to its command");
                Err(codes::Edge::Internal.into())
            }
        }
    }

    fn subscribed(
        &self,
        name: SubscriptionId,
        payment: Id,
        purchase: &Purchase,
        term: &Term,
    ) -> Answered<SubscriptionTerm> {
        let asset = self.asset(purchase)?;
        let paid = term.paid.as_ref();
        Ok(SubscriptionTerm {
            id: wire::SubscriptionId(bits(name.0)),
            status: "subscribed".to_owned(),
            wallet: wire::WalletId(bits(purchase.wallet.0)),
            price: money(purchase.amount, asset),
            from: time_text(term.from),
            until: time_text(term.until),
            payment: paid.map(|_| wire::PaymentId(bits(payment))),
            paid: paid.map(|moved| money(moved.amount, asset)),
            parts: paid.map(|moved| parts(&purchase.to, moved, asset)).unwrap_or_default(),
            entry: 0,
            repeated: false,
            livemode: self.livemode,
        })
    }

    fn issued(&self, entry: u64, command: &Command, billed: &Billed, repeated: bool) -> Issued {
        let text = |amount: &Amount| AmountText::new(amount.minor()).expect("an amount is at most 10^30");
        Issued {
            id: name(command),
            status: "issued".to_owned(),
            number: billed.number,
            total: text(&billed.total()),
            amounts: billed.amounts.iter().map(text).collect(),
            entry,
            repeated,
            livemode: self.livemode,
        }
    }

    fn asked(&self, entry: u64, command: &Command, question: &Question, repeated: bool) -> Asked {
        let purchase = command.action.purchase();
        let id = name(command);
        Asked {
            status: "asked".to_owned(),
            ask: question.ask.code().to_owned(),
            digest: wire::Digest(question.digest.0),
            rule: rule_of(question.rule, command, purchase),
            next_action: NextAction {
                kind: Next::AskOwner,
                url: Some(format!("/v1/questions/{id}/approve")),
            },
            id,
            entry,
            repeated,
            livemode: self.livemode,
        }
    }

    fn denied(&self, entry: u64, command: &Command, refusal: &Refusal, repeated: bool) -> Problem {
        let purchase = command.action.purchase();
        let rule = rule_of(refusal.rule, command, purchase);
        let asset = match (&command.action, purchase) {
            (_, Some(purchase)) => self.directory.asset(purchase.asset),
            (Action::Transfer(it), None) => self.directory.asset(it.asset),
            (Action::RequestPayout(it), None) => self.directory.asset(it.asset),
            (_, None) => self.about.and_then(|about| self.directory.asset(about.purchase.asset)),
        };
        let remaining = refusal.remaining.zip(asset).map(|(left, asset)| money(left, asset));
        Problem::denied(refusal, rule, remaining, entry, repeated)
    }

    fn asset(&self, purchase: &Purchase) -> Answered<Asset> {
        self.directory.asset(purchase.asset).ok_or_else(|| codes::Edge::Internal.into())
    }

    fn about(&self) -> Answered<&Bought> {
        // What was decided stands, whether or not it can be shown yet.
        self.about.ok_or_else(|| codes::Edge::OutcomeUnknown.into())
    }
}

/// Which payment, hold or meter is needed to answer a command of which that came.
pub(crate) fn about(action: &Action, outcome: &Outcome) -> Option<Id> {
    match outcome {
        Outcome::Captured(_) | Outcome::Released(_) | Outcome::Refunded(_) => action.sequel_of(),
        Outcome::Denied(refusal) if refusal.remaining.is_some() => {
            action.sequel_of().or(first_billed(action))
        }
        Outcome::Done
        | Outcome::Paid(_)
        | Outcome::Held(_)
        | Outcome::Charged(_)
        | Outcome::Settled(_)
        | Outcome::Subscribed(_)
        | Outcome::Invoiced(_)
        | Outcome::Credited(_)
        | Outcome::Asked(_)
        | Outcome::Denied(_) => None,
    }
}

/// A purchase of an invoice, whose asset is that of them all.
fn first_billed(action: &Action) -> Option<Id> {
    if let Action::IssueInvoice(it) = action { it.purchases.first().copied() } else { None }
}

/// The name of a purchase.
pub fn purchase_name(id: Id, form: Form) -> String {
    match form {
        Form::Payment => PaymentId(id).to_string(),
        Form::Hold | Form::Escrow => HoldId(id).to_string(),
        Form::Meter => MeterId(id).to_string(),
        Form::Subscription => SubscriptionId(id).to_string(),
    }
}

/// What an action is called, and what its command's id names.
pub fn name_of_action(action: &Action) -> (&'static str, &'static str) {
    match action {
        Action::OpenBook(_) => ("open_book", "req"),
        Action::RegisterAsset(_) => ("register_asset", "req"),
        Action::RegisterOwner(_) => ("register_owner", "own"),
        Action::EnrolKey(_) => ("enrol_key", "key"),
        Action::RevokeKey(_) => ("revoke_key", "req"),
        Action::OpenWallet(_) => ("open_wallet", "wal"),
        Action::OpenSubAccount(_) => ("open_sub_account", "wal"),
        Action::CloseWallet(_) => ("close_wallet", "req"),
        Action::RegisterPayee(_) => ("register_payee", "pye"),
        Action::EnrolAgent(_) => ("enrol_agent", "agt"),
        Action::SetLimits(_) => ("set_limits", "req"),
        Action::GrantMandate(_) => ("grant_mandate", "mdt"),
        Action::Freeze(_) => ("freeze", "req"),
        Action::Unfreeze(_) => ("unfreeze", "req"),
        Action::Revoke(_) => ("revoke", "req"),
        Action::Approve(_) => ("approve", "req"),
        Action::Refuse(_) => ("refuse", "req"),
        Action::Transfer(_) => ("transfer", TransferId::PREFIX),
        Action::Pay(_) => ("pay", PaymentId::PREFIX),
        Action::PlaceHold(_) => ("place_hold", HoldId::PREFIX),
        Action::Capture(_) => ("capture", "req"),
        Action::Void(_) => ("void", "req"),
        Action::Expire(_) => ("expire", HoldId::PREFIX),
        Action::Refund(_) => ("refund", "ref"),
        Action::OpenMeter(_) => ("open_meter", MeterId::PREFIX),
        Action::Charge(_) => ("charge", "req"),
        Action::CloseMeter(_) => ("close_meter", "req"),
        Action::Redeem(_) => ("redeem", "req"),
        Action::Present(_) => ("present", "req"),
        Action::Delegate(_) => ("delegate", "mdt"),
        Action::Observe(_) => ("observe", "req"),
        Action::ApproveAlike(_) => ("approve_alike", "req"),
        Action::GrantQuota(_) => ("grant_quota", QuotaId::PREFIX),
        Action::Deduct(_) => ("deduct", "req"),
        Action::Restore(_) => ("restore", "req"),
        Action::Allot(_) => ("allot", QuotaId::PREFIX),
        Action::Reclaim(_) => ("reclaim", "req"),
        Action::OpenChannel(_) => ("open_channel", MeterId::PREFIX),
        Action::Claim(_) => ("claim", "req"),
        Action::Subscribe(_) => ("subscribe", SubscriptionId::PREFIX),
        Action::Renew(_) => ("renew", PaymentId::PREFIX),
        Action::ChangePlan(_) => ("change_plan", PaymentId::PREFIX),
        Action::CancelSubscription(_) => ("cancel_subscription", "req"),
        Action::OpenLink(_) => ("open_link", LinkId::PREFIX),
        Action::PayLink(_) => ("pay_link", PaymentId::PREFIX),
        Action::CloseLink(_) => ("close_link", "req"),
        Action::PlaceEscrow(_) => ("place_escrow", HoldId::PREFIX),
        Action::Dispute(_) => ("dispute", "req"),
        Action::IssueInvoice(_) => ("issue_invoice", InvoiceId::PREFIX),
        Action::IssueCreditNote(_) => ("issue_credit_note", CreditNoteId::PREFIX),
        Action::SetDestination(_) => ("set_destination", "req"),
        Action::RequestPayout(_) => ("request_payout", PayoutId::PREFIX),
        Action::AdvancePayout(_) => ("advance_payout", "req"),
    }
}

/// What a command's id names, as text.
pub fn name(command: &Command) -> String {
    let (_, prefix) = name_of_action(&command.action);
    format!("{prefix}_{}", command.id.text())
}

fn rule_of(found: book::RuleRef, command: &Command, purchase: Option<&Purchase>) -> wire::problem::Rule {
    let agent = match command.by {
        Actor::Agent { agent, .. } => Some(agent.to_string()),
        Actor::Operator { .. } | Actor::Owner { .. } | Actor::Payee { .. } | Actor::Book => None,
    };
    let wallet = purchase.map(|purchase| purchase.wallet.to_string());
    let mandate = purchase.and_then(|purchase| purchase.mandate).map(|mandate| mandate.to_string());
    rule(found, wallet, agent, mandate)
}

fn parts(to: &Payees, moved: &Moved, asset: Asset) -> Vec<wire::payment::Part> {
    let part = |payee: book::PayeeId, amount, fee| wire::payment::Part {
        payee: wire::PayeeId(bits(payee.0)),
        amount: money(amount, asset),
        fee: money(fee, asset),
    };
    match (to, &moved.parts) {
        (Payees::One(payee), Parts::One { fee }) => vec![part(*payee, moved.amount, *fee)],
        (Payees::Split(split), Parts::Many { parts }) => {
            split.shares.iter().zip(parts).map(|(share, it)| part(share.payee, it.amount, it.fee)).collect()
        }
        (Payees::Split(split), Parts::One { fee }) => {
            split.shares.iter().take(1).map(|share| part(share.payee, moved.amount, *fee)).collect()
        }
        (Payees::One(payee), Parts::Many { parts }) => {
            parts.iter().take(1).map(|it| part(*payee, it.amount, it.fee)).collect()
        }
    }
}
