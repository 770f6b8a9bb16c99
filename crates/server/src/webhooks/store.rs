//! What is kept of webhooks, in a file beside the journal: who listens, what each is to be told, and how that went.

use crate::limits::{
    WEBHOOK_ATTEMPTS_SHOWN_MAX, WEBHOOK_DUE_MAX, WEBHOOK_KEPT_SECONDS, WEBHOOK_PAUSES_SECONDS,
    WEBHOOK_SENDS_OF_ONE_MAX,
};
use book::{Id, PayeeId, Seq, Time};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MARK: &str = "journal";

/// The file.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

/// The result of every question to the file.
pub type Stored<T> = rusqlite::Result<T>;

/// Somebody who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub id: Id,
    /// Whose sales it is told of.
    pub payee: PayeeId,
    /// Where.
    pub url: String,
    /// The types of events it is told of; none for all that are told unasked.
    pub events: Vec<String>,
    /// How often its secret was changed.
    pub generation: u32,
    /// When it was last changed.
    pub rotated_at: Option<Time>,
    /// When it was made.
    pub made_at: Time,
    /// The first entry that it may be told of.
    pub from: Seq,
}

/// Something that somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name, the same in every attempt.
    pub id: Id,
    /// To which webhook; none where an agent named the address.
    pub webhook: Option<Id>,
    /// Where to.
    pub url: String,
    /// The type of the event.
    pub kind: String,
    /// The JSON that is sent.
    pub body: String,
    /// Since when it is to be sent.
    pub made_at: Time,
    /// How often that was tried.
    pub tries: u32,
}

impl Message {
    /// The host and port that it goes to.
    pub(crate) fn host(&self) -> String {
        url::Url::parse(&self.url).ok().map(|url| url.authority().to_owned()).unwrap_or_default()
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is tried again at this moment.
    Waiting(Time),
    /// Taken.
    Delivered,
    /// Tried for days, and not taken.
    GivenUp,
}

/// One attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: Time,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// Why it counts as not taken.
    pub fault: Option<String>,
    /// How long it took.
    pub millis: u64,
}

impl Store {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path, now: Seq) -> Stored<Store> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS webhooks (id BLOB PRIMARY KEY, payee BLOB NOT NULL, url TEXT NOT NULL,
                events TEXT NOT NULL, generation INTEGER NOT NULL, rotated_at INTEGER, made_at INTEGER NOT NULL,
                first INTEGER NOT NULL, closed INTEGER) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS webhooks_of ON webhooks (payee);
             CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, webhook BLOB,
                url TEXT NOT NULL, host TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, made_at INTEGER NOT NULL,
                tries INTEGER NOT NULL, next_at INTEGER, delivered INTEGER NOT NULL);
             CREATE INDEX IF NOT EXISTS messages_due ON messages (next_at) WHERE next_at IS NOT NULL;
             CREATE INDEX IF NOT EXISTS messages_of ON messages (webhook, seq);
             CREATE INDEX IF NOT EXISTS messages_old ON messages (made_at);
             CREATE TABLE IF NOT EXISTS attempts (message BLOB NOT NULL, at INTEGER NOT NULL, status INTEGER,
                fault TEXT, millis INTEGER NOT NULL, PRIMARY KEY (message, at)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;",
        )?;
        connection.execute("INSERT OR IGNORE INTO marks VALUES (?1, ?2)", params![MARK, place(now)])?;
        Ok(Store(Mutex::new(connection)))
    }

    fn at(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To which place the journal was read.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn read_to(&self) -> Stored<Seq> {
        let find = "SELECT place FROM marks WHERE name = ?1";
        self.at().query_row(find, params![MARK], |row| Ok(Seq(row.get::<_, i64>(0)?.unsigned_abs())))
    }

    /// Keeps a webhook; what was kept under that name stays. Returns what is kept now, open or closed.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep_webhook(&self, webhook: &Webhook) -> Stored<Option<(Webhook, bool)>> {
        let keep = "INSERT OR IGNORE INTO webhooks VALUES (?1, ?2, ?3, ?4, 0, NULL, ?5, ?6, NULL)";
        let events = webhook.events.join(" ");
        let Webhook { id, payee, url, made_at, .. } = webhook;
        self.at()
            .execute(keep, params![id.0, payee.0.0, url, events, nanos(*made_at), place(webhook.from)])?;
        let find = "SELECT id, payee, url, events, generation, rotated_at, made_at, first, closed FROM webhooks WHERE id = ?1";
        let read = |row: &Row<'_>| Ok((read_webhook(row)?, row.get::<_, Option<i64>>(8)?.is_none()));
        self.at().query_row(find, params![id.0], read).optional()
    }

    /// An open webhook.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn webhook(&self, id: Id) -> Stored<Option<Webhook>> {
        let find = "SELECT id, payee, url, events, generation, rotated_at, made_at, first FROM webhooks
             WHERE id = ?1 AND closed IS NULL";
        self.at().query_row(find, params![id.0], read_webhook).optional()
    }

    /// The open webhooks of a seller, oldest first.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn webhooks_of(&self, payee: PayeeId) -> Stored<Vec<Webhook>> {
        let find = "SELECT id, payee, url, events, generation, rotated_at, made_at, first FROM webhooks
             WHERE payee = ?1 AND closed IS NULL ORDER BY made_at, id";
        let connection = self.at();
        let mut find = connection.prepare_cached(find)?;
        find.query_map(params![payee.0.0], read_webhook)?.collect()
    }

    /// Every open webhook.
    pub(super) fn open_webhooks(&self) -> Stored<Vec<Webhook>> {
        let find = "SELECT id, payee, url, events, generation, rotated_at, made_at, first FROM webhooks
             WHERE closed IS NULL ORDER BY made_at, id";
        let connection = self.at();
        let mut find = connection.prepare_cached(find)?;
        find.query_map([], read_webhook)?.collect()
    }

    /// Gives a webhook a new secret.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn rotate(&self, id: Id, from: u32, now: Time) -> Stored<()> {
        let change = "UPDATE webhooks SET generation = generation + 1, rotated_at = ?3 WHERE id = ?1 AND generation = ?2";
        self.at().execute(change, params![id.0, from, nanos(now)])?;
        Ok(())
    }

    /// Ends a webhook: it is told nothing more, also of what happened before.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn close_webhook(&self, id: Id, now: Time) -> Stored<()> {
        let mut connection = self.at();
        let transaction = connection.transaction()?;
        let close = "UPDATE webhooks SET closed = ?2 WHERE id = ?1 AND closed IS NULL";
        transaction.execute(close, params![id.0, nanos(now)])?;
        transaction.execute("UPDATE messages SET next_at = NULL WHERE webhook = ?1", params![id.0])?;
        transaction.commit()
    }

    /// Keeps messages, and to which place the journal was read for them.
    pub(super) fn keep_messages(&self, messages: &[Message], read_to: Option<Seq>) -> Stored<()> {
        let mut connection = self.at();
        let transaction = connection.transaction()?;
        {
            let keep = "INSERT OR IGNORE INTO messages (id, webhook, url, host, kind, body, made_at, tries, next_at, delivered)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?7, 0)";
            let mut keep = transaction.prepare_cached(keep)?;
            for it in messages {
                let webhook = it.webhook.map(|id| id.0);
                let at = nanos(it.made_at);
                keep.execute(params![it.id.0, webhook, it.url, it.host(), it.kind, it.body, at])?;
            }
        }
        if let Some(read_to) = read_to {
            let update = "UPDATE marks SET place = ?2 WHERE name = ?1";
            transaction.execute(update, params![MARK, place(read_to)])?;
        }
        transaction.commit()
    }

    /// What is to be sent now, what waits longest first; of each host no more than are sent to it at once and wait next,
    /// so that one who does not answer hides nobody else.
    pub(super) fn due(&self, now: Time) -> Stored<Vec<Message>> {
        let find = "SELECT id, webhook, url, kind, body, made_at, tries FROM messages WHERE seq IN (
                SELECT seq FROM (SELECT seq, next_at, row_number() OVER (PARTITION BY host ORDER BY next_at, seq) AS place
                    FROM messages WHERE next_at <= ?1)
                WHERE place <= ?2 ORDER BY next_at, seq LIMIT ?3)
             ORDER BY next_at, seq";
        let connection = self.at();
        let mut find = connection.prepare_cached(find)?;
        let of_one = i64::try_from(2 * WEBHOOK_SENDS_OF_ONE_MAX).unwrap_or(i64::MAX);
        find.query_map(params![nanos(now), of_one, WEBHOOK_DUE_MAX], read_message)?.collect()
    }

    /// Notes how an attempt went. What is not taken is tried again later, or given up; what is old is forgotten.
    pub(super) fn attempted(&self, message: &Message, attempt: &Attempt) -> Stored<()> {
        let mut connection = self.at();
        let transaction = connection.transaction()?;
        let Attempt { at, status, fault, millis } = attempt;
        let millis = i64::try_from(*millis).unwrap_or(i64::MAX);
        transaction.execute(
            "INSERT OR REPLACE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5)",
            params![message.id.0, nanos(*at), status, fault, millis],
        )?;
        let next = match fault {
            None => None,
            Some(_) => usize::try_from(message.tries)
                .ok()
                .and_then(|tries| WEBHOOK_PAUSES_SECONDS.get(tries))
                .map(|pause| nanos(at.after(Time::from_seconds(*pause).0))),
        };
        transaction.execute(
            "UPDATE messages SET tries = tries + 1, next_at = ?2, delivered = ?3 WHERE id = ?1",
            params![message.id.0, next, fault.is_none()],
        )?;
        let old = nanos(Time(at.0.saturating_sub(Time::from_seconds(WEBHOOK_KEPT_SECONDS).0)));
        let forget = "SELECT id FROM messages WHERE made_at < ?1 AND next_at IS NULL LIMIT 16";
        transaction.execute(&format!("DELETE FROM attempts WHERE message IN ({forget})"), params![old])?;
        transaction.execute(&format!("DELETE FROM messages WHERE id IN ({forget})"), params![old])?;
        transaction.commit()
    }

    /// Sends a message again, whether it was taken or not; false where there is none to that webhook.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn replay(&self, webhook: Id, message: Id, now: Time) -> Stored<bool> {
        let again = "UPDATE messages SET next_at = ?3, tries = 0 WHERE id = ?1 AND webhook = ?2";
        Ok(self.at().execute(again, params![message.0, webhook.0, nanos(now)])? == 1)
    }

    /// What a webhook was told, newest first, and how that went; `before` is the place of a message.
    ///
    /// # Errors
    /// Any failure of SQLite.
    #[allow(clippy::type_complexity)]
    pub fn deliveries(
        &self,
        webhook: Id,
        before: Option<u64>,
        limit: usize,
    ) -> Stored<Vec<(u64, Message, Delivery, Vec<Attempt>)>> {
        let find =
            "SELECT id, webhook, url, kind, body, made_at, tries, next_at, delivered, seq FROM messages
             WHERE webhook = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        let before = before.and_then(|place| i64::try_from(place).ok()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.at();
        let mut find = connection.prepare_cached(find)?;
        let read = |row: &Row<'_>| {
            let delivery = match (row.get::<_, Option<i64>>(7)?, row.get::<_, bool>(8)?) {
                (Some(next), _) => Delivery::Waiting(Time(next.unsigned_abs())),
                (None, true) => Delivery::Delivered,
                (None, false) => Delivery::GivenUp,
            };
            Ok((row.get::<_, i64>(9)?.unsigned_abs(), read_message(row)?, delivery))
        };
        let rows: Vec<_> = find.query_map(params![webhook.0, before, limit], read)?.collect::<Stored<_>>()?;
        let attempts =
            "SELECT at, status, fault, millis FROM attempts WHERE message = ?1 ORDER BY at DESC LIMIT ?2";
        let mut attempts = connection.prepare_cached(attempts)?;
        let mut found = Vec::with_capacity(rows.len());
        for (place, message, delivery) in rows {
            let tried = attempts
                .query_map(params![message.id.0, WEBHOOK_ATTEMPTS_SHOWN_MAX], read_attempt)?
                .collect::<Stored<_>>()?;
            found.push((place, message, delivery, tried));
        }
        Ok(found)
    }
}

fn nanos(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn place(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

fn read_webhook(row: &Row<'_>) -> Stored<Webhook> {
    Ok(Webhook {
        id: Id(row.get(0)?),
        payee: PayeeId(Id(row.get(1)?)),
        url: row.get(2)?,
        events: row.get::<_, String>(3)?.split_whitespace().map(str::to_owned).collect(),
        generation: row.get(4)?,
        rotated_at: row.get::<_, Option<i64>>(5)?.map(|at| Time(at.unsigned_abs())),
        made_at: Time(row.get::<_, i64>(6)?.unsigned_abs()),
        from: Seq(row.get::<_, i64>(7)?.unsigned_abs()),
    })
}

fn read_message(row: &Row<'_>) -> Stored<Message> {
    Ok(Message {
        id: Id(row.get(0)?),
        webhook: row.get::<_, Option<[u8; 16]>>(1)?.map(Id),
        url: row.get(2)?,
        kind: row.get(3)?,
        body: row.get(4)?,
        made_at: Time(row.get::<_, i64>(5)?.unsigned_abs()),
        tries: row.get(6)?,
    })
}

fn read_attempt(row: &Row<'_>) -> Stored<Attempt> {
    Ok(Attempt {
        at: Time(row.get::<_, i64>(0)?.unsigned_abs()),
        status: row.get(1)?,
        fault: row.get(2)?,
        millis: row.get::<_, i64>(3)?.unsigned_abs(),
    })
}
