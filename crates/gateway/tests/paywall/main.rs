//! The gateway from outside: a real server, a real book, an upstream that can misbehave, and buyers of every kind.

mod assertions;
mod buyer;
mod config;
mod crash;
mod failures;
mod house;
mod refusals;
mod routes;
mod tunnel;
mod upstream;
