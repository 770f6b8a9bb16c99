//! A saved book: its rows as bytes, so that a book can be had again without its journal being read from the beginning.
//!
//! | piece | what |
//! | --- | --- |
//! | first | 0, then the head, the secret, the settings, the assets, and how many rows each table has |
//! | others | the number of a table, then its next rows, each behind its identifier |
//!
//! Tables come in the order of their numbers and rows in the order of their places, for rows name each other by place.
//! What follows from the rows is not saved: the indexes, and which holds are open until when. A book and its saved form
//! stand for each other byte for byte (I7).

use crate::book::{Book, Head};
use crate::canon::{Canon, Malformed, Reader, canon_struct};
use crate::id::Id;
use crate::limits::PIECE_BYTES;
use crate::open::{AssetRow, Settings};
use crate::record::Record;
use crate::table::{Queue, Secret, Table};

/// The number of the first piece.
const OPENING: u8 = 0;

/// How many rows each table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    owners: u64,
    keys: u64,
    wallets: u64,
    payees: u64,
    agents: u64,
    mandates: u64,
    records: u64,
    questions: u64,
    quotas: u64,
    subscriptions: u64,
    invoices: u64,
    links: u64,
    payouts: u64,
}

canon_struct!(Rows {
    owners,
    keys,
    wallets,
    payees,
    agents,
    mandates,
    records,
    questions,
    quotas,
    subscriptions,
    invoices,
    links,
    payouts
});

impl Rows {
    fn of(book: &Book) -> Rows {
        Rows {
            owners: count(book.owners.rows()),
            keys: count(book.keys.rows()),
            wallets: count(book.wallets.rows()),
            payees: count(book.payees.rows()),
            agents: count(book.agents.rows()),
            mandates: count(book.mandates.rows()),
            records: count(book.records.rows()),
            questions: count(book.questions.rows()),
            quotas: count(book.quotas.rows()),
            subscriptions: count(book.subscriptions.rows()),
            invoices: count(book.invoices.rows()),
            links: count(book.links.rows()),
            payouts: count(book.payouts.rows()),
        }
    }
}

fn count<T>(rows: impl Iterator<Item = T>) -> u64 {
    u64::try_from(rows.count()).expect("rows in memory are fewer than 2^64")
}

impl Book {
    /// Hands everything that the rules may know to `take`, piece by piece: to be kept in a safe place, for it holds what
    /// the digests of requests are keyed with.
    ///
    /// # Errors
    /// The first one of `take`.
    pub fn save<E>(&self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut opening = vec![OPENING];
        self.head.encode(&mut opening);
        self.secret.encode(&mut opening);
        self.settings.encode(&mut opening);
        self.assets.encode(&mut opening);
        Rows::of(self).encode(&mut opening);
        take(&opening)?;
        save(1, self.owners.rows(), &mut take)?;
        save(2, self.keys.rows(), &mut take)?;
        save(3, self.wallets.rows(), &mut take)?;
        save(4, self.payees.rows(), &mut take)?;
        save(5, self.agents.rows(), &mut take)?;
        save(6, self.mandates.rows(), &mut take)?;
        save(7, self.records.rows(), &mut take)?;
        save(8, self.questions.rows(), &mut take)?;
        save(9, self.quotas.rows(), &mut take)?;
        save(10, self.subscriptions.rows(), &mut take)?;
        save(11, self.invoices.rows(), &mut take)?;
        save(12, self.links.rows(), &mut take)?;
        save(13, self.payouts.rows(), &mut take)
    }
}

fn save<'a, R: Canon + 'a, E>(
    table: u8,
    rows: impl Iterator<Item = &'a (Id, R)>,
    take: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = vec![table];
    for (id, row) in rows {
        id.encode(&mut piece);
        row.encode(&mut piece);
        if PIECE_BYTES <= piece.len() {
            take(&piece)?;
            piece.truncate(1);
        }
    }
    if 1 < piece.len() { take(&piece) } else { Ok(()) }
}

/// A book that is being put together from its pieces.
///
/// Whoever has them vouches that they are what [`Book::save`] gave; here only their shape is checked.
#[derive(Debug, Default)]
pub struct Restoring {
    book: Book,
    rows: Option<Rows>,
    /// The number of the piece before.
    last: u8,
}

impl Restoring {
    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Malformed`] where it is none, or not the next. What was put together so far is then of no use.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Malformed> {
        let mut input = Reader::new(piece);
        let number = input.byte()?;
        if number < self.last || (number == OPENING) != self.rows.is_none() {
            return Err(Malformed);
        }
        self.last = number;
        let book = &mut self.book;
        match number {
            OPENING => {
                book.head = Head::decode(&mut input)?;
                book.secret = Secret::decode(&mut input)?;
                book.settings = Option::<Settings>::decode(&mut input)?;
                book.assets = Vec::<AssetRow>::decode(&mut input)?;
                self.rows = Some(Rows::decode(&mut input)?);
                input.finish()
            }
            1 => fill(&mut book.owners, input),
            2 => fill(&mut book.keys, input),
            3 => fill(&mut book.wallets, input),
            4 => fill(&mut book.payees, input),
            5 => fill(&mut book.agents, input),
            6 => fill(&mut book.mandates, input),
            7 => self.fill_records(input),
            8 => fill_queue(&mut book.questions, input),
            9 => fill(&mut book.quotas, input),
            10 => self.fill_subscriptions(input),
            11 => fill(&mut book.invoices, input),
            12 => fill(&mut book.links, input),
            13 => fill(&mut book.payouts, input),
            _ => Err(Malformed),
        }
    }

    /// The book, once all pieces were taken.
    ///
    /// # Errors
    /// [`Malformed`] where there have to be more.
    pub fn finish(self) -> Result<Book, Malformed> {
        if self.rows == Some(Rows::of(&self.book)) { Ok(self.book) } else { Err(Malformed) }
    }

    fn fill_subscriptions(&mut self, input: Reader<'_>) -> Result<(), Malformed> {
        let before = self.book.subscriptions.rows().count();
        fill(&mut self.book.subscriptions, input)?;
        let filled = self.book.subscriptions.rows().skip(before);
        let tries = filled.filter_map(|(id, row)| Some((row.next_try()?, *id)));
        self.book.renewals.extend(tries);
        Ok(())
    }

    fn fill_records(&mut self, mut input: Reader<'_>) -> Result<(), Malformed> {
        while !input.is_empty() {
            let (id, record) = <(Id, Record)>::decode(&mut input)?;
            if self.book.records.get(id).is_some() {
                return Err(Malformed);
            }
            if let Some(hold) = record.hold().filter(|hold| hold.open) {
                self.book.expiries.insert((hold.expires_at, id));
            }
            self.book.records.push(id, record);
        }
        Ok(())
    }
}

fn fill<R: Canon>(table: &mut Table<R>, mut input: Reader<'_>) -> Result<(), Malformed> {
    while !input.is_empty() {
        let (id, row) = <(Id, R)>::decode(&mut input)?;
        if table.find(id).is_some() {
            return Err(Malformed);
        }
        table.insert(id, row);
    }
    Ok(())
}

fn fill_queue<R: Canon>(queue: &mut Queue<R>, mut input: Reader<'_>) -> Result<(), Malformed> {
    while !input.is_empty() {
        let (id, row) = <(Id, R)>::decode(&mut input)?;
        if queue.get(id).is_some() {
            return Err(Malformed);
        }
        queue.push(id, row);
    }
    Ok(())
}
