//! Bodies: labels, what agents say of their purchases, what sellers call what they sold, and the texts that owners agreed to. The journal holds digests at most, so these can be erased.

use book::{Id, PayeeId, Time};
use evidence::Hash;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file beside the journal.
#[derive(Debug)]
pub struct Bodies(Mutex<Connection>, PathBuf);

impl Bodies {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path) -> rusqlite::Result<Bodies> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS labels (id BLOB PRIMARY KEY, label TEXT NOT NULL) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS labels_by_label ON labels (label COLLATE NOCASE);
             CREATE TABLE IF NOT EXISTS whys (id BLOB PRIMARY KEY, why TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS sold (payee BLOB NOT NULL, id BLOB NOT NULL, what TEXT NOT NULL,
                 PRIMARY KEY (payee, id)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS texts (digest BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Bodies(Mutex::new(connection), path.to_path_buf()))
    }

    /// Keeps what people call something. The first label stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_label(&self, id: Id, label: &str) -> rusqlite::Result<()> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute("INSERT OR IGNORE INTO labels VALUES (?1, ?2)", params![id.0, label])?;
        Ok(())
    }

    /// What people call something.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn label(&self, id: Id) -> rusqlite::Result<Option<String>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let find = "SELECT label FROM labels WHERE id = ?1";
        connection.query_row(find, params![id.0], |row| row.get(0)).optional()
    }

    /// What people call so, whatever the case of its letters, among what `counts`; at most `limit` of it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn labelled(
        &self,
        label: &str,
        limit: usize,
        mut counts: impl FnMut(Id) -> bool,
    ) -> rusqlite::Result<Vec<Id>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut find = connection.prepare_cached("SELECT id FROM labels WHERE label = ?1 COLLATE NOCASE")?;
        let mut found = Vec::new();
        for id in find.query_map(params![label], |row| Ok(Id(row.get(0)?)))? {
            let id = id?;
            // Anybody may call something of her own so: only what counts takes a place.
            if counts(id) {
                found.push(id);
            }
            if limit <= found.len() {
                break;
            }
        }
        Ok(found)
    }

    /// Keeps why an agent wanted to buy something, in its own words. What it said first stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_why(&self, purchase: Id, why: &str) -> rusqlite::Result<()> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute("INSERT OR IGNORE INTO whys VALUES (?1, ?2)", params![purchase.0, why])?;
        Ok(())
    }

    /// Why an agent wanted to buy something, in its own words.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn why(&self, purchase: Id) -> rusqlite::Result<Option<String>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let find = "SELECT why FROM whys WHERE id = ?1";
        connection.query_row(find, params![purchase.0], |row| row.get(0)).optional()
    }

    /// Keeps what a seller calls what it sold in a purchase, as its demand said. What it said first stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_sold(&self, payee: PayeeId, purchase: Id, what: &str) -> rusqlite::Result<()> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keep = connection.prepare_cached("INSERT OR IGNORE INTO sold VALUES (?1, ?2, ?3)")?;
        keep.execute(params![payee.0.0, purchase.0, what])?;
        Ok(())
    }

    /// What a seller calls what it sold, of the newest `limit` purchases whose demand said so. Reads beside whoever writes.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn sold(&self, payee: PayeeId, limit: usize) -> rusqlite::Result<HashMap<Id, String>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.1, flags)?;
        let mut find =
            connection.prepare("SELECT id, what FROM sold WHERE payee = ?1 ORDER BY id DESC LIMIT ?2")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = find.query_map(params![payee.0.0, limit], |row| Ok((Id(row.get(0)?), row.get(1)?)))?;
        rows.collect()
    }

    /// How many purchases were made on a seller's demands, by ids made from `millis` since 1970 on.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn count_sold(&self, payee: PayeeId, millis: u64) -> rusqlite::Result<u64> {
        let first = Id::new(Time(millis.saturating_mul(1_000_000)), [0; 16]);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.1, flags)?;
        let count = "SELECT count(*) FROM sold WHERE payee = ?1 AND ?2 <= id";
        let count: i64 = connection.query_row(count, params![payee.0.0, first.0], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Keeps a text under its digest, and returns the digest.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_text(&self, text: &str) -> rusqlite::Result<Hash> {
        let digest = Hash::of(text.as_bytes());
        if !text.is_empty() {
            let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            connection.execute("INSERT OR IGNORE INTO texts VALUES (?1, ?2)", params![digest.0, text])?;
        }
        Ok(digest)
    }

    /// The text with this digest, where it is kept.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn text(&self, digest: Hash) -> rusqlite::Result<Option<String>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let find = "SELECT text FROM texts WHERE digest = ?1";
        connection.query_row(find, params![digest.0], |row| row.get(0)).optional()
    }
}
