//! `seller mcp`: prices on the tools of an MCP server, offered to one client or to anybody.

use crate::args::SellerMcp;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use gateway::{Config, Gateway};
use mcp::booth::{Agreement, Booth, Change, Place, Settings, door};
use serde::Serialize;
use std::ffi::OsString;
use url::Url;

#[derive(Serialize)]
struct Offered<'a> {
    tool: &'a str,
    price: Option<&'a str>,
}

#[derive(Serialize)]
struct Differs<'a> {
    tool: &'a str,
    differs: &'static str,
    agreed: bool,
}

#[derive(Serialize)]
struct Listening {
    listening: String,
}

/// Offers the tools until told to stop, or until the one client goes.
pub(super) fn run(output: &Output, args: &SellerMcp) -> Outcome {
    // Standard output may belong to a client.
    runtime::log();
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let place = place(&args.upstream, &args.program)?;
    let agreement = if args.agree { Agreement::Renewed } else { Agreement::Standing };
    runtime::run(async {
        let gateway = Gateway::open(config, sdk::Clock::system()).map_err(Failure::fault)?;
        let public_url = gateway.public_url().clone();
        let (booth, changes) =
            Booth::open(Settings { gateway, place, agreement }).await.map_err(Failure::fault)?;
        let Some(at) = args.listen else {
            changes.iter().for_each(|change| eprintln!("{}", in_words(change, args.agree)));
            let streams = (tokio::io::stdin(), tokio::io::stdout());
            return door::serve_one(booth, streams).await.map_err(Failure::fault);
        };
        let listener = runtime::listen(at).await?;
        for change in &changes {
            output.line(in_words(change, args.agree));
            let (tool, differs) = parts(change);
            output.object(&Differs { tool, differs, agreed: args.agree });
        }
        for (tool, price) in &booth.offered() {
            output.line(format!("{tool:<32} {}", price.as_deref().unwrap_or("free")));
            output.object(&Offered { tool, price: price.as_deref() });
        }
        let listening = format!("{}{}", public_url.as_str().trim_end_matches('/'), door::PATH);
        output.line(format!("listening at {}, for clients at {listening}", listener.local_addr()?));
        output.object(&Listening { listening });
        door::serve(listener, booth, runtime::told_to_stop()).await;
        Ok(())
    })
}

/// Where a server of tools is, as the command line has it.
pub(crate) fn place(url: &Option<Url>, program: &[OsString]) -> Outcome<Place> {
    match (url, program.split_first()) {
        (Some(url), _) => Ok(Place::Address(url.clone())),
        (None, Some((program, arguments))) => Ok(Place::Program(program.clone(), arguments.to_vec())),
        (None, None) => Err(Failure::usage("say which server: its address, or `-- PROGRAM`")),
    }
}

fn parts(change: &Change) -> (&str, &'static str) {
    match change {
        Change::New(tool) => (tool, "new"),
        Change::Changed(tool) => (tool, "changed"),
        Change::Gone(tool) => (tool, "gone"),
    }
}

fn in_words(change: &Change, agreed: bool) -> String {
    let (tool, differs) = parts(change);
    let then = match (change, agreed) {
        (Change::Gone(_), _) => "it is not offered",
        (Change::New(_) | Change::Changed(_), true) => "you agree to it",
        (Change::New(_) | Change::Changed(_), false) => {
            "it is not offered until you agree to it with `--agree`"
        }
    };
    format!("{tool}: {differs} since you agreed; {then}")
}
