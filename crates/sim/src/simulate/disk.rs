//! The disk that the journal lies on: writes and syncs that fail, keep, lose or tear, a full disk, and power cuts.

use crate::seed::Chance;
use engine::journal::{Act, Disk, Fate, Remains};
use std::sync::{Arc, Mutex, MutexGuard};

/// A disk, and what is to happen to it next.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) disk: Disk,
    plan: Arc<Mutex<Plan>>,
    pub(super) is_small: bool,
}

#[derive(Debug, Default)]
struct Plan {
    /// The act that goes wrong is the one behind so many more, and how.
    next: Option<(u64, Wrong)>,
    /// What went wrong since somebody asked.
    done: Vec<&'static str>,
}

/// How an act goes wrong; bytes and sectors are chosen by the number.
#[derive(Clone, Copy, Debug)]
struct Wrong {
    how: How,
    number: u64,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Nothing,
    All,
    First,
    Sectors,
    Full,
}

impl Drive {
    pub(super) fn new() -> Drive {
        let plan = Arc::new(Mutex::new(Plan::default()));
        let shared = plan.clone();
        let disk = Disk::new(u64::MAX, move |act| locked(&shared).fate(act));
        Drive { disk, plan, is_small: false }
    }

    /// Lets one of the next acts go wrong.
    pub(super) fn plan(&mut self, chance: &mut Chance) {
        let hows = [(2, How::Nothing), (2, How::All), (3, How::First), (3, How::Sectors), (1, How::Full)];
        let wrong = Wrong { how: chance.weigh(&hows), number: chance.word() };
        locked(&self.plan).next = Some((chance.below(4), wrong));
    }

    /// Lets everything work again.
    pub(super) fn heal(&mut self) {
        locked(&self.plan).next = None;
        self.disk.set_capacity(u64::MAX);
        self.is_small = false;
    }

    /// What went wrong since this was last asked.
    pub(super) fn wrongs(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut locked(&self.plan).done)
    }

    /// Fills the disk up to a little, or makes space again.
    pub(super) fn squeeze(&mut self, chance: &mut Chance) -> &'static str {
        self.is_small = !self.is_small;
        if !self.is_small {
            self.disk.set_capacity(u64::MAX);
            return "disk has space again";
        }
        let length = self.disk.durable().len() as u64;
        self.disk.set_capacity(length + chance.below(20_000));
        "disk full"
    }

    /// Cuts the power.
    pub(super) fn cut(&mut self, chance: &mut Chance) -> &'static str {
        let (remains, kind) = match chance.below(4) {
            0 => (Remains::Nothing, "power cut, unsynced lost"),
            1 => (Remains::All, "power cut, unsynced kept"),
            2 => (Remains::First(chance.below(3_000)), "power cut, unsynced torn"),
            _ => (Remains::Sectors(chance.word()), "power cut, sectors lost"),
        };
        self.disk.power_cut(remains);
        kind
    }
}

impl Plan {
    fn fate(&mut self, act: Act) -> Fate {
        let Some((left, wrong)) = self.next.take() else { return Fate::Works };
        if 0 < left {
            self.next = Some((left - 1, wrong));
            return Fate::Works;
        }
        let bytes = match act {
            Act::Write { bytes, .. } => bytes,
            Act::Sync { unsynced } => unsynced,
        };
        let (fate, write, sync) = match wrong.how {
            How::Nothing => (Fate::Fails(Remains::Nothing), "write failed, lost", "sync failed, lost"),
            How::All => (Fate::Fails(Remains::All), "write failed, kept", "sync failed, kept"),
            How::First => {
                let first = Remains::First(wrong.number % bytes.max(1));
                (Fate::Fails(first), "write failed, torn", "sync failed, torn")
            }
            How::Sectors => {
                let some = Remains::Sectors(wrong.number);
                (Fate::Fails(some), "write failed, sectors lost", "sync failed, sectors lost")
            }
            How::Full => (Fate::Full, "write found no space", "sync found no space"),
        };
        self.done.push(match act {
            Act::Write { .. } => write,
            Act::Sync { .. } => sync,
        });
        fate
    }
}

fn locked(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().expect("nobody panics while holding the plan")
}
