//! Comparing two sets of limits: whether new ones let less through than old ones, and which of them make it so.
//!
//! An owner who narrows what an agent may do is not asked twice; one who widens it is. So the answer is careful: limits
//! are called narrower only where every spending that they let through, whatever was spent before, would have been let
//! through by the others as well. What nobody has proved here is [`Change::Mixed`], however harmless it looks.

use crate::calendar::Period;
use crate::canon::Code;
use crate::id::PayeeId;
use crate::limit::{Limit, Window};
use crate::money::Amount;
use crate::time::Time;
use std::collections::BTreeSet;

/// How new limits relate to old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// They let through the same.
    Same,
    /// They let through less, and nothing that was not let through before.
    Narrower,
    /// They let through more, and everything that was let through before.
    Wider,
    /// Both, or nobody can tell.
    Mixed,
}

impl Change {
    /// Whether nothing is let through that was not let through before.
    pub fn is_no_wider(self) -> bool {
        match self {
            Change::Same | Change::Narrower => true,
            Change::Wider | Change::Mixed => false,
        }
    }

    /// From whether the new is within the old, and the old within the new.
    fn of(new_within_old: bool, old_within_new: bool) -> Change {
        match (new_within_old, old_within_new) {
            (true, true) => Change::Same,
            (true, false) => Change::Narrower,
            (false, true) => Change::Wider,
            (false, false) => Change::Mixed,
        }
    }
}

/// One respect in which limits bound spending. Without a limit in it, a respect is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The amount of one payment.
    PerPayment,
    /// The amount of all payments.
    Total,
    /// The number of all payments.
    Uses,
    /// The amount of the payments in one window.
    Window(Window),
    /// The number of the payments in one window.
    Velocity(Window),
    /// Who collects.
    Payees,
    /// What is bought.
    Categories,
    /// When.
    Validity,
    /// From which amount on the owner is asked; from the first unit on where she is asked always.
    AskAbove,
    /// Whether the owner is asked about payees that are new.
    AskFirstContact,
    /// What this version does not know.
    Unknown,
    /// Which item, and for how much at most.
    Price,
}

/// What changed in one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In which respect.
    pub dimension: Dimension,
    /// How. Never [`Change::Same`].
    pub change: Change,
    /// The old limits of this dimension, counted from 0.
    pub before: Vec<u8>,
    /// The new limits of this dimension, counted from 0.
    pub after: Vec<u8>,
}

/// Everything that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Each dimension that changed, in the order of the limits.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// All of it together.
    pub fn change(&self) -> Change {
        let all = |is: Change| self.differences.iter().all(|difference| difference.change == is);
        Change::of(all(Change::Narrower), all(Change::Wider))
    }
}

/// How the limits `after` relate to the limits `before`, were each to stand alone with nothing spent yet.
pub fn compare(before: &[Limit], after: &[Limit]) -> Comparison {
    let mut dimensions: Vec<Dimension> = Vec::new();
    for limit in before.iter().chain(after) {
        let dimension = limit.dimension();
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    let differences = dimensions.into_iter().filter_map(|dimension| {
        let change = Change::of(is_within(after, before, dimension), is_within(before, after, dimension));
        let (before, after) = (places(before, dimension), places(after, dimension));
        (change != Change::Same).then_some(Difference { dimension, change, before, after })
    });
    Comparison { differences: differences.collect() }
}

/// The first respect in which `child` claims more than `parent` allows, where whatever `child` does not limit is limited as
/// for the parent.
///
/// Both hold at every payment, so that a child could spend no more by it; but whoever reads it would be deceived.
pub fn widens(parent: &[Limit], child: &[Limit]) -> Option<Dimension> {
    let claims_more = |limit: &&Limit| match limit {
        // Beside what the parent names, naming less or asking more often only narrows.
        Limit::PayeesDenied { .. }
        | Limit::CategoriesDenied { .. }
        | Limit::AskAlways
        | Limit::AskFirstContact
        | Limit::Unknown { .. } => false,
        Limit::PayeesAllowed { payees } => {
            let (parent, child) = (Lists::payees(parent), Lists::payees(child));
            payees.iter().any(|payee| child.lets_through(payee) && !parent.lets_through(payee))
        }
        Limit::CategoriesAllowed { categories } => {
            let (parent, child) = (Lists::categories(parent), Lists::categories(child));
            categories.iter().any(|code| child.lets_through(code) && !parent.lets_through(code))
        }
        Limit::PerPayment { .. }
        | Limit::Total { .. }
        | Limit::Uses { .. }
        | Limit::Window { .. }
        | Limit::Velocity { .. }
        | Limit::Validity { .. }
        | Limit::AskAbove { .. }
        | Limit::PriceAtMost { .. } => !is_within(child, parent, limit.dimension()),
    };
    child.iter().find(claims_more).map(Limit::dimension)
}

impl Limit {
    /// The respect in which this limit bounds spending.
    pub fn dimension(&self) -> Dimension {
        match self {
            Limit::PerPayment { .. } => Dimension::PerPayment,
            Limit::Total { .. } => Dimension::Total,
            Limit::Uses { .. } => Dimension::Uses,
            Limit::Window { window, .. } => Dimension::Window(*window),
            Limit::Velocity { window, .. } => Dimension::Velocity(*window),
            Limit::PayeesAllowed { .. } | Limit::PayeesDenied { .. } => Dimension::Payees,
            Limit::CategoriesAllowed { .. } | Limit::CategoriesDenied { .. } => Dimension::Categories,
            Limit::Validity { .. } => Dimension::Validity,
            Limit::AskAbove { .. } | Limit::AskAlways => Dimension::AskAbove,
            Limit::AskFirstContact => Dimension::AskFirstContact,
            Limit::Unknown { .. } => Dimension::Unknown,
            Limit::PriceAtMost { .. } => Dimension::Price,
        }
    }
}

fn places(limits: &[Limit], dimension: Dimension) -> Vec<u8> {
    (0u8..).zip(limits).filter(|(_, limit)| limit.dimension() == dimension).map(|(place, _)| place).collect()
}

/// Whether what `inner` lets through keeps to every limit of `outer` in `dimension`.
fn is_within(inner: &[Limit], outer: &[Limit], dimension: Dimension) -> bool {
    outer.iter().filter(|limit| limit.dimension() == dimension).all(|limit| match limit {
        Limit::PerPayment { max } => most_at_once(inner) <= Bound::At(*max),
        Limit::Total { max } => least(inner, total) <= Bound::At(*max),
        Limit::Uses { max } => least(inner, uses) <= Bound::At(*max),
        Limit::Window { window, max } => {
            least(inner, |limit| within_window(limit, *window)) <= Bound::At(*max)
        }
        Limit::Velocity { window, max } => least(inner, |limit| velocity(limit, *window)) <= Bound::At(*max),
        Limit::PayeesAllowed { .. } | Limit::PayeesDenied { .. } => {
            Lists::payees(inner).is_within(&Lists::payees(std::slice::from_ref(limit)))
        }
        Limit::CategoriesAllowed { .. } | Limit::CategoriesDenied { .. } => {
            Lists::categories(inner).is_within(&Lists::categories(std::slice::from_ref(limit)))
        }
        Limit::Validity { from, until } => is_in_time(inner, *from, *until),
        Limit::AskAbove { amount } => asks_above(inner) <= Bound::At(*amount),
        Limit::AskAlways => asks_above(inner) <= Bound::At(Amount::ZERO),
        Limit::AskFirstContact => {
            inner.contains(&Limit::AskFirstContact) || asks_above(inner) <= Bound::At(Amount::ZERO)
        }
        Limit::Unknown { .. } => inner.contains(limit),
        Limit::PriceAtMost { trigger } => inner
            .iter()
            .any(|limit| matches!(limit, Limit::PriceAtMost { trigger: inner } if inner.is_within(trigger))),
    })
}

/// A bound, or none, which is more than any.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bound<T> {
    At(T),
    Nowhere,
}

impl<T> From<Option<T>> for Bound<T> {
    fn from(bound: Option<T>) -> Self {
        bound.map_or(Bound::Nowhere, Bound::At)
    }
}

/// The least of the bounds that `limits` set.
fn least<T: Ord>(limits: &[Limit], bound: impl Fn(&Limit) -> Option<T>) -> Bound<T> {
    limits.iter().filter_map(bound).min().into()
}

fn total(limit: &Limit) -> Option<Amount> {
    if let Limit::Total { max } = limit { Some(*max) } else { None }
}

fn uses(limit: &Limit) -> Option<u64> {
    if let Limit::Uses { max } = limit { Some(*max) } else { None }
}

/// What a limit leaves to spend in `window`: what is spent in it is part of all, and of what is spent in any longer one.
fn within_window(limit: &Limit, window: Window) -> Option<Amount> {
    if let Limit::Window { window: longer, max } = limit
        && covers(*longer, window)
    {
        return Some(*max);
    }
    total(limit)
}

/// How many payments a limit leaves in `window`. Uses are no such bound: they are given back, and attempts are not.
fn velocity(limit: &Limit, window: Window) -> Option<u32> {
    if let Limit::Velocity { window: longer, max } = limit
        && covers(*longer, window)
    {
        return Some(*max);
    }
    None
}

/// The most that one payment can be: nothing is above what a window or all payments together may come to.
fn most_at_once(limits: &[Limit]) -> Bound<Amount> {
    least(limits, |limit| {
        if let Limit::PerPayment { max } | Limit::Window { max, .. } | Limit::Total { max } = limit {
            Some(*max)
        } else {
            None
        }
    })
}

/// From where on the owner is asked, or the limits say no.
fn asks_above(limits: &[Limit]) -> Bound<Amount> {
    let line = least(limits, |limit| {
        let line = if let Limit::AskAbove { amount } = limit { Some(*amount) } else { None };
        if *limit == Limit::AskAlways { Some(Amount::ZERO) } else { line }
    });
    line.min(most_at_once(limits))
}

/// Whether whatever lies in `window` lies in `longer` as well.
fn covers(longer: Window, window: Window) -> bool {
    match (longer, window) {
        (Window::Rolling { seconds: longer }, Window::Rolling { seconds }) => seconds <= longer,
        (Window::Calendar { period: longer, zone: there }, Window::Calendar { period, zone: here }) => {
            here == there && (period == longer || period == Period::Day)
        }
        (Window::Rolling { .. }, Window::Calendar { .. })
        | (Window::Calendar { .. }, Window::Rolling { .. }) => false,
    }
}

fn is_in_time(inner: &[Limit], from: Time, until: Time) -> bool {
    let times = inner.iter().filter_map(|limit| {
        if let Limit::Validity { from, until } = limit { Some((*from, *until)) } else { None }
    });
    let (first, end) = times.fold((Time(0), Time::MAX), |all, one| (all.0.max(one.0), all.1.min(one.1)));
    end <= first || (from <= first && end <= until)
}

/// What lists let through: what all of the one kind name, and none of the other.
struct Lists<T> {
    only: Option<BTreeSet<T>>,
    never: BTreeSet<T>,
}

impl Lists<PayeeId> {
    fn payees(limits: &[Limit]) -> Self {
        let mut lists = Lists { only: None, never: BTreeSet::new() };
        for limit in limits {
            if let Limit::PayeesAllowed { payees } = limit {
                lists.allow(payees);
            }
            if let Limit::PayeesDenied { payees } = limit {
                lists.never.extend(payees);
            }
        }
        lists
    }
}

impl Lists<Code> {
    fn categories(limits: &[Limit]) -> Self {
        let mut lists = Lists { only: None, never: BTreeSet::new() };
        for limit in limits {
            if let Limit::CategoriesAllowed { categories } = limit {
                lists.allow(categories);
            }
            if let Limit::CategoriesDenied { categories } = limit {
                lists.never.extend(categories);
            }
        }
        lists
    }
}

impl<T: Copy + Ord> Lists<T> {
    fn allow(&mut self, list: &[T]) {
        let allowed = |item: &&T| self.only.as_ref().is_none_or(|only| only.contains(item));
        self.only = Some(list.iter().filter(allowed).copied().collect());
    }

    fn lets_through(&self, item: &T) -> bool {
        !self.never.contains(item) && self.only.as_ref().is_none_or(|only| only.contains(item))
    }

    fn is_within(&self, outer: &Lists<T>) -> bool {
        let named = match (&outer.only, &self.only) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(outer), Some(inner)) => {
                inner.iter().all(|item| outer.contains(item) || !self.lets_through(item))
            }
        };
        named && outer.never.iter().all(|item| !self.lets_through(item))
    }
}

#[cfg(test)]
mod tests;
