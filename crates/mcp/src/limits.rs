//! The maxima of this crate: what a client, a model or a seller can make us read, keep or answer.

use std::time::Duration;

/// The longest request over HTTP, in bytes: arguments of every tool fit many times.
pub const REQUEST_BYTES_MAX: usize = 256 * 1_024;

/// The longest message over standard input, in bytes.
pub const LINE_BYTES_MAX: usize = 256 * 1_024;

/// The longest address of a seller, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// The longest body that is sent to a seller, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1_024;

/// The most that a model gets to read of a seller's answer, in characters.
pub const UNTRUSTED_TEXT_CHARS_MAX: usize = 256 * 1_024;

/// The most that a model gets to read of what a seller says beside its answer, in characters.
pub const UNTRUSTED_NOTE_CHARS_MAX: usize = 500;

/// The longest media type that is passed on, in bytes.
pub const MEDIA_TYPE_BYTES_MAX: usize = 100;

/// How long a quote can be paid, whatever the seller allows, in seconds.
pub const QUOTE_SECONDS_MAX: u64 = 900;

/// How long a quote is remembered that nobody paid, in seconds.
pub const QUOTE_KEPT_SECONDS_MAX: u64 = 86_400;

/// The quotes of one key that wait to be paid at once.
pub const QUOTES_OPEN_MAX: usize = 1_000;

/// The longest file that is read back: a quote with a seller's answer, in which a character may take six bytes.
pub const KEPT_FILE_BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// The longest reason that is shown to an owner, in characters: as long as the server takes.
pub const WHY_CHARS_MAX: usize = 200;

/// How many of the newest questions are looked through for one. No more than 32 wait for one owner.
pub const QUESTIONS_READ_MAX: usize = 100;

/// How many of the newest mandates are looked through for one that can be used, and are shown.
pub const MANDATES_READ_MAX: usize = 100;

/// How long a client may take to come back after its owner was asked.
pub const OWNER_PATIENCE: Duration = Duration::from_secs(3_600);

/// The longest set of keys of an issuer that is read, in bytes.
pub const JWKS_BYTES_MAX: usize = 64 * 1_024;

/// How long an issuer may take to say its keys.
pub const JWKS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes: a token of an issuer is a few thousand.
pub const HEAD_BYTES_MAX: u32 = 16 * 1_024;

/// The most headers of a request.
pub const HEADERS_MAX: usize = 64;

/// The connections that are open at once; further ones wait in the kernel.
pub const CONNECTIONS_MAX: usize = 1_024;

/// How long requests may take to finish after the server was told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest number that a seller may give a refund, in bytes.
pub const REFUND_NUMBER_BYTES_MAX: usize = 64;

/// How often an issuer is asked for its keys again, where a token names one that is not known.
pub const KEYS_EVERY: Duration = Duration::from_secs(60);

/// How old an issuer's keys may be before they are read again: so long is a key good that was withdrawn.
pub const KEYS_FRESH: Duration = Duration::from_secs(600);

/// The most tools of a server behind prices; one that has more is not sold.
pub const TOOL_COUNT_MAX: usize = 4_096;

/// The most pages in which such a server may list its tools.
pub const TOOL_PAGES_MAX: usize = 64;

/// The longest file with the tools that a seller agreed to, in bytes.
pub const AGREED_BYTES_MAX: u64 = 16 * 1_024 * 1_024;

/// The calls at such a server that are under way at once; one more is asked to come back.
pub const UPSTREAM_CALLS_MAX: usize = 256;

/// The longest message of such a server beyond the longest answer that is kept, in bytes.
pub const UPSTREAM_LINE_EXTRA_BYTES: usize = 64 * 1_024;

/// The notifications of such a server that wait for a client; whoever is slower misses the oldest.
pub const UPSTREAM_NEWS_MAX: usize = 256;

/// What is said about how one call gets on that waits for its client; beyond it the newest is left out.
pub const PROGRESS_WAITING_MAX: usize = 64;

/// How long a client may take to be told how its call gets on; after that it is told no more.
pub const PROGRESS_TELL_MAX: Duration = Duration::from_secs(1);

/// How long clients may keep a list with prices, in milliseconds.
pub const PRICES_FRESH_MS: u64 = 60_000;

/// The longest answer of the gateway beyond the longest answer that is kept, in bytes: what it says about money.
pub const SAID_BYTES_MAX: usize = 64 * 1_024;

/// How long a server of somebody else may take to answer a call of ours.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest answer that is read from such a server, in bytes.
pub const SELLER_ANSWER_BYTES_MAX: usize = 16 * 1_024 * 1_024;
