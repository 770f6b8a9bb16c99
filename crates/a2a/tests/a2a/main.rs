//! Agents as other agents meet them: a real server with a book, a real agent that sells, and clients that are not ours.

// What a test does not expect is a failure whatever it is.
#![allow(clippy::wildcard_enum_match_arm)]

mod buying;
mod doors;
mod market;
mod selling;
