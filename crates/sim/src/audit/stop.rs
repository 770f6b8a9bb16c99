//! What ends when something is stopped.

use super::entry::{Name, Subject};
use super::state::Status;
use super::walk::Walk;

impl Walk {
    /// What was approved for the rest of a day ends with the first stop of anything it hangs on.
    pub(super) fn end_alike(&mut self, subject: Subject) {
        let state = &self.state;
        let hangs = |row: &super::state::Question| {
            let wallet = &state.wallets[&row.purchase.wallet];
            let above = row.purchase.mandate.map(|name| state.above(name)).unwrap_or_default();
            match subject {
                Subject::Owner(name) => wallet.owner == name,
                Subject::Wallet(name) => {
                    row.purchase.wallet == name || wallet.sub.is_some_and(|sub| sub.0 == name)
                }
                Subject::Agent(name) => row.agent == Some(name) || above.iter().any(|it| it.1 == name),
                Subject::Mandate(name) => {
                    row.purchase.mandate == Some(name) || above.iter().any(|it| it.0 == name)
                }
                Subject::Payee(_) => false,
            }
        };
        let ended: Vec<Name> = state.questions.iter().filter(|row| hangs(row.1)).map(|row| *row.0).collect();
        for name in ended {
            self.state.questions.get_mut(&name).into_iter().for_each(|row| row.alike = None);
        }
    }

    pub(super) fn revoke(&mut self, at: u64, subject: Subject) {
        match subject {
            Subject::Agent(_) => self.state.set_status(subject, Status::Ended),
            Subject::Mandate(name) if self.state.status(subject) != Some(Status::Ended) => {
                self.state.set_status(subject, Status::Ended);
                let mandate = &self.state.mandates[&name];
                let (agent, usage) = (mandate.agent, mandate.policy.usage.clone());
                if mandate.parent.is_some() {
                    return;
                }
                if let Some(row) = self.state.agents.get_mut(&agent) {
                    row.ended.get_or_insert_default().absorb(&usage, at);
                }
            }
            Subject::Mandate(_) => {}
            Subject::Owner(_) | Subject::Wallet(_) | Subject::Payee(_) => {
                self.wrong("I9", "it cannot be revoked")
            }
        }
    }
}
