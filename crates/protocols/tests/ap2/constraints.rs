//! The ten constraints: what each allows, what it denies, and the edge between.

use crate::world::*;
use book::Time;
use proptest::prelude::*;
use protocols::ap2::*;

/// What the verifier says of the payment of the tests under these constraints: yes, or which constraint says no.
fn check(constraints: Vec<PaymentConstraint>, payment: Payment, no: &str) {
    let all = [vec![reference("open-checkout")], constraints.clone()].concat();
    let said = match judged(&presented(open(all), payment)) {
        Ok(_) => String::new(),
        Err(Refusal::Violated { constraint, .. }) => constraint.to_owned(),
        Err(Refusal::ConstraintMissing { kind }) => format!("no {kind}"),
        Err(refusal) => refusal.to_string(),
    };
    assert_eq!(said, no, "{constraints:?}");
}

fn date(text: &str) -> Option<Date> {
    Some(Date::parse(text).expect("a date"))
}

fn days(not_before: Option<Date>, not_after: Option<Date>) -> PaymentConstraint {
    PaymentConstraint::ExecutionDate { not_before, not_after }
}

#[test]
fn an_amount_is_within_its_range_and_in_its_currency() {
    let of = |amount_minor| Payment { amount: Money { amount_minor, currency: usd() }, ..paid() };
    let euros = Money { amount_minor: 1_999, currency: Iso4217::parse("EUR").unwrap() };
    check(vec![range(1_999, 1_999)], of(1_999), "");
    check(vec![range(1_000, 2_000)], of(1_000), "");
    check(vec![range(1_000, 2_000)], of(999), "payment.amount_range");
    check(vec![range(1_000, 2_000)], of(2_000), "");
    check(vec![range(1_000, 2_000)], of(2_001), "payment.amount_range");
    check(vec![range(0, 9_999)], Payment { amount: euros, ..paid() }, "payment.amount_range");
    // Both have their say.
    check(vec![range(0, 5_000), range(0, 1_000)], of(1_999), "payment.amount_range");
}

#[test]
fn a_payee_an_instrument_and_an_initiator_are_among_those_allowed() {
    let payees = |ids: &[&str]| PaymentConstraint::AllowedPayees {
        allowed: ids.iter().map(|id| merchant(id)).collect(),
    };
    check(vec![payees(&["m0", "m1"])], paid(), "");
    check(vec![payees(&["m0"])], paid(), "payment.allowed_payees");
    check(vec![payees(&[])], paid(), "payment.allowed_payees");
    // Somebody else under the same name.
    let double = Payment { payee: Merchant { id: "m9".to_owned(), ..merchant("m1") }, ..paid() };
    check(vec![payees(&["m1"])], double, "payment.allowed_payees");
    // Without an id, it is the name and the address that count.
    let unnumbered = |website: &str| Payment {
        payee: Merchant { id: String::new(), website: Some(website.to_owned()), ..merchant("m1") },
        ..paid()
    };
    check(vec![payees(&["m1"])], unnumbered("https://m1.example"), "");
    check(vec![payees(&["m1"])], unnumbered("https://evil.example"), "payment.allowed_payees");

    let with = |ids: &[&str]| PaymentConstraint::AllowedInstruments {
        allowed: ids.iter().map(|id| instrument(id)).collect(),
    };
    check(vec![with(&["card-0", "card-1"])], paid(), "");
    check(vec![with(&["card-0"])], paid(), "payment.allowed_payment_instruments");
    check(vec![with(&[])], paid(), "payment.allowed_payment_instruments");

    let through = |names: &[&str]| PaymentConstraint::AllowedPisps {
        allowed: names.iter().map(|name| pisp(name)).collect(),
    };
    let initiated = Payment { pisp: Some(pisp("fastpay")), ..paid() };
    check(vec![through(&["slowpay", "fastpay"])], initiated.clone(), "");
    check(vec![through(&["slowpay"])], initiated.clone(), "payment.allowed_pisps");
    check(vec![through(&["fastpay"])], paid(), "payment.allowed_pisps");
    let relabelled = Pisp { brand_name: "FastPay".to_owned(), ..pisp("fastpay") };
    check(vec![through(&["fastpay"])], Payment { pisp: Some(relabelled), ..paid() }, "payment.allowed_pisps");
}

#[test]
fn a_day_of_execution_is_compared_as_time_and_is_now_where_none_is_stated() {
    // NOW is 2026-11-23T10:00:00Z.
    let on = |text: &str| Payment { execution_date: date(text), ..paid() };
    let november = || days(date("2026-11-01"), date("2026-11-30"));
    check(vec![november()], paid(), "");
    check(vec![november()], on("2026-11-30"), "");
    check(vec![november()], on("2026-12-01"), "payment.execution_date");
    check(vec![november()], on("2026-10-31T23:59:59Z"), "payment.execution_date");
    check(vec![days(date("2026-12-01"), None)], paid(), "payment.execution_date");
    check(vec![days(None, date("2026-11-22"))], paid(), "payment.execution_date");
    // As texts these would compare the other way round.
    check(vec![days(date("2026-11-23T12:00:00+02:00"), None)], on("2026-11-23T10:00:00Z"), "");
    check(
        vec![days(None, date("2026-11-23T09:00:00Z"))],
        on("2026-11-23T08:30:00-01:00"),
        "payment.execution_date",
    );
    // A whole day is not within half of it.
    check(vec![days(None, date("2026-11-30T12:00:00Z"))], on("2026-11-30"), "payment.execution_date");
    check(vec![days(None, None)], on("2031-01-01"), "");
}

#[test]
fn a_payment_is_for_the_checkout_that_was_left_open() {
    check(vec![], paid(), "");
    check(vec![reference("another")], paid(), "payment.reference");
    let unbound = presented(open(vec![range(0, 9_999)]), paid());
    assert_eq!(judged(&unbound), Err(Refusal::ConstraintMissing { kind: "payment.reference" }));
    // Without the checkout in hand, nobody can say.
    let chain = verified(&presented(open(vec![reference("open-checkout")]), paid())).unwrap();
    let blind = Asked { transaction: Transaction::AsStated, open_checkouts: &[], now: NOW };
    assert!(matches!(
        payment(&chain, &blind),
        Err(Refusal::Violated { constraint: "payment.reference", .. })
    ));
    let other =
        Asked { transaction: Transaction::Is("other"), open_checkouts: &is_open_checkout(), now: NOW };
    assert!(matches!(payment(&chain, &other), Err(Refusal::Violated { constraint: "transaction_id", .. })));
}

#[test]
fn what_the_user_has_settled_stays_as_it_is() {
    let full = |preset: Preset| OpenPayment { preset, ..open(vec![reference("open-checkout")]) };
    let stated = Payment { pisp: Some(pisp("fastpay")), execution_date: date("2026-11-24"), ..paid() };
    let preset = Preset {
        transaction_id: Some(stated.transaction_id.clone()),
        payee: Some(stated.payee.clone()),
        amount: Some(stated.amount),
        instrument: Some(stated.instrument.clone()),
        pisp: stated.pisp.clone(),
        execution_date: stated.execution_date.clone(),
        risk_data: None,
    };
    assert!(judged(&presented(full(preset.clone()), stated.clone())).is_ok());
    let other_name = Merchant { name: "Shop of another".to_owned(), ..merchant("m1") };
    let less = Money { amount_minor: 1_998, currency: usd() };
    for (name, changed) in [
        ("payee", Payment { payee: other_name, ..stated.clone() }),
        ("payment_amount", Payment { amount: less, ..stated.clone() }),
        ("payment_instrument", Payment { instrument: instrument("card-2"), ..stated.clone() }),
        ("pisp", Payment { pisp: None, ..stated.clone() }),
        ("execution_date", Payment { execution_date: None, ..stated.clone() }),
        ("execution_date", Payment { execution_date: date("2026-11-24T00:00:00Z"), ..stated.clone() }),
    ] {
        let said = judged(&presented(full(preset.clone()), changed));
        assert!(
            matches!(said, Err(Refusal::Violated { constraint, .. }) if constraint == name),
            "{name}: {said:?}"
        );
    }
    let other = Preset { transaction_id: Some("another".to_owned()), ..Preset::default() };
    let said = judged(&presented(full(other), stated));
    assert!(matches!(said, Err(Refusal::Violated { constraint: "transaction_id", .. })), "{said:?}");
}

#[test]
fn a_recurrence_needs_a_range_and_a_budget_and_comes_once() {
    let monthly = || again(Frequency::Monthly, Some(12));
    check(vec![monthly(), range(0, 9_999), budget(10_000)], paid(), "");
    check(vec![monthly(), budget(10_000)], paid(), "no payment.amount_range");
    check(vec![monthly(), range(0, 9_999)], paid(), "no payment.budget");
    check(vec![monthly(), monthly(), range(0, 9_999), budget(10_000)], paid(), "payment.agent_recurrence");
    // The first payment already has to fit.
    check(vec![budget(1_999)], paid(), "");
    check(vec![budget(1_998)], paid(), "payment.budget");
    check(
        vec![again(Frequency::Daily, Some(0)), range(0, 9_999), budget(9_999)],
        paid(),
        "payment.agent_recurrence",
    );
    check(vec![budget(5_000), budget(1_000)], paid(), "payment.budget");
}

#[test]
fn the_history_decides_what_one_presentation_cannot() {
    const DAY: u64 = 86_400;
    let amount = Money { amount_minor: 100, currency: usd() };
    let standing = |uses, budget: Option<u64>| Standing {
        open_mandate: "open".to_owned(),
        uses,
        budget: budget.map(|amount_minor| Money { amount_minor, currency: usd() }),
    };
    let past = |payments, spent_minor, seconds_ago: u64| Past {
        payments,
        spent_minor,
        last_at: Some(Time::from_seconds(1_795_428_000 - seconds_ago)),
    };
    let again = |every, occurrences_max| Uses::Again { every, occurrences_max };
    for (standing, past, allows) in [
        (standing(Uses::Once, None), Past::default(), true),
        (standing(Uses::Once, None), past(1, 100, DAY), false),
        (standing(again(Frequency::OnDemand, None), None), past(99, 0, 0), true),
        (standing(again(Frequency::OnDemand, Some(2)), None), past(1, 0, 0), true),
        (standing(again(Frequency::OnDemand, Some(2)), None), past(2, 0, 0), false),
        (standing(again(Frequency::Daily, None), None), past(1, 0, DAY), true),
        (standing(again(Frequency::Daily, None), None), past(1, 0, DAY - 1), false),
        (standing(again(Frequency::Weekly, None), None), past(1, 0, 7 * DAY - 1), false),
        (standing(again(Frequency::Biweekly, None), None), past(1, 0, 14 * DAY), true),
        (standing(again(Frequency::Biweekly, None), None), past(1, 0, 14 * DAY - 1), false),
        (standing(again(Frequency::Monthly, None), None), past(1, 0, 28 * DAY - 1), false),
        (standing(again(Frequency::Monthly, None), None), past(1, 0, 28 * DAY), true),
        (standing(again(Frequency::Quarterly, None), None), past(1, 0, 89 * DAY - 1), false),
        (standing(again(Frequency::Quarterly, None), None), past(1, 0, 89 * DAY), true),
        (standing(again(Frequency::Annually, None), None), past(1, 0, 365 * DAY - 1), false),
        (standing(again(Frequency::Annually, None), None), past(1, 0, 365 * DAY), true),
        (standing(again(Frequency::OnDemand, None), Some(1_000)), past(9, 900, 0), true),
        (standing(again(Frequency::OnDemand, None), Some(1_000)), past(9, 901, 0), false),
        (standing(again(Frequency::OnDemand, None), Some(1_000)), past(9, u64::MAX, 0), false),
    ] {
        assert_eq!(standing.check(&past, amount, NOW).is_ok(), allows, "{standing:?} after {past:?}");
    }
}

#[test]
fn a_cart_is_what_was_asked_for_from_a_merchant_that_was_allowed() {
    let item = |id: &str| Item { id: id.to_owned(), title: id.to_owned() };
    let requirement = |ids: &[&str], quantity| Requirement {
        id: "line".to_owned(),
        acceptable: ids.iter().map(|id| item(id)).collect(),
        quantity,
    };
    let items = CheckoutConstraint::LineItems {
        requirements: vec![requirement(&["red", "blue"], 1), requirement(&["socks"], 2)],
    };
    let sellers = |ids: &[&str]| CheckoutConstraint::AllowedMerchants {
        allowed: ids.iter().map(|id| merchant(id)).collect(),
    };
    let judged = |constraints: Vec<CheckoutConstraint>, jwt: &str| {
        let open = OpenCheckout { constraints, agent: agent().public().clone(), lifetime: lifetime() };
        let root = issued(&Mandate::OpenCheckout(open));
        let closed = Mandate::Checkout(ClosedCheckout::of(jwt.to_owned(), lifetime()));
        let chain = verified(&present(&root, &closed, &agent(), &to(), &mut salts()).unwrap())?;
        checkout(&chain, merchant_key().public()).map(|approval| approval.checkout.id)
    };
    let good = checkout_jwt(&merchant("m1"), &[("blue", 1), ("socks", 2)]);
    assert_eq!(judged(vec![items.clone(), sellers(&["m0", "m1"])], &good), Ok("order-1".to_owned()));
    let violated = |constraint, why| Err(Refusal::Violated { constraint, why });
    let (cart, seller) = ("checkout.line_items", "checkout.allowed_merchants");
    let unasked = violated(cart, "the cart is not what was asked for");
    for lines in [
        &[("blue", 1), ("socks", 1)][..],
        &[("blue", 1), ("red", 1), ("socks", 2)],
        &[("blue", 1), ("socks", 3)],
        &[("hat", 1), ("socks", 2)],
        &[],
    ] {
        assert_eq!(judged(vec![items.clone()], &checkout_jwt(&merchant("m1"), lines)), unasked, "{lines:?}");
    }
    let unknown = violated(seller, "the merchant is none of those shown");
    assert_eq!(judged(vec![items.clone(), sellers(&["m0"])], &good), unknown);
    assert_eq!(judged(vec![items.clone(), sellers(&[])], &good), unknown);
    assert_eq!(
        judged(vec![sellers(&["m1"])], &good),
        Err(Refusal::ConstraintMissing { kind: "checkout.line_items" })
    );
    // Signed by somebody else.
    let forged = sign_checkout(members(serde_json::json!({})), [1; 16], &user(), "shop-1");
    assert_eq!(judged(vec![items], &forged), Err(Refusal::CheckoutSignature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A budget in whole units leaves room for exactly as many payments as fit into it.
    #[test]
    fn a_budget_is_never_spent_beyond_its_end(max in 0u64..50_000, amounts in prop::collection::vec(1u64..9_999, 1..20)) {
        let constraints =
            vec![reference("open-checkout"), range(0, 9_999), budget(max), again(Frequency::OnDemand, None)];
        let open = Mandate::OpenPayment(Box::new(open(constraints)));
        let root = issued(&open);
        let mut past = Past::default();
        for amount_minor in amounts {
            let amount = Money { amount_minor, currency: usd() };
            let text = present(&root, &closed(Payment { amount, ..paid() }), &agent(), &to(), &mut salts()).unwrap();
            let fits = past.spent_minor + amount_minor <= max;
            let said = judged(&text).and_then(|standing| standing[0].check(&past, amount, NOW));
            prop_assert_eq!(said.is_ok(), fits);
            if fits {
                past = Past { spent_minor: past.spent_minor + amount_minor, payments: past.payments + 1, last_at: Some(NOW) };
            }
        }
        prop_assert!(past.spent_minor <= max);
    }
}
