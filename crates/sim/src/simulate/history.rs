//! The history: what every client was told, held against what the journal says, batch by batch and after every crash.
//!
//! Once an entry was durable it must stay, byte for byte, and whoever asks again must be told of it. What nobody was told
//! about may be there or not; once it was seen to be there, it counts as well.

use super::tally::Tally;
use crate::world::World;
use book::{
    Action, Actor, Amount, Command, Entry, Freeze, Id, KeyHolder, MandateId, OpenChannel, OpenMeter, Outcome,
    Reject, Revoke, Seq, Settled, Subject, Time, Verdict,
};
use engine::journal::Frames;
use engine::writer::{Answer, Fault};
use evidence::{Frontier, leaf_hash};
use std::collections::{BTreeMap, BTreeSet};

/// What should not have happened.
pub(super) type Broken = String;

/// Whether there was room for everything that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Enough,
    Scarce,
}

/// What is known of a journal.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The canonical bytes of every entry that is durable.
    pub(super) entries: Vec<Vec<u8>>,
    /// The same, read.
    read: Vec<Entry>,
    by_id: BTreeMap<Id, usize>,
    frontier: Frontier,
    /// What was rejected last under an id.
    pub(super) rejections: BTreeMap<Id, Reject>,
    /// Holds that are open: until when, and what is left.
    open: BTreeMap<Id, (Time, Amount)>,
    pub(super) retention_nanos: u64,
}

impl History {
    /// The entry that `id` has, if it has one.
    pub(super) fn entry(&self, id: Id) -> Option<&Entry> {
        self.by_id.get(&id).and_then(|place| self.read.get(*place))
    }

    /// Whether something else than the commands with these ids bought under a mandate, changed what its owner allows, or
    /// stopped one of the subjects.
    pub(super) fn has_other_hands(
        &self,
        mandate: MandateId,
        owner: KeyHolder,
        on: &[Subject],
        ids: &BTreeSet<Id>,
    ) -> bool {
        let buys =
            |command: &Command| command.action.purchase().is_some_and(|it| it.mandate == Some(mandate));
        let allows = |command: &Command| {
            matches!(command.action, Action::SetLimits(_)) && command.by.holder() == Some(owner)
        };
        // What others spend under a mandate that was delegated from this one is spent of this one.
        let delegates =
            |command: &Command| matches!(&command.action, Action::Delegate(it) if it.parent == mandate);
        let stops = |command: &Command| matches!(&command.action, Action::Freeze(Freeze { subject }) | Action::Revoke(Revoke { subject }) if on.contains(subject));
        let others =
            self.read.iter().map(|entry| &entry.command).filter(|command| !ids.contains(&command.id));
        others
            .into_iter()
            .any(|command| buys(command) || allows(command) || stops(command) || delegates(command))
    }

    /// The entry that `id` had before the entry at `next`.
    fn entry_before(&self, next: usize, id: Id) -> Option<&Entry> {
        self.by_id.get(&id).filter(|place| **place < next).and_then(|place| self.read.get(*place))
    }

    /// How many entries there are.
    pub(super) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    fn last_at(&self) -> Time {
        self.read.last().map_or(Time(0), |entry| entry.at)
    }

    /// After a batch that was answered: every answer is in the journal, and nothing else is.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn answered(
        &mut self,
        now: Time,
        units: &[Vec<Command>],
        answers: &[Answer],
        journal: &dyn Frames,
        space: Space,
        world: &mut World,
        tally: &mut Tally,
    ) -> Result<(), Broken> {
        let known = self.entries.len();
        let before = self.last_at();
        self.read_on(journal, world)?;
        let mut next = known;
        while self.read.get(next).is_some_and(|entry| entry.command.by == Actor::Book) {
            next += 1;
            tally.operation("expire");
        }
        if answers.len() != units.len() {
            return Err("I3: not every request of a batch was answered".to_owned());
        }
        let mut is_full = space == Space::Scarce;
        for (unit, answer) in units.iter().zip(answers) {
            if answer.len() != unit.len() {
                return Err("I3: not every command of a request was answered".to_owned());
            }
            for (place, (command, verdict)) in unit.iter().zip(answer).enumerate() {
                let stopped = 0 < place && is_stopped(&unit[0], &answer[0]);
                if stopped && *verdict != answer[0] {
                    return Err("I3: a request that was presented in vain was executed".to_owned());
                }
                if stopped {
                    continue;
                }
                tally.operation(name(&command.action));
                match verdict {
                    Err(Fault::Full) => {
                        is_full = true;
                        tally.verdict("full");
                    }
                    Err(Fault::Panicked) => return Err(format!("a rule panicked on {command:?}")),
                    Ok(Verdict::Record(seq, outcome)) => {
                        tally.verdict(kind(outcome));
                        self.recorded(next, command, *seq, outcome)?;
                        next += 1;
                    }
                    Ok(Verdict::Repeat(seq)) => {
                        tally.verdict("repeated");
                        self.repeated(next, command, *seq)?;
                    }
                    Ok(Verdict::Reject(reject)) => {
                        tally.verdict(reject.code());
                        self.rejected(next, now, before, command, *reject)?;
                        self.rejections.insert(command.id, *reject);
                    }
                }
            }
        }
        if next != self.read.len() {
            return Err(format!("I1: entry {next} was answered to nobody"));
        }
        match self.open.iter().find(|(_, (until, _))| *until <= now) {
            Some((id, _)) if !is_full => Err(format!("I6: hold {} should have expired", id.text())),
            Some(_) | None => Ok(()),
        }
    }

    fn recorded(&self, place: usize, command: &Command, seq: Seq, outcome: &Outcome) -> Result<(), Broken> {
        let Some(entry) = self.read.get(place) else {
            return Err(format!("I1: an answer is not in the journal: {outcome:?} to {command:?}"));
        };
        if entry.seq != seq || entry.command != *command || entry.outcome != *outcome {
            return Err(format!("I1: entry {place} is {entry:?}, the answer was {outcome:?} to {command:?}"));
        }
        if self.by_id.get(&command.id) != Some(&place) {
            return Err(format!("I4: id {} has two entries", command.id.text()));
        }
        Ok(())
    }

    fn repeated(&self, next: usize, command: &Command, seq: Seq) -> Result<(), Broken> {
        match self.entry_before(next, command.id) {
            Some(entry) if entry.seq == seq && is_same(&entry.command, command) => Ok(()),
            Some(entry) => Err(format!("I4: {command:?} was answered with entry {}, is {entry:?}", seq.0)),
            None if self.waits(next, command, seq) => Ok(()),
            None => Err(format!("I4: {command:?} was called a repetition of what is not in the journal")),
        }
    }

    /// Whether the entry at `seq` asked for the same, in another request of the same agent.
    fn waits(&self, next: usize, command: &Command, seq: Seq) -> bool {
        let entry = self.read.iter().take(next).find(|entry| entry.seq == seq);
        entry.is_some_and(|entry| {
            let is_question = matches!(entry.outcome, Outcome::Asked(_));
            is_question
                && asks_the_same(&entry.command.action, &command.action)
                && entry.command.by.holder() == command.by.holder()
        })
    }

    fn rejected(
        &self,
        next: usize,
        now: Time,
        before: Time,
        command: &Command,
        reject: Reject,
    ) -> Result<(), Broken> {
        let earlier = self.entry_before(next, command.id);
        let made_at = command.id.made_at();
        // Every entry of a batch is a nanosecond later than the one before.
        let latest = now.max(before).after(self.size());
        let is_right = if reject == Reject::IdReused {
            earlier.is_some_and(|entry| !is_same(&entry.command, command))
        } else if reject == Reject::IdFromFuture {
            now.max(before).after(book::limits::AHEAD_NANOS_MAX) < made_at
        } else {
            // An id that is remembered is answered with its entry, whatever else is wrong with it.
            let is_stale = made_at.after(self.retention_nanos) <= latest;
            is_stale || (earlier.is_none() && reject != Reject::IdStale)
        };
        if is_right { Ok(()) } else { Err(format!("I3: {command:?} was rejected as {}", reject.code())) }
    }

    /// After a crash: what was durable still is, and what came with it was asked for by `in_doubt`, in this order.
    pub(super) fn recovered(
        &mut self,
        journal: &dyn Frames,
        in_doubt: &[Vec<Command>],
        world: &mut World,
    ) -> Result<(), Broken> {
        let known = self.entries.len();
        let mut place = 0;
        for frame in frames(journal, 0)? {
            for (_, bytes) in frame.entries() {
                match self.entries.get(place) {
                    Some(entry) if entry == bytes => {}
                    Some(_) => return Err(format!("I8: entry {place} has other bytes after a crash")),
                    None => self.add(bytes, world)?,
                }
                place += 1;
            }
        }
        if place < known {
            return Err(format!("I8: a crash left {place} entries of {known} that were answered"));
        }
        let mut asked = in_doubt.iter().flatten();
        let added = self.read.get(known..).unwrap_or_default();
        let mut added = added.iter().filter(|entry| entry.command.by != Actor::Book);
        match added.find(|entry| !asked.any(|command| *command == entry.command)) {
            Some(entry) => Err(format!("I8: a crash brought an entry nobody had asked for: {entry:?}")),
            None => Ok(()),
        }
    }

    /// Whether `root` is that of all entries.
    pub(super) fn has_root(&self, root: evidence::Hash) -> Result<(), Broken> {
        if self.frontier.root() == root {
            return Ok(());
        }
        Err(format!("I7: the book's root over {} entries is not the journal's", self.size()))
    }

    fn read_on(&mut self, journal: &dyn Frames, world: &mut World) -> Result<(), Broken> {
        let known = self.entries.len() as u64;
        for frame in frames(journal, known)? {
            for (seq, bytes) in frame.entries() {
                if known <= seq.0 {
                    self.add(bytes, world)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, bytes: &[u8], world: &mut World) -> Result<(), Broken> {
        let entry = Entry::from_bytes(bytes).map_err(|_| "form: the journal holds what is no entry")?;
        if entry.command.by != Actor::Book {
            self.by_id.insert(entry.command.id, self.read.len());
        }
        self.follow_holds(&entry);
        world.learn(&entry);
        self.frontier.push(leaf_hash(bytes));
        self.entries.push(bytes.to_vec());
        self.read.push(entry);
        Ok(())
    }

    /// Which holds are open, told from the outcomes alone.
    fn follow_holds(&mut self, entry: &Entry) {
        let id = entry.command.id;
        match (&entry.command.action, &entry.outcome) {
            (Action::OpenBook(it), Outcome::Done) => {
                self.retention_nanos = Time::from_seconds(it.retention_seconds).0;
            }
            (Action::PlaceHold(it), Outcome::Held(_)) => {
                self.open.insert(id, (it.expires_at, it.purchase.amount));
            }
            (Action::PlaceEscrow(it), Outcome::Held(_)) => {
                self.open.insert(id, (it.expires_at, it.purchase.amount));
            }
            (Action::Dispute(it), Outcome::Done) => {
                if let Some((expires_at, _)) = self.open.get_mut(&it.hold.0) {
                    *expires_at = expires_at.after(book::limits::DISPUTE_NANOS);
                }
            }
            (Action::OpenMeter(it), Outcome::Held(_)) => {
                self.open.insert(id, (it.expires_at, it.purchase.amount));
            }
            (Action::Capture(it), Outcome::Captured(moved)) => {
                if let Some((_, left)) = self.open.get_mut(&it.hold.0) {
                    *left = left.saturating_sub(moved.amount);
                    if it.last || left.is_zero() {
                        self.open.remove(&it.hold.0);
                    }
                }
            }
            (Action::Void(it), Outcome::Released(_)) => drop(self.open.remove(&it.hold.0)),
            (
                Action::Expire(it),
                Outcome::Released(_) | Outcome::Settled(Settled { .. }) | Outcome::Captured(_),
            ) => {
                self.open.remove(&it.hold.0);
            }
            (Action::CloseMeter(it), Outcome::Settled(_)) => drop(self.open.remove(&it.meter.0)),
            (_, _) => {}
        }
    }

    /// An entry in words.
    pub(super) fn describe(&self, seq: u64) -> String {
        let entry = usize::try_from(seq).ok().and_then(|place| self.read.get(place));
        format!("{entry:?}")
    }
}

fn frames(journal: &dyn Frames, from: u64) -> Result<Vec<engine::journal::Frame>, Broken> {
    let mut all: Vec<engine::journal::Frame> = Vec::new();
    loop {
        let from = all.last().map_or(Seq(from), engine::journal::Frame::next);
        let more = journal.frames(from, 1_000).map_err(|fault| format!("I8: cannot be read: {fault}"))?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

/// Whether the rest of a request is not executed, because of what came of its first command.
pub(super) fn is_stopped(first: &Command, verdict: &Result<Verdict, Fault>) -> bool {
    matches!(first.action, Action::Present(_)) && !matches!(verdict, Ok(Verdict::Record(_, Outcome::Done)))
}

/// Whether two commands are one: a key may be changed between two tries.
fn is_same(one: &Command, other: &Command) -> bool {
    let who = |by: Actor| match by {
        Actor::Operator { .. } => (1, Id::default()),
        Actor::Owner { owner, .. } => (2, owner.0),
        Actor::Agent { agent, .. } => (3, agent.0),
        Actor::Payee { payee, .. } => (4, payee.0),
        Actor::Book => (5, Id::default()),
    };
    one.id == other.id && who(one.by) == who(other.by) && one.action == other.action
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Paid(_) => "paid",
        Outcome::Held(_) => "held",
        Outcome::Captured(_) => "captured",
        Outcome::Released(_) => "released",
        Outcome::Refunded(_) => "refunded",
        Outcome::Charged(_) => "charged",
        Outcome::Settled(_) => "settled",
        Outcome::Subscribed(_) => "subscribed",
        Outcome::Invoiced(_) => "invoiced",
        Outcome::Credited(_) => "credited",
        Outcome::Asked(question) => question.ask.code(),
        Outcome::Denied(refusal) => refusal.denial.code(),
    }
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::OpenBook(_) => "open-book",
        Action::RegisterAsset(_) => "register-asset",
        Action::RegisterOwner(_) => "register-owner",
        Action::EnrolKey(_) => "enrol-key",
        Action::RevokeKey(_) => "revoke-key",
        Action::OpenWallet(_) => "open-wallet",
        Action::OpenSubAccount(_) => "open-sub-account",
        Action::CloseWallet(_) => "close-wallet",
        Action::RegisterPayee(_) => "register-payee",
        Action::EnrolAgent(_) => "enrol-agent",
        Action::SetLimits(_) => "set-limits",
        Action::GrantMandate(_) => "grant-mandate",
        Action::Delegate(_) => "delegate",
        Action::Observe(_) => "observe",
        Action::ApproveAlike(_) => "approve-alike",
        Action::Freeze(_) => "freeze",
        Action::Unfreeze(_) => "unfreeze",
        Action::Revoke(_) => "revoke",
        Action::Approve(_) => "approve",
        Action::Refuse(_) => "refuse",
        Action::Transfer(_) => "transfer",
        Action::Pay(_) => "pay",
        Action::PlaceHold(_) => "hold",
        Action::Capture(_) => "capture",
        Action::Void(_) => "void",
        Action::Expire(_) => "expire",
        Action::Refund(_) => "refund",
        Action::OpenMeter(_) => "open-meter",
        Action::Charge(_) => "charge",
        Action::CloseMeter(_) => "close-meter",
        Action::Redeem(_) => "redeem",
        Action::Present(_) => "present",
        Action::GrantQuota(_) => "grant-quota",
        Action::Deduct(_) => "deduct",
        Action::Restore(_) => "restore",
        Action::Allot(_) => "allot",
        Action::Reclaim(_) => "reclaim",
        Action::OpenChannel(_) => "open-channel",
        Action::Claim(_) => "claim",
        Action::Subscribe(_) => "subscribe",
        Action::Renew(_) => "renew",
        Action::ChangePlan(_) => "change-plan",
        Action::CancelSubscription(_) => "cancel-subscription",
        Action::OpenLink(_) => "open-link",
        Action::PayLink(_) => "pay-link",
        Action::CloseLink(_) => "close-link",
        Action::SetDestination(_) => "set-destination",
        Action::RequestPayout(_) => "request-payout",
        Action::AdvancePayout(_) => "advance-payout",
        Action::PlaceEscrow(_) => "escrow",
        Action::Dispute(_) => "dispute",
        Action::IssueInvoice(_) => "issue-invoice",
        Action::IssueCreditNote(_) => "issue-credit-note",
    }
}

/// Whether an owner is asked the same of both. Of what is set aside she is asked how much, for whom and for what: not until
/// when, nor how it is counted.
fn asks_the_same(one: &Action, other: &Action) -> bool {
    match (one, other) {
        (Action::PlaceHold(one), Action::PlaceHold(other)) => one.purchase == other.purchase,
        (Action::PlaceEscrow(one), Action::PlaceEscrow(other)) => one.purchase == other.purchase,
        (
            Action::OpenMeter(OpenMeter { purchase: one, .. })
            | Action::OpenChannel(OpenChannel { purchase: one, .. }),
            Action::OpenMeter(OpenMeter { purchase: other, .. })
            | Action::OpenChannel(OpenChannel { purchase: other, .. }),
        ) => one == other,
        (one, other) => one == other,
    }
}
