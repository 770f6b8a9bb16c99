//! A stream on its way to its caller: passed on event by event, counted, and charged wherever it ends.
//!
//! It ends in one of four ways: the answer says that it is over, it breaks off, the caller leaves, or the process dies. The
//! last event of an answer goes out after the record is durable. A caller who leaves drops the stream, and what had gone out by
//! then is what is charged.

use crate::call::{Body, BoxError, Charge, Charged};
use crate::config::OnHangUp;
use crate::decimal::in_words;
use crate::gateway::Inner;
use crate::limits::{DRAIN_TIMEOUT, KEPT_BYTES_MAX, LAST_BYTES_TIMEOUT};
use crate::reckon::Arrived;
use crate::refusal::{Code, error_body};
use crate::store::StoreFault;
use bytes::Bytes;
use futures_util::stream;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use protocols::llm::{Family, Piece, Shape, StreamReader, Tally, with_member};
use std::sync::Arc;

/// A stream under way.
pub(crate) struct Flow {
    inner: Arc<Inner>,
    family: Family,
    wants_usage: bool,
    headers: HeaderMap,
    /// None after its end.
    upstream: Option<Incoming>,
    reader: StreamReader,
    /// None after it was charged.
    charge: Option<Charge>,
    /// The event that only says what was used; it goes out with the end.
    usage: Option<Vec<u8>>,
    /// What went out, where it is to be kept.
    kept: Option<Vec<u8>>,
}

impl Flow {
    /// The answer of a call that comes as a stream.
    pub(crate) fn start(
        shape: Shape,
        wants_usage: bool,
        charge: Charge,
        answer: Response<Incoming>,
    ) -> Response<Body> {
        let (mut parts, upstream) = answer.into_parts();
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let flow = Flow {
            inner: Arc::clone(charge.inner()),
            family: shape.family(),
            wants_usage,
            headers: parts.headers.clone(),
            upstream: Some(upstream),
            reader: StreamReader::new(shape),
            kept: charge.is_named().then(Vec::new),
            charge: Some(charge),
            usage: None,
        };
        let frames = stream::unfold(flow, Flow::next);
        Response::from_parts(parts, StreamBody::new(frames).boxed_unsync())
    }

    /// The next part that goes out.
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, BoxError>, Flow)> {
        loop {
            let upstream = self.upstream.as_mut()?;
            if self.charge.is_none() {
                // It is over; the connection is of use again when its last bytes are read.
                let _unread = tokio::time::timeout(LAST_BYTES_TIMEOUT, upstream.frame()).await;
                return None;
            }
            let timeout = self.inner.config.upstream.timeout;
            let data = match tokio::time::timeout(timeout, upstream.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_trailers) => continue,
                },
                Ok(None) => return self.end_without_a_word().await,
                Ok(Some(Err(_))) | Err(_) => return self.break_off().await,
            };
            let Ok(pieces) = self.reader.push(&data) else { return self.break_off().await };
            let mut out = Vec::with_capacity(data.len() + 64);
            for piece in pieces {
                match piece {
                    Piece::Pass(event) => out.extend(event),
                    Piece::Usage(event) => self.usage = Some(event),
                    Piece::End(event) if self.charge.is_some() => match self.end(&mut out, &event).await {
                        Ok(()) => {}
                        Err(fault) => return self.fail(&fault),
                    },
                    Piece::End(_) => {}
                }
            }
            if let Some(charge) = &self.charge {
                charge.progress(self.reader.tally());
            }
            if !out.is_empty() {
                self.remember(&out);
                return Some((Ok(Frame::data(out.into())), self));
            }
        }
    }

    /// Keeps what goes out, as long as it is short enough.
    fn remember(&mut self, out: &[u8]) {
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(out);
            if KEPT_BYTES_MAX < kept.len() {
                self.kept = None;
            }
        }
    }

    /// Charges the call, then lets its last event go out, with the running total.
    async fn end(&mut self, out: &mut Vec<u8>, last: &[u8]) -> Result<(), StoreFault> {
        let usage = self.usage.take().filter(|_| self.wants_usage);
        let whole = self.kept.take().map(|mut kept| {
            kept.extend_from_slice(out);
            kept.extend(usage.iter().flatten());
            kept.extend_from_slice(last);
            kept
        });
        let Some(charged) = self.charge(whole).await? else {
            out.extend(usage.into_iter().flatten());
            out.extend_from_slice(last);
            return Ok(());
        };
        let total = self.total(&charged);
        if let Some(usage) = usage {
            out.extend(with_member(&usage, "tollbridge", &self.member(&charged)));
        }
        // The last event of the one family is a mark after which nobody reads; of the other, an event like any.
        match self.family {
            Family::OpenAi => {
                out.extend(total);
                out.extend_from_slice(last);
            }
            Family::Anthropic => {
                out.extend_from_slice(last);
                out.extend(total);
            }
        }
        Ok(())
    }

    /// Charges what the tally knows, in a task of its own: a caller who leaves now leaves nothing half done.
    async fn charge(&mut self, whole: Option<Vec<u8>>) -> Result<Option<Charged>, StoreFault> {
        let Some(charge) = self.charge.take() else { return Ok(None) };
        let tally = self.reader.tally();
        let priced = charge.price(tally, Arrived::All);
        let kept = match (&priced, whole) {
            (Some(priced), Some(whole)) => charge.keep(&self.headers, priced, &whole),
            (_, _) => None,
        };
        let settled = tokio::spawn(charge.settle(priced, tally.id.clone(), kept)).await;
        settled.unwrap_or_else(|_| Err(StoreFault("the record broke off".to_owned())))
    }

    /// The stream was closed in order, but its answer did not say that it is over.
    async fn end_without_a_word(mut self) -> Option<(Result<Frame<Bytes>, BoxError>, Flow)> {
        self.upstream = None;
        let mut out = Vec::new();
        match self.charge(None).await {
            Ok(Some(charged)) => {
                if let Some(usage) = self.usage.take().filter(|_| self.wants_usage) {
                    out.extend(with_member(&usage, "tollbridge", &self.member(&charged)));
                }
                out.extend(self.total(&charged));
            }
            Ok(None) => {}
            Err(fault) => return self.fail(&fault),
        }
        (!out.is_empty()).then(|| (Ok(Frame::data(out.into())), self))
    }

    /// The stream broke off. That is said in an event: a connection that is cut takes with it what its buffers hold, and that
    /// has been charged.
    async fn break_off(mut self) -> Option<(Result<Frame<Bytes>, BoxError>, Flow)> {
        self.upstream = None;
        match self.charge(None).await {
            Ok(charged) => {
                let (code, words) = (Code::UpstreamFailed, "The model's answer broke off.");
                let event = self.error(code, words, charged.as_ref());
                Some((Ok(Frame::data(event.into())), self))
            }
            Err(fault) => self.fail(&fault),
        }
    }

    fn fail(mut self, fault: &StoreFault) -> Option<(Result<Frame<Bytes>, BoxError>, Flow)> {
        tracing::error!(%fault, "a call is not recorded now");
        self.upstream = None;
        let event = self.error(Code::Internal, "The store of this gateway failed.", None);
        Some((Ok(Frame::data(event.into())), self))
    }

    /// The event that says why an answer is not whole, and what it came to.
    fn error(&self, code: Code, words: &str, charged: Option<&Charged>) -> Vec<u8> {
        let money = match charged {
            Some(charged) => {
                let cost = in_words(charged.cost, &self.inner.config.seller.asset);
                format!("You were charged {cost} for what arrived.")
            }
            None => "You were not charged.".to_owned(),
        };
        let name = match self.family {
            Family::OpenAi => "",
            Family::Anthropic => "event: error\n",
        };
        let body = error_body(code, self.family, &format!("{money} {words}"));
        let total = charged.map(|charged| self.total(charged)).unwrap_or_default();
        [format!("{name}data: {body}\n\n").as_bytes(), &total].concat()
    }

    fn total(&self, charged: &Charged) -> Vec<u8> {
        let asset = &self.inner.config.seller.asset;
        let (cost, total) = (in_words(charged.cost, asset), in_words(charged.total, asset));
        format!(": tollbridge cost={cost}; est={}; total={total}\n\n", charged.estimated).into_bytes()
    }

    fn member(&self, charged: &Charged) -> String {
        let asset = &self.inner.config.seller.asset;
        serde_json::json!({
            "cost": in_words(charged.cost, asset), "total": in_words(charged.total, asset),
            "estimated": charged.estimated,
        })
        .to_string()
    }
}

impl Drop for Flow {
    /// The caller has left before the answer was over.
    fn drop(&mut self) {
        let Some(charge) = self.charge.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // The process ends: the call stays written down, and is charged when the gateway is started again.
            std::mem::forget(charge);
            return;
        };
        let arrived = self.reader.tally().clone();
        self.inner.metrics.left.count();
        match (self.inner.config.upstream.on_hang_up, self.upstream.take()) {
            (OnHangUp::Drain, Some(upstream)) => {
                let reader = std::mem::replace(&mut self.reader, StreamReader::new(Shape::Chat));
                runtime.spawn(drain(charge, arrived, reader, upstream));
            }
            // Dropping the connection tells the upstream to stop.
            (OnHangUp::Cancel, _) | (OnHangUp::Drain, None) => {
                runtime.spawn(charge_cut(charge, arrived, Arrived::All));
            }
        }
    }
}

/// Reads the rest of a stream whose caller has left, and charges the part that had arrived.
async fn drain(charge: Charge, arrived: Tally, mut reader: StreamReader, mut upstream: Incoming) {
    let rest = async {
        while let Some(Ok(frame)) = upstream.frame().await {
            let data = frame.into_data().unwrap_or_default();
            if reader.push(&data).is_err() {
                break;
            }
        }
    };
    let _too_long = tokio::time::timeout(DRAIN_TIMEOUT, rest).await;
    let whole = reader.tally().clone();
    if whole.done {
        let bytes = arrived.text_bytes;
        return charge_cut(charge, whole, Arrived::Bytes(bytes)).await;
    }
    charge_cut(charge, arrived, Arrived::All).await;
}

async fn charge_cut(charge: Charge, tally: Tally, arrived: Arrived) {
    let priced = charge.price(&tally, arrived);
    if let Err(fault) = charge.settle(priced, tally.id, None).await {
        tracing::error!(%fault, "a call is not recorded now");
    }
}
