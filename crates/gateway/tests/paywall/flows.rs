//! Streams that are paid by vouchers as they go: nothing leaves unpaid, and nothing is paid that was not made.

use crate::house::{House, Reply, id};
use crate::sessions::{asked, receipt, told};
use crate::upstream::Mood;
use crate::vouchers::Channel;
use evidence::SigningKey;
use protocols::mpp::session::{Action, NeedVoucher, SessionCredential, SessionReceipt, Terms, Unit};
use protocols::mpp::{CREDENTIAL, Challenge, RECEIPT};
use protocols::voucher::{Offer, VOUCHER, Voucher};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use wire::account::Subject;

/// A tenth of a fen, in billionths.
const TICK: u128 = 100_000_000;

const EVENTS: &str = "text/event-stream";

struct Feed<'a> {
    house: &'a House,
    challenge: Challenge,
    channel: Channel,
}

/// The events of an answer, as its buyer reads them.
struct Listener {
    answer: reqwest::Response,
    unread: String,
}

impl<'a> Feed<'a> {
    async fn of(house: &'a House, deposit: u128) -> Feed<'a> {
        let challenge = asked(&house.get("/feed").await).expect("it is sold by session");
        Feed { house, challenge, channel: house.channel(deposit).await }
    }

    fn header(&self, voucher: Voucher) -> String {
        SessionCredential { challenge: self.challenge.clone(), action: Action::Voucher(voucher) }.encode()
    }

    fn voucher(&self, total: u128) -> Voucher {
        Voucher::sign(&self.channel.key, self.channel.id.0, total)
    }

    async fn listen(&self, total: u128) -> Listener {
        let url = format!("{}/feed", self.house.url);
        let shown = self.header(self.voucher(total));
        let answer = self.house.http.get(url).header(CREDENTIAL, shown).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        Listener { answer, unread: String::new() }
    }

    async fn show(&self, voucher: Voucher) -> Reply {
        self.house.send("GET", "/feed", &[(CREDENTIAL, &self.header(voucher))], "").await
    }

    async fn close(&self, total: u128) -> Reply {
        let action = Action::Close(self.voucher(total));
        let shown = SessionCredential { challenge: self.challenge.clone(), action }.encode();
        self.house.send("GET", "/feed", &[(CREDENTIAL, &shown)], "").await
    }
}

impl Listener {
    /// The next event, without its empty line; none at the end, and an error where the answer broke off.
    async fn next(&mut self) -> Result<Option<String>, reqwest::Error> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                return Ok(Some(event));
            }
            match self.answer.chunk().await? {
                Some(piece) => self.unread.push_str(std::str::from_utf8(&piece).unwrap()),
                None => return Ok(None),
            }
        }
    }

    async fn event(&mut self) -> String {
        self.next().await.unwrap().expect("there is more")
    }

    async fn need(&mut self) -> NeedVoucher {
        let event = self.event().await;
        let data = event.strip_prefix("event: payment-need-voucher\ndata: ");
        NeedVoucher::read(data.unwrap_or_else(|| panic!("{event}"))).unwrap()
    }

    /// What is owed and how many events that were, by the receipt at the end.
    async fn end(&mut self) -> (String, u64) {
        let event = self.event().await;
        let data = event.strip_prefix("event: payment-receipt\ndata: ").unwrap_or_else(|| panic!("{event}"));
        let said: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(self.next().await.unwrap(), None);
        (said["spent"].as_str().unwrap().to_owned(), said["units"].as_u64().unwrap())
    }
}

fn pieces(pieces: &[&str], ends: bool) -> (Mood, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    (Mood::Pieces { kind: EVENTS, pieces, gate: Arc::clone(&gate), ends }, gate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_leaves_when_it_is_paid_and_costs_what_it_says() {
    let house = House::new().await;
    let bill = house.get("/feed").await;
    let (terms, _) = Terms::read(&asked(&bill).unwrap()).unwrap();
    assert_eq!((terms.unit, terms.price_nanos), (Unit::Event, TICK));
    assert_eq!(Offer::read(&bill.needed().method), Ok(None), "in our own words it is not sold by voucher");
    let feed = Feed::of(&house, 10).await;
    let ours = [(VOUCHER, &*feed.voucher(TICK).to_string())];
    house.send("GET", "/feed", &ours, "").await.code(402, "voucher_refused");

    let (mood, gate) =
        pieces(&[": hello\n\n", "data: one\n\n", "data: two\n\ndata: three\n\n", "data: four\n\n"], true);
    house.upstream.be(mood);
    gate.add_permits(2);
    let mut listener = feed.listen(TICK).await;
    let said = listener.answer.headers()[RECEIPT].to_str().unwrap().to_owned();
    assert_eq!(SessionReceipt::decode(&said).unwrap().spent_nanos, TICK);
    assert_eq!((listener.event().await, listener.event().await), (": hello".into(), "data: one".into()));
    gate.add_permits(1);
    let need = listener.need().await;
    assert_eq!((need.required_nanos, need.accepted_nanos, need.channel), (3 * TICK, TICK, feed.channel.id.0));
    // Nothing else than just that, and nothing of anybody else.
    let forged = Voucher::sign(&SigningKey::ed25519(&[9; 32]), feed.channel.id.0, 3 * TICK);
    feed.show(forged).await.code(402, "voucher_refused");
    for total in [TICK, 2 * TICK, 4 * TICK] {
        let no = feed.show(feed.voucher(total)).await;
        assert_eq!(told(no.code(402, "voucher_total")), Some(TICK), "{total}");
    }
    let elsewhere = [(VOUCHER, &*feed.voucher(2 * TICK).to_string())];
    house.send("GET", "/tick", &elsewhere, "").await.code(409, "channel_busy");
    feed.close(TICK).await.code(409, "channel_busy");
    let taken = feed.show(feed.voucher(3 * TICK)).await;
    assert_eq!((taken.status, receipt(&taken).spent_nanos), (204, 3 * TICK));
    assert_eq!((listener.event().await, listener.event().await), ("data: two".into(), "data: three".into()));
    gate.add_permits(2);
    assert_eq!(listener.need().await.required_nanos, 4 * TICK);
    assert_eq!(feed.show(feed.voucher(4 * TICK)).await.status, 204);
    assert_eq!(listener.event().await, "data: four");
    assert_eq!(listener.end().await, ((4 * TICK).to_string(), 4));
    // It is not given again, and the sum is used up.
    feed.show(feed.voucher(4 * TICK)).await.code(402, "voucher_total");
    assert_eq!(house.upstream.calls(), 1);
    assert_eq!(feed.close(4 * TICK).await.status, 204);
    assert_eq!(house.money().await, (100, 0, 0), "four tenths of a fen, half up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_runs_out_says_so_and_ends_with_what_was_paid_for() {
    let house = House::new().await;
    let feed = Feed::of(&house, 1).await;
    let (mood, gate) = pieces(&["data: x\n\n".repeat(12).as_str()], true);
    house.upstream.be(mood);
    gate.add_permits(9);
    let mut listener = feed.listen(TICK).await;
    assert_eq!(listener.event().await, "data: x");
    assert_eq!(listener.need().await.required_nanos, 10 * TICK);
    assert_eq!(feed.show(feed.voucher(10 * TICK)).await.status, 204);
    for _ in 0..9 {
        assert_eq!(listener.event().await, "data: x");
    }
    let need = listener.need().await;
    assert_eq!((need.required_nanos, need.deposit_nanos), (11 * TICK, 10 * TICK));
    assert_eq!(listener.end().await, ((10 * TICK).to_string(), 10));
    assert_eq!(feed.close(10 * TICK).await.status, 204);
    assert_eq!(house.money().await, (99, 0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_where_what_is_owed_cannot_be_claimed_any_more() {
    let house = House::new().await;
    let feed = Feed::of(&house, 10).await;
    let (mood, gate) = pieces(&["data: one\n\n", "data: two\n\n", "data: three\n\n"], true);
    house.upstream.be(mood);
    gate.add_permits(2);
    let mut listener = feed.listen(TICK).await;
    assert_eq!(listener.event().await, "data: one");
    assert_eq!(listener.need().await.required_nanos, 2 * TICK);
    let owner = Subject { subject: house.owner_id.to_string() };
    house.owner.freeze(wire::RequestId(id()), &owner).await.unwrap();
    house.settled().await;
    // What waits is not sold any more, though it was asked for before.
    feed.show(feed.voucher(2 * TICK)).await.code(402, "channel_refused");
    house.owner.unfreeze(wire::RequestId(id()), &owner).await.unwrap();
    house.settled().await;
    assert_eq!(feed.show(feed.voucher(2 * TICK)).await.status, 204);
    assert_eq!(listener.event().await, "data: two");
    house.owner.freeze(wire::RequestId(id()), &owner).await.unwrap();
    house.settled().await;
    gate.add_permits(1);
    assert_eq!(listener.need().await.required_nanos, 3 * TICK);
    assert_eq!(listener.end().await, ((2 * TICK).to_string(), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portion_has_no_more_events_than_its_limit() {
    let house = House::new().await;
    let feed = Feed::of(&house, 50).await;
    let (mood, gate) = pieces(&["data: x\n\n".repeat(200).as_str()], true);
    house.upstream.be(mood);
    gate.add_permits(9);
    let mut listener = feed.listen(TICK).await;
    assert_eq!(listener.event().await, "data: x");
    for paid in [65, 129, 193, 200_u128] {
        let need = listener.need().await;
        assert_eq!(need.required_nanos, paid * TICK);
        assert_eq!(feed.show(feed.voucher(paid * TICK)).await.status, 204);
        for _ in need.accepted_nanos / TICK..paid {
            assert_eq!(listener.event().await, "data: x");
        }
    }
    assert_eq!(listener.end().await, ((200 * TICK).to_string(), 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_whose_sender_hangs_up_is_still_one_for_what_waits() {
    let house = House::new().await;
    let feed = Feed::of(&house, 50).await;
    let (mood, gate) = pieces(&["data: x\n\n"; 20], true);
    house.upstream.be(mood);
    gate.add_permits(1);
    let mut listener = feed.listen(TICK).await;
    assert_eq!(listener.event().await, "data: x");
    let place = house.url.strip_prefix("http://").unwrap();
    for paid in 2..=20_u128 {
        gate.add_permits(1);
        assert_eq!(listener.need().await.required_nanos, paid * TICK);
        let shown = feed.header(feed.voucher(paid * TICK));
        let request = format!("GET /feed HTTP/1.1\r\nhost: {place}\r\n{CREDENTIAL}: {shown}\r\n\r\n");
        let mut line = TcpStream::connect(place).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        drop(line);
        // It may have gone unheard; and what was heard is refused now.
        feed.show(feed.voucher(paid * TICK)).await;
        assert_eq!(listener.event().await, "data: x", "{paid}");
    }
    gate.add_permits(1);
    assert_eq!(listener.end().await, ((20 * TICK).to_string(), 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_a_stream_owes_what_he_paid_for() {
    let house = House::new().await;
    let feed = Feed::of(&house, 10).await;
    let (mood, gate) = pieces(&["data: one\n\n", "data: two\n\n"], true);
    house.upstream.be(mood);
    gate.add_permits(2);
    let mut listener = feed.listen(TICK).await;
    assert_eq!(
        (listener.event().await, listener.need().await.required_nanos),
        ("data: one".into(), 2 * TICK)
    );
    drop(listener);
    // The channel is free again by itself.
    loop {
        let closed = feed.close(TICK).await;
        if closed.status == 204 {
            break;
        }
        closed.code(409, "channel_busy");
        tokio::task::yield_now().await;
    }
    assert_eq!(house.money().await, (100, 0, 0));
}

// Whatever the moment: what was kept is owed, and nothing else is; what was not paid never left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_dies_in_a_stream_gives_nothing_unpaid_and_counts_nothing_twice() {
    let mut house = House::new().await;
    let (challenge, mut channel) = {
        let feed = Feed::of(&house, 10).await;
        (feed.challenge, feed.channel)
    };
    let mut owed = 0;
    for is_paid_for in [false, true, false, true] {
        house.open_mortal_shop().await;
        let (mood, gate) = pieces(&["data: one\n\n", "data: two\n\n", "data: three\n\n"], true);
        house.upstream.be(mood);
        gate.add_permits(2);
        let feed = Feed { house: &house, challenge: challenge.clone(), channel };
        owed += TICK;
        let mut listener = feed.listen(owed).await;
        assert_eq!(listener.event().await, "data: one");
        assert_eq!(listener.need().await.required_nanos, owed + TICK);
        if is_paid_for {
            owed += TICK;
            assert_eq!(receipt(&feed.show(feed.voucher(owed)).await).spent_nanos, owed);
        }
        channel = feed.channel;
        house.strike_dead();
        let mut rest = 0;
        while let Ok(Some(event)) = listener.next().await {
            assert_eq!((event.as_str(), is_paid_for), ("data: two", true), "only what was paid");
            rest += 1;
        }
        assert!(rest <= 1);
    }
    house.open_shop().await;
    let close = Action::Close(Voucher::sign(&channel.key, channel.id.0, owed));
    let shown = SessionCredential { challenge, action: close }.encode();
    assert_eq!(house.send("GET", "/feed", &[(CREDENTIAL, &shown)], "").await.status, 204);
    assert_eq!((owed, house.money().await), (6 * TICK, (99, 0, 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_stream_is_not_delivered_and_not_owed() {
    let house = House::new().await;
    let feed = Feed::of(&house, 10).await;
    let (empty, gate) = pieces(&[": nothing\n\n"], true);
    let (broken, broken_gate) = pieces(&["data: half"], false);
    gate.add_permits(9);
    broken_gate.add_permits(9);
    for mood in [Mood::Well, Mood::Status(500), Mood::Status(404), Mood::HangUp, empty, broken] {
        house.upstream.be(mood.clone());
        let failed = feed.show(feed.voucher(TICK)).await;
        let status = if matches!(mood, Mood::Status(404)) { 404 } else { 502 };
        assert_eq!((failed.status, failed.header(RECEIPT)), (status, None), "{mood:?}");
    }
    // One that breaks off later ends without a receipt, and what was paid is owed, and there.
    let (mood, gate) = pieces(&["data: one\n\n", "event: payment-receipt\ndata: forged\n\n"], false);
    house.upstream.be(mood);
    gate.add_permits(9);
    let mut listener = feed.listen(TICK).await;
    assert_eq!(listener.event().await, "data: one");
    assert_eq!(listener.next().await.unwrap(), None);
    assert_eq!(feed.close(TICK).await.status, 204);
}
