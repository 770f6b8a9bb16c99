//! Lists: a page of things, and where the next one begins.

use crate::limits::LIST_DEFAULT;
use serde::{Deserialize, Serialize};

/// One page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The things.
    pub data: Vec<T>,
    /// Give this back as `cursor` for the next page; absent on the last.
    pub next_cursor: Option<String>,
    /// Whether real money is meant.
    pub livemode: bool,
}

/// Which page.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "schema", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// How many, at most 100.
    #[serde(default = "default_limit")]
    #[cfg_attr(feature = "schema", param(minimum = 1, maximum = 100, default = 20))]
    pub limit: u32,
    /// The `next_cursor` of the page before.
    #[cfg_attr(feature = "schema", param(pattern = "^[0-9A-Za-z_-]{1,64}$"))]
    pub cursor: Option<String>,
    /// Answer as soon as everything before this entry is shown; by default all that was answered until now is.
    pub at_least: Option<u64>,
}

pub(crate) fn default_limit() -> u32 {
    u32::try_from(LIST_DEFAULT).expect("a page fits")
}
