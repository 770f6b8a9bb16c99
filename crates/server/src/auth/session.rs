//! Sessions: a key is proved once, and then each request carries a code that binds all of it.
//!
//! A session is a text that names the key and the end, and a secret derived from that text. The server keeps neither,
//! so that a restart ends no session and no table of sessions can be read or run full.

use super::{Caller, Shown, signature::read_nonce};
use crate::codes::Edge;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::State;
use book::{Id, KeyId, Presence, Time};
use evidence::{Hash, Mac, MacKey, Secret, base64url, derive_key};
use wire::version::SESSION_SCHEME;

const PREFIX: &str = "ses_";

/// What a session is derived from. Comes before the token, so that this secret makes nothing else.
const CONTEXT: &[u8] = b"tollbridge session 1\n";

/// A new session: its text and its secret.
pub fn create(server: &Secret, caller: &Caller, expires_at: Time, random: [u8; 8]) -> (String, Secret) {
    let mut token = [0u8; 32];
    let parts = [&caller.key.0.0[..], &expires_at.0.to_be_bytes(), &random];
    for (place, byte) in token.iter_mut().zip(parts.concat()) {
        *place = byte;
    }
    (format!("{PREFIX}{}", base64url::encode(&token)), secret(server, &token))
}

fn secret(server: &Secret, token: &[u8]) -> Secret {
    derive_key(server, &[CONTEXT, token].concat())
}

/// Checks `Authorization: Toll <session>:<nonce>:<code>`.
pub(crate) fn open(state: &State, call: &Call, value: &http::HeaderValue) -> Answered<Shown> {
    let invalid = || Problem::from(Edge::SessionInvalid).of("Authorization");
    let text = value.to_str().map_err(|_| invalid())?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case(SESSION_SCHEME) {
        return Err(Problem::from(Edge::SchemeUnsupported).of("Authorization"));
    }
    let mut parts = rest.splitn(3, ':');
    let (Some(session), Some(nonce_text), Some(mac)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid());
    };
    let token = session.strip_prefix(PREFIX).and_then(base64url::decode).ok_or_else(invalid)?;
    let nonce = read_nonce(nonce_text).ok_or_else(invalid)?;
    let mac = base64url::decode(mac).and_then(|bytes| Mac::from_slice(&bytes).ok()).ok_or_else(invalid)?;
    let (key, rest) = token.split_first_chunk::<16>().ok_or_else(invalid)?;
    let (expires_at, rest) = rest.split_first_chunk::<8>().ok_or_else(invalid)?;
    if rest.len() != 8 {
        return Err(invalid());
    }
    let message = message(call, nonce_text);
    MacKey::new(&secret(&state.session_secret, &token)).verify(&message, &mac).map_err(|_| invalid())?;
    if Time(u64::from_be_bytes(*expires_at)) <= state.clock.now() {
        return Err(Edge::SessionExpired.into());
    }
    Ok(Shown { key: KeyId(Id(*key)), presence: Presence::Session, nonce, request: Hash::of(&message) })
}

/// The bytes that the code covers.
fn message(call: &Call, nonce: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(call.body.len() + 128);
    for part in [call.method.as_str(), call.target(), nonce] {
        message.extend_from_slice(part.as_bytes());
        message.push(b'\n');
    }
    message.extend_from_slice(&call.body);
    message
}
