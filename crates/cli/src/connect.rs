//! `connect`: this program becomes an agent of whoever has a code on the page about agents.

use crate::args::Connect;
use crate::client::{credentials, draw_key, failed};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use book::Id;
use sdk::{Auth, Client};
use serde::Serialize;
use std::time::Duration;
use wire::KeyId;
use wire::joining::{Connection, NewConnection};

/// How often the owner's word is asked for.
const EVERY: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Connected<'a> {
    agent: String,
    wallet: String,
    key: &'a str,
    server: &'a str,
}

pub(crate) fn run(output: &Output, args: &Connect) -> Outcome {
    runtime::run(async {
        let now = sdk::Clock::system().now();
        let key = draw_key(KeyId(u128::from_be_bytes(Id::new(now, rand::random()).0)), &args.save)?;
        let client = Client::new(&args.server, credentials(&args.save)?).map_err(Failure::usage)?;
        // Nobody knows the key yet: it opens no session.
        let client = client.with_auth(Auth::Signed);
        let asks = NewConnection { code: args.code.clone(), device: args.name.clone(), key };
        let asked: Result<Connection, _> = client.make("/v1/connections", &asks).await;
        let asked = asked.map_err(|failure| {
            // Nobody knows the key yet: the next try may use the same file.
            std::fs::remove_file(&args.save).ok();
            failed(failure)
        })?;
        output.line("Compare these words with those on the owner's page:");
        output.line(format!("  {}", asked.phrase.join(" ")));
        output.object(&asked);
        let path = format!("/v1/connections/{}", asked.id);
        loop {
            let it: Connection = client.get(&path).await.map_err(failed)?;
            match (it.status.as_str(), it.agent) {
                ("connected", Some(agent)) => {
                    let key = args.save.display().to_string();
                    output.line(format!("connected: {agent}, spends from {}", it.wallet));
                    output.line(format!("its key is in `{key}`"));
                    let (agent, wallet) = (agent.to_string(), it.wallet.to_string());
                    output.object(&Connected { agent, wallet, key: &key, server: &args.server });
                    return Ok(());
                }
                ("refused", _) => {
                    return Err(Failure::new(Exit::Refused, "the owner said no; nothing was changed"));
                }
                _ => tokio::time::sleep(EVERY).await,
            }
        }
    })
}
