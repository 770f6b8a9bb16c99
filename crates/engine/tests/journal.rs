//! What a journal promises, on a disk that breaks at will: the end is found again, damage is told, faults stop.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use book::Seq;
use engine::journal::{
    Act, Appended, BookId, Disk, Fate, Frame, Journal, JournalFault, MemoryJournal, Purpose, Remains,
};
use engine::limits::ENTRY_BYTES_MAX;
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
fn a_read_ends_when_it_is_long_enough() {
    let entry = [8; ENTRY_BYTES_MAX];
    let frames: Vec<Frame> = (0..4).map(|number| frame(BOOK, number * 24, &[&entry[..]; 24])).collect();
    let disk = disk_with(&frames);
    let read = open(&disk).reader().frames(Seq(0), 100).expect("frames can be read");
    // 1.5 MiB each: the third reaches 4 MiB.
    assert_eq!(read, frames[..3]);
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
        let frame_bytes = frames[2].bytes().len() as u64;
        disk.decide(move |act| match act {
            Act::Write { .. } => Fate::Works,
            Act::Sync { unsynced } if unsynced == frame_bytes => Fate::Fails(Remains::First(kept)),
            Act::Sync { unsynced } => panic!("{unsynced} bytes are unsynced, not only the frame"),
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
fn a_torn_frame_that_cannot_be_cut_is_not_built_upon() {
    let frames = three_frames();
    let disk = disk_with(&frames);
    disk.flip(places(&frames)[2], 1);
    for fate in [Fate::Full, Fate::Fails(Remains::Nothing), Fate::Fails(Remains::First(9))] {
        let end = places(&frames)[2];
        disk.decide(move |act| match act {
            Act::Write { at, .. } if end <= at => fate,
            Act::Write { .. } | Act::Sync { .. } => Fate::Works,
        });
        let opened = MemoryJournal::open(&disk, BOOK, 0);
        assert!(matches!(opened, Err(JournalFault::Storage(_))), "{fate:?}: {opened:?}");
    }
    disk.decide(|_| Fate::Works);
    assert_eq!(all(&open(&disk)), frames[..2]);
}

#[test]
fn a_fault_while_filling_ahead_stops_the_journal_and_is_not_mistaken_for_a_full_disk() {
    let disk = Disk::perfect();
    let mut journal = open(&disk);
    let length = disk.durable().len() as u64;
    disk.decide(move |act| match act {
        Act::Write { at, bytes } if length < at + bytes => Fate::Fails(Remains::Nothing),
        Act::Write { .. } | Act::Sync { .. } => Fate::Works,
    });
    let answers: Vec<Appended> = (0..30)
        .map(|seq| {
            journal.append(&frame(BOOK, seq.min(journal.reader().next().0), &[&[2; 1000]]), Purpose::Ordinary)
        })
        .collect();
    let durable = answers.iter().take_while(|answer| matches!(answer, Appended::Durable)).count();
    // Filling begins when less than 8 of 16 KiB are left, and its failure is told with the next frame.
    assert_eq!(durable, 8);
    assert!(answers[durable..].iter().all(|answer| matches!(answer, Appended::Unknown(_))));
}

#[test]
fn a_fault_while_filling_ahead_is_not_tried_again() {
    let disk = Disk::perfect();
    let mut journal = open(&disk);
    durable(&mut journal, &frame(BOOK, 0, &[&[2; 8000]]));
    let mut failed = false;
    disk.decide(move |act| match act {
        // The first write goes into zeros, the second grows the disk.
        Act::Write { at, .. } if !failed && 20_000 < at => {
            failed = true;
            Fate::Fails(Remains::Nothing)
        }
        Act::Write { .. } | Act::Sync { .. } => Fate::Works,
    });
    durable(&mut journal, &frame(BOOK, 1, &[&[2; 1000]]));
    let long = journal.append(&frame(BOOK, 2, &[&[2; 12_000]]), Purpose::Ordinary);
    assert!(matches!(long, Appended::Unknown(JournalFault::Storage(_))), "{long:?}");
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

#[test]
fn a_whole_frame_in_the_wrong_place_is_damage() {
    let frames = three_frames();
    let places = places(&frames);
    let strayed = frame(BOOK, 9, &[b"pay", b"pay again", b"p"]);
    let disk = disk_with(&frames[..2]);
    for (at, (old, new)) in (places[1]..).zip(frames[1].bytes().iter().zip(strayed.bytes())) {
        disk.flip(at, old ^ new);
    }
    match MemoryJournal::open(&disk, BOOK, 0) {
        Err(JournalFault::Damaged { at, expected: Seq(1), later }) => {
            assert_eq!((at, later), (places[1], places[1]))
        }
        other => panic!("{other:?}"),
    }
}

/// The space behind the end is read a mebibyte at a time.
#[test]
fn a_later_frame_is_found_wherever_it_begins() {
    for back in (0..=72).step_by(8) {
        // 64 bytes of header and 4 of length for each entry, which together end `back` bytes before the mebibyte.
        let entries = [&[1; 65_532][..]; 15];
        let rest = vec![1; 65_536 - 64 - 4 - back];
        let long = frame(BOOK, 0, &[&entries[..], &[&rest]].concat());
        let disk = disk_with(&[long.clone(), frame(BOOK, 16, &[b"later"])]);
        disk.flip(64, 1);
        match MemoryJournal::open(&disk, BOOK, 0) {
            Err(JournalFault::Damaged { at: 64, later, .. }) => {
                assert_eq!(later, 64 + (1 << 20) - back as u64)
            }
            other => panic!("{back}: {other:?}"),
        }
    }
}

/// Fails the first act of the disk, then the second, and so on: once or from then on, and in every way.
#[test]
fn whichever_act_fails_what_was_answered_is_there() {
    let ways = [
        Fate::Full,
        Fate::Fails(Remains::All),
        Fate::Fails(Remains::Nothing),
        Fate::Fails(Remains::First(100)),
        Fate::Fails(Remains::Sectors(0b10)),
    ];
    for way in ways {
        for (lasting, power) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut failing = 0;
            loop {
                let story = format!("{way:?} at act {failing}, lasting: {lasting}, power cut: {power}");
                let acts = Arc::new(AtomicU64::new(0));
                let count = acts.clone();
                let disk = Disk::new(u64::MAX, move |_| {
                    let act = count.fetch_add(1, Ordering::Relaxed);
                    if act == failing || lasting && failing < act { way } else { Fate::Works }
                });
                let mut answered = Vec::new();
                let mut unanswered = None;
                if let Ok(mut journal) = MemoryJournal::open(&disk, BOOK, 0) {
                    // Enough for space to be filled twice beyond the first.
                    for seq in 0..24 {
                        let next = frame(BOOK, answered.len() as u64, &[&[seq; 1200]]);
                        match journal.append(&next, Purpose::Ordinary) {
                            Appended::Durable => answered.push(next),
                            Appended::Full => {}
                            Appended::Unknown(_) => unanswered = Some(next),
                            Appended::Fenced => panic!("{story}: nobody else leads"),
                        }
                        assert_eq!(all(&journal), answered, "{story}");
                        if unanswered.is_some() {
                            break;
                        }
                    }
                }
                let used = acts.load(Ordering::Relaxed);
                disk.decide(|_| Fate::Works);
                if power {
                    disk.power_cut(Remains::Nothing);
                }
                let journal = MemoryJournal::open(&disk, BOOK, answered.len() as u64);
                let found = all(&journal.unwrap_or_else(|fault| panic!("{story}: {fault}")));
                let or_more: Vec<Frame> = answered.iter().cloned().chain(unanswered).collect();
                assert!(found == answered || found == or_more, "{story}");
                if used <= failing {
                    break;
                }
                failing += 1;
            }
            assert!(48 < failing, "24 appends write and sync, but {failing} acts were swept");
        }
    }
}

#[test]
fn a_later_format_is_left_alone() {
    let disk = disk_with(&three_frames());
    let header = disk.durable()[..12].to_vec();
    let later = [&header[..8], &[2, 0, 0, 0]].concat();
    let crc = |bytes: &[u8]| crc32fast::hash(&[&BOOK.0, bytes].concat()).to_le_bytes();
    disk.flip(8, 1 ^ 2);
    for (at, (old, new)) in (12..).zip(crc(&header).into_iter().zip(crc(&later))) {
        disk.flip(at, old ^ new);
    }
    let opened = MemoryJournal::open(&disk, BOOK, 0);
    assert!(matches!(opened, Err(JournalFault::Version(2))), "{opened:?}");
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
