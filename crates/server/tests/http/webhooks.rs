//! Webhooks over real sockets: who is told what, how it is signed, and that nothing is lost on the way.

use crate::act_agreements::{agreed_at, buy_at, cancel_by_agent};
use crate::house::{House, Party, cny, new_id};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evidence::{MacKey, PublicKey, Secret, Signature};
use http::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// Somebody who listens, and answers with the statuses it is told to, then with 204.
#[derive(Clone, Default)]
pub(crate) struct Listener {
    heard: Arc<Mutex<Vec<Heard>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    id: String,
    seconds: String,
    signature: String,
    text: String,
}

impl Heard {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = MacKey::new(&Secret::new(secret.try_into().unwrap()));
        let signed = format!("{}.{}.{}", self.id, self.seconds, self.text);
        let expected = format!("v1,{}", STANDARD.encode(key.mac(signed.as_bytes()).0));
        self.signature.split(' ').any(|one| one == expected)
    }
}

impl Listener {
    /// Listens on loopback; returns the address too.
    pub(crate) async fn start() -> (Listener, String) {
        async fn hear(State(listener): State<Listener>, headers: HeaderMap, text: String) -> StatusCode {
            let of = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
            let (id, seconds) = (of("webhook-id"), of("webhook-timestamp"));
            let signature = of("webhook-signature");
            listener.heard.lock().unwrap().push(Heard { id, seconds, signature, text });
            let mut statuses = listener.statuses.lock().unwrap();
            let status = if statuses.is_empty() { 204 } else { statuses.remove(0) };
            StatusCode::from_u16(status).unwrap()
        }
        let listener = Listener::default();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", socket.local_addr().unwrap());
        let router = axum::Router::new().fallback(hear).with_state(listener.clone());
        tokio::spawn(async move { axum::serve(socket, router).await });
        (listener, url)
    }

    /// The messages so far, once there are so many.
    pub(crate) async fn hears(&self, count: usize) -> Vec<Heard> {
        for _ in 0..200 {
            if count <= self.heard.lock().unwrap().len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let heard = self.heard.lock().unwrap().clone();
        assert_eq!(heard.len(), count, "{heard:#?}");
        heard
    }

    fn kinds(heard: &[Heard]) -> Vec<String> {
        heard.iter().map(|it| it.json()["type"].as_str().unwrap().to_owned()).collect()
    }
}

async fn listening(house: &House, who: &Party, url: &str, events: Value) -> Value {
    let webhook = json!({"id": new_id("whk"), "payee": house.seller.id, "url": url, "events": events});
    house.post(who, "/v1/webhooks", webhook).await.expect(201)
}

async fn deliveries(house: &House, webhook: &Value) -> Value {
    let path = format!("/v1/webhooks/{}/deliveries", webhook["id"].as_str().unwrap());
    house.get(&house.seller, &path).await.expect(200)["data"].clone()
}

/// The newest message, once so many attempts at it were made.
async fn attempts(house: &House, webhook: &Value, count: usize) -> Value {
    for _ in 0..200 {
        let log = deliveries(house, webhook).await;
        if log[0]["attempts"].as_array().is_some_and(|attempts| attempts.len() == count) {
            return log[0].clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("there are not {count} attempts");
}

#[tokio::test]
async fn a_seller_is_told_what_came_in_once_and_signed() {
    let mut house = House::new().await;
    let (listener, url) = Listener::start().await;
    let webhook = listening(&house, &house.seller, &url, json!([])).await;
    let secret = webhook["secret"].as_str().unwrap().to_owned();

    let paid = house.post(&house.agent, "/v1/payments", house.payment("300")).await.expect(201);
    let refund = json!({"id": new_id("ref"), "payment": paid["id"], "amount": cny("100")});
    house.post(&house.seller, "/v1/refunds", refund).await.expect(201);
    let heard = listener.hears(2).await;
    assert_eq!(Listener::kinds(&heard), ["payment.paid", "refund.made"]);
    assert!(heard.iter().all(|it| it.is_signed_with(&secret)));
    let told = heard[0].json();
    let entry = house.get(&house.seller, &format!("/v1/entries/{}", paid["entry"])).await.expect(200);
    assert_eq!(told["data"], entry, "no more and no less than a seller's list would show");

    // Denied: no sale, so nothing is told. Nor after a restart of what was told before it.
    house.post(&house.agent, "/v1/payments", house.payment("20001")).await.problem(403, "payment_too_large");
    house.restart().await;
    let again = json!({"id": webhook["id"], "payee": house.seller.id, "url": url, "events": []});
    assert_eq!(house.post(&house.seller, "/v1/webhooks", again).await.expect(201)["secret"], secret);
    house.post(&house.agent, "/v1/payments", house.payment("200")).await.expect(201);
    let heard = listener.hears(3).await;
    assert!(heard[2].is_signed_with(&secret));
    let log = deliveries(&house, &webhook).await;
    let statuses: Vec<_> = log.as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["delivered"; 3]);
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_as_it_was() {
    let house = House::new().await;
    let (listener, url) = Listener::start().await;
    listener.statuses.lock().unwrap().extend([503, 302]);
    let webhook = listening(&house, &house.seller, &url, json!([])).await;
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());

    house.post(&house.agent, "/v1/payments", house.payment("300")).await.expect(201);
    let log = attempts(&house, &webhook, 1).await;
    assert_eq!(log["status"], "waiting");
    assert_eq!(log["attempts"][0]["status"], 503);

    // The seller does not want to wait: a redirection is not followed and counts as a no, then it is taken.
    let message = log["id"].as_str().unwrap();
    let replay = format!("{path}/deliveries/{message}/replay");
    house.change(&house.owner, Method::POST, &replay, None).await.problem(404, "webhook_unknown");
    house.change(&house.seller, Method::POST, &replay, None).await.expect(201);
    listener.hears(2).await;
    attempts(&house, &webhook, 2).await;
    house.change(&house.seller, Method::POST, &replay, None).await.expect(201);
    let heard = listener.hears(3).await;
    let log = attempts(&house, &webhook, 3).await;
    assert_eq!(log["status"], "delivered");
    assert_eq!(log["attempts"][1]["status"], 302);
    assert!(heard.iter().all(|it| (&it.id, &it.text) == (&heard[0].id, &heard[0].text)), "{heard:#?}");
}

#[tokio::test]
async fn a_webhook_is_its_sellers_and_goes_nowhere_else() {
    let house = House::new().await;
    let (listener, url) = Listener::start().await;
    let webhook = listening(&house, &house.seller, &url, json!(["hold.placed"])).await;
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    let stranger = Party::new("pye");
    let payee = json!({"id": stranger.id, "asset": "CNY/2", "category": "data", "provenance": "registry",
        "key": stranger.key_json()});
    house.post(&house.operator, "/v1/payees", payee).await.expect(201);
    for (who, code) in [(&stranger, "webhook_unknown"), (&house.owner, "webhook_unknown")] {
        house.get(who, &format!("{path}/deliveries")).await.problem(404, code);
        for change in ["secret", "test", "close"] {
            house.change(who, Method::POST, &format!("{path}/{change}"), None).await.problem(404, code);
        }
        let other = json!({"id": new_id("whk"), "payee": house.seller.id, "url": url});
        house.post(who, "/v1/webhooks", other).await.problem(404, "payee_unknown");
    }
    house.get(&house.agent, &format!("{path}/deliveries")).await.problem(403, "audience_wrong");
    for (member, value) in [
        ("url", json!("ftp://127.0.0.1/")),
        ("url", json!("https://user:word@example.com/")),
        ("events", json!(["payment.guessed"])),
    ] {
        let mut bad = json!({"id": new_id("whk"), "url": url});
        bad[member] = value;
        let problem = house.post(&house.seller, "/v1/webhooks", bad).await.problem(422, "webhook_malformed");
        assert_eq!(problem["param"], member);
    }
    let reused = json!({"id": webhook["id"], "url": format!("{url}/other")});
    house.post(&house.seller, "/v1/webhooks", reused).await.problem(409, "id_reused");

    // Only what was asked for is told; a new secret is signed with beside the one before; what is ended is told nothing.
    house.post(&house.agent, "/v1/payments", house.payment("300")).await.expect(201);
    house.change(&house.seller, Method::POST, &format!("{path}/test"), None).await.expect(201);
    assert_eq!(Listener::kinds(&listener.hears(1).await), ["test"]);
    let rotated =
        house.change(&house.seller, Method::POST, &format!("{path}/secret"), None).await.expect(201);
    assert_ne!(rotated["secret"], webhook["secret"]);
    house.change(&house.seller, Method::POST, &format!("{path}/test"), None).await.expect(201);
    let heard = listener.hears(2).await;
    for secret in [&webhook["secret"], &rotated["secret"]] {
        assert!(heard[1].is_signed_with(secret.as_str().unwrap()));
    }
    assert!(!heard[0].is_signed_with(rotated["secret"].as_str().unwrap()));
    house.change(&house.seller, Method::POST, &format!("{path}/close"), None).await.expect(201);
    house.get(&house.seller, &format!("{path}/deliveries")).await.problem(404, "webhook_unknown");
    tokio::time::sleep(Duration::from_millis(300)).await;
    listener.hears(2).await;
}

#[tokio::test]
async fn an_agent_is_told_what_becomes_of_its_agreement() {
    let house = House::new().await;
    let (listener, url) = Listener::start().await;
    let (number, merchant) = agreed_at(&house, &url).await;
    listener.hears(1).await;
    buy_at(&house, &number, &merchant, 300, &url).await;
    listener.hears(2).await;
    cancel_by_agent(&house, &number).await;
    let heard = listener.hears(3).await;
    assert_eq!(Listener::kinds(&heard), ["agreement.signed", "payment.completed", "agreement.ended"]);
    assert_eq!(heard[0].json()["data"]["agreement_no"], number);
    assert_eq!(heard[2].json()["data"]["status"], "CANCELLED");
    assert_eq!(heard[1].json()["data"]["trade_status"], "TRADE_SUCCESS");
    let key = house.get(&house.agent, "/v1/webhook-key").await.expect(200);
    let key = STANDARD.decode(key["public_key"].as_str().unwrap().strip_prefix("whpk_").unwrap()).unwrap();
    let key = PublicKey::ed25519(&key).unwrap();
    for it in &heard {
        let signature = STANDARD.decode(it.signature.strip_prefix("v1a,").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", it.id, it.seconds, it.text);
        assert!(key.verify(signed.as_bytes(), &Signature::from_slice(&signature).unwrap()).is_ok());
    }
}
