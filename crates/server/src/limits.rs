//! Every maximum of the server, by name; those of the public API are in [`wire::limits`].

/// The longest head of a request, in bytes. Both A402 headers fit in it.
pub const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// The most headers of a request.
pub const HEADERS_MAX: usize = 64;

/// How long a connection may take to send a request's head, in seconds.
pub const HEAD_SECONDS_MAX: u64 = 10;

/// How long a request's body may take, in seconds.
pub const BODY_SECONDS_MAX: u64 = 10;

/// How long a request may take in all, until its answer begins, in seconds.
pub const REQUEST_SECONDS_MAX: u64 = 30;

/// How long connections may finish after the server was told to stop, in seconds.
pub const DRAIN_SECONDS_MAX: u64 = 10;

/// The connections that are open at once; further ones wait in the kernel.
pub const CONNECTIONS_MAX: usize = 8_192;

/// The signatures that wait to be checked; one more is answered as busy.
pub const SIGNATURES_WAITING_MAX: usize = 4_096;

/// The signatures that are checked together.
pub const SIGNATURES_TOGETHER_MAX: usize = 256;

/// The longest name of who holds a bank account, in characters.
pub const HOLDER_CHARS_MAX: usize = invoice::limits::BANK_NAME_CHARS_MAX;

/// The payouts that are handed to the bank together.
pub const PAYOUTS_TOGETHER_MAX: usize = 1_000;

/// The longest `Signature-Input`, `Signature` or `Content-Digest` header, in bytes.
pub const SIGNATURE_HEADER_BYTES_MAX: usize = 2_048;

/// The longest target of a request, in bytes.
pub const TARGET_BYTES_MAX: usize = 2_048;

/// The event streams that are open at once.
pub const STREAMS_MAX: usize = 256;

/// The events one stream takes before it sends them.
pub const STREAM_ENTRIES_MAX: usize = 64;

/// How long a stream rests when what is new was not for it, in milliseconds: a decision is told in less than a second.
pub const STREAM_MILLIS: u64 = 200;

/// After how many seconds without an event a stream says that it is alive.
pub const STREAM_SILENT_SECONDS: u64 = 15;

/// How long a read waits for the views to show what it has to, in milliseconds.
pub const AT_LEAST_MILLIS_MAX: u64 = 2_000;

/// The reads that are answered at once; further ones wait.
pub const READERS_MAX: usize = 8;

/// The holds and meters that are remembered to answer what follows them without the views: 20 MB.
pub const RECENT_MAX: usize = 65_536;

/// The seconds that `Retry-After` names when the queue is full.
pub const RETRY_AFTER_SECONDS: u64 = 1;

/// How long the ids of a new book are remembered, in seconds: 400 days, longer than any hold or invoice.
pub const RETENTION_SECONDS: u64 = 400 * 86_400;

/// How long a code for connecting an agent is good, and its connection remembered, in seconds.
pub const PAIRING_SECONDS_MAX: u64 = 600;

/// The codes and connections of one owner that are remembered at once; the oldest is forgotten first.
pub const CONNECTIONS_OF_OWNER_MAX: usize = 8;

/// The codes for connecting agents, and the connections, that are remembered at once.
pub const CONNECTIONS_WAITING_MAX: usize = 1_024;

/// How long an invitation is good unless it says otherwise, in seconds: a week, which is also the longest.
pub const INVITATION_SECONDS_MAX: u64 = 7 * 86_400;

/// How many days a credential lasts for an errand that nobody bounds in time.
pub const ERRAND_DAYS: u64 = 7;

/// How many days a credential lasts that its owner wants to end: credentials have to end.
pub const CREDENTIAL_DAYS: u64 = 366;

/// The payees of one name that are told apart in a question.
pub const NAMESAKES_MAX: usize = 8;

/// The past payments that limits are tried on.
pub const REHEARSAL_PAYMENTS_MAX: usize = 10_000;

/// The questions that an agent may ask about one intent.
pub const AGENT_QUESTIONS_MAX: usize = 8;

/// The answers that an agent may suggest to a question of its own.
pub const SUGGESTIONS_MAX: usize = 16;

/// For how many seconds the state of a credential may be relied on.
pub const STATUS_AGE_SECONDS_MAX: u64 = 60;

/// The agreements of one agent that wait for its owner's signature at once.
pub const AGREEMENTS_WAITING_MAX: usize = 32;

/// How long an owner may take over an instant payment, in seconds: five minutes.
pub const INSTANT_SECONDS_MAX: u64 = 300;

/// The days for which one request id makes one command id, whatever time the request says.
pub const REQUEST_EPOCH_DAYS: u64 = 30;

/// The epochs that a request id is looked for in: as long as the book of `init` remembers ids.
pub const REQUEST_EPOCHS_MAX: u64 = 14;

/// The webhooks of one seller.
pub const WEBHOOKS_MAX: usize = 16;

/// Bytes of a webhook's address.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;

/// Milliseconds that whoever is told something may take to answer.
pub const WEBHOOK_MILLIS_MAX: u64 = 15_000;

/// Messages on their way at once.
pub const WEBHOOK_SENDS_MAX: usize = 32;

/// Messages on their way at once to one host: whoever is slow holds up nobody else.
pub const WEBHOOK_SENDS_OF_ONE_MAX: usize = 4;

/// Messages that are looked at together when they are due.
pub const WEBHOOK_DUE_MAX: u32 = 512;

/// Entries that are looked at together for what is to be told.
pub const WEBHOOK_ENTRIES_MAX: usize = 256;

/// Entries after which the place that was read to is kept, where nothing was to be told of them.
pub const WEBHOOK_MARK_ENTRIES: u64 = 65_536;

/// Seconds until a message is tried again, after each attempt that failed; after the last it is given up, three days on.
pub const WEBHOOK_PAUSES_SECONDS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Seconds that messages are kept after they were sent or given up.
pub const WEBHOOK_KEPT_SECONDS: u64 = 30 * 86_400;

/// Attempts of a message that are shown, the newest.
pub const WEBHOOK_ATTEMPTS_SHOWN_MAX: u32 = 10;

/// Seconds after a change of a webhook's secret in which messages are signed with the one before as well.
pub const WEBHOOK_OVERLAP_SECONDS: u64 = 86_400;

/// Seconds that a drafting endpoint may take.
pub const DRAFT_SECONDS_MAX: u64 = 20;

/// Bytes of a drafting endpoint's answer.
pub const DRAFT_ANSWER_BYTES_MAX: usize = 256 * 1_024;

/// The gateways of one seller that report on one day: each start of one is another.
pub const OFFERS_GATEWAYS_MAX: i64 = 256;

/// The days of one report of a gateway.
pub const OFFERS_DAYS_MAX: usize = 8;

/// How long what gateways reported is kept, in days.
pub const OFFERS_KEPT_DAYS: i64 = 400;

/// The most demands that a gateway may report for one day; what adds up stays exact.
pub const OFFERS_DEMANDS_MAX: u64 = 1_000_000_000_000;

/// The services on the market.
pub const SERVICES_MAX: i64 = 10_000;

/// The services of one seller on the market.
pub const SERVICES_OF_ONE_MAX: i64 = 10;

/// The highest price of a service, in the smallest unit.
pub const SERVICE_PRICE_MINOR_MAX: u128 = 1_000_000_000_000_000;

/// Bytes of a service's schema.
pub const SERVICE_SCHEMA_BYTES_MAX: usize = 8_192;

/// Letters of a name from which on one other letter makes no other name.
pub const SERVICE_ALIKE_LETTERS_MIN: usize = 6;

/// The words of a search.
pub const SERVICE_WORDS_MAX: usize = 8;

/// How far into a search one can look.
pub const SERVICE_SKIP_MAX: u32 = 10_000;

/// How often a service is looked at, in seconds.
pub const SERVICE_AGAIN_SECONDS: u64 = 300;

/// Services that are looked at at once.
pub const SERVICE_LOOKS_MAX: usize = 8;

/// Milliseconds that a service may take to say its price.
pub const SERVICE_MILLIS_MAX: u64 = 10_000;

/// Bytes of what a host says of its sellers.
pub const PROOF_BYTES_MAX: usize = 16_384;

/// The newest payments, and the newest holds, of a seller that its place comes from.
pub const SERVICE_PURCHASES_MAX: usize = 500;

/// The newest purchases of one buyer that count for it.
pub const SERVICE_OF_ONE_BUYER_MAX: u64 = 20;

/// The coupons, and the uses of coupons, in one report of a gateway.
pub const COUPONS_REPORTED_MAX: usize = 100;

/// The coupons of one seller that are known, each as often as gateways have it.
pub const COUPONS_OF_ONE_MAX: i64 = 4_000;

/// How long a coupon that no gateway reports any more is known, in seconds: 400 days.
pub const COUPONS_KEPT_SECONDS: u64 = 400 * 86_400;

/// Bytes of a coupon's code.
pub const COUPON_CODE_BYTES_MAX: usize = 32;

/// The longest that a payment token of a checkout may count, in seconds: one day.
pub const TOKEN_SECONDS_MAX: u64 = 86_400;

/// The most that a payment token may be for, in the smallest unit: the largest integer that every JSON reader agrees on.
pub const TOKEN_AMOUNT_MINOR_MAX: u64 = (1 << 53) - 1;
