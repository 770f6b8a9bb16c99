"""The maxima of this package: how often it tries, how long it waits, and what it keeps. The same as those of
the Rust client."""

# How often one request is sent to the server, the first time included.
TRIES_MAX = 5
# The wait before the second try, in seconds; it doubles with each further one. And the longest.
BACKOFF_MIN_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 2.0
# How long a connection may take to be made, and one try in all.
CONNECT_TIMEOUT_SECONDS = 5.0
TRY_TIMEOUT_SECONDS = 30.0
# The longest answer of the server that is read, in bytes.
ANSWER_BYTES_MAX = 17 * 1_024 * 1_024
# The most connections to the server that are kept for the next request.
IDLE_CONNECTIONS_MAX = 16
# How long a session lasts, and how long before its end it is renewed.
SESSION_SECONDS = 3_600
SESSION_MARGIN_SECONDS = 60
# The most payments in one request: the server's own limit.
PAYMENTS_MAX = 1_000
# The longest answer of a seller that is read, in bytes, and how long a seller may take.
SELLER_BODY_BYTES_MAX = 64 * 1_024 * 1_024
SELLER_TIMEOUT_SECONDS = 120.0
# How long a channel of a session lasts, and how long before its end no more is signed on it.
CHANNEL_SECONDS = 86_400
CHANNEL_MARGIN_SECONDS = 600
# How often a seller is told that a session ends, the first time included.
CLOSE_TRIES_MAX = 6
# How often a paid request is repeated where the seller's answer got lost, the first time included.
DELIVERY_TRIES_MAX = 3
# The longest purchase key, in bytes.
PURCHASE_KEY_BYTES_MAX = 256
# How often one purchase may be tried anew after it was refused or given back, without anything being paid.
ATTEMPTS_MAX = 1_000
# The shortest time a seller has to leave for repetitions after the payment.
REPLAY_WINDOW_SECONDS_MIN = 30
# The largest amount, in smallest units, and the most decimals of an asset.
AMOUNT_MAX = 10**30
ASSET_SCALE_MAX = 18
# The longest header of a payment, in characters; the longest target and `Content-Type` of a request, in bytes.
HEADER_CHARS_MAX = 16_384
URI_BYTES_MAX = 8_192
CONTENT_TYPE_BYTES_MAX = 256
# The longest signed note, its most signatures, and the longest name of a key.
NOTE_BYTES_MAX = 131_072
NOTE_SIGNATURES_MAX = 32
KEY_NAME_BYTES_MAX = 255
# The most keys that one log may have had, the most hashes of a proof, and the largest tree.
KEY_TERMS_MAX = 1_024
PROOF_HASHES_MAX = 64
TREE_SIZE_MAX = 2**63 - 1
# The longest file with a key that is read, in bytes.
KEY_FILE_BYTES_MAX = 4_096
# The most requirements of x402 that are remembered, so that the same ones, asked for again, are the same payment.
REQUIREMENTS_KEPT_MAX = 1_024
