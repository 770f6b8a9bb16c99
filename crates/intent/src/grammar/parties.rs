//! From whom and what: merchants by name, categories, and what is to be avoided.

use super::Parser;
use crate::atom::{Kind, Stop};
use crate::limits::{NAME_CHARS_MAX, NAME_WORDS_MAX};
use crate::question::Code;
use crate::reading::{Matter, Meaning};
use crate::sense::Sense;

/// What a list of names is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stance {
    Only,
    Never,
    /// "from Luckin": said in passing, which still means there.
    There,
}

impl Parser<'_> {
    pub(super) fn parties(&mut self) {
        for at in 0..self.atoms.len() {
            let stance = match self.sense(at) {
                Some(Sense::OnlyFrom) => Stance::Only,
                Some(Sense::NotFrom) => Stance::Never,
                Some(Sense::From | Sense::At) => Stance::There,
                _ if self.is_chinese_place(at) => Stance::There,
                _ => continue,
            };
            self.named_parties(at, stance);
        }
    }

    /// `在瑞幸买`: the place of a purchase, with the verb behind it.
    fn is_chinese_place(&self, at: usize) -> bool {
        self.words(at, at) == "在" && self.free(at).is_some()
    }

    fn named_parties(&mut self, at: usize, stance: Stance) {
        let lead = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::Merchant, Sense::From]);
        let mut names: Vec<(usize, usize)> = Vec::new();
        let mut place = lead;
        while let Some(last) = self.name_end(place) {
            names.push((place, last));
            let joint = last.saturating_add(1);
            let is_joint = self.is(joint, &[Sense::And, Sense::Or])
                || (self.is_comma(joint) && self.list_goes_on(joint));
            if !is_joint {
                break;
            }
            place = self.skip(joint.saturating_add(1), &[Sense::And, Sense::Or, Sense::From, Sense::At]);
        }
        let Some((_, last)) = names.last().copied() else {
            return;
        };
        // "only merchants I know" describes them; it names none.
        let is_described =
            (at..lead).any(|place| self.is(place, &[Sense::Merchant])) && !self.is_capital(lead);
        if is_described && !matches!(self.free(lead).map(|atom| &atom.kind), Some(Kind::Quoted)) {
            return;
        }
        let is_chinese = self.words(at, at).chars().any(crate::text::is_han);
        let next = self.skip(last.saturating_add(1), &[Sense::Filler]);
        if stance == Stance::There {
            let has_only = self.is(next, &[Sense::Only]);
            let is_route = self.is(next, &[Sense::To]);
            let is_known_form = if is_chinese {
                self.is(next, &[Sense::Buy])
            } else {
                self.is(at, &[Sense::From]) || self.is_capital(lead)
            };
            if !is_known_form {
                return;
            }
            if !has_only && (is_route || self.happens()) {
                let end = if is_route { self.name_end(next.saturating_add(1)).unwrap_or(next) } else { last };
                if is_route {
                    self.soften(at, end);
                } else {
                    self.doubt(Code::PayeeUnclear, Matter::Name(self.words(lead, last)), at, last);
                    self.take(at, last);
                }
                return;
            }
            if has_only {
                self.take(next, next);
            }
        }
        // A name that goes on after a word of the vocabulary may be a longer one.
        let goes_on = self.is_han(last)
            && last.saturating_add(1) < next
            && self.is_han(next)
            && matches!(self.free(next).map(|atom| &atom.kind), Some(Kind::Word));
        if goes_on {
            self.doubt(Code::PayeeUnclear, Matter::Name(self.words(lead, next)), at, next);
            self.take(at, next);
            return;
        }
        for (from, last) in names {
            let name = self.name(from, last);
            if NAME_CHARS_MAX < name.chars().count() {
                self.doubt(Code::PayeeUnclear, Matter::Words, at, last);
                continue;
            }
            let meaning = match stance {
                Stance::Only | Stance::There => Meaning::PayeeAllowed(name),
                Stance::Never => Meaning::PayeeDenied(name),
            };
            self.say(meaning, from, last);
        }
        self.take(at, last);
        if self.is(last.saturating_add(1), &[Sense::Only]) {
            self.take(last, last.saturating_add(1));
        }
    }

    fn name(&self, from: usize, last: usize) -> String {
        let quotes: &[char] = &['"', '“', '”', '「', '」', '『', '』', '《', '》'];
        self.words(from, last).trim_matches(quotes).trim().to_owned()
    }

    fn is_capital(&self, at: usize) -> bool {
        self.words(at, at).starts_with(char::is_uppercase)
    }

    fn is_han(&self, at: usize) -> bool {
        self.words(at, at).starts_with(crate::text::is_han)
    }

    /// The last place of a name that begins here.
    fn name_end(&self, at: usize) -> Option<usize> {
        let first = self.free(at)?;
        if matches!(first.kind, Kind::Quoted) {
            return Some(at);
        }
        let is_name =
            |kind: &Kind| matches!(kind, Kind::Word | Kind::Sense(Sense::Category(_) | Sense::Plain));
        if !is_name(&first.kind) {
            return None;
        }
        let (is_capital, is_han) = (self.is_capital(at), self.is_han(at));
        let mut last = at;
        for place in at.saturating_add(1)..at.saturating_add(NAME_WORDS_MAX) {
            let goes_on = self.free(place).is_some_and(|atom| is_name(&atom.kind))
                && (self.is_han(place) == is_han || !is_capital && !is_han)
                && (!is_capital || self.is_capital(place));
            if !goes_on {
                break;
            }
            last = place;
        }
        Some(last)
    }

    /// Whether after a comma another name and an "and" follow: "Luckin, KFC and Starbucks".
    fn list_goes_on(&self, comma: usize) -> bool {
        let mut place = comma.saturating_add(1);
        for _ in 0..NAME_WORDS_MAX {
            let Some(last) = self.name_end(place) else {
                return false;
            };
            let next = last.saturating_add(1);
            if self.is(next, &[Sense::And, Sense::Or]) {
                return self.name_end(next.saturating_add(1)).is_some();
            }
            if !self.is_comma(next) {
                return false;
            }
            place = next.saturating_add(1);
        }
        false
    }

    /// "only groceries", "no alcohol", "avoiding red-eye flights", "不要香菜".
    pub(super) fn things(&mut self) {
        for at in self.places(&[Sense::Only, Sense::No]) {
            let is_only = self.is(at, &[Sense::Only]);
            let mut place =
                self.skip(at.saturating_add(1), &[Sense::Filler, Sense::For, Sense::Buy, Sense::Any]);
            let mut last = None;
            while let Some(Kind::Sense(Sense::Category(category))) =
                self.free(place).map(|atom| atom.kind.clone())
            {
                let meaning = if is_only {
                    Meaning::CategoryAllowed(category)
                } else {
                    Meaning::CategoryDenied(category)
                };
                let follows_a_word =
                    matches!(self.free(place.saturating_add(1)).map(|a| &a.kind), Some(Kind::Word))
                        && !self.is_han(place);
                if follows_a_word {
                    break;
                }
                self.say(meaning, place, place);
                last = Some(place);
                let joint = self.skip(place.saturating_add(1), &[Sense::Filler]);
                let is_joint = self.is(joint, &[Sense::And, Sense::Or])
                    || (self.is_comma(joint)
                        && matches!(
                            self.free(joint.saturating_add(1)).map(|a| &a.kind),
                            Some(Kind::Sense(Sense::Category(_)))
                        )
                        && !is_only);
                if !is_joint {
                    break;
                }
                place =
                    self.skip(joint.saturating_add(1), &[Sense::And, Sense::Or, Sense::Filler, Sense::No]);
            }
            if let Some(last) = last {
                self.take(at, last);
                continue;
            }
            let end = self.thing_end(place);
            let Some(end) = end else {
                continue; // "only" and "no" by themselves are left to be asked about.
            };
            let words = self.words(place, end);
            let matter = if is_only { Matter::Require(words) } else { Matter::Avoid(words) };
            self.doubt(Code::ThingUnclear, matter, at, end);
            self.take(at, end);
        }
        // Words such as "less sugar" are kept with what to buy.
        for at in self.places(&[Sense::Plain]) {
            self.soften(at, at);
        }
    }

    /// The last place of what an "only" or a "no" is about.
    fn thing_end(&self, at: usize) -> Option<usize> {
        let mut last = None;
        for place in at..at.saturating_add(NAME_WORDS_MAX) {
            let Some(atom) = self.free(place) else {
                break;
            };
            let is_thing = matches!(
                atom.kind,
                Kind::Word | Kind::Quoted | Kind::Sense(Sense::Category(_) | Sense::Plain)
            );
            let is_filler = matches!(atom.kind, Kind::Sense(Sense::Filler | Sense::Article));
            if matches!(atom.kind, Kind::Stop(Stop::Comma | Stop::Sentence)) || !(is_thing || is_filler) {
                break;
            }
            if is_thing {
                last = Some(place);
            }
        }
        last
    }
}
