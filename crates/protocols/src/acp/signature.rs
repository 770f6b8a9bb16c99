//! `Merchant-Signature`: the MAC with which a shop shows that an order event is its own.
//!
//! The MAC is HMAC-SHA-256 over the second, a point and the raw body, under a secret that both sides were given.

use evidence::{Mac, MacKey, Secret};

/// How far the second in a signature may be from the receiver's, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Why an event is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTheShops {
    #[error("`Merchant-Signature` is not `t=…,v1=…` in its one spelling")]
    Malformed,
    #[error("it was signed too long ago, or in the future")]
    Stale,
    #[error("the signature does not fit the secret and the body")]
    Invalid,
}

/// The value of the header for a body that is sent at a second.
pub fn sign(secret: &Secret, seconds: u64, body: &[u8]) -> String {
    let mac = MacKey::new(secret).mac(&signed(seconds, body));
    let hex: String = mac.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// Checks the value of the header.
///
/// # Errors
/// [`NotTheShops`].
pub fn verify(secret: &Secret, now_seconds: u64, value: &str, body: &[u8]) -> Result<(), NotTheShops> {
    let parts = value.strip_prefix("t=").and_then(|rest| rest.split_once(",v1="));
    let (second, hex) = parts.ok_or(NotTheShops::Malformed)?;
    let seconds: u64 = second.parse().map_err(|_| NotTheShops::Malformed)?;
    let bytes = unhex(hex).filter(|_| seconds.to_string() == second).ok_or(NotTheShops::Malformed)?;
    let mac = Mac::from_slice(&bytes).map_err(|_| NotTheShops::Malformed)?;
    MacKey::new(secret).verify(&signed(seconds, body), &mac).map_err(|_| NotTheShops::Invalid)?;
    if TOLERANCE_SECONDS < now_seconds.abs_diff(seconds) {
        return Err(NotTheShops::Stale);
    }
    Ok(())
}

fn signed(seconds: u64, body: &[u8]) -> Vec<u8> {
    [format!("{seconds}.").as_bytes(), body].concat()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_one_body_one_second_and_one_secret() {
        let (secret, body) = (Secret::new([7; 32]), br#"{"type":"order_create"}"#);
        let value = sign(&secret, 1_709_123_456, body);
        // Made with Python's hmac, over `1709123456.{"type":"order_create"}` and 32 bytes of 7.
        assert_eq!(value, "t=1709123456,v1=2f253ebc8726592d9fb29780234fb7c2e41effdb1edb5dba7ffc2b3317fca9c6");
        let check = |now, value: &str, body: &[u8]| verify(&secret, now, value, body);
        assert_eq!(check(1_709_123_756, &value, body), Ok(()));
        assert_eq!(
            check(1_709_123_156, &value.to_uppercase().replace("T=", "t=").replace("V1", "v1"), body),
            Ok(())
        );
        assert_eq!(check(1_709_123_757, &value, body), Err(NotTheShops::Stale));
        assert_eq!(check(1_709_123_155, &value, body), Err(NotTheShops::Stale));
        assert_eq!(check(1_709_123_456, &value, b"{}"), Err(NotTheShops::Invalid));
        assert_eq!(verify(&Secret::new([8; 32]), 1_709_123_456, &value, body), Err(NotTheShops::Invalid));
        let later = value.replace("1709123456", "1709123457");
        assert_eq!(check(1_709_123_456, &later, body), Err(NotTheShops::Invalid));
        for wrong in
            ["", "t=1", "t=01709123456,v1=", "v1=00,t=1", &value[..value.len() - 1], &format!("{value}0")]
        {
            assert_eq!(check(1_709_123_456, wrong, body), Err(NotTheShops::Malformed), "`{wrong}`");
        }
    }
}
