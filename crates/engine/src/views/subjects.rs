//! Subjects: the rows that nearly every entry changes, kept in memory while a batch is handled and written once at its end.

use crate::limits::VIEWS_SUBJECTS_MAX;
use crate::views::ViewsFault;
use crate::views::stored::{Columns, numbered, stored};
use book::open::Balance;
use book::{Amount, Id, OwnerId, Seq, WalletId};
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Owner,
    Wallet,
    Payee,
    Agent,
    Mandate,
}

numbered!(Role { 1 Owner, 2 Wallet, 3 Payee, 4 Agent, 5 Mandate, });

/// Which list of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    Decisions,
    Payments,
    Holds,
}

numbered!(Chain { 1 Decisions, 2 Payments, 3 Holds, });

/// Where a chain ends. The first entry of a book opens it and concerns no subject, so nothing else is there.
pub(super) const START: Seq = Seq(0);

/// Whoever has a list of decisions, with their money and what they spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) role: Role,
    /// Of everything but an owner: whose it is.
    pub(super) owner: Option<OwnerId>,
    /// Of an agent and a mandate: which wallet's.
    pub(super) wallet: Option<WalletId>,
    pub(super) balance: Balance,
    pub(super) spent: Amount,
    pub(super) uses: u64,
    last: Last,
    saved: Saved,
}

/// How a subject in memory compares with its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    /// There is no row yet.
    Never,
    /// The row is older.
    Older,
    /// They are the same.
    Same,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    decision: Option<Seq>,
    payment: Option<Seq>,
    hold: Option<Seq>,
}

impl Subject {
    pub(super) fn new(role: Role, owner: Option<OwnerId>, wallet: Option<WalletId>) -> Subject {
        Subject {
            role,
            owner,
            wallet,
            balance: Balance::default(),
            spent: Amount::ZERO,
            uses: 0,
            last: Last::default(),
            saved: Saved::Never,
        }
    }

    pub(super) fn read(columns: &mut Columns<'_>) -> rusqlite::Result<Subject> {
        Ok(Subject {
            role: columns.next()?,
            owner: columns.next()?,
            wallet: columns.next()?,
            balance: Balance { debits: columns.next()?, credits: columns.next()?, held: columns.next()? },
            spent: columns.next()?,
            uses: columns.next()?,
            last: Last { decision: columns.next()?, payment: columns.next()?, hold: columns.next()? },
            saved: Saved::Same,
        })
    }

    pub(super) fn last(&self, chain: Chain) -> Option<Seq> {
        match chain {
            Chain::Decisions => self.last.decision,
            Chain::Payments => self.last.payment,
            Chain::Holds => self.last.hold,
        }
    }

    fn last_mut(&mut self, chain: Chain) -> &mut Option<Seq> {
        match chain {
            Chain::Decisions => &mut self.last.decision,
            Chain::Payments => &mut self.last.payment,
            Chain::Holds => &mut self.last.hold,
        }
    }
}

/// The subjects that were needed of late, and those of them that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    known: HashMap<Id, Subject>,
    changed: Vec<Id>,
}

impl Subjects {
    /// Adds a subject that was just made.
    pub(super) fn add(&mut self, id: Id, subject: Subject) {
        self.known.insert(id, subject);
        self.changed.push(id);
    }

    /// The subject, where there is one of this role.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        role: Role,
        id: Id,
    ) -> Result<Option<Subject>, ViewsFault> {
        Ok(reach(&mut self.known, connection, role, id)?.copied())
    }

    /// The subject, to change it, where there is one of this role.
    pub(super) fn find_mut(
        &mut self,
        connection: &Connection,
        role: Role,
        id: Id,
    ) -> Result<Option<&mut Subject>, ViewsFault> {
        let Subjects { known, changed } = self;
        let Some(subject) = reach(known, connection, role, id)? else {
            return Ok(None);
        };
        if subject.saved == Saved::Same {
            subject.saved = Saved::Older;
            changed.push(id);
        }
        Ok(Some(subject))
    }

    /// Puts the entry at `seq` at the end of a list of the subject. Answers what was last before, [`START`] where nothing
    /// was; none where the subject is unknown or the entry is in its list already.
    pub(super) fn link(
        &mut self,
        connection: &Connection,
        role: Role,
        id: Id,
        chain: Chain,
        seq: Seq,
    ) -> Result<Option<Seq>, ViewsFault> {
        let Some(subject) = self.find_mut(connection, role, id)? else {
            return Ok(None);
        };
        let last = subject.last_mut(chain);
        if *last == Some(seq) {
            return Ok(None);
        }
        Ok(Some(last.replace(seq).unwrap_or(START)))
    }

    /// Writes what changed, in the order of the table.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), ViewsFault> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO subjects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        let mut update = connection.prepare_cached(
            "UPDATE subjects SET debits = ?2, credits = ?3, held = ?4, spent = ?5, uses = ?6, last_decision = ?7,
             last_payment = ?8, last_hold = ?9 WHERE id = ?1",
        )?;
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        for id in changed {
            let subject = self.known.get_mut(&id).expect("what changed is known");
            let saved = std::mem::replace(&mut subject.saved, Saved::Same);
            let Subject { balance, last, .. } = subject;
            match saved {
                Saved::Same => {}
                Saved::Never => {
                    insert.execute(stored![
                        id,
                        subject.role,
                        subject.owner,
                        subject.wallet,
                        balance.debits,
                        balance.credits,
                        balance.held,
                        subject.spent,
                        subject.uses,
                        last.decision,
                        last.payment,
                        last.hold,
                    ])?;
                }
                Saved::Older => {
                    update.execute(stored![
                        id,
                        balance.debits,
                        balance.credits,
                        balance.held,
                        subject.spent,
                        subject.uses,
                        last.decision,
                        last.payment,
                        last.hold,
                    ])?;
                }
            }
        }
        if VIEWS_SUBJECTS_MAX < self.known.len() {
            self.known.clear();
        }
        Ok(())
    }

    /// Forgets everything, also what was not written.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.changed.clear();
    }
}

/// The subject in memory, where there is one of this role; it is read if it was not needed of late.
fn reach<'k>(
    known: &'k mut HashMap<Id, Subject>,
    connection: &Connection,
    role: Role,
    id: Id,
) -> Result<Option<&'k mut Subject>, ViewsFault> {
    let subject = match known.entry(id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => match read(connection, id)? {
            Some(found) => place.insert(found),
            None => return Ok(None),
        },
    };
    Ok(Some(subject).filter(|subject| subject.role == role))
}

/// The subject as it is written.
pub(super) fn read(connection: &Connection, id: Id) -> Result<Option<Subject>, ViewsFault> {
    let mut statement = connection.prepare_cached(
        "SELECT role, owner, wallet, debits, credits, held, spent, uses, last_decision, last_payment, last_hold
         FROM subjects WHERE id = ?1",
    )?;
    Ok(statement.query_row(stored![id], |row| Subject::read(&mut Columns::of(row))).optional()?)
}
