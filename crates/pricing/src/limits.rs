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
