//! Finding payments, holds, meters, refunds and transfers, and what was spent since a time.

use crate::limits::VIEWS_SUM_ROWS_MAX;
use crate::views::ViewsFault;
use crate::views::reader::{Linked, Page, View, Whom};
use crate::views::rows::{
    Form, MeterRow, PURCHASE_BY_ID, PurchaseRow, RefundRow, Spent, TransferRow, select_purchase,
};
use crate::views::stored::{Canonical, Columns, stored};
use crate::views::subjects::{self, Chain, Role, START};
use book::{
    Account, Amount, HoldId, Id, MeterId, NanosPerUnit, OwnerId, Part, PayeeId, PaymentId, PublicKeyBytes,
    Purchase, RefundId, Rounding, Seq, Time, TransferId, WalletId,
};
use rusqlite::Result;

const REFUND: &str = "SELECT seq, at, id, purchase, amount, wallet, parts FROM refunds";

macro_rules! select_transfer {
    ($rest:literal) => {
        concat!(
            "SELECT t.seq, t.at, t.id, t.source, t.destination, t.amount, t.asset FROM transfers t",
            $rest
        )
    };
}

impl View {
    /// A payment.
    pub fn payment(&self, id: PaymentId) -> Result<Option<PurchaseRow>, ViewsFault> {
        let found = self.purchase(id.0)?;
        Ok(found.filter(|row| row.form == Form::Payment))
    }

    /// A hold, that of a meter too.
    pub fn hold(&self, id: HoldId) -> Result<Option<PurchaseRow>, ViewsFault> {
        let found = self.purchase(id.0)?;
        Ok(found.filter(|row| row.form != Form::Payment))
    }

    /// A payment, hold or meter, by what all of them are named with.
    pub fn purchase(&self, id: Id) -> Result<Option<PurchaseRow>, ViewsFault> {
        self.find(PURCHASE_BY_ID, stored![id], PurchaseRow::read)
    }

    /// A meter.
    pub fn meter(&self, id: MeterId) -> Result<Option<MeterRow>, ViewsFault> {
        let Some(purchase) = self.purchase(id.0)? else {
            return Ok(None);
        };
        let query =
            "SELECT rates, rounding, sequence, charges, total, carry, voucher_key FROM meters WHERE seq = ?1";
        let seq = purchase.seq;
        self.find(query, stored![seq], |columns| {
            Ok(MeterRow {
                purchase,
                rates: columns.next::<Canonical<Vec<NanosPerUnit>>>()?.0,
                rounding: columns.next::<Canonical<Rounding>>()?.0,
                sequence: columns.next()?,
                charges: columns.next()?,
                total: columns.next()?,
                carry: columns.next()?,
                voucher_key: columns.next::<Option<Canonical<PublicKeyBytes>>>()?.map(|key| key.0),
            })
        })
    }

    /// Payments.
    pub fn payments(
        &self,
        of: Whom,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<PurchaseRow>, ViewsFault> {
        let Some(subject) = of.subject() else {
            let query =
                select_purchase!(" FROM purchases p WHERE form = 1 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2");
            return self.page(query, None, cursor, limit, PurchaseRow::read, |row| row.seq);
        };
        let read = |seq| self.in_chain(subject, Chain::Payments, seq);
        self.chain(subject, Chain::Payments, cursor, limit, read)
    }

    /// Holds, those of meters too, whether they are over or not.
    pub fn holds(
        &self,
        of: Whom,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<PurchaseRow>, ViewsFault> {
        let Some(subject) = of.subject() else {
            let query = select_purchase!(
                " FROM purchases p WHERE form <> 1 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2"
            );
            return self.page(query, None, cursor, limit, PurchaseRow::read, |row| row.seq);
        };
        let read = |seq| self.in_chain(subject, Chain::Holds, seq);
        self.chain(subject, Chain::Holds, cursor, limit, read)
    }

    /// The holds of a wallet that are not over.
    pub fn open_holds(
        &self,
        wallet: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<PurchaseRow>, ViewsFault> {
        let query = select_purchase!(
            " FROM purchases p WHERE held_from = ?3 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2"
        );
        self.page(query, Some(wallet.0), cursor, limit, PurchaseRow::read, |row| row.seq)
    }

    /// A refund.
    pub fn refund(&self, id: RefundId) -> Result<Option<RefundRow>, ViewsFault> {
        let query = "SELECT r.seq, r.at, r.id, r.purchase, r.amount, r.wallet, r.parts
                     FROM decisions d JOIN refunds r ON r.seq = d.seq WHERE d.id = ?1 AND d.kind <> 29";
        self.find(query, stored![id], refund)
    }

    /// The refunds of a purchase, oldest first, up to `limit`.
    pub fn refunds_of(&self, purchase: &PurchaseRow, limit: usize) -> Result<Vec<RefundRow>, ViewsFault> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let query = format!("{REFUND} WHERE purchase = ?1 ORDER BY seq LIMIT ?2");
        self.all(&query, stored![purchase.seq, limit], refund)
    }

    /// A transfer.
    pub fn transfer(&self, id: TransferId) -> Result<Option<TransferRow>, ViewsFault> {
        let query = select_transfer!(" JOIN decisions d ON d.seq = t.seq WHERE d.id = ?1 AND d.kind <> 29");
        self.find(query, stored![id], transfer)
    }

    /// All transfers.
    pub fn transfers(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<TransferRow>, ViewsFault> {
        let query = select_transfer!(" WHERE t.seq <= ?1 ORDER BY t.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, transfer, |row| row.seq)
    }

    /// The transfers to and from a wallet.
    pub fn transfers_of_wallet(
        &self,
        wallet: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<TransferRow>, ViewsFault> {
        self.transfers_of(wallet.0, cursor, limit)
    }

    /// The transfers to and from a payee.
    pub fn transfers_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<TransferRow>, ViewsFault> {
        self.transfers_of(payee.0, cursor, limit)
    }

    /// The transfers to and from an owner's wallets and payees.
    pub fn transfers_of_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<TransferRow>, ViewsFault> {
        let query = select_transfer!(
            " WHERE t.seq <= ?1 AND t.seq IN (SELECT a.seq FROM transfer_accounts a WHERE a.account IN
             (SELECT id FROM wallets WHERE owner = ?3 UNION ALL SELECT id FROM payees WHERE owner = ?3))
             ORDER BY t.seq DESC LIMIT ?2"
        );
        self.page(query, Some(owner.0), cursor, limit, transfer, |row| row.seq)
    }

    fn transfers_of(
        &self,
        account: Id,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<TransferRow>, ViewsFault> {
        let query = select_transfer!(
            " JOIN transfer_accounts a ON a.seq = t.seq WHERE a.account = ?3 AND a.seq <= ?1
             ORDER BY a.seq DESC LIMIT ?2"
        );
        self.page(query, Some(account), cursor, limit, transfer, |row| row.seq)
    }

    /// What a wallet, agent, mandate or owner spent from `since` on: held money included, what was given back not. Uses
    /// are all purchases, also those that were voided, as limits on velocity count them.
    ///
    /// Adds up at most [`VIEWS_SUM_ROWS_MAX`] purchases; none where there were more.
    pub fn spent_since(&self, of: Whom, since: Time) -> Result<Option<Spent>, ViewsFault> {
        let Some((role, id)) = of.subject() else {
            return Ok(None);
        };
        let Some(subject) = subjects::read(self.connection(), role, id)? else {
            return Ok(Some(Spent::default()));
        };
        let mut spent = Spent::default();
        let mut read = 0usize;
        for chain in [Chain::Payments, Chain::Holds] {
            let mut at = subject.last(chain);
            while let Some(seq) = at {
                let Some((row, before)) = self.in_chain((role, id), chain, seq)? else {
                    break;
                };
                let before = match before {
                    Some(before) => Some(before),
                    None => self.linked(id, chain, seq)?,
                };
                let Some(before) = before else { break };
                if row.at < since {
                    break;
                }
                if read == VIEWS_SUM_ROWS_MAX {
                    return Ok(None);
                }
                read = read.saturating_add(1);
                let kept = row.purchase.amount.saturating_sub(row.released);
                let Some(sum) = spent.amount.checked_add(kept) else {
                    return Ok(None);
                };
                spent.amount = sum;
                spent.uses = spent.uses.saturating_add(1);
                at = Some(before).filter(|before| *before != START);
            }
        }
        Ok(Some(spent))
    }

    /// The purchase at a place, and the one before it in the list of a subject that it has a column for.
    fn in_chain(
        &self,
        (role, id): (Role, Id),
        chain: Chain,
        seq: Seq,
    ) -> Result<Option<Linked<PurchaseRow>>, ViewsFault> {
        let query = select_purchase!(
            ", p.owner_before, p.wallet_before, p.agent_before, p.payee_before, p.mandate_before
             FROM purchases p WHERE p.seq = ?1"
        );
        let found = self.find(query, stored![seq], |columns| {
            let row = PurchaseRow::read(columns)?;
            let before = befores(columns)?;
            Ok((row, before))
        })?;
        let Some((row, [owner, wallet, agent, payee, mandate])) = found else {
            return Ok(None);
        };
        let listed = match row.form {
            Form::Payment | Form::Subscription => Chain::Payments,
            Form::Hold | Form::Meter | Form::Escrow => Chain::Holds,
        };
        if listed != chain {
            return Ok(None);
        }
        let (named, before) = match role {
            Role::Owner => (row.owner.map(|id| id.0), owner),
            Role::Wallet => (Some(row.purchase.wallet.0), wallet),
            Role::Agent => (row.agent.map(|id| id.0), agent),
            Role::Payee => (first_payee(&row.purchase), payee),
            Role::Mandate => (row.purchase.mandate.map(|id| id.0), mandate),
        };
        let before = before.filter(|_| named == Some(id));
        Ok(Some((row, before)))
    }
}

/// What is before a row in the lists of its owner, wallet, agent, payee and mandate.
pub(super) fn befores(columns: &mut Columns<'_>) -> Result<[Option<Seq>; 5]> {
    Ok([columns.next()?, columns.next()?, columns.next()?, columns.next()?, columns.next()?])
}

fn first_payee(purchase: &Purchase) -> Option<Id> {
    purchase.to.each().next().map(|payee| payee.0)
}

fn refund(columns: &mut Columns<'_>) -> Result<RefundRow> {
    Ok(RefundRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        purchase: columns.next()?,
        amount: columns.next::<Amount>()?,
        wallet: columns.next()?,
        parts: columns.next::<Canonical<Vec<Part>>>()?.0,
    })
}

fn transfer(columns: &mut Columns<'_>) -> Result<TransferRow> {
    Ok(TransferRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        from: columns.next::<Canonical<Account>>()?.0,
        to: columns.next::<Canonical<Account>>()?.0,
        amount: columns.next()?,
        asset: columns.next()?,
    })
}
