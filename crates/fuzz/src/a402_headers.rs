//! The A402 headers: what is accepted, is written back the same.
#![no_main]

use protocols::a402::{Needed, Proof, Validation};

fuzz::target!(|text: &str| {
    if let Ok(needed) = Needed::decode(text) {
        assert!(Needed::decode(&needed.encode().expect("what was read can be written")).is_ok());
    }
    if let Ok(proof) = Proof::decode(text) {
        assert!(Proof::decode(&proof.encode().expect("what was read can be written")).is_ok());
    }
    if let Ok(validation) = Validation::decode(text) {
        assert!(Validation::decode(&validation.encode().expect("what was read can be written")).is_ok());
    }
});
