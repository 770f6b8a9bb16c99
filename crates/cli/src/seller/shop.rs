//! `seller shop`: a shop that agents can buy at, and what becomes of its orders.

use crate::args::shops::{SellerShop, ShopChange, ShopServe};
use crate::client::credentials;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::shop::{book_time, not_served, parsed, say_order};
use crate::{runtime, serve};
use ::shop::{Config, Shop};
use checkouts::Doors;
use protocols::act::cid::cart::OrderAction;
use protocols::act::{Identifier, Sentence};
use sdk::shopping::Shopper;
use sdk::{Client, Clock};
use std::path::Path;
use wire::AgentId;

/// Runs a command of a shop's owner.
pub(crate) fn run(output: &Output, command: &SellerShop) -> Outcome {
    match command {
        SellerShop::Serve(args) => open(output, args),
        SellerShop::Fulfil(args) => change(output, args, OrderAction::Fulfil),
        SellerShop::Cancel(args) => change(output, args, OrderAction::Cancel),
    }
}

/// Sells until told to stop.
fn open(output: &Output, args: &ShopServe) -> Outcome {
    runtime::log();
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    for item in config.catalogue.items.iter().filter(|item| item.not_orderable.is_some()) {
        tracing::warn!(item = item.id, why = item.not_orderable, "listed, and not orderable");
    }
    let directory = args.config.parent().unwrap_or(Path::new(""));
    let doors = config.checkouts.clone().map(|section| checkouts::Config::read(section, directory));
    let doors = doors.transpose().map_err(Failure::usage)?;
    let shop = Shop::open(config, Clock::system());
    runtime::run(async {
        let shop = shop.map_err(Failure::fault)?;
        let doors = match doors {
            Some(config) => Some(Doors::open(shop.clone(), config).await.map_err(Failure::fault)?),
            None => None,
        };
        let listener = runtime::listen(args.listen).await?;
        serve::say_where(output, &listener)?;
        match doors {
            Some(doors) => checkouts::serve(listener, shop, doors, runtime::told_to_stop()).await,
            None => ::shop::act::serve(listener, shop, runtime::told_to_stop()).await,
        }
        Ok(())
    })
}

/// Says to a shop, in the name of its key, what becomes of an order.
fn change(output: &Output, args: &ShopChange, action: OrderAction) -> Outcome {
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let seller = config.seller;
    let number: Identifier = parsed(&args.order, "order", Identifier::parse)?;
    let reason = args.reason.as_deref().map(|text| parsed(text, "reason", Sentence::parse)).transpose()?;
    runtime::run(async {
        let server = seller.server.as_str();
        let client = Client::new(server, credentials(&seller.key_file)?).map_err(Failure::usage)?;
        let clock = book_time(server).await?;
        // A merchant's messages are not an agent's; only the key matters.
        let shopper = Shopper::new(client, AgentId(0), clock).map_err(not_served)?;
        let requester = parsed(&seller.payee.to_string(), "payee", Identifier::parse)?;
        let state = shopper.change(&seller.public_url, &number, action, requester, reason).await;
        let state = state.map_err(not_served)?;
        say_order(output, &state);
        Ok(())
    })
}
