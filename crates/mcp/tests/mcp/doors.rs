//! The doors: over HTTP nobody gets in without a token for this address, and nobody goes further than it says.

use crate::house::{Caller, House, Reader, call, good, json};
use evidence::{SigningKey, base64url};
use mcp::ToolSet;
use mcp::http::{Bearer, Config, Front, Gate, Sessions, router};
use rmcp::model::ProtocolVersion;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use sdk::Reach;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use url::Url;

const ISSUER: &str = "https://login.example";
const SEED: [u8; 32] = [7; 32];

/// A server over HTTP, and a token for it.
struct Door {
    url: String,
    token: String,
    http: reqwest::Client,
}

async fn place() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("it is bound"));
    (listener, url.parse().expect("an address"))
}

impl Door {
    /// With a token that was printed.
    async fn printed(house: &House) -> Door {
        let (listener, resource) = place().await;
        let (token, bearer) = Bearer::draw();
        let front = Front {
            resource: resource.clone(),
            origins: vec!["https://app.example".to_owned()],
            gate: Gate::Printed { bearer, principal: "local".to_owned(), tools: vec![ToolSet::Buyer] },
            handlers: HashMap::from([("local".to_owned(), house.desk())]),
            sessions: Sessions::None,
        };
        Door::open(listener, resource, router(front), token)
    }

    /// With an issuer, for whom Alice buys and Bob sells.
    async fn issued(house: &House) -> Door {
        let (listener, resource) = place().await;
        let [agent, seller] = house.key_files();
        let key = base64url::encode(SigningKey::ed25519(&SEED).public().bytes());
        let keys = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": key, "alg": "EdDSA"},
            {"kty": "oct", "kid": "k2", "k": base64url::encode(&SEED)},
        ]});
        std::fs::write(house.directory.join("keys.json"), keys.to_string()).expect("a file");
        let text = format!(
            "server = \"{}\"\nresource = \"{resource}\"\nissuer = \"{ISSUER}\"\njwks = \"keys.json\"\ndirectory = \"doors\"\n\
             [[principal]]\nsubject = \"alice\"\nkey_file = \"{}\"\ntools = [\"buyer\"]\n\
             [[principal]]\nsubject = \"bob\"\nkey_file = \"{}\"\ntools = [\"merchant\"]\n",
            house.server,
            agent.display(),
            seller.display(),
        );
        let config = Config::parse(&text, &house.directory).expect("a configuration");
        let front = config.open(Reach::Anywhere).await.expect("it opens");
        let token = token(&resource, |_| ());
        Door::open(listener, resource, router(front), token)
    }

    fn open(listener: TcpListener, resource: Url, routes: axum::Router, token: String) -> Door {
        tokio::spawn(mcp::http::serve(listener, routes, std::future::pending()));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Door { url: resource.into(), token, http }
    }

    /// A request of its own, in the newest revision, with these headers beside.
    async fn ask(&self, token: Option<&str>, headers: &[(&str, &str)], body: String) -> reqwest::Response {
        let mut request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/list")
            .body(body);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer")
    }

    async fn status(&self, token: Option<&str>, headers: &[(&str, &str)]) -> u16 {
        self.ask(token, headers, list()).await.status().as_u16()
    }

    async fn caller(&self, token: &str, lifecycle: ClientLifecycleMode) -> Caller {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.clone()).auth_header(token);
        let transport = StreamableHttpClientTransport::with_client(self.http.clone(), config);
        let client = Reader { opens: false }.serve_with_lifecycle(transport, lifecycle).await;
        client.expect("they understand each other")
    }
}

fn newest() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
}

fn request(method: &str, params: Value) -> String {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn list() -> String {
    request("tools/list", json!({}))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A good token for Alice, changed.
fn token(resource: &Url, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": resource.as_str(), "sub": "alice", "scope": "tollbridge:buy tollbridge:sell",
        "exp": now() + 300, "nbf": now() - 5,
    });
    change(&mut claims);
    signed(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"}), &claims, &SEED)
}

fn signed(head: Value, claims: &Value, seed: &[u8; 32]) -> String {
    let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
    let text = format!("{}.{}", part(&head), part(claims));
    let signature = SigningKey::ed25519(seed).sign(text.as_bytes());
    format!("{text}.{}", base64url::encode(signature.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_token_opens_and_nothing_else_does() {
    let house = House::new().await;
    let door = Door::printed(&house).await;
    for lifecycle in [newest(), ClientLifecycleMode::Initialize] {
        let caller = door.caller(&door.token, lifecycle).await;
        let quote = good(call(&caller, "quote", json!({"url": format!("{}/search", house.shop)})).await);
        good(call(&caller, "pay", json!({"quote": quote["quote"]})).await);
    }
    assert_eq!(house.settled().await, (94, 0, 6));
    let answer = door.ask(None, &[], list()).await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["www-authenticate"].to_str().unwrap()),
        (401, "Bearer realm=\"tollbridge\"")
    );
    for token in ["", "tbm_", "x", &door.token[1..], &format!("{}x", door.token)] {
        assert_eq!(door.status(Some(token), &[]).await, 401, "{token}");
    }
    assert_eq!(door.status(Some(&door.token), &[("authorization", "Bearer x")]).await, 401);
    assert_eq!(door.status(None, &[("authorization", "Basic eDp4")]).await, 401);
    assert_eq!(door.status(Some(&door.token), &[]).await, 200);
    // Old clients get no session that anybody could go on with.
    let me = json!({"name": "t", "version": "1"});
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}).to_string();
    let hello =
        door.http.post(&door.url).header("authorization", format!("Bearer {}", door.token)).body(hello);
    let hello = hello
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    let answer = hello.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("mcp-session-id")), (200, None));
    let metadata = door.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    assert_eq!(door.http.get(metadata).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_another_gets_in_and_no_other_name_for_this_machine() {
    let house = House::new().await;
    let door = Door::printed(&house).await;
    let ours = door.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let port = ours.rsplit(':').next().unwrap().to_owned();
    for (name, value, expected) in [
        ("origin", "https://evil.example".to_owned(), 403),
        ("origin", "null".to_owned(), 403),
        ("origin", format!("http://{ours}"), 403),
        ("origin", "https://app.example.evil.example".to_owned(), 403),
        ("origin", "https://app.example".to_owned(), 200),
        ("host", "evil.example".to_owned(), 403),
        ("host", format!("evil.example:{port}"), 403),
        ("host", "127.0.0.1:1".to_owned(), 403),
        ("host", format!("localhost:{port}"), 200),
        ("host", ours.clone(), 200),
    ] {
        assert_eq!(door.status(Some(&door.token), &[(name, &value)]).await, expected, "{name}: {value}");
        if expected == 403 {
            assert_eq!(door.status(None, &[(name, &value)]).await, 403, "{name}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_or_no_message_is_refused() {
    let house = House::new().await;
    let door = Door::printed(&house).await;
    let long = request("tools/call", json!({"name": "quote", "arguments": {"url": "a".repeat(300 * 1_024)}}));
    assert_eq!(door.ask(Some(&door.token), &[], long).await.status(), 413);
    for (body, expected) in [("{", 400), ("[]", 400), ("{\"jsonrpc\":\"1.0\"}", 400), ("null", 400)] {
        let status = door.ask(Some(&door.token), &[], body.to_owned()).await.status().as_u16();
        assert!((expected..500).contains(&status), "{body}: {status}");
    }
    let many = format!("[{}]", vec![list(); 1_000].join(","));
    assert!(door.ask(Some(&door.token), &[], many).await.status().is_client_error());
    let get = door.http.get(&door.url).header("authorization", format!("Bearer {}", door.token));
    assert_eq!(get.send().await.unwrap().status(), 405);
    // What the header calls and what the body calls have to be the same.
    let body = request("tools/call", json!({"name": "pay", "arguments": {}}));
    let headers = [("mcp-name", "limits")];
    assert_eq!(door.ask(Some(&door.token), &headers, body).await.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_this_address_by_its_issuer_and_in_time() {
    let house = House::new().await;
    let door = Door::issued(&house).await;
    let resource: Url = door.url.parse().unwrap();
    let claims = |name: &'static str, value: Value| token(&resource, |claims| claims[name] = value);
    let without = |name: &str| {
        token(&resource, |claims| {
            claims.as_object_mut().unwrap().remove(name);
        })
    };
    let good = json!({"iss": ISSUER, "aud": resource.as_str(), "sub": "alice", "scope": "tollbridge:buy", "exp": now() + 300});
    let unsigned = {
        let part = |value: Value| base64url::encode(value.to_string().as_bytes());
        format!("{}.{}.", part(json!({"alg": "none", "kid": "k1"})), part(good.clone()))
    };
    for (what, token, expected) in [
        ("good", door.token.clone(), 200),
        ("one of several audiences", claims("aud", json!(["https://x.example", resource.as_str()])), 200),
        ("another audience", claims("aud", json!("https://other.example/mcp")), 401),
        ("its beginning", claims("aud", json!(door.url.trim_end_matches("/mcp"))), 401),
        ("another issuer", claims("iss", json!("https://evil.example")), 401),
        ("over", claims("exp", json!(now() - 60)), 401),
        ("not yet", claims("nbf", json!(now() + 600)), 401),
        ("no audience", without("aud"), 401),
        ("no end", without("exp"), 401),
        ("no issuer", without("iss"), 401),
        ("nobody", without("sub"), 401),
        ("a stranger", claims("sub", json!("mallory")), 403),
        ("no scope", without("scope"), 403),
        ("a scope that begins the same", claims("scope", json!("tollbridge:buyer")), 403),
        ("only for selling", claims("scope", json!("tollbridge:sell")), 403),
        ("another key", signed(json!({"alg": "EdDSA", "kid": "k1"}), &good, &[8; 32]), 401),
        ("an unknown key", signed(json!({"alg": "EdDSA", "kid": "k9"}), &good, &SEED), 401),
        ("no key", signed(json!({"alg": "EdDSA"}), &good, &SEED), 401),
        ("another algorithm", signed(json!({"alg": "HS256", "kid": "k1"}), &good, &SEED), 401),
        ("a secret", signed(json!({"alg": "HS256", "kid": "k2"}), &good, &SEED), 401),
        ("unsigned", unsigned, 401),
    ] {
        assert_eq!(door.status(Some(&token), &[]).await, expected, "{what}");
    }
    let answer = door.ask(None, &[], list()).await;
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", door.url.trim_end_matches("/mcp"));
    assert_eq!(
        answer.headers()["www-authenticate"].to_str().unwrap(),
        format!("Bearer scope=\"tollbridge:buy tollbridge:sell\", resource_metadata=\"{metadata}\"")
    );
    let told = json(&door.http.get(&metadata).send().await.unwrap().text().await.unwrap());
    assert_eq!((&told["resource"], &told["authorization_servers"]), (&json!(door.url), &json!([ISSUER])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_tools_of_its_subject_and_scope_and_no_others() {
    let house = House::new().await;
    let door = Door::issued(&house).await;
    let resource: Url = door.url.parse().unwrap();
    let bob = token(&resource, |claims| claims["sub"] = json!("bob"));
    let names = async |token: &str| -> Vec<String> {
        let caller = door.caller(token, newest()).await;
        let tools = caller.list_all_tools().await.unwrap();
        tools.into_iter().map(|tool| tool.name.into_owned()).collect()
    };
    assert_eq!(names(&door.token).await[0], "quote");
    assert_eq!(names(&bob).await, ["create_payment_link", "query_payment", "refund", "query_refund"]);
    let called = |name: &str| request("tools/call", json!({"name": name, "arguments": {}}));
    let headers = [("mcp-method", "tools/call"), ("mcp-name", "refund")];
    let answer = door.ask(Some(&door.token), &headers, called("refund")).await;
    assert_eq!(answer.status(), 403);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(
        challenge.starts_with("Bearer error=\"insufficient_scope\", scope=\"tollbridge:sell\""),
        "{challenge}"
    );
    // What one of them was quoted, the other does not find.
    let alice = door.caller(&door.token, newest()).await;
    let quote = good(call(&alice, "quote", json!({"url": format!("{}/search", house.shop)})).await);
    let bob = door.caller(&bob, newest()).await;
    let stolen = crate::house::params("pay", json!({"quote": quote["quote"]}));
    assert!(bob.call_tool_once(stolen).await.is_err());
    assert_eq!(house.money().await, (100, 0, 0));
    good(call(&alice, "pay", json!({"quote": quote["quote"]})).await);
    assert_eq!(house.settled().await, (97, 0, 3));
}

#[test]
fn a_configuration_that_would_be_open_is_none() {
    let base = std::path::Path::new("/");
    let good = "server = \"https://pay.example\"\nresource = \"https://mcp.example/mcp\"\nissuer = \"https://login.example\"\n\
                jwks = \"keys.json\"\ndirectory = \"mcp\"\n[[principal]]\nsubject = \"a\"\nkey_file = \"a.toml\"\ntools = [\"buyer\"]\n";
    assert_eq!(Config::parse(good, base).unwrap().jwks, "/keys.json");
    for (from, to) in [
        ("resource = \"https:", "resource = \"http:"),
        ("/mcp\"\nissuer", "/mcp?x\"\nissuer"),
        ("issuer = \"https://login.example\"\n", ""),
        ("jwks = \"keys.json\"\n", ""),
        ("[[principal]]\nsubject = \"a\"\nkey_file = \"a.toml\"\ntools = [\"buyer\"]\n", "principal = []\n"),
        ("tools = [\"buyer\"]", "tools = [\"buyer\"]\nadmin = true"),
        ("tools = [\"buyer\"]", "tools = [\"everything\"]"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(Config::parse(&good.replace(from, to), base).is_err(), "{to}");
    }
    let twice = format!("{good}[[principal]]\nsubject = \"a\"\nkey_file = \"b.toml\"\ntools = []\n");
    assert!(Config::parse(&twice, base).is_err());
}
