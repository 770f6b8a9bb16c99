//! Usage records: the seller's signed word on what one call used and what it therefore costs.

use crate::sealed::Body;
use crate::usage::{Counted, Usage};
use book::Nanos;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one call used. A bill is a list of these, and each can be computed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRecord {
    /// The meter that counted it.
    pub meter: String,
    /// The number of the charge on that meter.
    pub sequence: u64,
    /// When the call ended.
    pub at: Timestamp,
    /// The name of the catalogue that was in force when the call began.
    pub catalogue: String,
    /// The model's name in it.
    pub model: String,
    /// What was used.
    pub usage: Usage,
    /// Who counted.
    pub counted: Counted,
    /// How the call ended: `done`, or `cut` where the caller left first.
    pub ended: Ended,
    /// What it costs, in billionths of the smallest unit.
    #[serde(with = "nanos")]
    pub cost: Nanos,
    /// The digest of the request, so that the buyer finds it.
    pub request: String,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The answer was whole.
    Done,
    /// The caller left, or the answer broke off: what arrived is charged, nothing more.
    Cut,
}

impl Body for UsageRecord {
    const DOMAIN: &'static str = "toll:usage/1";
    type Fault = serde_json::Error;

    fn read(body: &Value) -> Result<UsageRecord, serde_json::Error> {
        UsageRecord::deserialize(body)
    }

    fn write(&self) -> Value {
        serde_json::to_value(self).expect("a record is JSON")
    }
}

/// Billionths as a canonical decimal text.
mod nanos {
    use book::Nanos;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(nanos: &Nanos, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&nanos.get())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Nanos, D::Error> {
        let text = String::deserialize(input)?;
        let nanos: u128 = text.parse().map_err(|_| D::Error::custom("a cost is a whole number in digits"))?;
        if nanos.to_string() != text {
            return Err(D::Error::custom("a cost is written without sign and leading zeros"));
        }
        Ok(Nanos::new(nanos))
    }
}
