//! `demo`: the whole story in one process tree, with every claim checked: it fails where anything is off.
//!
//! An owner gives an agent limits. The agent buys pages of a service that knows nothing of payments, and is refused
//! beyond its limits. The server is killed in the middle of a purchase. At the end the evidence is verified offline.

pub(crate) mod cast;
mod relay;
pub(crate) mod stage;

use crate::args::Demo;
use crate::data::{Data, walk};
use crate::exit::{Exit, Failure, Outcome};
use crate::ledger::{Ledger, Referred};
use crate::output::Output;
use crate::pay::{not_bought, outcome};
use crate::{client, files, runtime, verify, words};
use book::{Action, Entry, Seq};
use cast::{BEGINNING, Cast, PER_DAY, PER_PAYMENT, money};
use protocols::a402::wallet::Network;
use relay::Relay;
use sdk::{Buyer, BuyerSettings, Fetch, PaymentOutcome, Purchase, Purchases};
use serde::Serialize;
use server::data::BookKind;
use stage::{Process, free_address};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// What one page costs, in words and in hundredths.
const PRICE: &str = "0.30";
const PRICE_MINOR: u128 = 30;
/// The pages that the day's limit allows: after three of them 0.10 are left.
const PAGES: usize = 3;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Serialize)]
struct Told<'a> {
    step: &'a str,
}

/// Plays the story.
pub(crate) fn run(output: &Output, args: &Demo) -> Outcome {
    let began = Instant::now();
    let root = Root::new(args.keep.as_deref())?;
    runtime::run(async {
        let mut story = Story::begin(output, args, &root.path).await?;
        story.buys_within_limits().await?;
        story.survives_a_kill().await?;
        story.is_refused_beyond().await?;
        story.is_proved().await
    })?;
    let seconds = began.elapsed().as_secs_f64();
    output.line(format!("\n{} all of it held, in {seconds:.1} s", output.good("✓")));
    output.object(&serde_json::json!({ "demo": "held", "seconds": seconds }));
    Ok(())
}

struct Story<'a> {
    output: &'a Output,
    root: PathBuf,
    cast: Cast,
    buyer: Arc<Buyer>,
    pages: Vec<String>,
    shop: SocketAddr,
    server_address: SocketAddr,
    relay: Option<Relay>,
    server: Process,
    gateway: Process,
    _service: Option<Process>,
    /// How many entries were shown.
    shown: u64,
}

impl<'a> Story<'a> {
    async fn begin(output: &'a Output, args: &Demo, root: &Path) -> Outcome<Story<'a>> {
        let book = root.join("book");
        server::data::init(&book, BookKind::Test, "demo.tollbridge.invalid")?;
        let server_address = free_address()?;
        let server = start_server(root, server_address)?;
        say(output, &format!("A book of play money is served at http://{server_address}."));

        let (service, upstream, pages) = service(output, args, root)?;
        let relay = match upstream.scheme() {
            "http" => {
                let host = upstream.host_str().unwrap_or("127.0.0.1");
                Some(
                    Relay::start(format!("{host}:{}", upstream.port_or_known_default().unwrap_or(80)))
                        .await?,
                )
            }
            // What is encrypted for another host cannot be relayed.
            _ => None,
        };
        let through =
            relay.as_ref().map_or(upstream.to_string(), |relay| format!("http://{}", relay.address));

        let cast = Cast::enrol(&format!("http://{server_address}"), root).await?;
        say(
            output,
            &format!(
                "Wen has {} in a wallet. Her assistant may spend {} at once and {} a day.",
                money(BEGINNING).in_words(),
                money(PER_PAYMENT).in_words(),
                money(PER_DAY).in_words()
            ),
        );
        let shop = free_address()?;
        let config = cast.shop(root, "shop", PRICE, &through, shop).await?;
        let words = ["gateway", "--config", &config.display().to_string(), "--listen", &shop.to_string()];
        let gateway = Process::start(&words, shop, &root.join("gateway.log"))?;
        say(output, &format!("A gateway at http://{shop} asks {PRICE} CNY for each page."));

        let settings = BuyerSettings {
            wallet: cast.wallet(),
            mandate: None,
            network: Network::Test,
            payees: Vec::new(),
            seller_keys: Default::default(),
        };
        let purchases = Purchases::open(&root.join("purchases")).map_err(Failure::fault)?;
        let buyer = Buyer::new(cast.agent().clone(), settings, purchases).map_err(Failure::fault)?;
        let buyer = Arc::new(buyer);
        let mut story = Story {
            output,
            root: root.to_owned(),
            cast,
            buyer,
            pages,
            shop,
            server_address,
            relay,
            server,
            gateway,
            _service: service,
            shown: 0,
        };
        story.show_movements()?;
        Ok(story)
    }

    async fn buys_within_limits(&mut self) -> Outcome {
        for number in 1..PAGES {
            let bought = self.buy_until_paid(number).await?;
            self.bought(number, &bought)?;
            self.show_movements()?;
        }
        self.expect(self.cast.left().await? == BEGINNING - 2 * PRICE_MINOR, "two pages cost twice the price")
    }

    async fn survives_a_kill(&mut self) -> Outcome {
        if let Some(relay) = &self.relay {
            relay.halt();
        }
        let (buyer, fetch) = (Arc::clone(&self.buyer), self.fetch(PAGES));
        let under_way = tokio::spawn(async move { buyer.fetch(&fetch).await });
        self.wait_until_held().await?;
        self.server.kill()?;
        say(
            self.output,
            "The server is killed with -9: the money is set aside, the page is not delivered yet.",
        );
        if let Some(relay) = &self.relay {
            relay.go_on();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.server = start_server(&self.root, self.server_address)?;
        say(self.output, "It is started again, and reads its journal.");
        let bought = under_way.await.map_err(Failure::fault)?.map_err(not_bought)?;
        // Whatever the first answer was, doing it again under the same purchase key asks, and pays nothing again.
        let again = self.buy_until_paid(PAGES).await?;
        self.bought(PAGES, &again)?;
        let (_, first) = outcome(&bought.payment);
        let (_, second) = outcome(&again.payment);
        self.expect(first.is_none() || first == second, "the purchase kept its one hold")?;
        self.show_movements()?;
        let left = self.cast.left().await?;
        self.expect(left == BEGINNING - 3 * PRICE_MINOR, "the interrupted purchase was paid exactly once")?;
        say(self.output, "The interrupted purchase was paid exactly once.");
        Ok(())
    }

    async fn is_refused_beyond(&mut self) -> Outcome {
        let beyond = self.buy(PAGES + 1).await?;
        let PaymentOutcome::Refused(problem) = &beyond.payment else {
            return Err(off(&format!("the fourth page was not refused: {}", outcome(&beyond.payment).0)));
        };
        let status = beyond.answer.as_ref().map(|answer| answer.status);
        self.expect(status == Some(402), "nothing is delivered for nothing")?;
        say(self.output, &format!("The fourth page is refused. {}", client::refused(problem).message));
        self.expect(problem.code == "window_exceeded", "the day's limit is what refused")?;
        let entry = problem.entry.ok_or_else(|| off("the refusal is recorded"))?;
        self.expect(self.cast.left().await? == BEGINNING - 3 * PRICE_MINOR, "a refusal costs nothing")?;
        self.receipt(entry).await
    }

    /// The refusal's receipt, checked by this program as by a stranger: with nothing but the log's key.
    async fn receipt(&self, entry: u64) -> Outcome {
        let began = Instant::now();
        let receipt = loop {
            match self.cast.agent().receipt(entry).await {
                Ok(receipt) => break receipt,
                Err(failure) if began.elapsed() < PATIENCE && failure.code() == Some("receipt_pending") => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(failure) => return Err(client::failed(failure)),
            }
        };
        let path = self.root.join("refusal.receipt.json");
        fs::write(&path, serde_json::to_vec(&receipt).expect("a receipt is JSON"))?;
        let keys = server::log_keys::log_keys(&self.root.join("book"))?;
        say(self.output, "The refusal has a receipt, which verifies offline:");
        verify::receipt::verify(self.output, &path, &keys)
    }

    async fn is_proved(&mut self) -> Outcome {
        self.gateway.stop()?;
        self.server.stop()?;
        let data = Data::at(&self.root.join("book"))?;
        say(self.output, "Everything is stopped. The journal is verified offline:");
        let report = verify::directory(self.output, &data, &data.log_keys()?, None)?;
        self.expect(report.checkpoint_size == report.entries, "the signed log has every entry")?;
        self.output.line(format!(
            "  {} {} entries, signed as root {}; {} accounts add up and none owes",
            self.output.good("✓"),
            report.entries,
            report.root,
            report.accounts
        ));
        self.output.object(&report);
        Ok(())
    }

    fn fetch(&self, number: usize) -> Fetch {
        let page = &self.pages[(number - 1) % self.pages.len()];
        Fetch {
            method: "GET".to_owned(),
            url: format!("http://{}/{page}", self.shop),
            headers: Default::default(),
            body: Vec::new(),
            purchase: format!("demo page {number}"),
            price_max: money(PER_PAYMENT),
            why: None,
        }
    }

    async fn buy(&self, number: usize) -> Outcome<Purchase> {
        self.buyer.fetch(&self.fetch(number)).await.map_err(not_bought)
    }

    /// Buys a page, and asks again under the same purchase key until the seller has confirmed the delivery.
    async fn buy_until_paid(&self, number: usize) -> Outcome<Purchase> {
        let began = Instant::now();
        loop {
            let bought = self.buy(number).await?;
            if matches!(bought.payment, PaymentOutcome::Paid(_)) {
                return Ok(bought);
            }
            let (word, _) = outcome(&bought.payment);
            self.expect(began.elapsed() < PATIENCE, &format!("page {number} is paid at last, not {word}"))?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// That a page was paid for and delivered.
    fn bought(&self, number: usize, bought: &Purchase) -> Outcome {
        let (word, hold) = outcome(&bought.payment);
        let body =
            bought.answer.as_ref().filter(|answer| answer.status == 200).map(|answer| answer.body.len());
        self.expect(
            matches!(bought.payment, PaymentOutcome::Paid(_)),
            &format!("page {number} is paid, not {word}"),
        )?;
        let bytes = body.ok_or_else(|| off(&format!("page {number} is delivered")))?;
        let page = &self.pages[(number - 1) % self.pages.len()];
        let hold = words::short(&hold.unwrap_or_default());
        say(self.output, &format!("The assistant bought `/{page}`: {bytes} bytes for {PRICE} CNY ({hold})."));
        Ok(())
    }

    /// Waits until the journal has a hold that is not captured, and has been redeemed for its delivery.
    async fn wait_until_held(&self) -> Outcome {
        let (data, began) = (Data::at(&self.root.join("book"))?, Instant::now());
        let wanted = if self.relay.is_some() { Middle::Redeemed } else { Middle::Held };
        while !reached(&data, self.shown, wanted)? {
            self.expect(began.elapsed() < PATIENCE, "the third purchase begins")?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Shows what moved since the last time, as the journal has it.
    fn show_movements(&mut self) -> Outcome {
        let journal = Data::at(&self.root.join("book"))?.read()?;
        let mut referred = Referred::default();
        let entry = |bytes: &[u8]| Entry::from_bytes(bytes).map_err(Failure::fault);
        walk(&journal, Seq(0), |frame| {
            frame.entries().try_for_each(|(_, bytes)| entry(bytes).map(|entry| referred.note(&entry)))
        })?;
        let mut ledger = Ledger::new(referred);
        let mut next = 0;
        walk(&journal, Seq(0), |frame| {
            for (seq, bytes) in frame.entries() {
                let movements = ledger.count(&entry(bytes)?).map_err(|why| off(&why.to_string()))?;
                if self.shown <= seq.0 {
                    for movement in &movements {
                        let line = words::movement(&ledger, movement);
                        self.output.line(format!("  entry {:<3} {line}", seq.0));
                        self.output.object(&serde_json::json!({ "entry": seq.0, "moved": line }));
                    }
                }
                next = seq.0 + 1;
            }
            Ok(())
        })?;
        self.shown = next;
        Ok(())
    }

    fn expect(&self, holds: bool, claim: &str) -> Outcome {
        if holds { Ok(()) } else { Err(off(&format!("this does not hold: {claim}"))) }
    }
}

/// How far the middle purchase is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Middle {
    Held,
    Redeemed,
}

fn reached(data: &Data, from: u64, wanted: Middle) -> Outcome<bool> {
    let mut is_reached = false;
    walk(&data.read()?, Seq(from), |frame| {
        for (seq, bytes) in frame.entries() {
            let entry = Entry::from_bytes(bytes).map_err(Failure::fault)?;
            is_reached |= from <= seq.0
                && match wanted {
                    Middle::Held => matches!(entry.command.action, Action::PlaceHold(_)),
                    Middle::Redeemed => matches!(entry.command.action, Action::Redeem(_)),
                };
        }
        Ok(())
    })?;
    Ok(is_reached)
}

/// The service that is sold: the one that was named, or a server of files.
fn service(output: &Output, args: &Demo, root: &Path) -> Outcome<(Option<Process>, Url, Vec<String>)> {
    if let Some(upstream) = &args.upstream {
        let url = Url::parse(upstream).map_err(|fault| Failure::usage(format!("`{upstream}`: {fault}")))?;
        say(output, &format!("What is sold is {url}, which knows nothing of payments."));
        return Ok((None, url, vec![String::new()]));
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let folder = args.sell.clone().unwrap_or(if own.is_dir() { own } else { PathBuf::from("docs") });
    let folder = folder.canonicalize().map_err(|_| {
        Failure::usage(format!(
            "there is no folder `{}`; say what to sell with `--sell DIR`",
            folder.display()
        ))
    })?;
    // A page whose name needs no quoting in an address.
    let plain = |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/".contains(&b));
    let pages: Vec<String> = files::list(&folder).into_iter().filter(plain).collect();
    if pages.is_empty() {
        return Err(Failure::usage(format!("there is no file in `{}`", folder.display())));
    }
    let at = free_address()?;
    let words = ["files", &folder.display().to_string(), "--listen", &at.to_string()];
    let process = Process::start(&words, at, &root.join("files.log"))?;
    say(
        output,
        &format!(
            "What is sold is the folder {}, by a server of files that knows nothing of payments.",
            folder.display()
        ),
    );
    let url = Url::parse(&format!("http://{at}")).expect("an address makes a URL");
    Ok((Some(process), url, pages))
}

fn start_server(root: &Path, at: SocketAddr) -> Outcome<Process> {
    let data = root.join("book").display().to_string();
    Process::start(&["serve", "--data", &data, "--listen", &at.to_string()], at, &root.join("server.log"))
}

fn say(output: &Output, step: &str) {
    output.line(step);
    output.object(&Told { step });
}

fn off(why: &str) -> Failure {
    Failure::new(Exit::False, why)
}

/// Where it all lies; deleted afterwards unless it was asked for.
struct Root {
    path: PathBuf,
    keep: bool,
}

impl Root {
    fn new(keep: Option<&Path>) -> Outcome<Root> {
        let path = match keep {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("tollbridge-demo-{}", std::process::id())),
        };
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::create_dir(&path).map_err(|fault| Failure::usage(format!("`{}`: {fault}", path.display())))?;
        Ok(Root { path, keep: keep.is_some() })
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be deleted lies where temporary things lie.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
