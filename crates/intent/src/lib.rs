//! The intent compiler: what an owner says in a sentence, as limits that a mandate can hold.
//!
//! [`compile`] reads a sentence, in English or Chinese or both, and gives a [`Draft`]: every term that the sentence
//! settles, the words it was read from, and a [`Question`] for each thing that it leaves open. Nothing is guessed: an
//! amount in a draft stands literally in a text of the owner's, and a number, a date or a restriction that no rule
//! has read is asked about. [`Draft::answer`] takes the owner's answers until [`Draft::is_settled`].
//!
//! The same sentence at the same moment gives the same draft: there is no model, no network and no clock here.
//!
//! Read [`draft`] first, then [`reading`] (what words can mean), [`question`], and the grammar's files in the order
//! in which `grammar::read` applies them. A new word is one entry in `english.rs`, `chinese.rs` or `category.rs`.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

mod answer;
mod assembly;
mod atom;
mod category;
mod chinese;
mod dates;
mod decimal;
pub mod draft;
mod english;
mod faithful;
mod grammar;
mod lexer;
pub mod limits;
mod money;
mod number;
pub mod question;
pub mod reading;
mod sense;
mod summary;
mod text;

pub use category::Category;
pub use decimal::Decimal;
pub use draft::{Context, Draft, End, Terms, amount_in, compile};
pub use faithful::{Unfaithful, check_faithful};
pub use money::Currency;
pub use question::{Code, Question};
pub use reading::{Meaning, Mode, OnDeviation, OnFailure, Reading, Trigger, TriggerAction};
pub use sense::{Period, Window};
pub use summary::moment;
pub use text::{Language, Refusal, Span, hidden_letter};
