//! The gateway before a scripted model, from outside: real sockets, a real payment service, exact money.
#![allow(clippy::unwrap_used)]

mod calls;
mod crash;
mod cuts;
mod house;
mod money;
#[path = "../../../gateway/tests/paywall/place.rs"]
mod place;
mod sessions;
mod upstream;
