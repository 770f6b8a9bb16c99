//! `ADD-IAC-ISS` and `ADD-IAC-LCM` over HTTP: what a credential says, who may check it, and how it ends.

use crate::act::credential;
use crate::house::{House, Party};
use evidence::{PublicKey, base64url};
use http::Method;
use protocols::act::iac::{IacError, VerifiedIac, verify};
use protocols::act::{Identifier, intent::DelegationMode};
use serde_json::{Value, json};

const DATA: &str = "Spend up to 300 yuan this week on map data";

/// Verifies a credential as somebody who has nothing but the keys.
async fn offline(house: &House, text: &str) -> Result<VerifiedIac, IacError> {
    let keys = house.plain(Method::GET, "/v1/credentials/keys", &[], "").await.expect(200);
    let key = &keys["keys"][0];
    let part = |name: &str| base64url::decode(key[name].as_str().unwrap()).unwrap();
    let public = PublicKey::es256(&part("x"), &part("y")).unwrap();
    let mut ring = protocols::act::Keyring::default();
    let name = |text: &str| Identifier::parse(text).unwrap();
    ring.trust(name(key["kid"].as_str().unwrap()), name(&house.owner.id), public);
    let now = u64::try_from(crate::house::now().as_nanos()).unwrap();
    verify(text, &ring, book::Time(now))
}

fn text(credential: &Value) -> &str {
    credential["credential"].as_str().unwrap()
}

async fn change(house: &House, who: &Party, issued: &Value, to: &str) -> crate::house::Reply {
    let path = format!("/v1/credentials/{}/{to}", issued["delegation_id"].as_str().unwrap());
    house.change(who, Method::POST, &path, None).await
}

async fn status(house: &House, issued: &Value) -> Value {
    let path = format!("/v1/credentials/{}/status", issued["delegation_id"].as_str().unwrap());
    house.plain(Method::GET, &path, &[], "").await.expect(200)
}

#[tokio::test]
async fn iss_03_04_09_a_credential_says_the_limits_and_is_verified_offline() {
    let house = House::new().await;
    let issued = credential(&house, DATA).await;
    let verified = offline(&house, text(&issued)).await.unwrap();
    let payload = verified.payload();
    assert_eq!(payload.delegation_id.as_str(), issued["delegation_id"]);
    assert_eq!(payload.delegator_identity.as_str(), house.owner.id);
    assert_eq!(payload.agent_id.as_str(), house.agent.id);
    assert_eq!(payload.mode(), DelegationMode::Bounded);
    assert_eq!(payload.max_total_amount.to_string(), "300.00");
    assert!(payload.conversation_history.is_none(), "no words of the dialogue (ISS-03)");
    assert!(payload.ext.as_ref().is_none_or(|ext| ext.vendor_private.is_none()));
    assert!(payload.source_isr_digest.is_some());
    assert!(verified.iac().status_reference.is_some(), "ISS-11");
    assert!(verified.iac().control_proof_ref.is_some(), "ISS-11");
    for who in [&house.owner, &house.agent] {
        let path = format!("/v1/credentials/{}", issued["delegation_id"].as_str().unwrap());
        assert_eq!(house.get(who, &path).await.expect(200)["credential"], issued["credential"]);
    }
    let path = format!("/v1/credentials/{}", issued["delegation_id"].as_str().unwrap());
    let (stranger, _) = house.stranger().await;
    house.get(&stranger, &path).await.problem(404, "credential_unknown");
}

#[tokio::test]
async fn iss_08_every_changed_letter_breaks_it() {
    let house = House::new().await;
    let issued = credential(&house, DATA).await;
    let (head, rest) = text(&issued).split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let claims = String::from_utf8(base64url::decode(claims).unwrap()).unwrap();
    for (from, to) in [("300", "999"), ("BOUNDED", "SPECIFIED"), (&house.agent.id[..], &house.owner.id[..])] {
        let forged = base64url::encode(claims.replace(from, to).as_bytes());
        let forged = format!("{head}.{forged}.{signature}");
        assert!(offline(&house, &forged).await.is_err(), "{from}");
    }
}

#[tokio::test]
async fn iss_10_the_key_for_credentials_is_a_key_of_its_own_and_stays() {
    let mut house = House::new().await;
    let issued = credential(&house, DATA).await;
    let keys = house.plain(Method::GET, "/v1/credentials/keys", &[], "").await.expect(200);
    let a402 = house.plain(Method::GET, "/v1/a402/key", &[], "").await.expect(200);
    assert_ne!(keys["keys"][0]["kid"], a402["key_id"]);
    house.restart().await;
    offline(&house, text(&issued)).await.unwrap();
    // A directory from before there were credentials gets a key on its first start, and keeps it.
    house.stop().await;
    let path = house.directory.join("keys/server.toml");
    let old = std::fs::read_to_string(&path).unwrap();
    let old: String =
        old.lines().filter(|line| !line.starts_with("authorization_seed")).collect::<Vec<_>>().join("\n");
    std::fs::write(&path, old).unwrap();
    house.start().await;
    let new = house.plain(Method::GET, "/v1/credentials/keys", &[], "").await.expect(200);
    assert_ne!(new, keys);
    house.restart().await;
    assert_eq!(house.plain(Method::GET, "/v1/credentials/keys", &[], "").await.expect(200), new);
}

#[tokio::test]
async fn lcm_01_02_04_the_four_states_and_who_may_move_between_them() {
    let house = House::new().await;
    let issued = credential(&house, DATA).await;
    let first = status(&house, &issued).await;
    assert_eq!(
        (&first["status"], &first["usable"], &first["max_age_seconds"]),
        (&json!("Active"), &json!(true), &json!(60))
    );
    assert_eq!(first["changed_by"], Value::Null);
    change(&house, &house.owner, &issued, "resume").await.problem(409, "credential_state");
    for who in [&house.agent, &house.seller] {
        let no = change(&house, who, &issued, "suspend").await;
        assert!(no.status == 409 || no.status == 404, "{}", no.status);
    }
    change(&house, &house.operator, &issued, "revoke").await.problem(409, "credential_state");
    change(&house, &house.operator, &issued, "suspend").await.expect(201);
    let suspended = status(&house, &issued).await;
    assert_eq!((&suspended["status"], &suspended["changed_by"]), (&json!("Suspended"), &json!("operator")));
    assert_eq!(suspended["usable"], false);
    change(&house, &house.owner, &issued, "suspend").await.problem(409, "credential_state");
    change(&house, &house.agent, &issued, "resume").await.problem(409, "credential_state");
    change(&house, &house.owner, &issued, "resume").await.expect(201);
    assert_eq!(status(&house, &issued).await["status"], "Active");
    change(&house, &house.owner, &issued, "revoke").await.expect(201);
    assert_eq!(status(&house, &issued).await["status"], "Revoked");
    for to in ["suspend", "resume", "revoke"] {
        change(&house, &house.owner, &issued, to).await.problem(409, "credential_state");
    }
}

#[tokio::test]
async fn lcm_04_the_agent_hands_its_credential_back() {
    let house = House::new().await;
    let issued = credential(&house, DATA).await;
    change(&house, &house.agent, &issued, "revoke").await.expect(201);
    let revoked = status(&house, &issued).await;
    assert_eq!((&revoked["status"], &revoked["changed_by"]), (&json!("Revoked"), &json!(house.agent.id)));
}

#[tokio::test]
async fn lcm_05_a_credential_ends_by_itself_also_while_suspended() {
    let house = House::new().await;
    let issued = credential(&house, DATA).await;
    change(&house, &house.owner, &issued, "suspend").await.expect(201);
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 8 * 86_400})).await.expect(200);
    let over = status(&house, &issued).await;
    assert_eq!(
        (&over["status"], &over["usable"], &over["changed_by"]),
        (&json!("Expired"), &json!(false), &Value::Null)
    );
    change(&house, &house.owner, &issued, "resume").await.problem(409, "credential_state");
}

#[tokio::test]
async fn a_mandate_that_is_no_credential_has_no_status() {
    let house = House::new().await;
    let path = format!("/v1/credentials/{}/status", house.mandate);
    house.plain(Method::GET, &path, &[], "").await.problem(404, "credential_unknown");
}

#[tokio::test]
async fn iss_12_lcm_07_every_event_of_a_credential_is_reported_once() {
    let mut house = House::new().await;
    let issued = credential(&house, DATA).await;
    let path = format!("/v1/credentials/{}/events", issued["delegation_id"].as_str().unwrap());
    let names = |page: &Value| -> Vec<String> {
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| row["event"].as_str().unwrap().replace("act:delegation:", "")).collect()
    };
    let begun = house.get(&house.agent, &path).await.expect(200);
    assert_eq!(names(&begun), ["delegation-issued", "intent-created"]);
    let first = &begun["data"][0];
    assert_eq!((&first["by"], &first["entry"]), (&json!(house.owner.id), &issued["entry"]));
    assert!(first["intent_id"].is_string());
    change(&house, &house.owner, &issued, "suspend").await.expect(201);
    let freeze = json!({"subject": issued["delegation_id"]});
    house.change(&house.owner, Method::POST, "/v1/freeze", Some(freeze)).await.expect(201);
    change(&house, &house.owner, &issued, "resume").await.expect(201);
    change(&house, &house.agent, &issued, "revoke").await.expect(201);
    house.restart().await;
    let all = house.get(&house.owner, &path).await.expect(200);
    let expected = [
        "delegation-revoked",
        "delegation-resumed",
        "delegation-suspended",
        "delegation-issued",
        "intent-created",
    ];
    assert_eq!(names(&all), expected, "one for each change, and none for what changed nothing");
    assert_eq!(all["data"][0]["by"], json!(house.agent.id));
    let page = house.get(&house.owner, &format!("{path}?limit=2")).await.expect(200);
    let rest = format!("{path}?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = house.get(&house.owner, &rest).await.expect(200);
    assert_eq!([names(&page), names(&rest)].concat(), expected);
    let (stranger, _) = house.stranger().await;
    house.get(&stranger, &path).await.problem(404, "credential_unknown");
    house.get(&house.seller, &path).await.problem(403, "audience_wrong");
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 86_400 * 30})).await.expect(200);
    let over = house.get(&house.owner, &path).await.expect(200);
    assert_eq!(names(&over), expected, "what was revoked does not expire");
}

#[tokio::test]
async fn lcm_07_a_credential_that_ends_by_itself_is_reported_as_expired() {
    let house = House::new().await;
    let issued = credential(&house, DATA).await;
    let path = format!("/v1/credentials/{}/events", issued["delegation_id"].as_str().unwrap());
    change(&house, &house.owner, &issued, "suspend").await.expect(201);
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 86_400 * 30})).await.expect(200);
    let over = house.get(&house.owner, &path).await.expect(200);
    let newest = &over["data"][0];
    assert_eq!(newest["event"], "act:delegation:delegation-expired");
    assert!(newest["by"].is_null() && newest["entry"].is_null(), "{newest}");
    // Ended once more, it changes nothing any more.
    let subject = json!({"subject": issued["delegation_id"]});
    house.change(&house.owner, Method::POST, "/v1/revoke", Some(subject)).await.expect(201);
    let after = house.get(&house.owner, &path).await.expect(200);
    assert_eq!(after["data"].as_array().unwrap().len(), 4);
}
