//! The file of the market: services as their sellers describe them, and what was found when somebody looked.

use super::rank::Record;
use crate::limits::{SERVICES_MAX, SERVICES_OF_ONE_MAX};
use book::{Amount, Id, PayeeId, Time};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::AssetText;
use wire::service::{ServiceMethod, ServiceState};

/// The file.
#[derive(Debug)]
pub struct Store(Mutex<Connection>);

/// The result of every question to the file.
pub type Stored<T> = rusqlite::Result<T>;

/// What a seller says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name in the book of names.
    pub id: Id,
    /// Who is paid.
    pub payee: PayeeId,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it is a kind of.
    pub category: String,
    /// How it is called.
    pub method: ServiceMethod,
    /// Where.
    pub url: String,
    /// What one call costs.
    pub price: Amount,
    /// In which asset.
    pub asset: AssetText,
    /// What it takes.
    pub input: Option<String>,
    /// What it gives.
    pub output: Option<String>,
}

/// What was found where a service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it asked for.
    pub state: ServiceState,
    /// When.
    pub at: Option<Time>,
    /// Whether its host names its seller.
    pub proved: bool,
    /// How its seller's newest purchases went.
    pub record: Record,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What its seller says.
    pub said: Described,
    /// Since when it is offered.
    pub made_at: Time,
    /// What was found.
    pub found: Found,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is on the market, since now or since before.
    There(Box<Service>),
    /// The market or the seller has as many as it may.
    TooMany,
    /// It looks like this service of somebody else's.
    Alike(String),
    /// The name stands for another service, or for one that was withdrawn.
    Other,
}

/// Which services.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words that have to be in it.
    pub words: Vec<String>,
    /// The kind it has to be of.
    pub category: Option<String>,
    /// What it has to be paid in.
    pub asset: Option<AssetText>,
    /// The most it may cost.
    pub price_max: Option<Amount>,
}

const COLUMNS: &str =
    "id, payee, name, description, category, method, url, price, asset, input, output, made_at, state,
    checked_at, proved, purchases, delivered, buyers";

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path) -> Stored<Store> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS services (id BLOB PRIMARY KEY, payee BLOB NOT NULL, name TEXT NOT NULL,
                look TEXT NOT NULL, description TEXT NOT NULL, category TEXT NOT NULL, method INTEGER NOT NULL,
                url TEXT NOT NULL, price INTEGER NOT NULL, asset TEXT NOT NULL, input TEXT, output TEXT,
                made_at INTEGER NOT NULL, state INTEGER NOT NULL, checked_at INTEGER, proved INTEGER NOT NULL,
                purchases INTEGER NOT NULL, delivered INTEGER NOT NULL, buyers INTEGER NOT NULL,
                rank INTEGER NOT NULL, due_at INTEGER) WITHOUT ROWID;
             CREATE INDEX IF NOT EXISTS services_of ON services (payee);
             CREATE INDEX IF NOT EXISTS services_due ON services (due_at) WHERE due_at IS NOT NULL;",
        )?;
        Ok(Store(Mutex::new(connection)))
    }

    fn at(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a service on the market, unless it looks like somebody else's; it is looked at as soon as can be.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn keep(&self, said: &Described, now: Time) -> Stored<Kept> {
        let mut connection = self.at();
        let transaction = connection.transaction()?;
        if let Some(known) = find(&transaction, said.id)? {
            let is_same = known.said == *said && known.found.state != ServiceState::Withdrawn;
            return Ok(if is_same { Kept::There(Box::new(known)) } else { Kept::Other });
        }
        let count =
            |query: &str, payee: &[u8]| transaction.query_row(query, [payee], |row| row.get::<_, i64>(0));
        let payee = &said.payee.0.0[..];
        let of_all =
            count("SELECT count(*) FROM services WHERE ?1 IS NOT NULL AND due_at IS NOT NULL", payee)?;
        let of_one = count("SELECT count(*) FROM services WHERE payee = ?1 AND due_at IS NOT NULL", payee)?;
        if SERVICES_MAX <= of_all || SERVICES_OF_ONE_MAX <= of_one {
            return Ok(Kept::TooMany);
        }
        let look = super::alike::look(&said.name);
        if let Some(other) = alike(&transaction, &look, said.payee)? {
            return Ok(Kept::Alike(other));
        }
        transaction.execute(
            "INSERT INTO services VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, NULL, 0, 0, 0, 0, ?14, ?13)",
            params![
                said.id.0,
                payee,
                said.name,
                look,
                said.description,
                said.category,
                number_of_method(said.method),
                said.url,
                i64::try_from(said.price.minor()).unwrap_or(i64::MAX),
                said.asset.to_string(),
                said.input,
                said.output,
                nanos(now),
                i64::try_from(Record::default().rank()).unwrap_or(i64::MAX),
            ],
        )?;
        let kept = find(&transaction, said.id)?;
        transaction.commit()?;
        Ok(kept.map_or(Kept::Other, |kept| Kept::There(Box::new(kept))))
    }

    /// A service, also one that was withdrawn.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn service(&self, id: Id) -> Stored<Option<Service>> {
        find(&self.at(), id)
    }

    /// A seller's services, oldest first.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn services_of(&self, payee: PayeeId) -> Stored<Vec<Service>> {
        let connection = self.at();
        let query = format!("SELECT {COLUMNS} FROM services WHERE payee = ?1 ORDER BY made_at, id");
        let mut find = connection.prepare_cached(&query)?;
        find.query_map([&payee.0.0[..]], read)?.collect()
    }

    /// Takes a service off the market, for good.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn withdraw(&self, id: Id) -> Stored<()> {
        let state = number_of(ServiceState::Withdrawn);
        self.at()
            .execute("UPDATE services SET state = ?2, due_at = NULL WHERE id = ?1", params![id.0, state])
            .map(drop)
    }

    /// The services that are to be looked at, those that wait longest first.
    pub(super) fn due(&self, now: Time, limit: u32) -> Stored<Vec<Service>> {
        let connection = self.at();
        let query = format!("SELECT {COLUMNS} FROM services WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2");
        let mut find = connection.prepare_cached(&query)?;
        find.query_map(params![nanos(now), limit], read)?.collect()
    }

    /// Keeps what was found at a service, and when it is looked at again; not where it was withdrawn meanwhile.
    pub(super) fn looked(&self, id: Id, found: &Found, again: Time) -> Stored<()> {
        let Found { state, at, proved, record } = found;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.at()
            .execute(
                "UPDATE services SET state = ?2, checked_at = ?3, proved = ?4, purchases = ?5, delivered = ?6, buyers = ?7,
                    rank = ?8, due_at = ?9 WHERE id = ?1 AND due_at IS NOT NULL",
                params![
                    id.0,
                    number_of(*state),
                    at.map(nanos),
                    proved,
                    count(record.purchases),
                    count(record.delivered),
                    count(record.buyers),
                    count(record.rank()),
                    nanos(again),
                ],
            )
            .map(drop)
    }

    /// Open services that fit, the best first: those whose host names their seller, then by what was delivered, then by how
    /// many bought.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn search(&self, search: &Search, skip: u32, limit: usize) -> Stored<Vec<Service>> {
        let mut query = format!("SELECT {COLUMNS} FROM services WHERE state = ?");
        let mut values = vec![Value::Integer(number_of(ServiceState::Open))];
        for word in &search.words {
            query.push_str(" AND (name || ' ' || description || ' ' || category) LIKE ? ESCAPE '\\'");
            let plain = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            values.push(Value::Text(format!("%{plain}%")));
        }
        if let Some(category) = &search.category {
            query.push_str(" AND category = ?");
            values.push(Value::Text(category.clone()));
        }
        if let Some(asset) = &search.asset {
            query.push_str(" AND asset = ?");
            values.push(Value::Text(asset.to_string()));
        }
        if let Some(most) = search.price_max {
            query.push_str(" AND price <= ?");
            values.push(Value::Integer(i64::try_from(most.minor()).unwrap_or(i64::MAX)));
        }
        query.push_str(" ORDER BY proved DESC, rank DESC, buyers DESC, made_at, id LIMIT ? OFFSET ?");
        values
            .extend([Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)), Value::Integer(skip.into())]);
        let connection = self.at();
        let mut find = connection.prepare_cached(&query)?;
        find.query_map(params_from_iter(values), read)?.collect()
    }
}

fn find(connection: &Connection, id: Id) -> Stored<Option<Service>> {
    let query = format!("SELECT {COLUMNS} FROM services WHERE id = ?1");
    connection.prepare_cached(&query)?.query_row([&id.0[..]], read).optional()
}

/// The name of a service of another seller's that looks so.
fn alike(connection: &Connection, look: &str, payee: PayeeId) -> Stored<Option<String>> {
    let mut others = connection
        .prepare_cached("SELECT look, name FROM services WHERE payee <> ?1 AND due_at IS NOT NULL")?;
    let mut rows = others.query([&payee.0.0[..]])?;
    while let Some(row) = rows.next()? {
        if super::alike::are_alike(look, &row.get::<_, String>(0)?) {
            return row.get(1).map(Some);
        }
    }
    Ok(None)
}

fn nanos(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn number_of(state: ServiceState) -> i64 {
    match state {
        ServiceState::Unchecked => 0,
        ServiceState::Open => 1,
        ServiceState::PriceDiffers => 2,
        ServiceState::NotSold => 3,
        ServiceState::Unreachable => 4,
        ServiceState::Withdrawn => 5,
    }
}

fn state_of(number: i64) -> Stored<ServiceState> {
    Ok(match number {
        0 => ServiceState::Unchecked,
        1 => ServiceState::Open,
        2 => ServiceState::PriceDiffers,
        3 => ServiceState::NotSold,
        4 => ServiceState::Unreachable,
        5 => ServiceState::Withdrawn,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(12, other)),
    })
}

fn number_of_method(method: ServiceMethod) -> i64 {
    match method {
        ServiceMethod::Get => 0,
        ServiceMethod::Post => 1,
    }
}

fn read(row: &Row<'_>) -> Stored<Service> {
    let count = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
    let asset: String = row.get(8)?;
    Ok(Service {
        said: Described {
            id: Id(row.get(0)?),
            payee: PayeeId(Id(row.get(1)?)),
            name: row.get(2)?,
            description: row.get(3)?,
            category: row.get(4)?,
            method: if row.get::<_, i64>(5)? == 0 { ServiceMethod::Get } else { ServiceMethod::Post },
            url: row.get(6)?,
            price: Amount::new(count(7)?.into()).unwrap_or(Amount::ZERO),
            asset: asset.parse().map_err(|_| rusqlite::Error::InvalidQuery)?,
            input: row.get(9)?,
            output: row.get(10)?,
        },
        made_at: Time(count(11)?),
        found: Found {
            state: state_of(row.get(12)?)?,
            at: row.get::<_, Option<i64>>(13)?.map(|at| Time(at.unsigned_abs())),
            proved: row.get(14)?,
            record: Record { purchases: count(15)?, delivered: count(16)?, buyers: count(17)? },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, number: u8) -> Described {
        Described {
            id: Id([number; 16]),
            payee: PayeeId(Id([number; 16])),
            name: name.to_owned(),
            description: "100% of it".to_owned(),
            category: "maps".to_owned(),
            method: ServiceMethod::Get,
            url: "https://example.com/".to_owned(),
            price: Amount::new(u128::from(number)).expect("an amount"),
            asset: "CNY/2".parse().expect("an asset"),
            input: None,
            output: None,
        }
    }

    #[test]
    fn the_best_comes_first() {
        let store = Store::open(Path::new(":memory:")).expect("a store");
        let now = Time(1_000);
        let record = |purchases, delivered, buyers| Record { purchases, delivered, buyers };
        let found = [
            ("nobody knows", false, record(0, 0, 0)),
            ("proved, and new", true, record(0, 0, 0)),
            ("proved, and fails", true, record(30, 2, 9)),
            ("delivers to one", true, record(20, 20, 1)),
            ("delivers to many", true, record(20, 20, 9)),
            ("delivers, of any host", false, record(20, 20, 9)),
        ];
        for (number, (name, proved, record)) in (1..).zip(found) {
            let kept = store.keep(&said(name, number), now).expect("it is kept");
            assert!(matches!(kept, Kept::There(_)), "{name}: {kept:?}");
            let found = Found { state: ServiceState::Open, at: Some(now), proved, record };
            store.looked(Id([number; 16]), &found, Time(2_000)).expect("it is kept");
        }
        let names = |search: &Search, skip, limit| -> Vec<String> {
            let found = store.search(search, skip, limit).expect("it is found");
            found.into_iter().map(|service| service.said.name).collect()
        };
        let all = Search::default();
        let order = [
            "delivers to many",
            "delivers to one",
            "proved, and new",
            "proved, and fails",
            "delivers, of any host",
            "nobody knows",
        ];
        assert_eq!(names(&all, 0, 10), order);
        assert_eq!(names(&all, 2, 2), order[2..4]);
        let words = |words: &[&str]| Search {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Search::default()
        };
        assert_eq!(names(&words(&["DELIVERS", "host"]), 0, 10), ["delivers, of any host"]);
        assert_eq!(names(&words(&["0%"]), 0, 10).len(), 6);
        assert_eq!(names(&words(&["1%0"]), 0, 10).len(), 0, "what is searched for stands for itself");
        assert_eq!(names(&words(&["_"]), 0, 10).len(), 0);
        assert!(store.due(Time(1_999), 10).expect("it is read").is_empty());
        assert_eq!(store.due(Time(2_000), 4).expect("it is read").len(), 4);
        store.withdraw(Id([1; 16])).expect("it is there");
        let late =
            Found { state: ServiceState::Open, at: Some(now), proved: true, record: Record::default() };
        store.looked(Id([1; 16]), &late, Time(3_000)).expect("it is told");
        assert_eq!(names(&all, 0, 10).len(), 5, "what was withdrawn while somebody looked stays so");
    }
}
