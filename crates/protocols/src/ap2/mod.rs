//! AP2 0.2: mandates of people for checkouts and payments, signed, passed on and closed by agents, and the receipts
//! that whoever verifies one gives for it.
//!
//! A presentation is a [`Chain`]: [`Claimed::read`] takes it apart, [`Claimed::verify`] checks every signature, binding
//! and time, and [`payment`] or [`checkout`] whether it keeps within what was left open. Reading order: [`token`] (one
//! SD-JWT), [`chain`], [`mandate`] and [`constraint`] (what is signed), [`evaluate`], [`issue`], [`receipt`].
//!
//! Where the specification and its reference implementation contradict each other, `docs/ap2.md` says what is done here.

pub mod chain;
pub mod checkout;
pub mod constraint;
pub mod date;
pub mod evaluate;
pub mod issue;
mod line_items;
pub mod mandate;
pub mod money;
pub mod parties;
pub mod receipt;
pub mod refusal;
mod token;

pub use chain::{Chain, Claimed, Expected, Mode, reference_of};
pub use checkout::{Checkout, Line, sign_checkout, total_of};
pub use constraint::{CheckoutConstraint, Frequency, Item, PaymentConstraint, Requirement};
pub use date::Date;
pub use evaluate::{Approval, Asked, CheckoutApproval, Past, Standing, Transaction, Uses, checkout, payment};
pub use issue::{Addressed, Salts, approve, issue, present, show_only};
pub use mandate::{
    ClosedCheckout, Family, Lifetime, Mandate, OpenCheckout, OpenPayment, Payment, Preset, State,
};
pub use money::{Iso4217, Money};
pub use parties::{Instrument, Merchant, Pisp};
pub use receipt::{Receipt, ReceiptResult};
pub use refusal::{ErrorCode, Refusal};
