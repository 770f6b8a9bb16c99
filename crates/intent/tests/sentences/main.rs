//! Sentences in, drafts out.
#![allow(clippy::unwrap_used)]

mod corpus;
mod facts;
