//! Standing agreements of ACT 2.0 over HTTP: `PSD-PAY-DEL-APPLY`, `-QUERY`, `-CANCEL`, `-PAY`, and every state of a task.

use crate::act::{merchant, order, refused, say_yes, second};
use crate::house::{House, Party, Reply, new_id, nonce, ulid};
use http::Method;
use protocols::act::psd::agreement::{ApplyRequest, CancelRequest, PayRequest, QueryRequest};
use protocols::act::psd::sign;
use serde_json::{Value, json};

const METHOD: &str = "urn:act:payment:tollbridge";

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// An application for the house's agent: 500.00 each, 700.00 in all, at this merchant.
fn application(house: &House, merchant: &Party) -> Value {
    json!({"request_id": format!("apply-{}", ulid()), "principal_id": house.owner.id, "agent_id": house.agent.id,
        "agreement_type": "DELEGATION_SPECIFIED",
        "sign_validity": {"start_time": second(-60), "end_time": second(30 * 86_400)},
        "single_amount_limit": "500.00", "total_amount_limit": "700.00", "currency": "CNY",
        "allowed_payment_methods": [METHOD], "allowed_merchants": [merchant.id],
        "access_params": {"channel": "APP", "personal_product_code": "DELEGATION"},
        "notify_url": "https://agent.example/n", "return_url": "https://agent.example/r",
        "timestamp": second(0), "signature": "AA", "signature_algorithm": "ED25519"})
}

async fn apply(house: &House, application: &Value) -> Reply {
    let request = ApplyRequest::from_json(application.to_string().as_bytes()).unwrap();
    let signed = value(&sign(request, &house.agent.signing_key()).to_json());
    house.post(&house.agent, "/v1/act/agreements", signed).await
}

/// An agreement that waits for the owner.
async fn applied(house: &House, application: &Value) -> String {
    let applied = apply(house, application).await.expect(201);
    assert_eq!((&applied["status"], &applied["task_state"]), (&json!("SIGNING"), &json!("SIGNING")));
    applied["agreement_no"].as_str().unwrap().to_owned()
}

async fn shown(house: &House, number: &str) -> Value {
    house.get(&house.owner, &format!("/v1/act/agreements/{number}")).await.expect(200)
}

async fn state(house: &House, number: &str) -> String {
    shown(house, number).await["task_state"].as_str().unwrap().to_owned()
}

async fn put_to_owner(house: &House, number: &str) -> Reply {
    let yes = json!({"digest": shown(house, number).await["digest"]});
    house.post(&house.owner, &format!("/v1/act/agreements/{number}/sign"), yes).await
}

/// An agreement that the owner has signed.
async fn agreed(house: &House, application: &Value) -> String {
    let number = applied(house, application).await;
    let signed = put_to_owner(house, &number).await.expect(201);
    assert_eq!(signed["task_state"], "NORMAL");
    number
}

fn payment(house: &House, number: &str, merchant: &Party, order: &str, amount: &str) -> Value {
    json!({"request_id": format!("pay-{}", ulid()), "agreement_no": number, "buyer_agent_id": house.agent.id,
        "principal_id": house.owner.id, "merchant_id": merchant.id, "merchant_order_id": order, "amount": amount,
        "currency": "CNY", "payment_method": METHOD, "subject": "milk", "notify_url": "https://agent.example/n",
        "timestamp": second(0), "signature": "AA"})
}

async fn pay(house: &House, payment: &Value) -> Reply {
    let request = PayRequest::from_json(payment.to_string().as_bytes()).unwrap();
    let signed = value(&sign(request, &house.agent.signing_key()).to_json());
    house.post(&house.agent, "/v1/act/agreements/pay", signed).await
}

/// Pays for a new order of so many fen.
async fn buy(house: &House, number: &str, merchant: &Party, fen: u32) -> Reply {
    let order = order(house, merchant, &fen.to_string(), &[]).await;
    let amount = format!("{}.{:02}", fen / 100, fen % 100);
    pay(house, &payment(house, number, merchant, &order, &amount)).await
}

fn cancellation(house: &House, number: &str) -> Value {
    json!({"request_id": format!("cancel-{}", ulid()), "agreement_no": number, "principal_id": house.owner.id,
        "cancel_reason": "USER_INITIATED", "timestamp": second(0), "signature": "AA", "signature_algorithm": "ED25519"})
}

async fn cancel(house: &House, who: &Party, cancellation: &Value) -> Reply {
    let request = CancelRequest::from_json(cancellation.to_string().as_bytes()).unwrap();
    let signed = value(&sign(request, &who.signing_key()).to_json());
    house.post(who, "/v1/act/agreements/cancel", signed).await
}

async fn query(house: &House, who: &Party, key: Value) -> Reply {
    let mut query = key;
    query["request_id"] = json!(format!("query-{}", ulid()));
    query["timestamp"] = json!(second(0));
    query["signature"] = json!("AA");
    let request = QueryRequest::from_json(query.to_string().as_bytes()).unwrap();
    let signed = value(&sign(request, &who.signing_key()).to_json());
    house.post(who, "/v1/act/agreements/query", signed).await
}

async fn advance(house: &House, seconds: u64) {
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": seconds})).await.expect(200);
}

/// None of these moves is made from here: each is refused with its code, and nothing changes.
async fn is_final(house: &House, number: &str, merchant: &Party, state_now: &str, class: &str) {
    assert_eq!(state(house, number).await, state_now);
    refused(buy(house, number, merchant, 100).await, class);
    refused(cancel(house, &house.agent, &cancellation(house, number)).await, "CANCEL_FAILED");
    refused(cancel(house, &house.owner, &cancellation(house, number)).await, "CANCEL_FAILED");
    if state_now != "INVALID" {
        let path = format!("/v1/act/agreements/{number}/decline");
        house.change(&house.owner, Method::POST, &path, None).await.problem(409, "agreement_state");
    } else {
        put_to_owner(house, number).await.problem(409, "agreement_state");
    }
    assert_eq!(state(house, number).await, state_now);
}

#[tokio::test]
async fn e4_signing_normal_finished_and_the_same_after_a_restart() {
    let mut house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let mut asked = application(&house, &shop);
    asked["times_limit"] = json!(2);
    let number = applied(&house, &asked).await;
    refused(buy(&house, &number, &shop, 100).await, "AGREEMENT_NOT_SIGNED");
    refused(cancel(&house, &house.agent, &cancellation(&house, &number)).await, "CANCEL_FAILED");
    house.restart().await;
    assert_eq!(state(&house, &number).await, "SIGNING");

    // Only the owner signs, what she was shown, and being there.
    let sign_path = format!("/v1/act/agreements/{number}/sign");
    let digest = shown(&house, &number).await["digest"].clone();
    let yes = json!({"digest": digest});
    house.post(&house.agent, &sign_path, yes.clone()).await.problem(403, "audience_wrong");
    let (stranger, _) = house.stranger().await;
    house.post(&stranger, &sign_path, yes.clone()).await.problem(404, "agreement_unknown");
    let other = json!({"digest": "A".repeat(43)});
    house.post(&house.owner, &sign_path, other).await.problem(403, "approval_mismatch");
    let session = house.session(&house.owner).await;
    let lazy = house.in_session(&session, Method::POST, &sign_path, &yes.to_string(), nonce());
    house.send(lazy).await.problem(403, "presence_required");
    assert_eq!(state(&house, &number).await, "SIGNING");
    let signed = house.post(&house.owner, &sign_path, yes.clone()).await.expect(201);
    assert_eq!(signed["task_state"], "NORMAL");
    let again = house.post(&house.owner, &sign_path, yes).await.expect(201);
    assert_eq!(again["mandate"], signed["mandate"], "once");

    let bought = order(&house, &shop, "30000", &[]).await;
    let paying = payment(&house, &number, &shop, &bought, "300.00");
    let paid = pay(&house, &paying).await.expect(201);
    assert_eq!(
        (&paid["trade_status"], &paid["deducted_amount_total"]),
        (&json!("TRADE_SUCCESS"), &json!("300.00"))
    );
    house.restart().await;
    let repeated = pay(&house, &paying).await.expect(201);
    assert_eq!((&repeated["trade_no"], &repeated["repeated"]), (&paid["trade_no"], &json!(true)));
    assert_eq!(state(&house, &number).await, "NORMAL");
    let second_time = buy(&house, &number, &shop, 100).await.expect(201);
    assert_eq!(second_time["deducted_amount_total"], "301.00");
    is_final(&house, &number, &shop, "FINISHED", "CUMULATIVE_AMOUNT_EXCEEDED").await;
    house.restart().await;
    assert_eq!(state(&house, &number).await, "FINISHED");
    assert_eq!(house.money().await.0, "69900");
}

#[tokio::test]
async fn e4_a_task_that_is_turned_down_or_not_signed_in_time_is_invalid() {
    let mut house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let number = applied(&house, &application(&house, &shop)).await;
    let path = format!("/v1/act/agreements/{number}/decline");
    house.change(&house.agent, Method::POST, &path, None).await.problem(403, "audience_wrong");
    let declined = house.change(&house.owner, Method::POST, &path, None).await.expect(201);
    assert_eq!(declined["task_state"], "INVALID");
    assert_eq!(value(declined["agreement"].as_str().unwrap())["status"], "UNSIGNED");
    house.change(&house.owner, Method::POST, &path, None).await.expect(201);
    is_final(&house, &number, &shop, "INVALID", "AGREEMENT_NOT_SIGNED").await;
    house.restart().await;
    assert_eq!(state(&house, &number).await, "INVALID");

    let mut brief = application(&house, &shop);
    brief["sign_validity"]["end_time"] = json!(second(100));
    let brief = applied(&house, &brief).await;
    advance(&house, 101).await;
    assert_eq!(state(&house, &brief).await, "INVALID");
    put_to_owner(&house, &brief).await.problem(409, "agreement_state");
}

#[tokio::test]
async fn e4_dlc_01_either_party_cancels_and_nothing_is_paid_after() {
    let mut house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let mut asked = application(&house, &shop);
    asked["external_agreement_no"] = json!("EXT-1");
    let first = agreed(&house, &asked).await;
    buy(&house, &first, &shop, 100).await.expect(201);
    let mut foreign = cancellation(&house, &first);
    let (stranger, _) = house.stranger().await;
    foreign["principal_id"] = json!(stranger.id);
    refused(cancel(&house, &house.agent, &foreign).await, "CANCEL_FAILED");
    refused(cancel(&house, &stranger, &foreign).await, "CANCEL_FAILED");
    // Somebody else's signature under the agent's own request.
    let request = CancelRequest::from_json(cancellation(&house, &first).to_string().as_bytes()).unwrap();
    let forged = value(&sign(request, &stranger.signing_key()).to_json());
    let forged = house.post(&house.agent, "/v1/act/agreements/cancel", forged).await;
    refused(forged, "AGENT_SIGNATURE_INVALID");
    assert_eq!(state(&house, &first).await, "NORMAL");

    let mut by_name = cancellation(&house, &first);
    by_name.as_object_mut().unwrap().remove("agreement_no");
    by_name["external_agreement_no"] = json!("EXT-1");
    by_name["cancel_reason"] = json!("AGENT_INITIATED");
    let ended = cancel(&house, &house.agent, &by_name).await.expect(201);
    assert_eq!((&ended["status"], &ended["agreement_no"]), (&json!("CANCELLED"), &json!(first)));
    let again = cancel(&house, &house.agent, &by_name).await.expect(201);
    assert_eq!((&again["repeated"], &again["cancel_time"]), (&json!(true), &ended["cancel_time"]));
    is_final(&house, &first, &shop, "CANCELLED", "AGREEMENT_NOT_SIGNED").await;
    house.restart().await;
    let kept = value(shown(&house, &first).await["agreement"].as_str().unwrap());
    assert_eq!(
        (&kept["cancel_time"], &kept["cancel_reason"]),
        (&ended["cancel_time"], &json!("AGENT_INITIATED"))
    );

    let second = agreed(&house, &application(&house, &shop)).await;
    cancel(&house, &house.owner, &cancellation(&house, &second)).await.expect(201);
    assert_eq!(state(&house, &second).await, "CANCELLED");
}

#[tokio::test]
async fn e4_time_ends_a_task_and_the_payment_service_may() {
    let house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let third = agreed(&house, &application(&house, &shop)).await;
    let mandate = shown(&house, &third).await["mandate"].clone();
    let subject = json!({"subject": mandate});
    // Frozen it stays what it is, and pays nothing.
    house.change(&house.owner, Method::POST, "/v1/freeze", Some(subject.clone())).await.expect(201);
    assert_eq!(state(&house, &third).await, "NORMAL");
    refused(buy(&house, &third, &shop, 100).await, "IAC_SUSPENDED");
    house.change(&house.owner, Method::POST, "/v1/unfreeze", Some(subject.clone())).await.expect(201);
    buy(&house, &third, &shop, 100).await.expect(201);
    house.change(&house.operator, Method::POST, "/v1/revoke", Some(subject)).await.expect(201);
    is_final(&house, &third, &shop, "TERMINATE", "AGREEMENT_NOT_SIGNED").await;

    let mut brief = application(&house, &shop);
    brief["sign_validity"]["end_time"] = json!(second(200));
    let brief = agreed(&house, &brief).await;
    advance(&house, 201).await;
    assert_eq!(state(&house, &brief).await, "EXPIRED");
    let order = order(&house, &shop, "100", &[]).await;
    let mut late = payment(&house, &brief, &shop, &order, "1.00");
    late["timestamp"] = json!(second(201));
    refused(pay(&house, &late).await, "AGREEMENT_EXPIRED");
    let kept = value(shown(&house, &brief).await["agreement"].as_str().unwrap());
    assert_eq!((&kept["status"], &kept["cancel_reason"]), (&json!("CANCELLED"), &json!("EXPIRY")));
}

#[tokio::test]
async fn dla_01_02_an_application_is_signed_by_its_agent_for_its_own_principal() {
    let house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let good = application(&house, &shop);
    let with = |name: &str, value: Value| {
        let mut application = good.clone();
        application[name] = value;
        application
    };
    let (stranger, _) = house.stranger().await;
    for (changed, class) in [
        (with("timestamp", json!(second(-301))), "REQUEST_EXPIRED"),
        (with("principal_id", json!(stranger.id)), "AGENT_IDENTITY_MISMATCH"),
        (with("agent_id", json!(new_id("agt"))), "AGENT_IDENTITY_MISMATCH"),
        (with("currency", json!("USD")), "CURRENCY_MISMATCH"),
        (with("single_amount_limit", json!("0.00")), "REQUEST_INVALID"),
        (with("allowed_merchants", json!(["Milk"])), "MERCHANT_NOT_IN_SCOPE"),
    ] {
        refused(apply(&house, &changed).await, class);
    }
    let forged = house.post(&house.agent, "/v1/act/agreements", good.clone()).await;
    refused(forged, "AGENT_SIGNATURE_INVALID");
    let mut short = good.clone();
    short.as_object_mut().unwrap().remove("allowed_merchants");
    refused(house.post(&house.agent, "/v1/act/agreements", short).await, "REQUEST_INVALID");
    assert_eq!(house.get(&house.owner, "/v1/act/agreements").await.expect(200)["data"], json!([]));

    let named = with("external_agreement_no", json!("EXT-1"));
    let first = apply(&house, &named).await.expect(201);
    assert!(first["sign_url"].as_str().unwrap().ends_with("/sign"));
    let again = apply(&house, &named).await.expect(201);
    assert_eq!((&again["agreement_no"], &again["repeated"]), (&first["agreement_no"], &json!(true)));
    let mut more = named.clone();
    more["single_amount_limit"] = json!("600.00");
    refused(apply(&house, &more).await, "DUPLICATE_REQUEST");
    more["request_id"] = json!("apply-other");
    refused(apply(&house, &more).await, "DUPLICATE_REQUEST");
    // The owner sees what she is asked for, in the agent's signed words.
    let data = house.get(&house.owner, "/v1/act/agreements").await.expect(200)["data"].clone();
    let [one] = &data.as_array().unwrap()[..] else { panic!("{data}") };
    let application = value(one["application"].as_str().unwrap());
    assert_eq!(
        (&application["single_amount_limit"], &application["agent_id"]),
        (&json!("500.00"), &json!(house.agent.id))
    );
    // So many wait at once, and no more.
    for _ in 1..server::limits::AGREEMENTS_WAITING_MAX {
        apply(&house, &application_again(&good)).await.expect(201);
    }
    apply(&house, &application_again(&good)).await.problem(409, "too_many");
}

fn application_again(application: &Value) -> Value {
    let mut application = application.clone();
    application["request_id"] = json!(format!("apply-{}", ulid()));
    application
}

#[tokio::test]
async fn dlq_01_02_an_agreement_is_found_by_one_key_and_shows_where_it_stands() {
    let house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let mut asked = application(&house, &shop);
    asked["external_agreement_no"] = json!("EXT-1");
    let number = applied(&house, &asked).await;
    let one = async |key: Value| {
        let found = query(&house, &house.agent, key).await.expect(200);
        let found = found["agreements"].clone();
        assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
        found[0].clone()
    };
    let parties = || json!({"principal_id": house.owner.id, "agent_id": house.agent.id});
    let keys = || [json!({"agreement_no": number}), json!({"external_agreement_no": "EXT-1"}), parties()];
    for key in keys() {
        let found = one(key).await;
        assert_eq!((&found["status"], &found["sign_time"]), (&json!("SIGNING"), &Value::Null));
    }
    put_to_owner(&house, &number).await.expect(201);
    buy(&house, &number, &shop, 12_345).await.expect(201);
    for key in keys() {
        let found = one(key).await;
        assert_eq!(
            (&found["status"], &found["deducted_amount_total"], &found["single_amount_limit"]),
            (&json!("SIGNED"), &json!("123.45"), &json!("500.00"))
        );
        assert!(found["sign_time"].is_string() && found["cancel_time"].is_null(), "{found}");
    }
    // Two keys or none are no question; another agent's is none of its business.
    for keys in [json!({}), json!({"agreement_no": number, "external_agreement_no": "EXT-1"})] {
        let mut body = keys;
        body["request_id"] = json!("q");
        body["timestamp"] = json!(second(0));
        body["signature"] = json!("AA");
        refused(house.post(&house.agent, "/v1/act/agreements/query", body).await, "REQUEST_INVALID");
    }
    let other = house.another_agent().await;
    refused(query(&house, &other, json!({"agreement_no": number})).await, "AGREEMENT_UNKNOWN");
    let none = query(&house, &other, parties()).await.expect(200);
    assert_eq!(none["agreements"], json!([]));
    let path = format!("/v1/act/agreements/{number}");
    house.get(&other, &path).await.problem(404, "agreement_unknown");
}

#[tokio::test]
async fn dlp_01_02_03_a_payment_is_held_to_agreement_and_order_and_the_total_grows() {
    let house = House::new().await;
    let (shop, other) = (merchant(&house, "Milk", "food").await, merchant(&house, "Wine", "food").await);
    let number = agreed(&house, &application(&house, &shop)).await;
    let fits = order(&house, &shop, "30000", &[]).await;
    let good = payment(&house, &number, &shop, &fits, "300.00");
    let with = |name: &str, value: Value| {
        let mut request = good.clone();
        request[name] = value;
        request
    };
    for (changed, class) in [
        (with("timestamp", json!(second(-301))), "REQUEST_EXPIRED"),
        (with("agreement_no", json!(new_id("agr"))), "AGREEMENT_UNKNOWN"),
        (with("principal_id", json!(new_id("own"))), "AGENT_IDENTITY_MISMATCH"),
        (with("currency", json!("USD")), "CURRENCY_MISMATCH"),
        (with("amount", json!("500.01")), "SINGLE_AMOUNT_EXCEEDED"),
        (with("payment_method", json!("urn:other")), "PAYMENT_METHOD_NOT_ALLOWED"),
        (with("merchant_id", json!(other.id)), "MERCHANT_NOT_IN_SCOPE"),
        (with("amount", json!("300.01")), "ORDER_MISMATCH"),
        (with("merchant_order_id", json!(new_id("ord"))), "ORDER_MISMATCH"),
        (with("payment_token", json!(new_id("tok"))), "PAYMENT_TOOL_INVALID"),
    ] {
        refused(pay(&house, &changed).await, class);
    }
    // Of two faults the earlier is told.
    let mut two = with("amount", json!("500.01"));
    two["timestamp"] = json!(second(-301));
    refused(pay(&house, &two).await, "REQUEST_EXPIRED");
    let forged = house.post(&house.agent, "/v1/act/agreements/pay", good.clone()).await;
    refused(forged, "AGENT_SIGNATURE_INVALID");
    assert_eq!(house.money().await.0, "100000", "nothing moved");

    let paid = pay(&house, &good).await.expect(201);
    assert_eq!(
        (&paid["trade_status"], &paid["out_trade_no"], &paid["agreement_no"], &paid["deducted_amount_total"]),
        (&json!("TRADE_SUCCESS"), &json!(fits), &json!(number), &json!("300.00"))
    );
    refused(buy(&house, &number, &shop, 40_001).await, "CUMULATIVE_AMOUNT_EXCEEDED");
    let last = buy(&house, &number, &shop, 40_000).await.expect(201);
    assert_eq!(last["deducted_amount_total"], "700.00");
    assert_eq!(state(&house, &number).await, "FINISHED");
    let query = format!("/v1/act/payments/{}", good["request_id"].as_str().unwrap());
    assert_eq!(house.get(&house.agent, &query).await.expect(200)["trade_status"], "TRADE_SUCCESS");
    assert_eq!(house.money().await.0, "30000");
}

#[tokio::test]
async fn dlp_02_two_at_once_stay_within_the_total() {
    let house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let number = agreed(&house, &application(&house, &shop)).await;
    let all = (0..6).map(|_| buy(&house, &number, &shop, 20_000));
    let mut paid = 0;
    for reply in futures_of(all).await {
        if reply.status == 201 {
            paid += 1;
        } else {
            refused(reply, "CUMULATIVE_AMOUNT_EXCEEDED");
        }
    }
    assert_eq!((paid, house.money().await.0.as_str()), (3, "40000"));
}

/// Waits for all of them at once.
async fn futures_of<F: Future<Output = Reply>>(all: impl Iterator<Item = F>) -> Vec<Reply> {
    let mut waiting: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in &mut waiting {
            if done.is_none()
                && let std::task::Poll::Ready(reply) = one.as_mut().poll(context)
            {
                *done = Some(reply);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn dlp_03_what_the_owner_wants_to_be_asked_about_is_paid_with_her_yes() {
    let house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let number = agreed(&house, &application(&house, &shop)).await;
    let mandate = shown(&house, &number).await["mandate"].as_str().unwrap().to_owned();
    let now = house.get(&house.owner, &format!("/v1/mandates/{mandate}")).await.expect(200);
    assert_eq!(now["task_state"], "NORMAL");
    let mut limits = now["limits"].as_array().unwrap().clone();
    limits.push(json!({"kind": "ask_always"}));
    let path = format!("/v1/mandates/{mandate}/limits");
    let change = json!({"version": 1, "limits": limits});
    house.change(&house.owner, Method::PUT, &path, Some(change)).await.expect(201);
    let bought = order(&house, &shop, "1600", &[]).await;
    let paying = payment(&house, &number, &shop, &bought, "16.00");
    let asked = pay(&house, &paying).await.expect(202);
    assert_eq!(
        (&asked["trade_status"], &asked["deducted_amount_total"]),
        (&json!("TRADE_PENDING"), &json!("0.00"))
    );
    let paid = say_yes(&house, asked["question"].as_str().unwrap()).await.expect(201);
    assert_eq!((&paid["trade_no"], &paid["deducted_amount_total"]), (&asked["trade_no"], &json!("16.00")));
    let resent = pay(&house, &paying).await.expect(201);
    assert_eq!(resent["trade_no"], paid["trade_no"]);
    assert_eq!(house.money().await.0, "98400", "once");
}

#[tokio::test]
async fn dlp_02_a_raised_limit_needs_a_new_signature() {
    let house = House::new().await;
    let shop = merchant(&house, "Milk", "food").await;
    let number = agreed(&house, &application(&house, &shop)).await;
    let mandate = shown(&house, &number).await["mandate"].as_str().unwrap().to_owned();
    let path = format!("/v1/mandates/{mandate}/limits");
    let more = json!({"version": 1, "limits": [{"kind": "per_payment", "max": "60000"}]});
    house.change(&house.agent, Method::PUT, &path, Some(more.clone())).await.problem(403, "audience_wrong");
    let session = house.session(&house.owner).await;
    let mut lazy = house.in_session(&session, Method::PUT, &path, &more.to_string(), nonce());
    lazy.headers_mut().insert("idempotency-key", ulid().parse().unwrap());
    house.send(lazy).await.problem(403, "presence_required");
    refused(buy(&house, &number, &shop, 60_000).await, "SINGLE_AMOUNT_EXCEEDED");
    house.change(&house.owner, Method::PUT, &path, Some(more)).await.expect(201);
    buy(&house, &number, &shop, 60_000).await.expect(201);
}

/// An agreement that the owner has signed, and its merchant; the agent is told of it at this address.
pub(crate) async fn agreed_at(house: &House, url: &str) -> (String, Party) {
    let merchant = merchant(house, "Milk", "food").await;
    let mut application = application(house, &merchant);
    application["notify_url"] = json!(url);
    (agreed(house, &application).await, merchant)
}

/// Pays for a new order under an agreement; the agent is told of it at this address.
pub(crate) async fn buy_at(house: &House, number: &str, merchant: &Party, fen: u32, url: &str) {
    let order = order(house, merchant, &fen.to_string(), &[]).await;
    let mut payment = payment(house, number, merchant, &order, &format!("{}.{:02}", fen / 100, fen % 100));
    payment["notify_url"] = json!(url);
    pay(house, &payment).await.expect(201);
}

/// Ends an agreement for its agent.
pub(crate) async fn cancel_by_agent(house: &House, number: &str) {
    cancel(house, &house.agent, &cancellation(house, number)).await.expect(201);
}
