//! The maxima of this crate.

/// The most units of one class that one call may count. A double holds every integer up to there, so every reader of a
/// signed record reads the same number.
pub const UNITS_MAX: u64 = 1_000_000_000_000;

/// The most models of a catalogue.
pub const MODELS_COUNT_MAX: usize = 1_000;

/// The most bands of a model's prices.
pub const BANDS_COUNT_MAX: usize = 16;

/// The longest name of a model, in bytes.
pub const MODEL_NAME_BYTES_MAX: usize = 128;

/// The longest signed text that is read, in bytes: 1 MiB, a thousand models with room.
pub const SEALED_BYTES_MAX: usize = 1024 * 1024;

/// The longest bill that is read, in bytes: 64 MiB, about a hundred thousand calls.
pub const BILL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most digits of a price's whole part and of its fraction.
pub const PRICE_DIGITS_MAX: usize = 18;

/// How many bytes of text count as one token where nobody counted: more than tokens have on average in any common
/// language, so that an estimate errs in the buyer's favour.
pub const ESTIMATED_BYTES_PER_TOKEN: u64 = 6;

/// The most acceptance terms of one price.
pub const TERM_COUNT_MAX: usize = 16;

/// The longest acceptance terms as they are written, in bytes: they travel in a header.
pub const TERMS_BYTES_MAX: usize = 3_000;

/// The longest signed quote or evaluation that is read, in bytes.
pub const QUOTE_BYTES_MAX: usize = 8_192;

/// The most rows that a term may ask for.
pub const TERM_ROWS_MAX: u64 = 1_000_000_000;

/// The longest latency that a term may allow, in thousandths of a second: one hour.
pub const TERM_MILLIS_MAX: u64 = 3_600_000;

/// The longest time that a term may allow, in seconds: 90 days, the longest hold.
pub const TERM_SECONDS_MAX: u64 = 90 * 86_400;

/// The longest JSON pointer of a term, in bytes.
pub const POINTER_BYTES_MAX: usize = 256;

/// The most schemas inside one schema, itself included, and the most values or names of one list in it.
pub const SCHEMA_PARTS_MAX: usize = 256;

/// How deep schemas may lie inside each other.
pub const SCHEMA_DEPTH_MAX: usize = 16;

/// The largest number in a schema, and the smallest but for its sign: a double has every whole number up to there.
pub const SCHEMA_NUMBER_MAX: u64 = 9_007_199_254_740_991;
