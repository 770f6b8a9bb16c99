//! How much: an amount, the words that say it is the most, and the words that say of what.

use super::{Parser, is_zero};
use crate::atom::{Kind, Sum};
use crate::question::Code;
use crate::reading::{Matter, Scope};
use crate::sense::{Sense, Window};

/// What the words around an amount say of it.
#[derive(Debug, Default)]
struct Around {
    from: usize,
    last: usize,
    is_cap: bool,
    is_floor: bool,
    is_rough: bool,
    is_strange: bool,
    each: bool,
    total: bool,
    windows: Vec<Window>,
}

impl Around {
    /// Notes what a word beside the amount says; `false` where it says nothing about amounts.
    fn note(&mut self, sense: Sense) -> bool {
        if let Sense::Window(window) = sense {
            self.windows.push(window);
            return true;
        }
        let known = [
            Sense::Cap,
            Sense::Below,
            Sense::Within,
            Sense::Floor,
            Sense::Each,
            Sense::Once,
            Sense::Total,
            Sense::Roughly,
            Sense::WindowUnknown,
        ];
        self.is_cap |= matches!(sense, Sense::Cap | Sense::Below | Sense::Within);
        self.is_floor |= sense == Sense::Floor;
        self.is_rough |= sense == Sense::Roughly;
        self.each |= matches!(sense, Sense::Each | Sense::Once);
        self.total |= sense == Sense::Total;
        self.is_strange |= sense == Sense::WindowUnknown;
        known.contains(&sense)
    }

    fn has_scope(&self) -> bool {
        self.each || self.total || !self.windows.is_empty() || self.is_strange
    }

    /// `None` where the words contradict each other.
    fn scope(&self) -> Option<Scope> {
        match (self.windows.as_slice(), self.each, self.total) {
            ([], false, false) => Some(Scope::Open),
            ([], true, false) => Some(Scope::Each),
            ([], false, true) => Some(Scope::Total),
            // "50 a day in total" is the total of a day.
            ([window], false, _) => Some(Scope::Window(*window)),
            ([], true, true) | ([_], true, _) | ([_, _, ..], _, _) => None,
        }
    }
}

/// Words that may stand between an amount and what says something of it.
const BETWEEN: &[Sense] = &[Sense::Filler, Sense::Spend, Sense::Article];

impl Parser<'_> {
    pub(super) fn amounts(&mut self) {
        for at in 0..self.atoms.len() {
            let Some(sum) = self.sum(at) else {
                continue;
            };
            if let Some(last) = self.range_end(at) {
                let mut from = self.around(at).from;
                if from.checked_sub(1).is_some_and(|before| self.is_between(before)) {
                    from = from.saturating_sub(1);
                }
                self.say_currency(&sum);
                if let Some(second) = self.sum(last) {
                    self.say_currency(&second);
                }
                let last = self.around(last).last;
                self.doubt(Code::AmountUnclear, Matter::Scope(Scope::Open), from, last);
                self.take(from, last);
                continue;
            }
            let mut around = self.around(at);
            around.is_cap |= self.purpose == super::Purpose::Answer && !around.is_floor;
            let has_currency = !sum.words.is_empty();
            if !has_currency
                && (!(around.is_cap || around.is_floor || around.has_scope() || around.is_rough)
                    || self.counts_things(around.last))
            {
                continue;
            }
            self.judge(at, &sum, &around);
            self.take(around.from, around.last);
        }
    }

    fn judge(&mut self, at: usize, sum: &Sum, around: &Around) {
        let Around { from, last, .. } = *around;
        let scope = around.scope().filter(|_| !around.is_strange);
        if sum.value.is_none() {
            self.say_currency(sum);
            self.doubt(Code::AmountUnreadable, Matter::Scope(scope.unwrap_or(Scope::Open)), from, last);
            return;
        }
        let (Some(value), false) = (sum.value, around.is_rough) else {
            self.say_currency(sum);
            self.doubt(Code::AmountVague, Matter::Scope(scope.unwrap_or(Scope::Open)), from, last);
            return;
        };
        if is_zero(sum.value) {
            self.doubt(Code::AmountZero, Matter::Scope(scope.unwrap_or(Scope::Open)), from, last);
            return;
        }
        if around.is_strange {
            self.say_currency(sum);
            self.doubt(Code::WindowUnsupported, Matter::Amount(value), from, last);
            return;
        }
        let Some(scope) = scope.filter(|scope| *scope != Scope::Open || around.is_cap || around.is_floor)
        else {
            self.say_currency(sum);
            self.doubt(Code::AmountRole, Matter::Amount(value), from, last);
            return;
        };
        if around.is_floor {
            if around.is_cap || !matches!(scope, Scope::Open | Scope::Each) {
                self.say_currency(sum);
                self.doubt(Code::AmountRole, Matter::Amount(value), from, last);
                return;
            }
            self.say_sum(sum, Scope::Least, at, (from, last));
            return;
        }
        self.say_sum(sum, scope, at, (from, last));
    }

    /// Whether the words after the number say that it counts something: "at most 3 coffees".
    fn counts_things(&self, last: usize) -> bool {
        let next = last.saturating_add(1);
        let is_word = matches!(
            self.free(next).map(|atom| &atom.kind),
            Some(Kind::Word | Kind::Quoted | Kind::Sense(Sense::Category(_)))
        );
        is_word && !self.words(last, last).ends_with('的')
    }

    /// The second amount of "10 to 20", "between 10 and 20", "10-20".
    fn range_end(&self, at: usize) -> Option<usize> {
        let middle = at.saturating_add(1);
        let second = middle.saturating_add(1);
        self.sum(second)?;
        let is_between = at.checked_sub(1).is_some_and(|before| self.is_between(before));
        let joins =
            self.is(middle, &[Sense::To, Sense::Or]) || (is_between && self.is(middle, &[Sense::And]));
        joins.then_some(second)
    }

    fn is_between(&self, at: usize) -> bool {
        self.words(at, at).eq_ignore_ascii_case("between")
    }

    fn around(&self, at: usize) -> Around {
        let mut around = Around { from: at, last: at, ..Around::default() };
        let mut place = at;
        while let Some(before) = place.checked_sub(1) {
            let Some(sense) = self.sense(before) else {
                break;
            };
            if BETWEEN.contains(&sense) {
                place = before;
                continue;
            }
            if self.closes_a_length(before) {
                break;
            }
            // A scope that an English amount before it has: "20 each at most 50".
            if self.belongs_before(before) || !around.note(sense) {
                break;
            }
            place = before;
            around.from = before;
        }
        let had_scope = around.has_scope();
        let mut place = at;
        loop {
            let next = place.saturating_add(1);
            let Some(sense) = self.sense(next) else {
                break;
            };
            if BETWEEN.contains(&sense) {
                place = next;
                continue;
            }
            let is_scope = matches!(
                sense,
                Sense::Each | Sense::Total | Sense::Window(_) | Sense::WindowUnknown | Sense::Once
            );
            if is_scope && self.belongs_after(next, had_scope) {
                break;
            }
            let is_lead =
                matches!(sense, Sense::Cap | Sense::Below | Sense::Within | Sense::Floor | Sense::Roughly);
            if (is_lead && self.leads(next)) || !around.note(sense) {
                break;
            }
            place = next;
            around.last = next;
        }
        around
    }

    /// Whether this is the `内` of `一周内` or `24小时内`, which says until when and not how much.
    fn closes_a_length(&self, at: usize) -> bool {
        let is_inside = matches!(self.words(at, at).as_str(), "内" | "之内" | "以内");
        let before = at.checked_sub(1).and_then(|before| self.free(before));
        is_inside
            && before.is_some_and(|atom| {
                matches!(
                    atom.kind,
                    Kind::Length(_) | Kind::When(_) | Kind::Sense(Sense::Window(Window::Calendar(_)))
                )
            })
    }

    /// Whether a scope before an amount has an amount before itself that it was said of.
    fn belongs_before(&self, at: usize) -> bool {
        let is_scope = matches!(self.sense(at), Some(Sense::Each | Sense::Total | Sense::Window(_)));
        let is_english = !self.words(at, at).chars().any(crate::text::is_han);
        let before = at.checked_sub(1);
        is_scope
            && is_english
            && before.is_some_and(|place| {
                self.atoms
                    .get(place)
                    .is_some_and(|atom| matches!(atom.kind, Kind::Amount(_) | Kind::Number(_)))
            })
    }

    /// Whether a scope after an amount is said of the next amount: `每次20每天50`, `20块每天最多50`.
    fn belongs_after(&self, at: usize, had_scope: bool) -> bool {
        let next = self.skip(
            at.saturating_add(1),
            &[Sense::Filler, Sense::Cap, Sense::Spend, Sense::Below, Sense::Floor],
        );
        let has_cap = self.is(at.saturating_add(1), &[Sense::Cap, Sense::Below]);
        let is_chinese = self.words(at, at).chars().any(crate::text::is_han);
        self.sum(next).is_some() && (had_scope || has_cap || is_chinese)
    }

    /// Whether a word that leads to an amount leads to the next one.
    fn leads(&self, at: usize) -> bool {
        let next = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::Spend, Sense::Article]);
        self.sum(next).is_some()
            || matches!(
                self.free(next).map(|atom| &atom.kind),
                Some(Kind::Times(_) | Kind::Pieces(_) | Kind::Percent(_))
            )
    }
}
