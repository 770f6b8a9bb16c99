//! What a request gets: nothing, its price, a bill, or its turn with what it paid.
//!
//! Everything that can refuse a request comes before a bill.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::acceptance::put_quote;
use crate::config::Config;
use crate::coupon::Presented;
use crate::dialects::{Billed, Dialect};
use crate::discovery;
use crate::flight::Task;
use crate::forward::{Behind, Body, NotAnswered, PaidRequest, full, strip_answer, strip_payment};
use crate::gateway::Inner;
use crate::limits::{BODIES_KIB_MAX, REQUEST_BODY_TIMEOUT};
use crate::pricing::Price;
use crate::problem::{Code, Whole, problem};
use crate::route::{Path, Route};
use crate::tariff::Tariff;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use pricing::Sealed;
use protocols::Time;
use protocols::a402::headers::{Aliases, HeaderRole, PAYMENT_NEEDED, PAYMENT_NEEDED_ALIAS, find};
use protocols::a402::{Identifier, MethodLayer, RequestFacts};
use protocols::mpp::session::Unit;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Whoever sends it wants to know the price only: no free call is used up, and no buyer is counted.
const PRICE_ONLY: &str = "tollbridge-price-only";

/// Where a host names the sellers whose services are called there.
const PROOF_PATH: &str = "/.well-known/tollbridge.json";

/// A request for something that is sold, read whole and found acceptable.
pub(crate) struct Order {
    pub(crate) price: Arc<Price>,
    pub(crate) facts: RequestFacts,
    /// Whose connection it came over, where that is known.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) request: PaidRequest,
}

impl Inner {
    /// Answers one request, which whoever is `behind` gets when it may pass.
    pub(crate) async fn answer(
        self: &Arc<Inner>,
        request: Request<Body>,
        behind: Arc<dyn Behind>,
    ) -> Response<Body> {
        self.metrics.requests.count();
        let request = match self.own(request).await {
            Ok(own) => return whole(own),
            Err(others) => others,
        };
        let path = match Path::read(request.uri().path()) {
            Ok(path) => path,
            Err(fault) => {
                return self
                    .refuse(Code::PathRefused, format!("Nothing was spent. It cannot be sold: {fault}."));
            }
        };
        match self.config.routes.route(request.method().as_str(), &path) {
            Route::Priced(price) => {
                let mut request = request;
                let target = request.uri().clone();
                let dialect = match self.take_proof(request.headers_mut()) {
                    Ok(dialect) => dialect,
                    Err(refusal) => return whole(refusal),
                };
                let mut answer = match &dialect {
                    Dialect::Session(credential) => {
                        self.serve_session(request, price, credential, behind).await
                    }
                    Dialect::A402 | Dialect::X402(_) | Dialect::NotX402(_) | Dialect::Mpp => {
                        self.sell(request, price, behind).await.unwrap_or_else(whole)
                    }
                };
                self.say_in_all(&dialect, &target, &mut answer);
                answer
            }
            Route::PriceOnly(price) => match self.facts(&Method::GET, &request, b"") {
                Ok(facts) => {
                    let mut bill = self.bill(&price, &facts);
                    self.say_in_all(&Dialect::A402, request.uri(), &mut bill);
                    bill.map(|_no_body| full(Bytes::new()))
                }
                Err(answer) => whole(answer),
            },
            Route::Free => self.pass(request, &*behind).await,
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

    /// Our own pages: whether we live, what we did, and what fronts ask. Answers the request where it is not for us.
    async fn own(self: &Arc<Inner>, request: Request<Body>) -> Result<Whole, Request<Body>> {
        let prefix = &self.config.seller.own_prefix;
        let is_ours = |path: &str| {
            path.strip_prefix(prefix.as_str()).is_some_and(|page| page.is_empty() || page.starts_with('/'))
        };
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            match request.uri().path() {
                PROOF_PATH => return Ok(self.proof()),
                discovery::PATH if self.config.seller.discovery => {
                    let Config { seller, routes, .. } = &self.config;
                    return Ok(as_json(discovery::document(seller, &routes.prices)));
                }
                _ => {}
            }
        }
        if !is_ours(request.uri().path()) {
            return Err(request);
        }
        let (request, _unread) = request.into_parts();
        let page = request.uri.path().get(prefix.len()..).unwrap_or_default();
        let text = match (&request.method, page) {
            (&Method::GET | &Method::HEAD, "/healthz") => "ok\n".to_owned(),
            (&Method::GET | &Method::HEAD, "/metrics") => self.metrics.text(),
            (method, page) if channel_closed(page).is_some() => {
                let id = channel_closed(page).unwrap_or_default();
                return Ok(match self.close_for_buyer(method, &request.headers, id).await {
                    Ok(answer) | Err(answer) => answer,
                });
            }
            (_, page) => {
                return Ok(match self.front(&request, page).await {
                    Some(answer) => answer,
                    None => self.problem(Code::NotSold, "Nothing was spent. There is no such page."),
                });
            }
        };
        let mut answer = Response::new(Bytes::from(text));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer)
    }

    /// Whose services are called here: what the market reads.
    fn proof(&self) -> Whole {
        as_json(serde_json::json!({ "payees": [self.config.seller.payee.to_string()] }).to_string())
    }

    /// Passes a request on for nothing, as it comes, and the answer back as it comes.
    async fn pass(&self, mut request: Request<Body>, behind: &dyn Behind) -> Response<Body> {
        self.metrics.free.count();
        strip_payment(request.headers_mut());
        let answer = tokio::time::timeout(self.timeout, behind.pass(request)).await;
        match answer.map_err(|_| NotAnswered::TooSlow).and_then(|answer| answer) {
            Ok(mut answer) => {
                strip_answer(answer.headers_mut());
                answer
            }
            Err(fault) => whole(self.problem(
                Code::UpstreamUnreachable,
                format!("Nothing was spent. The service behind this address failed: {fault}."),
            )),
        }
    }

    pub(crate) fn refuse(&self, code: Code, detail: impl Into<String>) -> Response<Body> {
        self.metrics.refused.count();
        whole(self.problem(code, detail))
    }

    pub(crate) fn problem(&self, code: Code, detail: impl Into<String>) -> Whole {
        problem(code, detail, self.livemode)
    }

    /// Gives a request that is free, bills it, or serves it for its proof. `Err` is the answer that ended it early.
    async fn sell(
        self: &Arc<Inner>,
        request: Request<Body>,
        price: Arc<Price>,
        behind: Arc<dyn Behind>,
    ) -> Result<Response<Body>, Whole> {
        let proof = self.proof_of(request.headers())?;
        let voucher = self.voucher_of(request.headers())?;
        let order = self.order(request, price).await?;
        if let Some(voucher) = voucher {
            if proof.is_some() {
                let detail = "Nothing was spent. A request is paid in one way: by proof, or by voucher.";
                return Err(self.problem(Code::HeadersInvalid, detail));
            }
            return Ok(whole(self.sell_by_voucher(order, voucher, behind).await));
        }
        let Some(proof) = proof else {
            if order.request.headers.contains_key(PRICE_ONLY) {
                self.metrics.looks.count();
            } else if let Some(free) = self.free_call(&order).await? {
                return Ok(self.give(order, free, behind).await);
            }
            return Ok(whole(self.bill_of(&order).await?));
        };
        let task = Task::Call(Box::new(order.request.clone()), behind);
        Ok(self.serve_paid(&order, proof, task).await)
    }

    /// The proof that came with a request, if any.
    pub(crate) fn proof_of(&self, headers: &http::HeaderMap) -> Result<Option<String>, Whole> {
        let named = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let found = find(HeaderRole::Proof, self.config.seller.aliases, named);
        let found = found
            .map_err(|fault| self.problem(Code::HeadersInvalid, format!("Nothing was spent. {fault}.")))?;
        Ok(found.map(str::to_owned))
    }

    /// The bill for an order: lower with a coupon that counts.
    pub(crate) async fn bill_of(&self, order: &Order) -> Result<Whole, Whole> {
        match self.coupon_for(order).await? {
            Presented::Nothing => Ok(self.bill(&order.price, &order.facts)),
            Presented::Counts(coupon) => {
                self.metrics.coupons.count();
                let price = order.price.with_coupon(&coupon, &self.config.seller.asset);
                Ok(self.bill(&price, &order.facts))
            }
            Presented::DoesNotCount(why) => {
                self.metrics.bills.count();
                let detail = format!(
                    "Nothing was spent. Your coupon does not count: {why}. Without it this costs {}.{}",
                    order.price.in_words,
                    order.price.terms_in_words()
                );
                let answer = self.problem(Code::PaymentRequired, detail);
                Ok(self.with_bill(answer, &order.price, &order.facts))
            }
        }
    }

    /// Reads a request whole, if it is one that would be served.
    pub(crate) async fn order(&self, request: Request<Body>, price: Arc<Price>) -> Result<Order, Whole> {
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
        let announced = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        let room = self.room_for(announced.unwrap_or(price.body_bytes_max).min(price.body_bytes_max)).await?;
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
        let peer = parts.extensions.get::<listen::Peer>().map(|peer| peer.0);
        Ok(Order {
            price,
            facts,
            peer,
            request: PaidRequest {
                method: parts.method,
                uri: parts.uri,
                headers: parts.headers,
                extensions: parts.extensions,
                body,
                _room: room.map(Arc::new),
            },
        })
    }

    /// Waits for room for so many bytes, which count until nobody needs the body any more.
    async fn room_for(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Whole> {
        if bytes == 0 {
            return Ok(None);
        }
        let kib = u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX).min(BODIES_KIB_MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib);
        match tokio::time::timeout(REQUEST_BODY_TIMEOUT, room).await {
            Ok(Ok(room)) => Ok(Some(room)),
            Ok(Err(_)) | Err(_) => {
                let detail = "Nothing was spent. There is no room for the body now.";
                Err(self.problem(Code::Unavailable, detail))
            }
        }
    }

    /// What a payment for this request is bound to.
    pub(crate) fn facts<B>(
        &self,
        method: &Method,
        request: &Request<B>,
        body: &[u8],
    ) -> Result<RequestFacts, Whole> {
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
    pub(crate) fn bill(&self, price: &Price, facts: &RequestFacts) -> Whole {
        self.metrics.bills.count();
        let detail = format!("Nothing was spent. This costs {}.{}", price.in_words, price.terms_in_words());
        self.with_bill(self.problem(Code::PaymentRequired, detail), price, facts)
    }

    pub(crate) fn with_bill(&self, mut answer: Whole, price: &Price, facts: &RequestFacts) -> Whole {
        let window = Time::from_seconds(self.config.seller.pay_window_seconds.into());
        let pay_before = self.service.now().after(window.0);
        let demand = price.offer.bill(facts, &self.bill_key, rand::random(), pay_before);
        let quote = self.quote(price, &demand);
        let terms = self.terms_of(price, quote.as_ref().map(Sealed::name));
        let is_exact = !terms.members().contains_key("capture");
        let billed = Billed { demand: demand.clone(), is_exact, by_session: price.by_session() };
        let needed = demand.sign(terms, &self.seller_key).and_then(|needed| needed.encode());
        match needed {
            Ok(needed) => {
                answer.extensions_mut().insert(billed);
                quote.into_iter().for_each(|quote| put_quote(answer.headers_mut(), &quote));
                self.put(&mut answer, (PAYMENT_NEEDED, PAYMENT_NEEDED_ALIAS), &needed);
                answer
            }
            // Only what the buyer sent can make a bill that no header carries.
            Err(fault) => self
                .problem(Code::HeadersInvalid, format!("Nothing was spent. It cannot be billed: {fault}.")),
        }
    }

    /// The terms of a bill, and how the price is found where the bill says only the most it can be.
    fn terms_of(&self, price: &Price, quote: Option<&str>) -> MethodLayer {
        let terms = self.config.seller.terms().to_layer();
        let terms = match price.by_session() {
            Some((nanos, Unit::Call)) => {
                self.config.vouchers.offer(nanos, &self.config.seller.own_prefix).put(terms)
            }
            Some((_, Unit::Event)) | None => terms,
        };
        let up_to = |of: &str| {
            let mut members = terms.members().clone();
            members.insert("capture".to_owned(), "up_to".into());
            members.insert("price".to_owned(), of.into());
            members
        };
        let terms_of_answer = quote.map(|quote| {
            let mut members = up_to(&price.in_words);
            members.insert("quote".to_owned(), quote.into());
            MethodLayer::new(members).expect("seven members are not none")
        });
        match &price.tariff {
            Tariff::PerCall => terms_of_answer.unwrap_or(terms),
            Tariff::PerUnit(_) => MethodLayer::new(up_to(&price.in_words)).expect("six members are not none"),
        }
    }

    pub(crate) fn put(&self, answer: &mut Whole, (name, alias): (&'static str, &'static str), value: &str) {
        let Ok(value) = HeaderValue::try_from(value) else {
            return; // Base64URL always is one
        };
        let both = self.config.seller.aliases == Aliases::On;
        for name in std::iter::once(name).chain(both.then_some(alias)) {
            let name = HeaderName::try_from(name).expect("our names are header names");
            answer.headers_mut().insert(name, value.clone());
        }
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

impl Price {
    pub(crate) fn terms_in_words(&self) -> String {
        let texts = [&self.description, &self.delivery, &self.refund];
        let texts = texts.into_iter().filter(|text| !text.is_empty());
        let texts: String = texts.map(|text| format!(" {text}")).collect();
        texts + &self.acceptance_in_words()
    }
}

/// The channel that a page of ours closes.
fn channel_closed(page: &str) -> Option<&str> {
    page.strip_prefix("/channels/")?.strip_suffix("/close")
}

fn as_json(text: String) -> Whole {
    let mut answer = Response::new(Bytes::from(text));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

pub(crate) fn whole(answer: Whole) -> Response<Body> {
    answer.map(full)
}
