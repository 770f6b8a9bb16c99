//! The maxima of this crate: what a stranger may make us read, and for how long we must remember.

/// The longest header value that is decoded or encoded, in bytes: 16 KiB.
///
/// A402 sets no bound. Common servers cut a whole header block at 8 to 64 KiB, and our own demands
/// stay below 2 KiB, so this leaves room for a talkative method and none for a flood.
pub const HEADER_VALUE_BYTES_MAX: usize = 16 * 1024;

/// The longest payment credential that is decoded, in characters of its text form.
pub const CREDENTIAL_TEXT_BYTES_MAX: usize = 8 * 1024;

/// The longest target URI that takes part in a request fingerprint, in bytes.
pub const URI_BYTES_MAX: usize = 8 * 1024;

/// The longest `Content-Type` that takes part in a request fingerprint, in bytes.
pub const CONTENT_TYPE_BYTES_MAX: usize = 256;

/// How far a counterparty's clock may run ahead of ours, in seconds.
pub const CLOCK_SKEW_SECONDS: u64 = 60;

/// The longest replay window, in seconds: 30 days, as in artefact 2.1-artifact.1.
pub const REPLAY_WINDOW_SECONDS_MAX: u32 = 2_592_000;

/// The most evidence references one `Payment-Validation` may carry, as in artefact 2.1-artifact.1.
pub const EVIDENCE_REFS_COUNT_MAX: usize = 20;

/// The longest ACT message that is read, in bytes: 64 KiB, as for every request body of ours.
pub const ACT_MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The longest sentence a person or an agent may put into an ACT message, in bytes: 16 KiB.
///
/// Longer material travels as a digest and a reference, which is what ACT has them for.
pub const ACT_SENTENCE_BYTES_MAX: usize = 16 * 1024;

/// The most entries of a list in an ACT message: merchants, categories, methods, turns of a dialogue.
pub const ACT_LIST_COUNT_MAX: usize = 256;

/// The largest amount an ACT number may state, in hundredths of its currency's unit: fifteen digits.
///
/// That many decimal digits survive the way through a double and back, so the canonical form of the
/// number is the number that was written.
pub const ACT_AMOUNT_HUNDREDTHS_MAX: u64 = 999_999_999_999_999;

/// The longest compact text of an intent authorization credential, in characters: 32 KiB.
pub const IAC_TEXT_BYTES_MAX: usize = 32 * 1024;

/// How old the time stamp of a payment request may be, in seconds.
pub const REQUEST_AGE_SECONDS_MAX: u64 = 300;

/// The longest run of digits in a masked account reference: the customary last four, twice over.
pub const ACCOUNT_DIGITS_RUN_MAX: usize = 7;

/// The longest event of a language model's stream, in bytes: 4 MiB, a picture in Base64 with room.
pub const LLM_EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The most answers that one call to a language model may ask for, all prompts together.
pub const LLM_CHOICES_MAX: u64 = 1_024;

/// The most tokens of one kind that an answer may report: what a price list counts at most. More is no count.
pub const LLM_COUNT_MAX: u64 = 1_000_000_000_000;

/// The longest name of a model, in bytes.
pub const LLM_MODEL_BYTES_MAX: usize = 128;

/// The longest id of an answer that is kept, in bytes.
pub const LLM_ID_BYTES_MAX: usize = 128;

/// The longest text of a voucher: 30 characters of a channel, 39 digits, 86 of a signature, and two points.
pub const VOUCHER_TEXT_BYTES_MAX: usize = 30 + 39 + 86 + 2;

/// The longest path under which a seller answers for channels, in bytes.
pub const VOUCHER_PATH_BYTES_MAX: usize = 256;

/// How long a payment counts that was asked for without a bill of the seller's, in seconds: 15 minutes.
pub const UNBILLED_SECONDS_MAX: u32 = 900;

/// The longest address of what is sold in an x402 payload, in bytes.
pub const X402_URL_BYTES_MAX: usize = 2 * 1024;

/// The most ways of paying in one x402 demand.
pub const X402_ACCEPTS_MAX: usize = 64;

/// The longest request that a facilitator reads, in bytes: a payload and its requirements, twice over.
pub const X402_REQUEST_BYTES_MAX: usize = 64 * 1024;

/// The longest name or version of a token on an EVM chain, in bytes.
pub const EVM_NAME_BYTES_MAX: usize = 64;

/// How much longer than now an authorization for an EVM chain has to be valid, in seconds: five blocks of the common chains.
pub const EVM_MARGIN_SECONDS: u64 = 10;

/// How much longer than now an authorization for an EVM chain may be valid, in seconds: 15 minutes, and a minute for clocks.
pub const EVM_AUTHORIZATION_SECONDS_MAX: u64 = 900 + CLOCK_SKEW_SECONDS;

/// The most challenges that one answer in the `Payment` scheme may make.
pub const MPP_CHALLENGES_MAX: usize = 16;

/// The longest AP2 presentation that is read, in bytes: a chain of mandates with its disclosures, 64 KiB.
pub const AP2_PRESENTATION_BYTES_MAX: usize = 64 * 1024;

/// The most signed tokens of one AP2 chain: the user's, those of agents who passed it on, and the closing one.
pub const AP2_HOPS_MAX: usize = 8;

/// The most disclosures of one token of an AP2 chain.
pub const AP2_DISCLOSURES_MAX: usize = 512;

/// How deep a payload may be nested once its disclosures stand in their places.
pub const AP2_DEPTH_MAX: usize = 32;

/// The longest text of an AP2 mandate: a name, an address, a title, in bytes.
pub const AP2_TEXT_BYTES_MAX: usize = 1024;

/// The most constraints of one AP2 mandate.
pub const AP2_CONSTRAINTS_MAX: usize = 32;

/// The most entries of a list in an AP2 constraint, and the most lines of a checkout.
pub const AP2_LIST_MAX: usize = 128;

/// The largest quantity of one line of a checkout, and of one requirement.
pub const AP2_QUANTITY_MAX: u64 = 1_000_000_000;

/// The largest AP2 amount, in the smallest unit: the largest integer that every JSON reader agrees on.
pub const AP2_AMOUNT_MINOR_MAX: u64 = (1 << 53) - 1;

/// How old the token that presents an AP2 chain may be, in seconds: 15 minutes.
pub const AP2_PRESENTATION_SECONDS_MAX: u64 = 900;

/// The longest text that is explained, in bytes: 256 KiB.
pub const EXPLAINED_BYTES_MAX: usize = 256 * 1024;

/// The most headers of an answer that are explained.
pub const EXPLAINED_HEADERS_MAX: usize = 128;

/// The longest text of somebody else that an explanation shows, in characters.
pub const EXPLAINED_TEXT_CHARS_MAX: usize = 240;

/// The most members of a list that an explanation goes through: ways of paying, skills, interfaces.
pub const EXPLAINED_LIST_COUNT_MAX: usize = 64;

/// The longest name of a checkout or of a cart that a payment token is bound to, in bytes.
pub const CHECKOUT_NAME_BYTES_MAX: usize = 128;

/// The longest body of a request of ACP or UCP, in bytes: 64 KiB, as for every request body of ours.
pub const ACP_BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest text in a request of ACP or UCP, in bytes.
pub const CHECKOUT_TEXT_BYTES_MAX: usize = 1024;

/// The most lines of a checkout of ACP or UCP.
pub const CHECKOUT_LINES_MAX: usize = 64;

/// The longest request of A2A that is read, in bytes: 256 KiB, with whatever it carries.
pub const A2A_REQUEST_BYTES_MAX: usize = 256 * 1024;

/// The longest answer of another agent that is read, in bytes: 16 MiB, an answer of a gateway with room for its Base64.
pub const A2A_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How deep a request of A2A may be nested: less than JSON may, because an answer puts it into more.
pub const A2A_DEPTH_MAX: usize = 64;

/// The longest name that A2A gives to a message, a context or a task, in bytes.
pub const A2A_ID_BYTES_MAX: usize = 256;

/// The most parts of one message or artifact of A2A.
pub const A2A_PARTS_MAX: usize = 64;

/// The longest media type or file name of a part, in bytes.
pub const A2A_NAME_BYTES_MAX: usize = 256;

/// The longest address in A2A, in bytes.
pub const A2A_URI_BYTES_MAX: usize = 2 * 1024;

/// The most extensions, and the most tasks, that one message names.
pub const A2A_EXTENSIONS_MAX: usize = 32;

/// The most artifacts of a task that is read.
pub const A2A_ARTIFACTS_MAX: usize = 64;

/// The most messages of a task's history that are read.
pub const A2A_HISTORY_MAX: usize = 256;

/// The longest description in A2A, in bytes.
pub const A2A_TEXT_BYTES_MAX: usize = 4 * 1024;

/// The most tasks of one page.
pub const A2A_PAGE_MAX: u32 = 100;

/// The tasks of one page, where a client says nothing.
pub const A2A_PAGE_DEFAULT: u32 = 50;

/// The longest card of an agent that is read, in bytes: 256 KiB.
pub const A2A_CARD_BYTES_MAX: usize = 256 * 1024;

/// The most skills of one card.
pub const A2A_SKILLS_MAX: usize = 256;

/// The most interfaces of one card.
pub const A2A_INTERFACES_MAX: usize = 32;

/// The most signatures of a card that are looked at.
pub const A2A_SIGNATURES_MAX: usize = 8;

/// The longest address of a payment service in a challenge of the intent `session`, in bytes.
pub const AUTHORITY_BYTES_MAX: usize = 256;
