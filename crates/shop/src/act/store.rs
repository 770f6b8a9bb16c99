//! Requests that were answered: an id is used once, and a round finds the one before it.

use crate::store::{Store, StoreFault};
use protocols::Time;
use rusqlite::{OptionalExtension, params};

/// The table of requests.
pub(crate) const SCHEMA: &str = "
CREATE TABLE asked (
  agent TEXT NOT NULL, request TEXT NOT NULL, text BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (agent, request)
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_at ON asked (at);
";

/// Whether an id was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    Before,
    Now,
}

impl Store {
    /// Uses a request's id up, and keeps what the request came to.
    pub(crate) async fn use_id(
        &self,
        agent: String,
        request: String,
        text: Vec<u8>,
        now: Time,
    ) -> Result<Used, StoreFault> {
        self.act(move |connection| {
            let at = i64::try_from(now.0).unwrap_or(i64::MAX);
            let new = connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO asked (agent, request, text, at) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![agent, request, text, at])?;
            Ok(if new == 1 { Used::Now } else { Used::Before })
        })
        .await
    }

    /// What an agent's request came to.
    pub(crate) async fn asked(&self, agent: String, request: String) -> Result<Option<Vec<u8>>, StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("SELECT text FROM asked WHERE agent = ?1 AND request = ?2")?
                .query_row([agent, request], |row| row.get(0))
                .optional()
        })
        .await
    }

    /// Forgets requests that are too old to be sent again.
    pub(crate) async fn forget_asked(&self, before: Time) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("DELETE FROM asked WHERE at < ?1")?
                .execute([i64::try_from(before.0).unwrap_or(i64::MAX)])
                .map(|_| ())
        })
        .await
    }
}
