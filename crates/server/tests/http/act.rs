//! What the tests of ACT share: a house with a merchant who has a name, and intents said in it.

use crate::house::{House, Party, Reply, cny, new_id, now, ulid};
use http::Method;
use protocols::act::psd::{AutonomousRequest, DelegatedRequest, InstantRequest, sign};
use serde_json::{Value, json};

/// A merchant with a name, who collects CNY and sells `category`.
pub(crate) async fn merchant(house: &House, name: &str, category: &str) -> Party {
    let merchant = Party::new("pye");
    let payee = json!({"id": merchant.id, "asset": "CNY/2", "category": category, "provenance": "registry",
        "label": name, "key": merchant.key_json()});
    house.post(&house.operator, "/v1/payees", payee).await.expect(201);
    merchant
}

/// An intent of these words, drawn up by the agent.
pub(crate) fn intent(house: &House, words: &str) -> Value {
    json!({"id": new_id("int"), "wallet": house.wallet, "agent": house.agent.id, "zone": "Asia/Shanghai",
        "conversation_history": {"user_intent_raw": words, "input_mode": ["TEXT"]}})
}

pub(crate) async fn draw_up(house: &House, words: &str) -> Value {
    house.post(&house.agent, "/v1/intents", intent(house, words)).await.expect(201)
}

pub(crate) async fn answer(house: &House, intent: &Value, code: &str, answer: &str) -> Value {
    let path = format!("/v1/intents/{}/answers", intent["id"].as_str().unwrap());
    let open = intent["questions"].as_array().unwrap().iter().find(|open| open["code"] == code);
    let open = open.unwrap_or_else(|| panic!("{code} is not open: {}", intent["questions"]));
    house.post(&house.owner, &path, json!({"question": open["id"], "answer": answer})).await.expect(201)
}

/// The owner's yes to what is shown.
pub(crate) fn yes(intent: &Value) -> Value {
    json!({"id": new_id("mdt"), "of": intent["summary_digest"], "user_confirmation_method": "PASSKEY"})
}

pub(crate) fn confirm_path(intent: &Value) -> String {
    format!("/v1/intents/{}/confirm", intent["id"].as_str().unwrap())
}

/// A credential issued on these words, which have to leave nothing open.
pub(crate) async fn credential(house: &House, words: &str) -> Value {
    let intent = draw_up(house, words).await;
    assert_eq!(intent["status"], "ready", "{}", intent["questions"]);
    house.post(&house.owner, &confirm_path(&intent), yes(&intent)).await.expect(201)
}

pub(crate) fn codes(intent: &Value) -> Vec<&str> {
    intent["questions"].as_array().unwrap().iter().map(|open| open["code"].as_str().unwrap()).collect()
}

/// An order for so much, as the merchant confirmed it.
pub(crate) async fn order(house: &House, merchant: &Party, amount: &str, categories: &[&str]) -> String {
    let id = new_id("ord");
    let order =
        json!({"id": id, "amount": cny(amount), "categories": categories, "payee_name": "Luckin Coffee"});
    house.post(merchant, "/v1/orders", order).await.expect(201);
    id
}

/// ISO 8601 UTC, so many seconds from now, to the second.
pub(crate) fn second(seconds: i64) -> String {
    let at = i64::try_from(now().as_secs()).unwrap() + seconds;
    jiff::Timestamp::from_second(at).unwrap().to_string()
}

pub(crate) fn binding(house: &House) -> Value {
    json!({"request_id": format!("bind-{}", ulid()), "principal_id": house.owner.id, "agent_id": house.agent.id,
        "payment_account_ref": "CNY ****1234",
        "token_constraints": {"max_amount_per_transaction": 1000.00,
            "validity_period": {"start_time": second(-60), "end_time": second(86_400 * 30)}},
        "authentication_method": "PASSKEY", "timestamp": second(0)})
}

/// A reference to the house's wallet, bound to its agent.
pub(crate) async fn token(house: &House) -> String {
    let bound = house.post(&house.owner, "/v1/act/bindings", binding(house)).await.expect(201);
    assert_eq!(bound["status"], "SUCCESS");
    bound["payment_token"].as_str().unwrap().to_owned()
}

/// A request at a level, as an agent fills it in before signing.
pub(crate) fn request(house: &House, order: &str, amount: &str, token: &str) -> Value {
    json!({"request_id": format!("req-{}", ulid()), "buyer_agent_id": house.agent.id, "merchant_order_id": order,
        "amount": amount, "currency": "CNY", "payment_token": token, "timestamp": second(0), "signature": "AA"})
}

/// The same under a credential.
pub(crate) fn under(credential: &Value, mut request: Value) -> Value {
    request["delegation_id"] = credential["delegation_id"].clone();
    request["iac"] = credential["credential"].clone();
    request
}

/// Signs a request as its agent does, every member of it.
pub(crate) fn signed(level: &str, request: &Value, agent: &Party) -> Value {
    let (text, key) = (request.to_string(), agent.signing_key());
    let signed = match level {
        "instant" => sign(InstantRequest::from_json(text.as_bytes()).unwrap(), &key).to_json(),
        "delegated" => sign(DelegatedRequest::from_json(text.as_bytes()).unwrap(), &key).to_json(),
        "autonomous" => sign(AutonomousRequest::from_json(text.as_bytes()).unwrap(), &key).to_json(),
        _ => panic!("{level}"),
    };
    serde_json::from_str(&signed).unwrap()
}

/// Sends a request as its agent.
pub(crate) async fn pay(house: &House, level: &str, request: &Value) -> Reply {
    let path = format!("/v1/act/payments/{level}");
    house.post(&house.agent, &path, signed(level, request, &house.agent)).await
}

/// A refusal with this class.
#[track_caller]
pub(crate) fn refused(reply: Reply, class: &str) -> Value {
    let status = reply.status;
    let problem = reply.json();
    assert_eq!(problem["act"]["code"], class, "{problem}");
    assert!((400..500).contains(&status), "{problem}");
    problem
}

/// The owner's yes at the cashier.
pub(crate) async fn say_yes(house: &House, question: &str) -> Reply {
    let prompt = house.get(&house.owner, &format!("/v1/act/cashier/{question}")).await.expect(200);
    let path = format!("/v1/act/cashier/{question}/confirm");
    house.change(&house.owner, Method::POST, &path, Some(json!({"digest": prompt["digest"]}))).await
}
