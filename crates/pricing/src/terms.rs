//! Acceptance terms: what an answer has to be, and how much of the price is lost where it is not.
//!
//! Seller and buyer evaluate the same terms on the same bytes and times by [`Terms::evaluate`], so they come to the same
//! sum. Everything is counted in whole numbers and rounded once, down: in the buyer's favour.

use crate::limits::{
    POINTER_BYTES_MAX, TERM_COUNT_MAX, TERM_MILLIS_MAX, TERM_ROWS_MAX, TERM_SECONDS_MAX, TERMS_BYTES_MAX,
};
use crate::schema::Schema;
use book::{Amount, Time};
use evidence::Hash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole price, in parts per million.
pub const WHOLE_PPM: u32 = 1_000_000;

/// What an answer has to be: 1 to 16 terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms(Vec<Term>);

/// One thing that an answer has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    test: Test,
    lost_ppm: u32,
    text: TermText,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// The body is JSON of this shape.
    Shape(Box<Schema>),
    /// At a place in the body is a list of so many items.
    Rows { at: String, at_least: u64 },
    /// The body is these bytes.
    Digest(String),
    /// It came so soon after it was asked for.
    Latency { millis: u64 },
    /// A time at a place in the body is at most so old.
    Fresh { at: String, seconds: u64 },
    /// It came so soon after it was paid.
    Deadline { seconds: u64 },
}

/// One term as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermText {
    /// The body is JSON of this shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// At a place in the body is a list of so many items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowsText>,
    /// The body's SHA-256, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// From the request to the answer, in thousandths of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// A time at a place in the body is at most so old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<FreshText>,
    /// From the payment to the answer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u64>,
    /// What is lost of the price where it is not met, in millionths.
    pub lost_ppm: u32,
}

/// So many rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsText {
    /// A JSON pointer (RFC 6901) to the list; empty for the whole body.
    pub at: String,
    /// How many at least.
    pub at_least: u64,
}

/// So fresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshText {
    /// A JSON pointer (RFC 6901) to a time as RFC 3339 writes it.
    pub at: String,
    /// How many seconds old at most.
    pub seconds: u64,
}

/// What was delivered, and when.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The bytes of the answer.
    pub body: &'a [u8],
    /// When it was paid.
    pub paid_at: Time,
    /// When it was asked for, with the payment.
    pub asked_at: Time,
    /// When the answer was there.
    pub answered_at: Time,
}

/// What a delivery comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Of each term, in their order, whether it was met.
    pub met: Vec<bool>,
    /// What is to be paid; never more than the price.
    pub owed: Amount,
}

impl Terms {
    /// Reads terms.
    ///
    /// # Errors
    /// A sentence that says which term is wrong, and how.
    pub fn read(texts: Vec<TermText>) -> Result<Terms, String> {
        if texts.is_empty() || TERM_COUNT_MAX < texts.len() {
            return Err(format!("there are 1 to {TERM_COUNT_MAX} terms"));
        }
        let size = serde_json::to_vec(&texts).expect("terms are JSON").len();
        if TERMS_BYTES_MAX < size {
            return Err(format!("the terms are longer than {TERMS_BYTES_MAX} bytes"));
        }
        let terms = texts.into_iter().enumerate();
        let terms = terms.map(|(at, text)| Term::read(text).map_err(|why| format!("term {}: {why}", at + 1)));
        terms.collect::<Result<_, _>>().map(Terms)
    }

    /// The terms as they are written.
    pub fn texts(&self) -> impl Iterator<Item = &TermText> {
        self.0.iter().map(|term| &term.text)
    }

    /// The terms in their canonical form (RFC 8785): equal terms have equal texts.
    pub fn canonical(&self) -> String {
        let texts: Vec<&TermText> = self.texts().collect();
        serde_json_canonicalizer::to_string(&texts).expect("every JSON value has a canonical form")
    }

    /// Each term in words, in order.
    pub fn in_words(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Term::in_words)
    }

    /// What a delivery comes to, of a price.
    pub fn evaluate(&self, price: Amount, delivery: &Delivery<'_>) -> Evaluation {
        let json = serde_json::from_slice::<Value>(delivery.body).ok();
        let met: Vec<bool> = self.0.iter().map(|term| term.is_met(delivery, json.as_ref())).collect();
        let owed = self.owed(price, &met);
        Evaluation { met, owed }
    }

    /// What is owed of a price where these terms were met, in their order. Those that are not there were not.
    pub fn owed(&self, price: Amount, met: &[bool]) -> Amount {
        let met = met.iter().copied().chain(std::iter::repeat(false));
        let lost = self.0.iter().zip(met).filter(|(_, met)| !met);
        let lost = lost.fold(0u32, |sum, (term, _)| sum.saturating_add(term.lost_ppm));
        let kept = u128::from(WHOLE_PPM.saturating_sub(lost));
        // 10^30 times 10^6 fits. Rounded down: in the buyer's favour.
        Amount::new(price.minor() * kept / u128::from(WHOLE_PPM)).expect("a part is no more than the whole")
    }
}

impl Term {
    fn read(text: TermText) -> Result<Term, String> {
        let within = |name: &str, number: u64, max: u64| {
            if (1..=max).contains(&number) {
                return Ok(number);
            }
            Err(format!("`{name}` is from 1 to {max}, not {number}"))
        };
        let mut tests = Vec::new();
        if let Some(schema) = &text.schema {
            let schema = Schema::read(schema).map_err(|why| format!("`schema`: {why}"))?;
            tests.push(Test::Shape(Box::new(schema)));
        }
        if let Some(rows) = &text.rows {
            let at_least = within("rows.at_least", rows.at_least, TERM_ROWS_MAX)?;
            tests.push(Test::Rows { at: pointer(&rows.at)?, at_least });
        }
        if let Some(hex) = &text.sha256 {
            let is_hex = hex.len() == 64 && hex.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
            if !is_hex {
                return Err(format!("`sha256`: `{hex}` is not 64 small hexadecimal digits"));
            }
            tests.push(Test::Digest(hex.clone()));
        }
        if let Some(millis) = text.latency_ms {
            tests.push(Test::Latency { millis: within("latency_ms", millis, TERM_MILLIS_MAX)? });
        }
        if let Some(fresh) = &text.fresh {
            let seconds = within("fresh.seconds", fresh.seconds, TERM_SECONDS_MAX)?;
            tests.push(Test::Fresh { at: pointer(&fresh.at)?, seconds });
        }
        if let Some(seconds) = text.deadline_seconds {
            tests.push(Test::Deadline { seconds: within("deadline_seconds", seconds, TERM_SECONDS_MAX)? });
        }
        let lost_ppm = text.lost_ppm;
        if lost_ppm == 0 || WHOLE_PPM < lost_ppm {
            return Err(format!("`lost_ppm` is from 1 to {WHOLE_PPM}, not {lost_ppm}"));
        }
        let only = tests.pop().filter(|_| tests.is_empty());
        let test = only.ok_or(
            "a term is one of `schema`, `rows`, `sha256`, `latency_ms`, `fresh` and `deadline_seconds`",
        )?;
        Ok(Term { test, lost_ppm, text })
    }

    fn is_met(&self, delivery: &Delivery<'_>, json: Option<&Value>) -> bool {
        let Delivery { body, paid_at, asked_at, answered_at } = *delivery;
        match &self.test {
            Test::Shape(schema) => json.is_some_and(|json| schema.fits(json)),
            Test::Rows { at, at_least } => {
                let rows = json.and_then(|json| json.pointer(at)?.as_array());
                rows.is_some_and(|rows| *at_least <= u64::try_from(rows.len()).unwrap_or(u64::MAX))
            }
            Test::Digest(digest) => sha256_hex(body) == *digest,
            Test::Latency { millis } => within_nanos(asked_at, answered_at, *millis, 1_000_000),
            Test::Fresh { at, seconds } => {
                let text = json.and_then(|json| json.pointer(at)?.as_str());
                let said = text.and_then(|text| text.parse::<Timestamp>().ok()).and_then(time_of);
                said.is_some_and(|said| {
                    // What is ahead of the clock by more than clocks differ was made up.
                    let ahead = Time(answered_at.0.saturating_add(AHEAD_NANOS));
                    said <= ahead && within_nanos(said, answered_at, *seconds, NANOS_PER_SECOND)
                })
            }
            Test::Deadline { seconds } => within_nanos(paid_at, answered_at, *seconds, NANOS_PER_SECOND),
        }
    }

    /// The term in words.
    fn in_words(&self) -> String {
        let what = match &self.test {
            Test::Shape(_) => "the shape that was agreed".to_owned(),
            Test::Rows { at, at_least } => format!("at least {at_least} rows at `{at}`"),
            Test::Digest(digest) => format!("the bytes with SHA-256 {digest}"),
            Test::Latency { millis } => format!("an answer within {millis} ms"),
            Test::Fresh { at, seconds } => format!("a time at `{at}` at most {seconds} s old"),
            Test::Deadline { seconds } => format!("an answer within {seconds} s of the payment"),
        };
        let (percent, rest) = (self.lost_ppm / 10_000, self.lost_ppm % 10_000);
        let rest = format!("{rest:04}");
        let rest = rest.trim_end_matches('0');
        let point = if rest.is_empty() { "" } else { "." };
        format!("{what}, or {percent}{point}{rest} % less")
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How far a clock in an answer may be ahead: 60 seconds.
const AHEAD_NANOS: u64 = 60 * NANOS_PER_SECOND;

/// Whether `until` is at most so many units after `from`. What came before counts as at once.
fn within_nanos(from: Time, until: Time, count: u64, unit_nanos: u64) -> bool {
    until.0.saturating_sub(from.0) <= count.saturating_mul(unit_nanos)
}

/// A time of the book; none before 1970 or after its end.
pub(crate) fn time_of(at: Timestamp) -> Option<Time> {
    u64::try_from(at.as_nanosecond()).ok().map(Time)
}

/// The SHA-256 of bytes, in small hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Hash::of(bytes).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pointer(text: &str) -> Result<String, String> {
    let is_one = text.is_empty() || text.starts_with('/');
    if is_one && text.len() <= POINTER_BYTES_MAX {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a JSON pointer like `/data/rows`, of at most {POINTER_BYTES_MAX} bytes"))
}
