//! How the rules are tried: tables of rows, every home a journal can have, and an auditor of another mind.
//!
//! [`table`] turns a story told in rows into commands and says where the book answers otherwise. [`homes`] writes what
//! came of it into every journal and reads it back. [`audit`] recomputes it all from the bytes alone, sharing no code
//! with the book. [`golden`] keeps entries as text that a person can review. [`simulate`] lives whole lives of a book, each
//! decided by one seed, and [`lives`] many of them.

pub mod audit;
pub mod golden;
pub mod homes;
pub mod lives;
pub mod seed;
pub mod simulate;
pub mod table;
pub mod world;
