//! Amounts in JSON: what is accepted has one spelling, and is the number that it says.
#![no_main]

use wire::{AmountText, Money};

fuzz::target!(|bytes: &[u8]| {
    if let Ok(amount) = serde_json::from_slice::<AmountText>(bytes) {
        let text = serde_json::to_string(&amount).expect("an amount can be written");
        assert!(std::str::from_utf8(bytes).is_ok_and(|read| read.trim() == text || read.contains('\\')));
        assert_eq!(Ok(amount.minor()), amount.to_string().parse());
    }
    if let Ok(money) = serde_json::from_slice::<Money>(bytes) {
        let text = serde_json::to_string(&money).expect("money can be written");
        assert_eq!(serde_json::from_str::<Money>(&text).ok(), Some(money));
    }
});
