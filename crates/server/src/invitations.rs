//! Invitations: links with which somebody becomes an owner.
//!
//! An invitation carries the name of the owner it makes, and a code of the server's. That it is good once is decided by
//! the book, where no two owners have one name.

use book::{Id, OwnerId, Time};
use evidence::mac::Mac;
use evidence::{MacKey, Secret, base64url, derive_key};

const ID_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;

/// The text of an invitation for the owner `id`, good until `expires_at`.
pub fn create(secret: &Secret, id: OwnerId, expires_at: Time) -> String {
    let mut bytes = Vec::with_capacity(ID_BYTES + EXPIRY_BYTES + 32);
    bytes.extend_from_slice(&id.0.0);
    bytes.extend_from_slice(&expires_at.0.to_be_bytes());
    let mac = key(secret).mac(&bytes);
    bytes.extend_from_slice(&mac.0);
    base64url::encode(&bytes)
}

/// The owner whom an invitation makes, where it is one of ours and its time is not over.
pub fn open(secret: &Secret, text: &str, now: Time) -> Option<OwnerId> {
    let bytes = base64url::decode(text)?;
    let (said, mac) = bytes.split_at_checked(ID_BYTES + EXPIRY_BYTES)?;
    key(secret).verify(said, &Mac(mac.try_into().ok()?)).ok()?;
    let (id, expires_at) = said.split_at_checked(ID_BYTES)?;
    let expires_at = Time(u64::from_be_bytes(expires_at.try_into().ok()?));
    (now < expires_at).then_some(OwnerId(Id(id.try_into().ok()?)))
}

fn key(secret: &Secret) -> MacKey {
    MacKey::new(&derive_key(secret, b"invitation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_good_until_its_time_and_as_it_was_written() {
        let secret = Secret::new([7; 32]);
        let owner = OwnerId(Id::new(Time::from_seconds(1), [3; 16]));
        let text = create(&secret, owner, Time::from_seconds(100));
        assert_eq!(open(&secret, &text, Time::from_seconds(99)), Some(owner));
        assert_eq!(open(&secret, &text, Time::from_seconds(100)), None);
        assert_eq!(open(&Secret::new([8; 32]), &text, Time::from_seconds(99)), None);
        for place in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(open(&secret, &other, Time::from_seconds(99)), None, "changed at {place}");
        }
    }
}
