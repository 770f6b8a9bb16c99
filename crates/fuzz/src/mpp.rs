//! The `Payment` scheme: whatever a challenge or a credential says, it is read or refused.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocols::Time;
use protocols::mpp::{Challenge, Credential};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(challenge) = Challenge::parse(text) {
        let header = challenge.encode();
        assert!(header.is_ascii() && !header.contains(['\r', '\n']), "{header}");
        for at in [0, u64::MAX] {
            let _ = challenge.demand(Time(at));
        }
    }
    if let Ok(credential) = Credential::decode(&format!("Payment {}", URL_SAFE_NO_PAD.encode(text))) {
        let _ = credential.into_proof();
    }
    let _ = Credential::decode(text);
});
