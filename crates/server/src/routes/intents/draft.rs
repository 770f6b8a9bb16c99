//! What an owner said as it stands: read again from the words and the answers each time, so that only those are kept.
//!
//! The compiler reads the words; here its terms meet the wallet they would spend from. A merchant's name becomes a
//! registered payee or a question, an amount in another currency becomes a question, and so does whatever a credential
//! has to state and the words do not.

use super::question::{self, Own, language_of};
use crate::codes::Edge;
use crate::convert::{id, limits_text};
use crate::limits::{CREDENTIAL_DAYS, ERRAND_DAYS, NAMESAKES_MAX};
use crate::problem::{Answered, Problem};
use crate::state::State;
use book::freeze::Status;
use book::{Amount, Asset, Code, Limit, PayeeId, Period, Reject, Time, WalletId, Window, Zone};
use engine::View;
use intent::{Decimal, End, Language, Mode, OnDeviation, OnFailure, Terms, TriggerAction};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use protocols::act::intent::{
    AgentBehavior, Commerce, ConversationHistory, DelegationMode, Draft, Extension, Fulfillment, InputModes,
    IntentStructuringResult, PaymentFailureAction, PriceDeviationAction, UserIntent,
};
use protocols::act::{AmountNumber, Currency, Identifier, Opaque, Percent, Sentence, UtcTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::act::{AgentQuestion, IntentQuestion, NewIntent};

/// What is kept of an intent: what was asked for, and each answer with the moment it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What was asked for.
    pub intent: NewIntent,
    /// When, in nanoseconds since 1970.
    pub made_at: u64,
    /// The agent that drew it up; none where the owner did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<wire::AgentId>,
    /// Each answer that was taken.
    pub answers: Vec<Reply>,
    /// What the agent wants to know besides.
    #[serde(default)]
    pub asked: Vec<AgentQuestion>,
}

/// An answer that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The question's id.
    pub question: String,
    /// The words.
    pub answer: String,
    /// When, in nanoseconds since 1970.
    pub at: u64,
    /// The agent that gave it; none where the owner did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<wire::AgentId>,
}

/// What was understood.
#[derive(Clone, Debug)]
pub struct Understood {
    /// The rules, as far as they are known.
    pub draft: Draft,
    /// The limits that a mandate would have.
    pub limits: Vec<Limit>,
    /// What is open.
    pub questions: Vec<IntentQuestion>,
    /// Every term in plain words.
    pub summary: Vec<String>,
    /// What the credential states beside them: names, times, mode, the total.
    pub particulars: Vec<String>,
}

/// What is private to us in the rules: it is under their digest, so nothing that was agreed to can change.
#[derive(Serialize)]
struct Private<'a> {
    wallet: wire::WalletId,
    limits: Vec<wire::limit::Limit>,
    goal: Option<&'a str>,
    about: Vec<&'a str>,
    wishes: &'a [String],
}

/// Reads an intent against the book as `view` shows it.
///
/// # Errors
/// [`Edge::IntentMalformed`] where the words cannot be read at all.
pub(crate) fn understand(app: &State, view: &View, said: &Said) -> Answered<Understood> {
    let wallet = WalletId(id(said.intent.wallet.0));
    let asset = view.wallet(wallet)?.ok_or_else(|| Problem::from(Reject::WalletUnknown))?.asset;
    let mut reading = Reading::of(said, asset)?;
    let language = reading.language;
    let terms = reading.terms.clone();

    let mut merchants = Vec::new();
    let mut find = |reading: &mut Reading, names: &[String]| -> Answered<Vec<PayeeId>> {
        let mut found = Vec::new();
        for name in names {
            match merchant(app, view, asset, name, &reading.answers)? {
                Merchant::Is(payee) => {
                    merchants.push((name.clone(), payee));
                    found.push(payee);
                }
                Merchant::Unknown => reading.own.push(Own::MerchantUnknown(name.clone())),
                Merchant::Several(ids) => reading.own.push(Own::MerchantAmbiguous(name.clone(), ids)),
            }
        }
        Ok(found)
    };
    let allowed = find(&mut reading, &terms.payees_allowed)?;
    let denied = find(&mut reading, &terms.payees_denied)?;

    for asked in &said.asked {
        let own = Own::Agent(asked.clone());
        let answer = reading
            .answers
            .get(&own.name())
            .filter(|answer| asked.suggestions.is_empty() || asked.suggestions.contains(answer));
        match answer {
            Some(answer) => reading.told.push(format!("{} {answer}", asked.question)),
            None => reading.own.push(own),
        }
    }

    let window = reading.window();
    let limits = reading.limits(&allowed, &denied);
    let isr = reading.rules(said, (&allowed, &denied), &limits, window)?;
    let draft = Draft::of(isr, &InputModes::default()).map_err(|fault| malformed(&fault))?;

    let mut questions = reading.questions.clone();
    questions.extend(reading.own.iter().map(|own| own.show(language)));
    if questions.is_empty() {
        let open = draft.questions();
        questions.extend(open.iter().map(|open| question::of_rules(open, language)));
    }
    let merchants = merchants.iter().map(|(name, payee)| format!("{name} = {payee}"));
    let told = reading.told.iter().cloned();
    let closing = question::closing_lines(&draft, said, &reading.zone, language);
    let particulars = merchants.chain(told).chain(closing).collect();
    Ok(Understood { draft, limits, questions, summary: reading.summary.clone(), particulars })
}

/// The sentence and its answers, as the compiler reads them.
struct Reading {
    language: Language,
    asset: Asset,
    made_at: Time,
    zone: TimeZone,
    terms: Terms,
    mode: Option<Mode>,
    total: Option<Decimal>,
    answers: BTreeMap<String, String>,
    questions: Vec<IntentQuestion>,
    own: Vec<Own>,
    /// What the agent asked, with the answers.
    told: Vec<String>,
    summary: Vec<String>,
}

impl Reading {
    fn of(said: &Said, asset: Asset) -> Answered<Reading> {
        let intent::Context { zone, currency, .. } = context(&said.intent, asset, said.made_at)?;
        let context = |at: u64| context(&said.intent, asset, at);
        let words = words(&said.intent)?;
        let stated = said.intent.language.as_deref().map(language_of);
        let mut draft = match &words {
            Some(words) => {
                let language = stated.unwrap_or(Language::English);
                let read = intent::compile(words, &context(said.made_at)?);
                Some(read.map_err(|refusal| unread(refusal, language))?)
            }
            None => None,
        };
        let language = stated.or(draft.as_ref().map(intent::Draft::language)).unwrap_or(Language::English);
        let mut answers = BTreeMap::new();
        for answer in &said.answers {
            if Own::is_one(&answer.question) {
                answers.insert(answer.question.clone(), answer.answer.clone());
                continue;
            }
            let now = context(answer.at)?.now;
            let taken = draft.as_ref().and_then(|draft| {
                let open = draft.questions().iter().find(|open| question::name(open) == answer.question)?;
                Some(draft.answer(open, &answer.answer, now))
            });
            let taken = taken.unwrap_or(Err(intent::Refusal::NotAsked));
            draft = Some(taken.map_err(|refusal| unread(refusal, language))?);
        }
        let terms = draft.as_ref().map(|draft| draft.terms().clone()).unwrap_or_default();
        let questions: Vec<IntentQuestion> = draft
            .iter()
            .flat_map(|draft| draft.questions())
            .map(|open| question::of_compiler(open, language))
            .collect();
        let mut own = Vec::new();
        if terms.currency.is_some_and(|named| named != currency) {
            own.push(Own::CurrencyOther(currency.code().to_owned()));
        }
        let stated = said.intent.delegation_mode.as_deref().and_then(mode_of);
        let answered = answers.get(question::MODE).map(String::as_str).and_then(mode_of);
        let mode = terms.mode.or(answered).or(stated);
        let total =
            terms.total.or_else(|| answers.get(question::TOTAL).and_then(|text| intent::amount_in(text)));
        let total = total.filter(|total| !total.is_zero() && total.minor(asset.scale).is_some());
        if questions.is_empty() && mode.is_none() {
            own.push(Own::Mode);
        }
        if questions.is_empty() && total.is_none() {
            own.push(Own::Total(currency.code().to_owned()));
        }
        let summary = draft.map(|draft| draft.summary(language)).unwrap_or_default();
        let summary = summary.lines().map(str::to_owned).collect();
        let made_at = Time(said.made_at);
        let told = Vec::new();
        Ok(Reading {
            language,
            asset,
            made_at,
            zone,
            terms,
            mode,
            total,
            answers,
            questions,
            own,
            told,
            summary,
        })
    }

    /// From when until when. What nobody bounds in time is a matter of days where it is one errand, of a year where the
    /// owner wants to end it: a credential has to end.
    fn window(&self) -> (Time, Time) {
        let at = |moment: Timestamp| Time(u64::try_from(moment.as_nanosecond()).unwrap_or(0));
        let start = self.terms.from.map_or(self.made_at, at);
        let end = match self.terms.end {
            End::At(end) => at(end),
            End::Open => start.after(days(CREDENTIAL_DAYS)),
            End::Unsaid => start.after(days(ERRAND_DAYS)),
        };
        (start, end)
    }

    fn amount(&self, amount: Decimal) -> Option<Amount> {
        Amount::new(amount.minor(self.asset.scale)?)
    }

    fn limits(&self, allowed: &[PayeeId], denied: &[PayeeId]) -> Vec<Limit> {
        let terms = &self.terms;
        let mut limits = Vec::new();
        let mut add = |limit: Option<Limit>| limits.extend(limit);
        let zone = self.zone.iana_name().and_then(Zone::new);
        let amount = |amount: Option<Decimal>| amount.and_then(|amount| self.amount(amount));
        add(amount(self.total).map(|max| Limit::Total { max }));
        add(amount(terms.per_payment).map(|max| Limit::PerPayment { max }));
        for (span, most) in &terms.windows {
            let span = window_of(*span, zone);
            add(span.zip(self.amount(*most)).map(|(window, max)| Limit::Window { window, max }));
        }
        add(terms.uses.map(|max| Limit::Uses { max: max.into() }));
        for (span, max) in &terms.velocities {
            add(window_of(*span, zone).map(|window| Limit::Velocity { window, max: *max }));
        }
        add((!allowed.is_empty()).then(|| Limit::PayeesAllowed { payees: allowed.to_vec() }));
        add((!denied.is_empty()).then(|| Limit::PayeesDenied { payees: denied.to_vec() }));
        let codes = |list: &[intent::Category]| -> Vec<Code> {
            list.iter().filter_map(|category| Code::new(category.code())).collect()
        };
        let (only, never) = (codes(&terms.categories_allowed), codes(&terms.categories_denied));
        add((!only.is_empty()).then_some(Limit::CategoriesAllowed { categories: only }));
        add((!never.is_empty()).then_some(Limit::CategoriesDenied { categories: never }));
        add(amount(terms.ask_above).map(|amount| Limit::AskAbove { amount }));
        add(terms.ask_first_contact.then_some(Limit::AskFirstContact));
        let confirms = terms.trigger_action == Some(TriggerAction::NotifyAndConfirm);
        add((terms.ask_always || confirms).then_some(Limit::AskAlways));
        limits
    }

    fn rules(
        &self,
        said: &Said,
        (allowed, denied): (&[PayeeId], &[PayeeId]),
        limits: &[Limit],
        (start, end): (Time, Time),
    ) -> Answered<IntentStructuringResult> {
        let terms = &self.terms;
        let number = |amount: Option<Decimal>| amount.and_then(hundredths);
        let names = |list: &[PayeeId]| -> Option<Vec<Identifier>> {
            let names: Vec<_> = list.iter().map(|payee| identifier(&payee.to_string())).collect();
            (!names.is_empty()).then_some(names)
        };
        let kinds = |list: &[intent::Category]| -> Option<Vec<Identifier>> {
            let kinds: Vec<_> = list.iter().map(|kind| identifier(kind.code())).collect();
            (!kinds.is_empty()).then_some(kinds)
        };
        let private = Private {
            wallet: said.intent.wallet,
            limits: limits_text(limits),
            goal: terms.goal.as_deref(),
            about: terms.about.iter().map(|category| category.code()).collect(),
            wishes: &[terms.wishes.clone(), self.told.clone()].concat(),
        };
        let private = serde_json::json!({ "tollbridge": private }).to_string();
        let deliver_by = terms.deliver_by.and_then(|by| Sentence::parse(by.to_string()).ok());
        let deliver_to = terms.deliver_to.as_deref().and_then(|place| Identifier::parse(place).ok());
        let (failure, retries) = match terms.on_failure {
            Some(OnFailure::Retry(count)) => (Some(PaymentFailureAction::AutoRetry), Some(count.into())),
            Some(OnFailure::Cancel) => (Some(PaymentFailureAction::Cancel), None),
            None => (None, None),
        };
        let extension = Extension {
            commerce: Some(Commerce {
                max_single_amount: number(terms.per_payment),
                min_single_amount: number(terms.per_payment_min),
                allowed_categories: kinds(&terms.categories_allowed),
                forbidden_categories: kinds(&terms.categories_denied),
                allowed_merchants: names(allowed),
                forbidden_merchants: names(denied),
            }),
            agent_behavior: Some(AgentBehavior {
                price_deviation_tolerance: terms.tolerance.and_then(percent),
                price_deviation_action: terms.on_deviation.map(|action| match action {
                    OnDeviation::PauseAndNotify => PriceDeviationAction::PauseAndNotify,
                    OnDeviation::AutoCancel => PriceDeviationAction::AutoCancel,
                }),
                on_payment_failure: failure,
                max_retry_count: retries,
            }),
            fulfillment: (deliver_by.is_some() || deliver_to.is_some()).then(|| Fulfillment {
                delivery_time_requirement: deliver_by,
                delivery_address: deliver_to.map(protocols::act::intent::Address::Reference),
            }),
            vendor_private: Some(Opaque::from_json(&private).map_err(|fault| malformed(&fault))?),
        };
        Ok(IntentStructuringResult {
            intent_id: identifier(&said.intent.id.to_string()),
            conversation_history: history(&said.intent)?,
            delegation_mode: self.mode.map(|mode| match mode {
                Mode::Specified => DelegationMode::Specified,
                Mode::Bounded => DelegationMode::Bounded,
            }),
            validity_start_time: Some(UtcTime::second_of(start)),
            validity_end_time: Some(UtcTime::second_of(end)),
            max_total_amount: number(self.total),
            currency: Some(Currency::parse(self.asset.code.as_str()).map_err(|fault| malformed(&fault))?),
            allowed_payment_methods: None,
            agent_id: Some(identifier(&book::AgentId(id(said.intent.agent.0)).to_string())),
            user_confirmation_method: None,
            user_confirmation_timestamp: None,
            ext: Some(extension),
        })
    }
}

/// Who a merchant's name means.
enum Merchant {
    Is(PayeeId),
    Unknown,
    Several(Vec<PayeeId>),
}

/// Finds out who a name means among the payees that somebody trustworthy vouches for. A similar name is no name.
fn merchant(
    app: &State,
    view: &View,
    asset: Asset,
    name: &str,
    answers: &BTreeMap<String, String>,
) -> Answered<Merchant> {
    let collects = |payee: PayeeId| -> Answered<bool> {
        let row = view.payee(payee)?;
        let fits = |row: engine::views::PayeeRow| {
            row.status == Status::Active && row.asset == asset && row.provenance.is_trusted()
        };
        Ok(row.is_some_and(fits))
    };
    let answered =
        [Own::MerchantUnknown(name.to_owned()), Own::MerchantAmbiguous(name.to_owned(), Vec::new())]
            .iter()
            .find_map(|own| answers.get(&own.name()));
    // A name cannot be left out: the words would still say that it counts.
    if let Some(Ok(payee)) = answered.map(|answer| answer.trim().parse::<PayeeId>())
        && collects(payee)?
    {
        return Ok(Merchant::Is(payee));
    }
    let named = name.parse::<PayeeId>().map(|payee| vec![payee.0]).ok();
    let ids = match named {
        Some(ids) => ids,
        None => {
            let mut fault = None;
            let counts = |id| {
                collects(PayeeId(id)).unwrap_or_else(|problem| {
                    fault = Some(problem);
                    false
                })
            };
            let found =
                app.bodies.labelled(name, NAMESAKES_MAX, counts).map_err(|fault| unreadable(&fault))?;
            fault.map_or(Ok(found), Err)?
        }
    };
    let mut found = Vec::new();
    for payee in ids.into_iter().map(PayeeId) {
        if collects(payee)? {
            found.push(payee);
        }
    }
    Ok(match found.as_slice() {
        [] => Merchant::Unknown,
        [one] => Merchant::Is(*one),
        [..] => Merchant::Several(found),
    })
}

/// The words of an intent; none where only their digest is there.
pub(super) fn words(intent: &NewIntent) -> Answered<Option<String>> {
    let history = history(intent)?;
    let Some(raw) = &history.user_intent_raw else { return Ok(None) };
    if history.user_intent_raw_digest.as_ref().is_some_and(|digest| *digest != raw.digest()) {
        return Err(malformed(&"the digest is not the one of the words"));
    }
    Ok(Some(match raw {
        UserIntent::Text(text) => text.as_str().to_owned(),
        UserIntent::Dialogue(turns) => {
            let of_user = turns.iter().filter(|turn| turn.role.as_str() == "USER");
            of_user.map(|turn| turn.content.as_str()).collect::<Vec<_>>().join("\n")
        }
    }))
}

/// The conversation history in ACT's form.
pub(crate) fn history(intent: &NewIntent) -> Answered<ConversationHistory> {
    let text = serde_json::to_vec(&intent.conversation_history).map_err(|fault| malformed(&fault))?;
    let history = ConversationHistory::from_json(&text).map_err(|fault| malformed(&fault))?;
    history.check_modes(&InputModes::default()).map_err(|fault| malformed(&fault))?;
    Ok(history)
}

/// The currency of a wallet that a credential can speak of: one of ISO 4217 with at most two decimals.
pub(crate) fn currency(asset: Asset) -> Answered<intent::Currency> {
    let known = intent::Currency::new(asset.code.as_str()).filter(|known| known.scale() == asset.scale);
    let spoken = known.filter(|_| asset.scale <= 2 && Currency::parse(asset.code.as_str()).is_ok());
    spoken.ok_or_else(|| Problem::from(Edge::UnitMismatch).of("wallet"))
}

/// What the words of an intent are read against, as of a moment in nanoseconds since 1970.
pub(super) fn context(intent: &NewIntent, asset: Asset, at: u64) -> Answered<intent::Context> {
    let (zone, currency) = (zone(intent.zone.as_deref())?, currency(asset)?);
    let now = Timestamp::from_nanosecond(i128::from(at)).map_err(|fault| malformed(&fault))?;
    Ok(intent::Context { now, zone, currency })
}

fn zone(name: Option<&str>) -> Answered<TimeZone> {
    let name = name.unwrap_or("UTC");
    let malformed = || Problem::from(Edge::TextMalformed).of("zone");
    Zone::new(name).ok_or_else(malformed)?;
    TimeZone::get(name).map_err(|_| malformed())
}

fn window_of(window: intent::Window, zone: Option<Zone>) -> Option<Window> {
    match window {
        intent::Window::Rolling { seconds } => Some(Window::Rolling { seconds }),
        intent::Window::Calendar(period) => {
            let period = match period {
                intent::Period::Day => Period::Day,
                intent::Period::Week => Period::Week,
                intent::Period::Month => Period::Month,
            };
            zone.map(|zone| Window::Calendar { period, zone })
        }
    }
}

fn mode_of(text: &str) -> Option<Mode> {
    match text.trim() {
        "SPECIFIED" | "one fixed purchase" | "单次指定购买" => Some(Mode::Specified),
        "BOUNDED" | "the agent chooses" | "智能体自行选择" => Some(Mode::Bounded),
        _ => None,
    }
}

fn hundredths(amount: Decimal) -> Option<AmountNumber> {
    u64::try_from(amount.minor(2)?).ok().and_then(AmountNumber::new)
}

fn percent(share: Decimal) -> Option<Percent> {
    let hundredths = share.minor(2)?;
    Percent::parse(&format!("{}.{:02}", hundredths / 100, hundredths % 100)).ok()
}

fn days(count: u64) -> u64 {
    Time::from_seconds(count * 86_400).0
}

/// An id or a code as ACT's messages carry it.
pub(crate) fn identifier(text: &str) -> Identifier {
    Identifier::parse(text).expect("an id is a short text")
}

pub(super) fn unread(refusal: intent::Refusal, language: Language) -> Problem {
    Problem::from(Edge::IntentMalformed).because(refusal.text(language))
}

pub(crate) fn malformed(why: &dyn std::fmt::Display) -> Problem {
    Problem::from(Edge::IntentMalformed).because(format!("{why}."))
}

/// The papers fail; what they held is not known now.
pub(crate) fn unreadable(fault: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%fault, "the papers cannot be read");
    Edge::Internal.into()
}
