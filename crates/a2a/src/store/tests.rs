//! Tasks on disk: said once, paid once, listed in pages, and found again.

use super::*;
use protocols::a2a::{Message, Status};
use serde_json::Map;

fn directory() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("tollbridge-tasks-{:032x}", rand::random::<u128>()));
    std::fs::create_dir(&path).unwrap();
    path
}

fn at(seconds: u64) -> Time {
    Time::from_seconds(seconds)
}

fn kept(id: &str, client: Option<&str>, message: &str) -> Kept {
    Kept {
        client: client.map(|client| Hash::of(client.as_bytes())),
        message_id: message.to_owned(),
        changed: 0,
        skill: "find".to_owned(),
        purchase: id.to_owned(),
        coupon: None,
        kind: "text/plain".to_owned(),
        body: b"bridges".to_vec(),
        payment: None,
        payment_digest: None,
        task: Task {
            id: id.to_owned(),
            context_id: "c".to_owned(),
            status: Status { state: State::InputRequired, message: None, timestamp: None },
            artifacts: Vec::new(),
            history: vec![Message::of_agent("m", "words")],
            metadata: Map::new(),
        },
    }
}

fn new(created: Created) -> Kept {
    match created {
        Created::New(kept) => kept,
        Created::Before(kept) => panic!("it is not new: {kept:?}"),
    }
}

fn listing(page_size: u32) -> Listing {
    Listing {
        context_id: None,
        state: None,
        page_size,
        page_token: None,
        history_length: None,
        changed_after: None,
        artifacts: Artifacts::LeftOut,
    }
}

#[tokio::test]
async fn the_same_message_of_one_client_is_one_task() {
    let directory = directory();
    let store = Store::open(&directory).unwrap();
    new(store.create(kept("a", Some("one"), "m"), at(1)).await.unwrap());
    let again = store.create(kept("b", Some("one"), "m"), at(2)).await.unwrap();
    assert!(matches!(again, Created::Before(kept) if kept.task.id == "a"));
    new(store.create(kept("c", Some("other"), "m"), at(3)).await.unwrap());
    // Who is nobody says a message that anybody could say.
    new(store.create(kept("d", None, "m"), at(4)).await.unwrap());
    new(store.create(kept("e", None, "m"), at(5)).await.unwrap());
    drop(store);
    let store = Store::open(&directory).unwrap();
    let found = store.find("a").await.unwrap().unwrap();
    assert_eq!((found.changed, found.task.status.timestamp), (1, Some(at(1))));
    assert!(store.find("b").await.unwrap().is_none());
    let next = new(store.create(kept("f", None, "m"), at(6)).await.unwrap());
    assert_eq!(next.changed, 5, "numbers go on after a start");
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_task_takes_one_payment_and_a_payment_one_task() {
    let directory = directory();
    let store = Store::open(&directory).unwrap();
    for id in ["a", "b", "c"] {
        new(store.create(kept(id, None, id), at(1)).await.unwrap());
    }
    let take = |id: &'static str, payment: &'static str| {
        let paid = (payment.to_owned(), Hash::of(payment.as_bytes()));
        store.take(id, at(2), paid, |kept| kept.task.status.state = State::Working)
    };
    assert!(
        matches!(take("a", "one").await.unwrap(), Taken::Now(kept) if kept.payment.as_deref() == Some("one"))
    );
    assert!(matches!(take("a", "one").await.unwrap(), Taken::Before(_)));
    assert!(matches!(take("a", "two").await.unwrap(), Taken::NotAwaited(_)));
    assert!(matches!(take("b", "one").await.unwrap(), Taken::Elsewhere));
    assert!(matches!(take("b", "two").await.unwrap(), Taken::Now(_)));
    let failed = store.step("b", at(3), |kept| {
        kept.task.status.state = State::Failed;
        Step::Made
    });
    assert!(matches!(failed.await.unwrap(), Some((_, Step::Made))));
    assert!(matches!(take("c", "two").await.unwrap(), Taken::Now(_)), "it did not count where it was shown");
    assert!(matches!(take("z", "three").await.unwrap(), Taken::Gone));
    let under_way: Vec<String> =
        store.under_way().await.unwrap().into_iter().map(|kept| kept.task.id).collect();
    assert_eq!(under_way, ["a", "c"]);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn pages_show_each_task_of_a_client_once_the_newest_change_first() {
    let directory = directory();
    let store = Store::open(&directory).unwrap();
    for (number, client) in ["one", "one", "other", "one", "one", "one"].into_iter().enumerate() {
        let id = format!("t{number}");
        let mut kept = kept(&id, Some(client), &id);
        kept.task.context_id = if number == 1 { "d".to_owned() } else { "c".to_owned() };
        new(store.create(kept, at(u64::try_from(number).unwrap())).await.unwrap());
    }
    let changed = store.step("t0", at(9), |kept| {
        kept.task.status.state = State::Canceled;
        Step::Made
    });
    assert!(matches!(changed.await.unwrap(), Some((_, Step::Made))));
    let one = Hash::of(b"one");
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = store.list(one, listing(2), before).await.unwrap();
        assert_eq!(page.count, 5);
        seen.extend(page.tasks.into_iter().map(|task| task.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["t0", "t5", "t4", "t3", "t1"]);
    for (wanted, ids) in [
        (Listing { context_id: Some("d".to_owned()), ..listing(50) }, vec!["t1"]),
        (Listing { state: Some(State::Canceled), ..listing(50) }, vec!["t0"]),
        (Listing { changed_after: Some(at(5)), ..listing(50) }, vec!["t0", "t5"]),
        (Listing { context_id: Some("x".to_owned()), ..listing(50) }, vec![]),
    ] {
        let page = store.list(one, wanted.clone(), None).await.unwrap();
        let found: Vec<String> = page.tasks.into_iter().map(|task| task.id).collect();
        assert_eq!(found, ids, "{wanted:?}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn what_nobody_paid_for_makes_room_and_what_was_paid_for_stays() {
    let directory = directory();
    let store = Store::open(&directory).unwrap();
    new(store.create(kept("paid", None, "m"), at(1)).await.unwrap());
    let paid = ("one".to_owned(), Hash::of(b"one"));
    let over = |kept: &mut Kept| kept.task.status.state = State::Completed;
    assert!(matches!(store.take("paid", at(1), paid, over).await.unwrap(), Taken::Now(_)));
    for number in 0..=UNPAID_TASKS_MAX {
        new(store.create(kept(&format!("t{number}"), None, "m"), at(2)).await.unwrap());
    }
    assert!(store.find("t0").await.unwrap().is_none(), "the oldest makes room");
    assert!(store.find("t1").await.unwrap().is_some());
    new(store.create(kept("later", None, "m"), at(3 + UNPAID_KEPT_SECONDS)).await.unwrap());
    assert!(store.find(&format!("t{UNPAID_TASKS_MAX}")).await.unwrap().is_none(), "what is old is forgotten");
    assert!(store.find("paid").await.unwrap().is_some());
    new(store.create(kept("last", None, "m"), at(2 + PAID_KEPT_SECONDS)).await.unwrap());
    assert!(store.find("paid").await.unwrap().is_none());
    std::fs::remove_dir_all(&directory).unwrap();
}
