//! What was delivered for which payment, on disk: the same answer for a repetition, and the outbox of confirmations.
//!
//! One thread owns the SQLite file. It takes whatever waits, makes it durable with one sync, and answers then. What the
//! payment service knows needs no sync: whoever forgets it asks again, and is told the same. The file is locked: a second
//! gateway on it would deliver a second time.

use crate::limits::{LOCK_WAIT, STORE_BATCH_MAX, STORE_QUEUE_MAX};
use bytes::Bytes;
use protocols::Time;
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use tokio::sync::{mpsc, oneshot};
use wire::HoldId;

const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE deliveries (
  trade_no TEXT PRIMARY KEY,
  out_trade_no TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  stage INTEGER NOT NULL,
  status INTEGER NOT NULL,
  headers BLOB NOT NULL,
  body BLOB NOT NULL,
  keep_until_seconds INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox ON deliveries (trade_no) WHERE stage IN (0, 1);
CREATE INDEX over ON deliveries (keep_until_seconds) WHERE stage NOT IN (0, 1);
";

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Delivered; the payment service is to be told.
    Delivered,
    /// Not delivered; the payment service is to be told.
    Failed,
    /// Delivered, and the seller has the money.
    Confirmed,
    /// Not delivered, and the money went back.
    Voided,
    /// Delivered, and the payment service will not pay: the hold ended before it was told.
    Unsettled,
}

impl Stage {
    const ALL: [Stage; 5] =
        [Stage::Delivered, Stage::Failed, Stage::Confirmed, Stage::Voided, Stage::Unsettled];

    fn number(self) -> i64 {
        match self {
            Stage::Delivered => 0,
            Stage::Failed => 1,
            Stage::Confirmed => 2,
            Stage::Voided => 3,
            Stage::Unsettled => 4,
        }
    }

    fn of(number: i64) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.number() == number)
    }
}

/// What was answered for one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The payment.
    pub trade_no: HoldId,
    /// The bill.
    pub out_trade_no: String,
    /// What was sold.
    pub resource_id: String,
    /// The request: nobody else's repetition gets this answer.
    pub fingerprint: String,
    /// Where it stands.
    pub stage: Stage,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers, one a line.
    pub headers: Bytes,
    /// The answer's body.
    pub body: Bytes,
    /// Until when it has to be kept.
    pub keep_until: Time,
}

/// Why a delivery could not be stored or found.
#[derive(Clone, Debug, thiserror::Error)]
#[error("deliveries: {0}")]
pub struct StoreFault(String);

type Reply<T> = oneshot::Sender<Result<T, StoreFault>>;

#[derive(Debug)]
enum Task {
    Ask(Question),
    Do(Change),
}

#[derive(Debug)]
enum Question {
    Find(HoldId, Reply<Option<Delivery>>),
    Due(usize, Reply<Vec<(HoldId, Stage)>>),
}

#[derive(Debug)]
enum Change {
    Store(Box<Delivery>, Reply<()>),
    End(HoldId, Stage, Reply<()>),
    Forget(Time, Reply<()>),
}

/// The deliveries of one gateway. The file is closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Deliveries(mpsc::Sender<Task>);

impl Deliveries {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`StoreFault`]; also where another gateway has it open.
    pub fn open(path: &Path) -> Result<Deliveries, StoreFault> {
        let connection = Connection::open(path).map_err(fault)?;
        connection.busy_timeout(LOCK_WAIT).map_err(fault)?;
        connection
            .execute_batch(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
            )
            .map_err(fault)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
        match version {
            SCHEMA_VERSION => {}
            0 => connection
                .execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
                .map_err(fault)?,
            other => return Err(StoreFault(format!("the file is of version {other}, which is not ours"))),
        }
        let (sender, tasks) = mpsc::channel(STORE_QUEUE_MAX);
        std::thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(move || run(&connection, tasks))
            .map_err(fault)?;
        Ok(Deliveries(sender))
    }

    /// What was delivered for a payment, if anything.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn find(&self, trade_no: HoldId) -> Result<Option<Delivery>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::Find(trade_no, reply))).await
    }

    /// What the payment service is still to be told, oldest first.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn due(&self, count_max: usize) -> Result<Vec<(HoldId, Stage)>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::Due(count_max, reply))).await
    }

    /// Keeps a delivery. When this returns, it survives power loss.
    ///
    /// # Errors
    /// [`StoreFault`]; also where the payment has one.
    pub async fn store(&self, delivery: Delivery) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::Store(Box::new(delivery), reply))).await
    }

    /// Writes down that the payment service knows.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn end(&self, trade_no: HoldId, stage: Stage) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::End(trade_no, stage, reply))).await
    }

    /// Forgets what is over and can be asked for no more.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn forget(&self, now: Time) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::Forget(now, reply))).await
    }

    async fn ask<T>(&self, task: impl FnOnce(Reply<T>) -> Task) -> Result<T, StoreFault> {
        let gone = || StoreFault("the store has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        self.0.send(task(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn fault(fault: impl std::fmt::Display) -> StoreFault {
    StoreFault(fault.to_string())
}

/// Answers that are held back until what they tell is durable.
type Held = Box<dyn FnOnce(Option<&StoreFault>)>;

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
        // A question is about what was answered before it was asked, so it need not wait for what comes with it.
        let mut changes = Vec::with_capacity(batch.len());
        for task in batch.drain(..) {
            match task {
                Task::Ask(question) => answer(connection, question),
                Task::Do(change) => changes.push(change),
            }
        }
        if changes.is_empty() {
            continue;
        }
        let outcome = begin(connection, &changes).map_err(fault);
        let held: Vec<Held> = changes.into_iter().map(|change| perform(connection, change)).collect();
        let outcome = outcome.and_then(|()| connection.execute_batch("COMMIT").map_err(fault));
        if outcome.is_err() {
            // Nothing of the batch was kept; whether there is something to undo is SQLite's to know.
            let _nothing_to_undo = connection.execute_batch("ROLLBACK");
        }
        for answer in held {
            answer(outcome.as_ref().err());
        }
    }
}

fn answer(connection: &Connection, question: Question) {
    // Whoever asked may have gone.
    match question {
        Question::Find(trade_no, reply) => {
            let _gone = reply.send(find(connection, trade_no).map_err(fault));
        }
        Question::Due(count_max, reply) => {
            let _gone = reply.send(due(connection, count_max).map_err(fault));
        }
    }
}

/// Begins a transaction that is synced where somebody relies on it.
fn begin(connection: &Connection, changes: &[Change]) -> Result<(), rusqlite::Error> {
    let is_relied_on = changes.iter().any(|change| matches!(change, Change::Store(..)));
    connection.execute_batch(if is_relied_on {
        "PRAGMA synchronous = FULL; BEGIN IMMEDIATE"
    } else {
        "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE"
    })
}

fn perform(connection: &Connection, change: Change) -> Held {
    match change {
        Change::Store(delivery, reply) => hold(reply, store(connection, &delivery)),
        Change::End(trade_no, stage, reply) => hold(reply, end(connection, trade_no, stage)),
        Change::Forget(now, reply) => hold(reply, forget(connection, now)),
    }
}

fn hold<T: 'static>(reply: Reply<T>, result: Result<T, rusqlite::Error>) -> Held {
    Box::new(move |not_kept| {
        let result = match not_kept {
            Some(fault) => Err(fault.clone()),
            None => result.map_err(fault),
        };
        // Whoever asked may have gone.
        let _gone = reply.send(result);
    })
}

fn find(connection: &Connection, trade_no: HoldId) -> Result<Option<Delivery>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT out_trade_no, resource_id, fingerprint, stage, status, headers, body, keep_until_seconds
         FROM deliveries WHERE trade_no = ?1",
    )?;
    statement
        .query_row([trade_no.to_string()], |row| {
            Ok(Delivery {
                trade_no,
                out_trade_no: row.get(0)?,
                resource_id: row.get(1)?,
                fingerprint: row.get(2)?,
                stage: stage(row, 3)?,
                status: row.get(4)?,
                headers: row.get::<_, Vec<u8>>(5)?.into(),
                body: row.get::<_, Vec<u8>>(6)?.into(),
                keep_until: Time::from_seconds(row.get::<_, u32>(7)?.into()),
            })
        })
        .optional()
}

fn stage(row: &rusqlite::Row<'_>, column: usize) -> Result<Stage, rusqlite::Error> {
    let number: i64 = row.get(column)?;
    Stage::of(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn due(connection: &Connection, count_max: usize) -> Result<Vec<(HoldId, Stage)>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT trade_no, stage FROM deliveries WHERE stage IN (0, 1) ORDER BY trade_no LIMIT ?1",
    )?;
    let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
    let rows = statement.query_map([count_max], |row| {
        let text: String = row.get(0)?;
        let trade_no = text.parse().map_err(|_| rusqlite::Error::InvalidQuery)?;
        Ok((trade_no, stage(row, 1)?))
    })?;
    rows.collect()
}

fn store(connection: &Connection, delivery: &Delivery) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO deliveries (trade_no, out_trade_no, resource_id, fingerprint, stage, status, headers, body,
         keep_until_seconds) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        delivery.trade_no.to_string(),
        delivery.out_trade_no,
        delivery.resource_id,
        delivery.fingerprint,
        delivery.stage.number(),
        delivery.status,
        &delivery.headers[..],
        &delivery.body[..],
        seconds(delivery.keep_until),
    ])?;
    Ok(())
}

fn end(connection: &Connection, trade_no: HoldId, stage: Stage) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached("UPDATE deliveries SET stage = ?2 WHERE trade_no = ?1")?;
    statement.execute(params![trade_no.to_string(), stage.number()])?;
    Ok(())
}

fn forget(connection: &Connection, now: Time) -> Result<(), rusqlite::Error> {
    let mut statement = connection
        .prepare_cached("DELETE FROM deliveries WHERE stage NOT IN (0, 1) AND keep_until_seconds < ?1")?;
    statement.execute([seconds(now)])?;
    Ok(())
}

fn seconds(time: Time) -> u32 {
    u32::try_from(time.0 / 1_000_000_000).unwrap_or(u32::MAX)
}
