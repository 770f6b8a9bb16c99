//! Every bound of the book, with its name. A request beyond one of them is refused, never cut.

/// The largest amount: 10^30 smallest units, a million million whole tokens of 18 decimals.
pub const AMOUNT_MAX: u128 = 1_000_000_000_000_000_000_000_000_000_000;

/// The most decimals an asset may have.
pub const ASSET_SCALE_MAX: u8 = 18;

/// The longest code of an asset, a category or a reason, in bytes.
pub const CODE_BYTES_MAX: usize = 16;

/// The most assets of one book.
pub const ASSETS_MAX: usize = 256;

/// The most limits on one wallet, agent or mandate.
pub const LIMITS_MAX: usize = 32;

/// The most bytes that the limits on one wallet, agent or mandate take in an entry.
pub const LIMITS_BYTES_MAX: usize = 60_000;

/// The most payees or categories named by one limit.
pub const LIST_MAX: usize = 256;

/// The most parts one payment may be split into.
pub const PARTS_MAX: usize = 16;

/// The most prices of one meter.
pub const RATES_MAX: usize = 16;

/// The most mandates between a mandate and the one its owner granted, this one included: what an agent was delegated, it
/// may delegate further, but not for ever.
pub const DELEGATION_DEPTH_MAX: u8 = 4;

/// The most mandates that one mandate may be delegated to, those that ended included.
pub const DELEGATIONS_MAX: u32 = 1_024;

/// The most purchases on one invoice.
pub const INVOICE_LINES_MAX: usize = 1_000;

/// The most units of one quota: 10^18.
pub const QUOTA_UNITS_MAX: u64 = 1_000_000_000_000_000_000;

/// The most quotas right below one quota, used up or not: seats of a company.
pub const QUOTA_CHILDREN_MAX: u32 = 100_000;

/// The most quotas from one that a seller granted down to the last below it, both included.
pub const QUOTA_DEPTH_MAX: usize = 4;

/// The items of one payee whose price is remembered; beyond it, the one that was seen longest ago is forgotten.
pub const OBSERVATIONS_MAX: usize = 64;

/// How long ago a price may have been seen that a limit still goes by, in seconds: one day.
pub const OBSERVATION_SECONDS_MAX: u32 = 86_400;

/// The spendings a rolling window remembers one by one. Beyond it, neighbours are merged into the later of the two,
/// so they count for longer, never for less.
pub const ROLLING_SPENDINGS_MAX: usize = 1_024;

/// The longest rolling window, in seconds: 366 days.
pub const ROLLING_SECONDS_MAX: u32 = 366 * 86_400;

/// The nonces remembered for each key; a nonce below the smallest of them is refused.
pub const NONCES_MAX: usize = 1_024;

/// How far ahead of the book's clock a nonce or an id may be, in nanoseconds: 60 seconds.
pub const AHEAD_NANOS_MAX: u64 = 60 * 1_000_000_000;

/// The questions one wallet may have waiting for its owner.
pub const ASKS_OPEN_MAX: u16 = 32;

/// The questions one agent may put within [`ASKS_AGENT_NANOS`], however soon they are answered: refusing is no invitation.
pub const ASKS_AGENT_MAX: u32 = 32;

/// The stretch of time that an agent's questions are counted over, in nanoseconds: one hour from its first.
pub const ASKS_AGENT_NANOS: u64 = 3_600 * 1_000_000_000;

/// How long a question waits for its owner, in nanoseconds: 24 hours.
pub const ASK_NANOS_MAX: u64 = 24 * 3_600 * 1_000_000_000;

/// How long an approval may be good for, in nanoseconds: 7 days.
pub const APPROVAL_NANOS_MAX: u64 = 7 * 86_400 * 1_000_000_000;

/// How long the rest of a question's like may be approved, in nanoseconds: 24 hours.
pub const ALIKE_NANOS_MAX: u64 = 24 * 3_600 * 1_000_000_000;

/// The approvals of a question's like that one wallet may have at once.
pub const ALIKE_MAX: usize = 32;

/// The longest hold, in nanoseconds: 90 days.
pub const HOLD_NANOS_MAX: u64 = 90 * 86_400 * 1_000_000_000;

/// How long after its time a disputed escrow waits before what is left goes back, in nanoseconds: 7 days in which seller and
/// owner may agree.
pub const DISPUTE_NANOS: u64 = 7 * 86_400 * 1_000_000_000;

/// The longest period of a subscription, in days and in months: a leap year, and five years.
pub const SUBSCRIPTION_DAYS_MAX: u16 = 366;
/// See [`SUBSCRIPTION_DAYS_MAX`].
pub const SUBSCRIPTION_MONTHS_MAX: u16 = 60;

/// The longest free time that a subscription may begin with, in nanoseconds: 366 days.
pub const TRIAL_NANOS_MAX: u64 = 366 * 86_400 * 1_000_000_000;

/// The longest time of grace after a renewal failed, in nanoseconds: 90 days.
pub const GRACE_NANOS_MAX: u64 = 90 * 86_400 * 1_000_000_000;

/// How long after the first failure a renewal is tried again, in nanoseconds: after an hour, six hours and a day; then
/// [`RENEWAL_RETRY_NANOS`] apart. Only within the time of grace.
pub const RENEWAL_RETRIES: [u64; 3] =
    [3_600 * 1_000_000_000, 6 * 3_600 * 1_000_000_000, 86_400 * 1_000_000_000];

/// See [`RENEWAL_RETRIES`]: one day.
pub const RENEWAL_RETRY_NANOS: u64 = 86_400 * 1_000_000_000;

/// How long a payment link may be good for, in nanoseconds: 366 days.
pub const LINK_NANOS_MAX: u64 = 366 * 86_400 * 1_000_000_000;

/// How long after a seller named another bank account its payouts go there, in nanoseconds: one day, in which it can hear of
/// what a stolen key did and take it back.
pub const DESTINATION_NANOS: u64 = 86_400 * 1_000_000_000;

/// The payees a wallet remembers having paid; beyond it, a further payee is always a first contact.
pub const CONTACTS_MAX: usize = 4_096;

/// The shortest and longest retention of ids, in seconds: one hour, and ten years.
pub const RETENTION_SECONDS_MIN: u64 = 3_600;
/// See [`RETENTION_SECONDS_MIN`].
pub const RETENTION_SECONDS_MAX: u64 = 10 * 366 * 86_400;

/// A piece of a saved book is full with the row that brings it to so many bytes: what the processor's second cache holds.
pub const PIECE_BYTES: usize = 64 * 1024;

/// The longest encoded entry, in bytes; it must fit in a bundle of the transparency log.
pub const ENTRY_BYTES_MAX: usize = 65_535;
