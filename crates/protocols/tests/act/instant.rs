//! `PSD-PAY-INS`: every base check comes before the prompt, and every prompt before the money.

use crate::world::*;
use protocols::act::UtcTime;
use protocols::act::psd::{
    CashierOutcome, CheckStep, INSTANT_STEPS, InstantRequest, NotSigned, PaymentError, PendingConfirmation,
    Refused, Retry, SignedRequest, TradeStatus, check_instant, sign, signing_bytes,
};
use serde_json::{Value, json};

fn checked(request: &Value, world: &World) -> Result<PendingConfirmation, Refused> {
    check_instant(&instant(request), world, at("2026-09-02T03:15:00Z"), now())
}

fn error(request: &Value, world: &World) -> PaymentError {
    checked(request, world).unwrap_err().error
}

fn yes(time: &str) -> CashierOutcome {
    CashierOutcome::Confirmed { method: word("FINGERPRINT"), at: utc(time) }
}

#[test]
fn ins_01_the_request_is_the_order() {
    assert!(checked(&instant_json(), &world()).is_ok());
    for (name, value) in
        [("amount", "98.99"), ("amount", "99.01"), ("currency", "USD"), ("merchant_order_id", "M-1")]
    {
        let changed = with(instant_json(), &[name], Some(json!(value)));
        assert_eq!(error(&changed, &world()), PaymentError::OrderMismatch, "{name}: {value}");
    }
    let same = with(instant_json(), &["amount"], Some(json!("99.0")));
    assert!(checked(&same, &world()).is_ok(), "another text of the same amount");
    let finer = with(instant_json(), &["amount"], Some(json!("99.001")));
    assert_eq!(error(&finer, &world()), PaymentError::RequestInvalid);
    let mut world = world();
    world.tools.clear();
    assert_eq!(error(&instant_json(), &world), PaymentError::PaymentToolInvalid);
}

#[test]
fn ins_02_every_element_is_covered_by_the_signature() {
    let good = instant(&instant_json());
    for name in [
        "request_id",
        "merchant_order_id",
        "payment_token",
        "amount",
        "currency",
        "timestamp",
        "buyer_agent_id",
    ] {
        let mut request = good.clone();
        let fields = request.signature_covered_fields.take().unwrap();
        request.signature_covered_fields =
            Some(fields.into_iter().filter(|field| field.as_str() != name).collect());
        assert_eq!(signing_bytes(&request), Err(NotSigned::NotCovered(name)));
    }
    // What was signed is canonical JSON of the covered members, and of nothing else.
    let expected = format!(
        r#"{{"amount":"99.00","buyer_agent_id":"{AGENT}","currency":"CNY","merchant_order_id":"M-1003","payment_token":"tk_demo_1","request_id":"req-7c1d","timestamp":"2026-09-02T03:10:00Z"}}"#
    );
    assert_eq!(String::from_utf8(signing_bytes(&good).unwrap()).unwrap(), expected);
    let mut unlisted = good;
    unlisted.signature_covered_fields = None;
    assert_eq!(String::from_utf8(signing_bytes(&unlisted).unwrap()).unwrap(), expected, "no list covers all");
}

#[test]
fn ins_02_a_list_of_covered_members_names_each_once_and_only_members() {
    let good = instant(&instant_json());
    for extra in ["request_id", "signature", "signature_covered_fields", "nothing"] {
        let mut request = good.clone();
        let mut fields = request.signature_covered_fields.take().unwrap();
        fields.push(id(extra));
        request.signature_covered_fields = Some(fields);
        assert_eq!(signing_bytes(&request), Err(NotSigned::CannotCover), "{extra}");
    }
}

#[test]
fn ins_03_each_base_check_fails_before_any_prompt() {
    type Break = fn(&mut Value, &mut World);
    let rows: [(Break, CheckStep, PaymentError); 7] = [
        (
            |_, world| {
                world.used.insert(id("req-7c1d"));
            },
            CheckStep::RequestUnused,
            PaymentError::DuplicateRequest,
        ),
        (
            |request, _| request["timestamp"] = json!("2026-09-02T03:05:04Z"),
            CheckStep::Fresh,
            PaymentError::RequestExpired,
        ),
        (
            |request, _| request["timestamp"] = json!("2026-09-02T03:11:06Z"),
            CheckStep::Fresh,
            PaymentError::RequestExpired,
        ),
        (
            |_, world| world.agent_keys = vec![subaccount_key().public().clone()],
            CheckStep::AgentSignature,
            PaymentError::AgentSignatureInvalid,
        ),
        (
            |request, _| request["buyer_agent_id"] = json!("did:act:example.test/agent-bob"),
            CheckStep::AgentSignature,
            PaymentError::AgentSignatureInvalid,
        ),
        (|_, world| world.tools.clear(), CheckStep::ToolUsable, PaymentError::PaymentToolInvalid),
        (
            |_, world| world.binding_mut().agent_id = id("did:act:example.test/agent-bob"),
            CheckStep::ToolAgent,
            PaymentError::PaymentToolAgentMismatch,
        ),
    ];
    for (break_it, step, error) in rows {
        let (mut request, mut world) = (instant_json(), world());
        break_it(&mut request, &mut world);
        assert_eq!(checked(&request, &world).unwrap_err(), Refused { step, error });
    }
}

#[test]
fn ins_03_the_window_of_time_includes_its_edges() {
    for (stamp, fits) in [
        ("2026-09-02T03:05:05Z", true),
        ("2026-09-02T03:05:04Z", false),
        ("2026-09-02T03:11:05Z", true),
        ("2026-09-02T03:11:06Z", false),
    ] {
        let request = with(instant_json(), &["timestamp"], Some(json!(stamp)));
        assert_eq!(checked(&request, &world()).is_ok(), fits, "{stamp}");
    }
}

#[test]
fn ins_03_the_order_of_the_checks_is_the_lists() {
    use CheckStep as S;
    let expected = [
        S::Form,
        S::RequestUnused,
        S::Fresh,
        S::AgentSignature,
        S::ToolUsable,
        S::ToolAgent,
        S::Order,
        S::ToolLimits,
    ];
    assert_eq!(INSTANT_STEPS, expected);
}

#[test]
fn ins_04_a_failed_check_leaves_no_prompt() {
    // By type: a refusal is all there is, and a prompt exists only inside a pending confirmation.
    let mut world = world();
    world.used.insert(id("req-7c1d"));
    let refused = checked(&instant_json(), &world).unwrap_err();
    let report = refused.report(id("req-7c1d")).to_json();
    let expected =
        r#"{"request_id":"req-7c1d","error":{"code":"DUPLICATE_REQUEST","retry":"WITH_NEW_REQUEST_ID","#;
    assert!(report.starts_with(expected), "{report}");
}

#[test]
fn ins_05_the_prompt_is_the_request_letter_by_letter() {
    let request = with(instant_json(), &["amount"], Some(json!("99.0")));
    let request = with(request, &["payment_method"], Some(json!(WALLET)));
    let pending = checked(&request, &world()).unwrap();
    let prompt = pending.prompt();
    assert_eq!((prompt.amount.as_str(), prompt.currency.as_str()), ("99.0", "CNY"));
    assert_eq!(prompt.payee_name.as_str(), "Shop Seven");
    assert_eq!(prompt.payment_method, Some(id(WALLET)));
}

#[test]
fn ins_06_psd_test_003_only_a_yes_in_time_authorizes() {
    let resolve = |outcome, now: &str| checked(&instant_json(), &world()).unwrap().resolve(outcome, at(now));
    let failed = Err(PaymentError::UserConfirmationFailed);
    let soon = "2026-09-02T03:11:00Z";
    for outcome in [
        CashierOutcome::Declined,
        CashierOutcome::Cancelled,
        CashierOutcome::VerificationFailed,
        CashierOutcome::TimedOut,
    ] {
        assert_eq!(resolve(outcome, soon), failed);
    }
    assert!(resolve(yes(soon), "2026-09-02T03:14:59Z").is_ok());
    assert_eq!(resolve(yes(soon), "2026-09-02T03:15:00Z"), failed, "told too late");
    assert_eq!(resolve(yes("2026-09-02T03:15:00Z"), soon), failed, "said too late");
}

#[test]
fn ins_07_method_and_time_of_the_yes_are_kept() {
    let pending = checked(&instant_json(), &world()).unwrap();
    let authorized = pending.resolve(yes("2026-09-02T03:11:00Z"), at("2026-09-02T03:11:02Z")).unwrap();
    let evidence = authorized.evidence();
    assert_eq!((evidence.method.as_str(), evidence.at.as_str()), ("FINGERPRINT", "2026-09-02T03:11:00Z"));
}

#[test]
fn ins_08_the_answer_names_trade_order_status_and_time() {
    let pending = checked(&instant_json(), &world()).unwrap();
    let authorized = pending.resolve(yes("2026-09-02T03:11:00Z"), at("2026-09-02T03:11:02Z")).unwrap();
    let paid_at = UtcTime::second_of(at("2026-09-02T03:11:03Z"));
    let answer = authorized.respond(id("T-9001"), TradeStatus::Success, Some(paid_at));
    let expected = r#"{"request_id":"req-7c1d","trade_no":"T-9001","merchant_order_id":"M-1003","trade_status":"TRADE_SUCCESS","payment_time":"2026-09-02T03:11:03Z"}"#;
    assert_eq!(answer.to_json(), expected);
}

#[test]
fn ins_09_every_class_has_its_code_and_a_sentence() {
    for (error, code) in [
        (PaymentError::DuplicateRequest, "DUPLICATE_REQUEST"),
        (PaymentError::RequestExpired, "REQUEST_EXPIRED"),
        (PaymentError::AgentSignatureInvalid, "AGENT_SIGNATURE_INVALID"),
        (PaymentError::PaymentToolInvalid, "PAYMENT_TOOL_INVALID"),
        (PaymentError::PaymentToolAgentMismatch, "PAYMENT_TOOL_AGENT_MISMATCH"),
        (PaymentError::UserConfirmationFailed, "USER_CONFIRMATION_FAILED"),
        (PaymentError::PaymentExecutionFailed, "PAYMENT_EXECUTION_FAILED"),
    ] {
        assert_eq!(error.as_str(), code);
    }
    for error in PaymentError::ALL {
        let refusal = error.refuse(id("r"));
        assert_eq!(refusal.error.retry, error.entry().retry);
        assert!(!error.entry().message.ends_with('.'));
    }
}

#[test]
fn ins_10_what_may_be_tried_again_and_how() {
    for (error, retry, direct) in [
        (PaymentError::DuplicateRequest, Retry::WithNewRequestId, false),
        (PaymentError::AgentSignatureInvalid, Retry::AfterCorrection, false),
        (PaymentError::PaymentToolInvalid, Retry::AfterCorrection, false),
        (PaymentError::PaymentToolAgentMismatch, Retry::AfterCorrection, false),
        (PaymentError::RequestExpired, Retry::WithNewTimestamp, true),
        (PaymentError::UserConfirmationFailed, Retry::ByPolicy, true),
        (PaymentError::PaymentExecutionFailed, Retry::ByCause, true),
        (PaymentError::ResultUnknown, Retry::QueryFirst, false),
    ] {
        assert_eq!((error.entry().retry, error.entry().retry.is_direct()), (retry, direct), "{error}");
    }
}

#[test]
fn a_bill_of_a402_takes_the_place_of_an_order() {
    let bill = with(instant_json(), &["merchant_order_id"], None);
    let bill = with(bill, &["out_trade_no"], Some(json!("ORD-77")));
    let bill = with(with(bill, &["resource_id"], Some(json!("res-77"))), &["amount"], Some(json!("0.10")));
    assert!(checked(&bill, &world()).is_ok());
    let both = with(bill, &["merchant_order_id"], Some(json!("M-1003")));
    assert!(InstantRequest::from_json(both.to_string().as_bytes()).is_err());
    let resigned = sign(instant(&instant_json()), &agent_key());
    assert_eq!(resigned.covered_fields().unwrap().len(), 7);
}
