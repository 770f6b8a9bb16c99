//! What each session may still spend. Everything a call can come to is set aside before it begins, in one step.
//!
//! For every deposit and at every instant: spent + reserved ≤ deposit. A reservation ends with its guard, however the call
//! ends, so nothing stays set aside for a call that is over.

use evidence::Hash;
use protocols::Time;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wire::{HoldId, MeterId};

/// A deposit that was paid: one meter at the payment service.
#[derive(Clone, Debug)]
pub(crate) struct Deposit {
    pub(crate) meter: MeterId,
    pub(crate) trade_no: HoldId,
    /// In billionths, like everything here.
    pub(crate) amount: u128,
    pub(crate) spent: u128,
    pub(crate) reserved: u128,
    /// From when on no call begins on it.
    pub(crate) ends_at: Time,
    pub(crate) settled: bool,
}

impl Deposit {
    fn left(&self) -> u128 {
        let taken = self.spent.checked_add(self.reserved).expect("both are at most the deposit");
        assert!(taken <= self.amount, "no more is taken than was deposited");
        self.amount - taken
    }
}

/// The deposits behind one key.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The name of its first meter.
    pub(crate) name: MeterId,
    pub(crate) deposits: Vec<Deposit>,
    pub(crate) closed: bool,
}

impl Session {
    /// What all calls of the session came to.
    pub(crate) fn spent(&self) -> u128 {
        self.deposits.iter().map(|deposit| deposit.spent).sum()
    }

    /// What its calls may still come to.
    pub(crate) fn left(&self, now: Time) -> u128 {
        let open = self.deposits.iter().filter(|deposit| !self.closed && now < deposit.ends_at);
        open.map(Deposit::left).sum()
    }
}

/// Every session, by the hash of its key.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<Hash, Session>>);

/// Why nothing was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReserved {
    KeyUnknown,
    Closed,
    /// No deposit has that much left.
    Short,
}

impl Ledger {
    pub(crate) fn with(sessions: Vec<(Hash, Session)>) -> Ledger {
        Ledger(Mutex::new(sessions.into_iter().collect()))
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Hash, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a key, as it stands.
    pub(crate) fn find(&self, key: &Hash) -> Option<Session> {
        self.sessions().get(key).cloned()
    }

    /// The key's hash and the session that a meter belongs to.
    pub(crate) fn of_meter(&self, meter: MeterId) -> Option<(Hash, Session)> {
        let sessions = self.sessions();
        let has = |session: &Session| session.deposits.iter().any(|deposit| deposit.meter == meter);
        sessions.iter().find(|(_, session)| has(session)).map(|(key, session)| (*key, session.clone()))
    }

    /// Adds a deposit that the store has.
    pub(crate) fn add(&self, key: Hash, deposit: Deposit) {
        let mut sessions = self.sessions();
        let session = sessions.entry(key).or_insert_with(|| Session {
            name: deposit.meter,
            deposits: Vec::new(),
            closed: false,
        });
        if session.deposits.iter().all(|known| known.meter != deposit.meter) {
            session.deposits.push(deposit);
        }
    }

    /// Ends a session: no call begins any more.
    pub(crate) fn close(&self, key: &Hash) {
        if let Some(session) = self.sessions().get_mut(key) {
            session.closed = true;
        }
    }

    /// Notes that a meter is over.
    pub(crate) fn settled(&self, meter: MeterId) {
        let mut sessions = self.sessions();
        let deposits = sessions.values_mut().flat_map(|session| session.deposits.iter_mut());
        deposits.filter(|deposit| deposit.meter == meter).for_each(|deposit| deposit.settled = true);
    }

    /// Meters on which no call runs and none will begin, and that are not settled.
    pub(crate) fn to_settle(&self, now: Time) -> Vec<(MeterId, HoldId)> {
        let sessions = self.sessions();
        let over = sessions.values().flat_map(|session| {
            let is_over = |deposit: &&Deposit| {
                !deposit.settled && deposit.reserved == 0 && (session.closed || deposit.ends_at <= now)
            };
            session.deposits.iter().filter(is_over).map(|deposit| (deposit.meter, deposit.trade_no))
        });
        over.collect()
    }

    /// Spends what a call came to that a killed process left: it was set aside then, and no call has begun since.
    pub(crate) fn spend_recovered(&self, meter: MeterId, cost: u128) {
        let mut sessions = self.sessions();
        let deposits = sessions.values_mut().flat_map(|session| session.deposits.iter_mut());
        deposits.filter(|deposit| deposit.meter == meter).for_each(|deposit| deposit.spent += cost);
    }

    /// Sets `most` aside on the oldest deposit that has it.
    pub(crate) fn reserve(
        self: &Arc<Ledger>,
        key: &Hash,
        most: u128,
        now: Time,
    ) -> Result<Reservation, NotReserved> {
        let mut sessions = self.sessions();
        let session = sessions.get_mut(key).ok_or(NotReserved::KeyUnknown)?;
        if session.closed {
            return Err(NotReserved::Closed);
        }
        let fits =
            |deposit: &&mut Deposit| now < deposit.ends_at && !deposit.settled && most <= deposit.left();
        let deposit = session.deposits.iter_mut().find(fits).ok_or(NotReserved::Short)?;
        deposit.reserved += most;
        Ok(Reservation { ledger: Arc::clone(self), key: *key, meter: deposit.meter, most })
    }
}

/// What is set aside for one call. Dropping it gives everything back.
#[derive(Debug)]
pub(crate) struct Reservation {
    ledger: Arc<Ledger>,
    key: Hash,
    pub(crate) meter: MeterId,
    pub(crate) most: u128,
}

impl Reservation {
    /// Spends `cost` of it and gives the rest back. Answers what the session came to until now.
    pub(crate) fn spend(mut self, cost: u128) -> u128 {
        assert!(cost <= self.most, "a call costs at most what was set aside for it");
        self.end(cost)
    }

    fn end(&mut self, cost: u128) -> u128 {
        let most = std::mem::take(&mut self.most);
        let mut sessions = self.ledger.sessions();
        let Some(session) = sessions.get_mut(&self.key) else { return 0 };
        if let Some(deposit) = session.deposits.iter_mut().find(|deposit| deposit.meter == self.meter) {
            deposit.reserved = deposit.reserved.checked_sub(most).expect("it was set aside");
            deposit.spent += cost;
        }
        session.spent()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.most != 0 {
            self.end(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(amounts: &[u128]) -> (Arc<Ledger>, Hash) {
        let key = Hash::of(b"key");
        let ledger = Arc::new(Ledger::default());
        for (at, amount) in (1..).zip(amounts) {
            ledger.add(
                key,
                Deposit {
                    meter: MeterId(at),
                    trade_no: HoldId(at),
                    amount: *amount,
                    spent: 0,
                    reserved: 0,
                    ends_at: Time(100),
                    settled: false,
                },
            );
        }
        (ledger, key)
    }

    #[test]
    fn no_more_is_set_aside_than_was_deposited() {
        let (ledger, key) = ledger(&[10]);
        let first = ledger.reserve(&key, 6, Time(0)).unwrap();
        assert_eq!(ledger.reserve(&key, 5, Time(0)).unwrap_err(), NotReserved::Short);
        let second = ledger.reserve(&key, 4, Time(0)).unwrap();
        assert_eq!(ledger.reserve(&key, 1, Time(0)).unwrap_err(), NotReserved::Short);
        assert_eq!(first.spend(2), 2);
        assert_eq!(ledger.find(&key).unwrap().left(Time(0)), 4);
        drop(second);
        assert_eq!(ledger.find(&key).unwrap().left(Time(0)), 8);
        assert_eq!(ledger.reserve(&key, 1, Time(100)).unwrap_err(), NotReserved::Short, "it has ended");
        assert_eq!(ledger.reserve(&Hash::of(b"x"), 1, Time(0)).unwrap_err(), NotReserved::KeyUnknown);
    }

    #[test]
    fn a_call_is_on_one_deposit_the_oldest_that_has_room() {
        let (ledger, key) = ledger(&[10, 100]);
        let large = ledger.reserve(&key, 11, Time(0)).unwrap();
        let small = ledger.reserve(&key, 10, Time(0)).unwrap();
        assert_eq!((large.meter, small.meter), (MeterId(2), MeterId(1)));
        ledger.close(&key);
        assert_eq!(ledger.reserve(&key, 1, Time(0)).unwrap_err(), NotReserved::Closed);
        assert_eq!(ledger.to_settle(Time(0)), []);
        drop(small);
        assert_eq!(ledger.to_settle(Time(0)), [(MeterId(1), HoldId(1))]);
        assert_eq!(large.spend(11), 11);
        ledger.settled(MeterId(1));
        assert_eq!(ledger.to_settle(Time(0)), [(MeterId(2), HoldId(2))]);
    }
}
