//! The draft: what a sentence and the answers after it say, and what they leave open.

use crate::assembly;
use crate::atom::atoms;
use crate::category::Category;
use crate::decimal::Decimal;
use crate::grammar;
use crate::lexer::lex;
use crate::money::Currency;
use crate::question::Question;
use crate::reading::{Doubt, Meaning, Mode, OnDeviation, OnFailure, Reading, Trigger, TriggerAction};
use crate::sense::Window;
use crate::text::{self, Language, Refusal, Span};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

/// What a sentence is read against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The moment that "tomorrow" is seen from.
    pub now: Timestamp,
    /// The zone that days begin in.
    pub zone: TimeZone,
    /// The wallet's currency: that of an amount which names none.
    pub currency: Currency,
}

/// What was understood of a sentence and its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub(crate) context: Context,
    pub(crate) language: Language,
    /// The sentence, then every answer.
    pub(crate) texts: Vec<String>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) terms: Terms,
    pub(crate) questions: Vec<Question>,
}

/// What the texts settle. Amounts are in whole units of [`currency`](Terms::currency), bounds are inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What to buy, in the owner's words.
    pub goal: Option<String>,
    /// The categories that the goal names. They restrict nothing by themselves.
    pub about: Vec<Category>,
    /// `None` while it is in question.
    pub currency: Option<Currency>,
    /// The most one payment may be.
    pub per_payment: Option<Decimal>,
    /// The least one payment may be. No mandate holds this; it is the agent's to keep.
    pub per_payment_min: Option<Decimal>,
    /// The most that may be spent in all.
    pub total: Option<Decimal>,
    /// The most that may be spent in each window.
    pub windows: Vec<(Window, Decimal)>,
    /// How many payments.
    pub uses: Option<u32>,
    /// How many payments in each window.
    pub velocities: Vec<(Window, u32)>,
    /// How many pieces of what is bought. No mandate holds this.
    pub pieces: Option<u32>,
    /// Payments above this ask first.
    pub ask_above: Option<Decimal>,
    /// Every payment asks first.
    pub ask_always: bool,
    /// A payee that was never paid before asks first.
    pub ask_first_contact: bool,
    /// Only these merchants, by the names the owner used; whoever grants the mandate finds out who they are.
    pub payees_allowed: Vec<String>,
    /// Not these merchants.
    pub payees_denied: Vec<String>,
    /// Only these categories.
    pub categories_allowed: Vec<Category>,
    /// Not these categories.
    pub categories_denied: Vec<Category>,
    /// Not before; `None` for at once.
    pub from: Option<Timestamp>,
    /// Until when.
    pub end: End,
    /// A price to wait for. No mandate holds this; the task does.
    pub trigger: Option<Trigger>,
    /// What happens at that price.
    pub trigger_action: Option<TriggerAction>,
    /// Whether the target is fixed, where the sentence says so or one purchase follows from it.
    pub mode: Option<Mode>,
    /// How far the price may be from the one shown, in percent.
    pub tolerance: Option<Decimal>,
    /// What happens when it is further.
    pub on_deviation: Option<OnDeviation>,
    /// What happens when a payment fails.
    pub on_failure: Option<OnFailure>,
    /// When it has to be delivered, at the latest.
    pub deliver_by: Option<Timestamp>,
    /// Where it has to be delivered, in the owner's words.
    pub deliver_to: Option<String>,
    /// What is bought takes place no earlier in the day.
    pub not_before: Option<Time>,
    /// What is bought takes place no later in the day.
    pub not_after: Option<Time>,
    /// Other things about the goods that the agent has to keep.
    pub wishes: Vec<String>,
}

/// Until when payments may be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// Nothing says so; what may be spent in all is bounded otherwise.
    #[default]
    Unsaid,
    /// Until this moment, exclusive.
    At(Timestamp),
    /// Until the owner ends it, as the owner said when asked.
    Open,
}

impl Terms {
    /// An amount in smallest units of the currency, or `None` while the currency is in question.
    pub fn minor(&self, amount: Decimal) -> Option<u128> {
        amount.minor(self.currency?.scale())
    }
}

/// Reads a sentence.
///
/// Errors: [`Refusal`] where it cannot be read at all. A sentence that says nothing of limits is a draft with
/// questions.
pub fn compile(sentence: &str, context: &Context) -> Result<Draft, Refusal> {
    text::check(sentence)?;
    let said = grammar::read(sentence, 0, context);
    let draft = Draft {
        context: context.clone(),
        language: text::language(sentence),
        texts: vec![sentence.to_owned()],
        readings: said.readings,
        doubts: said.doubts,
        terms: Terms::default(),
        questions: Vec::new(),
    };
    Ok(assembly::assemble(draft))
}

impl Draft {
    /// What is settled.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What is open, in the order to ask it in.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// Whether nothing is open. Only such a draft may be shown for confirmation.
    pub fn is_settled(&self) -> bool {
        self.questions.is_empty()
    }

    /// What was understood, and from which words; the same words may say two things.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// The words that were not understood. Each is in a question.
    pub fn not_understood(&self) -> Vec<Span> {
        self.doubts.iter().map(|doubt| doubt.span).collect()
    }

    /// The sentence, then every answer that was taken.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The words at a span.
    pub fn words(&self, span: Span) -> &str {
        self.texts.get(span.text).and_then(|text| text.get(span.from..span.to)).unwrap_or_default()
    }

    /// The language that most of the sentence is in.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The zone that the draft's days begin in.
    pub fn zone(&self) -> &TimeZone {
        &self.context.zone
    }

    pub(crate) fn find<T>(&self, of: impl Fn(&Meaning) -> Option<T>) -> Vec<(T, Span)> {
        self.readings
            .iter()
            .filter_map(|reading| of(&reading.meaning).map(|found| (found, reading.span)))
            .collect()
    }
}

/// The one amount that a text spells, such as `1.5k` or `三块五`, in whole units; `None` where it spells none or two.
///
/// What [`Meaning::amount`] says of a reading is what this says of the reading's words.
pub fn amount_in(text: &str) -> Option<Decimal> {
    let mut found = None;
    for atom in atoms(&lex(text, 0), DateTime::MIN) {
        match (found, atom.kind.value()) {
            (None, Some(value)) => found = Some(value),
            (Some(_), Some(_)) => return None,
            (_, None) => {}
        }
    }
    found
}
