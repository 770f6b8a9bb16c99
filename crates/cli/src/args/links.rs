//! The words for payment links.

use super::{Caller, seconds};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum LinkCommand {
    /// Ask for money: prints the address and its QR code. For the seller.
    Create {
        #[command(flatten)]
        caller: Caller,
        /// What it is for; whoever opens the link reads this.
        #[arg(long, value_name = "TEXT")]
        what: String,
        /// How much, or the least, such as `5.00`.
        #[arg(long, value_name = "AMOUNT")]
        amount: String,
        /// The most, where payers choose.
        #[arg(long, value_name = "AMOUNT")]
        most: Option<String>,
        /// Share what comes in: each payee and its part, the seller that asks first, such as `pye_…=96,pye_…=4`.
        #[arg(long, value_name = "PAYEE=PART", value_delimiter = ',')]
        split: Vec<String>,
        /// How often it may be paid: 1 is once. By default as often as anybody likes.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
        uses: Option<u32>,
        /// How long it is good: `90s`, `5m`, `12h`, `35d`.
        #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = seconds)]
        valid_for: u64,
        /// A person has to confirm each payment: for tips.
        #[arg(long)]
        tip: bool,
    },
    /// List the newest links of the seller, with what was paid by each.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Show what a link asks for, and its QR code. For everybody who has its address.
    Show {
        /// The link, or its address.
        #[arg(value_name = "LINK")]
        link: String,
        /// The server's address.
        #[arg(long, value_name = "URL", env = "TOLLBRIDGE_SERVER", default_value = "http://127.0.0.1:8402")]
        server: String,
    },
    /// End a link. For the seller.
    Close {
        #[command(flatten)]
        caller: Caller,
        /// The link, or its address.
        #[arg(value_name = "LINK")]
        link: String,
    },
    /// Pay what a link asks for, from a wallet.
    Pay {
        #[command(flatten)]
        caller: Caller,
        /// The link, or its address.
        #[arg(value_name = "LINK")]
        link: String,
        /// The wallet to pay from.
        #[arg(long, value_name = "WALLET", env = "TOLLBRIDGE_WALLET")]
        wallet: String,
        /// The mandate that allows it; without one, the agent's newest for this wallet, and where it has none its own limits.
        #[arg(long, value_name = "MANDATE")]
        mandate: Option<String>,
        /// How much, where the link leaves that open.
        #[arg(long, value_name = "AMOUNT")]
        amount: Option<String>,
        /// A line for the seller.
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
        /// The question whose approval this uses, where the owner was asked.
        #[arg(long, value_name = "PAYMENT")]
        approval: Option<String>,
        /// Why, for the owner to read.
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        /// The payment's name: sent again under it, nothing is paid again.
        #[arg(long, value_name = "PAYMENT")]
        id: Option<String>,
    },
}
