//! The recovery code: a key that an owner keeps on paper.
//!
//! The code is the key's seed. The server keeps neither, only which owner the key's name belongs to; that the code fits
//! is shown by the public key that it gives, which the book has.

use crate::page::Stop;
use crate::visit::Visit;
use book::id::{BASE32, digit_meant};
use book::{Id, KeyId, OwnerId, PublicKeyBytes};
use evidence::{Secret, SigningKey, derive_key};
use server::directory::KeyStatus;

/// 128 bits of the seed, behind 80 of the key's name.
pub struct RecoveryCode {
    key: KeyId,
    owner: OwnerId,
    random: [u8; 16],
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecoveryCode({}, [secret])", self.key)
    }
}

impl RecoveryCode {
    /// A new code for the key named `id`.
    pub fn draw(owner: OwnerId, id: Id) -> RecoveryCode {
        RecoveryCode { key: KeyId(id), owner, random: rand::random() }
    }

    /// The name of its key.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKeyBytes {
        // The owner's name belongs to the key: one code opens one wallet.
        let context = [b"recovery".as_slice(), &self.owner.0.0].concat();
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&self.random);
        let seed = derive_key(&Secret::new(secret), &context);
        let public = SigningKey::ed25519(seed.expose()).public().bytes().try_into();
        PublicKeyBytes::Ed25519(public.expect("an Ed25519 key has 32 bytes"))
    }

    /// The code as it is written down: groups of five letters.
    pub fn text(&self) -> String {
        let mut letters = String::new();
        let (mut bits, mut count) = (0u32, 0);
        for byte in tag(self.key).iter().chain(&self.random) {
            bits = (bits << 8) | u32::from(*byte);
            count += 8;
            while 5 <= count {
                count -= 5;
                let place = usize::try_from((bits >> count) & 31).unwrap_or_default();
                letters.push(char::from(BASE32[place]));
            }
        }
        if 0 < count {
            let place = usize::try_from((bits << (5 - count)) & 31).unwrap_or_default();
            letters.push(char::from(BASE32[place]));
        }
        let groups: Vec<&str> =
            letters.as_bytes().chunks(5).filter_map(|it| std::str::from_utf8(it).ok()).collect();
        groups.join("-")
    }
}

/// What of a key's name is in its code: the random end of it.
fn tag(key: KeyId) -> [u8; 8] {
    let [.., a, b, c, d, e, f, g, h] = key.0.0;
    [a, b, c, d, e, f, g, h]
}

/// Reads what somebody typed: the tag of the key and the seed's bits.
fn read(text: &str) -> Option<([u8; 8], [u8; 16])> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.chars().filter(|letter| !matches!(letter, '-' | ' ')) {
        let value = BASE32.iter().position(|known| char::from(*known) == digit_meant(letter))?;
        bits = ((bits << 5) | u32::try_from(value).ok()?) & 0xffff;
        count += 5;
        if 8 <= count {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    let (tag, rest) = bytes.split_at_checked(8)?;
    Some((tag.try_into().ok()?, rest.try_into().ok()?))
}

/// Whose recovery code this is, and its key, where it is one that still counts.
///
/// # Errors
/// [`Stop`] where the file cannot be read.
pub async fn find(visit: &Visit, text: &str) -> Result<Option<(OwnerId, KeyId)>, Stop> {
    let Some((tag, random)) = read(text) else { return Ok(None) };
    for (owner, key) in visit.site.store.recoveries(&tag)? {
        let code = RecoveryCode { key, owner, random };
        let Some(known) = visit.site.app.directory.key(key) else { continue };
        let fits = match code.public_key() {
            PublicKeyBytes::Ed25519(bytes) => known.key.bytes() == bytes,
            PublicKeyBytes::Es256(_) => false,
        };
        if fits && known.status == KeyStatus::Active {
            return Ok(Some((owner, key)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_written_and_as_people_type() {
        for round in 0..100u8 {
            let code = RecoveryCode::draw(OwnerId(Id([1; 16])), Id([round; 16]));
            let text = code.text();
            assert_eq!(text.len(), 39 + 7, "{text}");
            let typed = text.replace('-', " ").to_lowercase().replace('0', "o").replace('1', "l");
            assert_eq!(read(&typed), Some((tag(code.key), code.random)), "{text}");
        }
        assert_eq!(read(""), None);
        assert_eq!(read("U"), None);
    }

    #[test]
    fn one_code_is_one_owners() {
        let one = RecoveryCode { key: KeyId(Id([1; 16])), owner: OwnerId(Id([1; 16])), random: [5; 16] };
        let other = RecoveryCode { owner: OwnerId(Id([2; 16])), ..RecoveryCode { ..one } };
        let again = RecoveryCode { key: KeyId(Id([1; 16])), owner: OwnerId(Id([1; 16])), random: [5; 16] };
        assert_eq!(again.public_key(), again.public_key());
        assert_ne!(again.public_key(), other.public_key());
    }
}
