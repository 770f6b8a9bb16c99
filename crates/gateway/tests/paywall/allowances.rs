//! Free calls and coupons: exact under concurrency and crashes, and never more than was promised.

use crate::house::{House, Options, Reply};
use crate::upstream::Mood;
use futures_util::future::join_all;
use protocols::a402::headers::PAYMENT_PROOF;

const CALLER: &str = "x-caller";

fn named() -> Options {
    Options { seller: format!("caller_header = \"{CALLER}\"\n"), ..Options::default() }
}

async fn call(house: &House, path: &str, caller: &str) -> Reply {
    house.send("GET", path, &[(CALLER, caller)], "").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn free_calls_are_counted_exactly_however_many_come_at_once_and_whoever_dies() {
    let mut house = House::with(named()).await;
    let all = join_all((0..40).map(|_| call(&house, "/quota", "ann"))).await;
    let count = |status| all.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(200), count(402), house.upstream.calls()), (3, 37, 3));
    assert!(all.iter().any(|reply| reply.header("tollbridge-free").as_deref() == Some("left=0; per=day")));
    // Whoever only asks for the price uses none up.
    let look = house.send("GET", "/quota", &[(CALLER, "bea"), ("tollbridge-price-only", "1")], "").await;
    look.code(402, "payment_required");
    assert_eq!(house.shop().metrics().looks.get(), 1);
    // Another caller has calls of her own, and a dead gateway forgets nobody's.
    assert_eq!(
        call(&house, "/quota", "bea").await.header("tollbridge-free").as_deref(),
        Some("left=2; per=day")
    );
    house.open_mortal_shop().await;
    house.strike_dead();
    house.open_shop().await;
    call(&house, "/quota", "ann").await.code(402, "payment_required");
    assert_eq!(
        call(&house, "/quota", "bea").await.header("tollbridge-free").as_deref(),
        Some("left=1; per=day")
    );
    // The next day begins anew; what is for ever does not.
    for left in ["left=1; per=ever", "left=0; per=ever"] {
        assert_eq!(call(&house, "/trial", "ann").await.header("tollbridge-free").as_deref(), Some(left));
    }
    house.later(86_400).await;
    assert_eq!(call(&house, "/quota", "ann").await.status, 200);
    call(&house, "/trial", "ann").await.code(402, "payment_required");
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_free_call_that_delivers_nothing_is_given_back_and_no_name_is_taken_from_strangers() {
    let house = House::new().await;
    for mood in [Mood::Status(500), Mood::Status(404), Mood::HangUp] {
        house.upstream.be(mood.clone());
        for _ in 0..5 {
            let reply = house.get("/trial").await;
            assert_ne!(reply.status, 402, "{mood:?}");
            assert_eq!(reply.header("tollbridge-free").as_deref(), Some("left=2; per=ever"));
        }
    }
    house.upstream.be(Mood::Well);
    // Without a header that the seller trusts, the address counts, whatever the request calls itself.
    for (caller, status) in [("ann", 200), ("bea", 200), ("cay", 402)] {
        let headers = [(CALLER, caller), ("x-forwarded-for", caller)];
        assert_eq!(house.send("GET", "/trial", &headers, "").await.status, status);
    }
    // Who pays uses no free call up, and is served for the payment.
    let proof = house.proof("/trial").await;
    assert_eq!(house.get_with("/trial", &proof).await.status, 200);
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
}

async fn buy(house: &House, path: &str, code: &str) -> Reply {
    let bill = house.send("GET", path, &[("tollbridge-coupon", code)], "").await;
    let proof = house.pay(&bill).await.payment_proof;
    house.get_with(path, &proof).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coupon_makes_the_bill_lower_until_its_budget_is_spent() {
    let house = House::new().await;
    let bill = house.send("GET", "/search", &[("tollbridge-coupon", "SPRING")], "").await;
    // Half of 3 fen, and the broken fen is the buyer's.
    assert_eq!(bill.needed().demand.amount.as_str(), "0.01");
    assert_eq!(bill.needed().demand.resource_id.as_str(), "GET /search with coupon SPRING");
    assert!(bill.body.contains("with your coupon 0.01 CNY"), "{}", bill.body);
    assert_eq!(buy(&house, "/search", "SPRING").await.status, 200);
    assert!(!house.upstream.last().to_lowercase().contains("coupon"), "it is nobody's behind us");
    assert_eq!(buy(&house, "/search", "SPRING").await.status, 200);
    house.settled().await;
    assert_eq!(house.money().await, (98, 0, 2));
    for code in ["SPRING", "OLD", "NONE", ""] {
        let full = house.send("GET", "/search", &[("tollbridge-coupon", code)], "").await;
        assert_eq!(full.needed().demand.amount.as_str(), "0.03", "{code}");
        assert!(full.body.contains("Your coupon does not count"), "{code} {}", full.body);
    }
    let twice = [("tollbridge-coupon", "ONCE"), ("tollbridge-coupon", "SPRING")];
    house.send("GET", "/search", &twice, "").await.code(400, "payment_headers_invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_never_exceeded_and_who_comes_too_late_has_the_money_back() {
    let mut house = House::new().await;
    // All are billed while there is something left; it is enough for two.
    let mut proofs = Vec::new();
    for n in 0..6 {
        let path = format!("/search?n={n}");
        let bill = house.send("GET", &path, &[("tollbridge-coupon", "SPRING")], "").await;
        proofs.push((path, house.pay(&bill).await.payment_proof));
    }
    let replies = join_all(proofs.iter().map(|(path, proof)| house.get_with(path, proof))).await;
    let served = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((served, house.upstream.calls()), (2, 2));
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        refused.code(402, "coupon_refused");
        assert!(refused.body.contains("what was held for this goes back"), "{}", refused.body);
        assert_eq!(refused.needed().demand.amount.as_str(), "0.03", "the next bill is the full one");
    }
    house.settled().await;
    assert_eq!(house.money().await, (98, 0, 2));
    house.kill_shop().await;
    house.open_shop().await;
    let full = house.send("GET", "/search", &[("tollbridge-coupon", "SPRING")], "").await;
    assert_eq!(full.needed().demand.amount.as_str(), "0.03", "a budget survives its gateway");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coupon_for_once_is_used_once_by_whoever_pays_and_not_by_what_fails() {
    let house = House::new().await;
    house.upstream.be(Mood::Status(500));
    buy(&house, "/search", "ONCE").await.code(502, "upstream_failed");
    house.upstream.be(Mood::Well);
    assert_eq!(buy(&house, "/search", "ONCE").await.status, 200);
    house.settled().await;
    assert_eq!(house.money().await, (98, 0, 2));
    buy(&house, "/search", "ONCE").await.code(402, "coupon_refused");
    house.settled().await;
    assert_eq!(house.money().await, (98, 0, 2));
    // A proof that was paid with a coupon is none for the same thing without it, and the other way round.
    let plain = house.proof("/search?a").await;
    let mut claims = protocols::a402::Proof::decode(&plain).unwrap();
    claims.resource_id = protocols::a402::Identifier::parse("GET /search with coupon SPRING").unwrap();
    let forged = claims.encode().unwrap();
    house.send("GET", "/search?a", &[(PAYMENT_PROOF, &forged)], "").await.code(402, "proof_refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coupon_takes_off_what_an_answer_cost_in_the_end() {
    let house = House::new().await;
    house.upstream.be(Mood::Says("X-Rows: 6\r\n", String::new()));
    // At most 20 fen: the coupon's budget of 4 is not enough for half of it. One fen off is.
    let full = house.send("GET", "/rows", &[("tollbridge-coupon", "SPRING")], "").await;
    assert_eq!(full.needed().demand.amount.as_str(), "0.20");
    let bill = house.send("GET", "/rows", &[("tollbridge-coupon", "ONCE")], "").await;
    assert_eq!(bill.needed().demand.amount.as_str(), "0.19");
    let proof = house.pay(&bill).await.payment_proof;
    assert_eq!(house.get_with("/rows", &proof).await.status, 200);
    house.settled().await;
    assert_eq!(house.money().await, (95, 0, 5));
}
