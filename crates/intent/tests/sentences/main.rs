//! Sentences in, drafts out: the corpus, what holds of any text, and answers to questions.
#![allow(clippy::unwrap_used)]

mod answers;
mod corpus;
mod facts;
mod properties;
