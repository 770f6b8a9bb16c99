//! What the console keeps beside the journal: passkeys, sessions, drafts of rules, and what an owner prefers.
//!
//! None of it moves money. Whether a passkey's key still counts is the book's to say; without this file an owner comes
//! back with the recovery code.

use crate::limits::{DRAFTS_MAX, SESSION_SECONDS_MAX};
use book::{Id, KeyId, OwnerId, PayeeId, Time};
use evidence::Hash;
use passki::StoredPasskey;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

/// The result of every question to the file.
pub type Stored<T> = rusqlite::Result<T>;

/// A passkey of an owner's.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// Whose.
    pub owner: OwnerId,
    /// The book's name of its key.
    pub key: KeyId,
    /// What the authenticator told of it.
    pub stored: StoredPasskey,
    /// What its owner calls it.
    pub label: String,
    /// When it was made.
    pub made_at: Time,
}

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub owner: OwnerId,
    /// The key of the passkey that was used.
    pub key: KeyId,
    /// What every form of the session carries.
    pub csrf: String,
}

/// What an owner prefers.
#[derive(Clone, Debug)]
pub struct Preferences {
    /// `en` or `zh`; none follows the browser.
    pub language: Option<String>,
    /// The zone that days begin in, as IANA names it.
    pub zone: String,
}

/// A sentence that is on its way to become a rule.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub id: Id,
    /// For which agent and wallet, in which words, and what was answered so far: JSON of the page that wrote it.
    pub text: String,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path) -> Stored<Store> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS passkeys (credential BLOB PRIMARY KEY, owner BLOB NOT NULL, key BLOB NOT NULL,
                 stored TEXT NOT NULL, label TEXT NOT NULL, made_at INTEGER NOT NULL) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS passkeys_of ON passkeys (owner);
             CREATE TABLE IF NOT EXISTS sessions (token BLOB PRIMARY KEY, owner BLOB NOT NULL, key BLOB NOT NULL,
                 csrf TEXT NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS recoveries (tag BLOB NOT NULL, key BLOB PRIMARY KEY, owner BLOB NOT NULL) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS recoveries_by ON recoveries (tag);
             CREATE TABLE IF NOT EXISTS owners (owner BLOB PRIMARY KEY, language TEXT, zone TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS drafts (id BLOB PRIMARY KEY, owner BLOB NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS reports (purchase BLOB PRIMARY KEY, owner BLOB NOT NULL, kind TEXT NOT NULL,
                 words TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS domains (payee BLOB PRIMARY KEY, domain TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Store(Mutex::new(connection)))
    }

    fn at(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a passkey.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_passkey(&self, passkey: &Passkey) -> Stored<()> {
        let stored = serde_json::to_string(&passkey.stored).expect("a passkey is JSON");
        let Passkey { owner, key, label, made_at, .. } = passkey;
        self.at().execute(
            "INSERT OR IGNORE INTO passkeys VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![passkey.stored.credential_id, owner.0.0, key.0.0, stored, label, nanos(*made_at)],
        )?;
        Ok(())
    }

    /// The passkey that an authenticator calls so.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn passkey(&self, credential: &[u8]) -> Stored<Option<Passkey>> {
        let find = "SELECT owner, key, stored, label, made_at FROM passkeys WHERE credential = ?1";
        self.at().query_row(find, params![credential], passkey).optional()
    }

    /// An owner's passkeys, oldest first.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn passkeys_of(&self, owner: OwnerId) -> Stored<Vec<Passkey>> {
        let find =
            "SELECT owner, key, stored, label, made_at FROM passkeys WHERE owner = ?1 ORDER BY made_at";
        let connection = self.at();
        let mut statement = connection.prepare_cached(find)?;
        statement.query_map(params![owner.0.0], passkey)?.collect()
    }

    /// Notes how often an authenticator says that a passkey was used.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn count_passkey(&self, stored: &StoredPasskey) -> Stored<()> {
        let text = serde_json::to_string(stored).expect("a passkey is JSON");
        let update = "UPDATE passkeys SET stored = ?2 WHERE credential = ?1";
        self.at().execute(update, params![stored.credential_id, text])?;
        Ok(())
    }

    /// Forgets a passkey whose key was revoked, and the sessions opened with it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn forget_passkey(&self, key: KeyId) -> Stored<()> {
        let connection = self.at();
        connection.execute("DELETE FROM passkeys WHERE key = ?1", params![key.0.0])?;
        connection.execute("DELETE FROM sessions WHERE key = ?1", params![key.0.0])?;
        Ok(())
    }

    /// Opens a session; `token` is the hash of what the browser keeps.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open_session(&self, token: Hash, session: &Session, now: Time) -> Stored<()> {
        let connection = self.at();
        connection.execute("DELETE FROM sessions WHERE expires_at <= ?1", params![nanos(now)])?;
        let expires_at = nanos(now.after(Time::from_seconds(SESSION_SECONDS_MAX).0));
        let Session { owner, key, csrf } = session;
        connection.execute(
            "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5)",
            params![token.0, owner.0.0, key.0.0, csrf, expires_at],
        )?;
        Ok(())
    }

    /// The session of a token, if its time is not over.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn session(&self, token: Hash, now: Time) -> Stored<Option<Session>> {
        let find = "SELECT owner, key, csrf FROM sessions WHERE token = ?1 AND ?2 < expires_at";
        let read = |row: &Row<'_>| {
            Ok(Session { owner: OwnerId(Id(row.get(0)?)), key: KeyId(Id(row.get(1)?)), csrf: row.get(2)? })
        };
        self.at().query_row(find, params![token.0, nanos(now)], read).optional()
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn close_session(&self, token: Hash) -> Stored<()> {
        self.at().execute("DELETE FROM sessions WHERE token = ?1", params![token.0])?;
        Ok(())
    }

    /// Notes which key of an owner's is that of the recovery code; earlier ones are forgotten.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_recovery(&self, owner: OwnerId, key: KeyId) -> Stored<()> {
        let connection = self.at();
        connection.execute("DELETE FROM recoveries WHERE owner = ?1", params![owner.0.0])?;
        let tag = key.0.0.get(8..).unwrap_or_default();
        connection.execute("INSERT INTO recoveries VALUES (?1, ?2, ?3)", params![tag, key.0.0, owner.0.0])?;
        Ok(())
    }

    /// The key of an owner's recovery code.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn recovery_of(&self, owner: OwnerId) -> Stored<Option<KeyId>> {
        let find = "SELECT key FROM recoveries WHERE owner = ?1";
        self.at().query_row(find, params![owner.0.0], |row| Ok(KeyId(Id(row.get(0)?)))).optional()
    }

    /// The owners and keys of recovery codes with this tag.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn recoveries(&self, tag: &[u8]) -> Stored<Vec<(OwnerId, KeyId)>> {
        let connection = self.at();
        let mut statement = connection.prepare_cached("SELECT owner, key FROM recoveries WHERE tag = ?1")?;
        let read = |row: &Row<'_>| Ok((OwnerId(Id(row.get(0)?)), KeyId(Id(row.get(1)?))));
        statement.query_map(params![tag], read)?.collect()
    }

    /// What an owner prefers.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn preferences(&self, owner: OwnerId) -> Stored<Option<Preferences>> {
        let find = "SELECT language, zone FROM owners WHERE owner = ?1";
        let read = |row: &Row<'_>| Ok(Preferences { language: row.get(0)?, zone: row.get(1)? });
        self.at().query_row(find, params![owner.0.0], read).optional()
    }

    /// Notes what an owner prefers.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn prefer(&self, owner: OwnerId, preferences: &Preferences) -> Stored<()> {
        let Preferences { language, zone } = preferences;
        self.at().execute(
            "INSERT OR REPLACE INTO owners VALUES (?1, ?2, ?3)",
            params![owner.0.0, language, zone],
        )?;
        Ok(())
    }

    /// Keeps a draft, over an earlier state of it; the owner's oldest are forgotten.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_draft(&self, owner: OwnerId, draft: &Draft) -> Stored<()> {
        let connection = self.at();
        connection.execute(
            "INSERT OR REPLACE INTO drafts VALUES (?1, ?2, ?3)",
            params![draft.id.0, owner.0.0, draft.text],
        )?;
        // Names begin with the time they were made.
        connection.execute(
            "DELETE FROM drafts WHERE owner = ?1 AND id NOT IN
                 (SELECT id FROM drafts WHERE owner = ?1 ORDER BY id DESC LIMIT ?2)",
            params![owner.0.0, i64::try_from(DRAFTS_MAX).unwrap_or(i64::MAX)],
        )?;
        Ok(())
    }

    /// An owner's draft.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn draft(&self, owner: OwnerId, id: Id) -> Stored<Option<Draft>> {
        let find = "SELECT text FROM drafts WHERE id = ?1 AND owner = ?2";
        let read = |row: &Row<'_>| Ok(Draft { id, text: row.get(0)? });
        self.at().query_row(find, params![id.0, owner.0.0], read).optional()
    }

    /// Forgets a draft.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn forget_draft(&self, id: Id) -> Stored<()> {
        self.at().execute("DELETE FROM drafts WHERE id = ?1", params![id.0])?;
        Ok(())
    }

    /// Notes what an owner says is wrong with a purchase; the first word stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn report(&self, owner: OwnerId, purchase: Id, kind: &str, words: &str, at: Time) -> Stored<()> {
        self.at().execute(
            "INSERT OR IGNORE INTO reports VALUES (?1, ?2, ?3, ?4, ?5)",
            params![purchase.0, owner.0.0, kind, words, nanos(at)],
        )?;
        Ok(())
    }

    /// What an owner said was wrong with a purchase: kind, words and when.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn reported(&self, owner: OwnerId, purchase: Id) -> Stored<Option<(String, String, Time)>> {
        let find = "SELECT kind, words, at FROM reports WHERE purchase = ?1 AND owner = ?2";
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, time(row.get(2)?)));
        self.at().query_row(find, params![purchase.0, owner.0.0], read).optional()
    }

    /// Keeps the domain that a seller says is hers; the first stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_domain(&self, payee: PayeeId, domain: &str) -> Stored<()> {
        self.at().execute("INSERT OR IGNORE INTO domains VALUES (?1, ?2)", params![payee.0.0, domain])?;
        Ok(())
    }

    /// The domain that a seller says is hers.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn domain(&self, payee: PayeeId) -> Stored<Option<String>> {
        let find = "SELECT domain FROM domains WHERE payee = ?1";
        self.at().query_row(find, params![payee.0.0], |row| row.get(0)).optional()
    }

    /// Up to which place something has come that follows the decisions.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn mark(&self, name: &str) -> Stored<Option<u64>> {
        let find = "SELECT place FROM marks WHERE name = ?1";
        let place: Option<i64> = self.at().query_row(find, params![name], |row| row.get(0)).optional()?;
        Ok(place.and_then(|place| u64::try_from(place).ok()))
    }

    /// Notes up to which place something has come.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn set_mark(&self, name: &str, place: u64) -> Stored<()> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        self.at().execute("INSERT OR REPLACE INTO marks VALUES (?1, ?2)", params![name, place])?;
        Ok(())
    }
}

fn passkey(row: &Row<'_>) -> Stored<Passkey> {
    let stored: String = row.get(2)?;
    let stored = serde_json::from_str(&stored).map_err(|fault| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(fault))
    })?;
    Ok(Passkey {
        owner: OwnerId(Id(row.get(0)?)),
        key: KeyId(Id(row.get(1)?)),
        stored,
        label: row.get(3)?,
        made_at: time(row.get(4)?),
    })
}

fn nanos(at: Time) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

fn time(nanos: i64) -> Time {
    Time(u64::try_from(nanos).unwrap_or_default())
}
