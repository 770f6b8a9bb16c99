//! Bills: every call of a meter with its signed record, and the catalogues they name, to be computed again by anybody.

use crate::catalogue::{Catalogue, History};
use crate::limits::BILL_BYTES_MAX;
use crate::record::UsageRecord;
use crate::sealed::{SealFault, Sealed};
use book::{Amount, Nanos, Rounding};
use evidence::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All that was counted on one meter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bill {
    /// Which meter.
    pub meter: String,
    /// What the seller says it comes to, in smallest units, as digits.
    pub amount: String,
    /// The catalogues that the records name, signed.
    pub catalogues: Vec<Value>,
    /// The records, signed, in the order of their numbers.
    pub records: Vec<Value>,
}

/// A bill that adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many calls.
    pub calls: usize,
    /// How many of them the seller had to estimate.
    pub estimated: usize,
    /// What they cost, exactly.
    pub exact: Nanos,
    /// What is to be paid: rounded once, half up.
    pub amount: Amount,
}

/// The first thing about a bill that is not right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillFault {
    /// It is too long, or not of the shape.
    #[error("it is no bill: {0}")]
    Shape(String),
    /// A catalogue is not signed by the seller, or is none.
    #[error("catalogue {number}: {fault}")]
    Catalogue {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        fault: SealFault,
    },
    /// The catalogues do not follow each other.
    #[error("the catalogues: {0}")]
    Catalogues(String),
    /// A record is not signed by the seller, or is none.
    #[error("call {number}: {fault}")]
    Record {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        fault: SealFault,
    },
    /// A record does not belong here.
    #[error("call {number}: {why}")]
    Stray {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        why: String,
    },
    /// A call costs something else.
    #[error("call {number} costs {computed} billionths, and {claimed} are charged")]
    Price {
        /// Counted from 1.
        number: usize,
        /// By the catalogue.
        computed: u128,
        /// By the record.
        claimed: u128,
    },
    /// The sum is another.
    #[error("the calls come to {computed}, and {claimed} is charged")]
    Sum {
        /// By the records.
        computed: String,
        /// By the bill.
        claimed: String,
    },
}

impl Bill {
    /// Reads a bill.
    ///
    /// # Errors
    /// [`BillFault::Shape`].
    pub fn read(text: &[u8]) -> Result<Bill, BillFault> {
        if BILL_BYTES_MAX < text.len() {
            return Err(BillFault::Shape(format!("it is longer than {BILL_BYTES_MAX} bytes")));
        }
        serde_json::from_slice(text).map_err(|fault| BillFault::Shape(fault.to_string()))
    }

    /// What an exact sum comes to when its meter is settled: rounded once, half up. None where that is more than any amount.
    pub fn settled(exact: Nanos) -> Option<Amount> {
        exact.round(Rounding::HalfUp).map(|(amount, _)| amount)
    }

    /// Computes a bill again: each signature, each price under the catalogue that was in force, each number once, the sum.
    ///
    /// `key` finds the seller's public key by its name.
    ///
    /// # Errors
    /// [`BillFault`]: the first that is found.
    pub fn check(&self, key: impl Fn(&str) -> Option<PublicKey>) -> Result<Checked, BillFault> {
        let mut history = History::default();
        for (at, text) in self.catalogues.iter().enumerate() {
            let sealed = Sealed::<Catalogue>::open_value(text.clone(), &key)
                .map_err(|fault| BillFault::Catalogue { number: at + 1, fault })?;
            history.add(sealed).map_err(|fault| BillFault::Catalogues(fault.to_string()))?;
        }
        let (mut exact, mut estimated, mut last) = (Nanos::ZERO, 0, 0);
        for (at, text) in self.records.iter().enumerate() {
            let number = at + 1;
            let sealed = Sealed::<UsageRecord>::open_value(text.clone(), &key)
                .map_err(|fault| BillFault::Record { number, fault })?;
            let record = sealed.body();
            let stray = |why: &str| BillFault::Stray { number, why: why.to_owned() };
            if record.meter != self.meter {
                return Err(stray("it was counted on another meter"));
            }
            if record.sequence <= last {
                return Err(stray("its number is not higher than that of the call before"));
            }
            last = record.sequence;
            let named = history.named(&record.catalogue);
            let catalogue =
                named.ok_or_else(|| stray("it names a catalogue that is not in the bill"))?.body();
            if record.at < catalogue.effective_from() {
                return Err(stray("its catalogue was not in force yet"));
            }
            let model = catalogue.model(&record.model).ok_or_else(|| stray("its model has no price"))?;
            let computed = model.price(&record.usage).total;
            if computed != record.cost {
                let (computed, claimed) = (computed.get(), record.cost.get());
                return Err(BillFault::Price { number, computed, claimed });
            }
            exact = exact.checked_add(computed).ok_or_else(|| stray("the sum does not fit"))?;
            estimated += usize::from(record.counted == crate::Counted::Estimated);
        }
        let amount = Bill::settled(exact).ok_or_else(|| BillFault::Sum {
            computed: "more than any amount".to_owned(),
            claimed: self.amount.clone(),
        })?;
        if amount.minor().to_string() != self.amount {
            let computed = amount.minor().to_string();
            return Err(BillFault::Sum { computed, claimed: self.amount.clone() });
        }
        Ok(Checked { calls: self.records.len(), estimated, exact, amount })
    }
}
