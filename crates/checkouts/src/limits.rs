//! The maxima of this crate: how many sessions a client may open, and how long and how often it is told of an order.

use std::time::Duration;

/// The longest body that is read, in bytes.
pub const BODY_BYTES_MAX: usize = protocols::limits::ACP_BODY_BYTES_MAX;

/// The most clients of a shop's doors.
pub const CLIENT_COUNT_MAX: usize = 256;

/// The longest name of a client, in characters.
pub const CLIENT_NAME_CHARS_MAX: usize = 64;

/// The longest key of a request, in bytes, as ACP has it.
pub const KEY_BYTES_MAX: usize = 255;

/// How long an answer is kept to be given again, in seconds: two days. ACP asks for one.
pub const ANSWER_SECONDS: u64 = 2 * 86_400;

/// The sessions that one client may open in a day; one more is refused until the next.
pub const SESSIONS_A_DAY_MAX: u64 = 100_000;

/// How long a session is remembered after it was opened, in seconds: 90 days, as long as money may wait for a delivery.
pub const SESSION_SECONDS: u64 = 90 * 86_400;

/// After how many seconds a client may ask again while its request is under way.
pub const RETRY_SECONDS: u64 = 1;

/// How often an order event is sent before it is given up.
pub const EVENT_ATTEMPTS_MAX: u32 = 12;

/// How long the first pause between two attempts is, in seconds; each further one is twice as long.
pub const EVENT_PAUSE_SECONDS: u64 = 5;

/// The longest pause between two attempts, in seconds: an hour.
pub const EVENT_PAUSE_SECONDS_MAX: u64 = 3_600;

/// How long a receiver of events has for its answer.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The events that one round sends.
pub const EVENT_BATCH_MAX: usize = 64;

/// The sessions that one round looks after.
pub const SESSION_BATCH_MAX: usize = 64;

/// How long the rounds rest between two.
pub const ROUND_REST: Duration = Duration::from_secs(1);
