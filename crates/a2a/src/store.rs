//! What survives a crash: tasks, what they were asked, and the payment each of them took.
//!
//! One thread owns the SQLite file. It does whatever waits in one transaction, makes it durable with one sync, and answers then.
//! Every change of a task gets the next number, which pages and followers go by. The file is locked: a second agent on it would
//! do the same work twice.

use crate::limits::{
    LOCK_WAIT, PAID_KEPT_SECONDS, STORE_BATCH_MAX, STORE_QUEUE_MAX, TASK_MESSAGES_MAX, UNPAID_KEPT_SECONDS,
    UNPAID_TASKS_MAX,
};
use evidence::Hash;
use protocols::Time;
use protocols::a2a::call::{Artifacts, Listing};
use protocols::a2a::{State, Task};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use std::cell::Cell;
use std::fs::File;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

const SCHEMA_VERSION: i64 = 1;

/// What a client may see is decided by `client`; `changed` rises with every change of any task.
const SCHEMA: &str = "
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, client BLOB, message_id TEXT NOT NULL, context TEXT NOT NULL, state TEXT NOT NULL,
  changed INTEGER NOT NULL UNIQUE, changed_at INTEGER NOT NULL, skill TEXT NOT NULL, purchase TEXT NOT NULL, coupon TEXT,
  kind TEXT NOT NULL, body BLOB NOT NULL, payment TEXT, payment_digest BLOB, task BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages ON tasks (client, message_id) WHERE client IS NOT NULL;
CREATE INDEX of_client ON tasks (client, changed);
CREATE INDEX payments ON tasks (payment_digest) WHERE payment_digest IS NOT NULL;
CREATE INDEX unpaid ON tasks (changed) WHERE payment IS NULL;
CREATE INDEX under_way ON tasks (id) WHERE state IN ('TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING');
";

const COLUMNS: &str =
    "task, client, message_id, changed, skill, purchase, coupon, kind, body, payment, payment_digest";

/// A task, and what is kept beside it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) task: Task,
    /// Whose it is: the digest of a key; none for whoever knows its name.
    pub(crate) client: Option<Hash>,
    /// The message that began it.
    pub(crate) message_id: String,
    /// The number of its last change.
    pub(crate) changed: i64,
    pub(crate) skill: String,
    /// The key by which repetitions of the purchase are known.
    pub(crate) purchase: String,
    pub(crate) coupon: Option<String>,
    /// What the service behind gets.
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
    /// What was paid, as its header has it.
    pub(crate) payment: Option<String>,
    pub(crate) payment_digest: Option<Hash>,
}

/// What became of a new task.
#[derive(Debug)]
pub(crate) enum Created {
    /// It is there now.
    New(Kept),
    /// The same client said the same message before.
    Before(Kept),
}

/// What became of a payment for a task.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is the task's, which is under way from now on.
    Now(Kept),
    /// It was the task's before.
    Before(Kept),
    /// It is another task's.
    Elsewhere,
    /// The task does not wait for one.
    NotAwaited(Kept),
    /// There is no such task any more.
    Gone,
}

/// A page of tasks, the newest change first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) tasks: Vec<Task>,
    /// After which change the next page goes on.
    pub(crate) next: Option<i64>,
    pub(crate) count: i64,
}

/// Why a task could not be kept or found.
#[derive(Clone, Debug, thiserror::Error)]
#[error("tasks: {0}")]
pub struct StoreFault(String);

fn fault(fault: impl std::fmt::Display) -> StoreFault {
    StoreFault(fault.to_string())
}

type Held = Box<dyn FnOnce(Option<&StoreFault>) + Send>;
type Work = Box<dyn FnOnce(&Tasks) -> Held + Send>;

/// The store of one agent. The file is closed when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Store(mpsc::Sender<Work>);

/// The file, and the number of the last change.
struct Tasks {
    connection: Connection,
    changed: Cell<i64>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the tasks in a directory, or makes them.
    pub(crate) fn open(directory: &Path) -> Result<Store, StoreFault> {
        let lock = File::create(directory.join("tasks.lock")).map_err(fault)?;
        let deadline = std::time::Instant::now() + LOCK_WAIT;
        while lock.try_lock().is_err() {
            if deadline <= std::time::Instant::now() {
                return Err(StoreFault("another agent has them open".to_owned()));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let connection = Connection::open(directory.join("tasks.sqlite")).map_err(fault)?;
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
        let last = connection.query_row("SELECT coalesce(max(changed), 0) FROM tasks", [], |row| row.get(0));
        let tasks = Tasks { connection, changed: Cell::new(last.map_err(fault)?) };
        let (sender, work) = mpsc::channel(STORE_QUEUE_MAX);
        std::thread::Builder::new()
            .name("a2a-tasks".to_owned())
            .spawn(move || {
                run(&tasks, work);
                drop(lock);
            })
            .map_err(fault)?;
        Ok(Store(sender))
    }

    /// Does something in the next transaction. When this answers, what was changed survives power loss.
    async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Tasks) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let gone = || StoreFault("the store has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |tasks| {
            let result = act(tasks).map_err(fault);
            Box::new(move |not_kept| {
                // Whoever asked may have gone.
                let _gone = reply.send(not_kept.map_or(result, |fault| Err(fault.clone())));
            })
        });
        self.0.send(work).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Keeps a new task, unless its client said the same message before. What nobody paid for and is old makes room.
    pub(crate) async fn create(&self, kept: Kept, now: Time) -> Result<Created, StoreFault> {
        self.act(move |tasks| {
            if let Some(client) = &kept.client
                && let Some(before) = tasks.said(client, &kept.message_id)?
            {
                return Ok(Created::Before(before));
            }
            tasks.forget(now)?;
            tasks.write(kept, now, Write::New).map(Created::New)
        })
        .await
    }

    /// The task of that name.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Kept>, StoreFault> {
        let id = id.to_owned();
        self.act(move |tasks| tasks.find(&id)).await
    }

    /// Changes a task, where `change` says that it did. Answers the task as it is then, and whether it was changed.
    pub(crate) async fn step(
        &self,
        id: &str,
        now: Time,
        change: impl FnOnce(&mut Kept) -> Step + Send + 'static,
    ) -> Result<Option<(Kept, Step)>, StoreFault> {
        let id = id.to_owned();
        self.act(move |tasks| {
            let Some(mut kept) = tasks.find(&id)? else { return Ok(None) };
            match change(&mut kept) {
                Step::No => Ok(Some((kept, Step::No))),
                Step::Made => Ok(Some((tasks.write(kept, now, Write::Again)?, Step::Made))),
            }
        })
        .await
    }

    /// Takes a payment for a task that waits for one: it is the only one that the task ever takes. One that did not count
    /// elsewhere may still be this task's.
    pub(crate) async fn take(
        &self,
        id: &str,
        now: Time,
        (payment, digest): (String, Hash),
        change: impl FnOnce(&mut Kept) + Send + 'static,
    ) -> Result<Taken, StoreFault> {
        let id = id.to_owned();
        self.act(move |tasks| {
            let Some(mut kept) = tasks.find(&id)? else { return Ok(Taken::Gone) };
            if kept.payment_digest == Some(digest) {
                return Ok(Taken::Before(kept));
            }
            if kept.task.status.state != State::InputRequired || kept.payment.is_some() {
                return Ok(Taken::NotAwaited(kept));
            }
            let mut of_other = tasks.connection.prepare_cached(
                "SELECT 1 FROM tasks WHERE payment_digest = ?1
                 AND state NOT IN ('TASK_STATE_FAILED', 'TASK_STATE_REJECTED', 'TASK_STATE_CANCELED')",
            )?;
            if of_other.exists([&digest.as_bytes()[..]])? {
                return Ok(Taken::Elsewhere);
            }
            (kept.payment, kept.payment_digest) = (Some(payment), Some(digest));
            change(&mut kept);
            tasks.write(kept, now, Write::Again).map(Taken::Now)
        })
        .await
    }

    /// The tasks of a client, those that changed last first.
    pub(crate) async fn list(
        &self,
        client: Hash,
        listing: Listing,
        before: Option<i64>,
    ) -> Result<Page, StoreFault> {
        self.act(move |tasks| tasks.list(&client, &listing, before)).await
    }

    /// What was under way when the one before us ended.
    pub(crate) async fn under_way(&self) -> Result<Vec<Kept>, StoreFault> {
        self.act(|tasks| {
            let query = format!(
                "SELECT {COLUMNS} FROM tasks WHERE state IN ('TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING') ORDER BY id"
            );
            tasks.connection.prepare(&query)?.query_map([], kept_of)?.collect()
        })
        .await
    }
}

/// Whether a task was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Made,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Write {
    New,
    Again,
}

impl Tasks {
    fn find(&self, id: &str) -> Result<Option<Kept>, rusqlite::Error> {
        let query = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1");
        self.connection.prepare_cached(&query)?.query_row([id], kept_of).optional()
    }

    fn said(&self, client: &Hash, message_id: &str) -> Result<Option<Kept>, rusqlite::Error> {
        let query = format!("SELECT {COLUMNS} FROM tasks WHERE client = ?1 AND message_id = ?2");
        let mut statement = self.connection.prepare_cached(&query)?;
        statement.query_row(params![&client.as_bytes()[..], message_id], kept_of).optional()
    }

    /// Writes a task with the next number and the time of its status.
    fn write(&self, mut kept: Kept, now: Time, how: Write) -> Result<Kept, rusqlite::Error> {
        kept.changed = self.changed.get() + 1;
        kept.task.status.timestamp = Some(now);
        let long = kept.task.history.len().saturating_sub(TASK_MESSAGES_MAX);
        kept.task.history.drain(..long);
        let sql = match how {
            Write::New => {
                "INSERT INTO tasks (id, client, message_id, context, state, changed, changed_at, skill, purchase, coupon,
                 kind, body, payment, payment_digest, task)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
            }
            Write::Again => {
                "UPDATE tasks SET client = ?2, message_id = ?3, context = ?4, state = ?5, changed = ?6, changed_at = ?7,
                 skill = ?8, purchase = ?9, coupon = ?10, kind = ?11, body = ?12, payment = ?13, payment_digest = ?14,
                 task = ?15 WHERE id = ?1"
            }
        };
        self.connection.prepare_cached(sql)?.execute(params![
            kept.task.id,
            kept.client.as_ref().map(|client| client.as_bytes().to_vec()),
            kept.message_id,
            kept.task.context_id,
            kept.task.status.state.as_str(),
            kept.changed,
            millis(now),
            kept.skill,
            kept.purchase,
            kept.coupon,
            kept.kind,
            kept.body,
            kept.payment,
            kept.payment_digest.as_ref().map(|digest| digest.as_bytes().to_vec()),
            serde_json::to_vec(&kept.task.to_json()).map_err(|_| rusqlite::Error::InvalidQuery)?,
        ])?;
        self.changed.set(kept.changed);
        Ok(kept)
    }

    fn list(&self, client: &Hash, listing: &Listing, before: Option<i64>) -> Result<Page, rusqlite::Error> {
        let filter = "client = ?1 AND (?2 IS NULL OR context = ?2) AND (?3 IS NULL OR state = ?3) AND ?4 <= changed_at";
        let state = listing.state.map(State::as_str);
        let after = listing.changed_after.map_or(0, millis);
        let wanted = params![&client.as_bytes()[..], listing.context_id, state, after];
        let mut counting =
            self.connection.prepare_cached(&format!("SELECT count(*) FROM tasks WHERE {filter}"))?;
        let count: i64 = counting.query_row(wanted, |row| row.get(0))?;
        let query = format!(
            "SELECT task, changed FROM tasks WHERE {filter} AND changed < ?5 ORDER BY changed DESC LIMIT ?6"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        // One more than wanted, to know whether there is another page.
        let size = usize::try_from(listing.page_size).unwrap_or(usize::MAX);
        let found = statement.query_map(
            params![
                &client.as_bytes()[..],
                listing.context_id,
                state,
                after,
                before.unwrap_or(i64::MAX),
                i64::from(listing.page_size) + 1
            ],
            |row| Ok((task_of(row, 0)?, row.get::<_, i64>(1)?)),
        )?;
        let mut found: Vec<(Task, i64)> = found.collect::<Result<_, _>>()?;
        let is_more = size < found.len();
        found.truncate(size);
        let next = found.last().map(|(_, changed)| *changed).filter(|_| is_more);
        let tasks = found.into_iter().map(|(task, _)| {
            let mut task = task.with_history(listing.history_length);
            if listing.artifacts == Artifacts::LeftOut {
                task.artifacts.clear();
            }
            task
        });
        Ok(Page { tasks: tasks.collect(), next, count })
    }

    /// Forgets what is over and old, and of what nobody paid for the oldest, so that there is room for one more.
    fn forget(&self, now: Time) -> Result<(), rusqlite::Error> {
        let over = "state IN ('TASK_STATE_COMPLETED', 'TASK_STATE_FAILED', 'TASK_STATE_CANCELED', 'TASK_STATE_REJECTED')";
        let at_rest = format!("({over} OR state = 'TASK_STATE_INPUT_REQUIRED')");
        let ago = |seconds: u64| millis(Time(now.0.saturating_sub(seconds.saturating_mul(1_000_000_000))));
        let sql = format!("DELETE FROM tasks WHERE payment IS NULL AND {at_rest} AND changed_at < ?1");
        self.connection.prepare_cached(&sql)?.execute([ago(UNPAID_KEPT_SECONDS)])?;
        let sql = format!("DELETE FROM tasks WHERE payment IS NOT NULL AND {over} AND changed_at < ?1");
        self.connection.prepare_cached(&sql)?.execute([ago(PAID_KEPT_SECONDS)])?;
        let sql = format!(
            "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE payment IS NULL AND {at_rest}
             ORDER BY changed DESC LIMIT -1 OFFSET ?1)"
        );
        self.connection.prepare_cached(&sql)?.execute([UNPAID_TASKS_MAX - 1])?;
        Ok(())
    }
}

fn run(tasks: &Tasks, mut work: mpsc::Receiver<Work>) {
    let mut batch = Vec::with_capacity(STORE_BATCH_MAX);
    loop {
        match work.blocking_recv() {
            Some(one) => batch.push(one),
            None => return,
        }
        while batch.len() < STORE_BATCH_MAX {
            match work.try_recv() {
                Ok(one) => batch.push(one),
                Err(_) => break,
            }
        }
        let before = tasks.changed.get();
        let begun = tasks.connection.execute_batch("BEGIN IMMEDIATE").map_err(fault);
        let held: Vec<Held> = batch.drain(..).map(|one| one(tasks)).collect();
        let outcome = begun.and_then(|()| tasks.connection.execute_batch("COMMIT").map_err(fault));
        if outcome.is_err() {
            // Nothing of the batch was kept; whether there is something to undo is SQLite's to know.
            let _nothing_to_undo = tasks.connection.execute_batch("ROLLBACK");
            tasks.changed.set(before);
        }
        for answer in held {
            answer(outcome.as_ref().err());
        }
    }
}

fn kept_of(row: &SqlRow<'_>) -> Result<Kept, rusqlite::Error> {
    Ok(Kept {
        task: task_of(row, 0)?,
        client: hash_of(row, 1)?,
        message_id: row.get(2)?,
        changed: row.get(3)?,
        skill: row.get(4)?,
        purchase: row.get(5)?,
        coupon: row.get(6)?,
        kind: row.get(7)?,
        body: row.get(8)?,
        payment: row.get(9)?,
        payment_digest: hash_of(row, 10)?,
    })
}

fn task_of(row: &SqlRow<'_>, column: usize) -> Result<Task, rusqlite::Error> {
    let text: Vec<u8> = row.get(column)?;
    let value = serde_json::from_slice(&text).map_err(|_| rusqlite::Error::InvalidQuery)?;
    Task::read(value).map_err(|_| rusqlite::Error::InvalidQuery)
}

fn hash_of(row: &SqlRow<'_>, column: usize) -> Result<Option<Hash>, rusqlite::Error> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    let hash = |bytes: Vec<u8>| Hash::from_slice(&bytes).ok_or(rusqlite::Error::InvalidQuery);
    bytes.map(hash).transpose()
}

fn millis(at: Time) -> i64 {
    i64::try_from(at.0 / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
