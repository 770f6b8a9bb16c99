//! Server-sent events, cut anywhere: bytes in, whole events out, as they came.

use crate::limits::LLM_EVENT_BYTES_MAX;

/// Cuts a stream of bytes after each empty line. Lines end with LF, CR LF or CR.
#[derive(Debug, Default)]
pub(super) struct Events {
    held: Vec<u8>,
    /// How much of `held` was looked at.
    seen: usize,
    /// Where the line begins that is being read.
    line_start: usize,
}

/// An event has no end within the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {LLM_EVENT_BYTES_MAX} bytes")]
pub struct EventTooLong;

impl Events {
    /// Takes bytes, and gives the events that are whole now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, EventTooLong> {
        self.held.extend_from_slice(bytes);
        let mut whole = Vec::new();
        let mut cut = 0;
        while let Some(byte) = self.held.get(self.seen).copied() {
            let end = match byte {
                b'\n' => self.seen + 1,
                b'\r' => match self.held.get(self.seen + 1) {
                    Some(b'\n') => self.seen + 2,
                    Some(_) => self.seen + 1,
                    // Whether it ends here is in the next byte.
                    None => break,
                },
                _ => {
                    self.seen += 1;
                    continue;
                }
            };
            let line_is_empty = self.line_start == self.seen;
            self.seen = end;
            self.line_start = end;
            if line_is_empty {
                whole.push(self.held.get(cut..end).unwrap_or_default().to_vec());
                cut = end;
            }
        }
        if cut != 0 {
            self.held.drain(..cut);
            self.seen -= cut;
            self.line_start -= cut;
        }
        if LLM_EVENT_BYTES_MAX < self.held.len()
            || whole.iter().any(|event| LLM_EVENT_BYTES_MAX < event.len())
        {
            return Err(EventTooLong);
        }
        Ok(whole)
    }

    /// What came after the last whole event. A reader of events ignores it.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        (self.seen, self.line_start) = (0, 0);
        std::mem::take(&mut self.held)
    }
}

/// The data of an event: its `data` lines, joined.
pub(super) fn data_of(event: &[u8]) -> Vec<u8> {
    let mut data: Vec<u8> = Vec::new();
    let mut lines = 0;
    for line in event.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let Some(value) = line.strip_prefix(b"data:") else { continue };
        if lines != 0 {
            data.push(b'\n');
        }
        lines += 1;
        data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let stream = b": hello\n\ndata: a\ndata: b\r\n\r\nevent: x\rdata:c\r\rdata: d\n\r\n\n\ndata: tail";
        let expected: Vec<Vec<u8>> = [
            &b": hello\n\n"[..],
            b"data: a\ndata: b\r\n\r\n",
            b"event: x\rdata:c\r\r",
            b"data: d\n\r\n",
            b"\n",
            b"\n",
        ]
        .map(<[u8]>::to_vec)
        .to_vec();
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut events = Events::default();
                let mut found = Vec::new();
                for part in [&stream[..first], &stream[first..second], &stream[second..]] {
                    found.extend(events.push(part).unwrap());
                }
                assert_eq!(
                    (found, events.rest()),
                    (expected.clone(), b"data: tail".to_vec()),
                    "{first} {second}"
                );
            }
        }
        assert_eq!(data_of(b"event: x\ndata: a\r\ndata:b\n\n"), b"a\nb");
    }

    #[test]
    fn an_event_without_an_end_is_refused() {
        let mut events = Events::default();
        assert!(events.push(&vec![b'x'; LLM_EVENT_BYTES_MAX]).is_ok());
        assert_eq!(events.push(b"x"), Err(EventTooLong));
    }
}
