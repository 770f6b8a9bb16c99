//! Vouchers: what is accepted has one spelling, and no text is good under a key that did not sign it.
#![no_main]

use protocols::voucher::Voucher;

fuzz::target!(|text: &str| {
    if let Ok(voucher) = Voucher::parse(text) {
        assert_eq!(voucher.to_string(), text);
        assert_eq!(Voucher::parse(&voucher.to_string()), Ok(voucher));
    }
});
