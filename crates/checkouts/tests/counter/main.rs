//! A shop's doors from outside: every test asks as a client of ACP or a platform of UCP does, and money moves on a real server.

#![allow(clippy::unwrap_used)]

mod acp;
mod buyer;
mod events;
mod house;
mod twice;
mod ucp;
