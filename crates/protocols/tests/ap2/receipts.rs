//! Receipts: both kinds, yes and no, in the form that names the closed mandate.

use crate::world::*;
use protocols::ap2::*;

fn receipt(result: ReceiptResult) -> Receipt {
    Receipt { issuer: AUDIENCE.to_owned(), issued_at: 1_795_428_000, reference: "ref".to_owned(), result }
}

#[test]
fn a_receipt_reads_as_it_was_signed_and_by_its_issuer_only() {
    let text = |text: &str| text.to_owned();
    for (family, result, is_success) in [
        (
            Family::Payment,
            ReceiptResult::Paid {
                payment_id: text("p"),
                psp_confirmation_id: text("c"),
                network_confirmation_id: text("n"),
            },
            true,
        ),
        (
            Family::Payment,
            ReceiptResult::NotPaid {
                payment_id: text("p"),
                error: text("invalid_credential"),
                description: text("no"),
            },
            false,
        ),
        (Family::Checkout, ReceiptResult::Ordered { order_id: text("o") }, true),
        (
            Family::Checkout,
            ReceiptResult::NotOrdered { error: text("unresolved_constraint"), description: text("no") },
            false,
        ),
    ] {
        let receipt = receipt(result);
        let jwt = receipt.sign(&merchant_key(), "shop-1");
        assert_eq!(Receipt::verify(&jwt, family, merchant_key().public()), Ok(receipt.clone()));
        assert_eq!(receipt.is_success(), is_success);
        assert!(Receipt::verify(&jwt, family, user().public()).is_err());
        let other = match family {
            Family::Payment => Family::Checkout,
            Family::Checkout => Family::Payment,
        };
        // A yes to the one is no yes to the other.
        let said = Receipt::verify(&jwt, other, merchant_key().public());
        assert!(!said.is_ok_and(|receipt| receipt.is_success()), "{receipt:?}");
    }
}

#[test]
fn a_receipt_names_the_closed_mandate_with_or_without_what_is_disclosed() {
    let text = presented(open(vec![reference("open-checkout")]), paid());
    let chain = verified(&text).unwrap();
    let last = text.rsplit("~~").next().unwrap();
    let hash = |text: &str| evidence::base64url::encode(&evidence::Hash::of(text.as_bytes()).0);
    assert_eq!(chain.reference(), hash(last.split('~').next().unwrap()));
    assert!(chain.is_meant_by(chain.reference()));
    assert!(chain.is_meant_by(&hash(last)));
    assert!(!chain.is_meant_by(&hash(&text)));
}

#[test]
fn a_refusal_is_a_receipt_too() {
    let why = Refusal::Violated { constraint: "payment.budget", why: "it would be spent beyond its end" };
    let receipt = Receipt::not_paid(AUDIENCE, 1, "ref".to_owned(), "pay", &why);
    let ReceiptResult::NotPaid { error, description, .. } = &receipt.result else { panic!("it is a no") };
    assert_eq!(error, "unresolved_constraint");
    assert_eq!(description, "`payment.budget`: it would be spent beyond its end");
}

#[test]
fn a_checkout_is_signed_with_another_random_number_each_time() {
    let (one, other) =
        (checkout_jwt(&merchant("m1"), &[("a", 1)]), checkout_jwt(&merchant("m1"), &[("a", 1)]));
    assert_ne!(one, other);
    assert_eq!(one.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().0);
}
