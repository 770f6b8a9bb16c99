//! Fuzzing ACP: whatever a request says, it is read or refused, and a refusal can be written.
#![no_main]

use protocols::acp::{Cancel, Complete, Create, Update};

fuzz::target!(|text: &str| {
    let body = text.as_bytes();
    for fault in [
        Create::read(body).err(),
        Update::read(body).err(),
        Complete::read(body).err(),
        Cancel::read(body).err(),
    ] {
        let _ = fault.map(|fault| fault.to_string());
    }
});
