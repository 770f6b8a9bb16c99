//! Who buys, and within which limits: asked at the server, for only that knows.

use crate::answer::{Next, Reply, Trouble};
use crate::desk::{Agent, Called, Inner};
use crate::limits::MANDATES_READ_MAX;
use protocols::a402::wallet::Network;
use sdk::{Buyer, BuyerSettings, Purchases};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::account::Mandate;
use wire::limit::Limit;
use wire::list::Page;
use wire::{AgentId, Money};

/// What `limits` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Answers what may be spent.
pub(crate) async fn limits(desk: &Inner, _nothing: Nothing) -> Called {
    Ok(shown(desk).await.map_or_else(Reply::Not, Reply::Done))
}

async fn shown(desk: &Inner) -> Result<Value, Trouble> {
    let agent = desk.renew_agent().await?;
    let wallet = desk.client.wallet(agent.wallet).await?;
    let itself = desk.client.agent(agent.id).await?;
    let mandates = desk.mandates().await?;
    let mandates: Vec<Value> = mandates
        .iter()
        .filter(|mandate| mandate.wallet == agent.wallet && mandate.status == "active")
        .map(|mandate| {
            json!({
                "id": mandate.id, "limits": mandate.limits, "expires_at": mandate.expires_at,
                "is_used": Some(mandate.id) == agent.mandate,
            })
        })
        .collect();
    Ok(json!({
        "available": wallet.available,
        "available_in_words": wallet.available.in_words(),
        "held": wallet.held,
        "wallet": {"id": wallet.id, "status": wallet.status, "limits": wallet.limits},
        "agent": {"id": itself.id, "status": itself.status, "limits": itself.limits},
        "mandates": mandates,
        "livemode": wallet.livemode,
        "detail": "Only the owner changes limits, on their own page.",
        "owner_url": desk.page("/rules"),
    }))
}

impl Inner {
    async fn mandates(&self) -> Result<Vec<Mandate>, Trouble> {
        let page: Page<Mandate> = self.client.list("/v1/mandates", MANDATES_READ_MAX, None).await?;
        Ok(page.data)
    }

    /// The agent as it was last seen.
    pub(super) async fn agent(&self) -> Result<Agent, Trouble> {
        let known = self.agent.read().await.clone();
        match known {
            Some(agent) => Ok(agent),
            None => self.renew_agent().await,
        }
    }

    /// The agent with the newest mandate it may use.
    pub(super) async fn renew_agent(&self) -> Result<Agent, Trouble> {
        let known = self.agent.read().await.clone();
        let (id, wallet) = match &known {
            Some(agent) => (agent.id, agent.wallet),
            None => {
                let me = self.client.me().await?;
                let id: Option<AgentId> = me.id.and_then(|id| id.parse().ok());
                let id = id.ok_or_else(|| {
                    Trouble::new("not_an_agent", Next::Stop, "Nothing was done: the key is no agent's.")
                })?;
                (id, self.client.agent(id).await?.wallet)
            }
        };
        let mandates = self.mandates().await?;
        let mandate = mandates.iter().find(|it| it.wallet == wallet && it.status == "active");
        let mandate = mandate.map(|mandate| mandate.id);
        if let Some(agent) = known.filter(|agent| agent.mandate == mandate) {
            return Ok(agent);
        }
        let livemode = self.client.wallet(wallet).await?.livemode;
        let settings = BuyerSettings {
            wallet,
            mandate,
            network: if livemode { Network::Main } else { Network::Test },
            payees: Vec::new(),
            seller_keys: Default::default(),
        };
        let purchases = Purchases::open(&self.directory.join("purchases"))?;
        let buyer = Buyer::new(self.client.clone(), settings, purchases)?.within(self.reach)?;
        let agent = Agent { id, wallet, mandate, buyer: Arc::new(buyer) };
        *self.agent.write().await = Some(agent.clone());
        Ok(agent)
    }

    /// Whether the limits of this agent certainly ask the owner about a price. What they deny is not asked about.
    pub(super) async fn asks_about(&self, agent: &Agent, price: Money) -> Result<bool, Trouble> {
        let mut limits = self.client.wallet(agent.wallet).await?.limits;
        let own = self.client.agent(agent.id).await?.limits;
        // Without anything that allows it, an agent has to ask.
        let is_bare = agent.mandate.is_none() && own.is_empty();
        limits.extend(own);
        if let Some(mandate) = agent.mandate {
            limits.extend(self.client.mandate(mandate).await?.limits);
        }
        Ok(is_bare || limits.iter().any(|limit| asks(limit, price)))
    }
}

fn asks(limit: &Limit, price: Money) -> bool {
    match limit {
        Limit::AskAlways => true,
        Limit::AskAbove { amount } => *amount < price.amount,
        // Whether it is the first contact, only the server knows: `pay` finds out.
        Limit::AskFirstContact
        | Limit::PerPayment { .. }
        | Limit::Total { .. }
        | Limit::Uses { .. }
        | Limit::Window { .. }
        | Limit::Velocity { .. }
        | Limit::PayeesAllowed { .. }
        | Limit::PayeesDenied { .. }
        | Limit::CategoriesAllowed { .. }
        | Limit::CategoriesDenied { .. }
        | Limit::Validity { .. }
        | Limit::Unknown { .. }
        | Limit::PriceAtMost { .. } => false,
    }
}
