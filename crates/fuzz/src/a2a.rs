//! Fuzzing A2A: whatever a client asks, an agent answers or a card says, it is read or refused; what is taken is written back
//! the same.
#![no_main]

use protocols::a2a::card::Signed;
use protocols::a2a::paying::{body_of, parts_of, signature};
use protocols::a2a::{Call, Card, Task};

fuzz::target!(|text: &str| {
    let asked = Call::read_rpc(text.as_bytes());
    match asked.call {
        Ok(Call::SendMessage(send) | Call::SendStreamingMessage(send)) => {
            let _ = body_of(&send.message.parts);
        }
        Ok(_) => {}
        Err(fault) => assert!(fault.to_rpc(&asked.id)["error"]["code"].is_i64()),
    }
    if let Ok(value) = protocols::a2a::call::parse(text.as_bytes()) {
        let _ = signature("https://shop.example/skills/a", &value);
        if let Ok(task) = Task::read(value) {
            let written = task.to_json();
            assert_eq!(Task::read(written.clone()).expect("what was read can be written").to_json(), written);
        }
    }
    if let Ok(card) = Card::read(text.as_bytes()) {
        assert_ne!(card.signed(|_| None), Signed::Well);
    }
    let _ = parts_of("application/json", text.as_bytes());
});
