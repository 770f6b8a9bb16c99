//! Autonomy levels: what each means, and the limits it comes to for a budget.

use crate::account::answers;
use crate::limit::Limit;
use crate::money::AmountText;
use serde::Deserialize;

/// The budget that limits are made from: all of it but `payees`, or nothing.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "schema", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct BudgetQuery {
    /// The most that is small, in smallest units of the wallet's asset.
    pub small: Option<AmountText>,
    /// The most that one payment may be.
    pub per_payment: Option<AmountText>,
    /// The most that may be spent in a day.
    pub per_day: Option<AmountText>,
    /// Where the day ends: a zone of the IANA database.
    #[cfg_attr(feature = "schema", param(example = "Asia/Shanghai", max_length = 64))]
    pub zone: Option<String>,
    /// The most that may be spent in all.
    pub total: Option<AmountText>,
    /// The only payees up to L3, separated by commas; without any, all.
    #[cfg_attr(feature = "schema", param(max_length = 2000))]
    pub payees: Option<String>,
}

answers! {
    /// Every level, least first.
    pub struct Autonomy {
        /// The levels.
        pub data: Vec<Level>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// How much an agent does without its owner.
    pub struct Level {
        /// `L0` to `L5`.
        pub level: String,
        /// What it means to an owner.
        pub meaning: String,
        /// Whether this level is our own definition, and not modelled on a public description.
        pub own_definition: bool,
        /// The limits of a mandate at this level, where a budget was given.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub limits: Option<Vec<Limit>>,
    }
}
