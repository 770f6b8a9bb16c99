//! What counted work costs: signed price catalogues, and one pure function from usage to money.
//!
//! A quote, a bill and a stranger's check of that bill all call [`Model::price`], so they cannot disagree. Prices
//! are exact to a billionth of an asset's smallest unit; nothing is rounded here. The one rounding is where a
//! [meter](book::CloseMeter) is settled.
//!
//! Reading order: [`Class`] (what is counted), [`Catalogue`] (what it costs, from when), [`Usage`] and [`Model::price`],
//! [`Model::at_most`] (what has to be set aside first), [`Sealed`] (who says so), [`UsageRecord`] and [`Bill`] (what
//! a buyer computes again).

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod bill;
mod catalogue;
mod class;
pub mod limits;
mod price;
mod rate;
mod record;
mod sealed;
mod usage;

/// Billionths of a smallest unit, for those who may not depend on the book.
pub use book::Nanos;
pub use book::money::NANOS;

pub use bill::{Bill, BillFault, Checked};
pub use catalogue::{Catalogue, CatalogueFault, History, Model};
pub use class::{Class, Side};
pub use price::{Line, Price, Reach};
pub use rate::RateFault;
pub use record::{Ended, UsageRecord};
pub use sealed::{Body, SealFault, Sealed};
pub use usage::{Counted, TooMany, Usage};
