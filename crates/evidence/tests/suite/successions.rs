//! Successions: who trusts one key of a log can follow it to the next, and nobody else's.

use evidence::{
    Checkpoint, CheckpointError, Hash, KeyHistory, NoteError, NoteSigner, SigningKey, Succession,
    SuccessionError,
};

const ORIGIN: &str = "tollbridge.example/book/1";

fn signer(seed: u8) -> NoteSigner {
    NoteSigner::new(ORIGIN, SigningKey::ed25519(&[seed; 32])).expect("the name is well formed")
}

fn vkey(seed: u8) -> String {
    signer(seed).verifier().to_string()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size, root: Hash::of(&size.to_be_bytes()) }
}

/// What key `old` says of key `new`, which follows it behind `size` leaves.
fn passes(old: u8, size: u64, new: u8) -> String {
    Succession { last: checkpoint(size), successor: signer(new).verifier().clone() }.sign(&signer(old))
}

/// A history, whose keys are written as their numbers, one behind the other.
fn keys(text: &str) -> KeyHistory {
    let line = |line: &str| {
        let (key, sizes) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        format!("{} {sizes}", vkey(key.parse().expect("a key is a number"))).trim_end().to_owned()
    };
    KeyHistory::parse(&text.split(',').map(line).collect::<Vec<_>>().join("\n")).expect("they are keys")
}

fn not_signed() -> SuccessionError {
    CheckpointError::Note(NoteError::NotSigned(ORIGIN.to_owned())).into()
}

#[test]
fn a_succession_is_a_checkpoint_that_names_the_next_key() {
    let note = passes(1, 4_710, 2);
    let (text, _) = note.split_once("\n\n").unwrap();
    let root = checkpoint(4_710).root;
    assert_eq!(text, format!("{ORIGIN}\n4710\n{root}\nsuccessor {}", vkey(2)));
    assert_eq!(keys("1").verify(&note).unwrap().into_inner(), checkpoint(4_710));
}

#[test]
fn a_key_leads_to_those_after_it() {
    let list = [passes(1, 10, 2), passes(2, 20, 3), passes(3, 20, 4), passes(4, 30, 5)];
    for (known, count, led_to) in [
        ("1", 0, "1"),
        ("1", 1, "2 11, 1 0 11"),
        ("1", 2, "3 21, 2 11 21, 1 0 11"),
        // A key that has signed nothing else has no term.
        ("1", 3, "4 21, 2 11 21, 1 0 11"),
        ("1", 4, "5 31, 4 21 31, 2 11 21, 1 0 11"),
        ("1 0 11", 2, "3 21, 2 11 21, 1 0 11"),
        ("2 11", 4, "5 31, 4 21 31, 2 11 21"),
        ("2 11, 1 0 11", 4, "5 31, 4 21 31, 2 11 21, 1 0 11"),
        ("3 21", 4, "5 31, 4 21 31"),
        ("5 31", 4, "5 31"),
        ("9", 4, "9"),
    ] {
        let followed = keys(known).follow(&list[..count].join("\n"));
        assert_eq!(followed, Ok(keys(led_to)), "{known} and {count}");
    }
    let followed = keys("1").follow(&list.join("\n")).unwrap();
    assert!(followed.verify(&checkpoint(31).sign(&signer(5))).is_ok());
    assert!(followed.verify(&checkpoint(11).sign(&signer(1))).is_err());
    assert!(followed.verify(&checkpoint(31).sign(&signer(4))).is_err());
}

#[test]
fn a_forged_successor_is_refused() {
    let honest = passes(1, 10, 2);
    let wrong = || SuccessionError::Checkpoint(NoteError::BadSignature(ORIGIN.to_owned()).into());
    // 9 is whoever would like to be the log.
    for (list, why) in [
        (honest.replace(&vkey(2), &vkey(9)), wrong()),
        (honest.replace("\n10\n", "\n11\n"), wrong()),
        (honest.replace(&checkpoint(10).root.to_string(), &checkpoint(11).root.to_string()), wrong()),
        ([honest.clone(), passes(9, 20, 9)].join("\n"), not_signed()),
        ([honest.clone(), passes(1, 20, 9)].join("\n"), not_signed()),
        ([honest.clone(), honest.clone()].join("\n"), not_signed()),
        (checkpoint(10).sign(&signer(1)), SuccessionError::Malformed),
        (
            checkpoint(10).sign(&signer(1)).replace("\n\n", &format!("\nsuccessor  {}\n\n", vkey(9))),
            SuccessionError::Malformed,
        ),
        (honest.replace("\n\n", "\nand more\n\n"), SuccessionError::Malformed),
    ] {
        assert_eq!(keys("1").follow(&list), Err(why), "{list}");
    }
    // What no known key has signed counts for nothing.
    let alone = keys("1").follow(&passes(9, 10, 9)).unwrap();
    assert_eq!(alone, keys("1"));
    assert!(alone.verify(&checkpoint(20).sign(&signer(9))).is_err());
    let in_front = [passes(9, 5, 9), honest.clone()].join("\n");
    assert_eq!(keys("1").follow(&in_front), Ok(keys("2 11, 1 0 11")));

    let elsewhere = NoteSigner::new("elsewhere.example", SigningKey::ed25519(&[2; 32])).unwrap();
    let abroad = Succession { last: checkpoint(10), successor: elsewhere.verifier().clone() };
    assert_eq!(keys("1").follow(&abroad.sign(&signer(1))), Err(SuccessionError::Malformed));
    let last = Checkpoint { origin: "elsewhere.example".to_owned(), ..checkpoint(10) };
    let foreign = Succession { last, successor: elsewhere.verifier().clone() }.sign(&elsewhere);
    assert!(matches!(
        keys("1").follow(&foreign),
        Err(SuccessionError::Checkpoint(CheckpointError::Origin { .. }))
    ));
}

#[test]
fn a_key_names_its_successor_within_its_term() {
    for (known, size, why) in [
        ("1 0 5", 10, Err(SuccessionError::OutsideTerm(10))),
        ("1 0 11", 10, Ok("2 11, 1 0 11")),
        ("1 0 12", 10, Ok("2 11, 1 0 11")),
        ("1 30", 20, Err(SuccessionError::OutsideTerm(20))),
        ("1 21", 20, Ok("2 21")),
    ] {
        assert_eq!(keys(known).follow(&passes(1, size, 2)), why.map(keys), "{known} and {size}");
    }
}

#[test]
fn a_list_has_one_spelling_and_an_end() {
    let honest = passes(1, 10, 2);
    for malformed in [
        "\n".to_owned(),
        format!("{honest}\n"),
        honest.trim_end().to_owned(),
        [honest.clone(), passes(2, 20, 3)].concat(),
        format!("{honest}\n{ORIGIN}\n"),
    ] {
        assert!(keys("1").follow(&malformed).is_err(), "{malformed}");
    }
    let many = |count: u64| (0..count).map(|size| passes(1, size + 1, 1)).collect::<Vec<_>>().join("\n");
    assert_eq!(keys("1").follow(&many(1_023)).unwrap().terms().len(), 1_024);
    assert_eq!(keys("1").follow(&many(1_024)), Err(SuccessionError::TooMany));
}
