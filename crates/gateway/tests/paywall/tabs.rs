//! Tabs of the SDK: they pay by vouchers by themselves, within their cap, whatever dies in between.

use crate::house::{House, Options, fen};
use crate::tunnel::Cut;
use crate::upstream::Mood;
use sdk::{Buyer, CallPayment, NotBought, PurchaseFault, TabCall, TabSettings};
use wire::account::{Approve, Subject};
use wire::limit::Limit;

/// A tenth of a fen, in billionths.
const TICK: u128 = 100_000_000;

fn settings(cap: u128) -> TabSettings {
    TabSettings {
        tab: "ticks".to_owned(),
        cap: fen(cap),
        price_nanos_max: TICK,
        deposit: Some(fen(1)),
        channel_seconds: 3_600,
    }
}

fn ticking(house: &House, name: Option<&str>) -> TabCall {
    TabCall {
        method: "GET".to_owned(),
        url: format!("{}/tick", house.url),
        headers: Default::default(),
        body: Vec::new(),
        name: name.map(str::to_owned),
    }
}

fn one_fen() -> Options {
    Options { vouchers: "deposit = \"0.01 CNY\"".to_owned(), ..Options::default() }
}

async fn paid(tab: &mut sdk::Tab<'_>, call: &TabCall) -> String {
    let called = tab.call(call).await.unwrap();
    assert!(matches!(called.payment, CallPayment::Paid(TICK)), "{called:?}");
    String::from_utf8(called.answer.unwrap().body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_opens_channel_after_channel_and_never_spends_beyond_its_cap() {
    let house = House::with(one_fen()).await;
    let buyer = house.buyer();
    let mut tab = buyer.tab(settings(2)).unwrap();
    let call = ticking(&house, None);
    for n in 1..=20 {
        assert_eq!(paid(&mut tab, &call).await, format!("{{\"call\":{n}}}"));
    }
    // Two channels of one fen each are used up.
    let over = tab.call(&call).await.unwrap();
    assert!(matches!(over.payment, CallPayment::CapReached), "{over:?}");
    assert_eq!(tab.close().await.unwrap(), fen(2));
    assert_eq!((house.upstream.calls(), house.money().await), (20, (98, 0, 2)));
    // Its name is free for another, with a cap of its own.
    paid(&mut tab, &call).await;
    assert_eq!(tab.close().await.unwrap(), fen(0));
    let free = TabCall { url: format!("{}/about", house.url), ..call.clone() };
    assert!(matches!(tab.call(&free).await.unwrap().payment, CallPayment::NotNeeded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_goes_on_after_its_process_died() {
    let house = House::with(one_fen()).await;
    let mut body = String::new();
    for n in 1..=5 {
        // Each time a new process, as far as the disk can tell.
        let buyer = house.buyer();
        let mut tab = buyer.tab(settings(1)).unwrap();
        let name = format!("call {n}");
        body = paid(&mut tab, &ticking(&house, Some(&name))).await;
        let second = house.buyer();
        let busy = second.tab(settings(1));
        assert!(matches!(busy, Err(NotBought::Purchase(PurchaseFault::InProgress(_)))));
    }
    let buyer = house.buyer();
    let mut tab = buyer.tab(settings(1)).unwrap();
    let again = tab.call(&ticking(&house, Some("call 5"))).await.unwrap();
    assert!(matches!(again.payment, CallPayment::Paid(0)), "{again:?}");
    assert_eq!(again.answer.unwrap().body, body.as_bytes());
    assert_eq!(house.upstream.calls(), 5);
    assert_eq!(tab.close().await.unwrap(), fen(1), "half a fen, half up");
    assert_eq!(house.money().await, (99, 0, 1));
}

// The voucher left, and nobody heard the answer: the same call asks, another one is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_answer_was_lost_is_paid_once() {
    for same_call in [true, false] {
        let house = House::with(one_fen()).await;
        let mut first = house.buyer();
        {
            let mut tab = first.tab(settings(1)).unwrap();
            paid(&mut tab, &ticking(&house, Some("one"))).await;
            let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
            house.upstream.be(Mood::Gated(gate.clone()));
            let call = ticking(&house, Some("two"));
            let patience = std::time::Duration::from_millis(300);
            assert!(tokio::time::timeout(patience, tab.call(&call)).await.is_err());
            gate.add_permits(9);
        }
        first = house.buyer();
        house.upstream.be(Mood::Well);
        let mut tab = first.tab(settings(1)).unwrap();
        let name = if same_call { "two" } else { "three" };
        let mut call = ticking(&house, Some(name));
        if !same_call {
            call.url.push_str("?other");
        }
        let called = tab.call(&call).await.unwrap();
        assert!(matches!(called.payment, CallPayment::Paid(TICK)), "{called:?}");
        let calls = if same_call { 2 } else { 3 };
        assert_eq!((house.upstream.calls(), tab.owed_nanos()), (calls, calls as u128 * TICK));
        tab.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_keeps_to_its_price_its_seller_and_its_owner_s_limits() {
    let house = House::with(one_fen()).await;
    let buyer = house.buyer();
    let mut cheap = settings(1);
    cheap.price_nanos_max = TICK - 1;
    let dear = buyer.tab(cheap).unwrap().call(&ticking(&house, None)).await;
    assert!(matches!(dear, Err(NotBought::Demand(_))), "{dear:?}");
    let mut tab = buyer.tab(settings(1)).unwrap();
    let mut search = ticking(&house, None);
    search.url = format!("{}/search", house.url);
    let not_so = tab.call(&search).await;
    assert!(matches!(not_so, Err(NotBought::Demand(_))), "{not_so:?}");
    assert_eq!(house.money().await, (100, 0, 0));
    drop(tab);
    // More than the mandate allows at once.
    let mut large = settings(90);
    large.deposit = Some(fen(60));
    let mut tab = buyer.tab(large).unwrap();
    let refused = tab.call(&ticking(&house, None)).await.unwrap();
    assert!(matches!(refused.payment, CallPayment::Refused(_)), "{refused:?}");
    assert_eq!((house.upstream.calls(), house.money().await), (0, (100, 0, 0)));
    drop(tab);
    let mut tab = buyer.tab(settings(1)).unwrap();
    paid(&mut tab, &ticking(&house, None)).await;
    let mut elsewhere = ticking(&house, None);
    elsewhere.url = format!("{}/tick", house.upstream.url);
    assert!(matches!(tab.call(&elsewhere).await, Err(NotBought::Request(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_and_closing_are_done_once_though_answers_get_lost() {
    let house = House::with(one_fen()).await;
    let buyer = house.buyer();
    let call = ticking(&house, Some("one"));
    for cut in [Cut::Before, Cut::After] {
        house.tunnel.cut(cut, "/v1/channels");
        let mut tab = buyer.tab(settings(1)).unwrap();
        let unknown = tab.call(&call).await.unwrap();
        assert!(matches!(unknown.payment, CallPayment::Unknown(_)), "{unknown:?}");
    }
    house.tunnel.heal();
    assert_eq!(house.money().await, (99, 1, 0));
    let mut tab = buyer.tab(settings(1)).unwrap();
    paid(&mut tab, &call).await;
    house.tunnel.cut(Cut::After, "/v1/meters");
    assert!(tab.close().await.is_err());
    house.tunnel.heal();
    drop(tab);
    let mut tab = buyer.tab(settings(1)).unwrap();
    assert_eq!(tab.close().await.unwrap(), fen(0), "a tenth of a fen, half up");
    assert_eq!(house.money().await, (100, 0, 0));
}

// The owner was asked for the same before, under another name: her yes is the one that counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tab_goes_on_with_the_owner_s_yes_whoever_asked_first() {
    let house = House::with(Options { limits: vec![Limit::AskAlways], ..one_fen() }).await;
    let buyer = house.buyer();
    let named = |tab: &str| TabSettings { tab: tab.to_owned(), ..settings(1) };
    for tab in ["first", "second"] {
        let asked = buyer.tab(named(tab)).unwrap().call(&ticking(&house, None)).await.unwrap();
        assert!(matches!(asked.payment, CallPayment::Asked(_)), "{asked:?}");
    }
    let questions = house.owner.questions(10, None).await.unwrap().data;
    assert_eq!(questions.len(), 1, "she is asked once");
    let until = sdk::Clock::system().now().after(600_000_000_000);
    let until = protocols::a402::DateTime::second_of(until).as_str().to_owned();
    let yes = Approve { digest: questions[0].digest, until, alike: false };
    let key = wire::RequestId(crate::house::id());
    house.owner.approve(key, &questions[0].id, &yes).await.unwrap();
    let mut tab = buyer.tab(named("second")).unwrap();
    paid(&mut tab, &ticking(&house, None)).await;
    tab.close().await.unwrap();
}

fn owner(house: &House) -> Subject {
    Subject { subject: house.owner_id.to_string() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_froze_everything_is_not_spent_from() {
    let house = House::with(one_fen()).await;
    let buyer: Buyer = house.buyer();
    let mut tab = buyer.tab(settings(1)).unwrap();
    house.owner.freeze(wire::RequestId(crate::house::id()), &owner(&house)).await.unwrap();
    let refused = tab.call(&ticking(&house, None)).await.unwrap();
    assert!(matches!(refused.payment, CallPayment::Refused(_)), "{refused:?}");
    assert_eq!((house.upstream.calls(), house.money().await), (0, (100, 0, 0)));
}
