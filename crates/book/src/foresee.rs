//! Foresight: the rows that commands will ask for, read before they are asked for.
//!
//! A payment reads rows all over memory, one named by the other. Decided alone, it waits for each in turn; read for many
//! payments side by side, the waits overlap. Nothing here changes anything or decides anything.

use crate::book::Book;
use crate::command::Command;
use crate::table::Slot;
use std::hint::black_box;

impl Book {
    /// Reads what deciding `commands` will ask for. Some dozens at once are best.
    pub fn foresee(&self, commands: &[&Command]) {
        let records: Vec<_> = commands.iter().map(|command| self.records.foresee(command.id)).collect();
        let keys: Vec<_> =
            commands.iter().filter_map(|command| Some(self.keys.foresee(command.by.key()?.0))).collect();
        let mandates: Vec<_> = commands
            .iter()
            .filter_map(|command| Some(self.mandates.foresee(command.action.purchase()?.mandate?.0)))
            .collect();
        records.into_iter().for_each(|record| self.records.read_ahead(record));
        keys.iter().for_each(|key| self.keys.read_ahead(*key));
        mandates.iter().for_each(|mandate| self.mandates.read_ahead(*mandate));
        for key in keys {
            black_box(self.keys.find_foreseen(key));
        }
        let mandates: Vec<Slot> =
            mandates.into_iter().filter_map(|mandate| self.mandates.find_foreseen(mandate)).collect();
        for slot in &mandates {
            let mandate = self.mandates.at(*slot);
            black_box((mandate.status, mandate.expires_at, mandate.policy.usage.spent));
            mandate.policy.limits.iter().for_each(|limit| _ = black_box(std::mem::discriminant(limit)));
            mandate.policy.usage.read_ahead();
            let (wallet, agent) = (self.wallets.at(mandate.wallet), self.agents.at(mandate.agent));
            black_box((wallet.status, wallet.balance, agent.status));
        }
        for slot in mandates {
            self.wallets.at(self.mandates.at(slot).wallet).read_ahead();
        }
    }
}
