//! Fuzzing x402: whatever a header or a facilitator says, it is read or refused; what is taken is written back the same.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocols::Time;
use protocols::x402::{Ask, Payload, Requirements, read_required};

fuzz::target!(|text: &str| {
    let header = STANDARD.encode(text);
    if let Ok(payload) = Payload::decode(&header) {
        let written = payload.encode();
        assert_eq!(Payload::decode(&written).expect("what was read can be written").encode(), written);
        let _ = payload.into_proof();
    }
    if let Ok(ask) = Ask::read(text.as_bytes()) {
        assert!(
            !ask.payload.accepted.fit(&ask.requirements)
                || ask.requirements.pay_to == ask.payload.accepted.pay_to
        );
    }
    if let Ok(requirements) = Requirements::parse(text) {
        assert!(requirements.fit(&requirements));
        let _ = requirements.demand("https://shop.example/", Time(u64::MAX));
    }
    let _ = read_required(&header);
});
