//! Views: the journal as tables to look things up in, in one SQLite file that can be deleted and is then made again.
//!
//! Every row is computed from entries alone; no rule ever reads one. [`Views`] follows the journal and writes, a whole
//! batch and its position in one transaction; [`ViewsReader`] gives out [`View`]s, each of which shows the book at one
//! position.
//!
//! Reading order: `views/schema.rs` says what the tables are, `views/batch.rs` how entries come into them,
//! `views/rows.rs` what comes out, and `views/reader.rs` how.

mod activity;
mod batch;
mod decisions;
mod invoices;
mod links;
mod parties;
mod payouts;
mod purchases;
mod quotas;
mod reader;
mod registry;
mod rows;
mod said;
mod schema;
mod spending;
mod stored;
mod subjects;
mod subscriptions;
mod takings;
mod total;

use crate::follower::{Follower, FollowerFault, Pace};
use crate::journal::BookId;
use batch::{Batch, Memory};
use book::{Entry, Seq};
use rusqlite::{Connection, TransactionBehavior};
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

pub use decisions::Upward;
pub use invoices::{CreditNoteRow, InvoiceLineRow, InvoiceRow};
pub use links::{AskedLink, LinkPaymentRow, LinkRow, LinkStanding};
pub use payouts::{PaidOut, PayoutRow};
pub use quotas::{DeductionRow, QuotaRow, QuotaSums, QuotasOwed};
pub use reader::{Page, View, ViewsReader, Whom};
pub use rows::{
    AgentRow, Answer, AssetRow, BookRow, DecisionRow, Form, KeyRow, MandateRow, MeterRow, OwnerRow, PartRow,
    PayeeRow, PurchaseRow, QuestionRow, RefundRow, Ruling, Spent, State, SubAccount, TransferRow, WalletRow,
};
pub use said::{ChangeRow, ObservationRow};
pub use stored::Kind;
pub use subscriptions::{AskedTerms, Plan, Standing, SubscriptionRow};
pub use takings::{RefusedRow, TAKINGS_NANOS, Takings};
pub use total::Total;

/// Why views could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ViewsFault {
    /// SQLite failed.
    #[error("views: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file could not be reached or deleted.
    #[error("views: {0}")]
    File(#[from] io::Error),
    /// The file is somebody else's database: move it away.
    #[error("`{}` is a database, but not one of views", .0.display())]
    Foreign(PathBuf),
    /// Entries are missing between what was handled and what was given.
    #[error("views want entry `{}`, but were given `{}`", .wanted.0, .given.0)]
    Gap {
        /// The place of the next entry that is wanted.
        wanted: Seq,
        /// The place of the first that was given.
        given: Seq,
    },
    /// The bytes given for this place are no entry, or another place's.
    #[error("entry `{}` is malformed", .0.0)]
    Malformed(Seq),
    /// The entry does not follow from the rows: they are damaged, and made again.
    #[error("entry `{}` does not follow from the views before it; they are made again", .0.0)]
    Disagrees(Seq),
    /// More rows were wanted than one page has.
    #[error("a page has at most {max} rows, not `{0}`", max = crate::limits::VIEWS_PAGE_ROWS_MAX)]
    PageTooLong(usize),
}

impl ViewsFault {
    /// Whether the tables are not what the journal made them.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            ViewsFault::Sqlite(fault) => schema::is_damage(fault),
            ViewsFault::Disagrees(_) => true,
            ViewsFault::File(_)
            | ViewsFault::Foreign(_)
            | ViewsFault::Gap { .. }
            | ViewsFault::Malformed(_)
            | ViewsFault::PageTooLong(_) => false,
        }
    }
}

impl From<ViewsFault> for FollowerFault {
    fn from(fault: ViewsFault) -> FollowerFault {
        FollowerFault(fault.to_string())
    }
}

/// The follower that writes the views.
#[derive(Debug)]
pub struct Views {
    connection: Connection,
    book: BookId,
    reader: ViewsReader,
    position: Seq,
    memory: Memory,
    reached: watch::Sender<Seq>,
}

impl Views {
    /// Opens the views of `book` at `path`, with a handle to read them.
    ///
    /// `durable` is how many entries the journal holds. A file that claims more, is another book's, has the tables of
    /// another release or is damaged is deleted, and made again from the first entry.
    ///
    /// # Errors
    /// [`ViewsFault::Foreign`] where something else is there, and any failure of SQLite or the disk.
    pub fn open(path: &Path, book: BookId, durable: Seq) -> Result<(Views, ViewsReader), ViewsFault> {
        let (connection, position) = schema::open(path, book, durable)?;
        let (reached, positions) = watch::channel(position);
        let reader = ViewsReader::new(path, positions);
        let memory = Memory::default();
        let views = Views { connection, book, reader: reader.clone(), position, memory, reached };
        Ok((views, reader))
    }

    /// Deletes what turned out to be damaged, and begins at the first entry. Who reads meanwhile sees how far it is.
    fn begin_again(&mut self) -> Result<(), ViewsFault> {
        self.memory.forget();
        // The file is deleted below all who have it open: what they hold goes when they let go of it.
        self.connection = schema::again(self.reader.path(), self.book)?;
        self.position = Seq(0);
        self.reached.send_replace(Seq(0));
        self.reader.forget();
        Ok(())
    }

    fn write(&mut self, entries: &[&[u8]]) -> Result<Seq, ViewsFault> {
        let mut position = self.position;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch::new(&transaction, &mut self.memory);
        for bytes in entries {
            let entry = Entry::from_bytes(bytes).map_err(|_| ViewsFault::Malformed(position))?;
            if entry.seq != position {
                return Err(ViewsFault::Malformed(position));
            }
            batch.take(&entry)?;
            position = position.next();
        }
        batch.finish(position)?;
        transaction.commit()?;
        Ok(position)
    }
}

impl Follower for Views {
    fn name(&self) -> &'static str {
        "views"
    }

    fn position(&self) -> Seq {
        self.position
    }

    fn pace(&self) -> Pace {
        Pace::Behind
    }

    fn handle(&mut self, first: Seq, entries: &[&[u8]]) -> Result<(), FollowerFault> {
        if self.reader.was_damaged() {
            self.begin_again()?;
        }
        let Some(behind) = self.position.0.checked_sub(first.0) else {
            let (wanted, given) = (self.position, first);
            return Err(ViewsFault::Gap { wanted, given }.into());
        };
        // What was handled already is given again after a crash.
        let handled = usize::try_from(behind).unwrap_or(usize::MAX);
        let Some(entries) = entries.get(handled..).filter(|entries| !entries.is_empty()) else {
            return Ok(());
        };
        match self.write(entries) {
            Ok(position) => {
                self.position = position;
                self.reached.send_replace(position);
                Ok(())
            }
            Err(fault) => {
                self.memory.forget();
                if fault.is_damage() {
                    self.begin_again()?;
                }
                Err(fault.into())
            }
        }
    }
}
