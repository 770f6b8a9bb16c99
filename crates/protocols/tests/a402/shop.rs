//! One seller, one buyer and one payment service, with fixed keys and a clock that is an argument.

use book::Time;
use evidence::{MacKey, PublicKey, SigningKey, base64url, mac::Secret};
use protocols::a402::{
    AmountText, Bill, BuyerPolicy, CannotPay, Credential, Currency, DateTime, Demand, Identifier, Keyring,
    MethodId, MethodVersion, Needed, Offer, Outcome, Payment, Proof, ProofCheck, Refusal, RequestFacts,
    SellerKey, Trade, Uri, Validation, VerifiedProof, check_proof, check_proof_of_offer, open_needed,
    wallet::{self, AssetText, Network, WalletTerms},
};
use serde_json::Value;

pub(crate) const BODY: &[u8] = br#"{"days":3}"#;

pub(crate) fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

pub(crate) fn at(text: &str) -> Time {
    date(text).time()
}

/// `time` is a time of day on the day of all these tests.
pub(crate) fn today(time: &str) -> Time {
    at(&format!("2026-11-22T{time}Z"))
}

pub(crate) fn request() -> RequestFacts {
    let uri = "https://api.weather.example/v1/forecast?city=Oslo";
    RequestFacts::of("POST", uri, "application/json", BODY).unwrap()
}

pub(crate) fn seller_key() -> SellerKey {
    SellerKey { signer_id: id("weather.example/2026"), signing_key: SigningKey::ed25519(&[7; 32]) }
}

pub(crate) fn psp_key() -> SigningKey {
    SigningKey::ed25519(&[9; 32])
}

pub(crate) fn bill_key() -> MacKey {
    MacKey::new(&Secret::new([11; 32]))
}

pub(crate) fn seller_keys() -> Keyring {
    keyring("weather.example/2026", "weather.example", seller_key().signing_key.public())
}

pub(crate) fn psp_keys() -> Keyring {
    keyring("psp-2026", "toll:test/wallet", psp_key().public())
}

pub(crate) fn keyring(key_id: &str, owner: &str, key: &PublicKey) -> Keyring {
    let mut keys = Keyring::default();
    keys.trust(id(key_id), id(owner), key.clone());
    keys
}

pub(crate) fn offer() -> Offer {
    Offer {
        method_id: Network::Test.method_id(),
        method_version: wallet::method_version(),
        amount: AmountText::parse("0.30").unwrap(),
        currency: Currency::parse("USD").unwrap(),
        resource_id: id("forecast-oslo"),
        seller_unique_id: id("weather.example"),
        replay_window_seconds: 900,
        commerce_confirmation: None,
    }
}

pub(crate) fn terms() -> WalletTerms {
    WalletTerms {
        network: Network::Test,
        psp: Uri::parse("https://pay.example/a402").unwrap(),
        payee: id("acct_weather"),
        asset: AssetText::parse("USD/2").unwrap(),
    }
}

pub(crate) fn demand() -> Demand {
    let nonce = std::array::from_fn(|at| at as u8);
    offer().bill(&request(), &bill_key(), nonce, today("10:05:00"))
}

pub(crate) fn needed() -> Needed {
    demand().sign(terms().to_layer(), &seller_key()).unwrap()
}

pub(crate) fn policy() -> BuyerPolicy {
    let method: (MethodId, _) = (Network::Test.method_id(), wallet::method_version());
    BuyerPolicy { buyer_unique_id: id("agent-ana"), methods: [method].into(), replay_window_seconds_min: 60 }
}

pub(crate) fn open(value: &str) -> Result<Bill, CannotPay> {
    open_needed(value, &request(), &seller_keys(), &policy(), today("10:00:30"))
}

pub(crate) fn payment() -> Payment {
    Payment { trade_no: id("pay_1"), buyer_unique_id: id("agent-ana"), paid_at: today("10:01:00") }
}

pub(crate) fn credential() -> Credential {
    Credential::for_demand(&demand(), payment()).unwrap()
}

pub(crate) fn proof() -> Proof {
    let bill = open(&needed().encode().unwrap()).unwrap();
    let credential = credential().sign(&id("psp-2026"), &psp_key());
    bill.proof(credential, &psp_keys(), wallet::network_layer(Network::Test)).unwrap()
}

/// Both ways of checking, which must agree, on the request and at the time everything is good.
pub(crate) fn check(proof: &Proof) -> Result<VerifiedProof, Refusal> {
    check_at(proof, &request(), today("10:02:00"))
}

pub(crate) fn check_at(proof: &Proof, request: &RequestFacts, now: Time) -> Result<VerifiedProof, Refusal> {
    let psp_keys = psp_keys();
    let check = ProofCheck { proof, request, psp_keys: &psp_keys, now };
    let remembered = check_proof(&demand(), check);
    let recalled = check_proof_of_offer(&offer(), &bill_key(), check);
    assert_eq!(remembered.is_ok(), recalled.is_ok(), "{remembered:?} and {recalled:?}");
    remembered
}

/// The decoded payload of a header value.
pub(crate) fn payload(value: &str) -> Value {
    serde_json::from_slice(&base64url::decode(value).unwrap()).unwrap()
}

/// The header value of a payload, however wrong.
pub(crate) fn header(payload: &Value) -> String {
    base64url::encode(payload.to_string().as_bytes())
}

/// Another value of the same shape for a member: still well-formed, but not what was signed.
pub(crate) fn altered(name: &str, value: &Value) -> Value {
    let Value::String(text) = value else {
        return (value.as_u64().unwrap() + 1).into();
    };
    let other = match name {
        "amount" => "0.31".to_owned(),
        "currency" => "EUR".to_owned(),
        "method_id" => "toll:main/wallet".to_owned(),
        "method_version" => "1.0.1".to_owned(),
        "request_method" => "PUT".to_owned(),
        "signature_type" => "ES256".to_owned(),
        "pay_before" | "expires_at" | "issued_at" => text.replace("2026", "2027"),
        "psp" => "https://pay.evil.example/a402".to_owned(),
        _ => {
            // Another first letter behind a prefix that has to stay.
            let (kept, rest) = text.split_at(text.find(':').map_or(0, |colon| colon + 1));
            let mut letters = rest.chars();
            let first = if letters.next() == Some('A') { 'B' } else { 'A' };
            format!("{kept}{first}{}", letters.as_str())
        }
    };
    Value::String(other)
}

/// A validation of the trade all these tests are about.
pub(crate) fn report(outcome: Outcome) -> Validation {
    let claims = credential();
    let about = Trade {
        method_id: claims.method_id,
        method_version: claims.method_version,
        out_trade_no: claims.out_trade_no,
        resource_id: claims.resource_id,
        trade_no: claims.trade_no,
        request_fingerprint: claims.request_fingerprint,
    };
    let validated_at = date("2026-11-22T10:02:00Z");
    Validation::report(about, outcome, validated_at, wallet::network_layer(Network::Test))
}

pub(crate) fn date(text: &str) -> DateTime {
    DateTime::parse(text).unwrap()
}

pub(crate) fn version(text: &str) -> MethodVersion {
    MethodVersion::parse(text).unwrap()
}
