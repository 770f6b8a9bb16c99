//! Catalogues, candidates and ways to be paid, over HTTP. Names begin with the rows of the requirements.

use super::town::{Stall, Town};
use protocols::act::cid::transfer::TransferRequest;
use protocols::act::psd::sign;
use sdk::Credentials;
use serde_json::{Value, json};

const MAPS: &str = "refused = []\n\
    [[item]]\nid = \"TILE\"\nname = \"Map tiles\"\ncategory = \"data\"\nprice = \"99.00\"\nasset = \"CNY/2\"\nshipped = false\n\
    [[item]]\nid = \"GOLD\"\nname = \"Map tiles of a premium brand\"\ncategory = \"data\"\nprice = \"199.00\"\nasset = \"CNY/2\"\nshipped = false\n\
    [[item]]\nid = \"VIEW\"\nname = \"Map of the view\"\ncategory = \"data\"\nasset = \"CNY/2\"\nshipped = false\n\
    [[item]]\nid = \"BARE\"\nname = \"Map without a currency\"\ncategory = \"data\"\nprice = \"5.00\"\nshipped = false\n";

fn fetch(town: &Town, url: &str) -> (u16, Value) {
    town.run(async {
        let answer = reqwest::get(url).await.expect("it answers");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or_default())
    })
}

fn post(town: &Town, url: &str, body: String) -> (u16, Value) {
    town.run(async {
        let answer = reqwest::Client::new().post(url).body(body).send().await.expect("it answers");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or_default())
    })
}

fn request(town: &Town, id: &str, change: &[(&str, Value)]) -> Value {
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("a time").to_string();
    let mut request = json!({"request_id": id, "buyer_agent_id": town.agent_id, "intent_context": {"explicit_intent": "map tiles"},
        "constraints": {"max_amount": 120.50, "currency": "CNY"}, "response_requirements": {"max_candidates": 3},
        "timestamp": now, "signature": "AA"});
    for (name, value) in change {
        request[*name] = value.clone();
    }
    request
}

/// Signed by the agent and sent.
fn ask(town: &Town, shop: &Stall, request: &Value) -> (u16, Value) {
    let key = Credentials::read(&town.directory.0.join("agent.toml")).expect("the agent's key").key;
    let read = TransferRequest::read(request.to_string().as_bytes()).expect("a request");
    post(town, &format!("{}/act/intents", shop.at), sign(read, &key).to_json())
}

#[test]
fn cat_01_02_a_catalogue_shows_everything_and_says_what_cannot_be_ordered() {
    let town = Town::new();
    let shop = town.shop("Maps", 0, MAPS);
    let (status, page) = fetch(&town, &format!("{}/act/catalogue", shop.at));
    assert_eq!((status, &page["merchant_id"]), (200, &json!(shop.payee)));
    let shown: Vec<(&str, bool, &Value)> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| {
            (item["item_id"].as_str().expect("an id"), item["price"].is_string(), &item["not_orderable"])
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("TILE", true, &Value::Null),
            ("GOLD", true, &Value::Null),
            ("VIEW", false, &json!("it has no price")),
            ("BARE", false, &json!("its price has no currency")),
        ]
    );
    assert_eq!(fetch(&town, &format!("{}/act/catalogue?cursor=NONE", shop.at)).0, 400);
    let from = fetch(&town, &format!("{}/act/catalogue?cursor=VIEW", shop.at)).1;
    assert_eq!(from["items"].as_array().map(Vec::len), Some(2));
    // What cannot be ordered is no candidate either.
    let (_, answer) =
        ask(&town, &shop, &request(&town, "all", &[("constraints", json!({"currency": "CNY"}))]));
    let ids: Vec<&Value> = answer["candidates"]
        .as_array()
        .expect("candidates")
        .iter()
        .map(|it| &it["item"]["item_id"])
        .collect();
    assert_eq!(ids, [&json!("TILE"), &json!("GOLD")]);
}

#[test]
fn xfr_01_a_request_counts_when_its_sender_has_signed_it_just_now() {
    let town = Town::new();
    let shop = town.shop("Maps", 0, MAPS);
    let url = format!("{}/act/intents", shop.at);
    let error = |body: &Value| {
        let (status, answer) = post(&town, &url, body.to_string());
        (status, answer["error"].as_str().unwrap_or_default().to_owned())
    };
    let whole = request(&town, "r-1", &[]);
    assert_eq!(error(&whole), (403, "ACCESS_RESTRICTED".to_owned()), "unsigned");
    for name in [
        "request_id",
        "buyer_agent_id",
        "intent_context",
        "constraints",
        "response_requirements",
        "timestamp",
        "signature",
    ] {
        let mut lacking = whole.clone();
        lacking.as_object_mut().expect("an object").remove(name);
        assert_eq!(error(&lacking), (400, "FORMAT_ERROR".to_owned()), "{name}");
    }
    for (member, value, class) in [
        ("timestamp", json!("2026-01-01T00:00:00Z"), "FORMAT_ERROR"),
        ("buyer_agent_id", json!(shop.payee), "ACCESS_RESTRICTED"),
        ("buyer_agent_id", json!(wire::AgentId(5)), "ACCESS_RESTRICTED"),
    ] {
        let (_, answer) = ask(&town, &shop, &request(&town, "r-2", &[(member, value.clone())]));
        assert_eq!(answer["error"], class, "{member} {value}");
    }
    let (status, answer) = ask(&town, &shop, &whole);
    assert_eq!((status, &answer["request_id"]), (200, &json!("r-1")), "{answer}");
    assert_eq!(post(&town, &url, "x".repeat(70_000)).0, 400);
    assert_eq!(fetch(&town, &url).0, 405);
}

#[test]
fn xfr_03_rounds_are_chained_and_an_id_is_used_once() {
    let town = Town::new();
    let shop = town.shop("Maps", 0, MAPS);
    assert_eq!(ask(&town, &shop, &request(&town, "one", &[])).0, 200);
    assert_eq!(ask(&town, &shop, &request(&town, "one", &[])).1["error"], "FORMAT_ERROR");
    let delta = |id: &str, previous: &str, more: Value| {
        let mut delta =
            request(&town, id, &[("previous_request_id", json!(previous)), ("constraints", more)]);
        delta
            .as_object_mut()
            .expect("an object")
            .retain(|name, _| !["intent_context", "response_requirements"].contains(&name.as_str()));
        delta
    };
    // What is dearer is allowed now; words and currency are those of the first round.
    let (status, answer) = ask(&town, &shop, &delta("two", "one", json!({"max_amount": 200})));
    assert_eq!((status, answer["candidates"].as_array().map(Vec::len)), (200, Some(2)), "{answer}");
    assert_eq!(ask(&town, &shop, &delta("one", "two", json!({}))).1["error"], "FORMAT_ERROR");
    assert_eq!(ask(&town, &shop, &delta("three", "nobody's", json!({}))).1["error"], "FORMAT_ERROR");
}

#[test]
fn xfr_02_04_each_class_of_a_no() {
    let town = Town::new();
    let mut shop = town.shop("Maps", 0, MAPS);
    let class = |shop: &Stall, id: &str, constraints: Value| {
        let (status, answer) = ask(&town, shop, &request(&town, id, &[("constraints", constraints)]));
        (status, answer["error"].as_str().unwrap_or_default().to_owned())
    };
    for (number, (constraints, status, error)) in [
        (json!({"max_amount": 98.99}), 404, "NO_MATCH"),
        (json!({"allowed_categories": ["drink"]}), 404, "NO_MATCH"),
        (json!({"currency": "USD"}), 404, "NO_MATCH"),
        (json!({"item_id": "VIEW"}), 404, "NO_MATCH"),
        (json!({"max_delivery_seconds": 60}), 404, "NO_MATCH"),
        (
            json!({"allowed_categories": ["data"], "forbidden_categories": ["data"]}),
            422,
            "CONSTRAINT_CONFLICT",
        ),
        (json!({"forbidden_merchants": [shop.payee]}), 422, "CONSTRAINT_CONFLICT"),
        (json!({"max_amount": -1}), 0, ""),
    ]
    .into_iter()
    .enumerate()
    {
        if status == 0 {
            let body = request(&town, "bad", &[("constraints", constraints)]).to_string();
            assert_eq!(post(&town, &format!("{}/act/intents", shop.at), body).1["error"], "FORMAT_ERROR");
            continue;
        }
        assert_eq!(
            class(&shop, &format!("r-{number}"), constraints.clone()),
            (status, error.to_owned()),
            "{constraints}"
        );
    }
    let many = (0..400).map(|number| class(&shop, &format!("many-{number}"), json!({"max_amount": 1})));
    assert!(many.into_iter().any(|(status, error)| (status, error.as_str()) == (429, "TOO_MANY_REQUESTS")));
    town.reopen(&mut shop, &MAPS.replace("refused = []", &format!("refused = [\"{}\"]", town.agent_id)));
    assert_eq!(class(&shop, "again", json!({})), (403, "ACCESS_RESTRICTED".to_owned()));
}

#[test]
fn xfr_05_a_preference_loosens_nothing_and_is_told_with_consent_only() {
    let town = Town::new();
    let shop = town.shop("Maps", 0, MAPS);
    let ask = |purchase: &str, more: &[&str]| {
        let words = ["map tiles", "--at", &shop.at, "--currency", "CNY", "--preference", "premium brand"];
        town.buyer("ask", purchase, &[&words[..], more].concat())
    };
    let asked = ask("silent", &["--max", "120.00"]).ends(0);
    assert_eq!(asked.member("chosen")["item"], "TILE", "the preferred one is above the limit");
    assert!(!town.record("silent")["wanted"].to_string().contains("premium"), "nobody agreed to tell it");
    let told = ask("told", &["--max", "120.00", "--share-preferences"]).ends(0);
    assert_eq!(told.member("chosen")["item"], "TILE");
    assert!(town.record("told")["wanted"].to_string().contains("premium"));
}

#[test]
fn xfr_06_three_are_asked_at_once_and_one_that_fails_is_no_end() {
    let town = Town::new();
    let (dear, cheap, mut gone) = (
        town.shop("Dear", 0, MAPS),
        town.shop("Cheap", 0, &MAPS.replace("99.00", "89.00")),
        town.shop("Gone", 0, &MAPS.replace("99.00", "9.00")),
    );
    gone.process = None;
    let at = [
        "map tiles",
        "--currency",
        "CNY",
        "--max",
        "150.00",
        "--at",
        &dear.at,
        "--at",
        &gone.at,
        "--at",
        &cheap.at,
    ];
    let asked = town.buyer("ask", "map", &at).ends(0);
    assert!(asked.said.iter().any(|said| said["error"] == "SILENT"), "{:?}", asked.said);
    assert_eq!(asked.member("chosen")["total"], "89.00");
    let event = town.record("map")["events"][0].clone();
    assert_eq!(event["event"], "act:commerce:decision-logged");
    assert_eq!(event["compared"].as_array().map(Vec::len), Some(2), "{event}");
}

#[test]
fn pca_01_02_05_06_a_shop_says_how_it_is_paid_in_a_file_and_when_it_is_asked() {
    let town = Town::new();
    let mut shop = town.shop("Maps", 0, MAPS);
    let card = |shop: &Stall| {
        fetch(&town, &format!("{}/.well-known/agent-card.json", shop.at)).1["capabilities"]["act:payment:negotiation"].clone()
    };
    let file = format!("{}/.well-known/act-payment-capability.json", shop.at);
    assert_eq!(card(&shop), json!({"mode": "one-way", "capability_url": file}));
    let published = fetch(&town, &file).1;
    let psp = &published["supported_methods"][0]["psps"][0];
    assert_eq!((&published["role"], &psp["psp_id"]), (&json!("payee"), &json!(format!("{}/", town.url))));
    let negotiate = format!("{}/act/payment/negotiate", shop.at);
    let asked = |methods: Value, currency: &str| {
        let body = json!({"agent_id": town.agent_id, "buyer_supported_methods": methods, "currency": currency, "estimated_amount": 99.00});
        post(&town, &negotiate, body.to_string()).1["supported_methods"].clone()
    };
    let flat = json!([{"method_id": "toll:test/wallet", "psp_id": psp["psp_id"], "endpoint": psp["endpoint"],
        "method_schema_url": psp["method_schema_url"]}]);
    assert_eq!(asked(json!(["toll:test/wallet"]), "CNY"), flat);
    assert_eq!(
        asked(json!(["toll:main/wallet"]), "CNY"),
        json!([]),
        "play money is not taken for real money"
    );
    assert_eq!(asked(json!(["toll:test/wallet"]), "USD"), json!([]));
    town.reopen(&mut shop, &format!("negotiation = \"two-way\"\n{MAPS}"));
    assert_eq!(card(&shop), json!({"mode": "two-way", "negotiation_endpoint": negotiate}));
    // Either way a cart can be agreed on.
    town.buyer("ask", "map", &["map tiles", "--currency", "CNY", "--max", "120.00", "--at", &shop.at])
        .ends(0);
    town.buyer("confirm", "map", &[]).ends(0);
}
