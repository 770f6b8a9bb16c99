//! What survives a crash: sessions, deposits, signed records, charges that wait, and answers kept for repetitions.
//!
//! One thread owns the SQLite file. It does whatever waits in one transaction, makes it durable with one sync, and answers
//! then. It also numbers and signs records, so numbers rise in the order in which records became durable. The directory is
//! locked: a second gateway on it would spend deposits a second time.

use crate::ledger::{Deposit, Session};
use crate::limits::{LOCK_WAIT, STORE_BATCH_MAX, STORE_QUEUE_MAX};
use evidence::{Hash, SigningKey};
use pricing::{Sealed, UsageRecord};
use protocols::Time;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};
use wire::{HoldId, MeterId, RequestId};

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE meters (
  meter TEXT PRIMARY KEY, key_hash BLOB NOT NULL, place INTEGER NOT NULL, trade_no TEXT NOT NULL, amount TEXT NOT NULL,
  ends_at_seconds INTEGER NOT NULL, last INTEGER NOT NULL, told INTEGER NOT NULL, state INTEGER NOT NULL
) STRICT;
CREATE INDEX untold ON meters (meter) WHERE told < last AND state = 0;
CREATE TABLE closed (key_hash BLOB PRIMARY KEY) STRICT;
CREATE TABLE records (
  meter TEXT NOT NULL, sequence INTEGER NOT NULL, call TEXT NOT NULL UNIQUE, cost TEXT NOT NULL, upstream_id TEXT,
  text BLOB NOT NULL, PRIMARY KEY (meter, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE charges (meter TEXT PRIMARY KEY, id TEXT NOT NULL, upto INTEGER NOT NULL, nanos TEXT NOT NULL) STRICT;
CREATE TABLE kept (
  key_hash BLOB NOT NULL, name TEXT NOT NULL, request TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL,
  until_seconds INTEGER NOT NULL, PRIMARY KEY (key_hash, name)
) STRICT;
";

/// Where a meter stands: 0 open, 1 settled, 2 not to be charged any more.
const OPEN: i64 = 0;
const SETTLED: i64 = 1;
const UNSETTLED: i64 = 2;

/// Why something could not be kept or found.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreFault(pub(crate) String);

fn fault(fault: impl std::fmt::Display) -> StoreFault {
    StoreFault(fault.to_string())
}

/// Who signs records.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) key_id: String,
    pub(crate) key: SigningKey,
}

/// A charge that the payment service is to be told: everything that was counted up to a record, in one sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) meter: MeterId,
    pub(crate) id: RequestId,
    pub(crate) upto: i64,
    pub(crate) nanos: u64,
}

/// An answer that is kept for whoever asks again under the same name.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) key: Hash,
    pub(crate) name: String,
    pub(crate) request: String,
    pub(crate) headers: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) until_seconds: i64,
}

type Held = Box<dyn FnOnce(Option<&StoreFault>) + Send>;
type Work = Box<dyn FnOnce(&Connection) -> Held + Send>;

/// The store of one gateway. The file is closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Store(mpsc::Sender<Task>);

struct Task(Work);

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Task")
    }
}

impl Store {
    /// Opens the store in a directory, or makes it, and answers the sessions in it.
    pub(crate) fn open(directory: &Path) -> Result<(Store, Vec<(Hash, Session)>), StoreFault> {
        let lock = File::create(directory.join("lock")).map_err(fault)?;
        let deadline = std::time::Instant::now() + LOCK_WAIT;
        while lock.try_lock().is_err() {
            if deadline <= std::time::Instant::now() {
                return Err(StoreFault("another gateway has it open".to_owned()));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let connection = Connection::open(directory.join("llm.sqlite")).map_err(fault)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(fault)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
        match version {
            SCHEMA_VERSION => {}
            0 => connection
                .execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
                .map_err(fault)?,
            other => return Err(StoreFault(format!("the file is of version {other}, which is not ours"))),
        }
        let sessions = load(&connection).map_err(fault)?;
        let (sender, tasks) = mpsc::channel(STORE_QUEUE_MAX);
        std::thread::Builder::new()
            .name("llm-store".to_owned())
            .spawn(move || {
                run(&connection, tasks);
                drop(lock);
            })
            .map_err(fault)?;
        Ok((Store(sender), sessions))
    }

    /// Does something in the next transaction. When this answers, what was changed survives power loss.
    async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let gone = || StoreFault("the store has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = act(connection).map_err(fault);
            Box::new(move |not_kept| {
                // Whoever asked may have gone.
                let _gone = reply.send(not_kept.map_or(result, |fault| Err(fault.clone())));
            })
        });
        self.0.send(Task(work)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Keeps a deposit that was paid for the session of a key. A second time changes nothing.
    pub(crate) async fn add_deposit(&self, key: Hash, deposit: Deposit) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO meters (meter, key_hash, place, trade_no, amount, ends_at_seconds, last, told, state)
                     VALUES (?1, ?2, (SELECT count(*) FROM meters WHERE key_hash = ?2), ?3, ?4, ?5, 0, 0, 0)",
                )?
                .execute(params![
                    deposit.meter.to_string(),
                    &key.as_bytes()[..],
                    deposit.trade_no.to_string(),
                    deposit.amount.to_string(),
                    seconds(deposit.ends_at),
                ])
                .map(|_| ())
        })
        .await
    }

    /// Ends a session for good.
    pub(crate) async fn close(&self, key: Hash) -> Result<(), StoreFault> {
        self.act(move |connection| {
            let mut statement =
                connection.prepare_cached("INSERT OR IGNORE INTO closed (key_hash) VALUES (?1)")?;
            statement.execute([&key.as_bytes()[..]]).map(|_| ())
        })
        .await
    }

    /// Numbers, signs and keeps the record of a call, and the answer if it is to be kept. A call has one record; answers whether
    /// this is it.
    pub(crate) async fn record(
        &self,
        call: String,
        upstream_id: Option<String>,
        mut record: UsageRecord,
        signer: std::sync::Arc<Signer>,
        kept: Option<Kept>,
    ) -> Result<bool, StoreFault> {
        self.act(move |connection| {
            let known = connection
                .prepare_cached("SELECT 1 FROM records WHERE call = ?1")?
                .exists([&call])?;
            if known {
                return Ok(false);
            }
            let last: i64 = connection
                .prepare_cached("UPDATE meters SET last = last + 1 WHERE meter = ?1 RETURNING last")?
                .query_row([&record.meter], |row| row.get(0))?;
            record.sequence = u64::try_from(last).unwrap_or(u64::MAX);
            let (meter, cost) = (record.meter.clone(), record.cost.get().to_string());
            let text = Sealed::sign(record, &signer.key_id, &signer.key).to_value().to_string();
            connection
                .prepare_cached(
                    "INSERT INTO records (meter, sequence, call, cost, upstream_id, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![meter, last, call, cost, upstream_id, text.as_bytes()])?;
            if let Some(kept) = kept {
                connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO kept (key_hash, name, request, headers, body, until_seconds)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        &kept.key.as_bytes()[..],
                        kept.name,
                        kept.request,
                        kept.headers,
                        kept.body,
                        kept.until_seconds,
                    ])?;
            }
            Ok(true)
        })
        .await
    }

    /// The answer that is kept under a name of a session.
    pub(crate) async fn kept(&self, key: Hash, name: String) -> Result<Option<Kept>, StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached(
                    "SELECT request, headers, body, until_seconds FROM kept WHERE key_hash = ?1 AND name = ?2",
                )?
                .query_row(params![&key.as_bytes()[..], name], |row| {
                    Ok(Kept {
                        key,
                        name: name.clone(),
                        request: row.get(0)?,
                        headers: row.get(1)?,
                        body: row.get(2)?,
                        until_seconds: row.get(3)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// Forgets answers that can be asked for no more.
    pub(crate) async fn forget(&self, now: Time) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("DELETE FROM kept WHERE until_seconds < ?1")?
                .execute([seconds(now)])
                .map(|_| ())
        })
        .await
    }

    /// The charges that are due, one for each meter at most. What is due once stays the same until it is told.
    pub(crate) async fn due(&self, fresh: Vec<RequestId>) -> Result<Vec<Due>, StoreFault> {
        self.act(move |connection| due(connection, &fresh)).await
    }

    /// Notes that the payment service knows everything up to a record.
    pub(crate) async fn told(&self, due: Due) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE meters SET told = ?2 WHERE meter = ?1 AND told < ?2")?
                .execute(params![due.meter.to_string(), due.upto])?;
            connection
                .prepare_cached("DELETE FROM charges WHERE meter = ?1")?
                .execute([due.meter.to_string()])
                .map(|_| ())
        })
        .await
    }

    /// Gives a charge another name: its own is too old to be sent.
    pub(crate) async fn rename(&self, due: Due, id: RequestId) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE charges SET id = ?2 WHERE meter = ?1")?
                .execute(params![due.meter.to_string(), id.to_string()])
                .map(|_| ())
        })
        .await
    }

    /// Notes that a meter is over.
    pub(crate) async fn end(&self, meter: MeterId, ended: Ended) -> Result<(), StoreFault> {
        let state = match ended {
            Ended::Settled => SETTLED,
            Ended::Unsettled => UNSETTLED,
        };
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE meters SET state = ?2 WHERE meter = ?1")?
                .execute(params![meter.to_string(), state])
                .map(|_| ())
        })
        .await
    }

    /// Whether the payment service knows all that was counted on a meter.
    pub(crate) async fn is_told(&self, meter: MeterId) -> Result<bool, StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("SELECT told = last FROM meters WHERE meter = ?1")?
                .query_row([meter.to_string()], |row| row.get(0))
        })
        .await
    }

    /// The signed records of a meter, in the order of their numbers.
    pub(crate) async fn records(&self, meter: MeterId) -> Result<Vec<Vec<u8>>, StoreFault> {
        self.act(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT text FROM records WHERE meter = ?1 ORDER BY sequence")?;
            statement.query_map([meter.to_string()], |row| row.get(0))?.collect()
        })
        .await
    }
}

/// Every record in a data directory, with the name that the upstream gave the answer. A gateway may be serving from it.
pub(crate) fn recorded(directory: &Path) -> Result<Vec<(Option<String>, UsageRecord)>, StoreFault> {
    let connection =
        Connection::open_with_flags(directory.join("llm.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY);
    let connection = connection.map_err(fault)?;
    let mut statement = connection.prepare("SELECT upstream_id, text FROM records").map_err(fault)?;
    let mut rows = statement.query([]).map_err(fault)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let text: Vec<u8> = row.get(1).map_err(fault)?;
        let mut sealed: serde_json::Value = serde_json::from_slice(&text).map_err(fault)?;
        let body = sealed.get_mut("body").map(serde_json::Value::take).unwrap_or_default();
        records.push((row.get(0).map_err(fault)?, serde_json::from_value(body).map_err(fault)?));
    }
    Ok(records)
}

/// How a meter ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Settled,
    /// The payment service will count no more on it, though something was to be counted.
    Unsettled,
}

/// A time in whole seconds.
pub(crate) fn seconds(time: Time) -> i64 {
    i64::try_from(time.0 / 1_000_000_000).unwrap_or(i64::MAX)
}

fn run(connection: &Connection, mut tasks: mpsc::Receiver<Task>) {
    let mut batch = Vec::with_capacity(STORE_BATCH_MAX);
    loop {
        match tasks.blocking_recv() {
            Some(task) => batch.push(task),
            None => return,
        }
        while batch.len() < STORE_BATCH_MAX {
            match tasks.try_recv() {
                Ok(task) => batch.push(task),
                Err(_) => break,
            }
        }
        let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(fault);
        let held: Vec<Held> = batch.drain(..).map(|Task(work)| work(connection)).collect();
        let outcome = begun.and_then(|()| connection.execute_batch("COMMIT").map_err(fault));
        if outcome.is_err() {
            // Nothing of the batch was kept; whether there is something to undo is SQLite's to know.
            let _nothing_to_undo = connection.execute_batch("ROLLBACK");
        }
        for answer in held {
            answer(outcome.as_ref().err());
        }
    }
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> Result<T, rusqlite::Error> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| rusqlite::Error::InvalidQuery)
}

fn load(connection: &Connection) -> Result<Vec<(Hash, Session)>, rusqlite::Error> {
    let mut spent: BTreeMap<String, u128> = BTreeMap::new();
    let mut records = connection.prepare("SELECT meter, cost FROM records")?;
    let mut rows = records.query([])?;
    while let Some(row) = rows.next()? {
        *spent.entry(row.get(0)?).or_default() += parsed::<u128>(row, 1)?;
    }
    let mut sessions: BTreeMap<Vec<u8>, Session> = BTreeMap::new();
    let mut meters = connection.prepare(
        "SELECT m.key_hash, m.meter, m.trade_no, m.amount, m.ends_at_seconds, m.state, c.key_hash IS NOT NULL
         FROM meters m LEFT JOIN closed c ON c.key_hash = m.key_hash ORDER BY m.key_hash, m.place",
    )?;
    let mut rows = meters.query([])?;
    while let Some(row) = rows.next()? {
        let meter: MeterId = parsed(row, 1)?;
        let trade_no: HoldId = parsed(row, 2)?;
        let deposit = Deposit {
            meter,
            trade_no,
            amount: parsed(row, 3)?,
            spent: spent.get(&meter.to_string()).copied().unwrap_or_default(),
            reserved: 0,
            ends_at: Time::from_seconds(row.get::<_, u32>(4)?.into()),
            settled: row.get::<_, i64>(5)? != OPEN,
        };
        let closed = row.get(6)?;
        let session =
            sessions.entry(row.get(0)?).or_insert(Session { name: meter, deposits: Vec::new(), closed });
        session.deposits.push(deposit);
    }
    let hashed = |(hash, session): (Vec<u8>, Session)| {
        Ok((Hash::from_slice(&hash).ok_or(rusqlite::Error::InvalidQuery)?, session))
    };
    sessions.into_iter().map(hashed).collect()
}

fn due(connection: &Connection, fresh: &[RequestId]) -> Result<Vec<Due>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT m.meter, m.told, c.id, c.upto, c.nanos FROM meters m LEFT JOIN charges c ON c.meter = m.meter
         WHERE m.told < m.last AND m.state = 0 ORDER BY m.meter LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(fresh.len()).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    let mut fresh = fresh.iter();
    while let Some(row) = rows.next()? {
        let meter: MeterId = parsed(row, 0)?;
        if row.get::<_, Option<i64>>(3)?.is_some() {
            found.push(Due { meter, id: parsed(row, 2)?, upto: row.get(3)?, nanos: parsed(row, 4)? });
            continue;
        }
        let told: i64 = row.get(1)?;
        let mut records = connection.prepare_cached(
            "SELECT sequence, cost FROM records WHERE meter = ?1 AND ?2 < sequence ORDER BY sequence",
        )?;
        let mut records = records.query(params![meter.to_string(), told])?;
        let (mut upto, mut nanos) = (told, 0u64);
        while let Some(record) = records.next()? {
            let cost: u64 = parsed(record, 1)?;
            upto = record.get(0)?;
            // A deposit's billionths fit, so what was spent of it does.
            nanos = nanos.checked_add(cost).ok_or(rusqlite::Error::InvalidQuery)?;
        }
        if nanos == 0 {
            // What cost nothing needs no charge.
            connection
                .prepare_cached("UPDATE meters SET told = ?2 WHERE meter = ?1")?
                .execute(params![meter.to_string(), upto])?;
            continue;
        }
        let Some(id) = fresh.next().copied() else { break };
        connection
            .prepare_cached("INSERT INTO charges (meter, id, upto, nanos) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![meter.to_string(), id.to_string(), upto, nanos.to_string()])?;
        found.push(Due { meter, id, upto, nanos });
    }
    Ok(found)
}
