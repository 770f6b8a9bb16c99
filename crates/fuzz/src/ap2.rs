//! Fuzzing AP2: whatever a chain, a mandate or a receipt says, it is read or refused; a mandate that is read is written the same.
#![no_main]

use protocols::ap2::{Claimed, Date, Mandate, reference_of, show_only};

fuzz::target!(|text: &str| {
    if let Ok(claimed) = Claimed::read(text) {
        let _ = (claimed.key_id(), reference_of(text));
        let shown = show_only(text, |_| false).expect("what was read has disclosures that can be read");
        assert!(shown.len() <= text.len());
    }
    if let Ok(value) = serde_json::from_str(text)
        && let Ok(mandate) = Mandate::read(value)
    {
        let again = Mandate::read(mandate.to_json()).expect("what was read can be written");
        assert_eq!(again, mandate);
    }
    let _ = Date::parse(text);
});
