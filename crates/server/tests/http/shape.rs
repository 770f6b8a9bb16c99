//! The shape of the surface: what is not there, what is too long, and the description of what is.

use crate::house::{House, Tricks};
use http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn every_refusal_of_the_edge_is_a_problem() {
    let house = House::new().await;
    let text = [("content-type", "text/plain")];
    let version = [("tollbridge-version", "2020-01-01")];
    house.plain(Method::GET, "/nothing", &[], "").await.problem(404, "not_found");
    let no = house.plain(Method::DELETE, "/v1/payments", &[], "").await;
    assert!(no.headers.contains_key("allow"));
    no.problem(405, "method_not_allowed");
    house.plain(Method::GET, "/v1/freeze", &[], "").await.problem(405, "method_not_allowed");
    house.plain(Method::POST, "/v1/payments", &text, "{}").await.problem(415, "content_type_unsupported");
    house.plain(Method::GET, "/healthz", &version, "").await.problem(400, "version_unknown");
    house
        .plain(Method::GET, &format!("/v1/me?{}", "x".repeat(3_000)), &[], "")
        .await
        .problem(414, "target_too_long");
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(70_000));
    let kind = [("content-type", "application/json")];
    house.plain(Method::POST, "/v1/holds", &kind, &long).await.problem(413, "body_too_large");
    let head = house.plain(Method::HEAD, "/v1/payments", &[], "").await;
    assert_eq!(head.status, 401);
    for (body, why) in [
        (r#"{"subject":"x","subject":"y"}"#, "twice"),
        (r#"{"subject":"x"} {}"#, "behind the end"),
        ("[[[[[[[[", "not closed"),
        ("", "nothing"),
        ("\u{feff}{}", "byte order mark"),
        ("nul", "not JSON"),
    ] {
        let body = Value::String(body.to_owned());
        let sent = Tricks { headers: vec![("idempotency-key", crate::house::ulid())], ..Tricks::default() };
        let reply =
            house.send(house.signed_text(&house.owner, "/v1/freeze", body.as_str().unwrap(), sent)).await;
        assert_eq!(reply.status, 400, "{why}");
        reply.problem(400, "body_malformed");
    }
    assert_eq!(house.money().await.0, "100000");
}

#[tokio::test]
async fn health_and_metrics_are_there_for_whoever_operates() {
    let house = House::new().await;
    assert_eq!(house.plain(Method::GET, "/healthz", &[], "").await.body, "ok\n");
    assert_eq!(house.plain(Method::GET, "/readyz", &[], "").await.body, "ready\n");
    house.plain(Method::GET, "/metrics", &[], "").await.problem(401, "signature_missing");
    let metrics = house.get(&house.operator, "/metrics").await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(text.contains("tollbridge_http_requests_total"), "{text}");
    assert!(text.contains("tollbridge_journal_entries"));
    let keys = std::fs::read_to_string(house.directory.join("keys/server.toml")).unwrap();
    let token =
        keys.lines().find_map(|line| line.strip_prefix("metrics_token = \"")).unwrap().trim_end_matches('"');
    let bearer = format!("Bearer {token}");
    assert_eq!(house.plain(Method::GET, "/metrics", &[("authorization", &bearer)], "").await.status, 200);
    let wallets = house.plain(Method::GET, "/v1/wallets", &[("authorization", &bearer)], "").await;
    wallets.problem(401, "scheme_unsupported");
}

#[tokio::test]
async fn the_page_for_people_needs_nothing_from_anywhere() {
    let house = House::new().await;
    let page = house.plain(Method::GET, "/docs", &[], "").await;
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(text.contains("/v1/payments"));
    assert!(!text.contains("<script"));
    assert!(!text.contains("http://") && !text.contains("https://"));
    let api = house.plain(Method::GET, "/openapi.json", &[], "").await.expect(200);
    assert_eq!(api["openapi"], "3.1.0");
}

#[test]
fn the_description_is_reviewed_when_it_changes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");
    let text = format!("{}\n", server::openapi::text());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap_or_default() == text,
        "tests/openapi.json: run again with UPDATE=1"
    );
}

#[test]
fn every_operation_says_how_it_can_fail() {
    let api: Value = serde_json::from_str(server::openapi::text()).unwrap();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("500"), "{verb} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with('2')) {
                let content = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(content, &json!("#/components/schemas/Problem"), "{verb} {path} {status}");
            }
        }
    }
    let links = &api["paths"]["/v1/payments"]["post"]["responses"]["201"]["links"];
    assert_eq!(links["get_payment_id"]["operationId"], "get_payment");
}

#[test]
fn keys_that_others_may_read_are_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let directory = std::env::temp_dir().join(format!("tollbridge-keys-{}", crate::house::ulid()));
    server::data::init(&directory, server::data::BookKind::Live, "tollbridge.test/live").unwrap();
    assert!(server::data::init(&directory, server::data::BookKind::Live, "tollbridge.test/live").is_err());
    let keys = directory.join("keys/server.toml");
    assert_eq!(std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    drop(server::data::open(&directory, server::data::Opening::default()).unwrap());
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o640)).unwrap();
    let fault = server::data::open(&directory, server::data::Opening::default()).unwrap_err();
    assert!(matches!(fault, server::data::DataFault::Exposed { mode: 0o640, .. }), "{fault}");
    std::fs::remove_dir_all(&directory).unwrap();
}
