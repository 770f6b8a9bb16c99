//! One call: its key, its reach, its reservation, its answer, its record. Everything that can say no comes before the upstream
//! is asked.

use crate::decimal::in_words;
use crate::flow::Flow;
use crate::gateway::Inner;
use crate::ledger::{NotReserved, Reservation};
use crate::limits::{
    ANSWER_BODY_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, KEPT_BYTES_MAX, KEPT_SECONDS, REQUEST_BODY_BYTES_MAX,
    REQUEST_BODY_TIMEOUT,
};
use crate::progress::{Begun, Slot};
use crate::reckon::{Arrived, Bounds, Reckoned, reckon};
use crate::refusal::{Code, Whole};
use crate::routes::{key, whole};
use crate::sessions::idempotency_key;
use crate::store::{Kept, StoreFault, seconds};
use crate::upstream::NotAnswered;
use bytes::Bytes;
use evidence::{Hash, base64url};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use listen::RequestBody;
use pricing::{Counted, UsageRecord};
use protocols::llm::{Call, Family, Rewrite, Shape, Tally, read_whole};
use std::sync::{Arc, PoisonError};

/// The header in which an answer says what it cost.
const COST: &str = "x-tollbridge-cost";

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body that goes out as it comes.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A name that a caller gave a call, taken while the call is under way.
#[derive(Debug)]
pub(crate) struct Named {
    inner: Arc<Inner>,
    key: Hash,
    name: String,
}

impl Drop for Named {
    fn drop(&mut self) {
        let mut named = self.inner.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.remove(&(self.key, std::mem::take(&mut self.name)));
    }
}

/// A call under way, with all that is needed to charge it. Dropping it charges nothing.
#[derive(Debug)]
pub(crate) struct Charge {
    inner: Arc<Inner>,
    begun: Begun,
    reservation: Reservation,
    slot: Slot,
    named: Option<Named>,
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Priced {
    reckoned: Reckoned,
    cost: pricing::Nanos,
}

/// What a call came to, after its record is durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charged {
    pub(crate) cost: u128,
    /// Of the session until now.
    pub(crate) total: u128,
    pub(crate) estimated: bool,
}

impl Inner {
    /// Makes one call.
    pub(crate) async fn call(
        self: &Arc<Inner>,
        shape: Shape,
        request: Request<RequestBody>,
    ) -> Response<Body> {
        match self.try_call(shape, request).await {
            Ok(answer) => answer,
            Err(answer) => whole(*answer),
        }
    }

    async fn try_call(
        self: &Arc<Inner>,
        shape: Shape,
        request: Request<RequestBody>,
    ) -> Result<Response<Body>, Box<Whole>> {
        let family = shape.family();
        let no = |code: Code, message: &str| Box::new(self.refuse(code, family, message));
        let key = match key(request.headers()) {
            Ok(Some(key)) => key,
            Ok(None) => {
                let message = "Nothing was spent. This is paid from a deposit.";
                return Err(Box::new(self.ask_for_deposit(Code::PaymentRequired, family, message, 0)));
            }
            Err(_) => return Err(no(Code::Malformed, "Nothing was spent. Two keys came with the call.")),
        };
        if self.ledger.find(&key).is_none() {
            return Err(no(Code::KeyUnknown, "Nothing was spent. The key is not known."));
        }
        let (parts, body) = request.into_parts();
        let body = read_body(body)
            .await
            .map_err(|code| no(code, "Nothing was spent. The body is too long, or did not arrive."))?;
        let call = Call::read(shape, &body)
            .map_err(|fault| no(Code::Malformed, &format!("Nothing was spent: {fault}.")))?;
        let unpriced = || {
            no(Code::ModelUnknown, &format!("Nothing was spent. Model `{}` has no price here.", call.model))
        };
        let catalogue = self.history.in_force(self.timestamp()).ok_or_else(unpriced)?;
        let model = catalogue.body().model(&call.model).ok_or_else(unpriced)?;
        if call.output_max.is_some_and(|most| model.output_max < most) {
            let message =
                format!("Nothing was spent. `{}` gives at most {} tokens.", model.name, model.output_max);
            return Err(no(Code::Malformed, &message));
        }
        let digest = base64url::encode(Hash::of(&body).as_bytes());
        let named = match self.name(shape, &key, &parts.headers, &digest).await {
            Ok(named) => named,
            Err(answer) => return *answer,
        };
        let mut begun = Begun {
            call: format!("{:032x}", rand::random::<u128>()),
            meter: wire::MeterId(0),
            model: model.name.clone(),
            catalogue: catalogue.name().to_owned(),
            request: digest,
            bounds: Bounds::of(&call, model),
        };
        let most = model.at_most(begun.bounds.reach()).get();
        let reservation =
            self.ledger.reserve(&key, most, self.service.now()).map_err(|fault| match fault {
                NotReserved::KeyUnknown => no(Code::KeyUnknown, "Nothing was spent. The key is not known."),
                NotReserved::Closed => no(Code::SessionClosed, "Nothing was spent. The session is closed."),
                NotReserved::Short => {
                    let words = in_words(most, &self.config.seller.asset);
                    let message = format!(
                        "Nothing was spent. The call may cost up to {words}, and no deposit has that left."
                    );
                    Box::new(self.ask_for_deposit(Code::InsufficientQuota, family, &message, most))
                }
            })?;
        begun.meter = reservation.meter;
        let busy = || no(Code::Unavailable, "Nothing was spent. Too many calls are under way.");
        let slot = self.open_calls.take().ok_or_else(busy)?;
        slot.write(&begun, &Tally::default());
        let charge = Charge { inner: Arc::clone(self), begun, reservation, slot, named };
        let add = Rewrite {
            output_max: call.output_max.is_none().then_some((self.output_member(shape), model.output_max)),
            continuous_usage: self.config.upstream.continuous_usage,
        };
        let sent = call.rewrite(&body, add).map_err(|_| no(Code::Malformed, "Nothing was spent."))?;
        self.metrics.calls.count();
        let answer = self.forwarder.send(shape, &parts.headers, sent.into()).await;
        let answer = answer.map_err(|fault| Box::new(self.not_answered(family, fault)))?;
        if !answer.status().is_success() {
            return self.pass_error(family, answer).await;
        }
        let kind = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with(b"text/event-stream") {
            return Ok(Flow::start(shape, call.wants_usage, charge, answer));
        }
        self.answer_whole(shape, charge, answer).await
    }

    fn output_member(&self, shape: Shape) -> &str {
        match shape {
            Shape::Chat => &self.config.upstream.output_member,
            Shape::Completions | Shape::Embeddings | Shape::Messages => "max_tokens",
        }
    }

    /// Takes the name that the caller gave the call; the answer that is kept under it, or why it cannot be taken, is an `Err`.
    async fn name(
        self: &Arc<Inner>,
        shape: Shape,
        key: &Hash,
        headers: &HeaderMap,
        digest: &str,
    ) -> Result<Option<Named>, Box<Result<Response<Body>, Box<Whole>>>> {
        let Some(name) = idempotency_key(headers) else { return Ok(None) };
        let no =
            |code: Code, message: &str| Box::new(Err(Box::new(self.refuse(code, shape.family(), message))));
        if name.is_empty() || IDEMPOTENCY_KEY_BYTES_MAX < name.len() {
            let message = "Nothing was spent. `Idempotency-Key` has 1 to 256 characters.";
            return Err(no(Code::Malformed, message));
        }
        let taken = (*key, name.to_owned());
        if !self.named.lock().unwrap_or_else(PoisonError::into_inner).insert(taken) {
            let message =
                "Nothing was spent now. The call of that name is under way: ask again when it is over.";
            return Err(no(Code::InProgress, message));
        }
        let named = Named { inner: Arc::clone(self), key: *key, name: name.to_owned() };
        match self.store.kept(*key, name.to_owned()).await {
            Ok(None) => Ok(Some(named)),
            Ok(Some(kept)) if kept.until_seconds < seconds(self.service.now()) => Ok(Some(named)),
            Ok(Some(kept)) if kept.request == digest => {
                self.metrics.repeated.count();
                Err(Box::new(Ok(whole(repeated(&kept)))))
            }
            Ok(Some(_)) => {
                let message = "Nothing was spent now. `Idempotency-Key` was used for another call.";
                Err(no(Code::KeyReused, message))
            }
            Err(fault) => Err(Box::new(Err(Box::new(self.broken(&fault))))),
        }
    }

    fn not_answered(&self, family: Family, fault: NotAnswered) -> Whole {
        let code = match fault {
            NotAnswered::TooSlow => Code::UpstreamTooSlow,
            NotAnswered::Unreachable
            | NotAnswered::BrokeOff
            | NotAnswered::TooLong
            | NotAnswered::Compressed => Code::UpstreamFailed,
        };
        self.refuse(code, family, &format!("You were not charged. The model's service failed: {fault}."))
    }

    /// What the upstream refuses is passed on as it is, and costs nothing.
    async fn pass_error(
        &self,
        family: Family,
        answer: Response<Incoming>,
    ) -> Result<Response<Body>, Box<Whole>> {
        let (parts, body) = answer.into_parts();
        let body = self.collect(body).await.map_err(|fault| Box::new(self.not_answered(family, fault)))?;
        Ok(whole(Response::from_parts(parts, body)))
    }

    async fn collect(&self, body: Incoming) -> Result<Bytes, NotAnswered> {
        let body = Limited::new(body, ANSWER_BODY_BYTES_MAX).collect();
        match tokio::time::timeout(self.config.upstream.timeout, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(fault)) if fault.is::<LengthLimitError>() => Err(NotAnswered::TooLong),
            Ok(Err(_)) => Err(NotAnswered::BrokeOff),
            Err(_) => Err(NotAnswered::TooSlow),
        }
    }

    async fn answer_whole(
        self: &Arc<Inner>,
        shape: Shape,
        mut charge: Charge,
        answer: Response<Incoming>,
    ) -> Result<Response<Body>, Box<Whole>> {
        charge.begun.bounds.streams = false;
        let (mut parts, body) = answer.into_parts();
        let body = self.collect(body).await;
        let body = body.map_err(|fault| Box::new(self.not_answered(shape.family(), fault)))?;
        let tally = read_whole(shape, &body);
        let priced = charge.price(&tally, Arrived::All);
        let kept = priced.as_ref().and_then(|priced| charge.keep(&parts.headers, priced, &body));
        // In a task of its own, so that a caller who leaves now leaves nothing half done.
        let settled = tokio::spawn(charge.settle(priced, tally.id, kept)).await;
        let charged = settled.unwrap_or_else(|_| Err(StoreFault("the record broke off".to_owned())));
        let charged = charged.map_err(|fault| Box::new(self.broken(&fault)))?;
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(charged) = charged {
            let asset = &self.config.seller.asset;
            let text = format!(
                "{}; total={}",
                self.cost_text(charged.cost, charged.estimated),
                in_words(charged.total, asset)
            );
            if let Ok(value) = HeaderValue::try_from(text) {
                parts.headers.insert(COST, value);
            }
        }
        Ok(whole(Response::from_parts(parts, body)))
    }

    fn cost_text(&self, cost: u128, estimated: bool) -> String {
        format!("{}; est={estimated}", in_words(cost, &self.config.seller.asset))
    }

    /// Charges a call that a killed process left.
    pub(crate) async fn charge_recovered(&self, begun: &Begun, tally: &Tally) -> Result<(), StoreFault> {
        let Some(priced) = self.price(begun, tally, Arrived::All) else { return Ok(()) };
        let (cost, record) = (priced.cost.get(), self.record(begun, priced));
        let signer = Arc::clone(&self.signer);
        if self.store.record(begun.call.clone(), None, record, signer, None).await? {
            self.ledger.spend_recovered(begun.meter, cost);
        }
        Ok(())
    }

    fn price(&self, begun: &Begun, tally: &Tally, arrived: Arrived) -> Option<Priced> {
        let reckoned = reckon(&begun.bounds, tally, arrived)?;
        let catalogue = self.history.named(&begun.catalogue)?;
        let cost = catalogue.body().model(&begun.model)?.price(&reckoned.usage).total;
        Some(Priced { reckoned, cost })
    }

    fn record(&self, begun: &Begun, priced: Priced) -> UsageRecord {
        UsageRecord {
            meter: begun.meter.to_string(),
            sequence: 0,
            at: self.timestamp(),
            catalogue: begun.catalogue.clone(),
            model: begun.model.clone(),
            usage: priced.reckoned.usage,
            counted: priced.reckoned.counted,
            ended: priced.reckoned.ended,
            cost: priced.cost,
            request: begun.request.clone(),
        }
    }
}

impl Charge {
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Writes down what arrived until now.
    pub(crate) fn progress(&self, tally: &Tally) {
        self.slot.write(&self.begun, tally);
    }

    /// What the call comes to; nothing where nothing was delivered.
    pub(crate) fn price(&self, tally: &Tally, arrived: Arrived) -> Option<Priced> {
        self.inner.price(&self.begun, tally, arrived)
    }

    /// The answer as it is kept for whoever asks again under the call's name.
    pub(crate) fn keep(&self, headers: &HeaderMap, priced: &Priced, body: &[u8]) -> Option<Kept> {
        let named = self.named.as_ref().filter(|_| body.len() <= KEPT_BYTES_MAX)?;
        let kind =
            headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("application/json");
        let estimated = priced.reckoned.counted == Counted::Estimated;
        let cost = self.inner.cost_text(priced.cost.get(), estimated);
        Some(Kept {
            key: named.key,
            name: named.name.clone(),
            request: self.begun.request.clone(),
            headers: format!("{kind}\n{cost}").into_bytes(),
            body: body.to_vec(),
            until_seconds: seconds(self.inner.service.now()).saturating_add(KEPT_SECONDS),
        })
    }

    /// Makes the record durable and ends the reservation. Run it in a task of its own: it must not stop half-way.
    pub(crate) async fn settle(
        self,
        priced: Option<Priced>,
        upstream_id: Option<String>,
        kept: Option<Kept>,
    ) -> Result<Option<Charged>, StoreFault> {
        let Charge { inner, begun, reservation, slot, named } = self;
        let Some(priced) = priced else { return Ok(None) };
        let metrics = &inner.metrics;
        let estimated = priced.reckoned.counted == Counted::Estimated;
        match priced.reckoned.ended {
            pricing::Ended::Done => metrics.done.count(),
            pricing::Ended::Cut => metrics.cut.count(),
        }
        if estimated {
            metrics.estimated.count();
        }
        if priced.reckoned.beyond_reach {
            metrics.beyond_reach.count();
            tracing::warn!(model = begun.model, "the upstream reported more than the call can reach");
        }
        let cost = priced.cost.get();
        let record = inner.record(&begun, priced);
        let signer = Arc::clone(&inner.signer);
        let recorded = inner.store.record(begun.call, upstream_id, record, signer, kept).await;
        let total = reservation.spend(cost);
        if let Err(fault) = recorded {
            // It stays written down among the calls under way, and is charged when the gateway is started again.
            std::mem::forget(slot);
            return Err(fault);
        }
        drop((slot, named));
        inner.outbox.notify_one();
        Ok(Some(Charged { cost, total, estimated }))
    }
}

fn repeated(kept: &Kept) -> Whole {
    let mut answer = Response::new(Bytes::from(kept.body.clone()));
    let text = String::from_utf8_lossy(&kept.headers).into_owned();
    let mut lines = text.lines().map(HeaderValue::try_from);
    let headers = answer.headers_mut();
    if let Some(Ok(kind)) = lines.next() {
        headers.insert(CONTENT_TYPE, kind);
    }
    if let Some(Ok(cost)) = lines.next() {
        headers.insert(COST, cost);
    }
    headers.insert("x-tollbridge-repeated", HeaderValue::from_static("true"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn read_body(body: RequestBody) -> Result<Bytes, Code> {
    let body = Limited::new(body, REQUEST_BODY_BYTES_MAX).collect();
    match tokio::time::timeout(REQUEST_BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(fault)) if fault.is::<LengthLimitError>() => Err(Code::BodyTooLarge),
        Ok(Err(_)) | Err(_) => Err(Code::Malformed),
    }
}
