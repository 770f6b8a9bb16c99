//! The desk behind the tools: one key's client of a Tollbridge server, and what it remembers.

use crate::answer::{Next, Reply, Trouble};
use crate::kept::{Kept, KeptFault};
use crate::tools::{Name, ToolSet};
use crate::{buyer, merchant};
use sdk::{Buyer, Client, Credentials, NotAServer, Reach};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::RwLock;
use url::Url;
use wire::{AgentId, MandateId, WalletId};

/// Whose tools, at which server.
#[derive(Debug)]
pub struct Settings {
    /// The server's address.
    pub server: String,
    /// The key of an agent or a seller.
    pub credentials: Credentials,
    /// The tools that are offered.
    pub tools: Vec<ToolSet>,
    /// Where quotes and purchases are remembered. Each key needs a directory of its own.
    pub directory: PathBuf,
    /// Which sellers are asked: a model names their addresses.
    pub reach: Reach,
    /// Where owners find their pages; the server's address where nothing is said.
    pub pages: Option<Url>,
}

/// Why there is no desk.
#[derive(Debug, thiserror::Error)]
pub enum NoDesk {
    /// The server's address is none.
    #[error(transparent)]
    Server(#[from] NotAServer),
    /// Nothing can be remembered.
    #[error(transparent)]
    Kept(#[from] KeptFault),
}

/// One key's desk. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Desk(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    /// The key, by name: what quotes are bound to.
    pub(crate) principal: String,
    pub(crate) tools: Vec<ToolSet>,
    pub(crate) kept: Kept,
    pub(crate) directory: PathBuf,
    pub(crate) reach: Reach,
    pages: Url,
    /// The agent, and the buyer under the mandate it has now.
    pub(crate) agent: RwLock<Option<Agent>>,
}

/// Who buys, as the server last said.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) wallet: WalletId,
    pub(crate) mandate: Option<MandateId>,
    pub(crate) buyer: Arc<Buyer>,
}

/// What a call came to: an answer, or arguments that the tool does not take.
pub(crate) type Called = Result<Reply, String>;

impl Desk {
    /// Opens a desk. The server is not asked yet.
    ///
    /// # Errors
    /// [`NoDesk`].
    pub fn open(settings: Settings) -> Result<Desk, NoDesk> {
        let principal = settings.credentials.key_id.to_string();
        let client = Client::new(&settings.server, settings.credentials)?;
        let pages = settings.pages.unwrap_or_else(|| client.base_url().clone());
        Ok(Desk(Arc::new(Inner {
            client,
            principal,
            tools: settings.tools,
            kept: Kept::open(&settings.directory)?,
            directory: settings.directory,
            reach: settings.reach,
            pages,
            agent: RwLock::new(None),
        })))
    }

    /// The tools that are offered.
    pub fn tools(&self) -> &[ToolSet] {
        &self.0.tools
    }

    pub(crate) async fn call(&self, tool: Name, arguments: Map<String, Value>) -> Called {
        let desk = &*self.0;
        match tool {
            Name::Quote => buyer::quote(desk, read(arguments)?).await,
            Name::Pay => buyer::pay(desk, read(arguments)?).await,
            Name::Status => buyer::status(desk, read(arguments)?).await,
            Name::Limits => buyer::limits(desk, read(arguments)?).await,
            Name::RequestApproval => buyer::request_approval(desk, read(arguments)?).await,
            Name::ReportProblem => buyer::report_problem(desk, read(arguments)?).await,
            Name::CreatePaymentLink => merchant::create_payment_link(desk, read(arguments)?).await,
            Name::QueryPayment => merchant::query_payment(desk, read(arguments)?).await,
            Name::Refund => merchant::refund(desk, read(arguments)?).await,
            Name::QueryRefund => merchant::query_refund(desk, read(arguments)?).await,
        }
    }
}

impl Inner {
    /// A page of the owner's.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.pages.as_str().trim_end_matches('/'))
    }
}

impl From<KeptFault> for Trouble {
    fn from(fault: KeptFault) -> Trouble {
        match fault {
            KeptFault::TooMany => Trouble::new(
                "too_many_quotes",
                Next::Stop,
                "Nothing was spent: too many quotes wait to be paid. The oldest are forgotten after a day.",
            ),
            KeptFault::Disk(..) | KeptFault::Damaged(_) => crate::answer::kept(&fault),
        }
    }
}

/// Takes arguments that a tool takes, and no others. What was sent is not said again.
fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|_| "the arguments are not those that the tool's schema allows".to_owned())
}
