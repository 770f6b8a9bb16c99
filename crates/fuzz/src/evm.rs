//! Fuzzing x402 on EVM chains: whatever a facilitator is asked, it is read or refused; what is read is written back the same.
#![no_main]

use protocols::evm::number::{Address, Chain, Uint256};
use protocols::evm::signature::Signature;
use protocols::evm::{Ask, is_asked};

fuzz::target!(|text: &str| {
    if let Ok(ask) = Ask::read(text.as_bytes()) {
        assert!(is_asked(text.as_bytes()));
        assert!(ask.check().is_err() || ask.authorization.to == ask.requirements.pay_to);
        let _ = ask.authorization.check_time(1_800_000_000);
    }
    if let Some(address) = Address::parse(text) {
        assert_eq!(Address::parse(&address.to_string()), Some(address));
    }
    if let Some(number) = Uint256::parse(text) {
        assert_eq!(number.to_string(), text);
    }
    if let Some(chain) = Chain::parse(text) {
        assert_eq!(chain.to_string(), text);
    }
    if let Ok(signature) = Signature::parse(text) {
        assert_eq!(Signature::parse(&signature.to_string()), Ok(signature));
    }
});
