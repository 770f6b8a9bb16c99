//! The record of a purchase: what was asked, decided, confirmed and paid, on disk before it is sent.

use crate::exit::{Exit, Failure, Outcome};
use protocols::act::intent::PriceDeviationAction;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use url::Url;

/// A purchase at shops.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The credential that allows it, and its text.
    pub(crate) delegation_id: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) intent_id: Option<String>,
    /// The shops that are asked.
    pub(crate) merchants: Vec<Url>,
    /// What is wanted, with what every round changed: an unsigned request.
    pub(crate) wanted: Option<String>,
    pub(crate) avoid: Vec<String>,
    /// The best candidate.
    pub(crate) chosen: Option<Chosen>,
    /// What is, or was, asked to be confirmed: an unsigned request.
    pub(crate) cart: Option<String>,
    /// What was agreed on.
    pub(crate) confirmation: Option<String>,
    pub(crate) paying: Option<Paying>,
    pub(crate) trade: Option<Paid>,
    /// Why it went no further.
    pub(crate) stopped: Option<Stopped>,
    /// What happened, in ACT's words.
    pub(crate) events: Vec<Event>,
}

impl Record {
    /// Whether it was not ended for good: a purchase that was cancelled is over, whatever prices do then.
    pub(crate) fn is_going_on(&self) -> Outcome {
        match &self.stopped {
            Some(stopped) if stopped.policy == PriceDeviationAction::AutoCancel.as_str() => {
                Err(Failure::new(
                    Exit::Refused,
                    format!("nothing was sent: this purchase was cancelled: {}", stopped.detail),
                ))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A candidate and its merchant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) base: Url,
    pub(crate) payee: String,
    pub(crate) name: String,
    pub(crate) candidate: String,
    /// What it was shown to cost when it was chosen first: prices are measured by it.
    pub(crate) shown: String,
}

/// A request to pay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Paying {
    pub(crate) request_id: String,
    pub(crate) timestamp: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Paid {
    pub(crate) trade_no: String,
    pub(crate) trade_status: String,
    pub(crate) amount: String,
    pub(crate) currency: String,
}

/// Why a purchase went no further.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// `PAUSE_AND_NOTIFY` or `AUTO_CANCEL`.
    pub(crate) policy: String,
    pub(crate) reason: String,
    pub(crate) detail: String,
    /// Where the owner is asked.
    pub(crate) intent: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) event: String,
    pub(crate) at: String,
    #[serde(flatten)]
    pub(crate) body: serde_json::Map<String, serde_json::Value>,
}

/// A record's file.
#[derive(Debug)]
pub(crate) struct Book(PathBuf);

impl Book {
    /// The file of the purchase of that name.
    pub(crate) fn of(directory: &Path, name: &str) -> Outcome<Book> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || 64 < name.len() || name.starts_with('.') || !name.bytes().all(allowed) {
            return Err(Failure::usage(format!(
                "`{name}` is no name of a purchase: letters, digits and `-_.`"
            )));
        }
        fs::create_dir_all(directory).map_err(|fault| Failure::from(fault).during(directory.display()))?;
        Ok(Book(directory.join(format!("{name}.shop.json"))))
    }

    /// The record, where there is one.
    pub(crate) fn read(&self) -> Outcome<Option<Record>> {
        match fs::read(&self.0) {
            Ok(text) => {
                let read = serde_json::from_slice(&text);
                let read =
                    read.map_err(|fault| Failure::fault(format!("`{}`: {fault}", self.0.display())))?;
                Ok(Some(read))
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(Failure::from(fault).during(self.0.display())),
        }
    }

    /// Keeps the record: the old one or the new one survives power loss, never half of one.
    pub(crate) fn keep(&self, record: &Record) -> Outcome {
        let text = serde_json::to_vec_pretty(record).expect("a record is JSON");
        sdk::replace_file(&self.0, &text).map_err(|fault| Failure::from(fault).during(self.0.display()))
    }

    /// What purchases with records beside this one have paid under a credential.
    pub(crate) fn paid_under(&self, delegation: &str) -> Outcome<Vec<String>> {
        let Some(directory) = self.0.parent() else { return Ok(Vec::new()) };
        let mut paid = Vec::new();
        for file in fs::read_dir(directory)? {
            let path = file?.path();
            let is_record = path.to_str().is_some_and(|path| path.ends_with(".shop.json"));
            if !is_record || path == self.0 {
                continue;
            }
            let Some(other) = Book(path).read()? else { continue };
            let is_paid = |trade: &Paid| trade.trade_status == "TRADE_SUCCESS";
            if other.delegation_id.as_deref() == Some(delegation)
                && let Some(trade) = other.trade.filter(is_paid)
            {
                paid.push(trade.amount);
            }
        }
        Ok(paid)
    }
}
