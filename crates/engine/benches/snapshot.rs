//! How long a start takes with a snapshot and without: 100,000 wallets with an agent and a mandate each, 1,000 payees, and
//! 2,000,000 payments that are all remembered.

#[allow(dead_code)]
#[path = "../tests/views/town.rs"]
mod town;

use book::{Entry, Limit, Provenance, Seq};
use engine::journal::{Appended, Frame, Purpose};
use engine::{BookId, Clock, Engine, FileJournal, Journal, Options, SnapshotFault, Snapshots};
use evidence::{Frontier, leaf_hash};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use town::{Town, amount};

const BOOK: BookId = BookId([1; 16]);

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn main() {
    let directory = std::env::temp_dir().join(format!("tollbridge-snapshot-rate-{}", std::process::id()));
    fs::create_dir(&directory).expect("the directory is new");
    let entries = write(&directory, number("WALLETS", 100_000), number("PAYMENTS", 2_000_000));
    let snapshot = directory.join("snapshot");
    println!("{entries} entries, {} bytes of journal", bytes(&directory.join("journal")));
    for _ in 0..3 {
        let _ = fs::remove_file(&snapshot);
        let without = start(&directory, None);
        // A start that has read so much writes one, and so does the stop behind it.
        start(&directory, Some(&snapshot));
        let with = start(&directory, Some(&snapshot));
        println!(
            "open {:.2} s; recover {without:.2} s without, {with:.2} s with a snapshot of {} bytes",
            open(&directory),
            bytes(&snapshot)
        );
    }
    fs::remove_dir_all(&directory).expect("the directory is ours");
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).expect("it is there").len()
}

/// Finding the end of the journal, which every start does.
fn open(directory: &Path) -> f64 {
    let began = Instant::now();
    drop(FileJournal::open(directory, BOOK, 0).expect("the journal opens"));
    began.elapsed().as_secs_f64()
}

/// Seconds from an open journal to a book; prints what stopping takes.
fn start(directory: &Path, snapshot: Option<&Path>) -> f64 {
    let journal = FileJournal::open(directory, BOOK, 0).expect("the journal opens");
    let ignored = |fault: &SnapshotFault| panic!("{fault}");
    let options = Options {
        clock: Arc::new(Clock::default()),
        followers: Vec::new(),
        stopped: Box::new(|stepdown| panic!("{stepdown}")),
        faulted: |name, fault| panic!("{name}: {fault}"),
        recovering: Box::new(|_| {}),
        learning: Box::new(|_| {}),
        snapshots: snapshot.map(|path| Snapshots { path: path.to_owned(), beside: Box::new(()), ignored }),
        queue_units_max: 64,
    };
    let began = Instant::now();
    let engine = Engine::start(BOOK, journal, options).expect("the engine starts");
    let seconds = began.elapsed().as_secs_f64();
    let began = Instant::now();
    drop(engine);
    if snapshot.is_some() {
        println!("stopped in {:.2} s, snapshot included", began.elapsed().as_secs_f64());
    }
    seconds
}

/// Writes the journal, and says how many entries it has.
fn write(directory: &Path, wallets: usize, payments: usize) -> u64 {
    let mut journal = FileJournal::open(directory, BOOK, 0).expect("the journal opens");
    let mut frontier = Frontier::default();
    let mut town = Town::empty();
    town.owner();
    town.owner();
    for _ in 0..1_000 {
        town.payee(None, Provenance::Registry, 2_500);
    }
    for wallet in 0..wallets {
        let id = town.wallet(town.owner_of(wallet), vec![Limit::PerPayment { max: amount(1_000) }]);
        town.fund(id, 1_000_000_000);
        let agent = town.agent(wallet, vec![]);
        town.mandate(wallet, agent, 1_000_000_000);
    }
    let mut random = 1u64;
    for _ in 0..payments {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = usize::try_from(random >> 33).expect("31 bits fit");
        let payee = if draw % 5 == 0 { 0 } else { draw % 1_000 };
        town.pay((draw / 5) % wallets, payee, 1 + u128::from(random >> 60));
    }
    let mut next = Seq(0);
    for entries in town.entries.chunks(4_096) {
        let mut frame = Frame::after(BOOK, next);
        for entry in entries {
            frontier.push(leaf_hash(entry));
            frame.push(entry);
        }
        frame.seal(frontier.root().0);
        journal.room(engine::limits::FRAME_BYTES_MAX, Purpose::Ordinary);
        match journal.append(&frame, Purpose::Ordinary) {
            Appended::Durable => next = frame.next(),
            other @ (Appended::Fenced | Appended::Unknown(_) | Appended::Full) => panic!("{other:?}"),
        }
    }
    let last = town.entries.last().and_then(|bytes| Entry::from_bytes(bytes).ok());
    println!("the last is {:?}", last.map(|entry| entry.outcome));
    next.0
}
