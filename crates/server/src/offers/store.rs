//! The file with what gateways counted, by seller, day and gateway.

use crate::limits::{OFFERS_GATEWAYS_MAX, OFFERS_KEPT_DAYS};
use crate::reported::Kept;
use book::PayeeId;
use jiff::civil::Date;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The file.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path) -> rusqlite::Result<Store> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS offers (payee BLOB NOT NULL, day TEXT NOT NULL, gateway TEXT NOT NULL,
                 demands INTEGER NOT NULL, PRIMARY KEY (payee, day, gateway)) WITHOUT ROWID;",
        )?;
        Ok(Store(Mutex::new(connection)))
    }

    /// Keeps what a gateway counted, where that is more than was known; forgets what is too old.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep(
        &self,
        payee: PayeeId,
        gateway: &str,
        days: &[(Date, u64)],
        today: Date,
    ) -> rusqlite::Result<Kept> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        for (day, demands) in days {
            let demands = i64::try_from(*demands).unwrap_or(i64::MAX);
            let others: i64 = transaction.query_row(
                "SELECT count(*) FROM offers WHERE payee = ?1 AND day = ?2 AND gateway <> ?3",
                params![payee.0.0, day.to_string(), gateway],
                |row| row.get(0),
            )?;
            if OFFERS_GATEWAYS_MAX <= others {
                return Ok(Kept::TooMany);
            }
            transaction.execute(
                "INSERT INTO offers VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET demands = max(demands, excluded.demands)",
                params![payee.0.0, day.to_string(), gateway, demands],
            )?;
        }
        let oldest = today.saturating_sub(jiff::Span::new().days(OFFERS_KEPT_DAYS));
        transaction.execute(
            "DELETE FROM offers WHERE payee = ?1 AND day < ?2",
            params![payee.0.0, oldest.to_string()],
        )?;
        transaction.commit()?;
        Ok(Kept::All)
    }

    /// How many demands a seller's gateways reported from a day on; none where none ever reported.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn demands(&self, payee: PayeeId, since: Date) -> rusqlite::Result<Option<u64>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut find = connection.prepare_cached(
            "SELECT count(*), sum(CASE WHEN ?2 <= day THEN demands ELSE 0 END) FROM offers WHERE payee = ?1",
        )?;
        find.query_row(params![payee.0.0, since.to_string()], |row| {
            let rows: i64 = row.get(0)?;
            let demands: Option<i64> = row.get(1)?;
            Ok(demands.filter(|_| 0 < rows).and_then(|demands| u64::try_from(demands).ok()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::Id;

    #[test]
    fn counts_only_grow_and_old_days_are_forgotten() {
        let store = Store::open(Path::new(":memory:")).unwrap();
        let (mine, other) = (PayeeId(Id([1; 16])), PayeeId(Id([2; 16])));
        let day = |text: &str| text.parse::<Date>().unwrap();
        let today = day("2026-11-22");
        assert_eq!(store.demands(mine, Date::MIN).unwrap(), None);
        let keep = |payee, gateway: &str, on: &str, demands| {
            store.keep(payee, gateway, &[(day(on), demands)], today).unwrap()
        };
        for demands in [5, 7, 7, 6] {
            assert_eq!(keep(mine, "first-start", "2026-11-22", demands), Kept::All);
        }
        keep(mine, "second-start", "2026-11-22", 10);
        keep(mine, "first-start", "2026-11-21", 100);
        keep(other, "first-start", "2026-11-22", 1_000);
        assert_eq!(store.demands(mine, today).unwrap(), Some(17));
        assert_eq!(store.demands(mine, Date::MIN).unwrap(), Some(117));
        // Nothing that day, but before.
        assert_eq!(store.demands(mine, day("2026-11-23")).unwrap(), Some(0));
        for number in 2..OFFERS_GATEWAYS_MAX {
            assert_eq!(keep(mine, &format!("gateway-{number}"), "2026-11-22", 0), Kept::All);
        }
        assert_eq!(keep(mine, "one-too-many", "2026-11-22", 1), Kept::TooMany);
        assert_eq!(keep(mine, "first-start", "2026-11-22", 8), Kept::All);
        let later = today.saturating_add(jiff::Span::new().days(OFFERS_KEPT_DAYS));
        store.keep(mine, "first-start", &[(later, 1)], later).unwrap();
        assert_eq!(store.demands(mine, Date::MIN).unwrap(), Some(18 + 1));
    }
}
