//! Sessions of the `Payment` scheme at the gateway: the same channel, the same vouchers and the same delivery, in its words.

use crate::house::{House, Options, Reply, id};
use crate::upstream::Mood;
use crate::vouchers::Channel;
use evidence::SigningKey;
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::mpp::session::{Action, SessionCredential, SessionReceipt, Standing, Terms};
use protocols::mpp::{CHALLENGE, CREDENTIAL, Challenge, RECEIPT};
use protocols::voucher::{VOUCHER, Voucher};
use protocols::x402::PAYMENT_SIGNATURE;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A tenth of a fen, in billionths.
const TICK: u128 = 100_000_000;

/// The challenges of an answer, as clients keep them: the parameters, and `request` as it came.
fn challenges(reply: &Reply) -> Vec<Challenge> {
    let texts = reply.headers.get_all(CHALLENGE).iter().map(|value| value.to_str().unwrap());
    let read = texts.filter_map(|text| {
        let parameters = text.strip_prefix("Payment ")?.split(", ").map(|parameter| {
            let (name, value) = parameter.split_once('=').expect("a parameter");
            (name.to_owned(), Value::from(value.trim_matches('"')))
        });
        Some(Challenge::parse(&Value::Object(parameters.collect()).to_string()).unwrap())
    });
    read.collect()
}

/// What an answer asks for by session, if it does.
pub(crate) fn asked(reply: &Reply) -> Option<Challenge> {
    challenges(reply).into_iter().find(|challenge| Terms::read(challenge).is_ok())
}

pub(crate) fn receipt(reply: &Reply) -> SessionReceipt {
    let header = reply.header(RECEIPT).unwrap_or_else(|| panic!("no receipt: {reply:?}"));
    SessionReceipt::decode(&header).unwrap()
}

/// How a channel stands, as a new challenge says.
pub(crate) fn told(reply: &Reply) -> Option<u128> {
    let (_, standing) = Terms::read(&asked(reply)?).unwrap();
    standing.map(|Standing { spent_nanos, .. }| spent_nanos)
}

fn problem(reply: &Reply) -> String {
    let said: Value = serde_json::from_str(&reply.body).unwrap_or_else(|_| panic!("{reply:?}"));
    said["type"].as_str().unwrap().trim_start_matches("https://paymentauth.org/problems/").to_owned()
}

/// A session: a channel, and the challenge that is asked now.
struct Session<'a> {
    house: &'a House,
    challenge: Challenge,
    channel: Channel,
}

impl<'a> Session<'a> {
    async fn of(house: &'a House, deposit: u128) -> Session<'a> {
        let challenge = asked(&house.get("/tick").await).expect("it is sold by session");
        Session { house, challenge, channel: house.channel(deposit).await }
    }

    fn voucher(&self, total: u128) -> Voucher {
        Voucher::sign(&self.channel.key, self.channel.id.0, total)
    }

    fn header(&self, action: Action) -> String {
        SessionCredential { challenge: self.challenge.clone(), action }.encode()
    }

    async fn show(&self, action: Action) -> Reply {
        self.house.send("GET", "/tick", &[(CREDENTIAL, &self.header(action))], "").await
    }

    async fn tick(&self, total: u128) -> Reply {
        self.show(Action::Voucher(self.voucher(total))).await
    }

    async fn close(&self, total: u128) -> Reply {
        self.show(Action::Close(self.voucher(total))).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_paid_to_the_billionth_and_gives_back_the_rest() {
    let house = House::new().await;
    house.upstream.be(Mood::Says(
        "Payment-Receipt: forged\r\nWWW-Authenticate: Payment id=\"x\"\r\n",
        "tick".to_owned(),
    ));
    let bill = house.get("/tick").await;
    assert_eq!(challenges(&bill).len(), 2, "a charge, and a session");
    assert!(challenges(&bill)[0].price().is_ok(), "who knows charges only finds one first");
    let session = Session::of(&house, 10).await;
    let (terms, standing) = Terms::read(&session.challenge).unwrap();
    assert_eq!((terms.price_nanos, terms.deposit_nanos, standing), (TICK, 10_000_000_000, None));
    assert_eq!((terms.payee.as_str(), terms.scale), (&*house.payee.to_string(), 2));
    assert_eq!(session.challenge.id, asked(&house.get("/tick?b").await).unwrap().id, "of one price");

    let first = session.show(Action::Open(session.voucher(TICK))).await;
    assert_eq!((first.status, &*first.body), (200, "tick"), "{first:?}");
    for call in 2..=25 {
        let answer = session.tick(call * TICK).await;
        assert_eq!((answer.status, &*answer.body), (200, "tick"), "{answer:?}");
        assert!(challenges(&answer).is_empty(), "nobody behind us asks for money");
        let said = receipt(&answer);
        assert_eq!((said.spent_nanos, said.accepted_nanos, said.units), (call * TICK, call * TICK, 1));
        assert_eq!((said.channel, &said.challenge_id), (session.channel.id.0, &session.challenge.id));
    }
    // Another price in the same session: 1.23456789 fen.
    let total = 25 * TICK + 1_234_567_890;
    let dearer = house.send("POST", "/tock/1", &[("idempotency-key", "tock-1")], "{}").await;
    let credential = SessionCredential {
        challenge: asked(&dearer).unwrap(),
        action: Action::Voucher(session.voucher(total)),
    };
    let headers = [(CREDENTIAL, &*credential.encode()), ("idempotency-key", "tock-1")];
    assert_eq!(receipt(&house.send("POST", "/tock/1", &headers, "{}").await).spent_nanos, total);
    assert_eq!(house.money().await, (90, 10, 0));
    let closed = session.close(total).await;
    assert_eq!((closed.status, &*closed.body), (204, ""), "{closed:?}");
    assert_eq!((receipt(&closed).spent_nanos, receipt(&closed).units), (total, 0));
    // 3.73456789 fen, half up.
    assert_eq!((house.upstream.calls(), house.money().await), (26, (96, 0, 4)));
    let over = session.tick(total + TICK).await;
    assert_eq!(
        (problem(over.code(402, "channel_refused")), over.header(RECEIPT)),
        ("session/channel-finalized".into(), None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_moves_nothing_and_says_why_in_both_words() {
    let house = House::new().await;
    let session = Session::of(&house, 1).await;
    assert_eq!(session.tick(TICK).await.status, 200);
    let stranger = SigningKey::ed25519(&[9; 32]);
    let nobody = Voucher::sign(&stranger, id(), TICK);
    let forged = Voucher::sign(&stranger, session.channel.id.0, 2 * TICK);
    let other_path = session.header(Action::Voucher(session.voucher(TICK)));
    let replayed = house.send("GET", "/tick?page=2", &[(CREDENTIAL, &other_path)], "").await;
    let mut renamed = session.challenge.clone();
    renamed.id.push('x');
    let dearer = asked(&house.send("POST", "/tock/1", &[("idempotency-key", "1")], "{}").await).unwrap();
    let mut rows = vec![(replayed, "voucher_total", "session/insufficient-balance")];
    for (voucher, code, address) in [
        (session.voucher(0), "voucher_total", "session/insufficient-balance"),
        (session.voucher(TICK / 2), "voucher_total", "session/insufficient-balance"),
        (session.voucher(2 * TICK - 1), "voucher_total", "session/insufficient-balance"),
        (session.voucher(2 * TICK + 1), "voucher_total", "verification-failed"),
        (session.voucher(11 * TICK), "voucher_total", "verification-failed"),
        (forged, "voucher_refused", "session/invalid-signature"),
        (nobody, "channel_refused", "session/channel-not-found"),
    ] {
        rows.push((session.show(Action::Voucher(voucher)).await, code, address));
    }
    for challenge in [renamed, dearer] {
        let credential = SessionCredential { challenge, action: Action::Voucher(session.voucher(2 * TICK)) };
        let reply = house.send("GET", "/tick", &[(CREDENTIAL, &credential.encode())], "").await;
        rows.push((reply, "voucher_refused", "session/challenge-not-found"));
    }
    for (reply, code, address) in &rows {
        assert_eq!(problem(reply.code(402, code)), *address, "{reply:?}");
        assert_eq!((reply.header(RECEIPT), challenges(reply).len()), (None, 2), "and new challenges");
        // Only whoever has signed for the channel is told how it stands.
        assert_eq!(told(reply), (*code == "voucher_total").then_some(TICK), "{address}");
    }
    // Not sold by session, so nothing is asked for in it.
    let search = house
        .send(
            "GET",
            "/search",
            &[(CREDENTIAL, &session.header(Action::Voucher(session.voucher(2 * TICK))))],
            "",
        )
        .await;
    assert_eq!(problem(search.code(402, "voucher_refused")), "session/challenge-not-found");
    assert_eq!(challenges(&search).len(), 1);
    assert_eq!(house.upstream.calls(), 1);
    // To the last billionth of the deposit, and not beyond.
    for call in 2..=10 {
        assert_eq!(session.tick(call * TICK).await.status, 200);
    }
    let beyond = session.tick(11 * TICK).await;
    assert_eq!(problem(beyond.code(402, "channel_refused")), "session/amount-exceeds-deposit");
    assert_eq!((house.upstream.calls(), house.money().await), (10, (99, 1, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_comes_again_gets_its_answer_again_also_from_the_next_life() {
    let mut house = House::new().await;
    let (header, total) = {
        let session = Session::of(&house, 10).await;
        let first = session.tick(TICK).await;
        let again = session.tick(TICK).await;
        assert_eq!((again.status, &again.body, receipt(&again).spent_nanos), (200, &first.body, TICK));
        (session.header(Action::Voucher(session.voucher(TICK))), TICK)
    };
    house.kill_shop().await;
    house.open_shop().await;
    let again = house.send("GET", "/tick", &[(CREDENTIAL, &header)], "").await;
    assert_eq!((again.status, receipt(&again).spent_nanos), (200, total));
    assert_eq!(house.upstream.calls(), 1);
}

// Whatever the moment: what was answered is owed and answered again, and what was not is neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_dies_in_mid_session_counts_no_call_twice() {
    let mut house = House::new().await;
    let (challenge, channel) = {
        let session = Session::of(&house, 10).await;
        (session.challenge, session.channel)
    };
    let header = |total| {
        let action = Action::Voucher(Voucher::sign(&channel.key, channel.id.0, total));
        SessionCredential { challenge: challenge.clone(), action }.encode()
    };
    for call in 1..=5 {
        house.open_mortal_shop().await;
        let gate = Arc::new(Semaphore::new(0));
        house.upstream.be(Mood::Gated(Arc::clone(&gate)));
        let before = house.upstream.calls();
        let request = house.http.get(format!("{}/tick", house.url)).header(CREDENTIAL, header(call * TICK));
        let under_way = tokio::spawn(async move { request.send().await });
        while house.upstream.calls() == before {
            tokio::task::yield_now().await;
        }
        house.strike_dead();
        assert!(under_way.await.unwrap().is_err(), "who waits sees that it broke off");
        house.upstream.be(Mood::Well);
        house.open_mortal_shop().await;
        for _ in 0..2 {
            let answer = house.send("GET", "/tick", &[(CREDENTIAL, &header(call * TICK))], "").await;
            assert_eq!((answer.status, receipt(&answer).spent_nanos), (200, call * TICK), "{answer:?}");
        }
        house.strike_dead();
    }
    house.open_shop().await;
    let close = SessionCredential {
        challenge: challenge.clone(),
        action: Action::Close(Voucher::sign(&channel.key, channel.id.0, 5 * TICK)),
    };
    assert_eq!(house.send("GET", "/tick", &[(CREDENTIAL, &close.encode())], "").await.status, 204);
    assert_eq!((house.upstream.calls(), house.money().await), (10, (99, 0, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_what_is_owed_and_with_nothing_else() {
    let house = House::new().await;
    let session = Session::of(&house, 10).await;
    for call in 1..=10 {
        assert_eq!(session.tick(call * TICK).await.status, 200);
    }
    for (total, address) in [
        (9 * TICK, "session/insufficient-balance"),
        (0, "session/insufficient-balance"),
        (11 * TICK, "verification-failed"),
    ] {
        let refused = session.close(total).await;
        assert_eq!(problem(refused.code(402, "voucher_total")), address, "{total}");
        assert_eq!(told(&refused), Some(10 * TICK), "{total}");
    }
    let forged = Voucher::sign(&SigningKey::ed25519(&[9; 32]), session.channel.id.0, 10 * TICK);
    let refused = session.show(Action::Close(forged)).await;
    assert_eq!(problem(refused.code(402, "voucher_refused")), "session/invalid-signature");
    let nobody = Voucher::sign(&session.channel.key, id(), 0);
    let unknown = session.show(Action::Close(nobody)).await;
    assert_eq!(problem(unknown.code(402, "channel_refused")), "session/channel-not-found");
    assert_eq!(house.money().await, (90, 10, 0));
    assert_eq!(session.close(10 * TICK).await.status, 204);
    let again = session.close(10 * TICK).await;
    assert_eq!(problem(again.code(402, "channel_refused")), "session/channel-finalized");
    assert_eq!((house.upstream.calls(), house.money().await), (10, (99, 0, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_used_up_gives_way_to_another() {
    let house = House::new().await;
    let mut session = Session::of(&house, 1).await;
    for call in 1..=10 {
        assert_eq!(session.tick(call * TICK).await.status, 200);
    }
    let last = session.voucher(10 * TICK);
    for next in [id(), session.channel.id.0] {
        let no = session.show(Action::TopUp { last, next }).await;
        no.code(402, "channel_refused");
        assert_eq!((house.money().await, no.header(RECEIPT)), ((99, 1, 0), None), "nothing was closed");
    }
    let next = house.channel(3).await;
    let short = session.voucher(9 * TICK);
    session.show(Action::TopUp { last: short, next: next.id.0 }).await.code(402, "voucher_total");
    let went_on = session.show(Action::TopUp { last, next: next.id.0 }).await;
    // Whoever closes a channel may name any other: of that one nothing is said.
    assert_eq!((went_on.status, receipt(&went_on).channel), (204, session.channel.id.0), "{went_on:?}");
    assert_eq!((receipt(&went_on).spent_nanos, house.money().await), (10 * TICK, (96, 3, 1)));
    session.channel = next;
    assert_eq!(receipt(&session.tick(TICK).await).spent_nanos, TICK);
    assert_eq!(session.close(TICK).await.status, 204);
    assert_eq!((house.upstream.calls(), house.money().await), (11, (99, 0, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_delivered_has_no_receipt_and_is_not_owed() {
    let house = House::new().await;
    let session = Session::of(&house, 10).await;
    for mood in [Mood::Status(500), Mood::HangUp, Mood::Truncated, Mood::Status(404)] {
        house.upstream.be(mood.clone());
        let failed = session.tick(TICK).await;
        assert_ne!(failed.status, 200, "{mood:?}");
        assert_eq!(failed.header(RECEIPT), None, "{mood:?}");
    }
    house.upstream.be(Mood::Well);
    assert_eq!(receipt(&session.tick(TICK).await).spent_nanos, TICK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_paid_in_one_way() {
    let house = House::new().await;
    let session = Session::of(&house, 10).await;
    let mine = session.header(Action::Voucher(session.voucher(TICK)));
    let bill = house.get("/search").await;
    let paid = house.pay(&bill).await;
    let x402 = crate::x402::asked(&bill);
    let x402 = crate::x402::encode(&json!({"x402Version": 2, "resource": x402["resource"],
        "accepted": x402["accepts"][0], "payload": {"credential": "e30"}}));
    for beside in [
        (VOUCHER, session.voucher(TICK).to_string()),
        (PAYMENT_PROOF, paid.payment_proof),
        (PAYMENT_SIGNATURE, x402),
        (CREDENTIAL, mine.clone()),
    ] {
        let headers = [(CREDENTIAL, &*mine), (beside.0, &*beside.1)];
        house.send("GET", "/tick", &headers, "").await.code(400, "payment_headers_invalid");
    }
    assert_eq!(house.upstream.calls(), 0);
    // Another scheme is the upstream's.
    let both = [("Authorization", "Bearer theirs"), (CREDENTIAL, &*mine)];
    assert_eq!(house.send("GET", "/tick", &both, "").await.status, 200);
    let seen = house.upstream.last();
    assert!(seen.contains("Bearer theirs") && !seen.contains("Payment "), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_published_with_what_it_asks() {
    let options = Options { seller: "discovery = true".to_owned(), ..Options::default() };
    let house = House::with(options).await;
    let document: Value = serde_json::from_str(&house.get("/openapi.json").await.body).unwrap();
    let offers =
        |path: &str| document["paths"][path]["get"]["x-payment-info"]["offers"].as_array().unwrap().clone();
    let challenge = asked(&house.get("/tick").await).unwrap();
    let tick = &offers("/tick")[1];
    assert_eq!((&tick["intent"], &tick["method"]), (&json!("session"), &json!("toll")));
    for name in ["amount", "currency"] {
        assert_eq!(tick[name], challenge.request[name], "{name}");
    }
    assert_eq!(offers("/search").len(), 1);
}
