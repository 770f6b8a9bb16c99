//! What can be asked about things of other people's on the command line.

use clap::Args;

/// What is to be explained.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An address, which is asked once and paid nothing; or a file, or `-` for what is piped in: JSON, the value of a
    /// header, a token, a signed note, or a whole answer as `curl -i` saves it.
    #[arg(value_name = "URL|FILE")]
    pub(crate) subject: String,
    /// Of an address: the method to ask with.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,
    /// Of an address: a body to ask with.
    #[arg(long, value_name = "TEXT")]
    pub(crate) body: Option<String>,
}
