//! `PSD-PAY-AUP`: inside a `BOUNDED` credential, many payments, by whatever way they come in.

use crate::world::*;
use protocols::act::Currency;
use protocols::act::lifecycle::Standing;
use protocols::act::psd::{
    AUTONOMOUS_STEPS, AutonomousRequest, COMPONENTS, CheckStep, DELEGATED_STEPS, IntentFit, Level,
    LocalTotal, NotSent, PaymentError, RiskVerdict, SelfCheck, SubAccountState, ToolReadiness, TradeStatus,
    check_autonomous,
};
use serde_json::{Value, json};

fn refusal(request: &Value, world: &World) -> Option<(CheckStep, PaymentError)> {
    let refused = check_autonomous(&autonomous(request), world, now()).err()?;
    Some((refused.step, refused.error))
}

/// The same payment for an order of a merchant instead of a bill.
fn by_order() -> Value {
    let request = with(autonomous_json(), &["out_trade_no"], None);
    let request = with(request, &["resource_id"], None);
    with(request, &["merchant_order_id"], Some(json!("ORD-77")))
}

#[test]
fn aup_01_level_3_stands_on_a_bounded_credential() {
    assert_eq!(refusal(&autonomous_json(), &world()), None);
    let specified = with(autonomous_json(), &["iac"], Some(json!(issue(&isr_json("SPECIFIED")))));
    let refused = Some((CheckStep::DelegationMode, PaymentError::DelegationModeInvalid));
    assert_eq!(refusal(&specified, &world()), refused);
}

#[test]
fn aup_03_the_agent_asks_itself_before_every_payment() {
    let iac = verified(&isr_json("BOUNDED"));
    let (yuan, shop, bad) =
        (Currency::parse("CNY").unwrap(), id(SHOP), id("did:act:example.test/merchant-bad"));
    let (api, toys, wallet, other) = ([id("data/api")], [id("toys")], id(WALLET), id("urn:other"));
    let check = SelfCheck {
        level: Level::Autonomous,
        iac: &iac,
        standing: Ok(Standing::Confirmed),
        local_total: LocalTotal::default(),
        amount: amount("100.00"),
        currency: &yuan,
        merchant_id: &shop,
        categories: &api,
        payment_method: Some(&wallet),
        tool: ToolReadiness::Usable,
    };
    // In the middle of a task: two payments made, the third would be too much.
    let after = |total: LocalTotal| total.after(TradeStatus::Success, amount("100.01"));
    let twice = after(after(LocalTotal::default()));
    for (check, refused) in [
        (SelfCheck { local_total: twice, ..check }, PaymentError::CumulativeAmountExceeded),
        (SelfCheck { amount: amount("120.51"), ..check }, PaymentError::SingleAmountExceeded),
        (SelfCheck { merchant_id: &bad, ..check }, PaymentError::MerchantNotInScope),
        (SelfCheck { categories: &toys, ..check }, PaymentError::CategoryNotInScope),
        (SelfCheck { payment_method: Some(&other), ..check }, PaymentError::PaymentMethodNotAllowed),
        (SelfCheck { tool: ToolReadiness::Unusable, ..check }, PaymentError::PaymentToolInvalid),
    ] {
        assert_eq!(check.run(now()), Err(NotSent(refused)));
    }
    assert_eq!(check.run(now()), Ok(()));
    assert_eq!(check.run(at("2026-09-08T00:00:00Z")), Err(NotSent(PaymentError::IacExpired)));
}

#[test]
fn aup_04_the_local_total_is_what_was_confirmed() {
    let total = [TradeStatus::Success, TradeStatus::Failed, TradeStatus::Success]
        .into_iter()
        .fold(LocalTotal::default(), |total, status| total.after(status, amount("10.05")));
    assert_eq!(total.confirmed(), amount("20.10"));
}

#[test]
fn aup_05_a_request_has_every_element() {
    let good: Value = serde_json::from_str(&autonomous(&autonomous_json()).to_json()).unwrap();
    for name in [
        "iac",
        "delegation_id",
        "out_trade_no",
        "amount",
        "currency",
        "subaccount_proof",
        "timestamp",
        "signature",
    ] {
        let without = with(good.clone(), &[name], None);
        assert!(AutonomousRequest::from_json(without.to_string().as_bytes()).is_err(), "{name}");
    }
    let both = with(good, &["merchant_order_id"], Some(json!("M-1003")));
    assert!(AutonomousRequest::from_json(both.to_string().as_bytes()).is_err());
}

#[test]
fn aup_06_the_purchase_has_to_be_what_was_meant() {
    let off_topic = Some((CheckStep::Intent, PaymentError::IntentMismatch));
    for (fit, refused) in
        [(IntentFit::Consistent, None), (IntentFit::Inconsistent, off_topic), (IntentFit::Unclear, off_topic)]
    {
        let mut world = world();
        world.fit = fit;
        assert_eq!(refusal(&autonomous_json(), &world), refused, "{fit:?}");
    }
    let mut world = world();
    world.order_mut("ORD-77").categories.clear();
    let refused = Some((CheckStep::Category, PaymentError::CategoryNotInScope));
    assert_eq!(refusal(&autonomous_json(), &world), refused, "what nobody can name is in no list");
    world.order_mut("ORD-77").categories = vec![id("data/api"), id("toys")];
    assert_eq!(refusal(&autonomous_json(), &world), refused, "every category has to be allowed");
}

#[test]
fn aup_06_the_order_of_the_checks_is_level_2s_and_risk_comes_last() {
    let (last, before) = AUTONOMOUS_STEPS.split_last().unwrap();
    assert_eq!((*last, before), (CheckStep::Risk, DELEGATED_STEPS));
    let mut world = world();
    world.risk = RiskVerdict::Refuse;
    assert_eq!(refusal(&autonomous_json(), &world), Some((CheckStep::Risk, PaymentError::RiskRefused)));
    world.account_mut().status = SubAccountState::Frozen;
    let frozen = Some((CheckStep::ToolUsable, PaymentError::SubaccountFrozen));
    assert_eq!(refusal(&autonomous_json(), &world), frozen);
    world.spent = amount("299.91");
    let spent = Some((CheckStep::TotalAmount, PaymentError::CumulativeAmountExceeded));
    assert_eq!(refusal(&autonomous_json(), &world), spent);
    world.used.insert(id("req-aup-1"));
    let used = Some((CheckStep::RequestUnused, PaymentError::DuplicateRequest));
    assert_eq!(refusal(&autonomous_json(), &world), used);
}

#[test]
fn aup_07_the_sub_accounts_own_limits_hold_too() {
    let mut world = world();
    let limits = json!({"max_single_transaction": "0.09"});
    *world.account_mut() = account(&with(account_json(), &["risk_limits"], Some(limits)));
    let refused = Some((CheckStep::ToolLimits, PaymentError::SingleAmountExceeded));
    assert_eq!(refusal(&autonomous_json(), &world), refused);
}

#[test]
fn aup_08_never_beyond_the_credential() {
    for (spent, fits) in [("299.90", true), ("299.91", false), ("300.00", false)] {
        let mut world = world();
        world.spent = amount(spent);
        assert_eq!(refusal(&autonomous_json(), &world).is_none(), fits, "{spent}");
    }
    let other = with(autonomous_json(), &["amount"], Some(json!("0.11")));
    assert_eq!(refusal(&other, &world()), Some((CheckStep::Order, PaymentError::OrderMismatch)));
}

#[test]
fn aup_09_the_answer_names_trade_delegation_status_and_time() {
    let request = autonomous(&autonomous_json());
    let answer = request.respond(id("T-2"), TradeStatus::Pending, None);
    let expected = format!(
        r#"{{"request_id":"req-aup-1","trade_no":"T-2","delegation_id":"{DELEGATION}","out_trade_no":"ORD-77","trade_status":"TRADE_PENDING","amount":"0.10","currency":"CNY"}}"#
    );
    assert_eq!(answer.to_json(), expected);
}

#[test]
fn gen_03_psd_test_005_the_way_in_changes_no_rule() {
    let breaks: [fn(&mut World); 4] = [
        |_| {},
        |world| world.spent = amount("299.91"),
        |world| world.fit = IntentFit::Inconsistent,
        |world| world.account_mut().status = SubAccountState::Closed,
    ];
    for break_it in breaks {
        let mut world = world();
        break_it(&mut world);
        assert_eq!(refusal(&autonomous_json(), &world), refusal(&by_order(), &world));
    }
    // The same task, many payments.
    for number in 0..10 {
        let request = with(by_order(), &["request_id"], Some(json!(format!("req-{number}"))));
        assert_eq!(refusal(&request, &world()), None);
    }
}

#[test]
fn psd_test_001_six_components_three_levels_and_none_of_them_is_a402() {
    assert_eq!(
        COMPONENTS,
        ["PSD-PMT-BND", "PSD-AGT-SUB", "PSD-PAY-INS", "PSD-PAY-DEL", "PSD-PAY-AUP", "PSD-PAY-A402"]
    );
    let levels: Vec<&str> = Level::ALL.iter().map(|level| level.as_str()).collect();
    assert_eq!(levels, ["INS", "DEL", "AUP"]);
}
