//! Calls under way, in a file: what was counted of each until now, so that a process that is killed has lost no spend.
//!
//! Each call has a slot that is written over as its stream goes on. Nothing is synced: the file is against the death of the
//! process, which leaves the system's memory alone; whether the power fails, the last seconds may be lost, in the buyer's
//! favour. A slot is emptied after the call's record is durable, and the record knows the call, so neither order charges twice.

use crate::limits::{CALL_COUNT_MAX, SLOT_BYTES_MAX};
use crate::reckon::Bounds;
use protocols::llm::{InputCounts, OutputCounts, Tally};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use wire::MeterId;

/// What is known of a call before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Its own random name.
    pub(crate) call: String,
    pub(crate) meter: MeterId,
    pub(crate) model: String,
    /// The name of the price list in force when it began.
    pub(crate) catalogue: String,
    /// The digest of its body.
    pub(crate) request: String,
    pub(crate) bounds: Bounds,
}

/// A call and what arrived of it, as it is written down.
#[derive(Debug, Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    begun: std::borrow::Cow<'a, Begun>,
    input: Option<[u64; 5]>,
    output: Option<[u64; 4]>,
    pieces: u64,
    pieces_since: u64,
    text_bytes: u64,
}

/// A call that a killed process left: what it was, what had arrived, and where that is written down.
pub(crate) type Left = (Begun, Tally, Slot);

/// The file.
#[derive(Debug)]
pub(crate) struct OpenCalls {
    file: Arc<File>,
    free: Arc<Mutex<Vec<usize>>>,
}

/// The room of one call. Dropping it empties it.
#[derive(Debug)]
pub(crate) struct Slot {
    file: Arc<File>,
    free: Arc<Mutex<Vec<usize>>>,
    number: usize,
}

impl OpenCalls {
    /// Opens the file, and finds the calls that a killed process left, each with its slot.
    pub(crate) fn open(path: &Path) -> std::io::Result<(OpenCalls, Vec<Left>)> {
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
        let mut bytes = Vec::new();
        file.by_ref()
            .take((CALL_COUNT_MAX * SLOT_BYTES_MAX).try_into().unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        let calls = OpenCalls { file: Arc::new(file), free: Arc::default() };
        let (mut left, mut free) = (Vec::new(), Vec::new());
        for number in (0..CALL_COUNT_MAX).rev() {
            let from = number * SLOT_BYTES_MAX;
            let text = bytes.get(from..bytes.len().min(from + SLOT_BYTES_MAX)).unwrap_or_default();
            let text = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            match serde_json::from_slice::<Written<'_>>(text) {
                Ok(written) => {
                    let slot = Slot { file: Arc::clone(&calls.file), free: Arc::clone(&calls.free), number };
                    let tally = written.tally();
                    left.push((written.begun.into_owned(), tally, slot));
                }
                Err(_) => free.push(number),
            }
        }
        *calls.free.lock().unwrap_or_else(PoisonError::into_inner) = free;
        Ok((calls, left))
    }

    /// A slot, unless too many calls are under way.
    pub(crate) fn take(&self) -> Option<Slot> {
        let number = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Slot { file: Arc::clone(&self.file), free: Arc::clone(&self.free), number })
    }
}

impl Slot {
    fn offset(&self) -> u64 {
        (self.number * SLOT_BYTES_MAX).try_into().expect("the file is small")
    }

    /// Writes down what arrived until now.
    pub(crate) fn write(&self, begun: &Begun, tally: &Tally) {
        let input = |counts: InputCounts| {
            [counts.fresh, counts.cached, counts.cache_write, counts.image, counts.audio]
        };
        let output = |counts: OutputCounts| [counts.text, counts.reasoning, counts.image, counts.audio];
        let written = Written {
            begun: std::borrow::Cow::Borrowed(begun),
            input: tally.input.map(input),
            output: tally.output.map(output),
            pieces: tally.pieces,
            pieces_since: tally.pieces_since,
            text_bytes: tally.text_bytes,
        };
        let mut text = serde_json::to_vec(&written).expect("counts are JSON");
        text.push(b'\n');
        assert!(text.len() <= SLOT_BYTES_MAX, "names are bounded, so a call fits its slot");
        if let Err(fault) = self.file.write_all_at(&text, self.offset()) {
            tracing::error!(%fault, "the progress of a call is not written down");
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Err(fault) = self.file.write_all_at(b"\n", self.offset()) {
            tracing::error!(%fault, "a call that is over is still written down");
        }
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
    }
}

impl Written<'_> {
    fn tally(&self) -> Tally {
        let input = |[fresh, cached, cache_write, image, audio]: [u64; 5]| InputCounts {
            fresh,
            cached,
            cache_write,
            image,
            audio,
        };
        let output =
            |[text, reasoning, image, audio]: [u64; 4]| OutputCounts { text, reasoning, image, audio };
        Tally {
            input: self.input.map(input),
            output: self.output.map(output),
            pieces: self.pieces,
            pieces_since: self.pieces_since,
            text_bytes: self.text_bytes,
            done: false,
            id: None,
        }
    }
}
