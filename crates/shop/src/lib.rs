//! A shop for agents: a catalogue, carts whose price and stock are locked when they are confirmed, and orders that learn of
//! their payment from a Tollbridge server as any seller does.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod limits;
