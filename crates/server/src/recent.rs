//! What was set aside lately: enough about holds and meters to answer what follows them before any view shows them.
//!
//! It holds what this process has answered itself, bounded, and nothing is lost with it: what is not here is asked of
//! the views.

use crate::limits::RECENT_MAX;
use book::{Action, Command, Id, Outcome, Purchase, Seq};
use engine::views::{Form, PurchaseRow};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A payment, hold or meter that was made: what of it never changes, and whether it was redeemed.
#[derive(Clone, Debug)]
pub struct Bought {
    /// The entry that made it.
    pub seq: Seq,
    /// How it is paid.
    pub form: Form,
    /// What is bought.
    pub purchase: Arc<Purchase>,
    /// Whether it was used as proof of payment, as far as is known here.
    pub redeemed: bool,
}

impl From<PurchaseRow> for Bought {
    fn from(row: PurchaseRow) -> Bought {
        let redeemed = row.redeemed.is_some();
        Bought { seq: row.seq, form: row.form, purchase: Arc::new(row.purchase), redeemed }
    }
}

/// The newest holds and meters that are not over.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Newest>);

#[derive(Debug, Default)]
struct Newest {
    known: HashMap<Id, Bought>,
    /// In the order they came; some are over, and not known any more.
    order: VecDeque<Id>,
}

impl Recent {
    /// The hold or meter of that name, if it is remembered.
    pub fn find(&self, id: Id) -> Option<Bought> {
        self.newest().known.get(&id).cloned()
    }

    /// Learns from what the book has just recorded.
    pub fn learn(&self, seq: Seq, command: &Command, outcome: &Outcome) {
        match (&command.action, outcome) {
            (action, Outcome::Held(_)) => {
                let Some((purchase, form)) = Form::of(action) else { return };
                let purchase = Arc::new(purchase.clone());
                self.newest().add(command.id, Bought { seq, form, purchase, redeemed: false });
            }
            (Action::Redeem(it), Outcome::Done) => {
                if let Some(bought) = self.newest().known.get_mut(&it.hold.0) {
                    bought.redeemed = true;
                }
            }
            (Action::Capture(it), Outcome::Captured(_)) if it.last => self.newest().forget(it.hold.0),
            (Action::Void(it), Outcome::Released(_)) => self.newest().forget(it.hold.0),
            (Action::CloseMeter(it), Outcome::Settled(_)) => self.newest().forget(it.meter.0),
            (_, _) => {}
        }
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn add(&mut self, id: Id, bought: Bought) {
        if self.order.len() == RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id);
        self.known.insert(id, bought);
    }

    fn forget(&mut self, id: Id) {
        self.known.remove(&id);
    }
}
