//! The maxima of this crate: what a stranger may send, what an upstream may answer, and how much waits at once.

use std::time::Duration;

/// The longest configuration that is read, in bytes.
pub const CONFIG_BYTES_MAX: u64 = 1_024 * 1_024;

/// The longest body of a call, in bytes: 32 MiB, pictures in Base64 with room.
pub const REQUEST_BODY_BYTES_MAX: usize = 32 * 1_024 * 1_024;

/// The longest answer that comes whole, in bytes: 64 MiB, a thousand long vectors.
pub const ANSWER_BODY_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// How long a client may take over the body of a call.
pub const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an upstream may be silent, where the configuration says nothing: before its answer begins, and between two parts.
pub const UPSTREAM_TIMEOUT_DEFAULT: Duration = Duration::from_secs(120);

/// The longest that a configuration may let an upstream be silent, in seconds.
pub const UPSTREAM_TIMEOUT_SECONDS_MAX: u64 = 3_600;

/// How long a connection to the upstream may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the rest of a stream is read after its caller has left, where the configuration says to read it.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the end of a connection is waited for after an answer said that it is over.
pub const LAST_BYTES_TIMEOUT: Duration = Duration::from_millis(100);

/// The longest head of a request, in bytes.
pub const HEAD_BYTES_MAX: u32 = 64 * 1_024;

/// The most headers of a request.
pub const HEADER_COUNT_MAX: usize = 100;

/// How long a client may take over the headers of a request.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long connections may take to end when the gateway is stopped.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// The most connections at once.
pub const CONNECTION_COUNT_MAX: usize = 16_384;

/// The most calls under way at once; one more is asked to come back.
pub const CALL_COUNT_MAX: usize = 4_096;

/// The room for one call in the file of calls under way, in bytes: its names and counts fit several times.
pub const SLOT_BYTES_MAX: usize = 2_048;

/// The operations on the store that may wait for the disk.
pub const STORE_QUEUE_MAX: usize = 8_192;

/// The operations on the store that one sync makes durable.
pub const STORE_BATCH_MAX: usize = 1_024;

/// How long a new gateway waits for an old one to let go of the store.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The meters that are charged at once.
pub const OUTBOX_BATCH_MAX: usize = 32;

/// How long the outbox gathers calls before it charges them together.
pub const CHARGE_PAUSE: Duration = Duration::from_millis(100);

/// How long the outbox rests when nobody wakes it, and between tries while the payment service is away.
pub const OUTBOX_REST: Duration = Duration::from_secs(5);

/// How long whoever closes a session waits for the money to be settled.
pub const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// The tokens that a model's own frame around a call may add to its text: turns, tools, the way to call them.
pub const FRAME_TOKENS_MAX: u64 = 1_024;

/// The largest deposit, in smallest units: its billionths fit the 64 bits of a charge.
pub const DEPOSIT_MINOR_MAX: u128 = 18_000_000_000;

/// The most deposits of one session.
pub const DEPOSITS_COUNT_MAX: usize = 1_000;

/// How long a bill for a deposit may be paid, in seconds.
pub const PAY_WINDOW_SECONDS: u32 = 600;

/// The longest answer that is kept for a repetition, in bytes.
pub const KEPT_BYTES_MAX: usize = 1_024 * 1_024;

/// How long an answer is kept for a repetition, in seconds.
pub const KEPT_SECONDS: i64 = 24 * 3_600;

/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;

/// How often a live payment service is asked for its key and time.
pub const CLOCK_REST: Duration = Duration::from_secs(60);

/// How often the payment service of a test book is asked for its time, which may be put forward.
pub const TEST_CLOCK_REST: Duration = Duration::from_millis(500);

/// What a client is told to wait when we cannot serve it now, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 2;

/// The longest invoice that is compared with our records, in bytes.
pub const INVOICE_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// The most rows of an invoice: a month of forty calls a minute, ten times over.
pub const INVOICE_ROWS_MAX: usize = 20_000_000;
