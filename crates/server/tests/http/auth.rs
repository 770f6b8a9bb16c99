//! Authentication from outside: whatever is not authentic changes nothing, and what is goes on working.

use crate::house::{House, Party, Tricks, new_id, nonce, now, ulid};
use http::Method;
use serde_json::json;

#[tokio::test]
async fn what_is_not_authentic_moves_no_money() {
    let mut house = House::new().await;
    let agent = house.agent.clone();
    house.post(&agent, "/v1/payments", house.payment("1")).await.expect(201);
    let before = house.money().await;
    let body = house.payment("100");
    let far = now().as_secs();
    let altered = house.payment("999");
    let other_key = Party { seed: rand::random(), ..agent.clone() };
    let no_key = Party { key: new_id("key"), ..agent.clone() };
    let plain = Tricks::default;

    for (why, who, tricks, status, code) in [
        (
            "unsigned",
            &agent,
            Tricks { without: Some("signature-input"), ..plain() },
            401,
            "signature_missing",
        ),
        (
            "no signature",
            &agent,
            Tricks { without: Some("signature"), ..plain() },
            401,
            "signature_malformed",
        ),
        ("wrong key", &other_key, plain(), 401, "signature_invalid"),
        ("unknown key", &no_key, plain(), 401, "signer_unknown"),
        (
            "altered body",
            &agent,
            Tricks { sent_body: Some(altered), ..plain() },
            401,
            "content_digest_mismatch",
        ),
        (
            "no digest",
            &agent,
            Tricks { without: Some("content-digest"), ..plain() },
            401,
            "content_digest_mismatch",
        ),
        (
            "altered query",
            &agent,
            Tricks { sent_path: Some("/v1/payments?x=1".into()), ..plain() },
            401,
            "signature_invalid",
        ),
        (
            "other path",
            &agent,
            Tricks { sent_path: Some("/v1/holds".into()), ..plain() },
            401,
            "signature_invalid",
        ),
        ("stale", &agent, Tricks { created: Some(far - 61), ..plain() }, 401, "signature_stale"),
        ("from the future", &agent, Tricks { created: Some(far + 63), ..plain() }, 401, "signature_stale"),
        (
            "nonce from the future",
            &agent,
            Tricks { nonce: Some(nonce() + 120_000_000), ..plain() },
            422,
            "nonce_from_future",
        ),
        (
            "two signatures",
            &agent,
            Tricks { headers: vec![("signature", "sig=:AA==:".into())], ..plain() },
            400,
            "header_malformed",
        ),
        (
            "also a session",
            &agent,
            Tricks { headers: vec![("authorization", "Toll x:1:y".into())], ..plain() },
            400,
            "header_malformed",
        ),
    ] {
        let reply = house.tricky(who, Method::POST, "/v1/payments", Some(&body), tricks).await;
        assert_eq!(reply.status, status, "{why}: {}", String::from_utf8_lossy(&reply.body));
        reply.problem(status, code);
        assert_eq!(house.money().await, before, "{why}");
    }

    for header in ["Bearer c2VjcmV0", "Basic YTpi", "Toll", "Toll ses_x:1:y", "Toll ses_AAAA:1:AAAA"] {
        let headers = [("authorization", header), ("content-type", "application/json")];
        let reply = house.plain(Method::POST, "/v1/payments", &headers, &body.to_string()).await;
        assert_eq!(reply.status, 401, "{header}");
    }

    let used = nonce();
    let tricks = || Tricks { nonce: Some(used), ..Tricks::default() };
    house.tricky(&agent, Method::POST, "/v1/payments", Some(&house.payment("1")), tricks()).await.expect(201);
    let replayed =
        house.tricky(&agent, Method::POST, "/v1/payments", Some(&house.payment("1")), tricks()).await;
    replayed.problem(409, "nonce_used");
    house.restart().await;
    let replayed =
        house.tricky(&agent, Method::POST, "/v1/payments", Some(&house.payment("1")), tricks()).await;
    replayed.problem(409, "nonce_used");
    assert_eq!(house.money().await.0, "99998");
    house.post(&agent, "/v1/payments", house.payment("1")).await.expect(201);
}

#[tokio::test]
async fn a_session_binds_the_whole_request_and_ends() {
    let mut house = House::new().await;
    let session = house.session(&house.agent).await;
    let body = house.payment("5").to_string();
    let good = |nonce| house.in_session(&session, Method::POST, "/v1/payments", &body, nonce);
    let used = nonce();
    house.send(good(used)).await.expect(201);
    house.send(good(used)).await.problem(409, "nonce_used");
    assert_eq!(house.send(good(nonce())).await.expect(201)["repeated"], true);
    let before = house.money().await;

    let mut other_body = good(nonce());
    *other_body.body_mut() = house.payment("6").to_string().into();
    house.send(other_body).await.problem(401, "session_invalid");
    let mut other_path = good(nonce());
    *other_path.uri_mut() = format!("http://{}/v1/payments?a=b", house.authority).parse().unwrap();
    house.send(other_path).await.problem(401, "session_invalid");
    let forged = crate::house::Session { secret: evidence::Secret::new([7; 32]), ..session.clone() };
    let forged = house.in_session(&forged, Method::POST, "/v1/payments", &body, nonce());
    house.send(forged).await.problem(401, "session_invalid");
    let opening = house.in_session(&session, Method::POST, "/v1/sessions", "{}", nonce());
    house.send(opening).await.problem(401, "signature_missing");
    assert_eq!(house.money().await, before);

    house.restart().await;
    let me = house.send(house.in_session(&session, Method::GET, "/v1/me", "", nonce())).await.expect(200);
    assert_eq!((&me["kind"], &me["id"]), (&json!("agent"), &json!(house.agent.id)));
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 3_601})).await.expect(200);
    let late = house.in_session(&session, Method::GET, "/v1/me", "", nonce());
    house.send(late).await.problem(401, "session_expired");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_its_successor_is_not() {
    let house = House::new().await;
    let successor = Party { key: new_id("key"), seed: rand::random(), ..house.agent.clone() };
    let key = json!({"id": successor.key, "holder": house.agent.id, "algorithm": "ed25519",
        "public_key": successor.public_key()});
    house.post(&house.owner, "/v1/keys", key).await.expect(201);
    let session = house.session(&house.agent).await;
    house.post(&house.agent, "/v1/payments", house.payment("1")).await.expect(201);
    let path = format!("/v1/keys/{}/revoke", house.agent.key);
    house.change(&house.owner, Method::POST, &path, None).await.expect(201);
    let before = house.money().await;
    house.post(&house.agent, "/v1/payments", house.payment("1")).await.problem(403, "key_revoked");
    let body = house.payment("1").to_string();
    let request = house.in_session(&session, Method::POST, "/v1/payments", &body, nonce());
    house.send(request).await.problem(403, "key_revoked");
    assert_eq!(house.money().await, before);
    house.post(&successor, "/v1/payments", house.payment("1")).await.expect(201);
}

#[tokio::test]
async fn each_kind_of_key_has_its_own_routes() {
    let house = House::new().await;
    let freeze = json!({"subject": house.wallet});
    for (who, method, path, body) in [
        (&house.agent, Method::POST, "/v1/freeze", Some(freeze.clone())),
        (&house.agent, Method::POST, "/v1/transfers", Some(json!({}))),
        (&house.agent, Method::POST, "/v1/clock/advance", Some(json!({"seconds": 1}))),
        (&house.agent, Method::POST, "/v1/owners", Some(json!({}))),
        (&house.owner, Method::POST, "/v1/payees", Some(json!({}))),
        (&house.owner, Method::POST, "/v1/assets", Some(json!({}))),
        (&house.operator, Method::POST, "/v1/payments", Some(house.payment("1"))),
        (&house.operator, Method::POST, "/v1/mandates", Some(json!({}))),
        (&house.seller, Method::POST, "/v1/payments", Some(house.payment("1"))),
        (&house.seller, Method::POST, "/v1/freeze", Some(freeze)),
        (&house.agent, Method::GET, "/metrics", None),
    ] {
        house.change(who, method, path, body).await.problem(403, "audience_wrong");
    }
    assert_eq!(house.money().await.0, "100000");
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_as_if_it_did_not_exist() {
    let house = House::new().await;
    let (stranger, wallet) = house.stranger().await;
    let hold = new_id("hld");
    let body = json!({"id": hold, "wallet": house.wallet, "mandate": house.mandate, "payee": house.seller.id,
        "amount": crate::house::cny("100"), "expires_at": crate::house::in_seconds(600)});
    house.post(&house.agent, "/v1/holds", body).await.expect(201);
    let before = house.money().await;

    for (mine, absent, code) in [
        (format!("/v1/wallets/{}", house.wallet), format!("/v1/wallets/{}", new_id("wal")), "wallet_unknown"),
        (format!("/v1/agents/{}", house.agent.id), format!("/v1/agents/{}", new_id("agt")), "agent_unknown"),
        (
            format!("/v1/mandates/{}", house.mandate),
            format!("/v1/mandates/{}", new_id("mdt")),
            "mandate_unknown",
        ),
        (format!("/v1/holds/{hold}"), format!("/v1/holds/{}", new_id("hld")), "hold_unknown"),
    ] {
        house.get(&house.owner, &mine).await.expect(200);
        let mut theirs = house.get(&stranger, &mine).await.problem(404, code);
        let mut nobodys = house.get(&stranger, &absent).await.problem(404, code);
        theirs["request_id"] = json!(null);
        nobodys["request_id"] = json!(null);
        assert_eq!(theirs, nobodys);
    }
    for (path, body, code) in [
        ("/v1/freeze".to_owned(), Some(json!({"subject": house.wallet})), "wallet_unknown"),
        ("/v1/revoke".to_owned(), Some(json!({"subject": house.mandate})), "mandate_unknown"),
        (format!("/v1/holds/{hold}/void"), None, "hold_unknown"),
        (format!("/v1/wallets/{}/close", house.wallet), None, "wallet_unknown"),
    ] {
        house.change(&stranger, Method::POST, &path, body).await.problem(404, code);
    }
    let steal =
        json!({"id": new_id("trf"), "from": house.wallet, "to": wallet, "amount": crate::house::cny("1")});
    let reply = house.post(&stranger, "/v1/transfers", steal).await;
    assert!((400..500).contains(&reply.status));
    let mut payment = house.payment("1");
    payment["wallet"] = json!(wallet);
    let reply = house.post(&house.agent, "/v1/payments", payment).await;
    assert!((400..500).contains(&reply.status));
    assert_eq!(house.get(&stranger, "/v1/holds").await.expect(200)["data"], json!([]));
    let list = house.get(&stranger, "/v1/wallets").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(house.money().await, before);
}

#[tokio::test]
async fn weak_and_malformed_keys_are_not_enrolled() {
    let house = House::new().await;
    let identity = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (algorithm, public_key, code) in [
        ("ed25519", identity, "key_weak"),
        ("ed25519", "AAAA", "key_malformed"),
        ("ed25519", "_____________________________________________", "key_malformed"),
        ("es256", identity, "key_malformed"),
    ] {
        let key = json!({"id": new_id("key"), "holder": house.agent.id, "algorithm": algorithm, "public_key": public_key});
        house.post(&house.owner, "/v1/keys", key).await.problem(422, code);
    }
    let bad = Tricks { headers: vec![("idempotency-key", "no".into())], ..Tricks::default() };
    let body = json!({"subject": house.wallet});
    house
        .tricky(&house.owner, Method::POST, "/v1/freeze", Some(&body), bad)
        .await
        .problem(400, "idempotency_key_invalid");
    house.post(&house.owner, "/v1/freeze", body).await.problem(400, "idempotency_key_missing");
    let _ = ulid();
}
