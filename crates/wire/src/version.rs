//! Versions of the API, and the headers of ours.

/// The header that names the version a request was written for.
pub const VERSION_HEADER: &str = "tollbridge-version";

/// The one version there is.
pub const VERSION: &str = "2026-11-01";

/// The header by which an answer, and our log, name the request.
pub const REQUEST_ID_HEADER: &str = "tollbridge-request-id";

/// The header with the place of the first entry that a read does not show.
pub const POSITION_HEADER: &str = "tollbridge-position";

/// The header that names a change which makes nothing of its own, so that it happens once.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";

/// The media type of a [`Problem`](crate::Problem) (RFC 9457).
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// The tag of the HTTP message signatures that we accept (RFC 9421 section 2.3).
pub const SIGNATURE_TAG: &str = "tollbridge";

/// The authentication scheme of a session: `Toll <session>:<nonce>:<MAC>`.
pub const SESSION_SCHEME: &str = "Toll";
