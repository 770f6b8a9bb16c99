//! The tables of the views, and how a file with other tables is put out of the way.
//!
//! The key of every table is the place of the entry that made the row, so lists come in the order of the journal and a
//! place is a cursor. Lists of what happens often have no index: each row names the one before it of the same subject,
//! and the subject's standing names its last. An index would touch a page of its own for every row; naming costs nothing,
//! since the standing is written anyway.

use crate::journal::BookId;
use crate::limits::{VIEWS_LOG_PAGES, VIEWS_READER_CACHE_KIB, VIEWS_STATEMENTS_MAX, VIEWS_WRITER_CACHE_KIB};
use crate::views::ViewsFault;
use crate::views::stored::{Columns, stored};
use book::Seq;
use evidence::Hash;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Counts from 1 with every change of the tables or of what is written into them.
const VERSION: i64 = 14;

/// "toll": tells our files from other SQLite databases.
const APPLICATION: i64 = 0x746F_6C6C;

const TABLES: &str = "
CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), book BLOB NOT NULL, position INTEGER NOT NULL);

CREATE TABLE opened (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, test INTEGER NOT NULL, retention INTEGER NOT NULL);

CREATE TABLE assets (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, code TEXT NOT NULL UNIQUE, scale INTEGER NOT NULL,
    world_debits NOT NULL, world_credits NOT NULL, fees_debits NOT NULL, fees_credits NOT NULL,
    transit_debits NOT NULL, transit_credits NOT NULL);

CREATE TABLE standings (seq INTEGER PRIMARY KEY, debits NOT NULL, credits NOT NULL, held NOT NULL, spent NOT NULL,
    uses INTEGER NOT NULL, last_decision INTEGER NOT NULL, last_payment INTEGER NOT NULL, last_hold INTEGER NOT NULL);

CREATE TABLE owners (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, status INTEGER NOT NULL);

CREATE TABLE keys (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, holder BLOB NOT NULL,
    public_key BLOB NOT NULL, revoked INTEGER);
CREATE INDEX keys_of_holder ON keys (holder);

CREATE TABLE wallets (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, owner BLOB NOT NULL,
    asset TEXT NOT NULL, status INTEGER NOT NULL, parent BLOB, agent BLOB, limits BLOB NOT NULL, version INTEGER NOT NULL);
CREATE INDEX wallets_of_owner ON wallets (owner);
CREATE INDEX wallets_of_parent ON wallets (parent) WHERE parent IS NOT NULL;

CREATE TABLE payees (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, owner BLOB,
    asset TEXT NOT NULL, status INTEGER NOT NULL, category TEXT NOT NULL, provenance BLOB NOT NULL, fee BLOB NOT NULL);
CREATE INDEX payees_of_owner ON payees (owner) WHERE owner IS NOT NULL;

CREATE TABLE agents (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, wallet BLOB NOT NULL,
    status INTEGER NOT NULL, limits BLOB NOT NULL, version INTEGER NOT NULL,
    ended_spent NOT NULL, ended_uses INTEGER NOT NULL);
CREATE INDEX agents_of_wallet ON agents (wallet);

CREATE TABLE mandates (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, wallet BLOB NOT NULL,
    agent BLOB NOT NULL, status INTEGER NOT NULL, valid_from INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    document BLOB NOT NULL, limits BLOB NOT NULL, version INTEGER NOT NULL,
    inherited_spent NOT NULL, inherited_uses INTEGER NOT NULL, parent BLOB, depth INTEGER NOT NULL);

CREATE TABLE watches (payee BLOB NOT NULL, item BLOB NOT NULL, mandate BLOB NOT NULL,
    PRIMARY KEY (payee, item, mandate)) WITHOUT ROWID;
CREATE INDEX watches_of_mandate ON watches (mandate);
CREATE INDEX mandates_of_wallet ON mandates (wallet);
CREATE INDEX mandates_of_agent ON mandates (agent);

CREATE TABLE changes (mandate BLOB NOT NULL, seq INTEGER NOT NULL, status INTEGER NOT NULL,
    PRIMARY KEY (mandate, seq)) WITHOUT ROWID;

CREATE TABLE observations (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, payee BLOB NOT NULL, item BLOB NOT NULL,
    price NOT NULL, asset TEXT NOT NULL, stock INTEGER NOT NULL, UNIQUE (payee, item));

CREATE TABLE purchases (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL, form INTEGER NOT NULL,
    state INTEGER NOT NULL, owner BLOB, agent BLOB, purchase BLOB NOT NULL, versions BLOB NOT NULL, parts BLOB NOT NULL,
    captured NOT NULL, released NOT NULL, refunded NOT NULL,
    expires_at INTEGER, redeemed BLOB, ended_at INTEGER, held_from BLOB,
    owner_before INTEGER, wallet_before INTEGER, agent_before INTEGER, payee_before INTEGER, mandate_before INTEGER);
CREATE INDEX open_holds ON purchases (held_from) WHERE held_from IS NOT NULL;

CREATE TABLE meters (seq INTEGER PRIMARY KEY, rates BLOB NOT NULL, rounding BLOB NOT NULL, sequence INTEGER NOT NULL,
    charges INTEGER NOT NULL, total NOT NULL, carry, voucher_key BLOB);

CREATE TABLE quotas (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, payee BLOB NOT NULL,
    wallet BLOB NOT NULL, agent BLOB, parent BLOB, unit BLOB NOT NULL, granted INTEGER NOT NULL, used INTEGER NOT NULL,
    allotted INTEGER NOT NULL, expires_at INTEGER NOT NULL, document BLOB NOT NULL);
CREATE INDEX quotas_of_wallet ON quotas (wallet);
CREATE INDEX quotas_of_payee ON quotas (payee);
CREATE INDEX quotas_below ON quotas (parent) WHERE parent IS NOT NULL;

CREATE TABLE deductions (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, quota BLOB NOT NULL, units INTEGER NOT NULL,
    restored INTEGER NOT NULL);
CREATE INDEX deductions_of_quota ON deductions (quota);

CREATE TABLE subscriptions (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, owner BLOB,
    wallet BLOB NOT NULL, payee BLOB NOT NULL, agent BLOB, plan BLOB NOT NULL, next_agent BLOB, next_plan BLOB,
    began INTEGER NOT NULL, until INTEGER NOT NULL, trial INTEGER NOT NULL, cancelled INTEGER, renewed INTEGER NOT NULL,
    failed INTEGER, tries INTEGER NOT NULL, next_try INTEGER, denial BLOB, last_payment BLOB);
CREATE INDEX subscriptions_of_wallet ON subscriptions (wallet);
CREATE INDEX subscriptions_of_owner ON subscriptions (owner) WHERE owner IS NOT NULL;
CREATE INDEX subscriptions_of_payee ON subscriptions (payee);

CREATE TABLE payment_links (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, owner BLOB,
    payee BLOB NOT NULL, asked BLOB NOT NULL, used INTEGER NOT NULL, paid NOT NULL, closed INTEGER);
CREATE INDEX payment_links_of_payee ON payment_links (payee);
CREATE TABLE link_payments (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, link BLOB NOT NULL, payment BLOB NOT NULL,
    amount NOT NULL, message BLOB);
CREATE INDEX payments_of_link ON link_payments (link);
CREATE TABLE paid_out (payee BLOB PRIMARY KEY, named BLOB NOT NULL, in_transit NOT NULL, paid NOT NULL);
CREATE TABLE payouts (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, payee BLOB NOT NULL,
    owner BLOB, asset TEXT NOT NULL, amount NOT NULL, destination BLOB NOT NULL, stage INTEGER NOT NULL,
    batch BLOB, sent INTEGER, ordered BLOB, ended INTEGER, said BLOB);
CREATE INDEX payouts_of_payee ON payouts (payee);
CREATE INDEX payouts_of_batch ON payouts (batch) WHERE batch IS NOT NULL;
CREATE INDEX payouts_waiting ON payouts (asset) WHERE stage = 1;
CREATE TABLE invoices (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, payee BLOB NOT NULL,
    owner BLOB NOT NULL, wallet BLOB NOT NULL, asset TEXT NOT NULL, number INTEGER NOT NULL, amount NOT NULL,
    credited NOT NULL, to_credit NOT NULL, document BLOB NOT NULL);
CREATE INDEX invoices_of_payee ON invoices (payee);
CREATE INDEX invoices_of_owner ON invoices (owner);
CREATE INDEX invoices_to_credit ON invoices (payee) WHERE to_credit <> 0;
CREATE TABLE invoice_lines (invoice INTEGER NOT NULL, line INTEGER NOT NULL, purchase BLOB NOT NULL, amount NOT NULL,
    credited NOT NULL, to_credit NOT NULL, PRIMARY KEY (invoice, line)) WITHOUT ROWID;
CREATE INDEX invoice_lines_of_purchase ON invoice_lines (purchase);

CREATE TABLE credit_notes (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, invoice BLOB NOT NULL,
    payee BLOB NOT NULL, owner BLOB NOT NULL, asset TEXT NOT NULL, number INTEGER NOT NULL, amount NOT NULL,
    document BLOB NOT NULL);
CREATE INDEX credit_notes_of_payee ON credit_notes (payee);
CREATE INDEX credit_notes_of_owner ON credit_notes (owner);
CREATE TABLE credit_note_lines (note INTEGER NOT NULL, line INTEGER NOT NULL, amount NOT NULL,
    PRIMARY KEY (note, line)) WITHOUT ROWID;

CREATE TABLE refunds (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL, purchase INTEGER NOT NULL,
    amount NOT NULL, wallet BLOB NOT NULL, parts BLOB NOT NULL);
CREATE INDEX refunds_of_purchase ON refunds (purchase);

CREATE TABLE takings (payee BLOB NOT NULL, quarter INTEGER NOT NULL, captured NOT NULL, fees NOT NULL,
    refunded NOT NULL, fees_refunded NOT NULL, held NOT NULL, sales INTEGER NOT NULL, refunds INTEGER NOT NULL,
    holds INTEGER NOT NULL, PRIMARY KEY (payee, quarter)) WITHOUT ROWID;
CREATE TABLE refused (payee BLOB NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL, denial BLOB NOT NULL, buyer BLOB,
    PRIMARY KEY (payee, at, seq)) WITHOUT ROWID;

CREATE TABLE transfers (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL, source BLOB NOT NULL,
    destination BLOB NOT NULL, amount NOT NULL, asset TEXT NOT NULL);
CREATE TABLE transfer_accounts (account BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (account, seq)) WITHOUT ROWID;

CREATE TABLE questions (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, form INTEGER NOT NULL,
    owner BLOB NOT NULL, wallet BLOB NOT NULL, agent BLOB, purchase BLOB NOT NULL, digest BLOB NOT NULL,
    ask BLOB NOT NULL, rule BLOB NOT NULL, answer INTEGER NOT NULL, until INTEGER, answered INTEGER, used INTEGER,
    terms BLOB, link BLOB);
CREATE INDEX questions_of_owner ON questions (owner);
CREATE INDEX questions_of_wallet ON questions (wallet);
CREATE INDEX questions_of_agent ON questions (agent) WHERE agent IS NOT NULL;
CREATE INDEX open_questions_of_owner ON questions (owner) WHERE answer = 1;
CREATE INDEX open_questions_of_wallet ON questions (wallet) WHERE answer = 1;

CREATE TABLE decisions (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id BLOB NOT NULL, kind INTEGER NOT NULL,
    actor BLOB NOT NULL, ask BLOB, refusal BLOB, amount, asset TEXT, about BLOB,
    owner BLOB, wallet BLOB, agent BLOB, payee BLOB, mandate BLOB,
    owner_before INTEGER, wallet_before INTEGER, agent_before INTEGER, payee_before INTEGER, mandate_before INTEGER);
CREATE INDEX decisions_by_id ON decisions (id) WHERE kind <> 29;

CREATE TABLE links (subject BLOB NOT NULL, chain INTEGER NOT NULL, seq INTEGER NOT NULL, before INTEGER NOT NULL,
    PRIMARY KEY (subject, chain, seq)) WITHOUT ROWID;
";

/// What a file turned out to be.
enum Found {
    /// Views of this book in these tables, as far as it says.
    Current(Connection, Seq),
    /// Nothing yet, or what has to be made again.
    Stale,
    /// A database of something else.
    Foreign,
}

/// Opens the views of `book` to write them. A file with other tables, of another book, ahead of a journal of `durable`
/// entries, or damaged, is deleted first.
pub(super) fn open(path: &Path, book: BookId, durable: Seq) -> Result<(Connection, Seq), ViewsFault> {
    match inspect(path, book, durable)? {
        Found::Current(connection, position) => return Ok((connection, position)),
        Found::Foreign => return Err(ViewsFault::Foreign(path.to_path_buf())),
        Found::Stale => {}
    }
    Ok((again(path, book)?, Seq(0)))
}

/// Empty views of `book`, in place of whatever is there.
pub(super) fn again(path: &Path, book: BookId) -> Result<Connection, ViewsFault> {
    delete(path)?;
    let mut connection = writer(path)?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO progress VALUES (1, ?1, 0)", stored![digest(book)])?;
    transaction.commit()?;
    Ok(connection)
}

fn inspect(path: &Path, book: BookId, durable: Seq) -> Result<Found, ViewsFault> {
    if !path.try_exists()? {
        return Ok(Found::Stale);
    }
    let read = || -> rusqlite::Result<Found> {
        let connection = writer(path)?;
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
        if number("application_id")? != APPLICATION {
            return Ok(if tables == 0 { Found::Stale } else { Found::Foreign });
        }
        if number("user_version")? != VERSION || tables == 0 {
            return Ok(Found::Stale);
        }
        let (of, position) = connection.query_row("SELECT book, position FROM progress", (), |row| {
            let mut columns = Columns::of(row);
            Ok((columns.next::<Hash>()?, columns.next::<Seq>()?))
        })?;
        Ok(if of == digest(book) && position <= durable {
            Found::Current(connection, position)
        } else {
            Found::Stale
        })
    };
    match read() {
        Err(fault) if is_damage(&fault) => Ok(Found::Stale),
        read => Ok(read?),
    }
}

/// Whether SQLite says that the file is not what it wrote.
pub(super) fn is_damage(fault: &rusqlite::Error) -> bool {
    matches!(fault.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(fault, rusqlite::Error::QueryReturnedNoRows)
}

/// Tells books apart without keeping the book's id, which is secret.
fn digest(book: BookId) -> Hash {
    let mut bytes = b"tollbridge views 1\n".to_vec();
    bytes.extend_from_slice(&book.0);
    Hash::of(&bytes)
}

/// Deletes the file and what SQLite keeps beside it, that first: a log must never meet another file.
fn delete(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
            Err(_) | Ok(()) => {}
        }
    }
    Ok(())
}

/// A connection that writes. A batch that a power cut takes back takes its position with it, so the log is synced when
/// it is carried over and not with each batch.
fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", VIEWS_LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", VIEWS_WRITER_CACHE_KIB.saturating_neg())?;
    prepare_once(&connection)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", VIEWS_READER_CACHE_KIB.saturating_neg())?;
    connection.pragma_update(None, "query_only", true)?;
    prepare_once(&connection)?;
    Ok(connection)
}

/// Keeps every statement as it was prepared. Unless the planner is told to be stable, a join whose parameter changes is
/// planned again each time, which costs 40 µs and finds the same plan.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(VIEWS_STATEMENTS_MAX);
    Ok(())
}
