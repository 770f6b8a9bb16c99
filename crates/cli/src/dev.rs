//! `dev`: everything an agent's developer needs on one machine, with play money and no network.

use crate::accounts::invite;
use crate::args::Dev;
use crate::demo::cast::Cast;
use crate::demo::stage::Process;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::{files, runtime};
use serde::Serialize;
use server::data::BookKind;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use url::Url;
use wire::account::Wallet;
use wire::list::Page;

/// A seller to play with: its name, its price, and its pages with what they say.
type Shop = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What the two sellers sell.
const SHOPS: [Shop; 2] = [
    (
        "weather",
        "0.01",
        &[
            ("shanghai.json", "{\"city\":\"Shanghai\",\"degrees\":21,\"sky\":\"clear\"}\n"),
            ("hangzhou.json", "{\"city\":\"Hangzhou\",\"degrees\":19,\"sky\":\"rain\"}\n"),
        ],
    ),
    (
        "library",
        "0.30",
        &[
            ("tolls.txt", "A toll is paid once, at the gate.\n"),
            ("bridges.txt", "A bridge is measured at its weakest arch.\n"),
        ],
    ),
];

#[derive(Serialize)]
struct Running {
    server: String,
    pages: String,
    sellers: Vec<String>,
    wallet: String,
    directory: String,
}

/// Starts everything, and ends it when told to stop.
pub(crate) fn run(output: &Output, args: &Dev) -> Outcome {
    let root = &args.directory;
    fs::create_dir_all(root)?;
    let book = root.join("book");
    if !book.join("keys/server.toml").exists() {
        server::data::init(&book, BookKind::Test, "dev.tollbridge.invalid")?;
    }
    let server = args.listen;
    let data = book.display().to_string();
    let words = ["serve", "--data", &data, "--listen", &server.to_string(), "--reach-anywhere"];
    let _server = Process::start(&words, server, &root.join("server.log"))?;
    runtime::run(async {
        let cast = Cast::of_developer(&format!("http://{server}"), root).await?;
        let mut processes = Vec::new();
        let mut sellers = Vec::new();
        for (place, (name, price, pages)) in SHOPS.iter().enumerate() {
            let folder = root.join(name);
            for (page, text) in *pages {
                fs::create_dir_all(&folder)?;
                fs::write(folder.join(page), text)?;
            }
            let step = u16::try_from(place + 1).expect("there are two");
            let port = server.port().checked_add(step).ok_or_else(|| Failure::usage("no port is left"))?;
            let at = SocketAddr::new(server.ip(), port);
            let shop = open_shop(&cast, root, name, price, at).await?;
            processes.extend(shop);
            let first = files::list(&folder).into_iter().next().unwrap_or_default();
            sellers.push(format!("http://{at}/{first}"));
            output.line(format!("seller    http://{at}/{first}  {price} CNY"));
        }
        let wallet = cast.wallet().to_string();
        let pages = Url::parse(&format!("http://localhost:{}", server.port())).map_err(Failure::usage)?;
        let link = invite(cast.operator(), &pages).await?;
        output.line(format!("pages     {}  (creates a wallet of your own)", link.url));
        output.line(format!("server    http://{server}  (docs at /docs)"));
        output.line(format!("wallet    {wallet}"));
        let agent = root.join("agent.json").display().to_string();
        let purchases = root.join("purchases").display().to_string();
        if let Some(url) = sellers.first() {
            output.line(format!(
                "buy       tollbridge pay {url} --purchase first --max-price 0.50 --server http://{server} --key {agent} --wallet {wallet} --purchases {purchases}"
            ));
        }
        output.line(format!("clock     tollbridge clock advance 1d --server http://{server} --key {data}"));
        output.line("Ctrl-C ends it; the same command goes on from here.");
        output.object(&Running {
            server: format!("http://{server}"),
            pages: link.url,
            sellers,
            wallet,
            directory: root.display().to_string(),
        });
        runtime::told_to_stop().await;
        drop(processes);
        Ok(())
    })
}

async fn open_shop(
    cast: &Cast,
    root: &Path,
    name: &str,
    price: &str,
    at: SocketAddr,
) -> Outcome<Vec<Process>> {
    let behind = crate::demo::stage::free_address()?;
    let folder = root.join(name).display().to_string();
    let words = ["files", &folder, "--listen", &behind.to_string()];
    let service = Process::start(&words, behind, &root.join(format!("{name}.log")))?;
    let config = cast.shop(root, name, price, &format!("http://{behind}"), at).await?;
    let words = ["gateway", "--config", &config.display().to_string(), "--listen", &at.to_string()];
    let gateway = Process::start(&words, at, &root.join(format!("{name}.log")))?;
    Ok(vec![gateway, service])
}

/// The wallet of an earlier life of this directory.
pub(crate) async fn first_wallet(client: &sdk::Client) -> Outcome<Option<Wallet>> {
    let page: Page<Wallet> = client.list("/v1/wallets", 1, None).await.map_err(crate::client::failed)?;
    Ok(page.data.into_iter().next())
}
