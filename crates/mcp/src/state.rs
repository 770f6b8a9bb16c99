//! What a client carries from one call to the next: sealed, for one call, and for a time.

use crate::limits::OWNER_PATIENCE;
use evidence::{Mac, MacKey, Secret, base64url};
use protocols::sabotage::{Sabotage, has};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The key, for as long as the program runs. A state says nothing that the server does not know, so a restart loses nothing.
static STATES: LazyLock<MacKey> = LazyLock::new(|| MacKey::new(&Secret::new(rand::random())));

/// A state for one call: of whom, of what, with which arguments.
pub fn sealed(call: &str) -> String {
    let until = now_seconds() + OWNER_PATIENCE.as_secs();
    format!("{until}.{}", base64url::encode(&STATES.mac(to_seal(until, call).as_bytes()).0))
}

/// Whether a state is ours, of this call, and not too old.
pub fn is_sealed(state: &str, call: &str) -> bool {
    if has(Sabotage::AnyState) {
        return true;
    }
    let Some((until, mac)) = state.split_once('.') else { return false };
    let (Ok(until), Some(mac)) = (until.parse::<u64>(), base64url::decode(mac)) else { return false };
    let Ok(mac) = Mac::from_slice(&mac) else { return false };
    now_seconds() <= until && STATES.verify(to_seal(until, call).as_bytes(), &mac).is_ok()
}

fn to_seal(until: u64, call: &str) -> String {
    format!("toll:mcp-state/1\n{until}\n{call}")
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_good_for_one_call_of_one_key() {
        let state = sealed("call");
        assert!(is_sealed(&state, "call"));
        assert!(!is_sealed(&state, "another"));
        let (until, mac) = state.split_once('.').unwrap();
        let later = format!("{}.{mac}", until.parse::<u64>().unwrap() + 1);
        for broken in [later.as_str(), mac, "", "1.", ".", &format!("0.{mac}")] {
            assert!(!is_sealed(broken, "call"), "{broken}");
        }
        let over = now_seconds() - 1;
        let mac = base64url::encode(&STATES.mac(to_seal(over, "call").as_bytes()).0);
        assert!(!is_sealed(&format!("{over}.{mac}"), "call"));
    }
}
