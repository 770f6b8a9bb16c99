//! Subjects: those with money or a list, whose standing nearly every entry changes.
//!
//! It is kept in memory while a batch is handled and written once at its end, as small as can be: a batch touches many
//! subjects, and each page of the table that it touches is written.

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
    /// The entry that made it, by which its standing is found.
    seq: Seq,
    role: Role,
    /// Of a wallet and a payee: whose it is.
    pub(super) owner: Option<OwnerId>,
    /// Of an agent and a mandate: which wallet's.
    pub(super) wallet: Option<WalletId>,
    pub(super) balance: Balance,
    pub(super) spent: Amount,
    pub(super) uses: u64,
    last: Last,
    saved: Saved,
    /// Of a mandate: whether there is one above it.
    pub(super) is_delegated: bool,
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

/// The ends of its lists; [`START`] where a list is empty.
#[derive(Clone, Copy, Debug)]
struct Last {
    decision: Seq,
    payment: Seq,
    hold: Seq,
}

impl Subject {
    /// A subject that the entry at `seq` made.
    pub(super) fn new(seq: Seq, role: Role, owner: Option<OwnerId>, wallet: Option<WalletId>) -> Subject {
        Subject {
            seq,
            role,
            owner,
            wallet,
            balance: Balance::default(),
            spent: Amount::ZERO,
            uses: 0,
            last: Last { decision: START, payment: START, hold: START },
            saved: Saved::Never,
            is_delegated: false,
        }
    }

    fn read(role: Role, columns: &mut Columns<'_>) -> rusqlite::Result<Subject> {
        Ok(Subject {
            seq: columns.next()?,
            role,
            owner: columns.next()?,
            wallet: columns.next()?,
            is_delegated: columns.next()?,
            balance: Balance { debits: columns.next()?, credits: columns.next()?, held: columns.next()? },
            spent: columns.next()?,
            uses: columns.next()?,
            last: Last { decision: columns.next()?, payment: columns.next()?, hold: columns.next()? },
            saved: Saved::Same,
        })
    }

    /// The end of a list, where it is not empty.
    pub(super) fn last(&self, chain: Chain) -> Option<Seq> {
        let last = match chain {
            Chain::Decisions => self.last.decision,
            Chain::Payments => self.last.payment,
            Chain::Holds => self.last.hold,
        };
        Some(last).filter(|last| *last != START)
    }

    fn last_mut(&mut self, chain: Chain) -> &mut Seq {
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
    changed: Vec<(Seq, Id)>,
}

impl Subjects {
    /// Adds a subject that was just made.
    pub(super) fn add(&mut self, id: Id, subject: Subject) {
        self.changed.push((subject.seq, id));
        self.known.insert(id, subject);
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
            changed.push((subject.seq, id));
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
        if *last == seq {
            return Ok(None);
        }
        Ok(Some(std::mem::replace(last, seq)))
    }

    /// Writes what changed, in the order of the table.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), ViewsFault> {
        const INSERT: &str = "INSERT INTO standings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        const UPDATE: &str =
            "UPDATE standings SET debits = ?2, credits = ?3, held = ?4, spent = ?5, uses = ?6,
             last_decision = ?7, last_payment = ?8, last_hold = ?9 WHERE seq = ?1";
        let mut insert = connection.prepare_cached(INSERT)?;
        let mut update = connection.prepare_cached(UPDATE)?;
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        if VIEWS_SUBJECTS_MAX < self.known.len() {
            self.known.retain(|_, subject| subject.saved != Saved::Same);
        }
        for (seq, id) in changed {
            let subject = self.known.get_mut(&id).expect("what changed is known");
            let statement = match std::mem::replace(&mut subject.saved, Saved::Same) {
                Saved::Same => continue,
                Saved::Never => &mut insert,
                Saved::Older => &mut update,
            };
            let Subject { balance, last, .. } = subject;
            statement.execute(stored![
                seq,
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
        Entry::Vacant(place) => match read(connection, role, id)? {
            Some(found) => place.insert(found),
            None => return Ok(None),
        },
    };
    Ok(Some(subject).filter(|subject| subject.role == role))
}

/// The subject as it is written, where there is one of this role.
pub(super) fn read(connection: &Connection, role: Role, id: Id) -> Result<Option<Subject>, ViewsFault> {
    macro_rules! query {
        ($columns:literal, $table:literal) => {
            concat!(
                "SELECT t.seq, ",
                $columns,
                ", s.debits, s.credits, s.held, s.spent, s.uses, s.last_decision, s.last_payment, s.last_hold FROM ",
                $table,
                " t JOIN standings s ON s.seq = t.seq WHERE t.id = ?1"
            )
        };
    }
    let mut statement = connection.prepare_cached(match role {
        Role::Owner => query!("NULL, NULL, 0", "owners"),
        Role::Wallet => query!("t.owner, NULL, 0", "wallets"),
        Role::Payee => query!("t.owner, NULL, 0", "payees"),
        Role::Agent => query!("NULL, t.wallet, 0", "agents"),
        Role::Mandate => query!("NULL, t.wallet, t.parent IS NOT NULL", "mandates"),
    })?;
    Ok(statement.query_row(stored![id], |row| Subject::read(role, &mut Columns::of(row))).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_takes_160_bytes_in_memory() {
        assert!(size_of::<(Id, Subject)>() <= 160);
    }
}
