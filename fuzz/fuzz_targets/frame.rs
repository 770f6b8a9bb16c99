//! The frame reader: whatever lies on a disk, it is a frame or it is refused.
#![no_main]

use engine::BookId;
use engine::journal::Frame;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(frame) = Frame::decode(BookId([9; 16]), bytes.to_vec()) {
        assert_eq!(frame.bytes(), bytes);
        assert_eq!(frame.entries().count(), usize::try_from(frame.count()).expect("a count fits"));
    }
});
