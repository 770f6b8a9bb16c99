//! What was sent to which chain: written down before it is sent, in a file beside the journal.
//!
//! An authorization has one row, by the key that its token knows it under. It is `sent`, then `moved` and `settled`, or
//! `over`; what is over moved nothing, and may begin again. What begins is an attempt: one place among the transactions of
//! the settler's account, and every transaction that was signed for it, of which a chain takes one at most. Each change names
//! the attempt that it is about, so that two who look at once cannot both have settled it.

use crate::transaction::Signed;
use protocols::evm::number::{Address, Uint256};
use protocols::evm::{Authorization, Domain};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

/// How it stands with a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was sent, or was just about to be.
    Sent,
    /// The money has moved, and nobody was told.
    Moved,
    /// The money has moved, and somebody was told.
    Settled,
    /// Nothing was moved, and what was sent can move nothing any more.
    Over,
}

/// A settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub state: State,
    /// The place of its transactions among those of their account: as they share it, one of them at most can be in a block.
    pub account_nonce: u64,
    /// The first.
    pub first: Sent,
    /// Those that replaced it, oldest first.
    pub later: Vec<Sent>,
    /// The one that has moved the money.
    pub moved_by: Option<[u8; 32]>,
}

/// A transaction, and the newest block when it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub signed: Signed,
    pub block: u64,
    /// In seconds since 1970, as the chain has it.
    pub time: u64,
}

/// What is said of money that has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What is stated, as canonical JSON.
    pub statement: String,
    /// Who stated it.
    pub key: String,
    /// Over which bytes, see `docs/x402.md`.
    pub signature: String,
}

/// The name of a settlement: chain, token, payer and nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    chain: u64,
    token: Address,
    payer: Address,
    nonce: [u8; 32],
}

impl Key {
    /// The name of what an authorization settles.
    pub fn of(domain: &Domain, authorization: &Authorization) -> Key {
        let Authorization { from, nonce, .. } = authorization;
        Key { chain: domain.chain.number(), token: domain.token, payer: *from, nonce: *nonce }
    }

    /// The token that it is in.
    pub fn token(&self) -> Address {
        self.token
    }
}

impl Kept {
    /// Which attempt it is.
    pub fn attempt(&self) -> [u8; 32] {
        self.first.signed.hash
    }

    /// The one that pays most.
    pub fn newest(&self) -> &Sent {
        self.later.last().unwrap_or(&self.first)
    }

    /// All of them, the newest first.
    pub fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.later.iter().rev().chain([&self.first])
    }

    /// Whether a transaction is one of them.
    pub fn has(&self, hash: [u8; 32]) -> bool {
        self.sent().any(|sent| sent.signed.hash == hash)
    }

    /// The transaction to name: the one that has moved the money, or else the newest.
    pub fn named(&self) -> [u8; 32] {
        self.moved_by.unwrap_or(self.newest().signed.hash)
    }

    /// Whether something may still come of it, or nobody has heard of what did.
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Sent | State::Moved => true,
            State::Settled | State::Over => false,
        }
    }
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any failure of SQLite, here and below.
    pub fn open(path: &Path) -> rusqlite::Result<Store> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS settlements (chain INTEGER NOT NULL, token BLOB NOT NULL, payer BLOB NOT NULL,
                nonce BLOB NOT NULL, pay_to BLOB NOT NULL, value BLOB NOT NULL, state TEXT NOT NULL, attempt BLOB NOT NULL,
                account_nonce INTEGER NOT NULL, moved_by BLOB, block INTEGER, statement TEXT, key TEXT, signature TEXT,
                PRIMARY KEY (chain, token, payer, nonce)) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS pending ON settlements (chain, account_nonce, attempt) WHERE state = 'sent';
             CREATE TABLE IF NOT EXISTS transactions (chain INTEGER NOT NULL, attempt BLOB NOT NULL, place INTEGER NOT NULL,
                hash BLOB NOT NULL, raw BLOB NOT NULL, block INTEGER NOT NULL, time INTEGER NOT NULL,
                PRIMARY KEY (chain, attempt, place)) WITHOUT ROWID;",
        )?;
        Ok(Store(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept of a settlement.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn find(&self, key: &Key) -> rusqlite::Result<Option<Kept>> {
        // In one statement, and so as of one moment.
        let find = "SELECT state, account_nonce, moved_by, raw, hash, transactions.block, time
            FROM settlements JOIN transactions USING (chain, attempt)
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 ORDER BY place";
        let Key { chain, token, payer, nonce } = key;
        let connection = self.connection();
        let mut rows = connection.prepare_cached(find)?;
        let mut rows = rows.query(params![signed(*chain), token.bytes(), payer.bytes(), nonce])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let state = state(row.get_ref(0)?.as_str()?)?;
        let (account_nonce, moved_by, first) = (number(row, 1)?, row.get(2)?, sent(row)?);
        let mut kept = Kept { state, account_nonce, first, later: Vec::new(), moved_by };
        while let Some(row) = rows.next()? {
            kept.later.push(sent(row)?);
        }
        Ok(Some(kept))
    }

    /// Writes down what is about to be sent, in this place of its account; false where something was sent before that is not
    /// over.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn begin(
        &self,
        key: &Key,
        (pay_to, value): (Address, Uint256),
        account_nonce: u64,
        first: &Sent,
    ) -> rusqlite::Result<bool> {
        let begin = "INSERT INTO settlements (chain, token, payer, nonce, pay_to, value, state, attempt, account_nonce)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'sent', ?7, ?8)
            ON CONFLICT DO UPDATE SET pay_to = ?5, value = ?6, state = 'sent', attempt = ?7, account_nonce = ?8,
                moved_by = NULL, block = NULL, statement = NULL, key = NULL, signature = NULL WHERE state = 'over'";
        let Key { chain, token, payer, nonce } = key;
        let mut connection = self.connection();
        let all = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let named = params![
            signed(*chain),
            token.bytes(),
            payer.bytes(),
            nonce,
            pay_to.bytes(),
            value.bytes(),
            first.signed.hash,
            signed(account_nonce)
        ];
        let is_first = all.execute(begin, named)? == 1;
        if is_first {
            write(&all, *chain, (first.signed.hash, 0), first)?;
        }
        all.commit()?;
        Ok(is_first)
    }

    /// Writes down what is about to replace what is kept; false where that was replaced before, or has ended.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn replace(&self, key: &Key, kept: &Kept, by: &Sent) -> rusqlite::Result<bool> {
        let replaced = "SELECT COUNT(*) FROM settlements JOIN transactions USING (chain, attempt)
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 AND attempt = ?5 AND state IN ('sent', 'moved')";
        let Key { chain, token, payer, nonce } = key;
        let place = counted(kept.later.len() + 1);
        let mut connection = self.connection();
        let all = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let named = params![signed(*chain), token.bytes(), payer.bytes(), nonce, kept.attempt()];
        let is_next = all.query_row(replaced, named, |row| number(row, 0))? == place.cast_unsigned();
        if is_next {
            write(&all, *chain, (kept.attempt(), place), by)?;
        }
        all.commit()?;
        Ok(is_next)
    }

    /// Notes that the money has moved, by this transaction of this attempt in this block, and that somebody is told; true for
    /// the first who does.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn settle(&self, key: &Key, attempt: [u8; 32], found: &Found<'_>) -> rusqlite::Result<bool> {
        let settle = "UPDATE settlements SET state = 'settled', moved_by = ?6, block = ?7, statement = ?8, key = ?9,
                signature = ?10
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 AND attempt = ?5 AND state IN ('sent', 'moved')";
        self.found(settle, key, attempt, found)
    }

    /// Notes that the money has moved, and that nobody was told.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn note_moved(&self, key: &Key, attempt: [u8; 32], found: &Found<'_>) -> rusqlite::Result<bool> {
        let note = "UPDATE settlements SET state = 'moved', moved_by = ?6, block = ?7, statement = ?8, key = ?9,
                signature = ?10
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 AND attempt = ?5 AND state = 'sent'";
        self.found(note, key, attempt, found)
    }

    fn found(
        &self,
        statement: &str,
        key: &Key,
        attempt: [u8; 32],
        found: &Found<'_>,
    ) -> rusqlite::Result<bool> {
        let Key { chain, token, payer, nonce } = key;
        let Found { by, block, evidence } = found;
        let changed = self.connection().execute(
            statement,
            params![
                signed(*chain),
                token.bytes(),
                payer.bytes(),
                nonce,
                attempt,
                by,
                signed(*block),
                evidence.statement,
                evidence.key,
                evidence.signature
            ],
        )?;
        Ok(changed == 1)
    }

    /// Notes that this attempt moved nothing, and can move nothing any more.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn give_up(&self, key: &Key, attempt: [u8; 32]) -> rusqlite::Result<()> {
        let end = "UPDATE settlements SET state = 'over'
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 AND attempt = ?5 AND state IN ('sent', 'moved')";
        let Key { chain, token, payer, nonce } = key;
        let named = params![signed(*chain), token.bytes(), payer.bytes(), nonce, attempt];
        self.connection().execute(end, named).map(drop)
    }

    /// Which settlements of a chain are pending, in the order of their places, at most so many behind this one.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn pending(&self, chain: u64, behind: Behind, count: usize) -> rusqlite::Result<Vec<(Key, Behind)>> {
        let find = "SELECT token, payer, nonce, account_nonce, attempt FROM settlements
            WHERE chain = ?1 AND state = 'sent' AND (account_nonce, attempt) > (?2, ?3)
            ORDER BY account_nonce, attempt LIMIT ?4";
        let connection = self.connection();
        let mut rows = connection.prepare_cached(find)?;
        let after = params![signed(chain), behind.0, behind.1, counted(count)];
        let rows = rows.query_map(after, |row| {
            let address = |at: usize| row.get(at).map(Address::from_bytes);
            let (token, payer) = (address(0)?, address(1)?);
            let key = Key { chain, token, payer, nonce: row.get(2)? };
            Ok((key, Behind(row.get(3)?, row.get(4)?)))
        })?;
        rows.collect()
    }

    /// Whether something of this chain is pending behind this place.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn is_waited_for(&self, key: &Key, account_nonce: u64) -> rusqlite::Result<bool> {
        let find =
            "SELECT 1 FROM settlements WHERE chain = ?1 AND state = 'sent' AND ?2 < account_nonce LIMIT 1";
        let named = params![signed(key.chain), signed(account_nonce)];
        self.connection().query_row(find, named, |_| Ok(())).optional().map(|found| found.is_some())
    }
}

/// A place in the list of what is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind(i64, [u8; 32]);

impl Behind {
    /// Before everything.
    pub const NOTHING: Behind = Behind(-1, [0; 32]);
}

/// What a chain says of money that has moved.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The transaction that moved it.
    pub by: [u8; 32],
    pub block: u64,
    pub evidence: &'a Evidence,
}

fn write(all: &Connection, chain: u64, (attempt, place): ([u8; 32], i64), it: &Sent) -> rusqlite::Result<()> {
    // What begins again in the same place with the same fees is the same transaction.
    let write = "INSERT OR REPLACE INTO transactions (chain, attempt, place, hash, raw, block, time)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Sent { signed: Signed { raw, hash }, block, time } = it;
    let named = params![signed(chain), attempt, place, hash, raw, signed(*block), signed(*time)];
    all.execute(write, named).map(drop)
}

fn state(text: &str) -> rusqlite::Result<State> {
    Ok(match text {
        "sent" => State::Sent,
        "moved" => State::Moved,
        "settled" => State::Settled,
        "over" => State::Over,
        _ => return Err(rusqlite::Error::InvalidQuery),
    })
}

/// The transaction in the columns from the fourth on.
fn sent(row: &Row<'_>) -> rusqlite::Result<Sent> {
    let signed = Signed { raw: row.get(3)?, hash: row.get(4)? };
    Ok(Sent { signed, block: number(row, 5)?, time: number(row, 6)? })
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

fn counted(count: usize) -> i64 {
    i64::try_from(count).expect("there is no room for so many")
}

/// A number as SQLite has them; the same bits.
fn signed(number: u64) -> i64 {
    number.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocols::evm::number::Chain;

    fn key(nonce: u8) -> Key {
        let domain = Domain {
            name: "USD Coin".to_owned(),
            version: "2".to_owned(),
            chain: Chain::new(8_453).unwrap(),
            token: Address::from_bytes([7; 20]),
        };
        let authorization = Authorization {
            from: Address::from_bytes([1; 20]),
            to: Address::from_bytes([2; 20]),
            value: Uint256::from(5),
            valid_after: Uint256::from(0),
            valid_before: Uint256::from(9),
            nonce: [nonce; 32],
        };
        Key::of(&domain, &authorization)
    }

    fn sent(hash: u8) -> Sent {
        let signed = Signed { raw: vec![hash; 100], hash: [hash; 32] };
        Sent { signed, block: 12, time: u64::from(hash) }
    }

    fn kept(state: State, account_nonce: u64, first: u8, later: &[u8]) -> Kept {
        let later = later.iter().map(|hash| sent(*hash)).collect();
        Kept { state, account_nonce, first: sent(first), later, moved_by: None }
    }

    fn said(text: &str) -> Evidence {
        Evidence { statement: text.to_owned(), key: String::new(), signature: String::new() }
    }

    fn whom() -> (Address, Uint256) {
        (Address::from_bytes([2; 20]), Uint256::from(5))
    }

    /// A file of its own while a test goes on.
    struct File(std::path::PathBuf);

    impl File {
        fn named(name: &str) -> File {
            File(std::env::temp_dir().join(format!("tollbridge-evm-store-{name}-{}", std::process::id())))
        }

        fn open(&self) -> Store {
            Store::open(&self.0).unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
            }
        }
    }

    #[test]
    fn an_authorization_is_settled_once_and_survives_a_restart() {
        let file = File::named("once");
        {
            let store = file.open();
            assert_eq!(store.find(&key(1)).unwrap(), None);
            assert!(store.begin(&key(1), whom(), 1, &sent(1)).unwrap());
            assert!(!store.begin(&key(1), whom(), 2, &sent(2)).unwrap(), "it is under way");
            assert!(store.begin(&key(2), whom(), 2, &sent(2)).unwrap(), "another nonce is another");
        }
        let store = file.open();
        let (first, second) = (said("first"), said("second"));
        let [by, other] =
            [(3, &first), (9, &second)].map(|(hash, evidence)| Found { by: [hash; 32], block: 13, evidence });
        assert_eq!(store.find(&key(1)).unwrap(), Some(kept(State::Sent, 1, 1, &[])));
        // What is said of another attempt changes nothing.
        store.give_up(&key(1), [9; 32]).unwrap();
        assert!(!store.settle(&key(1), [9; 32], &other).unwrap());
        assert!(!store.note_moved(&key(1), [9; 32], &other).unwrap());
        assert_eq!(store.find(&key(1)).unwrap(), Some(kept(State::Sent, 1, 1, &[])));
        store.give_up(&key(1), [1; 32]).unwrap();
        assert_eq!(store.find(&key(1)).unwrap(), Some(kept(State::Over, 1, 1, &[])));
        assert!(!store.settle(&key(1), [1; 32], &other).unwrap());
        assert!(!store.note_moved(&key(1), [1; 32], &other).unwrap());
        assert!(store.begin(&key(1), whom(), 3, &sent(3)).unwrap(), "what moved nothing may begin again");
        assert!(store.note_moved(&key(1), [3; 32], &by).unwrap());
        assert!(!store.note_moved(&key(1), [3; 32], &by).unwrap());
        assert!(!store.begin(&key(1), whom(), 4, &sent(4)).unwrap(), "it has moved");
        assert!(store.settle(&key(1), [3; 32], &by).unwrap(), "nobody was told yet");
        assert!(!store.settle(&key(1), [3; 32], &other).unwrap());
        store.give_up(&key(1), [3; 32]).unwrap();
        assert!(!store.begin(&key(1), whom(), 4, &sent(4)).unwrap(), "what is settled stays settled");
        let settled = Kept { moved_by: Some([3; 32]), ..kept(State::Settled, 3, 3, &[]) };
        assert_eq!(store.find(&key(1)).unwrap(), Some(settled));
    }

    #[test]
    fn every_transaction_of_an_attempt_is_remembered_and_each_replaces_the_one_before() {
        let file = File::named("replaced");
        let store = file.open();
        assert!(store.begin(&key(1), whom(), 7, &sent(1)).unwrap());
        let (alone, replaced) = (kept(State::Sent, 7, 1, &[]), kept(State::Sent, 7, 1, &[2]));
        assert!(store.replace(&key(1), &alone, &sent(2)).unwrap());
        assert!(!store.replace(&key(1), &alone, &sent(3)).unwrap(), "it was replaced meanwhile");
        drop(store);
        let store = file.open();
        assert_eq!(store.find(&key(1)).unwrap().as_ref(), Some(&replaced));
        assert!(store.replace(&key(1), &replaced, &sent(4)).unwrap());
        let all = store.find(&key(1)).unwrap().unwrap();
        assert_eq!(all, kept(State::Sent, 7, 1, &[2, 4]));
        assert_eq!(all.sent().map(|sent| sent.time).collect::<Vec<_>>(), [4, 2, 1]);
        assert!([1, 2, 4].into_iter().all(|hash| all.has([hash; 32])) && !all.has([3; 32]));
        assert_eq!((all.attempt(), all.named()), ([1; 32], [4; 32]));
        // Whichever it was that moved the money, it is named.
        let evidence = said("the second");
        assert!(
            store.settle(&key(1), [1; 32], &Found { by: [2; 32], block: 13, evidence: &evidence }).unwrap()
        );
        assert_eq!(store.find(&key(1)).unwrap().unwrap().named(), [2; 32]);
        assert!(!store.replace(&key(1), &all, &sent(5)).unwrap(), "it has ended");
        assert!(store.begin(&key(2), whom(), 8, &sent(6)).unwrap());
        store.give_up(&key(2), [6; 32]).unwrap();
        assert!(!store.replace(&key(2), &kept(State::Sent, 8, 6, &[]), &sent(7)).unwrap(), "it is over");
    }

    #[test]
    fn what_is_pending_is_listed_in_its_order_some_at_a_time() {
        let file = File::named("pending");
        let store = file.open();
        for (nonce, place) in [(1, 5), (2, 3), (3, 5), (4, 4), (5, 0)] {
            assert!(store.begin(&key(nonce), whom(), place, &sent(nonce)).unwrap());
        }
        store.give_up(&key(4), [4; 32]).unwrap();
        let mut behind = Behind::NOTHING;
        for expected in [&[5, 2][..], &[1, 3], &[]] {
            let found = store.pending(8_453, behind, 2).unwrap();
            let keys: Vec<Key> = found.iter().map(|(key, _)| *key).collect();
            assert_eq!(keys, expected.iter().map(|nonce| key(*nonce)).collect::<Vec<_>>());
            behind = found.last().map_or(Behind::NOTHING, |(_, last)| *last);
        }
        assert_eq!(store.pending(1, Behind::NOTHING, 2).unwrap(), []);
        for (place, is_waited_for) in [(0, true), (3, true), (4, true), (5, false), (6, false)] {
            assert_eq!(store.is_waited_for(&key(1), place).unwrap(), is_waited_for, "{place}");
        }
    }
}
