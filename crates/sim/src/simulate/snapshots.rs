//! Snapshots taken in the midst of a life: what is recovered with one is what is recovered without, and a damaged one is
//! never believed.

use super::ask::Asker;
use super::history::Broken;
use super::life::BOOK;
use super::probe;
use super::tally::Tally;
use crate::seed::Chance;
use crate::world::World;
use book::Time;
use engine::journal::Journal;
use engine::snapshot::Restored;
use engine::{MemoryJournal, RecoveryError, Writer, snapshot};

/// One batch in so many is followed by a snapshot.
const SAVED_ONE_IN: u64 = 12;

/// One of so many is made from the one before and the journal, as beside an engine that takes requests.
const RENEWED_ONE_IN: u64 = 2;

/// One recovery in so many begins with the snapshot, and the life goes on with the book that this comes to.
const BEGUN_ONE_IN: u64 = 2;

/// The newest snapshot of a life.
pub(super) struct Snapshots {
    /// Its own, so that a seed decides the same life with snapshots and without.
    chance: Chance,
    newest: Option<Vec<u8>>,
}

impl Snapshots {
    pub(super) fn new(seed: u64) -> Snapshots {
        Snapshots { chance: Chance::new(seed ^ 0x5A4E_D0FF), newest: None }
    }

    /// Takes a snapshot, now and then, of a writer that has just answered.
    pub(super) fn consider(&mut self, writer: &Writer<MemoryJournal>) -> Result<(), Broken> {
        let has_entries = 0 < writer.book().head().seq.0;
        if !has_entries || !self.chance.one_in(SAVED_ONE_IN) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        match &self.newest {
            Some(before) if self.chance.one_in(RENEWED_ONE_IN) => {
                let resumed = snapshot::resume(BOOK, writer.journal().reader().as_ref(), &mut &before[..]);
                let resumed = resumed.map_err(|fault| format!("I7: a snapshot of this life: {fault}"))?;
                resumed.write(BOOK, &mut bytes)
            }
            Some(_) | None => writer.save(BOOK, &mut bytes),
        }
        .map_err(|fault| fault.to_string())?;
        self.newest = Some(bytes);
        Ok(())
    }

    /// What a recovery begins with, now and then.
    pub(super) fn begin(
        &mut self,
        journal: &MemoryJournal,
        tally: &mut Tally,
    ) -> Result<Option<Restored>, Broken> {
        let Some(whole) = &self.newest else { return Ok(None) };
        if !self.chance.one_in(BEGUN_ONE_IN) {
            return Ok(None);
        }
        tally.fault("restart from a snapshot");
        let restored = snapshot::read(BOOK, journal.reader().as_ref(), &mut &whole[..]);
        restored.map(Some).map_err(|fault| format!("I7: a whole snapshot: {fault}"))
    }

    /// Holds a book that was recovered against the one that the snapshot comes to, and against one without it.
    pub(super) fn confirm(
        &mut self,
        writer: &Writer<MemoryJournal>,
        world: &World,
        now: Time,
        tally: &mut Tally,
    ) -> Result<(), Broken> {
        let Some(whole) = &self.newest else { return Ok(()) };
        let journal = writer.journal().reader();
        let resumed = snapshot::resume(BOOK, journal.as_ref(), &mut &whole[..]);
        let resumed = resumed.map_err(|fault| format!("I7: a whole snapshot: {fault}"))?;
        let mut replayed = Restored::default();
        let read = replayed.catch_up(journal.as_ref(), |_| (), || true);
        read.map_err(|fault| format!("I7: the journal alone: {fault}"))?;
        let mut damaged = whole.clone();
        damage(&mut damaged, &mut self.chance);
        tally.fault("snapshot damaged");
        match snapshot::resume(BOOK, journal.as_ref(), &mut &damaged[..]) {
            Err(RecoveryError::Snapshot(_)) => {}
            Err(fault) => return Err(format!("I7: a damaged snapshot spoilt the recovery: {fault}")),
            Ok(_) => return Err("I7: a damaged snapshot was believed".to_owned()),
        }
        let mut asker = Asker { chance: &mut self.chance, world, now };
        probe::same(writer.book(), resumed.book(), &mut asker, 30)?;
        probe::same(writer.book(), replayed.book(), &mut asker, 30)
    }
}

/// Cuts it short, makes it longer, or changes a few of its bytes.
fn damage(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let length = bytes.len() as u64;
    match chance.below(6) {
        0 => bytes.truncate(chance.below(length) as usize),
        1 => bytes.push(chance.below(256) as u8),
        _ => {
            let place = chance.below(length) as usize;
            bytes[place] ^= chance.between(1, 255) as u8;
            let other = chance.below(length) as usize;
            if other != place {
                bytes[other] = chance.below(256) as u8;
            }
        }
    }
}
