//! A stream of events that is paid by vouchers as it goes: what comes is withheld until a voucher for it is kept.
//!
//! The channel's turn is the stream's until it ends. A voucher is for just what waits then, so nothing leaves unpaid, and
//! nothing is paid that the upstream has not made. Whoever dies in between loses one portion at most, of
//! [`STREAM_EVENTS_MAX`] events.

use crate::channels::Channel;
use crate::channels::call::{Turn, with_standing};
use crate::channels::store::Delivered;
use crate::channels::tally::Kept;
use crate::forward::{Behind, Body, NotAnswered, PaidRequest, strip_answer};
use crate::gateway::Inner;
use crate::limits::{STREAM_EVENT_BYTES_MAX, STREAM_EVENTS_MAX, STREAM_TIME_MAX, STREAM_VOUCHER_WAIT};
use crate::paywall::{Order, whole};
use crate::problem::{Code, Whole};
use crate::session::receipt_of;
use crate::stream::{Sending, channel};
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use protocols::mpp::RECEIPT;
use protocols::mpp::session::{NeedVoucher, Problem, SessionCredential, Standing as Told};
use protocols::voucher::Voucher;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

/// A stream that goes on with a voucher for just this sum.
#[derive(Debug)]
pub(crate) struct Waiting {
    needed: u128,
    kept: oneshot::Sender<()>,
}

/// A stream that was paid for so far.
struct Flow {
    turn: Turn,
    price: u128,
    challenge_id: String,
    owed: u128,
    units: u32,
}

/// How a stream has ended.
enum End {
    /// The upstream has ended it, or nobody has paid for more of it.
    Properly,
    /// The upstream broke off, or the buyer has left.
    BrokeOff,
}

/// An event as the upstream wrote it, with its empty line; a comment is none, and costs nothing.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    text: Bytes,
    is_priced: bool,
}

/// The events of an answer, as they come.
struct Events {
    body: Body,
    unread: BytesMut,
    ready: VecDeque<Event>,
    has_ended: bool,
    idle: Duration,
    until: Instant,
}

impl Inner {
    /// Gives a voucher to the stream of its channel that waits for one; nothing where none waits.
    pub(crate) async fn pay_stream(
        self: &Arc<Inner>,
        order: &Order,
        channel: &Arc<Channel>,
        voucher: &Voucher,
    ) -> Option<Result<(), Whole>> {
        let (waiting, owed) = {
            let mut state = channel.state();
            let needed = state.waiting.as_ref()?.needed;
            let owed = state.tally.owed();
            if let Some((problem, why)) = self.refusal(channel, &state.standing) {
                drop(state);
                let told = Told { channel: voucher.channel, spent_nanos: owed };
                return Some(Err(self.no_voucher(order, (Code::ChannelRefused, problem), &why, Some(told))));
            }
            if voucher.verify(&channel.key).is_err() {
                drop(state);
                let no = (Code::VoucherRefused, Problem::InvalidSignature);
                return Some(Err(self.no_voucher(
                    order,
                    no,
                    "it is not signed with the channel's key",
                    None,
                )));
            }
            if voucher.total_nanos != needed {
                drop(state);
                let no = (Code::VoucherTotal, Problem::of_sum(voucher.total_nanos, needed));
                let why = format!("with what waits everything comes to {needed} billionths");
                let told = Told { channel: voucher.channel, spent_nanos: owed };
                return Some(Err(self.no_voucher(order, no, &why, Some(told))));
            }
            (state.waiting.take()?, owed)
        };
        let (inner, channel, voucher) = (Arc::clone(self), Arc::clone(channel), *voucher);
        // In a task of its own: a buyer who hangs up does not stop it half-way, with the portion paid and not passed on.
        let keeping = tokio::spawn(async move {
            // Before anything leaves: whoever starts after us knows that it was paid.
            inner.keep_for_stream(&channel, &voucher).await?;
            // Whoever has left was paid for one portion more.
            let _heard = waiting.kept.send(());
            Ok(())
        });
        let no = match keeping.await {
            Ok(Ok(())) => return Some(Ok(())),
            Ok(Err(no)) => no,
            Err(_) => self.not_now("keeping the voucher broke off"),
        };
        Some(Err(with_standing(no, Told { channel: voucher.channel, spent_nanos: owed })))
    }

    async fn keep_for_stream(&self, channel: &Channel, voucher: &Voucher) -> Result<(), Whole> {
        // No request: a stream is not given again.
        let kept = Kept { total: voucher.total_nanos, signature: Some(voucher.signature), request: None };
        let delivered = Delivered { number: channel.number, kept: kept.clone(), answer: None };
        if let Err(fault) = self.deliveries.keep_voucher(delivered).await {
            tracing::error!(%fault, "a voucher could not be kept");
            return Err(self.problem(Code::Internal, "The store of deliveries failed; the stream ends."));
        }
        channel.state().tally.goes_on(kept);
        self.metrics.vouchers.count();
        Ok(())
    }

    /// Begins a stream: its first event is paid by the voucher it was asked for with, and kept, before anything is answered.
    pub(crate) async fn begin_stream(
        self: Arc<Inner>,
        (turn, price): (Turn, u128),
        request: PaidRequest,
        credential: SessionCredential,
        behind: Arc<dyn Behind>,
    ) -> Response<Body> {
        self.metrics.upstream_calls.count();
        let voucher = *credential.action.voucher();
        let key = HeaderValue::try_from(format!("{}.{}", turn.channel.id, voucher.total_nanos));
        let key = key.expect("letters, digits and points are a header");
        let until = Instant::now() + self.timeout;
        let answer = timeout_at(until, behind.pass(request.into_request(&key))).await;
        let (mut parts, body) = match answer.map_err(|_| NotAnswered::TooSlow).and_then(|answer| answer) {
            Ok(answer) => answer.into_parts(),
            Err(fault) => return whole(self.without_debt(turn, self.not_answered(&fault))),
        };
        if !parts.status.is_success() {
            // What was asked wrongly is answered as it is, and costs nothing.
            let read = self.read_answer(Response::from_parts(parts, body), until).await;
            let answer = read.unwrap_or_else(|why| self.not_delivered(&why));
            return whole(self.without_debt(turn, answer));
        }
        if !is_events(&parts.headers) {
            let why = "it answered with something else than events";
            return whole(self.without_debt(turn, self.not_delivered(why)));
        }
        let mut events = Events::of(body, self.timeout);
        let first = match events.portion(1).await {
            Ok(Some((first, _))) => first,
            Ok(None) => return whole(self.without_debt(turn, self.not_delivered("it had no events"))),
            Err(fault) => return whole(self.without_debt(turn, self.not_answered(&fault))),
        };
        if let Err(no) = self.keep_for_stream(&turn.channel, &voucher).await {
            return whole(no);
        }
        self.metrics.streamed.count();
        strip_answer(&mut parts.headers);
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let flow =
            Flow { turn, price, challenge_id: credential.challenge.id, owed: voucher.total_nanos, units: 1 };
        let receipt =
            HeaderValue::try_from(self.receipt_of_stream(&flow).encode()).expect("Base64URL is a header");
        parts.headers.insert(HeaderName::from_static(RECEIPT), receipt);
        let (mut sending, reading) = channel();
        tokio::spawn(async move {
            sending.give(first).await;
            self.go_on(flow, events, sending).await;
        });
        Response::from_parts(parts, reading.boxed_unsync())
    }

    /// Passes a stream on, portion by portion, each when it is paid.
    async fn go_on(&self, mut flow: Flow, mut events: Events, mut sending: Sending) {
        let end = self.pay_and_pass(&mut flow, &mut events, &mut sending).await;
        let receipt = self.receipt_of_stream(&flow).to_event();
        flow.turn.end(|state| {
            state.waiting = None;
            state.tally.not_delivered();
        });
        match end {
            End::Properly => sending.end(Some(Bytes::from(receipt))).await,
            // A break would take with it what was paid and is still on its way; so the receipt is what is missing.
            End::BrokeOff => sending.end(None).await,
        }
    }

    async fn pay_and_pass(&self, flow: &mut Flow, events: &mut Events, sending: &mut Sending) -> End {
        loop {
            let left = flow.turn.channel.deposit.saturating_sub(flow.owed) / flow.price;
            let room = usize::try_from(left).unwrap_or(usize::MAX).clamp(1, STREAM_EVENTS_MAX);
            let (portion, count) = match events.portion(room).await {
                Ok(Some(portion)) => portion,
                Ok(None) => return End::Properly,
                Err(_) => return End::BrokeOff,
            };
            let needed = flow.owed.saturating_add(flow.price.saturating_mul(u128::from(count)));
            let said = NeedVoucher {
                channel: flow.turn.channel.id.0,
                required_nanos: needed,
                accepted_nanos: flow.owed,
                deposit_nanos: flow.turn.channel.deposit,
            };
            // What nobody could claim is not passed on.
            let is_stopped = self.refusal(&flow.turn.channel, &flow.turn.channel.state().standing).is_some();
            if flow.turn.channel.deposit < needed || is_stopped {
                sending.give(Bytes::from(said.to_event())).await;
                return End::Properly;
            }
            let (kept, mut is_kept) = oneshot::channel();
            flow.turn.channel.state().waiting = Some(Waiting { needed, kept });
            sending.give(Bytes::from(said.to_event())).await;
            let is_paid = tokio::select! {
                paid = timeout(STREAM_VOUCHER_WAIT, &mut is_kept) => paid.ok().map(|paid| paid.is_ok()),
                () = sending.left() => None,
            };
            let is_paid = match is_paid {
                Some(is_paid) => is_paid,
                // Somebody may be keeping it at this moment.
                None if flow.turn.channel.state().waiting.take().is_none() => is_kept.await.is_ok(),
                None => false,
            };
            if !is_paid {
                return End::Properly;
            }
            flow.owed = needed;
            flow.units = flow.units.saturating_add(count);
            sending.give(portion).await;
        }
    }

    fn receipt_of_stream(&self, flow: &Flow) -> protocols::mpp::session::SessionReceipt {
        let stands = (flow.turn.channel.id.0, flow.owed);
        receipt_of(&flow.challenge_id, stands, flow.units, self.service.now())
    }
}

impl Events {
    fn of(body: Body, idle: Duration) -> Events {
        Events {
            body,
            unread: BytesMut::new(),
            ready: VecDeque::new(),
            has_ended: false,
            idle,
            until: Instant::now() + STREAM_TIME_MAX,
        }
    }

    /// The next events, at most so many that cost something and at least one, with what costs nothing between them; nothing
    /// at the end.
    async fn portion(&mut self, count_max: usize) -> Result<Option<(Bytes, u32)>, NotAnswered> {
        while !self.ready.iter().any(|event| event.is_priced) {
            if self.has_ended {
                return Ok(None);
            }
            let next = timeout_at(self.until.min(Instant::now() + self.idle), self.body.frame()).await;
            match next.map_err(|_| NotAnswered::TooSlow)? {
                Some(frame) => {
                    let Ok(piece) = frame.map_err(|_| NotAnswered::BrokeOff)?.into_data() else { continue };
                    self.unread.extend_from_slice(&piece);
                    self.cut();
                }
                None => self.has_ended = true,
            }
            if STREAM_EVENT_BYTES_MAX < self.unread.len() {
                return Err(NotAnswered::TooLong);
            }
        }
        let (mut portion, mut count) = (BytesMut::new(), 0);
        while let Some(event) = self.ready.pop_front() {
            if event.is_priced && count == count_max {
                self.ready.push_front(event);
                break;
            }
            count += usize::from(event.is_priced);
            portion.extend_from_slice(&event.text);
        }
        Ok(Some((portion.freeze(), u32::try_from(count).expect("no more than a portion has"))))
    }

    /// Cuts what was read at its empty lines.
    fn cut(&mut self) {
        while let Some(end) = end_of_event(&self.unread) {
            let text = self.unread.split_to(end).freeze();
            if let Some(event) = Event::of(text) {
                self.ready.push_back(event);
            }
        }
    }
}

impl Event {
    /// What costs something; nothing of what an upstream says in our place.
    fn of(text: Bytes) -> Option<Event> {
        let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
        if lines.clone().any(|line| {
            let name = line.strip_prefix(b"event:").unwrap_or_default();
            name.strip_prefix(b" ").unwrap_or(name).starts_with(b"payment-")
        }) {
            return None;
        }
        let is_priced = lines.any(|line| line == b"data" || line.starts_with(b"data:"));
        Some(Event { text, is_priced })
    }
}

/// Where the first event ends: behind its empty line.
fn end_of_event(text: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    let found = ends.iter().filter_map(|end| {
        let at = text.windows(end.len()).position(|window| window == *end)?;
        Some(at + end.len())
    });
    found.min()
}

fn is_events(headers: &http::HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_at_empty_lines_and_comments_cost_nothing() {
        for (text, events) in [
            ("data: a\n\ndata: b\n\n", vec![("data: a\n\n", true), ("data: b\n\n", true)]),
            ("data: a\r\n\r\ndata:b\r\rrest", vec![("data: a\r\n\r\n", true), ("data:b\r\r", true)]),
            (": still here\n\nid: 7\n\n", vec![(": still here\n\n", false), ("id: 7\n\n", false)]),
            ("event: x\ndata: a\ndata: b\n\n", vec![("event: x\ndata: a\ndata: b\n\n", true)]),
            ("data\n\ndatabase: x\n\n", vec![("data\n\n", true), ("database: x\n\n", false)]),
            ("event: payment-receipt\ndata: forged\n\nevent:payment-need-voucher\ndata: x\n\n", vec![]),
            ("data: a\n", vec![]),
        ] {
            let mut cut = Events::of(crate::forward::full(Bytes::new()), Duration::ZERO);
            cut.unread.extend_from_slice(text.as_bytes());
            cut.cut();
            let found: Vec<(&str, bool)> = cut
                .ready
                .iter()
                .map(|event| (std::str::from_utf8(&event.text).unwrap(), event.is_priced))
                .collect();
            assert_eq!(found, events, "{text:?}");
        }
    }
}
