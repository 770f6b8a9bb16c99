//! A batch: entries on their way into the tables, all in one transaction.
//!
//! Each entry is taken apart into whom it concerns (`activity.rs`) and what it changed: who is who (`parties.rs`), and
//! whose the money is (`spending.rs`).

use crate::views::ViewsFault;
use crate::views::stored::{Columns, stored};
use crate::views::subjects::{Role, Subject, Subjects};
use crate::views::takings::Sums;
use book::open::Balance;
use book::{Amount, Code, Entry, Id, Outcome, Seq, Time};
use rusqlite::{Connection, OptionalExtension};

/// What is kept in memory from one batch to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    subjects: Subjects,
    sums: Sums,
    /// The assets' own accounts; none before they were read.
    assets: Option<Vec<AssetAccounts>>,
}

impl Memory {
    /// Forgets everything: what a batch that failed changed must not be written by the next.
    pub(super) fn forget(&mut self) {
        self.subjects.forget();
        self.sums.forget();
        self.assets = None;
    }
}

/// The three accounts of an asset.
#[derive(Debug)]
pub(super) struct AssetAccounts {
    code: Code,
    pub(super) world: Balance,
    pub(super) fees: Balance,
    pub(super) transit: Balance,
    changed: bool,
}

/// Entries being handled.
pub(super) struct Batch<'b> {
    pub(super) connection: &'b Connection,
    memory: &'b mut Memory,
    /// The entry being handled.
    pub(super) seq: Seq,
    /// When it was made.
    pub(super) at: Time,
}

impl<'b> Batch<'b> {
    pub(super) fn new(connection: &'b Connection, memory: &'b mut Memory) -> Batch<'b> {
        Batch { connection, memory, seq: Seq(0), at: Time(0) }
    }

    /// Takes the next entry in.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), ViewsFault> {
        (self.seq, self.at) = (entry.seq, entry.at);
        let mut touched = self.touched(&entry.command)?;
        match &entry.outcome {
            Outcome::Denied(refusal) => {
                self.note_failure(entry, refusal)?;
                self.refuse(entry, refusal, touched.owner)?;
            }
            Outcome::Asked(question) => self.ask(entry, question, &touched)?,
            Outcome::Done
            | Outcome::Paid(_)
            | Outcome::Held(_)
            | Outcome::Captured(_)
            | Outcome::Released(_)
            | Outcome::Refunded(_)
            | Outcome::Charged(_)
            | Outcome::Settled(_)
            | Outcome::Subscribed(_)
            | Outcome::Invoiced(_)
            | Outcome::Credited(_) => self.change(entry, &mut touched)?,
        }
        self.decision(entry, touched)
    }

    /// Writes what was changed in memory, and how far the views are.
    pub(super) fn finish(self, position: Seq) -> Result<(), ViewsFault> {
        self.memory.subjects.write(self.connection)?;
        self.memory.sums.write(self.connection)?;
        let changed = |accounts: &&AssetAccounts| accounts.changed;
        for AssetAccounts { code, world, fees, transit, .. } in
            self.memory.assets.iter().flatten().filter(changed)
        {
            self.run_one(
                "UPDATE assets SET world_debits = ?2, world_credits = ?3, fees_debits = ?4, fees_credits = ?5,
                 transit_debits = ?6, transit_credits = ?7 WHERE code = ?1",
                stored![
                    *code,
                    world.debits,
                    world.credits,
                    fees.debits,
                    fees.credits,
                    transit.debits,
                    transit.credits,
                ],
            )?;
        }
        for accounts in self.memory.assets.iter_mut().flatten() {
            accounts.changed = false;
        }
        self.run("UPDATE progress SET position = ?1", stored![position])?;
        Ok(())
    }

    /// Executes a statement and answers how many rows it changed.
    pub(super) fn run(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> Result<usize, ViewsFault> {
        Ok(self.connection.prepare_cached(statement)?.execute(values)?)
    }

    /// Executes a statement that has to change one row, which an entry before this one made.
    pub(super) fn run_one(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> Result<(), ViewsFault> {
        match self.run(statement, values)? {
            1 => Ok(()),
            _ => Err(self.disagrees()),
        }
    }

    /// The one row a query finds, if it finds one.
    pub(super) fn find<T>(
        &self,
        query: &str,
        values: &[&dyn rusqlite::ToSql],
        read: impl FnOnce(&mut Columns<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, ViewsFault> {
        let mut statement = self.connection.prepare_cached(query)?;
        Ok(statement.query_row(values, |row| read(&mut Columns::of(row))).optional()?)
    }

    /// The entry does not follow from the rows that the entries before it made.
    pub(super) fn disagrees(&self) -> ViewsFault {
        ViewsFault::Disagrees(self.seq)
    }

    pub(super) fn subject(&mut self, role: Role, id: Id) -> Result<Option<Subject>, ViewsFault> {
        self.memory.subjects.find(self.connection, role, id)
    }

    /// A subject that an entry before this one made, to change it.
    pub(super) fn subject_mut(&mut self, role: Role, id: Id) -> Result<&mut Subject, ViewsFault> {
        let missing = self.disagrees();
        self.memory.subjects.find_mut(self.connection, role, id)?.ok_or(missing)
    }

    pub(super) fn subjects(&mut self) -> &mut Subjects {
        &mut self.memory.subjects
    }

    pub(super) fn sums(&mut self) -> &mut Sums {
        &mut self.memory.sums
    }

    pub(super) fn add_subject(&mut self, id: Id, subject: Subject) {
        self.memory.subjects.add(id, subject);
    }

    /// The accounts of an asset, to change them.
    pub(super) fn asset_mut(&mut self, code: Code) -> Result<&mut AssetAccounts, ViewsFault> {
        let missing = self.disagrees();
        let accounts = self.assets()?.iter_mut().find(|accounts| accounts.code == code);
        let accounts = accounts.ok_or(missing)?;
        accounts.changed = true;
        Ok(accounts)
    }

    pub(super) fn add_asset(&mut self, code: Code) -> Result<(), ViewsFault> {
        self.assets()?.push(AssetAccounts {
            code,
            world: Balance::default(),
            fees: Balance::default(),
            transit: Balance::default(),
            changed: false,
        });
        Ok(())
    }

    fn assets(&mut self) -> Result<&mut Vec<AssetAccounts>, ViewsFault> {
        if self.memory.assets.is_none() {
            let mut statement = self.connection.prepare_cached(
                "SELECT code, world_debits, world_credits, fees_debits, fees_credits, transit_debits, transit_credits
                 FROM assets ORDER BY seq",
            )?;
            let rows = statement.query_map((), |row| {
                let mut columns = Columns::of(row);
                Ok(AssetAccounts {
                    code: columns.next()?,
                    world: balance(columns.next()?, columns.next()?),
                    fees: balance(columns.next()?, columns.next()?),
                    transit: balance(columns.next()?, columns.next()?),
                    changed: false,
                })
            })?;
            self.memory.assets = Some(rows.collect::<rusqlite::Result<_>>()?);
        }
        Ok(self.memory.assets.get_or_insert_default())
    }
}

/// Money that is not held.
pub(super) fn balance(debits: Amount, credits: Amount) -> Balance {
    Balance { debits, credits, held: Amount::ZERO }
}

/// Adds to a sum. What the book could add up fits.
pub(super) fn raise(sum: &mut Amount, by: Amount, seq: Seq) -> Result<(), ViewsFault> {
    *sum = sum.checked_add(by).ok_or(ViewsFault::Disagrees(seq))?;
    Ok(())
}

/// Takes from a sum. What the book could take was there.
pub(super) fn lower(sum: &mut Amount, by: Amount, seq: Seq) -> Result<(), ViewsFault> {
    *sum = sum.checked_sub(by).ok_or(ViewsFault::Disagrees(seq))?;
    Ok(())
}
