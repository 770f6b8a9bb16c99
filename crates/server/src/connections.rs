//! Connections: how a program on somebody's computer becomes an agent of a wallet.
//!
//! The owner's page shows a code; the program shows its key for it, and both show the same four words, which depend on
//! the key. Only when the owner says that the words are equal is the key enrolled. Nothing here is kept on disk: what a
//! restart loses is begun again with another code.

mod words;

use crate::limits::{CONNECTIONS_OF_OWNER_MAX, CONNECTIONS_WAITING_MAX, PAIRING_SECONDS_MAX};
use book::id::{BASE32, digit_meant};
use book::{AgentId, Id, KeyId, OwnerId, PublicKeyBytes, Time, WalletId};
use evidence::Hash;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Codes that were shown, and programs that wait.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    codes: HashMap<String, Pairing>,
    connections: HashMap<Id, Connection>,
}

#[derive(Clone, Copy, Debug)]
struct Pairing {
    owner: OwnerId,
    wallet: WalletId,
    expires_at: Time,
}

/// A program that wants to spend.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its name.
    pub id: Id,
    /// Who was shown the code.
    pub owner: OwnerId,
    /// The wallet it would spend from.
    pub wallet: WalletId,
    /// What the program says of itself and its computer. Nobody has checked it.
    pub device: String,
    /// The name of its key.
    pub key: KeyId,
    /// Its key.
    pub public_key: PublicKeyBytes,
    /// The words that both sides show.
    pub phrase: [&'static str; 4],
    /// What became of it.
    pub status: Connecting,
    /// When it is forgotten.
    pub expires_at: Time,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connecting {
    /// The owner has not said yet.
    Waiting,
    /// It is an agent now.
    Connected(AgentId),
    /// The owner said no.
    Refused,
}

impl Waiting {
    /// Forgets an owner's oldest codes, then her oldest connections, until one more fits.
    fn make_room(&mut self, owner: OwnerId) {
        let codes = self.codes.values().filter(|it| it.owner == owner).count();
        let connections = self.connections.values().filter(|it| it.owner == owner).count();
        if codes + connections < CONNECTIONS_OF_OWNER_MAX {
            return;
        }
        let mine = self.codes.iter().filter(|(_, it)| it.owner == owner);
        if let Some(code) = mine.min_by_key(|(_, it)| it.expires_at).map(|(code, _)| code.clone()) {
            self.codes.remove(&code);
            return;
        }
        let mine = self.connections.values().filter(|it| it.owner == owner);
        if let Some(id) = mine.min_by_key(|it| it.id.0).map(|it| it.id) {
            self.connections.remove(&id);
        }
    }
}

impl Connections {
    /// Whether an owner was shown this code, and it is good.
    pub fn is_shown(&self, code: &str, owner: OwnerId, now: Time) -> bool {
        self.at(now).codes.get(code).is_some_and(|pairing| pairing.owner == owner)
    }

    /// A new code for the owner's page; `random` is random. Her oldest is forgotten where she has as many as one may.
    /// None where too many wait.
    pub fn pair(&self, owner: OwnerId, wallet: WalletId, now: Time, random: [u8; 5]) -> Option<String> {
        let mut waiting = self.at(now);
        waiting.make_room(owner);
        if CONNECTIONS_WAITING_MAX <= waiting.codes.len() + waiting.connections.len() {
            return None;
        }
        let code = spell(random);
        let expires_at = now.after(Time::from_seconds(PAIRING_SECONDS_MAX).0);
        waiting.codes.insert(code.clone(), Pairing { owner, wallet, expires_at });
        Some(code)
    }

    /// Takes a program's key for a code, which is used up. None where there is no such code.
    pub fn ask(
        &self,
        code: &str,
        device: String,
        (key, public_key): (KeyId, PublicKeyBytes),
        now: Time,
        id: Id,
    ) -> Option<Connection> {
        let mut waiting = self.at(now);
        let Pairing { owner, wallet, expires_at } = waiting.codes.remove(&normal(code))?;
        let phrase = phrase(id, key, &public_key);
        let status = Connecting::Waiting;
        let connection =
            Connection { id, owner, wallet, device, key, public_key, phrase, status, expires_at };
        waiting.connections.insert(id, connection.clone());
        Some(connection)
    }

    /// The connection of that name.
    pub fn find(&self, id: Id, now: Time) -> Option<Connection> {
        self.at(now).connections.get(&id).cloned()
    }

    /// Those that wait for an owner's word, oldest first.
    pub fn waiting_for(&self, owner: OwnerId, now: Time) -> Vec<Connection> {
        let waiting = self.at(now);
        let waits = |it: &&Connection| it.owner == owner && it.status == Connecting::Waiting;
        let mut found: Vec<Connection> = waiting.connections.values().filter(waits).cloned().collect();
        found.sort_by_key(|connection| connection.id.0);
        found
    }

    /// Notes the owner's word.
    pub fn settle(&self, id: Id, status: Connecting, now: Time) {
        if let Some(connection) = self.at(now).connections.get_mut(&id) {
            connection.status = status;
        }
    }

    /// What waits, without that whose time is over.
    fn at(&self, now: Time) -> MutexGuard<'_, Waiting> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.codes.retain(|_, pairing| now < pairing.expires_at);
        waiting.connections.retain(|_, connection| now < connection.expires_at);
        waiting
    }
}

/// 40 bits as `XXXX-XXXX`.
fn spell(random: [u8; 5]) -> String {
    let bits = random.iter().fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
    let letter = |place: u32| {
        let place = usize::try_from((bits >> (35 - 5 * place)) & 31).unwrap_or_default();
        char::from(BASE32.get(place).copied().unwrap_or(b'0'))
    };
    let first: String = (0..4).map(letter).collect();
    let second: String = (4..8).map(letter).collect();
    format!("{first}-{second}")
}

/// A code as it was typed: small letters, and those that look like others.
fn normal(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(digit_meant).take(9).collect();
    plain.split_at_checked(4).map_or(plain.clone(), |(first, second)| format!("{first}-{second}"))
}

/// Four words that depend on the key, and on a name that whoever made the key could not know.
fn phrase(id: Id, key: KeyId, public_key: &PublicKeyBytes) -> [&'static str; 4] {
    let mut bytes = b"tollbridge connection\n".to_vec();
    bytes.extend_from_slice(&id.0);
    bytes.extend_from_slice(&key.0.0);
    match public_key {
        PublicKeyBytes::Ed25519(key) => bytes.extend_from_slice(key),
        PublicKeyBytes::Es256(key) => bytes.extend_from_slice(key),
    }
    let Hash(hash) = Hash::of(&bytes);
    let word = |place: usize| words::WORDS[usize::from(hash[place])];
    [word(0), word(1), word(2), word(3)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_is_used_up_and_its_time_ends() {
        let connections = Connections::default();
        let (owner, wallet) = (OwnerId(Id([1; 16])), WalletId(Id([2; 16])));
        let now = Time::from_seconds(1_000);
        let code = connections.pair(owner, wallet, now, [9; 5]).unwrap();
        let key = (KeyId(Id([3; 16])), PublicKeyBytes::Ed25519([4; 32]));
        let asks = |code: &str, at: Time| connections.ask(code, "laptop".to_owned(), key, at, Id([5; 16]));
        assert!(asks("0000-0000", now).is_none());
        let asked = asks(&code.to_ascii_lowercase().replace('-', " "), now).unwrap();
        assert_eq!((asked.owner, asked.wallet), (owner, wallet));
        assert!(asks(&code, now).is_none(), "a code is good once");
        assert_eq!(connections.waiting_for(owner, now).len(), 1);
        connections.settle(asked.id, Connecting::Refused, now);
        assert!(connections.waiting_for(owner, now).is_empty());

        let code = connections.pair(owner, wallet, now, [8; 5]).unwrap();
        let late = now.after(Time::from_seconds(PAIRING_SECONDS_MAX).0);
        assert!(asks(&code, late).is_none(), "its time is over");
    }

    #[test]
    fn one_owner_cannot_take_everybodys_codes() {
        let connections = Connections::default();
        let (one, other) = (OwnerId(Id([1; 16])), OwnerId(Id([7; 16])));
        let (wallet, now) = (WalletId(Id([2; 16])), Time::from_seconds(1_000));
        let first = connections.pair(other, wallet, now, [200; 5]).unwrap();
        for number in 0..=255u8 {
            let at = now.after(u64::from(number));
            let code = connections.pair(one, wallet, at, [number, 0, 0, 0, 1]).unwrap();
            assert!(connections.is_shown(&code, one, at) && !connections.is_shown(&code, other, at));
        }
        assert!(connections.is_shown(&first, other, now));
        assert_eq!(connections.at(now).codes.len(), CONNECTIONS_OF_OWNER_MAX + 1);
    }

    #[test]
    fn the_words_depend_on_the_key_and_on_the_name() {
        let key = KeyId(Id([3; 16]));
        let of = |id: u8, byte: u8| phrase(Id([id; 16]), key, &PublicKeyBytes::Ed25519([byte; 32]));
        assert_eq!(of(1, 1), of(1, 1));
        assert_ne!(of(1, 1), of(1, 2));
        assert_ne!(of(1, 1), of(2, 1));
    }

    #[test]
    fn no_word_stands_twice() {
        assert_eq!(words::WORDS.iter().collect::<BTreeSet<_>>().len(), 256);
    }
}
