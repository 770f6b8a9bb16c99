//! Limits: what a wallet, an agent or a mandate allows, as data, and what was used of it.
//!
//! Three policies stand over a payment: the wallet's, the agent's and the mandate's. Every limit of all three must
//! agree. A limit that denies wins over one that asks, whatever their order; a limit this version does not know denies.

use crate::calendar::{Period, Zone, period_end};
use crate::canon::{self, Code, canon_enum, canon_struct};
use crate::entry::{Ask, Denial, Refusal, RuleRef, Scope};
use crate::id::PayeeId;
use crate::limits::{LIMITS_BYTES_MAX, LIMITS_MAX, LIST_MAX, OBSERVATION_SECONDS_MAX, ROLLING_SECONDS_MAX};
use crate::money::Amount;
use crate::observe::{Observation, Trigger};
use crate::open::refusal;
use crate::rolling::Rolling;
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;
use std::hint::black_box;

/// One limit. All amounts are in the wallet's asset and bounds are inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Denies a payment above `max`.
    PerPayment { max: Amount },
    /// Denies what would bring everything ever spent above `max`.
    Total { max: Amount },
    /// Denies the payment after the `max`-th.
    Uses { max: u64 },
    /// Denies what would bring the spending of one window above `max`.
    Window { window: Window, max: Amount },
    /// Denies more than `max` payments in one window.
    Velocity { window: Window, max: u32 },
    /// Denies every payee but these.
    PayeesAllowed { payees: Vec<PayeeId> },
    /// Denies these payees.
    PayeesDenied { payees: Vec<PayeeId> },
    /// Denies every category but these.
    CategoriesAllowed { categories: Vec<Code> },
    /// Denies these categories.
    CategoriesDenied { categories: Vec<Code> },
    /// Denies before `from`, and from `until` on.
    Validity { from: Time, until: Time },
    /// Asks the owner above `amount`.
    AskAbove { amount: Amount },
    /// Asks the owner for a payee that this wallet has never paid.
    AskFirstContact,
    /// Asks the owner every time.
    AskAlways,
    /// A constraint this version does not know, by the digest of its text. Denies.
    Unknown { constraint: Box<Hash> },
    /// Denies all but one item, until its seller says that it has it for little enough.
    PriceAtMost { trigger: Box<Trigger> },
}

canon_enum!(Limit {
    1 => PerPayment { max },
    2 => Total { max },
    3 => Uses { max },
    4 => Window { window, max },
    5 => Velocity { window, max },
    6 => PayeesAllowed { payees },
    7 => PayeesDenied { payees },
    8 => CategoriesAllowed { categories },
    9 => CategoriesDenied { categories },
    10 => Validity { from, until },
    11 => AskAbove { amount },
    12 => AskFirstContact,
    13 => AskAlways,
    14 => Unknown { constraint },
    15 => PriceAtMost { trigger },
});

/// The stretch of time that a window limit counts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The `seconds` before each payment.
    Rolling { seconds: u32 },
    /// The day, week or month in a zone.
    Calendar { period: Period, zone: Zone },
}

canon_enum!(Window { 1 => Rolling { seconds }, 2 => Calendar { period, zone } });
canon_enum!(Period { 1 => Day, 2 => Week, 3 => Month });

/// Whether a set of limits can be kept at all.
pub(crate) fn well_formed(limits: &[Limit]) -> bool {
    let window = |window: &Window| match window {
        Window::Rolling { seconds } => (1..=ROLLING_SECONDS_MAX).contains(seconds),
        Window::Calendar { .. } => true,
    };
    limits.len() <= LIMITS_MAX
        && canon::bytes(&limits.to_vec()).len() <= LIMITS_BYTES_MAX
        && limits.iter().all(|limit| match limit {
            Limit::Window { window: w, .. } | Limit::Velocity { window: w, .. } => window(w),
            Limit::PayeesAllowed { payees } | Limit::PayeesDenied { payees } => payees.len() <= LIST_MAX,
            Limit::CategoriesAllowed { categories } | Limit::CategoriesDenied { categories } => {
                categories.len() <= LIST_MAX
            }
            Limit::Validity { from, until } => from < until,
            Limit::PriceAtMost { trigger } => (1..=OBSERVATION_SECONDS_MAX).contains(&trigger.within_seconds),
            Limit::PerPayment { .. }
            | Limit::Total { .. }
            | Limit::Uses { .. }
            | Limit::AskAbove { .. }
            | Limit::AskFirstContact
            | Limit::AskAlways
            | Limit::Unknown { .. } => true,
        })
}

/// What is about to be spent, as the limits see it.
#[derive(Debug)]
pub(crate) struct Spending<'a> {
    pub(crate) at: Time,
    pub(crate) amount: Amount,
    pub(crate) payees: &'a [PayeeFacts<'a>],
    /// The payees that were paid before, in order.
    pub(crate) contacts: &'a [Slot],
    /// The category that the purchase itself names, beside those of its payees.
    pub(crate) category: Option<Code>,
    /// The digest of what is bought, where the purchase names it.
    pub(crate) reference: Option<&'a Hash>,
}

/// What the limits may know of a payee.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PayeeFacts<'a> {
    pub(crate) payee: PayeeId,
    pub(crate) slot: Slot,
    pub(crate) category: Code,
    /// What it said of its prices.
    pub(crate) observed: &'a [Observation],
}

/// The limits of one wallet, agent or mandate, and what was used of them.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// Counts from 1 with every change.
    pub(crate) version: u32,
    pub(crate) limits: Box<[Limit]>,
    pub(crate) usage: Usage,
}

canon_struct!(Policy { version, limits, usage });

/// What one policy says of a spending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    Allow,
    /// The first limit that asks.
    Ask {
        limit: u8,
        ask: Ask,
    },
    /// The first limit that denies, and what it would still have allowed.
    Deny {
        limit: u8,
        denial: Denial,
        remaining: Option<Amount>,
    },
}

impl Policy {
    pub(crate) fn new(limits: Vec<Limit>, usage: Usage, at: Time) -> Policy {
        let usage = Usage { since: at, ..usage };
        let mut policy = Policy { version: 1, limits: limits.into_boxed_slice(), usage };
        policy.usage.cover(at, &policy.limits);
        policy
    }

    /// What a row without limits becomes when it is to have some.
    pub(crate) fn empty(at: Time) -> Policy {
        Policy { version: 0, limits: Box::new([]), usage: Usage { since: at, ..Usage::default() } }
    }

    /// Replaces the limits; what was used stays used.
    pub(crate) fn amend(&mut self, limits: Vec<Limit>, at: Time) {
        self.version = self.version.checked_add(1).expect("fewer than 2^32 changes");
        self.limits = limits.into_boxed_slice();
        self.usage.cover(at, &self.limits);
    }

    pub(crate) fn judge(&self, spending: &Spending<'_>) -> Opinion {
        let mut asked = Opinion::Allow;
        for (limit, number) in self.limits.iter().zip(0u8..) {
            match self.judge_one(limit, spending) {
                Word::Allow => {}
                Word::Ask(ask) if asked == Opinion::Allow => asked = Opinion::Ask { limit: number, ask },
                Word::Ask(_) => {}
                Word::Deny(denial, remaining) => {
                    return Opinion::Deny { limit: number, denial, remaining };
                }
            }
        }
        asked
    }

    fn judge_one(&self, limit: &Limit, spending: &Spending<'_>) -> Word {
        let Spending { at, amount, payees, contacts, category, reference } = *spending;
        let categories = || payees.iter().map(|p| p.category).chain(category);
        let at_most = |max: Amount, used: Amount, denial: Denial| {
            let remaining = max.saturating_sub(used);
            if amount <= remaining { Word::Allow } else { Word::Deny(denial, Some(remaining)) }
        };
        let only_if = |holds: bool, denial: Denial| {
            if holds { Word::Allow } else { Word::Deny(denial, None) }
        };
        match limit {
            Limit::PerPayment { max } => at_most(*max, Amount::ZERO, Denial::PaymentTooLarge),
            Limit::Total { max } => at_most(*max, self.usage.spent, Denial::TotalExceeded),
            Limit::Uses { max } => only_if(self.usage.uses < *max, Denial::UsesExceeded),
            Limit::Window { window, max } => {
                let used = self.usage.window(window).map_or(Amount::ZERO, |w| w.used(at).0);
                at_most(*max, used, Denial::WindowExceeded)
            }
            Limit::Velocity { window, max } => {
                let count = self.usage.window(window).map_or(0, |w| w.used(at).1);
                only_if(count < *max, Denial::VelocityExceeded)
            }
            Limit::PayeesAllowed { payees: allowed } => {
                only_if(payees.iter().all(|p| allowed.contains(&p.payee)), Denial::PayeeNotAllowed)
            }
            Limit::PayeesDenied { payees: denied } => {
                only_if(!payees.iter().any(|p| denied.contains(&p.payee)), Denial::PayeeDenied)
            }
            Limit::CategoriesAllowed { categories: allowed } => {
                only_if(categories().all(|c| allowed.contains(&c)), Denial::CategoryNotAllowed)
            }
            Limit::CategoriesDenied { categories: denied } => {
                only_if(!categories().any(|c| denied.contains(&c)), Denial::CategoryDenied)
            }
            Limit::Validity { from, until } => only_if(*from <= at && at < *until, Denial::OutsideValidity),
            Limit::AskAbove { amount: line } => {
                if amount <= *line {
                    Word::Allow
                } else {
                    Word::Ask(Ask::AboveAmount)
                }
            }
            Limit::AskFirstContact => {
                if payees.iter().all(|p| contacts.binary_search(&p.slot).is_ok()) {
                    Word::Allow
                } else {
                    Word::Ask(Ask::FirstContact)
                }
            }
            Limit::AskAlways => Word::Ask(Ask::Always),
            Limit::Unknown { .. } => Word::Deny(Denial::ConstraintUnknown, None),
            Limit::PriceAtMost { trigger } => match trigger.check(at, amount, payees, reference) {
                None => Word::Allow,
                Some((denial, remaining)) => Word::Deny(denial, remaining),
            },
        }
    }
}

/// What all policies say together, of which `asked` was said before: why the owner has to be asked, if she has to.
///
/// `root` is the mandate that all of it goes back to, if one does: without limits, it allows nothing.
///
/// # Errors
/// The first limit that denies.
pub(crate) fn consult<'a>(
    policies: impl IntoIterator<Item = (Scope, Option<&'a Policy>)>,
    root: Option<&Policy>,
    spending: &Spending<'_>,
    mut asked: Option<(RuleRef, Ask)>,
) -> Result<Option<(RuleRef, Ask)>, Refusal> {
    for (scope, policy) in policies {
        let Some(policy) = policy else { continue };
        let rule = |limit| RuleRef { scope, version: policy.version, limit };
        match policy.judge(spending) {
            Opinion::Allow => {}
            Opinion::Ask { limit, ask } => asked = asked.or(Some((rule(limit), ask))),
            Opinion::Deny { limit, denial, remaining } => {
                return Err(Refusal { rule: rule(limit), denial, remaining });
            }
        }
    }
    let is_without_rules = root.is_some_and(|policy| policy.limits.is_empty());
    if is_without_rules { Err(refusal(Denial::NoRules)) } else { Ok(asked) }
}

/// What one limit says.
enum Word {
    Allow,
    Ask(Ask),
    Deny(Denial, Option<Amount>),
}

/// What was spent under a policy: in all, and in each window that some limit counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// What came before was not counted here.
    since: Time,
    pub(crate) spent: Amount,
    pub(crate) uses: u64,
    windows: Box<[WindowUsage]>,
}

canon_struct!(Usage { since, spent, uses, windows });

impl Usage {
    fn window(&self, window: &Window) -> Option<&WindowUsage> {
        self.windows.iter().find(|usage| usage.window == *window)
    }

    /// Starts counting the windows of `limits` that are not counted yet.
    ///
    /// A window that is new beside others begins with the most that any of them has used, so that changing a limit
    /// never makes room that was not there.
    fn cover(&mut self, at: Time, limits: &[Limit]) {
        let mut windows = std::mem::take(&mut self.windows).into_vec();
        windows.retain(|usage| {
            let (spent, count) = usage.used(at);
            !spent.is_zero() || 0 < count || limits.iter().any(|limit| limit.window() == Some(usage.window))
        });
        let used = windows.iter().map(|w| w.used(at));
        let most = used.fold((Amount::ZERO, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
        for window in limits.iter().filter_map(Limit::window) {
            if !windows.iter().any(|usage| usage.window == window) {
                let mut usage = WindowUsage::new(window, at);
                if most != (Amount::ZERO, 0) {
                    usage.count(at, most.0, most.1);
                }
                windows.push(usage);
            }
        }
        self.windows = windows.into_boxed_slice();
    }

    /// See [`Book::foresee`](crate::Book::foresee).
    pub(crate) fn read_ahead(&self) {
        for usage in &self.windows {
            black_box(usage.since);
            black_box(std::mem::discriminant(&usage.state));
        }
    }

    /// Counts one payment.
    pub(crate) fn spend(&mut self, at: Time, amount: Amount) {
        self.spent = self.spent.saturating_add(amount);
        self.uses = self.uses.checked_add(1).expect("fewer than 2^64 payments");
        for window in &mut self.windows {
            window.count(at, amount, 1);
        }
    }

    #[cfg(feature = "sabotage")]
    pub(crate) fn end_in_utc(&mut self, at: Time, is_planted: bool) {
        for usage in self.windows.iter_mut().filter(|_| is_planted) {
            if let (WindowState::Calendar { ends_at, .. }, Window::Calendar { period, .. }) =
                (&mut usage.state, usage.window)
            {
                *ends_at = period_end(at, period, Zone::new("UTC").expect("a zone of the database"));
            }
        }
    }

    /// Takes back what a hold placed at `placed_at` did not use; the use itself too where nothing was captured.
    ///
    /// Velocity is not given back: it counts attempts. Nor is what was never counted: limits may be younger than a hold.
    pub(crate) fn give_back(&mut self, placed_at: Time, amount: Amount, unused: bool) {
        if placed_at < self.since {
            return;
        }
        self.spent = self.spent.saturating_sub(amount);
        if unused {
            self.uses = self.uses.saturating_sub(1);
        }
        for window in &mut self.windows {
            window.give_back(placed_at, amount);
        }
    }

    /// Adds what was used under another policy.
    pub(crate) fn absorb(&mut self, at: Time, other: Usage) {
        self.spent = self.spent.saturating_add(other.spent);
        self.uses = self.uses.saturating_add(other.uses);
        let mut windows = std::mem::take(&mut self.windows).into_vec();
        for theirs in other.windows {
            let (spent, count) = theirs.used(at);
            match windows.iter_mut().find(|ours| ours.window == theirs.window) {
                Some(ours) if ours.used(at) != (Amount::ZERO, 0) => ours.count(at, spent, count),
                Some(ours) => *ours = theirs,
                None => windows.push(theirs),
            }
        }
        self.windows = windows.into_boxed_slice();
    }
}

impl Limit {
    fn window(&self) -> Option<Window> {
        match self {
            Limit::Window { window, .. } | Limit::Velocity { window, .. } => Some(*window),
            Limit::PerPayment { .. }
            | Limit::Total { .. }
            | Limit::Uses { .. }
            | Limit::PayeesAllowed { .. }
            | Limit::PayeesDenied { .. }
            | Limit::CategoriesAllowed { .. }
            | Limit::CategoriesDenied { .. }
            | Limit::Validity { .. }
            | Limit::AskAbove { .. }
            | Limit::AskFirstContact
            | Limit::AskAlways
            | Limit::Unknown { .. }
            | Limit::PriceAtMost { .. } => None,
        }
    }
}

/// What was spent in one window, and in how many payments.
#[derive(Clone, Debug)]
struct WindowUsage {
    window: Window,
    /// What came before was not counted here one by one.
    since: Time,
    state: WindowState,
}

canon_struct!(WindowUsage { window, since, state });

#[derive(Clone, Debug)]
enum WindowState {
    /// The period that ends at `ends_at`; later ones are untouched.
    Calendar { ends_at: Time, spent: Amount, count: u32 },
    /// Single payments.
    Rolling(Rolling),
}

canon_enum!(WindowState { 1 => Calendar { ends_at, spent, count }, 2 => Rolling(it) });

impl WindowUsage {
    fn new(window: Window, since: Time) -> WindowUsage {
        let state = match window {
            Window::Rolling { seconds } => WindowState::Rolling(Rolling::new(seconds)),
            Window::Calendar { .. } => {
                WindowState::Calendar { ends_at: Time(0), spent: Amount::ZERO, count: 0 }
            }
        };
        WindowUsage { window, since, state }
    }

    fn used(&self, at: Time) -> (Amount, u32) {
        match &self.state {
            WindowState::Calendar { ends_at, spent, count } => {
                if at < *ends_at {
                    (*spent, *count)
                } else {
                    (Amount::ZERO, 0)
                }
            }
            WindowState::Rolling(rolling) => rolling.used(at),
        }
    }

    fn count(&mut self, at: Time, amount: Amount, payments: u32) {
        match (&mut self.state, self.window) {
            (WindowState::Calendar { ends_at, spent, count }, Window::Calendar { period, zone }) => {
                if *ends_at <= at {
                    *ends_at = period_end(at, period, zone);
                    *spent = Amount::ZERO;
                    *count = 0;
                }
                *spent = spent.saturating_add(amount);
                *count = count.saturating_add(payments);
            }
            (WindowState::Rolling(rolling), Window::Rolling { .. }) => rolling.count(at, amount, payments),
            (WindowState::Calendar { .. }, Window::Rolling { .. })
            | (WindowState::Rolling(_), Window::Calendar { .. }) => {
                unreachable!("a window's state is made for it")
            }
        }
    }

    fn give_back(&mut self, placed_at: Time, amount: Amount) {
        if placed_at < self.since {
            return;
        }
        match (&mut self.state, self.window) {
            (WindowState::Calendar { ends_at, spent, .. }, Window::Calendar { period, zone }) => {
                if period_end(placed_at, period, zone) == *ends_at {
                    *spent = spent.saturating_sub(amount);
                }
            }
            // A hold older than the window is not among them any more.
            (WindowState::Rolling(rolling), Window::Rolling { .. }) => rolling.give_back(placed_at, amount),
            (WindowState::Calendar { .. }, Window::Rolling { .. })
            | (WindowState::Rolling(_), Window::Calendar { .. }) => {
                unreachable!("a window's state is made for it")
            }
        }
    }
}

/// Which policies decided, by version; 0 where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Of the wallet's limits.
    pub wallet: u32,
    /// Of the agent's limits.
    pub agent: u32,
    /// Of the mandate's limits.
    pub mandate: u32,
}

canon_struct!(Versions { wallet, agent, mandate });
