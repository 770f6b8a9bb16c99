//! A price to wait for, and what happens when it is there.

use super::Parser;
use crate::atom::Kind;
use crate::limits::REACH_MAX;
use crate::reading::{Meaning, Scope, TriggerAction};
use crate::sense::Sense;

impl Parser<'_> {
    /// "buy when it hits 7,000", "跌到7000就通知我".
    pub(super) fn triggers(&mut self) {
        for at in self.places(&[Sense::Falls, Sense::Rises, Sense::Below, Sense::Above, Sense::To]) {
            let Some(sense) = self.sense(at) else {
                continue;
            };
            let amount_at = self.skip(at.saturating_add(1), &[Sense::Filler, Sense::Price]);
            let Some(sum) = self.sum(amount_at) else {
                continue;
            };
            let from = self.condition_start(at);
            let far = self.far_condition(from);
            let has_if = far.is_some() || (from..at).any(|place| self.is(place, &[Sense::If, Sense::Once]));
            let mut after = self.skip(amount_at.saturating_add(1), &[Sense::Filler]);
            if self.is_comma(after) && has_if {
                after = self.skip(after.saturating_add(1), &[Sense::Filler, Sense::Then]);
            }
            let has_action = self.is(after, &[Sense::Then, Sense::Buy, Sense::Notify, Sense::Auto]);
            let is_then = self.is_then(amount_at);
            let is_fall = sense == Sense::Falls
                || (sense == Sense::Below && (has_if || is_then))
                || (sense == Sense::To && is_then);
            let is_rise = sense == Sense::Rises || (sense == Sense::Above && has_if && has_action);
            let scope = match (is_fall, is_rise) {
                (true, _) => Scope::TriggerBelow,
                (false, true) => Scope::TriggerAbove,
                (false, false) => continue,
            };
            self.say_sum(&sum, scope, amount_at, (from, amount_at));
            self.take(from, amount_at);
            if let Some(far) = far {
                self.take(far, far);
            }
            self.trigger_action(amount_at);
        }
    }

    /// Whether an action follows at once: `到7000就买`, `低于7000通知我`.
    fn is_then(&self, amount_at: usize) -> bool {
        let next = amount_at.saturating_add(1);
        let words = self.words(next, next);
        let leads = words == "就" || words == "时" || words == "的时候";
        let place = if leads { self.skip(next, &[Sense::Filler]) } else { next };
        self.is(place, &[Sense::Notify, Sense::Auto])
            || (self.is(place, &[Sense::Buy]) && (leads || words.starts_with('就')))
    }

    /// Where "when the price" begins that leads to the place.
    fn condition_start(&self, at: usize) -> usize {
        let mut from = at;
        let mut place = at;
        while let Some(before) = place.checked_sub(1) {
            if at.saturating_sub(before) > REACH_MAX
                || !self.is(before, &[Sense::If, Sense::Once, Sense::Price, Sense::Filler, Sense::Article])
            {
                break;
            }
            place = before;
            if self.is(place, &[Sense::If, Sense::Once, Sense::Price]) {
                from = place;
            }
        }
        from
    }

    /// The "when" that what is bought parts from its verb: "when the shoes hit 300".
    fn far_condition(&self, at: usize) -> Option<usize> {
        let mut place = at;
        for _ in 0..REACH_MAX {
            place = place.checked_sub(1)?;
            if self.is(place, &[Sense::If]) {
                return Some(place);
            }
            let kind = &self.free(place)?.kind;
            let is_word = matches!(kind, Kind::Word | Kind::Quoted)
                || matches!(
                    kind,
                    Kind::Sense(
                        Sense::Category(_) | Sense::Filler | Sense::Price | Sense::Plain | Sense::Article
                    )
                );
            if !is_word {
                return None;
            }
        }
        None
    }

    fn trigger_action(&mut self, after: usize) {
        let notify = self.places(&[Sense::Notify]).into_iter().next();
        let asks = self.said.readings.iter().any(|reading| reading.meaning == Meaning::AskAlways);
        if let Some(at) = notify {
            self.say(Meaning::TriggerAction(TriggerAction::NotifyAndConfirm), at, at);
            self.take(at, at);
            return;
        }
        let mut buy = self.places(&[Sense::Buy, Sense::Auto]);
        buy.sort_by_key(|at| (*at < after, at.abs_diff(after)));
        let Some(at) = buy.first().copied() else {
            return;
        };
        let action = if asks { TriggerAction::NotifyAndConfirm } else { TriggerAction::Buy };
        self.say(Meaning::TriggerAction(action), at, at);
        if after < at {
            self.take(at, at);
        } else {
            self.soften(at, at);
        }
    }
}
