//! `PSD-PMT-BND`: a reference and never the account, bound to one agent, within limits, for a time.

use crate::world::*;
use protocols::act::psd::{
    BindingError, BindingRequest, BindingResponse, BindingState, BindingStatus, CheckStep, Identified,
    PaymentError, check_instant,
};
use serde_json::json;

fn refusal(change: impl FnOnce(&mut crate::world::World)) -> Option<(CheckStep, PaymentError)> {
    let mut world = world();
    change(&mut world);
    let deadline = at("2026-09-02T03:15:00Z");
    let checked = check_instant(&instant(&instant_json()), &world, deadline, now());
    checked.err().map(|refused| (refused.step, refused.error))
}

#[test]
fn bnd_01_no_account_number_gets_into_a_binding() {
    let request = |account: &str| {
        let text = binding_request().to_json().replace("acct-****0007", account);
        BindingRequest::from_json(text.as_bytes()).is_ok()
    };
    assert!(request("acct-****0007"));
    assert!(!request("6222021234567890"));
    assert!(!request("acct-62220212"));
    let bound = binding_request().respond(&Ok(binding()), now()).to_json();
    assert!(!bound.contains("acct"), "{bound}");
}

#[test]
fn bnd_02_an_agent_alone_binds_nothing() {
    let bound = binding_request().bind(Identified::NoPrincipal, id("tk"), now());
    assert_eq!(bound, Err(BindingError::IdentityVerificationFailed));
    let own = binding_request().to_json().replace(ANA, AGENT);
    assert!(BindingRequest::from_json(own.as_bytes()).is_err(), "an agent is no principal");
}

#[test]
fn bnd_03_the_principal_is_shown_agent_and_scope() {
    let consent = binding_request().consent();
    assert_eq!(consent.agent_id, id(AGENT));
    assert_eq!(consent.token_constraints.max_amount_per_transaction, Some(amount("200.00")));
    assert_eq!(consent.token_constraints.validity_period.end_time, utc("2026-12-01T00:00:00Z"));
    assert_eq!(consent.payment_account_ref.as_str(), "urn:act:payment:demo-wallet:acct-****0007");
}

#[test]
fn bnd_04_a_reference_is_good_for_its_agent_and_its_time_only() {
    assert_eq!(refusal(|_| {}), None);
    let unknown = refusal(|world| world.tools.clear());
    assert_eq!(unknown, Some((CheckStep::ToolUsable, PaymentError::PaymentToolInvalid)));
    let expired = refusal(|world| {
        world.binding_mut().constraints.validity_period.end_time = utc("2026-09-02T03:10:05Z");
    });
    assert_eq!(expired, Some((CheckStep::ToolUsable, PaymentError::PaymentToolInvalid)));
    let early = refusal(|world| {
        world.binding_mut().constraints.validity_period.start_time = utc("2026-09-02T03:10:06Z");
    });
    assert_eq!(early, Some((CheckStep::ToolUsable, PaymentError::PaymentToolInvalid)));
    let foreign = refusal(|world| world.binding_mut().agent_id = id("did:act:example.test/agent-bob"));
    assert_eq!(foreign, Some((CheckStep::ToolAgent, PaymentError::PaymentToolAgentMismatch)));
    let large = refusal(|world| {
        world.binding_mut().constraints.max_amount_per_transaction = Some(amount("98.99"));
    });
    assert_eq!(large, Some((CheckStep::ToolLimits, PaymentError::SingleAmountExceeded)));
    let elsewhere = refusal(|world| {
        world.binding_mut().constraints.allowed_merchants = Some(vec![id("did:act:example.test/shop-8")]);
    });
    assert_eq!(elsewhere, Some((CheckStep::ToolLimits, PaymentError::MerchantNotInScope)));
}

#[test]
fn bnd_05_a_failed_binding_says_why_and_leaves_nothing_behind() {
    for (identified, error) in [
        (Identified::NoPrincipal, BindingError::IdentityVerificationFailed),
        (Identified::NoAgent, BindingError::AgentIdentificationFailed),
        (Identified::BeyondAccount, BindingError::AccountAmountExceeded),
    ] {
        let bound = binding_request().bind(identified, id("tk_half"), now());
        let answer = binding_request().respond(&bound, now());
        assert_eq!((answer.status, answer.error), (BindingStatus::Failed, Some(error)));
        assert!(!answer.to_json().contains("tk_half"));
        assert_eq!(bound, Err(error));
    }
    let late = binding_request().bind(Identified::PrincipalAndAgent, id("tk"), at("2026-12-01T00:00:00Z"));
    assert_eq!(late, Err(BindingError::Other));

    let success: serde_json::Value =
        serde_json::from_str(&binding_request().respond(&Ok(binding()), now()).to_json()).unwrap();
    let half = with(success.clone(), &["status"], Some(json!("FAILED")));
    assert!(BindingResponse::from_json(half.to_string().as_bytes()).is_err());
    let half = with(half, &["error"], Some(json!("OTHER")));
    assert!(BindingResponse::from_json(half.to_string().as_bytes()).is_err(), "a failure with a reference");
    let both = with(success, &["error"], Some(json!("OTHER")));
    assert!(BindingResponse::from_json(both.to_string().as_bytes()).is_err());
}

#[test]
fn bnd_06_a_binding_that_is_not_active_pays_nothing() {
    for state in [BindingState::Frozen, BindingState::Cancelled, BindingState::Expired] {
        let refused = refusal(|world| world.binding_mut().state = state);
        assert_eq!(refused, Some((CheckStep::ToolUsable, PaymentError::PaymentToolInvalid)), "{state}");
    }
    let end = at("2026-12-01T00:00:00Z");
    assert_eq!(binding().state_at(end), BindingState::Expired, "by itself");
}

#[test]
fn psd_test_002_the_agent_gets_a_restricted_reference() {
    let answer = binding_request().respond(&Ok(binding()), at("2026-09-01T00:00:03Z"));
    let expected = format!(
        r#"{{"request_id":"req-bind-1","status":"SUCCESS","payment_token":"tk_demo_1","token_expiry":"2026-12-01T00:00:00Z","bound_agent_id":"{AGENT}","timestamp":"2026-09-01T00:00:03Z"}}"#
    );
    assert_eq!(answer.to_json(), expected);
}
