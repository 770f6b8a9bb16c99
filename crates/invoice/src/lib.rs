//! Invoices and credit notes as papers, and what a bank is told to pay: one
//! value in, the sums of EN 16931, its XML and pages to print out.
//!
//! Nothing here knows a book, a clock or a disk: the same [`Bill`] gives the same bytes. Amounts come in as what was paid,
//! tax included; [`sums`] says what of them is tax, and states where it rounds. Read [`bill`] first, then [`sums`], then
//! [`ubl`] and [`pdf`]; [`order`] stands alone.

pub mod bill;
mod currency;
mod font;
pub mod limits;
pub mod order;
pub mod pdf;
pub mod sums;
pub mod ubl;
mod words;
mod xml;

pub use bill::{Bill, Kind, Language, Line, Party, Tax, Wrong};
pub use sums::{Group, Sums};
