//! What the agent does when something happens: a payment fails, a price moves, an amount is large.

use super::Parser;
use crate::atom::{Kind, Sum};
use crate::decimal::Decimal;
use crate::limits::{REACH_MAX, RETRIES_MAX};
use crate::question::Code;
use crate::reading::{Matter, Meaning, OnDeviation, OnFailure, Scope};
use crate::sense::Sense;

/// What may stand between the parts of a condition.
const BETWEEN: &[Sense] = &[
    Sense::Filler,
    Sense::If,
    Sense::Price,
    Sense::Then,
    Sense::Buy,
    Sense::Spend,
    Sense::For,
    Sense::Each,
    Sense::To,
    Sense::Article,
    Sense::Any,
];

impl Parser<'_> {
    /// "retry twice", "付款失败就取消".
    pub(super) fn failures(&mut self) {
        for at in self.places(&[Sense::Retry]) {
            let first = self
                .skip_back(at, &[Sense::Filler, Sense::And, Sense::Cap])
                .filter(|place| self.is(*place, &[Sense::Fails]));
            let place = self.skip(at.saturating_add(1), &[Sense::Cap, Sense::Filler]);
            let (count, last) = match self.count(place) {
                Some(count) => (count, place),
                None => match at.checked_sub(1).and_then(|before| self.number_at(before)) {
                    Some(count) => (Some(count), at),
                    None => {
                        self.doubt(Code::CountUnclear, Matter::Retries, at, at);
                        self.take(at, at);
                        continue;
                    }
                },
            };
            let from = first.unwrap_or(if last == at { at.saturating_sub(1) } else { at });
            match count.filter(|count| *count <= RETRIES_MAX) {
                Some(count) => self.say(Meaning::OnFailure(OnFailure::Retry(count)), from, last),
                None => self.doubt(Code::CountUnclear, Matter::Retries, from, last),
            }
            self.take(from, last);
            // "retry twice, then cancel": that is what happens anyway.
            let then = self.skip(last.saturating_add(1), &[Sense::Then, Sense::Filler, Sense::And]);
            let then = if self.is_comma(then) {
                self.skip(then.saturating_add(1), &[Sense::Then, Sense::Filler, Sense::And])
            } else {
                then
            };
            if self.is(then, &[Sense::Cancel]) {
                self.take(last, then);
            }
            for fails in
                self.places(&[Sense::Fails]).into_iter().filter(|fails| fails.abs_diff(at) < REACH_MAX)
            {
                self.take(fails, fails);
            }
        }
        for at in self.places(&[Sense::Fails]) {
            let next = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::Then]);
            let next = if self.is_comma(next) {
                self.skip(next.saturating_add(1), &[Sense::Filler, Sense::Then])
            } else {
                next
            };
            let before = self.skip_back(at, &[Sense::Filler, Sense::If]);
            if self.is(next, &[Sense::Cancel]) {
                let from = self.skip_back(at, &[Sense::If]).map_or(0, |place| place.saturating_add(1));
                self.say(Meaning::OnFailure(OnFailure::Cancel), from, next);
                self.take(from, next);
            } else if let Some(cancel) = before.filter(|before| self.is(*before, &[Sense::Cancel])) {
                self.say(Meaning::OnFailure(OnFailure::Cancel), cancel, at);
                self.take(cancel, at);
            }
        }
    }

    /// A count of times at a place: `Some(None)` where it is one that nothing reads.
    pub(super) fn count(&self, at: usize) -> Option<Option<u32>> {
        let kind = &self.free(at)?.kind;
        if let Kind::Times(count) = kind {
            return Some(*count);
        }
        if let Kind::Number(value) = kind {
            // "retry 3 bananas" counts something else.
            let is_alone = !matches!(
                self.free(at.saturating_add(1)).map(|atom| &atom.kind),
                Some(Kind::Word | Kind::Quoted)
            );
            return Some(value.filter(|_| is_alone).and_then(|value| value.count(RETRIES_MAX)));
        }
        let Kind::Sense(sense) = kind else {
            return None;
        };
        let words = [(Sense::Once, Some(1)), (Sense::Twice, Some(2)), (Sense::Vague, None)];
        words.iter().find(|(word, _)| word == sense).map(|(_, count)| *count)
    }

    fn number_at(&self, at: usize) -> Option<u32> {
        if let Kind::Number(value) = &self.free(at)?.kind {
            value.and_then(|v| v.count(RETRIES_MAX))
        } else {
            None
        }
    }

    /// "within 5 % of the price", "价格浮动超过5%就取消".
    pub(super) fn deviations(&mut self) {
        const AROUND: &[Sense] = &[
            Sense::Filler,
            Sense::Cap,
            Sense::Within,
            Sense::Above,
            Sense::If,
            Sense::Price,
            Sense::Deviation,
            Sense::Article,
            Sense::Freely,
            Sense::Below,
            Sense::To,
        ];
        for at in 0..self.atoms.len() {
            let Some(Kind::Percent(value)) = self.free(at).map(|atom| atom.kind.clone()) else {
                continue;
            };
            let mut from = self.skip_back(at, AROUND).map_or(0, |place| place.saturating_add(1));
            let mut last = self.skip(at.saturating_add(1), AROUND).saturating_sub(1);
            // The verbs and fillers before the condition belong to what to buy.
            while from < at && self.is(from, &[Sense::Filler, Sense::Article]) {
                from = from.saturating_add(1);
            }
            while at < last && self.is(last, &[Sense::Filler, Sense::Article]) {
                last = last.saturating_sub(1);
            }
            let within =
                |parser: &Self, senses: &[Sense]| (from..=last).any(|place| parser.is(place, senses));
            if !within(self, &[Sense::Deviation, Sense::Within, Sense::Price]) {
                continue;
            }
            match value.filter(|value| Decimal::whole(100).is_some_and(|hundred| value.is_below(hundred))) {
                Some(value) => self.say(Meaning::Tolerance(value), from, last),
                None => self.doubt(Code::NumberUnclear, Matter::Words, from, last),
            }
            self.take(from, last);
            self.deviation_action(last);
        }
        for at in self.places(&[Sense::Deviation]) {
            let from = if at.checked_sub(1).is_some_and(|place| self.is(place, &[Sense::If])) {
                at.saturating_sub(1)
            } else {
                at
            };
            if self.deviation_action(at) {
                self.take(from, at);
            }
        }
    }

    fn deviation_action(&mut self, after: usize) -> bool {
        let mut at = self
            .skip(after.saturating_add(1), &[Sense::Filler, Sense::Then, Sense::If, Sense::Above, Sense::Or]);
        if self.is_comma(at) {
            at = self.skip(
                at.saturating_add(1),
                &[Sense::Filler, Sense::Then, Sense::If, Sense::Above, Sense::Or],
            );
        }
        let action = match self.sense(at) {
            Some(Sense::Pause | Sense::Notify | Sense::Ask) => OnDeviation::PauseAndNotify,
            Some(Sense::Cancel) => OnDeviation::AutoCancel,
            _ => return false,
        };
        let mut last = at;
        if action == OnDeviation::PauseAndNotify {
            let next = self.skip(at.saturating_add(1), &[Sense::And, Sense::Filler]);
            if self.is(next, &[Sense::Notify, Sense::Ask, Sense::Pause]) {
                last = next;
            }
        }
        self.say(Meaning::OnDeviation(action), at, last);
        self.take(after.saturating_add(1), last);
        true
    }

    /// "ask me above 50", "超过50问我", "always ask me", "ask me for new sellers".
    pub(super) fn asking(&mut self) {
        for at in self.places(&[Sense::Ask]) {
            if self.sense(at).is_none() {
                continue;
            }
            let reach = |place: usize| place.abs_diff(at) <= REACH_MAX;
            if let Some((from, last, amount_at, sum)) =
                self.ask_line(at).filter(|found| reach(found.0) && reach(found.1))
            {
                self.say_sum(&sum, Scope::AskAbove, amount_at, (from.min(at), last.max(at)));
                self.take(from.min(at), last.max(at));
                continue;
            }
            let next = self.skip(
                at.saturating_add(1),
                &[
                    Sense::Filler,
                    Sense::For,
                    Sense::If,
                    Sense::And,
                    Sense::Article,
                    Sense::Buy,
                    Sense::From,
                    Sense::To,
                ],
            );
            let before =
                self.skip_back(at, &[Sense::Filler, Sense::Buy, Sense::From, Sense::NotFrom, Sense::At]);
            let beside = |senses: &[Sense]| {
                if self.is(next, senses) {
                    Some((at, next))
                } else {
                    before.filter(|b| self.is(*b, senses)).map(|b| (b, at))
                }
            };
            let (meaning, from, last) = match beside(&[Sense::FirstContact]) {
                Some((from, last)) => (Meaning::AskFirstContact, from, last),
                None => match beside(&[Sense::Always, Sense::Each]) {
                    Some((from, last)) => (Meaning::AskAlways, from, last),
                    None => (Meaning::AskAlways, at, at),
                },
            };
            // "ask me a day later", "ask me 3 times": more than a rule about asking.
            self.say(meaning, from, last);
            self.take(from, last);
        }
    }

    /// The amount that belongs to an "ask me", after it or before it.
    fn ask_line(&self, at: usize) -> Option<(usize, usize, usize, Sum)> {
        let next = self.skip(at.saturating_add(1), BETWEEN);
        if self.is(next, &[Sense::Above]) {
            let amount_at = self.skip(next.saturating_add(1), &[Sense::Filler]);
            if let Some(sum) = self.line_sum(amount_at) {
                return Some((at, amount_at, amount_at, sum));
            }
        }
        let mut before = self.skip_back(at, BETWEEN)?;
        if self.is_comma(before) {
            before = self.skip_back(before, BETWEEN)?;
        }
        // `50以上问我`
        if self.is(before, &[Sense::Above]) {
            let amount_at = self.skip_back(before, &[Sense::Filler])?;
            let sum = self.line_sum_before(amount_at)?;
            return Some((self.line_start(amount_at), at, amount_at, sum));
        }
        let above = self.skip_back(before, &[Sense::Filler])?;
        let sum = self.line_sum_before(before).filter(|_| self.is(above, &[Sense::Above]))?;
        Some((self.line_start(above), at, before, sum))
    }

    fn line_start(&self, at: usize) -> usize {
        let place = self
            .skip_back(at, &[Sense::If, Sense::Each, Sense::Filler, Sense::Price, Sense::Spend, Sense::Any]);
        let mut from = place.map_or(0, |place| place.saturating_add(1));
        while from < at && self.is(from, &[Sense::Filler]) {
            from = from.saturating_add(1);
        }
        from
    }

    /// An amount with nothing after it that would count it over a time.
    fn line_sum(&self, at: usize) -> Option<Sum> {
        let counts_over = matches!(
            self.sense(at.saturating_add(1)),
            Some(Sense::Window(_) | Sense::WindowUnknown | Sense::Total)
        );
        self.sum(at).filter(|_| !counts_over)
    }

    fn line_sum_before(&self, at: usize) -> Option<Sum> {
        let counts_over = |place: usize| {
            matches!(self.sense(place), Some(Sense::Window(_) | Sense::WindowUnknown | Sense::Total))
        };
        let near = (1..=2).any(|back| at.checked_sub(back).is_some_and(counts_over));
        self.sum(at).filter(|_| !near)
    }
}
