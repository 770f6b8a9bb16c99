//! `mcp`: the tools with which an agent pays or a seller is paid, for any client of MCP.

mod call;
mod edit;
mod install;

use crate::args::{McpCommand, McpDesk, McpServe, McpTools};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use mcp::http::{Bearer, Config, Front, Gate, Sessions};
use mcp::{Desk, Settings, ToolSet, tools};
use sdk::{Credentials, Reach};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use url::Url;

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    description: Option<&'a str>,
    takes: Value,
}

#[derive(Serialize)]
struct Digest {
    digest: String,
}

#[derive(Serialize)]
struct Listening {
    listening: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Runs a command about MCP.
pub(crate) fn run(output: &Output, command: &McpCommand) -> Outcome {
    match command {
        McpCommand::Serve(args) => serve(output, args),
        McpCommand::Call(args) => call::call(output, args),
        McpCommand::Tools { tools } => {
            tell(output, tools);
            Ok(())
        }
        McpCommand::Install(args) => install::install(output, args),
        McpCommand::Uninstall(args) => install::uninstall(output, args),
    }
}

fn tell(output: &Output, named: &[McpTools]) {
    let sets = if named.is_empty() { ToolSet::ALL.to_vec() } else { sets(named) };
    let tools = tools::tools(&sets);
    for tool in &tools {
        let takes = Value::Object((*tool.input_schema).clone());
        output.line(&tool.name);
        output.line(format!("  {}", tool.description.as_deref().unwrap_or_default()));
        output.line(format!("  {}", output.faint(&takes.to_string())));
        output.object(&Told { name: &tool.name, description: tool.description.as_deref(), takes });
    }
    let digest = tools::digest(&tools);
    output.line(format!("digest {digest}"));
    output.object(&Digest { digest });
}

fn serve(output: &Output, args: &McpServe) -> Outcome {
    // Standard output belongs to the client.
    runtime::log();
    runtime::run(async {
        match (&args.config, &args.key, args.listen) {
            (Some(config), _, Some(at)) => {
                let text = std::fs::read_to_string(config);
                let text = text.map_err(|fault| Failure::from(fault).during(config.display()))?;
                let base = config.parent().unwrap_or(Path::new("."));
                let named = |fault: mcp::http::ConfigFault| {
                    Failure::usage(format!("`{}`: {fault}", config.display()))
                };
                let front = Config::parse(&text, base).map_err(named)?;
                let front = front.open(reach(&args.desk)).await.map_err(named)?;
                listen(output, at, front, None).await
            }
            (None, Some(key), Some(at)) => {
                if !at.ip().is_loopback() {
                    let why =
                        "without `--config` it is served on this machine only, such as at 127.0.0.1:8403";
                    return Err(Failure::usage(why));
                }
                let (token, bearer) = Bearer::draw();
                let resource = Url::parse(&format!("http://{at}/mcp")).map_err(Failure::fault)?;
                let principal = "local".to_owned();
                let front = Front {
                    resource,
                    origins: Vec::new(),
                    gate: Gate::Printed {
                        bearer,
                        principal: principal.clone(),
                        tools: sets(&args.desk.tools),
                    },
                    handlers: HashMap::from([(principal, desk(args, key)?)]),
                    sessions: Sessions::None,
                };
                listen(output, at, front, Some(token)).await
            }
            (None, Some(key), None) => {
                let streams = (tokio::io::stdin(), tokio::io::stdout());
                mcp::stdio::serve(desk(args, key)?, streams).await.map_err(Failure::fault)
            }
            (Some(_), _, None) | (None, None, _) => {
                Err(Failure::usage("say whose key it is with `--key FILE`"))
            }
        }
    })
}

async fn listen(
    output: &Output,
    at: std::net::SocketAddr,
    mut front: Front<Desk>,
    token: Option<String>,
) -> Outcome {
    let listener = runtime::listen(at).await?;
    // A port of nobody's choice is known only now.
    if token.is_some() {
        let port = Some(listener.local_addr()?.port());
        front.resource.set_port(port).map_err(|()| Failure::fault("the address has no port"))?;
    }
    let listening = front.resource.to_string();
    output.line(format!("listening on {listening}"));
    if let Some(token) = &token {
        output.line(format!("its token, until it ends: {token}"));
    }
    output.object(&Listening { listening, token });
    mcp::http::serve(listener, mcp::http::router(front), runtime::told_to_stop()).await;
    Ok(())
}

/// The desk of one key.
fn desk(args: &McpServe, key: &Path) -> Outcome<Desk> {
    let credentials = Credentials::read(key).map_err(Failure::usage)?;
    let name = credentials.key_id.to_string();
    Desk::open(Settings {
        server: args.desk.server.clone(),
        credentials,
        tools: sets(&args.desk.tools),
        directory: match &args.keep {
            Some(directory) => directory.clone(),
            None => home()?.join(".tollbridge/mcp").join(name),
        },
        reach: reach(&args.desk),
        pages: args.desk.pages.clone(),
    })
    .map_err(Failure::usage)
}

fn reach(desk: &McpDesk) -> Reach {
    if desk.local_sellers { Reach::Anywhere } else { Reach::Public }
}

fn sets(tools: &[McpTools]) -> Vec<ToolSet> {
    let set = |tools: &McpTools| match tools {
        McpTools::Buyer => ToolSet::Buyer,
        McpTools::Merchant => ToolSet::Merchant,
    };
    tools.iter().map(set).collect()
}

fn home() -> Outcome<PathBuf> {
    std::env::home_dir().ok_or_else(|| Failure::usage("nobody's home: name the place on the command line"))
}
