//! What was sent to which chain: written down before it is sent, in a file beside the journal.
//!
//! An authorization has one row, by the key that its token knows it under. It is `sent`, then `settled` or `over`; what is
//! over moved nothing, and may begin again. Each change names the transaction it is about, so that two who look at once
//! cannot both have settled it.

use crate::transaction::Signed;
use protocols::evm::number::{Address, Uint256};
use protocols::evm::{Authorization, Domain};
use rusqlite::{Connection, OptionalExtension, Row, params};
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
    /// The money has moved, and somebody was told.
    Settled,
    /// Nothing was moved, and what was sent can move nothing any more.
    Over,
}

/// A settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub state: State,
    pub signed: Signed,
    /// The place of the transaction among those of its account.
    pub account_nonce: u64,
    /// The newest block when it was sent.
    pub since_block: u64,
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
                nonce BLOB NOT NULL, pay_to BLOB NOT NULL, value BLOB NOT NULL, state TEXT NOT NULL, raw BLOB NOT NULL,
                hash BLOB NOT NULL, account_nonce INTEGER NOT NULL, since_block INTEGER NOT NULL, block INTEGER,
                statement TEXT, key TEXT, signature TEXT,
                PRIMARY KEY (chain, token, payer, nonce)) WITHOUT ROWID;",
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
        let find = "SELECT state, raw, hash, account_nonce, since_block FROM settlements
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4";
        let Key { chain, token, payer, nonce } = key;
        let named = params![signed(*chain), token.bytes(), payer.bytes(), nonce];
        self.connection().query_row(find, named, read).optional()
    }

    /// Writes down what is about to be sent; false where something was sent before that is not over.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn begin(
        &self,
        key: &Key,
        (pay_to, value): (Address, Uint256),
        kept: &Kept,
    ) -> rusqlite::Result<bool> {
        let begin = "INSERT INTO settlements (chain, token, payer, nonce, pay_to, value, state, raw, hash, account_nonce,
                since_block) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'sent', ?7, ?8, ?9, ?10)
            ON CONFLICT DO UPDATE SET pay_to = ?5, value = ?6, state = 'sent', raw = ?7, hash = ?8, account_nonce = ?9,
                since_block = ?10 WHERE state = 'over'";
        let Key { chain, token, payer, nonce } = key;
        let Kept { state: _, signed: Signed { raw, hash }, account_nonce, since_block } = kept;
        let changed = self.connection().execute(
            begin,
            params![
                signed(*chain),
                token.bytes(),
                payer.bytes(),
                nonce,
                pay_to.bytes(),
                value.bytes(),
                raw,
                hash,
                signed(*account_nonce),
                signed(*since_block)
            ],
        )?;
        Ok(changed == 1)
    }

    /// Notes that the money has moved, by this transaction in this block; true for the first who does.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn settle(
        &self,
        key: &Key,
        hash: [u8; 32],
        (block, evidence): (u64, &Evidence),
    ) -> rusqlite::Result<bool> {
        let settle =
            "UPDATE settlements SET state = 'settled', block = ?6, statement = ?7, key = ?8, signature = ?9
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 AND hash = ?5 AND state = 'sent'";
        let Key { chain, token, payer, nonce } = key;
        let Evidence { statement, key, signature } = evidence;
        let changed = self.connection().execute(
            settle,
            params![
                signed(*chain),
                token.bytes(),
                payer.bytes(),
                nonce,
                hash,
                signed(block),
                statement,
                key,
                signature
            ],
        )?;
        Ok(changed == 1)
    }

    /// Notes that this transaction moved nothing, and can move nothing any more.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn give_up(&self, key: &Key, hash: [u8; 32]) -> rusqlite::Result<()> {
        let end = "UPDATE settlements SET state = 'over'
            WHERE chain = ?1 AND token = ?2 AND payer = ?3 AND nonce = ?4 AND hash = ?5 AND state = 'sent'";
        let Key { chain, token, payer, nonce } = key;
        let named = params![signed(*chain), token.bytes(), payer.bytes(), nonce, hash];
        self.connection().execute(end, named).map(drop)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let state = match row.get_ref(0)?.as_str()? {
        "sent" => State::Sent,
        "settled" => State::Settled,
        "over" => State::Over,
        _ => return Err(rusqlite::Error::InvalidQuery),
    };
    let signed = Signed { raw: row.get(1)?, hash: row.get(2)? };
    let number = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(Kept { state, signed, account_nonce: number(3)?, since_block: number(4)? })
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

    fn kept(hash: u8) -> Kept {
        let signed = Signed { raw: vec![hash; 100], hash: [hash; 32] };
        Kept { state: State::Sent, signed, account_nonce: u64::from(hash), since_block: 12 }
    }

    #[test]
    fn an_authorization_is_settled_once_and_survives_a_restart() {
        let path = std::env::temp_dir().join(format!("tollbridge-evm-store-{}", std::process::id()));
        let whom = (Address::from_bytes([2; 20]), Uint256::from(5));
        let said = |text: &str| Evidence {
            statement: text.to_owned(),
            key: String::new(),
            signature: String::new(),
        };
        {
            let store = Store::open(&path).unwrap();
            assert_eq!(store.find(&key(1)).unwrap(), None);
            assert!(store.begin(&key(1), whom, &kept(1)).unwrap());
            assert!(!store.begin(&key(1), whom, &kept(2)).unwrap(), "it is under way");
            assert!(store.begin(&key(2), whom, &kept(2)).unwrap(), "another nonce is another");
        }
        let store = Store::open(&path).unwrap();
        assert_eq!(store.find(&key(1)).unwrap(), Some(kept(1)));
        // What is said of another transaction changes nothing.
        store.give_up(&key(1), [9; 32]).unwrap();
        assert!(!store.settle(&key(1), [9; 32], (13, &said("other"))).unwrap());
        assert_eq!(store.find(&key(1)).unwrap(), Some(kept(1)));
        store.give_up(&key(1), [1; 32]).unwrap();
        assert_eq!(store.find(&key(1)).unwrap(), Some(Kept { state: State::Over, ..kept(1) }));
        assert!(!store.settle(&key(1), [1; 32], (13, &said("over"))).unwrap());
        assert!(store.begin(&key(1), whom, &kept(3)).unwrap(), "what moved nothing may begin again");
        assert!(store.settle(&key(1), [3; 32], (13, &said("first"))).unwrap());
        assert!(!store.settle(&key(1), [3; 32], (13, &said("second"))).unwrap());
        store.give_up(&key(1), [3; 32]).unwrap();
        assert!(!store.begin(&key(1), whom, &kept(4)).unwrap(), "what is settled stays settled");
        assert_eq!(store.find(&key(1)).unwrap(), Some(Kept { state: State::Settled, ..kept(3) }));
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }
}
