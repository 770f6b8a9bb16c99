//! The statements behind the deliveries: one SQLite file, and what each change does to it.

use super::{CouponUse, Couponed, Delivery, Due, Ending, FreeCall, Measured, PaidUse, Stage, Switch};
use crate::channels::store as channels;
use crate::limits::{CHANNEL_KEEP_SECONDS_AFTER, FREE_CALLERS_MAX, KEEP_SECONDS_AFTER};
use crate::pricing::Period;
use protocols::Time;
use rusqlite::{Connection, Error, OptionalExtension, Row, params};
use std::cell::Cell;
use wire::HoldId;

const SCHEMA_VERSION: i64 = 4;

const SCHEMA_1: &str = "
CREATE TABLE deliveries (
  trade_no TEXT PRIMARY KEY,
  out_trade_no TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  stage INTEGER NOT NULL,
  status INTEGER NOT NULL,
  headers BLOB NOT NULL,
  body BLOB NOT NULL,
  keep_until_seconds INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox ON deliveries (trade_no) WHERE stage IN (0, 1);
";

/// What an answer cost is text: an amount may be larger than SQLite's integers.
const SCHEMA_2: &str = "
DROP INDEX IF EXISTS over;
ALTER TABLE deliveries ADD COLUMN is_kept INTEGER NOT NULL DEFAULT 1;
ALTER TABLE deliveries ADD COLUMN held TEXT;
ALTER TABLE deliveries ADD COLUMN charged TEXT;
ALTER TABLE deliveries ADD COLUMN units TEXT;
ALTER TABLE deliveries ADD COLUMN deadline_seconds INTEGER;
CREATE INDEX over ON deliveries (keep_until_seconds) WHERE stage IN (2, 3, 4);
CREATE INDEX begun ON deliveries (deadline_seconds) WHERE stage = 5;
CREATE TABLE coupons (
  code TEXT PRIMARY KEY,
  given TEXT NOT NULL
) STRICT;
CREATE TABLE coupon_uses (
  trade_no TEXT PRIMARY KEY,
  code TEXT NOT NULL,
  buyer TEXT NOT NULL,
  off TEXT NOT NULL
) STRICT;
CREATE INDEX buyers ON coupon_uses (code, buyer);
CREATE TABLE free_calls (
  resource_id TEXT NOT NULL,
  caller TEXT NOT NULL,
  period TEXT NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (resource_id, caller, period)
) STRICT;
";

/// What a coupon took off is known when its delivery has ended; until then it is the most that it may.
const SCHEMA_4: &str = "
ALTER TABLE coupons ADD COLUMN is_off INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coupon_uses ADD COLUMN took TEXT;
ALTER TABLE coupon_uses ADD COLUMN is_told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX untold ON coupon_uses (trade_no) WHERE is_told = 0;
";

/// The file, and how many callers of free calls it has.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    /// Never less than there are.
    callers: Cell<i64>,
}

impl Store {
    /// Brings the file to our version. What was begun by a process that is no more, and was only ours to end, failed.
    pub(super) fn open(connection: Connection) -> Result<Store, String> {
        let text = |fault: Error| fault.to_string();
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(text)?;
        let steps: &[&str] = match version {
            0 => &[SCHEMA_1, SCHEMA_2, channels::SCHEMA, SCHEMA_4],
            1 => &[SCHEMA_2, channels::SCHEMA, SCHEMA_4],
            2 => &[channels::SCHEMA, SCHEMA_4],
            3 => &[SCHEMA_4],
            SCHEMA_VERSION => &[],
            other => return Err(format!("the file is of version {other}, which is not ours")),
        };
        let steps = steps.concat();
        connection
            .execute_batch(&format!(
                "BEGIN; {steps} PRAGMA user_version = {SCHEMA_VERSION};
                 UPDATE deliveries SET stage = 1 WHERE stage = 5 AND deadline_seconds IS NULL; COMMIT;"
            ))
            .map_err(text)?;
        let store = Store { connection, callers: Cell::new(0) };
        store.release_coupons().map_err(text)?;
        store.count_callers().map_err(text)?;
        Ok(store)
    }

    fn count_callers(&self) -> Result<(), Error> {
        self.callers.set(self.connection.query_row("SELECT COUNT(*) FROM free_calls", [], |row| row.get(0))?);
        Ok(())
    }

    /// Begins a transaction that is synced where somebody relies on it.
    pub(super) fn begin(&self, is_relied_on: bool) -> Result<(), Error> {
        self.connection.execute_batch(if is_relied_on {
            "PRAGMA synchronous = FULL; BEGIN IMMEDIATE"
        } else {
            "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE"
        })
    }

    pub(super) fn commit(&self) -> Result<(), Error> {
        self.connection.execute_batch("COMMIT")
    }

    /// Nothing of the batch was kept; whether there is something to undo is SQLite's to know.
    pub(super) fn roll_back(&self) {
        let _nothing_to_undo = self.connection.execute_batch("ROLLBACK");
    }

    pub(super) fn find(&self, trade_no: HoldId) -> Result<Option<Delivery>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT out_trade_no, resource_id, fingerprint, stage, status, headers, body, is_kept, held, charged,
             units, keep_until_seconds, (SELECT took FROM coupon_uses u WHERE u.trade_no = ?1)
             FROM deliveries WHERE trade_no = ?1",
        )?;
        statement
            .query_row([trade_no.to_string()], |row| {
                let body: Vec<u8> = row.get(6)?;
                let measured = match (amount(row, 8)?, amount(row, 9)?) {
                    (Some(held), Some(charged)) => {
                        Some(Measured { held, charged, units: row.get(10)?, off: amount(row, 12)? })
                    }
                    (_, _) => None,
                };
                Ok(Delivery {
                    trade_no,
                    out_trade_no: row.get(0)?,
                    resource_id: row.get(1)?,
                    fingerprint: row.get(2)?,
                    stage: stage(row, 3)?,
                    status: row.get(4)?,
                    headers: row.get::<_, Vec<u8>>(5)?.into(),
                    body: row.get::<_, bool>(7)?.then(|| body.into()),
                    measured,
                    keep_until: Time::from_seconds(row.get::<_, u32>(11)?.into()),
                })
            })
            .optional()
    }

    pub(super) fn due(&self, count_max: usize) -> Result<Vec<Due>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT trade_no, stage, charged FROM deliveries WHERE stage IN (0, 1) ORDER BY trade_no LIMIT ?1",
        )?;
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        let rows = statement.query_map([count_max], |row| {
            let text: String = row.get(0)?;
            let trade_no = text.parse().map_err(|_| Error::InvalidQuery)?;
            Ok(Due { trade_no, stage: stage(row, 1)?, charged: amount(row, 2)? })
        })?;
        rows.collect()
    }

    pub(super) fn store(&self, delivery: &Delivery) -> Result<(), Error> {
        self.insert(delivery, None)?;
        self.settle_coupon(delivery.trade_no, delivery.stage, delivery.measured.as_ref())
    }

    pub(super) fn begin_delivery(&self, delivery: &Delivery, deadline: Option<Time>) -> Result<(), Error> {
        self.insert(delivery, deadline.map(seconds))
    }

    fn insert(&self, delivery: &Delivery, deadline_seconds: Option<u32>) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO deliveries (trade_no, out_trade_no, resource_id, fingerprint, stage, status, headers, body,
             is_kept, held, charged, units, keep_until_seconds, deadline_seconds)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        let measured = delivery.measured.as_ref();
        statement.execute(params![
            delivery.trade_no.to_string(),
            delivery.out_trade_no,
            delivery.resource_id,
            delivery.fingerprint,
            delivery.stage.number(),
            delivery.status,
            &delivery.headers[..],
            delivery.body.as_deref().unwrap_or_default(),
            delivery.body.is_some(),
            measured.map(|measured| measured.held.to_string()),
            measured.map(|measured| measured.charged.to_string()),
            measured.and_then(|measured| measured.units.as_deref()),
            seconds(delivery.keep_until),
            deadline_seconds,
        ])?;
        Ok(())
    }

    pub(super) fn finish(&self, ending: &Ending) -> Result<bool, Error> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE deliveries SET stage = ?2, body = ?3, is_kept = ?4, held = ?5, charged = ?6, units = ?7
             WHERE trade_no = ?1 AND stage = 5",
        )?;
        let measured = ending.measured.as_ref();
        let changed = statement.execute(params![
            ending.trade_no.to_string(),
            ending.stage.number(),
            ending.body.as_deref().unwrap_or_default(),
            ending.body.is_some(),
            measured.map(|measured| measured.held.to_string()),
            measured.map(|measured| measured.charged.to_string()),
            measured.and_then(|measured| measured.units.as_deref()),
        ])?;
        if changed == 1 {
            self.settle_coupon(ending.trade_no, ending.stage, measured)?;
        }
        Ok(changed == 1)
    }

    pub(super) fn end(&self, trade_no: HoldId, stage: Stage) -> Result<(), Error> {
        let mut statement =
            self.connection.prepare_cached("UPDATE deliveries SET stage = ?2 WHERE trade_no = ?1")?;
        statement.execute(params![trade_no.to_string(), stage.number()])?;
        Ok(())
    }

    pub(super) fn forget(&self, now: Time) -> Result<(), Error> {
        let late = self
            .connection
            .prepare_cached("UPDATE deliveries SET stage = 1 WHERE stage = 5 AND deadline_seconds < ?1")?
            .execute([seconds(now)])?;
        if late != 0 {
            self.release_coupons()?;
        }
        self.connection
            .prepare_cached("DELETE FROM deliveries WHERE stage IN (2, 3, 4) AND keep_until_seconds < ?1")?
            .execute([seconds(now)])?;
        channels::forget(
            &self.connection,
            Time(now.0.saturating_sub(CHANNEL_KEEP_SECONDS_AFTER * 1_000_000_000)),
        )?;
        // Days have ten letters, months seven, and all time none.
        let over = self
            .connection
            .prepare_cached(
                "DELETE FROM free_calls WHERE (length(period) = 10 AND period < ?1) OR (length(period) = 7 AND period < ?2)",
            )?
            .execute(params![Period::Day.of(now), Period::Month.of(now)])?;
        if over != 0 {
            self.count_callers()?;
        }
        Ok(())
    }

    /// Takes a free call, or answers none where all are used.
    pub(super) fn take_free(&self, call: &FreeCall) -> Result<Option<u32>, Error> {
        let used: Option<u32> = self
            .connection
            .prepare_cached(
                "SELECT used FROM free_calls WHERE resource_id = ?1 AND caller = ?2 AND period = ?3",
            )?
            .query_row(params![call.resource_id, call.caller, call.period], |row| row.get(0))
            .optional()?;
        match used {
            Some(used) if call.count <= used => return Ok(None),
            None if FREE_CALLERS_MAX <= self.callers.get() => return Ok(None),
            None => self.callers.set(self.callers.get() + 1),
            Some(_) => {}
        }
        let used = used.unwrap_or(0) + 1;
        self.connection
            .prepare_cached(
                "INSERT INTO free_calls (resource_id, caller, period, used) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (resource_id, caller, period) DO UPDATE SET used = excluded.used",
            )?
            .execute(params![call.resource_id, call.caller, call.period, used])?;
        Ok(Some(call.count.saturating_sub(used)))
    }

    pub(super) fn give_back_free(&self, call: &FreeCall) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "UPDATE free_calls SET used = used - 1
                 WHERE resource_id = ?1 AND caller = ?2 AND period = ?3 AND 0 < used",
            )?
            .execute(params![call.resource_id, call.caller, call.period])?;
        Ok(())
    }

    /// Whether a bill may be lower for a coupon. What was billed counts, also where it is switched off meanwhile.
    pub(super) fn may_use(&self, coupon: &CouponUse) -> Result<Couponed, Error> {
        let is_off = self
            .connection
            .prepare_cached("SELECT is_off FROM coupons WHERE code = ?1")?
            .query_row([&coupon.code], |row| row.get(0))
            .optional()?;
        if is_off.unwrap_or(false) {
            return Ok(Couponed::SwitchedOff);
        }
        self.fits(coupon)
    }

    fn fits(&self, coupon: &CouponUse) -> Result<Couponed, Error> {
        if coupon.once {
            let used: bool = self
                .connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM coupon_uses WHERE code = ?1 AND buyer = ?2)")?
                .query_row(params![coupon.code, coupon.buyer], |row| row.get(0))?;
            if used {
                return Ok(Couponed::UsedBefore);
            }
        }
        let left = coupon.budget.saturating_sub(self.given(&coupon.code)?);
        Ok(if coupon.off <= left { Couponed::Used } else { Couponed::BudgetSpent })
    }

    fn given(&self, code: &str) -> Result<u128, Error> {
        let given = self
            .connection
            .prepare_cached("SELECT given FROM coupons WHERE code = ?1")?
            .query_row([code], |row| amount(row, 0))
            .optional()?;
        Ok(given.flatten().unwrap_or(0))
    }

    fn give(&self, code: &str, given: u128) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO coupons (code, given) VALUES (?1, ?2) ON CONFLICT (code) DO UPDATE SET given = excluded.given",
            )?
            .execute(params![code, given.to_string()])?;
        Ok(())
    }

    pub(super) fn use_coupon(&self, coupon: &CouponUse) -> Result<Couponed, Error> {
        let trade_no = coupon.trade_no.to_string();
        let known: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM coupon_uses WHERE trade_no = ?1)")?
            .query_row([&trade_no], |row| row.get(0))?;
        if known {
            return Ok(Couponed::Used);
        }
        let may = self.fits(coupon)?;
        if may == Couponed::Used {
            self.give(&coupon.code, self.given(&coupon.code)? + coupon.off)?;
            self.connection
                .prepare_cached(
                    "INSERT INTO coupon_uses (trade_no, code, buyer, off) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![trade_no, coupon.code, coupon.buyer, coupon.off.to_string()])?;
        }
        Ok(may)
    }

    /// What was not delivered has used no coupon; of what was, it is known now what the coupon took off.
    fn settle_coupon(
        &self,
        trade_no: HoldId,
        stage: Stage,
        measured: Option<&Measured>,
    ) -> Result<(), Error> {
        let trade_no = trade_no.to_string();
        match (stage, measured.and_then(|measured| measured.off)) {
            (Stage::Failed | Stage::Voided, _) => self.release_coupon(&trade_no),
            (Stage::Delivered, Some(off)) => {
                self.connection
                    .prepare_cached("UPDATE coupon_uses SET took = ?2 WHERE trade_no = ?1")?
                    .execute(params![trade_no, off.to_string()])?;
                Ok(())
            }
            (Stage::Delivered | Stage::Confirmed | Stage::Unsettled | Stage::Begun, _) => Ok(()),
        }
    }

    pub(super) fn given_of(&self, codes: &[String]) -> Result<Vec<u128>, Error> {
        codes.iter().map(|code| self.given(code)).collect()
    }

    /// What was delivered and paid for; of what is older than any delivery, all of it: nothing else of that age is left.
    pub(super) fn paid_uses(&self, now: Time, count_max: usize) -> Result<Vec<PaidUse>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT u.trade_no, u.code, coalesce(u.took, u.off) FROM coupon_uses u
             LEFT JOIN deliveries d ON d.trade_no = u.trade_no
             WHERE u.is_told = 0 AND (d.stage = 2 OR (d.stage IS NULL AND u.trade_no < ?1))
             ORDER BY u.trade_no LIMIT ?2",
        )?;
        let millis = now.0.saturating_sub(KEEP_SECONDS_AFTER * 1_000_000_000) / 1_000_000;
        let oldest = HoldId(u128::from(millis) << 80).to_string();
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![oldest, count_max], |row| {
            let text: String = row.get(0)?;
            let trade_no = text.parse().map_err(|_| Error::InvalidQuery)?;
            Ok(PaidUse { trade_no, code: row.get(1)?, off: amount(row, 2)?.unwrap_or(0) })
        })?;
        rows.collect()
    }

    pub(super) fn told_uses(&self, uses: &[HoldId]) -> Result<(), Error> {
        let mut statement =
            self.connection.prepare_cached("UPDATE coupon_uses SET is_told = 1 WHERE trade_no = ?1")?;
        uses.iter().try_for_each(|trade_no| statement.execute([trade_no.to_string()]).map(drop))
    }

    pub(super) fn switch_coupons(&self, coupons: &[(String, Switch)]) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO coupons (code, given, is_off) VALUES (?1, '0', ?2)
             ON CONFLICT (code) DO UPDATE SET is_off = excluded.is_off",
        )?;
        coupons
            .iter()
            .try_for_each(|(code, to)| statement.execute(params![code, *to == Switch::Off]).map(drop))
    }

    fn release_coupon(&self, trade_no: &str) -> Result<(), Error> {
        let used: Option<(String, Option<u128>)> = self
            .connection
            .prepare_cached("DELETE FROM coupon_uses WHERE trade_no = ?1 RETURNING code, off")?
            .query_row([trade_no], |row| Ok((row.get(0)?, amount(row, 1)?)))
            .optional()?;
        if let Some((code, Some(off))) = used {
            self.give(&code, self.given(&code)?.saturating_sub(off))?;
        }
        Ok(())
    }

    /// Gives back the coupons of all deliveries that failed without having been ended one by one.
    fn release_coupons(&self) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT u.trade_no FROM coupon_uses u JOIN deliveries d ON d.trade_no = u.trade_no WHERE d.stage IN (1, 3)",
        )?;
        let failed: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        failed.iter().try_for_each(|trade_no| self.release_coupon(trade_no))
    }
}

fn stage(row: &Row<'_>, column: usize) -> Result<Stage, Error> {
    let number: i64 = row.get(column)?;
    Stage::of(number).ok_or(Error::IntegralValueOutOfRange(column, number))
}

fn amount(row: &Row<'_>, column: usize) -> Result<Option<u128>, Error> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| Error::InvalidQuery)).transpose()
}

fn seconds(time: Time) -> u32 {
    u32::try_from(time.0 / 1_000_000_000).unwrap_or(u32::MAX)
}
