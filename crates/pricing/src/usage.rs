//! What a call used, by class.

use crate::class::{Class, Side};
use crate::limits::UNITS_MAX;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Whoever did the work said so.
    Reported,
    /// Nobody said; counted from what arrived, in the buyer's favour.
    Estimated,
}

/// Units of work of one call, by class. What was not counted is zero, and a zero that was counted stays zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<Class, u64>", into = "BTreeMap<Class, u64>")]
pub struct Usage {
    units: [u64; Class::ALL.len()],
}

/// A count beyond [`UNITS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {UNITS_MAX} units of one class")]
pub struct TooMany;

impl Usage {
    /// One call, of which nothing else is counted yet.
    pub fn call() -> Usage {
        Usage::default().with(Class::Call, 1)
    }

    /// The same with `units` of `class`; at most [`UNITS_MAX`] count.
    #[must_use]
    pub fn with(mut self, class: Class, units: u64) -> Usage {
        if let Some(place) = self.units.get_mut(class.place()) {
            *place = units.min(UNITS_MAX);
        }
        self
    }

    /// The units of one class.
    pub fn of(&self, class: Class) -> u64 {
        self.units.get(class.place()).copied().unwrap_or_default()
    }

    /// All units of one side together.
    pub fn of_side(&self, side: Side) -> u64 {
        let units = Class::ALL.iter().filter(|class| class.side() == side).map(|class| self.of(*class));
        // Ten times UNITS_MAX fits.
        units.fold(0, u64::saturating_add)
    }
}

impl TryFrom<BTreeMap<Class, u64>> for Usage {
    type Error = TooMany;

    fn try_from(units: BTreeMap<Class, u64>) -> Result<Usage, TooMany> {
        if units.values().any(|units| UNITS_MAX < *units) {
            return Err(TooMany);
        }
        Ok(units.into_iter().fold(Usage::default(), |usage, (class, units)| usage.with(class, units)))
    }
}

impl From<Usage> for BTreeMap<Class, u64> {
    fn from(usage: Usage) -> BTreeMap<Class, u64> {
        let counted = Class::ALL.into_iter().map(|class| (class, usage.of(class)));
        counted.filter(|(_, units)| *units != 0).collect()
    }
}
