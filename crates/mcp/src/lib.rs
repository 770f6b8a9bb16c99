//! The MCP server: an agent pays, or a seller is paid, through tools that cannot be talked into anything else.
//!
//! Reading order: [`tools`], what a model is told; [`Desk`], one key's client of a Tollbridge server; `buyer` and `merchant`,
//! what the tools do; [`booth`], prices on the tools of others; [`customer`], paying them; `untrusted`, what becomes of words of others; [`stdio`] and [`http`], who may ask.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod answer;
pub mod booth;
mod buyer;
pub mod customer;
mod desk;
pub mod http;
mod kept;
pub mod limits;
mod merchant;
mod server;
pub mod state;
pub mod stdio;
pub mod tools;
mod untrusted;

pub use desk::{Desk, NoDesk, Settings};
pub use kept::KeptFault;
pub use tools::ToolSet;
