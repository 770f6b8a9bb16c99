//! A purchase from the first request to the proof, and every way in which it must not go through.

use crate::shop::*;
use book::Time;
use evidence::SigningKey;
use protocols::a402::{
    CannotPay, Credential, CredentialText, ErrorId, ErrorReport, KeyFault, MethodId, MethodLayer, Needed,
    NextAction, NotGenuine, NotPayable, Outcome, Payment, Proof, Refusal, RequestFacts, Retryability,
    TradeState, Validation, open_needed,
    wallet::{Network, TermsFault, WalletTerms},
};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn a_purchase_goes_through() {
    let bill = open(&needed().encode().unwrap()).unwrap();
    let terms = WalletTerms::read(bill.demand(), bill.method()).unwrap();
    assert_eq!(terms.amount_minor(bill.demand()), Ok(30));

    let shown = Proof::decode(&proof().encode().unwrap()).unwrap();
    let verified = check(&shown).unwrap();
    assert_eq!(verified.demand(), &demand());
    assert_eq!(verified.redemption_key().out_trade_no, demand().out_trade_no);
    assert_eq!(verified.delivery_key().request_fingerprint, request().fingerprint);
    assert_eq!(verified.keep_until(), today("10:16:00"));
}

#[test]
fn times_have_edges() {
    let shown = proof();
    for (now, good) in [
        ("10:00:00", true), // a minute before it was issued: their clock may be ahead
        ("09:59:59", false),
        ("10:15:59.999999999", true),
        ("10:16:00", false),
    ] {
        assert_eq!(check_at(&shown, &request(), today(now)).is_ok(), good, "shown at {now}");
    }
    for (issued_at, expires_at, refusal) in [
        ("10:04:59", "10:19:59", None),
        ("10:05:00", "10:20:00", Some(Refusal::PaidLate)),
        ("10:01:00", "10:16:01", Some(Refusal::LivesTooLong)),
        ("10:01:00", "10:01:00", Some(Refusal::Expired)),
    ] {
        let mut other = credential();
        other.issued_at = date(&format!("2026-11-22T{issued_at}Z"));
        other.expires_at = date(&format!("2026-11-22T{expires_at}Z"));
        let mut shown = proof();
        shown.expires_at = other.expires_at.clone();
        shown.payment_proof = other.sign(&id("psp-2026"), &psp_key());
        let found = check_at(&shown, &request(), today("10:05:00")).err();
        assert_eq!(found, refusal, "{issued_at} to {expires_at}");
    }
    for (paid_at, payable) in [("10:04:59.9", Ok(())), ("10:05:00", Err(NotPayable::TooLate))] {
        let payment = Payment { paid_at: today(paid_at), ..payment() };
        assert_eq!(Credential::for_demand(&demand(), payment).map(|_| ()), payable, "paid at {paid_at}");
    }
    for (now, good) in [("10:04:59.9", true), ("10:05:00", false)] {
        let value = needed().encode().unwrap();
        let opened = open_needed(&value, &request(), &seller_keys(), &policy(), today(now));
        assert_eq!(opened.is_ok(), good, "opened at {now}");
    }
}

#[test]
fn an_unknown_method_or_version_is_never_paid() {
    for (method_id, number, error) in [
        ("toll:test/wallet", "1.0.0", None),
        ("toll:test/wallet", "1.0.1", Some(ErrorId::MethodUnsupported)),
        ("toll:test/wallet", "1.0.0-rc.1", Some(ErrorId::MethodUnsupported)),
        ("toll:main/wallet", "1.0.0", Some(ErrorId::MethodUnsupported)),
        ("other:pay", "1.0.0", Some(ErrorId::MethodUnsupported)),
    ] {
        let mut demand = demand();
        demand.method_id = MethodId::parse(method_id).unwrap();
        demand.method_version = version(number);
        let value = demand.sign(terms().to_layer(), &seller_key()).unwrap().encode().unwrap();
        assert_eq!(open(&value).err().map(|why| why.error_id()), error, "{method_id} {number}");
    }
}

#[test]
fn a_thousand_challenges_have_a_thousand_numbers() {
    let numbers: BTreeSet<_> = (0..1000_u128)
        .map(|nonce| {
            offer().bill(&request(), &bill_key(), nonce.to_be_bytes(), today("10:05:00")).out_trade_no
        })
        .collect();
    assert_eq!(numbers.len(), 1000); // A402-01
}

#[test]
fn a_known_caller_is_the_only_one_served() {
    let mut stolen = request();
    stolen.caller = Some(id("agent-bob"));
    assert_eq!(check_at(&proof(), &stolen, today("10:02:00")).unwrap_err(), Refusal::NotTheBuyer);
    let mut known = request();
    known.caller = Some(id("agent-ana"));
    let bill = offer().bill(&known, &bill_key(), [1; 16], today("10:05:00"));
    assert_eq!(bill.buyer_unique_id, Some(id("agent-ana")));
    let bob = Payment { buyer_unique_id: id("agent-bob"), ..payment() };
    assert_eq!(Credential::for_demand(&bill, bob), Err(NotPayable::OtherBuyer));
}

#[test]
fn the_methods_layer_never_changes_a_base_field() {
    // A402-04, A402-05: the header's base fields count, whatever else names a price.
    let mut layer = terms().to_layer().members().clone();
    for (name, value) in [("amount", "0.01"), ("seller_unique_id", "evil.example"), ("currency", "EUR")] {
        layer.insert(name.to_owned(), value.into());
    }
    let needed = demand().sign(MethodLayer::new(layer).unwrap(), &seller_key()).unwrap();
    let bill = open(&needed.encode().unwrap()).unwrap();
    let terms = WalletTerms::read(bill.demand(), bill.method()).unwrap();
    assert_eq!(terms.amount_minor(bill.demand()), Ok(30));
    assert_eq!(bill.demand(), &demand());
}

#[test]
fn wallet_terms_must_fit_the_demand() {
    let good = terms().to_layer().members().clone();
    let read = |name: &str, value: Value| {
        let mut layer = good.clone();
        layer.insert(name.to_owned(), value);
        WalletTerms::read(&demand(), &MethodLayer::new(layer).unwrap())
    };
    assert_eq!(read("note", "ignored".into()), Ok(terms()));
    assert_eq!(read("network", "toll:main".into()), Err(TermsFault::NetworkDiffers));
    assert_eq!(read("asset", "EUR/2".into()), Err(TermsFault::CurrencyDiffers));
    for asset in ["USD", "USD/02", "USD/19", "USD/+2", "usd/2", "USD/2/2", "/2"] {
        assert!(read("asset", asset.into()).is_err(), "`{asset}`");
    }
    let cents = read("asset", "USD/1".into()).unwrap();
    assert_eq!(cents.amount_minor(&demand()), Ok(3));
    let dollars = read("asset", "USD/0".into()).unwrap();
    assert!(matches!(dollars.amount_minor(&demand()), Err(TermsFault::AmountTooFine { .. })));

    let mut main = demand();
    main.method_id = Network::Main.method_id();
    let mut layer = good.clone();
    layer.insert("network".to_owned(), "toll:main".into());
    layer.insert("psp".to_owned(), "http://pay.example".into());
    let layer = MethodLayer::new(layer).unwrap();
    assert_eq!(WalletTerms::read(&main, &layer), Err(TermsFault::PspInTheOpen));
}

#[test]
fn a402_test_003_a_proof_is_untrusted_until_validated() {
    let genuine = proof();
    for text in ["cHJvb2Y", "e30", genuine.method_id.as_str().replace([':', '/'], "-").as_str()] {
        let mut shown = proof();
        shown.payment_proof = CredentialText::parse(text).unwrap();
        let refused = check(&shown).unwrap_err();
        assert_eq!(refused.error_id(), ErrorId::ProofInvalid);
    }
    let mut shown = proof();
    shown.payment_proof = credential().sign(&id("psp-2026"), &SigningKey::ed25519(&[1; 32]));
    assert!(matches!(check(&shown), Err(Refusal::NotGenuine(NotGenuine::Key(KeyFault::BadSignature)))));
}

#[test]
fn a402_test_004_authenticity_expiry_reuse_and_consistency_are_all_decided() {
    let good = proof();
    let mut forged = proof();
    forged.payment_proof = credential().sign(&id("psp-2026"), &SigningKey::ed25519(&[1; 32]));
    assert!(check(&forged).is_err(), "authenticity");
    assert!(check_at(&good, &request(), today("10:16:00")).is_err(), "expiry");
    let other = RequestFacts::of("GET", "https://api.weather.example/", "", b"").unwrap();
    assert!(check_at(&good, &other, today("10:02:00")).is_err(), "consistency");
    // Reuse: both uses have the same keys, and only the first finds them unclaimed.
    let mut redeemed = BTreeSet::new();
    assert!(redeemed.insert(check(&good).unwrap().redemption_key()));
    assert!(!redeemed.insert(check(&good).unwrap().redemption_key()));
}

#[test]
fn a402_test_005_a_payment_claims_no_delivery() {
    let report = report(Outcome::DeliveryFailed);
    assert_eq!(report.validation_status().as_str(), "VALID");
    assert_eq!(report.delivery_status().as_str(), "FAILED");
    assert_eq!(report.fulfillment_status().as_str(), "NOT_CONFIRMED");
    assert_eq!(report.transaction_state(), TradeState::WaitSellerFulfillment);
}

#[test]
fn a402_test_006_a_proof_stays_with_its_resource_and_order() {
    for change in [
        |proof: &mut Proof| proof.resource_id = id("forecast-rome"),
        |proof: &mut Proof| proof.out_trade_no = id("bill_other"),
        |proof: &mut Proof| proof.trade_no = id("pay_2"),
    ] {
        let mut moved = proof();
        change(&mut moved);
        assert!(matches!(check(&moved), Err(Refusal::Differs { .. })));
    }
}

#[test]
fn a402_test_008_the_failed_phase_is_named_and_no_later_one_claimed() {
    use Outcome as O;
    let error = || ErrorId::ProofInvalid.report();
    let refused = O::ProofRefused { error: error(), trade: TradeState::WaitBuyerPay };
    let unchecked = O::ProofUnchecked {
        error: ErrorId::SystemUnavailable.report().retry_after(5),
        trade: TradeState::WaitBuyerPay,
    };
    let rows = [
        (refused, "INVALID NOT_STARTED NOT_CONFIRMED WAIT_BUYER_PAY"),
        (unchecked, "UNKNOWN NOT_STARTED NOT_CONFIRMED WAIT_BUYER_PAY"),
        (O::Delivering, "VALID STARTED NOT_CONFIRMED WAIT_SELLER_FULFILLMENT"),
        (O::DeliveryFailed, "VALID FAILED NOT_CONFIRMED WAIT_SELLER_FULFILLMENT"),
        (O::DeliveryUnknown, "VALID UNKNOWN NOT_CONFIRMED WAIT_SELLER_FULFILLMENT"),
        (O::Delivered, "VALID DELIVERED PENDING WAIT_BUYER_RECEIPT"),
        (O::FulfillmentFailed, "VALID DELIVERED FAILED WAIT_BUYER_RECEIPT"),
        (O::FulfillmentUnknown, "VALID DELIVERED UNKNOWN WAIT_BUYER_RECEIPT"),
        (O::Finished, "VALID DELIVERED CONFIRMED TRADE_FINISHED"),
    ];
    for (outcome, words) in rows {
        let report = report(outcome);
        let said = [
            report.validation_status().as_str(),
            report.delivery_status().as_str(),
            report.fulfillment_status().as_str(),
            report.transaction_state().as_str(),
        ];
        assert_eq!(said.join(" "), words);
        assert_eq!(Validation::decode(&report.encode().unwrap()), Ok(report));
    }
    // A402-23: what is not known is asked for, never paid again.
    let unknown: ErrorReport = ErrorId::SystemUnavailable.report();
    assert_eq!(unknown.retryability(), Retryability::QueryFirst);
    assert_eq!(unknown.valid_next_actions().first(), Some(&NextAction::QueryPaymentStatus));
}

#[test]
fn a_short_window_or_another_buyer_is_not_paid() {
    let mut short = demand();
    short.replay_window_seconds = 59;
    let short = short.sign(terms().to_layer(), &seller_key()).unwrap();
    assert_eq!(open(&short.encode().unwrap()), Err(CannotPay::WindowTooShort { seconds: 59 }));
    let mut bobs = demand();
    bobs.buyer_unique_id = Some(id("agent-bob"));
    let bobs: Needed = bobs.sign(terms().to_layer(), &seller_key()).unwrap();
    assert_eq!(open(&bobs.encode().unwrap()), Err(CannotPay::OtherBuyer));
}

#[test]
fn a_bill_at_the_end_of_time_is_still_a_bill() {
    let bill = offer().bill(&request(), &bill_key(), [0; 16], Time::MAX);
    let price = (&bill.amount, &bill.currency);
    assert_eq!(offer().recall(&request(), &bill_key(), &bill.out_trade_no, price), Ok(bill.clone()));
}
