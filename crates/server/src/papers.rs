//! Papers: what was said, agreed to and ordered, in a file beside the journal, which holds digests of it at most.
//!
//! Nothing here lets money move: a mandate without its papers is refused, never believed. What must survive power loss
//! before the book is asked is written here first; what the book decided is never written here at all.

use book::{AgentId, Id, KeyId, MandateId, OwnerId, PayeeId};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

macro_rules! select_agreement {
    () => {
        "SELECT mandate, agent, owner, external, text, declined, cancelled FROM agreements"
    };
}

/// The file beside the journal.
#[derive(Debug)]
pub struct Papers(Mutex<Connection>);

/// A credential that was issued, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialPaper {
    /// The intent it was selected from.
    pub intent: Id,
    /// The compact VC-JWT.
    pub credential: String,
    /// The confirmed rules, as JSON.
    pub isr: String,
}

/// An order as its seller confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPaper {
    /// The seller.
    pub payee: PayeeId,
    /// What was confirmed, as JSON.
    pub text: String,
}

/// A request for a payment that was put to the book, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPaper {
    /// The id of its command.
    pub command: Id,
    /// The order it pays.
    pub order: Id,
    /// The request, signed, as JSON.
    pub message: String,
}

/// An agreement as its agent applied for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementPaper {
    /// The mandate it becomes when its owner signs it.
    pub mandate: MandateId,
    /// Who applied.
    pub agent: AgentId,
    /// Who is to sign.
    pub owner: OwnerId,
    /// The agent's own number for it.
    pub external: Option<String>,
    /// The application, signed, as canonical JSON.
    pub text: String,
    /// Whether its owner turned it down.
    pub is_declined: bool,
    /// Why it was ended, in the words of whoever asked for that.
    pub cancelled: Option<String>,
}

/// Whose agreements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// An agent's.
    Agent(AgentId),
    /// An owner's.
    Owner(OwnerId),
}

impl Papers {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path) -> rusqlite::Result<Papers> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS intents (id BLOB PRIMARY KEY, text TEXT NOT NULL, mandate BLOB) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS credentials (mandate BLOB PRIMARY KEY, intent BLOB NOT NULL,
                credential TEXT NOT NULL, isr TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS orders (id BLOB PRIMARY KEY, payee BLOB NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS requests (agent BLOB NOT NULL, request TEXT NOT NULL, command BLOB NOT NULL,
                of_order BLOB NOT NULL, message TEXT NOT NULL, PRIMARY KEY (agent, request)) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS requests_by_order ON requests (of_order);
             CREATE INDEX IF NOT EXISTS requests_by_command ON requests (command);
             CREATE TABLE IF NOT EXISTS agreements (mandate BLOB PRIMARY KEY, agent BLOB NOT NULL, owner BLOB NOT NULL,
                external TEXT, text TEXT NOT NULL, declined INTEGER, cancelled TEXT, UNIQUE (agent, external)) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS agreements_of_owner ON agreements (owner);
             CREATE TABLE IF NOT EXISTS proof_keys (wallet BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Papers(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an intent; what was kept under that name stays. Returns what is kept now.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_intent(&self, id: Id, text: &str) -> rusqlite::Result<String> {
        let connection = self.connection();
        connection.execute("INSERT OR IGNORE INTO intents VALUES (?1, ?2, NULL)", params![id.0, text])?;
        connection.query_row("SELECT text FROM intents WHERE id = ?1", params![id.0], |row| row.get(0))
    }

    /// An intent, and the mandate it became.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn intent(&self, id: Id) -> rusqlite::Result<Option<(String, Option<MandateId>)>> {
        let find = "SELECT text, mandate FROM intents WHERE id = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, row.get::<_, Option<[u8; 16]>>(1)?.map(|id| MandateId(Id(id)))))
        };
        self.connection().query_row(find, params![id.0], read).optional()
    }

    /// Replaces an intent that nobody has changed or confirmed meanwhile; false where somebody has.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn change_intent(&self, id: Id, from: &str, to: &str) -> rusqlite::Result<bool> {
        let change = "UPDATE intents SET text = ?3 WHERE id = ?1 AND text = ?2 AND mandate IS NULL";
        Ok(self.connection().execute(change, params![id.0, from, to])? == 1)
    }

    /// Keeps what an intent becomes, before the book is asked to grant it. An intent becomes one thing: false where it
    /// became another, or was changed meanwhile.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_credential(
        &self,
        mandate: MandateId,
        paper: &CredentialPaper,
        text: &str,
    ) -> rusqlite::Result<bool> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let take = "UPDATE intents SET mandate = ?2 WHERE id = ?1 AND text = ?3 AND mandate IS NULL";
        if transaction.execute(take, params![paper.intent.0, mandate.0.0, text])? != 1 {
            return Ok(false);
        }
        let CredentialPaper { intent, credential, isr } = paper;
        let keep = "INSERT INTO credentials VALUES (?1, ?2, ?3, ?4)";
        transaction.execute(keep, params![mandate.0.0, intent.0, credential, isr])?;
        transaction.commit()?;
        Ok(true)
    }

    /// The credential of a mandate.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn credential(&self, mandate: MandateId) -> rusqlite::Result<Option<CredentialPaper>> {
        let find = "SELECT intent, credential, isr FROM credentials WHERE mandate = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(CredentialPaper { intent: Id(row.get(0)?), credential: row.get(1)?, isr: row.get(2)? })
        };
        self.connection().query_row(find, params![mandate.0.0], read).optional()
    }

    /// Keeps an order; what was kept under that name stays. Returns what is kept now.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_order(&self, id: Id, order: &OrderPaper) -> rusqlite::Result<Option<OrderPaper>> {
        let OrderPaper { payee, text } = order;
        let keep = "INSERT OR IGNORE INTO orders VALUES (?1, ?2, ?3)";
        self.connection().execute(keep, params![id.0, payee.0.0, text])?;
        self.order(id)
    }

    /// An order.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn order(&self, id: Id) -> rusqlite::Result<Option<OrderPaper>> {
        let find = "SELECT payee, text FROM orders WHERE id = ?1";
        let read =
            |row: &rusqlite::Row<'_>| Ok(OrderPaper { payee: PayeeId(Id(row.get(0)?)), text: row.get(1)? });
        self.connection().query_row(find, params![id.0], read).optional()
    }

    /// Keeps a request before the book is asked; what was kept under that name stays. Returns what is kept now.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_request(
        &self,
        agent: AgentId,
        request: &str,
        paper: &RequestPaper,
    ) -> rusqlite::Result<Option<RequestPaper>> {
        let RequestPaper { command, order, message } = paper;
        let keep = "INSERT OR IGNORE INTO requests VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection().execute(keep, params![agent.0.0, request, command.0, order.0, message])?;
        self.request(agent, request)
    }

    /// A request of an agent.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn request(&self, agent: AgentId, request: &str) -> rusqlite::Result<Option<RequestPaper>> {
        let find = "SELECT command, of_order, message FROM requests WHERE agent = ?1 AND request = ?2";
        self.connection().query_row(find, params![agent.0.0, request], read_request).optional()
    }

    /// The request that a command was made of, and whose it was.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn request_of(&self, command: Id) -> rusqlite::Result<Option<(AgentId, RequestPaper)>> {
        let find = "SELECT command, of_order, message, agent FROM requests WHERE command = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((AgentId(Id(row.get(3)?)), read_request(row)?));
        self.connection().query_row(find, params![command.0], read).optional()
    }

    /// The commands of every request for an order.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn commands_for(&self, order: Id) -> rusqlite::Result<Vec<Id>> {
        let connection = self.connection();
        let mut find = connection.prepare_cached("SELECT command FROM requests WHERE of_order = ?1")?;
        let rows = find.query_map(params![order.0], |row| Ok(Id(row.get(0)?)))?;
        rows.collect()
    }

    /// Keeps an application; what was kept under its name stays. Returns what is kept now; none where the agent's own
    /// number stands for another.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_agreement(&self, paper: &AgreementPaper) -> rusqlite::Result<Option<AgreementPaper>> {
        let AgreementPaper { mandate, agent, owner, external, text, is_declined: _, cancelled: _ } = paper;
        let keep = "INSERT OR IGNORE INTO agreements VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL)";
        self.connection().execute(keep, params![mandate.0.0, agent.0.0, owner.0.0, external, text])?;
        self.agreement(*mandate)
    }

    /// Notes that an agreement's owner turned it down.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn decline_agreement(&self, mandate: MandateId) -> rusqlite::Result<()> {
        let decline = "UPDATE agreements SET declined = 1 WHERE mandate = ?1";
        self.connection().execute(decline, params![mandate.0.0]).map(drop)
    }

    /// Notes why an agreement is ended. The first reason stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn cancel_agreement(&self, mandate: MandateId, reason: &str) -> rusqlite::Result<()> {
        let cancel = "UPDATE agreements SET cancelled = coalesce(cancelled, ?2) WHERE mandate = ?1";
        self.connection().execute(cancel, params![mandate.0.0, reason]).map(drop)
    }

    /// The agreement that became, or would become, a mandate.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn agreement(&self, mandate: MandateId) -> rusqlite::Result<Option<AgreementPaper>> {
        let find = concat!(select_agreement!(), " WHERE mandate = ?1");
        self.connection().query_row(find, params![mandate.0.0], read_agreement).optional()
    }

    /// The agreements of somebody, so many at most, newest first; of one agent's own number where `external` says which.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn agreements(
        &self,
        of: Party,
        external: Option<&str>,
        limit: usize,
    ) -> rusqlite::Result<Vec<AgreementPaper>> {
        let (find, party) = match of {
            Party::Agent(agent) => (
                concat!(
                    select_agreement!(),
                    " WHERE agent = ?1 AND (?2 IS NULL OR external = ?2) ORDER BY mandate DESC LIMIT ?3"
                ),
                agent.0,
            ),
            Party::Owner(owner) => (
                concat!(
                    select_agreement!(),
                    " WHERE owner = ?1 AND (?2 IS NULL OR external = ?2) ORDER BY mandate DESC LIMIT ?3"
                ),
                owner.0,
            ),
        };
        let connection = self.connection();
        let mut find = connection.prepare_cached(find)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = find.query_map(params![party.0, external, limit], read_agreement)?;
        rows.collect()
    }

    /// Whether anybody ever applied for an agreement.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn has_agreements(&self) -> rusqlite::Result<bool> {
        self.connection().query_row("SELECT EXISTS (SELECT 1 FROM agreements)", [], |row| row.get(0))
    }

    /// Keeps which key proves payments from a sub-account. The first stays.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_proof_key(&self, wallet: Id, key: KeyId) -> rusqlite::Result<()> {
        let keep = "INSERT OR IGNORE INTO proof_keys VALUES (?1, ?2)";
        self.connection().execute(keep, params![wallet.0, key.0.0])?;
        Ok(())
    }

    /// Which key proves payments from a sub-account.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn proof_key(&self, wallet: Id) -> rusqlite::Result<Option<KeyId>> {
        let find = "SELECT key FROM proof_keys WHERE wallet = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok(KeyId(Id(row.get(0)?)));
        self.connection().query_row(find, params![wallet.0], read).optional()
    }
}

fn read_request(row: &rusqlite::Row<'_>) -> rusqlite::Result<RequestPaper> {
    Ok(RequestPaper { command: Id(row.get(0)?), order: Id(row.get(1)?), message: row.get(2)? })
}

fn read_agreement(row: &rusqlite::Row<'_>) -> rusqlite::Result<AgreementPaper> {
    Ok(AgreementPaper {
        mandate: MandateId(Id(row.get(0)?)),
        agent: AgentId(Id(row.get(1)?)),
        owner: OwnerId(Id(row.get(2)?)),
        external: row.get(3)?,
        text: row.get(4)?,
        is_declined: row.get::<_, Option<i64>>(5)?.is_some(),
        cancelled: row.get(6)?,
    })
}
