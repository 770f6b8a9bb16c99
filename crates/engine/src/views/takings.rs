//! Takings: what each seller took in, gave back and has waiting, and why purchases from it were refused.
//!
//! A row is a running sum as it stood at the end of a quarter of an hour, so what lies between two moments is one row less
//! another. Days begin on a quarter of an hour in every zone of the world.

use crate::limits::VIEWS_TAKINGS_MAX;
use crate::views::ViewsFault;
use crate::views::batch::{Batch, lower, raise};
use crate::views::reader::View;
use crate::views::stored::{Canonical, Columns, stored};
use book::{Amount, Denial, Entry, OwnerId, PayeeId, Payees, Purchase, Refusal, Time};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;

/// How long a row's time is.
pub const TAKINGS_NANOS: u64 = 900_000_000_000;

/// What a seller took in, all in its one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takings {
    /// What buyers paid, fees included: payments, captures and settled meters.
    pub captured: Amount,
    /// What of it the operator took.
    pub fees: Amount,
    /// What went back to buyers, fees included.
    pub refunded: Amount,
    /// What of it the operator gave back.
    pub fees_refunded: Amount,
    /// What is set aside for the seller and not captured; of a split, its share.
    pub held: Amount,
    /// Purchases that it was paid for.
    pub sales: u64,
    /// Refunds that it gave.
    pub refunds: u64,
    /// Holds and meters that are not over.
    pub holds: u64,
}

impl Takings {
    /// What came since `earlier`; what is set aside is as it is now.
    #[must_use]
    pub fn since(&self, earlier: &Takings) -> Takings {
        Takings {
            captured: self.captured.saturating_sub(earlier.captured),
            fees: self.fees.saturating_sub(earlier.fees),
            refunded: self.refunded.saturating_sub(earlier.refunded),
            fees_refunded: self.fees_refunded.saturating_sub(earlier.fees_refunded),
            held: self.held,
            sales: self.sales.saturating_sub(earlier.sales),
            refunds: self.refunds.saturating_sub(earlier.refunds),
            holds: self.holds,
        }
    }

    fn read(columns: &mut Columns<'_>) -> rusqlite::Result<(u64, Takings)> {
        Ok((
            columns.next()?,
            Takings {
                captured: columns.next()?,
                fees: columns.next()?,
                refunded: columns.next()?,
                fees_refunded: columns.next()?,
                held: columns.next()?,
                sales: columns.next()?,
                refunds: columns.next()?,
                holds: columns.next()?,
            },
        ))
    }
}

/// Why purchases from a seller were refused, how often, and to how many different buyers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedRow {
    /// Why.
    pub denial: Denial,
    /// How often.
    pub times: u64,
    /// Owners of wallets that would have paid.
    pub buyers: u64,
}

/// The newest sums of the sellers that were needed of late.
#[derive(Debug, Default)]
pub(super) struct Sums(BTreeMap<PayeeId, Sum>);

#[derive(Clone, Copy, Debug)]
struct Sum {
    quarter: u64,
    takings: Takings,
    /// Whether the row says the same.
    saved: bool,
}

impl Sums {
    /// Writes what changed, in the order of the table.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), ViewsFault> {
        if VIEWS_TAKINGS_MAX < self.0.len() {
            self.0.retain(|_, sum| !sum.saved);
        }
        for (payee, sum) in self.0.iter_mut().filter(|(_, sum)| !sum.saved) {
            write(connection, *payee, sum)?;
            sum.saved = true;
        }
        Ok(())
    }

    /// Forgets everything, also what was not written.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// A seller's sum at the quarter of an hour of `at`, to change it. That of an earlier one stays as it was.
    fn at(&mut self, connection: &Connection, payee: PayeeId, at: Time) -> Result<&mut Takings, ViewsFault> {
        let now = quarter(at);
        let sum = match self.0.entry(payee) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let newest = newest(connection, payee)?;
                let (quarter, takings) = newest.unwrap_or((now, Takings::default()));
                place.insert(Sum { quarter, takings, saved: true })
            }
        };
        if sum.quarter < now {
            if !sum.saved {
                write(connection, payee, sum)?;
            }
            sum.quarter = now;
        }
        sum.saved = false;
        Ok(&mut sum.takings)
    }
}

fn quarter(at: Time) -> u64 {
    at.0 / TAKINGS_NANOS
}

fn newest(connection: &Connection, payee: PayeeId) -> Result<Option<(u64, Takings)>, ViewsFault> {
    let mut statement = connection.prepare_cached(
        "SELECT quarter, captured, fees, refunded, fees_refunded, held, sales, refunds, holds FROM takings
         WHERE payee = ?1 ORDER BY quarter DESC LIMIT 1",
    )?;
    Ok(statement.query_row(stored![payee], |row| Takings::read(&mut Columns::of(row))).optional()?)
}

fn write(connection: &Connection, payee: PayeeId, sum: &Sum) -> Result<(), ViewsFault> {
    let it = &sum.takings;
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO takings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    statement.execute(stored![
        payee,
        sum.quarter,
        it.captured,
        it.fees,
        it.refunded,
        it.fees_refunded,
        it.held,
        it.sales,
        it.refunds,
        it.holds,
    ])?;
    Ok(())
}

impl Batch<'_> {
    /// What a seller took in until now, to change it.
    pub(super) fn takings_mut(&mut self, payee: PayeeId) -> Result<&mut Takings, ViewsFault> {
        let (connection, at) = (self.connection, self.at);
        self.sums().at(connection, payee, at)
    }

    /// Money that was set aside for the sellers of a purchase is now `after`, in place of `before`.
    pub(super) fn set_aside(
        &mut self,
        purchase: &Purchase,
        before: Amount,
        after: Amount,
    ) -> Result<(), ViewsFault> {
        let seq = self.seq;
        let (before, after) = (shares(&purchase.to, before), shares(&purchase.to, after));
        for ((payee, before), after) in purchase.to.each().zip(before).zip(after) {
            let takings = self.takings_mut(payee)?;
            lower(&mut takings.held, before, seq)?;
            raise(&mut takings.held, after, seq)?;
        }
        Ok(())
    }

    /// Keeps why a purchase was refused, for those who would have been paid.
    pub(super) fn refuse(
        &mut self,
        entry: &Entry,
        refusal: &Refusal,
        buyer: Option<OwnerId>,
    ) -> Result<(), ViewsFault> {
        let Some(purchase) = entry.command.action.purchase() else { return Ok(()) };
        for payee in purchase.to.each() {
            self.run(
                "INSERT INTO refused VALUES (?1, ?2, ?3, ?4, ?5)",
                stored![payee, entry.at, entry.seq, Canonical(refusal.denial), buyer],
            )?;
        }
        Ok(())
    }
}

/// What each payee has of an amount.
fn shares(payees: &Payees, amount: Amount) -> Vec<Amount> {
    match payees {
        Payees::One(_) => vec![amount],
        Payees::Split(split) => {
            let weights: Vec<u128> = split.shares.iter().map(|share| u128::from(share.weight)).collect();
            amount.split(&weights).unwrap_or_default()
        }
    }
}

impl View {
    /// What a seller took in before a moment, which counts as the beginning of its quarter of an hour; all of it where
    /// none is named.
    pub fn takings(&self, payee: PayeeId, before: Option<Time>) -> Result<Takings, ViewsFault> {
        let Some(before) = before else {
            return Ok(newest(self.connection(), payee)?.map(|(_, takings)| takings).unwrap_or_default());
        };
        let found = self.find(
            "SELECT quarter, captured, fees, refunded, fees_refunded, held, sales, refunds, holds FROM takings
             WHERE payee = ?1 AND quarter < ?2 ORDER BY quarter DESC LIMIT 1",
            stored![payee, quarter(before)],
            Takings::read,
        )?;
        Ok(found.map(|(_, takings)| takings).unwrap_or_default())
    }

    /// Why purchases from a seller were refused since a moment, the most frequent first; of the newest `limit` refusals.
    pub fn refused(&self, payee: PayeeId, since: Time, limit: usize) -> Result<Vec<RefusedRow>, ViewsFault> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut rows = self.all(
            "SELECT denial, count(*), count(DISTINCT buyer) FROM
             (SELECT denial, buyer FROM refused WHERE payee = ?1 AND ?2 <= at ORDER BY at DESC, seq DESC LIMIT ?3)
             GROUP BY denial ORDER BY denial",
            stored![payee, since, limit],
            |columns| {
                let Canonical(denial) = columns.next::<Canonical<Denial>>()?;
                Ok(RefusedRow { denial, times: columns.next()?, buyers: columns.next()? })
            },
        )?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.times));
        Ok(rows)
    }
}
