//! Quotas: work that is paid for, what was used of it, and how it was divided.

use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::Batch;
use crate::views::reader::{Page, View};
use crate::views::stored::{Canonical, Columns, stored};
use book::{
    Action, Actor, AgentId, Allot, Deduct, Entry, GrantQuota, Id, PayeeId, QuotaId, QuotaUnit, Reclaim,
    Restore, Seq, Time, WalletId,
};
use evidence::Hash;
use rusqlite::Result;

macro_rules! select_quota {
    ($rest:literal) => {
        concat!(
            "SELECT q.seq, q.at, q.id, q.payee, q.wallet, q.agent, q.parent, q.unit, q.granted, q.used, q.allotted,
             q.expires_at, q.document FROM quotas q",
            $rest
        )
    };
}

/// Work that is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaRow {
    /// The entry that made it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: QuotaId,
    /// The seller who owes the work.
    pub payee: PayeeId,
    /// Whose owner may use and divide it.
    pub wallet: WalletId,
    /// The agent it is for.
    pub agent: Option<AgentId>,
    /// The quota that it was allotted from.
    pub parent: Option<QuotaId>,
    /// What it counts.
    pub unit: QuotaUnit,
    /// All that came in, less what was reclaimed.
    pub granted: u64,
    /// What was used.
    pub used: u64,
    /// What went to the quotas below.
    pub allotted: u64,
    /// Until when; of one that was allotted, that of the one the seller granted.
    pub expires_at: Time,
    /// The digest of what was sold.
    pub document: Hash,
}

impl QuotaRow {
    /// What can still be used or allotted.
    pub fn left(&self) -> u64 {
        self.granted.saturating_sub(self.used).saturating_sub(self.allotted)
    }

    fn read(columns: &mut Columns<'_>) -> Result<QuotaRow> {
        Ok(QuotaRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            payee: columns.next()?,
            wallet: columns.next()?,
            agent: columns.next()?,
            parent: columns.next()?,
            unit: columns.next::<Canonical<QuotaUnit>>()?.0,
            granted: columns.next()?,
            used: columns.next()?,
            allotted: columns.next()?,
            expires_at: columns.next()?,
            document: columns.next()?,
        })
    }
}

/// What one command took of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeductionRow {
    /// The entry.
    pub seq: Seq,
    /// The command.
    pub id: Id,
    /// Of which quota.
    pub quota: QuotaId,
    /// How much.
    pub units: u64,
    /// What of it was given back.
    pub restored: u64,
}

impl DeductionRow {
    fn read(columns: &mut Columns<'_>) -> Result<DeductionRow> {
        Ok(DeductionRow {
            seq: columns.next()?,
            id: columns.next()?,
            quota: columns.next()?,
            units: columns.next()?,
            restored: columns.next()?,
        })
    }
}

/// What became of a quota, and of all below it, together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaSums {
    /// What was used.
    pub used: u64,
    /// What can still be used.
    pub left: u64,
}

/// What a seller still owes in units of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotasOwed {
    /// What they count.
    pub unit: QuotaUnit,
    /// The quotas that were granted, and are not over.
    pub quotas: u64,
    /// What can still be used of them, and of all below them.
    pub left: u128,
}

impl View {
    /// A quota.
    pub fn quota(&self, id: QuotaId) -> Result<Option<QuotaRow>, ViewsFault> {
        self.find(select_quota!(" WHERE q.id = ?1"), stored![id], QuotaRow::read)
    }

    /// The quotas of a wallet, those that were allotted too.
    pub fn quotas_of_wallet(
        &self,
        wallet: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuotaRow>, ViewsFault> {
        let query = select_quota!(" WHERE q.wallet = ?3 AND q.seq <= ?1 ORDER BY q.seq DESC LIMIT ?2");
        self.page(query, Some(wallet.0), cursor, limit, QuotaRow::read, |row| row.seq)
    }

    /// The quotas that a seller granted.
    pub fn quotas_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuotaRow>, ViewsFault> {
        let query = select_quota!(
            " WHERE q.payee = ?3 AND q.parent IS NULL AND q.seq <= ?1 ORDER BY q.seq DESC LIMIT ?2"
        );
        self.page(query, Some(payee.0), cursor, limit, QuotaRow::read, |row| row.seq)
    }

    /// The quotas right below one.
    pub fn quotas_below(
        &self,
        quota: QuotaId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuotaRow>, ViewsFault> {
        let query = select_quota!(" WHERE q.parent = ?3 AND q.seq <= ?1 ORDER BY q.seq DESC LIMIT ?2");
        self.page(query, Some(quota.0), cursor, limit, QuotaRow::read, |row| row.seq)
    }

    /// What a command took of a quota.
    pub fn deduction(&self, command: Id) -> Result<Option<DeductionRow>, ViewsFault> {
        let query = "SELECT seq, id, quota, units, restored FROM deductions WHERE id = ?1";
        self.find(query, stored![command], DeductionRow::read)
    }

    /// What was taken of a quota, newest first.
    pub fn deductions_of(
        &self,
        quota: QuotaId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<DeductionRow>, ViewsFault> {
        let query = "SELECT seq, id, quota, units, restored FROM deductions
                     WHERE quota = ?3 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2";
        self.page(query, Some(quota.0), cursor, limit, DeductionRow::read, |row| row.seq)
    }

    /// What became of a quota, and of all below it.
    pub fn quota_sums(&self, quota: QuotaId) -> Result<QuotaSums, ViewsFault> {
        let query = "WITH RECURSIVE tree(id) AS
                         (VALUES (?1) UNION ALL SELECT q.id FROM quotas q JOIN tree t ON q.parent = t.id)
                     SELECT sum(used), sum(granted - used - allotted) FROM quotas WHERE id IN tree";
        let found = self.find(query, stored![quota], |columns| {
            let (used, left): (Option<u64>, Option<u64>) = (columns.next()?, columns.next()?);
            Ok(QuotaSums { used: used.unwrap_or(0), left: left.unwrap_or(0) })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// What a seller owes at `now`, by what is counted.
    pub fn quotas_owed(&self, payee: PayeeId, now: Time) -> Result<Vec<QuotasOwed>, ViewsFault> {
        // In two parts, for many quotas together may be more than SQLite's integers.
        let query = "SELECT unit, sum(parent IS NULL), sum((granted - used - allotted) / 1000000000),
                         sum((granted - used - allotted) % 1000000000)
                     FROM quotas WHERE payee = ?1 AND ?2 < expires_at GROUP BY unit ORDER BY unit";
        self.all(query, stored![payee, now], |columns| {
            let (unit, quotas) = (columns.next::<Canonical<QuotaUnit>>()?.0, columns.next()?);
            let (high, low): (u64, u64) = (columns.next()?, columns.next()?);
            let left = u128::from(high).saturating_mul(1_000_000_000).saturating_add(u128::from(low));
            Ok(QuotasOwed { unit, quotas, left })
        })
    }
}

impl Batch<'_> {
    /// Whom a quota concerns.
    pub(super) fn concerns_quota(&self, quota: QuotaId, touched: &mut Touched) -> Result<(), ViewsFault> {
        touched.about = Some(quota.0);
        let query = "SELECT payee, wallet, agent FROM quotas WHERE id = ?1";
        let found = self.find(query, stored![quota], |columns| {
            Ok((columns.next::<PayeeId>()?, columns.next::<WalletId>()?, columns.next::<Option<AgentId>>()?))
        })?;
        if let Some((payee, wallet, agent)) = found {
            (touched.payee, touched.wallet, touched.agent) = (Some(payee), Some(wallet), agent);
        }
        Ok(())
    }

    /// Whom a deduction concerns.
    pub(super) fn concerns_deduction(&self, deduct: Id, touched: &mut Touched) -> Result<(), ViewsFault> {
        let query = "SELECT quota FROM deductions WHERE id = ?1";
        let quota = self.find(query, stored![deduct], |columns| columns.next::<QuotaId>())?;
        quota.map_or(Ok(()), |quota| self.concerns_quota(quota, touched))?;
        touched.about = Some(deduct);
        Ok(())
    }

    /// Counts what was granted, used or divided.
    pub(super) fn change_quota(&mut self, entry: &Entry) -> Result<(), ViewsFault> {
        if let Action::GrantQuota(it) = &entry.command.action {
            self.grant_quota(entry, it)
        } else if let Action::Deduct(Deduct { quota, units }) = &entry.command.action {
            self.run(
                "INSERT INTO deductions VALUES (?1, ?2, ?3, ?4, 0)",
                stored![entry.seq, entry.command.id, *quota, *units],
            )?;
            self.run_one("UPDATE quotas SET used = used + ?2 WHERE id = ?1", stored![*quota, *units])
        } else if let Action::Restore(Restore { deduct, units }) = &entry.command.action {
            self.run_one(
                "UPDATE deductions SET restored = restored + ?2 WHERE id = ?1",
                stored![*deduct, *units],
            )?;
            self.run_one(
                "UPDATE quotas SET used = used - ?2 WHERE id = (SELECT quota FROM deductions WHERE id = ?1)",
                stored![*deduct, *units],
            )
        } else if let Action::Allot(it) = &entry.command.action {
            self.allot(entry, it)
        } else if let Action::Reclaim(Reclaim { quota, units }) = &entry.command.action {
            self.run_one("UPDATE quotas SET granted = granted - ?2 WHERE id = ?1", stored![*quota, *units])?;
            self.run_one(
                "UPDATE quotas SET allotted = allotted - ?2
                 WHERE id = (SELECT parent FROM quotas WHERE id = ?1)",
                stored![*quota, *units],
            )
        } else {
            Err(self.disagrees())
        }
    }

    fn grant_quota(&mut self, entry: &Entry, it: &GrantQuota) -> Result<(), ViewsFault> {
        if let Some(into) = it.into {
            let expires_at = it.expires_at;
            // What is below lasts as long as what it is below.
            self.run(
                "WITH RECURSIVE below(id) AS
                     (VALUES (?1) UNION ALL SELECT q.id FROM quotas q JOIN below b ON q.parent = b.id)
                 UPDATE quotas SET expires_at = max(expires_at, ?2) WHERE id IN below",
                stored![into, expires_at],
            )?;
            return self
                .run_one("UPDATE quotas SET granted = granted + ?2 WHERE id = ?1", stored![into, it.units]);
        }
        let Actor::Payee { payee, .. } = entry.command.by else { return Err(self.disagrees()) };
        self.run(
            "INSERT INTO quotas VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL, ?6, ?7, 0, 0, ?8, ?9)",
            stored![
                entry.seq,
                entry.at,
                QuotaId(entry.command.id),
                payee,
                it.wallet,
                Canonical(it.unit),
                it.units,
                it.expires_at,
                it.document,
            ],
        )?;
        Ok(())
    }

    fn allot(&mut self, entry: &Entry, it: &Allot) -> Result<(), ViewsFault> {
        self.run_one("UPDATE quotas SET allotted = allotted + ?2 WHERE id = ?1", stored![it.from, it.units])?;
        if let Some(into) = it.into {
            return self
                .run_one("UPDATE quotas SET granted = granted + ?2 WHERE id = ?1", stored![into, it.units]);
        }
        self.run_one(
            "INSERT INTO quotas SELECT ?1, ?2, ?3, payee, wallet, ?4, id, unit, ?5, 0, 0, expires_at, document
             FROM quotas WHERE id = ?6",
            stored![entry.seq, entry.at, QuotaId(entry.command.id), it.agent, it.units, it.from],
        )
    }
}
