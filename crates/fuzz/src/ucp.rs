//! Fuzzing UCP: whatever a request, a platform's name or a signature says, it is read or refused.
#![no_main]

use protocols::ucp::request::{Complete, Wanted};
use protocols::ucp::signature::{Headers, Signable, digest, verify};
use protocols::ucp::{agent_profile, agent_version};

fuzz::target!(|text: &str| {
    let body = text.as_bytes();
    let _ = (Wanted::read(body), Complete::read(body));
    for said in [agent_profile(text), agent_version(text)].into_iter().flatten() {
        assert!(text.contains(said));
    }
    let (input, signature) = text.split_once('\n').unwrap_or((text, text));
    let request = Signable {
        method: "POST",
        authority: "shop.example",
        path: "/checkout-sessions",
        query: None,
        agent: Some(text),
        idempotency_key: None,
        content_type: "application/json",
        body,
    };
    let headers = Headers {
        signature_input: input.to_owned(),
        signature: signature.to_owned(),
        content_digest: digest(body),
    };
    assert!(verify(&request, &headers, 1_000, |_| None).is_err());
});
