//! AP2 mandates: what is taken, what is refused and why, and that what was written reads the same.

// The lint knows tests, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod chains;
mod constraints;
mod receipts;
mod vectors;
mod world;
