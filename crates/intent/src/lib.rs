//! The words of an owner's sentence: numbers, money, days, and what phrases mean, in English and Chinese.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

mod atom;
mod category;
mod chinese;
mod dates;
mod decimal;
mod english;
mod lexer;
pub mod limits;
mod money;
mod number;
mod sense;
mod text;

pub use category::Category;
pub use decimal::Decimal;
pub use money::Currency;
pub use sense::{Period, Window};
pub use text::{Language, Refusal, Span};
