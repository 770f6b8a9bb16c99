//! Autonomy levels: six sets of limits for a mandate, from "ask me every time" to "whatever my wallet allows".
//!
//! A level is nothing but a way to write limits down: the book knows limits only, and an owner can change each of them.
//! L0, L3, L4 and L5 are modelled on what has been said in public about such levels; no text of any standard defines
//! them. **L1 and L2 are our own definition.** Each level allows whatever the one below it allows.

use crate::calendar::{Period, Zone};
use crate::id::PayeeId;
use crate::limit::{Limit, Window};
use crate::limits::AMOUNT_MAX;
use crate::money::Amount;

/// How much an agent does without its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The owner confirms every payment.
    L0,
    /// Small amounts to payees that were paid before; the owner confirms the rest. Our own definition.
    L1,
    /// Any amount within the budget to payees that were paid before; the owner confirms new ones. Our own definition.
    L2,
    /// One task within a budget, without the owner.
    L3,
    /// Task after task within what one payment and one day may come to.
    L4,
    /// Whatever the wallet's own limits allow.
    L5,
}

/// What the limits of a level are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most that is small, inclusive.
    pub small: Amount,
    /// The most that one payment may be.
    pub per_payment: Amount,
    /// The most that may be spent in a day.
    pub per_day: Amount,
    /// Where the day ends.
    pub zone: Zone,
    /// The most that may be spent in all.
    pub total: Amount,
    /// The only payees, up to L3; none named are all.
    pub payees: Vec<PayeeId>,
}

impl Level {
    /// The whole list, least first.
    pub const ALL: &'static [Level] = &[Level::L0, Level::L1, Level::L2, Level::L3, Level::L4, Level::L5];

    /// Its name.
    pub fn code(self) -> &'static str {
        match self {
            Level::L0 => "L0",
            Level::L1 => "L1",
            Level::L2 => "L2",
            Level::L3 => "L3",
            Level::L4 => "L4",
            Level::L5 => "L5",
        }
    }

    /// What it means, in a sentence to an owner.
    pub fn meaning(self) -> &'static str {
        match self {
            Level::L0 => "You confirm every payment.",
            Level::L1 => "Small payments to sellers you have paid before are made; you confirm all others.",
            Level::L2 => "Payments to sellers you have paid before are made; you confirm new sellers.",
            Level::L3 => "Payments are made without you until the budget of the task is spent.",
            Level::L4 => {
                "Payments are made without you, day after day, within what a payment and a day may come to."
            }
            Level::L5 => "Payments are made without you, within your wallet's own limits and nothing else.",
        }
    }

    /// Whether it is our own, and not modelled on a public description.
    pub fn is_our_own(self) -> bool {
        match self {
            Level::L1 | Level::L2 => true,
            Level::L0 | Level::L3 | Level::L4 | Level::L5 => false,
        }
    }

    /// The limits of a mandate at this level. Never none: a mandate without limits allows nothing.
    pub fn limits(self, budget: &Budget) -> Vec<Limit> {
        let at_once = Limit::PerPayment { max: budget.per_payment };
        let window = Window::Calendar { period: Period::Day, zone: budget.zone };
        let a_day = Limit::Window { window, max: budget.per_day };
        let within_a_task = || {
            let mut limits = vec![at_once.clone(), a_day.clone(), Limit::Total { max: budget.total }];
            if !budget.payees.is_empty() {
                limits.push(Limit::PayeesAllowed { payees: budget.payees.clone() });
            }
            limits
        };
        let asking = |asks: &[Limit]| [within_a_task(), asks.to_vec()].concat();
        match self {
            Level::L0 => asking(&[Limit::AskAlways]),
            Level::L1 => asking(&[Limit::AskAbove { amount: budget.small }, Limit::AskFirstContact]),
            Level::L2 => asking(&[Limit::AskFirstContact]),
            Level::L3 => within_a_task(),
            Level::L4 => vec![at_once, a_day],
            Level::L5 => {
                vec![Limit::PerPayment { max: Amount::new(AMOUNT_MAX).expect("the largest amount is one") }]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::compare;
    use crate::entry::Scope;
    use crate::limit::{PayeeFacts, Policy, Spending, Usage, consult};
    use crate::table::Slot;
    use crate::time::Time;

    const DOC: &str = include_str!("../../../docs/autonomy.md");
    const DAY: u64 = 86_400_000_000_000;

    fn amount(minor: u128) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn budget(payees: Vec<PayeeId>) -> Budget {
        let zone = Zone::new("UTC").unwrap();
        let (small, per_payment, per_day, total) = (amount(10), amount(100), amount(250), amount(400));
        Budget { small, per_payment, per_day, zone, total, payees }
    }

    /// What a mandate at `level` says of paying `minor`, with so much spent today and before.
    fn answer(level: Level, minor: u128, is_new: bool, today: u128, before: u128) -> String {
        let wallet = Policy::new(vec![Limit::PerPayment { max: amount(1_000) }], Usage::default(), Time(0));
        let mut mandate = Policy::new(level.limits(&budget(vec![])), Usage::default(), Time(0));
        for (at, spent) in [(Time(DAY), before), (Time(2 * DAY), today)] {
            if 0 < spent {
                mandate.usage.spend(at, amount(spent));
            }
        }
        let (known, other) = (Slot::new(1), Slot::new(2));
        let (payee, category) = (PayeeId(crate::id::Id([1; 16])), crate::canon::Code::new("food").unwrap());
        let facts = [PayeeFacts { payee, slot: if is_new { other } else { known }, category, observed: &[] }];
        let (at, amount) = (Time(2 * DAY + 1), amount(minor));
        let spending =
            Spending { at, amount, payees: &facts, contacts: &[known], category: None, reference: None };
        let policies = [(Scope::Wallet, Some(&wallet)), (Scope::Mandate, Some(&mandate))];
        match consult(policies, Some(&mandate), &spending, None) {
            Ok(None) => "paid".to_owned(),
            Ok(Some((_, ask))) => format!("asked `{}`", ask.code()),
            Err(refusal) => format!("refused `{}`", refusal.denial.code()),
        }
    }

    /// Every row of the table in the document, as it stands there.
    #[test]
    fn the_same_request_at_each_level_is_answered_as_documented() {
        let rows: Vec<&str> = DOC.lines().filter(|line| line.starts_with("| pay ")).collect();
        assert!(7 <= rows.len(), "the table is in the document");
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let words: Vec<&str> = cells[0].split(' ').collect();
            let number = |behind: &str| {
                let place = words.iter().position(|word| *word == behind);
                place.map_or(0, |place| words[place + 1].parse().unwrap())
            };
            let (minor, is_new) = (number("pay"), words.contains(&"new"));
            let found = Level::ALL
                .iter()
                .map(|level| answer(*level, minor, is_new, number("today"), number("before")));
            assert_eq!(found.collect::<Vec<_>>(), cells[1..], "{row}");
        }
    }

    #[test]
    fn each_level_allows_whatever_the_one_below_it_allows() {
        for payees in [vec![], vec![PayeeId(crate::id::Id([1; 16]))]] {
            let budget = budget(payees);
            for pair in Level::ALL.windows(2) {
                let change = compare(&pair[1].limits(&budget), &pair[0].limits(&budget)).change();
                assert_eq!(change, crate::Change::Narrower, "{pair:?}");
            }
        }
    }

    #[test]
    fn the_document_says_which_levels_are_our_own() {
        for level in Level::ALL {
            let row = DOC.lines().find(|line| line.starts_with(&format!("| {} ", level.code()))).unwrap();
            assert!(row.contains(level.meaning()), "{row}");
            assert_eq!(row.contains("our own definition"), level.is_our_own(), "{row}");
        }
    }
}
