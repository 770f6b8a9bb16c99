//! What the clients were told: every answer, and what the accounts have to have if all answers are true.

use std::collections::BTreeMap;

use anyhow::ensure;
use book::{Entry, Id, Outcome};

/// One answer that a client got.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    /// The id the client chose.
    pub(crate) id: Id,
    /// The place in the journal that the server named.
    pub(crate) entry: u64,
    pub(crate) what: What,
}

/// What the server said it did.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Paid {
        wallet: usize,
        payee: usize,
        amount: u128,
    },
    Held {
        wallet: usize,
        amount: u128,
    },
    /// A last capture: what is left went back.
    Captured {
        wallet: usize,
        payee: usize,
        held: u128,
        amount: u128,
    },
    Released {
        wallet: usize,
        held: u128,
    },
    /// A rule said no, and nothing moved.
    Denied,
}

/// All answers, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Requests that were sent, repetitions not counted.
    pub(crate) invoked: u64,
    /// Requests whose answer got lost at least once.
    pub(crate) unknown: u64,
    /// How many of the answers were compared with the journal.
    compared: usize,
}

/// What one wallet has to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Has {
    pub(crate) spent: u128,
    pub(crate) held: u128,
}

impl History {
    /// Finds every answer in the journal, at the place that was named, as it was told.
    pub(crate) fn compare(&mut self, entries: &[Entry]) -> anyhow::Result<()> {
        for told in &self.acknowledged[self.compared..] {
            let entry = usize::try_from(told.entry).ok().and_then(|place| entries.get(place));
            let Some(entry) = entry else {
                anyhow::bail!(
                    "lost: {} was acknowledged at {}, behind the journal's end",
                    told.id.text(),
                    told.entry
                )
            };
            ensure!(entry.command.id == told.id, "lost: entry {} is not {}", told.entry, told.id.text());
            let as_told = match (&told.what, &entry.outcome) {
                (What::Paid { amount, .. }, Outcome::Paid(moved)) => moved.amount.minor() == *amount,
                (What::Captured { amount, .. }, Outcome::Captured(moved)) => moved.amount.minor() == *amount,
                (What::Held { .. }, Outcome::Held(_)) => true,
                (What::Released { held, .. }, Outcome::Released(released)) => {
                    released.amount.minor() == *held
                }
                (What::Denied, Outcome::Denied(_)) => true,
                _ => false,
            };
            ensure!(as_told, "entry {}: told {:?}, recorded {:?}", told.entry, told.what, entry.outcome);
        }
        self.compared = self.acknowledged.len();
        Ok(())
    }

    /// Every id stands in the journal once: nothing was done twice.
    pub(crate) fn check_once(entries: &[Entry]) -> anyhow::Result<()> {
        let mut places: BTreeMap<Id, u64> = BTreeMap::new();
        for entry in entries {
            let before = places.insert(entry.command.id, entry.seq.0);
            ensure!(
                before.is_none(),
                "doubled: {} is in entries {before:?} and {}",
                entry.command.id.text(),
                entry.seq.0
            );
        }
        Ok(())
    }

    /// What `wallets` wallets and `payees` sellers have to have.
    pub(crate) fn expected(&self, wallets: usize, payees: usize) -> (Vec<Has>, Vec<u128>) {
        let (mut of_wallets, mut of_payees) = (vec![Has::default(); wallets], vec![0; payees]);
        for told in &self.acknowledged {
            match told.what {
                What::Paid { wallet, payee, amount } => {
                    of_wallets[wallet].spent += amount;
                    of_payees[payee] += amount;
                }
                What::Held { wallet, amount } => of_wallets[wallet].held += amount,
                What::Captured { wallet, payee, held, amount } => {
                    of_wallets[wallet].held -= held;
                    of_wallets[wallet].spent += amount;
                    of_payees[payee] += amount;
                }
                What::Released { wallet, held } => of_wallets[wallet].held -= held,
                What::Denied => {}
            }
        }
        (of_wallets, of_payees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_adds_up_to_what_accounts_have() {
        let told = |what| Acknowledged { id: Id::default(), entry: 0, what };
        let history = History {
            acknowledged: vec![
                told(What::Paid { wallet: 0, payee: 0, amount: 5 }),
                told(What::Held { wallet: 0, amount: 10 }),
                told(What::Held { wallet: 0, amount: 7 }),
                told(What::Captured { wallet: 0, payee: 0, held: 10, amount: 4 }),
                told(What::Denied),
            ],
            ..History::default()
        };
        assert_eq!(history.expected(1, 1), (vec![Has { spent: 9, held: 7 }], vec![9]));
    }

    #[test]
    fn an_answer_that_is_not_in_the_journal_is_a_loss() {
        let told = Acknowledged { id: Id([1; 16]), entry: 3, what: What::Denied };
        let mut history = History { acknowledged: vec![told], ..History::default() };
        let lost = history.compare(&[]).expect_err("the journal is empty");
        assert!(lost.to_string().starts_with("lost: "), "{lost}");
    }
}
