//! What the doors remember: sessions, answers that may be asked for again, and events that are still to be told.
//!
//! Carts and orders are the shop's. Here stands only what a dialect adds to them; each operation is durable when it answers.

use crate::limits::{
    ANSWER_SECONDS, EVENT_ATTEMPTS_MAX, EVENT_PAUSE_SECONDS, EVENT_PAUSE_SECONDS_MAX, SESSION_SECONDS,
};
use evidence::{Hash, Secret};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS secret (one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  name TEXT PRIMARY KEY, dialect TEXT NOT NULL, client TEXT NOT NULL, buyer TEXT, details TEXT, token TEXT, note TEXT,
  told TEXT, opened INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_of_client ON sessions (client, opened);
CREATE INDEX IF NOT EXISTS sessions_opened ON sessions (opened);
CREATE INDEX IF NOT EXISTS sessions_paying ON sessions (name) WHERE token IS NOT NULL;
CREATE TABLE IF NOT EXISTS answers (
  client TEXT NOT NULL, place TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, status INTEGER NOT NULL,
  body TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (client, place, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_at ON answers (at);
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, dialect TEXT NOT NULL, client TEXT NOT NULL,
  body TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_due ON events (due);
";

const COLUMNS: &str = "name, dialect, client, buyer, details, token, note, told";

/// Why something could not be kept or found.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store of checkouts: {0}")]
pub struct StoreFault(String);

fn fault(fault: impl std::fmt::Display) -> StoreFault {
    StoreFault(fault.to_string())
}

/// In whose words a session is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Acp,
    Ucp,
}

impl Dialect {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Dialect::Acp => "acp",
            Dialect::Ucp => "ucp",
        }
    }

    fn parse(word: &str) -> Option<Dialect> {
        [Dialect::Acp, Dialect::Ucp].into_iter().find(|dialect| dialect.as_str() == word)
    }
}

/// What a dialect adds to a cart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    /// The cart's name as well.
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
    pub(crate) client: String,
    pub(crate) buyer: Option<Value>,
    pub(crate) details: Option<Value>,
    /// The payment token that is being taken, or was.
    pub(crate) token: Option<String>,
    /// Why the last payment was refused.
    pub(crate) note: Option<String>,
    /// How its order stood when its client was told last.
    pub(crate) told: Option<String>,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) digest: Hash,
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Under which name an answer is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) client: String,
    /// Method and path.
    pub(crate) place: String,
    pub(crate) key: String,
}

/// Something that is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) dialect: Dialect,
    pub(crate) client: String,
    pub(crate) body: String,
    pub(crate) attempts: u32,
}

/// The store of one shop's doors. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Mutex<Connection>>);

impl Store {
    /// Opens the store, or makes it.
    pub(crate) fn open(file: &Path) -> Result<Store, StoreFault> {
        let connection = Connection::open(file).map_err(fault)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(fault)?;
        connection.execute_batch(SCHEMA).map_err(fault)?;
        Ok(Store(Arc::new(Mutex::new(connection))))
    }

    /// The secret that names of sessions are made with: `fresh` where there is none yet.
    pub(crate) async fn secret(&self, fresh: [u8; 32]) -> Result<Secret, StoreFault> {
        self.act(move |connection| {
            connection.execute("INSERT OR IGNORE INTO secret VALUES (1, ?1)", params![fresh])?;
            connection.query_row("SELECT bytes FROM secret", [], |row| row.get(0)).map(Secret::new)
        })
        .await
    }

    /// Keeps a session, new or changed. What it says of its payment stays.
    pub(crate) async fn put(&self, session: Session, seconds: u64) -> Result<(), StoreFault> {
        self.act(move |connection| {
            let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
            connection
                .prepare_cached(
                    "INSERT INTO sessions (name, dialect, client, buyer, details, opened) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (name) DO UPDATE SET buyer = ?4, details = ?5",
                )?
                .execute(params![
                    session.name,
                    session.dialect.as_str(),
                    session.client,
                    text(&session.buyer),
                    text(&session.details),
                    signed(seconds)
                ])
                .map(|_| ())
        })
        .await
    }

    /// A session of a client's. Somebody else's is none.
    pub(crate) async fn session(&self, name: String, client: String) -> Result<Option<Session>, StoreFault> {
        self.act(move |connection| {
            let find = format!("SELECT {COLUMNS} FROM sessions WHERE name = ?1 AND client = ?2");
            connection.prepare_cached(&find)?.query_row([name, client], session_of).optional()
        })
        .await
    }

    /// How many sessions a client opened since a second.
    pub(crate) async fn count(&self, client: String, since_seconds: u64) -> Result<u64, StoreFault> {
        self.act(move |connection| {
            let count = "SELECT count(*) FROM sessions WHERE client = ?1 AND ?2 < opened";
            let count: i64 = connection
                .prepare_cached(count)?
                .query_row(params![client, signed(since_seconds)], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// Notes which token is about to be taken for a session; a crash after this is made good by the next round.
    pub(crate) async fn paying(&self, name: String, token: String) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE sessions SET token = ?2, note = NULL WHERE name = ?1")?
                .execute([name, token])
                .map(|_| ())
        })
        .await
    }

    /// Notes that a token was not taken, and why.
    pub(crate) async fn declined(&self, name: String, why: String) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE sessions SET token = NULL, note = ?2 WHERE name = ?1")?
                .execute([name, why])
                .map(|_| ())
        })
        .await
    }

    /// Sessions with a token, from behind a name on.
    pub(crate) async fn with_token(&self, after: String, count: usize) -> Result<Vec<Session>, StoreFault> {
        self.act(move |connection| {
            let find = format!(
                "SELECT {COLUMNS} FROM sessions WHERE token IS NOT NULL AND ?1 < name
                 AND coalesce(told, '') NOT IN ('fulfilled', 'cancelled') ORDER BY name LIMIT ?2"
            );
            let mut find = connection.prepare_cached(&find)?;
            let rows =
                find.query_map(params![after, i64::try_from(count).unwrap_or(i64::MAX)], session_of)?;
            rows.collect()
        })
        .await
    }

    /// The answer that was kept under a name.
    pub(crate) async fn answer(&self, key: Key) -> Result<Option<Answer>, StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached(
                    "SELECT digest, status, body FROM answers WHERE client = ?1 AND place = ?2 AND key = ?3",
                )?
                .query_row([key.client, key.place, key.key], |row| {
                    Ok(Answer { digest: Hash(row.get(0)?), status: row.get(1)?, body: row.get(2)? })
                })
                .optional()
        })
        .await
    }

    /// Keeps an answer.
    pub(crate) async fn keep(&self, key: Key, answer: Answer, seconds: u64) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                .execute(params![
                    key.client,
                    key.place,
                    key.key,
                    answer.digest.0,
                    answer.status,
                    answer.body,
                    signed(seconds)
                ])
                .map(|_| ())
        })
        .await
    }

    /// Notes how an order stands, and what its client is to be told of that, in one transaction. Told before, nothing is.
    pub(crate) async fn tell(
        &self,
        name: String,
        stands: String,
        event: Option<Event>,
        seconds: u64,
    ) -> Result<(), StoreFault> {
        self.act(move |connection| {
            let changed = connection
                .prepare_cached("UPDATE sessions SET told = ?2 WHERE name = ?1 AND told IS NOT ?2")?
                .execute([name, stands])?;
            let Some(event) = event.filter(|_| changed == 1) else { return Ok(()) };
            connection
                .prepare_cached(
                    "INSERT INTO events (id, dialect, client, body, attempts, due) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
                )?
                .execute(params![
                    event.id,
                    event.dialect.as_str(),
                    event.client,
                    event.body,
                    signed(seconds)
                ])
                .map(|_| ())
        })
        .await
    }

    /// The events that are to be sent now, the oldest first.
    pub(crate) async fn due(&self, seconds: u64, count: usize) -> Result<Vec<Event>, StoreFault> {
        self.act(move |connection| {
            let mut find = connection.prepare_cached(
                "SELECT number, id, dialect, client, body, attempts FROM events WHERE due <= ?1 ORDER BY number LIMIT ?2",
            )?;
            let limit = i64::try_from(count).unwrap_or(i64::MAX);
            let rows = find.query_map(params![signed(seconds), limit], |row| {
                Ok(Event {
                    number: row.get(0)?,
                    id: row.get(1)?,
                    dialect: dialect_of(row, 2)?,
                    client: row.get(3)?,
                    body: row.get(4)?,
                    attempts: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Crosses out an event that was taken.
    pub(crate) async fn taken(&self, number: i64) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection.prepare_cached("DELETE FROM events WHERE number = ?1")?.execute([number]).map(|_| ())
        })
        .await
    }

    /// Puts an event off that was not taken, or gives it up.
    pub(crate) async fn put_off(&self, event: &Event, seconds: u64) -> Result<(), StoreFault> {
        let attempts = event.attempts.saturating_add(1);
        if EVENT_ATTEMPTS_MAX <= attempts {
            tracing::warn!(id = event.id, client = event.client, "an order event is given up");
            return self.taken(event.number).await;
        }
        let pause =
            EVENT_PAUSE_SECONDS.saturating_mul(1 << event.attempts.min(20)).min(EVENT_PAUSE_SECONDS_MAX);
        let number = event.number;
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE events SET attempts = ?2, due = ?3 WHERE number = ?1")?
                .execute(params![number, attempts, signed(seconds.saturating_add(pause))])
                .map(|_| ())
        })
        .await
    }

    /// Forgets what is older than anybody asks for.
    pub(crate) async fn forget(&self, seconds: u64) -> Result<(), StoreFault> {
        self.act(move |connection| {
            let before = |age: u64| signed(seconds.saturating_sub(age));
            connection
                .prepare_cached("DELETE FROM answers WHERE at < ?1")?
                .execute([before(ANSWER_SECONDS)])?;
            connection
                .prepare_cached("DELETE FROM sessions WHERE opened < ?1")?
                .execute([before(SESSION_SECONDS)])
                .map(|_| ())
        })
        .await
    }

    async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let store = self.0.clone();
        let acted = tokio::task::spawn_blocking(move || {
            let mut connection = store.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction()?;
            let result = act(&transaction)?;
            transaction.commit().map(|()| result)
        });
        acted.await.map_err(fault)?.map_err(fault)
    }
}

fn session_of(row: &Row<'_>) -> rusqlite::Result<Session> {
    let value = |at: usize| {
        let text: Option<String> = row.get(at)?;
        let value = text.map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|_| rusqlite::Error::InvalidQuery)
    };
    Ok(Session {
        name: row.get(0)?,
        dialect: dialect_of(row, 1)?,
        client: row.get(2)?,
        buyer: value(3)?,
        details: value(4)?,
        token: row.get(5)?,
        note: row.get(6)?,
        told: row.get(7)?,
    })
}

fn dialect_of(row: &Row<'_>, at: usize) -> rusqlite::Result<Dialect> {
    Dialect::parse(&row.get::<_, String>(at)?).ok_or(rusqlite::Error::InvalidQuery)
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
