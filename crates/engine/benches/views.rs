//! How many payments a second the views take in: 100,000 wallets with an agent and a mandate each, 1,000 payees of which
//! one takes every fifth payment, in batches as the follower gets them.

#[allow(dead_code)]
#[path = "../tests/views/town.rs"]
mod town;

use book::{Limit, Provenance, Seq};
use engine::limits::FOLLOW_FRAMES_MAX;
use engine::views::{Views, Whom};
use engine::{BookId, Follower};
use std::time::Instant;
use town::{Town, amount};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Nanoseconds that this thread computed: what others do on the machine does not count.
fn computed() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says");
    let nanos = stat.split(' ').next().expect("three numbers");
    nanos.parse().expect("a number")
}

fn main() {
    let wallets = number("WALLETS", 100_000);
    let payments = number("PAYMENTS", 500_000);
    let batch = number("BATCH", 8_192);
    let mut town = Town::empty();
    town.owner();
    town.owner();
    for _ in 0..1_000 {
        town.payee(None, Provenance::Registry, 2_500);
    }
    for wallet in 0..wallets {
        let id = town.wallet(town.owner_of(wallet), vec![Limit::PerPayment { max: amount(1_000) }]);
        town.fund(id, 1_000_000_000);
        let agent = town.agent(wallet, vec![]);
        town.mandate(wallet, agent, 1_000_000_000);
    }
    let setup = town.entries.len();
    let mut random = 1u64;
    for _ in 0..payments {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = usize::try_from(random >> 33).expect("31 bits fit");
        let payee = if draw % 5 == 0 { 0 } else { draw % 1_000 };
        town.pay((draw / 5) % wallets, payee, 1 + u128::from(random >> 60));
    }
    println!(
        "{setup} entries before, {} payments, batches of {batch}, {FOLLOW_FRAMES_MAX} frames a time",
        town.entries.len() - setup
    );

    let path = std::env::temp_dir().join(format!("tollbridge-views-rate-{}.sqlite", std::process::id()));
    let (mut views, reader) = Views::open(&path, BookId([1; 16]), Seq(u64::MAX)).expect("the views open");
    let mut feed = |from: usize, to: usize| {
        let (began, began_computing) = (Instant::now(), computed());
        let mut slowest = 0;
        let mut first = from;
        while first < to {
            let entries: Vec<&[u8]> =
                town.entries[first..to.min(first + batch)].iter().map(Vec::as_slice).collect();
            let batch_began = Instant::now();
            views
                .handle(Seq(u64::try_from(first).expect("fits")), &entries)
                .expect("the entries are handled");
            slowest = slowest.max(batch_began.elapsed().as_millis());
            first += entries.len();
        }
        let seconds = began.elapsed().as_secs_f64();
        let entries = u64::try_from(to - from).expect("fits");
        let computing = entries * 1_000_000_000 / (computed() - began_computing);
        println!(
            "{entries} entries in {seconds:.2} s, {computing} a second of computing, slowest batch {slowest} ms"
        );
    };
    feed(0, setup);
    feed(setup, town.entries.len());
    drop(views);

    let view = reader.view().expect("a view");
    let began = Instant::now();
    for wallet in town.wallets.iter().take(1_000) {
        let page = view.payments(Whom::Wallet(*wallet), None, 100).expect("a page");
        assert!(page.rows.len() <= 100);
    }
    println!("a wallet's payments: {} µs", began.elapsed().as_micros() / 1_000);
    let began = Instant::now();
    let page = view.payments(Whom::Payee(town.payees[0].0), None, 1_000).expect("a page");
    println!("{} of the busy payee's payments: {} µs", page.rows.len(), began.elapsed().as_micros());
    let began = Instant::now();
    assert!(view.totals().expect("totals").iter().all(|total| total.sum() == 0));
    println!("totals of every account: {} ms", began.elapsed().as_millis());
    let bytes = std::fs::metadata(&path).expect("the file is there").len();
    println!("{} bytes an entry", bytes / u64::try_from(town.entries.len()).expect("fits"));
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        // What SQLite keeps beside the file may be gone already.
        let _ = std::fs::remove_file(name);
    }
}
