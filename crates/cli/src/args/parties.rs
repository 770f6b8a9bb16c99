//! The words for owners, wallets, agents, mandates and payees.

use super::{Caller, LimitArgs, seconds};
use clap::Subcommand;
use std::path::PathBuf;
use url::Url;

#[derive(Debug, Subcommand)]
pub(crate) enum OwnerCommand {
    /// Register an owner with a new key. For the operator.
    Create {
        #[command(flatten)]
        caller: Caller,
        /// The new file for the owner's key.
        #[arg(long, value_name = "FILE")]
        key_out: PathBuf,
        /// What people call the owner.
        #[arg(long)]
        label: Option<String>,
    },
    /// Print a link with which somebody becomes an owner, once. For the operator.
    Invite {
        #[command(flatten)]
        caller: Caller,
        /// Where owners find their pages, as `serve --public-url` has it.
        #[arg(
            long,
            value_name = "URL",
            env = "TOLLBRIDGE_PUBLIC_URL",
            default_value = "http://localhost:8402"
        )]
        public_url: Url,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum WalletCommand {
    /// Open a wallet. For its owner and the operator.
    Create {
        #[command(flatten)]
        caller: Caller,
        /// Whose.
        #[arg(long, value_name = "OWNER")]
        owner: String,
        /// The one asset it holds, such as `CNY/2`.
        #[arg(long)]
        asset: String,
        #[command(flatten)]
        limits: LimitArgs,
        /// What people call it.
        #[arg(long)]
        label: Option<String>,
    },
    /// Bring money in from outside. For the operator.
    Fill {
        #[command(flatten)]
        caller: Caller,
        /// Which wallet.
        wallet: String,
        /// How much, such as `100.00`.
        amount: String,
    },
    /// Approve one checkout in person: AP2's closed mandates, and the money set aside for the payee. For the wallet's owner.
    Ap2 {
        #[command(flatten)]
        caller: Caller,
        /// Which wallet pays.
        wallet: String,
        /// Who is paid.
        #[arg(long)]
        payee: String,
        /// What the checkout comes to, such as `12.50`.
        #[arg(long)]
        amount: String,
        /// The file with the checkout, as its merchant signed it.
        #[arg(long, value_name = "FILE")]
        checkout: PathBuf,
        /// The name of the hold; the same name sets nothing aside again.
        #[arg(long, value_name = "HOLD")]
        id: Option<String>,
    },
    /// List wallets.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Show one.
    Show {
        #[command(flatten)]
        caller: Caller,
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Register an agent with a new key. For the wallet's owner.
    Create {
        #[command(flatten)]
        caller: Caller,
        /// The wallet it may spend from.
        #[arg(long, value_name = "WALLET")]
        wallet: String,
        /// The new file for the agent's key.
        #[arg(long, value_name = "FILE")]
        key_out: PathBuf,
        #[command(flatten)]
        limits: LimitArgs,
        /// What people call it.
        #[arg(long)]
        label: Option<String>,
    },
    /// Give an agent a reference to pay with: each payment waits for its owner, or for a credential. For the wallet's owner.
    Bind {
        #[command(flatten)]
        caller: Caller,
        /// The agent.
        #[arg(value_name = "AGENT")]
        id: String,
        /// The most that one payment may be, such as `100.00`.
        #[arg(long, value_name = "AMOUNT")]
        max: String,
        /// For how many days.
        #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
    },
    /// List agents.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Show one.
    Show {
        #[command(flatten)]
        caller: Caller,
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MandateCommand {
    /// Let an agent spend within limits. For the wallet's owner.
    Create {
        #[command(flatten)]
        caller: Caller,
        /// From this wallet.
        #[arg(long, value_name = "WALLET")]
        wallet: String,
        /// This agent.
        #[arg(long, value_name = "AGENT")]
        agent: String,
        /// For how long, such as `30d`.
        #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "30d")]
        valid_for: u64,
        #[command(flatten)]
        limits: LimitArgs,
        /// The text the owner agreed to.
        #[arg(long)]
        document: Option<String>,
    },
    /// State a mandate in AP2's format, for an agent's key and one open checkout. For the wallet's owner.
    Ap2 {
        #[command(flatten)]
        caller: Caller,
        /// Which mandate.
        id: String,
        /// The agent's public key on P-256: both coordinates in Base64URL, with a point between.
        #[arg(long, value_name = "X.Y")]
        agent_key: String,
        /// The file with the constraints of the checkout, as JSON.
        #[arg(long, value_name = "FILE")]
        checkout: PathBuf,
    },
    /// List mandates.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Show one.
    Show {
        #[command(flatten)]
        caller: Caller,
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PayeeCommand {
    /// Register a payee. For the operator.
    Create {
        #[command(flatten)]
        caller: Caller,
        /// What it collects, such as `CNY/2`.
        #[arg(long)]
        asset: String,
        /// What it sells, in a word.
        #[arg(long)]
        category: String,
        /// The new file for the seller's key.
        #[arg(long, value_name = "FILE")]
        key_out: Option<PathBuf>,
        /// The operator's fee, in millionths.
        #[arg(long, default_value_t = 0)]
        fee_ppm: u32,
        /// What people call it.
        #[arg(long)]
        label: Option<String>,
    },
    /// List payees.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Show one.
    Show {
        #[command(flatten)]
        caller: Caller,
        id: String,
    },
}
