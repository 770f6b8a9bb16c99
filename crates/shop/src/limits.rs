//! The maxima of this crate: how long a lock lasts, how large a cart may be, and how much waits at once.

use std::time::Duration;

/// The longest configuration with its catalogue that is read, in bytes: ten thousand items with room.
pub const CONFIG_BYTES_MAX: u64 = 16 * 1_024 * 1_024;

/// The most items of a catalogue.
pub const ITEM_COUNT_MAX: usize = 10_000;

/// The longest id of an item, in bytes.
pub const ITEM_ID_BYTES_MAX: usize = 64;

/// The longest name of an item, a shop or a way of delivery, in characters.
pub const NAME_CHARS_MAX: usize = 120;

/// The longest description of an item, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// The most details of an item, and the most options.
pub const DETAIL_COUNT_MAX: usize = 32;

/// The most lines of a cart.
pub const LINE_COUNT_MAX: usize = 64;

/// The most of one item in a cart.
pub const QUANTITY_MAX: u32 = 10_000;

/// The longest address that goods are delivered to, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 4_096;

/// The longest reason for a cancellation that is kept, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// How long a confirmed cart keeps its price and stock unpaid, where the configuration says nothing, in seconds.
pub const LOCK_SECONDS_DEFAULT: u32 = 600;

/// The longest lock that a configuration may name, in seconds: a day.
pub const LOCK_SECONDS_MAX: u32 = 86_400;

/// How long after its lock an unpaid order still keeps its stock, in seconds: a payment that began in time has arrived by then,
/// and the clocks of shop and payment service may differ by as much.
pub const LOCK_MARGIN_SECONDS: u32 = 60;

/// The longest that money may wait for the delivery, in seconds: as long as a hold may last.
pub const DELIVERY_SECONDS_MAX: u32 = 90 * 86_400;

/// How long money waits for the delivery, where the configuration says nothing, in seconds.
pub const DELIVERY_SECONDS_DEFAULT: u32 = 14 * 86_400;

/// The most carts that one buyer may have open or locked at once.
pub const CART_COUNT_MAX: usize = 64;

/// How long an open cart is kept after its last change, in seconds.
pub const OPEN_SECONDS_MAX: u32 = 7 * 86_400;

/// The operations on the store that may wait for the disk.
pub const STORE_QUEUE_MAX: usize = 4_096;

/// The operations on the store that one sync makes durable.
pub const STORE_BATCH_MAX: usize = 256;

/// How long a new shop waits for an old one to let go of the store.
pub const STORE_LOCK_WAIT: Duration = Duration::from_secs(5);

/// The orders that one sweep asks the payment service about.
pub const SWEEP_BATCH_MAX: usize = 64;

/// How long the sweep rests between two rounds.
pub const SWEEP_REST: Duration = Duration::from_secs(2);

/// The most items on one page of the catalogue.
pub const CATALOGUE_PAGE_COUNT_MAX: usize = 100;

/// The longest page of the catalogue, in bytes, unless one item alone is longer: what readers of ACT's messages take, with room.
pub const CATALOGUE_PAGE_BYTES_MAX: usize = 48 * 1_024;

/// The most candidates of one answer, whatever is asked for.
pub const CANDIDATE_COUNT_MAX: usize = 20;

/// The messages that one agent may send in a minute.
pub const REQUESTS_PER_MINUTE_MAX: u32 = 120;

/// The agents whose messages are counted at once.
pub const AGENT_COUNT_MAX: usize = 10_000;

/// How long the keys of an agent are believed without asking again, in seconds. A key that was revoked signs for as long.
pub const AGENT_KEYS_SECONDS: u64 = 60;

/// How long the id of a request stays used, and its next round finds it, in seconds: far longer than a message is fresh.
pub const ASKED_SECONDS_MAX: u64 = 24 * 3_600;

/// The longest message that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1_024;

/// How long a message may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a client may take over the headers of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest head of a request, in bytes.
pub const HEAD_BYTES_MAX: u32 = 32 * 1_024;

/// The most headers of a request.
pub const HEADER_COUNT_MAX: usize = 100;

/// The most connections at once.
pub const CONNECTION_COUNT_MAX: usize = 4_096;

/// How long connections may take to end when the shop is closed.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client is told to wait when it cannot be answered now, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 2;

/// The most agents that a configuration names as refused.
pub const REFUSED_COUNT_MAX: usize = 10_000;
