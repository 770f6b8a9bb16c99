//! The shell around a book: one writer thread, its journal, and those who follow it.
//!
//! Nothing here knows HTTP, JSON or a rule. Begin with [`journal`], which is the truth; everything
//! else in a book's life can be computed from it again.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

pub mod journal;
pub mod limits;
pub mod schedule;
