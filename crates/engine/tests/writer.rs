//! The writer on a disk that is full, breaks, or belongs to somebody else, and the engine around it.

#![allow(clippy::unwrap_used)]

use book::{
    Action, Actor, Book, Code, Command, Freeze, Id, KeyId, OpenBook, Outcome, OwnerId, Present,
    PublicKeyBytes, RegisterAsset, RegisterOwner, Reject, Subject, Time, Verdict,
};
use engine::journal::{Act, Disk, Fate, Remains};
use engine::{
    BookId, Clock, Engine, Fault, Follower, Journal, MemoryJournal, Options, Stepdown, Tiles, Writer,
};
use evidence::note::NoteSigner;
use evidence::proof::inclusion;
use evidence::{Frontier, KeyHistory, Receipt, SigningKey, leaf_hash};
use std::sync::Arc;

const BOOK: BookId = BookId([9; 16]);
const KEY: KeyId = KeyId(Id([1; 16]));
const BY: Actor = Actor::Operator { key: KEY };

fn at(seconds: u64) -> Time {
    Time::from_seconds(1_800_000_000 + seconds)
}

fn command(number: u8, action: Action) -> Command {
    Command { id: Id::new(at(0), [number; 16]), by: BY, action }
}

fn open() -> Command {
    let public_key = PublicKeyBytes::Ed25519([7; 32]);
    command(1, Action::OpenBook(OpenBook { test: true, retention_seconds: 86_400, key: KEY, public_key }))
}

fn asset(number: u8, code: &str) -> Command {
    command(number, Action::RegisterAsset(RegisterAsset { code: Code::new(code).unwrap(), scale: 2 }))
}

fn present(number: u8, nonce_seconds: u64) -> Command {
    let nonce = at(nonce_seconds).0 / 1_000;
    command(number, Action::Present(Present { nonce, request: evidence::Hash([0; 32]) }))
}

fn writer(disk: &Disk) -> Writer<MemoryJournal> {
    Writer::recover(BOOK, MemoryJournal::open(disk, BOOK, 0).unwrap(), |_| {}).unwrap()
}

#[test]
fn a_batch_is_durable_before_it_is_answered_and_found_again() {
    let disk = Disk::perfect();
    let mut first = writer(&disk);
    let answers = first.run(at(1), &[vec![open()], vec![asset(2, "CNY"), asset(3, "CNY")]]).unwrap();
    assert!(matches!(answers[0][0], Ok(Verdict::Record(_, Outcome::Done))));
    assert_eq!(answers[1][1], Ok(Verdict::Reject(Reject::AlreadyExists)));
    let root = first.root();
    disk.power_cut(Remains::Nothing);
    let mut second = writer(&disk);
    assert_eq!(second.root(), root);
    let again = second.run(at(2), &[vec![asset(2, "CNY")]]).unwrap();
    assert_eq!(again[0][0], Ok(Verdict::Repeat(book::Seq(1))));
}

#[test]
fn a_request_that_is_presented_twice_is_executed_once() {
    let disk = Disk::perfect();
    let mut writer = writer(&disk);
    writer.run(at(1), &[vec![open()]]).unwrap();
    let answers = writer
        .run(at(2), &[vec![present(2, 1), asset(3, "CNY")], vec![present(4, 1), asset(5, "USD")]])
        .unwrap();
    assert!(matches!(answers[0][1], Ok(Verdict::Record(..))));
    assert_eq!(answers[1], [Ok(Verdict::Reject(Reject::NonceUsed)), Ok(Verdict::Reject(Reject::NonceUsed))]);
    assert_eq!(writer.book().assets().count(), 1);
}

#[test]
fn a_failed_sync_steps_down_and_says_nothing() {
    let disk = Disk::perfect();
    let mut writer = writer(&disk);
    writer.run(at(1), &[vec![open()]]).unwrap();
    disk.decide(|act| match act {
        Act::Sync { .. } => Fate::Fails(Remains::All),
        Act::Write { .. } => Fate::Works,
    });
    let answer = writer.run(at(2), &[vec![asset(2, "CNY")]]);
    assert!(matches!(answer, Err(Stepdown::Journal(_))), "{answer:?}");
    let answer = writer.run(at(3), &[vec![asset(3, "USD")]]);
    assert!(
        !matches!(&answer, Ok(answers) if answers[0][0].is_ok()),
        "a stopped journal takes nothing: {answer:?}"
    );
}

#[test]
fn another_leader_fences_this_one() {
    let disk = Disk::perfect();
    let mut old = writer(&disk);
    old.run(at(1), &[vec![open()]]).unwrap();
    let _new = writer(&disk);
    assert!(matches!(old.run(at(2), &[vec![asset(2, "CNY")]]), Err(Stepdown::Fenced)));
}

#[test]
fn a_full_disk_refuses_new_business_and_goes_on() {
    let disk = Disk::perfect();
    let mut writer = writer(&disk);
    writer.run(at(1), &[vec![open()]]).unwrap();
    disk.set_capacity(0);
    let mut refused = None;
    for number in 2..=255u8 {
        let code = format!("A{number}");
        let answers = writer.run(at(2), &[vec![asset(number, &code)]]).unwrap();
        if answers[0][0] == Err(Fault::Full) {
            refused = Some(number);
            break;
        }
    }
    let refused = refused.expect("the filled space ends some time");
    let assets = writer.book().assets().count();
    let key = KeyId(Id::new(at(0), [254; 16]));
    let revoke = command(253, Action::RevokeKey(book::RevokeKey { key }));
    let answers = writer.run(at(3), &[vec![revoke]]).unwrap();
    assert_eq!(answers[0][0], Ok(Verdict::Reject(Reject::KeyUnknown)), "questions are answered");
    disk.set_capacity(1 << 30);
    let code = format!("A{refused}");
    let answers = writer.run(at(4), &[vec![asset(refused, &code)]]).unwrap();
    assert!(matches!(answers[0][0], Ok(Verdict::Record(..))), "with space it goes on: {answers:?}");
    assert_eq!(writer.book().assets().count(), assets + 1);
}

#[test]
fn what_closes_shares_a_sync_on_a_full_disk_too() {
    let disk = Disk::perfect();
    let mut writer = writer(&disk);
    let key = KeyId(Id::new(at(0), [254; 16]));
    let owner = command(
        2,
        Action::RegisterOwner(RegisterOwner { key, public_key: PublicKeyBytes::Ed25519([8; 32]) }),
    );
    let subject = Subject::Owner(OwnerId(owner.id));
    writer.run(at(1), &[vec![open(), owner]]).unwrap();
    disk.set_capacity(0);
    let fill = |number: u32| {
        let id = Id::new(at(1), u128::from(number).to_be_bytes());
        Command { id, ..asset(0, &format!("A{number}")) }
    };
    let full = (0..10_000)
        .find(|number| writer.run(at(2), &[vec![fill(*number)]]).unwrap()[0][0] == Err(Fault::Full));
    full.expect("the filled space ends some time");
    let reader = writer.journal().reader();
    let frames = || {
        let (mut from, mut count) = (book::Seq(0), 0);
        while let Some(frame) = reader.frames(from, 1).unwrap().first() {
            (from, count) = (frame.next(), count + 1);
        }
        count
    };
    let before = frames();
    let freeze = |number: u8| command(number, Action::Freeze(Freeze { subject }));
    let units: Vec<_> = (10..16u8)
        .flat_map(|number| [vec![freeze(number)], vec![fill(20_000 + u32::from(number))]])
        .collect();
    let answers = writer.run(at(3), &units).unwrap();
    for pair in answers.chunks(2) {
        assert!(matches!(pair[0][0], Ok(Verdict::Record(_, Outcome::Done))), "{pair:?}");
        assert_eq!(pair[1][0], Err(Fault::Full));
    }
    let after = frames();
    assert!(after <= before + 2, "{before} frames, then {after}");
}

#[test]
fn a_journal_is_read_back_into_the_same_book_however_it_is_cut() {
    let disk = Disk::perfect();
    let mut whole = writer(&disk);
    let units: Vec<_> = (2..200u8).map(|n| vec![asset(n, &format!("A{n}"))]).collect();
    whole.run(at(1), &[vec![open()]]).unwrap();
    for (units, seconds) in units.chunks(7).zip(2..) {
        whole.run(at(seconds), units).unwrap();
    }
    let journal = whole.journal().reader();
    let (mut book, mut frontier) = (Book::default(), Frontier::default());
    for frame in journal.frames(book::Seq(0), 1_000).unwrap() {
        for (_, entry) in frame.entries() {
            book.replay(entry).unwrap();
            frontier.push(leaf_hash(entry));
        }
        assert_eq!(frontier.root().0, frame.root());
    }
    assert_eq!(frontier.root(), whole.root());
}

#[test]
fn every_entry_has_a_receipt_that_a_stranger_can_check() {
    let directory = std::env::temp_dir().join(format!("tollbridge-tiles-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    let disk = Disk::perfect();
    let signer = || NoteSigner::new("book.test/log", SigningKey::ed25519(&[3; 32])).unwrap();
    let run = |units: std::ops::Range<u8>| {
        let (tiles, log) = Tiles::open(&directory, signer()).unwrap();
        let begun = tiles.position();
        let options = Options {
            clock: Arc::new(Clock::default()),
            followers: vec![Box::new(tiles)],
            stopped: Box::new(|stepdown| panic!("{stepdown}")),
            faulted: |name, fault| panic!("{name}: {fault}"),
            recovering: Box::new(|_| {}),
            beside: Arc::new(()),
            snapshots: None,
            queue_units_max: engine::limits::QUEUE_UNITS_MAX,
        };
        let engine =
            Engine::start(BOOK, MemoryJournal::open(&disk, BOOK, begun.0).unwrap(), options).unwrap();
        for number in units {
            let unit = if number == 1 { open() } else { asset(number, &format!("A{number}")) };
            let unit = Command { id: Id::new(Clock::default().now(), [number; 16]), ..unit };
            let answer = engine.submit(vec![unit]).unwrap().blocking_recv().unwrap();
            assert!(matches!(answer[0], Ok(Verdict::Record(..))), "{answer:?}");
        }
        let size = engine.size();
        let entry = |seq| engine.entry(book::Seq(seq)).unwrap().unwrap();
        while log.published().size < size {
            std::thread::yield_now();
        }
        let published = log.published();
        for index in 0..size {
            let proof = inclusion(&log.hashes(), index, size).unwrap();
            let receipt =
                Receipt { entry: entry(index), index, proof, checkpoint: published.checkpoint.clone() };
            receipt.verify(&KeyHistory::of(signer().verifier().clone())).unwrap();
        }
        assert_eq!(engine.entry(book::Seq(size)).unwrap(), None);
        begun.0
    };
    assert_eq!(run(1..120), 0);
    assert_eq!(run(120..250), 119, "the log goes on where it was kept");
    assert_eq!(Tiles::at_least(&directory), 249);
    std::fs::remove_dir_all(&directory).unwrap();
}
