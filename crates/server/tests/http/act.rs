//! What the tests of ACT share: a house with a merchant who has a name, and intents said in it.

use crate::house::{House, Party, cny, new_id};
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
