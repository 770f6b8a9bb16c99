//! What a frame looks like in bytes, and that nothing else passes for one.

use book::Seq;
use engine::journal::{BookId, Frame};
use engine::limits::{ENTRY_BYTES_MAX, FRAME_BYTES_MAX};

const BOOK: BookId = BookId(*b"a book of sixty!");
const OTHER: BookId = BookId(*b"some other book!");

fn frame(book: BookId, first: u64, entries: &[&[u8]]) -> Frame {
    let mut frame = Frame::after(book, Seq(first));
    for entry in entries {
        frame.push(entry);
    }
    frame.seal([u8::try_from(first % 251).expect("below 256"); 32]);
    frame
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

/// Sets a frame's checks right again, as only our own mistake could.
fn checked(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = |bytes: &[u8]| crc32fast::hash(&[&BOOK.0, bytes].concat()).to_le_bytes();
    let entries = crc(&bytes[64..]);
    bytes[8..12].copy_from_slice(&entries);
    let header = crc(&bytes[8..64]);
    bytes[4..8].copy_from_slice(&header);
    bytes
}

#[test]
fn a_frame_that_contradicts_itself_is_none_although_its_checks_are_right() {
    let whole = frame(BOOK, 3, &[b"one", b"two"]);
    let same = checked(whole.bytes().to_vec());
    assert_eq!(Frame::decode(BOOK, same), Some(whole.clone()));
    // The bytes to change, and what they say then.
    let rows: [(usize, &[u8], &str); 6] = [
        (24, &[1], "fewer entries than there are"),
        (24, &[3], "more entries than there are"),
        (24, &[0], "no entries"),
        (12, &[13], "less than the entries' bytes"),
        (64, &[2], "an entry shorter than it is"),
        (64, &[255, 255], "an entry longer than the frame"),
    ];
    for (at, change, story) in rows {
        let mut bytes = whole.bytes().to_vec();
        bytes[at..at + change.len()].copy_from_slice(change);
        assert_eq!(Frame::decode(BOOK, checked(bytes)), None, "{story}");
    }
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
