//! Every bound of the compiler, with its name. What is beyond one of them is refused or asked about, never cut.

/// The longest sentence and the longest answer, in characters: a page of rules; a person writes a few lines.
pub const SENTENCE_CHARS_MAX: usize = 1_000;

/// The most answers one draft takes: more rounds than a person has patience for.
pub const ANSWERS_MAX: usize = 64;

/// The largest amount, in smallest units of its currency: what a mandate can hold.
pub const AMOUNT_MINOR_MAX: u128 = 1_000_000_000_000_000_000_000_000_000_000;

/// The most digits of a number, before and after its point together.
pub const DIGITS_MAX: usize = 30;

/// The most digits after a point: the finest asset has as many.
pub const SCALE_MAX: u8 = 18;

/// The largest count of payments or pieces.
pub const COUNT_MAX: u32 = 1_000_000;

/// The longest name of a merchant, in characters.
pub const NAME_CHARS_MAX: usize = 48;

/// The most words in the name of a merchant.
pub const NAME_WORDS_MAX: usize = 16;

/// The longest stretch of time a person may name, in days: ten years.
pub const LENGTH_DAYS_MAX: u32 = 3_660;

/// The longest rolling window, in seconds: 366 days, what a mandate can hold.
pub const ROLLING_SECONDS_MAX: u32 = 366 * 86_400;

/// The most tries after a payment failed.
pub const RETRIES_MAX: u32 = 100;

/// How far apart two words of one condition may stand, in words.
pub const REACH_MAX: usize = 8;
