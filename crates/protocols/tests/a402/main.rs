//! A402 seen from outside: the payloads, both checks, and the artefacts of ACT 2.1 where they are at hand.

// The lint knows tests, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod artefacts;
mod exchange;
mod golden;
mod headers;
mod payloads;
mod shop;
mod tampering;
