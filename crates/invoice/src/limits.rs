//! Every bound of a bill and of a bank's order, with its name.

/// The most lines of one bill.
pub const LINES_MAX: usize = 1_000;

/// The largest amount of one bill, in smallest units: 10^18, so that products of two fit.
pub const AMOUNT_MAX: u128 = 1_000_000_000_000_000_000;

/// The most decimals that EN 16931 allows an amount.
pub const DECIMALS_MAX: u8 = 2;

/// The longest text of a line or of a party, in characters.
pub const TEXT_CHARS_MAX: usize = 200;

/// The longest remark, in characters.
pub const NOTE_CHARS_MAX: usize = 2_000;

/// The longest text in front of a number, in bytes.
pub const PREFIX_BYTES_MAX: usize = 16;

/// The highest rate of tax, in millionths.
pub const RATE_PPM_MAX: u32 = 1_000_000;

/// The longest name of who holds a bank account, in characters: what banks in Europe pass on whole.
pub const BANK_NAME_CHARS_MAX: usize = 70;

/// The longest number of a bank account, in bytes: what an IBAN and ISO 20022 allow.
pub const ACCOUNT_BYTES_MAX: usize = 34;

/// The most decimals that ISO 20022 allows an amount.
pub const ORDER_DECIMALS_MAX: u8 = 5;
