//! Limits, judged anew: every payment is kept, and each question adds them all up again.

use super::entry::{Limit, Name, Window};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// Beyond so many payments the book merges the oldest of a rolling window, which may only deny more.
const REMEMBERED: usize = 1_024;

/// The limits of a row, and what was spent under them.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) version: u32,
    pub(super) limits: Vec<Limit>,
    pub(super) usage: Usage,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    since: u64,
    spent: u128,
    uses: u64,
    windows: Vec<Counter>,
}

#[derive(Clone, Debug)]
struct Counter {
    window: Window,
    since: u64,
    payments: Vec<Payment>,
}

#[derive(Clone, Copy, Debug)]
struct Payment {
    at: u64,
    amount: u128,
    count: u64,
    /// When the period it falls into began; none where payments are forgotten one by one.
    period: Option<civil::Date>,
}

/// What is to be spent, as limits see it.
#[derive(Debug)]
pub(super) struct Spending {
    pub(super) at: u64,
    pub(super) amount: u128,
    pub(super) payees: Vec<Name>,
    pub(super) categories: Vec<String>,
    pub(super) all_known: bool,
    pub(super) reference: Option<[u8; 32]>,
    /// What the payee said of that reference, where there is one payee: price, stock, when.
    pub(super) observed: Option<(u128, u64, u64)>,
}

/// What one limit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Allow,
    Ask(&'static str),
    Deny(&'static str, Option<u128>),
    /// The book may have merged payments of this window: what it says is its own affair.
    Blurred,
}

impl Policy {
    pub(super) fn new(limits: Vec<Limit>, mut usage: Usage, at: u64) -> Policy {
        usage.since = at;
        usage.cover(&limits, at);
        Policy { version: 1, limits, usage }
    }

    pub(super) fn amend(&mut self, limits: Vec<Limit>, at: u64) {
        self.version += 1;
        self.usage.cover(&limits, at);
        self.limits = limits;
    }

    /// The first limit that denies, or else the first that asks.
    pub(super) fn judge(&self, spending: &Spending) -> (u8, Word) {
        let words: Vec<Word> = self.limits.iter().map(|limit| self.word(limit, spending)).collect();
        let is_no = |word: &Word| matches!(word, Word::Deny(..) | Word::Blurred);
        let is_ask = |word: &Word| matches!(word, Word::Ask(_));
        let first = words.iter().position(is_no).or(words.iter().position(is_ask));
        first.map_or((0, Word::Allow), |place| (place as u8, words[place]))
    }

    fn word(&self, limit: &Limit, spending: &Spending) -> Word {
        let amount = spending.amount;
        let within = |used: u128, max: u128, denial| {
            let left = max.saturating_sub(used);
            if amount > left { Word::Deny(denial, Some(left)) } else { Word::Allow }
        };
        let unless = |wrong: bool, denial| if wrong { Word::Deny(denial, None) } else { Word::Allow };
        match limit {
            Limit::PerPayment(max) => within(0, *max, "payment_too_large"),
            Limit::Total(max) => within(self.usage.spent, *max, "total_exceeded"),
            Limit::Uses(max) => unless(self.usage.uses >= *max, "uses_exceeded"),
            Limit::Window(window, max) => match self.usage.used(window, spending.at) {
                Some((spent, _)) => within(spent, *max, "window_exceeded"),
                None => Word::Blurred,
            },
            Limit::Velocity(window, max) => match self.usage.used(window, spending.at) {
                Some((_, count)) => unless(count >= *max, "velocity_exceeded"),
                None => Word::Blurred,
            },
            Limit::PayeesAllowed(list) => {
                unless(spending.payees.iter().any(|payee| !list.contains(payee)), "payee_not_allowed")
            }
            Limit::PayeesDenied(list) => {
                unless(spending.payees.iter().any(|payee| list.contains(payee)), "payee_denied")
            }
            Limit::CategoriesAllowed(list) => {
                unless(spending.categories.iter().any(|code| !list.contains(code)), "category_not_allowed")
            }
            Limit::CategoriesDenied(list) => {
                unless(spending.categories.iter().any(|code| list.contains(code)), "category_denied")
            }
            Limit::Validity(from, until) => {
                unless(spending.at < *from || spending.at >= *until, "outside_validity")
            }
            Limit::AskAbove(line) if amount > *line => Word::Ask("above_amount"),
            Limit::AskFirstContact if !spending.all_known => Word::Ask("first_contact"),
            Limit::AskAlways => Word::Ask("ask_always"),
            Limit::Unknown => Word::Deny("constraint_unknown", None),
            Limit::PriceAtMost { payee, item, max, seconds } => {
                if spending.payees != [*payee] || spending.reference != Some(*item) {
                    return Word::Deny("trigger_not_met", None);
                }
                let ages = seconds.saturating_mul(1_000_000_000);
                match spending.observed.filter(|(_, _, at)| spending.at < at.saturating_add(ages)) {
                    None => Word::Deny("observation_stale", None),
                    Some((price, ..)) if price > *max => Word::Deny("trigger_not_met", None),
                    Some((_, 0, _)) => Word::Deny("out_of_stock", None),
                    Some((price, ..)) => within(0, price, "trigger_not_met"),
                }
            }
            Limit::AskAbove(_) | Limit::AskFirstContact => Word::Allow,
        }
    }
}

impl Usage {
    pub(super) fn spend(&mut self, at: u64, amount: u128) {
        self.spent += amount;
        self.uses += 1;
        for counter in &mut self.windows {
            counter.push(at, amount, 1);
        }
    }

    /// Takes back what a hold did not use, wherever it was counted.
    pub(super) fn give_back(&mut self, placed_at: u64, amount: u128, unused: bool) {
        if placed_at < self.since {
            return;
        }
        self.spent = self.spent.saturating_sub(amount);
        self.uses = self.uses.saturating_sub(u64::from(unused));
        for counter in &mut self.windows {
            if placed_at < counter.since {
                continue;
            }
            for payment in &mut counter.payments {
                if payment.at == placed_at {
                    payment.amount = payment.amount.saturating_sub(amount);
                }
            }
        }
    }

    /// What was spent in the window that holds `at`, and in how many payments.
    fn used(&self, window: &Window, at: u64) -> Option<(u128, u64)> {
        let counter = self.windows.iter().find(|counter| counter.window == *window)?;
        let live: Vec<&Payment> = counter.live(at).collect();
        let is_rolling = matches!(window, Window::Rolling { .. });
        if is_rolling && counter.payments.len() > REMEMBERED {
            return None;
        }
        Some((
            live.iter().map(|payment| payment.amount).sum(),
            live.iter().map(|payment| payment.count).sum(),
        ))
    }

    /// Counts the windows of `limits` from now on; a new one beside others begins with the most any of them has used.
    fn cover(&mut self, limits: &[Limit], at: u64) {
        let wanted: Vec<&Window> = limits
            .iter()
            .filter_map(|limit| {
                if let Limit::Window(window, _) | Limit::Velocity(window, _) = limit {
                    Some(window)
                } else {
                    None
                }
            })
            .collect();
        self.windows.retain(|counter| wanted.contains(&&counter.window) || counter.sums(at) != (0, 0));
        let sums: Vec<(u128, u64)> = self.windows.iter().map(|counter| counter.sums(at)).collect();
        let amount = sums.iter().map(|sum| sum.0).max().unwrap_or(0);
        let count = sums.iter().map(|sum| sum.1).max().unwrap_or(0);
        for window in wanted {
            if !self.windows.iter().any(|counter| counter.window == *window) {
                let mut counter = Counter { window: window.clone(), since: at, payments: Vec::new() };
                counter.push(at, amount, count);
                self.windows.push(counter);
            }
        }
    }

    /// Adds what was used under a mandate that ended.
    pub(super) fn absorb(&mut self, other: &Usage, at: u64) {
        self.spent += other.spent;
        self.uses += other.uses;
        for theirs in &other.windows {
            let (amount, count) = theirs.sums(at);
            match self.windows.iter_mut().find(|ours| ours.window == theirs.window) {
                Some(ours) if ours.sums(at) != (0, 0) => ours.push(at, amount, count),
                Some(ours) => *ours = theirs.clone(),
                None => self.windows.push(theirs.clone()),
            }
        }
    }
}

impl Counter {
    fn push(&mut self, at: u64, amount: u128, count: u64) {
        let period = self.period(at);
        self.payments.push(Payment { at, amount, count, period });
    }

    fn period(&self, at: u64) -> Option<civil::Date> {
        match &self.window {
            Window::Rolling { .. } => None,
            Window::Calendar { period, zone } => Some(first_date(at, *period, zone)),
        }
    }

    fn live(&self, at: u64) -> impl Iterator<Item = &Payment> {
        let period = self.period(at);
        self.payments.iter().filter(move |payment| match self.window {
            Window::Rolling { seconds } => at < payment.at.saturating_add(seconds * 1_000_000_000),
            Window::Calendar { .. } => payment.period == period,
        })
    }

    fn sums(&self, at: u64) -> (u128, u64) {
        let amount = self.live(at).map(|payment| payment.amount).sum();
        (amount, self.live(at).map(|payment| payment.count).sum())
    }
}

/// The first date of the day, week or month that `at` falls into, on the calendar of `zone`.
fn first_date(at: u64, period: u8, zone: &str) -> civil::Date {
    let zone = TimeZone::get(zone).expect("no other zone was read");
    let stamp = Timestamp::from_nanosecond(i128::from(at)).expect("64 bits of nanoseconds are a time");
    let date = zone.to_datetime(stamp).date();
    match period {
        1 => date,
        2 => {
            let behind = i32::from(date.weekday().to_monday_zero_offset());
            date.saturating_sub(jiff::Span::new().days(behind))
        }
        _ => date.first_of_month(),
    }
}
