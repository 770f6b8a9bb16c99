//! Takes an answer: what it says replaces what was asked about, and nothing else.

use crate::assembly::assemble;
use crate::atom::atoms;
use crate::category::Category;
use crate::decimal::Decimal;
use crate::draft::{Context, Draft};
use crate::grammar::{self, Reply, Statement};
use crate::lexer::lex;
use crate::limits::{ANSWERS_MAX, COUNT_MAX, RETRIES_MAX};
use crate::money::Currency;
use crate::question::{Code, Question};
use crate::reading::{Matter, Meaning, OnFailure, Reading, Scope, TriggerAction};
use crate::sense;
use crate::text::{self, Refusal, Span};
use jiff::Timestamp;
use jiff::civil::DateTime;

/// What an answer does to a draft.
struct Change {
    /// What takes the place of the words asked about.
    add: Vec<Reading>,
    /// What the words asked about said so far, and say no more.
    drop: Drop,
}

enum Drop {
    /// Only the doubt itself.
    Doubt,
    /// The readings with these spans that one of the added ones replaces.
    Replaced,
    /// The readings with these spans of the question.
    Readings(Vec<Reading>),
}

impl Draft {
    /// The draft with a question answered, seen from `now`; everything that was settled stays as it was.
    ///
    /// An answer is read for what the question asks and may say no more than that: one that says anything else is no
    /// answer, and the draft stays as it is. Errors: [`Refusal`].
    pub fn answer(&self, question: &Question, text: &str, now: Timestamp) -> Result<Draft, Refusal> {
        text::check(text)?;
        if !self.questions.contains(question) {
            return Err(Refusal::NotAsked);
        }
        if ANSWERS_MAX < self.texts.len() {
            return Err(Refusal::TooManyAnswers);
        }
        let number = self.texts.len();
        let context = Context { now, ..self.context.clone() };
        let said = grammar::read_answer(text, number, &context);
        let change = self.change(question, &said, text, number).ok_or(Refusal::NotAnAnswer)?;
        let mut draft = self.clone();
        draft.context = context;
        draft.texts.push(text.to_owned());
        draft.doubts.retain(|doubt| {
            let is_it = doubt.code == question.code && question.spans.contains(&doubt.span);
            let is_currency = matches!(doubt.matter, Matter::Currencies(_))
                && matches!(question.matter, Matter::Currencies(_));
            !(is_it || is_currency)
        });
        match &change.drop {
            Drop::Doubt => {}
            Drop::Replaced => draft.readings.retain(|reading| {
                let replaced = change.add.iter().any(|new| is_same_kind(&reading.meaning, &new.meaning));
                !(replaced && question.spans.contains(&reading.span))
            }),
            Drop::Readings(gone) => draft.readings.retain(|reading| !gone.contains(reading)),
        }
        draft.readings.extend(change.add);
        Ok(assemble(draft))
    }

    fn change(&self, question: &Question, said: &Statement, text: &str, number: usize) -> Option<Change> {
        let words = question.spans.first().copied();
        let kept = |meaning: Meaning| {
            words.map(|span| Change { add: vec![Reading::new(meaning, span)], drop: Drop::Doubt })
        };
        let added = |add: Option<Vec<Reading>>| add.map(|add| Change { add, drop: Drop::Doubt });
        let replaced = |add: Option<Vec<Reading>>| add.map(|add| Change { add, drop: Drop::Replaced });
        match question.code {
            Code::Override => (said.replies == [Reply::LeaveOut]).then(|| kept(Meaning::LeftOut)).flatten(),
            Code::CeilingMissing
            | Code::TotalMissing
            | Code::AmountVague
            | Code::AmountUnclear
            | Code::AmountZero => added(amounts(said, question.scope())),
            Code::AmountUnreadable => replaced(amounts(said, question.scope())),
            Code::AmountRole | Code::AmountScope | Code::WindowUnsupported | Code::NumberUnclear => {
                self.role(question, said, words?)
            }
            Code::EndMissing => added(only(said, |meaning| {
                matches!(meaning, Meaning::Until(_) | Meaning::From(_) | Meaning::OpenEnded)
            })),
            Code::DateUnclear | Code::EndBeforeStart | Code::EndPast => {
                replaced(dates(said, &question.matter))
            }
            Code::GoalMissing => added(only(said, |meaning| {
                matches!(meaning, Meaning::Goal | Meaning::About(_) | Meaning::OneErrand | Meaning::Pieces(_))
            })),
            Code::ActionMissing => {
                let action = match said.replies.as_slice() {
                    [Reply::Buy] => TriggerAction::Buy,
                    [Reply::Notify] => TriggerAction::NotifyAndConfirm,
                    _ => return None,
                };
                let span = Span { text: number, from: 0, to: text.len() };
                Some(Change {
                    add: vec![Reading::new(Meaning::TriggerAction(action), span)],
                    drop: Drop::Doubt,
                })
            }
            Code::CurrencyAmbiguous | Code::CurrencyConflict => self.currency(question, text, number),
            Code::SaidTwice | Code::LimitAboveLimit => replaced(self.again(question, said)),
            Code::AskUnreachable => {
                if said.replies == [Reply::LeaveOut] {
                    return Some(Change { add: Vec::new(), drop: Drop::Readings(self.at(question)) });
                }
                replaced(amounts(said, Scope::AskAbove))
            }
            Code::PayeeConflict | Code::CategoryConflict => self.verdict(question, said),
            Code::PayeeUnclear => match (&question.matter, said.replies.as_slice()) {
                (Matter::Name(name), [Reply::Merchant]) => kept(Meaning::PayeeAllowed(name.clone())),
                (_, [Reply::Product]) => kept(Meaning::Goal),
                (_, [Reply::LeaveOut]) => kept(Meaning::LeftOut),
                (_, _) => None,
            },
            Code::ThingUnclear => thing(question, said, words?),
            Code::CountUnclear => added(counts(said, &question.matter)),
            Code::Vague | Code::NotUnderstood | Code::TimeUnclear => {
                if said.replies == [Reply::LeaveOut] {
                    return kept(Meaning::LeftOut);
                }
                added(only(said, |meaning| !matches!(meaning, Meaning::Goal | Meaning::LeftOut)))
            }
        }
    }

    /// What an amount or a number of the sentence is, by a short word or by saying it anew.
    fn role(&self, question: &Question, said: &Statement, span: Span) -> Option<Change> {
        if said.replies == [Reply::Product] {
            return Some(Change { add: vec![Reading::new(Meaning::Goal, span)], drop: Drop::Doubt });
        }
        if said.replies == [Reply::LeaveOut] && question.code == Code::NumberUnclear {
            return Some(Change { add: vec![Reading::new(Meaning::LeftOut, span)], drop: Drop::Doubt });
        }
        let Matter::Amount(amount) = question.matter else {
            let add = only(said, |meaning| !matches!(meaning, Meaning::Goal | Meaning::LeftOut))?;
            return Some(Change { add, drop: Drop::Doubt });
        };
        let gone =
            self.at(question).into_iter().filter(|reading| matches!(reading.meaning, Meaning::Most(_)));
        let drop = Drop::Readings(gone.collect());
        if !said.replies.is_empty() {
            let mut scopes = said
                .replies
                .iter()
                .filter_map(|reply| if let Reply::Scope(scope) = reply { Some(*scope) } else { None });
            let scope = scopes.next();
            let is_plain = said.replies.iter().all(|reply| matches!(reply, Reply::Scope(_) | Reply::Yes))
                && scopes.next().is_none();
            let is_yes_enough = question.code == Code::AmountRole;
            let scope = scope.or(is_yes_enough.then_some(Scope::Open)).filter(|_| is_plain)?;
            // The doubt reaches over the words around the amount; the amount itself stands inside.
            let literal = self.literal(span, amount)?;
            let reading = Reading { meaning: scope.of(amount), span: literal, whole: span };
            return Some(Change { add: vec![reading], drop });
        }
        amounts(said, Scope::Open).map(|add| Change { add, drop })
    }

    /// Where an amount stands literally inside a span.
    fn literal(&self, span: Span, amount: Decimal) -> Option<Span> {
        let tokens = lex(self.texts.get(span.text)?, span.text);
        let inside = atoms(&tokens, DateTime::MIN).into_iter().find(|atom| {
            atom.kind.value() == Some(amount) && span.from <= atom.span.from && atom.span.to <= span.to
        });
        inside.map(|atom| atom.span)
    }

    fn at(&self, question: &Question) -> Vec<Reading> {
        let same = |reading: &&Reading| question.spans.contains(&reading.span);
        self.readings.iter().filter(same).cloned().collect()
    }

    /// A currency chosen among those in question. Amounts in another one that the owner wrote out go.
    fn currency(&self, question: &Question, text: &str, number: usize) -> Option<Change> {
        let Matter::Currencies(candidates) = &question.matter else {
            return None;
        };
        let tokens = lex(text, number);
        let named = sense::currency(&tokens, 0).or_else(|| match sense::unit(&tokens, 0) {
            Some((sense::Unit::Money(word), next)) => Some((word, next)),
            Some(_) | None => None,
        });
        let chosen = match named.filter(|(_, next)| *next == tokens.len()) {
            Some((word, _)) => match word.candidates(self.context.currency).as_slice() {
                [only] => *only,
                _ => return None,
            },
            None => Currency::new(&text.trim().to_uppercase())?,
        };
        if !candidates.contains(&chosen) {
            return None;
        }
        let other =
            |reading: &&Reading| matches!(reading.meaning, Meaning::Currency(currency) if currency != chosen);
        let others: Vec<Span> = self.readings.iter().filter(other).map(|reading| reading.span).collect();
        let is_of_other = |reading: &&Reading| {
            others.iter().any(|span| {
                span.text == reading.span.text && reading.span.from <= span.from && span.to <= reading.span.to
            })
        };
        let gone = self.readings.iter().filter(is_of_other).cloned().collect();
        let span = Span { text: number, from: 0, to: text.len() };
        Some(Change { add: vec![Reading::new(Meaning::Currency(chosen), span)], drop: Drop::Readings(gone) })
    }

    /// One of the contradicting things, said anew.
    fn again(&self, question: &Question, said: &Statement) -> Option<Vec<Reading>> {
        let before = self.at(question);
        let scope = question.scope();
        let add: Vec<Reading> = amounts(said, scope).or_else(|| {
            only(said, |meaning| before.iter().any(|reading| is_same_kind(&reading.meaning, meaning)))
        })?;
        let fits = |new: &Reading| {
            matches!(new.meaning, Meaning::Currency(_))
                || before.iter().any(|old| is_same_kind(&old.meaning, &new.meaning))
        };
        add.iter().all(fits).then_some(add)
    }

    fn verdict(&self, question: &Question, said: &Statement) -> Option<Change> {
        let is_refusal =
            |meaning: &Meaning| matches!(meaning, Meaning::PayeeDenied(_) | Meaning::CategoryDenied(_));
        let keep_refusal = match said.replies.as_slice() {
            [Reply::Allow] => false,
            [Reply::Refuse] => true,
            _ => return None,
        };
        let gone =
            self.at(question).into_iter().filter(|reading| is_refusal(&reading.meaning) != keep_refusal);
        let gone = gone.filter(|reading| {
            matches!(
                reading.meaning,
                Meaning::PayeeAllowed(_)
                    | Meaning::PayeeDenied(_)
                    | Meaning::CategoryAllowed(_)
                    | Meaning::CategoryDenied(_)
                    | Meaning::About(_)
            )
        });
        Some(Change { add: Vec::new(), drop: Drop::Readings(gone.collect()) })
    }
}

/// The readings of an answer, if it says nothing but what `fits` and leaves nothing open.
fn only(said: &Statement, fits: impl Fn(&Meaning) -> bool) -> Option<Vec<Reading>> {
    let is_fit = said.doubts.is_empty()
        && said.replies.is_empty()
        && !said.readings.is_empty()
        && said.readings.iter().all(|reading| fits(&reading.meaning));
    is_fit.then(|| said.readings.clone())
}

/// The amounts of an answer, in the role that was asked for; a role the answer names has to be that one.
fn amounts(said: &Statement, scope: Scope) -> Option<Vec<Reading>> {
    let is_amount = |meaning: &Meaning| {
        matches!(
            meaning,
            Meaning::PerPayment(_)
                | Meaning::Total(_)
                | Meaning::InWindow(..)
                | Meaning::Most(_)
                | Meaning::Currency(_)
                | Meaning::AskAbove(_)
        )
    };
    let readings = only(said, is_amount)?;
    if !readings.iter().any(|reading| reading.meaning.amount().is_some()) {
        return None;
    }
    readings
        .into_iter()
        .map(|Reading { meaning, span, whole }| {
            let meaning = match (&meaning, scope) {
                (Meaning::Most(amount), _) => scope.of(*amount),
                (Meaning::Currency(_), _) => meaning,
                (Meaning::AskAbove(_), Scope::Open) => return None,
                (_, Scope::Open) => meaning,
                (_, _) => meaning
                    .amount()
                    .filter(|amount| scope.of(*amount) == meaning)
                    .map(|amount| scope.of(amount))?,
            };
            Some(Reading { meaning, span, whole })
        })
        .collect()
}

fn dates(said: &Statement, matter: &Matter) -> Option<Vec<Reading>> {
    let readings = only(said, |meaning| {
        matches!(meaning, Meaning::Until(_) | Meaning::From(_) | Meaning::DeliverBy(_))
    })?;
    let found: Vec<Reading> = readings
        .into_iter()
        .filter_map(|Reading { meaning, span, whole }| {
            let meaning = match (meaning, matter) {
                (Meaning::From(at), Matter::Begins) => Meaning::From(at),
                (Meaning::Until(at) | Meaning::DeliverBy(at), Matter::Delivery) => Meaning::DeliverBy(at),
                (Meaning::Until(at), Matter::Ends) => Meaning::Until(at),
                (_, _) => return None,
            };
            Some(Reading { meaning, span, whole })
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

fn counts(said: &Statement, matter: &Matter) -> Option<Vec<Reading>> {
    let readings = only(said, |meaning| {
        matches!(meaning, Meaning::Uses(_) | Meaning::Velocity(..) | Meaning::Most(_) | Meaning::OnFailure(_))
    })?;
    let is_retry = *matter == Matter::Retries;
    readings
        .into_iter()
        .map(|Reading { meaning, span, whole }| {
            let number = meaning.amount().and_then(|amount| amount.count(COUNT_MAX));
            let count = if let Meaning::Uses(count) = meaning { Some(count) } else { number };
            let meaning = if is_retry {
                let count = count.filter(|count| *count <= RETRIES_MAX);
                count.map(|count| Meaning::OnFailure(OnFailure::Retry(count))).unwrap_or(meaning)
            } else {
                count.filter(|count| 0 < *count).map(Meaning::Uses).unwrap_or(meaning)
            };
            let is_rate = matches!(meaning, Meaning::Uses(_) | Meaning::Velocity(..));
            let fits = if is_retry { matches!(meaning, Meaning::OnFailure(_)) } else { is_rate };
            if !fits {
                return None;
            }
            Some(Reading { meaning, span, whole })
        })
        .collect()
}

/// What is to be avoided, or the only thing wanted: a merchant, a category, or something about the goods.
fn thing(question: &Question, said: &Statement, span: Span) -> Option<Change> {
    let kept = |meaning: Meaning| Some(Change { add: vec![Reading::new(meaning, span)], drop: Drop::Doubt });
    let is_only = matches!(question.matter, Matter::Require(_));
    let (Matter::Avoid(words) | Matter::Require(words)) = &question.matter else {
        return None;
    };
    match said.replies.as_slice() {
        [Reply::Merchant] if is_only => return kept(Meaning::PayeeAllowed(words.clone())),
        [Reply::Merchant] => return kept(Meaning::PayeeDenied(words.clone())),
        [Reply::Product] => return kept(Meaning::Wish(question.quotes.first()?.clone())),
        [Reply::LeaveOut] => return kept(Meaning::LeftOut),
        _ => {}
    }
    let readings = only(said, |meaning| matches!(meaning, Meaning::About(_) | Meaning::Goal))?;
    let named: Vec<(Category, Span)> = readings
        .iter()
        .filter_map(|reading| {
            if let Meaning::About(category) = reading.meaning { Some((category, reading.span)) } else { None }
        })
        .collect();
    let is_category = readings.iter().all(|reading| {
        reading.meaning != Meaning::Goal || named.iter().any(|(_, span)| *span == reading.span)
    });
    let of = |(category, span): (Category, Span)| {
        let meaning =
            if is_only { Meaning::CategoryAllowed(category) } else { Meaning::CategoryDenied(category) };
        Reading::new(meaning, span)
    };
    let add: Vec<Reading> = named.into_iter().map(of).collect();
    (is_category && !add.is_empty()).then_some(Change { add, drop: Drop::Doubt })
}

/// Whether one meaning takes the place of the other.
fn is_same_kind(a: &Meaning, b: &Meaning) -> bool {
    let window = |meaning: &Meaning| {
        if let Meaning::InWindow(window, _) | Meaning::Velocity(window, _) = meaning {
            Some(*window)
        } else {
            None
        }
    };
    let is_total = |meaning: &Meaning| matches!(meaning, Meaning::Total(_) | Meaning::Most(_));
    (std::mem::discriminant(a) == std::mem::discriminant(b) && window(a) == window(b))
        || (is_total(a) && is_total(b))
}
