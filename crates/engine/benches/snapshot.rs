//! How long a start takes with a snapshot and without, and what payments notice of a snapshot that is renewed: 100,000
//! wallets with an agent and a mandate each, 1,000 payees, and 2,000,000 payments that are all remembered.

#[allow(dead_code)]
#[path = "../tests/views/town.rs"]
mod town;

use book::{Command, Entry, Limit, Provenance, Seq, Verdict};
use engine::journal::{Appended, Frame, Purpose};
use engine::limits::SNAPSHOT_EVERY_ENTRIES;
use engine::{BookId, Clock, Engine, FileJournal, Journal, Options, SnapshotNews, Snapshots};
use evidence::{Frontier, leaf_hash};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use town::{Town, amount};

const BOOK: BookId = BookId([1; 16]);

/// The payments that each way of paying makes, a tenth of them one by one.
const PAID: usize = 50_000;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn main() {
    let directory = std::env::temp_dir().join(format!("tollbridge-snapshot-rate-{}", std::process::id()));
    fs::create_dir(&directory).expect("the directory is new");
    let wallets = number("WALLETS", 100_000);
    let (mut town, entries) = write(&directory, wallets, number("PAYMENTS", 2_000_000));
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
    for every_entries in [u64::MAX, 1, u64::MAX, 1] {
        pay(&directory, &mut town, wallets, every_entries);
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

/// Pays while no snapshot is renewed, or one behind the other, and prints how long each answer took.
fn pay(directory: &Path, town: &mut Town, wallets: usize, every_entries: u64) {
    let known = town.entries.len();
    (0..PAID).for_each(|number| drop(town.pay((number * 7_919) % wallets, number % 1_000, 1)));
    let payments: Vec<Command> = town.entries.drain(known..).map(|bytes| command(&bytes)).collect();
    let clock = Clock::ahead_by(town.at.0.saturating_sub(Clock::default().now().0));
    let engine = begin(directory, Some((&directory.join("snapshot"), every_entries)), clock);
    for together in [1, 512] {
        let began = Instant::now();
        let mut took = Vec::new();
        for payments in payments[if together == 1 { 0..PAID / 10 } else { PAID / 10..PAID }].chunks(together)
        {
            let asked = Instant::now();
            let submit =
                |payment: &Command| engine.submit(vec![payment.clone()]).expect("the queue has room");
            let tickets: Vec<_> = payments.iter().map(submit).collect();
            let answered = tickets.into_iter().map(|ticket| ticket.blocking_recv().expect("an answer"));
            assert!(answered.flatten().all(|verdict| matches!(verdict, Ok(Verdict::Record(..)))));
            took.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        let at = |part: usize| took.get(took.len() * part / 1_000).copied().unwrap_or_default();
        let rate = (took.len() * together) as f64 / began.elapsed().as_secs_f64();
        let renewing = if every_entries == 1 { "renewing" } else { "not renewing" };
        let (p50, p99, worst) = (at(500), at(990), at(999));
        println!(
            "{renewing}, {together} at once: {rate:.0} a second; p50 {p50:.2}, p99 {p99:.2}, p99.9 {worst:.2} ms"
        );
    }
}

fn command(entry: &[u8]) -> Command {
    Entry::from_bytes(entry).expect("an entry").command
}

/// Seconds from an open journal to a book; prints what stopping takes.
fn start(directory: &Path, snapshot: Option<&Path>) -> f64 {
    let began = Instant::now();
    let engine = begin(directory, snapshot.map(|path| (path, SNAPSHOT_EVERY_ENTRIES)), Clock::default());
    let seconds = began.elapsed().as_secs_f64();
    let began = Instant::now();
    drop(engine);
    if snapshot.is_some() {
        println!("stopped in {:.2} s, snapshot included", began.elapsed().as_secs_f64());
    }
    seconds
}

fn begin(directory: &Path, snapshot: Option<(&Path, u64)>, clock: Clock) -> Engine {
    let journal = FileJournal::open(directory, BOOK, 0).expect("the journal opens");
    let told = |news: &SnapshotNews<'_>| println!("{news:?}");
    let options = Options {
        clock: Arc::new(clock),
        followers: Vec::new(),
        stopped: Box::new(|stepdown| panic!("{stepdown}")),
        faulted: |name, fault| panic!("{name}: {fault}"),
        recovering: Box::new(|_| {}),
        beside: Arc::new(()),
        snapshots: snapshot.map(|(path, every_entries)| Snapshots {
            path: path.to_owned(),
            every_entries,
            told,
        }),
        queue_units_max: 1_024,
    };
    Engine::start(BOOK, journal, options).expect("the engine starts")
}

/// Writes the journal, and says whose it is and how many entries it has.
fn write(directory: &Path, wallets: usize, payments: usize) -> (Town, u64) {
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
    (town, next.0)
}
