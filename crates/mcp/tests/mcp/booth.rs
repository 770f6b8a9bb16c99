//! Prices on the tools of somebody else's server: said, paid for in x402, delivered once, and given back where nothing was.

use crate::fair::{Fair, Got, call, call_with, list};
use crate::house::House;
use mcp::booth::{Agreement, Change, Place, door};
use rmcp::model::{
    ClientRequest, GetPromptRequestParams, ProgressNotificationParam, ReadResourceRequestParams, Tool,
};
use rmcp::service::{NotificationContext, ServiceError};
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;

fn named<'a>(tools: &'a [Tool], name: &str) -> Option<&'a Tool> {
    tools.iter().find(|tool| tool.name == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_says_its_price_is_paid_for_and_delivered_once() {
    let fair = Fair::new().await;
    let (before, ..) = fair.house.money().await;
    for (visitor, paid_so_far) in [(fair.visitor().await, 0), (fair.old_visitor().await, 3)] {
        let tools = list(&visitor).await;
        let search = named(&tools, "search").expect("it is sold");
        let words = "Finds things.\n\nEach call costs 0.03 CNY. What fails costs nothing.";
        assert_eq!(search.description.as_deref(), Some(words));
        let price = &search.meta.as_ref().expect("it has a price")["tollbridge/price"];
        assert_eq!(
            (&price["amount"], &price["asset"], &price["capture"]),
            (&json!("3"), &json!("CNY/2"), &json!("exact"))
        );
        assert_eq!(price["payee"], fair.house.payee.to_string());
        // What the server behind says about prices, nobody hears.
        let ping = named(&tools, "ping").expect("it is free");
        let meta = serde_json::to_value(&ping.meta).expect("JSON");
        assert_eq!((ping.description.as_deref(), meta), (Some("Costs nothing."), json!({"theirs": 1})));

        let unpaid = call(&visitor, "search", Value::Null).await;
        let demand = unpaid.demand();
        assert_eq!(demand["resource"]["url"], "mcp://tool/search");
        assert!(
            demand["error"].as_str().expect("text").starts_with("Nothing was spent. This costs 0.03 CNY"),
            "{demand}"
        );
        let accepted = &demand["accepts"][0];
        assert_eq!((&accepted["scheme"], &accepted["network"]), (&json!("exact"), &json!("toll:test")));
        assert_eq!((&accepted["amount"], &accepted["payTo"]), (&price["amount"], &price["payee"]));
        assert!(unpaid.meta("tollbridge/payment-needed").is_string());

        let payment = fair.pay(&demand).await;
        let got = call(&visitor, "search", payment.clone()).await;
        assert_eq!((got.text(), got.result.is_error), ("search {'q': 'bridges'}", None), "{got:?}");
        assert!(got.is_paid() && got.meta("kept") == true, "{got:?}");
        assert!(got.meta("x402/payment-response")["transaction"].as_str().expect("text").starts_with("hld_"));
        // The same payment a hundred times more: the same answer, and the server behind hears nothing of it.
        for _ in 0..100 {
            let again = call(&visitor, "search", payment.clone()).await;
            assert_eq!((again.text(), again.is_paid()), (got.text(), true));
        }
        assert_eq!(fair.settled().await, (before - paid_so_far - 3, 0, paid_so_far + 3));
    }
    let asked = fair.asked("search");
    assert_eq!(asked.len(), 2);
    let meta = asked[0]["meta"].as_object().expect("an object");
    assert!(meta.contains_key("tollbridge/delivery-key"));
    assert!(!meta.keys().any(|name| name.starts_with("x402/")), "{meta:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_for_anything_else_does_not_count() {
    let fair = Fair::new().await;
    let visitor = fair.visitor().await;
    let demand = call(&visitor, "search", Value::Null).await.demand();
    let good = fair.pay(&demand).await;
    let altered = |pointer: &str, value: Value| {
        let mut payment = good.clone();
        *payment.pointer_mut(pointer).expect("it is there") = value;
        payment
    };
    let mut credential = good["payload"]["credential"].as_str().expect("text").to_owned();
    let other = if &credential[40..41] == "A" { "B" } else { "A" };
    credential.replace_range(40..41, other);
    for (number, payment) in [
        altered("/x402Version", json!(1)),
        altered("/resource/url", json!("mcp://tool/ping")),
        altered("/accepted/amount", json!("2")),
        altered("/accepted/payTo", json!("pye_01KAZ0A3C0ET1N8R7P6QGX5W9D")),
        altered("/accepted/network", json!("toll:main")),
        altered("/accepted/network", json!("eip155:8453")),
        altered("/accepted/extra/bill/outTradeNo", json!("bill_other")),
        altered("/accepted/extra/bill/requestFingerprint", json!("sha-256:AAAA")),
        altered("/payload/credential", json!(credential)),
        altered("/payload", json!({})),
        json!({}),
        json!("paid"),
        json!([1]),
        json!({"x402Version": 2, "a": "x".repeat(100_000)}),
    ]
    .into_iter()
    .enumerate()
    {
        let no = call(&visitor, "search", payment.clone()).await;
        assert_eq!(no.result.is_error, Some(true), "number {number} counts: {payment}");
        assert_eq!(no.demand()["resource"]["url"], "mcp://tool/search", "{payment}");
        assert!(!no.is_paid(), "{payment}");
    }
    // Another tool at another price, the same with other arguments, and one that costs nothing.
    let moved = call(&visitor, "fail", good.clone()).await;
    assert!(!moved.is_paid());
    let meta = json!({"x402/payment": good});
    let other = call_with(&visitor, "search", json!({"q": "tolls"}), meta.clone()).await.expect("an answer");
    assert!(!other.is_paid());
    assert_eq!((fair.asked("search").len(), fair.asked("fail").len(), fair.house.money().await.2), (0, 0, 0));
    // The same arguments in another order and spelling are the same.
    let got = call_with(&visitor, "search", json!({"q": "bridges"}), meta).await.expect("an answer");
    assert!(got.is_paid(), "the payment still counts for what it was made for: {got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_delivered_is_not_charged() {
    let fair = Fair::new().await;
    let visitor = fair.visitor().await;
    let before = fair.house.money().await;
    for (tool, says) in [
        // An error of the tool is passed on as it is; what else goes wrong is told by the gateway.
        ("fail", "fail {'q': 'bridges'}"),
        ("refuse", "`q` is not good"),
        ("die", "upstream_failed"),
        ("long", "upstream_failed"),
        ("hang", "upstream_failed"),
        ("beg", "upstream_failed"),
    ] {
        let (got, payment) = fair.buy(&visitor, tool).await;
        assert_eq!((got.result.is_error, got.is_paid()), (Some(true), false), "{tool}: {got:?}");
        assert!(got.text().contains(says), "{tool}: {got:?}");
        assert!(!got.text().contains("\"accepts\""), "{tool}: {got:?}");
        assert_eq!(fair.settled().await, before, "{tool}");
        // What was paid for it went back, so it pays for nothing more.
        let again = call(&visitor, tool, payment).await;
        let why = again.demand()["error"].to_string();
        assert!(why.contains("it was given back") && !again.is_paid(), "{tool}: {why}");
        assert_eq!(fair.asked(tool).len(), 1, "{tool}");
    }
    // A server that died is there again, and one that answers twice is heard once.
    let (got, _) = fair.buy(&visitor, "twice").await;
    assert_eq!((got.text(), got.is_paid()), ("twice {'q': 'bridges'}", true));
    let (got, _) = fair.buy(&visitor, "search").await;
    assert!(got.is_paid());
    assert_eq!(fair.settled().await, (before.0 - 5, 0, 5));
    let cancelled =
        std::fs::read_to_string(fair.workshop.join("cancelled")).expect("what nobody waits for is cancelled");
    assert!(cancelled.contains("requestId"), "{cancelled}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_may_be_paid_for_errors() {
    let prices = "[[price]]\ntool = \"fail\"\namount = \"0.02 CNY\"\ncharge_client_errors = true\n";
    let fair = Fair::of(House::new().await, prices).await;
    let visitor = fair.visitor().await;
    let (before, ..) = fair.house.money().await;
    let (got, _) = fair.buy(&visitor, "fail").await;
    assert_eq!((got.result.is_error, got.is_paid()), (Some(true), true), "{got:?}");
    assert_eq!(fair.settled().await, (before - 2, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tool_is_sold_to_nobody_until_the_seller_agrees() {
    let fair = Fair::new().await;
    assert_eq!(fair.changes, []);
    let visitor = fair.visitor().await;
    let listed = list(&visitor).await;
    let pin =
        named(&listed, "search").and_then(|tool| tool.meta.clone()).expect("it is sold")["tollbridge/pin"]
            .clone();
    let paid = fair.pay(&call(&visitor, "search", Value::Null).await.demand()).await;
    let held = fair.house.money().await;

    fair.have("changed");
    fair.have("more");
    assert_eq!(call(&visitor, "search", Value::Null).await.code(), "tool_changed", "it is not billed");
    assert_eq!(call(&visitor, "search", paid.clone()).await.code(), "tool_changed", "and not delivered");
    let now = list(&visitor).await;
    assert_eq!((named(&now, "search"), named(&now, "new")), (None, None));
    assert!(named(&now, "ping").is_some());
    let unknown = call_with(&visitor, "new", json!({}), json!({})).await;
    assert!(matches!(unknown, Err(ServiceError::McpError(fault)) if fault.code.0 == -32602));
    assert_eq!((fair.asked("search").len(), fair.house.money().await), (0, held));

    // A start agrees to nothing by itself.
    let fair = fair.again(Agreement::Standing).await;
    let changed = [Change::Changed("search".to_owned()), Change::New("new".to_owned())];
    assert!(
        fair.changes.len() == 2 && changed.iter().all(|change| fair.changes.contains(change)),
        "{:?}",
        fair.changes
    );
    assert_eq!(named(&list(&fair.visitor().await).await, "search"), None);

    let fair = fair.again(Agreement::Renewed).await;
    let visitor = fair.visitor().await;
    let now = list(&visitor).await;
    let search = named(&now, "search").expect("it is sold again");
    assert!(search.description.as_deref().expect("words").contains("id_rsa"));
    // Whoever insists on what was listed before is not sold what is there now.
    let insisting =
        call_with(&visitor, "search", json!({"q": "bridges"}), json!({"tollbridge/pin": pin})).await;
    assert_eq!(insisting.expect("an answer").code(), "tool_changed");
    let new = search.meta.clone().expect("it has a price")["tollbridge/pin"].clone();
    let asked = call_with(&visitor, "search", json!({"q": "bridges"}), json!({"tollbridge/pin": new})).await;
    asked.expect("an answer").demand();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_under_way_when_the_booth_died_is_charged_at_most_once() {
    let fair = Fair::new().await;
    let visitor = fair.visitor().await;
    let (before, ..) = fair.house.money().await;
    let demand = call(&visitor, "wait", Value::Null).await.demand();
    let payment = fair.pay(&demand).await;
    // Whoever hangs up does not stop what was paid for, and finds it when asking again.
    let hung_up = tokio::spawn({
        let payment = payment.clone();
        async move { call(&visitor, "wait", payment).await }
    });
    while fair.asked("wait").is_empty() {
        tokio::task::yield_now().await;
    }
    hung_up.abort();
    let _ended = hung_up.await;
    fair.have("go");
    let visitor = fair.visitor().await;
    let got = call(&visitor, "wait", payment.clone()).await;
    assert!(got.is_paid(), "{got:?}");
    assert_eq!(fair.asked("wait").len(), 1);
    drop(visitor);
    let fair = fair.again(Agreement::Standing).await;
    let again = call(&fair.visitor().await, "wait", payment).await;
    assert_eq!((again.text(), again.is_paid(), fair.asked("wait").len()), (got.text(), true, 1));
    assert_eq!(fair.settled().await, (before - 2, 0, 2));
}

/// A client that hears how its calls get on, and that lists changed.
#[derive(Clone)]
struct Hearing(mpsc::UnboundedSender<String>);

impl ClientHandler for Hearing {
    async fn on_progress(&self, progress: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        let _gone = self.0.send(format!("progress {}", progress.progress));
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _gone = self.0.send("tools changed".to_owned());
    }
}

/// What is heard next. Nothing is late: what does not come fails, and does not hang.
async fn next(heard: &mut mpsc::UnboundedReceiver<String>) -> String {
    let said = tokio::time::timeout(std::time::Duration::from_secs(20), heard.recv()).await;
    said.expect("something is heard").expect("the client is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_passes() {
    let fair = Fair::new().await;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let (ours, theirs) = tokio::io::duplex(64 * 1_024);
    tokio::spawn(door::serve_one(fair.booth.clone(), tokio::io::split(ours)));
    let client = Hearing(sender).serve(theirs).await.expect("they understand each other");
    let said = client.peer_info().expect("it said who it is");
    assert_eq!(said.server_info.as_ref().map(|about| about.name.as_str()), Some("workshop"));
    assert_eq!(said.instructions.as_deref(), Some("Be kind."));
    let prompts = client.list_all_prompts().await.expect("prompts");
    assert_eq!(prompts[0].name, "hello");
    let who = json!({"who": "Wen"}).as_object().expect("an object").clone();
    let prompt = client.get_prompt(GetPromptRequestParams::new("hello").with_arguments(who)).await;
    assert!(format!("{prompt:?}").contains("Hello, Wen."));
    assert_eq!(client.list_all_resources().await.expect("resources")[0].uri, "note://1");
    let note = client.read_resource(ReadResourceRequestParams::new("note://1")).await;
    assert!(format!("{note:?}").contains("noted"));
    // What is free costs nothing, and needs no payment.
    let mut ping = rmcp::model::CallToolRequestParams::new("ping");
    ping.arguments = Some(Default::default());
    let free = client.call_tool(ping.clone()).await.expect("an answer");
    assert_eq!(free.content[0].as_text().expect("text").text, "ping {}");
    #[expect(deprecated)]
    let level = rmcp::model::SetLevelRequest::new(rmcp::model::SetLevelRequestParams::new(
        rmcp::model::LoggingLevel::Info,
    ));
    client.send_request(ClientRequest::SetLevelRequest(level)).await.expect("it is passed on");
    assert_eq!(next(&mut heard).await, "tools changed");
    // How a paid call gets on is heard by who paid for it.
    let unpaid =
        client.call_tool(rmcp::model::CallToolRequestParams::new("search")).await.expect("an answer");
    let demand = Got { result: unpaid }.demand();
    let payment = json!({"x402/payment": fair.pay(&demand).await});
    let mut paid = rmcp::model::CallToolRequestParams::new("search");
    let meta = payment.as_object().expect("an object").clone();
    paid.meta = Some(rmcp::model::RequestMetaObject(rmcp::model::MetaObject(meta)));
    let got = Got { result: client.call_tool(paid).await.expect("an answer") };
    assert!(got.is_paid(), "{got:?}");
    assert_eq!(next(&mut heard).await, "progress 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_what_they_pay_for_and_no_more() {
    let prices = "[[price]]\ntool = \"search\"\namount = \"0.03 CNY\"\n[[free]]\ntool = \"ping\"\n";
    let fair = Fair::of(House::new().await, prices).await;
    let visitor = fair.visitor().await;
    let names: Vec<String> = list(&visitor).await.iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(names, ["ping", "search"], "what has no price is not offered");
    for tool in ["hidden", "Search", "search/", "../search", "nothing", ""] {
        let no = call_with(&visitor, tool, json!({}), json!({})).await;
        assert!(matches!(no, Err(ServiceError::McpError(fault)) if fault.code.0 == -32602), "{tool}");
    }
    let big = call_with(&visitor, "search", json!({"q": 9_007_199_254_740_993_u64}), json!({})).await;
    assert!(matches!(big, Err(ServiceError::McpError(fault)) if fault.code.0 == -32602));
    let http = reqwest::Client::new();
    let post = |path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = http.post(format!("{}{path}", fair.url)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    let json_kind = ("content-type", "application/json");
    let accept = ("accept", "application/json, text/event-stream");
    let ask = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for (path, headers, body, status) in [
        // A page of somebody else, and a name that somebody points here.
        ("/mcp", &[json_kind, accept, ("origin", "https://evil.example")][..], ask, 403),
        ("/mcp", &[json_kind, accept, ("host", "evil.example")], ask, 403),
        ("/mcp", &[json_kind, accept], "[]", 415),
        // The same tools as plain requests, under the same price list.
        ("/tools/search", &[json_kind], "{}", 402),
        ("/tools/ping", &[json_kind], "{}", 200),
        ("/tools/ping", &[("content-type", "text/plain")], "{}", 415),
        ("/tools/ping", &[json_kind], "[]", 400),
        ("/tools/hidden", &[json_kind], "{}", 404),
        ("/tools/..%2fping", &[json_kind], "{}", 400),
        ("/elsewhere", &[json_kind], "{}", 404),
    ] {
        let found = post(path, headers, body).await;
        let is_refused = status == 415 && (400..500).contains(&found);
        assert!(found == status || is_refused, "{path} {headers:?} {body}: {found}");
    }
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"ping","arguments":{{"q":"{}"}}}}}}"#,
        "a".repeat(300_000)
    );
    assert_eq!(post("/mcp", &[json_kind, accept], &long).await, 413);
    assert_eq!(fair.asked("ping").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_at_an_address_is_sold_as_well() {
    let far = Fair::of(House::new().await, "[[free]]\ntool = \"*\"\n").await;
    let workshop = far.workshop.clone();
    let place = Place::Address(format!("{}{}", far.url, door::PATH).parse().expect("an address"));
    let prices = "[[price]]\ntool = \"search\"\namount = \"0.03 CNY\"\n";
    let near =
        Fair::before(House::new().await, prices, workshop, (place, Agreement::Standing), "127.0.0.1:0").await;
    let visitor = near.visitor().await;
    let (before, ..) = near.house.money().await;
    let (got, payment) = near.buy(&visitor, "search").await;
    assert_eq!((got.text(), got.is_paid()), ("search {'q': 'bridges'}", true), "{got:?}");
    assert_eq!(call(&visitor, "search", payment).await.text(), got.text());
    assert_eq!((near.settled().await, near.asked("search").len()), ((before - 3, 0, 3), 1));
    // It goes away: nothing is billed that nobody would deliver.
    drop(far);
    assert_eq!(call(&visitor, "search", Value::Null).await.code(), "upstream_unreachable");
}
