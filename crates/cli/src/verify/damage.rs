//! Finding the damaged entry: the raw bytes of a journal against the leaves of its log.
//!
//! The engine's reader refuses a frame whose checksum is wrong, and cannot say which of its entries is. This walks the
//! bytes without trusting any checksum, and names the first entry that is not the one the log has. The layout is
//! that of `engine/src/journal/frame.rs`.

use crate::data::Leaves;
use book::Seq;
use evidence::leaf_hash;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

const MAGIC: &[u8; 4] = b"TBFR";
const JOURNAL_HEADER: u64 = 64;
const FRAME_HEADER: usize = 64;

/// The first entry that is not the one the log has; none where the log does not tell.
pub(crate) fn first(journal: &Path, leaves: &Leaves) -> Option<Seq> {
    let mut file = BufReader::new(File::open(journal).ok()?);
    file.seek(SeekFrom::Start(JOURNAL_HEADER)).ok()?;
    let mut next = Seq(0);
    loop {
        let wanted = leaves.hash(next)?;
        let mut header = [0; FRAME_HEADER];
        file.read_exact(&mut header).ok()?;
        let count = u32_at(&header, 24)?;
        let first = u64::from_le_bytes(*header.get(16..)?.first_chunk()?);
        if header.first_chunk() != Some(MAGIC) || first != next.0 {
            return Some(next);
        }
        let mut entries = vec![0; usize::try_from(u32_at(&header, 12)?).ok()?.next_multiple_of(8)];
        if file.read_exact(&mut entries).is_err() {
            return Some(next);
        }
        let mut rest = entries.as_slice();
        let mut wanted = Some(wanted);
        for _ in 0..count {
            let entry = u32_at(rest, 0).and_then(|length| {
                let behind = rest.get(4..)?;
                behind.split_at_checked(usize::try_from(length).ok()?)
            });
            let Some((entry, behind)) = entry else { return Some(next) };
            if wanted? != leaf_hash(entry) {
                return Some(next);
            }
            rest = behind;
            next = next.next();
            wanted = leaves.hash(next);
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
