//! Calls that are paid by voucher: one delivery for one sum, exact money at the end, and nothing lost when somebody dies.

use crate::house::{House, Options, Reply, fen, id};
use crate::tunnel::Cut;
use crate::upstream::Mood;
use evidence::{SigningKey, base64url};
use futures_util::future::join_all;
use protocols::a402::DateTime;
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::voucher::{OWED, Offer, VOUCHER, Voucher};
use sdk::{Answer, Clock};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wire::account::{Algorithm, NewKey, NewPayee, Provenance, Subject};
use wire::channel::NewChannel;
use wire::meter::Rounding;
use wire::{KeyId, MeterId, PayeeId};

/// A tenth of a fen, in billionths.
const TICK: u128 = 100_000_000;

/// A channel, and the key of its vouchers.
pub(crate) struct Channel {
    pub(crate) id: MeterId,
    pub(crate) key: SigningKey,
}

impl Channel {
    pub(crate) fn voucher(&self, total: u128) -> String {
        Voucher::sign(&self.key, self.id.0, total).to_string()
    }
}

impl House {
    pub(crate) async fn channel(&self, deposit: u128) -> Channel {
        self.channel_with(deposit, 3_600, self.payee).await
    }

    async fn channel_with(&self, deposit: u128, seconds: u64, payee: PayeeId) -> Channel {
        let channel = Channel { id: MeterId(id()), key: SigningKey::ed25519(&rand::random()) };
        let ends = Clock::system().now().after(seconds * 1_000_000_000);
        let new = NewChannel {
            id: channel.id,
            wallet: self.wallet,
            mandate: Some(self.mandate),
            payee,
            amount: fen(deposit),
            category: None,
            reference: None,
            approval: None,
            expires_at: DateTime::second_of(ends).as_str().to_owned(),
            rounding: Rounding::HalfUp,
            algorithm: Algorithm::Ed25519,
            voucher_key: base64url::encode(channel.key.public().bytes()),
        };
        match self.agent.open_channel(&new).await.unwrap() {
            Answer::Done(_) => channel,
            Answer::Asked(asked) => panic!("{asked:?}"),
        }
    }

    pub(crate) async fn tick(&self, channel: &Channel, total: u128) -> Reply {
        self.send("GET", "/tick", &[(VOUCHER, &channel.voucher(total))], "").await
    }

    async fn close(&self, channel: &Channel, total: u128) -> Reply {
        let path = format!("/.tollbridge/channels/{}/close", channel.id);
        self.send("POST", &path, &[(VOUCHER, &channel.voucher(total))], "").await
    }

    async fn claimed(&self, channel: &Channel) -> u128 {
        self.seller.channel(channel.id).await.unwrap().claimed_nanos.parse().unwrap()
    }
}

fn owed(reply: &Reply) -> Option<u128> {
    reply.header(OWED).map(|owed| owed.parse().unwrap())
}

fn checking(every: u32) -> Options {
    Options { vouchers: format!("check_every = {every}"), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_of_tiny_calls_is_settled_with_one_rounding() {
    let house = House::new().await;
    let offer = Offer::read(&house.get("/tick").await.needed().method).unwrap().unwrap();
    assert_eq!((offer.price_nanos, offer.deposit_minor, &*offer.at), (TICK, 10, "/.tollbridge/channels"));
    assert_eq!(Offer::read(&house.get("/search").await.needed().method), Ok(None));
    let channel = house.channel(10).await;
    for call in 1..=25 {
        let answer = house.tick(&channel, call * TICK).await;
        assert_eq!((answer.status, &*answer.body), (200, &*format!("{{\"call\":{call}}}")));
        assert_eq!(answer.headers.get(OWED).unwrap().to_str().unwrap(), (call * TICK).to_string());
        assert_eq!(answer.header("x-upstream"), Some("yes".into()));
    }
    // Another price on the same channel: 1.23456789 fen. The upstream's no is charged where the price says so.
    house.upstream.be(Mood::Status(404));
    let total = 25 * TICK + 1_234_567_890;
    let headers = [(VOUCHER, &*channel.voucher(total)), ("idempotency-key", "tock-1")];
    let answer = house.send("POST", "/tock/1", &headers, "{}").await;
    assert_eq!((answer.status, owed(&answer)), (404, Some(total)), "{answer:?}");
    assert_eq!(house.money().await, (90, 10, 0));
    let closed = house.close(&channel, total).await;
    assert_eq!(closed.status, 200, "{closed:?}");
    // 3.73456789 fen, half up.
    assert_eq!((house.claimed(&channel).await, house.money().await), (total, (96, 0, 4)));
    house.tick(&channel, total + TICK).await.code(402, "channel_refused");
    house.close(&channel, total).await.code(402, "channel_refused");
    assert_eq!(house.upstream.calls(), 26);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_was_never_used_gives_everything_back() {
    let house = House::new().await;
    let channel = house.channel(10).await;
    house.close(&channel, 1).await.code(402, "voucher_total");
    assert_eq!(house.close(&channel, 0).await.status, 200);
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_is_delivered_for_once_however_often_it_comes() {
    let mut house = House::new().await;
    let channel = house.channel(10).await;
    let replies = join_all((0..100).map(|_| house.tick(&channel, TICK))).await;
    let (good, busy): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert!(!good.is_empty());
    for reply in &good {
        assert_eq!((&*reply.body, owed(reply)), ("{\"call\":1}", Some(TICK)));
    }
    for reply in &busy {
        reply.code(409, "channel_busy");
    }
    // Not for another request, and not by another way of writing it.
    let other = house.send("GET", "/tick?page=2", &[(VOUCHER, &channel.voucher(TICK))], "").await;
    assert_eq!(owed(other.code(402, "voucher_total")), Some(TICK));
    let twice = [(VOUCHER, &*channel.voucher(TICK)), (VOUCHER, &*channel.voucher(2 * TICK))];
    house.send("GET", "/tick", &twice, "").await.code(400, "payment_headers_invalid");
    house.kill_shop().await;
    house.open_shop().await;
    assert_eq!(house.tick(&channel, TICK).await.body, "{\"call\":1}");
    assert_eq!(house.upstream.calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_delivers_nothing() {
    let house = House::new().await;
    let channel = house.channel(1).await;
    let other = house.channel(1).await;
    let stranger = Channel { id: channel.id, key: SigningKey::ed25519(&[9; 32]) };
    let nobody = Channel { id: MeterId(id()), key: SigningKey::ed25519(&[9; 32]) };
    let borrowed = Channel { id: other.id, key: SigningKey::ed25519(&[9; 32]) };
    assert_eq!(house.tick(&channel, TICK).await.status, 200);
    let mut altered = Voucher::sign(&channel.key, channel.id.0, 2 * TICK);
    altered.total_nanos = 3 * TICK;
    let rows = [
        ("/tick", channel.voucher(0), "voucher_total"),
        ("/tick", channel.voucher(2 * TICK - 1), "voucher_total"),
        ("/tick", channel.voucher(2 * TICK + 1), "voucher_total"),
        ("/tick", channel.voucher(3 * TICK), "voucher_total"),
        ("/tick", altered.to_string(), "voucher_refused"),
        ("/tick", stranger.voucher(2 * TICK), "voucher_refused"),
        ("/tick", stranger.voucher(TICK), "voucher_refused"),
        ("/tick", borrowed.voucher(TICK), "voucher_refused"),
        ("/tick", nobody.voucher(TICK), "channel_refused"),
        ("/search", channel.voucher(2 * TICK), "voucher_refused"),
    ];
    for (path, voucher, code) in rows {
        let reply = house.send("GET", path, &[(VOUCHER, &voucher)], "").await;
        reply.code(402, code);
        assert_eq!(reply.needed().demand.seller_unique_id.as_str(), house.payee.to_string(), "and a bill");
        assert_eq!(owed(&reply), (code == "voucher_total").then_some(TICK), "{code}");
    }
    for malformed in ["", "x", "mtr_1.2.3", &channel.voucher(2 * TICK).to_lowercase()] {
        let reply = house.send("GET", "/tick", &[(VOUCHER, malformed)], "").await;
        reply.code(400, "payment_headers_invalid");
    }
    let proof = house.proof("/tick").await;
    let both = [(VOUCHER, &*channel.voucher(2 * TICK)), (PAYMENT_PROOF, &proof)];
    house.send("GET", "/tick", &both, "").await.code(400, "payment_headers_invalid");
    assert_eq!(house.upstream.calls(), 1);
    // To the last billionth of the deposit, and not beyond.
    for call in 2..=10 {
        assert_eq!(house.tick(&channel, call * TICK).await.status, 200);
    }
    house.tick(&channel, 11 * TICK).await.code(402, "channel_refused");
    assert_eq!(house.upstream.calls(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_cannot_pay_us_is_refused() {
    let house =
        House::with(Options { vouchers: "deposit = \"0.02 CNY\"".into(), ..Options::default() }).await;
    let other = PayeeId(id());
    let key = SigningKey::ed25519(&[8; 32]);
    let payee = NewPayee {
        id: other,
        owner: None,
        asset: "CNY/2".parse().unwrap(),
        category: "data".to_owned(),
        provenance: Provenance::Registry,
        fee_ppm: 0,
        key: Some(NewKey {
            id: KeyId(id()),
            algorithm: Algorithm::Ed25519,
            public_key: base64url::encode(key.public().bytes()),
        }),
        label: None,
    };
    house.operator.add_payee(&payee).await.unwrap();
    let others = house.channel_with(5, 3_600, other).await;
    let short = house.channel_with(5, 200, house.payee).await;
    let small = house.channel(1).await;
    for channel in [&others, &short, &small] {
        house.tick(channel, TICK).await.code(402, "channel_refused");
    }
    let channel = house.channel(2).await;
    for call in 1..=5 {
        assert_eq!(house.tick(&channel, call * TICK).await.status, 200);
    }
    // Its time runs out: what is owed is claimed before, and then nothing more is delivered.
    house.later(3_600 - 200).await;
    house.tick(&channel, 6 * TICK).await.code(402, "channel_refused");
    while house.claimed(&channel).await != 5 * TICK {
        tokio::task::yield_now().await;
    }
    house.later(300).await;
    while house.money().await.1 != 0 {
        tokio::task::yield_now().await;
    }
    // Half a fen, half up.
    assert_eq!((house.upstream.calls(), house.money().await), (5, (99, 0, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_frozen_is_not_sold_to_any_further() {
    let house = House::new().await;
    let channel = house.channel(10).await;
    assert_eq!(house.tick(&channel, TICK).await.status, 200);
    let owner = Subject { subject: house.owner_id.to_string() };
    house.owner.freeze(wire::RequestId(id()), &owner).await.unwrap();
    house.settled().await;
    assert_eq!(house.claimed(&channel).await, 0);
    house.tick(&channel, 2 * TICK).await.code(402, "channel_refused");
    house.owner.unfreeze(wire::RequestId(id()), &owner).await.unwrap();
    house.settled().await;
    assert_eq!(house.claimed(&channel).await, TICK);
    assert_eq!(house.tick(&channel, 2 * TICK).await.status, 200);
    assert_eq!(house.upstream.calls(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_upstream_did_not_deliver_is_not_owed() {
    let options = Options {
        upstream: "timeout_seconds = 1\nanswer_body_bytes_max = 1000".to_owned(),
        ..Options::default()
    };
    let house = House::with(options).await;
    let channel = house.channel(10).await;
    assert_eq!(house.tick(&channel, TICK).await.status, 200);
    for mood in [
        Mood::Status(500),
        Mood::Status(503),
        Mood::HangUp,
        Mood::Truncated,
        Mood::Silent,
        Mood::Long(1_001),
        Mood::Status(404),
    ] {
        house.upstream.be(mood.clone());
        let failed = house.tick(&channel, 2 * TICK).await;
        let status = if matches!(mood, Mood::Status(404)) { 404 } else { 502 };
        assert_eq!((failed.status, owed(&failed)), (status, Some(TICK)), "{mood:?}: {failed:?}");
    }
    house.upstream.be(Mood::Well);
    assert_eq!(owed(&house.tick(&channel, 2 * TICK).await), Some(2 * TICK));
    let sent = house.upstream.last();
    let key = format!("idempotency-key: {}.{}\r\n", channel.id, 2 * TICK);
    assert!(sent.contains(&key) && !sent.contains("tollbridge-voucher"), "{sent}");
    assert_eq!(house.close(&channel, 2 * TICK).await.status, 200);
    assert_eq!(house.claimed(&channel).await, 2 * TICK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_on_one_channel_pay_for_what_they_get() {
    let house = House::new().await;
    let channel = Arc::new(house.channel(10).await);
    let house = Arc::new(house);
    let client = |name: &'static str| {
        let (house, channel) = (Arc::clone(&house), Arc::clone(&channel));
        async move {
            let (mut mine, mut total) = (0, TICK);
            while mine < 20 {
                let path = format!("/tick?by={name}&n={mine}");
                let reply = house.send("GET", &path, &[(VOUCHER, &channel.voucher(total))], "").await;
                match reply.status {
                    200 => mine += 1,
                    409 => tokio::task::yield_now().await,
                    _ => {
                        reply.code(402, "voucher_total");
                    }
                }
                total = owed(&reply).map_or(total, |owed| owed + TICK);
            }
            mine
        }
    };
    let (one, other) = futures_util::future::join(client("one"), client("other")).await;
    assert_eq!(u128::try_from(house.upstream.calls()).unwrap(), one + other);
    assert_eq!(house.close(&channel, 40 * TICK).await.status, 200);
    assert_eq!(house.money().await, (96, 0, 4));
}

// Whatever the moment: what was answered is owed and answered again, and what was not is neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_dies_in_mid_session_loses_no_call_and_counts_none_twice() {
    let mut house = House::new().await;
    let channel = house.channel(10).await;
    let mut calls = 0;
    for life in 1..=5 {
        house.open_mortal_shop().await;
        for _ in 0..life {
            calls += 1;
            assert_eq!(owed(&house.tick(&channel, calls * TICK).await), Some(calls * TICK));
        }
        let answered = house.tick(&channel, calls * TICK).await;
        let gate = Arc::new(Semaphore::new(0));
        house.upstream.be(Mood::Gated(Arc::clone(&gate)));
        let before = house.upstream.calls();
        let voucher = channel.voucher((calls + 1) * TICK);
        let request = house.http.get(format!("{}/tick", house.url)).header(VOUCHER, &voucher);
        let under_way = tokio::spawn(async move { request.send().await });
        while house.upstream.calls() == before {
            tokio::task::yield_now().await;
        }
        house.strike_dead();
        assert!(under_way.await.unwrap().is_err(), "who waits sees that it broke off");
        house.upstream.be(Mood::Well);
        house.open_mortal_shop().await;
        // The last answer again; and the call that broke off, with the same voucher.
        let again = house.tick(&channel, calls * TICK).await;
        assert_eq!((again.status, &again.body, owed(&again)), (200, &answered.body, Some(calls * TICK)));
        calls += 1;
        assert_eq!(owed(&house.tick(&channel, calls * TICK).await), Some(calls * TICK));
        house.strike_dead();
    }
    house.open_shop().await;
    // The server does not hear of it at first, and the claim is not made twice.
    house.tunnel.cut(Cut::After, "/v1/channels/");
    house.close(&channel, calls * TICK).await.code(503, "unavailable");
    house.tunnel.heal();
    while house.money().await.1 != 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(calls, 20);
    assert_eq!(house.money().await, (98, 0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_checks_every_fifth_voucher_risks_four() {
    let mut house = House::with(checking(5)).await;
    let channel = house.channel(10).await;
    for call in 1..=8 {
        assert_eq!(owed(&house.tick(&channel, call * TICK).await), Some(call * TICK));
    }
    // The first and the sixth are checked, and what is checked can be claimed.
    house.settled().await;
    assert_eq!(house.claimed(&channel).await, 6 * TICK);
    assert_eq!(house.tick(&channel, 8 * TICK).await.body, "{\"call\":8}");
    house.kill_shop().await;
    house.open_shop().await;
    assert_eq!(owed(house.tick(&channel, 9 * TICK).await.code(402, "voucher_total")), Some(6 * TICK));
    assert_eq!(owed(&house.tick(&channel, 7 * TICK).await), Some(7 * TICK));
    let stranger = Channel { id: channel.id, key: SigningKey::ed25519(&[9; 32]) };
    for call in 8..=11 {
        assert_eq!(house.tick(&stranger, call * TICK).await.status, 200);
    }
    house.tick(&stranger, 12 * TICK).await.code(402, "voucher_refused");
    house.tick(&stranger, 8 * TICK).await.code(402, "voucher_refused");
    assert_eq!(house.close(&channel, 7 * TICK).await.status, 200);
    assert_eq!(house.money().await, (99, 0, 1));
}
