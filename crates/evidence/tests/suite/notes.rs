//! Signed notes, checkpoints, key rotation and receipts: what is accepted, and every way to be refused.

use evidence::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURE_COUNT_MAX, TREE_SIZE_MAX};
use evidence::note::add_signature;
use evidence::proof::inclusion;
use evidence::{
    Checkpoint, CheckpointError, Hash, KeyError, KeyHistory, KeyHistoryError, KeyTerm, Note, NoteError,
    NoteKeyError, NoteSigner, NoteVerifier, Proof, ProofError, Receipt, ReceiptError, SigningKey,
};
use proptest::prelude::*;

use crate::oracle::{Stored, entries};

const ORIGIN: &str = "tollbridge.example/book/1";

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::new(name, SigningKey::ed25519(&[seed; 32])).expect("the name is well formed")
}

fn checkpoint(size: u64) -> Checkpoint {
    let root = if size == 0 { Hash::EMPTY_TREE } else { Hash::of(&size.to_be_bytes()) };
    Checkpoint { origin: ORIGIN.to_owned(), size, root }
}

/// The key and note of the documentation of Go's `golang.org/x/mod/sumdb/note`.
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_note_signed_by_another_implementation_verifies() {
    let verifier = NoteVerifier::parse(GO_VKEY).unwrap();
    assert_eq!(verifier.name(), "PeterNeumann");
    assert_eq!(verifier.to_string(), GO_VKEY);
    let note = Note::parse(GO_NOTE).unwrap();
    assert!(note.text().ends_with("your problem is.\n"));
    assert_eq!(note.verify(&verifier), Ok(()));
    let changed = GO_NOTE.replace("answer", "reason");
    let refused = Err(NoteError::BadSignature("PeterNeumann".to_owned()));
    assert_eq!(Note::parse(&changed).unwrap().verify(&verifier), refused);
}

/// The shapes shown in c2sp.org/signed-note and c2sp.org/tlog-cosignature, whose keys are not published.
#[test]
fn the_examples_of_the_specifications_parse() {
    let poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let note = Note::parse(poem).unwrap();
    assert!(note.text().ends_with("raggio di sole:\n\ned è subito sera.\n"));
    assert_eq!(note.lines()[0].name, "quasimodo.example/salvatore");
    assert_eq!(note.lines()[0].id.to_string(), "367ba04b");
    let cosigned = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(cosigned).unwrap();
    assert_eq!(note.lines().iter().map(|line| line.signature.len()).collect::<Vec<_>>(), [64, 72]);
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!((checkpoint.size, checkpoint.origin.as_str()), (20_852_163, "example.com/behind-the-sofa"));
    assert_eq!(checkpoint.to_string(), note.text());
}

#[test]
fn a_malformed_vkey_is_refused() {
    for (vkey, error) in [
        ("", NoteKeyError::Malformed),
        ("PeterNeumann", NoteKeyError::Malformed),
        ("PeterNeumann+c74f20a3", NoteKeyError::Malformed),
        ("PeterNeumann+c74f20a3+", NoteKeyError::Malformed),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", NoteKeyError::Malformed),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteKeyError::Id),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteKeyError::Id),
        ("Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteKeyError::Id),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteKeyError::Name),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteKeyError::Name),
        ("PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NoteKeyError::Type),
        ("weak+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NoteKeyError::Key(KeyError::Weak)),
    ] {
        assert_eq!(NoteVerifier::parse(vkey), Err(error), "{vkey}");
    }
    let es256 = SigningKey::es256(&[1; 32]).unwrap();
    assert_eq!(NoteSigner::new("a", es256).map(|_| ()), Err(NoteKeyError::Type));
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\u{7f}", &"a".repeat(256)] {
        assert_eq!(
            NoteVerifier::new(name, SigningKey::ed25519(&[1; 32]).public().clone()),
            Err(NoteKeyError::Name)
        );
    }
}

#[test]
fn a_malformed_note_is_refused() {
    let line = GO_NOTE.rsplit_once("\n\n").unwrap().1;
    let body = line.trim_end().rsplit_once(' ').unwrap().1;
    for note in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        line.to_owned(),
        format!("text\n{line}"),
        format!("text\n\n{}", line.trim_end()),
        format!("text\n\n{line}\n"),
        format!("text\r\n\n{line}"),
        format!("te\txt\n\n{line}"),
        format!("te\0xt\n\n{line}"),
        format!("text\n\n- PeterNeumann {body}\n"),
        format!("text\n\n—PeterNeumann {body}\n"),
        format!("text\n\n— Peter+Neumann {body}\n"),
        format!("text\n\n—  {body}\n"),
        format!("text\n\n— PeterNeumann  {body}\n"),
        format!("text\n\n— PeterNeumann {body} \n"),
        format!("text\n\n— PeterNeumann {}\n", body.trim_end_matches('=')),
        format!("text\n\n— PeterNeumann {}N=\n", &body[..body.len() - 2]),
        "text\n\n— PeterNeumann x08gow==\n".to_owned(),
        "text\n\n— PeterNeumann\n".to_owned(),
        format!("text\n\n{line}what is this\n"),
    ] {
        assert_eq!(Note::parse(&note), Err(NoteError::Malformed), "{note:?}");
    }
    let crowd = |count: usize| format!("text\n\n{}", line.repeat(count));
    assert_eq!(Note::parse(&crowd(NOTE_SIGNATURE_COUNT_MAX)).map(|note| note.lines().len()), Ok(32));
    assert_eq!(Note::parse(&crowd(33)), Err(NoteError::TooManySignatures(33)));
    let long = |length: usize| format!("{}\n\n{line}", "x".repeat(length - 2 - line.len()));
    assert!(Note::parse(&long(NOTE_BYTES_MAX)).is_ok());
    assert_eq!(Note::parse(&long(NOTE_BYTES_MAX + 1)), Err(NoteError::TooLong(NOTE_BYTES_MAX + 1)));
}

#[test]
fn a_checkpoint_is_verified_by_its_log_and_no_other() {
    let log = signer(ORIGIN, 1);
    for size in [0, 1, 7, TREE_SIZE_MAX] {
        let note = checkpoint(size).sign(&log);
        let verified = Checkpoint::verify(&note, log.verifier()).unwrap();
        assert_eq!(verified.get(), &checkpoint(size));
    }
    let note = checkpoint(7).sign(&log);
    let other_key = signer(ORIGIN, 2);
    let not_signed = CheckpointError::Note(NoteError::NotSigned(ORIGIN.to_owned()));
    assert_eq!(Checkpoint::verify(&note, other_key.verifier()), Err(not_signed.clone()));
    let other_name = signer("tollbridge.example/book/2", 1);
    let origin = CheckpointError::Origin {
        expected: "tollbridge.example/book/2".to_owned(),
        found: ORIGIN.to_owned(),
    };
    assert_eq!(Checkpoint::verify(&note, other_name.verifier()), Err(origin));
    // A line under the other log's name does not turn this one's checkpoint into that one's.
    let also = add_signature(&note, &other_name).unwrap();
    assert!(Checkpoint::verify(&also, other_name.verifier()).is_err());
    assert!(Checkpoint::verify(&also, log.verifier()).is_ok());
}

#[test]
fn every_changed_character_of_a_checkpoint_is_noticed() {
    let log = signer(ORIGIN, 1);
    let note = checkpoint(123_456).sign(&log);
    for (position, old) in note.char_indices() {
        for new in ['0', 'A', '\n', ' '] {
            if new != old {
                let mut changed = note.clone();
                changed.replace_range(position..position + old.len_utf8(), &new.to_string());
                assert!(Checkpoint::verify(&changed, log.verifier()).is_err(), "{changed}");
            }
        }
    }
}

#[test]
fn several_lines_are_allowed_and_each_of_a_known_key_has_to_be_right() {
    let (log, next, witness) = (signer(ORIGIN, 1), signer(ORIGIN, 2), signer("witness.example", 3));
    let mut note = checkpoint(7).sign(&log);
    for other in [&next, &witness] {
        note = add_signature(&note, other).unwrap();
    }
    for known in [&log, &next] {
        assert!(Checkpoint::verify(&note, known.verifier()).is_ok());
    }
    let parsed = Note::parse(&note).unwrap();
    assert_eq!(parsed.verify(witness.verifier()), Ok(()));
    assert_eq!(parsed.lines().len(), 3);
    // A second line by the log's key that is wrong spoils the note, wherever it stands.
    let elsewhere = checkpoint(8).sign(&log);
    let wrong_line = elsewhere.rsplit_once("\n\n").unwrap().1;
    let refused = Err(CheckpointError::Note(NoteError::BadSignature(ORIGIN.to_owned())));
    assert_eq!(Checkpoint::verify(&format!("{note}{wrong_line}"), log.verifier()), refused);
    assert!(Checkpoint::verify(&format!("{note}{wrong_line}"), next.verifier()).is_ok());
    let full = (3..32).fold(note, |note, _| add_signature(&note, &witness).unwrap());
    assert_eq!(add_signature(&full, &witness), Err(NoteError::TooManySignatures(33)));
}

#[test]
fn a_checkpoint_has_one_spelling() {
    let root = Hash::of(b"root");
    let empty = Hash::EMPTY_TREE;
    let text = format!("{ORIGIN}\n5\n{root}\n");
    assert!(Checkpoint::parse(&text).is_ok());
    assert!(Checkpoint::parse(&format!("{text}extension\nanother\n")).is_ok());
    assert!(Checkpoint::parse(&format!("{ORIGIN}\n0\n{empty}\n")).is_ok());
    for text in [
        String::new(),
        format!("{ORIGIN}\n5\n"),
        format!("{ORIGIN}\n5\n{root}"),
        format!("\n5\n{root}\n"),
        format!("a b\n5\n{root}\n"),
        format!("{ORIGIN}\n05\n{root}\n"),
        format!("{ORIGIN}\n+5\n{root}\n"),
        format!("{ORIGIN}\n-5\n{root}\n"),
        format!("{ORIGIN}\n 5\n{root}\n"),
        format!("{ORIGIN}\n\n{root}\n"),
        format!("{ORIGIN}\n9223372036854775808\n{root}\n"),
        format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
        format!("{ORIGIN}\n0\n{root}\n"),
        format!("{ORIGIN}\n5\n{}\n", root.to_string().trim_end_matches('=')),
        format!("{ORIGIN}\n5\n{root}A\n"),
        format!("{ORIGIN}\n5\nAAAA\n"),
        format!("{text}\n"),
        format!("{text}extension\n\nanother\n"),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(CheckpointError::Malformed), "{text:?}");
    }
}

/// EV-10: after its rotation a key still vouches for the past, and no longer for the future.
#[test]
fn an_old_key_verifies_its_old_range_only() {
    let (old, new) = (signer(ORIGIN, 1), signer(ORIGIN, 2));
    let history = KeyHistory::of(old.verifier().clone()).rotate(new.verifier().clone(), 100).unwrap();
    let not_signed = || Err(CheckpointError::Note(NoteError::NotSigned(ORIGIN.to_owned())));
    for (size, by, passes) in
        [(0, &old, true), (99, &old, true), (100, &old, false), (99, &new, false), (100, &new, true)]
    {
        let answer = history.verify(&checkpoint(size).sign(by)).map(|verified| verified.into_inner());
        assert_eq!(answer, if passes { Ok(checkpoint(size)) } else { not_signed() }, "{size}");
    }
    // Both lines, as on the day of the rotation.
    let both = add_signature(&checkpoint(100).sign(&old), &new).unwrap();
    assert!(history.verify(&both).is_ok());

    // A key that leaked is ended with no successor yet.
    let ended = KeyTerm { verifier: old.verifier().clone(), from_size: 10, until_size: Some(20) };
    let history = KeyHistory::new(vec![ended]).unwrap();
    for (size, passes) in [(9, false), (10, true), (19, true), (20, false)] {
        let answer = history.verify(&checkpoint(size).sign(&old)).map(|_| ());
        assert_eq!(answer, if passes { Ok(()) } else { Err(CheckpointError::NoKey(size)) });
    }
    let later = history.rotate(new.verifier().clone(), 30).unwrap();
    assert_eq!(later.terms()[0].until_size, Some(20));
    assert_eq!(later.key_for(25), None);
    assert_eq!(later.key_for(30), Some(new.verifier()));
}

#[test]
fn a_history_has_one_key_at_a_time() {
    let term = |seed, from_size, until_size| KeyTerm {
        verifier: signer(ORIGIN, seed).verifier().clone(),
        from_size,
        until_size,
    };
    assert!(KeyHistory::new(vec![term(1, 0, Some(5)), term(2, 5, Some(9)), term(1, 12, None)]).is_ok());
    for (terms, error) in [
        (vec![], KeyHistoryError::Count(0)),
        (vec![term(1, 5, Some(5))], KeyHistoryError::Order(0)),
        (vec![term(1, 0, None), term(2, 5, None)], KeyHistoryError::Order(1)),
        (vec![term(1, 0, Some(6)), term(2, 5, None)], KeyHistoryError::Order(1)),
        (vec![term(1, 5, Some(6)), term(2, 0, Some(5))], KeyHistoryError::Order(1)),
        (vec![term(1, 0, Some(1)); 1_025], KeyHistoryError::Count(1_025)),
    ] {
        assert_eq!(KeyHistory::new(terms), Err(error));
    }
    let stranger =
        KeyTerm { verifier: signer("other", 2).verifier().clone(), from_size: 5, until_size: None };
    assert_eq!(KeyHistory::new(vec![term(1, 0, Some(5)), stranger]), Err(KeyHistoryError::Names));
    let history = KeyHistory::new(vec![term(1, 10, None)]).unwrap();
    assert_eq!(history.rotate(signer(ORIGIN, 2).verifier().clone(), 10), Err(KeyHistoryError::Order(0)));
}

#[test]
fn a_history_is_a_text_with_one_spelling() {
    let vkey = |seed| signer(ORIGIN, seed).verifier().to_string();
    let (old, mid, new) = (vkey(1), vkey(2), vkey(3));
    for text in [
        format!("{old}\n"),
        format!("{new} 10\n"),
        format!("{new} 10\n{old} 0 10\n"),
        format!("{new} 30\n{mid} 10 20\n{old} 5 10\n"),
        format!("{old} 0 10\n"),
    ] {
        let history = KeyHistory::parse(&text).unwrap();
        assert_eq!(history.to_string(), text);
        assert_eq!(KeyHistory::parse(text.trim_end()).unwrap(), history);
    }
    let history = KeyHistory::parse(&format!("{new} 10\n{old} 0 10")).unwrap();
    assert_eq!(history.key_for(9).unwrap().to_string(), old);
    assert_eq!(history.key_for(10).unwrap().to_string(), new);

    let of_another = signer("other", 3).verifier().to_string();
    let swapped = format!("{}+{}", old.rsplit_once('+').unwrap().0, new.rsplit_once('+').unwrap().1);
    for (text, error) in [
        (String::new(), KeyHistoryError::Key(NoteKeyError::Malformed)),
        (format!("{old}\n\n"), KeyHistoryError::Key(NoteKeyError::Malformed)),
        (format!("{swapped} 10\n{old} 0 10"), KeyHistoryError::Key(NoteKeyError::Id)),
        (format!("{old} 0"), KeyHistoryError::Line(1)),
        (format!("{new} 10\n{old} 0 10 "), KeyHistoryError::Line(2)),
        (format!("{new} 010\n{old} 0 10"), KeyHistoryError::Line(1)),
        (format!("{new} +10\n{old} 0 10"), KeyHistoryError::Line(1)),
        (format!("{new} 10\r\n{old} 0 10"), KeyHistoryError::Line(1)),
        (format!("{new}  10\n{old} 0 10"), KeyHistoryError::Line(1)),
        // Oldest first, overlapping, with two keys in use, and of two logs.
        (format!("{old} 0 10\n{new} 10"), KeyHistoryError::Order(1)),
        (format!("{new} 10\n{old} 0 11"), KeyHistoryError::Order(1)),
        (format!("{new} 10\n{old}"), KeyHistoryError::Order(1)),
        (format!("{of_another} 10\n{old} 0 10"), KeyHistoryError::Names),
        (format!("{old}\n").repeat(1_025), KeyHistoryError::Count(1_025)),
    ] {
        assert_eq!(KeyHistory::parse(&text), Err(error), "{text:?}");
    }
}

fn receipt(index: u64, size: usize, log: &NoteSigner) -> Receipt {
    let entries = entries(size);
    let stored = Stored::of(&entries);
    let checkpoint =
        Checkpoint { origin: ORIGIN.to_owned(), size: size as u64, root: stored.frontier.root() };
    Receipt {
        entry: entries[index as usize].clone(),
        index,
        proof: inclusion(&stored, index, size as u64).expect("the leaf is there"),
        checkpoint: checkpoint.sign(log),
    }
}

#[test]
fn a_receipt_shows_its_entry_and_nothing_else() {
    let log = signer(ORIGIN, 1);
    let keys = KeyHistory::of(log.verifier().clone());
    let good = receipt(5, 300, &log);
    let recorded = good.clone().verify(&keys).unwrap().into_inner();
    assert_eq!((recorded.entry.as_slice(), recorded.index, recorded.checkpoint.size), (&b"5"[..], 5, 300));

    let changed = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        receipt.verify(&keys).map(|_| ())
    };
    let refused = |error| Err(ReceiptError::Proof(error));
    assert_eq!(changed(&|receipt| receipt.entry[0] ^= 1), refused(ProofError::Root));
    assert_eq!(changed(&|receipt| receipt.entry.push(0)), refused(ProofError::Root));
    assert_eq!(changed(&|receipt| receipt.index = 6), refused(ProofError::Root));
    assert_eq!(
        changed(&|receipt| receipt.index = 300),
        refused(ProofError::NoSuchLeaf { index: 300, size: 300 })
    );
    assert_eq!(changed(&|receipt| receipt.proof = Proof::default()), refused(ProofError::Length));
    let other = receipt(6, 300, &log);
    assert_eq!(changed(&|receipt| receipt.proof = other.proof.clone()), refused(ProofError::Root));
    let larger = receipt_checkpoint(301, &log);
    assert_eq!(changed(&|receipt| receipt.checkpoint = larger.clone()), refused(ProofError::Root));
    let not_signed = NoteError::NotSigned(ORIGIN.to_owned());
    let forged = receipt_checkpoint(300, &signer(ORIGIN, 2));
    assert_eq!(
        changed(&|receipt| receipt.checkpoint = forged.clone()),
        Err(ReceiptError::Checkpoint(CheckpointError::Note(not_signed)))
    );
}

fn receipt_checkpoint(size: usize, log: &NoteSigner) -> String {
    receipt(0, size, log).checkpoint
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_fail_otherwise_than_by_refusing(text in "(\\PC|\n|— ){0,80}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert!(text.starts_with(note.text()));
        }
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert!(text.starts_with(&checkpoint.to_string()));
        }
        if let Ok(verifier) = NoteVerifier::parse(&text) {
            prop_assert_eq!(verifier.to_string(), text);
        }
    }
}
