//! What counted work costs: signed price catalogues, and one pure function from usage to money.
//!
//! A quote, a bill and a stranger's check of that bill all call [`Model::price`], so they cannot disagree. Prices
//! are exact to a billionth of an asset's smallest unit; nothing is rounded here. The one rounding is where a
//! [meter](book::CloseMeter) is settled.
//!
//! Reading order: [`Class`] (what is counted), [`Catalogue`] (what it costs, from when), [`Usage`] and [`Model::price`],
//! [`Model::at_most`] (what has to be set aside first), [`Sealed`] (who says so), [`UsageRecord`] and [`Bill`] (what
//! a buyer computes again). [`Terms`] are what an answer has to be for its price, [`Quote`] promises both.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod bill;
mod catalogue;
mod class;
pub mod limits;
mod price;
mod quote;
mod rate;
mod record;
mod schema;
mod sealed;
mod terms;
mod usage;

/// The header with the signed quote that a demand for payment names.
pub const QUOTE_HEADER: &str = "tollbridge-quote";

/// The header with the seller's signed evaluation of what was delivered on terms.
pub const EVALUATION_HEADER: &str = "tollbridge-evaluation";

pub use book::money::NANOS;
/// Billionths of a smallest unit, and what else there is of money and time, for those who may not depend on the book.
pub use book::{Amount, Nanos, Time};

pub use bill::{Bill, BillFault, Checked};
pub use catalogue::{Catalogue, CatalogueFault, History, Model};
pub use class::{Class, Side};
pub use price::{Line, Price, Reach};
pub use quote::{Asked, Evaluated, EvaluatedFault, Quote, QuoteFault};
pub use rate::RateFault;
pub use record::{Ended, UsageRecord};
pub use schema::Schema;
pub use sealed::{Body, SealFault, Sealed};
pub use terms::{Delivery, Evaluation, FreshText, RowsText, Term, TermText, Terms, WHOLE_PPM, sha256_hex};
pub use usage::{Counted, TooMany, Usage};
