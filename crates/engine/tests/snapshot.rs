//! An engine that is stopped in good order begins with its snapshot, and with the whole journal where there is anything
//! wrong with it.

#![allow(clippy::unwrap_used)]

use book::{
    Action, Actor, Code, Command, Entry, Id, KeyId, OpenBook, PublicKeyBytes, RegisterAsset, Seq, Verdict,
};
use engine::{
    Beside, BookId, Clock, Engine, FileJournal, Journal, MemoryJournal, Options, Recovered, RecoveryError,
    SnapshotNews, Snapshots, Writer,
};
use std::fs::{self, Permissions};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

const BOOK: BookId = BookId([9; 16]);
const BY: Actor = Actor::Operator { key: KeyId(Id([1; 16])) };

/// What became of snapshots; each test has its own.
struct News(Mutex<Vec<String>>, Condvar);

impl News {
    const fn new() -> News {
        News(Mutex::new(Vec::new()), Condvar::new())
    }

    fn hear(&self, news: &SnapshotNews<'_>) {
        let said = match news {
            SnapshotNews::PassedOver(fault) => format!("passed over: {fault}"),
            SnapshotNews::Written { size, .. } => format!("written at {}", size.0),
            SnapshotNews::NotWritten(fault) => format!("not written: {fault}"),
        };
        self.0.lock().unwrap().push(said);
        self.1.notify_all();
    }

    /// All that was said since somebody asked last.
    fn all(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The next thing that is said.
    fn next(&self) -> String {
        let said = self.1.wait_while(self.0.lock().unwrap(), |said| said.is_empty());
        said.unwrap().remove(0)
    }
}

/// Remembers how many entries there were, and how many of them it was told.
#[derive(Clone, Default)]
struct Count {
    known: Arc<AtomicU64>,
    told: Arc<AtomicU64>,
    /// Learns from every entry, not only from those of the start.
    is_apart: bool,
}

impl Beside for Count {
    fn apart(&self) -> Box<dyn Beside> {
        Box::new(Count { is_apart: true, ..Count::default() })
    }

    fn learn(&self, entry: &Entry) {
        assert_eq!(self.known.fetch_add(1, Ordering::SeqCst), entry.seq.0);
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    fn save(&self, size: Seq) -> Option<Vec<u8>> {
        let knows = !self.is_apart || self.known.load(Ordering::SeqCst) == size.0;
        knows.then(|| size.0.to_le_bytes().to_vec())
    }

    fn restore(&self, saved: &[u8], size: Seq) -> bool {
        self.known.store(size.0, Ordering::SeqCst);
        saved == size.0.to_le_bytes()
    }
}

/// Never in a snapshot.
struct Refuses;

impl Beside for Refuses {
    fn apart(&self) -> Box<dyn Beside> {
        Box::new(Refuses)
    }

    fn learn(&self, _entry: &Entry) {}

    fn save(&self, _size: Seq) -> Option<Vec<u8>> {
        None
    }

    fn restore(&self, _saved: &[u8], _size: Seq) -> bool {
        false
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

    fn start(&self, beside: Arc<dyn Beside>, every_entries: u64, told: fn(&SnapshotNews<'_>)) -> Engine {
        let options = Options {
            clock: Arc::new(Clock::default()),
            followers: Vec::new(),
            stopped: Box::new(|stepdown| panic!("{stepdown}")),
            faulted: |name, fault| panic!("{name}: {fault}"),
            recovering: Box::new(|_| {}),
            beside,
            snapshots: Some(Snapshots { path: self.snapshot(), every_entries, told }),
            queue_units_max: 64,
        };
        Engine::start(BOOK, FileJournal::open(&self.0, BOOK, 0).unwrap(), options).unwrap()
    }

    /// Starts an engine, registers assets, and stops it. Answers how many entries were told, and how many are known.
    fn live(&self, assets: Range<u8>) -> (u64, u64) {
        let count = Count::default();
        let engine = self.start(Arc::new(count.clone()), u64::MAX, |news| NEWS.hear(news));
        assert_eq!(engine.recovered().replayed, count.told.load(Ordering::SeqCst));
        assert_eq!(engine.recovered().from_snapshot + engine.recovered().replayed, engine.size());
        assets.for_each(|number| record(&engine, number));
        repeat(&engine);
        (count.told.load(Ordering::SeqCst), count.known.load(Ordering::SeqCst))
    }

    /// What a kill at this moment would leave.
    fn copy(&self, name: &str) -> Home {
        let copy = Home::new(name);
        for file in ["journal", "snapshot"] {
            fs::copy(self.0.join(file), copy.0.join(file)).unwrap();
        }
        copy
    }
}

fn record(engine: &Engine, number: u8) {
    let answer = engine.submit(vec![command(number)]).unwrap().blocking_recv().unwrap();
    assert!(matches!(answer[0], Ok(Verdict::Record(..))), "{answer:?}");
}

/// Asks everything again, whichever of its lives it was asked in.
fn repeat(engine: &Engine) {
    for number in 0..u8::try_from(engine.size()).unwrap() {
        let answer = engine.submit(vec![command(number)]).unwrap().blocking_recv().unwrap();
        assert_eq!(answer[0], Ok(Verdict::Repeat(Seq(u64::from(number)))));
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

static NEWS: News = News::new();

#[test]
fn a_start_reads_what_is_behind_its_snapshot_and_everything_where_that_is_wrong() {
    let home = Home::new("main");
    assert_eq!(home.live(0..5), (0, 0));
    assert_eq!(fs::metadata(home.snapshot()).unwrap().permissions().mode() & 0o777, 0o600);
    let old = fs::read(home.snapshot()).unwrap();
    assert_eq!(home.live(5..9), (0, 5), "nothing is read that the snapshot stands for");
    let whole = fs::read(home.snapshot()).unwrap();
    assert_eq!(NEWS.all(), ["written at 5", "written at 9"]);

    let put = |bytes: &[u8]| fs::write(home.snapshot(), bytes).unwrap();
    put(&old);
    fs::write(home.0.join("snapshot.new"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(home.live(9..9), (4, 9), "an older one, what came behind it, and half a newer one");
    assert_eq!(NEWS.all(), ["written at 9"]);

    fs::remove_file(home.snapshot()).unwrap();
    assert_eq!(home.live(9..9), (9, 9), "without one, everything");
    assert_eq!(NEWS.all(), ["written at 9"]);
    // The secret that keys the digests is another now, and nobody can tell.
    assert_ne!(fs::read(home.snapshot()).unwrap(), whole);

    for place in [0, 9, 20, 30, whole.len() / 2, whole.len() - 1] {
        let mut wrong = whole.clone();
        wrong[place] ^= 1 << (place % 8);
        put(&wrong);
        assert_eq!(home.live(9..9), (9, 9), "with byte {place} changed");
        assert!(NEWS.all()[0].starts_with("passed over: "), "with byte {place} changed");
    }
    for cut in [0, 1, 27, 28, whole.len() / 2, whole.len() - 1] {
        put(&whole[..cut]);
        assert_eq!(home.live(9..9), (9, 9), "cut at {cut}");
        assert_eq!(NEWS.all()[0], "passed over: the snapshot is damaged", "cut at {cut}");
    }

    put(&whole);
    fs::set_permissions(home.snapshot(), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(home.live(9..9), (9, 9));
    let others = "the snapshot may be read or changed by others: its mode is `644`, and has to be `600`";
    assert_eq!(NEWS.all(), [format!("passed over: {others}"), "written at 9".to_owned()]);

    put(&whole);
    let engine = home.start(Arc::new(Refuses), u64::MAX, |news| NEWS.hear(news));
    assert_eq!(engine.recovered(), Recovered { from_snapshot: 0, replayed: 9 });
    drop(engine);
    assert_eq!(NEWS.all(), ["passed over: the snapshot does not say what is kept beside the book"]);
    assert_eq!(fs::read(home.snapshot()).unwrap(), whole, "and nothing new is written");

    // A journal that went another way, or not as far.
    let other = Home::new("other");
    other.live(0..3);
    fs::write(other.snapshot(), &whole).unwrap();
    assert_eq!(other.live(3..3), (3, 3));
    other.live(3..9);
    fs::write(other.snapshot(), &whole).unwrap();
    assert_eq!(other.live(9..9), (9, 9));
    let foreign = "passed over: the snapshot of `9` entries does not fit the journal";
    assert_eq!(
        NEWS.all(),
        ["written at 3", foreign, "written at 3", "written at 9", foreign, "written at 9"]
    );
}

#[test]
fn a_snapshot_is_renewed_behind_the_writer_and_a_kill_finds_it_whole() {
    static NEWS: News = News::new();
    let home = Home::new("renewed");
    let engine = home.start(Arc::new(Count::default()), 4, |news| NEWS.hear(news));
    (0..3).for_each(|number| record(&engine, number));
    assert_eq!(NEWS.all(), [""; 0], "there are three");
    record(&engine, 3);
    assert_eq!(NEWS.next(), "written at 4", "from the journal alone");
    (4..7).for_each(|number| record(&engine, number));
    let killed = home.copy("killed");
    record(&engine, 7);
    assert_eq!(NEWS.next(), "written at 8", "from the one before and what came behind it");
    drop(engine);
    assert_eq!(NEWS.all(), ["written at 8"], "and from the book, at its end");

    let count = Count::default();
    let engine = killed.start(Arc::new(count.clone()), 4, |news| NEWS.hear(news));
    assert_eq!(engine.recovered(), Recovered { from_snapshot: 4, replayed: 3 });
    assert_eq!(count.known.load(Ordering::SeqCst), 7);
    repeat(&engine);
    assert_eq!(NEWS.all(), [""; 0], "three entries are too few for a new one");
    record(&engine, 7);
    assert_eq!(NEWS.next(), "written at 8");
    drop(engine);
    NEWS.all();

    fs::write(killed.snapshot(), b"TOLLSNAP").unwrap();
    let engine = killed.start(Arc::new(Count::default()), 4, |news| NEWS.hear(news));
    assert_eq!(engine.recovered(), Recovered { from_snapshot: 0, replayed: 8 });
    assert_eq!(
        NEWS.all(),
        ["passed over: the snapshot is damaged", "written at 8"],
        "before the first request"
    );
    fs::write(killed.snapshot(), b"TOLLSNAP").unwrap();
    (8..12).for_each(|number| record(&engine, number));
    assert_eq!(NEWS.next(), "passed over: the snapshot is damaged");
    assert_eq!(NEWS.next(), "written at 12", "and what was damaged meanwhile is made anew");
    repeat(&engine);
}

#[test]
fn a_book_from_a_snapshot_writes_the_journal_that_a_replayed_one_writes() {
    let homes = [Home::new("replayed"), Home::new("restored")];
    let now = Clock::default().now();
    let units: Vec<Vec<Command>> = (0..12).map(|number| vec![command(number)]).collect();
    let open = |home: &Home| FileJournal::open(&home.0, BOOK, 0).unwrap();
    let mut snapshot = Vec::new();
    for home in &homes {
        let mut writer = Writer::recover(BOOK, open(home), |_| ()).unwrap();
        writer.run(now, &units[..3]).unwrap();
        snapshot.clear();
        writer.save(BOOK, &mut snapshot).unwrap();
        writer.run(now, &units[3..5]).unwrap();
    }
    let mut replayed = Writer::recover(BOOK, open(&homes[0]), |_| ()).unwrap();
    let journal = open(&homes[1]);
    let restored = engine::snapshot::read(BOOK, journal.reader().as_ref(), &mut snapshot.as_slice()).unwrap();
    let mut told = 0;
    let mut restored = Writer::recover_restored(restored, BOOK, journal, |_| (), |_| told += 1).unwrap();
    assert_eq!(told, 2, "of five entries");
    let mut reused = command(6);
    reused.id = command(1).id;
    for units in [&units[..], &units[4..9], &[vec![reused]]] {
        let (one, other) = (replayed.run(now, units).unwrap(), restored.run(now, units).unwrap());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
    assert_eq!(replayed.root(), restored.root());
    let bytes = |writer: &Writer<FileJournal>| -> Vec<Vec<u8>> {
        let frames = writer.journal().reader().frames(Seq(0), u32::MAX).unwrap();
        frames.iter().map(|frame| frame.bytes().to_vec()).collect()
    };
    assert_eq!(bytes(&replayed), bytes(&restored));
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
    assert_eq!(resumed.book().head(), writer.book().head());
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
