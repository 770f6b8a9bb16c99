//! Prices that depend on the answer: the most is held, the truth is captured, and the rest goes back.

use crate::house::House;
use crate::upstream::Mood;

fn said(reply: &crate::house::Reply, name: &str) -> Option<String> {
    let members = reply.validation().method().members().clone();
    members.get(name).map(|value| value.as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_most_is_held_the_truth_is_captured_and_the_rest_goes_back() {
    for (path, headers, body, most, charged, units) in [
        // 0.4 fen a page: 7 pages are 2.8 fen.
        ("/pages", "", r#"{"usage":{"pages":7}}"#, 20, 3, Some("7")),
        ("/pages", "", r#"{"usage":{"pages":1}}"#, 20, 0, Some("1")),
        ("/pages", "", r#"{"usage":{"pages":1.25}}"#, 20, 1, Some("1.25")),
        ("/pages", "", r#"{"usage":{"pages":0}}"#, 20, 0, Some("0")),
        ("/pages", "", r#"{"usage":{"pages":1000000}}"#, 20, 20, Some("1000000")),
        ("/pages", "", r#"{"usage":{"pages":"7"}}"#, 20, 0, None),
        ("/pages", "", r#"{"usage":{"pages":-7}}"#, 20, 0, None),
        ("/pages", "", r#"{"usage":{}}"#, 20, 0, None),
        ("/pages", "", "no json", 20, 0, None),
        // One fen each for ten rows, a tenth of it for the others, and two fen at least.
        ("/rows", "X-Rows: 10\r\n", "", 20, 10, Some("10")),
        ("/rows", "X-Rows: 35\r\n", "", 20, 13, Some("35")),
        ("/rows", "X-Rows: 1\r\n", "", 20, 2, Some("1")),
        ("/rows", "", "", 20, 2, None),
        ("/bytes", "", &"x".repeat(1_499), 5, 1, Some("1499")),
        ("/bytes", "", &"x".repeat(1_500), 5, 2, Some("1500")),
        ("/bytes", "", &"x".repeat(90_000), 5, 5, Some("90000")),
    ] {
        let house = House::new().await;
        house.upstream.be(Mood::Says(headers, body.to_owned()));
        let bill = house.get(path).await;
        let needed = bill.needed();
        assert_eq!(needed.demand.amount.as_str(), format!("0.{most:02}"), "{path}");
        assert_eq!(needed.method.members()["capture"], "up_to");
        let proof = house.pay(&bill).await.payment_proof;
        assert_eq!(house.money().await, (100 - most, most, 0), "the most is held");
        let answer = house.get_with(path, &proof).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
        assert_eq!(said(&answer, "held"), Some(format!("0.{most:02}")));
        assert_eq!(said(&answer, "charged"), Some(format!("0.{charged:02}")), "{path} {headers} {body:.40}");
        assert_eq!(said(&answer, "units").as_deref(), units, "{path} {body:.40}");
        let marked = if units.is_none() { Some("units_missing") } else { None };
        assert_eq!(said(&answer, "marked").as_deref(), marked);
        house.settled().await;
        assert_eq!(house.money().await, (100 - charged, 0, charged), "{path} {headers} {body:.40}");
        let again = house.get_with(path, &proof).await;
        assert_eq!(
            (&again.body, again.words()),
            (&answer.body, ["VALID", "DELIVERED", "CONFIRMED", "TRADE_FINISHED"])
        );
        assert_eq!(said(&again, "charged"), said(&answer, "charged"));
        assert_eq!(house.upstream.calls(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_says_how_its_price_is_found() {
    let house = House::new().await;
    for (path, words) in [
        ("/pages", "0.004 CNY per page, at most 0.20 CNY"),
        ("/rows", "0.01 CNY up to 10, then 0.001 CNY per row, at least 0.02 CNY, at most 0.20 CNY"),
        ("/bytes", "0.01 CNY per 1000 bytes, at most 0.05 CNY"),
    ] {
        let bill = house.get(path).await;
        assert_eq!(bill.needed().method.members()["price"], words);
        assert!(bill.body.contains(&format!("This costs {words}.")), "{}", bill.body);
    }
    assert!(!house.get("/search").await.needed().method.members().contains_key("capture"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_measured_survives_a_crash() {
    let mut house = House::new().await;
    house.upstream.be(Mood::Says("", r#"{"usage":{"pages":7}}"#.to_owned()));
    let proof = house.proof("/pages").await;
    house.tunnel.cut(crate::tunnel::Cut::Before, "/v1/a402/confirm");
    assert_eq!(house.get_with("/pages", &proof).await.status, 200);
    house.kill_shop().await;
    assert_eq!(house.money().await, (80, 20, 0));
    house.tunnel.heal();
    house.open_shop().await;
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
    assert_eq!(said(&house.get_with("/pages", &proof).await, "charged").as_deref(), Some("0.03"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metered_answer_that_fails_costs_nothing_at_all() {
    let house = House::new().await;
    house.upstream.be(Mood::Status(500));
    let proof = house.proof("/rows").await;
    house.get_with("/rows", &proof).await.code(502, "upstream_failed");
    assert_eq!(house.money().await, (100, 0, 0), "not even the least");
}
