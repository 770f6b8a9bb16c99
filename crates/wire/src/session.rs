//! Sessions: proving a key once, and a code for each request after.

use serde::{Deserialize, Serialize};

/// Asks for a session. The request itself is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// How long it is to last: at most 3,600, which is also the default.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 3600))]
    pub seconds: Option<u32>,
}

/// A session. Each request with it carries `Authorization: Toll <session>:<nonce>:<MAC>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Session {
    /// Names the session.
    pub session: String,
    /// The key of the MACs: 32 bytes in Base64URL. It is never sent again.
    pub secret: String,
    /// When it ends.
    pub expires_at: String,
    /// Whether real money is meant.
    pub livemode: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}, [secret])", self.session)
    }
}

/// Who is asking, as far as the server knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Me {
    /// `operator`, `owner`, `agent` or `payee`.
    pub kind: String,
    /// Whose key it is; absent for the operator.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The key.
    pub key: crate::id::KeyId,
    /// Whether the request was signed by itself, or sent in a session.
    pub presence: String,
    /// Whether real money is meant.
    pub livemode: bool,
}
