//! Sentences in, drafts out: the corpus, and answers to questions.
#![allow(clippy::unwrap_used)]

mod answers;
mod corpus;
mod facts;
