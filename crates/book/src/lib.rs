//! The rules of a book of accounts: what may happen, and what has happened.
//!
//! A [`Book`] is rows. A [`Command`] asks it for something; [`Book::decide`] says what the rules say, [`Book::execute`]
//! also makes it so and writes it down as an [`Entry`]. Nothing here knows a clock, a socket, a disk or a random
//! number: the same commands at the same times give the same entries, byte for byte.
//!
//! Read [`pay`] first, then [`purchase`] (everything that can say no), [`limit`], [`hold`], and [`book`].
//!
//! What holds after every entry:
//!
//! - **I1** Every movement takes one amount from one account and gives it to others; per asset, debits equal credits.
//! - **I2** A wallet never owes: credits cover debits and what is held.
//! - **I3** Spending is within every limit that was in force, after every entry.
//! - **I4** An id has at most one entry; asking again returns that entry.
//! - **I5** Entries have consecutive places and strictly increasing times.
//! - **I6** A hold ends once: what was captured and released is what was placed.
//! - **I7** Rows are the fold of the journal; snapshots and views equal it.
//! - **I8** An answered entry survives power loss and is in every later checkpoint; the log only grows.
//! - **I9** A decision depends on the book, the time and the command, and on nothing else.
//! - **I10** Of every quota, what was granted is what was used, what was allotted further and what is left.
//! - **I11** Of every purchase, what invoices say and credit notes did not take back is no more than what was paid and not
//!   refunded, save what is listed to be credited; the numbers of a seller's invoices, and of its credit notes, have no gap.
//! - **I12** What is on its way to banks is what the payouts come to that have not ended; each ends once.

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]

pub mod agent;
pub mod alike;
pub mod approval;
pub mod book;
mod calendar;
pub mod canon;
pub mod channel;
pub mod command;
pub mod compare;
pub mod delegate;
pub mod entry;
pub mod escrow;
mod foresee;
pub mod freeze;
pub mod hold;
pub mod id;
pub mod invoice;
pub mod level;
pub mod limit;
pub mod limits;
pub mod link;
pub mod mandate;
pub mod meter;
pub mod money;
pub mod observe;
pub mod open;
pub mod pay;
pub mod payee;
pub mod payout;
pub mod purchase;
pub mod quota;
mod record;
pub mod refund;
pub mod rehearse;
pub mod renewal;
mod rolling;
#[cfg(feature = "sabotage")]
pub mod sabotage;
pub mod saved;
mod share;
pub mod subscription;
mod table;
mod time;
pub mod transfer;
pub mod wallet;

pub use agent::{EnrolAgent, EnrolKey, KeyHolder, Present, PublicKeyBytes, RevokeKey};
pub use alike::ApproveAlike;
pub use approval::{Approve, Refuse};
pub use book::{Book, Decided, Decision, Head, ReplayError};
pub use calendar::{Cadence, Period, Zone};
pub use canon::{Code, Malformed};
pub use channel::{Claim, OpenChannel, VoucherSignature, voucher_bytes};
pub use command::{Action, Actor, Command, Presence};
pub use compare::{Change, Comparison, Difference, Dimension, compare, widens};
pub use delegate::Delegate;
pub use entry::{
    Ask, Denial, Entry, Metered, Moved, Outcome, Part, Parts, Question, Refunded, Refusal, Reject, Released,
    RuleRef, Scope, Settled, Term, Verdict,
};
pub use escrow::{Dispute, PlaceEscrow};
pub use freeze::{Freeze, Revoke, Subject, Unfreeze};
pub use hold::{Capture, Expire, PlaceHold, Redeem, Void};
pub use id::{
    AgentId, CreditNoteId, HoldId, Id, InvoiceId, KeyId, LinkId, MandateId, MeterId, NotAnId, OwnerId,
    PayeeId, PaymentId, PayoutBatchId, PayoutId, QuotaId, RefundId, RequestId, SubscriptionId, TransferId,
    WalletId,
};
pub use invoice::{Billed, InvoiceState, IssueCreditNote, IssueInvoice};
pub use level::{Budget, Level};
pub use limit::{Limit, Versions, Window};
pub use link::{CloseLink, LinkPayer, LinkState, OpenLink, PayLink};
pub use mandate::{Carry, GrantMandate, LimitSubject, SetLimits};
pub use meter::{Charge, CloseMeter, OpenMeter};
pub use money::{Amount, Asset, Nanos, NanosPerUnit, PartsPerMillion, Rounding};
pub use observe::{Observe, Trigger};
pub use open::{Balance, OpenBook, RegisterAsset};
pub use pay::Pay;
pub use payee::{Provenance, RegisterPayee};
pub use payout::{AdvancePayout, Destinations, PayoutStage, PayoutStep, RequestPayout, SetDestination};
pub use purchase::{Payees, Purchase, Share, Split};
pub use quota::{Allot, Deduct, GrantQuota, QuotaState, QuotaUnit, Reclaim, Restore};
pub use refund::Refund;
pub use rehearse::{Past, PastPayee, Rehearsed, rehearse};
pub use renewal::Renew;
pub use saved::Restoring;
pub use subscription::{CancelSubscription, ChangePlan, Subscribe, SubscriptionState, Terms};
pub use time::{Seq, Time};
pub use transfer::{Account, Transfer};
pub use wallet::{CloseWallet, OpenSubAccount, OpenWallet, RegisterOwner};

/// Whether bugs can be planted in this build, as the simulator does. A product refuses to be built then.
pub const SABOTAGE: bool = cfg!(feature = "sabotage");
