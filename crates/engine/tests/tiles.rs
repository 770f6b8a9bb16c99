//! The log under a new key: what the old one signed last is shown until the log has grown beyond it.

use book::Seq;
use engine::{Follower, Published, Tiles};
use evidence::{Checkpoint, Frontier, NoteSigner, SigningKey, leaf_hash};
use std::fs;
use std::path::PathBuf;

const ENTRIES: [&[u8]; 4] = [b"one", b"two", b"three", b"four"];

fn signer(seed: u8) -> NoteSigner {
    NoteSigner::new("engine.test", SigningKey::ed25519(&[seed; 32])).expect("the name is plain")
}

/// What the old key signed when the log had these entries.
fn inherited(entries: &[&[u8]]) -> Published {
    let mut frontier = Frontier::default();
    for entry in entries {
        frontier.push(leaf_hash(entry));
    }
    let (size, root) = (frontier.size(), frontier.root());
    let checkpoint = Checkpoint { origin: "engine.test".to_owned(), size, root }.sign(&signer(1));
    Published { size, root, checkpoint }
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tollbridge-tiles-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

#[test]
fn a_new_key_signs_only_beyond_what_the_old_one_signed() {
    let directory = directory("beyond");
    let old = inherited(&ENTRIES[..2]);
    let (mut tiles, log) = Tiles::succeed(&directory, signer(2), old.clone()).unwrap();
    let seen = || (log.published().size, log.published().checkpoint == old.checkpoint);
    assert_eq!(seen(), (0, true));
    for (count, expected) in [(1, (0, true)), (2, (2, true)), (3, (3, false))] {
        tiles.handle(Seq(count - 1), &ENTRIES[count as usize - 1..count as usize]).unwrap();
        assert_eq!(seen(), expected);
    }
    assert!(Checkpoint::verify(&log.published().checkpoint, signer(2).verifier()).is_ok());
    drop(tiles);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_new_key_does_not_go_on_from_another_past() {
    let directory = directory("past");
    for (past, goes_on) in [(&ENTRIES[..2], true), (&ENTRIES[1..3], false)] {
        let _ = fs::remove_dir_all(&directory);
        let (mut tiles, log) = Tiles::succeed(&directory, signer(2), inherited(past)).unwrap();
        // All at once, as when the log is made again.
        assert_eq!(tiles.handle(Seq(0), &ENTRIES).is_ok(), goes_on);
        assert_eq!(log.published().size, if goes_on { 4 } else { 0 });
    }
    fs::remove_dir_all(directory).unwrap();
}
