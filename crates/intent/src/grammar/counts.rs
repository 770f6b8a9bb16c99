//! How often: "three times", "at most twice a day", "一次".

use super::Parser;
use crate::atom::Kind;
use crate::limits::COUNT_MAX;
use crate::question::Code;
use crate::reading::{Matter, Meaning};
use crate::sense::{Sense, Window};

impl Parser<'_> {
    pub(super) fn counts(&mut self) {
        for at in 0..self.atoms.len() {
            let Some(count) = self.times(at) else {
                continue;
            };
            if self.is(at, &[Sense::Once]) && self.is_one_payment(at) {
                continue; // `一次最多50`: a scope, which the amounts take.
            }
            let around = &[Sense::Cap, Sense::Filler, Sense::Buy, Sense::Only];
            let mut from = at;
            let mut last = at;
            let after = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::Cap]);
            let before = self.skip_back(at, around);
            let window = self
                .window(after)
                .filter(|_| !self.leads_an_amount(after))
                .inspect(|_| last = after)
                .or_else(|| {
                    let place = before?;
                    let found = self.window(place).filter(|_| !self.follows_an_amount(place))?;
                    from = place;
                    Some(found)
                });
            from = if from == at { self.count_start(at) } else { from };
            // "3 times at most"; in Chinese what leads a limit stands before it.
            let is_english = !self.words(at, at).chars().any(crate::text::is_han);
            if is_english
                && self.is(last.saturating_add(1), &[Sense::Cap])
                && self.sum(last.saturating_add(2)).is_none()
            {
                last = last.saturating_add(1);
            }
            match (count.filter(|count| 0 < *count && *count <= COUNT_MAX), window) {
                (Some(count), Some(window)) => self.say(Meaning::Velocity(window, count), from, last),
                (Some(count), None) => self.say(Meaning::Uses(count), from, last),
                (None, _) => self.doubt(Code::CountUnclear, Matter::Words, from, last),
            }
            self.take(from, last);
        }
    }

    fn times(&self, at: usize) -> Option<Option<u32>> {
        let kind = &self.free(at)?.kind;
        if let Kind::Times(count) = kind {
            return Some(*count);
        }
        let Kind::Sense(sense) = kind else {
            return None;
        };
        [(Sense::Once, Some(1)), (Sense::Twice, Some(2))]
            .iter()
            .find(|(word, _)| word == sense)
            .map(|(_, count)| *count)
    }

    fn window(&self, at: usize) -> Option<Window> {
        if let Sense::Window(window) = self.sense(at)? { Some(window) } else { None }
    }

    /// Whether `一次` is what an amount is the most of.
    fn is_one_payment(&self, at: usize) -> bool {
        let next = self.skip(at.saturating_add(1), &[Sense::Cap, Sense::Filler, Sense::Floor]);
        let is_chinese = self.words(at, at).starts_with('一');
        let before = at.checked_sub(1);
        let has_cap_before = before.is_some_and(|place| self.is(place, &[Sense::Cap, Sense::Only]));
        is_chinese
            && (self.sum(next).is_some()
                || (!has_cap_before && before.is_some_and(|place| self.sum(place).is_some())))
    }

    /// Whether the window belongs to the amount after it: `三次，每天最多50`.
    fn leads_an_amount(&self, at: usize) -> bool {
        let next = self.skip(at.saturating_add(1), &[Sense::Cap, Sense::Filler, Sense::Spend]);
        self.words(at, at).chars().any(crate::text::is_han) && self.sum(next).is_some()
    }

    fn follows_an_amount(&self, at: usize) -> bool {
        let is_english = !self.words(at, at).chars().any(crate::text::is_han);
        is_english && self.skip_back(at, &[Sense::Filler]).is_some_and(|place| self.sum(place).is_some())
    }

    fn count_start(&self, at: usize) -> usize {
        let mut from = at;
        while let Some(before) =
            from.checked_sub(1).filter(|before| self.is(*before, &[Sense::Cap, Sense::Only, Sense::Total]))
        {
            from = before;
        }
        from
    }
}
