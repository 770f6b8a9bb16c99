//! The `Payment` scheme: whatever a challenge or a credential says, it is read or refused.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocols::Time;
use protocols::mpp::session::{NeedVoucher, SessionReceipt, Terms};
use protocols::mpp::{Challenge, Credential, Shown};

fuzz::target!(|text: &str| {
    if let Ok(challenge) = Challenge::parse(text) {
        let header = challenge.encode();
        assert!(header.is_ascii() && !header.contains(['\r', '\n']), "{header}");
        for at in [0, u64::MAX] {
            let _ = challenge.demand(Time(at));
        }
        if let Ok((terms, standing)) = Terms::read(&challenge) {
            assert!(challenge.price().is_err(), "a session is no charge: {text}");
            let again = terms.challenge(&challenge.realm, standing);
            assert_eq!(Terms::read(&again), Ok((terms, standing)), "{text}");
        }
    }
    let encoded = URL_SAFE_NO_PAD.encode(text);
    match Shown::decode(&format!("Payment {encoded}")) {
        Ok(Shown::Charge(credential)) => {
            let _ = credential.into_proof();
        }
        Ok(Shown::Session(credential)) => {
            let again = Shown::decode(&credential.encode());
            assert!(
                matches!(&again, Ok(Shown::Session(again)) if again.action == credential.action),
                "{text}"
            );
        }
        Err(_) => {}
    }
    if let Ok(receipt) = SessionReceipt::decode(&encoded) {
        assert_eq!(SessionReceipt::decode(&receipt.encode()), Ok(receipt), "{text}");
    }
    let _ = NeedVoucher::read(text);
    let _ = Credential::decode(text);
});
