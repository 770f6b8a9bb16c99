//! The three headers, their older names, and the rule that one request pays in one way.

use super::error::ErrorId;

/// Sent by a seller with a 402.
pub const PAYMENT_NEEDED: &str = "Payment-Needed";
/// Sent by a buyer on the second request.
pub const PAYMENT_PROOF: &str = "Payment-Proof";
/// Sent by a seller with the answer to a proof, good or bad.
pub const PAYMENT_VALIDATION: &str = "Payment-Validation";

/// What ACT 2.0 drafts called [`PAYMENT_NEEDED`]; x402 v2 has a header of the same name.
pub const PAYMENT_NEEDED_ALIAS: &str = "PAYMENT-REQUIRED";
/// What ACT 2.0 drafts called [`PAYMENT_PROOF`]; x402 v2 has a header of the same name.
pub const PAYMENT_PROOF_ALIAS: &str = "PAYMENT-SIGNATURE";
/// What ACT 2.0 drafts called [`PAYMENT_VALIDATION`]; x402 v2 has a header of the same name.
pub const PAYMENT_VALIDATION_ALIAS: &str = "PAYMENT-RESPONSE";

/// The payment header of x402 v1, which no A402 request may carry beside its proof.
const X402_V1_PROOF: &str = "X-PAYMENT";

/// Whether the older names are read as A402.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aliases {
    /// Only the names of ACT 2.1. The older ones are another dialect's, and are left to it.
    #[default]
    Off,
    /// Also the older names, for a peer that is known to use them.
    On,
}

/// One of the three roles a header can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderRole {
    Needed,
    Proof,
    Validation,
}

/// Why the headers of a message cannot be taken for one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Two values, even if they are the same.
    #[error("`{name}` comes more than once")]
    Repeated { name: &'static str },
    /// Two ways of paying in one message: nobody could say which one counts.
    #[error("`{name}` and `{other}` cannot come together")]
    Mixed { name: &'static str, other: &'static str },
    #[error("`{name}` is not printable ASCII")]
    Unprintable { name: &'static str },
}

impl HeaderFault {
    /// The catalogue's error for this.
    pub fn error_id(&self) -> ErrorId {
        ErrorId::RequestInvalid
    }
}

impl HeaderRole {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            HeaderRole::Needed => (PAYMENT_NEEDED, PAYMENT_NEEDED_ALIAS),
            HeaderRole::Proof => (PAYMENT_PROOF, PAYMENT_PROOF_ALIAS),
            HeaderRole::Validation => (PAYMENT_VALIDATION, PAYMENT_VALIDATION_ALIAS),
        }
    }
}

/// Finds the one value of `role` among a message's headers, if there is one.
///
/// A *request* that carries a proof of another dialect beside ours is refused whatever `aliases` says,
/// so that no request is ever paid for twice. An *answer* may demand payment in several dialects: the
/// buyer picks one.
///
/// # Errors
/// [`HeaderFault`]. Nothing of the request may then be served.
pub fn find<'a>(
    role: HeaderRole,
    aliases: Aliases,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Option<&'a str>, HeaderFault> {
    let (name, alias) = role.names();
    let (mut ours, mut older, mut foreign) = (None, None, None);
    for (header, value) in headers {
        if header.eq_ignore_ascii_case(name) {
            keep_one(&mut ours, name, value)?;
        } else if header.eq_ignore_ascii_case(alias) {
            keep_one(&mut older, alias, value)?;
        } else if role == HeaderRole::Proof {
            foreign = foreign.or(foreign_proof(header, value));
        }
    }
    let mixed_is_refused = role == HeaderRole::Proof || aliases == Aliases::On;
    let found = match (ours, older, aliases) {
        (Some(_), Some(_), _) if mixed_is_refused => {
            return Err(HeaderFault::Mixed { name, other: alias });
        }
        (Some(value), _, _) => Some((name, value)),
        (None, Some(value), Aliases::On) => Some((alias, value)),
        (None, _, _) => None,
    };
    let Some((name, value)) = found else {
        return Ok(None);
    };
    if let Some(other) = foreign {
        return Err(HeaderFault::Mixed { name, other });
    }
    match std::str::from_utf8(value) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(text)),
        Ok(_) | Err(_) => Err(HeaderFault::Unprintable { name }),
    }
}

fn keep_one<'a>(kept: &mut Option<&'a [u8]>, name: &'static str, value: &'a [u8]) -> Result<(), HeaderFault> {
    match kept.replace(value) {
        Some(_) => Err(HeaderFault::Repeated { name }),
        None => Ok(()),
    }
}

/// The other ways in which a request can claim to have paid.
fn foreign_proof(header: &str, value: &[u8]) -> Option<&'static str> {
    if header.eq_ignore_ascii_case(X402_V1_PROOF) {
        return Some(X402_V1_PROOF);
    }
    // MPP: `Authorization: Payment …`.
    let scheme = value.get(.."Payment ".len()).unwrap_or_default();
    if header.eq_ignore_ascii_case("Authorization") && scheme.eq_ignore_ascii_case(b"Payment ") {
        return Some("Authorization: Payment");
    }
    None
}
