//! What is said of one purchase, whatever is bought and over which protocol.

use super::Caller;
use clap::Args;

/// Who buys, under which name, for how much at most and from which wallet.
#[derive(Debug, Args)]
pub(crate) struct PurchaseArgs {
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// Names the purchase: the same key buys once, however often the command runs.
    #[arg(long, value_name = "KEY")]
    pub(crate) purchase: String,
    /// The most it may cost, such as `0.50 CNY`.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max_price: String,
    /// Why it is bought, for the owner to read where she is asked.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// The wallet to pay from.
    #[arg(long, value_name = "WALLET", env = "TOLLBRIDGE_WALLET")]
    pub(crate) wallet: String,
    /// The mandate that allows it; without one, the agent's newest for this wallet, and where it has none its own limits.
    #[arg(long, value_name = "MANDATE")]
    pub(crate) mandate: Option<String>,
}
