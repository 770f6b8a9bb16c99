//! What is read comes from views that can be lost: they are made again from the journal, and never shown in their stead.

use crate::house::{House, new_id};
use http::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What everybody is told about everything.
async fn told(house: &House) -> Vec<Value> {
    let mut told = Vec::new();
    for (who, path) in [
        (&house.owner, format!("/v1/wallets/{}", house.wallet)),
        (&house.owner, "/v1/payments".to_owned()),
        (&house.owner, "/v1/holds".to_owned()),
        (&house.owner, "/v1/agents".to_owned()),
        (&house.owner, "/v1/transfers".to_owned()),
        (&house.agent, "/v1/wallets".to_owned()),
        (&house.agent, "/v1/mandates".to_owned()),
        (&house.agent, "/v1/entries?limit=100".to_owned()),
        (&house.seller, "/v1/payments".to_owned()),
        (&house.operator, "/v1/payees".to_owned()),
        (&house.operator, "/v1/assets".to_owned()),
    ] {
        told.push(house.get(who, &path).await.expect(200));
    }
    told
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

fn without_log(path: &Path) {
    // The log is carried over into the file, so that what is changed there is what will be read.
    Connection::open(path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Something that spoils the views on a disk.
type Damage = fn(&Path);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_damaged_and_foreign_views_are_made_again_and_say_the_same() {
    let mut house = House::new().await;
    for amount in ["10", "20", "30"] {
        house.post(&house.agent, "/v1/payments", house.payment(amount)).await.expect(201);
    }
    house.post(&house.agent, "/v1/payments", house.payment("9000000")).await.expect(403);
    let before = told(&house).await;
    let damages: [(&str, Damage); 5] = [
        ("nothing is wrong", |_| ()),
        ("deleted", |path| fs::remove_file(path).unwrap()),
        ("no database", |path| fs::write(path, "not a database".repeat(1_000)).unwrap()),
        ("the first page is gone", |path| overwrite(path, 0, &[0; 4_096])),
        ("somebody else's database", |path| {
            fs::remove_file(path).unwrap();
            Connection::open(path).unwrap().execute_batch("CREATE TABLE recipes (cake TEXT)").unwrap();
        }),
    ];
    for (what, damage) in damages {
        house.stop().await;
        let path = house.directory.join("views.sqlite");
        without_log(&path);
        damage(&path);
        house.start().await;
        assert_eq!(told(&house).await, before, "{what}");
    }
    let aside = Connection::open(house.directory.join("views.foreign")).unwrap();
    assert_eq!(aside.query_row("SELECT count(*) FROM recipes", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

/// SQLite notices such damage only when it comes across it, which may be long after the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_that_turn_out_to_be_damaged_while_they_are_read_are_made_again() {
    let mut house = House::new().await;
    let path = house.directory.join("views.sqlite");
    let payment = house.payment("10");
    house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    let about = format!("/v1/payments/{}", payment["id"].as_str().unwrap());
    let before = house.get(&house.owner, &about).await.expect(200);
    house.stop().await;
    without_log(&path);
    let roots = {
        let views = Connection::open(&path).unwrap();
        let mut find = views.prepare("SELECT rootpage FROM sqlite_schema WHERE name IN (?1, ?2)").unwrap();
        let rows = find.query_map(["decisions_by_id", "purchases"], |row| row.get::<_, u32>(0)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    for root in roots {
        overwrite(&path, u64::from(root - 1) * 4_096, &[0x5A; 4_096]);
    }
    house.start().await;
    house.get(&house.owner, &about).await.problem(500, "internal");
    // Whoever writes them hears of it with the next entry.
    house.post(&house.agent, "/v1/payments", house.payment("20")).await.expect(201);
    let mut again = house.get(&house.owner, &about).await;
    for _ in 0..50 {
        if again.status == 200 {
            break;
        }
        house.post(&house.agent, "/v1/payments", house.payment("1")).await.expect(201);
        again = house.get(&house.owner, &about).await;
    }
    assert_eq!(again.expect(200), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_shows_what_was_answered_before_it_or_says_that_it_does_not() {
    let house = House::new().await;
    let wallet = format!("/v1/wallets/{}", house.wallet);
    house.get(&house.owner, &wallet).await.expect(200);
    // Somebody else writes the file, so who follows the journal cannot.
    let other = Connection::open(house.directory.join("views.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let paid = house.post(&house.agent, "/v1/payments", house.payment("100")).await.expect(201);
    let entry = paid["entry"].as_u64().unwrap();

    let reply = house.get(&house.owner, &wallet).await;
    assert_eq!(reply.headers["retry-after"], "1");
    reply.problem(503, "views_behind");

    let reply = house.get(&house.owner, &format!("{wallet}?at_least=1")).await;
    let position: u64 = reply.headers["tollbridge-position"].to_str().unwrap().parse().unwrap();
    assert!(position <= entry, "{position} <= {entry}");
    assert_eq!(reply.expect(200)["available"]["amount"], "100000");
    house.get(&house.owner, &format!("{wallet}?at_least=soon")).await.problem(400, "param_malformed");

    other.execute_batch("ROLLBACK").unwrap();
    let mut reply = house.get(&house.owner, &wallet).await;
    for _ in 0..10 {
        if reply.status == 200 {
            break;
        }
        reply = house.get(&house.owner, &wallet).await;
    }
    let position: u64 = reply.headers["tollbridge-position"].to_str().unwrap().parse().unwrap();
    assert!(entry < position, "{entry} < {position}");
    assert_eq!(reply.expect(200)["available"]["amount"], "99900");
}

/// A hold is captured, voided and refunded also while no view shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_hold_does_not_wait_for_the_views() {
    let house = House::new().await;
    let other = Connection::open(house.directory.join("views.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let hold = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
        "payee": house.seller.id, "amount": {"amount": "500", "asset": "CNY/2"},
        "expires_at": crate::house::in_seconds(3_600)});
    house.post(&house.agent, "/v1/holds", hold.clone()).await.expect(201);
    let path = format!("/v1/holds/{}/capture", hold["id"].as_str().unwrap());
    let capture = json!({"amount": {"amount": "200", "asset": "CNY/2"}, "last": false});
    let captured = house.change(&house.seller, Method::POST, &path, Some(capture)).await.expect(201);
    assert_eq!(captured["parts"][0]["amount"]["amount"], "200");
    let path = format!("/v1/holds/{}/void", hold["id"].as_str().unwrap());
    let released = house.change(&house.seller, Method::POST, &path, None).await.expect(201);
    assert_eq!(released["amount"]["amount"], "300");
    other.execute_batch("ROLLBACK").unwrap();
}

/// The book forgets ids after 400 days; the views do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_older_than_the_book_remembers_is_answered_as_it_was() {
    let house = House::new().await;
    let payment = house.payment("10");
    let first = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    let unsent = house.payment("10");
    let denied = house.payment("9000000");
    house.post(&house.agent, "/v1/payments", denied.clone()).await.expect(403);
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 401 * 86_400})).await.expect(200);
    // The book forgets two ids with each that comes.
    for _ in 0..30 {
        house.post(&house.owner, "/v1/sessions", json!({})).await.expect(201);
    }
    let mut again = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    assert_eq!(again["repeated"], true);
    again["repeated"] = json!(false);
    assert_eq!(again, first);
    let problem = house.post(&house.agent, "/v1/payments", denied).await.problem(403, "payment_too_large");
    assert_eq!(problem["repeated"], true);
    let mut other = payment;
    other["amount"]["amount"] = json!("11");
    house.post(&house.agent, "/v1/payments", other).await.problem(409, "id_reused");
    house.post(&house.agent, "/v1/payments", unsent).await.problem(422, "id_stale");
}
