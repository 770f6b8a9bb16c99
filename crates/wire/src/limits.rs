//! Every bound of the public API, with its name. A request beyond one of them is refused, never cut.

/// The largest amount, in smallest units: 10^30.
pub const AMOUNT_MAX: u128 = 1_000_000_000_000_000_000_000_000_000_000;

/// The longest amount, in characters: the digits of [`AMOUNT_MAX`].
pub const AMOUNT_CHARS_MAX: usize = 31;

/// The most decimals of an asset.
pub const ASSET_SCALE_MAX: u8 = 18;

/// The longest code of an asset or a category, in bytes.
pub const CODE_BYTES_MAX: usize = 16;

/// The most payments in one request.
pub const PAYMENTS_MAX: usize = 1_000;

/// The most charges of a meter in one request.
pub const CHARGES_MAX: usize = 1_000;

/// The longest body of a request for one thing, in bytes: 64 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1_024;

/// The longest body of a request for many things, in bytes: 1,000 payments of at most 1 KiB each.
pub const ARRAY_BODY_BYTES_MAX: usize = PAYMENTS_MAX * 1_024;

/// The most purchases on one invoice.
pub const INVOICE_LINES_MAX: usize = 1_000;

/// The longest text of one line or of a party on an invoice, in characters.
pub const INVOICE_TEXT_CHARS_MAX: usize = 200;

/// The longest remark on an invoice, in characters.
pub const INVOICE_NOTE_CHARS_MAX: usize = 2_000;

/// The most items of one page of a list.
pub const LIST_MAX: usize = 100;

/// The items of a page where nobody says how many.
pub const LIST_DEFAULT: usize = 20;

/// The longest label, in characters.
pub const LABEL_CHARS_MAX: usize = 120;

/// The longest text in which an agent says why it buys something, in characters.
pub const WHY_CHARS_MAX: usize = 200;

/// The longest line that goes to a seller with a payment, in characters.
pub const MESSAGE_CHARS_MAX: usize = 200;

/// The longest text of a mandate or a change of limits, in characters.
pub const DOCUMENT_CHARS_MAX: usize = 16_000;

/// The longest a session may last, in seconds: one hour.
pub const SESSION_SECONDS_MAX: u32 = 3_600;

/// How far the time in a signature may be from the server's, in seconds.
pub const SIGNATURE_SKEW_SECONDS_MAX: u64 = 60;

/// The longest that a test book's clock may be put forward at once, in seconds: ten years.
pub const ADVANCE_SECONDS_MAX: u64 = 10 * 366 * 86_400;

/// The longest sentence in which an owner says what an agent may spend on, in characters: what the compiler reads.
pub const SENTENCE_CHARS_MAX: usize = 1_000;

/// The most turns of a dialogue that an intent was drawn from.
pub const TURNS_MAX: usize = 256;

/// The most categories of one order.
pub const ORDER_CATEGORIES_MAX: usize = 16;

/// Characters of a service's name.
pub const SERVICE_NAME_CHARS_MAX: usize = 60;

/// Characters of a service's description.
pub const SERVICE_DESCRIPTION_CHARS_MAX: usize = 500;
