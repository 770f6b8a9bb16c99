//! Payment links over HTTP: scenario S9 with its exact money and everything it refuses, and a link that is good once.

use crate::house::{House, Party, Reply, cny, in_seconds, new_id};
use http::Method;
use serde_json::{Value, json};

impl House {
    async fn open_link(&self, by: &Party, changes: &Value) -> Value {
        let link = link(changes);
        self.post(by, "/v1/links", link.clone()).await.expect(201);
        link["id"].clone()
    }

    async fn pay_link(&self, by: &Party, link: &Value, changes: &Value) -> Reply {
        let mandate = if by.id == self.agent.id { json!(self.mandate) } else { Value::Null };
        let mut body = json!({"id": new_id("pay"), "wallet": self.wallet, "mandate": mandate});
        merge(&mut body, changes);
        self.post(by, &format!("/v1/links/{}/pay", link.as_str().unwrap()), body).await
    }

    async fn terms(&self, link: &Value) -> Reply {
        self.plain(Method::GET, &format!("/v1/links/{}/terms", link.as_str().unwrap()), &[], "").await
    }

    async fn close_link(&self, by: &Party, link: &Value) -> Reply {
        let path = format!("/v1/links/{}/close", link.as_str().unwrap());
        self.change(by, Method::POST, &path, None).await
    }
}

fn link(changes: &Value) -> Value {
    let mut body = json!({"id": new_id("lnk"), "least": cny("700"), "until": in_seconds(3_600),
        "what": "A drawing of a cat"});
    merge(&mut body, changes);
    body
}

fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        into[name] = value.clone();
    }
}

fn tip() -> Value {
    json!({"least": cny("1"), "most": cny("20000"), "by": "owner", "what": "A tip for the cat"})
}

fn amounts(money: &(String, String, String)) -> (&str, &str, &str) {
    (&money.0, &money.1, &money.2)
}

#[tokio::test]
async fn s9_a_tip_takes_a_persons_word() {
    let house = House::new().await;
    let link = house.open_link(&house.seller, &tip()).await;
    let terms = house.terms(&link).await.expect(200);
    assert_eq!((&terms["status"], &terms["by"]), (&json!("open"), &json!("owner")));
    assert_eq!((&terms["least"], &terms["most"]), (&cny("1"), &cny("20000")));
    assert_eq!(
        (&terms["what"], &terms["payees"][0]["id"]),
        (&json!("A tip for the cat"), &json!(house.seller.id))
    );

    // The agent never gives it by itself, whatever its mandate allows.
    let said = json!({"amount": cny("500"), "message": "Thank you for the cat", "why": "it purred"});
    let asked = house.pay_link(&house.agent, &link, &said).await.expect(202);
    assert_eq!(asked["ask"], "person_required");
    assert_eq!(amounts(&house.money().await), ("100000", "0", "0"));
    let questions = house.get(&house.owner, "/v1/questions").await.expect(200);
    let question = &questions["data"][0];
    assert_eq!(question["link"], json!({"id": link, "message": "Thank you for the cat"}));
    let approve = json!({"digest": asked["digest"], "until": in_seconds(600)});
    let path = format!("/v1/questions/{}/approve", asked["id"].as_str().unwrap());
    let alike = json!({"digest": asked["digest"], "until": in_seconds(600), "alike": true});
    house.change(&house.owner, Method::POST, &path, Some(alike)).await.problem(403, "forbidden");
    house.change(&house.owner, Method::POST, &path, Some(approve)).await.expect(201);
    let mut other = said.clone();
    merge(&mut other, &json!({"message": "Thank you for the dog", "approval": asked["id"]}));
    house.pay_link(&house.agent, &link, &other).await.problem(403, "approval_mismatch");
    let mut yes = said.clone();
    merge(&mut yes, &json!({"approval": asked["id"]}));
    let paid = house.pay_link(&house.agent, &link, &yes).await.expect(201);
    assert_eq!((&paid["status"], &paid["amount"]), (&json!("paid"), &cny("500")));
    assert_eq!(amounts(&house.money().await), ("99500", "0", "500"));

    // What was said is for the seller alone, and the journal has its digest.
    let payments = format!("/v1/links/{}/payments", link.as_str().unwrap());
    let shown = house.get(&house.seller, &payments).await.expect(200);
    assert_eq!(shown["data"][0]["message"], "Thank you for the cat");
    assert_eq!(shown["data"][0]["payment"], paid["id"]);
    let (stranger, _) = house.stranger().await;
    for by in [&house.agent, &stranger] {
        house.get(by, &payments).await.problem(403, "audience_wrong");
    }
    let public = house.terms(&link).await.expect(200).to_string();
    for private in [&house.wallet, &house.agent.id, &house.owner.id, "Thank you"] {
        assert!(!public.contains(private), "{private} in {public}");
    }

    // What it refuses.
    house.pay_link(&house.owner, &link, &json!({"amount": cny("0")})).await.problem(422, "amount_zero");
    let more = house.pay_link(&house.owner, &link, &json!({"amount": cny("20001")})).await;
    assert_eq!(more.problem(403, "link_amount")["remaining"], cny("20000"));
    house.pay_link(&house.owner, &link, &json!({})).await.problem(400, "body_malformed");
    house
        .pay_link(&house.owner, &link, &json!({"payee": house.seller.id}))
        .await
        .problem(400, "body_malformed");
    assert_eq!(amounts(&house.money().await), ("99500", "0", "500"));

    // Given in person, and given back like any payment.
    house.pay_link(&house.owner, &link, &json!({"amount": cny("5")})).await.expect(201);
    let refund = json!({"id": new_id("ref"), "payment": paid["id"], "amount": cny("500")});
    house.post(&house.seller, "/v1/refunds", refund).await.expect(201);
    assert_eq!(amounts(&house.money().await), ("99995", "0", "5"));
    let listed = house.get(&house.owner, "/v1/payments").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let found = house.get(&house.seller, &format!("/v1/links/{}", link.as_str().unwrap())).await.expect(200);
    assert_eq!((&found["used"], &found["paid"]), (&json!(2), &cny("505")));
}

#[tokio::test]
async fn fifty_come_at_once_to_what_is_asked_for_once() {
    let house = House::new().await;
    let link = house.open_link(&house.seller, &json!({"uses": 1})).await;
    let nothing = json!({});
    let tries = (0..50).map(|_| house.pay_link(&house.agent, &link, &nothing));
    let answers = futures_util::future::join_all(tries).await;
    let paid = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(paid, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.problem(403, "link_used");
    }
    assert_eq!(amounts(&house.money().await), ("99300", "0", "700"));
    let terms = house.terms(&link).await.expect(200);
    assert_eq!((&terms["status"], &terms["uses_left"]), (&json!("used"), &json!(0)));

    // The same payment again pays nothing again, also after it was used up.
    let again = house.open_link(&house.seller, &json!({"uses": 1})).await;
    let body = json!({"id": new_id("pay"), "wallet": house.wallet, "mandate": house.mandate});
    let path = format!("/v1/links/{}/pay", again.as_str().unwrap());
    house.post(&house.agent, &path, body.clone()).await.expect(201);
    let repeated = house.post(&house.agent, &path, body).await.expect(201);
    assert_eq!(repeated["repeated"], true);
    assert_eq!(amounts(&house.money().await), ("98600", "0", "1400"));
}

#[tokio::test]
async fn links_are_the_sellers_to_open_and_to_close() {
    let house = House::new().await;
    let link = house.open_link(&house.seller, &json!({})).await;
    house.post(&house.agent, "/v1/links", self::link(&json!({}))).await.problem(403, "audience_wrong");
    house.post(&house.operator, "/v1/links", self::link(&json!({}))).await.problem(400, "body_malformed");
    let of = json!({"payee": house.seller.id});
    house.open_link(&house.operator, &of).await;
    for (changes, code) in [
        (json!({"least": cny("0")}), "link_malformed"),
        (json!({"most": cny("699")}), "link_malformed"),
        (json!({"uses": 0}), "link_malformed"),
        (json!({"until": in_seconds(-1)}), "time_out_of_range"),
        (json!({"until": in_seconds(367 * 86_400)}), "time_out_of_range"),
    ] {
        house.post(&house.seller, "/v1/links", self::link(&changes)).await.problem(422, code);
    }
    for changes in [json!({"what": ""}), json!({"what": "a\nb"}), json!({"what": "x".repeat(121)})] {
        house.post(&house.seller, "/v1/links", self::link(&changes)).await.problem(422, "text_malformed");
    }
    house.close_link(&house.seller, &link).await.expect(201);
    house.close_link(&house.seller, &link).await.problem(403, "link_closed");
    house.pay_link(&house.agent, &link, &json!({})).await.problem(403, "link_closed");
    assert_eq!(house.terms(&link).await.expect(200)["status"], "closed");
    let unknown = json!(new_id("lnk"));
    house.terms(&unknown).await.problem(404, "link_unknown");
    house.pay_link(&house.agent, &unknown, &json!({})).await.problem(404, "link_unknown");
    house.close_link(&house.seller, &unknown).await.problem(404, "link_unknown");
    let listed = house.get(&house.seller, "/v1/links").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);

    let late = house.open_link(&house.seller, &json!({})).await;
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 3_601})).await.expect(200);
    house.pay_link(&house.owner, &late, &json!({})).await.problem(403, "link_expired");
    assert_eq!(house.terms(&late).await.expect(200)["status"], "expired");
    assert_eq!(amounts(&house.money().await), ("100000", "0", "0"));
}
