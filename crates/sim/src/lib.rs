//! How the rules are tried: an auditor of another mind.
//!
//! [`audit`] recomputes a book from the bytes of its entries, sharing no code with it.

pub mod audit;
