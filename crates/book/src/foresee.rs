//! Foresight: the rows that commands will ask for, read before they are asked for.
//!
//! A payment reads rows all over memory, one named by the other. Decided alone, it waits for each in turn; read for many
//! payments side by side, the waits overlap. Nothing here changes anything or decides anything.

use crate::book::Book;
use crate::command::{Action, Command};
use crate::purchase::Purchase;
use std::hint::black_box;

impl Book {
    /// Reads what deciding `commands` will ask for. About a hundred at once is best.
    pub fn foresee(&self, commands: &[&Command]) {
        let hashes: Vec<_> = commands.iter().map(|command| {
            let key = command.by.key().map(|key| self.keys.hash(key.0));
            let mandate = bought(command).and_then(|buy| buy.mandate).map(|id| self.mandates.hash(id.0));
            (self.records.hash(command.id), key, mandate)
        }).collect();
        for h in &hashes { self.records.foresee(h.0); }
        for h in &hashes { if let Some(h) = h.1 { self.keys.foresee(h); } }
        for h in &hashes { if let Some(h) = h.2 { self.mandates.foresee(h); } }
        let mandates: Vec<_> = commands
            .iter()
            .filter_map(|command| {
                if let Some(key) = command.by.key() {
                    black_box(self.keys.find(key.0));
                }
                self.mandates.find(bought(command)?.mandate?.0)
            })
            .collect();
        for slot in &mandates {
            let mandate = self.mandates.at(*slot);
            black_box(mandate.policy.limits.first().map(std::mem::discriminant));
            mandate.policy.usage.foresee();
            black_box(self.wallets.at(mandate.wallet).status);
            black_box(self.agents.at(mandate.agent).status);
        }
        for slot in mandates {
            self.wallets.at(self.mandates.at(slot).wallet).foresee_contacts();
        }
    }
}

fn bought(command: &Command) -> Option<&Purchase> {
    match &command.action {
        Action::Pay(it) => Some(&it.purchase),
        Action::PlaceHold(it) => Some(&it.purchase),
        Action::OpenMeter(it) => Some(&it.purchase),
        _ => None,
    }
}
