//! GEN-02: of every message, each member in turn is dropped and garbled; only optional ones may be absent.

use crate::world::*;
use protocols::act::Malformed;
use protocols::act::iac::IacPayload;
use protocols::act::intent::IntentStructuringResult;
use protocols::act::lifecycle::StatusDocument;
use protocols::act::psd::agreement::{
    ApplyRequest, ApplyResponse, CancelRequest, CancelResponse, PayRequest, PayResponse, QueryRequest,
    QueryResponse,
};
use protocols::act::psd::{
    AutonomousRequest, AutonomousResponse, BindingRequest, BindingResponse, DelegatedRequest,
    DelegatedResponse, InstantRequest, InstantResponse, PaymentRefusal, SubAccount, SubAccountRequest,
};
use serde_json::{Value, json};

type Read = fn(&[u8]) -> Result<String, Malformed>;

macro_rules! reads {
    ($name:ident) => {
        (|text| $name::from_json(text).map(|message| message.to_json())) as Read
    };
}

/// Each message, a full sample, the members that may be absent, and the members where `null` is a value.
fn rows() -> Vec<(Read, Value, &'static str)> {
    let digest = "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let full = |mut value: Value, more: Value| {
        for (name, member) in more.as_object().unwrap() {
            value[name] = member.clone();
        }
        value
    };
    let isr = full(
        isr_json("BOUNDED"),
        json!({
        "user_confirmation_method": "FINGERPRINT", "user_confirmation_timestamp": "2026-08-31T23:58:00Z"}),
    );
    let iac: Value = json!({
        "delegation_id": "d", "intent_id": "i", "delegator_identity": ANA, "agent_id": AGENT,
        "delegation_mode": "BOUNDED", "validity_start_time": "2026-09-01T00:00:00Z",
        "validity_end_time": "2026-09-08T00:00:00Z", "max_total_amount": 300, "currency": "CNY",
        "allowed_payment_methods": [WALLET], "user_confirmation_method": "FINGERPRINT",
        "user_confirmation_timestamp": "2026-08-31T23:58:00Z", "source_isr_digest": digest,
        "ext": {"commerce": {"max_single_amount": 1}}});
    let success = json!({"request_id": "r", "status": "SUCCESS", "payment_token": "t",
        "token_expiry": "2026-12-01T00:00:00Z", "bound_agent_id": AGENT, "timestamp": "2026-09-01T00:00:00Z"});
    let fund = json!({"request_id": "r", "operation": "FUND", "principal_id": ANA, "agent_id": AGENT,
        "subaccount_id": "SA-1", "amount": "5.00", "currency": "CNY", "authentication_method": "PASSWORD",
        "reason": "TOP_UP", "timestamp": "2026-09-01T00:00:00Z"});
    let covered = json!({"signature_covered_fields": ["request_id"]});
    let apply: Value = json!({
        "request_id": "r", "principal_id": ANA, "principal_display_name": "Ana****", "agent_id": AGENT,
        "agent_display_name": "Shopper", "agreement_type": "DELEGATION_SPECIFIED",
        "sign_validity": {"start_time": "2026-09-01T00:00:00Z", "end_time": "2027-09-01T00:00:00Z"},
        "single_amount_limit": "100.00", "total_amount_limit": "1000.00", "currency": "CNY",
        "allowed_payment_methods": [WALLET], "allowed_merchants": [SHOP],
        "access_params": {"channel": "ALIAPP", "personal_product_code": "GENERAL_WITHHOLDING"},
        "notify_url": "https://agent.example/n", "return_url": "https://agent.example/r",
        "external_agreement_no": "EXT-1", "timestamp": "2026-09-01T00:00:00Z", "signature": "AA",
        "signature_algorithm": "ES256"});
    let signing = json!({"request_id": "r", "agreement_no": "A", "external_agreement_no": "E",
        "status": "SIGNING", "sign_url": "https://psp.example/s",
        "validity": {"start_time": "2026-09-01T00:00:00Z", "end_time": "2027-09-01T00:00:00Z"},
        "principal_id": ANA, "agent_id": AGENT, "psp_id": "P", "timestamp": "2026-09-01T00:00:00Z"});
    let agreements = json!({"request_id": "r", "agreements": [{
        "agreement_no": "A", "external_agreement_no": "E", "status": "SIGNED",
        "validity": {"start_time": "2026-09-01T00:00:00Z", "end_time": "2027-09-01T00:00:00Z"},
        "principal_id": ANA, "agent_id": AGENT, "agreement_type": "DELEGATION_GENERAL",
        "single_amount_limit": "1.00", "total_amount_limit": "2.00", "currency": "CNY",
        "deducted_amount_total": "0.00", "sign_time": "2026-09-01T00:00:00Z", "cancel_time": null}],
        "timestamp": "2026-09-01T00:00:00Z"});
    let query = json!({"request_id": "r", "external_agreement_no": "EXT-1", "signature_algorithm": "ES256",
        "timestamp": "2026-09-01T00:00:00Z", "signature": "AA"});
    let cancel = json!({"request_id": "r", "agreement_no": "A", "principal_id": ANA,
        "cancel_reason": "USER_INITIATED", "cancel_remark": "enough", "notify_url": "https://a.example/",
        "timestamp": "2026-09-01T00:00:00Z", "signature": "AA", "signature_algorithm": "ES256"});
    let cancelled = json!({"request_id": "r", "agreement_no": "A", "status": "CANCELLED",
        "cancel_time": "2026-09-01T00:00:00Z", "cancel_reason": "USER_INITIATED",
        "timestamp": "2026-09-01T00:00:00Z"});
    let pay = json!({"request_id": "r", "agreement_no": "A", "buyer_agent_id": AGENT, "principal_id": ANA,
        "merchant_id": SHOP, "merchant_order_id": "M", "cart_snapshot_hash": digest, "amount": "1.00",
        "currency": "CNY", "payment_method": WALLET, "subject": "milk", "description": "milk",
        "goods_detail": [{"goods_id": "g", "goods_name": "milk", "quantity": 3, "price": "1.00",
            "goods_category": "food"}],
        "notify_url": "https://a.example/", "timestamp": "2026-09-01T00:00:00Z", "signature": "AA",
        "signature_covered_fields": ["request_id"]});
    let paid = json!({"request_id": "r", "trade_no": "T", "out_trade_no": "M", "agreement_no": "A",
        "trade_status": "TRADE_SUCCESS", "amount": "1.00", "currency": "CNY", "buyer_principal_id": ANA,
        "buyer_agent_id": AGENT, "payment_method": WALLET, "payment_time": "2026-09-01T00:00:00Z",
        "deducted_amount_total": "1.00", "timestamp": "2026-09-01T00:00:00Z"});
    let answer = |order: &str| {
        json!({"request_id": "r", "trade_no": "T", "delegation_id": "D", order: "M",
        "trade_status": "TRADE_SUCCESS", "amount": "1.00", "currency": "CNY",
        "payment_time": "2026-09-01T00:00:00Z"})
    };
    let instant_answer = json!({"request_id": "r", "trade_no": "T", "merchant_order_id": "M",
        "trade_status": "TRADE_SUCCESS", "payment_time": "2026-09-01T00:00:00Z"});
    let refusal = json!({"request_id": "r",
        "error": {"code": "IAC_REVOKED", "retry": "NEVER", "message": "revoked"}});
    let status = json!({"delegation_id": "D", "status": "Active", "changed_at": "2026-09-01T00:00:00Z",
        "changed_by": ANA});
    let binding: Value = serde_json::from_str(&binding_request().to_json()).unwrap();
    let recharge = json!({"auto_recharge_enabled": false, "auto_recharge_threshold": "1.00",
        "auto_recharge_amount": "1.00", "last_transaction_at": "2026-09-01T00:00:00Z",
        "total_transactions": 127});
    vec![
        (
            reads!(IntentStructuringResult),
            isr,
            "delegation_mode validity_start_time validity_end_time max_total_amount \
            currency allowed_payment_methods agent_id user_confirmation_method ext input_mode commerce \
            agent_behavior max_single_amount allowed_categories forbidden_merchants price_deviation_tolerance \
            price_deviation_action on_payment_failure max_retry_count",
        ),
        (
            reads!(IacPayload),
            iac,
            "delegation_mode currency allowed_payment_methods user_confirmation_method \
            source_isr_digest ext commerce max_single_amount",
        ),
        (reads!(StatusDocument), status, "changed_by"),
        (reads!(BindingRequest), binding, "max_amount_per_transaction"),
        (reads!(BindingResponse), success, ""),
        (
            reads!(SubAccount),
            full(account_json(), recharge),
            "public_key_id risk_limits max_single_transaction \
            daily_transaction_limit transaction_count_limit auto_recharge_enabled auto_recharge_threshold \
            auto_recharge_amount last_transaction_at total_transactions",
        ),
        (reads!(SubAccountRequest), fund, "authentication_method reason"),
        (reads!(InstantRequest), full(instant_json(), covered.clone()), "signature_covered_fields"),
        (reads!(InstantResponse), instant_answer, "merchant_order_id payment_time"),
        (
            reads!(DelegatedRequest),
            full(delegated_json(), covered.clone()),
            "merchant_id payment_method \
            signature_covered_fields",
        ),
        (reads!(DelegatedResponse), answer("merchant_order_id"), "amount currency payment_time"),
        (
            reads!(AutonomousRequest),
            full(autonomous_json(), covered),
            "resource_id merchant_id payment_method \
            signature_covered_fields",
        ),
        (reads!(AutonomousResponse), answer("out_trade_no"), "out_trade_no amount currency payment_time"),
        (reads!(PaymentRefusal), refusal, "message"),
        (
            reads!(ApplyRequest),
            apply,
            "principal_display_name agent_display_name total_amount_limit \
            external_agreement_no",
        ),
        (reads!(ApplyResponse), signing, "external_agreement_no validity principal_id agent_id psp_id"),
        (reads!(QueryRequest), query, "signature_algorithm"),
        (reads!(QueryResponse), agreements, "external_agreement_no total_amount_limit sign_time cancel_time"),
        (reads!(CancelRequest), cancel, "cancel_remark notify_url"),
        (reads!(CancelResponse), cancelled, "agreement_no cancel_time cancel_reason"),
        (
            reads!(PayRequest),
            pay,
            "cart_snapshot_hash description goods_detail goods_category \
            signature_covered_fields",
        ),
        (reads!(PayResponse), paid, "payment_time"),
    ]
}

/// The path of every member, inside objects and the first item of lists too.
fn members(value: &Value, above: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members_of) => {
            for (name, member) in members_of {
                let path = format!("{above}/{name}");
                members(member, &path, found);
                found.push(path);
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                members(first, &format!("{above}/0"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn gen_02_what_is_required_is_there_and_what_is_there_is_valid() {
    let mut tried = 0;
    for (read, sample, optional) in rows() {
        let optional: Vec<&str> = optional.split_whitespace().collect();
        let written = read(sample.to_string().as_bytes()).unwrap();
        assert_eq!(read(written.as_bytes()).as_ref(), Ok(&written), "what was written reads the same");
        let mut paths = Vec::new();
        members(&sample, "", &mut paths);
        for path in paths {
            let (above, name) = path.rsplit_once('/').unwrap();
            let mut dropped = sample.clone();
            dropped.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(name);
            let accepted = read(dropped.to_string().as_bytes()).is_ok();
            assert_eq!(accepted, optional.contains(&name), "without {path}: {written}");
            for garbled in [json!(null), json!(""), json!({"zz": 0}), json!([[]]), json!(-1.5)] {
                let mut changed = sample.clone();
                *changed.pointer_mut(&path).unwrap() = garbled.clone();
                let is_value = garbled.is_null()
                    && ["/agreements/0/cancel_time", "/agreements/0/sign_time"].contains(&path.as_str());
                let accepted = read(changed.to_string().as_bytes()).is_ok();
                assert_eq!(accepted, is_value, "{path} = {garbled}: {written}");
                tried += 1;
            }
        }
    }
    assert!(1_000 < tried, "{tried}");
}

#[test]
fn gen_02_an_unknown_member_of_a_request_is_refused_and_of_an_answer_ignored() {
    for (read, sample, _) in rows() {
        let mut more = sample.clone();
        more["zz"] = json!(1);
        let is_answer = ["trade_no", "error", "changed_at", "balance", "agreements", "psp_id"]
            .iter()
            .any(|name| sample.get(name).is_some())
            || sample.get("status").is_some();
        assert_eq!(read(more.to_string().as_bytes()).is_ok(), is_answer, "{sample}");
    }
}
