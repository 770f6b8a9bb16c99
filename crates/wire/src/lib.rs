//! The JSON of the public API: what is asked, what is answered, and how both are spelled.
//!
//! Every text has one spelling: amounts are canonical decimal strings, identifiers carry their kind, and a request
//! with a member that is not known is refused. Answers may gain members.
//!
//! Reading order: [`money`], [`id`], [`payment`] (one request and its answer), [`problem`], then whatever is needed.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod a402;
pub mod account;
pub mod act;
pub mod answer;
pub mod ap2;
pub mod autonomy;
pub mod channel;
pub mod coupon;
pub mod entry;
pub mod hold;
pub mod id;
pub mod invoice;
pub mod joining;
pub mod limit;
pub mod limits;
pub mod link;
pub mod list;
pub mod meter;
pub mod money;
pub mod mpp;
pub mod offers;
pub mod payment;
pub mod payout;
pub mod problem;
pub mod quota;
pub mod service;
pub mod session;
pub mod subscription;
pub mod token;
pub mod trial;
pub mod unsigned;
pub mod version;
pub mod webhook;
pub mod x402;

pub use id::{
    AgentId, CreditNoteId, Digest, HoldId, IntentId, InvoiceId, KeyId, LinkId, MandateId, MeterId, OrderId,
    OwnerId, PayeeId, PaymentId, PayoutBatchId, PayoutId, QuotaId, RefundId, RequestId, ServiceId,
    SubscriptionId, TransferId, WalletId, WebhookId,
};
pub use money::{AmountText, AssetText, Money};
pub use problem::Problem;
