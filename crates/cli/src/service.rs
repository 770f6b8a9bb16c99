//! `service`: what sellers offer on the market, and what agents find there.

use crate::args::Caller;
use crate::args::{Method, ServiceCommand, ServiceOffer, ServiceSearch};
use crate::client::{credentials, failed};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::{money, runtime};
use sdk::Client;
use std::fs;
use std::path::PathBuf;
use wire::service::{NewService, Service, ServiceMethod, ServiceQuery, ServiceState};
use wire::{PayeeId, RequestId, ServiceId};

/// The most services that a search shows.
const FOUND: u32 = 20;

/// Runs a command about services.
pub(crate) fn run(output: &Output, command: &ServiceCommand) -> Outcome {
    runtime::run(async {
        match command {
            ServiceCommand::Offer(args) => offer(output, args).await,
            ServiceCommand::List { caller } => list(output, caller).await,
            ServiceCommand::Withdraw { service, caller } => {
                let client = client(caller)?;
                let change = RequestId(client.fresh_id());
                show(output, &client.withdraw_service(change, *service).await.map_err(failed)?);
                Ok(())
            }
            ServiceCommand::Search(args) => search(output, args).await,
        }
    })
}

async fn offer(output: &Output, args: &ServiceOffer) -> Outcome {
    let client = client(&args.caller)?;
    let payee = client.payee(own(&client).await?).await.map_err(failed)?;
    let schema = |path: &Option<PathBuf>| {
        let read = |path: &PathBuf| {
            fs::read_to_string(path).map_err(|fault| Failure::from(fault).during(path.display()))
        };
        path.as_ref().map(read).transpose()
    };
    let new = NewService {
        id: ServiceId(client.fresh_id()),
        payee: None,
        name: args.name.clone(),
        description: args.description.clone(),
        category: args.category.clone(),
        method: match args.method {
            Method::Get => ServiceMethod::Get,
            Method::Post => ServiceMethod::Post,
        },
        url: args.url.clone(),
        price: money::read(&args.price, payee.asset)?,
        input_schema: schema(&args.input_schema)?,
        output_schema: schema(&args.output_schema)?,
    };
    show(output, &client.offer_service(&new).await.map_err(failed)?);
    Ok(())
}

async fn list(output: &Output, caller: &Caller) -> Outcome {
    let client = client(caller)?;
    let services = client.services_of(own(&client).await?).await.map_err(failed)?;
    services.data.iter().for_each(|service| show(output, service));
    Ok(())
}

async fn search(output: &Output, args: &ServiceSearch) -> Outcome {
    let client = client(&args.caller)?;
    let most = |text: &String| {
        let asset = args.asset.ok_or_else(|| Failure::usage("`--max-price` is in an `--asset`"))?;
        money::read(text, asset).map(|money| money.amount)
    };
    let query = ServiceQuery {
        query: Some(args.words.join(" ")).filter(|words| !words.is_empty()),
        category: args.category.clone(),
        max_price: args.max_price.as_ref().map(most).transpose()?,
        asset: args.asset,
        limit: FOUND,
        cursor: None,
    };
    let found = client.search_services(&query).await.map_err(failed)?;
    found.data.iter().for_each(|service| show(output, service));
    if found.data.is_empty() {
        output.line("nothing on the market is like that");
    }
    Ok(())
}

fn show(output: &Output, service: &Service) {
    let state = match service.state {
        ServiceState::Unchecked => "not looked at yet",
        ServiceState::Open => "open",
        ServiceState::PriceDiffers => "asks for another price",
        ServiceState::NotSold => "asks for no payment to its seller",
        ServiceState::Unreachable => "does not answer",
        ServiceState::Withdrawn => "withdrawn",
    };
    let proved = if service.domain_proved { "its host names its seller" } else { "its host names no seller" };
    let record = &service.record;
    output.line(format!("{}  {}  {}  {state}, {proved}", service.id, service.price.in_words(), service.name));
    output.line(output.faint(&format!(
        "    {} of {} purchases delivered, {} buyers; {}",
        record.delivered, record.purchases, record.buyers, service.url
    )));
    output.object(service);
}

fn client(caller: &Caller) -> Outcome<Client> {
    Client::new(&caller.server, credentials(&caller.key)?).map_err(Failure::usage)
}

/// The seller whose key is used.
async fn own(client: &Client) -> Outcome<PayeeId> {
    let me = client.me().await.map_err(failed)?;
    let payee = me.id.as_deref().and_then(|id| id.parse().ok());
    payee.ok_or_else(|| Failure::usage(format!("the key is no seller's, but an {}'s", me.kind)))
}
