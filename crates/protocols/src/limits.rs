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
