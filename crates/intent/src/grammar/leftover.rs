//! What no rule has taken: the words for what to buy, and every word that could be a rule nobody has read.

use super::Parser;
use crate::atom::{Kind, is_measure};
use crate::limits::COUNT_MAX;
use crate::question::Code;
use crate::reading::{Matter, Meaning, Mode};
use crate::sense::Sense;

/// Senses that say nothing about limits when they stand alone.
const HARMLESS: &[Sense] = &[
    Sense::Filler,
    Sense::Article,
    Sense::And,
    Sense::Or,
    Sense::To,
    Sense::From,
    Sense::For,
    Sense::At,
    Sense::Buy,
    Sense::Spend,
    Sense::Then,
    Sense::Price,
    Sense::Auto,
    Sense::Deliver,
    Sense::Place,
    Sense::Roughly,
    Sense::Plain,
    Sense::Any,
    Sense::Merchant,
    Sense::Product,
    Sense::Yes,
    Sense::Go,
];

/// Senses that are not what to buy either.
const NO_GOAL: &[Sense] = &[
    Sense::Filler,
    Sense::Article,
    Sense::And,
    Sense::Or,
    Sense::To,
    Sense::From,
    Sense::For,
    Sense::At,
    Sense::Buy,
    Sense::Spend,
    Sense::Then,
    Sense::Price,
    Sense::Auto,
    Sense::Deliver,
    Sense::Roughly,
    Sense::Any,
    Sense::Yes,
    Sense::LeaveOut,
    Sense::Go,
];

/// What a stretch of words for what to buy neither begins nor ends with.
const EDGES: &[Sense] = &[
    Sense::And,
    Sense::Or,
    Sense::Filler,
    Sense::To,
    Sense::For,
    Sense::Then,
    Sense::Auto,
    Sense::Spend,
    Sense::At,
    Sense::From,
];

impl Parser<'_> {
    /// "Book a flight", "来杯奶茶", "order two coffees", "spend up to".
    pub(super) fn errands(&mut self) {
        for at in self.places(&[Sense::Buy]) {
            let next = self.skip(at.saturating_add(1), &[Sense::Filler]);
            self.plural(next);
            // "a ticket" elsewhere is what an amount is the most of.
            let is_one =
                self.is(next, &[Sense::Each]) && self.words(next, next).to_lowercase().starts_with("a ");
            if is_one || self.is(next, &[Sense::Article]) || is_measure(&self.words(next, next)) {
                self.say(Meaning::OneErrand, next, next);
                self.soften(next, next);
            }
        }
        for at in 0..self.atoms.len() {
            let Some(Kind::Pieces(count)) = self.free(at).map(|atom| atom.kind.clone()) else {
                continue;
            };
            match count {
                Some(1) => self.say(Meaning::OneErrand, at, at),
                Some(count) => self.say(Meaning::Pieces(count), at, at),
                None => self.doubt(Code::NumberUnclear, Matter::Words, at, at),
            }
            self.soften(at, at);
        }
        if let Some(at) = self.places(&[Sense::Freely]).first().copied() {
            self.say(Meaning::Mode(Mode::Bounded), at, at);
            self.take(at, at);
        }
        if let Some(at) = self.spending() {
            self.say(Meaning::Mode(Mode::Bounded), at, at);
            self.soften(at, at);
        }
        for at in 0..self.atoms.len() {
            if let Some(Sense::Category(category)) = self.sense(at) {
                self.say(Meaning::About(category), at, at);
                self.soften(at, at);
            }
        }
    }

    /// "buy 3 notebooks": a number right after the verb and before an English plural counts pieces.
    fn plural(&mut self, at: usize) {
        let Some(Kind::Number(Some(value))) = self.free(at).map(|atom| atom.kind.clone()) else {
            return;
        };
        let next = at.saturating_add(1);
        let noun = self.words(next, next).to_lowercase();
        let is_plural = noun.is_ascii()
            && noun.ends_with('s')
            && matches!(self.free(next).map(|atom| &atom.kind), Some(Kind::Word));
        if let Some(count) = value.count(COUNT_MAX).filter(|count| is_plural && 1 < *count) {
            self.say(Meaning::Pieces(count), at, next);
            self.soften(at, next);
        }
    }

    /// "Spend up to 300 yuan this week on map data" leaves open how often.
    fn spending(&self) -> Option<usize> {
        let is_spend =
            |at: &usize| matches!(self.words(*at, *at).to_lowercase().as_str(), "spend" | "spending");
        (0..self.atoms.len()).find(is_spend).filter(|_| !self.has(&[Sense::Buy]))
    }

    /// Splits the rest into what to buy and doubts.
    pub(super) fn leftovers(&mut self) {
        let mut goal: Option<(usize, usize)> = None;
        let mut at = 0;
        while at < self.atoms.len() {
            let alarm = self.alarm(at);
            let free = self.free(at).is_some();
            let is_stop = matches!(self.free(at).map(|atom| &atom.kind), Some(Kind::Stop(_)));
            if let Some(code) = alarm {
                let last = self.alarmed_end(at);
                let matter = match self.atoms.get(at).map(|atom| &atom.kind) {
                    Some(Kind::Number(Some(value))) => Matter::Amount(*value),
                    Some(Kind::When(_)) => Matter::Ends,
                    _ => Matter::Words,
                };
                self.doubt(code, matter, at, last);
                self.take(at, last);
                self.keep(goal.take());
                at = last.saturating_add(1);
                continue;
            }
            if free && !is_stop {
                goal = Some(goal.map_or((at, at), |(from, _)| (from, at)));
            } else {
                self.keep(goal.take());
            }
            at = at.saturating_add(1);
        }
        self.keep(goal);
    }

    /// What to ask about an atom that no rule has taken.
    fn alarm(&self, at: usize) -> Option<Code> {
        if self.used.get(at) != Some(&super::Use::Free) {
            return None;
        }
        match &self.free(at)?.kind {
            Kind::Amount(_) => Some(Code::AmountRole),
            Kind::Number(_) | Kind::Percent(_) | Kind::Pieces(_) | Kind::Times(_) => {
                Some(Code::NumberUnclear)
            }
            Kind::Length(_) => Some(Code::NotUnderstood),
            Kind::When(_) => Some(Code::DateUnclear),
            Kind::Clock(_) => Some(Code::TimeUnclear),
            Kind::Sense(Sense::Vague) => Some(Code::Vague),
            Kind::Sense(Sense::DayPart(_)) => Some(Code::TimeUnclear),
            Kind::Sense(sense) => (!HARMLESS.contains(sense)).then_some(Code::NotUnderstood),
            Kind::Word => self.is_mark(at).then_some(Code::NotUnderstood),
            Kind::Quoted | Kind::Stop(_) => None,
        }
    }

    /// Whether a word negates, or is a single sign that could change a number or a rule.
    fn is_mark(&self, at: usize) -> bool {
        let words = self.words(at, at);
        words.to_lowercase().replace('’', "'").ends_with("n't")
            || matches!(
                words.as_str(),
                "+" | "*"
                    | "/"
                    | "="
                    | "^"
                    | "%"
                    | "$"
                    | "€"
                    | "£"
                    | "¥"
                    | "￥"
                    | "±"
                    | "×"
                    | "÷"
                    | "−"
                    | "#"
            )
    }

    /// A restriction reaches to the end of its clause: the words after it say what is restricted.
    fn alarmed_end(&self, at: usize) -> usize {
        let is_restriction =
            matches!(self.sense(at), Some(sense) if !matches!(sense, Sense::Vague | Sense::DayPart(_)));
        let mut last = at;
        if !is_restriction {
            return last;
        }
        loop {
            let next = last.saturating_add(1);
            let goes_on = self
                .free(next)
                .is_some_and(|atom| !matches!(atom.kind, Kind::Stop(_) | Kind::Amount(_) | Kind::Number(_)));
            if !goes_on {
                break;
            }
            last = next;
        }
        last
    }

    /// Keeps a stretch of words as what to buy, if it says anything.
    fn keep(&mut self, stretch: Option<(usize, usize)>) {
        let Some((mut from, mut last)) = stretch else {
            return;
        };
        let empty = |parser: &Self, at: usize| {
            let is_sign = parser.free(at).is_some_and(|a| matches!(a.kind, Kind::Word))
                && !parser.words(at, at).contains(char::is_alphanumeric);
            is_sign || parser.is(at, NO_GOAL)
        };
        if (from..=last).all(|at| empty(self, at)) {
            return;
        }
        let edge = |parser: &Self, at: usize| parser.is(at, EDGES);
        while from < last && edge(self, from) {
            from = from.saturating_add(1);
        }
        while from < last && edge(self, last) {
            last = last.saturating_sub(1);
        }
        self.say(Meaning::Goal, from, last);
    }
}
