//! The maxima of every listener; those that differ between listeners are in [`crate::Limits`].

use std::time::Duration;

/// The most of an unwanted body that is still taken after its answer, in bytes: 16 MiB.
pub const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long an unwanted body is still taken after its answer.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// The requests that one HTTP/2 connection may have under way.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 256;

/// How long a listener rests when a connection could not be accepted.
pub const ACCEPT_REST: Duration = Duration::from_millis(20);
