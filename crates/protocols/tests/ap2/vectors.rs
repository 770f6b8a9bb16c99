//! Chains that were written once: each is read as it was, for as long as AP2 0.2 is spoken.
//!
//! `UPDATE=1` writes new ones; signatures are drawn anew then.

use crate::world::*;
use protocols::ap2::*;
use serde_json::{Value, json};
use std::path::Path;

const FILE: &str = "../../vectors/ap2/chains.json";

/// One presentation of each kind, within what was left open.
fn written() -> Value {
    let item = Item { id: "socks".to_owned(), title: "Socks".to_owned() };
    let left_open = Mandate::OpenCheckout(OpenCheckout {
        constraints: vec![
            CheckoutConstraint::LineItems {
                requirements: vec![Requirement {
                    id: "line-1".to_owned(),
                    acceptable: vec![item],
                    quantity: 2,
                }],
            },
            CheckoutConstraint::AllowedMerchants { allowed: vec![merchant("m0"), merchant("m1")] },
        ],
        agent: agent().public().clone(),
        lifetime: lifetime(),
    });
    let jwt = checkout_jwt(&merchant("m1"), &[("socks", 2)]);
    let closed_checkout = ClosedCheckout::of(jwt, lifetime());
    let transaction_id = closed_checkout.checkout_hash.clone();
    let root = issued(&left_open);
    let checkout =
        present(&root, &Mandate::Checkout(closed_checkout), &agent(), &to(), &mut salts()).unwrap();
    let open_checkouts = verified(&checkout).unwrap().open_checkouts();
    let date = |text: &str| Some(Date::parse(text).unwrap());
    let constraints = vec![
        reference(&open_checkouts[0]),
        range(0, 5_000),
        PaymentConstraint::AllowedPayees { allowed: vec![merchant("m0"), merchant("m1")] },
        PaymentConstraint::AllowedInstruments { allowed: vec![instrument("card-0"), instrument("card-1")] },
        PaymentConstraint::AllowedPisps { allowed: vec![pisp("fastpay")] },
        again(Frequency::Monthly, Some(12)),
        budget(23_988),
        PaymentConstraint::ExecutionDate { not_before: date("2026-11-01"), not_after: date("2027-10-31") },
    ];
    let payment = Payment { transaction_id: transaction_id.clone(), pisp: Some(pisp("fastpay")), ..paid() };
    json!({
        "now": "2026-11-23T10:00:00Z",
        "audience": AUDIENCE,
        "nonce": NONCE,
        "user": cnf(user().public())["jwk"],
        "merchant": cnf(merchant_key().public())["jwk"],
        "transaction_id": transaction_id,
        "open_checkout_hash": open_checkouts[0],
        "checkout": checkout,
        "payment": presented(open(constraints), payment.clone()),
        "direct": issued(&closed(payment)),
    })
}

#[test]
fn what_was_written_once_is_read_as_it_was() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&written()).unwrap())).unwrap();
    }
    let vector: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();

    let bought = verified(text("checkout")).unwrap();
    let approval = checkout(&bought, merchant_key().public()).unwrap();
    assert_eq!(approval.mandate.checkout_hash, text("transaction_id"));
    assert_eq!(approval.checkout.lines, [Line { item: "socks".to_owned(), quantity: 2 }]);
    let open_checkouts = bought.open_checkouts();
    assert!(open_checkouts.contains(&text("open_checkout_hash").to_owned()));
    for (name, mode, standing) in [("payment", Mode::Autonomous, 1), ("direct", Mode::Direct, 0)] {
        let chain = verified(text(name)).unwrap();
        let transaction = Transaction::Is(text("transaction_id"));
        let asked = Asked { transaction, open_checkouts: &open_checkouts, now: NOW };
        let approval = payment(&chain, &asked).unwrap();
        assert_eq!((approval.mode, approval.standing.len()), (mode, standing));
        assert_eq!(approval.payment.amount, Money { amount_minor: 1_999, currency: usd() });
    }
    let chain = verified(text("payment")).unwrap();
    let (_, Mandate::OpenPayment(left_open)) = chain.open().next().unwrap() else {
        panic!("an open payment")
    };
    assert_eq!(left_open.constraints.len(), 8);
}
