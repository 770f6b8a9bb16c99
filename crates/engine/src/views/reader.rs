//! Reading: connections that are lent out, and views that show the book at one position.

use crate::limits::{VIEWS_PAGE_ROWS_MAX, VIEWS_READERS_MAX};
use crate::views::ViewsFault;
use crate::views::schema;
use crate::views::stored::{Columns, stored};
use crate::views::subjects::{self, Chain, Role, START};
use book::{AgentId, Id, MandateId, OwnerId, PayeeId, Seq, WalletId};
use rusqlite::{Connection, OptionalExtension, ToSql};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A handle on the views, to read them from any thread.
#[derive(Clone, Debug)]
pub struct ViewsReader {
    pool: Arc<Pool>,
}

/// Where the file is, and connections that nobody uses now.
#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    positions: watch::Receiver<Seq>,
    /// Counts the files there were: a connection to an earlier one is not lent out.
    file: AtomicU64,
    damaged: AtomicBool,
}

impl ViewsReader {
    pub(super) fn new(path: &Path, positions: watch::Receiver<Seq>) -> ViewsReader {
        let (file, damaged) = (AtomicU64::new(0), AtomicBool::new(false));
        let pool = Pool { path: path.to_path_buf(), idle: Mutex::default(), positions, file, damaged };
        ViewsReader { pool: Arc::new(pool) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.pool.path
    }

    /// Lets go of every connection to a file that was deleted.
    pub(super) fn forget(&self) {
        let mut idle = self.idle();
        self.pool.file.fetch_add(1, Ordering::SeqCst);
        self.pool.damaged.store(false, Ordering::SeqCst);
        idle.clear();
    }

    /// Whether somebody found the file damaged while reading it.
    pub(super) fn was_damaged(&self) -> bool {
        self.pool.damaged.load(Ordering::SeqCst)
    }

    /// The book as it is in the views now. What is written later does not show: take a view for each question and drop it
    /// soon, and do not keep it across a wait.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn view(&self) -> Result<View, ViewsFault> {
        let file = self.pool.file.load(Ordering::SeqCst);
        let idle = self.idle().pop();
        let begin = || {
            let connection = match idle {
                Some(connection) => connection,
                None => schema::reader(&self.pool.path)?,
            };
            connection.execute_batch("BEGIN")?;
            // The first read is what fixes the moment that is shown.
            let position = connection
                .prepare_cached("SELECT position FROM progress")?
                .query_row((), |row| Columns::of(row).next())?;
            Ok((connection, position))
        };
        let (connection, position) = begin().map_err(|fault: rusqlite::Error| self.told(fault))?;
        Ok(View { connection: Some(connection), position, file, reader: self.clone() })
    }

    /// Makes sure that whoever writes hears of damage that a reader has found.
    fn told(&self, fault: rusqlite::Error) -> ViewsFault {
        if schema::is_damage(&fault) {
            self.pool.damaged.store(true, Ordering::SeqCst);
        }
        fault.into()
    }

    /// Tells how far the views are, each time they have moved: to wait for an entry, or for the next one.
    pub fn positions(&self) -> watch::Receiver<Seq> {
        self.pool.positions.clone()
    }

    /// How far the views are.
    pub fn position(&self) -> Seq {
        *self.pool.positions.borrow()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The book at one position.
///
/// Lists come newest first, a page at a time. A cursor is the place of the first row of a page.
#[derive(Debug)]
pub struct View {
    connection: Option<Connection>,
    position: Seq,
    file: u64,
    reader: ViewsReader,
}

impl Drop for View {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A connection that cannot end its transaction is not lent out again.
        if connection.execute_batch("COMMIT").is_ok() {
            let mut idle = self.reader.idle();
            let is_current = self.file == self.reader.pool.file.load(Ordering::SeqCst);
            if is_current && idle.len() < VIEWS_READERS_MAX {
                idle.push(connection);
            }
        }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub rows: Vec<T>,
    /// The cursor of the next page, where there is one.
    pub next: Option<Seq>,
}

/// Whose list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The whole book's.
    Everybody,
    /// Everything of an owner's wallets.
    Owner(OwnerId),
    /// A wallet's or sub-account's.
    Wallet(WalletId),
    /// An agent's.
    Agent(AgentId),
    /// A payee's.
    Payee(PayeeId),
    /// A mandate's.
    Mandate(MandateId),
}

impl Whom {
    pub(super) fn subject(self) -> Option<(Role, Id)> {
        match self {
            Whom::Everybody => None,
            Whom::Owner(id) => Some((Role::Owner, id.0)),
            Whom::Wallet(id) => Some((Role::Wallet, id.0)),
            Whom::Agent(id) => Some((Role::Agent, id.0)),
            Whom::Payee(id) => Some((Role::Payee, id.0)),
            Whom::Mandate(id) => Some((Role::Mandate, id.0)),
        }
    }
}

/// A row of a chain, and the place of the one before it where the row has a column for its subject.
pub(super) type Linked<T> = (T, Option<Seq>);

impl View {
    /// The place of the first entry that this view does not show.
    pub fn position(&self) -> Seq {
        self.position
    }

    pub(super) fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("the connection is given back on drop")
    }

    /// The one row a query finds, if it finds one.
    pub(super) fn find<T>(
        &self,
        query: &str,
        values: &[&dyn ToSql],
        read: impl FnOnce(&mut Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, ViewsFault> {
        let mut statement = self.connection().prepare_cached(query)?;
        let found = statement.query_row(values, |row| read(&mut Columns::of(row))).optional();
        found.map_err(|fault| self.reader.told(fault))
    }

    /// All rows a query finds.
    pub(super) fn all<T>(
        &self,
        query: &str,
        values: &[&dyn ToSql],
        read: impl Fn(&mut Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ViewsFault> {
        let mut statement = self.connection().prepare_cached(query)?;
        let rows = statement.query_map(values, |row| read(&mut Columns::of(row)));
        rows.and_then(Iterator::collect).map_err(|fault| self.reader.told(fault))
    }

    /// A page of what a query finds whose first parameter is the largest place, whose second is how many, and whose third
    /// is `of`.
    pub(super) fn page<T>(
        &self,
        query: &str,
        of: Option<Id>,
        cursor: Option<Seq>,
        limit: usize,
        read: impl Fn(&mut Columns<'_>) -> rusqlite::Result<T>,
        place: impl Fn(&T) -> Seq,
    ) -> Result<Page<T>, ViewsFault> {
        let limit = page_length(limit)?;
        let from = cursor.map_or(i64::MAX, |seq| i64::try_from(seq.0).unwrap_or(i64::MAX));
        let count = i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1));
        let mut rows = match of {
            Some(id) => self.all(query, &[&from, &count, &id.0], read)?,
            None => self.all(query, &[&from, &count], read)?,
        };
        let next = rows.get(limit).map(place);
        rows.truncate(limit);
        Ok(Page { rows, next })
    }

    /// A page of a subject's chain. `read` fetches a row by its place.
    pub(super) fn chain<T>(
        &self,
        (role, id): (Role, Id),
        chain: Chain,
        cursor: Option<Seq>,
        limit: usize,
        read: impl Fn(Seq) -> Result<Option<Linked<T>>, ViewsFault>,
    ) -> Result<Page<T>, ViewsFault> {
        let limit = page_length(limit)?;
        let subject = subjects::read(self.connection(), role, id)?;
        let mut at = subject.and_then(|subject| cursor.or(subject.last(chain)));
        let mut rows = Vec::new();
        while let Some(seq) = at {
            if rows.len() == limit {
                break;
            }
            // A cursor that somebody made up ends the list.
            let Some((row, before)) = read(seq)? else {
                at = None;
                break;
            };
            let before = match before {
                Some(before) => Some(before),
                None => self.linked(id, chain, seq)?,
            };
            let Some(before) = before else {
                at = None;
                break;
            };
            rows.push(row);
            at = Some(before).filter(|before| *before != START);
        }
        Ok(Page { rows, next: at })
    }

    pub(super) fn linked(&self, subject: Id, chain: Chain, seq: Seq) -> Result<Option<Seq>, ViewsFault> {
        self.find(
            "SELECT before FROM links WHERE subject = ?1 AND chain = ?2 AND seq = ?3",
            stored![subject, chain, seq],
            |columns| columns.next(),
        )
    }
}

fn page_length(limit: usize) -> Result<usize, ViewsFault> {
    if VIEWS_PAGE_ROWS_MAX < limit {
        return Err(ViewsFault::PageTooLong(limit));
    }
    Ok(limit)
}
