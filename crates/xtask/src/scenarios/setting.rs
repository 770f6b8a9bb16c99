//! The setting of a story: owners and terminals, wallets, sellers, agents, sub-accounts and mandates.

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::blackbox::installation::fresh_name;
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

impl Stage {
    /// Puts somebody or something on the stage.
    pub(crate) fn set(&mut self, words: &[&str]) -> anyhow::Result<Came> {
        let (words, terms) = match words.iter().position(|word| *word == ":") {
            Some(colon) => (&words[..colon], &words[colon + 1..]),
            None => (words, &[][..]),
        };
        let terms: Vec<String> = terms.iter().map(|word| (*word).to_owned()).collect();
        let limits = self.limits(&terms)?;
        match words {
            ["owner", name] => {
                let owner = self.installation.owner()?;
                self.put(name, Thing::Owner(owner))?;
            }
            ["terminal", name, "of", owner] => {
                let mut holder = self.party(owner)?;
                let party = self.installation.terminal(&mut holder)?;
                self.put(name, Thing::Terminal(party))?;
            }
            ["wallet", name, "of", owner, "with", amount] => {
                let (mut holder, amount) = (self.party(owner)?, amount.parse()?);
                let id = self.installation.wallet(&mut holder, amount, &limits)?;
                self.put(name, Thing::Wallet { id, owner: (*owner).to_owned() })?;
                self.open(name, amount)?;
            }
            ["payee", name, "of", category, "taking", ppm, "less", "called", label @ ..] => {
                let payee = self.installation.named_payee(category, &label.join(" "), ppm.parse()?)?;
                self.put(name, Thing::Payee(payee))?;
                self.open(name, 0)?;
            }
            ["payee", name, "of", category] => {
                let payee = self.installation.payee(category)?;
                self.put(name, Thing::Payee(payee))?;
                self.open(name, 0)?;
            }
            ["agent", name, "of", wallet] => {
                let (mut owner, id) = (self.owner_of(wallet)?, self.id(wallet)?);
                let party = self.installation.agent(&mut owner, &id, &limits)?;
                self.put(name, Thing::Agent { party, wallet: (*wallet).to_owned() })?;
            }
            ["sub-account", name, "of", wallet, "for", agent] => {
                let Thing::Wallet { id: parent, owner } = self.thing(wallet)?.clone() else {
                    bail!("`{wallet}` is no wallet")
                };
                let id = fresh_name("wal");
                let body = json!({ "id": id, "agent": self.id(agent)?, "limits": limits });
                self.party(&owner)?.caller.make(&format!("/v1/wallets/{parent}/sub_accounts"), &body)?;
                self.put(name, Thing::Wallet { id, owner })?;
                self.open(name, 0)?;
            }
            ["mandate", name, "of", agent, "on", wallet] => {
                let id = fresh_name("mdt");
                let body = json!({
                    "id": id, "wallet": self.id(wallet)?, "agent": self.id(agent)?, "limits": limits,
                    "valid_from": "2026-01-01T00:00:00Z", "expires_at": self.later(),
                });
                self.owner_of(wallet)?.caller.make("/v1/mandates", &body)?;
                self.put(name, Thing::Mandate(id))?;
            }
            _ => bail!("nobody is introduced like this"),
        }
        Ok(Came::Well)
    }

    fn owner_of(&self, wallet: &str) -> anyhow::Result<crate::blackbox::installation::Party> {
        match self.thing(wallet)? {
            Thing::Wallet { owner, .. } => self.party(owner),
            Thing::Owner(_)
            | Thing::Terminal(_)
            | Thing::Payee(_)
            | Thing::Agent { .. }
            | Thing::Mandate(_)
            | Thing::Intent(_)
            | Thing::Order(_)
            | Thing::Purchase(_)
            | Thing::Question { .. } => None.with_context(|| format!("`{wallet}` is no wallet")),
        }
    }
}
