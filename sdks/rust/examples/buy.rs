//! Buys one address with the official client, from a wallet of ours: `buy KEY SERVER WALLET MAX URL`.

use mpp::client::Fetch;
use sdk::{BuyerSettings, Client, Credentials};
use std::path::Path;
use tollbridge_mpp::Toll;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [key, server, wallet, most, url] = words.as_slice() else {
        return Err("usage: buy KEY SERVER WALLET MAX_FEN URL".into());
    };
    let settings = BuyerSettings {
        wallet: wallet.parse()?,
        mandate: None,
        network: protocols::a402::wallet::Network::Test,
        payees: Vec::new(),
        seller_keys: Default::default(),
    };
    let price_max = wire::Money { amount: most.parse()?, asset: "CNY/2".parse()? };
    let toll = Toll::new(Client::new(server, Credentials::read(Path::new(key))?)?, settings, price_max);
    let request = reqwest::Client::new().get(url).header("Accept-Payment", "toll/charge");
    let answer = request.send_with_payment(&toll).await?;
    println!("{}\n{}", answer.status().as_u16(), answer.text().await?);
    Ok(())
}
