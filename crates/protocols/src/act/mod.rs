//! ACT 2.1: what a principal wants, what an agent may do about it, and how a payment service checks that.
//!
//! Everything is a function of its arguments. What is once-only, what is stored and what is asked over a
//! network belongs to the callers; paying for an HTTP request is [`a402`](crate::a402).
//!
//! Reading order:
//!
//! 1. [`AmountNumber`], [`UtcTime`], [`Malformed`]: what messages are made of.
//! 2. [`intent`]: a dialogue becomes rules, and the rules are confirmed (`ADD-INT-ICS`).
//! 3. [`iac`]: confirmed rules become a signed credential (`ADD-IAC-ISS`).
//! 4. [`lifecycle`]: the credential's four states, and what holds when nobody can say which (`ADD-IAC-LCM`).
//! 5. [`cid`]: what is wanted, offered and agreed on between buyer and seller (`CID-*`).
//! 6. [`psd`]: binding a payment tool, and paying at the three levels (`PSD-PMT-BND` to `PSD-PAY-AUP`).

mod amount;
pub mod cid;
pub mod iac;
pub mod intent;
pub mod lifecycle;
mod object;
pub mod psd;
mod text;

pub use crate::a402::{
    AmountText, Currency, Fingerprint, Identifier, Keyring, Misshapen, SignatureText, Uri,
};
pub use amount::{AmountNumber, Percent};
pub use object::{Malformed, Opaque};
pub use text::{MaskedAccount, Sentence, UtcTime, Word};
