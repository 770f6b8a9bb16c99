//! No, as A2A says it: one list, in the words of JSON-RPC and in those of HTTP.

use super::fields::Violation;
use serde_json::{Map, Value, json};

/// The domain of every reason.
const DOMAIN: &str = "a2a-protocol.org";

/// Why a call was not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no JSON with a single meaning.
    #[error("the request is no JSON that has one meaning")]
    Parse,
    /// It is JSON, and no request.
    #[error("the request is not valid: {0}")]
    Request(String),
    /// There is no such method.
    #[error("there is no such method")]
    Method,
    /// A parameter is wrong.
    #[error("the parameters are not valid: {0}")]
    Params(#[from] Violation),
    /// There is no such task, or not for whoever asks: nobody is told which.
    #[error("there is no such task")]
    TaskNotFound,
    /// The task is over, or under way with money in it.
    #[error("the task cannot be canceled: {0}")]
    TaskNotCancelable(String),
    /// Nobody is told about tasks at an address of theirs.
    #[error("this agent sends no push notifications")]
    PushNotificationNotSupported,
    /// The agent does not do that, or not now.
    #[error("{0}")]
    UnsupportedOperation(String),
    /// The agent does not take what the parts are.
    #[error("{0}")]
    ContentTypeNotSupported(String),
    /// The agent said it has another card for those it knows, and has none.
    #[error("this agent has no extended card")]
    ExtendedAgentCardNotConfigured,
    /// The client has to name an extension.
    #[error("the extension `{0}` is needed")]
    ExtensionSupportRequired(String),
    /// The client speaks another version.
    #[error("this agent speaks A2A 1.0: say so in `A2A-Version`")]
    VersionNotSupported,
    /// Whoever asks shows something that is no key.
    #[error("`Authorization` has to be `Bearer` and a key of 16 to 512 characters that nobody else has")]
    Unauthenticated,
    /// Too much is under way.
    #[error("there is no room for this now: ask again later")]
    Busy,
    /// We failed.
    #[error("the agent failed")]
    Internal,
}

impl Fault {
    /// Its code in JSON-RPC.
    pub fn rpc_code(&self) -> i32 {
        match self {
            Fault::Parse => -32700,
            Fault::Request(_) => -32600,
            Fault::Method => -32601,
            Fault::Params(_) => -32602,
            Fault::Internal => -32603,
            Fault::TaskNotFound => -32001,
            Fault::TaskNotCancelable(_) => -32002,
            Fault::PushNotificationNotSupported => -32003,
            Fault::UnsupportedOperation(_) => -32004,
            Fault::ContentTypeNotSupported(_) => -32005,
            Fault::ExtendedAgentCardNotConfigured => -32007,
            Fault::ExtensionSupportRequired(_) => -32008,
            Fault::VersionNotSupported => -32009,
            // Not of A2A: from the numbers that it leaves to servers.
            Fault::Unauthenticated => -32098,
            Fault::Busy => -32099,
        }
    }

    /// Its status in HTTP, as a number and in the words of `google.rpc.Code`.
    pub fn http_code(&self) -> (u16, &'static str) {
        match self {
            Fault::Parse | Fault::Request(_) | Fault::Params(_) | Fault::ContentTypeNotSupported(_) => {
                (400, "INVALID_ARGUMENT")
            }
            Fault::Method => (404, "NOT_FOUND"),
            Fault::TaskNotFound => (404, "NOT_FOUND"),
            Fault::TaskNotCancelable(_)
            | Fault::PushNotificationNotSupported
            | Fault::UnsupportedOperation(_)
            | Fault::ExtendedAgentCardNotConfigured
            | Fault::ExtensionSupportRequired(_)
            | Fault::VersionNotSupported => (400, "FAILED_PRECONDITION"),
            Fault::Unauthenticated => (401, "UNAUTHENTICATED"),
            Fault::Busy => (503, "UNAVAILABLE"),
            Fault::Internal => (500, "INTERNAL"),
        }
    }

    /// What A2A calls it, where it has a name for it.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Fault::TaskNotFound => Some("TASK_NOT_FOUND"),
            Fault::TaskNotCancelable(_) => Some("TASK_NOT_CANCELABLE"),
            Fault::PushNotificationNotSupported => Some("PUSH_NOTIFICATION_NOT_SUPPORTED"),
            Fault::UnsupportedOperation(_) => Some("UNSUPPORTED_OPERATION"),
            Fault::ContentTypeNotSupported(_) => Some("CONTENT_TYPE_NOT_SUPPORTED"),
            Fault::ExtendedAgentCardNotConfigured => Some("EXTENDED_AGENT_CARD_NOT_CONFIGURED"),
            Fault::ExtensionSupportRequired(_) => Some("EXTENSION_SUPPORT_REQUIRED"),
            Fault::VersionNotSupported => Some("VERSION_NOT_SUPPORTED"),
            Fault::Parse
            | Fault::Request(_)
            | Fault::Method
            | Fault::Params(_)
            | Fault::Unauthenticated
            | Fault::Busy
            | Fault::Internal => None,
        }
    }

    fn details(&self) -> Vec<Value> {
        let info = self.reason().map(|reason| {
            json!({ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": DOMAIN })
        });
        let violation = match self {
            Fault::Params(violation) => Some(json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{ "field": violation.field, "description": violation.description }],
            })),
            Fault::Parse
            | Fault::Request(_)
            | Fault::Method
            | Fault::TaskNotFound
            | Fault::TaskNotCancelable(_)
            | Fault::PushNotificationNotSupported
            | Fault::UnsupportedOperation(_)
            | Fault::ContentTypeNotSupported(_)
            | Fault::ExtendedAgentCardNotConfigured
            | Fault::ExtensionSupportRequired(_)
            | Fault::VersionNotSupported
            | Fault::Unauthenticated
            | Fault::Busy
            | Fault::Internal => None,
        };
        info.into_iter().chain(violation).collect()
    }

    /// The answer of JSON-RPC to the request of this id.
    pub fn to_rpc(&self, id: &Value) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.rpc_code().into());
        error.insert("message".to_owned(), self.to_string().into());
        let details = self.details();
        if !details.is_empty() {
            error.insert("data".to_owned(), details.into());
        }
        json!({ "jsonrpc": "2.0", "id": id, "error": error })
    }

    /// The body of the answer over HTTP.
    pub fn to_rest(&self) -> Value {
        let (code, status) = self.http_code();
        json!({
            "error": { "code": code, "status": status, "message": self.to_string(), "details": self.details() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a2a_names_has_its_code_in_both_bindings() {
        for (fault, rpc, http, reason) in [
            (Fault::TaskNotFound, -32001, 404, "TASK_NOT_FOUND"),
            (Fault::TaskNotCancelable(String::new()), -32002, 400, "TASK_NOT_CANCELABLE"),
            (Fault::PushNotificationNotSupported, -32003, 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
            (Fault::UnsupportedOperation(String::new()), -32004, 400, "UNSUPPORTED_OPERATION"),
            (Fault::ContentTypeNotSupported(String::new()), -32005, 400, "CONTENT_TYPE_NOT_SUPPORTED"),
            (Fault::ExtendedAgentCardNotConfigured, -32007, 400, "EXTENDED_AGENT_CARD_NOT_CONFIGURED"),
            (Fault::ExtensionSupportRequired(String::new()), -32008, 400, "EXTENSION_SUPPORT_REQUIRED"),
            (Fault::VersionNotSupported, -32009, 400, "VERSION_NOT_SUPPORTED"),
        ] {
            let said = fault.to_rpc(&json!("id"));
            assert_eq!((&said["id"], &said["error"]["code"]), (&json!("id"), &json!(rpc)));
            let info = json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "a2a-protocol.org",
            });
            assert_eq!(said["error"]["data"], json!([info]));
            let said = fault.to_rest();
            assert_eq!((&said["error"]["code"], &said["error"]["details"]), (&json!(http), &json!([info])));
        }
        let said = Fault::Params(Violation::new("message.parts", "has no entry")).to_rpc(&Value::Null);
        assert_eq!(said["error"]["code"], -32602);
        assert_eq!(said["error"]["data"][0]["fieldViolations"][0]["field"], "message.parts");
        assert_eq!(Fault::Parse.to_rpc(&Value::Null)["error"].get("data"), None);
    }
}
