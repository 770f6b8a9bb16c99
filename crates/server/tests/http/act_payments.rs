//! `PSD-PAY-INS`, `-DEL` and `-AUP` over HTTP: what is paid, what is asked, and every class of what is not.

use crate::act::{credential, merchant, order, pay, refused, request, say_yes, second, token, under};
use crate::house::{House, new_id};
use http::Method;
use serde_json::{Value, json};

const FLIGHT: &str =
    "Book me a flight to Hangzhou tomorrow within a budget of 800 yuan, avoiding red-eye flights";
const DATA: &str = "Spend up to 300 yuan this week on map data, at most 120 yuan each";

#[tokio::test]
async fn ins_05_06_07_08_a_payment_waits_for_its_owner_and_is_made_with_her_yes() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "1600", &["drink"]).await);
    let asking = request(&house, &order, "16.00", &token);
    let asked = pay(&house, "instant", &asking).await.expect(202);
    assert_eq!(asked["trade_status"], "TRADE_PENDING");
    assert_eq!(house.money().await.0, "100000", "nothing moves before the yes");
    let question = asked["question"].as_str().unwrap();
    let prompt = house.get(&house.owner, &format!("/v1/act/cashier/{question}")).await.expect(200);
    assert_eq!(
        (&prompt["amount"], &prompt["currency"], &prompt["payee_name"], &prompt["payee"]),
        (&json!("16.00"), &json!("CNY"), &json!("Luckin Coffee"), &json!(seller.id)),
        "the screen says what was asked for, letter by letter"
    );
    house.get(&house.agent, &format!("/v1/act/cashier/{question}")).await.problem(403, "audience_wrong");
    let path = format!("/v1/act/cashier/{question}/confirm");
    let other = json!({"digest": "A".repeat(43)});
    refused(house.change(&house.owner, Method::POST, &path, Some(other)).await, "USER_CONFIRMATION_FAILED");
    let session = house.session(&house.owner).await;
    let lazy = json!({"digest": prompt["digest"]}).to_string();
    let mut lazy = house.in_session(&session, Method::POST, &path, &lazy, crate::house::nonce());
    lazy.headers_mut().insert("idempotency-key", crate::house::ulid().parse().unwrap());
    house.send(lazy).await.problem(403, "presence_required");
    assert_eq!(house.money().await.0, "100000");

    let paid = say_yes(&house, question).await.expect(201);
    assert_eq!((&paid["trade_status"], &paid["trade_no"]), (&json!("TRADE_SUCCESS"), &asked["trade_no"]));
    assert_eq!(house.money().await.0, "98400");
    let again = say_yes(&house, question).await.expect(201);
    assert_eq!((&again["repeated"], &again["trade_no"]), (&json!(true), &paid["trade_no"]));
    let resent = pay(&house, "instant", &asking).await.expect(201);
    assert_eq!(resent["trade_no"], paid["trade_no"]);
    assert_eq!(house.money().await.0, "98400", "once");
    let query = format!("/v1/act/payments/{}", asking["request_id"].as_str().unwrap());
    assert_eq!(house.get(&house.agent, &query).await.expect(200)["trade_status"], "TRADE_SUCCESS");
    let of_order = house.get(&seller, &format!("/v1/orders/{order}")).await.expect(200);
    assert_eq!(of_order["trade_no"], paid["trade_no"], "the merchant learns of it");
}

#[tokio::test]
async fn ins_03_04_a_failed_check_asks_nobody() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "1600", &["drink"]).await);
    let good = request(&house, &order, "16.00", &token);
    let with = |name: &str, value: Value| {
        let mut request = good.clone();
        request[name] = value;
        request
    };
    for (changed, class) in [
        (with("timestamp", second(-301).into()), "REQUEST_EXPIRED"),
        (with("timestamp", second(90).into()), "REQUEST_EXPIRED"),
        (with("payment_token", new_id("tok").into()), "PAYMENT_TOOL_INVALID"),
        (with("payment_token", house.mandate.replace("mdt", "tok").into()), "PAYMENT_TOOL_INVALID"),
        (with("amount", "16.01".into()), "ORDER_MISMATCH"),
        (with("currency", "USD".into()), "ORDER_MISMATCH"),
        (with("merchant_order_id", new_id("ord").into()), "ORDER_MISMATCH"),
        (with("amount", "16.001".into()), "REQUEST_INVALID"),
        (with("buyer_agent_id", house.owner.id.clone().into()), "AGENT_IDENTITY_MISMATCH"),
    ] {
        refused(pay(&house, "instant", &changed).await, class);
    }
    let mut forged = crate::act::signed("instant", &good, &house.agent);
    forged["amount"] = "1.00".into();
    refused(house.post(&house.agent, "/v1/act/payments/instant", forged).await, "AGENT_SIGNATURE_INVALID");
    let questions = house.get(&house.owner, "/v1/questions").await.expect(200);
    assert_eq!(questions["data"], json!([]));

    let asked = pay(&house, "instant", &good).await.expect(202);
    refused(pay(&house, "instant", &with("amount", "15.00".into())).await, "DUPLICATE_REQUEST");
    let again = pay(&house, "instant", &good).await.expect(202);
    assert_eq!((&again["question"], &again["repeated"]), (&asked["question"], &json!(true)));
    let questions = house.get(&house.owner, "/v1/questions").await.expect(200);
    assert_eq!(questions["data"].as_array().unwrap().len(), 1, "asked once");
}

#[tokio::test]
async fn ins_06_no_and_too_late_move_nothing() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let token = token(&house).await;
    let one = order(&house, &seller, "1600", &["drink"]).await;
    let declined = request(&house, &one, "16.00", &token);
    let asked = pay(&house, "instant", &declined).await.expect(202);
    let refuse = format!("/v1/questions/{}/refuse", asked["question"].as_str().unwrap());
    house.change(&house.owner, Method::POST, &refuse, None).await.expect(201);
    refused(pay(&house, "instant", &declined).await, "USER_CONFIRMATION_FAILED");
    let query = format!("/v1/act/payments/{}", declined["request_id"].as_str().unwrap());
    let closed = house.get(&house.agent, &query).await.expect(200);
    assert_eq!(
        (&closed["trade_status"], &closed["error"]["code"]),
        (&json!("TRADE_CLOSED"), &json!("USER_CONFIRMATION_FAILED"))
    );

    let late = request(&house, &one, "16.00", &token);
    let asked = pay(&house, "instant", &late).await.expect(202);
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 300})).await.expect(200);
    refused(say_yes(&house, asked["question"].as_str().unwrap()).await, "USER_CONFIRMATION_FAILED");
    assert_eq!(house.money().await.0, "100000");
}

#[tokio::test]
async fn ins_08_a_yes_given_elsewhere_is_paid_when_the_agent_asks_again() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "1600", &["drink"]).await);
    let asking = request(&house, &order, "16.00", &token);
    let asked = pay(&house, "instant", &asking).await.expect(202);
    let question = asked["question"].as_str().unwrap();
    let prompt = house.get(&house.owner, &format!("/v1/act/cashier/{question}")).await.expect(200);
    let yes = json!({"digest": prompt["digest"], "until": second(200)});
    let path = format!("/v1/questions/{question}/approve");
    house.change(&house.owner, Method::POST, &path, Some(yes)).await.expect(201);
    assert_eq!(house.money().await.0, "100000");
    let paid = pay(&house, "instant", &asking).await.expect(201);
    assert_eq!(paid["trade_no"], asked["trade_no"]);
    assert_eq!(house.money().await.0, "98400");
}

#[tokio::test]
async fn del_01_03_11_a_fixed_purchase_is_paid_under_its_credential() {
    let house = House::new().await;
    let airline = merchant(&house, "Air", "flight").await;
    let issued = credential(&house, FLIGHT).await;
    let (token, order) = (token(&house).await, order(&house, &airline, "49900", &["flight"]).await);
    let paying = under(&issued, request(&house, &order, "499.00", &token));
    let paid = pay(&house, "delegated", &paying).await.expect(201);
    assert_eq!(paid["trade_status"], "TRADE_SUCCESS");
    assert_eq!(paid["delegation_id"], issued["delegation_id"]);
    assert_eq!(paid["merchant_order_id"], order);
    assert_eq!((&paid["amount"], &paid["currency"]), (&json!("499.00"), &json!("CNY")));
    let again = pay(&house, "delegated", &paying).await.expect(201);
    assert_eq!((&again["trade_no"], &again["repeated"]), (&paid["trade_no"], &json!(true)));
    let second_ticket = crate::act::order(&house, &airline, "10000", &["flight"]).await;
    let second_ticket = under(&issued, request(&house, &second_ticket, "100.00", &token));
    refused(pay(&house, "delegated", &second_ticket).await, "CUMULATIVE_AMOUNT_EXCEEDED");
    assert_eq!(house.money().await.0, "50100");
}

#[tokio::test]
async fn del_05_06_07_13_every_class_of_a_refusal() {
    let house = House::new().await;
    let airline = merchant(&house, "Air", "flight").await;
    let issued = credential(&house, FLIGHT).await;
    let bounded = credential(&house, DATA).await;
    let token = token(&house).await;
    let fits = order(&house, &airline, "50000", &["flight"]).await;
    let good = || under(&issued, request(&house, &fits, "500.00", &token));
    let with = |name: &str, value: Value| {
        let mut request = good();
        request[name] = value;
        request
    };
    refused(pay(&house, "delegated", &with("amount", "500.01".into())).await, "ORDER_MISMATCH");
    refused(
        pay(&house, "delegated", &with("delegation_id", bounded["delegation_id"].clone())).await,
        "AGENT_IDENTITY_MISMATCH",
    );
    let broken = issued["credential"].as_str().unwrap().replace('.', ".A");
    refused(pay(&house, "delegated", &with("iac", broken.into())).await, "IAC_SIGNATURE_INVALID");
    refused(pay(&house, "delegated", &under(&bounded, good())).await, "DELEGATION_MODE_INVALID");
    refused(pay(&house, "delegated", &with("currency", "USD".into())).await, "CURRENCY_MISMATCH");
    refused(
        pay(&house, "delegated", &with("merchant_id", house.seller.id.clone().into())).await,
        "ORDER_MISMATCH",
    );
    let dear = order(&house, &airline, "80001", &["flight"]).await;
    let dear = under(&issued, request(&house, &dear, "800.01", &token));
    refused(pay(&house, "delegated", &dear).await, "CUMULATIVE_AMOUNT_EXCEEDED");
    let red_eye = order(&house, &airline, "42000", &["red-eye", "flight"]).await;
    let red_eye = under(&issued, request(&house, &red_eye, "420.00", &token));
    refused(pay(&house, "delegated", &red_eye).await, "CATEGORY_NOT_IN_SCOPE");
    let wine = order(&house, &airline, "42000", &["wine"]).await;
    let wine = under(&issued, request(&house, &wine, "420.00", &token));
    refused(pay(&house, "delegated", &wine).await, "INTENT_MISMATCH");
    // Two faults at once: the earlier class is reported.
    let mut two = with("timestamp", second(-400).into());
    two["amount"] = "9999.00".into();
    refused(pay(&house, "delegated", &two).await, "REQUEST_EXPIRED");

    let change = async |to: &str| {
        let path = format!("/v1/credentials/{}/{to}", issued["delegation_id"].as_str().unwrap());
        house.change(&house.owner, Method::POST, &path, None).await.expect(201)
    };
    change("suspend").await;
    refused(pay(&house, "delegated", &good()).await, "IAC_SUSPENDED");
    change("resume").await;
    change("revoke").await;
    refused(pay(&house, "delegated", &good()).await, "IAC_REVOKED");
    let other = credential(&house, FLIGHT).await;
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 2 * 86_400})).await.expect(200);
    let mut late = under(&other, good());
    late["timestamp"] = second(2 * 86_400).into();
    refused(pay(&house, "delegated", &late).await, "IAC_EXPIRED");
    assert_eq!(house.money().await.0, "100000", "nothing was debited for any of them");
}

#[tokio::test]
async fn del_07_exactly_the_limit_is_inside() {
    let house = House::new().await;
    let airline = merchant(&house, "Air", "flight").await;
    let issued = credential(&house, FLIGHT).await;
    let (token, order) = (token(&house).await, order(&house, &airline, "80000", &["flight"]).await);
    pay(&house, "delegated", &under(&issued, request(&house, &order, "800.00", &token))).await.expect(201);
    assert_eq!(house.money().await.0, "20000");
}

#[tokio::test]
async fn del_08_fifty_at_once_stay_within_the_total() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let issued = credential(&house, DATA).await;
    let token = token(&house).await;
    let mut paying = Vec::new();
    for _ in 0..50 {
        let order = order(&house, &seller, "3000", &["data"]).await;
        paying.push(under(&issued, request(&house, &order, "30.00", &token)));
    }
    let replies = futures_util::future::join_all(paying.iter().map(|it| pay(&house, "autonomous", it))).await;
    let paid = replies.iter().filter(|reply| reply.status == 201).count();
    for reply in replies.into_iter().filter(|reply| reply.status != 201) {
        refused(reply, "CUMULATIVE_AMOUNT_EXCEEDED");
    }
    assert_eq!(paid, 10);
    assert_eq!(house.money().await.0, "70000");
}

#[tokio::test]
async fn an_order_is_paid_once_however_many_ask() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let issued = credential(&house, DATA).await;
    let (token, order) = (token(&house).await, order(&house, &seller, "3000", &["data"]).await);
    let many: Vec<Value> = (0..8).map(|_| under(&issued, request(&house, &order, "30.00", &token))).collect();
    let replies = futures_util::future::join_all(many.iter().map(|it| pay(&house, "autonomous", it))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    for request in many.iter().zip(replies).filter(|(_, reply)| reply.status == 503).map(|(it, _)| it) {
        refused(pay(&house, "autonomous", request).await, "ORDER_MISMATCH");
    }
    assert_eq!(house.money().await.0, "97000");
}

#[tokio::test]
async fn an_order_is_paid_once_however_often_its_owner_was_asked() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "1600", &["drink"]).await);
    let [first, second] =
        [request(&house, &order, "16.00", &token), request(&house, &order, "16.00", &token)];
    let mut questions = Vec::new();
    for asking in [&first, &second] {
        let reply = pay(&house, "instant", asking).await;
        if reply.status == 202 {
            questions.push(reply.json()["question"].as_str().unwrap().to_owned());
        } else {
            assert!((400..500).contains(&reply.status), "{:?}", reply.body);
        }
    }
    for question in &questions {
        let prompt = house.get(&house.owner, &format!("/v1/act/cashier/{question}")).await;
        if prompt.status != 200 {
            continue;
        }
        let yes = json!({"digest": prompt.json()["digest"], "until": crate::act::second(200)});
        house
            .change(&house.owner, Method::POST, &format!("/v1/questions/{question}/approve"), Some(yes))
            .await;
    }
    for asking in [&first, &second, &first, &second] {
        let status = pay(&house, "instant", asking).await.status;
        assert!(status < 500, "{status}");
    }
    assert_eq!(house.money().await.0, "98400");
}

#[tokio::test]
async fn only_what_pays_an_order_has_paid_it() {
    let house = House::new().await;
    let seller = merchant(&house, "Luckin Coffee", "drink").await;
    let issued = credential(&house, DATA).await;
    let other = merchant(&house, "Maps", "data").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "1600", &["drink"]).await);
    let asked = pay(&house, "instant", &request(&house, &order, "16.00", &token)).await.expect(202);
    // The agent was told the name that the payment will have.
    let instead = json!({"id": asked["trade_no"], "wallet": house.wallet, "mandate": issued["delegation_id"],
        "payee": other.id, "amount": crate::house::cny("1")});
    house.post(&house.agent, "/v1/payments", instead).await.expect(201);
    let shown = house.get(&seller, &format!("/v1/orders/{order}")).await.expect(200);
    assert_eq!(shown["trade_no"], Value::Null, "{shown}");
    let query =
        house.get(&house.agent, &format!("/v1/act/cashier/{}", asked["question"].as_str().unwrap())).await;
    assert!(query.status < 500);
}

#[tokio::test]
async fn del_14_anothers_tool_or_credential_pays_nothing() {
    let house = House::new().await;
    let seller = merchant(&house, "Air", "flight").await;
    let issued = credential(&house, FLIGHT).await;
    let (stranger, wallet) = house.stranger().await;
    let agent = crate::house::Party::new("agt");
    let enrol = json!({"id": agent.id, "wallet": wallet, "key": agent.key_json()});
    house.post(&stranger, "/v1/agents", enrol).await.expect(201);
    let mut bind = crate::act::binding(&house);
    bind["principal_id"] = stranger.id.clone().into();
    refused(house.post(&stranger, "/v1/act/bindings", bind.clone()).await, "AGENT_IDENTIFICATION_FAILED");
    bind["agent_id"] = agent.id.clone().into();
    let bound = house.post(&stranger, "/v1/act/bindings", bind).await.expect(201);
    let theirs = bound["payment_token"].as_str().unwrap();
    let order = order(&house, &seller, "5000", &["flight"]).await;
    let mixed = under(&issued, request(&house, &order, "50.00", theirs));
    refused(pay(&house, "delegated", &mixed).await, "PAYMENT_TOOL_AGENT_MISMATCH");
    // The agent of one principal with the credential of another's.
    let mut taken = under(&issued, request(&house, &order, "50.00", theirs));
    taken["buyer_agent_id"] = agent.id.clone().into();
    let taken = crate::act::signed("delegated", &taken, &agent);
    refused(house.post(&agent, "/v1/act/payments/delegated", taken).await, "AGENT_IDENTITY_MISMATCH");
}

#[tokio::test]
async fn aup_01_06_07_08_within_the_limits_again_and_again_and_never_beyond() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let issued = credential(&house, DATA).await;
    let specified = credential(&house, FLIGHT).await;
    let token = token(&house).await;
    let buy = async |issued: &Value, minor: &str, amount: &str, kinds: &[&str]| {
        let order = order(&house, &seller, minor, kinds).await;
        pay(&house, "autonomous", &under(issued, request(&house, &order, amount, &token))).await
    };
    refused(buy(&specified, "1000", "10.00", &["data"]).await, "DELEGATION_MODE_INVALID");
    buy(&issued, "12000", "120.00", &["data"]).await.expect(201);
    refused(buy(&issued, "12001", "120.01", &["data"]).await, "SINGLE_AMOUNT_EXCEEDED");
    refused(buy(&issued, "1000", "10.00", &["flowers"]).await, "INTENT_MISMATCH");
    refused(buy(&issued, "1000", "10.00", &[]).await, "INTENT_MISMATCH");
    buy(&issued, "12000", "120.00", &["data"]).await.expect(201);
    refused(buy(&issued, "6001", "60.01", &["data"]).await, "CUMULATIVE_AMOUNT_EXCEEDED");
    buy(&issued, "6000", "60.00", &["data"]).await.expect(201);
    assert_eq!(house.money().await.0, "70000");
}

#[tokio::test]
async fn psd_test_005_the_same_limits_whichever_way_in() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let issued = credential(&house, DATA).await;
    let token = token(&house).await;
    let plain = json!({"id": new_id("pay"), "wallet": house.wallet, "mandate": issued["delegation_id"],
        "payee": seller.id, "amount": crate::house::cny("12000")});
    house.post(&house.agent, "/v1/payments", plain.clone()).await.expect(201);
    let order = order(&house, &seller, "12000", &["data"]).await;
    pay(&house, "autonomous", &under(&issued, request(&house, &order, "120.00", &token))).await.expect(201);
    let mut third = plain;
    third["id"] = new_id("pay").into();
    house.post(&house.agent, "/v1/payments", third).await.problem(403, "total_exceeded");
}

#[tokio::test]
async fn an_unknown_result_is_asked_for_and_survives_a_restart_without_papers() {
    let mut house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let issued = credential(&house, DATA).await;
    let (token, order) = (token(&house).await, order(&house, &seller, "3000", &["data"]).await);
    let paying = under(&issued, request(&house, &order, "30.00", &token));
    let query = format!("/v1/act/payments/{}", paying["request_id"].as_str().unwrap());
    house.get(&house.agent, &query).await.problem(404, "act_request_unknown");
    let paid = pay(&house, "autonomous", &paying).await.expect(201);
    house.stop().await;
    for file in ["papers.sqlite", "papers.sqlite-wal", "papers.sqlite-shm"] {
        let _ = std::fs::remove_file(house.directory.join(file));
    }
    house.start().await;
    let found = house.get(&house.agent, &query).await.expect(200);
    assert_eq!((&found["trade_status"], &found["trade_no"]), (&json!("TRADE_SUCCESS"), &paid["trade_no"]));
    refused(pay(&house, "autonomous", &paying).await, "DUPLICATE_REQUEST");
    assert_eq!(house.money().await.0, "97000", "lost papers let no money move");
}
