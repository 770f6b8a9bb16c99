//! The frame reader: whatever lies on a disk, it is a frame or it is refused; and no frame survives a changed byte.
#![no_main]

use book::Seq;
use engine::BookId;
use engine::journal::Frame;

const BOOK: BookId = BookId([9; 16]);

fuzz::target!(|bytes: &[u8]| {
    if let Some(frame) = Frame::decode(BOOK, bytes.to_vec()) {
        assert_eq!(frame.bytes(), bytes);
        assert_eq!(frame.entries().count(), usize::try_from(frame.count()).expect("a count fits"));
    }
    // Chance alone does not find checksums that fit: write a frame, change one byte, and read it.
    let Some(([place_high, place_low, change], text)) = bytes.split_first_chunk::<3>() else { return };
    let entries: Vec<&[u8]> = text.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).collect();
    if entries.is_empty() {
        return;
    }
    let mut frame = Frame::after(BOOK, Seq(u64::from(*place_low)));
    for entry in entries.iter().filter(|entry| entry.len() <= 1_024).take(64) {
        frame.push(entry);
    }
    if frame.count() == 0 {
        return;
    }
    frame.seal([7; 32]);
    let whole = frame.bytes().to_vec();
    assert!(Frame::decode(BOOK, whole.clone()).is_some());
    assert!(Frame::decode(BookId([8; 16]), whole.clone()).is_none());
    if *change != 0 {
        let mut changed = whole;
        let place = usize::from(u16::from_be_bytes([*place_high, *place_low])) % changed.len();
        changed[place] ^= change;
        assert!(Frame::decode(BOOK, changed).is_none(), "byte {place} is not covered");
    }
});
