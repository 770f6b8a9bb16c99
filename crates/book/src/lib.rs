//! The rules of a book of accounts: what may happen, and what has happened.

mod time;

pub use time::{Seq, Time};
