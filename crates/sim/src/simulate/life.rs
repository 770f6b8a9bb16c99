//! One life of a book, from its first entry to its audit, decided by one seed.

use super::ask::Asker;
use super::clients::{CLIENTS, Clients, Parcel};
use super::clock::{Clock, Tick};
use super::disk::Drive;
use super::history::{Broken, History, Space};
use super::rule::{COARSE, FINE, code};
use super::snapshots::Snapshots;
use super::tally::Tally;
use super::{probe, storm};
use crate::seed::Chance;
use crate::world::World;
use ::book::*;
use engine::journal::{BookId, Journal, JournalFault, MemoryJournal};
use engine::writer::{Answer, Stepdown, Writer};
use evidence::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) const BOOK: BookId = BookId(*b"a simulated book");

/// How long a life is, in batches.
const STEPS: u64 = 160;

/// One in so many lives has a storm.
const STORM_ONE_IN: u64 = 5;

/// How often a request may be sent again, once nothing fails any more, before it counts as never answered.
const ROUNDS: u64 = 60;

/// The bug that was planted, if any.
#[cfg(feature = "sabotage")]
pub type Planted = Option<::book::sabotage::Sabotage>;
/// The bug that was planted: none can be in this build.
#[cfg(not(feature = "sabotage"))]
pub type Planted = Option<std::convert::Infallible>;

/// A life that went as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// What happened in it.
    pub tally: Tally,
    /// The root over everything that did: the same seed always comes to the same.
    pub root: Hash,
}

/// A life in which something should not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which life.
    pub seed: u64,
    /// In which batch it showed.
    pub step: u64,
    /// What.
    pub what: String,
}

/// Lives the life that `seed` decides.
///
/// # Errors
/// [`Failure`] where an invariant did not hold, or a request was never answered.
pub fn run(seed: u64, planted: Planted) -> Result<Life, Failure> {
    let mut living = Living::new(seed, planted);
    match living.live(seed) {
        Ok(root) => Ok(Life { tally: living.tally, root }),
        Err(what) => Err(Failure { seed, step: living.step, what }),
    }
}

struct Living {
    chance: Chance,
    clock: Clock,
    drive: Drive,
    writer: Option<Writer<MemoryJournal>>,
    history: History,
    world: World,
    clients: Clients,
    tally: Tally,
    step: u64,
    planted: Planted,
    snapshots: Snapshots,
    /// The most requests of a batch.
    batch: u64,
    /// One batch in so many meets a fault of each kind.
    peace: u64,
}

impl Living {
    fn new(seed: u64, planted: Planted) -> Living {
        let mut chance = Chance::new(seed);
        Living {
            clock: Clock::new(&mut chance),
            drive: Drive::new(),
            writer: None,
            history: History::default(),
            world: World::default(),
            clients: Clients::default(),
            tally: Tally::default(),
            step: 0,
            planted,
            snapshots: Snapshots::new(seed),
            batch: chance.weigh(&[(1, 1), (3, 6), (3, 20), (1, 64)]),
            peace: chance.weigh(&[(1, 12), (2, 30), (1, 90)]),
            chance,
        }
    }

    fn live(&mut self, seed: u64) -> Result<Hash, Broken> {
        self.recover(&[])?;
        self.found()?;
        if seed.is_multiple_of(STORM_ONE_IN) {
            self.storm()?;
        }
        for _ in 0..STEPS {
            self.disturb()?;
            let tick = self.clock.tick(&mut self.chance);
            self.note_tick(tick);
            self.ask_more();
            self.batch()?;
        }
        self.settle()?;
        self.pay_anew()?;
        self.end()
    }

    fn writer(&mut self) -> &mut Writer<MemoryJournal> {
        self.writer.as_mut().expect("a crash ends with a recovery")
    }

    fn asker(&mut self) -> Asker<'_> {
        Asker { chance: &mut self.chance, world: &self.world, now: self.clock.now() }
    }

    /// Clients that have nothing to wait for ask for something, and those that waited too long ask again.
    fn ask_more(&mut self) {
        let mut new = self.chance.below(self.batch + 1);
        if !self.clients.backlog.is_empty() {
            new = CLIENTS as u64;
        }
        let mut asker = Asker { chance: &mut self.chance, world: &self.world, now: self.clock.now() };
        while 0 < new && self.clients.waiting() < CLIENTS {
            let commands = self.clients.backlog.pop_front().unwrap_or_else(|| asker.request());
            self.clients.begin(self.step, commands, &mut asker);
            new -= 1;
        }
        self.clients.insist(self.step, &mut asker);
    }

    fn note_tick(&mut self, tick: Tick) {
        match tick {
            Tick::On => {}
            Tick::Frozen => self.tally.fault("clock frozen"),
            Tick::Forward => self.tally.fault("clock forward"),
            Tick::Back => self.tally.fault("clock back"),
        }
    }

    /// Lets the world misbehave.
    fn disturb(&mut self) -> Result<(), Broken> {
        if self.chance.one_in(self.peace) {
            self.drive.plan(&mut self.chance);
        }
        if self.chance.one_in(if self.drive.is_small { 8 } else { self.peace * 3 }) {
            let kind = self.drive.squeeze(&mut self.chance);
            self.tally.fault(kind);
        }
        if self.chance.one_in(self.peace * 2) {
            self.writer = None;
            self.cut();
            self.recover(&[])?;
        }
        if self.chance.one_in(self.peace * 2) {
            self.tally.fault("restart");
            let before = self.writer.take().expect("a crash ends with a recovery");
            self.recover(&[])?;
            self.compare(&before, 30)?;
        }
        if self.chance.one_in(self.peace * 2) {
            self.usurp()?;
        }
        Ok(())
    }

    /// Whether the book before a restart is the one behind it.
    fn compare(&mut self, before: &Writer<MemoryJournal>, probes: u64) -> Result<(), Broken> {
        let after = self.writer.as_ref().expect("just recovered");
        let mut asker = Asker { chance: &mut self.chance, world: &self.world, now: self.clock.now() };
        probe::same(before.book(), after.book(), &mut asker, probes)
    }

    /// Somebody else opens the journal: whoever led before may write no more.
    fn usurp(&mut self) -> Result<(), Broken> {
        self.tally.fault("second leader");
        let mut old = self.writer.take().expect("a crash ends with a recovery");
        self.recover(&[])?;
        let parcels = self.arrive();
        let units: Vec<Vec<Command>> = parcels.into_iter().map(|parcel| parcel.unit).collect();
        // Nobody is told anything: what the old leader thinks is of no account, as long as it cannot write.
        match run_batch(&mut old, self.clock.now(), &units)? {
            Ok(answers) => {
                let recorded = |answer: &Answer| answer.iter().any(|v| matches!(v, Ok(Verdict::Record(..))));
                if answers.iter().any(recorded) {
                    return Err("I8: a leader that was replaced answered as if it led".to_owned());
                }
            }
            Err(Stepdown::Fenced | Stepdown::Journal(_)) => {}
        }
        Ok(())
    }

    fn cut(&mut self) {
        let kind = self.drive.cut(&mut self.chance);
        self.tally.fault(kind);
    }

    fn arrive(&mut self) -> Vec<Parcel> {
        let most = self.chance.between(1, self.batch) as usize;
        self.clients.arrive(self.step, most, &mut self.chance)
    }

    /// One batch, whatever becomes of it.
    fn batch(&mut self) -> Result<(), Broken> {
        self.step += 1;
        let parcels = self.arrive();
        let units: Vec<Vec<Command>> = parcels.iter().map(|parcel| parcel.unit.clone()).collect();
        let now = self.clock.now();
        let outcome = run_batch(self.writer(), now, &units)?;
        let wrongs = self.drive.wrongs();
        let is_scarce = self.drive.is_small || !wrongs.is_empty();
        let space = if is_scarce { Space::Scarce } else { Space::Enough };
        for wrong in wrongs {
            self.tally.fault(wrong);
        }
        match outcome {
            Err(_) => {
                self.writer = None;
                if self.chance.one_in(2) {
                    self.cut();
                } else {
                    self.tally.fault("process ended, batch in doubt");
                }
                self.recover(&units)
            }
            Ok(answers) => {
                self.note(now, &units, &answers, space)?;
                if self.planted.is_none() {
                    self.snapshots.consider(self.writer.as_ref().expect("it just answered"))?;
                }
                if self.chance.one_in(self.peace * 2) {
                    self.tally.fault("crash before the answers");
                    self.writer = None;
                    self.cut();
                    return self.recover(&[]);
                }
                for (parcel, answer) in parcels.iter().zip(&answers) {
                    if self.chance.one_in(15) {
                        self.tally.fault("answer lost");
                    } else {
                        self.clients.answer(parcel, answer);
                    }
                }
                Ok(())
            }
        }
    }

    /// Holds answers against the journal.
    fn note(
        &mut self,
        now: Time,
        units: &[Vec<Command>],
        answers: &[Answer],
        space: Space,
    ) -> Result<(), Broken> {
        let writer = self.writer.as_ref().expect("it just answered");
        let journal = writer.journal().reader();
        let (world, tally) = (&mut self.world, &mut self.tally);
        self.history.answered(now, units, answers, journal.as_ref(), space, world, tally)?;
        self.history.has_root(writer.root())
    }

    /// Opens the journal again, as often as it takes.
    fn recover(&mut self, in_doubt: &[Vec<Command>]) -> Result<(), Broken> {
        let mut tries = 0;
        let journal = loop {
            let at_least = if self.chance.one_in(2) { self.history.size() } else { 0 };
            match MemoryJournal::open(&self.drive.disk, BOOK, at_least) {
                Ok(journal) => break journal,
                Err(JournalFault::Storage(_)) if tries < 3 => {
                    self.tally.fault("crash while recovering");
                    for wrong in self.drive.wrongs() {
                        self.tally.fault(wrong);
                    }
                    if self.chance.one_in(2) {
                        self.cut();
                    }
                    if 0 < tries {
                        self.drive.heal();
                    }
                    tries += 1;
                }
                Err(fault) => return Err(format!("I8: the journal cannot be opened again: {fault}")),
            }
        };
        let restored = match self.planted {
            None => self.snapshots.begin(&journal, &mut self.tally)?,
            Some(_) => None,
        };
        let recovered = match restored {
            Some(restored) => Writer::recover_restored(restored, BOOK, journal, |_| (), |_| ()),
            None => recover(journal, self.planted),
        };
        let writer = recovered.map_err(|fault| format!("I8: {fault}"))?;
        let writer = self.writer.insert(writer);
        let journal = writer.journal().reader();
        self.history.recovered(journal.as_ref(), in_doubt, &mut self.world)?;
        self.history.has_root(writer.root())?;
        if self.planted.is_none() {
            self.snapshots.confirm(writer, &self.world, self.clock.now(), &mut self.tally)?;
        }
        Ok(())
    }

    /// Executes `commands` one by one while nothing fails; each must be recorded, and not denied.
    fn surely(&mut self, commands: &[Command]) -> Result<(), Broken> {
        for command in commands {
            let (now, units) = (self.clock.now(), vec![vec![command.clone()]]);
            let answers = match run_batch(self.writer(), now, &units)? {
                Ok(answers) => answers,
                Err(stepdown) => return Err(format!("I10: a working disk failed: {stepdown}")),
            };
            self.note(now, &units, &answers, Space::Enough)?;
            match &answers[0][0] {
                Ok(Verdict::Record(_, Outcome::Denied(_) | Outcome::Asked(_)) | Verdict::Reject(_))
                | Err(_) => {
                    return Err(format!("I10: {:?} to {command:?}", answers[0][0]));
                }
                Ok(Verdict::Record(..) | Verdict::Repeat(_)) => {}
            }
        }
        Ok(())
    }

    /// Opens the book, with a few of everything.
    fn found(&mut self) -> Result<(), Broken> {
        let mut asker = self.asker();
        let (key, public_key) = asker.key();
        let retention_seconds = asker.chance.weigh(&[(1, 3_600), (1, 86_400), (2, 40 * 86_400)]);
        let open = OpenBook { test: true, retention_seconds, key, public_key };
        let open = Command { id: asker.id(), by: Actor::Operator { key }, action: Action::OpenBook(open) };
        self.surely(&[open])?;
        for (name, scale) in [(COARSE, 2), (FINE, 18)] {
            let asset = RegisterAsset { code: code(name), scale };
            self.by_operator(Action::RegisterAsset(asset))?;
        }
        for _ in 0..3 {
            let (key, public_key) = self.asker().key();
            self.by_operator(Action::RegisterOwner(RegisterOwner { key, public_key }))?;
        }
        for number in 0..10 {
            let asset = code(if number % 3 == 2 { FINE } else { COARSE });
            let payee = self.asker().payee(asset);
            self.by_operator(Action::RegisterPayee(payee))?;
        }
        for number in 0..6usize {
            self.open_wallet(number)?;
        }
        for _ in 0..4 {
            let grant = self.asker().grant();
            let Some((by, action)) = grant else { continue };
            let by = fresh(by);
            let id = self.asker().id();
            self.surely(&[Command { id, by, action }])?;
        }
        Ok(())
    }

    /// A wallet with money and two agents.
    fn open_wallet(&mut self, number: usize) -> Result<(), Broken> {
        let owner = self.world.owners[number % 3].id;
        let by = self.world.owner(owner, Presence::Fresh);
        let asset = code(if number % 3 == 2 { FINE } else { COARSE });
        let limits = super::rule::limits(&mut self.chance, &self.world, asset, self.clock.now());
        let id = self.asker().id();
        self.surely(&[Command { id, by, action: Action::OpenWallet(OpenWallet { owner, asset, limits }) }])?;
        let wallet = WalletId(id);
        let price = super::rule::price(&mut self.chance, asset, 100);
        let (from, to) = (Account::World, Account::Wallet(wallet));
        self.by_operator(Action::Transfer(Transfer { from, to, amount: price, asset }))?;
        for _ in 0..2 {
            let limits = super::rule::limits(&mut self.chance, &self.world, asset, self.clock.now());
            let mut asker = self.asker();
            let (key, public_key) = asker.key();
            let action = Action::EnrolAgent(EnrolAgent { wallet, limits, key, public_key });
            let command = Command { id: asker.id(), by, action };
            self.surely(&[command])?;
        }
        Ok(())
    }

    fn by_operator(&mut self, action: Action) -> Result<(), Broken> {
        let by = self.world.operator();
        let id = self.asker().id();
        self.surely(&[Command { id, by, action }])
    }

    /// A thousand payments against one limit.
    fn storm(&mut self) -> Result<(), Broken> {
        let (before, storm) = storm::brew(&self.world, self.clock.now(), &mut self.chance);
        self.surely(&before)?;
        let batch = std::mem::replace(&mut self.batch, self.chance.between(16, 64));
        self.clients.backlog.extend(storm.payments.iter().map(|payment| vec![payment.clone()]));
        while !self.clients.backlog.is_empty() {
            self.disturb()?;
            self.ask_more();
            self.batch()?;
        }
        self.settle()?;
        self.batch = batch;
        self.tally.storms += 1;
        storm.check(&self.history)
    }

    /// Lets everything work again, until every request is answered (I10).
    fn settle(&mut self) -> Result<(), Broken> {
        self.drive.heal();
        let at = self.writer().book().head().at;
        self.clock.catch_up(at);
        self.clients.lose_everything();
        for _ in 0..ROUNDS {
            if self.clients.waiting() == 0 {
                return Ok(());
            }
            self.clock.pass(1);
            let mut asker = Asker { chance: &mut self.chance, world: &self.world, now: self.clock.now() };
            self.clients.insist(self.step, &mut asker);
            self.step += 50;
            let parcels = self.clients.arrive(self.step, usize::MAX, &mut self.chance);
            let units: Vec<Vec<Command>> = parcels.iter().map(|parcel| parcel.unit.clone()).collect();
            let now = self.clock.now();
            let answers = match run_batch(self.writer(), now, &units)? {
                Ok(answers) => answers,
                Err(stepdown) => return Err(format!("I10: a working disk failed: {stepdown}")),
            };
            self.note(now, &units, &answers, Space::Enough)?;
            for (parcel, answer) in parcels.iter().zip(&answers) {
                self.clients.answer(parcel, answer);
            }
        }
        Err(format!("I10: {} requests were never answered", self.clients.waiting()))
    }

    /// Somebody new can pay.
    fn pay_anew(&mut self) -> Result<(), Broken> {
        let (before, storm) = storm::brew(&self.world, self.clock.now(), &mut self.chance);
        self.surely(&before)?;
        let Some(Command { action: Action::Pay(pay), .. }) = storm.payments.into_iter().next() else {
            return Ok(());
        };
        let purchase = Purchase { mandate: None, ..pay.purchase };
        let owner = self.world.wallet(purchase.wallet).map(|row| row.owner).unwrap_or_default();
        let by = self.world.owner(owner, Presence::Session);
        let id = self.asker().id();
        self.surely(&[Command { id, by, action: Action::Pay(Pay { purchase }) }])
    }

    /// The end of time, a last restart, and the audit.
    fn end(&mut self) -> Result<Hash, Broken> {
        self.clock.pass(91 * 86_400);
        let now = self.clock.now();
        let answers = match run_batch(self.writer(), now, &[])? {
            Ok(answers) => answers,
            Err(stepdown) => return Err(format!("I10: a working disk failed: {stepdown}")),
        };
        self.note(now, &[], &answers, Space::Enough)?;
        let before = self.writer.take().expect("a crash ends with a recovery");
        self.cut();
        self.recover(&[])?;
        self.compare(&before, 200)?;
        let report = crate::audit::audit(&self.history.entries);
        if let Some(violation) = report.violations.first() {
            let entry = self.history.describe(violation.seq);
            return Err(format!("{violation}: {entry}"));
        }
        let root = self.writer().root();
        if root.0 != report.root {
            return Err("I8: the auditor comes to another root".to_owned());
        }
        let writer = self.writer.as_ref().expect("just recovered");
        probe::same_money(writer.book(), &report, &self.world)?;
        self.tally.entries = self.history.size();
        Ok(root)
    }
}

/// An owner that is there now.
fn fresh(by: Actor) -> Actor {
    match by {
        Actor::Owner { owner, key, .. } => Actor::Owner { owner, key, presence: Presence::Fresh },
        Actor::Operator { .. } | Actor::Agent { .. } | Actor::Payee { .. } | Actor::Book => by,
    }
}

/// Runs a batch; a panic is something that should not happen.
fn run_batch(
    writer: &mut Writer<MemoryJournal>,
    now: Time,
    units: &[Vec<Command>],
) -> Result<Result<Vec<Answer>, Stepdown>, Broken> {
    catch_unwind(AssertUnwindSafe(|| writer.run(now, units))).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("the writer panicked: {}", text.unwrap_or_default())
    })
}

#[cfg(feature = "sabotage")]
fn recover(journal: MemoryJournal, planted: Planted) -> Result<Writer<MemoryJournal>, engine::RecoveryError> {
    Writer::recover_sabotaged(BOOK, journal, planted)
}

#[cfg(not(feature = "sabotage"))]
fn recover(
    journal: MemoryJournal,
    _planted: Planted,
) -> Result<Writer<MemoryJournal>, engine::RecoveryError> {
    Writer::recover(BOOK, journal, |_| ())
}
