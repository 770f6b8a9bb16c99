//! What a draft has to ask before it can be agreed to: contradictions, and what is missing.

use super::{Desk, same_name};
use crate::decimal::Decimal;
use crate::draft::End;
use crate::question::{Code, Question};
use crate::reading::{Matter, Meaning, Scope};
use crate::text::Span;

impl Desk<'_> {
    /// Names and categories that are both allowed and refused.
    pub(super) fn conflicts(&mut self) {
        let both: Vec<Span> = self
            .draft
            .find(|meaning| said!(PayeeAllowed)(meaning).or(said!(PayeeDenied)(meaning)))
            .into_iter()
            .filter(|(name, _)| {
                let listed = |names: &[String]| names.iter().any(|known| same_name(known, name));
                listed(&self.terms.payees_allowed) && listed(&self.terms.payees_denied)
            })
            .map(|(_, span)| span)
            .collect();
        if !both.is_empty() {
            self.ask(Code::PayeeConflict, &both, Matter::Words);
        }
        let both: Vec<Span> = self
            .draft
            .find(|meaning| {
                said!(CategoryAllowed)(meaning).or(said!(CategoryDenied)(meaning)).or(said!(About)(meaning))
            })
            .into_iter()
            .filter(|(category, _)| {
                let wanted =
                    self.terms.categories_allowed.contains(category) || self.terms.about.contains(category);
                wanted && self.terms.categories_denied.contains(category)
            })
            .map(|(_, span)| span)
            .collect();
        if !both.is_empty() {
            self.ask(Code::CategoryConflict, &both, Matter::Words);
        }
    }

    /// Limits that stand above one that bounds them.
    pub(super) fn bounds(&mut self) {
        let mut ladder: Vec<(Scope, Decimal)> = Vec::new();
        ladder.extend(self.terms.per_payment_min.map(|amount| (Scope::Least, amount)));
        ladder.extend(self.terms.per_payment.map(|amount| (Scope::Each, amount)));
        ladder.extend(self.terms.windows.iter().map(|(window, amount)| (Scope::Window(*window), *amount)));
        ladder.extend(self.terms.total.map(|amount| (Scope::Total, amount)));
        for (place, (below, less)) in ladder.iter().enumerate() {
            for (above, more) in ladder.iter().skip(place.saturating_add(1)) {
                if more.is_below(*less) {
                    let spans = self.spans_of(*below, *less).into_iter().chain(self.spans_of(*above, *more));
                    let mut spans: Vec<Span> = spans.collect();
                    spans.sort();
                    spans.dedup();
                    self.ask(Code::LimitAboveLimit, &spans, Matter::Words);
                }
            }
        }
        let most = self.terms.per_payment.or(self.terms.total);
        if let (Some(line), Some(most)) = (self.terms.ask_above, most)
            && !line.is_below(most)
        {
            let spans = self.spans_of(Scope::AskAbove, line);
            self.ask(Code::AskUnreachable, &spans, Matter::Scope(Scope::AskAbove));
        }
    }

    fn spans_of(&self, scope: Scope, amount: Decimal) -> Vec<Span> {
        let says = |meaning: &Meaning| {
            let is_total = scope == Scope::Total
                && (matches!(meaning, Meaning::Most(_)) || matches!(meaning, Meaning::Trigger(_)));
            (meaning.amount() == Some(amount) && (*meaning == scope.of(amount) || is_total)).then_some(())
        };
        self.draft.find(says).into_iter().map(|(_, span)| span).collect()
    }

    pub(super) fn doubts(&mut self) {
        for doubt in &self.draft.doubts {
            if doubt.code != Code::CurrencyAmbiguous {
                self.ask(doubt.code, &[doubt.span], doubt.matter.clone());
            }
        }
    }

    pub(super) fn missing(&mut self) {
        let asks_amount = |question: &Question| {
            (question.code != Code::NumberUnclear && matches!(question.matter, Matter::Amount(_)))
                || matches!(question.matter, Matter::Scope(scope) if scope != Scope::AskAbove && scope != Scope::Least)
        };
        let is_bounded = self.terms.total.is_some() || self.questions.iter().any(asks_amount);
        let has_windows = !self.terms.windows.is_empty();
        let has_velocities = !self.terms.velocities.is_empty();
        if !is_bounded && !has_windows {
            if self.terms.per_payment.is_none() {
                self.ask(Code::CeilingMissing, &[], Matter::Scope(Scope::Open));
            } else if self.terms.uses.is_none() && !(has_velocities && matches!(self.terms.end, End::At(_))) {
                self.ask(Code::TotalMissing, &[], Matter::Scope(Scope::Total));
            }
        }
        let asks_end = self.questions.iter().any(|question| question.matter == Matter::Ends);
        if has_windows
            && !is_bounded
            && self.terms.uses.is_none()
            && self.terms.end == End::Unsaid
            && !asks_end
        {
            self.ask(Code::EndMissing, &[], Matter::Ends);
        }
        let is_thing = self.terms.goal.is_some()
            || !self.terms.categories_allowed.is_empty()
            || self.draft.doubts.iter().any(|doubt| doubt.code == Code::ThingUnclear);
        let is_errand = self.terms.trigger.is_some() || self.terms.uses == Some(1);
        let is_rule = !self.terms.payees_allowed.is_empty()
            || !self.terms.payees_denied.is_empty()
            || !self.terms.categories_denied.is_empty();
        let says_buy = self.draft.texts.first().is_some_and(|text| has_buy(text));
        if !is_thing && (is_errand || (says_buy && !is_rule)) {
            self.ask(Code::GoalMissing, &[], Matter::Words);
        }
    }
}

/// Whether a sentence tells the agent to buy.
fn has_buy(text: &str) -> bool {
    let lower = text.to_lowercase();
    let english = lower
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| matches!(word, "buy" | "order" | "book" | "get"));
    english || text.contains('买') || text.contains('订')
}
