//! The maxima of this crate, by name: how long a chain is waited for, and what is spent on it.

/// How long a node may take over one answer, in seconds.
pub const RPC_SECONDS_MAX: u64 = 4;

/// The longest answer of a node that is read, in bytes: 1 MiB.
pub const RPC_ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How much of what a node says in words is kept, in characters.
pub const RPC_WORDS_CHARS_MAX: usize = 200;

/// How long a settlement may wait for those before it, in seconds.
pub const TURN_SECONDS_MAX: u64 = 4;

/// How long a settlement is waited for from when it is asked for, in seconds: it is answered within the server's 30.
pub const RECEIPT_SECONDS_MAX: u64 = 15;

/// How long a node is left alone between two questions about one transaction, in milliseconds.
pub const RECEIPT_POLL_MILLIS: u64 = 250;

/// The most gas of one transfer, in units: usual tokens take 60,000 to 120,000.
pub const GAS_MAX: u64 = 500_000;

/// The most that a unit of gas may cost unless the operator says otherwise, in billionths of the chain's coin.
pub const FEE_GWEI_DEFAULT: u64 = 100;

/// So many blocks have to pass a transaction by before it is replaced by one that pays more.
pub const REPLACE_BLOCKS_MIN: u64 = 2;

/// So long a transaction has to be passed by before it is replaced, in seconds of the chain's own clock.
pub const REPLACE_SECONDS_MIN: u64 = 30;

/// What a replacement pays more is what it replaces, divided by this: an eighth. Nodes want a tenth.
pub const REPLACE_RAISE_DIVISOR: u128 = 8;

/// The most transactions that are signed for one settlement, so that tips rise to four times what was asked, and no further
/// unless the node asks for more.
pub const TRANSACTIONS_MAX: usize = 12;

/// How often a chain is looked at for what is pending, in seconds.
pub const ROUND_SECONDS: u64 = 10;

/// How long a node that does not answer is left alone, in seconds: each time twice as long, up to this.
pub const ROUND_SECONDS_MAX: u64 = 320;

/// How many pending settlements of a chain are looked at in one round. The next round goes on behind them.
pub const ROUND_LOOKS_MAX: usize = 32;

/// The most blocks that a settlement may be told to wait for.
pub const CONFIRMATIONS_MAX: u64 = 64;

/// The most chains of one server.
pub const NETWORKS_MAX: usize = 16;

/// The most tokens of one chain.
pub const TOKENS_MAX: usize = 64;

/// The longest configuration that is read, in bytes: 64 KiB.
pub const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// The most accounts that may be paid on one chain.
pub const PAYEES_MAX: usize = 1_024;

/// The payments that are checked or settled at once: each asks its node several questions. One more is not known.
pub const ASKS_MAX: usize = 64;
