//! What a gateway reports of coupons: what was captured, each use once; and what it hears of them.

use crate::house::{House, Options, Reply};
use crate::tunnel::Cut;
use crate::upstream::Mood;
use protocols::a402::headers::PAYMENT_PROOF;
use server::coupons::{Known, Switch};

/// Half of everything, with a budget that is enough for any price.
const HALF: &str = "\n[[coupon]]\ncode = \"HALF\"\npercent_off = 50\nbudget = \"5.00 CNY\"\n";

async fn known(house: &House) -> Vec<Known> {
    house.app.coupons_of(house.payee.to_string().parse().unwrap()).await.unwrap()
}

/// What the server knows of a coupon: its uses, what it took off, and what it has given as its gateway says.
async fn sums(house: &House, code: &str) -> (u64, u128, u128) {
    let known = known(house).await;
    let coupon = known.iter().find(|coupon| coupon.code == code).unwrap();
    (coupon.uses, coupon.off.minor(), coupon.gateways[0].0.given.minor())
}

async fn switch(house: &House, code: &str, to: Switch) {
    let payee = house.payee.to_string().parse().unwrap();
    assert!(house.app.switch_coupon(payee, code.to_owned(), to).await.unwrap());
}

async fn bill(house: &House, path: &str, code: &str) -> Reply {
    house.send("GET", path, &[("tollbridge-coupon", code)], "").await
}

async fn buy(house: &House, path: &str, code: &str) -> Reply {
    let bill = bill(house, path, code).await;
    let proof = house.pay(&bill).await.payment_proof;
    house.send("GET", path, &[(PAYMENT_PROOF, &proof)], "").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uses_are_reported_of_what_was_captured_and_each_of_them_once() {
    let options = Options { vouchers: HALF.to_owned(), ..Options::default() };
    let mut house = House::with(options).await;
    // Paid, and not delivered: no use of it.
    house.upstream.be(Mood::Status(500));
    buy(&house, "/search", "HALF").await.code(502, "upstream_failed");
    house.upstream.be(Mood::Says("X-Rows: 6\r\n", String::new()));
    // Asked and not paid: no use of it either.
    assert_eq!(bill(&house, "/search", "HALF").await.needed().demand.amount.as_str(), "0.01");
    assert_eq!(buy(&house, "/search", "HALF").await.status, 200);
    // Six rows are 6 fen, and half of that is taken off; half of the 20 that they may cost is kept of the budget.
    assert_eq!(buy(&house, "/rows", "HALF").await.status, 200);
    assert_eq!(buy(&house, "/search", "ONCE").await.status, 200);
    // While nobody can be told, nothing is lost.
    house.tunnel.cut(Cut::Before, "/v1/payees");
    house.settled().await;
    assert!(known(&house).await.is_empty());
    house.kill_shop().await;
    house.tunnel.heal();
    house.open_shop().await;
    for _ in 0..2 {
        house.settled().await;
        assert_eq!(sums(&house, "HALF").await, (2, 2 + 3, 2 + 10));
        assert_eq!(sums(&house, "ONCE").await, (1, 1, 1));
        assert_eq!(sums(&house, "SPRING").await, (0, 0, 0));
    }
    // 1 and 3 and 2 fen were paid.
    assert_eq!(house.money().await, (94, 0, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coupon_that_was_switched_off_lowers_no_bill_and_keeps_what_was_billed() {
    let mut house = House::new().await;
    house.settled().await;
    let billed = bill(&house, "/search", "SPRING").await;
    switch(&house, "SPRING", Switch::Off).await;
    // Nobody has told the gateway yet.
    assert_eq!(bill(&house, "/search", "SPRING").await.needed().demand.amount.as_str(), "0.01");
    house.settled().await;
    // Also while the payment service is away, and for a gateway that was started anew.
    house.tunnel.cut(Cut::Before, "/v1/payees");
    house.settled().await;
    house.kill_shop().await;
    house.open_shop().await;
    let full = bill(&house, "/search", "SPRING").await;
    assert_eq!(full.needed().demand.amount.as_str(), "0.03");
    assert!(full.body.contains("its seller has switched it off"), "{}", full.body);
    assert_eq!(bill(&house, "/search", "ONCE").await.needed().demand.amount.as_str(), "0.02");
    // A bill is a promise.
    let proof = house.pay(&billed).await.payment_proof;
    assert_eq!(house.send("GET", "/search", &[(PAYMENT_PROOF, &proof)], "").await.status, 200);
    house.tunnel.heal();
    switch(&house, "SPRING", Switch::On).await;
    house.settled().await;
    assert_eq!(sums(&house, "SPRING").await, (1, 2, 2));
    assert_eq!(bill(&house, "/search", "SPRING").await.needed().demand.amount.as_str(), "0.01");
}
