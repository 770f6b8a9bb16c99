//! What is kept of payments that are one too many: orders that may get a second one, and those that are to be given back.

use crate::store::{Store, StoreFault};
use protocols::Time;
use rusqlite::params;
use wire::{OrderId, RequestId};

/// The tables.
pub(crate) const SCHEMA: &str = "
CREATE TABLE watched (number TEXT PRIMARY KEY, due INTEGER NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX watched_due ON watched (due);
CREATE TABLE surplus (
  trade_no TEXT PRIMARY KEY, number TEXT NOT NULL, act TEXT NOT NULL, owed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX surplus_owed ON surplus (trade_no) WHERE owed = 1;
";

/// A payment that is to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Surplus {
    pub(crate) trade_no: String,
    pub(crate) number: OrderId,
    /// The name under which it is given back: the same for ever, so that it is given back once.
    pub(crate) act: RequestId,
}

impl Store {
    /// Notes that a payment is one too many for an order. That of another order is none: nothing is noted.
    pub(crate) async fn note_surplus(&self, surplus: Surplus) -> Result<(), StoreFault> {
        self.act(move |connection| {
            let Surplus { trade_no, number, act } = surplus;
            connection
                .prepare_cached(
                    "INSERT INTO surplus (trade_no, number, act, owed) SELECT ?1, ?2, ?3, 1
                     WHERE NOT EXISTS (SELECT 1 FROM carts WHERE trade_no = ?1) ON CONFLICT (trade_no) DO NOTHING",
                )?
                .execute(params![trade_no, number.to_string(), act.to_string()])
                .map(|_| ())
        })
        .await
    }

    /// The payments that are still to be given back.
    pub(crate) async fn surplus(&self, count: usize) -> Result<Vec<Surplus>, StoreFault> {
        self.act(move |connection| {
            let mut find = connection
                .prepare_cached("SELECT trade_no, number, act FROM surplus WHERE owed = 1 LIMIT ?1")?;
            let rows = find.query_map([i64::try_from(count).unwrap_or(i64::MAX)], |row| {
                let wrong = rusqlite::Error::InvalidQuery;
                let (number, act): (String, String) = (row.get(1)?, row.get(2)?);
                let (Ok(number), Ok(act)) = (number.parse(), act.parse()) else { return Err(wrong) };
                Ok(Surplus { trade_no: row.get(0)?, number, act })
            })?;
            rows.collect()
        })
        .await
    }

    /// Notes that a payment went back.
    pub(crate) async fn gave_back(&self, trade_no: String) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE surplus SET owed = 0 WHERE trade_no = ?1")?
                .execute([trade_no])
                .map(|_| ())
        })
        .await
    }

    /// The orders whose second payment is to be asked for now.
    pub(crate) async fn watched(&self, now: Time, count: usize) -> Result<Vec<OrderId>, StoreFault> {
        self.act(move |connection| {
            let mut find = connection
                .prepare_cached("SELECT number FROM watched WHERE due <= ?1 ORDER BY due LIMIT ?2")?;
            let rows = find
                .query_map(params![nanos(now), i64::try_from(count).unwrap_or(i64::MAX)], |row| {
                    row.get::<_, String>(0)?.parse().map_err(|_| rusqlite::Error::InvalidQuery)
                })?;
            rows.collect()
        })
        .await
    }

    /// Notes that an order was asked about: it is once more when no payment of it can arrive any more, and then no longer.
    pub(crate) async fn looked(&self, number: OrderId, now: Time) -> Result<(), StoreFault> {
        self.act(move |connection| {
            let number = number.to_string();
            connection
                .prepare_cached("DELETE FROM watched WHERE number = ?1 AND last <= ?2")?
                .execute(params![number, nanos(now)])?;
            connection
                .prepare_cached("UPDATE watched SET due = last WHERE number = ?1")?
                .execute([number])
                .map(|_| ())
        })
        .await
    }
}

/// Nanoseconds since 1970, which fit until the year 2262.
pub(crate) fn nanos(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
