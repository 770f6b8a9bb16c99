//! What can be asked about MCP on the command line.

use super::PurchaseArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Commands about MCP.
#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Serve the tools: over standard input and output, or over HTTP.
    Serve(McpServe),
    /// Call a tool of any server, and pay for it where it costs something: once for each purchase key, whatever happens.
    Call(McpCall),
    /// Print the tools with what they take, and the digest to pin them by.
    Tools {
        /// Whose tools; all, where nothing is said.
        #[arg(long, value_enum, value_delimiter = ',')]
        tools: Vec<McpTools>,
    },
    /// Add the tools to the configuration of a client: shows what would change, and asks.
    Install(McpInstall),
    /// Take them out again.
    Uninstall(McpUninstall),
}

/// Which tool of whom, and what it may cost.
#[derive(Debug, Args)]
pub(crate) struct McpCall {
    /// The tool.
    pub(crate) tool: String,
    /// Its arguments: a JSON object.
    #[arg(default_value = "{}")]
    pub(crate) arguments: String,
    /// The server, at an address of streamable HTTP.
    #[arg(long, value_name = "URL", conflicts_with = "program", required_unless_present = "program")]
    pub(crate) at: Option<Url>,
    #[command(flatten)]
    pub(crate) purchase: PurchaseArgs,
    /// Where to remember purchases; by default `~/.tollbridge/purchases`.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_PURCHASES")]
    pub(crate) purchases: Option<PathBuf>,
    /// The server as a program with its arguments, which speaks over standard input and output.
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

/// Whose tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum McpTools {
    /// For an agent that pays.
    Buyer,
    /// For a seller.
    Merchant,
}

/// With which key, for whom.
#[derive(Debug, Args)]
pub(crate) struct McpServe {
    #[command(flatten)]
    pub(crate) desk: McpDesk,
    /// The key file of the agent or the seller.
    #[arg(long, value_name = "FILE", env = "TOLLBRIDGE_KEY", required_unless_present = "config")]
    pub(crate) key: Option<PathBuf>,
    /// Where quotes and purchases are remembered; a directory for the key below `~/.tollbridge/mcp`, where nothing is said.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Serve over HTTP at this address, with a token that is printed once; without `--config`, on this machine only.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Whose tokens are taken over HTTP, and for whom they speak: a TOML file.
    #[arg(long, value_name = "FILE", requires = "listen", conflicts_with_all = ["keep", "pages", "tools"])]
    pub(crate) config: Option<PathBuf>,
}

/// What the tools are, and at which server.
#[derive(Clone, Debug, Args)]
pub(crate) struct McpDesk {
    /// The server's address.
    #[arg(long, value_name = "URL", env = "TOLLBRIDGE_SERVER", default_value = "http://127.0.0.1:8402")]
    pub(crate) server: String,
    /// Whose tools.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "buyer")]
    pub(crate) tools: Vec<McpTools>,
    /// Also ask sellers on this machine and beside it, and without TLS: for trying things out.
    #[arg(long)]
    pub(crate) local_sellers: bool,
    /// Where owners find their pages; the server's address, where nothing is said.
    #[arg(long, value_name = "URL")]
    pub(crate) pages: Option<Url>,
}

/// A client whose configuration is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum McpClient {
    /// Claude Code: `~/.claude.json`.
    Claude,
    /// Codex: `~/.codex/config.toml`.
    Codex,
    /// Cursor: `~/.cursor/mcp.json`.
    Cursor,
    /// Gemini CLI: `~/.gemini/settings.json`.
    Gemini,
    /// Visual Studio Code: `mcp.json` of the user.
    Vscode,
}

/// Into which client, with which key.
#[derive(Debug, Args)]
pub(crate) struct McpInstall {
    #[command(flatten)]
    pub(crate) place: McpPlace,
    #[command(flatten)]
    pub(crate) desk: McpDesk,
    /// The key file of the agent or the seller. Its path is written, and nothing of what is in it.
    #[arg(long, value_name = "FILE", env = "TOLLBRIDGE_KEY")]
    pub(crate) key: PathBuf,
}

/// Out of which client.
#[derive(Debug, Args)]
pub(crate) struct McpUninstall {
    #[command(flatten)]
    pub(crate) place: McpPlace,
}

/// Which configuration.
#[derive(Debug, Args)]
pub(crate) struct McpPlace {
    /// The client.
    #[arg(long, value_enum)]
    pub(crate) client: McpClient,
    /// Its configuration, where that is not where it usually is.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Write without asking.
    #[arg(long)]
    pub(crate) yes: bool,
}
