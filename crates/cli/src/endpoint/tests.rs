//! Our own gateway is graded well, and endpoints that are wrong in one way each are told in which.
#![allow(clippy::unwrap_used)]

use super::*;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use evidence::base64url;
use gateway::{Config, Gateway, Layer};
use http::HeaderValue;
use std::os::unix::fs::PermissionsExt as _;
use wire::account::Algorithm;

const PRICES: &str = r#"
[[price]]
method = "GET"
path = "/search"
amount = "0.03 CNY"
[[price]]
method = "POST"
path = "/render"
amount = "0.20 CNY"
content_types = ["application/json"]
[[free]]
path = "/health"
"#;

/// A gateway that needs no payment service, since nobody pays.
fn gateway(directory: &Path, public_url: &str) -> Gateway {
    let key = Credentials::file_text(wire::KeyId(7), Algorithm::Ed25519, &[7; 32]);
    let path = directory.join("seller.toml");
    std::fs::write(&path, &*key).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let trusted = base64url::encode(SigningKey::ed25519(&[8; 32]).public().bytes());
    let text = format!(
        "[seller]\nserver = \"http://127.0.0.1:9\"\npayee = \"pye_01KAZ0A3C0ET1N8R7P6QGX5W9D\"\nkey_file = \"seller.toml\"\n\
         network = \"toll:test\"\npublic_url = \"{public_url}\"\nasset = \"CNY/2\"\ndata = \"gateway\"\n\
         [seller.credential_key]\nid = \"psp\"\nalgorithm = \"ed25519\"\npublic_key = \"{trusted}\"\n{PRICES}"
    );
    Gateway::open(Config::parse(&text, directory).unwrap(), sdk::Clock::system()).unwrap()
}

use sdk::Credentials;

/// How an endpoint misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Free,
    NoBill,
    Dialect,
    GarbledBill,
    OtherHost,
    OneNumber,
    Cached,
    TakesProofs,
    Breaks,
    Head,
    OptionsBody,
    Override,
    Uppercase,
    Unlisted,
    BillsNonsense,
    FreeCosts,
    Down,
}

async fn misbehave(
    fault: Fault,
    bill: &'static std::sync::OnceLock<HeaderValue>,
    request: Request,
    next: Next,
) -> Response {
    let plain =
        |status: u16, text: &'static str| Response::builder().status(status).body(Body::from(text)).unwrap();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let sent = request.headers().clone();
    let has = |name: &str| sent.contains_key(name);
    // Whatever a fault does not say is as it should be.
    #[allow(clippy::wildcard_enum_match_arm)]
    match fault {
        Fault::Free => return plain(200, "sold"),
        Fault::NoBill => return plain(402, "pay"),
        Fault::Dialect => return plain(402, r#"{"x402Version":1,"accepts":[]}"#),
        Fault::Down => return plain(503, ""),
        Fault::TakesProofs if has("payment-proof") => return plain(200, "sold"),
        Fault::Breaks if has("payment-proof") => return plain(500, ""),
        Fault::Head if method == Method::HEAD => return plain(200, ""),
        Fault::OptionsBody if method == Method::OPTIONS => return plain(200, "sold"),
        Fault::Override if has("x-http-method-override") => return plain(200, "sold"),
        Fault::Uppercase if path == "/SEARCH" => return plain(200, "sold"),
        Fault::Unlisted if path.contains("doctor") => return plain(200, "anything"),
        Fault::FreeCosts if path == "/health" => return plain(402, ""),
        _ => {}
    }
    let mut answer = if fault == Fault::BillsNonsense && path == "/nonsense" {
        let mut sold = Request::new(Body::empty());
        *sold.uri_mut() = "/search".parse().unwrap();
        next.run(sold).await
    } else {
        next.run(request).await
    };
    let headers = answer.headers_mut();
    if headers.contains_key("payment-needed") {
        #[allow(clippy::wildcard_enum_match_arm)]
        match fault {
            Fault::GarbledBill => {
                headers.insert("payment-needed", HeaderValue::from_static("e30"));
            }
            Fault::OneNumber if path == "/search" && method == Method::GET => {
                let first = bill.get_or_init(|| headers["payment-needed"].clone()).clone();
                headers.insert("payment-needed", first);
            }
            Fault::Cached => {
                headers.remove("cache-control");
                headers.insert("content-type", HeaderValue::from_static("text/html"));
            }
            _ => {}
        }
    }
    answer
}

use http::Method;

async fn graded(fault: Fault, told: &Told, method: &str, path: &str) -> (char, Vec<Finding>) {
    let directory = std::env::temp_dir().join(format!("tollbridge-doctor-{:032x}", rand::random::<u128>()));
    std::fs::create_dir_all(&directory).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let public_url = if fault == Fault::OtherHost { "http://elsewhere.example" } else { &address };
    let bill: &'static std::sync::OnceLock<HeaderValue> = Box::leak(Box::default());
    let app = Router::new()
        .fallback(async || "sold")
        .layer(Layer::new(gateway(&directory, public_url)))
        .layer(from_fn(move |request: Request, next: Next| misbehave(fault, bill, request, next)));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let body = if method == "POST" { "{}" } else { "" };
    let target = Target {
        url: format!("{address}{path}").parse().unwrap(),
        method: method.to_owned(),
        body: body.to_owned(),
    };
    let findings = examine(&target, told).await.map_err(|failure| failure.message).unwrap();
    serving.abort();
    let _gone = std::fs::remove_dir_all(directory);
    (grade(&findings), findings)
}

fn told() -> Told {
    let mut keys = Keyring::default();
    let text = |text: &str| Identifier::parse(text).unwrap();
    let public = SigningKey::ed25519(&[7; 32]).public().clone();
    keys.trust(text(&wire::KeyId(7).to_string()), text("pye_01KAZ0A3C0ET1N8R7P6QGX5W9D"), public);
    Told {
        keys: Some(keys),
        used_proof: None,
        free: Some("/health".to_owned()),
        bad_input: Some("/nonsense".to_owned()),
    }
}

#[tokio::test]
async fn our_own_gateway_has_no_finding() {
    for (method, path) in [("GET", "/search?q=tea"), ("POST", "/render")] {
        let (grade, findings) = graded(Fault::None, &told(), method, path).await;
        let not_good: Vec<&Finding> = findings.iter().filter(|it| it.mark != Mark::Good).collect();
        assert_eq!(grade, 'A', "{method} {not_good:?}");
        assert!(not_good.iter().all(|it| it.check == "replay"), "{not_good:?}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_is_found_and_named() {
    for (fault, check, mark, expected) in [
        (Fault::Free, "bill", Mark::Open, 'F'),
        (Fault::NoBill, "bill", Mark::Bad, 'D'),
        (Fault::Dialect, "bill", Mark::Bad, 'D'),
        (Fault::GarbledBill, "bill", Mark::Bad, 'D'),
        (Fault::Down, "bill", Mark::Bad, 'D'),
        (Fault::OtherHost, "terms", Mark::Bad, 'D'),
        (Fault::OneNumber, "numbers", Mark::Bad, 'D'),
        (Fault::Cached, "headers", Mark::Warning, 'B'),
        (Fault::TakesProofs, "false proofs", Mark::Open, 'F'),
        (Fault::Breaks, "false proofs", Mark::Warning, 'B'),
        (Fault::Head, "head", Mark::Warning, 'B'),
        (Fault::OptionsBody, "options", Mark::Warning, 'B'),
        (Fault::Override, "overrides", Mark::Open, 'F'),
        (Fault::Uppercase, "spellings", Mark::Open, 'F'),
        (Fault::Unlisted, "unknown path", Mark::Warning, 'B'),
        (Fault::BillsNonsense, "bad input", Mark::Bad, 'D'),
        (Fault::FreeCosts, "free path", Mark::Bad, 'D'),
    ] {
        let (grade, findings) = graded(fault, &told(), "GET", "/search").await;
        let finding = findings.iter().find(|finding| finding.check == check).unwrap();
        assert_eq!((finding.mark, grade), (mark, expected), "{fault:?} {findings:?}");
        assert!(!finding.advice.is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_bill_by_a_key_that_is_not_the_seller_s_is_found() {
    let mut others = told();
    others.keys = Some(Keyring::default());
    let (grade, findings) = graded(Fault::None, &others, "GET", "/search").await;
    let finding = findings.iter().find(|finding| finding.check == "signature").unwrap();
    assert_eq!((finding.mark, grade), (Mark::Bad, 'D'));
}

#[tokio::test]
async fn a_used_proof_is_shown_and_what_takes_it_again_for_something_else_is_found() {
    let with_proof = Told { used_proof: Some("e30".to_owned()), ..told() };
    for (fault, mark) in
        [(Fault::None, Mark::Good), (Fault::TakesProofs, Mark::Open), (Fault::Breaks, Mark::Warning)]
    {
        let (_, findings) = graded(fault, &with_proof, "GET", "/search").await;
        let finding = findings.iter().find(|finding| finding.check == "replay").unwrap();
        assert_eq!(finding.mark, mark, "{fault:?} {findings:?}");
    }
}

#[test]
fn addresses_are_told_from_directories() {
    for (subject, is) in
        [("http://a", true), ("https://a/b", true), ("book", false), ("./http", false), ("ftp://a", false)]
    {
        assert_eq!(is_address(subject), is, "{subject}");
    }
}

#[test]
fn encryption_is_asked_for_where_others_listen() {
    for (url, mark) in [
        ("https://api.example/x", Mark::Good),
        ("http://127.0.0.1:1/x", Mark::Good),
        ("http://localhost/x", Mark::Good),
        ("http://api.example/x", Mark::Bad),
    ] {
        let target = Target { url: url.parse().unwrap(), method: "GET".to_owned(), body: String::new() };
        assert_eq!(tls(&target).mark, mark, "{url}");
    }
}
