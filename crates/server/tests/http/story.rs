//! Every family of routes on its happy path, and the refusal next to it.

use crate::house::{House, Tricks, cny, in_seconds, new_id};
use evidence::{KeyHistory, NoteVerifier, Proof, Receipt, base64url};
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

#[tokio::test]
async fn a_hold_is_captured_in_parts_and_the_rest_goes_back() {
    let house = House::new().await;
    let id = new_id("hld");
    let hold = json!({"id": id, "wallet": house.wallet, "mandate": house.mandate, "payee": house.seller.id,
        "amount": cny("1000"), "expires_at": in_seconds(600)});
    let held = house.post(&house.agent, "/v1/holds", hold.clone()).await.expect(201);
    assert_eq!((&held["status"], &held["amount"]), (&json!("held"), &cny("1000")));
    assert_eq!(house.money().await, ("99000".into(), "1000".into(), "0".into()));

    let capture = format!("/v1/holds/{id}/capture");
    let part = |amount: &str, last: bool| Some(json!({"amount": cny(amount), "last": last}));
    let captured = house.change(&house.seller, Method::POST, &capture, part("300", false)).await.expect(201);
    assert_eq!(captured["parts"][0]["amount"], cny("300"));
    let no = house
        .change(&house.seller, Method::POST, &capture, part("701", false))
        .await
        .problem(403, "capture_too_large");
    assert_eq!(no["remaining"], cny("700"));
    let dollars = Some(json!({"amount": {"amount": "1", "asset": "USD/2"}, "last": false}));
    house.change(&house.seller, Method::POST, &capture, dollars).await.problem(422, "unit_mismatch");
    house.change(&house.agent, Method::POST, &capture, part("1", false)).await.problem(403, "audience_wrong");
    house.change(&house.seller, Method::POST, &capture, part("200", true)).await.expect(201);
    assert_eq!(house.money().await, ("99500".into(), "0".into(), "500".into()));
    house.change(&house.seller, Method::POST, &capture, part("1", true)).await.problem(403, "hold_closed");

    let refund = |amount: &str| json!({"id": new_id("ref"), "payment": id, "amount": cny(amount)});
    house.post(&house.seller, "/v1/refunds", refund("501")).await.problem(403, "refund_too_large");
    let refunded = house.post(&house.seller, "/v1/refunds", refund("100")).await.expect(201);
    assert_eq!((&refunded["payment"], &refunded["amount"]), (&json!(id), &cny("100")));
    assert_eq!(house.money().await, ("99600".into(), "0".into(), "400".into()));
    let state = house.get(&house.agent, &format!("/v1/holds/{id}")).await.expect(200);
    assert_eq!(
        (&state["status"], &state["captured"], &state["refunded"]),
        (&json!("captured"), &cny("500"), &cny("100"))
    );

    let other = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
        "payee": house.seller.id, "amount": cny("50"), "expires_at": in_seconds(600)});
    let other =
        house.post(&house.agent, "/v1/holds", other).await.expect(201)["id"].as_str().unwrap().to_owned();
    let delivery = Some(json!({"delivery": base64url::encode(&[1; 32])}));
    house
        .change(&house.seller, Method::POST, &format!("/v1/holds/{other}/redeem"), delivery)
        .await
        .expect(201);
    let released =
        house.change(&house.seller, Method::POST, &format!("/v1/holds/{other}/void"), None).await.expect(201);
    assert_eq!(released["amount"], cny("50"));
    assert_eq!(house.get(&house.owner, "/v1/holds").await.expect(200)["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_hold_ends_by_itself_when_its_time_is_over() {
    let house = House::new().await;
    let id = new_id("hld");
    let hold = json!({"id": id, "wallet": house.wallet, "mandate": house.mandate, "payee": house.seller.id,
        "amount": cny("1000"), "expires_at": in_seconds(600)});
    house.post(&house.agent, "/v1/holds", hold).await.expect(201);
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 601})).await.expect(200);
    house.post(&house.owner, "/v1/sessions", json!({})).await.expect(201);
    assert_eq!(house.money().await.1, "0");
    let state = house.get(&house.agent, &format!("/v1/holds/{id}")).await.expect(200);
    assert_eq!(state["status"], "expired");
}

#[tokio::test]
async fn a_meter_is_charged_in_arrays_and_settled_once() {
    let house = House::new().await;
    let id = new_id("mtr");
    let meter = json!({"id": id, "wallet": house.wallet, "mandate": house.mandate, "payee": house.seller.id,
        "amount": cny("10"), "expires_at": in_seconds(600), "rates_nanos_per_unit": [1_500_000_000u64, 1]});
    house.post(&house.agent, "/v1/meters", meter).await.expect(201);
    let charge =
        |sequence: u64, units: [u64; 2]| json!({"id": new_id("req"), "sequence": sequence, "units": units});
    let charges = json!([charge(1, [1, 0]), charge(1, [1, 0]), charge(2, [2, 7]), charge(3, [9, 0])]);
    let path = format!("/v1/meters/{id}/charges");
    let results = house.post(&house.seller, &path, charges).await.expect(200);
    assert_eq!(results[0]["answer"]["total_nanos"], "1500000000");
    assert_eq!(results[1]["problem"]["code"], "meter_sequence");
    assert_eq!(results[2]["answer"]["total_nanos"], "4500000007");
    assert_eq!(results[3]["problem"]["code"], "meter_exceeded");
    let settled =
        house.change(&house.seller, Method::POST, &format!("/v1/meters/{id}/close"), None).await.expect(201);
    assert_eq!(
        (&settled["amount"], &settled["released"], &settled["carry_nanos"]),
        (&json!("4"), &json!("6"), &json!("500000007"))
    );
    assert_eq!(house.money().await, ("99996".into(), "0".into(), "4".into()));
    assert_eq!(house.get(&house.agent, &format!("/v1/meters/{id}")).await.expect(200)["status"], "captured");
}

#[tokio::test]
async fn the_owner_is_asked_and_her_word_is_good_for_exactly_that() {
    let house = House::with_mandate(json!([{"kind": "ask_above", "amount": "1000"}])).await;
    let mut payment = house.payment("1500");
    let asked = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(202);
    assert_eq!((&asked["status"], &asked["ask"]), (&json!("asked"), &json!("above_amount")));
    let question = asked["id"].as_str().unwrap().to_owned();
    let listed = house.get(&house.owner, "/v1/questions").await.expect(200);
    assert_eq!(
        (&listed["data"][0]["id"], &listed["data"][0]["status"]),
        (&json!(question), &json!("waiting"))
    );

    payment["id"] = json!(new_id("pay"));
    payment["approval"] = json!(question);
    house.post(&house.agent, "/v1/payments", payment.clone()).await.problem(403, "approval_pending");
    let path = format!("/v1/questions/{question}/approve");
    let yes = json!({"digest": asked["digest"], "until": in_seconds(600)});
    house.change(&house.agent, Method::POST, &path, Some(yes.clone())).await.problem(403, "audience_wrong");
    let (stranger, _) = house.stranger().await;
    house.change(&stranger, Method::POST, &path, Some(yes.clone())).await.problem(404, "question_unknown");
    house.change(&house.owner, Method::POST, &path, Some(yes)).await.expect(201);
    payment["id"] = json!(new_id("pay"));
    let mut more = payment.clone();
    more["amount"] = cny("1501");
    house.post(&house.agent, "/v1/payments", more).await.problem(403, "approval_mismatch");
    payment["id"] = json!(new_id("pay"));
    house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    payment["id"] = json!(new_id("pay"));
    house.post(&house.agent, "/v1/payments", payment).await.problem(403, "approval_used");
    assert_eq!(house.money().await.0, "98500");

    // The rest of today: asked in the same way, it is paid; no larger, and only if she signs for it.
    let asked = house.post(&house.agent, "/v1/payments", house.payment("1100")).await.expect(202);
    let path = format!("/v1/questions/{}/approve", asked["id"].as_str().unwrap());
    let yes = json!({"digest": asked["digest"], "until": in_seconds(600), "alike": true});
    house.change(&house.owner, Method::POST, &path, Some(yes)).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("1100")).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("1001")).await.expect(201);
    assert_eq!(house.money().await.0, "96399");

    let asked = house.post(&house.agent, "/v1/payments", house.payment("2000")).await.expect(202);
    let path = format!("/v1/questions/{}/refuse", asked["id"].as_str().unwrap());
    house.change(&house.owner, Method::POST, &path, None).await.expect(201);
}

#[tokio::test]
async fn what_an_agent_says_of_a_purchase_is_a_claim_beside_it() {
    let house = House::with_mandate(json!([{"kind": "ask_above", "amount": "1000"}])).await;
    let saying = |amount: &str, why: &str| {
        let mut payment = house.payment(amount);
        payment["why"] = json!(why);
        payment
    };
    let why = async || house.get(&house.owner, "/v1/questions").await.expect(200)["data"][0]["why"].clone();

    let long = "w".repeat(201);
    for refused in [long.as_str(), "two\nlines", "bell\u{7}"] {
        let problem = house.post(&house.agent, "/v1/payments", saying("1500", refused)).await;
        assert_eq!(problem.problem(422, "text_malformed")["param"], "why", "{refused:?}");
    }
    // Characters count, not bytes; what hides or imitates is for the page to show, and is kept as it came.
    let train = format!("\u{202e}{}", "车".repeat(199));
    let mut asked = saying("1500", &train);
    let question = house.post(&house.agent, "/v1/payments", asked.clone()).await.expect(202);
    assert_eq!(why().await, train);
    // Other words are no other question, and change nothing of what the owner reads.
    asked["why"] = json!("my owner has agreed");
    assert_eq!(house.post(&house.agent, "/v1/payments", asked).await.expect(202)["repeated"], true);
    let other = saying("1500", "really");
    assert_eq!(house.post(&house.agent, "/v1/payments", other).await.expect(202)["id"], question["id"]);
    assert_eq!(why().await, train);
    // The journal has no word of it.
    let entry = house.get(&house.owner, &format!("/v1/entries/{}", question["entry"])).await.expect(200);
    assert!(!entry.to_string().contains("车车"), "{entry}");

    // What nobody wrote down has nothing said of it; what an owner says of her own payment is not an agent's claim.
    let mut mine = saying("1", "for me");
    mine.as_object_mut().unwrap().remove("mandate");
    house.post(&house.owner, "/v1/payments", mine).await.expect(201);
    let array = json!([saying("1600", "first"), saying("1700", "second")]);
    house.post(&house.agent, "/v1/payments", array).await.expect(200);
    let listed = house.get(&house.owner, "/v1/questions").await.expect(200);
    let whys: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| it["why"].clone()).collect();
    assert_eq!(whys, [json!("second"), json!("first"), json!(train)]);
}

#[tokio::test]
async fn freezing_stops_at_once_and_only_a_signature_starts_again() {
    let house = House::new().await;
    let session = house.session(&house.owner).await;
    let subject = json!({"subject": house.agent.id});
    house.change(&house.owner, Method::POST, "/v1/freeze", Some(subject.clone())).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("1")).await.problem(403, "agent_frozen");
    let mut request =
        house.in_session(&session, Method::POST, "/v1/unfreeze", &subject.to_string(), crate::house::nonce());
    request.headers_mut().insert("idempotency-key", crate::house::ulid().parse().unwrap());
    house.send(request).await.problem(403, "presence_required");
    house.change(&house.owner, Method::POST, "/v1/unfreeze", Some(subject)).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("1")).await.expect(201);
    let mandate = Some(json!({"subject": house.mandate}));
    house.change(&house.owner, Method::POST, "/v1/revoke", mandate).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("1")).await.problem(403, "mandate_revoked");
    let shown = house.get(&house.agent, &format!("/v1/mandates/{}", house.mandate)).await.expect(200);
    assert_eq!(shown["status"], "revoked");
}

#[tokio::test]
async fn limits_change_only_on_top_of_the_version_that_was_seen() {
    let house = House::new().await;
    let limits = json!([
        {"kind": "window", "window": {"kind": "calendar", "period": "day", "zone": "Asia/Shanghai"}, "max": "10"},
        {"kind": "velocity", "window": {"kind": "rolling", "seconds": 60}, "max": 3},
    ]);
    let path = format!("/v1/wallets/{}/limits", house.wallet);
    let change = |version: u32| Some(json!({"version": version, "limits": limits, "document": "ten a day"}));
    house.change(&house.owner, Method::PUT, &path, change(0)).await.expect(201);
    house.change(&house.owner, Method::PUT, &path, change(0)).await.problem(403, "version_conflict");
    let wallet = house.get(&house.owner, &format!("/v1/wallets/{}", house.wallet)).await.expect(200);
    assert_eq!((&wallet["limits"], &wallet["limits_version"]), (&limits, &json!(1)));
    assert_eq!(wallet["label"], "Household");
    let no =
        house.post(&house.agent, "/v1/payments", house.payment("11")).await.problem(403, "window_exceeded");
    assert_eq!((&no["rule"]["scope"], &no["rule"]["id"]), (&json!("wallet"), &json!(house.wallet)));
    for (limit, status, code) in [
        (
            json!({"kind": "window", "window": {"kind": "calendar", "period": "day", "zone": "Mars/Base"}, "max": "1"}),
            422,
            "text_malformed",
        ),
        (json!({"kind": "per_payment", "max": 10}), 400, "body_malformed"),
        (json!({"kind": "per_payment", "max": "10", "min": "1"}), 400, "body_malformed"),
        (json!({"kind": "no_such_limit"}), 400, "body_malformed"),
    ] {
        let body = Some(json!({"version": 1, "limits": [limit]}));
        house.change(&house.owner, Method::PUT, &path, body).await.problem(status, code);
    }
    for (subject, who) in [("agents", &house.agent.id), ("mandates", &house.mandate)] {
        let version = if subject == "agents" { 0 } else { 1 };
        let body = Some(json!({"version": version, "limits": [{"kind": "uses", "max": 9}]}));
        house
            .change(&house.owner, Method::PUT, &format!("/v1/{subject}/{who}/limits"), body)
            .await
            .expect(201);
    }
}

#[tokio::test]
async fn sub_accounts_pay_for_themselves_and_give_back_what_is_left() {
    let house = House::new().await;
    let sub = new_id("wal");
    let path = format!("/v1/wallets/{}/sub_accounts", house.wallet);
    house.post(&house.owner, &path, json!({"id": sub, "agent": house.agent.id})).await.expect(201);
    let mut payment = house.payment("60");
    payment["wallet"] = json!(sub);
    house.post(&house.agent, "/v1/payments", payment.clone()).await.problem(403, "funds_insufficient");
    let fill = json!({"id": new_id("trf"), "from": house.wallet, "to": sub, "amount": cny("100")});
    house.post(&house.owner, "/v1/transfers", fill).await.expect(201);
    payment["id"] = json!(new_id("pay"));
    house.post(&house.agent, "/v1/payments", payment).await.expect(201);
    let shown = house.get(&house.agent, &format!("/v1/wallets/{sub}")).await.expect(200);
    assert_eq!((&shown["available"], &shown["agent"]), (&cny("40"), &json!(house.agent.id)));
    house.change(&house.owner, Method::POST, &format!("/v1/wallets/{sub}/close"), None).await.expect(201);
    assert_eq!(house.money().await.0, "99940");
    let listed = house.get(&house.owner, "/v1/transfers").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn lists_go_on_where_the_page_before_ended() {
    let house = House::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let paid = house.post(&house.agent, "/v1/payments", house.payment("1")).await.expect(201);
        made.push(paid["id"].as_str().unwrap().to_owned());
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/payments?limit=2".to_owned());
    loop {
        let page = house.get(&house.seller, &path).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/payments?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    for (query, code) in [
        ("limit=0", "param_malformed"),
        ("limit=101", "param_malformed"),
        ("limit=x", "param_malformed"),
        ("size=1", "param_malformed"),
        ("cursor=x", "cursor_invalid"),
    ] {
        house.get(&house.owner, &format!("/v1/payments?{query}")).await.problem(400, code);
    }
    for path in ["/v1/wallets", "/v1/agents", "/v1/mandates", "/v1/payees", "/v1/assets", "/v1/questions"] {
        assert!(house.get(&house.owner, path).await.expect(200)["data"].is_array(), "{path}");
    }
}

#[tokio::test]
async fn a_receipt_verifies_without_asking_anybody() {
    let house = House::new().await;
    let paid = house.post(&house.agent, "/v1/payments", house.payment("5")).await.expect(201);
    let path = format!("/v1/entries/{}/receipt", paid["entry"]);
    let mut receipt = house.get(&house.agent, &path).await;
    for _ in 0..100 {
        if receipt.status == 200 {
            break;
        }
        receipt = house.get(&house.agent, &path).await;
    }
    let receipt = receipt.expect(200);
    let hashes = receipt["proof"].as_array().unwrap().iter();
    let hashes = hashes.map(|hash| evidence::Hash::from_base64(hash.as_str().unwrap()).unwrap()).collect();
    let proved = Receipt {
        entry: base64url::decode(receipt["bytes"].as_str().unwrap()).unwrap(),
        index: receipt["entry"].as_u64().unwrap(),
        proof: Proof::new(hashes).unwrap(),
        checkpoint: receipt["checkpoint"].as_str().unwrap().to_owned(),
    };
    let vkey = house.plain(Method::GET, "/log/vkey", &[], "").await;
    let vkey = String::from_utf8(vkey.body.to_vec()).unwrap();
    let keys = KeyHistory::of(NoteVerifier::parse(vkey.trim()).unwrap());
    proved.verify(&keys).unwrap();
    let (stranger, _) = house.stranger().await;
    house.get(&stranger, &path).await.problem(404, "entry_unknown");
    let listed = house.get(&house.agent, "/v1/entries?limit=100").await.expect(200);
    assert!(listed["data"].as_array().unwrap().iter().any(|entry| entry["entry"] == paid["entry"]));
    let checkpoint = house.plain(Method::GET, "/log/checkpoint", &[], "").await;
    assert!(checkpoint.body.starts_with(b"tollbridge.test/book\n"));
    let tile = house.plain(Method::GET, "/log/tile/0/000.p/1", &[], "").await;
    assert_eq!((tile.status, tile.body.len()), (200, 32));
    house.plain(Method::GET, "/log/tile/0/999", &[], "").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_decision_is_told_within_a_second_and_resumes_behind_the_last() {
    let house = House::new().await;
    let path = "/v1/decisions/stream";
    let open = |last: Option<String>| {
        let headers = last.into_iter().map(|last| ("last-event-id", last)).collect();
        house.signed(&house.owner, Method::GET, path, None, Tricks { headers, ..Tricks::default() })
    };
    let paid = house.post(&house.agent, "/v1/payments", house.payment("5")).await.expect(201);
    let before = paid["entry"].as_u64().unwrap() - 1;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http::<http_body_util::Full<bytes::Bytes>>();
    let response = client.request(open(Some(before.to_string()))).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let first =
        tokio::time::timeout(std::time::Duration::from_secs(1), body.frame()).await.expect("within a second");
    let text = String::from_utf8(first.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let entry: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&entry["id"], &entry["outcome"]), (&paid["id"], &json!("paid")));
    assert!(text.contains(&format!("id: {}", paid["entry"])));
}

/// The log was opened before the journal: a second server that was about to be refused cut the first one's log short.
#[tokio::test]
async fn a_second_server_on_one_directory_is_refused_and_touches_nothing() {
    let house = House::new().await;
    house.post(&house.agent, "/v1/payments", house.payment("10")).await.expect(201);
    let hashes = house.directory.join("log").join("0");
    let before = std::fs::read(&hashes).unwrap();
    let directory = house.directory.clone();
    let second = tokio::task::spawn_blocking(move || {
        server::data::open(&directory, server::data::Opening::default()).map(drop)
    });
    let refused = second.await.unwrap();
    assert!(
        matches!(refused, Err(server::data::DataFault::Journal(engine::JournalFault::Locked(_)))),
        "{refused:?}"
    );
    let after = std::fs::read(&hashes).unwrap();
    assert!(after.starts_with(&before), "{} hashes were {}", after.len() / 32, before.len() / 32);
}
