//! The book: its rows, and the one way in which they change.
//!
//! A command is decided, applied and written down as one step. `decide` reads and cannot change; `apply` changes and
//! cannot refuse. Replaying a journal applies its outcomes without deciding anything again. What stands between the bytes
//! of entries and their Merkle root needs no rule, and is whoever writes or reads them to keep.

use crate::agent::{Agent, Key};
use crate::approval::Question;
use crate::canon::{Code, canon_struct};
use crate::command::{Action, Actor, Command};
use crate::entry::{Entry, Outcome, Reject, Verdict};
use crate::id::Id;
use crate::invoice::Invoice;
use crate::limits::AHEAD_NANOS_MAX;
use crate::link::Link;
use crate::mandate::Mandate;
use crate::open::{AssetRow, Settings};
use crate::payee::Payee;
use crate::payout::Payout;
use crate::purchase::Rows;
use crate::quota::Quota;
use crate::record::Record;
use crate::subscription::Subscription;
use crate::table::{Queue, Secret, Table};
use crate::time::{Seq, Time};
use crate::wallet::{Owner, Wallet};
use std::collections::BTreeSet;

/// Where a book stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place the next entry gets.
    pub seq: Seq,
    /// When the last entry was decided.
    pub at: Time,
}

canon_struct!(Head { seq, at });

/// Everything that a book's rules may know.
#[derive(Debug)]
pub struct Book {
    pub(crate) head: Head,
    pub(crate) settings: Option<Settings>,
    pub(crate) assets: Vec<AssetRow>,
    pub(crate) owners: Table<Owner>,
    pub(crate) keys: Table<Key>,
    pub(crate) wallets: Table<Wallet>,
    pub(crate) payees: Table<Payee>,
    pub(crate) agents: Table<Agent>,
    pub(crate) mandates: Table<Mandate>,
    pub(crate) quotas: Table<Quota>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) links: Table<Link>,
    pub(crate) invoices: Table<Invoice>,
    pub(crate) payouts: Table<Payout>,
    /// Every command of the retention, and the money it moved.
    pub(crate) records: Queue<Record>,
    /// Every question of late, by the id of the payment that raised it.
    pub(crate) questions: Queue<Question>,
    /// The holds that are open, by when they expire.
    pub(crate) expiries: BTreeSet<(Time, Id)>,
    /// The subscriptions that are renewed, by when the book looks at them next.
    pub(crate) renewals: BTreeSet<(Time, Id)>,
    pub(crate) secret: Secret,
    #[cfg(feature = "sabotage")]
    pub(crate) sabotage: Option<crate::sabotage::Sabotage>,
    #[cfg(feature = "sabotage")]
    pub(crate) uncounted: Vec<(Time, crate::purchase::Payer, crate::money::Amount)>,
}

impl Default for Book {
    fn default() -> Self {
        Book {
            head: Head { seq: Seq(0), at: Time(0) },
            settings: None,
            assets: Vec::new(),
            owners: Table::default(),
            keys: Table::default(),
            wallets: Table::default(),
            payees: Table::default(),
            agents: Table::default(),
            mandates: Table::default(),
            quotas: Table::default(),
            subscriptions: Table::default(),
            links: Table::default(),
            invoices: Table::default(),
            payouts: Table::default(),
            records: Queue::default(),
            questions: Queue::default(),
            expiries: BTreeSet::new(),
            renewals: BTreeSet::new(),
            secret: Secret::default(),
            #[cfg(feature = "sabotage")]
            sabotage: None,
            #[cfg(feature = "sabotage")]
            uncounted: Vec::new(),
        }
    }
}

/// What `decide` found before it is given a place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A new fact.
    Record(Outcome),
    /// The same command again.
    Repeat(Seq),
    /// Not a question for this book.
    Reject(Reject),
}

/// A decision, with what recording it needs.
#[derive(Debug)]
pub struct Decided {
    at: Time,
    request: Request,
    decision: Decision,
    rows: Option<Rows>,
}

impl Decided {
    /// The decision.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// A journal entry does not follow from the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// Its bytes are not an entry.
    Malformed,
    /// Its place or time is not behind the last one's.
    OutOfOrder,
}

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ReplayError::Malformed => "the bytes are not an entry",
            ReplayError::OutOfOrder => "the entry does not follow the one before it",
        })
    }
}

impl std::error::Error for ReplayError {}

impl Book {
    /// Where the book stands.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Decides `command` at `at` or just behind the last entry, applies what came of it, and appends the new entry's
    /// canonical bytes to `out`. Nothing is appended for a repeated or rejected command.
    pub fn execute(&mut self, at: Time, command: &Command, out: &mut Vec<u8>) -> Verdict {
        let decided = self.decide(at, command);
        self.write(&decided, command, out);
        self.record(decided, command)
    }

    /// What the rules say of `command` at `at`, or just behind the last entry. Depends on nothing else (I9), and changes
    /// nothing: a caller may catch a panic in here and go on.
    pub fn decide(&self, at: Time, command: &Command) -> Decided {
        let at = if self.head.at < at { at } else { self.head.at.next() }; // I5
        let request = Request::new(&self.secret, command);
        let mut rows = None;
        let decision = self.decide_request(at, command, &request, &mut rows);
        Decided { at, request, decision, rows }
    }

    /// Appends the canonical bytes of the entry that recording this decision makes; nothing where it makes none.
    pub fn write(&self, decided: &Decided, command: &Command, out: &mut Vec<u8>) {
        if let Decision::Record(outcome) = &decided.decision {
            Entry::encode_parts(self.head.seq, decided.at, command, outcome, out);
        }
    }

    /// Makes what was just decided of `command` so.
    ///
    /// A panic in here leaves a book that must not be used.
    pub fn record(&mut self, decided: Decided, command: &Command) -> Verdict {
        let Decided { at, request, decision, rows } = decided;
        match decision {
            Decision::Repeat(seq) => Verdict::Repeat(seq),
            Decision::Reject(reject) => Verdict::Reject(reject),
            Decision::Record(outcome) => {
                assert!(self.head.at < at, "I5: nothing was recorded since this was decided");
                let seq = self.head.seq;
                self.apply(at, command, &request, &outcome, rows);
                self.advance(at);
                Verdict::Record(seq, outcome)
            }
        }
    }

    /// Applies an entry of the journal as it was decided then.
    ///
    /// # Errors
    /// [`ReplayError`] where the bytes are no entry, or not the next one.
    pub fn replay(&mut self, bytes: &[u8]) -> Result<Entry, ReplayError> {
        let entry = Entry::from_bytes(bytes).map_err(|_| ReplayError::Malformed)?;
        self.follow(&entry)?;
        Ok(entry)
    }

    /// Like [`Book::replay`], of an entry that was read already.
    ///
    /// # Errors
    /// [`ReplayError`] where it is not the next one.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), ReplayError> {
        if entry.seq != self.head.seq || entry.at <= self.head.at {
            return Err(ReplayError::OutOfOrder); // I5
        }
        let request = Request::new(&self.secret, &entry.command);
        self.apply(entry.at, &entry.command, &request, &entry.outcome, None);
        #[cfg(feature = "sabotage")]
        self.forget_replayed(entry);
        self.advance(entry.at);
        Ok(())
    }

    /// The next thing that the passing of time brings by `now`, for the writer to execute before anything else: what gives
    /// money back comes before what moves it.
    pub fn due(&self, now: Time) -> Option<Command> {
        self.expiry_due(now).or_else(|| self.renewal_due(now))
    }

    fn expiry_due(&self, now: Time) -> Option<Command> {
        #[cfg(feature = "sabotage")]
        if self.has(crate::sabotage::Sabotage::HoldNeverExpires) {
            return None;
        }
        let (expires_at, hold) = self.expiries.first()?;
        if now < *expires_at {
            return None;
        }
        let action = Action::Expire(crate::hold::Expire { hold: crate::id::HoldId(*hold) });
        Some(Command { id: *hold, by: Actor::Book, action })
    }

    /// When [`Book::due`] next has something to say.
    pub fn next_due(&self) -> Option<Time> {
        let first = |due: &BTreeSet<(Time, Id)>| due.first().map(|(at, _)| *at);
        [first(&self.expiries), first(&self.renewals)].into_iter().flatten().min()
    }

    fn advance(&mut self, at: Time) {
        self.head = Head { seq: self.head.seq.next(), at };
    }

    fn decide_request(
        &self,
        at: Time,
        command: &Command,
        request: &Request,
        rows: &mut Option<Rows>,
    ) -> Decision {
        if let Some(answer) = self.seen(at, command, request) {
            return answer;
        }
        if let Some(reject) = command.action.malformed() {
            return Decision::Reject(reject);
        }
        if self.settings.is_none() != matches!(command.action, Action::OpenBook(_)) {
            return Decision::Reject(Reject::BookState);
        }
        let Command { id, by, action } = command;
        match action {
            Action::OpenBook(it) => it.decide(*by),
            Action::RegisterAsset(it) => it.decide(self, *by),
            Action::RegisterOwner(it) => it.decide(self, *id, *by),
            Action::EnrolKey(it) => it.decide(self, *id, *by),
            Action::RevokeKey(it) => it.decide(self, *by),
            Action::OpenWallet(it) => it.decide(self, *id, *by),
            Action::OpenSubAccount(it) => it.decide(self, *id, *by),
            Action::CloseWallet(it) => it.decide(self, *by),
            Action::RegisterPayee(it) => it.decide(self, *id, *by),
            Action::EnrolAgent(it) => it.decide(self, *id, *by),
            Action::SetLimits(it) => it.decide(self, *by),
            Action::GrantMandate(it) => it.decide(self, at, *id, *by),
            Action::Delegate(it) => it.decide(self, at, *id, *by),
            Action::Freeze(it) => it.decide(self, *by),
            Action::Unfreeze(it) => it.decide(self, *by),
            Action::Revoke(it) => it.decide(self, *by),
            Action::Approve(it) => it.decide(self, at, *by),
            Action::Refuse(it) => it.decide(self, at, *by),
            Action::ApproveAlike(it) => it.decide(self, at, *by),
            Action::Transfer(it) => it.decide(self, *by),
            Action::Pay(it) => it.decide(self, at, *by, rows),
            Action::PlaceHold(it) => it.decide(self, at, *by),
            Action::Capture(it) => it.decide(self, at, *by),
            Action::Void(it) => it.decide(self, at, *by),
            Action::Expire(it) => it.decide(self, at, *by),
            Action::Refund(it) => it.decide(self, *by),
            Action::OpenMeter(it) => it.decide(self, at, *by),
            Action::Charge(it) => it.decide(self, at, *by),
            Action::CloseMeter(it) => it.decide(self, at, *by),
            Action::Redeem(it) => it.decide(self, at, *by),
            Action::Present(it) => it.decide(self, at, *by),
            Action::Observe(it) => it.decide(self, *by),
            Action::GrantQuota(it) => it.decide(self, at, *id, *by),
            Action::Deduct(it) => it.decide(self, at, *by),
            Action::Restore(it) => it.decide(self, *by),
            Action::Allot(it) => it.decide(self, at, *id, *by),
            Action::Reclaim(it) => it.decide(self, *by),
            Action::OpenChannel(it) => it.decide(self, at, *by),
            Action::Claim(it) => it.decide(self, at, *by),
            Action::Subscribe(it) => it.decide(self, at, *id, *by),
            Action::Renew(it) => it.decide(self, at, *id, *by),
            Action::ChangePlan(it) => it.decide(self, at, *by),
            Action::CancelSubscription(it) => it.decide(self, at, *by),
            Action::OpenLink(it) => it.decide(self, at, *id, *by),
            Action::PayLink(it) => it.decide(self, at, *by, rows),
            Action::CloseLink(it) => it.decide(self, *by),
            Action::PlaceEscrow(it) => it.decide(self, at, *by),
            Action::Dispute(it) => it.decide(self, at, *by),
            Action::IssueInvoice(it) => it.decide(self, *id, *by),
            Action::IssueCreditNote(it) => it.decide(self, *by),
            Action::SetDestination(it) => it.decide(self, *by),
            Action::RequestPayout(it) => it.decide(self, at, *id, *by),
            Action::AdvancePayout(it) => it.decide(self, *by),
        }
    }

    /// Answers what was asked before, and what can no longer be told from it.
    fn seen(&self, at: Time, command: &Command, request: &Request) -> Option<Decision> {
        if command.by == Actor::Book {
            return None;
        }
        if let Some(record) = self.records.get(command.id) {
            return Some(if record.request == request.digest {
                Decision::Repeat(record.seq) // I4
            } else {
                Decision::Reject(Reject::IdReused)
            });
        }
        let made_at = command.id.made_at();
        if at.after(AHEAD_NANOS_MAX) < made_at {
            return Some(Decision::Reject(Reject::IdFromFuture));
        }
        let retention = self.settings.as_ref()?.retention_nanos;
        (made_at.after(retention) <= at).then_some(Decision::Reject(Reject::IdStale))
    }

    fn apply(
        &mut self,
        at: Time,
        command: &Command,
        request: &Request,
        outcome: &Outcome,
        rows: Option<Rows>,
    ) {
        let is_renewal = matches!(command.action, Action::Renew(_));
        if command.by != Actor::Book || is_renewal {
            self.records.push(command.id, Record::new(request.digest, self.head.seq));
        }
        match outcome {
            Outcome::Denied(_) => {
                if let (Action::Renew(it), Actor::Book) = (&command.action, command.by) {
                    it.apply_denied(self, at);
                }
            }
            Outcome::Asked(question) => self.ask(at, command, question),
            Outcome::Done
            | Outcome::Paid(_)
            | Outcome::Held(_)
            | Outcome::Captured(_)
            | Outcome::Released(_)
            | Outcome::Refunded(_)
            | Outcome::Charged(_)
            | Outcome::Settled(_)
            | Outcome::Subscribed(_)
            | Outcome::Invoiced(_)
            | Outcome::Credited(_) => self.apply_done(at, command, outcome, rows),
        }
        self.forget(at);
    }

    fn apply_done(&mut self, at: Time, command: &Command, outcome: &Outcome, rows: Option<Rows>) {
        let Command { id, by, action } = command;
        match (action, outcome) {
            (Action::OpenBook(it), _) => it.apply(self, *by),
            (Action::RegisterAsset(it), _) => it.apply(self),
            (Action::RegisterOwner(it), _) => it.apply(self, *id),
            (Action::EnrolKey(it), _) => it.apply(self, *id),
            (Action::RevokeKey(it), _) => it.apply(self),
            (Action::OpenWallet(it), _) => it.apply(self, at, *id),
            (Action::OpenSubAccount(it), _) => it.apply(self, at, *id),
            (Action::CloseWallet(it), _) => it.apply(self),
            (Action::RegisterPayee(it), _) => it.apply(self, *id),
            (Action::EnrolAgent(it), _) => it.apply(self, at, *id),
            (Action::SetLimits(it), _) => it.apply(self, at),
            (Action::GrantMandate(it), _) => it.apply(self, at, *id),
            (Action::Delegate(it), _) => it.apply(self, at, *id),
            (Action::Freeze(it), _) => it.apply(self),
            (Action::Unfreeze(it), _) => it.apply(self),
            (Action::Revoke(it), _) => it.apply(self, at),
            (Action::Approve(it), _) => it.apply(self),
            (Action::Refuse(it), _) => it.apply(self),
            (Action::ApproveAlike(it), _) => it.apply(self, at),
            (Action::Transfer(it), _) => it.apply(self),
            (Action::Pay(it), Outcome::Paid(moved)) => {
                let rows = rows.unwrap_or_else(|| self.rows(*by, &it.purchase));
                it.apply(self, at, *id, rows, moved);
            }
            (Action::PlaceHold(it), Outcome::Held(_)) => it.apply(self, at, *id, *by),
            (Action::Capture(it), Outcome::Captured(moved)) => it.apply(self, moved),
            (Action::Void(it), _) => it.apply(self),
            (Action::Expire(it), outcome) => it.apply(self, outcome),
            (Action::Refund(it), Outcome::Refunded(refunded)) => it.apply(self, refunded),
            (Action::OpenMeter(it), Outcome::Held(_)) => it.apply(self, at, *id, *by),
            (Action::Charge(it), Outcome::Charged(metered)) => it.apply(self, metered),
            (Action::CloseMeter(it), Outcome::Settled(settled)) => it.apply(self, settled),
            (Action::Redeem(it), _) => it.apply(self),
            (Action::Present(it), _) => it.apply(self, *by),
            (Action::Observe(it), _) => it.apply(self, at, *by),
            (Action::GrantQuota(it), _) => it.apply(self, *id, *by),
            (Action::Deduct(it), _) => it.apply(self, *id),
            (Action::Restore(it), _) => it.apply(self),
            (Action::Allot(it), _) => it.apply(self, *id),
            (Action::Reclaim(it), _) => it.apply(self),
            (Action::OpenChannel(it), Outcome::Held(_)) => it.apply(self, at, *id, *by),
            (Action::Claim(it), Outcome::Charged(_)) => it.apply(self),
            (Action::Subscribe(it), Outcome::Subscribed(term)) => it.apply(self, at, *id, *by, term),
            (Action::Renew(it), Outcome::Subscribed(term)) => it.apply(self, at, *id, term),
            (Action::ChangePlan(it), Outcome::Subscribed(term)) => it.apply(self, at, *id, *by, term),
            (Action::CancelSubscription(it), _) => it.apply(self),
            (Action::OpenLink(it), _) => it.apply(self, *id),
            (Action::PayLink(it), Outcome::Paid(moved)) => {
                let rows = rows.unwrap_or_else(|| self.rows(*by, &it.purchase));
                it.apply(self, at, *id, rows, moved);
            }
            (Action::CloseLink(it), _) => it.apply(self),
            (Action::PlaceEscrow(it), Outcome::Held(_)) => it.apply(self, at, *id, *by),
            (Action::Dispute(it), _) => it.apply(self),
            (Action::IssueInvoice(it), Outcome::Invoiced(billed)) => it.apply(self, *id, *by, billed),
            (Action::IssueCreditNote(it), Outcome::Credited(billed)) => it.apply(self, *by, billed),
            (Action::SetDestination(it), _) => it.apply(self, at, *by),
            (Action::RequestPayout(it), _) => it.apply(self, *id),
            (Action::AdvancePayout(it), _) => it.apply(self),
            (
                Action::Pay(_)
                | Action::PlaceHold(_)
                | Action::Capture(_)
                | Action::Refund(_)
                | Action::OpenMeter(_)
                | Action::OpenChannel(_)
                | Action::Claim(_)
                | Action::Charge(_)
                | Action::CloseMeter(_)
                | Action::Subscribe(_)
                | Action::Renew(_)
                | Action::ChangePlan(_)
                | Action::PayLink(_)
                | Action::PlaceEscrow(_)
                | Action::IssueInvoice(_)
                | Action::IssueCreditNote(_),
                _,
            ) => panic!("an outcome belongs to its command"),
        }
    }

    /// Drops what is older than the retention. Open holds stay.
    fn forget(&mut self, at: Time) {
        let Some(settings) = &self.settings else { return };
        // Two rows for each that comes: the table shrinks when the rate does, and one entry costs the same as another.
        for _ in 0..2 {
            let stale = |(id, _): (Id, &Record)| id.made_at().after(settings.retention_nanos) <= at;
            if self.records.front().is_some_and(stale) {
                self.records.rotate_front(Record::is_open);
            }
        }
        while let Some((_, question)) = self.questions.front() {
            if at <= question.forgotten_at() {
                break;
            }
            self.questions.pop();
        }
    }

    pub(crate) fn asset(&self, code: Code) -> Option<usize> {
        self.assets.iter().position(|row| row.asset.code == code)
    }
}

/// What tells a repeated command from another one under its id.
#[derive(Debug)]
pub(crate) struct Request {
    digest: u64,
}

impl Request {
    /// A hash over who asks for what. The key is left out: it may be rotated between two tries.
    fn new(secret: &Secret, command: &Command) -> Request {
        use crate::canon::Canon;
        let mut bytes = Vec::with_capacity(256);
        match command.by {
            Actor::Operator { .. } => bytes.push(1),
            Actor::Owner { owner, .. } => {
                bytes.push(2);
                owner.encode(&mut bytes);
            }
            Actor::Agent { agent, .. } => {
                bytes.push(3);
                agent.encode(&mut bytes);
            }
            Actor::Payee { payee, .. } => {
                bytes.push(4);
                payee.encode(&mut bytes);
            }
            Actor::Book => bytes.push(5),
        }
        command.action.encode(&mut bytes);
        Request { digest: secret.digest(&bytes) }
    }
}
