//! What callers read where they do not get an answer: in the manners of the API they called, money first.

use crate::limits::RETRY_AFTER_SECONDS;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use protocols::llm::Family;

/// Declares the codes: the closed list, with its status and the word that each family has for it.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:ident $openai:literal $anthropic:literal;)*) => {
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

            fn kind(self, family: Family) -> &'static str {
                match (self, family) {
                    $((Code::$name, Family::OpenAi) => $openai, (Code::$name, Family::Anthropic) => $anthropic,)*
                }
            }
        }
    };
}

codes! {
    /// No key came with the call: a deposit has to be paid first.
    PaymentRequired "payment_required" PAYMENT_REQUIRED "insufficient_quota" "billing_error";
    /// The deposits do not suffice for what the call can come to.
    InsufficientQuota "insufficient_quota" PAYMENT_REQUIRED "insufficient_quota" "billing_error";
    /// The proof of a deposit does not count.
    ProofRefused "proof_refused" PAYMENT_REQUIRED "invalid_request_error" "invalid_request_error";
    /// The key is not one of ours.
    KeyUnknown "invalid_api_key" UNAUTHORIZED "invalid_request_error" "authentication_error";
    /// The session was closed.
    SessionClosed "session_closed" FORBIDDEN "invalid_request_error" "permission_error";
    /// The request is malformed.
    Malformed "invalid_request" BAD_REQUEST "invalid_request_error" "invalid_request_error";
    /// The model has no price here.
    ModelUnknown "model_not_found" NOT_FOUND "invalid_request_error" "not_found_error";
    /// Nobody sells it here.
    NotSold "not_sold" NOT_FOUND "invalid_request_error" "not_found_error";
    /// The path is there for other methods.
    MethodRefused "method_not_allowed" METHOD_NOT_ALLOWED "invalid_request_error" "invalid_request_error";
    /// The body is too long.
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "invalid_request_error" "request_too_large";
    /// The idempotency key was used for another call.
    KeyReused "idempotency_key_reused" CONFLICT "invalid_request_error" "invalid_request_error";
    /// The same call is under way.
    InProgress "idempotency_key_in_progress" CONFLICT "invalid_request_error" "invalid_request_error";
    /// The upstream failed.
    UpstreamFailed "upstream_failed" BAD_GATEWAY "server_error" "api_error";
    /// The upstream did not answer in time.
    UpstreamTooSlow "upstream_timeout" GATEWAY_TIMEOUT "server_error" "api_error";
    /// The payment service cannot be asked, or we are too busy.
    Unavailable "unavailable" SERVICE_UNAVAILABLE "server_error" "overloaded_error";
    /// Our own store failed.
    Internal "internal" INTERNAL_SERVER_ERROR "server_error" "api_error";
}

/// An answer whose body is known.
pub(crate) type Whole = Response<Bytes>;

/// The answer for `code`, with a sentence that says what happened to the money, then why.
pub(crate) fn refusal(code: Code, family: Family, message: &str) -> Whole {
    let mut answer = json(code.status().as_u16(), &error_body(code, family, message));
    if code == Code::Unavailable {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    answer
}

/// What is in a refusal.
pub(crate) fn error_body(code: Code, family: Family, message: &str) -> serde_json::Value {
    family.error(code.kind(family), code.as_str(), message)
}

/// An answer of ours in JSON.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Whole {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = StatusCode::from_u16(status).expect("our statuses are statuses");
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
