//! Where a shop's word on how it is paid comes from: another host, a redirect, a long answer or another service is no word.

use super::town::Town;
use protocols::act::cid::capability::{Mode, NoMethod};
use protocols::act::{AmountNumber, Currency, Identifier};
use sdk::shopping::{Merchant, NotServed, Shopper};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use url::Url;
use wire::PayeeId;

/// Answers every request with these bytes, and counts them.
fn answering(answer: String) -> (Url, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let at =
        Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("an address");
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            counted.fetch_add(1, Ordering::SeqCst);
            let mut asked = [0; 4_096];
            // Whoever asks may leave before the answer.
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (at, count)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn file(psp: &str, endpoint: &str) -> String {
    let psps =
        json!([{"psp_id": psp, "endpoint": endpoint, "method_schema_url": format!("{psp}openapi.json")}]);
    let methods = json!([{"method_id": "toll:test/wallet", "psps": psps}]);
    json!({"version": "1.0", "role": "payee", "agent_id": "pye_1", "supported_methods": methods}).to_string()
}

#[test]
fn pca_07_08_09_a_method_from_elsewhere_is_none_and_a_good_one_is_believed_for_a_while() {
    let town = Town::new();
    let shopper = Shopper::new(town.agent.clone(), town.agent_id, sdk::Clock::system()).expect("a client");
    let psp = format!("{}/", town.url);
    let good = file(&psp, &format!("{psp}v1/act/payments"));
    let negotiate = |card: &Url, declared: &Url| {
        let declaration = Some((Mode::OneWay, declared.clone()));
        let merchant =
            Merchant { base: card.clone(), payee: PayeeId(1), name: "Shop".to_owned(), declaration };
        let ours = [Identifier::parse("toll:test/wallet").expect("a method")];
        let (amount, currency) =
            (AmountNumber::new(100).expect("it is small"), Currency::parse("CNY").expect("one"));
        town.run(async { shopper.negotiate(&merchant, &ours, None, amount, &currency).await })
    };
    let (honest, count) = answering(ok(&good));
    assert_eq!(negotiate(&honest, &honest).expect("it is the agent's own service").psp_id.as_str(), psp);
    negotiate(&honest, &honest).expect("it is believed still");
    assert_eq!(count.load(Ordering::SeqCst), 1, "it was read once");

    let (redirecting, _) = answering(format!(
        "HTTP/1.1 302 Found\r\nlocation: {honest}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ));
    let foreign = negotiate(&redirecting, &redirecting).expect_err("it is another address");
    assert!(matches!(foreign, NotServed::NoMethod(NoMethod::Foreign(_))), "{foreign}");
    let (card, asked) = answering(ok(&good));
    let foreign = negotiate(&card, &honest).expect_err("the card is at another origin");
    assert!(matches!(foreign, NotServed::NoMethod(NoMethod::Foreign(_))), "{foreign}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);

    let (swapped, _) = answering(ok(&file(&psp, "https://pay.example/v1/act/payments")));
    let no = negotiate(&swapped, &swapped).expect_err("the endpoint is another's");
    assert!(matches!(no, NotServed::NoMethod(NoMethod::NotOfPsp { .. })), "{no}");
    let (other, _) = answering(ok(&file("https://pay.example/", "https://pay.example/v1/act/payments")));
    let no = negotiate(&other, &other).expect_err("the agent has no account there");
    assert!(matches!(no, NotServed::NoMethod(NoMethod::NotOfPsp { .. })), "{no}");
    let (long, _) = answering(ok(&" ".repeat(65 * 1_024)));
    assert!(matches!(negotiate(&long, &long), Err(NotServed::Unbelievable(_))));
    let (empty, _) =
        answering(ok(r#"{"version":"1.0","role":"payee","agent_id":"pye_1","supported_methods":[]}"#));
    let none = negotiate(&empty, &empty).expect_err("there is nothing in common");
    assert!(matches!(none, NotServed::NoMethod(NoMethod::NoMatch)), "{none}");
    assert_eq!(town.spent(), 0);
}
