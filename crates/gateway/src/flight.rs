//! One delivery for one payment: whoever comes with the same proof meanwhile waits for the same answer.
//!
//! A delivery runs in a task of its own, so that a buyer who hangs up does not stop it half-way. Before it
//! begins it looks at what was kept; so the copy that comes a moment too late gets what the first one got.
//! An answer that is passed on as it comes goes to the first who asked; the others wait for its end.

use crate::deliveries::{CouponUse, Couponed, Delivery, Ending, Measured, Stage};
use crate::forward::{Behind, Body, NotAnswered, PaidRequest, strip_answer, write_headers};
use crate::gateway::Inner;
use crate::limits::{FLIGHT_COUNT_MAX, VOID_WAIT};
use crate::pricing::{Answers, Off, Price};
use crate::problem::{Code, Whole};
use crate::stream::{Beginning, Passed, Reading, channel, pass, read};
use crate::tariff::Tariff;
use bytes::Bytes;
use evidence::Hash;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response};
use pricing::{Quote, Sealed};
use protocols::Time;
use protocols::a402::{Credential, ErrorId, Identifier, TradeState};
use sdk::Failure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::time::Instant;
use wire::a402::{A402Facts, NewA402Verification};
use wire::{HoldId, RequestId};

/// A request that was paid for, as far as can be said without asking the payment service.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    pub(crate) trade_no: HoldId,
    /// The value of the header.
    pub(crate) proof: String,
    pub(crate) delivery_until: Time,
    pub(crate) credential: Credential,
    /// What is held, in the asset's smallest unit.
    pub(crate) held: u128,
    pub(crate) price: Arc<Price>,
    /// When it was asked for.
    pub(crate) asked_at: Time,
    /// What was promised for the price, where it is sold on terms.
    pub(crate) quote: Option<Sealed<Quote>>,
    /// What makes it cost less, if anything.
    pub(crate) coupon: Option<(CouponUse, Off)>,
    pub(crate) task: Task,
}

/// Who does what was paid for.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    /// Whoever stands behind us.
    Call(Box<PaidRequest>, Arc<dyn Behind>),
    /// A web server that asks us before it answers, and says until then how that ended.
    Front { until: Time },
}

/// How a delivery went.
#[derive(Clone, Debug)]
pub(crate) enum Flown {
    /// It is kept. It is fresh if it was made now.
    Answered { delivery: Arc<Delivery>, fresh: bool },
    /// It is on its way. Whoever takes it has it; the others wait.
    Streaming { delivery: Arc<Delivery>, reading: Arc<Mutex<Option<Reading>>> },
    /// It was redeemed, and somebody else is to deliver.
    Begun(Arc<Delivery>),
    /// The payment service says that the proof does not count.
    Refused { error: ErrorId, trade: TradeState, why: String },
    /// Nobody can say now.
    Unavailable(String),
}

/// What became of an errand for one of those who wait for it.
#[derive(Debug)]
pub(crate) enum Landed {
    /// It is kept. It is fresh if it was made now.
    Answered { delivery: Arc<Delivery>, fresh: bool },
    /// It is on its way.
    Streaming(Arc<Delivery>, Reading),
    /// It was redeemed, and somebody else is to deliver.
    Begun(Arc<Delivery>),
    /// The payment service says that the proof does not count.
    Refused { error: ErrorId, trade: TradeState, why: String },
    /// Nobody can say now.
    Unavailable(String),
}

/// The deliveries under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<HoldId, watch::Receiver<Option<Flown>>>>);

/// Takes a delivery off the list when it ends, however it ends.
struct Landing<'a>(&'a Flights, HoldId);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.0.0.lock().expect("nobody panics while holding it").remove(&self.1);
    }
}

impl Inner {
    /// Has the errand done once, together with all others for the same payment.
    pub(crate) async fn fly(self: &Arc<Inner>, errand: Errand) -> Landed {
        let mut landed = {
            let mut flights = self.flights.0.lock().expect("nobody panics while holding it");
            match flights.get(&errand.trade_no) {
                Some(landed) => landed.clone(),
                None if FLIGHT_COUNT_MAX <= flights.len() => {
                    return Landed::Unavailable("too many requests are under way".to_owned());
                }
                None => {
                    let (sender, landed) = watch::channel(None);
                    flights.insert(errand.trade_no, landed.clone());
                    let inner = Arc::clone(self);
                    tokio::spawn(async move {
                        let trade_no = errand.trade_no;
                        let landing = Landing(&inner.flights, trade_no);
                        let flown = inner.deliver(errand, &sender).await;
                        // Off the list first: whoever comes now finds what was kept.
                        drop(landing);
                        sender.send_replace(Some(flown));
                    });
                    landed
                }
            }
        };
        loop {
            let Ok(()) = landed.wait_for(Option::is_some).await.map(|_| ()) else {
                return Landed::Unavailable("the delivery broke off".to_owned());
            };
            let flown = landed.borrow_and_update().clone().expect("it was waited for");
            match flown {
                Flown::Streaming { delivery, reading } => {
                    let reading = reading.lock().expect("nobody panics while holding it").take();
                    if let Some(reading) = reading {
                        return Landed::Streaming(delivery, reading);
                    }
                    if landed.changed().await.is_err() {
                        return Landed::Unavailable("the delivery broke off".to_owned());
                    }
                }
                Flown::Answered { delivery, fresh } => return Landed::Answered { delivery, fresh },
                Flown::Begun(delivery) => return Landed::Begun(delivery),
                Flown::Refused { error, trade, why } => return Landed::Refused { error, trade, why },
                Flown::Unavailable(why) => return Landed::Unavailable(why),
            }
        }
    }

    /// Finds what was delivered, or redeems the payment, has the errand done, and keeps what came of it.
    async fn deliver(&self, errand: Errand, news: &watch::Sender<Option<Flown>>) -> Flown {
        match self.deliveries.find(errand.trade_no).await {
            Ok(Some(delivery)) => return self.found(delivery, &errand),
            Ok(None) => {}
            Err(fault) => return broken(&fault),
        }
        let idempotency_key = match self.redeem(&errand).await {
            Ok(key) => key,
            Err(flown) => return flown,
        };
        if let Some((coupon, _)) = &errand.coupon {
            match self.deliveries.use_coupon(coupon.clone()).await {
                Ok(Couponed::Used) => {}
                Ok(Couponed::BudgetSpent) => {
                    return self.without_coupon(&errand, "it has nothing left to give").await;
                }
                Ok(Couponed::UsedBefore) => {
                    return self.without_coupon(&errand, "you have used it before").await;
                }
                Ok(Couponed::SwitchedOff) => {
                    return self.without_coupon(&errand, "it counts no more").await;
                }
                Err(fault) => return broken(&fault),
            }
        }
        let (request, behind) = match &errand.task {
            Task::Call(request, behind) => (PaidRequest::clone(request), Arc::clone(behind)),
            Task::Front { until } => {
                let mut begun = errand.delivery(Stage::Begun, &Response::new(()), None);
                begun.measured = match &errand.price.tariff {
                    Tariff::PerCall => None,
                    Tariff::PerUnit(_) => {
                        Some(Measured { held: errand.held, charged: errand.held, units: None, off: None })
                    }
                };
                return match self.deliveries.begin(begun.clone(), Some(*until)).await {
                    Ok(()) => Flown::Begun(Arc::new(begun)),
                    Err(fault) => broken(&fault),
                };
            }
        };
        self.metrics.upstream_calls.count();
        let until = Instant::now() + self.timeout;
        let answer =
            tokio::time::timeout_at(until, behind.pass(request.into_request(&idempotency_key))).await;
        let judged = match answer.map_err(|_| NotAnswered::TooSlow).and_then(|answer| answer) {
            Ok(answer) => self.judge(answer, &errand, until).await,
            Err(fault) => Err(fault),
        };
        match judged {
            Ok(Judged::Ended(stage, answer)) => self.keep(&errand, stage, answer).await,
            Ok(Judged::OnItsWay(answer, beginning, body)) => {
                self.pass_on(&errand, answer, (beginning, body), news).await
            }
            Err(fault) => self.keep(&errand, Stage::Failed, self.not_answered(&fault)).await,
        }
    }

    /// What a repetition gets: the answer that was kept, if it was.
    fn found(&self, delivery: Delivery, errand: &Errand) -> Flown {
        if delivery.fingerprint != errand.credential.request_fingerprint.as_str() {
            return refused(ErrorId::StateConflict, "it was used for another request");
        }
        match (delivery.stage, &delivery.body) {
            (Stage::Begun, _) => refused(ErrorId::StateConflict, "what it was used for is being delivered"),
            (Stage::Delivered | Stage::Confirmed | Stage::Unsettled, None) => refused(
                ErrorId::StateConflict,
                "what it was used for was delivered, and is too long to be kept",
            ),
            (
                Stage::Delivered | Stage::Confirmed | Stage::Unsettled | Stage::Failed | Stage::Voided,
                Some(_) | None,
            ) => {
                self.metrics.redelivered.count();
                Flown::Answered { delivery: Arc::new(delivery), fresh: false }
            }
        }
    }

    /// The bill was for a lower price than holds now. Nothing is delivered for it, and the money goes back.
    async fn without_coupon(&self, errand: &Errand, why: &str) -> Flown {
        let detail =
            format!("Nothing was spent: what was held for this goes back. The coupon does not count: {why}.");
        self.keep(errand, Stage::Failed, self.problem(Code::CouponRefused, detail)).await
    }

    /// Keeps how a delivery ended, and has it told.
    async fn keep(&self, errand: &Errand, stage: Stage, answer: Whole) -> Flown {
        let (mut parts, body) = answer.into_parts();
        let measured = match stage {
            Stage::Delivered => match &errand.quote {
                Some(quote) => Some(self.evaluate(errand, quote, &mut parts.headers, &body)),
                None => self.measure(errand, &parts.headers, &body),
            },
            Stage::Failed | Stage::Confirmed | Stage::Voided | Stage::Unsettled | Stage::Begun => None,
        };
        let mut delivery = errand.delivery(stage, &Response::from_parts(parts, ()), Some(body));
        delivery.measured = measured;
        // Only what is kept is confirmed; and only what is kept is answered, so the answer is the same next time.
        if let Err(fault) = self.deliveries.store(delivery.clone()).await {
            return broken(&fault);
        }
        delivery.stage = self.ended(errand.trade_no, stage).await;
        Flown::Answered { delivery: Arc::new(delivery), fresh: true }
    }

    /// Counts an ending, and sees to it that it is told. Answers where the delivery stands.
    pub(crate) async fn ended(&self, trade_no: HoldId, stage: Stage) -> Stage {
        let mut stands = stage;
        match stage {
            Stage::Delivered | Stage::Confirmed | Stage::Unsettled | Stage::Begun => {
                self.metrics.delivered.count();
            }
            Stage::Failed | Stage::Voided => {
                self.metrics.failed.count();
                // The buyer should find the money back when the answer is read; if not now, the outbox sees to it.
                let due = crate::deliveries::Due { trade_no, stage, charged: None };
                if let Ok(Ok(Some(told))) = tokio::time::timeout(VOID_WAIT, self.tell(due)).await {
                    stands = told;
                }
            }
        }
        self.outbox.notify_one();
        stands
    }

    /// Passes an answer on as it comes. It is a delivery when it has ended properly, whether or not the buyer still reads.
    async fn pass_on(
        &self,
        errand: &Errand,
        answer: Response<()>,
        (beginning, body): (Bytes, Body),
        news: &watch::Sender<Option<Flown>>,
    ) -> Flown {
        let begun = errand.delivery(Stage::Begun, &answer, None);
        // Before the first byte leaves: whoever starts after us knows that this was under way, and gives the money back.
        if let Err(fault) = self.deliveries.begin(begun.clone(), None).await {
            return broken(&fault);
        }
        self.metrics.streamed.count();
        let (mut sending, reading) = channel();
        let reading = Arc::new(Mutex::new(Some(reading)));
        news.send_replace(Some(Flown::Streaming { delivery: Arc::new(begun.clone()), reading }));
        let passed = pass(beginning, body, &mut sending, (self.timeout, self.answer_body_bytes_max)).await;
        let (stage, body, last) = match passed {
            Ok(Passed { kept, last }) => (Stage::Delivered, kept, last),
            Err(fault) => {
                tracing::warn!(trade_no = %errand.trade_no, %fault, "a stream was not delivered");
                (Stage::Failed, None, None)
            }
        };
        let ending = Ending { trade_no: errand.trade_no, stage, body: body.clone(), measured: None };
        match self.deliveries.finish(ending).await {
            Ok(true) => {}
            Ok(false) => return Flown::Unavailable("the delivery was ended by somebody else".to_owned()),
            Err(fault) => return broken(&fault),
        }
        // The buyer sees the end when it is written down, and sees a break where it is none.
        match stage {
            Stage::Delivered => sending.end(last).await,
            Stage::Failed | Stage::Confirmed | Stage::Voided | Stage::Unsettled | Stage::Begun => {
                drop(sending)
            }
        }
        let stage = self.ended(errand.trade_no, stage).await;
        let delivery = Delivery { stage, body, ..begun };
        self.found(delivery, errand)
    }

    /// What an answer costs, where that depends on it: never more than is held.
    fn measure(&self, errand: &Errand, headers: &http::HeaderMap, body: &[u8]) -> Option<Measured> {
        let Tariff::PerUnit(metered) = &errand.price.tariff else { return None };
        let units = metered.measure.count(headers, body);
        Some(self.measured(errand.held, &errand.price, units, errand.coupon.as_ref().map(|(_, off)| *off)))
    }

    /// What so many units cost, less what a coupon takes off.
    pub(crate) fn measured(
        &self,
        held: u128,
        price: &Price,
        units: Option<crate::tariff::Units>,
        off: Option<Off>,
    ) -> Measured {
        let (minor, taken_off) = match &price.tariff {
            Tariff::PerUnit(metered) => {
                if units.is_none() {
                    self.metrics.unmeasured.count();
                    tracing::warn!(
                        route = price.path.as_str(),
                        "an answer has no units to count; it costs the least"
                    );
                }
                let minor = metered.cost(units).minor;
                let off = off.map(|off| off.of(minor));
                (minor.saturating_sub(off.unwrap_or(0)), off)
            }
            Tariff::PerCall => (held, None),
        };
        let units = units.map(|units| units.to_string());
        Measured { held, charged: minor.min(held), units, off: taken_off }
    }

    /// Uses the payment up for this delivery. Answers the key that the upstream knows repetitions by.
    async fn redeem(&self, errand: &Errand) -> Result<HeaderValue, Flown> {
        let credential = &errand.credential;
        let asked = NewA402Verification {
            payment_proof: errand.proof.clone(),
            facts: A402Facts {
                request_method: credential.request_method.as_str().to_owned(),
                request_fingerprint: credential.request_fingerprint.as_str().to_owned(),
                resource_id: credential.resource_id.as_str().to_owned(),
                out_trade_no: credential.out_trade_no.as_str().to_owned(),
                idempotency_key: credential.idempotency_key.as_ref().map(|key| key.as_str().to_owned()),
            },
        };
        let verification = match self.client.a402_verify(change(errand.trade_no, b"verify"), &asked).await {
            Ok(verification) => verification,
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                let named = problem.a402.as_ref().and_then(|error| ErrorId::parse(&error.error_id));
                let error = named.unwrap_or(ErrorId::ProofInvalid);
                return Err(refused(error, problem.detail.trim_end_matches('.')));
            }
            Err(failure) => return Err(unavailable(&failure)),
        };
        if verification.trade_no != errand.trade_no {
            return Err(Flown::Unavailable("the payment service answered about another trade".to_owned()));
        }
        // Redeemed before, and nothing kept: we died in between. That is no reason to deliver for what is over.
        if verification.repeated {
            let trade =
                self.client.a402_trade(errand.trade_no).await.map_err(|failure| unavailable(&failure))?;
            if trade.payment_status != "held" {
                return Err(refused(
                    ErrorId::StateConflict,
                    "it was used, and what it was used for is no longer kept",
                ));
            }
        }
        let key = credential.idempotency_key.as_ref().map_or(&*verification.delivery_key, Identifier::as_str);
        HeaderValue::try_from(key)
            .map_err(|_| refused(ErrorId::RequestInvalid, "its idempotency key is no header"))
    }

    /// Whether an answer is what was paid for, and whether it is to be kept before it is passed on.
    async fn judge(
        &self,
        answer: Response<Body>,
        errand: &Errand,
        until: Instant,
    ) -> Result<Judged, NotAnswered> {
        let (mut parts, body) = answer.into_parts();
        strip_answer(&mut parts.headers);
        let status = parts.status;
        let is_delivery =
            status.is_success() || (status.is_client_error() && errand.price.charge_client_errors);
        if status.is_server_error() {
            let why = format!("it answered {}", status.as_u16());
            return Ok(Judged::Ended(Stage::Failed, self.not_delivered(&why)));
        }
        let bytes_max = self.answer_body_bytes_max;
        let has_events = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| {
            kind.as_bytes().get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/event-stream"))
        });
        let may_pass = is_delivery && errand.price.answers != Answers::Kept;
        if may_pass && (has_events || errand.price.answers == Answers::Streamed) {
            return Ok(Judged::OnItsWay(Response::from_parts(parts, ()), Bytes::new(), body));
        }
        match read(body, bytes_max, until).await? {
            Beginning::Whole(body) => {
                // What came as chunks leaves with its length.
                parts.headers.remove(CONTENT_LENGTH);
                // What was asked wrongly is answered as it is, and costs nothing.
                let stage = if is_delivery { Stage::Delivered } else { Stage::Failed };
                Ok(Judged::Ended(stage, Response::from_parts(parts, body)))
            }
            Beginning::More(beginning, rest) if may_pass => {
                Ok(Judged::OnItsWay(Response::from_parts(parts, ()), beginning, rest))
            }
            Beginning::More(..) => Err(NotAnswered::TooLong),
        }
    }
}

/// What an answer is.
enum Judged {
    /// It is all there.
    Ended(Stage, Whole),
    /// It is a delivery if it ends well: its head, what was read of it, and the rest.
    OnItsWay(Response<()>, Bytes, Body),
}

impl Errand {
    /// What is kept of this errand.
    fn delivery(&self, stage: Stage, answer: &Response<()>, body: Option<Bytes>) -> Delivery {
        let credential = &self.credential;
        Delivery {
            trade_no: self.trade_no,
            out_trade_no: credential.out_trade_no.as_str().to_owned(),
            resource_id: credential.resource_id.as_str().to_owned(),
            fingerprint: credential.request_fingerprint.as_str().to_owned(),
            stage,
            status: answer.status().as_u16(),
            headers: write_headers(answer.headers()),
            body,
            measured: None,
            keep_until: self.delivery_until,
        }
    }
}

/// The name of a change that follows from a trade: the same for the same change.
pub(crate) fn change(trade_no: HoldId, what: &[u8]) -> RequestId {
    let digest = Hash::of(&[&trade_no.0.to_be_bytes()[..], what].concat());
    let rest: [u8; 16] = digest.as_bytes().first_chunk().copied().expect("a SHA-256 has 32 bytes");
    let random = u128::from_be_bytes(rest) & ((1 << 80) - 1);
    RequestId((trade_no.0 >> 80 << 80) | random)
}

fn refused(error: ErrorId, why: &str) -> Flown {
    let trade = match error {
        ErrorId::StateConflict => TradeState::TradeClosed,
        ErrorId::SignatureInvalid
        | ErrorId::RequestInvalid
        | ErrorId::MethodUnsupported
        | ErrorId::ParticipantInvalid
        | ErrorId::LimitOrAssetRejected
        | ErrorId::AuthorizationRejected
        | ErrorId::RefundFailed
        | ErrorId::FulfillmentFailed
        | ErrorId::ProofInvalid
        | ErrorId::SystemUnavailable => TradeState::WaitBuyerPay,
    };
    Flown::Refused { error, trade, why: why.to_owned() }
}

fn unavailable(failure: &Failure) -> Flown {
    tracing::warn!(%failure, "the payment service could not be asked");
    Flown::Unavailable("the payment service cannot be asked".to_owned())
}

fn broken(fault: &crate::deliveries::StoreFault) -> Flown {
    tracing::error!(%fault, "a delivery could not be kept or found");
    Flown::Unavailable("the store of deliveries failed".to_owned())
}
