//! What was bought on terms, verified offline: the quote, the seller's evaluation, and the answer itself.

use crate::books::{Directory, complained, printed, tollbridge};
use book::{Amount, Time};
use evidence::{SigningKey, base64url};
use pricing::{Delivery, Evaluated, Quote, Sealed, Terms};
use serde_json::json;

const SELLER: &str = "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D";
const KEY: &str = "key_01KAZ0A3C0ET1N8R7P6QGX5W9D";
const ANSWER: &str = r#"{"rows":[1]}"#;

fn quote() -> Quote {
    let terms = json!([
        {"schema": {"type": "object"}, "lost_ppm": 1_000_000},
        {"rows": {"at": "/rows", "at_least": 2}, "lost_ppm": 300_000},
    ]);
    let terms = Terms::read(serde_json::from_value(terms).expect("a list of terms")).expect("they are terms");
    Quote {
        payee: SELLER.to_owned(),
        resource: "GET /listing".to_owned(),
        request: "fingerprint".to_owned(),
        amount: Amount::new(5).expect("it fits"),
        asset: "CNY/2".to_owned(),
        terms,
        expires_at: Time::from_seconds(1_780_000_000),
    }
}

#[test]
fn quotes_and_evaluations_are_verified_with_the_seller_s_keys_and_others_are_false() {
    let key = SigningKey::ed25519(&[7; 32]);
    let keys = |key: &SigningKey| {
        let public_key = base64url::encode(key.public().bytes());
        json!({"payee": SELLER, "keys": [{"key_id": KEY, "algorithm": "ed25519", "public_key": public_key}],
            "livemode": false})
    };
    let directory = Directory::new();
    let file = |name: &str, text: &str| {
        let path = directory.0.join(name);
        std::fs::write(&path, text).expect("the directory is ours");
        path.to_str().expect("a path is a text").to_owned()
    };
    let known = file("keys.json", &keys(&key).to_string());
    let other = file("others.json", &keys(&SigningKey::ed25519(&[8; 32])).to_string());
    let quote = Sealed::sign(quote(), KEY, &key);
    let at = Time::from_seconds(1_779_999_900);
    let delivery = Delivery { body: ANSWER.as_bytes(), paid_at: at, asked_at: at, answered_at: at };
    let said = Evaluated::of(quote.body(), quote.name(), "hld_trade", &delivery);
    let lies = Evaluated { owed: "5".to_owned(), ..said.clone() };
    let kept = |said: Evaluated| {
        json!({"quote": quote.to_value(), "evaluation": Sealed::sign(said, KEY, &key).to_value()}).to_string()
    };
    let header = file("quote.txt", &quote.to_header());
    let alone = file("quote.json", &quote.to_value().to_string());
    let whole = file("terms.json", &kept(said));
    let lying = file("lies.json", &kept(lies));
    let answer = file("answer.json", ANSWER);
    let another = file("another.json", r#"{"rows":[1,2]}"#);
    for (words, code, says) in [
        (vec![&header], 0, "-: at least 2 rows at `/rows`, or 30 % less"),
        (vec![&alone], 0, "5 smallest units of CNY/2 for GET /listing"),
        (vec![&whole, "--body", &answer], 0, "not met: at least 2 rows"),
        (vec![&whole, "--body", &answer], 0, "so 3 is owed"),
        (vec![&whole, "--body", &another], 6, "another `body_sha256`"),
        (vec![&lying, "--body", &answer], 6, "the terms come to 3, and 5 is owed by it"),
        (vec![&whole], 2, "give it with `--body FILE`"),
    ] as [(Vec<&str>, i32, &str); 7]
    {
        let words = [&["verify"], &words[..], &["--seller-keys", &known]].concat();
        let seen = tollbridge(&words);
        let text = printed(&seen) + &complained(&seen);
        assert_eq!((seen.status.code(), text.contains(says)), (Some(code), true), "{words:?}: {text}");
    }
    let forged = tollbridge(&["verify", &alone, "--seller-keys", &other]);
    assert_eq!(forged.status.code(), Some(6), "{}", complained(&forged));
}
