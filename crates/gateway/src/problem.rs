//! What people and programs read where they do not get what they asked for: RFC 9457, money first.

use crate::limits::RETRY_AFTER_SECONDS;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use wire::problem::{Next, NextAction, Problem};
use wire::version::PROBLEM_TYPE;

/// Declares the codes of the gateway: the closed list, and what each means to a program.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:ident $next:ident $title:literal;)*) => {
        /// Why a request was not served. The codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code as programs read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status,)* }
            }

            fn next(self) -> Next {
                match self { $(Code::$name => Next::$next,)* }
            }

            fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// It costs something, and nothing that counts as payment came with it.
    PaymentRequired "payment_required" PAYMENT_REQUIRED NewId "payment required";
    /// A proof came and does not count.
    ProofRefused "proof_refused" PAYMENT_REQUIRED NewId "proof refused";
    /// A voucher that nobody signed, or for what is not sold by voucher.
    VoucherRefused "voucher_refused" PAYMENT_REQUIRED NewId "voucher refused";
    /// A voucher for another sum than what everything comes to with this call.
    VoucherTotal "voucher_total" PAYMENT_REQUIRED NewId "voucher for another sum";
    /// A channel by which nothing can be paid here now.
    ChannelRefused "channel_refused" PAYMENT_REQUIRED NewId "channel refused";
    /// Another call of the channel is under way.
    ChannelBusy "channel_busy" CONFLICT SameId "channel busy";
    /// A payment that was lower for a coupon, which counts no more.
    CouponRefused "coupon_refused" PAYMENT_REQUIRED NewId "coupon refused";
    /// The payment headers contradict each other, or the idempotency key is not one.
    HeadersInvalid "payment_headers_invalid" BAD_REQUEST Stop "payment headers invalid";
    /// The path or the target cannot be routed without doubt.
    PathRefused "path_refused" BAD_REQUEST Stop "path refused";
    /// Nobody sells it here.
    NotSold "not_sold" NOT_FOUND Stop "not sold here";
    /// The path is sold by other methods.
    MethodRefused "method_not_sold" METHOD_NOT_ALLOWED Stop "method not sold";
    /// The price is for other kinds of content.
    ContentTypeRefused "content_type_refused" UNSUPPORTED_MEDIA_TYPE Stop "content type refused";
    /// The body is longer than the price allows.
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE Stop "body too large";
    /// The body did not arrive.
    BodyIncomplete "body_incomplete" BAD_REQUEST SameId "body incomplete";
    /// The upstream did not deliver what was paid for.
    UpstreamFailed "upstream_failed" BAD_GATEWAY NewId "not delivered";
    /// The upstream cannot be reached; nothing was to be paid.
    UpstreamUnreachable "upstream_unreachable" BAD_GATEWAY SameId "upstream unreachable";
    /// The payment service cannot be asked, or we are too busy.
    Unavailable "unavailable" SERVICE_UNAVAILABLE SameId "unavailable";
    /// Whoever asks is not a front that may.
    FrontRefused "front_refused" FORBIDDEN Stop "not a front";
    /// No delivery of that name is under way.
    DeliveryUnknown "delivery_unknown" NOT_FOUND Stop "delivery unknown";
    /// The delivery has ended the other way.
    DeliveryOver "delivery_over" CONFLICT Stop "delivery is over";
    /// Our own store failed.
    Internal "internal" INTERNAL_SERVER_ERROR SameId "internal";
}

/// An answer whose body is known.
pub(crate) type Whole = Response<Bytes>;

/// The answer for `code`, with a sentence that says what happened to the money, then why.
pub(crate) fn problem(code: Code, detail: impl Into<String>, livemode: bool) -> Whole {
    let problem = Problem {
        kind: format!("https://tollbridge.dev/errors/{}", code.as_str()),
        title: code.title().to_owned(),
        status: code.status().as_u16(),
        code: code.as_str().to_owned(),
        detail: detail.into(),
        param: None,
        request_id: None,
        retryable: code.next() == Next::SameId,
        next: code.next(),
        next_action: NextAction { kind: code.next(), url: None },
        rule: None,
        remaining: None,
        entry: None,
        repeated: None,
        a402: None,
        act: None,
        livemode,
    };
    let body = serde_json::to_vec(&problem).expect("a problem is JSON");
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = code.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if code == Code::Unavailable {
        headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_document() {
        let page = include_str!("../../../docs/selling.md");
        for code in Code::ALL {
            let row = format!("| `{}` | {} | ", code.as_str(), code.status().as_u16());
            assert!(page.contains(&row), "docs/selling.md has no row `{row}`");
        }
    }
}
