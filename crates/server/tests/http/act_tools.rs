//! `PSD-PMT-BND` and `PSD-AGT-SUB` over HTTP: references instead of accounts, and money apart for one agent.

use crate::act::{binding, credential, merchant, order, pay, refused, request, second, token, under};
use crate::house::{House, Party, Reply, new_id, ulid};
use http::Method;
use protocols::act::psd::{AutonomousRequest, KeyType, ProofFacts};
use serde_json::{Value, json};

const DATA: &str = "Spend up to 300 yuan this week on map data, at most 120 yuan each";

#[tokio::test]
async fn bnd_01_02_03_a_reference_begins_with_the_principal_and_says_no_account() {
    let house = House::new().await;
    let asking = binding(&house);
    house.post(&house.agent, "/v1/act/bindings", asking.clone()).await.problem(403, "audience_wrong");
    let bound = house.post(&house.owner, "/v1/act/bindings", asking.clone()).await.expect(201);
    assert_eq!((&bound["status"], &bound["bound_agent_id"]), (&json!("SUCCESS"), &json!(house.agent.id)));
    let again = house.post(&house.owner, "/v1/act/bindings", asking.clone()).await.expect(201);
    assert_eq!((&again["payment_token"], &again["repeated"]), (&bound["payment_token"], &json!(true)));
    let mut wider = asking;
    wider["token_constraints"]["max_amount_per_transaction"] = json!(9000.00);
    house.post(&house.owner, "/v1/act/bindings", wider).await.problem(409, "id_reused");
    let path = format!("/v1/act/bindings/{}", bound["payment_token"].as_str().unwrap());
    let seen = house.get(&house.agent, &path).await.expect(200);
    assert_eq!(seen["max_amount_per_transaction"], "1000.00");
    for shown in [&bound, &seen] {
        assert!(!shown.to_string().contains(&house.wallet) && !shown.to_string().contains("1234"), "{shown}");
    }
    refused(house.get(&house.seller, &path).await.audience(), "");
}

impl Reply {
    /// Somebody else's key never comes as far as the reference.
    fn audience(self) -> Reply {
        assert_eq!(self.json()["code"], "audience_wrong");
        let body = json!({"act": {"code": ""}}).to_string().into_bytes().into();
        Reply { body, ..self }
    }
}

#[tokio::test]
async fn bnd_05_a_failed_binding_leaves_nothing_to_use() {
    let house = House::new().await;
    let limits = json!({"version": 0, "limits": [{"kind": "per_payment", "max": "10000"}], "document": ""});
    house
        .change(&house.owner, Method::PUT, &format!("/v1/wallets/{}/limits", house.wallet), Some(limits))
        .await
        .expect(201);
    let with = |name: &str, value: Value| {
        let mut request = binding(&house);
        request[name] = value;
        request
    };
    let ended = json!({"validity_period": {"start_time": second(-120), "end_time": second(-60)}});
    for (asking, class) in [
        (with("principal_id", new_id("own").into()), "IDENTITY_VERIFICATION_FAILED"),
        (with("agent_id", new_id("agt").into()), "AGENT_IDENTIFICATION_FAILED"),
        (with("agent_id", "did:act:somebody".into()), "AGENT_IDENTIFICATION_FAILED"),
        (binding(&house), "ACCOUNT_AMOUNT_EXCEEDED"),
        (with("token_constraints", ended), "OTHER"),
    ] {
        refused(house.post(&house.owner, "/v1/act/bindings", asking).await, class);
    }
    let mandates = house.get(&house.owner, "/v1/mandates").await.expect(200);
    assert_eq!(mandates["data"].as_array().unwrap().len(), 1, "only the house's own");
}

#[tokio::test]
async fn bnd_04_06_frozen_cancelled_foreign_and_over_references_are_unusable() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "1600", &["drink"]).await);
    let attempt = async || pay(&house, "instant", &request(&house, &order, "16.00", &token)).await;
    let set = async |who: &Party, state: &str| {
        let path = format!("/v1/act/bindings/{token}/state");
        house.change(who, Method::POST, &path, Some(json!({"state": state}))).await
    };
    set(&house.operator, "FROZEN").await.expect(201);
    refused(attempt().await, "PAYMENT_TOOL_INVALID");
    set(&house.operator, "ACTIVE").await.problem(403, "forbidden");
    set(&house.owner, "ACTIVE").await.expect(201);
    attempt().await.expect(202);
    let other = Party::new("agt");
    let enrol = json!({"id": other.id, "wallet": house.wallet, "key": other.key_json()});
    house.post(&house.owner, "/v1/agents", enrol).await.expect(201);
    let mut foreign = request(&house, &order, "16.00", &token);
    foreign["buyer_agent_id"] = other.id.clone().into();
    let foreign = crate::act::signed("instant", &foreign, &other);
    refused(house.post(&other, "/v1/act/payments/instant", foreign).await, "PAYMENT_TOOL_AGENT_MISMATCH");
    set(&house.owner, "CANCELLED").await.expect(201);
    refused(attempt().await, "PAYMENT_TOOL_INVALID");
    set(&house.owner, "ACTIVE").await.problem(403, "revoked");
}

fn operation(house: &House, operation: &str) -> Value {
    json!({"request_id": format!("sub-{}", ulid()), "operation": operation, "principal_id": house.owner.id,
        "agent_id": house.agent.id, "timestamp": second(0)})
}

async fn operate(house: &House, who: &Party, request: Value) -> Reply {
    house.post(who, "/v1/act/sub_accounts", request).await
}

fn opening(house: &House, key: &str) -> Value {
    let mut open = operation(house, "OPEN");
    open["currency"] = "CNY".into();
    open["key_reference"] = json!({"key_id": key, "key_type": KeyType::Asymmetric.as_str()});
    open["risk_limits"] = json!({"max_single_transaction": "100.00"});
    open
}

/// A sub-account with a key of its own and so much money.
async fn opened(house: &House, amount: &str) -> (String, Party) {
    let key = Party::new("agt");
    let enrol = json!({"id": key.key, "holder": house.agent.id, "algorithm": "ed25519", "public_key": key.public_key()});
    house.post(&house.owner, "/v1/keys", enrol).await.expect(201);
    let account = operate(house, &house.owner, opening(house, &key.key)).await.expect(201);
    let id = account["subaccount_id"].as_str().unwrap().to_owned();
    let mut fund = operation(house, "FUND");
    fund["subaccount_id"] = id.clone().into();
    fund["amount"] = amount.into();
    fund["currency"] = "CNY".into();
    let funded = operate(house, &house.owner, fund).await.expect(201);
    assert_eq!((&funded["available_balance"], &funded["status"]), (&json!(amount), &json!("ACTIVE")));
    (id, key)
}

/// A request that pays from a sub-account, with its key's proof.
fn from_sub(house: &House, issued: &Value, sub: &str, key: &Party, order: &str, amount: &str) -> Value {
    let mut paying = under(issued, request(house, order, amount, ""));
    let members = paying.as_object_mut().unwrap();
    members.remove("payment_token");
    paying["subaccount_id"] = sub.into();
    paying["subaccount_proof"] = "AA".into();
    let read = AutonomousRequest::from_json(paying.to_string().as_bytes()).unwrap();
    let proof: ProofFacts = read.claim().unwrap().proof_facts(read.subaccount_id.as_ref().unwrap());
    paying["subaccount_proof"] = proof.sign(&key.signing_key()).as_str().into();
    paying
}

#[tokio::test]
async fn sub_01_03_06_opened_funded_frozen_and_closed_by_its_principal() {
    let house = House::new().await;
    let (id, _) = opened(&house, "200.00").await;
    assert_eq!(house.money().await.0, "80000");
    let of = |what: &str| {
        let mut request = operation(&house, what);
        request["subaccount_id"] = id.clone().into();
        request
    };
    let shown = operate(&house, &house.agent, of("QUERY")).await.expect(201);
    assert_eq!(
        (&shown["principal_id"], &shown["agent_id"], &shown["balance"]),
        (&json!(house.owner.id), &json!(house.agent.id), &json!("200.00"))
    );
    refused(operate(&house, &house.agent, of("FREEZE")).await, "IDENTITY_VERIFICATION_FAILED");
    refused(operate(&house, &house.agent, of("CLOSE")).await, "IDENTITY_VERIFICATION_FAILED");
    assert_eq!(operate(&house, &house.operator, of("FREEZE")).await.expect(201)["status"], "FROZEN");
    refused(operate(&house, &house.operator, of("UNFREEZE")).await, "IDENTITY_VERIFICATION_FAILED");
    assert_eq!(operate(&house, &house.owner, of("UNFREEZE")).await.expect(201)["status"], "ACTIVE");
    let closed = operate(&house, &house.owner, of("CLOSE")).await.expect(201);
    assert_eq!((&closed["status"], &closed["balance"]), (&json!("CLOSED"), &json!("0.00")));
    assert_eq!(house.money().await.0, "100000", "the balance went back");
    refused(operate(&house, &house.owner, of("UNFREEZE")).await, "SUBACCOUNT_CLOSED");
}

#[tokio::test]
async fn sub_04_every_cause_has_its_name() {
    let house = House::new().await;
    let (stranger, _) = house.stranger().await;
    refused(
        operate(&house, &stranger, opening(&house, &house.agent.key)).await,
        "IDENTITY_VERIFICATION_FAILED",
    );
    refused(operate(&house, &house.owner, opening(&house, &house.owner.key)).await, "KEY_INVALID");
    let mut shared = opening(&house, &house.agent.key);
    shared["key_reference"]["key_type"] = "SYMMETRIC".into();
    refused(operate(&house, &house.owner, shared).await, "KEY_INVALID");
    let mut nowhere = operation(&house, "QUERY");
    nowhere["subaccount_id"] = new_id("wal").into();
    refused(operate(&house, &house.owner, nowhere.clone()).await, "SUBACCOUNT_NOT_OPENED");
    let (id, _) = opened(&house, "1.00").await;
    nowhere["subaccount_id"] = id.clone().into();
    nowhere["operation"] = "FUND".into();
    nowhere["amount"] = "5000.00".into();
    nowhere["currency"] = "CNY".into();
    refused(operate(&house, &house.owner, nowhere).await, "BALANCE_INSUFFICIENT");
    let (other, agent) = (Party::new("agt"), house.agent.clone());
    let enrol = json!({"id": other.id, "wallet": house.wallet, "key": other.key_json()});
    house.post(&house.owner, "/v1/agents", enrol).await.expect(201);
    let mut foreign = operation(&house, "QUERY");
    foreign["subaccount_id"] = id.into();
    foreign["agent_id"] = other.id.into();
    refused(operate(&house, &house.owner, foreign).await, "BINDING_MISMATCH");
    drop(agent);
}

#[tokio::test]
async fn sub_05_its_own_key_moves_its_own_money_and_nothing_else() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let issued = credential(&house, DATA).await;
    let (sub, key) = opened(&house, "50.00").await;
    let one = order(&house, &seller, "3000", &["data"]).await;
    let wrong = from_sub(&house, &issued, &sub, &house.agent, &one, "30.00");
    refused(pay(&house, "autonomous", &wrong).await, "SUBACCOUNT_PROOF_INVALID");
    pay(&house, "autonomous", &from_sub(&house, &issued, &sub, &key, &one, "30.00")).await.expect(201);
    let two = order(&house, &seller, "3000", &["data"]).await;
    let short = from_sub(&house, &issued, &sub, &key, &two, "30.00");
    refused(pay(&house, "autonomous", &short).await, "BALANCE_INSUFFICIENT");
    assert_eq!(house.money().await.0, "95000", "the main account stays out of it");
    // SUB-02: with the account its key ends.
    let mut freeze = operation(&house, "FREEZE");
    freeze["subaccount_id"] = sub.clone().into();
    operate(&house, &house.owner, freeze).await.expect(201);
    let three = order(&house, &seller, "1000", &["data"]).await;
    let frozen = from_sub(&house, &issued, &sub, &key, &three, "10.00");
    refused(pay(&house, "autonomous", &frozen).await, "SUBACCOUNT_FROZEN");
}
