//! The file with what gateways reported of coupons: the coupons, their uses, and which were switched off.

use super::{Coupon, Known, Off, Switch, Use};
use crate::limits::{COUPONS_KEPT_SECONDS, COUPONS_OF_ONE_MAX};
use crate::reported::Kept;
use book::{Amount, Id, PayeeId, Time};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
        // Amounts are text: one may be larger than SQLite's integers. What was switched off has to stay off.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS coupons (payee BLOB NOT NULL, code TEXT NOT NULL, gateway TEXT NOT NULL,
                 percent_off INTEGER, amount_off TEXT, budget TEXT NOT NULL, given TEXT NOT NULL,
                 once_per_buyer INTEGER NOT NULL, until INTEGER, heard_at INTEGER NOT NULL,
                 PRIMARY KEY (payee, code, gateway)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS uses (payee BLOB NOT NULL, hold BLOB NOT NULL, code TEXT NOT NULL,
                 off TEXT NOT NULL, PRIMARY KEY (payee, hold)) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS uses_of ON uses (payee, code, hold);
             CREATE TABLE IF NOT EXISTS sums (payee BLOB NOT NULL, code TEXT NOT NULL, uses INTEGER NOT NULL,
                 off TEXT NOT NULL, PRIMARY KEY (payee, code)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS switched_off (payee BLOB NOT NULL, code TEXT NOT NULL,
                 PRIMARY KEY (payee, code)) WITHOUT ROWID;",
        )?;
        Ok(Store(Mutex::new(connection)))
    }

    fn at(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what a gateway said; a use that is known is not counted again.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep(
        &self,
        payee: PayeeId,
        gateway: &str,
        coupons: &[Coupon],
        uses: &[Use],
        now: Time,
    ) -> rusqlite::Result<Kept> {
        let mut connection = self.at();
        let transaction = connection.transaction()?;
        for coupon in coupons {
            keep_coupon(&transaction, payee, gateway, coupon, now)?;
        }
        let oldest = Time(now.0.saturating_sub(COUPONS_KEPT_SECONDS * 1_000_000_000));
        transaction.execute(
            "DELETE FROM coupons WHERE payee = ?1 AND heard_at < ?2",
            params![payee.0.0, nanos(oldest)],
        )?;
        let count = "SELECT count(*) FROM coupons WHERE payee = ?1";
        let count: i64 = transaction.query_row(count, params![payee.0.0], |row| row.get(0))?;
        if COUPONS_OF_ONE_MAX < count {
            return Ok(Kept::TooMany);
        }
        for used in uses {
            keep_use(&transaction, payee, used)?;
        }
        transaction.commit()?;
        Ok(Kept::All)
    }

    /// A seller's coupons, by code.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn coupons(&self, payee: PayeeId) -> rusqlite::Result<Vec<Known>> {
        let connection = self.at();
        let mut known = BTreeMap::<String, Known>::new();
        let mut find = connection.prepare_cached(
            "SELECT code, percent_off, amount_off, budget, given, once_per_buyer, until, heard_at
             FROM coupons WHERE payee = ?1 ORDER BY heard_at DESC, gateway",
        )?;
        for found in find.query_map(params![payee.0.0], read)? {
            let (coupon, heard_at) = found?;
            let known = known.entry(coupon.code.clone()).or_insert_with(|| unused(&coupon.code));
            known.gateways.push((coupon, heard_at));
        }
        let mut find = connection.prepare_cached("SELECT code, uses, off FROM sums WHERE payee = ?1")?;
        let sums = find.query_map(params![payee.0.0], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.unsigned_abs(), amount(row, 2)?))
        })?;
        for sum in sums {
            let (code, uses, off) = sum?;
            let known = known.entry(code.clone()).or_insert_with(|| unused(&code));
            (known.uses, known.off) = (uses, off);
        }
        for code in switched_off(&connection, payee)? {
            if let Some(known) = known.get_mut(&code) {
                known.switch = Switch::Off;
            }
        }
        Ok(known.into_values().collect())
    }

    /// The uses of a coupon, newest first, those before `older` where that is given.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn uses(
        &self,
        payee: PayeeId,
        code: &str,
        older: Option<Id>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Use>> {
        let connection = self.at();
        let mut find = connection.prepare_cached(
            "SELECT hold, off FROM uses WHERE payee = ?1 AND code = ?2 AND (?3 IS NULL OR hold < ?3)
             ORDER BY hold DESC LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = params![payee.0.0, code, older.map(|older| older.0), limit];
        find.query_map(found, |row| {
            Ok(Use { hold: Id(row.get(0)?), code: code.to_owned(), off: amount(row, 1)? })
        })?
        .collect()
    }

    /// Which of a seller's coupons are switched off.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn switched_off(&self, payee: PayeeId) -> rusqlite::Result<BTreeSet<String>> {
        switched_off(&self.at(), payee)
    }

    /// Switches a coupon that some gateway has reported. Answers false where none has.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn switch(&self, payee: PayeeId, code: &str, to: Switch) -> rusqlite::Result<bool> {
        let connection = self.at();
        let (payee, code) = (payee.0.0, code.to_owned());
        let known = "SELECT 1 FROM coupons WHERE payee = ?1 AND code = ?2 LIMIT 1";
        let known = connection.query_row(known, params![payee, code], |_| Ok(())).optional()?;
        if known.is_none() {
            return Ok(false);
        }
        let change = match to {
            Switch::On => "DELETE FROM switched_off WHERE payee = ?1 AND code = ?2",
            Switch::Off => "INSERT OR IGNORE INTO switched_off VALUES (?1, ?2)",
        };
        connection.execute(change, params![payee, code])?;
        Ok(true)
    }
}

fn unused(code: &str) -> Known {
    let (code, off) = (code.to_owned(), Amount::ZERO);
    Known { code, gateways: Vec::new(), uses: 0, off, switch: Switch::On }
}

fn keep_coupon(
    transaction: &Transaction<'_>,
    payee: PayeeId,
    gateway: &str,
    coupon: &Coupon,
    now: Time,
) -> rusqlite::Result<()> {
    let (percent, amount) = match coupon.off {
        Off::Percent(percent) => (Some(percent), None),
        Off::Amount(amount) => (None, Some(amount.minor().to_string())),
    };
    transaction.execute(
        "INSERT OR REPLACE INTO coupons VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            payee.0.0,
            coupon.code,
            gateway,
            percent,
            amount,
            coupon.budget.minor().to_string(),
            coupon.given.minor().to_string(),
            coupon.once_per_buyer,
            coupon.until.map(nanos),
            nanos(now),
        ],
    )?;
    Ok(())
}

fn keep_use(transaction: &Transaction<'_>, payee: PayeeId, used: &Use) -> rusqlite::Result<()> {
    let new = transaction.execute(
        "INSERT OR IGNORE INTO uses VALUES (?1, ?2, ?3, ?4)",
        params![payee.0.0, used.hold.0, used.code, used.off.minor().to_string()],
    )?;
    if new == 0 {
        return Ok(());
    }
    let known = "SELECT off FROM sums WHERE payee = ?1 AND code = ?2";
    let known =
        transaction.query_row(known, params![payee.0.0, used.code], |row| amount(row, 0)).optional()?;
    let before = known.unwrap_or(Amount::ZERO);
    let sum = before.checked_add(used.off).unwrap_or(before);
    transaction.execute(
        "INSERT INTO sums VALUES (?1, ?2, 1, ?3) ON CONFLICT DO UPDATE SET uses = uses + 1, off = excluded.off",
        params![payee.0.0, used.code, sum.minor().to_string()],
    )?;
    Ok(())
}

fn switched_off(connection: &Connection, payee: PayeeId) -> rusqlite::Result<BTreeSet<String>> {
    let mut find = connection.prepare_cached("SELECT code FROM switched_off WHERE payee = ?1")?;
    find.query_map(params![payee.0.0], |row| row.get(0))?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Coupon, Time)> {
    let off = match row.get::<_, Option<u8>>(1)? {
        Some(percent) => Off::Percent(percent),
        None => Off::Amount(amount(row, 2)?),
    };
    let coupon = Coupon {
        code: row.get(0)?,
        off,
        budget: amount(row, 3)?,
        given: amount(row, 4)?,
        once_per_buyer: row.get(5)?,
        until: row.get::<_, Option<i64>>(6)?.map(|until| Time(until.unsigned_abs())),
    };
    Ok((coupon, Time(row.get::<_, i64>(7)?.unsigned_abs())))
}

fn amount(row: &Row<'_>, column: usize) -> rusqlite::Result<Amount> {
    let text: String = row.get(column)?;
    let minor = text.parse().ok().and_then(Amount::new);
    minor.ok_or_else(|| Error::InvalidColumnType(column, text, Type::Text))
}

fn nanos(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(COUPONS_KEPT_SECONDS * 2_000_000_000);

    fn minor(minor: u128) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn coupon(code: &str, given: u128) -> Coupon {
        Coupon {
            code: code.to_owned(),
            off: Off::Percent(50),
            budget: minor(100),
            given: minor(given),
            once_per_buyer: false,
            until: None,
        }
    }

    fn used(hold: u8, code: &str, off: u128) -> Use {
        Use { hold: Id([hold; 16]), code: code.to_owned(), off: minor(off) }
    }

    #[test]
    fn a_use_counts_once_however_often_it_is_told() {
        let store = Store::open(Path::new(":memory:")).unwrap();
        let (mine, other) = (PayeeId(Id([1; 16])), PayeeId(Id([2; 16])));
        let uses = [used(1, "SPRING", 2), used(2, "SPRING", 3), used(3, "AUTUMN", 1 << 70)];
        for given in [5, 6] {
            let kept = store.keep(mine, "gateway-1", &[coupon("SPRING", given)], &uses, NOW).unwrap();
            assert_eq!(kept, Kept::All);
        }
        store.keep(mine, "gateway-2", &[coupon("SPRING", 9)], &[], NOW.after(1)).unwrap();
        store.keep(other, "gateway-1", &[coupon("SPRING", 100)], &[used(1, "SPRING", 50)], NOW).unwrap();
        let known = store.coupons(mine).unwrap();
        let [autumn, spring] = &known[..] else { panic!("{known:?}") };
        assert_eq!((spring.uses, spring.off, spring.switch), (2, minor(5), Switch::On));
        // The latest first, and of each gateway what it said last.
        let given: Vec<_> = spring.gateways.iter().map(|(coupon, _)| coupon.given).collect();
        assert_eq!(given, [minor(9), minor(6)]);
        // No gateway has it any more; what it took off stays.
        assert_eq!((autumn.gateways.len(), autumn.uses, autumn.off), (0, 1, minor(1 << 70)));
        let page = store.uses(mine, "SPRING", None, 1).unwrap();
        assert_eq!(page, [used(2, "SPRING", 3)]);
        assert_eq!(store.uses(mine, "SPRING", Some(page[0].hold), 9).unwrap(), [used(1, "SPRING", 2)]);
    }

    #[test]
    fn what_is_switched_off_stays_off_until_it_is_switched_on() {
        let store = Store::open(Path::new(":memory:")).unwrap();
        let (mine, other) = (PayeeId(Id([1; 16])), PayeeId(Id([2; 16])));
        let report = || store.keep(mine, "gateway-1", &[coupon("SPRING", 0)], &[], NOW).unwrap();
        assert!(!store.switch(mine, "SPRING", Switch::Off).unwrap(), "nobody has it");
        report();
        assert!(store.switch(mine, "SPRING", Switch::Off).unwrap());
        assert!(!store.switch(other, "SPRING", Switch::On).unwrap(), "somebody else's");
        report();
        assert_eq!(store.coupons(mine).unwrap()[0].switch, Switch::Off);
        assert_eq!(store.switched_off(mine).unwrap(), BTreeSet::from(["SPRING".to_owned()]));
        assert!(store.switched_off(other).unwrap().is_empty());
        assert!(store.switch(mine, "SPRING", Switch::On).unwrap());
        assert!(store.switched_off(mine).unwrap().is_empty());
    }

    #[test]
    fn a_seller_has_so_many_and_those_nobody_reports_are_forgotten() {
        let store = Store::open(Path::new(":memory:")).unwrap();
        let mine = PayeeId(Id([1; 16]));
        let many: Vec<Coupon> = (0..COUPONS_OF_ONE_MAX).map(|n| coupon(&n.to_string(), 0)).collect();
        assert_eq!(store.keep(mine, "gateway-1", &many, &[], NOW).unwrap(), Kept::All);
        let more = [coupon("ONE-MORE", 0)];
        let uses = [used(1, "ONE-MORE", 1)];
        assert_eq!(store.keep(mine, "gateway-1", &more, &uses, NOW).unwrap(), Kept::TooMany);
        assert!(store.uses(mine, "ONE-MORE", None, 1).unwrap().is_empty(), "nothing of it was kept");
        let later = NOW.after(COUPONS_KEPT_SECONDS * 1_000_000_000 + 1);
        assert_eq!(store.keep(mine, "gateway-1", &more, &uses, later).unwrap(), Kept::All);
        assert_eq!(store.coupons(mine).unwrap().len(), 1);
    }
}
