//! ACP's flat errors.

use crate::a402::words::words;
use crate::acp::VERSION;
use serde_json::{Value, json};

words! {
    /// Whose fault it is.
    ErrorKind {
        /// The request's.
        InvalidRequest = "invalid_request",
        /// Something failed while it was done.
        ProcessingError = "processing_error",
        /// Nobody can say now.
        ServiceUnavailable = "service_unavailable",
    }
}

/// An error: nothing was spent, or it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcpError {
    pub kind: ErrorKind,
    pub code: &'static str,
    pub message: String,
    /// A JSONPath in the request.
    pub param: Option<String>,
}

impl AcpError {
    /// An error of the request.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> AcpError {
        AcpError { kind: ErrorKind::InvalidRequest, code, message: message.into(), param: None }
    }

    /// Names the member that is meant.
    pub fn of(mut self, param: impl Into<String>) -> AcpError {
        self.param = Some(param.into());
        self
    }

    /// The body.
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "type": self.kind.as_str(), "code": self.code, "message": self.message });
        if let (Some(param), Value::Object(members)) = (&self.param, &mut body) {
            members.insert("param".to_owned(), Value::String(param.clone()));
        }
        body
    }

    /// The body where the version is the error: it says which ones there are.
    pub fn of_version() -> Value {
        json!({
            "type": ErrorKind::InvalidRequest.as_str(),
            "code": "unsupported_api_version",
            "message": "Nothing was done. `API-Version` names a version that is not spoken here.",
            "supported_versions": [VERSION],
        })
    }
}
