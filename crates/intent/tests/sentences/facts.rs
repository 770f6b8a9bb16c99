//! A draft as facts, one a line, in the spelling of the corpus.

use intent::{Decimal, Draft, End, Mode, OnDeviation, OnFailure, Period, Trigger, TriggerAction, Window};
use jiff::Timestamp;

/// Every term and every question of a draft.
pub(crate) fn facts(draft: &Draft) -> Vec<String> {
    let terms = draft.terms();
    let currency = terms.currency.map_or("?", |currency| currency.code());
    let sum = |amount: Decimal| format!("{amount} {currency}");
    let at = |at: Timestamp| at.to_zoned(draft.zone().clone()).strftime("%Y-%m-%dT%H:%M").to_string();
    let mut facts: Vec<String> = Vec::new();
    let mut say = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| format!("{name} {value}").trim_end().to_owned()));
    };
    say("total", terms.total.map(sum));
    say("each", terms.per_payment.map(sum));
    say("each-min", terms.per_payment_min.map(sum));
    for (in_window, amount) in &terms.windows {
        say(&window(*in_window), Some(sum(*amount)));
    }
    say("ask-above", terms.ask_above.map(sum));
    say("uses", terms.uses.map(|uses| uses.to_string()));
    for (in_window, count) in &terms.velocities {
        say(&format!("velocity {}", window(*in_window)), Some(count.to_string()));
    }
    say("pieces", terms.pieces.map(|pieces| pieces.to_string()));
    say("ask-always", terms.ask_always.then(String::new));
    say("ask-new", terms.ask_first_contact.then(String::new));
    for name in &terms.payees_allowed {
        say("allow", Some(name.clone()));
    }
    for name in &terms.payees_denied {
        say("deny", Some(name.clone()));
    }
    for (name, categories) in
        [("only", &terms.categories_allowed), ("never", &terms.categories_denied), ("about", &terms.about)]
    {
        for category in categories {
            say(name, Some(category.code().to_owned()));
        }
    }
    for wish in &terms.wishes {
        say("wish", Some(wish.clone()));
    }
    say("from", terms.from.map(at));
    match terms.end {
        End::At(end) => say("until", Some(at(end))),
        End::Open => say("open-ended", Some(String::new())),
        End::Unsaid => {}
    }
    say(
        "trigger",
        terms.trigger.map(|trigger| match trigger {
            Trigger::AtOrBelow(price) => format!("<= {}", sum(price)),
            Trigger::AtOrAbove(price) => format!(">= {}", sum(price)),
        }),
    );
    say(
        "then",
        terms.trigger_action.map(|action| match action {
            TriggerAction::Buy => "buy".to_owned(),
            TriggerAction::NotifyAndConfirm => "notify".to_owned(),
        }),
    );
    say(
        "mode",
        terms.mode.map(|mode| match mode {
            Mode::Specified => "specified".to_owned(),
            Mode::Bounded => "bounded".to_owned(),
        }),
    );
    say("tolerance", terms.tolerance.map(|percent| percent.to_string()));
    say(
        "deviation",
        terms.on_deviation.map(|action| match action {
            OnDeviation::PauseAndNotify => "pause".to_owned(),
            OnDeviation::AutoCancel => "cancel".to_owned(),
        }),
    );
    say(
        "failure",
        terms.on_failure.map(|action| match action {
            OnFailure::Retry(count) => format!("retry {count}"),
            OnFailure::Cancel => "cancel".to_owned(),
        }),
    );
    say("by", terms.deliver_by.map(at));
    say("to", terms.deliver_to.clone());
    say("after", terms.not_before.map(|time| time.strftime("%H:%M").to_string()));
    say("before", terms.not_after.map(|time| time.strftime("%H:%M").to_string()));
    say("goal", terms.goal.clone());
    for question in draft.questions() {
        say("ask", Some(format!("{} {}", question.code, question.quotes.join(" | "))));
    }
    facts.sort();
    facts
}

fn window(window: Window) -> String {
    match window {
        Window::Calendar(Period::Day) => "day".to_owned(),
        Window::Calendar(Period::Week) => "week".to_owned(),
        Window::Calendar(Period::Month) => "month".to_owned(),
        Window::Rolling { seconds } => format!("rolling {seconds}"),
    }
}
