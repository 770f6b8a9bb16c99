//! What survives a crash: carts, orders with their stages, and how many of each item are taken.
//!
//! One thread owns the SQLite file. It does whatever waits in one transaction, makes it durable with one sync, and answers
//! then. An item's stock is the number in the catalogue less what is taken here, so an order that ends gives it back by
//! being counted no longer: each change of a stage says in the same transaction what it takes or gives.

use crate::cart::Cart;
use crate::limits::{CART_COUNT_MAX, LOCK_MARGIN_SECONDS, STORE_BATCH_MAX, STORE_LOCK_WAIT, STORE_QUEUE_MAX};
use crate::order::{Event, Links, Order, Owed, Paid, Stage};
use crate::surplus::store::{SCHEMA as SURPLUS, nanos};
use protocols::Time;
use protocols::act::Fingerprint;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};
use wire::{OrderId, RequestId};

const SCHEMA_VERSION: i64 = 2;

const SCHEMA: &str = "
CREATE TABLE carts (
  name TEXT PRIMARY KEY, buyer TEXT NOT NULL, stage TEXT NOT NULL, cart TEXT NOT NULL, changed INTEGER NOT NULL,
  number TEXT UNIQUE, confirmed INTEGER, lock_until INTEGER, fulfil_by INTEGER, intent_id TEXT, delegation_id TEXT,
  snapshot_hash TEXT, trade_no TEXT UNIQUE, owed TEXT NOT NULL, act TEXT, reason TEXT
) STRICT;
CREATE INDEX of_buyer ON carts (buyer) WHERE stage IN ('open', 'locked');
CREATE INDEX locked ON carts (lock_until) WHERE stage = 'locked';
CREATE INDEX owing ON carts (name) WHERE owed <> 'nothing';
CREATE INDEX waiting ON carts (changed) WHERE stage = 'open';
CREATE TABLE taken (item TEXT PRIMARY KEY, quantity INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

const COLUMNS: &str =
    "name, buyer, stage, cart, number, confirmed, lock_until, fulfil_by, intent_id, delegation_id,
  snapshot_hash, trade_no, owed, reason, act";

/// Why something could not be kept or found.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreFault(String);

fn fault(fault: impl std::fmt::Display) -> StoreFault {
    StoreFault(fault.to_string())
}

/// A cart as it is kept: open, or an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub buyer: String,
    /// Where it stands.
    pub stage: Stage,
    /// What is in it.
    pub cart: Cart,
    /// What it became.
    pub order: Option<Order>,
}

/// What came of keeping a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    /// It is not open any more.
    NotOpen(Box<Kept>),
    /// It is another buyer's.
    Foreign,
    /// The buyer has too many.
    TooMany,
}

/// What a lock says.
#[derive(Clone, Debug)]
pub(crate) struct Lock {
    pub(crate) name: String,
    /// The cart as it was read and priced: another one is not locked.
    pub(crate) cart: Cart,
    pub(crate) number: OrderId,
    pub(crate) confirmed_at: Time,
    pub(crate) lock_until: Time,
    pub(crate) fulfil_by: Option<Time>,
    pub(crate) links: Links,
    pub(crate) snapshot_hash: Fingerprint,
    /// How many of each item there are, where it runs out.
    pub(crate) stock: BTreeMap<String, u64>,
}

/// A step of an order.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) number: OrderId,
    pub(crate) event: Event,
    /// What is owed to the payment service from then on, under the name `act`.
    pub(crate) owed: Owed,
    /// The step is not taken while this is owed.
    pub(crate) unless: Owed,
    pub(crate) act: RequestId,
    pub(crate) reason: Option<String>,
}

/// What came of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It is locked, now or since earlier.
    Order(Box<Order>),
    /// Of these items too few are left: how many.
    Short(BTreeMap<String, u64>),
    /// There is no such cart, or it was changed meanwhile.
    Changed,
    /// It has ended.
    Ended(Stage),
}

type Held = Box<dyn FnOnce(Option<&StoreFault>) + Send>;
type Work = Box<dyn FnOnce(&Connection) -> Held + Send>;

/// The store of one shop. The file is closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Store(mpsc::Sender<Task>);

struct Task(Work);

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Task")
    }
}

impl Store {
    /// Opens the store in a directory, or makes it.
    pub(crate) fn open(directory: &Path) -> Result<Store, StoreFault> {
        let lock = File::create(directory.join("lock")).map_err(fault)?;
        let deadline = std::time::Instant::now() + STORE_LOCK_WAIT;
        while lock.try_lock().is_err() {
            if deadline <= std::time::Instant::now() {
                return Err(StoreFault("another shop has it open".to_owned()));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let connection = Connection::open(directory.join("shop.sqlite")).map_err(fault)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(fault)?;
        let version: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fault)?;
        match version {
            SCHEMA_VERSION => {}
            0 => connection
                .execute_batch(&format!(
                    "BEGIN; {SCHEMA} {} {SURPLUS} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;",
                    crate::act::store::SCHEMA
                ))
                .map_err(fault)?,
            // A shop of before payments that are one too many.
            1 => connection
                .execute_batch(&format!("BEGIN; {SURPLUS} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
                .map_err(fault)?,
            other => return Err(StoreFault(format!("the file is of version {other}, which is not ours"))),
        }
        let (sender, tasks) = mpsc::channel(STORE_QUEUE_MAX);
        std::thread::Builder::new()
            .name("shop-store".to_owned())
            .spawn(move || {
                run(&connection, tasks);
                drop(lock);
            })
            .map_err(fault)?;
        Ok(Store(sender))
    }

    /// Does something in the next transaction. When this answers, what was changed survives power loss.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let gone = || StoreFault("the store has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = in_savepoint(connection, act).map_err(fault);
            Box::new(move |not_kept| {
                // Whoever asked may have gone.
                let _gone = reply.send(not_kept.map_or(result, |fault| Err(fault.clone())));
            })
        });
        self.0.send(Task(work)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Keeps an open cart, new or changed.
    pub(crate) async fn put(
        &self,
        name: String,
        buyer: String,
        cart: Cart,
        now: Time,
    ) -> Result<Put, StoreFault> {
        self.act(move |connection| {
            if let Some(kept) = read(connection, "name", &name)? {
                if kept.buyer != buyer {
                    return Ok(Put::Foreign);
                }
                if kept.stage != Stage::Open {
                    return Ok(Put::NotOpen(Box::new(kept)));
                }
            } else {
                let count: i64 = connection
                    .prepare_cached(
                        "SELECT count(*) FROM carts WHERE buyer = ?1 AND stage IN ('open', 'locked')",
                    )?
                    .query_row([&buyer], |row| row.get(0))?;
                if i64::try_from(CART_COUNT_MAX).unwrap_or(i64::MAX) <= count {
                    return Ok(Put::TooMany);
                }
            }
            connection
                .prepare_cached(
                    "INSERT INTO carts (name, buyer, stage, cart, changed, owed) VALUES (?1, ?2, 'open', ?3, ?4, 'nothing')
                     ON CONFLICT (name) DO UPDATE SET cart = ?3, changed = ?4",
                )?
                .execute(params![name, buyer, text_of(&cart), nanos(now)])?;
            Ok(Put::Done)
        })
        .await
    }

    /// The cart or order of a cart's name.
    pub(crate) async fn cart(&self, name: String) -> Result<Option<Kept>, StoreFault> {
        self.act(move |connection| read(connection, "name", &name)).await
    }

    /// The order of a number.
    pub(crate) async fn order(&self, number: OrderId) -> Result<Option<Order>, StoreFault> {
        self.act(move |connection| of_number(connection, number)).await
    }

    /// Locks a cart: all of its items are taken, or none.
    pub(crate) async fn lock(&self, lock: Lock) -> Result<Locked, StoreFault> {
        self.act(move |connection| locked(connection, &lock)).await
    }

    /// Notes that the payment service knows the order.
    pub(crate) async fn announced(&self, number: OrderId) -> Result<Option<Order>, StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE carts SET owed = 'nothing' WHERE number = ?1 AND owed = 'announcement'",
                )?
                .execute([number.to_string()])?;
            of_number(connection, number)
        })
        .await
    }

    /// Notes the payment of an order. Where the order has ended, the money is owed back. Of one that was paid aside, it is asked
    /// later whether it was paid twice.
    pub(crate) async fn pay(
        &self,
        number: OrderId,
        trade_no: String,
        act: RequestId,
        by: Paid,
    ) -> Result<Option<Order>, StoreFault> {
        self.act(move |connection| {
            let Some(order) = of_number(connection, number)? else { return Ok(None) };
            if order.trade_no.is_none() {
                let (stage, owed) = match order.stage.after(Event::Pay) {
                    Some(stage) => (stage, Owed::Nothing),
                    None => (order.stage, Owed::Refund),
                };
                connection
                    .prepare_cached(
                        "UPDATE carts SET stage = ?2, trade_no = ?3, owed = ?4, act = ?5 WHERE number = ?1",
                    )?
                    .execute(params![
                        number.to_string(),
                        stage.as_str(),
                        trade_no,
                        owed.as_str(),
                        act.to_string()
                    ])?;
                if by == Paid::Aside {
                    let last = order.lock_until.after(Time::from_seconds(LOCK_MARGIN_SECONDS.into()).0);
                    connection
                        .prepare_cached(
                            "INSERT OR IGNORE INTO watched (number, due, last) VALUES (?1, 0, ?2)",
                        )?
                        .execute(params![number.to_string(), nanos(last)])?;
                }
            }
            of_number(connection, number)
        })
        .await
    }

    /// Notes what is owed to the payment service about an order at this stage, under the name `act`.
    pub(crate) async fn owe(
        &self,
        number: OrderId,
        at: Stage,
        owed: Owed,
        act: RequestId,
    ) -> Result<Option<Order>, StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached(
                    "UPDATE carts SET owed = ?3, act = ?4 WHERE number = ?1 AND stage = ?2 AND owed = 'nothing'",
                )?
                .execute(params![number.to_string(), at.as_str(), owed.as_str(), act.to_string()])?;
            of_number(connection, number)
        })
        .await
    }

    /// Moves an order on. Answers whether this moved it.
    pub(crate) async fn step(&self, change: Change) -> Result<bool, StoreFault> {
        self.act(move |connection| {
            let Change { number, event, owed, unless, act, reason } = change;
            let Some(order) = of_number(connection, number)? else { return Ok(false) };
            let Some(stage) = order.stage.after(event).filter(|_| order.owed != unless) else {
                return Ok(false);
            };
            connection
                .prepare_cached(
                    "UPDATE carts SET stage = ?2, owed = ?3, act = ?4, reason = coalesce(?5, reason) WHERE number = ?1",
                )?
                .execute(params![
                    number.to_string(),
                    stage.as_str(),
                    owed.as_str(),
                    act.to_string(),
                    reason
                ])?;
            if order.stage.holds_stock() && !stage.holds_stock() {
                give_back(connection, &order.cart)?;
            }
            Ok(true)
        })
        .await
    }

    /// Notes that nothing is owed any more, if that is still what is owed.
    pub(crate) async fn told(&self, number: OrderId, owed: Owed) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("UPDATE carts SET owed = 'nothing' WHERE number = ?1 AND owed = ?2")?
                .execute(params![number.to_string(), owed.as_str()])
                .map(|_| ())
        })
        .await
    }

    /// Ends an open cart.
    pub(crate) async fn end_open(&self, name: String) -> Result<bool, StoreFault> {
        self.act(move |connection| {
            let ended = connection
                .prepare_cached("UPDATE carts SET stage = 'cancelled' WHERE name = ?1 AND stage = 'open'")?
                .execute([name])?;
            Ok(ended == 1)
        })
        .await
    }

    /// Forgets carts that nobody has changed since.
    pub(crate) async fn forget_open(&self, before: Time) -> Result<(), StoreFault> {
        self.act(move |connection| {
            connection
                .prepare_cached("DELETE FROM carts WHERE stage = 'open' AND changed < ?1")?
                .execute([nanos(before)])
                .map(|_| ())
        })
        .await
    }

    /// Orders about which something is owed, and those whose lock was over before a time.
    pub(crate) async fn due(
        &self,
        over_before: Time,
        count: usize,
    ) -> Result<Vec<(Order, RequestId)>, StoreFault> {
        self.act(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM carts
                 WHERE owed IN ('announcement', 'capture', 'refund') OR (stage = 'locked' AND lock_until < ?1)
                    OR (owed = 'watch' AND lock_until < ?1) ORDER BY number LIMIT ?2"
            ))?;
            let mut rows =
                statement.query(params![nanos(over_before), i64::try_from(count).unwrap_or(i64::MAX)])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let act = row.get::<_, Option<String>>(14)?.and_then(|text| text.parse().ok());
                let act = act.unwrap_or(RequestId(0));
                due.extend(kept_of(row)?.order.map(|order| (order, act)));
            }
            Ok(due)
        })
        .await
    }

    /// The name under which what is owed about an order is said.
    pub(crate) async fn act_of(&self, number: OrderId) -> Result<Option<RequestId>, StoreFault> {
        self.act(move |connection| {
            let text: Option<Option<String>> = connection
                .prepare_cached("SELECT act FROM carts WHERE number = ?1")?
                .query_row([number.to_string()], |row| row.get(0))
                .optional()?;
            Ok(text.flatten().and_then(|text| text.parse().ok()))
        })
        .await
    }

    /// How many of each item are taken.
    pub(crate) async fn taken(&self) -> Result<BTreeMap<String, u64>, StoreFault> {
        self.act(move |connection| {
            let mut statement = connection.prepare_cached("SELECT item, quantity FROM taken")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
            rows.collect()
        })
        .await
    }
}

fn locked(connection: &Connection, lock: &Lock) -> Result<Locked, rusqlite::Error> {
    let Some(kept) = read(connection, "name", &lock.name)? else { return Ok(Locked::Changed) };
    match kept.stage {
        Stage::Locked | Stage::Paid | Stage::Fulfilled => {
            return Ok(kept.order.map_or(Locked::Changed, |order| Locked::Order(Box::new(order))));
        }
        Stage::Cancelled | Stage::Expired => return Ok(Locked::Ended(kept.stage)),
        Stage::Open => {}
    }
    if kept.cart != lock.cart {
        return Ok(Locked::Changed);
    }
    // Everything that can say no stands before the first change.
    let wanted = lock.cart.quantities();
    let mut short = BTreeMap::new();
    for (item, quantity) in &wanted {
        let Some(stock) = lock.stock.get(item) else { continue };
        let taken: Option<i64> = connection
            .prepare_cached("SELECT quantity FROM taken WHERE item = ?1")?
            .query_row([item], |row| row.get(0))
            .optional()?;
        let left = stock.saturating_sub(unsigned(taken.unwrap_or_default()));
        if left < *quantity {
            short.insert(item.clone(), left);
        }
    }
    if !short.is_empty() {
        return Ok(Locked::Short(short));
    }
    for (item, quantity) in &wanted {
        connection
            .prepare_cached(
                "INSERT INTO taken (item, quantity) VALUES (?1, ?2)
                 ON CONFLICT (item) DO UPDATE SET quantity = quantity + ?2",
            )?
            .execute(params![item, signed(*quantity)])?;
    }
    connection
        .prepare_cached(
            "UPDATE carts SET stage = 'locked', owed = 'announcement', number = ?2, confirmed = ?3, lock_until = ?4,
             fulfil_by = ?5, intent_id = ?6, delegation_id = ?7, snapshot_hash = ?8 WHERE name = ?1",
        )?
        .execute(params![
            lock.name,
            lock.number.to_string(),
            nanos(lock.confirmed_at),
            nanos(lock.lock_until),
            lock.fulfil_by.map(nanos),
            lock.links.intent_id,
            lock.links.delegation_id,
            lock.snapshot_hash.as_str(),
        ])?;
    let order = of_number(connection, lock.number)?;
    Ok(order.map_or(Locked::Changed, |order| Locked::Order(Box::new(order))))
}

fn give_back(connection: &Connection, cart: &Cart) -> Result<(), rusqlite::Error> {
    for (item, quantity) in cart.quantities() {
        connection
            .prepare_cached("UPDATE taken SET quantity = quantity - ?2 WHERE item = ?1")?
            .execute(params![item, signed(quantity)])?;
    }
    Ok(())
}

fn of_number(connection: &Connection, number: OrderId) -> Result<Option<Order>, rusqlite::Error> {
    Ok(read(connection, "number", &number.to_string())?.and_then(|kept| kept.order))
}

/// `column` is one of ours that is unique.
fn read(connection: &Connection, column: &'static str, value: &str) -> Result<Option<Kept>, rusqlite::Error> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM carts WHERE {column} = ?1"))?
        .query_row([value], kept_of)
        .optional()
}

fn kept_of(row: &Row<'_>) -> Result<Kept, rusqlite::Error> {
    let wrong = || rusqlite::Error::InvalidQuery;
    let stage = Stage::parse(&row.get::<_, String>(2)?).ok_or_else(wrong)?;
    let cart: Cart = serde_json::from_str(&row.get::<_, String>(3)?).map_err(|_| wrong())?;
    let (name, buyer): (String, String) = (row.get(0)?, row.get(1)?);
    let order = match row.get::<_, Option<String>>(4)? {
        Some(number) => Some(Order {
            number: number.parse().map_err(|_| wrong())?,
            cart_name: name.clone(),
            buyer: buyer.clone(),
            cart: cart.clone(),
            stage,
            confirmed_at: time(row.get(5)?),
            lock_until: time(row.get(6)?),
            fulfil_by: row.get::<_, Option<i64>>(7)?.map(time),
            links: Links { intent_id: row.get(8)?, delegation_id: row.get(9)? },
            snapshot_hash: Fingerprint::parse(row.get::<_, String>(10)?).map_err(|_| wrong())?,
            trade_no: row.get(11)?,
            owed: Owed::parse(&row.get::<_, String>(12)?).ok_or_else(wrong)?,
            reason: row.get(13)?,
        }),
        None => None,
    };
    Ok(Kept { name, buyer, stage, cart, order })
}

/// Does one piece of work whole or not at all, whatever becomes of the others of its batch.
fn in_savepoint<T>(
    connection: &Connection,
    act: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    connection.execute_batch("SAVEPOINT work")?;
    let result = act(connection);
    let end = if result.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" };
    connection.execute_batch(end)?;
    result
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

fn text_of(cart: &Cart) -> String {
    serde_json::to_string(cart).expect("a cart is JSON")
}

fn time(nanos: i64) -> Time {
    Time(u64::try_from(nanos).unwrap_or_default())
}

fn signed(quantity: u64) -> i64 {
    i64::try_from(quantity).unwrap_or(i64::MAX)
}

fn unsigned(quantity: i64) -> u64 {
    u64::try_from(quantity).unwrap_or_default()
}

#[cfg(test)]
mod tests;
