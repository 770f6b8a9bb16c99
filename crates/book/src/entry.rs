//! Entries: what was asked, what came of it, and the bytes that stand for both in the journal for good.

use crate::canon::{self, Canon, Malformed, canon_enum, canon_struct};
use crate::command::Command;
use crate::invoice::Billed;
use crate::limit::Versions;
use crate::money::{Amount, Nanos};
use crate::time::{Seq, Time};
use evidence::Hash;

/// One line of the journal. Its canonical bytes are a leaf of the book's Merkle tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place; the first is 0.
    pub seq: Seq,
    /// When it was decided; later than every entry before it.
    pub at: Time,
    /// What was asked.
    pub command: Command,
    /// What came of it.
    pub outcome: Outcome,
}

canon_struct!(Entry { seq, at, command, outcome });

impl Entry {
    /// Appends the canonical bytes of an entry that is not put together yet.
    pub(crate) fn encode_parts(seq: Seq, at: Time, command: &Command, outcome: &Outcome, out: &mut Vec<u8>) {
        seq.encode(out);
        at.encode(out);
        command.encode(out);
        outcome.encode(out);
    }

    /// The entry whose canonical bytes these are.
    ///
    /// # Errors
    /// [`Malformed`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Entry, Malformed> {
        canon::value(bytes)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        canon::bytes(self)
    }
}

/// What came of a command. A refusal is an outcome too, with a receipt like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is so now; the command says all there is to say.
    Done,
    /// Money moved at once.
    Paid(Moved),
    /// Money is set aside.
    Held(Versions),
    /// Held money moved; what the hold has left stays held unless the capture was the last.
    Captured(Moved),
    /// What a hold had left is its payer's again.
    Released(Released),
    /// Money went back where it came from.
    Refunded(Refunded),
    /// Metered work was counted.
    Charged(Metered),
    /// A meter was settled.
    Settled(Settled),
    /// The owner must say. Nothing moved.
    Asked(Question),
    /// A rule said no. Nothing moved.
    Denied(Refusal),
    /// A period was agreed on, and paid where it is not free.
    Subscribed(Term),
    /// An invoice was issued.
    Invoiced(Billed),
    /// A credit note was issued.
    Credited(Billed),
}

canon_enum!(Outcome {
    1 => Done,
    2 => Paid(it),
    3 => Held(it),
    4 => Captured(it),
    5 => Released(it),
    6 => Refunded(it),
    7 => Charged(it),
    8 => Settled(it),
    9 => Asked(it),
    10 => Denied(it),
    11 => Subscribed(it),
    14 => Invoiced(it),
    15 => Credited(it),
});

/// A movement from one payer to one or more payees, each of whom gives its fee to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What the payer gave.
    pub amount: Amount,
    /// How it was divided.
    pub parts: Parts,
    /// The limits that allowed it.
    pub versions: Versions,
}

canon_struct!(Moved { amount, parts, versions });

/// How an amount was divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// One payee took it all, less this fee.
    One {
        /// To the operator.
        fee: Amount,
    },
    /// Several payees, in the order of the command.
    Many {
        /// They add up to the amount.
        parts: Vec<Part>,
    },
}

canon_enum!(Parts { 1 => One { fee }, 2 => Many { parts } });

/// One payee's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Of a payment: what it gave, before the fee. Of a refund: what the payee gives back, beside the fee.
    pub amount: Amount,
    /// What the operator takes of it, or gives back.
    pub fee: Amount,
}

canon_struct!(Part { amount, fee });

impl Moved {
    /// What each payee got, in the order of the payees.
    pub fn each_part(&self) -> Vec<Part> {
        match &self.parts {
            Parts::One { fee } => vec![Part { amount: self.amount, fee: *fee }],
            Parts::Many { parts } => parts.clone(),
        }
    }
}

/// What was given back by ending a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// To the payer.
    pub amount: Amount,
}

canon_struct!(Released { amount });

/// What went back to the payer, and from whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// From each payee, in the order of the payment, and from the fees on its part; all add up to the refund.
    pub parts: Vec<Part>,
}

canon_struct!(Refunded { parts });

/// Where a meter stands after a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Exact cost of everything charged so far.
    pub total: Nanos,
}

canon_struct!(Metered { total });

/// How a meter ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What moved.
    pub moved: Moved,
    /// What went back to the payer.
    pub released: Amount,
    /// The billionths that rounding left over: uncharged, and visible.
    pub carry: Nanos,
}

canon_struct!(Settled { moved, released, carry });

/// The stretch of time that a plan counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// From then on.
    pub from: Time,
    /// Until then, exclusive; where it is `from`, a change that counts from the next period on.
    pub until: Time,
    /// What was paid for it; nothing where it is free, or costs nothing more.
    pub paid: Option<Moved>,
}

canon_struct!(Term { from, until, paid });

/// What an owner is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The limit that asks.
    pub rule: RuleRef,
    /// Why it asks.
    pub ask: Ask,
    /// What exactly would be approved: payees, amount, asset, purpose, agent and mandate.
    pub digest: Hash,
}

canon_struct!(Question { rule, ask, digest });

/// Why nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What decided.
    pub rule: RuleRef,
    /// What it said.
    pub denial: Denial,
    /// What it would still have allowed, where that is an amount.
    pub remaining: Option<Amount>,
}

canon_struct!(Refusal { rule, denial, remaining });

/// The rule that decided: a limit of one of the rows that the command names, or a rule of the book itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleRef {
    /// Whose rule it is.
    pub scope: Scope,
    /// Which version of that row's limits; 0 for the book's own rules.
    pub version: u32,
    /// Which of its limits, counted from 0.
    pub limit: u8,
}

canon_struct!(RuleRef { scope, version, limit });

impl RuleRef {
    /// A rule that holds in every book.
    pub const BOOK: RuleRef = RuleRef { scope: Scope::Book, version: 0, limit: 0 };
}

/// Whose rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every book's.
    Book,
    /// The wallet's.
    Wallet,
    /// The agent's.
    Agent,
    /// The mandate's.
    Mandate,
    /// That of a mandate it was delegated from.
    Parent {
        /// So many delegations up: 1 is the one right above.
        above: u8,
    },
    /// That of the agent of such a mandate.
    ParentAgent {
        /// So many delegations up: 1 is the one right above.
        above: u8,
    },
}

canon_enum!(Scope {
    1 => Book,
    2 => Wallet,
    3 => Agent,
    4 => Mandate,
    5 => Parent { above },
    6 => ParentAgent { above },
});

/// Declares a closed list of reasons with their numbers in the journal and their codes for everybody else.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $number:literal $variant:ident $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        canon_enum!($name { $($number => $variant),* });

        impl $name {
            /// The whole list.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The code, stable for ever.
            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code,)* }
            }
        }
    };
}

reasons! {
    /// Why the owner is asked.
    Ask {
        /// The amount is above the line.
        1 AboveAmount "above_amount",
        /// The wallet has never paid this payee.
        2 FirstContact "first_contact",
        /// The rules ask every time.
        3 Always "ask_always",
        /// The agent has no rules yet.
        4 NoRulesYet "no_rules_yet",
        /// Nobody trustworthy has vouched for the payee.
        5 PayeeUnverified "payee_unverified",
        /// A person has to say so, whatever the rules allow: a tip.
        6 PersonRequired "person_required",
    }
}

reasons! {
    /// Why a rule said no. A denial is a recorded fact.
    Denial {
        /// Whoever asks may not do this.
        1 Forbidden "forbidden",
        /// The key was revoked.
        2 KeyRevoked "key_revoked",
        /// Everything of the owner is frozen.
        3 OwnerFrozen "owner_frozen",
        /// The wallet is frozen.
        4 WalletFrozen "wallet_frozen",
        /// The wallet is closed.
        5 WalletClosed "wallet_closed",
        /// The agent is frozen.
        6 AgentFrozen "agent_frozen",
        /// The agent was revoked.
        7 AgentRevoked "agent_revoked",
        /// The agent is not registered with this wallet.
        8 AgentNotRegistered "agent_not_registered",
        /// The mandate is frozen.
        9 MandateFrozen "mandate_frozen",
        /// The mandate was revoked.
        10 MandateRevoked "mandate_revoked",
        /// The mandate has expired.
        11 MandateExpired "mandate_expired",
        /// The mandate is not valid yet.
        12 MandateNotYetValid "mandate_not_yet_valid",
        /// The mandate is another agent's.
        13 MandateMismatch "mandate_mismatch",
        /// The mandate allows nothing, for it has no limits.
        14 NoRules "no_rules",
        /// A constraint is not known to this version.
        15 ConstraintUnknown "constraint_unknown",
        /// Above what one payment may be.
        16 PaymentTooLarge "payment_too_large",
        /// Above what may be spent in all.
        17 TotalExceeded "total_exceeded",
        /// Every allowed use is used.
        18 UsesExceeded "uses_exceeded",
        /// Above what may be spent in this window.
        19 WindowExceeded "window_exceeded",
        /// Too many payments in this window.
        20 VelocityExceeded "velocity_exceeded",
        /// Outside the limit's time.
        21 OutsideValidity "outside_validity",
        /// The payee is not among those allowed.
        22 PayeeNotAllowed "payee_not_allowed",
        /// The payee is among those denied.
        23 PayeeDenied "payee_denied",
        /// The category is not among those allowed.
        24 CategoryNotAllowed "category_not_allowed",
        /// The category is among those denied.
        25 CategoryDenied "category_denied",
        /// The payee does not collect now.
        26 PayeeClosed "payee_closed",
        /// The payee collects another asset.
        27 AssetMismatch "asset_mismatch",
        /// Payer and payee have one owner.
        28 SelfPayment "self_payment",
        /// The account has too little.
        29 FundsInsufficient "funds_insufficient",
        /// The hold has ended.
        30 HoldClosed "hold_closed",
        /// The hold has expired.
        31 HoldExpired "hold_expired",
        /// More than the hold has left.
        32 CaptureTooLarge "capture_too_large",
        /// The hold was redeemed for something else.
        33 HoldRedeemed "hold_redeemed",
        /// More than is left to refund.
        34 RefundTooLarge "refund_too_large",
        /// A charge with this number, or a later one, is counted already.
        35 MeterSequence "meter_sequence",
        /// More than the meter's hold covers.
        36 MeterExceeded "meter_exceeded",
        /// The account is not empty.
        37 AccountNotEmpty "account_not_empty",
        /// Too many questions wait for the owner.
        38 AskRateLimited "ask_rate_limited",
        /// The question was not answered yet.
        39 ApprovalPending "approval_pending",
        /// The owner refused.
        40 ApprovalRefused "approval_refused",
        /// The approval was used.
        41 ApprovalUsed "approval_used",
        /// The approval has expired.
        42 ApprovalExpired "approval_expired",
        /// The approval is for something else.
        43 ApprovalMismatch "approval_mismatch",
        /// The owner must authenticate for this very request.
        44 PresenceRequired "presence_required",
        /// The limits were changed meanwhile.
        45 VersionConflict "version_conflict",
        /// What was revoked stays revoked.
        46 Revoked "revoked",
        /// The mandate would allow more than the one it is delegated from.
        47 DelegationTooWide "delegation_too_wide",
        /// The mandate has been delegated as often as one can be.
        48 DelegationTooDeep "delegation_too_deep",
        /// The agent would get back what it delegated.
        49 DelegationCircular "delegation_circular",
        /// The price has not come down to where it shall be bought.
        50 TriggerNotMet "trigger_not_met",
        /// The seller has none.
        51 OutOfStock "out_of_stock",
        /// The seller has not said of late what it costs.
        52 ObservationStale "observation_stale",
        /// The quota has too few units left.
        53 QuotaInsufficient "quota_insufficient",
        /// The quota's time is over.
        54 QuotaExpired "quota_expired",
        /// A quota was granted for the payment already.
        55 PaymentGranted "payment_granted",
        /// More units than the deduction has left to restore.
        56 RestoreTooLarge "restore_too_large",
        /// The subscription was cancelled, or has ended.
        57 SubscriptionEnded "subscription_ended",
        /// An agent subscribed unasked, and the owner wants to be asked now.
        58 RenewalUnapproved "renewal_unapproved",
        /// The link was paid as often as it may be.
        62 LinkUsed "link_used",
        /// The link was good until an earlier time.
        63 LinkExpired "link_expired",
        /// The link was closed.
        64 LinkClosed "link_closed",
        /// The link pays others, in another asset or for something else.
        65 LinkMismatch "link_mismatch",
        /// The amount is outside what the link asks for.
        66 LinkAmount "link_amount",
        /// The buyer's side objected: only the wallet's owner may capture.
        59 HoldDisputed "hold_disputed",
        /// The hold gives back what it has by itself.
        60 HoldNotDisputable "hold_not_disputable",
        /// The invoice or credit note would come to another sum than the seller expects.
        67 BillTotalDiffers "bill_total_differs",
        /// Of one of the purchases nothing is left to be on an invoice.
        68 NothingToInvoice "nothing_to_invoice",
        /// Nothing was refunded of what the invoice says, or credit notes say so already.
        69 NothingToCredit "nothing_to_credit",
        /// No bank account was named that the seller is paid out to.
        70 DestinationUnset "destination_unset",
        /// Another bank account counts.
        71 DestinationMismatch "destination_mismatch",
        /// The bank account was named too short a time ago.
        72 DestinationCooling "destination_cooling",
        /// The payout has ended: it was paid, or failed.
        73 PayoutEnded "payout_ended",
        /// The operator has stopped the seller: nothing of it leaves the book.
        74 PayoutsStopped "payouts_stopped",
    }
}

reasons! {
    /// What makes a request no question for this book. Nothing is recorded.
    Reject {
        /// The id was used for another command.
        1 IdReused "id_reused",
        /// The id is older than ids are remembered.
        2 IdStale "id_stale",
        /// The id was made in the future.
        3 IdFromFuture "id_from_future",
        /// The nonce was used, or is older than nonces are remembered.
        4 NonceUsed "nonce_used",
        /// The nonce lies in the future.
        5 NonceFromFuture "nonce_from_future",
        /// No such asset.
        6 AssetUnknown "asset_unknown",
        /// No such owner.
        7 OwnerUnknown "owner_unknown",
        /// No such wallet.
        8 WalletUnknown "wallet_unknown",
        /// No such payee.
        9 PayeeUnknown "payee_unknown",
        /// No such agent.
        10 AgentUnknown "agent_unknown",
        /// No such key.
        11 KeyUnknown "key_unknown",
        /// No such mandate.
        12 MandateUnknown "mandate_unknown",
        /// No such question.
        13 QuestionUnknown "question_unknown",
        /// No such payment, or none that is remembered.
        14 PaymentUnknown "payment_unknown",
        /// No such hold, or none that is remembered.
        15 HoldUnknown "hold_unknown",
        /// No such meter, or none that is remembered.
        16 MeterUnknown "meter_unknown",
        /// The amount is nothing.
        17 AmountZero "amount_zero",
        /// The amount does not fit.
        18 AmountTooLarge "amount_too_large",
        /// The parts are not the whole, or too many, or none.
        19 SplitNotWhole "split_not_whole",
        /// The limits are malformed or too many.
        20 LimitsMalformed "limits_malformed",
        /// The time is too near, too far or the wrong way round.
        21 TimeOutOfRange "time_out_of_range",
        /// The book is open already, or not yet.
        22 BookState "book_state",
        /// The name is taken.
        23 AlreadyExists "already_exists",
        /// The book has as many of these as it can.
        24 TooMany "too_many",
        /// The accounts are not of one owner and one asset.
        25 AccountsMismatch "accounts_mismatch",
        /// No such quota.
        26 QuotaUnknown "quota_unknown",
        /// No such deduction, or none that is remembered.
        27 DeductionUnknown "deduction_unknown",
        /// No such subscription.
        28 SubscriptionUnknown "subscription_unknown",
        /// The terms have periods or a grace that cannot be kept.
        29 TermsMalformed "terms_malformed",
        /// No such payment link.
        32 LinkUnknown "link_unknown",
        /// The link asks for nothing, for more at least than at most, or no time at all.
        33 LinkMalformed "link_malformed",
        /// No such invoice.
        35 InvoiceUnknown "invoice_unknown",
        /// The purchases of an invoice are none, too many, or one of them twice.
        36 PurchasesMalformed "purchases_malformed",
        /// The purchases were made by more than one owner.
        37 BuyersDiffer "buyers_differ",
        /// No such payout.
        38 PayoutUnknown "payout_unknown",
        /// The payout was handed to the bank already.
        39 PayoutSent "payout_sent",
    }
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new fact, at this place.
    Record(Seq, Outcome),
    /// The same command again: the place of the entry it already has.
    Repeat(Seq),
    /// Not a question for this book; nothing was recorded.
    Reject(Reject),
}
