//! An engine that is stopped in good order begins with its snapshot, and with the whole journal where there is anything
//! wrong with it.

#![allow(clippy::unwrap_used)]

use book::{Action, Actor, Code, Command, Id, KeyId, OpenBook, PublicKeyBytes, RegisterAsset, Seq, Verdict};
use engine::{
    Beside, BookId, Clock, Engine, FileJournal, Journal, MemoryJournal, Options, RecoveryError,
    SnapshotFault, Snapshots, Writer,
};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const BOOK: BookId = BookId([9; 16]);
const BY: Actor = Actor::Operator { key: KeyId(Id([1; 16])) };

/// What went wrong with snapshots; one test at a time looks at it.
static IGNORED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn ignored() -> Vec<String> {
    std::mem::take(&mut *IGNORED.lock().unwrap())
}

/// Remembers how many entries there were.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU64>);

impl Beside for Count {
    fn save(&self, size: Seq) -> Option<Vec<u8>> {
        Some(size.0.to_le_bytes().to_vec())
    }

    fn restore(&self, saved: &[u8]) -> bool {
        let Ok(size) = saved.try_into() else { return false };
        self.0.store(u64::from_le_bytes(size), Ordering::SeqCst);
        true
    }
}

struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Home {
        let path = std::env::temp_dir().join(format!("tollbridge-snapshot-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Home(path)
    }

    fn snapshot(&self) -> PathBuf {
        self.0.join("snapshot")
    }

    /// Starts an engine, registers assets, and stops it. Answers how many entries were told, and how many are known.
    fn live(&self, beside: Option<Box<dyn Beside>>, assets: std::ops::Range<u8>) -> (u64, u64) {
        let (known, told) = (Count::default(), Arc::new(AtomicU64::new(0)));
        let (learning, counting) = (told.clone(), known.clone());
        let options = Options {
            clock: Arc::new(Clock::default()),
            followers: Vec::new(),
            stopped: Box::new(|stepdown| panic!("{stepdown}")),
            faulted: |name, fault| panic!("{name}: {fault}"),
            recovering: Box::new(|_| {}),
            learning: Box::new(move |_| {
                learning.fetch_add(1, Ordering::SeqCst);
                counting.0.fetch_add(1, Ordering::SeqCst);
            }),
            snapshots: Some(Snapshots {
                path: self.snapshot(),
                beside: beside.unwrap_or(Box::new(known.clone())),
                ignored: |fault: &SnapshotFault| IGNORED.lock().unwrap().push(fault.to_string()),
            }),
            queue_units_max: 64,
        };
        let engine = Engine::start(BOOK, FileJournal::open(&self.0, BOOK, 0).unwrap(), options).unwrap();
        for number in assets {
            let answer = engine.submit(vec![command(number)]).unwrap().blocking_recv().unwrap();
            assert!(matches!(answer[0], Ok(Verdict::Record(..))), "{answer:?}");
        }
        // Asked again, whichever of its lives it was.
        for number in 0..u8::try_from(engine.size()).unwrap() {
            let answer = engine.submit(vec![command(number)]).unwrap().blocking_recv().unwrap();
            assert_eq!(answer[0], Ok(Verdict::Repeat(Seq(u64::from(number)))));
        }
        (told.load(Ordering::SeqCst), known.0.load(Ordering::SeqCst))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(number: u8) -> Command {
    let action = if number == 0 {
        let public_key = PublicKeyBytes::Ed25519([7; 32]);
        let key = KeyId(Id([1; 16]));
        Action::OpenBook(OpenBook { test: true, retention_seconds: 400 * 86_400, key, public_key })
    } else {
        Action::RegisterAsset(RegisterAsset { code: Code::new(&format!("A{number}")).unwrap(), scale: 2 })
    };
    static START: std::sync::OnceLock<book::Time> = std::sync::OnceLock::new();
    let at = *START.get_or_init(|| Clock::default().now());
    Command { id: Id::new(at, [number; 16]), by: BY, action }
}

/// One test, for what is ignored is counted in one place.
#[test]
fn a_start_reads_what_is_behind_its_snapshot_and_everything_where_that_is_wrong() {
    let home = Home::new("main");
    assert_eq!(home.live(None, 0..5), (0, 0));
    assert_eq!(fs::metadata(home.snapshot()).unwrap().permissions().mode() & 0o777, 0o600);
    let old = fs::read(home.snapshot()).unwrap();
    assert_eq!(home.live(None, 5..9), (0, 5), "nothing is read that the snapshot stands for");
    let whole = fs::read(home.snapshot()).unwrap();
    assert_eq!(ignored(), [""; 0]);

    let put = |bytes: &[u8]| fs::write(home.snapshot(), bytes).unwrap();
    put(&old);
    assert_eq!(home.live(None, 9..9), (4, 9), "an older one, and what came behind it");
    assert_eq!(ignored(), [""; 0]);

    fs::remove_file(home.snapshot()).unwrap();
    assert_eq!(home.live(None, 9..9), (9, 9), "without one, everything");
    assert_eq!(ignored(), [""; 0]);
    // The secret that keys the digests is another now, and nobody can tell.
    assert_ne!(fs::read(home.snapshot()).unwrap(), whole);

    for place in [0, 9, 20, 30, whole.len() / 2, whole.len() - 1] {
        let mut wrong = whole.clone();
        wrong[place] ^= 1 << (place % 8);
        put(&wrong);
        assert_eq!(home.live(None, 9..9), (9, 9), "with byte {place} changed");
        assert_eq!(ignored().len(), 1, "with byte {place} changed");
    }
    for cut in [0, 1, 27, 28, whole.len() / 2, whole.len() - 1] {
        put(&whole[..cut]);
        assert_eq!(home.live(None, 9..9), (9, 9), "cut at {cut}");
        assert_eq!(ignored(), ["the snapshot is damaged"], "cut at {cut}");
    }

    put(&whole);
    fs::set_permissions(home.snapshot(), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(home.live(None, 9..9), (9, 9));
    assert_eq!(ignored().len(), 1, "others could have read the secret");

    struct Refuses;
    impl Beside for Refuses {
        fn save(&self, _size: Seq) -> Option<Vec<u8>> {
            None
        }
        fn restore(&self, _saved: &[u8]) -> bool {
            false
        }
    }
    put(&whole);
    assert_eq!(home.live(Some(Box::new(Refuses)), 9..9).0, 9);
    assert_eq!(ignored(), ["the snapshot does not say what is kept beside the book"]);
    assert_eq!(fs::read(home.snapshot()).unwrap(), whole, "and nothing new is written");

    // A journal that went another way, or not as far.
    let other = Home::new("other");
    other.live(None, 0..3);
    fs::write(other.snapshot(), &whole).unwrap();
    assert_eq!(other.live(None, 3..3), (3, 3));
    assert_eq!(ignored(), ["the snapshot of `9` entries does not fit the journal"]);
    other.live(None, 3..9);
    fs::write(other.snapshot(), &whole).unwrap();
    assert_eq!(other.live(None, 9..9), (9, 9));
    assert_eq!(ignored(), ["the snapshot of `9` entries does not fit the journal"]);
}

#[test]
fn a_snapshot_that_is_damaged_foreign_or_within_a_frame_is_not_believed() {
    let disk = engine::journal::Disk::perfect();
    let journal = MemoryJournal::open(&disk, BOOK, 0).unwrap();
    let mut writer = Writer::recover(BOOK, journal, |_| ()).unwrap();
    let units: Vec<Vec<Command>> = (0..4).map(|number| vec![command(number)]).collect();
    let now = Clock::default().now();
    writer.run(now, &units[..2]).unwrap();
    let mut two = Vec::new();
    writer.save(BOOK, &mut two).unwrap();
    writer.run(now, &units[2..]).unwrap();
    let reader = writer.journal().reader();
    let resumed = engine::snapshot::resume(BOOK, reader.as_ref(), &mut two.as_slice()).unwrap();
    assert_eq!(resumed.head(), writer.book().head());
    for place in 0..two.len() {
        let mut wrong = two.clone();
        wrong[place] ^= 1 << (place % 8);
        let fault = engine::snapshot::resume(BOOK, reader.as_ref(), &mut wrong.as_slice()).unwrap_err();
        assert!(matches!(fault, RecoveryError::Snapshot(_)), "with byte {place} changed: {fault}");
        let fault = engine::snapshot::resume(BOOK, reader.as_ref(), &mut &two[..place]).unwrap_err();
        assert!(matches!(fault, RecoveryError::Snapshot(_)), "cut at {place}: {fault}");
    }

    let mut foreign = Vec::new();
    writer.save(BookId([8; 16]), &mut foreign).unwrap();
    let fault = engine::snapshot::resume(BOOK, reader.as_ref(), &mut foreign.as_slice()).unwrap_err();
    assert_eq!(fault.to_string(), "the snapshot is of another book");

    // The same entries, in one frame.
    let disk = engine::journal::Disk::perfect();
    let journal = MemoryJournal::open(&disk, BOOK, 0).unwrap();
    let mut writer = Writer::recover(BOOK, journal, |_| ()).unwrap();
    writer.run(now, &units).unwrap();
    let reader = writer.journal().reader();
    let fault = engine::snapshot::resume(BOOK, reader.as_ref(), &mut two.as_slice()).unwrap_err();
    assert_eq!(fault.to_string(), "the snapshot of `2` entries does not fit the journal");
}
