//! Standing agreements of version 2.0: made, shown, ended, and paid under.

use crate::world::*;
use evidence::PublicKey;
use protocols::act::psd::agreement::{
    Agreement, AgreementFacts, AgreementKey, AgreementRefused, AgreementStatus, AgreementStep, ApplyRequest,
    ApplyResponse, CancelRefused, CancelRequest, CancelStatus, PayRequest, QueryKey, QueryRequest, TaskEvent,
    TaskState, check_agreement_payment,
};
use protocols::act::psd::{NotSigned, PaymentError, sign, signing_bytes, verify_signature};
use protocols::act::{AmountNumber, Identifier};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn agreement_json() -> Value {
    json!({
        "agreement_no": "AGR-1", "external_agreement_no": "EXT-1", "status": "SIGNED",
        "validity": {"start_time": "2026-09-01T00:00:00Z", "end_time": "2027-09-01T00:00:00Z"},
        "principal_id": ANA, "agent_id": AGENT, "agreement_type": "DELEGATION_SPECIFIED",
        "single_amount_limit": "500.00", "total_amount_limit": "1000.00", "currency": "CNY",
        "deducted_amount_total": "700.00", "allowed_merchants": [SHOP],
        "allowed_payment_methods": [WALLET], "sign_time": "2026-09-01T00:05:00Z", "cancel_time": null,
    })
}

fn agreement(value: &Value) -> Agreement {
    Agreement::from_json(value.to_string().as_bytes()).unwrap()
}

fn pay_json() -> Value {
    json!({
        "request_id": "req-pay-1", "agreement_no": "AGR-1", "buyer_agent_id": AGENT, "principal_id": ANA,
        "merchant_id": SHOP, "merchant_order_id": "M-1", "amount": "300.00", "currency": "CNY",
        "payment_method": WALLET, "subject": "milk", "notify_url": "https://agent.example/n",
        "timestamp": "2026-09-02T03:10:00Z", "signature": "AA",
    })
}

fn pay(value: &Value) -> PayRequest {
    sign(PayRequest::from_json(value.to_string().as_bytes()).unwrap(), &agent_key())
}

struct Service {
    used: BTreeSet<Identifier>,
    keys: Vec<PublicKey>,
    agreement: Option<Agreement>,
}

fn service() -> Service {
    let keys = vec![agent_key().public().clone()];
    Service { used: BTreeSet::new(), keys, agreement: Some(agreement(&agreement_json())) }
}

impl AgreementFacts for Service {
    fn request_is_unused(&self, _agent_id: &Identifier, request_id: &Identifier) -> bool {
        !self.used.contains(request_id)
    }

    fn agent_keys(&self, _agent_id: &Identifier) -> Vec<PublicKey> {
        self.keys.clone()
    }

    fn agreement(&self, key: AgreementKey<'_>) -> Option<Agreement> {
        let agreement = self.agreement.clone()?;
        let named = match key {
            AgreementKey::AgreementNo(number) => *number == agreement.agreement_no,
            AgreementKey::ExternalAgreementNo(number) => {
                Some(number) == agreement.external_agreement_no.as_ref()
            }
        };
        named.then_some(agreement)
    }
}

fn apply_json() -> Value {
    json!({
        "request_id": "req-apply-1", "principal_id": ANA, "agent_id": AGENT,
        "agreement_type": "DELEGATION_SPECIFIED",
        "sign_validity": {"start_time": "2026-09-01T00:00:00Z", "end_time": "2027-09-01T00:00:00Z"},
        "single_amount_limit": "500.00", "total_amount_limit": "1000.00", "currency": "CNY",
        "allowed_payment_methods": [WALLET], "allowed_merchants": [SHOP],
        "access_params": {"channel": "ALIAPP", "personal_product_code": "GENERAL_WITHHOLDING"},
        "notify_url": "https://agent.example/n", "return_url": "https://agent.example/r",
        "timestamp": "2026-09-01T00:00:00Z", "signature": "AA", "signature_algorithm": "ES256",
    })
}

#[test]
fn dla_01_an_application_says_everything_and_signs_it() {
    let read = |value: &Value| ApplyRequest::from_json(value.to_string().as_bytes());
    let no_merchants = with(apply_json(), &["allowed_merchants"], None);
    assert!(read(&no_merchants).is_err());
    let general = with(no_merchants, &["agreement_type"], Some(json!("DELEGATION_GENERAL")));
    assert!(read(&general).is_ok());
    assert!(read(&with(apply_json(), &["total_amount_limit"], Some(json!("499.99")))).is_err());
    assert!(read(&with(apply_json(), &["times_limit"], Some(json!(0)))).is_err());
    assert!(read(&with(apply_json(), &["times_limit"], Some(json!(1)))).is_ok());
    assert!(read(&with(apply_json(), &["allowed_payment_methods"], Some(json!([])))).is_err());

    let keys = [agent_key().public().clone()];
    let signed = sign(read(&apply_json()).unwrap(), &agent_key());
    assert_eq!(verify_signature(&signed, &keys), Ok(()));
    let members: Value = serde_json::from_str(&signed.to_json()).unwrap();
    for (name, value) in
        [("single_amount_limit", json!("600.00")), ("agent_id", json!("X")), ("currency", json!("USD"))]
    {
        let tampered = read(&with(members.clone(), &[name], Some(value))).unwrap();
        assert_eq!(verify_signature(&tampered, &keys), Err(NotSigned::BadSignature), "{name}");
    }
    let other = with(apply_json(), &["signature_algorithm"], Some(json!("ED25519")));
    let other = sign(read(&other).unwrap(), &agent_key());
    assert_eq!(verify_signature(&other, &keys), Err(NotSigned::BadSignature), "the key decides");
}

#[test]
fn dla_02_the_answer_is_an_agreement_a_place_to_sign_or_an_error() {
    let read = |value: Value| ApplyResponse::from_json(value.to_string().as_bytes()).is_ok();
    let common = |more: Value| {
        let mut value = json!({"request_id": "r", "timestamp": "2026-09-01T00:00:00Z"});
        for (name, member) in more.as_object().unwrap() {
            value[name] = member.clone();
        }
        value
    };
    assert!(read(common(json!({"status": "SIGNED", "agreement_no": "A"}))));
    let sign_url = "https://psp.example/sign";
    assert!(read(common(json!({"status": "SIGNING", "agreement_no": "A", "sign_url": sign_url}))));
    assert!(!read(common(json!({"status": "SIGNING", "agreement_no": "A"}))));
    assert!(read(common(json!({"error_code": "IDENTITY_VERIFICATION_FAILED"}))));
    assert!(!read(common(json!({"status": "SIGNED", "agreement_no": "A", "error_code": "X"}))));
    assert!(!read(common(json!({}))));
}

#[test]
fn dlq_01_a_query_has_exactly_one_key() {
    let read = |keys: Value| {
        let mut value = json!({"request_id": "r", "timestamp": "2026-09-01T00:00:00Z", "signature": "AA"});
        for (name, member) in keys.as_object().unwrap() {
            value[name] = member.clone();
        }
        QueryRequest::from_json(value.to_string().as_bytes())
    };
    let one = read(json!({"external_agreement_no": "EXT-1"})).unwrap();
    assert_eq!(one.key(), Some(QueryKey::ExternalAgreementNo(&id("EXT-1"))));
    assert!(read(json!({"agreement_no": "A"})).is_ok());
    assert!(read(json!({"principal_id": "P", "agent_id": "A"})).is_ok());
    for keys in [
        json!({}),
        json!({"principal_id": "P"}),
        json!({"agent_id": "A"}),
        json!({"agreement_no": "A", "external_agreement_no": "E"}),
        json!({"agreement_no": "A", "agent_id": "A"}),
        json!({"external_agreement_no": "E", "principal_id": "P", "agent_id": "A"}),
    ] {
        assert!(read(keys.clone()).is_err(), "{keys}");
    }
}

#[test]
fn dlq_02_an_agreement_shows_where_it_stands() {
    let signing = agreement(&with(agreement_json(), &["status"], Some(json!("SIGNING"))));
    let signed = signing.signed(now()).unwrap();
    assert_eq!(
        (signed.status, signed.sign_time.as_ref()),
        (AgreementStatus::Signed, Some(&utc("2026-09-02T03:10:05Z")))
    );
    assert_eq!(signing.turned_down(now()).unwrap().status, AgreementStatus::Unsigned);
    assert!(signed.signed(now()).is_err() && signed.turned_down(now()).is_err());
    assert_eq!(signed.status_at(at("2027-08-31T23:59:59Z")), AgreementStatus::Signed);
    assert_eq!(signed.status_at(at("2027-09-01T00:00:00Z")), AgreementStatus::Cancelled);
    assert!(signing.signed(at("2027-09-01T00:00:00Z")).is_err(), "too late to sign");
    assert!(agreement(&agreement_json()).to_json().contains(r#""cancel_time":null"#));
}

#[test]
fn dlc_01_only_its_principal_ends_an_agreement_and_nothing_is_paid_after() {
    let request = |principal: &str| {
        let value = json!({"request_id": "r", "agreement_no": "AGR-1", "principal_id": principal,
            "cancel_reason": "USER_INITIATED", "timestamp": "2026-09-02T03:10:00Z", "signature": "AA",
            "signature_algorithm": "ES256"});
        CancelRequest::from_json(value.to_string().as_bytes()).unwrap()
    };
    let kept = agreement(&agreement_json());
    let foreign = request("did:act:example.test/user-bob");
    let refused = kept.cancelled(&foreign, now());
    assert_eq!(refused, Err(CancelRefused::OtherPrincipal));
    assert_eq!(foreign.respond(&refused, now()).status, CancelStatus::CancelFailed);
    assert_eq!(foreign.respond(&refused, now()).agreement_no, None);

    let ended = kept.cancelled(&request(ANA), now());
    let answer = request(ANA).respond(&ended, now());
    assert_eq!(
        (answer.status, answer.cancel_reason.clone()),
        (CancelStatus::Cancelled, Some(word("USER_INITIATED")))
    );
    let ended = ended.unwrap();
    assert_eq!(ended.cancel_time, Some(utc("2026-09-02T03:10:05Z")));
    let again = ended.cancelled(&request(ANA), now());
    assert_eq!(again, Err(CancelRefused::NotSigned(AgreementStatus::Cancelled)));

    let service = Service { agreement: Some(ended), ..service() };
    let refused = check_agreement_payment(&pay(&pay_json()), &service, now()).unwrap_err();
    assert_eq!(
        refused,
        AgreementRefused { step: AgreementStep::Status, error: PaymentError::AgreementNotSigned }
    );
}

#[test]
fn dlp_02_of_two_faults_the_earlier_step_is_reported() {
    type Break = fn(&mut Value, &mut Service);
    fn amend(service: &mut Service, name: &str, value: Value) {
        let shown: Value = serde_json::from_str(&service.agreement.as_ref().unwrap().to_json()).unwrap();
        service.agreement = Some(agreement(&with(shown, &[name], Some(value))));
    }
    use AgreementStep as S;
    use PaymentError as E;
    let breaks: [(S, E, Break); 12] = [
        (S::Form, E::RequestInvalid, |request, _| request["amount"] = json!("300.001")),
        (S::RequestUnused, E::DuplicateRequest, |_, service| {
            service.used.insert(id("req-pay-1"));
        }),
        (S::Fresh, E::RequestExpired, |request, _| request["timestamp"] = json!("2026-09-02T03:05:04Z")),
        (S::AgentSignature, E::AgentSignatureInvalid, |_, service| service.keys.clear()),
        (S::Status, E::AgreementNotSigned, |_, service| amend(service, "status", json!("UNSIGNED"))),
        (S::Parties, E::AgentIdentityMismatch, |_, service| amend(service, "agent_id", json!("X"))),
        (S::Window, E::AgreementExpired, |_, service| {
            let over = json!({"start_time": "2026-09-01T00:00:00Z", "end_time": "2026-09-02T03:10:05Z"});
            amend(service, "validity", over);
        }),
        (S::Currency, E::CurrencyMismatch, |_, service| amend(service, "currency", json!("USD"))),
        (S::SingleAmount, E::SingleAmountExceeded, |_, service| {
            amend(service, "single_amount_limit", json!("299.99"));
        }),
        (S::TotalAmount, E::CumulativeAmountExceeded, |_, service| {
            amend(service, "deducted_amount_total", json!("700.01"));
        }),
        (S::PaymentMethod, E::PaymentMethodNotAllowed, |_, service| {
            amend(service, "allowed_payment_methods", json!(["urn:other"]));
        }),
        (S::Merchant, E::MerchantNotInScope, |_, service| {
            amend(service, "allowed_merchants", json!(["did:act:example.test/shop-8"]));
        }),
    ];
    assert!(check_agreement_payment(&pay(&pay_json()), &service(), now()).is_ok());
    let steps: Vec<S> = breaks.iter().map(|(step, _, _)| *step).collect();
    assert_eq!(steps, S::ALL);
    for (place, (step, error, break_it)) in breaks.iter().enumerate() {
        for (_, _, break_more) in &breaks[place..] {
            let (mut request, mut service) = (pay_json(), service());
            break_it(&mut request, &mut service);
            break_more(&mut request, &mut service);
            let refused = check_agreement_payment(&pay(&request), &service, now()).unwrap_err();
            assert_eq!(refused, AgreementRefused { step: *step, error: *error });
        }
    }
    let unknown = Service { agreement: None, ..service() };
    let refused = check_agreement_payment(&pay(&pay_json()), &unknown, now()).unwrap_err();
    assert_eq!(refused, AgreementRefused { step: S::Status, error: E::AgreementUnknown });
}

#[test]
fn dlp_02_the_signature_covers_what_text_and_sample_ask_for() {
    let good = pay(&pay_json());
    for name in [
        "agreement_no",
        "buyer_agent_id",
        "merchant_id",
        "request_id",
        "merchant_order_id",
        "amount",
        "currency",
        "timestamp",
    ] {
        let mut request = good.clone();
        let fields = request.signature_covered_fields.take().unwrap();
        request.signature_covered_fields =
            Some(fields.into_iter().filter(|field| field.as_str() != name).collect());
        assert_eq!(signing_bytes(&request), Err(NotSigned::NotCovered(name)));
    }
}

#[test]
fn dlp_03_the_total_grows_by_what_was_paid() {
    let passed = check_agreement_payment(&pay(&pay_json()), &service(), now()).unwrap();
    assert_eq!(passed.amount, amount("300.00"));
    let after = passed.agreement.deducted(passed.amount).unwrap();
    assert_eq!(after.deducted_amount_total.as_str(), "1000.00");
    assert_eq!(after.deducted(amount("9999999999999.99")), None);
    let next = Service { agreement: Some(after), ..service() };
    let cent = with(pay_json(), &["amount"], Some(json!("0.01")));
    let refused = check_agreement_payment(&pay(&cent), &next, now()).unwrap_err();
    assert_eq!(refused.error, PaymentError::CumulativeAmountExceeded);
    assert_eq!(AmountNumber::ZERO.to_text().as_str(), "0.00");
}

#[test]
fn e4_a_task_makes_these_moves_and_no_other() {
    use TaskEvent as E;
    use TaskState as S;
    let moves = [
        (S::Signing, E::Sign, S::Normal),
        (S::Signing, E::Decline, S::Invalid),
        (S::Signing, E::Expire, S::Invalid),
        (S::Normal, E::Pay, S::Normal),
        (S::Normal, E::Complete, S::Finished),
        (S::Normal, E::Cancel, S::Cancelled),
        (S::Normal, E::Expire, S::Expired),
        (S::Normal, E::Terminate, S::Terminate),
    ];
    let mut made = 0;
    for from in S::ALL {
        for event in E::ALL {
            let to = moves.iter().find(|(here, what, _)| (here, what) == (from, event)).map(|it| it.2);
            assert_eq!(from.after(*event).ok(), to, "{from} {event}");
            made += usize::from(to.is_some());
        }
    }
    assert_eq!((made, S::ALL.len(), E::ALL.len()), (8, 7, 7));
    let words: Vec<&str> = S::ALL.iter().map(|state| state.as_str()).collect();
    assert_eq!(words, ["SIGNING", "NORMAL", "FINISHED", "CANCELLED", "EXPIRED", "TERMINATE", "INVALID"]);
    let own: Vec<AgreementStatus> = S::ALL.iter().map(|state| state.agreement()).collect();
    use AgreementStatus as A;
    assert_eq!(
        own,
        [A::Signing, A::Signed, A::Signed, A::Cancelled, A::Cancelled, A::Cancelled, A::Unsigned]
    );
}
