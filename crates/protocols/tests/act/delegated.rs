//! `PSD-PAY-DEL`: what the agent asks itself, what the payment service asks, and in which order.

use crate::world::*;
use protocols::act::intent::DelegationMode;
use protocols::act::lifecycle::{NotUsable, Standing};
use protocols::act::psd::{
    CheckStep, DELEGATED_STEPS, DelegatedRequest, Level, LocalTotal, NotSent, NotSigned, PaymentError,
    Refused, Retry, SelfCheck, ToolReadiness, TradeStatus, check_delegated, sign, signing_bytes,
    verify_signature,
};
use protocols::act::{AmountNumber, Currency};
use serde_json::{Value, json};

fn refusal(request: &Value, world: &World) -> Option<(CheckStep, PaymentError)> {
    let refused = check_delegated(&delegated(request), world, now()).err()?;
    Some((refused.step, refused.error))
}

/// The request with a credential of the changed intent.
fn under(path: &[&str], new: Value) -> Value {
    let intent = with(isr_json("SPECIFIED"), path, Some(new));
    with(delegated_json(), &["iac"], Some(json!(issue(&intent))))
}

/// Every way to break a request, in the order in which the payment service would notice.
type Break = fn(&mut Value, &mut World);
const BREAKS: &[(CheckStep, PaymentError, Break)] = &[
    (CheckStep::Form, PaymentError::RequestInvalid, |request, _| request["amount"] = json!("99.001")),
    (CheckStep::RequestUnused, PaymentError::DuplicateRequest, |_, world| {
        world.used.insert(id("req-91aa"));
    }),
    (CheckStep::Fresh, PaymentError::RequestExpired, |request, _| {
        request["timestamp"] = json!("2026-09-02T03:00:00Z");
    }),
    (CheckStep::AgentSignature, PaymentError::AgentSignatureInvalid, |_, world| world.agent_keys.clear()),
    (CheckStep::IacSignature, PaymentError::IacSignatureInvalid, |_, world| {
        world.iac_keys = protocols::act::Keyring::default();
    }),
    (CheckStep::IacState, PaymentError::IacRevoked, |_, world| world.standing = Err(NotUsable::Revoked)),
    (CheckStep::IacAgent, PaymentError::AgentIdentityMismatch, |request, _| {
        request["delegation_id"] = json!("urn:uuid:other");
    }),
    (CheckStep::SingleAmount, PaymentError::SingleAmountExceeded, |request, world| {
        request["amount"] = json!("120.51");
        world.order_mut("M-1003").amount = order("120.51").amount;
    }),
    (CheckStep::TotalAmount, PaymentError::CumulativeAmountExceeded, |_, world| {
        world.spent = amount("299.99");
    }),
    (CheckStep::PaymentMethod, PaymentError::PaymentMethodNotAllowed, |request, _| {
        request["payment_method"] = json!("urn:act:payment:other");
    }),
    (CheckStep::Order, PaymentError::OrderMismatch, |_, world| {
        world.order_mut("M-1003").currency = Currency::parse("USD").unwrap();
    }),
    (CheckStep::Merchant, PaymentError::MerchantNotInScope, |request, world| {
        request["merchant_id"] = json!("did:act:example.test/merchant-bad");
        world.order_mut("M-1003").merchant_id = id("did:act:example.test/merchant-bad");
    }),
    (CheckStep::Category, PaymentError::CategoryNotInScope, |_, world| {
        world.order_mut("M-1003").categories = vec![id("toys")];
    }),
    (CheckStep::Intent, PaymentError::IntentMismatch, |_, world| {
        world.fit = protocols::act::psd::IntentFit::Inconsistent;
    }),
    (CheckStep::ToolUsable, PaymentError::PaymentToolInvalid, |_, world| {
        world.binding_mut().state = protocols::act::psd::BindingState::Frozen;
    }),
    (CheckStep::ToolAgent, PaymentError::PaymentToolAgentMismatch, |_, world| {
        world.binding_mut().agent_id = id("did:act:example.test/agent-bob");
    }),
    (CheckStep::ToolPrincipal, PaymentError::PaymentToolPrincipalMismatch, |_, world| {
        world.binding_mut().principal_id = id("did:act:example.test/user-bob");
    }),
    (CheckStep::ToolLimits, PaymentError::SingleAmountExceeded, |_, world| {
        world.binding_mut().constraints.max_amount_per_transaction = Some(amount("98.99"));
    }),
    (CheckStep::Balance, PaymentError::BalanceInsufficient, |_, world| world.account_covers = false),
];

#[test]
fn del_01_level_2_stands_on_a_specified_credential() {
    assert_eq!(refusal(&delegated_json(), &world()), None);
    let bounded = with(delegated_json(), &["iac"], Some(json!(issue(&isr_json("BOUNDED")))));
    let refused = refusal(&bounded, &world());
    assert_eq!(refused, Some((CheckStep::DelegationMode, PaymentError::DelegationModeInvalid)));
}

#[test]
fn del_02_the_agent_asks_itself_first() {
    let iac = verified(&isr_json("SPECIFIED"));
    let (yuan, shop, bad) =
        (Currency::parse("CNY").unwrap(), id(SHOP), id("did:act:example.test/merchant-bad"));
    let (dollar, kinds, wallet) = (Currency::parse("USD").unwrap(), [id("data/api")], id(WALLET));
    let good = SelfCheck {
        level: Level::Delegated,
        iac: &iac,
        standing: Ok(Standing::Confirmed),
        local_total: LocalTotal::default(),
        amount: amount("120.50"),
        currency: &yuan,
        merchant_id: &shop,
        categories: &kinds,
        payment_method: Some(&wallet),
        tool: ToolReadiness::Usable,
    };
    assert_eq!(good.run(now()), Ok(()));
    let refused = |error| Err(NotSent(error));
    let spent = LocalTotal::default().after(TradeStatus::Success, amount("179.51"));
    for (check, error) in [
        (SelfCheck { standing: Err(NotUsable::Suspended), ..good }, PaymentError::IacSuspended),
        (SelfCheck { standing: Err(NotUsable::Revoked), ..good }, PaymentError::IacRevoked),
        (SelfCheck { standing: Err(NotUsable::Unknown), ..good }, PaymentError::IacStatusUnknown),
        (SelfCheck { amount: amount("120.51"), ..good }, PaymentError::SingleAmountExceeded),
        (SelfCheck { local_total: spent, ..good }, PaymentError::CumulativeAmountExceeded),
        (SelfCheck { merchant_id: &bad, ..good }, PaymentError::MerchantNotInScope),
        (SelfCheck { payment_method: None, ..good }, PaymentError::PaymentMethodNotAllowed),
        (SelfCheck { currency: &dollar, ..good }, PaymentError::CurrencyMismatch),
        (SelfCheck { categories: &[], ..good }, PaymentError::CategoryNotInScope),
        (SelfCheck { tool: ToolReadiness::Unusable, ..good }, PaymentError::PaymentToolInvalid),
        (SelfCheck { level: Level::Autonomous, ..good }, PaymentError::DelegationModeInvalid),
    ] {
        assert_eq!(check.run(now()), refused(error));
    }
    assert_eq!(good.run(at("2026-09-08T00:00:00Z")), refused(PaymentError::IacExpired));
    assert_eq!(good.run(at("2026-08-31T23:59:59Z")), refused(PaymentError::IacNotYetValid));
}

#[test]
fn del_03_a_request_carries_the_whole_credential_and_one_tool() {
    let read = |value: &Value| DelegatedRequest::from_json(value.to_string().as_bytes()).is_ok();
    assert!(read(&delegated_json()));
    assert!(!read(&with(delegated_json(), &["payment_token"], None)), "no tool");
    assert!(!read(&with(delegated_json(), &["subaccount_id"], Some(json!("SA-1")))), "two tools");
    assert!(!read(&with(delegated_json(), &["iac"], Some(json!("a b")))));
}

#[test]
fn del_04_the_six_elements_are_covered_and_cannot_be_altered() {
    let good = delegated(&delegated_json());
    let keys = [agent_key().public().clone()];
    let six = ["request_id", "delegation_id", "merchant_order_id", "amount", "currency", "timestamp"];
    for name in six {
        let mut bad = good.clone();
        let fields = bad.signature_covered_fields.take().unwrap();
        bad.signature_covered_fields =
            Some(fields.into_iter().filter(|field| field.as_str() != name).collect());
        assert_eq!(verify_signature(&bad, &keys), Err(NotSigned::NotCovered(name)));

        let other = if name == "currency" {
            "USD"
        } else if name == "amount" {
            "99.01"
        } else {
            "X"
        };
        let other = if name == "timestamp" { "2026-09-02T03:10:01Z" } else { other };
        let tampered: Value = serde_json::from_str(&good.to_json()).unwrap();
        let tampered = with(tampered, &[name], Some(json!(other)));
        let tampered = DelegatedRequest::from_json(tampered.to_string().as_bytes()).unwrap();
        assert_eq!(verify_signature(&tampered, &keys), Err(NotSigned::BadSignature), "{name}");
    }
    // The least that counts is these six, as the samples have it.
    let mut least = good.clone();
    least.signature_covered_fields = Some(six.map(id).to_vec());
    assert!(signing_bytes(&least).is_ok());
    assert_eq!(verify_signature(&good, &keys), Ok(()));
    assert_eq!(verify_signature(&good, &[]), Err(NotSigned::BadSignature));
}

#[test]
fn del_05_of_two_faults_the_earlier_step_is_reported() {
    for (place, (step, error, break_it)) in BREAKS.iter().enumerate() {
        let (mut request, mut world) = (delegated_json(), world());
        break_it(&mut request, &mut world);
        assert_eq!(refusal(&request, &world), Some((*step, *error)));
        for (later, _, break_more) in &BREAKS[place + 1..] {
            let (mut request, mut world) = (request.clone(), crate::world::world());
            break_more(&mut request, &mut world);
            break_it(&mut request, &mut world);
            assert_eq!(refusal(&request, &world), Some((*step, *error)), "before {later}");
        }
    }
    let steps: Vec<CheckStep> = BREAKS.iter().map(|(step, _, _)| *step).collect();
    let mut listed = DELEGATED_STEPS.to_vec();
    let tested_elsewhere = [CheckStep::DelegationMode, CheckStep::Currency, CheckStep::ToolProof];
    listed.retain(|step| !tested_elsewhere.contains(step));
    assert_eq!(steps, listed, "every step is broken once, in the order of the list");
}

#[test]
fn del_06_every_flaw_of_a_credential_is_a_class_of_its_own() {
    for (standing, error) in [
        (NotUsable::Revoked, PaymentError::IacRevoked),
        (NotUsable::Suspended, PaymentError::IacSuspended),
        (NotUsable::Expired, PaymentError::IacExpired),
        (NotUsable::NotYetValid, PaymentError::IacNotYetValid),
        (NotUsable::Unknown, PaymentError::IacStatusUnknown),
    ] {
        let mut world = world();
        world.standing = Err(standing);
        assert_eq!(refusal(&delegated_json(), &world), Some((CheckStep::IacState, error)));
    }
    let over = under(&["validity_end_time"], json!("2026-09-02T03:10:05Z"));
    assert_eq!(refusal(&over, &world()), Some((CheckStep::IacSignature, PaymentError::IacExpired)));
    let other = under(&["agent_id"], json!("did:act:example.test/agent-bob"));
    let mismatch = Some((CheckStep::IacAgent, PaymentError::AgentIdentityMismatch));
    assert_eq!(refusal(&other, &world()), mismatch);

    // While nobody can say the state, up to what policy allows.
    let mut world = world();
    world.standing = Ok(Standing::Provisional { amount_max: amount("99.00") });
    assert_eq!(refusal(&delegated_json(), &world), None);
    world.standing = Ok(Standing::Provisional { amount_max: amount("98.99") });
    let unknown = Some((CheckStep::IacState, PaymentError::IacStatusUnknown));
    assert_eq!(refusal(&delegated_json(), &world), unknown);
}

#[test]
fn del_07_exactly_the_limit_is_inside() {
    for (spent, fits) in [("201.00", true), ("201.01", false)] {
        let mut world = world();
        world.spent = amount(spent);
        assert_eq!(refusal(&delegated_json(), &world).is_none(), fits, "{spent}");
    }
    for (single, fits) in [(json!(99.00), true), (json!(98.99), false)] {
        let request = under(&["ext", "commerce", "max_single_amount"], single.clone());
        assert_eq!(refusal(&request, &world()).is_none(), fits, "{single}");
    }
    let minimum = under(&["ext", "commerce", "min_single_amount"], json!(99.01));
    let refused = Some((CheckStep::SingleAmount, PaymentError::SingleAmountBelowMinimum));
    assert_eq!(refusal(&minimum, &world()), refused);
    let nothing = under(&["allowed_payment_methods"], json!(["urn:act:payment:other"]));
    let refused = Some((CheckStep::PaymentMethod, PaymentError::PaymentMethodNotAllowed));
    assert_eq!(refusal(&nothing, &world()), refused);
}

#[test]
fn del_08_psd_test_004_the_total_is_the_payment_services_own() {
    // The agent believes it has spent nothing; there is no place in the request to say so.
    let mut world = world();
    world.spent = amount("250.00");
    let refused = Some((CheckStep::TotalAmount, PaymentError::CumulativeAmountExceeded));
    assert_eq!(refusal(&delegated_json(), &world), refused);
    let lie = with(delegated_json(), &["local_total"], Some(json!("0.00")));
    assert!(DelegatedRequest::from_json(lie.to_string().as_bytes()).is_err());
    world.spent = amount("9999999999999.99");
    assert_eq!(refusal(&delegated_json(), &world), refused, "no overflow");
}

#[test]
fn del_10_with_a_sub_account_state_key_and_agent_are_checked() {
    let request = with(delegated_json(), &["payment_token"], None);
    let request = with(request, &["subaccount_id"], Some(json!("SA-1")));
    let request = with(request, &["subaccount_proof"], Some(json!("AA")));
    let read = DelegatedRequest::from_json(request.to_string().as_bytes()).unwrap();
    let unproved = sign(read.clone(), &agent_key());
    let refused = check_delegated(&unproved, &world(), now()).unwrap_err();
    assert_eq!(refused, Refused { step: CheckStep::ToolProof, error: PaymentError::SubaccountProofInvalid });

    let mut proved = read.clone();
    proved.subaccount_proof = Some(read.claim().unwrap().proof_facts(&id("SA-1")).sign(&subaccount_key()));
    let proved = sign(proved, &agent_key());
    assert!(check_delegated(&proved, &world(), now()).is_ok());
    let mut world = world();
    world.account_mut().principal_id = id("did:act:example.test/user-bob");
    let refused = check_delegated(&proved, &world, now()).unwrap_err();
    assert_eq!(refused.error, PaymentError::PaymentToolPrincipalMismatch);
}

#[test]
fn del_11_only_a_confirmed_success_counts_towards_the_local_total() {
    let mut total = LocalTotal::default();
    assert_eq!(total.confirmed(), AmountNumber::ZERO);
    total = total.after(TradeStatus::Success, amount("99.00"));
    for status in [TradeStatus::Pending, TradeStatus::Failed, TradeStatus::Closed] {
        assert_eq!(total.after(status, amount("10.00")), total, "{status}");
    }
    assert_eq!(total.confirmed(), amount("99.00"));
    let most = amount("9999999999999.99");
    assert_eq!(total.after(TradeStatus::Success, most).confirmed(), most, "stays at the most");

    let answer = delegated(&delegated_json()).respond(
        id("T-1"),
        TradeStatus::Success,
        Some(utc("2026-09-02T03:10:06Z")),
    );
    let expected = format!(
        r#"{{"request_id":"req-91aa","trade_no":"T-1","delegation_id":"{DELEGATION}","merchant_order_id":"M-1003","trade_status":"TRADE_SUCCESS","amount":"99.00","currency":"CNY","payment_time":"2026-09-02T03:10:06Z"}}"#
    );
    assert_eq!(answer.to_json(), expected);
}

#[test]
fn del_12_amount_currency_merchant_and_cart_are_those_confirmed() {
    let mismatch = Some((CheckStep::Order, PaymentError::OrderMismatch));
    let rows: [fn(&mut World); 4] = [
        |world| world.order_mut("M-1003").amount = order("98.99").amount,
        |world| world.order_mut("M-1003").currency = Currency::parse("USD").unwrap(),
        |world| world.order_mut("M-1003").merchant_id = id("did:act:example.test/shop-8"),
        |world| world.orders.clear(),
    ];
    for change in rows {
        let mut world = world();
        change(&mut world);
        assert_eq!(refusal(&delegated_json(), &world), mismatch);
    }
    let digest = |text: &[u8]| protocols::a402::digest(text);
    let hashed = with(delegated_json(), &["cart_snapshot_hash"], Some(json!(digest(b"cart").as_str())));
    let mut world = world();
    world.order_mut("M-1003").cart_snapshot_hash = Some(digest(b"cart"));
    assert_eq!(refusal(&hashed, &world), None);
    world.order_mut("M-1003").cart_snapshot_hash = Some(digest(b"another cart"));
    assert_eq!(refusal(&hashed, &world), Some((CheckStep::Order, PaymentError::AmountSnapshotMismatch)));
}

#[test]
fn del_13_no_class_but_the_balance_may_be_tried_again_directly() {
    for (error, retry) in [
        (PaymentError::IacExpired, Retry::AfterReauthorization),
        (PaymentError::IacRevoked, Retry::Never),
        (PaymentError::IacSuspended, Retry::AfterReauthorization),
        (PaymentError::AgentIdentityMismatch, Retry::AfterCorrection),
        (PaymentError::SingleAmountExceeded, Retry::AfterReauthorization),
        (PaymentError::CumulativeAmountExceeded, Retry::AfterReauthorization),
        (PaymentError::MerchantNotInScope, Retry::AfterReauthorization),
        (PaymentError::AmountSnapshotMismatch, Retry::AfterCorrection),
    ] {
        assert_eq!(error.entry().retry, retry, "{error}");
        assert!(!error.entry().retry.is_direct(), "{error}");
    }
    assert_eq!(PaymentError::BalanceInsufficient.entry().retry, Retry::AfterFunding);
}

#[test]
fn del_14_agent_and_principal_are_checked_together() {
    // One platform agent, the credential of one principal, the tool of another.
    let mut world = world();
    world.binding_mut().principal_id = id("did:act:example.test/user-bob");
    let refused = Some((CheckStep::ToolPrincipal, PaymentError::PaymentToolPrincipalMismatch));
    assert_eq!(refusal(&delegated_json(), &world), refused);
}

#[test]
fn gen_01_what_passed_knows_the_intent_and_what_was_found_out() {
    let passed = check_delegated(&delegated(&delegated_json()), &world(), now()).unwrap();
    assert_eq!(passed.amount, amount("99.00"));
    let intent = id("urn:uuid:0b7f7b54-64b1-4b57-8c6e-7d5f6e0a9d02");
    assert_eq!(passed.iac.payload().intent_id, Some(intent), "the key of the whole flow");
    assert_eq!(passed.iac.payload().mode(), DelegationMode::Specified);
    assert_eq!(passed.order, order("99.00"));
    assert_eq!(passed.standing, Standing::Confirmed);
}
