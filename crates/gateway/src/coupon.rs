//! What makes a request cost less: free calls, which are counted by caller, and coupons, which somebody presents.
//!
//! A caller is whoever the trusted front names; without one, the address a request came from. Addresses of version 6
//! count by their first 64 bits, which is what one household gets. A coupon is used by whoever pays.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::deliveries::{CouponUse, Couponed, FreeCall};
use crate::forward::{Behind, Body, COUPON, FREE, NotAnswered, strip_answer};
use crate::gateway::Inner;
use crate::paywall::{Order, whole};
use crate::pricing::Coupon;
use crate::problem::{Code, Whole};
use http::{HeaderName, HeaderValue, Response};
use std::net::IpAddr;
use std::sync::Arc;
use wire::HoldId;

/// What became of the coupon that a request presents.
pub(crate) enum Presented {
    /// It presents none.
    Nothing,
    /// It makes the bill lower.
    Counts(Coupon),
    /// It is refused, for this reason; the bill is what it is for everybody.
    DoesNotCount(&'static str),
}

impl Order {
    /// Who calls, as free calls count it.
    fn caller(&self) -> Option<String> {
        if let Some(caller) = &self.facts.caller {
            return Some(format!("name {}", caller.as_str()));
        }
        self.peer.map(caller_at)
    }
}

/// Who an address is, as free calls count it: of version 6 the first 64 bits, which is what one household gets.
pub fn caller_at(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address {address}"),
        IpAddr::V6(address) => {
            let household = address.to_bits() >> 64 << 64;
            format!("address {}/64", std::net::Ipv6Addr::from_bits(household))
        }
    }
}

impl Inner {
    /// Takes a free call for an order, if its caller has one. When this answers, the call is used, whatever happens.
    pub(crate) async fn free_call(&self, order: &Order) -> Result<Option<(FreeCall, u32)>, Whole> {
        let Some(calls) = order.price.free_calls else { return Ok(None) };
        let Some(caller) = order.caller() else { return Ok(None) };
        let call = FreeCall {
            resource_id: order.price.offer.resource_id.as_str().to_owned(),
            caller,
            period: calls.per.of(self.service.now()),
            count: calls.count,
        };
        match self.deliveries.take_free(call.clone()).await {
            Ok(left) => Ok(left.map(|left| (call, left))),
            Err(fault) => {
                tracing::error!(%fault, "a free call could not be counted");
                Err(self.problem(Code::Internal, "Nothing was spent. Free calls cannot be counted now."))
            }
        }
    }

    /// Answers a free call. One that delivers nothing is given back.
    pub(crate) async fn give(
        &self,
        order: Order,
        (call, left): (FreeCall, u32),
        behind: Arc<dyn Behind>,
    ) -> Response<Body> {
        self.metrics.free_calls.count();
        let key = HeaderValue::try_from(format!("free-{:032x}", rand::random::<u128>()));
        let request = order.request.into_request(&key.expect("letters and digits are a header"));
        let answer = tokio::time::timeout(self.timeout, behind.pass(request)).await;
        let answer = answer.map_err(|_| NotAnswered::TooSlow).and_then(|answer| answer);
        let is_given = answer.as_ref().is_ok_and(|answer| {
            answer.status().is_success()
                || (answer.status().is_client_error() && order.price.charge_client_errors)
        });
        let left = if is_given { left } else { left + 1 };
        if !is_given && let Err(fault) = self.deliveries.give_back_free(call).await {
            tracing::error!(%fault, "a free call could not be given back");
        }
        let mut answer = match answer {
            Ok(mut answer) => {
                strip_answer(answer.headers_mut());
                answer
            }
            Err(fault) => whole(self.problem(
                Code::UpstreamUnreachable,
                format!("Nothing was spent. The service behind this address failed: {fault}."),
            )),
        };
        let per = order.price.free_calls.map_or("ever", |calls| calls.per.as_str());
        let said = HeaderValue::try_from(format!("left={left}; per={per}"));
        answer
            .headers_mut()
            .insert(HeaderName::from_static(FREE), said.expect("letters and digits are a header"));
        answer
    }

    /// Whether the coupon of a request counts now. Whoever pays with it uses it; asking uses nothing.
    pub(crate) async fn coupon_for(&self, order: &Order) -> Result<Presented, Whole> {
        let mut values = order.request.headers.get_all(COUPON).iter();
        let code = match (values.next(), values.next()) {
            (None, _) => return Ok(Presented::Nothing),
            (Some(value), None) => value.to_str().unwrap_or_default(),
            (Some(_), Some(_)) => {
                let detail = format!("Nothing was spent. `{COUPON}` is there more than once.");
                return Err(self.problem(Code::HeadersInvalid, detail));
            }
        };
        let Some(coupon) = self.config.coupons.iter().find(|coupon| coupon.code == code) else {
            return Ok(Presented::DoesNotCount("there is none of that code"));
        };
        if coupon.until.is_some_and(|until| until <= self.service.now()) {
            return Ok(Presented::DoesNotCount("its time is over"));
        }
        let asked = CouponUse {
            trade_no: HoldId(0),
            code: coupon.code.clone(),
            buyer: order.facts.caller.as_ref().map_or(String::new(), |caller| caller.as_str().to_owned()),
            off: coupon.off.of(order.price.minor(&self.config.seller.asset)),
            budget: coupon.budget_minor,
            once: coupon.once_per_caller,
        };
        match self.deliveries.may_use(asked).await {
            Ok(Couponed::Used) => Ok(Presented::Counts(coupon.clone())),
            Ok(Couponed::BudgetSpent) => Ok(Presented::DoesNotCount("it has nothing left to give")),
            Ok(Couponed::UsedBefore) => Ok(Presented::DoesNotCount("you have used it before")),
            Ok(Couponed::SwitchedOff) => Ok(Presented::DoesNotCount("its seller has switched it off")),
            Err(fault) => {
                tracing::error!(%fault, "a coupon could not be looked up");
                Err(self.problem(Code::Internal, "Nothing was spent. Coupons cannot be looked up now."))
            }
        }
    }
}
