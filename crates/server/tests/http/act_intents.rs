//! `ADD-INT-ICS` over HTTP: from the sentence to the one confirmation that grants.

use crate::act::{answer, codes, confirm_path, draw_up, intent, merchant, yes};
use crate::house::{House, new_id};
use http::Method;
use serde_json::{Value, json};

const TEA: &str = "Order me a milk tea, less sugar, to the office, at most 20 yuan.";

fn isr(intent: &Value) -> Value {
    serde_json::from_str(intent["isr"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn ics_01_a_sentence_becomes_rules_with_the_words_in_them() {
    let house = House::new().await;
    let drawn = draw_up(&house, TEA).await;
    assert_eq!(drawn["status"], "ready", "{drawn}");
    let isr = isr(&drawn);
    assert_eq!(isr["conversation_history"]["user_intent_raw"], TEA);
    assert_eq!(isr["intent_id"], drawn["id"]);
    assert_eq!(isr["delegation_mode"], "SPECIFIED");
    assert_eq!(isr["max_total_amount"].to_string(), "20.0");
    assert_eq!(isr["currency"], "CNY");
    assert_eq!(isr["agent_id"], house.agent.id);
    assert_eq!(isr["ext"]["fulfillment"]["delivery_address"], "the office");
    assert_eq!(drawn["limits"], json!([{"kind": "total", "max": "2000"}, {"kind": "uses", "max": 1}]));
    let again = house.get(&house.owner, &format!("/v1/intents/{}", drawn["id"].as_str().unwrap())).await;
    assert_eq!(again.expect(200), drawn, "the owner sees what her agent drew up");
}

#[tokio::test]
async fn ics_02_and_03_either_words_or_their_digest_with_its_place() {
    let house = House::new().await;
    let send = async |history: Value| {
        let mut intent = intent(&house, TEA);
        intent["conversation_history"] = history;
        house.post(&house.agent, "/v1/intents", intent).await
    };
    let digest =
        format!("sha-256:{}", evidence::base64url::encode(evidence::Hash::of(b"a voice").as_bytes()));
    send(json!({"input_mode": ["VOICE"]})).await.problem(422, "intent_malformed");
    send(json!({"user_intent_raw_digest": digest})).await.problem(422, "intent_malformed");
    send(json!({"user_intent_raw": TEA, "user_intent_raw_digest": digest, "context_ref": "tape-7"}))
        .await
        .problem(422, "intent_malformed");
    let silent = send(json!({"user_intent_raw_digest": digest, "context_ref": "tape-7"})).await.expect(201);
    assert_eq!(codes(&silent), ["DELEGATION_MODE", "CREDENTIAL_TOTAL"]);
    let silent = answer(&house, &silent, "DELEGATION_MODE", "BOUNDED").await;
    let silent = answer(&house, &silent, "CREDENTIAL_TOTAL", "300").await;
    assert_eq!(silent["status"], "ready");
    assert!(silent["particulars"].to_string().contains("tape-7"), "{}", silent["particulars"]);
}

#[tokio::test]
async fn ics_04_unregistered_ways_of_input_are_refused() {
    let house = House::new().await;
    let mut intent = intent(&house, TEA);
    intent["conversation_history"]["input_mode"] = json!(["TEXT", "VOICE"]);
    house.post(&house.agent, "/v1/intents", intent.clone()).await.expect(201);
    intent["id"] = new_id("int").into();
    intent["conversation_history"]["input_mode"] = json!(["TELEPATHY"]);
    house.post(&house.agent, "/v1/intents", intent).await.problem(422, "intent_malformed");
}

#[tokio::test]
async fn ics_05_what_is_open_is_asked_and_grants_nothing() {
    let house = House::new().await;
    let drawn = draw_up(&house, "buy it").await;
    assert_eq!(codes(&drawn), ["CEILING_MISSING", "GOAL_MISSING"]);
    assert_eq!(drawn["summary_digest"], Value::Null);
    let mut early = yes(&drawn);
    early["of"] = json!(format!("sha-256:{}", "A".repeat(43)));
    house.post(&house.owner, &confirm_path(&drawn), early).await.problem(409, "intent_open");

    let latte = draw_up(&house, "Order me a coconut latte from Luckin Coffee, at most 20 yuan").await;
    assert_eq!(codes(&latte), ["MERCHANT_UNKNOWN"], "a name nobody registered is a question, never a guess");
    let path = format!("/v1/intents/{}/answers", latte["id"].as_str().unwrap());
    let left_out = json!({"question": latte["questions"][0]["id"], "answer": "leave it out"});
    house.post(&house.agent, &path, left_out).await.problem(422, "intent_malformed");
    merchant(&house, "Luckin Coffees", "drink").await;
    let id = latte["id"].as_str().unwrap();
    let latte = house.get(&house.owner, &format!("/v1/intents/{id}")).await.expect(200);
    assert_eq!(codes(&latte), ["MERCHANT_UNKNOWN"], "a similar name is no name");
    let luckin = merchant(&house, "Luckin Coffee", "drink").await;
    let latte = house.get(&house.owner, &format!("/v1/intents/{id}")).await.expect(200);
    assert_eq!(codes(&latte), Vec::<&str>::new());
    assert!(latte["limits"].to_string().contains(&luckin.id), "{}", latte["limits"]);
    merchant(&house, "luckin coffee", "drink").await;
    let latte = house.get(&house.owner, &format!("/v1/intents/{id}")).await.expect(200);
    assert_eq!(codes(&latte), ["MERCHANT_AMBIGUOUS"]);
    let path = format!("/v1/intents/{id}/answers");
    let wrong = json!({"question": latte["questions"][0]["id"], "answer": new_id("pye")});
    house.post(&house.owner, &path, wrong).await.problem(422, "intent_malformed");
    let latte = answer(&house, &latte, "MERCHANT_AMBIGUOUS", &luckin.id).await;
    assert_eq!(latte["status"], "ready");
}

#[tokio::test]
async fn ics_05_another_currency_than_the_wallets_is_a_question() {
    let house = House::new().await;
    let drawn = draw_up(&house, "Buy books, up to 20 USD each and 150 USD in total").await;
    assert_eq!(codes(&drawn), ["CURRENCY_OTHER", "DELEGATION_MODE"]);
}

#[tokio::test]
async fn ics_06_a_clarification_changes_the_summary_and_the_rules() {
    let house = House::new().await;
    let drawn = draw_up(&house, "Order me a coffee").await;
    assert_eq!(codes(&drawn), ["CEILING_MISSING"]);
    let answered = answer(&house, &drawn, "CEILING_MISSING", "25 yuan").await;
    assert_eq!(answered["status"], "ready", "{answered}");
    assert!(answered["summary"][0].as_str().unwrap().contains("¥25.00"), "{}", answered["summary"]);
    assert_eq!(isr(&answered)["max_total_amount"].to_string(), "25.0");
    // Money as people write it, times on the clocks of the zone that was named; the credential itself says UTC.
    let particulars = answered["particulars"].to_string();
    assert!(particulars.contains("In total at most ¥25.00"), "{particulars}");
    for end in ["validity_start_time", "validity_end_time"] {
        let utc: jiff::Timestamp = isr(&answered)[end].as_str().unwrap().parse().unwrap();
        let there = utc.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
        let there = there.strftime("%Y-%m-%d %H:%M (Asia/Shanghai)").to_string();
        assert!(particulars.contains(&there), "{there}: {particulars}");
    }
    let mut other = yes(&answered);
    other["of"] = json!(format!("sha-256:{}", "A".repeat(43)));
    house.post(&house.owner, &confirm_path(&drawn), other).await.problem(409, "intent_changed");
}

#[tokio::test]
async fn who_drew_a_draft_up_and_who_answered_is_told() {
    let house = House::new().await;
    let by_agent = draw_up(&house, "Order me a coffee").await;
    assert_eq!((&by_agent["drafted_by"], &by_agent["answered_by"]), (&json!(house.agent.id), &Value::Null));
    // Also where the owner answers: the draft stays the agent's.
    let answered = answer(&house, &by_agent, "CEILING_MISSING", "25 yuan").await;
    assert_eq!((&answered["drafted_by"], &answered["answered_by"]), (&json!(house.agent.id), &Value::Null));

    let new = intent(&house, "Order me a coffee");
    let hers = house.post(&house.owner, "/v1/intents", new.clone()).await.expect(201);
    assert_eq!((&hers["drafted_by"], &hers["answered_by"]), (&Value::Null, &Value::Null));
    // The same request again is nobody else's draft.
    let again = house.post(&house.agent, "/v1/intents", new).await.expect(201);
    assert_eq!(again["drafted_by"], Value::Null);
    let path = format!("/v1/intents/{}/answers", hers["id"].as_str().unwrap());
    let reply = json!({"question": hers["questions"][0]["id"], "answer": "25 yuan"});
    let answered = house.post(&house.agent, &path, reply).await.expect(201);
    assert_eq!((&answered["drafted_by"], &answered["answered_by"]), (&Value::Null, &json!(house.agent.id)));
}

#[tokio::test]
async fn ics_07_only_the_owner_present_for_it_confirms() {
    let house = House::new().await;
    let drawn = draw_up(&house, TEA).await;
    let (path, yes) = (confirm_path(&drawn), yes(&drawn));
    house.post(&house.agent, &path, yes.clone()).await.problem(403, "audience_wrong");
    let (stranger, _) = house.stranger().await;
    house.post(&stranger, &path, yes.clone()).await.problem(404, "intent_unknown");
    let session = house.session(&house.owner).await;
    let lazy = house.in_session(&session, Method::POST, &path, &yes.to_string(), crate::house::nonce());
    house.send(lazy).await.problem(403, "presence_required");
    let mandate = format!("/v1/mandates/{}", yes["id"].as_str().unwrap());
    house.get(&house.owner, &mandate).await.problem(404, "mandate_unknown");

    let issued = house.post(&house.owner, &path, yes.clone()).await.expect(201);
    assert_eq!(issued["repeated"], false);
    let mandate = house.get(&house.owner, &mandate).await.expect(200);
    assert_eq!(mandate["limits"], drawn["limits"], "what was shown is what was granted");
    let again = house.post(&house.owner, &path, yes.clone()).await.expect(201);
    assert_eq!((&again["repeated"], &again["credential"]), (&json!(true), &issued["credential"]));
    let mut second = yes;
    second["id"] = new_id("mdt").into();
    house.post(&house.owner, &path, second).await.problem(409, "intent_changed");
}

#[tokio::test]
async fn ics_12_an_intent_outlives_a_restart() {
    let mut house = House::new().await;
    let drawn = draw_up(&house, TEA).await;
    house.restart().await;
    let path = format!("/v1/intents/{}", drawn["id"].as_str().unwrap());
    assert_eq!(house.get(&house.owner, &path).await.expect(200), drawn);
    let mut other = intent(&house, "Order me a coffee, at most 20 yuan");
    other["id"] = drawn["id"].clone();
    house.post(&house.agent, "/v1/intents", other).await.problem(409, "id_reused");
}
