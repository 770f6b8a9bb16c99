//! Snapshots taken in the midst of a life: what is recovered with one is what is recovered without, and a damaged one is
//! never believed.

use super::ask::Asker;
use super::history::Broken;
use super::life::BOOK;
use super::probe;
use super::tally::Tally;
use crate::seed::Chance;
use crate::world::World;
use book::{Book, Time};
use engine::journal::Journal;
use engine::{MemoryJournal, RecoveryError, Writer, snapshot};

/// One batch in so many is followed by a snapshot.
const SAVED_ONE_IN: u64 = 12;

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
        if has_entries && self.chance.one_in(SAVED_ONE_IN) {
            let mut bytes = Vec::new();
            writer.save(BOOK, &mut bytes).map_err(|fault| fault.to_string())?;
            self.newest = Some(bytes);
        }
        Ok(())
    }

    /// Holds a book that was recovered from the whole journal against the one that the snapshot comes to.
    pub(super) fn confirm(
        &mut self,
        writer: &Writer<MemoryJournal>,
        world: &World,
        now: Time,
        tally: &mut Tally,
    ) -> Result<(), Broken> {
        let Some(whole) = &self.newest else { return Ok(()) };
        let resumed = resume(writer, whole).map_err(|fault| format!("I7: a whole snapshot: {fault}"))?;
        let mut damaged = whole.clone();
        damage(&mut damaged, &mut self.chance);
        tally.fault("snapshot damaged");
        match resume(writer, &damaged) {
            Err(RecoveryError::Snapshot(_)) => {}
            Err(fault) => return Err(format!("I7: a damaged snapshot spoilt the recovery: {fault}")),
            Ok(_) => return Err("I7: a damaged snapshot was believed".to_owned()),
        }
        let mut asker = Asker { chance: &mut self.chance, world, now };
        probe::same(writer.book(), &resumed, &mut asker, 30)
    }
}

fn resume(writer: &Writer<MemoryJournal>, mut bytes: &[u8]) -> Result<Book, RecoveryError> {
    snapshot::resume(BOOK, writer.journal().reader().as_ref(), &mut bytes)
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
