//! The price for web servers that ask before they answer, as nginx does with `auth_request`: a check, and how it ended.
//!
//! The front asks about a request that it has, without its body. A 2xx means: answer it, and then say under the name in
//! `Tollbridge-Delivery` whether it was delivered. Silence is no delivery: after a while the money goes back. Only who knows
//! the secret is answered here, because whoever may say that nothing was delivered gets money back.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::deliveries::{Delivery, Ending, Measured, Stage};
use crate::dialects::Dialect;
use crate::flight::Task;
use crate::forward::{Body, FREE, FRONT, full};
use crate::gateway::Inner;
use crate::pricing::{Off, Price};
use crate::problem::{Code, Whole};
use crate::route::{Path, Route};
use crate::tariff::{Tariff, Units};
use bytes::Bytes;
use evidence::{MacKey, Secret};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use protocols::Time;
use std::sync::Arc;
use wire::HoldId;

/// The header in which a front says by which method it was asked.
const METHOD: &str = "x-original-method";

/// The header in which a front says what it was asked for.
const URI: &str = "x-original-uri";

/// The header that says the status that belongs to an answer, where a front takes no other than 401 and 403.
const STATUS: &str = "tollbridge-status";

impl Inner {
    /// Answers a front. None where there is no such page.
    pub(crate) async fn front(self: &Arc<Inner>, request: &Parts, page: &str) -> Option<Whole> {
        let secret = self.front_secret.as_ref()?;
        let parts: Vec<&str> = page.split('/').skip(1).collect();
        let is_known = matches!(*parts, ["check"] | ["deliveries", _, "confirm" | "void"]);
        if !is_known {
            return None;
        }
        let said = request.headers.get(FRONT).map_or(&b""[..], HeaderValue::as_bytes);
        if !same(secret.as_bytes(), said) {
            return Some(
                self.problem(Code::FrontRefused, "Nothing was spent. Only fronts with the secret may ask."),
            );
        }
        Some(match *parts {
            ["deliveries", id, ending] if request.method == Method::POST => {
                let units = request.uri.query().and_then(|query| query.strip_prefix("units="));
                match self.end_of(id, ending == "confirm", units).await {
                    Ok(answer) | Err(answer) => answer,
                }
            }
            ["deliveries", ..] => self.problem(Code::MethodRefused, "Nothing was changed. This takes POST."),
            _ => {
                let answer = match self.check_for(request).await {
                    Ok(answer) | Err(answer) => answer,
                };
                if request.uri.query() == Some("for=nginx") { for_nginx(answer) } else { answer }
            }
        })
    }

    /// Whether a front may answer a request, and under which name.
    async fn check_for(self: &Arc<Inner>, asked: &Parts) -> Result<Whole, Whole> {
        let wrong = |why: &str| self.problem(Code::HeadersInvalid, format!("Nothing was spent. {why}"));
        let original = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(method), Some(uri)) = (original(METHOD), original(URI)) else {
            return Err(wrong("A front says `X-Original-Method` and `X-Original-URI`."));
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| wrong("The method is none."))?;
        let uri: Uri = uri.parse().map_err(|_| wrong("The address is none."))?;
        let has_body = original(CONTENT_LENGTH.as_str()).is_some_and(|length| !matches!(length, "" | "0"));
        if has_body || asked.headers.contains_key(TRANSFER_ENCODING) {
            return Err(wrong(
                "A request with a body cannot be sold through a front, which does not have it.",
            ));
        }
        let mut request = Request::new(full(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = asked.headers.clone();
        request.headers_mut().remove(CONTENT_LENGTH);
        if let Some(peer) = asked.extensions.get::<listen::Peer>() {
            request.extensions_mut().insert(*peer);
        }
        let path = Path::read(request.uri().path()).map_err(|fault| {
            self.problem(Code::PathRefused, format!("Nothing was spent. It cannot be sold: {fault}."))
        })?;
        match self.config.routes.route(request.method().as_str(), &path) {
            Route::Priced(price) => {
                let target = request.uri().clone();
                let dialect = self.take_proof(request.headers_mut())?;
                if let Dialect::Session(_) = dialect {
                    return Err(self.no_vouchers_here());
                }
                let mut answer = self.sell_by_front(request, price).await.unwrap_or_else(|refusal| refusal);
                self.say_in_all(&dialect, &target, &mut answer);
                Ok(answer)
            }
            Route::PriceOnly(price) => {
                let mut bill = self.bill(&price, &self.facts(&Method::GET, &request, b"")?);
                self.say_in_all(&Dialect::A402, request.uri(), &mut bill);
                Ok(bill)
            }
            Route::Free => {
                self.metrics.free.count();
                Ok(passed())
            }
            Route::Refused => Err(self.problem(Code::NotSold, "Nothing was spent. This is not sold here.")),
            Route::MethodRefused(methods) => {
                let detail = format!("Nothing was spent. This is sold by {} only.", methods.join(", "));
                Err(self.problem(Code::MethodRefused, detail))
            }
        }
    }

    fn no_vouchers_here(&self) -> Whole {
        let detail = "Nothing was spent. Vouchers are not taken where a web server asks before it answers.";
        self.problem(Code::VoucherRefused, detail)
    }

    async fn sell_by_front(
        self: &Arc<Inner>,
        request: Request<Body>,
        price: Arc<Price>,
    ) -> Result<Whole, Whole> {
        let proof = self.proof_of(request.headers())?;
        if self.voucher_of(request.headers())?.is_some() {
            return Err(self.no_vouchers_here());
        }
        // Whoever asks delivers by himself, so nobody here could say what the answer meets.
        if price.terms.is_some() {
            let detail = "Nothing was spent. What is sold on terms is not sold where a web server asks before it answers.";
            return Err(self.problem(Code::NotSold, detail));
        }
        // Whoever asks delivers by himself, so nobody here could keep the answer to a voucher.
        let price = match price.by_voucher {
            Some(_) => Arc::new(Price { by_voucher: None, ..Price::clone(&price) }),
            None => price,
        };
        let order = self.order(request, price).await?;
        let Some(proof) = proof else {
            if let Some((call, left)) = self.free_call(&order).await? {
                self.metrics.free_calls.count();
                let mut answer = passed();
                let per = if call.period.is_empty() { "ever" } else { &*call.period };
                let said = HeaderValue::try_from(format!("left={left}; per={per}"));
                let said = said.expect("letters and digits are a header");
                answer.headers_mut().insert(HeaderName::from_static(FREE), said);
                return Ok(answer);
            }
            return self.bill_of(&order).await;
        };
        let deadline = Time::from_seconds(self.config.seller.front_deadline_seconds.into());
        let task = Task::Front { until: self.service.now().after(deadline.0) };
        let (parts, body) = self.serve_paid(&order, proof, task).await.into_parts();
        let body = body.collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
        Ok(Response::from_parts(parts, body))
    }

    /// Takes a front's word for how a delivery ended.
    async fn end_of(&self, id: &str, delivered: bool, units: Option<&str>) -> Result<Whole, Whole> {
        let unknown =
            || self.problem(Code::DeliveryUnknown, "Nothing was changed. There is no such delivery.");
        let failed = |fault| {
            tracing::error!(%fault, "a delivery could not be ended");
            self.problem(Code::Internal, "Nothing was changed. The store of deliveries failed.")
        };
        let trade_no: HoldId = id.parse().map_err(|_| unknown())?;
        let found = self.deliveries.find(trade_no).await.map_err(failed)?.ok_or_else(unknown)?;
        let stage = if delivered { Stage::Delivered } else { Stage::Failed };
        let measured = if delivered { self.measured_by_front(&found, units) } else { None };
        let ending = Ending { trade_no, stage, body: None, measured };
        if self.deliveries.finish(ending).await.map_err(failed)? {
            self.ended(trade_no, stage).await;
            return Ok(passed());
        }
        let ended = self.deliveries.find(trade_no).await.map_err(failed)?.ok_or_else(unknown)?;
        let is_same = match ended.stage {
            Stage::Delivered | Stage::Confirmed | Stage::Unsettled => delivered,
            Stage::Failed | Stage::Voided => !delivered,
            Stage::Begun => false,
        };
        if is_same {
            return Ok(passed());
        }
        Err(self.problem(Code::DeliveryOver, "Nothing was changed. The delivery has ended the other way."))
    }

    /// What a delivery costs whose price depends on units that only the front can count.
    fn measured_by_front(&self, begun: &Delivery, units: Option<&str>) -> Option<Measured> {
        let held = begun.measured.as_ref()?.held;
        let sold = self.config.routes.prices.iter().find_map(|price| {
            if price.offer.resource_id.as_str() == begun.resource_id {
                return Some((price, None));
            }
            let code = price.coupon_of(&begun.resource_id)?;
            let off = self.config.coupons.iter().find(|coupon| coupon.code == code).map(|coupon| coupon.off);
            Some((price, off))
        });
        let units = units.and_then(Units::parse);
        let Some((price, off)) = sold.filter(|(price, _)| price.tariff != Tariff::PerCall) else {
            // Nobody knows the price any more, so it costs nothing.
            return Some(Measured { held, charged: 0, units: None, off: None });
        };
        let off: Option<Off> = off;
        Some(self.measured(held, price, units, off))
    }
}

/// Compares two secrets, and says nothing by the time it takes.
fn same(one: &[u8], other: &[u8]) -> bool {
    let key = MacKey::new(&Secret::new(rand::random()));
    key.verify(other, &key.mac(one)).is_ok()
}

fn passed() -> Whole {
    let mut answer = Response::new(Bytes::new());
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The same answer with a status that nginx understands: it takes 401 and 403 for a no, and all others for an accident.
fn for_nginx(mut answer: Whole) -> Whole {
    let status = answer.status();
    if status.is_success() {
        return answer;
    }
    answer.headers_mut().insert(HeaderName::from_static(STATUS), HeaderValue::from(status.as_u16()));
    *answer.status_mut() = match status {
        StatusCode::PAYMENT_REQUIRED => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_itself_and_no_other() {
        for (one, other, is_same) in
            [("a", "a", true), ("a", "b", false), ("a", "", false), ("a", "aa", false), ("aa", "a", false)]
        {
            assert_eq!(same(one.as_bytes(), other.as_bytes()), is_same, "{one} {other}");
        }
    }

    #[test]
    fn nginx_is_told_no_in_its_own_words() {
        for (status, told) in [(200, 200), (402, 401), (404, 403), (503, 403)] {
            let mut answer = passed();
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            let answer = for_nginx(answer);
            assert_eq!(answer.status().as_u16(), told);
            let said = answer.headers().get(STATUS).map(|said| said.to_str().unwrap().to_owned());
            assert_eq!(said, (status != 200).then(|| status.to_string()));
        }
    }
}
