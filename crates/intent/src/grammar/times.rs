//! When: from and until when payments may be made, and when what was bought has to arrive.

use super::Parser;
use crate::atom::{Kind, length_of};
use crate::dates::{Stretch, When};
use crate::question::Code;
use crate::reading::{Matter, Meaning};
use crate::sense::Sense;
use jiff::Span as Length;
use jiff::civil::{DateTime, Time};

/// A moment or a stretch that was named, and the last place of its words.
#[derive(Clone, Copy)]
struct Named {
    /// `None` where two people could mean two.
    stretch: Option<Stretch>,
    last: usize,
}

const LEADS: &[Sense] = &[
    Sense::Until,
    Sense::Before,
    Sense::Within,
    Sense::Filler,
    Sense::For,
    Sense::Cap,
    Sense::To,
    Sense::From,
];

impl Parser<'_> {
    /// "delivered by 6 pm tomorrow", "30分钟内送到", "送到公司".
    pub(super) fn deliveries(&mut self) {
        for at in self.places(&[Sense::Deliver]) {
            let mut last = at;
            let next = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::To]);
            if self.is(next, &[Sense::Place]) {
                self.say(Meaning::DeliverTo(self.words(next, next)), at, next);
                self.take(next, next);
                last = next;
            }
            let place = self.skip(last.saturating_add(1), LEADS);
            let mut from = at;
            let named = self.named(place).or_else(|| {
                let end = self.skip_back(at, LEADS)?;
                let (start, named) = self.named_back(end)?;
                from = start;
                Some(Named { last: at, ..named })
            });
            if let Some(named) = named {
                let end = named.last.max(last);
                match named.stretch.and_then(|stretch| self.instant(stretch.to)) {
                    Some(by) => self.say(Meaning::DeliverBy(by), from, end),
                    None => self.doubt(Code::DateUnclear, Matter::Delivery, from, end),
                }
                let end = if self.is(end.saturating_add(1), &[Sense::Before, Sense::Cap]) {
                    end.saturating_add(1)
                } else {
                    end
                };
                self.take(from, end);
            } else if last != at {
                self.take(at, last);
            }
        }
        for at in self.places(&[Sense::Place]) {
            let before = self.skip_back(at, &[Sense::Filler]);
            if let Some(before) = before.filter(|before| self.is(*before, &[Sense::To])) {
                self.say(Meaning::DeliverTo(self.words(at, at)), before, at);
                self.take(before, at);
            }
        }
    }

    /// What is named from a place on: a day and a time of day in either order, or a length from now.
    fn named(&self, at: usize) -> Option<Named> {
        let kind = &self.free(at)?.kind;
        if let Kind::Length(length) = kind {
            return Some(Named { stretch: length.and_then(|length| self.after_now(length)), last: at });
        }
        if let Kind::When(when) = kind {
            let next = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::At]);
            let clock = self.clock(next);
            return Some(Named {
                stretch: self.moment(*when, clock),
                last: if clock.is_some() { next } else { at },
            });
        }
        let clock = self.clock(at)?;
        let next = self.skip(at.saturating_add(1), &[Sense::Filler]);
        if let Some(Kind::When(when)) = self.free(next).map(|atom| atom.kind.clone()) {
            return Some(Named { stretch: self.moment(when, Some(clock)), last: next });
        }
        let today = When::Known(Stretch::day(self.now.date())?);
        Some(Named { stretch: self.moment(today, Some(clock)), last: at })
    }

    /// What is named by the words that end at a place, and where they begin.
    fn named_back(&self, end: usize) -> Option<(usize, Named)> {
        let first = (0..=3)
            .filter_map(|back| end.checked_sub(back))
            .filter(|from| self.named(*from).is_some_and(|named| named.last == end));
        let from = first.min()?;
        Some((from, self.named(from)?))
    }

    fn clock(&self, at: usize) -> Option<Option<Time>> {
        if let Kind::Clock(time) = self.free(at)?.kind { Some(time) } else { None }
    }

    fn moment(&self, when: When, clock: Option<Option<Time>>) -> Option<Stretch> {
        let When::Known(stretch) = when else {
            return None;
        };
        match clock {
            None => Some(stretch),
            Some(time) if stretch.is_one_day => Some(Stretch::moment(stretch.from.date().to_datetime(time?))),
            Some(_) => None,
        }
    }

    fn after_now(&self, length: Length) -> Option<Stretch> {
        let end = self.now.checked_add(length).ok()?;
        Some(Stretch { from: self.now, to: end, is_one_day: false })
    }

    /// "until Friday", "for 30 days", "从明天到月底".
    pub(super) fn validity(&mut self) {
        self.times_of_day();
        for at in 0..self.atoms.len() {
            if self.used.get(at) != Some(&super::Use::Free) {
                continue;
            }
            if self.is(at, &[Sense::OpenEnded]) {
                self.say(Meaning::OpenEnded, at, at);
                self.take(at, at);
                continue;
            }
            if self.between(at) || self.lasting(at) {
                continue;
            }
            self.one_date(at);
        }
    }

    /// "not before 8 am", where what is bought takes place at a time of day.
    fn times_of_day(&mut self) {
        for at in self.places(&[Sense::NotBefore, Sense::NotAfter, Sense::After, Sense::Before]) {
            let (clock_at, from, last) = if self.clock(at.saturating_add(1)).is_some() {
                (at.saturating_add(1), at, at.saturating_add(1))
            } else {
                match at.checked_sub(1).filter(|before| self.clock(*before).is_some()) {
                    Some(before) => (before, before, at),
                    None => continue,
                }
            };
            let has_day = from
                .checked_sub(1)
                .is_some_and(|before| matches!(self.free(before).map(|a| &a.kind), Some(Kind::When(_))))
                || matches!(self.free(last.saturating_add(1)).map(|a| &a.kind), Some(Kind::When(_)));
            let time = self.clock(clock_at).flatten();
            if has_day || !self.happens() {
                continue;
            }
            let earliest = self.is(at, &[Sense::NotBefore, Sense::After]);
            match time {
                Some(time) if earliest => self.say(Meaning::NotBefore(time), from, last),
                Some(time) => self.say(Meaning::NotAfter(time), from, last),
                None => self.doubt(Code::TimeUnclear, Matter::Words, from, last),
            }
            self.take(from, last);
        }
    }

    /// Whether what is bought takes place at a time of its own.
    pub(super) fn happens(&self) -> bool {
        let of = |kind: &Kind| matches!(kind, Kind::Sense(Sense::Category(category)) if category.happens());
        self.atoms.iter().any(|atom| of(&atom.kind))
            || self.atoms.iter().enumerate().any(|(at, _)| {
                matches!(self.words(at, at).to_ascii_lowercase().as_str(), "tickets" | "ticket" | "票")
            })
    }

    fn between(&mut self, at: usize) -> bool {
        let leads = self.is(at, &[Sense::From, Sense::Valid]);
        let start = if leads {
            self.skip(at, &[Sense::From, Sense::Valid, Sense::Filler, Sense::Within])
        } else {
            at
        };
        let Some(first) =
            self.named(start).filter(|_| !matches!(self.free(start).map(|a| &a.kind), Some(Kind::Length(_))))
        else {
            return false;
        };
        let mut middle = first.last.saturating_add(1);
        if leads && self.is(middle, &[Sense::After]) {
            middle = middle.saturating_add(1);
        }
        if self.is(middle, &[Sense::To, Sense::Until])
            || (leads
                && self.is_comma(middle)
                && self.is(middle.saturating_add(1), &[Sense::To, Sense::Until]))
        {
            let second_at = self.skip(middle, &[Sense::To, Sense::Until, Sense::Filler]);
            let second_at = if self.is_comma(second_at) { second_at.saturating_add(2) } else { second_at };
            if let Some(second) = self.named(second_at) {
                let end = self.end_of(second.last);
                self.ends(second.stretch.map(|stretch| stretch.to), middle, end);
                if self.happens() {
                    // Those are the days of what is booked; it may be paid before.
                    self.soften(at, end);
                } else {
                    self.begins(first, at, first.last);
                    self.take(at, end);
                }
                return true;
            }
        }
        let is_from = self.is(at, &[Sense::From]);
        let is_onwards = self.is(first.last.saturating_add(1), &[Sense::After]);
        if is_from || is_onwards {
            let last = if is_onwards { first.last.saturating_add(1) } else { first.last };
            self.begins(first, at, last);
            self.take(at, last);
            return true;
        }
        false
    }

    /// A word that closes a date and adds nothing: `到月底之前`, `为止`.
    fn end_of(&self, last: usize) -> usize {
        let next = last.saturating_add(1);
        if self.is(next, &[Sense::Before, Sense::Valid]) { next } else { last }
    }

    fn begins(&mut self, named: Named, from: usize, last: usize) {
        match named.stretch.and_then(|stretch| self.instant(stretch.from)) {
            Some(moment) => self.say(Meaning::From(moment), from, last),
            None => self.doubt(Code::DateUnclear, Matter::Begins, from, last),
        }
    }

    fn ends(&mut self, at: Option<DateTime>, from: usize, last: usize) {
        match at.and_then(|at| self.instant(at)) {
            Some(moment) => self.say(Meaning::Until(moment), from, last),
            None => self.doubt(Code::DateUnclear, Matter::Ends, from, last),
        }
    }

    /// "for 30 days", "within a week", "30天内", "有效期30天".
    fn lasting(&mut self, at: usize) -> bool {
        let leads = self.is(at, &[Sense::For, Sense::Within, Sense::Valid]);
        let place =
            if leads { self.skip(at, &[Sense::For, Sense::Within, Sense::Valid, Sense::Filler]) } else { at };
        let length = match self.free(place).map(|atom| atom.kind.clone()) {
            Some(Kind::Length(length)) => length,
            Some(Kind::Sense(Sense::Window(window))) if self.is_one_length(place) => length_of(window),
            _ => return false,
        };
        let next = place.saturating_add(1);
        let has_post = matches!(self.words(next, next).as_str(), "内" | "之内" | "以内");
        if !leads && !has_post && self.purpose != super::Purpose::Answer {
            return false;
        }
        let last = self.end_of(if has_post { next } else { place });
        self.ends(length.and_then(|length| self.after_now(length)).map(|stretch| stretch.to), at, last);
        self.take(at, last);
        true
    }

    /// Whether "a day" or `一天` stands there, which may say how long; "daily" may not.
    fn is_one_length(&self, at: usize) -> bool {
        let words = self.words(at, at).to_lowercase();
        words.starts_with("a ") || words.starts_with("an ") || words.starts_with('一')
    }

    /// "until Friday", "before Friday", "周五前", "this week", "tomorrow".
    fn one_date(&mut self, at: usize) {
        let lead = self.sense(at).filter(|sense| {
            matches!(
                sense,
                Sense::Until | Sense::Before | Sense::To | Sense::Valid | Sense::For | Sense::Within
            )
        });
        let place = if lead.is_some() {
            self.skip(at.saturating_add(1), &[Sense::Until, Sense::To, Sense::Filler, Sense::Valid])
        } else {
            at
        };
        let Some(named) =
            self.named(place).filter(|_| !matches!(self.free(place).map(|a| &a.kind), Some(Kind::Length(_))))
        else {
            return;
        };
        let is_clock_only =
            matches!(self.free(place).map(|a| &a.kind), Some(Kind::Clock(_))) && named.last == place;
        let after = named.last.saturating_add(1);
        let before_post = self.is(after, &[Sense::Before]);
        let inside_post = matches!(self.words(after, after).as_str(), "内" | "之内" | "以内");
        let last = self.end_of(if before_post || inside_post { after } else { named.last });
        let is_lead = lead.is_some_and(|sense| sense != Sense::For);
        if is_clock_only && !(before_post || is_lead) {
            self.doubt(Code::TimeUnclear, Matter::Words, at, last);
            self.take(at, last);
            return;
        }
        let Some(stretch) = named.stretch else {
            self.doubt(
                if is_clock_only { Code::TimeUnclear } else { Code::DateUnclear },
                Matter::Ends,
                at,
                last,
            );
            self.take(at, last);
            return;
        };
        let ends_before = lead == Some(Sense::Before) || (before_post && lead.is_none());
        let is_bare = !is_lead && !before_post && !inside_post;
        if is_bare && !self.happens() && self.now < stretch.from {
            self.begins(named, at, last);
        }
        self.ends(Some(if ends_before { stretch.from } else { stretch.to }), at, last);
        if is_bare && self.happens() {
            self.soften(at, last);
        } else {
            self.take(at, last);
        }
    }
}
