//! `torture URL`: a buyer, a network and a service that do everything wrong, against something that is sold; then the money
//! is counted. Every cell has to end in one charge and one delivery, or with everything given back.
//!
//! Reading order: [`Cell`] what is played, [`judge`] what counts, [`relay`] the network, [`buyer`] the buyer, [`misbehave`]
//! the service.

mod buyer;
pub(crate) mod misbehave;
mod relay;

use crate::args;
use crate::client::{failed, in_session};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::pay::settings;
use crate::{money, runtime};
use buyer::Trick;
use relay::{Fault, Relay};
use sdk::{Buyer, BuyerSettings, Client, Fetch, PaymentOutcome, Purchases};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use url::Url;
use wire::Money;
use wire::list::Page;
use wire::payment::PaymentState;

/// How often a buyer asks again, who does not know what became of a purchase.
const TRIES: u32 = 8;
/// How long it waits in between.
const PAUSE: Duration = Duration::from_millis(400);
/// The holds of one cell that are looked at.
const HOLDS_MAX: usize = 100;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// In the network, once; the buyer then does what a buyer should.
    Network(&'static str, Fault),
    /// By the buyer.
    Buyer(Trick),
    /// By the service; and whether what it answers is a delivery all the same.
    Service(&'static str, bool),
}

const NETWORK: [(&str, Fault); 9] = [
    ("proof-lost-before-the-seller", Fault::LoseRequest),
    ("answer-lost-after-the-seller", Fault::LoseAnswer),
    ("402-twice", Fault::DemandAgain),
    ("502-after-delivery", Fault::BadGateway),
    ("answer-cut-in-half", Fault::CutAnswer),
    ("answer-byte-by-byte", Fault::Trickle),
    ("proof-replayed-100-times", Fault::Repeat),
    ("price-swapped-on-the-way", Fault::Dearer),
    ("payee-swapped-on-the-way", Fault::OtherPayee),
];

impl Cell {
    fn all(misbehaving: bool) -> Vec<Cell> {
        let network = NETWORK.iter().map(|(name, fault)| Cell::Network(name, *fault));
        let buyer = Trick::ALL.iter().map(|trick| Cell::Buyer(*trick));
        let service = misbehave::FAULTS.iter().map(|(name, delivers)| Cell::Service(name, *delivers));
        network.chain(buyer).chain(service.filter(|_| misbehaving)).collect()
    }

    fn name(self) -> String {
        match self {
            Cell::Network(name, _) => format!("network/{name}"),
            Cell::Buyer(trick) => format!("buyer/{}", trick.name()),
            Cell::Service(name, _) => format!("service/{name}"),
        }
    }

    /// What has to come of it.
    fn expected(self) -> Expected {
        match self {
            Cell::Network(..) | Cell::Service(_, true) => Expected::Once,
            Cell::Service(_, false) => Expected::Nothing,
            Cell::Buyer(trick) if trick.pays() => Expected::Once,
            Cell::Buyer(_) => Expected::Nothing,
        }
    }
}

/// What has to come of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// One charge and one delivery.
    Once,
    /// Neither; what was set aside is back.
    Nothing,
}

/// What was seen of a cell from the buyer's side.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The different answers that were given.
    deliveries: usize,
    /// What went wrong beside money and deliveries.
    wrong: Option<String>,
}

/// What became of the money of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spent {
    /// What was collected, of each purchase.
    charges: Vec<Money>,
    /// The purchases whose money came back.
    released: usize,
    /// The purchases whose money neither moved nor came back.
    pending: usize,
}

/// Whether a cell ended as it has to; if not, why not.
fn judge(expected: Expected, seen: &Seen, spent: &Spent, price: Money) -> Result<(), String> {
    if spent.pending != 0 {
        return Err(format!("{} purchases are still held: neither paid nor given back", spent.pending));
    }
    if let Some(other) = spent.charges.iter().find(|charge| **charge != price) {
        return Err(format!("charged {} for what costs {}", other.in_words(), price.in_words()));
    }
    // What was wrong with the money matters more than what was said about it.
    match (expected, spent.charges.len(), seen.deliveries) {
        (Expected::Once, 1, 1) | (Expected::Nothing, 0, 0) => seen.wrong.clone().map_or(Ok(()), Err),
        (_, charges @ 2.., _) => Err(format!("charged {charges} times")),
        (_, _, deliveries @ 2..) => Err(format!("delivered {deliveries} different answers for one payment")),
        (_, 0, 1) => Err("delivered for nothing".to_owned()),
        (_, 1, 0) => Err("charged, and not delivered".to_owned()),
        (Expected::Once, ..) => {
            let none = "neither charged nor delivered, where an honest purchase was in the end";
            Err(seen.wrong.clone().unwrap_or_else(|| none.to_owned()))
        }
        (Expected::Nothing, ..) => Err("charged and delivered, where nothing should have been".to_owned()),
    }
}

#[derive(Serialize)]
struct Told<'a> {
    cell: &'a str,
    held_up: bool,
    charges: usize,
    released: usize,
    deliveries: usize,
    why: Option<&'a str>,
    ms: u128,
}

#[derive(Serialize)]
struct Sum {
    cells: usize,
    failed: usize,
    skipped: usize,
    spent: Money,
}

/// Everything a cell needs.
struct Bench<'a> {
    args: &'a args::Torture,
    client: Client,
    settings: BuyerSettings,
    price_max: Money,
    /// What one purchase costs, as the seller said at first.
    price: Money,
    /// Where purchases are remembered, for as long as this runs.
    purchases: PathBuf,
    run: String,
}

/// Plays every cell.
pub(crate) fn run(output: &Output, args: &args::Torture) -> Outcome {
    runtime::run(async {
        let bench = Bench::prepare(args).await?;
        let ended = play(output, &bench).await;
        // Only this run used it.
        let _ = std::fs::remove_dir_all(&bench.purchases);
        ended
    })
}

async fn play(output: &Output, bench: &Bench<'_>) -> Outcome {
    let only = bench.args.only.as_deref().unwrap_or_default();
    let mut cells = Cell::all(bench.args.misbehaving);
    cells.retain(|cell| cell.name().contains(only));
    if cells.is_empty() {
        return Err(Failure::usage(format!("there is no cell whose name contains `{only}`")));
    }
    let mut sum = Sum { cells: cells.len(), failed: 0, skipped: 0, spent: bench.price };
    let mut spent_minor = 0u128;
    for cell in cells {
        let (name, began) = (cell.name(), Instant::now());
        let first = bench.newest().await?;
        let Some(seen) = bench.play(cell).await? else {
            sum.skipped += 1;
            output
                .line(format!("{}  {name}: over TLS nothing can be put in between", output.faint("skipped")));
            continue;
        };
        let spent = bench.count(first).await?;
        spent_minor += spent.charges.iter().map(|charge| charge.amount.minor()).sum::<u128>();
        let verdict = judge(cell.expected(), &seen, &spent, bench.price);
        let why = verdict.as_ref().err().map(String::as_str);
        let ms = began.elapsed().as_millis();
        output.object(&Told {
            cell: &name,
            held_up: verdict.is_ok(),
            charges: spent.charges.len(),
            released: spent.released,
            deliveries: seen.deliveries,
            why,
            ms,
        });
        let mark = if verdict.is_ok() { output.good("holds up") } else { output.bad("BROKEN  ") };
        let came = match (spent.charges.len(), seen.deliveries, spent.released) {
            (1, 1, _) => "charged once, delivered once".to_owned(),
            (0, 0, 0) => "nothing was spent".to_owned(),
            (0, 0, released) => format!("{released} given back, nothing was spent"),
            (charges, deliveries, _) => format!("{charges} charges, {deliveries} deliveries"),
        };
        output.line(format!(
            "{mark}  {name}: {}  {}",
            why.unwrap_or(&came),
            output.faint(&format!("{ms} ms"))
        ));
        sum.failed += usize::from(verdict.is_err());
    }
    sum.spent.amount = wire::AmountText::new(spent_minor).unwrap_or(sum.spent.amount);
    output.line(format!(
        "{} cells, {} broken, {} skipped; {} was spent",
        sum.cells,
        sum.failed,
        sum.skipped,
        sum.spent.in_words()
    ));
    output.object(&sum);
    if sum.failed == 0 { Ok(()) } else { Err(Failure::said(Exit::False)) }
}

impl<'a> Bench<'a> {
    async fn prepare(args: &'a args::Torture) -> Outcome<Bench<'a>> {
        let client = in_session(&args.caller)?;
        let (settings, asset) = settings(&client, &args.wallet, &args.mandate).await?;
        let price_max = money::read(&args.max_price, asset)?;
        let run = format!("{:016x}", rand::random::<u64>());
        let purchases = std::env::temp_dir().join(format!("tollbridge-torture-{run}"));
        let mut bench = Bench { args, client, settings, price_max, price: price_max, purchases, run };
        bench.price = bench.price().await?;
        Ok(bench)
    }

    fn buyer(&self) -> Outcome<Buyer> {
        let purchases = Purchases::open(&self.purchases).map_err(Failure::fault)?;
        Buyer::new(self.client.clone(), self.settings.clone(), purchases).map_err(Failure::fault)
    }

    fn fetch(&self, url: &str, cell: &str) -> Fetch {
        Fetch {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Default::default(),
            body: Vec::new(),
            purchase: format!("torture {} {cell}", self.run),
            price_max: self.price_max,
            why: None,
        }
    }

    /// Plays a cell; none where that cannot be done here.
    async fn play(&self, cell: Cell) -> Outcome<Option<Seen>> {
        let is_plain = self.args.url.starts_with("http://");
        match cell {
            Cell::Network(name, fault) if is_plain => self.network(name, fault).await.map(Some),
            Cell::Buyer(trick) if is_plain || !trick.is_raw() => self.trick(trick).await.map(Some),
            Cell::Network(..) | Cell::Buyer(_) => Ok(None),
            Cell::Service(name, _) => self.service(name).await.map(Some),
        }
    }

    /// Buys through a network in which one thing goes wrong, asking again as long as nobody knows what came of it.
    async fn network(&self, name: &str, fault: Fault) -> Outcome<Seen> {
        let relay = Relay::start(fault).await?;
        let buyer = self.buyer()?.through(&relay.url).map_err(Failure::fault)?;
        let fetch = self.fetch(&self.args.url, name);
        let mut last = "the purchase was never made".to_owned();
        for _ in 0..TRIES {
            match buyer.fetch(&fetch).await {
                Ok(bought) => {
                    let status = bought.answer.as_ref().map(|answer| answer.status);
                    let is_settled =
                        matches!(bought.payment, PaymentOutcome::Held(_) | PaymentOutcome::Paid(_));
                    if is_settled && status.is_some_and(|status| (200..300).contains(&status)) {
                        let wrong =
                            relay.is_unused().then(|| "nothing went wrong: nothing was shown".to_owned());
                        return Ok(Seen { deliveries: relay.given(), wrong });
                    }
                    last = format!("{:?} with status {status:?}", bought.payment);
                }
                // Nothing was spent; a buyer asks again, and this time nobody is in between.
                Err(why) => last = why.to_string(),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Seen { deliveries: relay.given(), wrong: Some(format!("not bought in {TRIES} tries: {last}")) })
    }

    /// Buys something that the service behind does wrong.
    async fn service(&self, name: &str) -> Outcome<Seen> {
        let url = format!("{}/{name}", self.args.url.trim_end_matches('/'));
        match self.buyer()?.fetch(&self.fetch(&url, name)).await {
            Ok(bought) => {
                let status = bought.answer.map(|answer| answer.status).unwrap_or_default();
                let is_free = matches!(bought.payment, PaymentOutcome::NotNeeded);
                let wrong = is_free.then(|| format!("`{url}` is not sold: it answers {status} unasked"));
                Ok(Seen { deliveries: usize::from((200..300).contains(&status)), wrong })
            }
            Err(why) => Ok(Seen { deliveries: 0, wrong: Some(why.to_string()) }),
        }
    }

    /// The newest entry that one of our holds has.
    async fn newest(&self) -> Outcome<u64> {
        let holds: Page<PaymentState> = self.client.list("/v1/holds", 1, None).await.map_err(failed)?;
        Ok(holds.data.first().map_or(0, |hold| hold.entry))
    }

    /// What became of the money of the holds since then, once it has moved or come back.
    async fn count(&self, since: u64) -> Outcome<Spent> {
        let patience = Duration::from_secs(self.args.patience);
        let began = Instant::now();
        loop {
            let holds: Page<PaymentState> =
                self.client.list("/v1/holds", HOLDS_MAX, None).await.map_err(failed)?;
            let mut spent = Spent::default();
            for hold in holds.data.into_iter().filter(|hold| since < hold.entry) {
                let charge = hold.captured.filter(|captured| captured.amount.minor() != 0);
                match (hold.status.as_str(), charge) {
                    ("held", _) => spent.pending += 1,
                    (_, Some(charge)) => spent.charges.push(charge),
                    (_, None) => spent.released += 1,
                }
            }
            if spent.pending == 0 || patience < began.elapsed() {
                return Ok(spent);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The address of a seller's host, for who writes to its socket himself.
fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cny(minor: u128) -> Money {
        Money { amount: wire::AmountText::new(minor).unwrap(), asset: "CNY/2".parse().unwrap() }
    }

    fn spent(charges: &[u128], pending: usize) -> Spent {
        Spent { charges: charges.iter().map(|minor| cny(*minor)).collect(), released: 1, pending }
    }

    #[test]
    fn one_charge_and_one_delivery_or_nothing_at_all() {
        let check = |expected, deliveries, charges: &[u128], pending| {
            let seen = Seen { deliveries, wrong: None };
            judge(expected, &seen, &spent(charges, pending), cny(3)).is_ok()
        };
        assert!(check(Expected::Once, 1, &[3], 0));
        assert!(check(Expected::Nothing, 0, &[], 0));
        for expected in [Expected::Once, Expected::Nothing] {
            assert!(!check(expected, 1, &[3, 3], 0), "charged twice");
            assert!(!check(expected, 2, &[3], 0), "delivered twice");
            assert!(!check(expected, 1, &[], 0), "delivered for nothing");
            assert!(!check(expected, 0, &[3], 0), "charged for nothing");
            assert!(!check(expected, 1, &[3], 1), "something is still held");
            assert!(!check(expected, 1, &[4], 0), "charged another price");
        }
        assert!(!check(Expected::Once, 0, &[], 0), "an honest buyer was turned away");
        assert!(!check(Expected::Nothing, 1, &[3], 0));
        let seen = Seen { deliveries: 1, wrong: Some("a 500".to_owned()) };
        assert_eq!(judge(Expected::Once, &seen, &spent(&[3], 0), cny(3)), Err("a 500".to_owned()));
    }
}
