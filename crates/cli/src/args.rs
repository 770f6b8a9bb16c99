//! The command line: what can be asked, in which words.

// A command line is read once; its size does not matter.
#![allow(clippy::large_enum_variant)]

mod a2a;
pub(crate) mod checkouts;
mod explain;
mod invoices;
mod links;
pub(crate) mod llm;
mod mcp;
mod parties;
mod payouts;
mod purchase;
mod selling;
mod services;
pub(crate) mod shops;
mod skills;
mod tabs;

pub(crate) use a2a::{A2aCall, A2aCommand, SellerA2a};
pub(crate) use explain::Explain;
pub(crate) use invoices::{InvoiceCommand, InvoiceCredit, InvoiceGet, InvoiceIssue, InvoiceList, PaperForm};
pub(crate) use links::LinkCommand;
pub(crate) use mcp::{
    McpCall, McpClient, McpCommand, McpDesk, McpInstall, McpPlace, McpServe, McpTools, McpUninstall,
};
pub(crate) use payouts::{BankAccountArgs, PayoutCommand, SellerPayout};
pub(crate) use purchase::PurchaseArgs;
pub(crate) use tabs::{TabArgs, TabCall, TabCommand};

pub(crate) use selling::{
    SellerCommand, SellerInit, SellerKey, SellerMcp, SellerPlan, SellerReconcile, SellerStatement,
    StatementForm,
};

pub(crate) use services::{Method, ServiceCommand, ServiceOffer, ServiceSearch};

pub(crate) use skills::{SkillCommand, SkillInstall, SkillVerify};

pub(crate) use parties::{AgentCommand, MandateCommand, OwnerCommand, PayeeCommand, WalletCommand};

use crate::exit::Exit;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use server::state::LogReaders;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Payments for AI agents: an owner says what may be spent, agents spend it, and anybody can check it.
#[derive(Debug, Parser)]
#[command(name = "tollbridge", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = exit_codes())]
pub(crate) struct CommandLine {
    /// Print JSON, one object per line, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch the whole story: an agent buys within its owner's limits, is refused beyond them, and all of it is proved.
    Demo(Demo),
    /// Run a server, two sellers and a clock to play with. Play money, no network.
    Dev(Dev),
    /// Make a data directory with a new book.
    Init(Init),
    /// Serve a book.
    Serve(Serve),
    /// Put a price in front of an HTTP service.
    Gateway(GatewayArgs),
    /// Sellers: what to ask for, and what it would earn.
    #[command(subcommand)]
    Seller(SellerCommand),
    /// Shops: what agents find there, have confirmed, and pay.
    #[command(subcommand)]
    Shop(shops::ShopCommand),
    /// Checkouts of ACP and UCP: what shops sell there, paid.
    #[command(subcommand)]
    Checkout(checkouts::CheckoutCommand),
    /// Language models: sell their answers by the token, or buy them.
    #[command(subcommand)]
    Llm(llm::LlmCommand),
    /// Fetch an address that costs something: once for each purchase key, whatever happens.
    Pay(PayArgs),
    /// Tabs: many small calls at one seller, paid by vouchers within a cap.
    #[command(subcommand)]
    Tab(TabCommand),
    /// Payment links: ask for money by an address or a QR code, and pay what one asks for.
    #[command(subcommand)]
    Link(LinkCommand),
    /// A2A: what agents of others do, paid for.
    #[command(subcommand)]
    A2a(A2aCommand),
    /// MCP: tools with which an agent pays or a seller is paid, for any client.
    #[command(subcommand)]
    Mcp(McpCommand),
    /// Payouts: what sellers collected, handed to the bank and answered. For the operator.
    #[command(subcommand)]
    Payout(PayoutCommand),
    /// The market: what sellers offer, and what agents find there.
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Skills: instructions for agents, signed, to be checked before they are followed.
    #[command(subcommand)]
    Skill(SkillCommand),
    /// Connect this program as an agent of whoever has a code on the page about agents.
    Connect(Connect),
    /// Owners: those whose money it is.
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// Wallets: accounts that agents spend from.
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// Agents: programs that spend.
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Mandates: what an owner lets one agent do.
    #[command(subcommand)]
    Mandate(MandateCommand),
    /// Payees: accounts that collect.
    #[command(subcommand)]
    Payee(PayeeCommand),
    /// Stop an owner, wallet, agent, mandate or payee at once.
    Freeze(Stop),
    /// Let it go on.
    Unfreeze(Stop),
    /// End an agent or a mandate for good.
    Revoke(Stop),
    /// The clock of a test book.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// The signed log of a book.
    #[command(subcommand)]
    Log(LogCommand),
    /// Check a whole journal, one receipt, credential or bill without asking anybody, or the log of a server.
    Verify(Verify),
    /// Compute a book again from its journal.
    Replay(Replay),
    /// Show what is in a journal.
    Entries(Entries),
    /// Write a book as double-entry text for accounting programs.
    Export(Export),
    /// Say what a 402, a payment, a mandate, a card or a record is, what is wrong with it, and what it would cost.
    Explain(Explain),
    /// Look for what could go wrong: with a data directory and its machine, or with an address that sells.
    Doctor(Doctor),
    /// Play a buyer and a network that do everything wrong against what is sold at an address, and count the money.
    ///
    /// Each cell ends in one charge and one delivery, or in a full release. It spends: each cell makes one purchase.
    Torture(Torture),
    /// A service that does everything wrong, to put behind a gateway for `torture --misbehaving`.
    Misbehave(Misbehave),
    /// Measure this machine and this program on it.
    Bench(Bench),
    /// Serve the files of a folder over HTTP, and nothing else.
    Files(Files),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// What a command does, or the exit codes.
    Help(Help),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A server's data directory, or a file with a receipt or, with `--jwks`, a credential, or, with `--seller-keys`, a bill or a quote.
    #[arg(value_name = "DIR|FILE", required_unless_present = "log")]
    pub(crate) path: Option<PathBuf>,
    /// The log's keys, as `GET /log/vkey` gives them; by default the data directory's own.
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Option<String>,
    /// What `GET /log/successions` says: leads from the keys in `--vkey` to those after them.
    #[arg(long, value_name = "FILE", requires = "vkey")]
    pub(crate) successions: Option<PathBuf>,
    /// Of a receipt: the data directory whose log's keys to use.
    #[arg(long, value_name = "DIR", conflicts_with = "vkey")]
    pub(crate) data: Option<PathBuf>,
    /// Of a credential: its issuer's keys, as `GET /v1/credentials/keys` gives them.
    #[arg(long, value_name = "FILE", requires = "path", conflicts_with_all = ["vkey", "successions", "data", "checkpoint", "log"])]
    pub(crate) jwks: Option<PathBuf>,
    /// Of a bill or a quote: the seller's keys, as `tollbridge llm keys` prints them.
    #[arg(long, value_name = "FILE", requires = "path", conflicts_with_all = ["jwks", "vkey", "successions", "data", "checkpoint", "log"])]
    pub(crate) seller_keys: Option<PathBuf>,
    /// Of a quote with its evaluation, as `tollbridge pay --terms-out` writes them: the answer that was evaluated.
    #[arg(long, value_name = "FILE", requires = "seller_keys")]
    pub(crate) body: Option<PathBuf>,
    /// A checkpoint you kept, instead of the directory's newest: shows that nothing before it was changed since.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Instead of files: the log of the server at this address, with every entry in it. Needs `--vkey`.
    #[arg(long, value_name = "URL", requires = "vkey", conflicts_with_all = ["path", "successions", "data", "checkpoint"])]
    pub(crate) log: Option<String>,
    /// Of a log that is not public: the server's data directory, or a file with the operator's key.
    #[arg(long, value_name = "FILE|DIR", requires = "log")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Decide each entry again by the rules of this program, and list those that would differ.
    #[arg(long)]
    pub(crate) against: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Entries {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The first entry to show.
    #[arg(long, value_name = "ENTRY", default_value_t = 0)]
    pub(crate) from: u64,
    /// How many to show.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// As a Beancount file, which ends with an assertion for every balance.
    #[arg(long, required = true)]
    pub(crate) beancount: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Files {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A server's data directory; or the address of something that is sold, which is graded. Nothing is spent.
    #[arg(value_name = "DIR|URL")]
    pub(crate) subject: String,
    /// Of an address: the method by which it is sold.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,
    /// Of an address: a body with which it is sold.
    #[arg(long, value_name = "TEXT")]
    pub(crate) body: Option<String>,
    /// Of an address: a path there that costs nothing.
    #[arg(long, value_name = "PATH")]
    pub(crate) free: Option<String>,
    /// Of an address: a path and query there that make no sense, and should be refused before they are billed.
    #[arg(long, value_name = "PATH")]
    pub(crate) bad_input: Option<String>,
    /// Of an address: a proof that was used, or a file with one.
    #[arg(long, value_name = "PROOF|FILE")]
    pub(crate) used_proof: Option<String>,
    /// Of an address: the seller's keys, as `GET /v1/a402/sellers/{payee}` gives them: a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) seller_keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Torture {
    /// What is sold.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// The wallet to pay from.
    #[arg(long, value_name = "WALLET", env = "TOLLBRIDGE_WALLET")]
    pub(crate) wallet: String,
    /// The mandate that allows it; without one, the agent's newest for this wallet, and where it has none its own limits.
    #[arg(long, value_name = "MANDATE")]
    pub(crate) mandate: Option<String>,
    /// The most that one purchase may cost. Each cell makes one.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_price: String,
    /// The address has `tollbridge misbehave` behind it: also play through what a service can do wrong, at the paths
    /// below it.
    #[arg(long)]
    pub(crate) misbehaving: bool,
    /// Only the cells whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// How many seconds money may take until it has moved or come back.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) patience: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Misbehave {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8421")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure; without it the book, the server and A402.
    #[command(subcommand)]
    pub(crate) part: Option<BenchPart>,
    /// Where to keep the journals that are measured; they are deleted afterwards.
    #[arg(long, value_name = "DIR", default_value = ".", global = true)]
    pub(crate) directory: PathBuf,
    /// How often each figure is measured; the median is told.
    #[arg(long, value_name = "COUNT", default_value_t = 5, global = true, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: u32,
    /// How many wallets there are, each with an agent and a mandate.
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) wallets: u32,
    /// How many payments each round makes.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(100..=100_000_000))]
    pub(crate) payments: u32,
}

/// Parts of the bench that are measured by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum BenchPart {
    /// What the gateway adds to the time of a call, at 1,000 calls a second.
    Gateway,
    /// How many calls a second are paid by voucher through the gateway.
    Vouchers,
    /// How many quotes a second an agent's tools pay over MCP.
    Mcp,
}

/// Who asks which server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Caller {
    /// The server's address.
    #[arg(long, value_name = "URL", env = "TOLLBRIDGE_SERVER", default_value = "http://127.0.0.1:8402")]
    pub(crate) server: String,
    /// A key file; or a data directory, whose operator's key is meant.
    #[arg(long, value_name = "FILE|DIR", env = "TOLLBRIDGE_KEY")]
    pub(crate) key: PathBuf,
}

/// What may be spent. Amounts are like `0.50`, in the wallet's asset.
#[derive(Clone, Debug, Args)]
pub(crate) struct LimitArgs {
    /// The most one payment may be.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) per_payment: Option<String>,
    /// The most that may be spent in all.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) total: Option<String>,
    /// The most that may be spent in a calendar day.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) per_day: Option<String>,
    /// The most that may be spent in a week from Monday on.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) per_week: Option<String>,
    /// The most that may be spent in a calendar month.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) per_month: Option<String>,
    /// Whose calendar: a zone such as `Asia/Shanghai`.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) zone: String,
    /// How many payments there may be.
    #[arg(long, value_name = "COUNT")]
    pub(crate) uses: Option<u64>,
    /// Ask the owner above this.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) ask_above: Option<String>,
    /// Ask the owner about sellers that the wallet has never paid.
    #[arg(long)]
    pub(crate) ask_first_contact: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The HTTP service to sell: any that answers `GET /`.
    #[arg(long, value_name = "URL", conflicts_with = "sell")]
    pub(crate) upstream: Option<String>,
    /// The folder to sell; by default the repository's own documentation.
    #[arg(long, value_name = "DIR")]
    pub(crate) sell: Option<PathBuf>,
    /// Keep everything in this new directory, to look at afterwards.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Where to keep the book, the keys and the purchases.
    #[arg(long, value_name = "DIR", default_value = ".tollbridge-dev")]
    pub(crate) directory: PathBuf,
    /// Where the server listens; the sellers take the two ports behind it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8402")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory to make.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Play money, and a clock that can be put forward (the default).
    #[arg(long, conflicts_with = "live")]
    pub(crate) test: bool,
    /// Real money.
    #[arg(long)]
    pub(crate) live: bool,
    /// The log's name for ever, such as `pay.example/2026`; by default a random one.
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The data directory.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_DATA")]
    pub(crate) data: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", env = "TOLLBRIDGE_LISTEN", default_value = "127.0.0.1:8402")]
    pub(crate) listen: SocketAddr,
    /// Who may read the entries in `/log/tile/entries`: they say who paid whom.
    #[arg(long, value_name = "WHO", env = "TOLLBRIDGE_LOG_READERS", default_value = "operator")]
    pub(crate) log_readers: LogReadersArg,
    /// Save the book whenever so many entries have come: the next start reads only what follows.
    #[arg(long, value_name = "ENTRIES", default_value_t = engine::limits::SNAPSHOT_EVERY_ENTRIES,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) snapshot_every: u64,
    /// Where owners find their pages: passkeys belong to this name. By default `localhost` at the port listened on.
    #[arg(long, value_name = "URL", env = "TOLLBRIDGE_PUBLIC_URL")]
    pub(crate) public_url: Option<Url>,
    /// Tell owners what waits for them: one line of JSON each, at the end of this file.
    #[arg(long, value_name = "FILE", env = "TOLLBRIDGE_NOTIFY_FILE", conflicts_with = "notify_webhook")]
    pub(crate) notify_file: Option<PathBuf>,
    /// The same as a POST to this address.
    #[arg(long, value_name = "URL", env = "TOLLBRIDGE_NOTIFY_WEBHOOK")]
    pub(crate) notify_webhook: Option<Url>,
    /// A file with the secret that the POSTs are signed with, as Standard Webhooks has it: `whsec_…`, or 32 bytes in
    /// Base64URL.
    #[arg(long, value_name = "FILE", env = "TOLLBRIDGE_NOTIFY_SECRET", requires = "notify_webhook")]
    pub(crate) notify_secret: Option<PathBuf>,
    /// Let webhooks and looks at services go to this machine and its neighbours, and without TLS: for trying things out.
    #[arg(long, env = "TOLLBRIDGE_WEBHOOKS_ANYWHERE")]
    pub(crate) reach_anywhere: bool,
    /// Ask here for clearer words where an owner's sentence leaves questions, when she wants to: any endpoint that speaks
    /// OpenAI's chat completions, up to its `/v1`. Her words are sent there; what comes back is checked, and hers to send.
    #[arg(long, value_name = "URL", env = "TOLLBRIDGE_DRAFT_ENDPOINT", requires = "draft_model")]
    pub(crate) draft_endpoint: Option<Url>,
    /// The model that drafts.
    #[arg(long, value_name = "NAME", env = "TOLLBRIDGE_DRAFT_MODEL", requires = "draft_endpoint")]
    pub(crate) draft_model: Option<String>,
    /// A file with the key for the drafting endpoint.
    #[arg(long, value_name = "FILE", env = "TOLLBRIDGE_DRAFT_KEY", requires = "draft_endpoint")]
    pub(crate) draft_key: Option<PathBuf>,
    /// A file that says which EVM chains and tokens payments of x402 are settled on, for whom, and from which account.
    #[cfg(feature = "evm")]
    #[arg(long, value_name = "FILE", env = "TOLLBRIDGE_EVM")]
    pub(crate) evm: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The server's address.
    #[arg(value_name = "URL")]
    pub(crate) server: String,
    /// The code on the owner's page.
    #[arg(long, value_name = "CODE")]
    pub(crate) code: String,
    /// What this program is, and where: for the owner to recognize.
    #[arg(long, value_name = "TEXT", default_value = "Assistant")]
    pub(crate) name: String,
    /// A new file for its key.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogReadersArg {
    Operator,
    Everybody,
}

impl From<LogReadersArg> for LogReaders {
    fn from(who: LogReadersArg) -> LogReaders {
        match who {
            LogReadersArg::Operator => LogReaders::Operator,
            LogReadersArg::Everybody => LogReaders::Everybody,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    /// What is sold, for how much, and whose it is: a TOML file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8410")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct PayArgs {
    /// What to fetch.
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) purchase: PurchaseArgs,
    /// The HTTP method.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,
    /// The body to send.
    #[arg(long, value_name = "TEXT")]
    pub(crate) body: Option<String>,
    /// Where to remember purchases; by default `~/.tollbridge/purchases`.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_PURCHASES")]
    pub(crate) purchases: Option<PathBuf>,
    /// Write the answer here instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Of what is bought on terms: write the signed quote and evaluation here, for `tollbridge verify --seller-keys`.
    #[arg(long, value_name = "FILE")]
    pub(crate) terms_out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// The id of what is meant.
    pub(crate) id: String,
    /// Do not ask whether I am sure.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Put the clock of a test book forward. For the operator.
    Advance {
        #[command(flatten)]
        caller: Caller,
        /// By how much: `90s`, `5m`, `12h`, `35d`.
        #[arg(value_name = "TIME", value_parser = seconds)]
        by: u64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Give the log a new key. What the old one signed stays good; it can sign nothing more. No server may run.
    RotateKey {
        /// A server's data directory.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// Reads a length of time.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a length of time such as `90s`, `5m`, `12h` or `35d`");
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some(_) | None => return Err(wrong()),
    };
    let count = text.get(..text.len().saturating_sub(1)).and_then(|count| count.parse::<u64>().ok());
    count.and_then(|count| count.checked_mul(unit)).ok_or_else(wrong)
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Help {
    /// A command, or `exit-codes`.
    pub(crate) topic: Option<String>,
}

fn exit_codes() -> String {
    format!("Exit codes:\n{}", Exit::table())
}
