//! Payouts: where each seller's go, how far each is, and what is on its way.

use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::{Batch, lower, raise};
use crate::views::reader::{Page, View};
use crate::views::stored::{Canonical, Columns, numbered, stored};
use crate::views::subjects::Role;
use book::payout::{Destinations, destination_counts};
use book::{
    Action, AdvancePayout, Amount, Code, Entry, OwnerId, PayeeId, PayoutBatchId, PayoutId, PayoutStage,
    PayoutStep, RequestPayout, Seq, SetDestination, Time,
};
use evidence::Hash;
use rusqlite::Result;

numbered!(PayoutStage { 1 Requested, 2 Sent, 3 Paid, 4 Failed, });

macro_rules! select_payout {
    ($rest:literal) => {
        concat!(
            "SELECT p.seq, p.at, p.id, p.payee, p.owner, p.asset, p.amount, p.destination, p.stage, p.batch, p.sent,
             p.ordered, p.ended, p.said FROM payouts p",
            $rest
        )
    };
}

/// Money of a seller that leaves the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutRow {
    /// The entry that asked for it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: PayoutId,
    /// Whose money.
    pub payee: PayeeId,
    /// Whose the seller is, where an owner's.
    pub owner: Option<OwnerId>,
    /// In what.
    pub asset: Code,
    /// How much.
    pub amount: Amount,
    /// The digest of the bank account.
    pub destination: Hash,
    /// How far it is.
    pub stage: PayoutStage,
    /// What it was handed to the bank with.
    pub batch: Option<PayoutBatchId>,
    /// When.
    pub sent: Option<Time>,
    /// The digest of what the bank was told beside.
    pub order: Option<Hash>,
    /// When it was paid, or came back.
    pub ended: Option<Time>,
    /// The digest of what the bank said then.
    pub said: Option<Hash>,
}

impl PayoutRow {
    fn read(columns: &mut Columns<'_>) -> Result<PayoutRow> {
        Ok(PayoutRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            payee: columns.next()?,
            owner: columns.next()?,
            asset: columns.next()?,
            amount: columns.next()?,
            destination: columns.next()?,
            stage: columns.next()?,
            batch: columns.next()?,
            sent: columns.next()?,
            order: columns.next()?,
            ended: columns.next()?,
            said: columns.next()?,
        })
    }
}

/// Where a seller's payouts go, and what they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaidOut {
    /// The bank accounts it named.
    pub destinations: Destinations,
    /// What is on its way.
    pub in_transit: Amount,
    /// What was paid.
    pub paid: Amount,
}

impl PaidOut {
    fn read(columns: &mut Columns<'_>) -> Result<PaidOut> {
        let destinations = columns.next::<Canonical<Destinations>>()?.0;
        Ok(PaidOut { destinations, in_transit: columns.next()?, paid: columns.next()? })
    }
}

const PAID_OUT: &str = "SELECT named, in_transit, paid FROM paid_out WHERE payee = ?1";

impl View {
    /// A payout.
    pub fn payout(&self, id: PayoutId) -> Result<Option<PayoutRow>, ViewsFault> {
        self.find(select_payout!(" WHERE p.id = ?1"), stored![id], PayoutRow::read)
    }

    /// All payouts.
    pub fn payouts(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<PayoutRow>, ViewsFault> {
        let query = select_payout!(" WHERE p.seq <= ?1 ORDER BY p.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, PayoutRow::read, |row| row.seq)
    }

    /// The payouts of a seller.
    pub fn payouts_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<PayoutRow>, ViewsFault> {
        let query = select_payout!(" WHERE p.payee = ?3 AND p.seq <= ?1 ORDER BY p.seq DESC LIMIT ?2");
        self.page(query, Some(payee.0), cursor, limit, PayoutRow::read, |row| row.seq)
    }

    /// Payouts that wait to be handed to the bank, the oldest first.
    pub fn payouts_waiting(&self, asset: Code, limit: usize) -> Result<Vec<PayoutRow>, ViewsFault> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let query = select_payout!(" WHERE p.stage = 1 AND p.asset = ?1 ORDER BY p.seq LIMIT ?2");
        self.all(query, stored![asset, limit], PayoutRow::read)
    }

    /// The payouts that were handed to the bank together, the oldest first.
    pub fn payouts_of_batch(&self, batch: PayoutBatchId) -> Result<Vec<PayoutRow>, ViewsFault> {
        self.all(select_payout!(" WHERE p.batch = ?1 ORDER BY p.seq"), stored![batch], PayoutRow::read)
    }

    /// Where a seller's payouts go, and what they came to.
    pub fn paid_out(&self, payee: PayeeId) -> Result<PaidOut, ViewsFault> {
        Ok(self.find(PAID_OUT, stored![payee], PaidOut::read)?.unwrap_or_default())
    }
}

impl Batch<'_> {
    /// Whom a payout concerns.
    pub(super) fn concerns_payout(&self, id: PayoutId, touched: &mut Touched) -> Result<(), ViewsFault> {
        touched.about = Some(id.0);
        if let Some(row) = self.payout(id)? {
            touched.payee = Some(row.payee);
            (touched.amount, touched.asset) = (Some(row.amount), Some(row.asset));
        }
        Ok(())
    }

    /// Notes where payouts go, that one was asked for, or how far it is.
    pub(super) fn change_payout(&mut self, entry: &Entry, touched: &mut Touched) -> Result<(), ViewsFault> {
        if let Action::SetDestination(it) = &entry.command.action {
            self.name_destination(entry, it)
        } else if let Action::RequestPayout(it) = &entry.command.action {
            self.send_away(entry, it, touched)
        } else if let Action::AdvancePayout(it) = &entry.command.action {
            self.advance(entry, it)
        } else {
            Err(self.disagrees())
        }
    }

    fn name_destination(&self, entry: &Entry, it: &SetDestination) -> Result<(), ViewsFault> {
        let mut row = self.find(PAID_OUT, stored![it.payee], PaidOut::read)?.unwrap_or_default();
        let from = destination_counts(entry.command.by, entry.at);
        row.destinations = row.destinations.named(it.destination, entry.at, from);
        self.save_paid_out(it.payee, row)
    }

    fn send_away(&mut self, entry: &Entry, it: &RequestPayout, touched: &Touched) -> Result<(), ViewsFault> {
        let seq = entry.seq;
        raise(&mut self.subject_mut(Role::Payee, it.payee.0)?.balance.debits, it.amount, seq)?;
        raise(&mut self.asset_mut(it.asset)?.transit.credits, it.amount, seq)?;
        let mut row = self.of_payee(it.payee)?;
        raise(&mut row.in_transit, it.amount, seq)?;
        self.save_paid_out(it.payee, row)?;
        self.run(
            "INSERT INTO payouts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL, NULL, NULL, NULL)",
            stored![
                seq,
                entry.at,
                entry.command.id,
                it.payee,
                touched.owner,
                it.asset,
                it.amount,
                it.destination,
                PayoutStage::Requested,
            ],
        )?;
        Ok(())
    }

    fn advance(&mut self, entry: &Entry, it: &AdvancePayout) -> Result<(), ViewsFault> {
        let (seq, at) = (entry.seq, entry.at);
        let (stage, said) = match it.step {
            PayoutStep::Sent { batch, order } => {
                return self.run_one(
                    "UPDATE payouts SET stage = ?2, batch = ?3, sent = ?4, ordered = ?5 WHERE id = ?1",
                    stored![it.payout, PayoutStage::Sent, batch, at, order],
                );
            }
            PayoutStep::Paid { said } => (PayoutStage::Paid, said),
            PayoutStep::Failed { said } => (PayoutStage::Failed, said),
        };
        let payout = self.payout(it.payout)?.ok_or_else(|| self.disagrees())?;
        let mut row = self.of_payee(payout.payee)?;
        lower(&mut row.in_transit, payout.amount, seq)?;
        raise(&mut self.asset_mut(payout.asset)?.transit.debits, payout.amount, seq)?;
        if stage == PayoutStage::Paid {
            raise(&mut row.paid, payout.amount, seq)?;
            raise(&mut self.asset_mut(payout.asset)?.world.credits, payout.amount, seq)?;
        } else {
            let payee = self.subject_mut(Role::Payee, payout.payee.0)?;
            raise(&mut payee.balance.credits, payout.amount, seq)?;
        }
        self.save_paid_out(payout.payee, row)?;
        self.run_one(
            "UPDATE payouts SET stage = ?2, ended = ?3, said = ?4 WHERE id = ?1",
            stored![it.payout, stage, at, said],
        )
    }

    fn payout(&self, id: PayoutId) -> Result<Option<PayoutRow>, ViewsFault> {
        self.find(select_payout!(" WHERE p.id = ?1"), stored![id], PayoutRow::read)
    }

    fn of_payee(&self, payee: PayeeId) -> Result<PaidOut, ViewsFault> {
        self.find(PAID_OUT, stored![payee], PaidOut::read)?.ok_or_else(|| self.disagrees())
    }

    fn save_paid_out(&self, payee: PayeeId, row: PaidOut) -> Result<(), ViewsFault> {
        self.run(
            "INSERT OR REPLACE INTO paid_out VALUES (?1, ?2, ?3, ?4)",
            stored![payee, Canonical(row.destinations), row.in_transit, row.paid],
        )?;
        Ok(())
    }
}
