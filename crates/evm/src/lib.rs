//! A facilitator of x402 on EVM chains: it asks a node whether an authorization (EIP-3009) would move what it says, sends it
//! from an account that pays the fees and has no say over the money, and waits until the chain has it.
//!
//! Each authorization is sent for one settlement. What is sent is written down before, so that whoever asks again, also
//! after a crash, learns what became of that very transaction; and what nobody knows is never called failed.
//!
//! Reading order: [`facilitator`] what is answered, [`store`] what is kept, [`node`] what a chain is asked, [`transaction`]
//! what it is sent, [`config`] which chains and tokens.

pub mod config;
pub mod facilitator;
pub mod limits;
pub mod node;
mod rpc;
pub mod store;
pub mod transaction;

pub use config::{Config, ConfigFault};
pub use facilitator::{Facilitator, Refused, Settlement};
