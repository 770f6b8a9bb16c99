//! `PSD-AGT-SUB`: money of its own for one agent, and a key that is good while the sub-account is.

use crate::world::*;
use evidence::{MacKey, mac::Secret};
use protocols::act::psd::{
    CheckStep, PaymentError, Requester, SubAccount, SubAccountError, SubAccountFacts, SubAccountKey,
    SubAccountOperation, SubAccountRequest, SubAccountState, Tool, check_autonomous, sign,
};
use protocols::act::{AmountText, Currency};
use serde_json::json;

/// How a payment of level 3 from the sub-account is refused after `change`.
fn refusal(change: impl FnOnce(&mut World)) -> Option<(CheckStep, PaymentError)> {
    let mut world = world();
    change(&mut world);
    let checked = check_autonomous(&autonomous(&autonomous_json()), &world, now());
    checked.err().map(|refused| (refused.step, refused.error))
}

fn balance(world: &mut World, available: &str) {
    let value = with(account_json(), &["balance"], Some(json!(available)));
    let value = with(value, &["frozen_amount"], Some(json!("0.00")));
    let value = with(value, &["available_balance"], Some(json!(available)));
    *world.account_mut() = account(&value);
}

#[test]
fn sub_01_opening_binds_account_agent_and_key() {
    let request = json!({"request_id": "r", "operation": "OPEN", "principal_id": ANA, "agent_id": AGENT,
        "currency": "CNY", "key_reference": {"key_id": "key-sa-1", "key_type": "ASYMMETRIC"},
        "timestamp": "2026-09-01T00:00:00Z"});
    let read = |value: &serde_json::Value| SubAccountRequest::from_json(value.to_string().as_bytes());
    assert!(read(&request).is_ok());
    assert!(read(&with(request.clone(), &["key_reference"], None)).is_err(), "no key, no account");
    assert!(read(&with(request, &["subaccount_id"], Some(json!("SA-9")))).is_err());

    let open = |by| SubAccountOperation::Open.after(None, by);
    assert_eq!(open(Requester::VerifiedPrincipal), Ok(SubAccountState::Active));
    for by in Requester::ALL.iter().filter(|by| **by != Requester::VerifiedPrincipal) {
        assert_eq!(open(*by), Err(SubAccountError::IdentityVerificationFailed), "{by}");
    }
    let shown = account(&account_json());
    assert_eq!((shown.agent_id, shown.key_reference.key_id), (id(AGENT), id("key-sa-1")));
}

#[test]
fn sub_02_frozen_or_closed_the_key_is_worth_nothing() {
    use SubAccountState as S;
    for by in [Requester::VerifiedPrincipal, Requester::RiskSystem, Requester::IdentityLapse] {
        assert_eq!(SubAccountOperation::Freeze.after(Some(S::Active), by), Ok(S::Frozen), "{by}");
        assert_eq!(SubAccountOperation::Close.after(Some(S::Frozen), by), Ok(S::Closed), "{by}");
    }
    let agent = SubAccountOperation::Close.after(Some(S::Active), Requester::BoundAgent);
    assert_eq!(agent, Err(SubAccountError::IdentityVerificationFailed));
    // The proof itself is good each time.
    let frozen = refusal(|world| world.account_mut().status = S::Frozen);
    assert_eq!(frozen, Some((CheckStep::ToolUsable, PaymentError::SubaccountFrozen)));
    let closed = refusal(|world| world.account_mut().status = S::Closed);
    assert_eq!(closed, Some((CheckStep::ToolUsable, PaymentError::SubaccountClosed)));
}

#[test]
fn sub_03_the_states_are_three_and_closing_is_the_end() {
    use SubAccountError as E;
    use SubAccountOperation as O;
    use SubAccountState as S;
    for (operation, from, after) in [
        (O::Open, None, Ok(S::Active)),
        (O::Open, Some(S::Active), Err(E::NothingToDo)),
        (O::Fund, None, Err(E::NotOpened)),
        (O::Fund, Some(S::Active), Ok(S::Active)),
        (O::Fund, Some(S::Frozen), Ok(S::Frozen)),
        (O::Fund, Some(S::Closed), Err(E::Closed)),
        (O::Freeze, Some(S::Active), Ok(S::Frozen)),
        (O::Freeze, Some(S::Frozen), Err(E::NothingToDo)),
        (O::Freeze, Some(S::Closed), Err(E::Closed)),
        (O::Unfreeze, Some(S::Frozen), Ok(S::Active)),
        (O::Unfreeze, Some(S::Active), Err(E::NothingToDo)),
        (O::Unfreeze, Some(S::Closed), Err(E::Closed)),
        (O::Close, Some(S::Active), Ok(S::Closed)),
        (O::Close, Some(S::Closed), Err(E::Closed)),
        (O::Query, Some(S::Closed), Ok(S::Closed)),
        (O::Query, None, Err(E::NotOpened)),
    ] {
        assert_eq!(operation.after(from, Requester::VerifiedPrincipal), after, "{operation} {from:?}");
    }
}

#[test]
fn sub_04_each_cause_has_its_reason() {
    let identity = SubAccountOperation::Fund.after(Some(SubAccountState::Active), Requester::Other);
    assert_eq!(identity, Err(SubAccountError::IdentityVerificationFailed));
    type Break = fn(&mut World);
    let rows: [(Break, CheckStep, PaymentError); 5] = [
        (|world| world.tools.clear(), CheckStep::ToolUsable, PaymentError::SubaccountNotOpened),
        (
            |world| world.account_mut().status = SubAccountState::Frozen,
            CheckStep::ToolUsable,
            PaymentError::SubaccountFrozen,
        ),
        (
            |world| world.account_mut().status = SubAccountState::Closed,
            CheckStep::ToolUsable,
            PaymentError::SubaccountClosed,
        ),
        (|world| balance(world, "0.09"), CheckStep::Balance, PaymentError::BalanceInsufficient),
        (
            |world| world.account_mut().agent_id = id("did:act:example.test/agent-bob"),
            CheckStep::ToolAgent,
            PaymentError::PaymentToolAgentMismatch,
        ),
    ];
    for (change, step, error) in rows {
        assert_eq!(refusal(change), Some((step, error)));
    }
    let mut world = world();
    let other = SubAccountKey::Asymmetric(agent_key().public().clone());
    let account = account(&account_json());
    world.tools.insert(id("SA-1"), Tool::SubAccount(Box::new(SubAccountFacts { account, key: other })));
    let refused = check_autonomous(&autonomous(&autonomous_json()), &world, now()).unwrap_err();
    assert_eq!((refused.step, refused.error), (CheckStep::ToolProof, PaymentError::SubaccountProofInvalid));
}

#[test]
fn sub_05_the_proof_is_for_one_payment_and_the_money_is_here() {
    assert_eq!(refusal(|world| balance(world, "0.10")), None, "all of it may be spent");
    // The main account could pay. It is not asked.
    let short = refusal(|world| {
        balance(world, "0.09");
        world.account_covers = true;
    });
    assert_eq!(short, Some((CheckStep::Balance, PaymentError::BalanceInsufficient)));
    let other_money = refusal(|world| world.account_mut().currency = Currency::parse("USD").unwrap());
    assert_eq!(other_money, Some((CheckStep::Balance, PaymentError::BalanceInsufficient)));

    let request = autonomous(&autonomous_json());
    let proof = request.subaccount_proof.clone().unwrap();
    let facts = request.claim().unwrap().proof_facts(&id("SA-1"));
    let key = SubAccountKey::Asymmetric(subaccount_key().public().clone());
    assert!(facts.is_proved_by(&proof, &key));
    let mut other = facts.clone();
    other.amount = AmountText::parse("0.11").unwrap();
    assert!(!other.is_proved_by(&proof, &key));
    for (name, value) in
        [("request_id", "r2"), ("out_trade_no", "ORD-78"), ("timestamp", "2026-09-02T03:10:01Z")]
    {
        // The agent signs anew, and borrows the proof of the first payment.
        let changed = autonomous(&with(autonomous_json(), &[name], Some(json!(value))));
        let mut borrowed = changed.clone();
        borrowed.subaccount_proof = Some(proof.clone());
        let mut world = world();
        world.orders.insert(id("ORD-78"), order("0.10"));
        assert!(check_autonomous(&changed, &world, now()).is_ok(), "{name}");
        let refused = check_autonomous(&sign(borrowed, &agent_key()), &world, now()).unwrap_err();
        assert_eq!(refused.error, PaymentError::SubaccountProofInvalid, "{name}");
    }
}

#[test]
fn sub_05_a_shared_secret_proves_as_well() {
    let secret = MacKey::new(&Secret::new([7; 32]));
    let request = autonomous(&autonomous_json());
    let facts = request.claim().unwrap().proof_facts(&id("SA-1"));
    let key = SubAccountKey::Symmetric(secret.clone());
    assert!(facts.is_proved_by(&facts.mac(&secret), &key));
    assert!(!facts.is_proved_by(&facts.mac(&MacKey::new(&Secret::new([8; 32]))), &key));
    assert!(!facts.is_proved_by(&facts.sign(&subaccount_key()), &key));
    assert!(!facts.is_proved_by(&signature("AA"), &key));
}

#[test]
fn sub_06_money_and_thaw_need_the_principal_in_person() {
    for operation in [SubAccountOperation::Fund, SubAccountOperation::Unfreeze] {
        for by in Requester::ALL.iter().filter(|by| **by != Requester::VerifiedPrincipal) {
            let done = operation.after(Some(SubAccountState::Frozen), *by);
            assert_eq!(done, Err(SubAccountError::IdentityVerificationFailed), "{operation} by {by}");
        }
    }
}

#[test]
fn what_is_available_is_the_balance_less_what_is_frozen() {
    let read = |value: &serde_json::Value| SubAccount::from_json(value.to_string().as_bytes()).is_ok();
    assert!(read(&account_json()));
    assert!(!read(&with(account_json(), &["available_balance"], Some(json!("280.01")))));
    assert!(!read(&with(account_json(), &["frozen_amount"], Some(json!("300.01")))));
    assert!(!read(&with(account_json(), &["balance"], Some(json!("300.001")))));
}
