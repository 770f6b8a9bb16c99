//! A server that begins with a snapshot is the one that reads its whole journal: it knows the same keys, says the same, and
//! decides the same. Whatever is wrong with a snapshot costs time and nothing else.

use crate::house::House;
use engine::{BookId, FileJournal, JournalFault};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What everybody is told.
async fn told(house: &House) -> Vec<Value> {
    let mut told = Vec::new();
    for (who, path) in [
        (&house.owner, format!("/v1/wallets/{}", house.wallet)),
        (&house.agent, "/v1/mandates".to_owned()),
        (&house.seller, "/v1/payments".to_owned()),
        (&house.operator, "/v1/assets".to_owned()),
    ] {
        told.push(house.get(who, &path).await.expect(200));
    }
    told
}

/// Stops the server, and waits until it has written its snapshot: it keeps the journal locked meanwhile.
async fn stop(house: &mut House) {
    house.stop().await;
    while let Err(JournalFault::Locked(_)) =
        FileJournal::open(&house.directory.join("journal"), BookId([0; 16]), 0)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many entries the start had from a snapshot, and how many it read.
fn recovered(house: &House) -> (u64, u64) {
    let recovered = house.app.upgrade().expect("it runs").engine.recovered();
    (recovered.from_snapshot, recovered.replayed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_damaged_or_foreign_snapshot_changes_nothing_but_the_time_of_a_start() {
    let mut house = House::new().await;
    let payment = house.payment("10");
    let first = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("9000000")).await.expect(403);
    let before = told(&house).await;
    let (none, size) = recovered(&house);
    assert_eq!(none, 0, "a new book has no snapshot");
    stop(&mut house).await;
    let stranger = House::new().await;
    let foreign = {
        let mut stranger = stranger;
        stop(&mut stranger).await;
        fs::read(stranger.directory.join("snapshot")).unwrap()
    };

    type Damage<'a> = &'a dyn Fn(&Path);
    let cut = |path: &Path| {
        let whole = fs::read(path).unwrap();
        fs::write(path, &whole[..whole.len() / 2]).unwrap();
    };
    let change = |path: &Path| {
        let mut whole = fs::read(path).unwrap();
        let middle = whole.len() / 2;
        whole[middle] ^= 1;
        fs::write(path, whole).unwrap();
    };
    let damages: [(&str, bool, Damage<'_>); 6] = [
        ("nothing is wrong", true, &|_| ()),
        ("deleted", false, &|path| fs::remove_file(path).unwrap()),
        ("cut", false, &cut),
        ("changed", false, &change),
        ("another book's", false, &|path| fs::write(path, &foreign).unwrap()),
        ("what a kill in the midst of writing leaves", true, &|path| {
            fs::write(path.with_extension("new"), &foreign[..99]).unwrap();
        }),
    ];
    for (what, is_used, damage) in damages {
        damage(&house.directory.join("snapshot"));
        house.start().await;
        let (from_snapshot, replayed) = recovered(&house);
        assert_eq!(is_used, size < from_snapshot, "{what}");
        assert_eq!(is_used, replayed == 0, "{what}");
        assert_eq!(told(&house).await, before, "{what}");
        let again = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
        assert_eq!((&again["entry"], &again["repeated"]), (&first["entry"], &Value::Bool(true)), "{what}");
        stop(&mut house).await;
    }
}
