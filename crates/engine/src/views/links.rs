//! Payment links: what each asks for, how often it was paid, and what was said with each payment.

use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::Batch;
use crate::views::reader::{Page, View};
use crate::views::stored::{Canonical, Columns, stored};
use book::{
    Action, Amount, Entry, LinkId, OpenLink, Outcome, OwnerId, PayLink, PayeeId, PaymentId, Seq, Time,
};
use evidence::Hash;
use rusqlite::Result;

/// What an owner is asked to pay by: the link, and the digest of what would be said to the seller.
pub type AskedLink = (LinkId, Option<Hash>);

/// The link that an action would pay.
pub(super) fn asked_link(action: &Action) -> Option<AskedLink> {
    if let Action::PayLink(it) = action { Some((it.link, it.message)) } else { None }
}

macro_rules! select_link {
    ($rest:literal) => {
        concat!(
            "SELECT l.seq, l.at, l.id, l.owner, l.payee, l.asked, l.used, l.paid, l.closed FROM payment_links l",
            $rest
        )
    };
}

/// Whether a link may be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStanding {
    /// It may.
    Open,
    /// It was paid as often as it may be.
    Used,
    /// Its time is over.
    Expired,
    /// The seller closed it.
    Closed,
}

impl LinkStanding {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            LinkStanding::Open => "open",
            LinkStanding::Used => "used",
            LinkStanding::Expired => "expired",
            LinkStanding::Closed => "closed",
        }
    }
}

/// What a seller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// The entry that opened it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: LinkId,
    /// Whose the seller is, where an owner's.
    pub owner: Option<OwnerId>,
    /// The seller; of several, the first.
    pub payee: PayeeId,
    /// What is asked for.
    pub asked: OpenLink,
    /// How often it was paid.
    pub used: u32,
    /// What was paid by it.
    pub paid: Amount,
    /// When it was closed.
    pub closed: Option<Time>,
}

impl LinkRow {
    fn read(columns: &mut Columns<'_>) -> Result<LinkRow> {
        Ok(LinkRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            owner: columns.next()?,
            payee: columns.next()?,
            asked: columns.next::<Canonical<OpenLink>>()?.0,
            used: columns.next()?,
            paid: columns.next()?,
            closed: columns.next()?,
        })
    }

    /// How often it may still be paid; none is as often as anybody likes.
    pub fn left(&self) -> Option<u32> {
        self.asked.uses.map(|uses| uses.saturating_sub(self.used))
    }

    /// Whether it may be paid at `now`, in the order in which the book asks.
    pub fn standing(&self, now: Time) -> LinkStanding {
        if self.closed.is_some() {
            LinkStanding::Closed
        } else if self.left() == Some(0) {
            LinkStanding::Used
        } else if self.asked.until <= now {
            LinkStanding::Expired
        } else {
            LinkStanding::Open
        }
    }
}

/// A payment by a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPaymentRow {
    /// Its entry.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub payment: PaymentId,
    /// How much.
    pub amount: Amount,
    /// The digest of what was said with it.
    pub message: Option<Hash>,
}

impl LinkPaymentRow {
    fn read(columns: &mut Columns<'_>) -> Result<LinkPaymentRow> {
        Ok(LinkPaymentRow {
            seq: columns.next()?,
            at: columns.next()?,
            payment: columns.next()?,
            amount: columns.next()?,
            message: columns.next()?,
        })
    }
}

impl View {
    /// A link.
    pub fn link(&self, id: LinkId) -> Result<Option<LinkRow>, ViewsFault> {
        self.find(select_link!(" WHERE l.id = ?1"), stored![id], LinkRow::read)
    }

    /// The links of a seller.
    pub fn links_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<LinkRow>, ViewsFault> {
        let query = select_link!(" WHERE l.payee = ?3 AND l.seq <= ?1 ORDER BY l.seq DESC LIMIT ?2");
        self.page(query, Some(payee.0), cursor, limit, LinkRow::read, |row| row.seq)
    }

    /// What was paid by a link.
    pub fn link_payments(
        &self,
        link: LinkId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<LinkPaymentRow>, ViewsFault> {
        let query = "SELECT seq, at, payment, amount, message FROM link_payments
                     WHERE link = ?3 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2";
        self.page(query, Some(link.0), cursor, limit, LinkPaymentRow::read, |row| row.seq)
    }
}

impl Batch<'_> {
    /// Whom a link concerns.
    pub(super) fn concerns_link(&self, id: LinkId, touched: &mut Touched) -> Result<(), ViewsFault> {
        touched.about = Some(id.0);
        if let Some(row) = self.find(select_link!(" WHERE l.id = ?1"), stored![id], LinkRow::read)? {
            touched.collects(&row.asked.to);
            touched.asset = Some(row.asked.asset);
        }
        Ok(())
    }

    /// Notes that a link was opened, paid or closed.
    pub(super) fn change_link(&mut self, entry: &Entry, touched: &mut Touched) -> Result<(), ViewsFault> {
        let Entry { command, outcome, .. } = entry;
        match (&command.action, outcome) {
            (Action::OpenLink(it), Outcome::Done) => {
                self.run(
                    "INSERT INTO payment_links VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, NULL)",
                    stored![
                        entry.seq,
                        entry.at,
                        command.id,
                        touched.owner,
                        touched.payee,
                        Canonical(it.clone()),
                        Amount::ZERO,
                    ],
                )?;
                Ok(())
            }
            (Action::PayLink(it), Outcome::Paid(_)) => {
                self.note_paid(entry, it)?;
                self.spend(entry, touched)
            }
            (Action::CloseLink(it), Outcome::Done) => {
                self.run_one("UPDATE payment_links SET closed = ?2 WHERE id = ?1", stored![it.link, entry.at])
            }
            _ => Err(self.disagrees()),
        }
    }

    fn note_paid(&self, entry: &Entry, it: &PayLink) -> Result<(), ViewsFault> {
        let row = self.find(select_link!(" WHERE l.id = ?1"), stored![it.link], LinkRow::read)?;
        let row = row.ok_or_else(|| self.disagrees())?;
        let amount = it.purchase.amount;
        let paid = row.paid.checked_add(amount).ok_or_else(|| self.disagrees())?;
        let used = row.used.saturating_add(1);
        self.run_one(
            "UPDATE payment_links SET used = ?2, paid = ?3 WHERE id = ?1",
            stored![it.link, used, paid],
        )?;
        self.run(
            "INSERT INTO link_payments VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            stored![entry.seq, entry.at, it.link, entry.command.id, amount, it.message],
        )?;
        Ok(())
    }
}
