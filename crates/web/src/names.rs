//! What people call things, and what agents say of their purchases: as it was given, made safe to look at.

use crate::page::Stop;
use crate::shown::{Money, Text, money};
use crate::visit::Visit;
use book::{Actor, AgentId, Amount, Asset, Code, Id, PayeeId};
use server::codes::Edge;
use server::problem::Problem;

impl Visit {
    /// What something is called.
    ///
    /// # Errors
    /// [`Stop`] where labels cannot be read.
    pub fn called(&self, id: Id, prefix: &str) -> Result<Text, Stop> {
        let label = self.site.app.label(id)?.filter(|label| !label.trim().is_empty());
        let text = id.text();
        let end = text.get(20..).unwrap_or_default();
        Ok(label
            .map_or_else(|| Text { text: format!("{prefix} …{end}"), odd: false }, |label| Text::of(&label)))
    }

    /// What an agent is called.
    ///
    /// # Errors
    /// [`Stop`] where labels cannot be read.
    pub fn agent_called(&self, agent: AgentId) -> Result<Text, Stop> {
        self.called(agent.0, "agent")
    }

    /// What a seller is called.
    ///
    /// # Errors
    /// [`Stop`] where labels cannot be read.
    pub fn seller_called(&self, payee: PayeeId) -> Result<Text, Stop> {
        self.called(payee.0, "seller")
    }

    /// Who did something.
    ///
    /// # Errors
    /// [`Stop`] where labels cannot be read.
    pub fn actor_called(&self, by: Actor) -> Result<Text, Stop> {
        let w = self.words();
        let plain = |text: &str| Text { text: text.to_owned(), odd: false };
        match by {
            Actor::Agent { agent, .. } => self.agent_called(agent),
            Actor::Owner { .. } => Ok(plain(w.by_you)),
            Actor::Operator { .. } => Ok(plain(w.by_operator)),
            Actor::Payee { .. } => Ok(plain(w.by_seller)),
            Actor::Book => Ok(plain(w.by_time)),
        }
    }

    /// Why an agent wanted to buy something, in its own words.
    ///
    /// # Errors
    /// [`Stop`] where they cannot be read.
    pub fn claimed(&self, purchase: Id) -> Result<Option<Text>, Stop> {
        Ok(self.site.app.why(purchase)?.filter(|why| !why.trim().is_empty()).map(|why| Text::told(&why)))
    }

    /// The asset with that code.
    ///
    /// # Errors
    /// [`Stop`] where there is none.
    pub fn asset(&self, code: Code) -> Result<Asset, Stop> {
        self.site.app.directory.asset(code).ok_or_else(|| Stop::from(Problem::from(Edge::Internal)))
    }

    /// An amount as people write it.
    ///
    /// # Errors
    /// [`Stop`] where there is no such asset.
    pub fn money(&self, amount: Amount, code: Code) -> Result<Money, Stop> {
        Ok(money(amount, self.asset(code)?))
    }
}
