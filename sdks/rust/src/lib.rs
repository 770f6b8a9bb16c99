//! The method `toll` for clients of the official crate `mpp`: what a seller asks for in the `Payment` scheme is paid from a
//! Tollbridge wallet, at most so much each time.

use mpp::MppError;
use mpp::client::PaymentProvider;
use mpp::protocol::core::{PaymentChallenge, PaymentCredential};
use protocols::mpp::{Challenge, Intent, METHOD};
use sdk::{Answer, BuyerSettings, Client};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wire::mpp::NewMppPayment;
use wire::{HoldId, Money};

/// Pays challenges of our network from one wallet. Copies are one payer: a challenge that any of them paid is paid.
#[derive(Clone, Debug)]
pub struct Toll(Arc<Payer>);

#[derive(Debug)]
struct Payer {
    client: Client,
    settings: BuyerSettings,
    price_max: Money,
    /// Under which name each challenge is paid, so that asking again is not paying again.
    names: Mutex<HashMap<String, HoldId>>,
}

impl Toll {
    /// Pays through `client`, from the wallet and to the payees of `settings`, at most `price_max` each time.
    pub fn new(client: Client, settings: BuyerSettings, price_max: Money) -> Toll {
        Toll(Arc::new(Payer { client, settings, price_max, names: Mutex::default() }))
    }
}

impl Payer {
    /// Reads a challenge, and refuses what is not to be paid here.
    fn read(&self, text: &str) -> Result<(), MppError> {
        let refused = |why: String| MppError::InvalidConfig(format!("nothing was spent: {why}"));
        let asked = Challenge::parse(text).map_err(|fault| refused(fault.to_string()))?;
        let price = asked.price().map_err(|fault| refused(fault.to_string()))?;
        if price.network != self.settings.network {
            return Err(refused(format!("it is asked for on `{}`", price.network.as_str())));
        }
        let authority = asked.request.get("methodDetails").and_then(|details| details.get("authority"));
        let own = self.client.base_url().origin().ascii_serialization();
        let is_ours = |authority: &serde_json::Value| {
            authority.as_str().is_some_and(|authority| authority.trim_end_matches('/') == own)
        };
        if !authority.is_none_or(is_ours) {
            return Err(refused("its payment service is not ours".to_owned()));
        }
        let payees = &self.settings.payees;
        if !payees.is_empty() && !payees.iter().any(|payee| payee.to_string() == price.payee.as_str()) {
            return Err(refused(format!("`{}` is not one to buy from", price.payee.as_str())));
        }
        let asset = format!("{}/{}", price.currency.as_str(), price.scale);
        if asset != self.price_max.asset.to_string() {
            return Err(refused(format!("it is asked for in `{asset}`")));
        }
        let (required, max) = (price.amount_minor, self.price_max.amount.minor());
        if max < required {
            return Err(MppError::AmountExceedsMax { required, max });
        }
        Ok(())
    }
}

impl PaymentProvider for Toll {
    fn supports(&self, method: &str, intent: &str) -> bool {
        method == METHOD && intent == Intent::Charge.as_str()
    }

    /// Has the money held for the seller, under the wallet's limits: once for each challenge.
    async fn pay(&self, challenge: &PaymentChallenge) -> Result<PaymentCredential, MppError> {
        let payer = &*self.0;
        let echo = challenge.to_echo();
        // The very text in which the credential carries it.
        let text = serde_json::to_string(&echo)?;
        payer.read(&text)?;
        let id = {
            let mut names = payer.names.lock().unwrap_or_else(PoisonError::into_inner);
            *names.entry(text.clone()).or_insert_with(|| HoldId(payer.client.fresh_id()))
        };
        let (wallet, mandate) = (payer.settings.wallet, payer.settings.mandate);
        let new = NewMppPayment { id, wallet, mandate, challenge: text, approval: None, why: None };
        match payer.client.mpp_pay(&new).await {
            Ok(Answer::Done(paid)) => {
                Ok(PaymentCredential::new(echo, json!({ "credential": paid.payload.credential })))
            }
            Ok(Answer::Asked(asked)) => {
                Err(MppError::Http(format!("nothing was spent: the owner is asked ({})", asked.id)))
            }
            Err(failure) => Err(MppError::Http(failure.to_string())),
        }
    }
}
