//! Foreign dialects of payment and of what is paid for, one module each: bytes and headers in, checked values out, and back.
//!
//! Nothing here opens a socket, reads a clock or draws a random number: time and randomness are
//! arguments. Every size that a stranger can choose has a maximum in [`limits`].

pub mod a2a;
pub mod a402;
pub mod acp;
pub mod act;
pub mod address;
pub mod ap2;
pub mod bare;
pub mod binding;
pub mod checkout;
#[cfg(feature = "evm")]
pub mod evm;
pub mod explain;
mod hidden;
mod json;
pub mod limits;
pub mod llm;
pub mod mpp;
pub mod offered;
mod rfc3339;
pub mod sabotage;
pub mod tools;
pub mod ucp;
pub mod voucher;
pub mod x402;

pub use hidden::is_hidden;

/// Instants, for those who may not depend on the book.
pub use book::Time;
pub use book::money::NANOS;
