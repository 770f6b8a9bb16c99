//! An answer on its way: read whole up to what is kept, or passed on piece by piece while somebody counts.
//!
//! The buyer's end is not the delivery's end. A buyer who stops reading stops nothing; only what the upstream does decides
//! whether something was delivered.

use crate::forward::{Body, BodyFault, NotAnswered};
use crate::limits::{STREAM_PIECES_MAX, STREAM_STALL_MAX, STREAM_TIME_MAX};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// The beginning of an answer, as far as it may be kept.
pub(crate) enum Beginning {
    /// All of it.
    Whole(Bytes),
    /// There is more than may be kept.
    More(Bytes, Body),
}

/// Reads a body until it ends or is longer than `bytes_max`.
pub(crate) async fn read(mut body: Body, bytes_max: usize, until: Instant) -> Result<Beginning, NotAnswered> {
    let mut kept = BytesMut::new();
    loop {
        let frame = timeout_at(until, body.frame()).await.map_err(|_| NotAnswered::TooSlow)?;
        let Some(frame) = frame else { return Ok(Beginning::Whole(kept.freeze())) };
        let Ok(piece) = frame.map_err(|_| NotAnswered::BrokeOff)?.into_data() else { continue };
        kept.extend_from_slice(&piece);
        if bytes_max < kept.len() {
            return Ok(Beginning::More(kept.freeze(), body));
        }
    }
}

/// One piece for the buyer, or that there is no more.
#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

/// The body that a buyer reads. It ends properly only where it was told so; otherwise it breaks off, and the buyer sees that.
#[derive(Debug)]
pub(crate) struct Reading {
    pieces: mpsc::Receiver<Piece>,
    has_ended: bool,
}

impl hyper::body::Body for Reading {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        match ready!(self.pieces.poll_recv(cx)) {
            Some(Piece::Bytes(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Piece::End) => {
                self.has_ended = true;
                Poll::Ready(None)
            }
            None => {
                self.has_ended = true;
                Poll::Ready(Some(Err(BodyFault::of("the answer broke off"))))
            }
        }
    }
}

/// The sending end of a stream.
pub(crate) struct Sending(Option<mpsc::Sender<Piece>>);

/// A stream to a buyer: where it is written, and where it is read.
pub(crate) fn channel() -> (Sending, Reading) {
    let (sender, pieces) = mpsc::channel(STREAM_PIECES_MAX);
    (Sending(Some(sender)), Reading { pieces, has_ended: false })
}

impl Sending {
    /// Waits until nobody reads any more.
    pub(crate) async fn left(&self) {
        if let Some(sender) = &self.0 {
            sender.closed().await;
        }
    }

    /// Gives the buyer a piece. One who does not read for too long has hung up.
    pub(crate) async fn give(&mut self, bytes: Bytes) {
        let Some(sender) = &self.0 else { return };
        let given = timeout(STREAM_STALL_MAX, sender.send(Piece::Bytes(bytes))).await;
        if !matches!(given, Ok(Ok(()))) {
            self.0 = None;
        }
    }

    /// Gives the buyer the last piece, if there is one, and says that this was all.
    pub(crate) async fn end(mut self, last: Option<Bytes>) {
        if let Some(last) = last {
            self.give(last).await;
        }
        if let Some(sender) = self.0 {
            // Who has hung up need not know.
            let _told = timeout(STREAM_STALL_MAX, sender.send(Piece::End)).await;
        }
    }
}

/// An answer that the upstream has ended properly.
pub(crate) struct Passed {
    /// All of it; nothing where it was too long to be kept.
    pub(crate) kept: Option<Bytes>,
    /// Its last piece, where that is how the buyer knows the end: it is given when the delivery is written down.
    pub(crate) last: Option<Bytes>,
}

/// Passes the rest of an answer on, and keeps a copy as long as it may be kept.
///
/// Done when the upstream has ended its answer properly, whoever still reads it.
pub(crate) async fn pass(
    beginning: Bytes,
    mut body: Body,
    sending: &mut Sending,
    (idle, bytes_max): (Duration, usize),
) -> Result<Passed, NotAnswered> {
    let until = Instant::now() + STREAM_TIME_MAX;
    let promised = body.size_hint().exact();
    let mut kept = (beginning.len() <= bytes_max).then(|| BytesMut::from(&beginning[..]));
    let (mut passed, mut last) = (0_u64, None);
    match promised {
        Some(0) => last = Some(beginning),
        Some(_) | None if beginning.is_empty() => {}
        Some(_) | None => sending.give(beginning).await,
    }
    loop {
        let next = timeout_at(until.min(Instant::now() + idle), body.frame()).await;
        let Some(frame) = next.map_err(|_| NotAnswered::TooSlow)? else { break };
        let Ok(piece) = frame.map_err(|_| NotAnswered::BrokeOff)?.into_data() else { continue };
        passed = passed.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        kept = kept.filter(|kept| kept.len() + piece.len() <= bytes_max);
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&piece);
        }
        if promised == Some(passed) {
            last = Some(piece);
        } else {
            sending.give(piece).await;
        }
    }
    // A body that promised more is one that broke off, whoever is to notice.
    if promised.is_some_and(|promised| passed < promised) {
        return Err(NotAnswered::BrokeOff);
    }
    Ok(Passed { kept: kept.map(BytesMut::freeze), last })
}
