//! Every bound of the console, with its name.

/// The longest form, in bytes.
pub const FORM_BYTES_MAX: usize = 64 * 1_024;

/// The most fields of a form.
pub const FORM_FIELDS_MAX: usize = 64;

/// How long a session lasts, in seconds: 14 days. It alone widens nothing.
pub const SESSION_SECONDS_MAX: u64 = 14 * 86_400;

/// How long a passkey may take to confirm a form, in seconds.
pub const CHALLENGE_SECONDS_MAX: u64 = 300;

/// The challenges that wait at once; the oldest is forgotten first.
pub const CHALLENGES_MAX: usize = 4_096;

/// The challenges of one owner that wait at once; her oldest is forgotten first.
pub const CHALLENGES_OF_OWNER_MAX: usize = 16;

/// The failed log-ins of everybody together in one minute; one more is told to wait.
pub const LOGIN_FAILURES_PER_MINUTE_MAX: u32 = 60;

/// The passkeys of one owner.
pub const PASSKEYS_MAX: usize = 16;

/// The longest shown part of a text that a stranger chose, in characters.
pub const SHOWN_CHARS_MAX: usize = 80;

/// The longest text in which somebody says what is wrong with a purchase, in characters.
pub const TOLD_CHARS_MAX: usize = 1_000;

/// The rows of one page of a list.
pub const ROWS: usize = 25;

/// The rows that a search looks through for one page.
pub const SEARCH_ROWS_MAX: usize = 2_000;

/// The past payments that a rule is rehearsed on.
pub const REHEARSAL_PAYMENTS_MAX: usize = 10_000;

/// The sentences that wait to be agreed to, for one owner; the oldest is forgotten first.
pub const DRAFTS_MAX: usize = 32;

/// Play money that a new wallet of a test book has, in whole units of its asset.
pub const PLAY_MONEY: u128 = 1_000;

/// The most play money one top-up brings, in whole units.
pub const TOP_UP_MAX: u128 = 10_000;

/// How long a live page rests between looks, in milliseconds.
pub const LIVE_MILLIS: u64 = 300;

/// How long an owner is left alone after a notice, in seconds.
pub const NOTICE_SECONDS_MIN: u64 = 30;

/// How long a webhook may take, in milliseconds.
pub const NOTICE_MILLIS_MAX: u64 = 5_000;

/// How often a notice is tried.
pub const NOTICE_TRIES_MAX: u32 = 3;

/// The accounts that one owner may open to sell with.
pub const SELLERS_MAX: usize = 16;

/// The longest name of a seller, in characters.
pub const SELLER_NAME_CHARS_MAX: usize = 60;

/// The longest domain, in characters, as the names of hosts have it.
pub const DOMAIN_CHARS_MAX: usize = 253;

/// The keys of one seller that its page shows, the newest first.
pub const SELLER_KEYS_SHOWN_MAX: usize = 64;

/// The newest decisions of a seller in which the last use of a key is looked for.
pub const KEY_USES_LOOKED_AT_MAX: usize = 1_000;

/// The newest sales that are added up by buyer and by what was bought.
pub const TOP_SALES_MAX: usize = 5_000;

/// The rows in which they are read.
pub const TOP_PAGE_ROWS: usize = 500;

/// The newest sales whose names, as the seller's demands had them, are looked up for one page.
pub const SOLD_NAMES_MAX: usize = 5_000;

/// The buyers, and the things bought, that one page shows.
pub const TOP_ROWS: usize = 10;

/// The refusals that are counted by cause, the newest first.
pub const REFUSALS_COUNTED_MAX: usize = 20_000;

/// How many buyers a cause of refusals needs to stand for itself: of fewer, somebody could be told from it.
pub const REFUSED_BUYERS_MIN: u64 = 3;

/// The sales of one export.
pub const EXPORT_SALES_MAX: usize = 100_000;

/// The refunds of one sale that its page shows.
pub const REFUNDS_SHOWN_MAX: usize = 100;

/// The deliveries of a webhook that its page shows, the newest first.
pub const DELIVERIES_SHOWN_MAX: usize = 50;

/// The coupons of a seller that its page shows.
pub const COUPONS_SHOWN_MAX: usize = 200;

/// After how long without a report a gateway counts as silent, in seconds.
pub const COUPON_SILENT_SECONDS: u64 = 120;

/// The quotas of an owner that one page shows.
pub const QUOTAS_SHOWN_MAX: usize = 100;

/// The lines of a report over a quota and all below it, and the quotas of one wallet that are looked through.
pub const QUOTA_LINES_MAX: usize = 500;

/// The parts right below a quota that its seller's page shows, the newest first.
pub const QUOTA_PARTS_SHOWN_MAX: usize = 100;

/// The payouts of a seller that its page shows, the newest first.
pub const PAYOUTS_SHOWN_MAX: usize = 100;

/// The payment links of a seller that its page shows, the newest first.
pub const LINKS_SHOWN_MAX: usize = 100;

/// The payments by each of them that the page shows.
pub const LINK_PAYMENTS_SHOWN_MAX: usize = 5;

/// The wallets among which whoever pays a link chooses.
pub const LINK_WALLETS_MAX: usize = 100;
