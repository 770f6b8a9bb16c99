//! A call that is paid by voucher: it is checked, delivered, kept, and answered; only then is more owed.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::channels::store::{Answer, Delivered};
use crate::channels::tally::{Kept, Shown, Signed, Unchecked, Verdict};
use crate::channels::{Channel, NoChannel, Standing};
use crate::forward::{Behind, Body, NotAnswered, PaidRequest, read_headers, strip_answer, write_headers};
use crate::gateway::Inner;
use crate::limits::VOUCHER_ANSWER_MEMORY_BYTES_MAX;
use crate::paywall::{Order, whole};
use crate::problem::{Code, Whole};
use crate::session::in_its_words;
use crate::stream::{Beginning, read};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use protocols::a402::Fingerprint;
use protocols::mpp::session::{Problem, SessionCredential, Standing as Told, Unit};
use protocols::voucher::{OWED, VOUCHER, Voucher};
use std::sync::Arc;
use tokio::time::Instant;
use wire::MeterId;

/// Why a voucher does not count: goes with the answer to whoever says it in other words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotCounted(pub(crate) Problem);

/// The right to deliver the one call of a channel that is under way.
pub(crate) struct Turn {
    pub(crate) channel: Arc<Channel>,
    has_ended: bool,
}

/// A call that has its turn.
struct Paid {
    turn: Turn,
    voucher: Voucher,
    signed: Signed,
    request: PaidRequest,
    fingerprint: Fingerprint,
    charge_client_errors: bool,
}

impl Turn {
    fn of(channel: Arc<Channel>) -> Turn {
        Turn { channel, has_ended: false }
    }

    pub(super) fn end(mut self, how: impl FnOnce(&mut crate::channels::State)) {
        self.has_ended = true;
        how(&mut self.channel.state());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.has_ended {
            let mut state = self.channel.state();
            state.waiting = None;
            state.tally.not_delivered();
        }
    }
}

impl Inner {
    /// The voucher that came with a request, if any.
    pub(crate) fn voucher_of(&self, headers: &HeaderMap) -> Result<Option<Voucher>, Whole> {
        let wrong = |why: &str| self.problem(Code::HeadersInvalid, format!("Nothing was spent. {why}."));
        let mut values = headers.get_all(VOUCHER).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(wrong("`Tollbridge-Voucher` comes more than once")),
            (Some(value), None) => {
                let voucher = value.to_str().ok().and_then(|text| Voucher::parse(text).ok());
                voucher.map(Some).ok_or_else(|| wrong("`Tollbridge-Voucher` is not a voucher"))
            }
        }
    }

    /// Serves a request that came with a voucher, or says why the voucher does not count.
    pub(crate) async fn sell_by_voucher(
        self: &Arc<Inner>,
        order: Order,
        voucher: Voucher,
        behind: Arc<dyn Behind>,
    ) -> Whole {
        let Some((price, Unit::Call)) = order.price.by_session() else {
            let no = (Code::VoucherRefused, Problem::ChallengeNotFound);
            return self.no_voucher(&order, no, "this is not sold by voucher", None);
        };
        let check_every = self.config.vouchers.check_every;
        let (channel, verdict, owed) = match self.admit(&order, &voucher, price, check_every).await {
            Ok(admitted) => admitted,
            Err(refusal) => return refusal,
        };
        match verdict {
            Verdict::Serve(signed) => {
                let turn = Turn::of(channel);
                let paid = Paid {
                    turn,
                    voucher,
                    signed,
                    request: order.request,
                    fingerprint: order.facts.fingerprint,
                    charge_client_errors: order.price.charge_client_errors,
                };
                // In a task of its own: a buyer who hangs up does not stop it half-way.
                let inner = Arc::clone(self);
                let delivery = tokio::spawn(async move { inner.deliver_for_voucher(paid, behind).await });
                delivery.await.unwrap_or_else(|_| self.not_now("the delivery broke off"))
            }
            Verdict::Again(answer) => self.again(&answer, owed),
            Verdict::AgainFromDisk => match self.deliveries.voucher_answer(channel.number).await {
                Ok(Some(answer)) => self.again(&answer, owed),
                Ok(None) => self.not_served(&order, &voucher, &verdict, owed),
                Err(fault) => {
                    tracing::error!(%fault, "an answer could not be found");
                    self.not_now("the store of deliveries failed")
                }
            },
            Verdict::AgainAndGone
            | Verdict::Needs(_)
            | Verdict::Exhausted(_)
            | Verdict::Forged
            | Verdict::Busy => self.not_served(&order, &voucher, &verdict, owed),
        }
    }

    /// Serves a stream whose first event is paid by a voucher, or says why the voucher does not count.
    pub(crate) async fn sell_stream(
        self: &Arc<Inner>,
        order: Order,
        price: u128,
        credential: SessionCredential,
        behind: Arc<dyn Behind>,
    ) -> Response<Body> {
        let voucher = *credential.action.voucher();
        // Each voucher of a stream is checked: they are few.
        let (channel, verdict, owed) = match self.admit(&order, &voucher, price, 1).await {
            Ok(admitted) => admitted,
            Err(refusal) => return whole(in_its_words(refusal)),
        };
        match verdict {
            Verdict::Serve(_) => {
                let turn = Turn::of(channel);
                let inner = Arc::clone(self);
                let beginning = inner.begin_stream((turn, price), order.request, credential, behind);
                // In a task of its own: a buyer who hangs up does not stop it half-way.
                let begun = tokio::spawn(beginning).await;
                begun.unwrap_or_else(|_| whole(self.not_now("the delivery broke off")))
            }
            Verdict::Again(_)
            | Verdict::AgainFromDisk
            | Verdict::AgainAndGone
            | Verdict::Needs(_)
            | Verdict::Exhausted(_)
            | Verdict::Forged
            | Verdict::Busy => whole(in_its_words(self.not_served(&order, &voucher, &verdict, owed))),
        }
    }

    /// What a voucher gets on its channel, and what is owed there.
    async fn admit(
        &self,
        order: &Order,
        voucher: &Voucher,
        price: u128,
        check_every: u32,
    ) -> Result<(Arc<Channel>, Verdict<Answer>, u128), Whole> {
        let refused = |(problem, why): (Problem, String)| {
            self.no_voucher(order, (Code::ChannelRefused, problem), &why, None)
        };
        let channel = match self.channel(MeterId(voucher.channel)).await {
            Ok(channel) => channel,
            Err(NoChannel::Refused(problem, why)) => return Err(refused((problem, why))),
            Err(NoChannel::Unavailable(why)) => return Err(self.not_now(&why)),
        };
        let (verdict, owed) = {
            let mut state = channel.state();
            if let Some(why) = self.refusal(&channel, &state.standing) {
                drop(state);
                return Err(refused(why));
            }
            let shown = Shown { total: voucher.total_nanos, price, request: &order.facts.fingerprint };
            let is_genuine = || voucher.verify(&channel.key).is_ok();
            let verdict = state.tally.show(shown, check_every, is_genuine);
            (verdict, state.tally.owed())
        };
        Ok((channel, verdict, owed))
    }

    /// Why a voucher gets nothing.
    fn not_served(&self, order: &Order, voucher: &Voucher, verdict: &Verdict<Answer>, owed: u128) -> Whole {
        let told = Told { channel: voucher.channel, spent_nanos: owed };
        let refuse = |code, problem, why: &str| self.no_voucher(order, (code, problem), why, Some(told));
        match verdict {
            Verdict::Serve(_) | Verdict::Again(_) | Verdict::AgainFromDisk => {
                let why = "it was delivered for, and the answer is not kept";
                refuse(Code::VoucherTotal, Problem::VerificationFailed, why)
            }
            Verdict::AgainAndGone => {
                let why = "it was delivered for, and the answer is too long to be kept";
                refuse(Code::VoucherTotal, Problem::VerificationFailed, why)
            }
            Verdict::Needs(needed) => {
                let why = format!("with this call everything comes to {needed} billionths");
                refuse(Code::VoucherTotal, Problem::of_sum(voucher.total_nanos, *needed), &why)
            }
            Verdict::Exhausted(deposit) => {
                let why = format!("with this call it would come to more than its {deposit} billionths");
                refuse(Code::ChannelRefused, Problem::AmountExceedsDeposit, &why)
            }
            Verdict::Forged => {
                let no = (Code::VoucherRefused, Problem::InvalidSignature);
                self.no_voucher(order, no, "it is not signed with the channel's key", None)
            }
            Verdict::Busy => {
                let detail = "Nothing was spent. Another call of the channel is under way.";
                self.problem(Code::ChannelBusy, detail)
            }
        }
    }

    async fn deliver_for_voucher(self: Arc<Inner>, paid: Paid, behind: Arc<dyn Behind>) -> Whole {
        let Paid { turn, voucher, signed, request, fingerprint, charge_client_errors } = paid;
        self.metrics.upstream_calls.count();
        // The same for another try after a crash, so that the upstream can know it.
        let key = HeaderValue::try_from(format!("{}.{}", turn.channel.id, voucher.total_nanos));
        let key = key.expect("letters, digits and points are a header");
        let until = Instant::now() + self.timeout;
        let answer = tokio::time::timeout_at(until, behind.pass(request.into_request(&key))).await;
        let answer = answer.map_err(|_| NotAnswered::TooSlow).and_then(|answer| answer);
        let read = match answer {
            Ok(answer) => self.read_answer(answer, until).await,
            Err(fault) => Err(fault.to_string()),
        };
        let (parts, body) = match read {
            Ok(answer) => answer.into_parts(),
            Err(why) => return self.without_debt(turn, self.not_delivered(&why)),
        };
        let is_delivery =
            parts.status.is_success() || (parts.status.is_client_error() && charge_client_errors);
        if !is_delivery {
            // What was asked wrongly is answered as it is, and costs nothing.
            return self.without_debt(turn, Response::from_parts(parts, body));
        }
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: write_headers(&parts.headers),
            body: body.clone(),
        };
        let total = voucher.total_nanos;
        match signed {
            Signed::Checked => {
                let kept = Kept { total, signature: Some(voucher.signature), request: Some(fingerprint) };
                let delivered =
                    Delivered { number: turn.channel.number, kept: kept.clone(), answer: Some(answer) };
                // Only what is kept is answered, so that the answer is the same next time.
                if let Err(fault) = self.deliveries.keep_voucher(delivered).await {
                    tracing::error!(%fault, "a voucher could not be kept");
                    return self
                        .problem(Code::Internal, "Nothing was spent. The store of deliveries failed.");
                }
                turn.end(|state| state.tally.delivered(kept));
            }
            Signed::Unchecked => {
                let is_short = body.len() <= VOUCHER_ANSWER_MEMORY_BYTES_MAX;
                let last = Unchecked { total, request: fingerprint, answer: is_short.then_some(answer) };
                turn.end(|state| state.tally.delivered_unchecked(last));
            }
        }
        self.metrics.vouchers.count();
        with_owed(Response::from_parts(parts, body), total)
    }

    /// Reads an answer whole, as it goes to the buyer.
    pub(crate) async fn read_answer(
        &self,
        answer: Response<crate::forward::Body>,
        until: Instant,
    ) -> Result<Whole, String> {
        let (mut parts, body) = answer.into_parts();
        if parts.status.is_server_error() {
            return Err(format!("it answered {}", parts.status.as_u16()));
        }
        strip_answer(&mut parts.headers);
        // What came as chunks leaves with its length, and was sold to one.
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match read(body, self.answer_body_bytes_max, until).await {
            Ok(Beginning::Whole(body)) => Ok(Response::from_parts(parts, body)),
            Ok(Beginning::More(..)) => Err(NotAnswered::TooLong.to_string()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    /// An answer that is no delivery.
    pub(crate) fn without_debt(&self, turn: Turn, answer: Whole) -> Whole {
        self.metrics.failed.count();
        let owed = turn.channel.state().tally.owed();
        turn.end(|state| state.tally.not_delivered());
        with_owed(answer, owed)
    }

    fn again(&self, answer: &Answer, owed: u128) -> Whole {
        let (Ok(status), Some(headers)) =
            (StatusCode::from_u16(answer.status), read_headers(&answer.headers))
        else {
            return self.not_now("what was kept cannot be read");
        };
        self.metrics.redelivered.count();
        let mut whole = Response::new(answer.body.clone());
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        with_owed(whole, owed)
    }

    /// A voucher that does not count: a new bill, and why.
    pub(crate) fn no_voucher(
        &self,
        order: &Order,
        (code, problem): (Code, Problem),
        why: &str,
        told: Option<Told>,
    ) -> Whole {
        self.metrics.vouchers_refused.count();
        let detail = format!("Nothing was spent now. The voucher does not count: {why}.");
        let mut answer = self.with_bill(self.problem(code, detail), &order.price, &order.facts);
        answer.extensions_mut().insert(NotCounted(problem));
        match told {
            Some(told) => with_standing(answer, told),
            None => answer,
        }
    }

    pub(super) fn not_now(&self, why: &str) -> Whole {
        self.metrics.unavailable.count();
        let detail = format!("Nobody can say now: {why}. Send the same voucher again.");
        self.problem(Code::Unavailable, detail)
    }

    /// Closes a channel for its buyer: what is owed is claimed, and the rest goes back.
    pub(crate) async fn close_for_buyer(
        self: &Arc<Inner>,
        method: &Method,
        headers: &HeaderMap,
        id: &str,
    ) -> Result<Whole, Whole> {
        if method != Method::POST {
            return Err(self.problem(Code::MethodRefused, "Nothing was changed. This takes POST."));
        }
        let id: MeterId = id
            .parse()
            .map_err(|_| self.not_closed(Problem::ChannelNotFound, "this seller has no such channel"))?;
        let voucher = self.voucher_of(headers)?.filter(|voucher| voucher.channel == id.0);
        let voucher = voucher.ok_or_else(|| self.forged_close())?;
        self.close(voucher).await
    }

    /// Closes a channel with a voucher for what is owed.
    pub(crate) async fn close(self: &Arc<Inner>, voucher: Voucher) -> Result<Whole, Whole> {
        let id = MeterId(voucher.channel);
        let channel = match self.channel(id).await {
            Ok(channel) => channel,
            Err(NoChannel::Refused(problem, why)) => return Err(self.not_closed(problem, &why)),
            Err(NoChannel::Unavailable(why)) => return Err(self.not_now(&why)),
        };
        voucher.verify(&channel.key).map_err(|_| self.forged_close())?;
        let closed = {
            let mut state = channel.state();
            if state.tally.is_busy() {
                let detail = "Nothing was changed. A call of the channel is under way.";
                return Err(self.problem(Code::ChannelBusy, detail));
            }
            let closed = state.tally.closes(voucher.total_nanos, voucher.signature);
            if closed.is_ok() {
                state.standing = Standing::Closing;
            }
            closed
        };
        let kept = closed.map_err(|owed| {
            let detail = format!("Nothing was changed. Everything so far comes to {owed} billionths.");
            let mut no = self.problem(Code::VoucherTotal, detail);
            no.extensions_mut().insert(NotCounted(Problem::of_sum(voucher.total_nanos, owed)));
            with_standing(no, Told { channel: id.0, spent_nanos: owed })
        })?;
        let total = kept.total;
        if let Err(fault) = self.deliveries.close_channel(channel.number, kept).await {
            tracing::error!(%fault, "a channel could not be closed");
            return Err(self.not_now("the store of deliveries failed"));
        }
        self.claim(&channel).await;
        if channel.state().standing != Standing::Over {
            return Err(self.not_now("the channel is closed, and will be settled"));
        }
        let text = format!("{{\"channel\":\"{id}\",\"status\":\"closed\",\"owed_nanos\":\"{total}\"}}\n");
        let mut answer = Response::new(Bytes::from(text));
        let kind = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(with_owed(answer, total))
    }

    /// Checks that calls could be paid by a channel now.
    pub(crate) async fn check_usable(&self, id: MeterId) -> Result<(), Whole> {
        let channel = match self.channel(id).await {
            Ok(channel) => channel,
            Err(NoChannel::Refused(problem, why)) => return Err(self.not_usable(problem, &why)),
            Err(NoChannel::Unavailable(why)) => return Err(self.not_now(&why)),
        };
        match self.refusal(&channel, &channel.state().standing) {
            Some((problem, why)) => Err(self.not_usable(problem, &why)),
            None => Ok(()),
        }
    }

    fn not_usable(&self, problem: Problem, why: &str) -> Whole {
        self.not_closed(problem, &format!("of the one that is to take its place, {why}"))
    }

    pub(crate) fn not_closed(&self, problem: Problem, why: &str) -> Whole {
        let detail = format!("Nothing was changed. The channel is not closed: {why}.");
        let mut no = self.problem(Code::ChannelRefused, detail);
        no.extensions_mut().insert(NotCounted(problem));
        no
    }

    fn forged_close(&self) -> Whole {
        let detail = "Nothing was changed. The channel's last voucher belongs to this request.";
        let mut no = self.problem(Code::VoucherRefused, detail);
        no.extensions_mut().insert(NotCounted(Problem::InvalidSignature));
        no
    }
}

/// Says what is owed, and on which channel for whoever says it in other words.
pub(crate) fn with_standing(mut answer: Whole, told: Told) -> Whole {
    answer.extensions_mut().insert(told);
    with_owed(answer, told.spent_nanos)
}

fn with_owed(mut answer: Whole, owed: u128) -> Whole {
    let owed = HeaderValue::try_from(owed.to_string()).expect("digits are a header");
    answer.headers_mut().insert(HeaderName::from_static(OWED), owed);
    answer
}
