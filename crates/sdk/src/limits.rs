//! The maxima of this crate: how often it tries, how long it waits, and what it keeps.

use std::time::Duration;

/// How often one request is sent, the first time included.
pub const TRIES_MAX: u32 = 5;

/// The wait before the second try; it doubles with each further one.
pub const BACKOFF_MIN: Duration = Duration::from_millis(50);

/// The longest wait between two tries, also where the server asks for a longer one.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// How long a connection to the server may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one try may take in all.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer of the server that is read, in bytes: a full bundle of the longest entries is 16 MiB and 512 bytes.
pub const ANSWER_BYTES_MAX: usize = 17 * 1_024 * 1_024;

/// How long before its end a session is renewed, in seconds.
pub const SESSION_MARGIN_SECONDS: u64 = 60;

/// The payments that may wait to be sent; beyond it, [`pay`](crate::Client::pay) waits for room.
pub const PAYMENTS_WAITING_MAX: usize = 10_000;

/// The longest answer of a seller that is read, in bytes.
pub const SELLER_BODY_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// How long a seller may take to answer.
pub const SELLER_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a paid request is repeated where the seller's answer got lost, the first time included.
pub const DELIVERY_TRIES_MAX: u32 = 3;

/// The longest purchase key, in bytes.
pub const PURCHASE_KEY_BYTES_MAX: usize = 256;

/// The longest file with the state of a purchase that is read, in bytes.
pub const PURCHASE_FILE_BYTES_MAX: usize = 128 * 1_024;

/// How often one purchase may be tried anew after it was refused or given back, without anything being paid.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// The shortest time a seller has to leave for repetitions after the payment, in seconds.
pub const REPLAY_WINDOW_SECONDS_MIN: u32 = 30;

/// The longest file with a key that is read, in bytes.
pub const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// How often one call of a tab is sent, the first time included: with another sum, or because another was under way.
pub const TAB_TRIES_MAX: u32 = 8;

/// How long a channel of a tab lasts where the caller says nothing, in seconds: a day.
pub const TAB_CHANNEL_SECONDS_DEFAULT: u64 = 86_400;

/// The most prices that a tab remembers; one more forgets them all, and they are asked for again.
pub const TAB_PRICES_MAX: usize = 1_024;

/// How far a seller's clock may be from ours, in nanoseconds: 60 seconds, as for demands and requests.
pub const CLOCKS_DIFFER_NANOS: u64 = 60 * 1_000_000_000;

/// The most that is kept of what a seller says about an offer, in characters.
pub const OFFER_TEXT_CHARS_MAX: usize = 1_000;

/// How long a merchant may take to answer: what a buyer waits for one of several that are asked at once.
pub const MERCHANT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer of a merchant that is read, in bytes.
pub const MERCHANT_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The most merchants that are asked at once.
pub const MERCHANT_COUNT_MAX: usize = 32;

/// How long a merchant's file of how it is paid is believed without being read again.
pub const CAPABILITY_REST: Duration = Duration::from_secs(300);

/// How long a token for a checkout counts, in seconds, from the time in its name on: what the shop has not taken by then goes back.
pub const CHECKOUT_TOKEN_SECONDS: u64 = 900;

/// How long a purchase at a checkout that was begun, and for which nothing is set aside yet, keeps its name, in seconds.
pub const CHECKOUT_BEGUN_SECONDS: u64 = 60;
