//! What a journal promises, on a disk that breaks at will: the end is found again, damage is told, faults stop.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use book::Seq;
use engine::journal::{
    Act, Appended, BookId, Disk, Fate, Frame, Journal, JournalFault, MemoryJournal, Purpose, Remains,
};
use engine::limits::{ENTRY_BYTES_MAX, FRAME_BYTES_MAX};
use proptest::prelude::*;

const BOOK: BookId = BookId(*b"a book of sixty!");
const OTHER: BookId = BookId(*b"some other book!");

/// A frame of `book` from `first` on, with a root that tells it from others.
fn frame(book: BookId, first: u64, entries: &[&[u8]]) -> Frame {
    let mut frame = Frame::after(book, Seq(first));
    for entry in entries {
        frame.push(entry);
    }
    frame.seal([u8::try_from(first % 251).expect("below 256"); 32]);
    frame
}

fn open(disk: &Disk) -> MemoryJournal {
    MemoryJournal::open(disk, BOOK, 0).expect("the journal opens")
}

fn durable(journal: &mut MemoryJournal, frame: &Frame) {
    let appended = journal.append(frame, Purpose::Ordinary);
    assert!(matches!(appended, Appended::Durable), "{appended:?}");
}

fn all(journal: &MemoryJournal) -> Vec<Frame> {
    let mut frames = Vec::new();
    let reader = journal.reader();
    loop {
        let from = frames.last().map_or(Seq(0), Frame::next);
        let more = reader.frames(from, 7).expect("frames can be read");
        if more.is_empty() {
            return frames;
        }
        frames.extend(more);
    }
}

/// Three frames: one entry, three, and two of which one is longer than a sector. Ends at entry 6.
fn three_frames() -> [Frame; 3] {
    [
        frame(BOOK, 0, &[b"open account"]),
        frame(BOOK, 1, &[b"pay", b"pay again", b"p"]),
        frame(BOOK, 4, &[&[7; 700], b"the last one"]),
    ]
}

fn disk_with(frames: &[Frame]) -> Disk {
    let disk = Disk::perfect();
    let mut journal = open(&disk);
    for frame in frames {
        durable(&mut journal, frame);
    }
    disk
}

/// Where each frame begins, and where the last one ends.
fn places(frames: &[Frame]) -> Vec<u64> {
    let mut at = 64;
    let mut places = vec![at];
    for frame in frames {
        at += frame.bytes().len() as u64;
        places.push(at);
    }
    places
}

#[test]
fn a_frame_has_these_bytes() {
    let mut frame = Frame::after(BookId([1; 16]), Seq(258));
    frame.push(b"ab");
    frame.push_with(|bytes| bytes.push(b'c'));
    frame.seal([9; 32]);
    let hex: String = frame.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let (header, entries) = hex.split_at(128);
    // The two checks were computed by Python's zlib.crc32.
    assert_eq!(&header[0..8], "54424652");
    assert_eq!(&header[24..64], "0b000000".to_owned() + "0201000000000000" + "02000000" + "00000000");
    assert_eq!(&header[64..128], "09".repeat(32));
    assert_eq!(entries, "02000000616201000000630000000000");
    assert_eq!((&header[8..16], &header[16..24]), (CHECKS.0, CHECKS.1));
    assert_eq!(
        frame.entries().collect::<Vec<_>>(),
        [(Seq(258), b"ab".as_slice()), (Seq(259), b"c".as_slice())]
    );
    assert_eq!((frame.next(), frame.root()), (Seq(260), [9; 32]));
}
const CHECKS: (&str, &str) = ("dc014412", "19c06781");

#[test]
fn a_frame_is_decoded_whole_or_not_at_all() {
    let whole = frame(BOOK, 3, &[b"one", b"two"]);
    assert_eq!(Frame::decode(BOOK, whole.bytes().to_vec()), Some(whole.clone()));
    assert_eq!(Frame::decode(OTHER, whole.bytes().to_vec()), None);
    for at in 0..whole.bytes().len() {
        let mut bytes = whole.bytes().to_vec();
        bytes[at] ^= 1;
        assert_eq!(Frame::decode(BOOK, bytes), None, "byte {at} flipped");
        assert_eq!(Frame::decode(BOOK, whole.bytes()[..at].to_vec()), None, "{at} bytes");
    }
    let longer = [whole.bytes(), &[0; 8]].concat();
    assert_eq!(Frame::decode(BOOK, longer), None);
}

#[test]
fn a_frame_has_room_until_it_might_grow_too_long() {
    let mut frame = Frame::after(BOOK, Seq(0));
    while frame.has_room() {
        frame.push(&[1; ENTRY_BYTES_MAX]);
    }
    frame.seal([0; 32]);
    assert!(frame.bytes().len() <= FRAME_BYTES_MAX);
    assert!(FRAME_BYTES_MAX < frame.bytes().len() + 2 * ENTRY_BYTES_MAX);
    assert_eq!(Frame::decode(BOOK, frame.bytes().to_vec()), Some(frame));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_was_appended_is_read_back_also_after_opening_again(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 1..9), 0..24),
        from in 0_u64..100,
        reopen_every in 1_usize..9,
    ) {
        let disk = Disk::perfect();
        let mut journal = open(&disk);
        let mut appended: Vec<Frame> = Vec::new();
        let mut reused = Frame::after(BOOK, Seq(0));
        for (count, batch) in batches.iter().enumerate() {
            reused.clear(appended.last().map_or(Seq(0), Frame::next));
            batch.iter().for_each(|entry| reused.push(entry));
            reused.seal([count as u8; 32]);
            durable(&mut journal, &reused);
            appended.push(reused.clone());
            if count % reopen_every == 0 {
                disk.power_cut(Remains::Nothing);
                journal = open(&disk);
            }
        }
        prop_assert_eq!(all(&journal), appended.clone());
        prop_assert_eq!(all(&open(&disk)), appended.clone());
        let holds_from = appended.iter().position(|frame| Seq(from) < frame.next());
        let rest = holds_from.map_or(&[][..], |at| &appended[at..]);
        let read = open(&disk).reader().frames(Seq(from), 3).expect("frames can be read");
        prop_assert_eq!(read, rest.iter().take(3).cloned().collect::<Vec<_>>());
    }

    /// Any fate of any sync, in any order: what was answered is there, what was not answered may be.
    #[test]
    fn answered_frames_survive_any_fault(
        fates in prop::collection::vec((0_u8..8, any::<u64>()), 1..80),
        cuts in prop::collection::vec((any::<bool>(), 0_u8..4, any::<u64>()), 1..12),
    ) {
        let disk = Disk::perfect();
        let counter = Arc::new(AtomicU64::new(0));
        let decide = move |_: Act| {
            let act = usize::try_from(counter.fetch_add(1, Ordering::Relaxed)).expect("few acts");
            match fates[act % fates.len()] {
                (0, detail) => Fate::Fails(remains((detail % 4) as u8, detail)),
                (1, detail) if detail % 4 == 0 => Fate::Full,
                _ => Fate::Works,
            }
        };
        disk.decide(decide);
        let mut answered: Vec<Frame> = Vec::new();
        for (power, kind, detail) in cuts {
            if power {
                disk.power_cut(remains(kind, detail));
            }
            let mut journal = match MemoryJournal::open(&disk, BOOK, answered.last().map_or(0, |last| last.next().0)) {
                Ok(journal) => journal,
                Err(JournalFault::Storage(_)) => continue,
                Err(fault) => return Err(TestCaseError::fail(fault.to_string())),
            };
            let found = all(&journal);
            prop_assert!(answered.len() <= found.len());
            prop_assert!(found.len() <= answered.len() + 1);
            prop_assert_eq!(&found[..answered.len()], &answered[..]);
            answered = found;
            for _ in 0..4 {
                let first = answered.last().map_or(0, |last| last.next().0);
                let next = frame(BOOK, first, &[&detail.to_le_bytes(), &[1; 600], b"x"]);
                match journal.append(&next, Purpose::Ordinary) {
                    Appended::Durable => answered.push(next),
                    Appended::Full => {}
                    Appended::Unknown(_) => break,
                    Appended::Fenced => return Err(TestCaseError::fail("nobody else leads")),
                }
            }
        }
    }
}

fn remains(kind: u8, detail: u64) -> Remains {
    match kind {
        0 => Remains::All,
        1 => Remains::Nothing,
        2 => Remains::First(detail % 1_000),
        _ => Remains::Sectors(detail),
    }
}

#[test]
fn a_frame_torn_anywhere_is_cut_and_its_place_is_used_again() {
    let frames = three_frames();
    for kept in 0..frames[2].bytes().len() as u64 {
        let disk = disk_with(&frames[..2]);
        let mut journal = open(&disk);
        disk.decide(move |act| match act {
            Act::Write { .. } => Fate::Works,
            Act::Sync { .. } => Fate::Fails(Remains::First(kept)),
        });
        assert!(matches!(journal.append(&frames[2], Purpose::Ordinary), Appended::Unknown(_)));
        disk.decide(|_| Fate::Works);
        disk.power_cut(Remains::Nothing);

        let mut journal = open(&disk);
        // The last bytes are padding, which was zero before: without them the frame is whole.
        let expected = if frames[2].bytes()[kept as usize..].iter().all(|byte| *byte == 0) { 3 } else { 2 };
        assert_eq!(all(&journal), frames[..expected], "{kept} bytes were left");
        if expected == 2 {
            let end = places(&frames)[2] as usize;
            assert!(disk.durable()[end..].iter().all(|byte| *byte == 0), "{kept} bytes were left");
            let shorter = frame(BOOK, 4, &[b"another"]);
            durable(&mut journal, &shorter);
            disk.power_cut(Remains::Nothing);
            assert_eq!(all(&open(&disk)), [frames[0].clone(), frames[1].clone(), shorter]);
        }
    }
}

#[test]
fn a_flipped_byte_in_the_midst_is_refused_and_named() {
    let frames = three_frames();
    let places = places(&frames);
    for (number, first) in [(0, 0), (1, 1)] {
        for at in places[number]..places[number + 1] {
            let disk = disk_with(&frames);
            disk.flip(at, 0x10);
            let before = disk.durable();
            match MemoryJournal::open(&disk, BOOK, 0) {
                Err(JournalFault::Damaged { at: damaged, expected, later }) => {
                    assert_eq!((damaged, expected, later), (places[number], Seq(first), places[number + 1]));
                }
                other => panic!("byte {at}: {other:?}"),
            }
            assert!(disk.durable() == before, "refusing changes nothing");
        }
    }
}

#[test]
fn a_lost_last_frame_is_refused_when_a_checkpoint_knows_of_it() {
    let frames = three_frames();
    let places = places(&frames);
    for at in places[2]..places[3] {
        let disk = disk_with(&frames);
        disk.flip(at, 0x80);
        let before = disk.durable();
        match MemoryJournal::open(&disk, BOOK, 6) {
            Err(JournalFault::BehindCheckpoint { entries: 4, checkpoint: 6 }) => {}
            other => panic!("byte {at}: {other:?}"),
        }
        assert!(disk.durable() == before, "refusing changes nothing");
        assert_eq!(all(&MemoryJournal::open(&disk, BOOK, 4).expect("4 entries are there")), frames[..2]);
    }
    let missing = MemoryJournal::open(&Disk::perfect(), BOOK, 1);
    assert!(matches!(missing, Err(JournalFault::BehindCheckpoint { entries: 0, checkpoint: 1 })));
}

#[test]
fn a_damaged_header_is_no_journal_and_another_book_is_not_ours() {
    let disk = disk_with(&three_frames());
    let other = MemoryJournal::open(&disk, OTHER, 0);
    assert!(matches!(other, Err(JournalFault::OtherBook)), "{other:?}");
    for at in 0..32 {
        disk.flip(at, 4);
        let opened = MemoryJournal::open(&disk, BOOK, 0);
        assert!(matches!(opened, Err(JournalFault::NotAJournal)), "byte {at}: {opened:?}");
        disk.flip(at, 4);
    }
    assert_eq!(all(&open(&disk)), three_frames());
}

/// An entry may hold any bytes, also those of a frame that would come later. Torn, it is still only an entry.
#[test]
fn an_entry_that_looks_like_a_frame_does_not_pass_for_a_later_one() {
    let rows: [(&str, BookId, u64, Remains); 3] = [
        ("end lost, our own bytes", BOOK, 8, Remains::First(400)),
        ("header lost, made by a stranger who does not know the id", OTHER, 8, Remains::Sectors(0b110)),
        ("header lost, an old one of ours", BOOK, 0, Remains::Nothing),
    ];
    for (story, book, first, remains) in rows {
        let inner = frame(book, first, &[b"forged"]);
        // 4 bytes of length, then 4 more put the inner frame where frames may begin.
        let entry = [b"pad.", inner.bytes(), &[1; 900]].concat();
        let disk = disk_with(&three_frames()[..1]);
        let mut journal = open(&disk);
        disk.decide(move |act| match act {
            Act::Write { .. } => Fate::Works,
            Act::Sync { .. } => Fate::Fails(remains),
        });
        let outer = frame(BOOK, 1, &[&entry]);
        assert!(matches!(journal.append(&outer, Purpose::Ordinary), Appended::Unknown(_)));
        disk.decide(|_| Fate::Works);
        disk.power_cut(Remains::Nothing);
        let opened = MemoryJournal::open(&disk, BOOK, 1);
        assert!(opened.is_ok(), "{story}: {opened:?}");
    }
}

/// The system keeps a page whose sync failed and calls it clean: seen after a restart, gone after a power cut.
#[test]
fn a_frame_seen_after_a_failed_sync_is_made_durable_before_anybody_relies_on_it() {
    let frames = three_frames();
    let disk = disk_with(&frames[..2]);
    let mut journal = open(&disk);
    disk.decide(|act| match act {
        Act::Write { .. } => Fate::Works,
        Act::Sync { .. } => Fate::Fails(Remains::Nothing),
    });
    assert!(matches!(journal.append(&frames[2], Purpose::Ordinary), Appended::Unknown(_)));
    disk.decide(|_| Fate::Works);

    let mut journal = open(&disk);
    assert_eq!(all(&journal), frames);
    let fourth = frame(BOOK, 6, &[b"built on the third"]);
    durable(&mut journal, &fourth);
    disk.power_cut(Remains::Nothing);
    assert_eq!(all(&open(&disk)), [&frames[..], &[fourth]].concat());
}

#[test]
fn after_a_failure_nothing_is_tried_again() {
    for failing in ["write", "sync"] {
        let frames = three_frames();
        let disk = disk_with(&frames[..1]);
        let mut journal = open(&disk);
        let acts = Arc::new(AtomicU64::new(0));
        let seen = acts.clone();
        disk.decide(move |act| {
            seen.fetch_add(1, Ordering::Relaxed);
            match (act, failing) {
                (Act::Write { .. }, "write") | (Act::Sync { .. }, "sync") => Fate::Fails(Remains::All),
                _ => Fate::Works,
            }
        });
        let first = journal.append(&frames[1], Purpose::Ordinary);
        assert!(matches!(first, Appended::Unknown(JournalFault::Storage(_))), "{first:?}");
        assert_eq!(all(&journal), frames[..1], "readers see only what is durable");
        let before = acts.load(Ordering::Relaxed);
        disk.decide(|_| Fate::Works);
        let again = journal.append(&frames[1], Purpose::Closing);
        assert!(matches!(again, Appended::Unknown(JournalFault::Stopped)), "{again:?}");
        assert_eq!(before, acts.load(Ordering::Relaxed));
    }
}

#[test]
fn a_full_disk_refuses_new_business_closes_holds_and_goes_on_when_there_is_space() {
    let disk = Disk::perfect();
    let mut journal = open(&disk);
    disk.set_capacity(disk.durable().len() as u64);
    let mut appended: Vec<Frame> = Vec::new();
    let mut append = |journal: &mut MemoryJournal, purpose| {
        let next = frame(BOOK, appended.len() as u64, &[&[3; 400]]);
        let answer = journal.append(&next, purpose);
        if matches!(answer, Appended::Durable) {
            appended.push(next);
        }
        assert_eq!(all(journal), appended, "reads go on");
        answer
    };
    let mut ordinary = 0;
    while matches!(append(&mut journal, Purpose::Ordinary), Appended::Durable) {
        ordinary += 1;
    }
    assert!(matches!(append(&mut journal, Purpose::Ordinary), Appended::Full));
    let mut closed = 0;
    while matches!(append(&mut journal, Purpose::Closing), Appended::Durable) {
        closed += 1;
    }
    // 16 KiB and a reserve of 4 KiB, in frames of 64 + 4 + 400 + 4 bytes.
    assert_eq!((ordinary, closed), (34, 9));
    assert!(matches!(append(&mut journal, Purpose::Closing), Appended::Full));

    // Full is no failure: a restart finds everything and is still full, and space ends it.
    disk.power_cut(Remains::Nothing);
    let mut journal = open(&disk);
    assert!(matches!(append(&mut journal, Purpose::Closing), Appended::Full));
    disk.set_capacity(u64::MAX);
    assert!(matches!(append(&mut journal, Purpose::Ordinary), Appended::Durable));
}

#[test]
fn who_opened_last_leads() {
    let disk = Disk::perfect();
    let frames = three_frames();
    let mut old = open(&disk);
    durable(&mut old, &frames[0]);
    let mut new = open(&disk);
    assert!(matches!(old.append(&frames[1], Purpose::Ordinary), Appended::Fenced));
    durable(&mut new, &frames[1]);
    assert_eq!(all(&new), frames[..2]);
}
