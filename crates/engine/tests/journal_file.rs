//! What only a real file can show: the directory's lock, other threads, damage on disk, a directory made and left.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use book::Seq;
use engine::journal::{Appended, BookId, FileJournal, Frame, Journal, JournalFault, Purpose};
use engine::limits::{CHUNK_BYTES, ENTRY_BYTES_MAX, RESERVE_BYTES};

const BOOK: BookId = BookId(*b"a book on a disk");

/// A directory that ends with its test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tollbridge-journal-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("the directory is new");
        Directory(path)
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the directory is ours");
    }
}

fn frame(first: u64, entries: &[&[u8]]) -> Frame {
    let mut frame = Frame::after(BOOK, Seq(first));
    for entry in entries {
        frame.push(entry);
    }
    frame.seal([5; 32]);
    frame
}

fn open(directory: &Path) -> FileJournal {
    FileJournal::open(directory, BOOK, 0).expect("the journal opens")
}

fn durable(journal: &mut FileJournal, frame: &Frame) {
    let appended = journal.append(frame, Purpose::Ordinary);
    assert!(matches!(appended, Appended::Durable), "{appended:?}");
}

fn all(journal: &FileJournal) -> Vec<Frame> {
    journal.reader().frames(Seq(0), 100).expect("frames can be read")
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(path).expect("the journal is there");
    file.write_all_at(bytes, at).expect("the journal can be written");
}

#[test]
fn a_journal_is_made_closed_and_opened_again() {
    let directory = Directory::new();
    let frames = [frame(0, &[b"one", b"two"]), frame(2, &[b"three"])];
    let mut journal = open(&directory.0);
    durable(&mut journal, &frames[0]);
    drop(journal);
    let mut journal = FileJournal::open(&directory.0, BOOK, 2).expect("2 entries are there");
    durable(&mut journal, &frames[1]);
    drop(journal);
    assert_eq!(all(&open(&directory.0)), frames);

    let behind = FileJournal::open(&directory.0, BOOK, 4);
    assert!(
        matches!(behind, Err(JournalFault::BehindCheckpoint { entries: 3, checkpoint: 4 })),
        "{behind:?}"
    );
}

#[test]
fn a_missing_journal_is_made_only_if_no_checkpoint_knows_of_one() {
    let directory = Directory::new();
    let missing = FileJournal::open(&directory.0, BOOK, 1);
    assert!(matches!(missing, Err(JournalFault::BehindCheckpoint { entries: 0, checkpoint: 1 })));
    assert!(!directory.journal().exists());
    // What a crash left of making one is no journal, and no obstacle.
    fs::write(directory.0.join("journal.new"), b"half").expect("the directory is ours");
    assert_eq!(all(&open(&directory.0)), []);
    assert!(!directory.0.join("journal.new").exists());
}

#[test]
fn one_leads_at_a_time() {
    let directory = Directory::new();
    let first = open(&directory.0);
    let second = FileJournal::open(&directory.0, BOOK, 0);
    assert!(matches!(&second, Err(JournalFault::Locked(path)) if *path == directory.0), "{second:?}");
    drop(first);
    open(&directory.0);
}

#[test]
fn a_reader_in_another_thread_sees_every_durable_frame_and_no_other() {
    const FRAMES: u64 = 300;
    let directory = Directory::new();
    let mut journal = open(&directory.0);
    let reader = journal.reader();
    let answered = AtomicU64::new(0);
    thread::scope(|scope| {
        let followers: Vec<_> = (0..2)
            .map(|_| {
                let (reader, answered) = (reader.clone(), &answered);
                scope.spawn(move || {
                    let mut next = 0;
                    while next < FRAMES {
                        let known = answered.load(Ordering::Acquire);
                        assert!(known <= reader.next().0, "what was answered can be read");
                        for frame in reader.frames(Seq(next), 16).expect("frames can be read") {
                            assert_eq!(frame.first(), Seq(next));
                            let (seq, entry) = frame.entries().next().expect("one entry");
                            assert_eq!(entry, next.to_le_bytes(), "entry {}", seq.0);
                            next += 1;
                        }
                        thread::yield_now();
                    }
                })
            })
            .collect();
        for seq in 0..FRAMES {
            durable(&mut journal, &frame(seq, &[&seq.to_le_bytes()]));
            answered.store(seq + 1, Ordering::Release);
        }
        for follower in followers {
            follower.join().expect("the follower read what was written");
        }
    });
    assert_eq!(reader.next(), Seq(FRAMES));
    drop(journal);
    assert_eq!(reader.frames(Seq(FRAMES - 1), 1).expect("a reader outlives the writer").len(), 1);
}

#[test]
fn appending_goes_on_past_the_first_chunk_and_the_file_stays_ahead() {
    let directory = Directory::new();
    let mut journal = open(&directory.0);
    let entry = vec![6; ENTRY_BYTES_MAX];
    let entries = [entry.as_slice(); 24];
    let mut end = 64;
    let mut seq = 0;
    while end < CHUNK_BYTES + 2 * RESERVE_BYTES {
        let next = frame(seq, &entries);
        durable(&mut journal, &next);
        end += next.bytes().len() as u64;
        seq += 24;
        let length = fs::metadata(directory.journal()).expect("the journal is there").len();
        assert!(end + RESERVE_BYTES <= length, "{length} bytes keep the reserve behind {end}");
    }
    drop(journal);
    let journal = open(&directory.0);
    assert_eq!(journal.reader().next(), Seq(seq));
    let found = journal.reader().frames(Seq(seq - 1), 9).expect("frames can be read");
    assert_eq!(found, [frame(seq - 24, &entries)]);
}

#[test]
fn damage_on_disk_is_told_from_a_torn_end() {
    let directory = Directory::new();
    let frames = [frame(0, &[b"one"]), frame(1, &[b"two"]), frame(2, &[b"three"])];
    let mut journal = open(&directory.0);
    for frame in &frames {
        durable(&mut journal, frame);
    }
    drop(journal);
    let second = 64 + frames[0].bytes().len() as u64;
    let third = second + frames[1].bytes().len() as u64;
    let text = frames[1].bytes()[68..71].to_vec();
    assert_eq!(text, b"two");

    overwrite(&directory.journal(), second + 68, b"too");
    match FileJournal::open(&directory.0, BOOK, 0) {
        Err(JournalFault::Damaged { at, expected: Seq(1), later }) => {
            assert_eq!((at, later), (second, third))
        }
        other => panic!("{other:?}"),
    }
    overwrite(&directory.journal(), second + 68, b"two");
    overwrite(&directory.journal(), third + 68, b"throe");
    let mut journal = open(&directory.0);
    assert_eq!(all(&journal), frames[..2]);
    durable(&mut journal, &frame(2, &[b"3"]));

    // A reader looks again, for a disk may decay while it is in use.
    overwrite(&directory.journal(), second + 68, b"too");
    match journal.reader().frames(Seq(1), 1) {
        Err(JournalFault::Spoiled { at }) => assert_eq!(at, second),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_directory_that_is_not_there_is_a_fault() {
    let nowhere = std::env::temp_dir().join("tollbridge-journal-nowhere");
    match FileJournal::open(&nowhere, BOOK, 0) {
        Err(JournalFault::Storage(fault)) => assert_eq!(fault.kind(), io::ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
}
