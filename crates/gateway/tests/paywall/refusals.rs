//! The refusals of the paid search (S7): each answers 402 or a coded error without the resource, and costs nothing.

use crate::house::{House, Options, id};
use evidence::{SigningKey, base64url};
use protocols::a402::headers::{PAYMENT_NEEDED, PAYMENT_PROOF};
use protocols::a402::wallet::{Network, network_layer};
use protocols::a402::{
    AmountText, Credential, DateTime, Demand, ErrorId, Fingerprint, Identifier, Payment, Proof,
};
use sdk::Failure;
use wire::HoldId;
use wire::a402::NewA402Payment;
use wire::account::Advance;

/// A payment service that says whatever a test wants, by a key the gateway trusts.
struct Psp(SigningKey);

impl Psp {
    fn options(&self) -> Options {
        let public = base64url::encode(self.0.public().bytes());
        Options {
            seller: format!(
                "[seller.credential_key]\nid = \"psp\"\nalgorithm = \"ed25519\"\npublic_key = \"{public}\"\n"
            ),
            ..Options::default()
        }
    }

    fn states(&self, demand: &Demand) -> Credential {
        let payment = Payment {
            trade_no: Identifier::parse(HoldId(id()).to_string()).unwrap(),
            buyer_unique_id: Identifier::parse("agt_somebody").unwrap(),
            paid_at: sdk::Clock::system().now(),
        };
        Credential::for_demand(demand, payment).unwrap()
    }

    fn proof(&self, credential: Credential) -> String {
        let payment_proof = credential.sign(&Identifier::parse("psp").unwrap(), &self.0);
        Proof::of(credential, payment_proof, network_layer(Network::Test)).encode().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_whatever_a_genuine_credential_says_else_than_the_bill_is_refused() {
    let psp = Psp(SigningKey::ed25519(&[9; 32]));
    let house = House::with(psp.options()).await;
    let demand = house.get("/search").await.needed().demand;
    let text = |text: &str| Identifier::parse(text).unwrap();
    type Change = fn(&mut Credential);
    let changes: [(&str, Change); 8] = [
        ("amount 2 instead of 3", |it| it.amount = AmountText::parse("0.02").unwrap()),
        ("amount of no money", |it| it.amount = AmountText::parse("0.00").unwrap()),
        ("another currency", |it| it.currency = protocols::a402::Currency::parse("USD").unwrap()),
        ("another resource", |it| it.resource_id = Identifier::parse("GET /cheap/{id}").unwrap()),
        ("another seller", |it| it.seller_unique_id = Identifier::parse("pye_other").unwrap()),
        ("another request", |it| {
            it.request_fingerprint = Fingerprint::parse(format!("sha-256:{}", "A".repeat(43))).unwrap();
        }),
        ("out of date", |it| {
            it.issued_at = DateTime::parse("2026-01-01T00:00:00Z").unwrap();
            it.expires_at = DateTime::parse("2026-01-01T00:10:00Z").unwrap();
        }),
        ("for longer than billed", |it| it.expires_at = DateTime::parse("2099-01-01T00:00:00Z").unwrap()),
    ];
    for (why, change) in changes {
        let mut credential = psp.states(&demand);
        change(&mut credential);
        let no = house.get_with("/search", &psp.proof(credential)).await;
        no.code(402, "proof_refused");
        assert_eq!(no.words(), ["INVALID", "NOT_STARTED", "NOT_CONFIRMED", "WAIT_BUYER_PAY"], "{why}");
        let error = no.validation().error().cloned().unwrap();
        assert_eq!(error.error_id().known(), Some(ErrorId::ProofInvalid), "{why}");
    }
    // A number that was never billed.
    let mut made_up = demand.clone();
    made_up.out_trade_no = text("bill_AAAA");
    house.get_with("/search", &psp.proof(psp.states(&made_up))).await.code(402, "proof_refused");
    // All is well, but the payment service itself knows no such trade.
    let no = house.get_with("/search", &psp.proof(psp.states(&demand))).await;
    no.code(402, "proof_refused");
    assert_eq!(house.upstream.calls(), 0);
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_another_trade_number_is_refused() {
    let house = House::new().await;
    let (one, other) = (house.proof("/search").await, house.proof("/search").await);
    let mut mixed = Proof::decode(&one).unwrap();
    mixed.trade_no = Proof::decode(&other).unwrap().trade_no;
    house.get_with("/search", &mixed.encode().unwrap()).await.code(402, "proof_refused");
    let mut mixed = Proof::decode(&one).unwrap();
    mixed.payment_proof = Proof::decode(&other).unwrap().payment_proof;
    house.get_with("/search", &mixed.encode().unwrap()).await.code(402, "proof_refused");
    assert_eq!(house.upstream.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_another_caller_than_the_buyer_is_refused() {
    let options =
        Options { seller: "caller_header = \"x-client-session\"\n".to_owned(), ..Options::default() };
    let house = House::with(options).await;
    let buyer = house.agent_id.to_string();
    let bill = house.send("GET", "/search", &[("x-client-session", &buyer)], "").await;
    assert_eq!(bill.needed().demand.buyer_unique_id.unwrap().as_str(), buyer);
    let proof = house.pay(&bill).await.payment_proof;
    for caller in ["agt_other", ""] {
        let headers = [("x-client-session", caller), (PAYMENT_PROOF, proof.as_str())];
        let no = house.send("GET", "/search", &headers[usize::from(caller.is_empty())..], "").await;
        no.code(402, "proof_refused");
    }
    let headers = [("x-client-session", buyer.as_str()), (PAYMENT_PROOF, proof.as_str())];
    assert_eq!(house.send("GET", "/search", &headers, "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_a_bill_is_not_paid_after_its_time() {
    let house = House::new().await;
    let bill = house.get("/search").await;
    house.operator.advance_clock(&Advance { seconds: 301 }).await.unwrap();
    let late = NewA402Payment {
        id: HoldId(id()),
        wallet: house.wallet,
        mandate: Some(house.mandate),
        payment_needed: bill.header(PAYMENT_NEEDED).unwrap(),
        approval: None,
        why: None,
    };
    let Err(Failure::Refused(problem)) = house.agent.a402_pay(&late).await else {
        panic!("paid");
    };
    assert_eq!(problem.a402.unwrap().error_id, "ACT-A402-REQUEST_INVALID");
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_a_swapped_body_or_content_type_is_refused() {
    let house = House::new().await;
    let json = ("content-type", "application/json");
    let bill = house.send("POST", "/render", &[json], "{\"a\":1}").await;
    let proof = house.pay(&bill).await.payment_proof;
    let with_proof = (PAYMENT_PROOF, proof.as_str());
    house.send("POST", "/render", &[json, with_proof], "{\"a\":2}").await.code(402, "proof_refused");
    let charset = ("content-type", "application/json; charset=utf-8");
    house.send("POST", "/render", &[charset, with_proof], "{\"a\":1}").await.code(402, "proof_refused");
    let key = ("idempotency-key", "other");
    house.send("POST", "/render", &[json, key, with_proof], "{\"a\":1}").await.code(402, "proof_refused");
    assert_eq!(house.upstream.calls(), 0);
    let good = house.send("POST", "/render", &[json, with_proof], "{\"a\":1}").await;
    assert_eq!(good.status, 200);
    assert!(house.upstream.last().ends_with("{\"a\":1}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_two_ways_of_paying_at_once_are_refused() {
    let house = House::new().await;
    let proof = house.proof("/search").await;
    let good = (PAYMENT_PROOF, proof.as_str());
    for other in [good, ("payment-signature", "x"), ("x-payment", "x"), ("authorization", "Payment x")] {
        house.send("GET", "/search", &[good, other], "").await.code(400, "payment_headers_invalid");
    }
    assert_eq!(house.upstream.calls(), 0);
    assert_eq!(house.get_with("/search", &proof).await.status, 200);
}
