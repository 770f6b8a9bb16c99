//! Prices from outside: exact over a million calls, never above what was set aside, and bills that a stranger computes again.

mod bill;
mod catalogue;
mod price;
mod quote;
mod shop;
mod terms;
