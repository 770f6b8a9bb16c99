//! The Rust client of Tollbridge: asks a server, pays in batches, buys behind 402, and checks receipts without asking anybody.
//!
//! Reading order: [`Client`] and [`Credentials`]; [`Failure`], which says what may be done after; [`Client::pay`];
//! [`Buyer`], which buys one HTTP request once; [`Tab`], which pays for many by vouchers; [`shopping`], at merchants;
//! [`verify_receipt`].

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod acceptance;
mod buyer;
mod client;
mod clock;
mod credentials;
mod failure;
mod keys;
pub mod limits;
mod pay;
mod purchase;
mod receipt;
mod routes;
mod said;
mod secret;
mod session;
pub mod shopping;
mod sign;
mod tab;
#[cfg(test)]
mod vectors;
mod whole;

pub use acceptance::Accepted;
pub use buyer::{
    AskedElsewhere, Asking, Buyer, BuyerSettings, CheckedOut, CheckoutDialect, CheckoutOrder, Fetch,
    LastHold, NewCheckout, NotBought, NotCheckedOut, Offer, PaymentOutcome, Purchase, Reach, SellerAnswer,
    Shown,
};
pub use client::{Auth, Client, NotAServer};
pub use clock::Clock;
pub use credentials::{Credentials, KeyFileFault};
pub use failure::{Answer, Failure};
pub use keys::{NotAKey, agent_keys, credential_ring, seller_ring};
pub use purchase::{PurchaseFault, Purchases};
pub use receipt::{NotAReceipt, verify_receipt};
pub use secret::kept_secret;
pub use tab::{CallPayment, Called, Tab, TabCall, TabSettings};
pub use whole::{make_file, replace_file};
