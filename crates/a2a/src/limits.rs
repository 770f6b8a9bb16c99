//! The maxima of this crate: what a client can make us read, keep and do at once. Those of a single message are in
//! [`protocols::limits`].

use std::time::Duration;

/// The longest description of an agent that is read, in bytes: 64 KiB.
pub const PROFILE_BYTES_MAX: usize = 64 * 1_024;

/// The most skills of one agent.
pub const SKILLS_MAX: usize = protocols::limits::A2A_SKILLS_MAX;

/// The longest name, tag or media type of an agent or a skill, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// The longest description or example, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// The most tags, examples and media types of one skill.
pub const WORDS_MAX: usize = 32;

/// How long a card may be kept by whoever read it, in seconds.
pub const CARD_FRESH_SECONDS: u32 = 60;

/// How long a connection may take to send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request, in bytes.
pub const HEAD_BYTES_MAX: u32 = 16 * 1_024;

/// The most headers of a request.
pub const HEADERS_MAX: usize = 100;

/// How long the body of a request may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections that are open at once; further ones wait in the kernel.
pub const CONNECTIONS_MAX: usize = 4_096;

/// How long connections may take to end after the agent was told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest key by which a client is known, in characters.
pub const CLIENT_KEY_CHARS_MIN: usize = 16;

/// The longest key by which a client is known, in characters.
pub const CLIENT_KEY_CHARS_MAX: usize = 512;

/// The tasks under way at once; one more is told to come later.
pub const RUNS_MAX: usize = 512;

/// The requests that are followed or waited for at once; one more is told to come later.
pub const FOLLOWERS_MAX: usize = 2_048;

/// The steps of a task that wait for whoever follows it; whoever reads no faster is left behind.
pub const STEPS_WAITING_MAX: usize = 64;

/// How long a task is followed that comes to no end; whoever still wants to asks again.
pub const FOLLOW_TIME_MAX: Duration = Duration::from_secs(3_600);

/// How much longer than the service behind may take an answer is waited for.
pub const WAIT_MARGIN: Duration = Duration::from_secs(10);

/// How often whoever follows a task hears that the connection lives.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The messages that one task takes.
pub const TASK_MESSAGES_MAX: usize = 32;

/// The tasks that nobody paid for and that are not under way, all together: one more, and the oldest is forgotten.
pub const UNPAID_TASKS_MAX: u32 = 4_096;

/// How long a task is kept that nobody paid for, in seconds: an hour, longer than a bill can usually be paid.
pub const UNPAID_KEPT_SECONDS: u64 = 3_600;

/// How long a task is kept that was paid for, after its end, in seconds: seven days.
pub const PAID_KEPT_SECONDS: u64 = 7 * 86_400;

/// The operations on tasks that may wait for the disk.
pub const STORE_QUEUE_MAX: usize = 4_096;

/// The operations on tasks that one sync makes durable.
pub const STORE_BATCH_MAX: usize = 512;

/// How long a new agent waits for an old one to let go of its tasks.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);

/// How long the first rest is before the paywall is asked again about a payment of which nothing is known.
pub const RETRY_MIN: Duration = Duration::from_millis(250);

/// How long such a rest is at most.
pub const RETRY_MAX: Duration = Duration::from_secs(30);

/// The most that is read beside an answer of the paywall, in bytes.
pub const SAID_BYTES_MAX: usize = 64 * 1_024;

/// How long another agent may take for one answer.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a connection to another agent may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the first rest is between two looks at a task of another agent.
pub const POLL_MIN: Duration = Duration::from_millis(50);

/// How long such a rest is at most.
pub const POLL_MAX: Duration = Duration::from_secs(2);

/// How long a task of another agent is looked at before we say that it is still under way.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The tasks of another agent that one purchase may take, the failed ones among them.
pub const ATTEMPTS_MAX: u32 = 16;

/// The longest note about a seller's card that is read back, in bytes.
pub const PIN_BYTES_MAX: u64 = 4 * 1_024;
