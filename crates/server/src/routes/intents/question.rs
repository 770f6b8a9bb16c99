//! The questions of an intent: the compiler's, and those that only somebody who knows the book can ask.

use super::draft::Said;
use crate::auth::Kind;
use book::PayeeId;
use intent::{Decimal, Language};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use protocols::act::UtcTime;
use protocols::act::intent::Draft;
use protocols::act::intent::Question as RulesQuestion;
use wire::act::{AgentQuestion, IntentQuestion};

/// Asks how much all payments together may be.
pub(crate) const TOTAL: &str = "CREDENTIAL_TOTAL";

/// Asks whether the target is fixed.
pub(crate) const MODE: &str = "DELEGATION_MODE";

const MERCHANT_UNKNOWN: &str = "MERCHANT_UNKNOWN";
const MERCHANT_AMBIGUOUS: &str = "MERCHANT_AMBIGUOUS";
const CURRENCY_OTHER: &str = "CURRENCY_OTHER";
const AGENT_ASKS: &str = "AGENT_ASKS";

/// What the words leave open for a credential, or for this book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// A credential states the most of everything; the words bound it otherwise. With the currency.
    Total(String),
    /// Level 2 or level 3.
    Mode,
    /// The words are in another currency than the wallet's. With the wallet's.
    CurrencyOther(String),
    /// No payee is registered under that name.
    MerchantUnknown(String),
    /// Several are.
    MerchantAmbiguous(String, Vec<PayeeId>),
    /// The agent wants to know something, in its own words, with the answers there are.
    Agent(AgentQuestion),
}

impl Own {
    /// Whether a question of this id is one of these.
    pub(crate) fn is_one(name: &str) -> bool {
        let code = name.split('/').next().unwrap_or_default();
        [TOTAL, MODE, MERCHANT_UNKNOWN, MERCHANT_AMBIGUOUS, CURRENCY_OTHER, AGENT_ASKS].contains(&code)
    }

    fn code(&self) -> &'static str {
        match self {
            Own::Total(_) => TOTAL,
            Own::Mode => MODE,
            Own::CurrencyOther(_) => CURRENCY_OTHER,
            Own::MerchantUnknown(_) => MERCHANT_UNKNOWN,
            Own::MerchantAmbiguous(..) => MERCHANT_AMBIGUOUS,
            Own::Agent(_) => AGENT_ASKS,
        }
    }

    fn quote(&self) -> Option<&str> {
        match self {
            Own::MerchantUnknown(name) | Own::MerchantAmbiguous(name, _) => Some(name),
            Own::Agent(asked) => Some(&asked.question),
            Own::Total(_) | Own::Mode | Own::CurrencyOther(_) => None,
        }
    }

    /// What an answer names.
    pub(crate) fn name(&self) -> String {
        match self.quote() {
            Some(quote) => format!("{}/{quote}", self.code()),
            None => self.code().to_owned(),
        }
    }

    /// The question as the wire has it.
    pub(crate) fn show(&self, language: Language) -> IntentQuestion {
        let say = |english: &str, chinese: &str| match language {
            Language::English => english.to_owned(),
            Language::Chinese => chinese.to_owned(),
        };
        let (text, suggestions) = match self {
            Own::Total(currency) => (
                say(
                    &format!("How much {currency} may be spent in all, until it ends?"),
                    &format!("到期前总共最多花多少 {currency}？"),
                ),
                Vec::new(),
            ),
            Own::Mode => (
                say(
                    "Is this one fixed purchase, or may the agent choose within these limits?",
                    "是单次指定购买，还是智能体可在限制内自行选择？",
                ),
                vec![say("one fixed purchase", "单次指定购买"), say("the agent chooses", "智能体自行选择")],
            ),
            Own::CurrencyOther(currency) => (
                say(
                    &format!("The wallet holds {currency}. Please say the amounts in {currency}."),
                    &format!("钱包里是 {currency}，请用 {currency} 重新说明金额。"),
                ),
                Vec::new(),
            ),
            Own::MerchantUnknown(name) => (
                say(
                    &format!("No registered merchant is called “{name}”. Which one is meant?"),
                    &format!("没有名为“{name}”的注册商家。指的是哪一家？"),
                ),
                Vec::new(),
            ),
            Own::MerchantAmbiguous(name, payees) => (
                say(
                    &format!("Several merchants are called “{name}”. Which one is meant?"),
                    &format!("有多家商家叫“{name}”。指的是哪一家？"),
                ),
                payees.iter().map(ToString::to_string).collect(),
            ),
            Own::Agent(asked) => (
                say(
                    &format!("The agent asks: “{}”", asked.question),
                    &format!("智能体问：“{}”", asked.question),
                ),
                asked.suggestions.clone(),
            ),
        };
        IntentQuestion {
            id: self.name(),
            code: self.code().to_owned(),
            text,
            quotes: self.quote().map(str::to_owned).into_iter().collect(),
            suggestions,
        }
    }
}

/// What an answer to a question of the compiler names.
pub(crate) fn name(open: &intent::Question) -> String {
    let places: Vec<String> = open.spans.iter().map(|span| format!("{}:{}", span.text, span.from)).collect();
    if places.is_empty() { open.code.to_string() } else { format!("{}/{}", open.code, places.join(",")) }
}

/// A question of the compiler as the wire has it.
pub(crate) fn of_compiler(open: &intent::Question, language: Language) -> IntentQuestion {
    IntentQuestion {
        id: name(open),
        code: open.code.to_string(),
        text: open.text(language),
        quotes: open.quotes.clone(),
        suggestions: open.suggestions(language),
    }
}

/// What ACT's rules themselves leave open, as the wire has it.
pub(crate) fn of_rules(open: &RulesQuestion, language: Language) -> IntentQuestion {
    let code = match open {
        RulesQuestion::Missing(_) => "RULES_INCOMPLETE",
        RulesQuestion::Contradiction(_) => "RULES_CONTRADICT",
    };
    let before = match language {
        Language::English => "Please say it again: ",
        Language::Chinese => "请重新说明：",
    };
    IntentQuestion {
        id: code.to_owned(),
        code: code.to_owned(),
        text: format!("{before}{open}"),
        quotes: Vec::new(),
        suggestions: Vec::new(),
    }
}

/// What a summary says of the credential itself, under the terms.
pub(crate) fn closing_lines(draft: &Draft, said: &Said, zone: &TimeZone, language: Language) -> Vec<String> {
    let isr = draft.isr();
    let moment = |at: &UtcTime| {
        let at = Timestamp::from_nanosecond(i128::from(at.time().0)).unwrap_or_default();
        intent::moment(at, zone)
    };
    let (who, from, until, mode, total) = match language {
        Language::English => ("Agent and wallet", "Valid from", "until", "Mode", "In total at most"),
        Language::Chinese => ("智能体与钱包", "有效期自", "至", "模式", "总共最多"),
    };
    let mut lines = vec![format!("{who}: {} {}", said.intent.agent, said.intent.wallet)];
    if let (Some(start), Some(end)) = (&isr.validity_start_time, &isr.validity_end_time) {
        lines.push(format!("{from} {} {until} {}", moment(start), moment(end)));
    }
    if let Some(chosen) = isr.delegation_mode {
        lines.push(format!("{mode}: {chosen}"));
    }
    if let (Some(sum), Some(currency)) = (isr.max_total_amount, &isr.currency) {
        let sum = Decimal::new(sum.hundredths().into(), 2).zip(intent::Currency::new(currency.as_str()));
        lines.extend(sum.map(|(sum, currency)| format!("{total} {}", currency.written(sum))));
    }
    if let Some(digest) = &isr.conversation_history.user_intent_raw_digest {
        let place = isr.conversation_history.context_ref.as_ref().map_or("", |place| place.as_str());
        lines.push(format!("{digest} {place}").trim_end().to_owned());
    }
    lines
}

/// The language of that name; English where there is no such language.
pub(crate) fn language_of(text: &str) -> Language {
    match text {
        "zh" => Language::Chinese,
        _ => Language::English,
    }
}

/// Who may draw up an intent. Only its owner may agree to it.
pub(crate) const DRAFTERS: &[Kind] = &[Kind::Owner, Kind::Agent];
