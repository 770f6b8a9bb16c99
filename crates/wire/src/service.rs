//! Services: what sellers offer on the market, for agents to find.

use crate::account::{answers, requests};
use crate::id::{PayeeId, ServiceId};
use crate::money::Money;
use serde::{Deserialize, Serialize};

requests! {
    /// Offers a service.
    pub struct NewService {
        /// The name of the new service.
        pub id: ServiceId,
        /// Whose it is; a seller's own key need not say.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payee: Option<PayeeId>,
        /// What people call it: at most 60 characters on one line.
        #[cfg_attr(feature = "schema", schema(max_length = 60))]
        pub name: String,
        /// What it does, for people and for agents: at most 500 characters.
        #[cfg_attr(feature = "schema", schema(max_length = 500))]
        pub description: String,
        /// What it is a kind of.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_./-]{1,16}$"))]
        pub category: String,
        /// How it is called.
        pub method: ServiceMethod,
        /// Where it is called, over HTTPS. Called without a payment, it has to ask for the price.
        pub url: String,
        /// What one call costs.
        pub price: Money,
        /// What it takes: a JSON Schema, as text.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub input_schema: Option<String>,
        /// What it gives: a JSON Schema, as text.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub output_schema: Option<String>,
    }
}

/// How a service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ServiceMethod {
    /// With GET.
    Get,
    /// With POST.
    Post,
}

/// What was found where a service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Nobody has looked yet.
    Unchecked,
    /// It asks for the price, signed by its seller.
    Open,
    /// It asks for another price, or for another seller.
    PriceDiffers,
    /// It does not ask for a payment.
    NotSold,
    /// Nobody answers there.
    Unreachable,
    /// Its seller offers it no more.
    Withdrawn,
}

answers! {
    /// A service.
    pub struct Service {
        /// Its name.
        pub id: ServiceId,
        /// Who is paid.
        pub payee: PayeeId,
        /// What people call it.
        pub name: String,
        /// What it does.
        pub description: String,
        /// What it is a kind of.
        pub category: String,
        /// How it is called.
        pub method: ServiceMethod,
        /// Where it is called.
        pub url: String,
        /// What one call costs.
        pub price: Money,
        /// What it takes: a JSON Schema, as text.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub input_schema: Option<String>,
        /// What it gives: a JSON Schema, as text.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub output_schema: Option<String>,
        /// Since when it is offered.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub made_at: String,
        /// What was found there last.
        pub state: ServiceState,
        /// When that was.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub checked_at: Option<String>,
        /// Whether its host names its seller, at `/.well-known/tollbridge.json`.
        pub domain_proved: bool,
        /// How its seller's newest purchases went.
        pub record: ServiceRecord,
        /// False in a book of play money.
        pub livemode: bool,
    }

    /// How the newest purchases from a seller went.
    pub struct ServiceRecord {
        /// Purchases that are over, of each buyer the newest 20 at most.
        pub purchases: u64,
        /// Those of them that were delivered and not given back.
        pub delivered: u64,
        /// The buyers, none of them the seller's own owner: nobody is paid by himself.
        pub buyers: u64,
    }
}

/// Which services.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "schema", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct ServiceQuery {
    /// Words that name, description or category have to have, all of them.
    #[serde(default)]
    pub query: Option<String>,
    /// The kind it has to be of.
    #[serde(default)]
    pub category: Option<String>,
    /// The most one call may cost, such as `100`, in the smallest unit of `asset`.
    #[serde(default)]
    pub max_price: Option<crate::AmountText>,
    /// What it has to be paid in, such as `CNY/2`.
    #[serde(default)]
    pub asset: Option<crate::AssetText>,
    /// How many, at most 100.
    #[serde(default = "crate::list::default_limit")]
    #[cfg_attr(feature = "schema", param(minimum = 1, maximum = 100, default = 20))]
    pub limit: u32,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}
