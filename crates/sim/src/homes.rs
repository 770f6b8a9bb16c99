//! Homes: every journal a book can be kept in, given the same entries, must hold the same bytes and give them back.

use book::{Book, Command, Seq, Time};
use engine::Writer;
use engine::journal::{Appended, BookId, Disk, FileJournal, Frame, Journal, MemoryJournal, Purpose};
use evidence::{Frontier, Hash, leaf_hash};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const BOOK: BookId = BookId(*b"a book of tables");

/// Writes `entries` into every journal, opens each again, and compares all of them byte for byte.
///
/// `roots` are the Merkle roots behind each entry.
///
/// # Errors
/// What differs, and where.
pub fn same_everywhere(entries: &[Vec<u8>], roots: &[Hash]) -> Result<(), String> {
    let frames = frames(entries, roots);

    let disk = Disk::perfect();
    let memory = || MemoryJournal::open(&disk, BOOK, 0).map_err(|fault| fault.to_string());
    append(&mut memory()?, &frames)?;
    let in_memory = read(&memory()?)?;
    recover(&in_memory, entries, roots).map_err(|wrong| format!("journal in memory: {wrong}"))?;

    let directory = Directory::new()?;
    let file = || FileJournal::open(&directory.0, BOOK, 0).map_err(|fault| fault.to_string());
    append(&mut file()?, &frames)?;
    let in_file = read(&file()?)?;
    recover(&in_file, entries, roots).map_err(|wrong| format!("journal in a file: {wrong}"))?;

    if bytes(&in_memory) == bytes(&in_file) {
        Ok(())
    } else {
        Err("the journals hold other bytes".to_owned())
    }
}

/// What a writer is given.
#[derive(Clone, Debug)]
pub enum Step {
    /// The time, for what is due by then.
    Wake(Time),
    /// A command, and when it came.
    Ask(Time, Box<Command>),
}

/// Lets a writer over each journal take `steps`, in batches, and come to `entries`; recovers each, and compares.
///
/// # Errors
/// What differs, and where.
pub fn same_by_writer(steps: &[Step], entries: &[Vec<u8>]) -> Result<(), String> {
    let disk = Disk::perfect();
    let memory = || MemoryJournal::open(&disk, BOOK, 0).map_err(|fault| fault.to_string());
    let in_memory = write(steps, entries, memory).map_err(|wrong| format!("writer in memory: {wrong}"))?;
    let directory = Directory::new()?;
    let file = || FileJournal::open(&directory.0, BOOK, 0).map_err(|fault| fault.to_string());
    let in_file = write(steps, entries, file).map_err(|wrong| format!("writer in a file: {wrong}"))?;
    if in_memory == in_file { Ok(()) } else { Err("the journals hold other bytes".to_owned()) }
}

/// The bytes of the journal that a writer leaves, once another has recovered from it.
fn write<J: Journal>(
    steps: &[Step],
    entries: &[Vec<u8>],
    open: impl Fn() -> Result<J, String>,
) -> Result<Vec<u8>, String> {
    let root = {
        let mut writer = Writer::recover(BOOK, open()?, |_| ()).map_err(|wrong| wrong.to_string())?;
        for (now, units) in batches(steps) {
            let answers = writer.run(now, &units).map_err(|wrong| wrong.to_string())?;
            if let Some(fault) = answers.iter().flatten().find_map(|answer| answer.as_ref().err()) {
                return Err(fault.to_string());
            }
        }
        writer.root()
    };
    let writer = Writer::recover(BOOK, open()?, |_| ()).map_err(|wrong| wrong.to_string())?;
    if writer.root() != root {
        return Err("what was recovered has another root".to_owned());
    }
    let frames = read(writer.journal())?;
    let found = frames.iter().flat_map(|frame| frame.entries().map(|(_, bytes)| bytes));
    if !found.eq(entries.iter().map(Vec::as_slice)) {
        return Err("it wrote other entries".to_owned());
    }
    Ok(bytes(&frames))
}

/// The steps in batches of one, two and three, each at one time.
fn batches(steps: &[Step]) -> Vec<(Time, Vec<Vec<Command>>)> {
    let mut batches: Vec<(Time, Vec<Vec<Command>>)> = Vec::new();
    let mut room = 0;
    for step in steps {
        match step {
            Step::Wake(now) => {
                batches.push((*now, Vec::new()));
                room = 0;
            }
            Step::Ask(now, command) => {
                let last = batches.last_mut().filter(|last| 0 < room && last.0 == *now);
                match last {
                    Some(last) => {
                        last.1.push(vec![Command::clone(command)]);
                        room -= 1;
                    }
                    None => {
                        batches.push((*now, vec![vec![Command::clone(command)]]));
                        room = batches.len() % 3;
                    }
                }
            }
        }
    }
    batches
}

fn bytes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect()
}

/// The entries in frames of one, two, three and again one entry: as a busy writer would, but always the same.
fn frames(entries: &[Vec<u8>], roots: &[Hash]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut first = 0;
    let mut sizes = [1, 2, 3].iter().cycle();
    while first < entries.len() {
        let size = *sizes.next().expect("a cycle has no end");
        let next = entries.len().min(first + size);
        let mut frame = Frame::after(BOOK, Seq(first as u64));
        for entry in &entries[first..next] {
            frame.push(entry);
        }
        frame.seal(roots[next - 1].0);
        frames.push(frame);
        first = next;
    }
    frames
}

fn append(journal: &mut impl Journal, frames: &[Frame]) -> Result<(), String> {
    for frame in frames {
        match journal.append(frame, Purpose::Ordinary) {
            Appended::Durable => {}
            other @ (Appended::Fenced | Appended::Unknown(_) | Appended::Full) => {
                return Err(format!("the journal did not take a frame: {other:?}"));
            }
        }
    }
    Ok(())
}

fn read(journal: &impl Journal) -> Result<Vec<Frame>, String> {
    let reader = journal.reader();
    let mut frames: Vec<Frame> = Vec::new();
    loop {
        let from = frames.last().map_or(Seq(0), Frame::next);
        let more = reader.frames(from, 100).map_err(|fault| fault.to_string())?;
        if more.is_empty() {
            return Ok(frames);
        }
        frames.extend(more);
    }
}

fn recover(frames: &[Frame], entries: &[Vec<u8>], roots: &[Hash]) -> Result<(), String> {
    let mut book = Book::default();
    let mut frontier = Frontier::default();
    let mut found = entries.iter();
    for frame in frames {
        for (seq, bytes) in frame.entries() {
            if found.next().map(Vec::as_slice) != Some(bytes) {
                return Err(format!("entry {} has other bytes", seq.0));
            }
            book.replay(bytes).map_err(|wrong| format!("entry {}: {wrong}", seq.0))?;
            frontier.push(leaf_hash(bytes));
        }
        if frontier.root().0 != frame.root() {
            return Err(format!("the book has another root before entry {}", frame.next().0));
        }
    }
    if found.next().is_some() || roots.last().is_some_and(|root| *root != frontier.root()) {
        return Err("entries are missing".to_owned());
    }
    Ok(())
}

/// A directory that is gone when nobody needs it any more.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Directory, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // Journals of tables need no disk: nobody will cut their power.
        let parent = ["/dev/shm", "/tmp"].map(Path::new).into_iter().find(|path| path.is_dir());
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("tollbridge-table-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|fault| fault.to_string())?;
        Ok(Directory(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed now is removed with the machine's temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
