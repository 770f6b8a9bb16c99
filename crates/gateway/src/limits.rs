//! The maxima of this crate: what a stranger may send, what an upstream may answer, and how much waits at once.

use std::time::Duration;

/// The longest request line target that is routed, in bytes.
pub const TARGET_BYTES_MAX: usize = 8 * 1_024;

/// The most prices and free routes of one configuration.
pub const ROUTE_COUNT_MAX: usize = 4_096;

/// The longest configuration that is read, in bytes.
pub const CONFIG_BYTES_MAX: u64 = 1_024 * 1_024;

/// The longest body of a paid request, where the configuration says nothing: 1 MiB.
pub const REQUEST_BODY_BYTES_DEFAULT: usize = 1_024 * 1_024;

/// The longest answer to a paid request, where the configuration says nothing: 8 MiB. It is kept until the proof expires.
pub const ANSWER_BODY_BYTES_DEFAULT: usize = 8 * 1_024 * 1_024;

/// The longest body, either way, that a configuration may allow for paid requests: 256 MiB.
pub const BODY_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// How long an upstream may take to answer, where the configuration says nothing.
pub const UPSTREAM_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// The longest that a configuration may let an upstream take, in seconds.
pub const UPSTREAM_TIMEOUT_SECONDS_MAX: u64 = 3_600;

/// How long a connection to the upstream may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest head of a request, in bytes.
pub const HEAD_BYTES_MAX: u32 = 64 * 1_024;

/// The most headers of a request.
pub const HEADER_COUNT_MAX: usize = 100;

/// How long a client may take over the headers of a request.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a client may take over the body of a paid request.
pub const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long connections may take to end when the gateway is stopped.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// The most connections at once.
pub const CONNECTION_COUNT_MAX: usize = 16_384;

/// The most paid requests under way at once; one more is asked to come back.
pub const FLIGHT_COUNT_MAX: usize = 4_096;

/// The operations on the deliveries that may wait for the disk.
pub const STORE_QUEUE_MAX: usize = 8_192;

/// The operations on the deliveries that one sync makes durable.
pub const STORE_BATCH_MAX: usize = 1_024;

/// How long a new gateway waits for an old one to let go of the deliveries.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The confirmations that are read from the outbox at once.
pub const OUTBOX_BATCH_MAX: usize = 256;

/// The confirmations under way at once.
pub const OUTBOX_PARALLEL_MAX: usize = 32;

/// How long the outbox rests when nobody wakes it, and between tries while the server is away.
pub const OUTBOX_REST: Duration = Duration::from_secs(5);

/// How long a failed delivery waits for the money to be back before the buyer is answered.
pub const VOID_WAIT: Duration = Duration::from_secs(3);

/// How long a delivery is kept beyond the end of its proof, in seconds.
pub const KEEP_SECONDS_AFTER: u64 = 24 * 3_600;

/// The longest pay window, in seconds: a day.
pub const PAY_WINDOW_SECONDS_MAX: u32 = 86_400;

/// How long the payment service is not asked again for its key and time.
pub const KEY_REFRESH_REST: Duration = Duration::from_secs(1);

/// How often the payment service of a test book is asked for its time: whoever put it forward and buys meets no seller of
/// yesterday.
pub const CLOCK_REST: Duration = Duration::from_millis(100);

/// What a client is told to wait when we, or the payment service, cannot serve it now, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 2;

/// The most parts of a JSON pointer to the units of an answer.
pub const TARIFF_POINTER_DEPTH_MAX: usize = 16;

/// The most units of one answer that are counted: beyond it every price is at its most.
pub const TARIFF_UNITS_MAX: u64 = 1_000_000_000_000_000;

/// The most tiers of one price.
pub const TARIFF_TIER_COUNT_MAX: usize = 32;

/// The most units that one rate may be for.
pub const TARIFF_EVERY_MAX: u64 = 1_000_000_000;

/// The most that one answer may cost by units, in the asset's smallest unit: far below it sums of billionths still fit.
pub const TARIFF_MOST_MINOR_MAX: u128 = 10_000_000_000;

/// The most coupons of one configuration.
pub const COUPON_COUNT_MAX: usize = 1_000;

/// The longest code of a coupon, in bytes: the name of what is sold carries it.
pub const COUPON_CODE_BYTES_MAX: usize = 32;

/// The most free calls that one caller may have in a period.
pub const FREE_CALLS_MAX: u32 = 1_000_000;

/// The callers whose free calls are remembered at once; one more gets a bill like everybody. An address costs little.
pub const FREE_CALLERS_MAX: i64 = 1_000_000;

/// The longest stream of an answer: well within the day that a hold outlasts its proof.
pub const STREAM_TIME_MAX: Duration = Duration::from_secs(12 * 3_600);

/// The pieces of a streamed answer that wait for the buyer before the upstream waits, too.
pub const STREAM_PIECES_MAX: usize = 16;

/// How long a buyer may leave a stream unread before it counts as hung up.
pub const STREAM_STALL_MAX: Duration = Duration::from_secs(60);

/// The bodies of paid requests that are in memory at once, all together in KiB: 1 GiB. One more waits, and then is asked to
/// come back.
pub const BODIES_KIB_MAX: u32 = 1_024 * 1_024;

/// How long a front may take to say how a delivery ended; after that nothing was delivered.
pub const FRONT_DEADLINE_SECONDS_DEFAULT: u32 = 600;

/// The longest that a configuration may let a front take, in seconds: a day, which a hold outlasts its proof.
pub const FRONT_DEADLINE_SECONDS_MAX: u32 = 43_200;

/// The shortest secret of a front, in bytes.
pub const FRONT_SECRET_BYTES_MIN: usize = 32;

/// The longest secret of a front, in bytes.
pub const FRONT_SECRET_BYTES_MAX: u64 = 1_024;

/// The channels that are open at once; each has a deposit.
pub const CHANNEL_COUNT_MAX: usize = 65_536;

/// The channels that are asked for at the payment service at once; one more waits.
pub const CHANNEL_LOOKUPS_MAX: usize = 32;

/// How long a call waits until its channel can be asked for; after that it is asked to come back.
pub const CHANNEL_LOOKUP_WAIT: Duration = Duration::from_secs(5);

/// How long before the end of a channel nothing more is delivered on it.
pub const CHANNEL_END_MARGIN: Duration = Duration::from_secs(300);

/// How long before the end of a channel what is owed is claimed at once: before deliveries stop, so that what comes last is
/// claimed too.
pub const CHANNEL_CLAIM_MARGIN: Duration = Duration::from_secs(360);

/// How long a channel that has ended is remembered beyond its time, in seconds.
pub const CHANNEL_KEEP_SECONDS_AFTER: u64 = 24 * 3_600;

/// How often it is looked what is to be claimed.
pub const CLAIM_REST: Duration = Duration::from_secs(1);

/// How often what is owed on a channel is claimed, where the configuration says nothing, in seconds.
pub const CLAIM_SECONDS_DEFAULT: u32 = 60;

/// The rarest that a configuration may have it claimed, in seconds: a day.
pub const CLAIM_SECONDS_MAX: u32 = 86_400;

/// The most vouchers of which one is checked.
pub const VOUCHER_CHECK_EVERY_MAX: u32 = 10_000;

/// The calls that the smallest channel is good for, where the configuration says nothing.
pub const VOUCHER_DEPOSIT_CALLS: u128 = 100;

/// The longest answer to a voucher nobody checked that is kept in memory, in bytes.
pub const VOUCHER_ANSWER_MEMORY_BYTES_MAX: usize = 64 * 1_024;

/// The most events of a stream that one voucher pays: what a buyer may pay and not get, where somebody dies.
pub const STREAM_EVENTS_MAX: usize = 64;

/// The longest event of a stream that is paid by voucher, in bytes.
pub const STREAM_EVENT_BYTES_MAX: usize = 1_024 * 1_024;

/// How long a stream waits for a voucher; after that it ends with what was paid for.
pub const STREAM_VOUCHER_WAIT: Duration = Duration::from_secs(60);

/// How long the report of coupons rests: within so long, a coupon that was switched off counts no more.
pub const COUPONS_REST: Duration = Duration::from_secs(10);

/// The coupons, and the uses of coupons, of one report.
pub const COUPONS_REPORTED_MAX: usize = 100;

/// How long the report of bills rests.
pub const OFFERS_REST: Duration = Duration::from_secs(10);

/// The days of bills that are reported, the newest.
pub const OFFERS_DAYS_KEPT: usize = 7;

/// The longest name of a tool of MCP that is sold, in bytes: as long as MCP lets one be.
pub const TOOL_NAME_BYTES_MAX: usize = 128;
