//! The directory in a snapshot, for the entries that it was filled from are not read again then.
//!
//! The place of the next entry, the assets, then each key: its name, whom it speaks for, its bytes, whether it was revoked.
//! It is read by the release that wrote it alone, and checked before it comes here.

use super::{Directory, Enrolled, KeyStatus, Known, parse_key};
use book::canon::{Canon, Reader};
use book::{Asset, Entry, KeyHolder, KeyId, Malformed, PublicKeyBytes, Seq};
use engine::Beside;
use evidence::{Algorithm, PublicKey};
use std::sync::{Arc, PoisonError};

impl Beside for Directory {
    fn apart(&self) -> Box<dyn Beside> {
        Box::new(Directory::default())
    }

    fn learn(&self, entry: &Entry) {
        self.learn_next(entry);
    }

    fn save(&self, size: Seq) -> Option<Vec<u8>> {
        let known = self.read();
        if known.next != size {
            return None;
        }
        let mut saved = Vec::new();
        known.next.encode(&mut saved);
        known.assets.encode(&mut saved);
        let is_payees = |enrolled: &Enrolled| matches!(enrolled.holder, KeyHolder::Payee(_));
        // A seller's keys stay in the order they came.
        let of_payees = known.of_payees.values().flatten().filter_map(|id| known.keys.get_key_value(id));
        let others = known.keys.iter().filter(|(_, enrolled)| !is_payees(enrolled));
        for (id, enrolled) in of_payees.chain(others) {
            id.encode(&mut saved);
            enrolled.holder.encode(&mut saved);
            public_key_bytes(&enrolled.key)?.encode(&mut saved);
            (enrolled.status == KeyStatus::Revoked).encode(&mut saved);
        }
        Some(saved)
    }

    fn restore(&self, saved: &[u8], size: Seq) -> bool {
        let Some(known) = decode(saved).ok().filter(|known| known.next == size) else { return false };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
        true
    }
}

fn decode(saved: &[u8]) -> Result<Known, Malformed> {
    let mut input = Reader::new(saved);
    let next = Seq::decode(&mut input)?;
    let assets = Vec::<Asset>::decode(&mut input)?;
    let mut known = Known { next, assets, ..Known::default() };
    while !input.is_empty() {
        let id = KeyId::decode(&mut input)?;
        let holder = KeyHolder::decode(&mut input)?;
        let key = parse_key(&PublicKeyBytes::decode(&mut input)?).ok_or(Malformed)?;
        let status = if bool::decode(&mut input)? { KeyStatus::Revoked } else { KeyStatus::Active };
        if known.keys.insert(id, Enrolled { holder, key: Arc::new(key), status }).is_some() {
            return Err(Malformed);
        }
        if let KeyHolder::Payee(payee) = holder {
            known.of_payees.entry(payee).or_default().push(id);
        }
    }
    Ok(known)
}

fn public_key_bytes(key: &PublicKey) -> Option<PublicKeyBytes> {
    match key.algorithm() {
        Algorithm::Ed25519 => key.bytes().try_into().ok().map(PublicKeyBytes::Ed25519),
        // Behind the byte that says that both coordinates follow.
        Algorithm::Es256 => key.bytes().get(1..)?.try_into().ok().map(PublicKeyBytes::Es256),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::{
        Action, Actor, Code, Command, EnrolKey, Id, Outcome, PayeeId, RegisterAsset, RevokeKey, Time,
    };
    use evidence::SigningKey;

    fn learn(directory: &Directory, seq: u64, id: Id, action: Action) {
        let by = Actor::Operator { key: KeyId(Id([1; 16])) };
        let command = Command { id, by, action };
        directory.learn_next(&Entry { seq: Seq(seq), at: Time(seq + 1), command, outcome: Outcome::Done });
    }

    fn enrol(number: u8, key: &SigningKey, holder: KeyHolder) -> (Id, Action) {
        let public_key = public_key_bytes(key.public()).expect("a key has its bytes");
        (Id([number; 16]), Action::EnrolKey(EnrolKey { holder, public_key }))
    }

    #[test]
    fn a_directory_comes_back_whole_or_not_at_all() {
        let directory = Directory::default();
        let payee = PayeeId(Id([50; 16]));
        let p256 = SigningKey::es256(&[5; 32]).expect("a key");
        let keys = [
            enrol(1, &SigningKey::ed25519(&[1; 32]), KeyHolder::Operator),
            enrol(2, &SigningKey::ed25519(&[2; 32]), KeyHolder::Payee(payee)),
            enrol(3, &p256, KeyHolder::Payee(payee)),
        ];
        for (seq, (id, action)) in (0..).zip(keys) {
            learn(&directory, seq, id, action);
        }
        let revoke = RevokeKey { key: KeyId(Id([1; 16])) };
        learn(&directory, 3, Id([4; 16]), Action::RevokeKey(revoke));
        let code = Code::new("CNY").expect("a code");
        learn(&directory, 4, Id([5; 16]), Action::RegisterAsset(RegisterAsset { code, scale: 2 }));

        assert_eq!(directory.save(Seq(4)), None, "it knows one entry more");
        assert_eq!(directory.save(Seq(6)), None, "there is an entry it does not know");
        let saved = directory.save(Seq(5)).expect("it knows all five");
        let other = Directory::default();
        for cut in 1..saved.len() {
            // What ends behind a key is whole by itself: the snapshot says how long it is.
            if other.restore(&saved[..cut], Seq(5)) {
                assert!(other.save(Seq(5)).is_some_and(|again| again.len() == cut));
            }
        }
        assert!(!other.restore(&[&saved[..], &[0]].concat(), Seq(5)));
        assert!(!other.restore(&saved, Seq(6)), "it is of five entries");
        assert!(other.restore(&saved, Seq(5)));
        assert_eq!(other.position(), Seq(5));
        assert_eq!(other.assets(), directory.assets());
        assert_eq!(other.key(KeyId(Id([1; 16]))).map(|key| key.status), Some(KeyStatus::Revoked));
        let names = |directory: &Directory| -> Vec<_> {
            directory.keys_of_payee(payee).into_iter().map(|(id, key)| (id, key.bytes().to_vec())).collect()
        };
        assert_eq!(names(&other), names(&directory));
        assert_eq!(names(&other).len(), 2);
    }
}
