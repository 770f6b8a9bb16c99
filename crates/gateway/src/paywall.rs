//! What a request gets: its price, a bill, or what it paid for.
//!
//! Everything that can refuse a request comes before a bill, and everything that can refuse a proof before it is redeemed.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::config::Price;
use crate::deliveries::{Delivery, Stage};
use crate::flight::{Errand, Flown};
use crate::forward::{Body, BoxError, NotAnswered, PaidRequest, read_headers};
use crate::gateway::Inner;
use crate::limits::{KEEP_SECONDS_AFTER, REQUEST_BODY_TIMEOUT};
use crate::problem::{Code, Whole, problem};
use crate::route::{Path, Route};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use listen::RequestBody;
use protocols::Time;
use protocols::a402::headers::{
    Aliases, HeaderRole, PAYMENT_NEEDED, PAYMENT_NEEDED_ALIAS, PAYMENT_VALIDATION, PAYMENT_VALIDATION_ALIAS,
    find,
};
use protocols::a402::wallet::network_layer;
use protocols::a402::{
    DateTime, ErrorId, Identifier, KeyFault, NotGenuine, Outcome, Proof, ProofCheck, Refusal, RequestFacts,
    Trade, TradeState, Validation, VerifiedProof, check_proof_of_offer,
};
use std::sync::Arc;

/// A request for something that is sold, read whole and found acceptable.
struct Order {
    price: Arc<Price>,
    facts: RequestFacts,
    request: PaidRequest,
}

impl Inner {
    /// Answers one request.
    pub(crate) async fn answer(self: &Arc<Inner>, request: Request<RequestBody>) -> Response<Body> {
        self.metrics.requests.count();
        if let Some(own) = self.own(&request) {
            return whole(own);
        }
        let path = match Path::read(request.uri().path()) {
            Ok(path) => path,
            Err(fault) => {
                return self
                    .refuse(Code::PathRefused, format!("Nothing was spent. It cannot be sold: {fault}."));
            }
        };
        match self.config.routes.route(request.method().as_str(), &path) {
            Route::Priced(price) => match self.sell(request, price).await {
                Ok(answer) | Err(answer) => whole(answer),
            },
            Route::PriceOnly(price) => match self.facts(&Method::GET, &request, b"") {
                Ok(facts) => {
                    let (parts, _no_body) = whole(self.bill(&price, &facts)).into_parts();
                    Response::from_parts(parts, Full::default().map_err(BoxError::from).boxed_unsync())
                }
                Err(answer) => whole(answer),
            },
            Route::Free => self.pass(request).await,
            Route::Refused => self.refuse(Code::NotSold, "Nothing was spent. This is not sold here."),
            Route::MethodRefused(methods) => {
                let methods = methods.join(", ");
                let mut answer = self.refuse(
                    Code::MethodRefused,
                    format!("Nothing was spent. This is sold by {methods} only."),
                );
                if let Ok(allow) = HeaderValue::try_from(methods) {
                    answer.headers_mut().insert(ALLOW, allow);
                }
                answer
            }
        }
    }

    /// Our own pages: whether we live, and what we did.
    fn own(&self, request: &Request<RequestBody>) -> Option<Whole> {
        let page = request.uri().path().strip_prefix(&self.config.seller.own_prefix)?;
        let text = match (request.method(), page) {
            (&Method::GET | &Method::HEAD, "/healthz") => "ok\n".to_owned(),
            (&Method::GET | &Method::HEAD, "/metrics") => self.metrics.text(),
            (_, page) if page.is_empty() || page.starts_with('/') => {
                return Some(problem(
                    Code::NotSold,
                    "Nothing was spent. There is no such page.",
                    self.livemode,
                ));
            }
            (_, _) => return None,
        };
        let mut answer = Response::new(Bytes::from(text));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(answer)
    }

    async fn pass(&self, request: Request<RequestBody>) -> Response<Body> {
        self.metrics.free.count();
        match self.forwarder.pass(request).await {
            Ok(answer) => answer,
            Err(fault) => whole(self.problem(
                Code::UpstreamUnreachable,
                format!("Nothing was spent. The service behind this address failed: {fault}."),
            )),
        }
    }

    fn refuse(&self, code: Code, detail: impl Into<String>) -> Response<Body> {
        self.metrics.refused.count();
        whole(self.problem(code, detail))
    }

    fn problem(&self, code: Code, detail: impl Into<String>) -> Whole {
        problem(code, detail, self.livemode)
    }

    /// Bills a request, or serves it for its proof. `Err` is an answer as well: the one that ended it early.
    async fn sell(
        self: &Arc<Inner>,
        request: Request<RequestBody>,
        price: Arc<Price>,
    ) -> Result<Whole, Whole> {
        let named = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let proof = find(HeaderRole::Proof, self.config.seller.aliases, named)
            .map_err(|fault| self.problem(Code::HeadersInvalid, format!("Nothing was spent. {fault}.")))?
            .map(str::to_owned);
        let order = self.order(request, price).await?;
        match proof {
            None => Ok(self.bill(&order.price, &order.facts)),
            Some(proof) => Ok(self.serve_paid(order, proof).await),
        }
    }

    /// Reads a request whole, if it is one that would be served.
    async fn order(&self, request: Request<RequestBody>, price: Arc<Price>) -> Result<Order, Whole> {
        let too_large = || {
            let detail =
                format!("Nothing was spent. The body may have at most {} bytes.", price.body_bytes_max);
            self.problem(Code::BodyTooLarge, detail)
        };
        let kind = self.content_type(&request)?;
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !price.content_types.is_empty() && !price.content_types.contains(&kind) {
            let kinds = price.content_types.join(", ");
            let detail = format!("Nothing was spent. The body has to be {kinds}.");
            return Err(self.problem(Code::ContentTypeRefused, detail));
        }
        let announced =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: usize| price.body_bytes_max < bytes) {
            return Err(too_large());
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, price.body_bytes_max).collect();
        let body = match tokio::time::timeout(REQUEST_BODY_TIMEOUT, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(fault)) if fault.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Err(_)) | Err(_) => {
                return Err(self.problem(Code::BodyIncomplete, "Nothing was spent. The body did not arrive."));
            }
        };
        let request = Request::from_parts(parts, ());
        let facts = self.facts(&request.method().clone(), &request, &body)?;
        let (parts, ()) = request.into_parts();
        let target = parts.uri.path_and_query().cloned();
        Ok(Order {
            price,
            facts,
            request: PaidRequest {
                method: parts.method,
                target: target.unwrap_or(http::uri::PathAndQuery::from_static("/")),
                headers: parts.headers,
                body,
            },
        })
    }

    /// What a payment for this request is bound to.
    fn facts<B>(&self, method: &Method, request: &Request<B>, body: &[u8]) -> Result<RequestFacts, Whole> {
        let content_type = self.content_type(request)?;
        let origin = self.config.seller.public_url.as_str().trim_end_matches('/');
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let mut facts = RequestFacts::of(method.as_str(), &format!("{origin}{target}"), content_type, body)
            .map_err(|fault| {
            self.problem(Code::PathRefused, format!("Nothing was spent. It cannot be billed: {fault}."))
        })?;
        facts.idempotency_key = self.identifier(request, &HeaderName::from_static("idempotency-key"))?;
        if let Some(name) = &self.config.seller.caller_header {
            facts.caller = self.identifier(request, name)?;
        }
        Ok(facts)
    }

    /// The one value of `Content-Type`, or nothing.
    fn content_type<'a, B>(&self, request: &'a Request<B>) -> Result<&'a str, Whole> {
        let wrong =
            || self.problem(Code::HeadersInvalid, "Nothing was spent. `Content-Type` is not one text.");
        let mut values = request.headers().get_all(CONTENT_TYPE).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(""),
            (Some(value), None) => value.to_str().map_err(|_| wrong()),
            (Some(_), Some(_)) => Err(wrong()),
        }
    }

    fn identifier<B>(&self, request: &Request<B>, name: &HeaderName) -> Result<Option<Identifier>, Whole> {
        let wrong = || {
            let detail = format!("Nothing was spent. `{name}` is not one text of 1 to 256 characters.");
            self.problem(Code::HeadersInvalid, detail)
        };
        let mut values = request.headers().get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                let text = value.to_str().map_err(|_| wrong())?;
                Identifier::parse(text).map(Some).map_err(|_| wrong())
            }
            (Some(_), Some(_)) => Err(wrong()),
        }
    }

    /// Answers 402 with a bill for this request.
    fn bill(&self, price: &Price, facts: &RequestFacts) -> Whole {
        self.metrics.bills.count();
        let detail = format!("Nothing was spent. This costs {}.{}", price.in_words, price.terms_in_words());
        self.with_bill(self.problem(Code::PaymentRequired, detail), price, facts)
    }

    fn with_bill(&self, mut answer: Whole, price: &Price, facts: &RequestFacts) -> Whole {
        let window = Time::from_seconds(self.config.seller.pay_window_seconds.into());
        let pay_before = self.service.now().after(window.0);
        let demand = price.offer.bill(facts, &self.bill_key, rand::random(), pay_before);
        let needed = demand
            .sign(self.config.seller.terms().to_layer(), &self.seller_key)
            .and_then(|needed| needed.encode());
        match needed {
            Ok(needed) => {
                self.put(&mut answer, (PAYMENT_NEEDED, PAYMENT_NEEDED_ALIAS), &needed);
                answer
            }
            // Only what the buyer sent can make a bill that no header carries.
            Err(fault) => self
                .problem(Code::HeadersInvalid, format!("Nothing was spent. It cannot be billed: {fault}.")),
        }
    }

    fn put(&self, answer: &mut Whole, (name, alias): (&'static str, &'static str), value: &str) {
        let Ok(value) = HeaderValue::try_from(value) else {
            return; // Base64URL always is one
        };
        let both = self.config.seller.aliases == Aliases::On;
        for name in std::iter::once(name).chain(both.then_some(alias)) {
            let name = HeaderName::try_from(name).expect("our names are header names");
            answer.headers_mut().insert(name, value.clone());
        }
    }

    /// Serves a request that came with a proof, or says why the proof does not count.
    async fn serve_paid(self: &Arc<Inner>, order: Order, value: String) -> Whole {
        let proof = match Proof::decode(&value) {
            Ok(proof) => proof,
            Err(fault) => {
                self.metrics.proofs_refused.count();
                let detail = format!("Nothing was spent now. The proof cannot be read: {fault}.");
                return self.with_bill(self.problem(Code::ProofRefused, detail), &order.price, &order.facts);
            }
        };
        let verified = match self.check(&proof, &order).await {
            Ok(verified) => verified,
            Err(NotChecked::Refused(refusal)) => {
                return self.refuse_proof(
                    &order,
                    &proof,
                    refusal.error_id(),
                    TradeState::WaitBuyerPay,
                    &refusal.to_string(),
                );
            }
            Err(NotChecked::Unavailable) => {
                return self.unavailable(&proof, "the payment service did not give its key");
            }
        };
        let Ok(trade_no) = verified.credential().trade_no.as_str().parse() else {
            let why = "it is no trade of this payment service";
            return self.refuse_proof(&order, &proof, ErrorId::ProofInvalid, TradeState::WaitBuyerPay, why);
        };
        let errand = Errand {
            trade_no,
            proof: value,
            delivery_until: verified.keep_until().after(Time::from_seconds(KEEP_SECONDS_AFTER).0),
            credential: verified.credential().clone(),
            request: order.request.clone(),
            charge_client_errors: order.price.charge_client_errors,
        };
        match self.fly(errand).await {
            Flown::Answered { delivery, fresh: false } if delivery.stage == Stage::Voided => {
                let why = "it was given back, because nothing was delivered for it";
                self.refuse_proof(&order, &proof, ErrorId::StateConflict, TradeState::TradeClosed, why)
            }
            Flown::Answered { delivery, .. } => self.delivered(&proof, &delivery),
            Flown::Refused { error, trade, why } => self.refuse_proof(&order, &proof, error, trade, &why),
            Flown::Unavailable(why) => self.unavailable(&proof, &why),
        }
    }

    /// Checks a proof offline, once more with fresh keys where those we have may be old.
    async fn check(&self, proof: &Proof, order: &Order) -> Result<VerifiedProof, NotChecked> {
        let mut refreshed = false;
        loop {
            let Some(ring) = self.service.ring() else {
                if refreshed {
                    return Err(NotChecked::Unavailable);
                }
                refreshed = true;
                self.service.refresh(&self.client).await;
                continue;
            };
            let check = ProofCheck { proof, request: &order.facts, psp_keys: &ring, now: self.service.now() };
            let refusal = match check_proof_of_offer(&order.price.offer, &self.bill_key, check) {
                Ok(verified) => return Ok(verified),
                Err(refusal) => refusal,
            };
            let may_be_old = match refusal {
                Refusal::NotGenuine(NotGenuine::Key(KeyFault::UnknownKey)) => true,
                // The clock of a test book may have been put forward.
                Refusal::NotYetIssued | Refusal::Expired => !self.livemode,
                Refusal::MethodDiffers
                | Refusal::Differs { .. }
                | Refusal::NotTheBuyer
                | Refusal::NotGenuine(_)
                | Refusal::NotOurBill(_)
                | Refusal::LivesTooLong
                | Refusal::PaidLate => false,
            };
            if refreshed || !may_be_old {
                return Err(NotChecked::Refused(refusal));
            }
            refreshed = true;
            self.service.refresh(&self.client).await;
        }
    }

    /// A proof that does not count: a new bill, and why.
    fn refuse_proof(
        &self,
        order: &Order,
        proof: &Proof,
        error: ErrorId,
        trade: TradeState,
        why: &str,
    ) -> Whole {
        self.metrics.proofs_refused.count();
        let detail = format!("Nothing was spent now. The proof does not count: {why}.");
        let answer = self.with_bill(self.problem(Code::ProofRefused, detail), &order.price, &order.facts);
        let error = error.report();
        self.with_validation(answer, proof, Outcome::ProofRefused { error, trade })
    }

    /// Nobody can say whether the proof counts: the payment may well stand, so no other is asked for.
    fn unavailable(&self, proof: &Proof, why: &str) -> Whole {
        self.metrics.unavailable.count();
        let detail = format!(
            "Nothing is known about the payment now: {why}. Send the same proof again; pay nothing again."
        );
        let error = ErrorId::SystemUnavailable.report();
        let outcome = Outcome::ProofUnchecked {
            error: error.retry_after(crate::limits::RETRY_AFTER_SECONDS),
            trade: TradeState::WaitBuyerPay,
        };
        self.with_validation(self.problem(Code::Unavailable, detail), proof, outcome)
    }

    /// What was delivered, or why nothing was.
    fn delivered(&self, proof: &Proof, delivery: &Delivery) -> Whole {
        let mut answer = Response::new(delivery.body.clone());
        let (Ok(status), Some(headers)) =
            (StatusCode::from_u16(delivery.status), read_headers(&delivery.headers))
        else {
            return self.unavailable(proof, "what was kept cannot be read");
        };
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        // It was sold to one.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let outcome = match delivery.stage {
            Stage::Delivered => Outcome::Delivered,
            Stage::Confirmed => Outcome::Finished,
            Stage::Unsettled => Outcome::FulfillmentFailed,
            Stage::Failed | Stage::Voided => Outcome::DeliveryFailed,
        };
        self.with_validation(answer, proof, outcome)
    }

    fn with_validation(&self, mut answer: Whole, proof: &Proof, outcome: Outcome) -> Whole {
        let about = Trade {
            method_id: proof.method_id.clone(),
            method_version: proof.method_version.clone(),
            out_trade_no: proof.out_trade_no.clone(),
            resource_id: proof.resource_id.clone(),
            trade_no: proof.trade_no.clone(),
            request_fingerprint: proof.request_fingerprint.clone(),
        };
        let at = DateTime::second_of(self.service.now());
        let layer = network_layer(self.config.seller.network);
        // What a stranger claims at length does not have to be repeated.
        if let Ok(value) = Validation::report(about, outcome, at, layer).encode() {
            self.put(&mut answer, (PAYMENT_VALIDATION, PAYMENT_VALIDATION_ALIAS), &value);
        }
        answer
    }

    /// The answer that is kept where the upstream delivered nothing.
    pub(crate) fn not_delivered(&self, why: &str) -> Whole {
        self.problem(
            Code::UpstreamFailed,
            format!("You were not charged. The service behind this address failed: {why}."),
        )
    }

    pub(crate) fn not_answered(&self, fault: &NotAnswered) -> Whole {
        self.not_delivered(&fault.to_string())
    }
}

enum NotChecked {
    Refused(Refusal),
    Unavailable,
}

impl Price {
    fn terms_in_words(&self) -> String {
        let texts = [&self.description, &self.delivery, &self.refund];
        let texts = texts.into_iter().filter(|text| !text.is_empty());
        texts.map(|text| format!(" {text}")).collect()
    }
}

fn whole(answer: Whole) -> Response<Body> {
    answer.map(|body| Full::new(body).map_err(BoxError::from).boxed_unsync())
}
