/**
 * The maxima of this package: how often it tries, how long it waits, and what it keeps. The same as those of
 * the Rust client.
 */

/** How often one request is sent to the server, the first time included. */
export const TRIES_MAX = 5;
/** The wait before the second try, in milliseconds; it doubles with each further one. */
export const BACKOFF_MIN_MS = 50;
/** The longest wait between two tries, also where the server asks for a longer one. */
export const BACKOFF_MAX_MS = 2_000;
/** How long one try may take in all. */
export const TRY_TIMEOUT_MS = 30_000;
/** The longest answer of the server that is read, in bytes. */
export const ANSWER_BYTES_MAX = 17 * 1_024 * 1_024;
/** How long a session lasts, and how long before its end it is renewed, in seconds. */
export const SESSION_SECONDS = 3_600;
export const SESSION_MARGIN_SECONDS = 60;
/** The most payments in one request: the server's own limit. */
export const PAYMENTS_MAX = 1_000;
/** The longest answer of a seller that is read, in bytes. */
export const SELLER_BODY_BYTES_MAX = 64 * 1_024 * 1_024;
/** How long a seller may take to answer. */
export const SELLER_TIMEOUT_MS = 120_000;
/** How long a channel of a session lasts, and how long before its end no more is signed on it, in seconds. */
export const CHANNEL_SECONDS = 86_400;
export const CHANNEL_MARGIN_SECONDS = 600;
/** The most events of a stream that are paid by one voucher: what may be paid and not read, where somebody dies. */
export const STREAM_EVENTS_MAX = 64;
/** How often a seller is told that a session ends, the first time included. */
export const CLOSE_TRIES_MAX = 6;
/** How often a paid request is repeated where the seller's answer got lost, the first time included. */
export const DELIVERY_TRIES_MAX = 3;
/** The longest purchase key, in bytes. */
export const PURCHASE_KEY_BYTES_MAX = 256;
/**
 * How often one purchase may be tried anew after it was refused or given back, without anything being paid.
 */
export const ATTEMPTS_MAX = 1_000;
/** The shortest time a seller has to leave for repetitions after the payment, in seconds. */
export const REPLAY_WINDOW_SECONDS_MIN = 30;
/** The largest amount, in smallest units: 10^30. */
export const AMOUNT_MAX = 10n ** 30n;
/** The most decimals of an asset. */
export const ASSET_SCALE_MAX = 18;
/** The longest header of a payment, in characters. */
export const HEADER_CHARS_MAX = 16_384;
/** The longest target of a request, in bytes. */
export const URI_BYTES_MAX = 8_192;
/** The longest `Content-Type`, in bytes. */
export const CONTENT_TYPE_BYTES_MAX = 256;
/** The longest signed note, its most signatures, and the longest name of a key. */
export const NOTE_BYTES_MAX = 131_072;
export const NOTE_SIGNATURES_MAX = 32;
export const KEY_NAME_BYTES_MAX = 255;
/** The most keys that one log may have had. */
export const KEY_TERMS_MAX = 1_024;
/** The most hashes of a proof, and the largest tree. */
export const PROOF_HASHES_MAX = 64;
export const TREE_SIZE_MAX = (1n << 63n) - 1n;
/** The longest file with a key that is read, in bytes. */
export const KEY_FILE_BYTES_MAX = 4_096;
