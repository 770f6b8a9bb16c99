//! Puts readings together into terms, and asks about what is missing or contradicts itself.

use crate::decimal::Decimal;
use crate::draft::{Draft, End, Terms};
use crate::limits::AMOUNT_MINOR_MAX;
use crate::money::Currency;
use crate::question::{Code, Question};
use crate::reading::{Doubt, Matter, Meaning, Mode, Scope, Trigger};
use crate::sense::{Period, Window};
use crate::text::{Language, Span};

/// What a meaning of one kind holds.
macro_rules! said {
    ($kind:ident) => {
        |meaning: &Meaning| {
            if let Meaning::$kind(found) = meaning { Some(ToOwned::to_owned(found)) } else { None }
        }
    };
}

/// The draft with its terms and questions computed anew from its readings and doubts.
pub(crate) fn assemble(draft: Draft) -> Draft {
    let mut draft = draft;
    // Where a sentence says something of the same words twice, once is enough.
    draft.readings.dedup();
    let mut desk = Desk { draft: &draft, terms: Terms::default(), questions: Vec::new() };
    desk.currency();
    desk.money();
    desk.counts();
    desk.parties();
    desk.times();
    desk.behaviour();
    desk.goal();
    desk.conflicts();
    desk.bounds();
    desk.doubts();
    desk.missing();
    let (terms, mut questions) = (desk.terms, desk.questions);
    questions.sort_by(|a, b| (a.code, &a.spans).cmp(&(b.code, &b.spans)));
    questions.dedup();
    draft.terms = terms;
    draft.questions = questions;
    draft
}

mod checks;

struct Desk<'a> {
    draft: &'a Draft,
    terms: Terms,
    questions: Vec<Question>,
}

impl Desk<'_> {
    fn ask(&mut self, code: Code, spans: &[Span], matter: Matter) {
        let quotes = spans.iter().map(|span| self.draft.words(*span).to_owned()).collect();
        self.questions.push(Question { code, spans: spans.to_vec(), quotes, matter });
    }

    /// The one value that readings give, asking where they give two.
    fn one<T: PartialEq + Clone>(&mut self, of: impl Fn(&Meaning) -> Option<T>, matter: Matter) -> Option<T> {
        let found = self.draft.find(of);
        let (first, _) = found.first()?;
        if found.iter().any(|(value, _)| value != first) {
            let spans: Vec<Span> = found.iter().map(|(_, span)| *span).collect();
            self.ask(Code::SaidTwice, &spans, matter);
            return None;
        }
        Some(first.clone())
    }

    fn currency(&mut self) {
        let named = self.draft.find(said!(Currency));
        let mut distinct: Vec<Currency> = Vec::new();
        for (currency, _) in &named {
            if !distinct.contains(currency) {
                distinct.push(*currency);
            }
        }
        let is_open = |doubt: &&Doubt| {
            matches!(&doubt.matter, Matter::Currencies(candidates)
                if !distinct.first().is_some_and(|only| candidates.contains(only)))
        };
        let open: Vec<&Doubt> = self.draft.doubts.iter().filter(is_open).collect();
        let spans: Vec<Span> = named.iter().map(|(_, span)| *span).collect();
        if 1 < distinct.len() {
            self.ask(Code::CurrencyConflict, &spans, Matter::Currencies(distinct));
            return;
        }
        if let Some(first) = open.first() {
            let Matter::Currencies(candidates) = &first.matter else {
                return;
            };
            let all = |currency: &&Currency| {
                open.iter().all(
                    |doubt| matches!(&doubt.matter, Matter::Currencies(others) if others.contains(*currency)),
                )
            };
            let shared: Vec<Currency> = candidates.iter().filter(all).copied().collect();
            let spans: Vec<Span> = open.iter().map(|doubt| doubt.span).collect();
            if distinct.is_empty() {
                self.ask(Code::CurrencyAmbiguous, &spans, Matter::Currencies(shared));
            } else {
                self.ask(Code::CurrencyConflict, &spans, Matter::Currencies(distinct));
            }
            return;
        }
        self.terms.currency = Some(distinct.first().copied().unwrap_or(self.draft.context.currency));
    }

    fn money(&mut self) {
        let amount = |scope: Scope| {
            move |meaning: &Meaning| meaning.amount().filter(|amount| *meaning == scope.of(*amount))
        };
        self.terms.per_payment = self.one(amount(Scope::Each), Matter::Scope(Scope::Each));
        self.terms.per_payment_min = self.one(amount(Scope::Least), Matter::Scope(Scope::Least));
        self.terms.total = self.one(amount(Scope::Total), Matter::Scope(Scope::Total));
        self.terms.ask_above = self.one(amount(Scope::AskAbove), Matter::Scope(Scope::AskAbove));
        let mut windows: Vec<Window> = Vec::new();
        for (window, _) in self
            .draft
            .find(|meaning| if let Meaning::InWindow(window, _) = meaning { Some(*window) } else { None })
        {
            if !windows.contains(&window) {
                windows.push(window);
            }
        }
        windows.sort_by_key(|window| window_seconds(*window));
        for window in windows {
            let scope = Scope::Window(window);
            if let Some(max) = self.one(amount(scope), Matter::Scope(scope)) {
                self.terms.windows.push((window, max));
            }
        }
        let of_trigger =
            |meaning: &Meaning| if let Meaning::Trigger(trigger) = meaning { Some(*trigger) } else { None };
        self.terms.trigger = self.one(of_trigger, Matter::Scope(Scope::TriggerBelow));
        self.unreadable();
    }

    /// Amounts that are finer than the currency, or larger than any mandate holds.
    fn unreadable(&mut self) {
        let Some(currency) = self.terms.currency else {
            return;
        };
        for reading in &self.draft.readings {
            let Some(amount) = reading.meaning.amount() else {
                continue;
            };
            if amount.minor(currency.scale()).is_none_or(|minor| AMOUNT_MINOR_MAX < minor) {
                let scope = scope_of(&reading.meaning, amount);
                self.ask(Code::AmountUnreadable, &[reading.span], Matter::Scope(scope));
            }
        }
    }

    fn counts(&mut self) {
        let uses = self.one(said!(Uses), Matter::Words);
        let mut velocities = self.draft.find(|meaning| {
            if let Meaning::Velocity(window, count) = meaning { Some((*window, *count)) } else { None }
        });
        velocities.sort_by_key(|((window, _), _)| window_seconds(*window));
        for ((window, count), _) in &velocities {
            let other = self.terms.velocities.iter().find(|(known, _)| known == window);
            match other {
                Some((_, known)) if known != count => {
                    let spans: Vec<Span> = velocities.iter().map(|(_, span)| *span).collect();
                    self.ask(Code::SaidTwice, &spans, Matter::Words);
                }
                Some(_) => {}
                None => self.terms.velocities.push((*window, *count)),
            }
        }
        let pieces = self.draft.find(said!(Pieces));
        self.terms.pieces = pieces.first().map(|(pieces, _)| *pieces).filter(|_| pieces.len() == 1);
        let errands = self.draft.find(|meaning| (*meaning == Meaning::OneErrand).then_some(()));
        let is_one = errands.len() == 1
            && self.terms.windows.is_empty()
            && self.terms.velocities.is_empty()
            && pieces.is_empty();
        let implied = is_one || (self.terms.trigger.is_some() && pieces.is_empty());
        self.terms.uses = uses.or(implied.then_some(1));
        self.most(!pieces.is_empty());
    }

    /// Decides what a limit without a scope is the most of: of everything, unless several payments are in sight.
    fn most(&mut self, has_pieces: bool) {
        let found = self.draft.find(said!(Most));
        let Some(amount) = self.one(said!(Most), Matter::Scope(Scope::Open)) else {
            return;
        };
        let spans: Vec<Span> = found.iter().map(|(_, span)| *span).collect();
        let is_several = !self.terms.windows.is_empty()
            || !self.terms.velocities.is_empty()
            || self.terms.uses.is_some_and(|uses| 1 < uses)
            || has_pieces;
        match self.terms.total {
            Some(total) if total == amount => {}
            Some(_) => self.ask(Code::AmountScope, &spans, Matter::Amount(amount)),
            None if is_several && self.terms.per_payment.is_none() => {
                self.ask(Code::AmountScope, &spans, Matter::Amount(amount));
            }
            None => self.terms.total = Some(amount),
        }
    }

    fn parties(&mut self) {
        let text = |of: fn(&Meaning) -> Option<String>, desk: &Self| {
            let mut names: Vec<String> = Vec::new();
            for (name, _) in desk.draft.find(of) {
                if !names.iter().any(|known| same_name(known, &name)) {
                    names.push(name);
                }
            }
            names
        };
        self.terms.payees_allowed = text(said!(PayeeAllowed), self);
        self.terms.payees_denied = text(said!(PayeeDenied), self);
        self.terms.wishes = text(said!(Wish), self);
        let categories = |of: fn(&Meaning) -> Option<crate::Category>, desk: &Self| {
            let mut found: Vec<crate::Category> =
                desk.draft.find(of).into_iter().map(|(category, _)| category).collect();
            found.sort();
            found.dedup();
            found
        };
        self.terms.categories_allowed = categories(said!(CategoryAllowed), self);
        self.terms.categories_denied = categories(said!(CategoryDenied), self);
        self.terms.about = categories(said!(About), self);
    }

    fn times(&mut self) {
        let from = self.one(said!(From), Matter::Begins);
        let until = self.one(said!(Until), Matter::Ends);
        let open = self.draft.find(|meaning| (*meaning == Meaning::OpenEnded).then_some(()));
        let ends = self.draft.find(said!(Until));
        let spans: Vec<Span> = ends.iter().map(|(_, span)| *span).collect();
        self.terms.from = from.filter(|from| self.draft.context.now < *from);
        self.terms.end = match until {
            Some(until) => End::At(until),
            None if !open.is_empty() => End::Open,
            None => End::Unsaid,
        };
        if let Some(until) = until {
            if until <= self.draft.context.now {
                self.ask(Code::EndPast, &spans, Matter::Ends);
            } else if from.is_some_and(|from| until <= from) {
                self.ask(Code::EndBeforeStart, &spans, Matter::Ends);
            }
        }
    }

    fn behaviour(&mut self) {
        self.terms.ask_always =
            self.draft.readings.iter().any(|reading| reading.meaning == Meaning::AskAlways);
        self.terms.ask_first_contact =
            self.draft.readings.iter().any(|reading| reading.meaning == Meaning::AskFirstContact);
        self.terms.trigger_action = self.one(said!(TriggerAction), Matter::Words);
        self.terms.tolerance = self.one(said!(Tolerance), Matter::Words);
        self.terms.on_deviation = self.one(said!(OnDeviation), Matter::Words);
        self.terms.on_failure = self.one(said!(OnFailure), Matter::Words);
        self.terms.deliver_by = self.one(said!(DeliverBy), Matter::Delivery);
        self.terms.deliver_to = self.one(said!(DeliverTo), Matter::Words);
        self.terms.not_before = self.one(said!(NotBefore), Matter::Words);
        self.terms.not_after = self.one(said!(NotAfter), Matter::Words);
        // Waiting for a lower price is a limit in itself: more than that price is never paid.
        if let (Some(Trigger::AtOrBelow(price)), None, None) =
            (self.terms.trigger, self.terms.total, self.terms.per_payment)
        {
            self.terms.total = Some(price);
        }
        let spans: Vec<Span> = self
            .draft
            .find(|meaning| if let Meaning::Trigger(_) = meaning { Some(()) } else { None })
            .iter()
            .map(|(_, span)| *span)
            .collect();
        if self.terms.trigger.is_some() && self.terms.trigger_action.is_none() {
            self.ask(Code::ActionMissing, &spans, Matter::Words);
        }
    }

    fn goal(&mut self) {
        let pieces: Vec<&str> = self
            .draft
            .readings
            .iter()
            .filter(|reading| reading.meaning == Meaning::Goal)
            .map(|reading| self.draft.words(reading.span))
            .collect();
        let joint = match self.draft.language {
            Language::English => ", ",
            Language::Chinese => "，",
        };
        self.terms.goal = (!pieces.is_empty()).then(|| pieces.join(joint));
        let stated = self.one(said!(Mode), Matter::Words);
        let recurs = !self.terms.windows.is_empty()
            || !self.terms.velocities.is_empty()
            || self.terms.uses.is_some_and(|uses| 1 < uses);
        self.terms.mode = match stated {
            Some(mode) => Some(mode),
            None if recurs => Some(Mode::Bounded),
            None => (self.terms.uses == Some(1)).then_some(Mode::Specified),
        };
    }
}

fn same_name(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn scope_of(meaning: &Meaning, amount: Decimal) -> Scope {
    let window = if let Meaning::InWindow(window, _) = meaning { Some(Scope::Window(*window)) } else { None };
    let plain =
        [Scope::Each, Scope::Least, Scope::Total, Scope::AskAbove, Scope::TriggerBelow, Scope::TriggerAbove];
    window.or(plain.into_iter().find(|scope| scope.of(amount) == *meaning)).unwrap_or(Scope::Open)
}

/// How long a window lasts, for their order.
fn window_seconds(window: Window) -> u32 {
    match window {
        Window::Rolling { seconds } => seconds,
        Window::Calendar(Period::Day) => 86_400,
        Window::Calendar(Period::Week) => 7 * 86_400,
        Window::Calendar(Period::Month) => 28 * 86_400,
    }
}
