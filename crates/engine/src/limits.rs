//! Every maximum of the engine, by name.

/// The longest entry, in bytes of its canonical form: what fits into a bundle of the log.
///
/// The rules make none of more than some 61,000: the limits of a wallet, agent or mandate take most of it.
pub const ENTRY_BYTES_MAX: usize = evidence::limits::ENTRY_BYTES_MAX;

/// The most entries one frame holds: one commit of one batch.
pub const FRAME_ENTRIES_MAX: u32 = 8_192;

/// The longest frame on disk, in bytes, header and padding included.
///
/// 8,192 entries of 192 bytes are 1.5 MiB; a batch of unusually long entries ends a frame earlier.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The most frames one read returns.
pub const READ_FRAMES_MAX: u32 = 1_024;

/// A read stops after the frame with which it reaches this many bytes.
pub const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How far apart, in bytes, a journal remembers where a position lies. A read walks at most this far,
/// and 100 GiB of journal cost 26 MB of memory.
pub const MARK_BYTES: u64 = 64 * 1024;

/// How far ahead of its end, beyond the reserve, a journal file is kept filled with zeros.
pub const CHUNK_BYTES: u64 = 16 * 1024 * 1024;

/// What of the filled space only closing frames may use, so that holds can be closed on a full disk.
///
/// Twice [`FRAME_BYTES_MAX`]: some 20,000 closings.
pub const RESERVE_BYTES: u64 = 4 * 1024 * 1024;

/// The longest single write while filling ahead: 0.9 ms beside a commit of 0.1 ms.
pub const FILL_BYTES: u64 = 1024 * 1024;

/// [`CHUNK_BYTES`] of a simulated disk, small so that a simulation meets its end often.
pub const MEMORY_CHUNK_BYTES: u64 = 16 * 1024;

/// [`RESERVE_BYTES`] of a simulated disk.
pub const MEMORY_RESERVE_BYTES: u64 = 4 * 1024;

/// The requests that may wait for the writer; one more is answered as busy.
pub const QUEUE_UNITS_MAX: usize = 16 * 1024;

/// The commands after which a batch takes no further request. With the longest request behind it, it is still one frame.
pub const BATCH_COMMANDS_MAX: usize = 4_096;

/// A batch of fewer commands waits for the one before it: what comes meanwhile shares its sync.
pub const AHEAD_COMMANDS_MIN: usize = 512;

/// How long the writer waits for more where requests come fast, in microseconds: about two syncs.
pub const GATHER_MICROS: u64 = 250;

/// How often in a row it does so, as long as more comes: a little over a millisecond in all.
pub const GATHERS_MAX: u32 = 5;

/// How many commands have to come in [`GATHER_MICROS`] for that: below it, each request has a commit of its own at once.
pub const GATHER_COMMANDS_MIN: u32 = 2;

/// The threads of the writer: one decides while the other hashes and syncs.
pub const WRITER_THREADS: u32 = 2;

/// The commands whose rows are read side by side before they are decided: their rows fit the second cache.
pub const FORESIGHT_COMMANDS: usize = 64;

/// The longest the writer sleeps while something is due later, in milliseconds: the clock may be put forward.
pub const IDLE_MILLIS_MAX: u64 = 200;

/// The frames that recovery reads ahead of what it has applied.
pub const RECOVERY_FRAMES_MAX: usize = 64;

/// The longest piece of a snapshot, in bytes. One is full at 64 KiB; the row that fills it may be longer.
pub const SNAPSHOT_PIECE_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// So many entries behind a snapshot, the next is made: what a start reads in four seconds.
pub const SNAPSHOT_EVERY_ENTRIES: u64 = 2_000_000;

/// The frames a follower is given at once.
pub const FOLLOW_FRAMES_MAX: u32 = 64;

/// How long a follower rests, in milliseconds, when it has come up to the journal.
pub const FOLLOW_REST_MILLIS: u64 = 2;

/// The longest that a follower who stands back rests, in milliseconds: nobody should notice that it does.
pub const BEHIND_REST_MILLIS_MAX: u64 = 50;

/// How nice a follower is that stands back: it gets a hundredth of a processor that others want too.
pub const STAND_BACK_NICE: i32 = 19;

/// The newest frames of which a journal remembers exactly where they lie: 64 KiB of memory.
pub const RECENT_MARKS_MAX: usize = 4_096;

/// The frames whose hashes are kept for the log that follows: some 4 MiB.
pub const GROWTH_FRAMES_MAX: usize = 32;

/// How often the log's checkpoint is made durable, in milliseconds. It takes six syncs that the journal waits behind.
pub const CHECKPOINT_MILLIS: u64 = 1_000;

/// The tiles one reader of the log keeps in memory: 2 MiB.
pub const TILE_CACHE_MAX: usize = 256;

/// The subjects (owners, wallets, agents, payees, mandates) whose standing the views keep in memory from one batch to the
/// next: 7/8 of 2^19, what a hash table of 84 MB holds, and enough for 100,000 wallets with an agent and a mandate each.
/// Beyond it, those that the last batch did not change are forgotten and read again when they are needed, which takes in
/// half as many payments a second. Fewer subjects take less: up to 1,800 of them 0.3 MB.
pub const VIEWS_SUBJECTS_MAX: usize = 458_752;

/// The sellers whose sums are kept in memory while views are written; beyond it, those that the last batch did not change
/// are read again.
pub const VIEWS_TAKINGS_MAX: usize = 16_384;

/// The pages, in KiB, that SQLite keeps in memory for the one who writes the views.
pub const VIEWS_WRITER_CACHE_KIB: i64 = 32 * 1024;

/// The pages, in KiB, that SQLite keeps in memory for each who reads the views.
pub const VIEWS_READER_CACHE_KIB: i64 = 4 * 1024;

/// How many pages of 4 KiB the views' write-ahead log grows to before they are carried over into the file: 64 MiB. A page
/// that is changed by many batches meanwhile is carried over once.
pub const VIEWS_LOG_PAGES: i64 = 16_384;

/// The connections that are kept open for reading while nobody reads.
pub const VIEWS_READERS_MAX: usize = 8;

/// The most rows of one page of a list.
pub const VIEWS_PAGE_ROWS_MAX: usize = 1_000;

/// The most entries one call looks at for those that follow a place and concern a subject.
pub const VIEWS_SCAN_ROWS_MAX: u64 = 10_000;

/// The most purchases one call adds up for what was spent since a time.
pub const VIEWS_SUM_ROWS_MAX: usize = 20_000;

/// The statements that a connection keeps prepared; the views have fewer.
pub const VIEWS_STATEMENTS_MAX: usize = 128;

/// The agents and owners that are told of one price in their lists; whoever waits beyond them reads the seller's.
pub const VIEWS_WATCHERS_MAX: usize = 256;
