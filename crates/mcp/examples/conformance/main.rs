//! What the official conformance suite of MCP asks for, behind the product's own doors.
//!
//! The suite calls tools, prompts and resources that a payment service does not have. They are here; everything before them is
//! the product's: the routes, the checks of host and page, the tokens, the limits, and the seal on what clients carry. The suite
//! brings no token, so one is put into each request on its way in, signed by an issuer that lives as long as this program.

mod fixtures;
mod rounds;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use evidence::{SigningKey, base64url};
use fixtures::Fixtures;
use http::{HeaderValue, header};
use mcp::ToolSet;
use mcp::http::{Front, Gate, Issuer, KeySet, Keys, Sessions, router, serve};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use url::Url;

const ISSUER: &str = "https://login.example";

#[tokio::main]
async fn main() {
    let at = std::env::args().nth(1).expect("an address to listen at is named");
    let listener = TcpListener::bind(&at).await.expect("the address is free");
    let at = listener.local_addr().expect("it is bound");
    let resource: Url = format!("http://{at}/mcp").parse().expect("an address");
    let seed = rand::random::<[u8; 32]>();
    let key = base64url::encode(SigningKey::ed25519(&seed).public().bytes());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": key}]});
    let issuer = Issuer {
        name: ISSUER.to_owned(),
        keys: Keys::fixed(KeySet::parse(&keys.to_string()).expect("keys")),
        subjects: HashMap::from([("suite".to_owned(), ToolSet::ALL.to_vec())]),
    };
    let front = Front {
        resource: resource.clone(),
        origins: ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{}", at.port())).to_vec(),
        gate: Gate::Issued(Box::new(issuer)),
        handlers: HashMap::from([("suite".to_owned(), Fixtures::default())]),
        // The suite's servers ask their clients for samples and forms, which 2025-11-25 does in sessions.
        sessions: Sessions::Kept,
    };
    let signed = move |mut request: Request, next: Next| {
        let token = token(&resource, &seed);
        async move {
            let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a token is text");
            request.headers_mut().insert(header::AUTHORIZATION, value);
            next.run(request).await
        }
    };
    println!("listening on {at}");
    serve(listener, router(front).layer(from_fn(signed)), std::future::pending()).await;
}

fn token(resource: &Url, seed: &[u8; 32]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = json!({
        "iss": ISSUER, "aud": resource.as_str(), "sub": "suite", "exp": now + 60,
        "scope": "tollbridge:buy tollbridge:sell",
    });
    let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
    let text = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k1"})), part(&claims));
    let signature = SigningKey::ed25519(seed).sign(text.as_bytes());
    format!("{text}.{}", base64url::encode(signature.as_bytes()))
}
