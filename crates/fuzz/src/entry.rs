//! The entry decoder: what it accepts, it would have written.
#![no_main]

use book::Entry;

fuzz::target!(|bytes: &[u8]| {
    if let Ok(entry) = Entry::from_bytes(bytes) {
        assert_eq!(entry.to_bytes(), bytes);
    }
});
