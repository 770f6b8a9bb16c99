//! Buying at a checkout of ACP: a session is opened, its total is compared with what may be spent, and a token for just this
//! cart pays it.
//!
//! Everything is named by the purchase, so the same purchase again goes on where it stopped, and pays nothing twice.

use super::Buyer;
use crate::clock::made_at;
use crate::failure::{Answer, Failure};
use protocols::Time;
use protocols::a402::DateTime;
use protocols::acp::{API_VERSION, IDEMPOTENCY_KEY, VERSION};
use protocols::ap2::Iso4217;
use protocols::checkout::INSTRUMENT;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::Url;
use wire::answer::Asked;
use wire::token::{Allowance, NewDelegatedPayment, TokenMethod};
use wire::{AmountText, AssetText, Money, PayeeId, RequestId};

/// How long a token of ours counts, in seconds, from the time in its name on.
const TOKEN_SECONDS: u64 = 3_600;

/// What is to be bought at a checkout.
#[derive(Clone, Debug)]
pub struct NewCheckout {
    /// Names the purchase: doing it again under this name pays nothing again, for an hour.
    pub purchase: RequestId,
    /// Where the shop's checkout is: what stands before `/checkout_sessions`.
    pub shop: Url,
    /// The key with which the shop knows this client.
    pub api_key: String,
    /// Items by the shop's names, and how many of each.
    pub items: Vec<(String, u32)>,
    /// The most it may cost, delivery and taxes included.
    pub price_max: Money,
    /// Why it is bought, for the owner to read.
    pub why: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum CheckedOut {
    /// It is paid.
    Bought(Box<CheckoutOrder>),
    /// The owner is asked first: nothing was spent.
    Asked(Box<Asked>),
}

/// An order that was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutOrder {
    /// The shop's name of the session.
    pub session: String,
    /// The shop's number of the order.
    pub order: String,
    /// Where it can be looked at.
    pub url: String,
    /// Who was paid.
    pub payee: PayeeId,
    /// How much.
    pub paid: Money,
}

/// Why nothing was bought.
#[derive(Debug, thiserror::Error)]
pub enum NotCheckedOut {
    /// The shop was not reached, or did not answer. Nothing is known to have been paid: do the same purchase again.
    #[error("the shop did not answer; do the same purchase again: {0}")]
    Shop(String),
    /// The shop refuses. Nothing was spent; what was set aside goes back within the hour.
    #[error("the shop refuses ({code}): {message}")]
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
    },
    /// What the shop says cannot be read, or cannot be paid by this buyer. Nothing was spent.
    #[error("nothing was spent: {0}")]
    Checkout(&'static str),
    /// It costs more than it may. Nothing was spent.
    #[error("nothing was spent: it costs {}, and may cost {}", .price.in_words(), .price_max.in_words())]
    TooDear {
        /// What it costs.
        price: Money,
        /// What it may cost.
        price_max: Money,
    },
    /// The server refuses, or cannot say.
    #[error(transparent)]
    Server(#[from] Failure),
}

/// What matters of a session.
struct Session {
    id: String,
    cart: String,
    handler: String,
    payee: PayeeId,
    total_minor: u64,
    currency: String,
}

impl Buyer {
    /// Buys at a checkout of ACP, at most for what may be spent.
    ///
    /// # Errors
    /// [`NotCheckedOut`].
    pub async fn check_out(&self, new: &NewCheckout) -> Result<CheckedOut, NotCheckedOut> {
        let asset = new.price_max.asset;
        if !counts_as_acp(asset) {
            return Err(NotCheckedOut::Checkout("what may be spent is not counted as a currency is"));
        }
        let items: Vec<Value> =
            new.items.iter().map(|(id, quantity)| json!({ "id": id, "quantity": quantity })).collect();
        let currency = asset.code().to_ascii_lowercase();
        let body = json!({ "line_items": items, "currency": currency, "capabilities": {} });
        let opened = self.ask_shop(new, "open", "checkout_sessions", &body).await?;
        let session = self.session(&opened)?;
        if session.currency != currency {
            return Err(NotCheckedOut::Checkout("the shop sells in another currency"));
        }
        let total = AmountText::new(session.total_minor.into()).map(|amount| Money { amount, asset });
        let total = total.ok_or(NotCheckedOut::Checkout("the total is no amount"))?;
        if new.price_max.amount.minor() < total.amount.minor() {
            return Err(NotCheckedOut::TooDear { price: total, price_max: new.price_max });
        }
        if !self.settings.payees.is_empty() && !self.settings.payees.contains(&session.payee) {
            return Err(NotCheckedOut::Checkout("this shop is not one to buy from"));
        }
        let token = match self.client.delegate_payment(new.purchase, &self.token(new, &session)).await? {
            Answer::Done(token) => token.id,
            Answer::Asked(question) => return Ok(CheckedOut::Asked(question)),
        };
        let body = json!({ "payment_data": { "handler_id": session.handler, "instrument": {
            "type": INSTRUMENT, "credential": { "type": "token", "token": token },
        } } });
        let path = format!("checkout_sessions/{}/complete", session.id);
        let done = self.ask_shop(new, "pay", &path, &body).await?;
        let order = |member: &str| done["order"][member].as_str().map(str::to_owned);
        let (Some(number), Some(url)) = (order("id"), order("permalink_url")) else {
            return Err(NotCheckedOut::Shop(
                "it says neither that it was paid nor that it was not".to_owned(),
            ));
        };
        let Session { id, payee, .. } = session;
        let bought = CheckoutOrder { session: id, order: number, url, payee, paid: total };
        Ok(CheckedOut::Bought(Box::new(bought)))
    }

    /// The token that pays just this cart, the same for the same purchase.
    fn token(&self, new: &NewCheckout, session: &Session) -> NewDelegatedPayment {
        let expires_at = made_at(new.purchase.0).after(Time::from_seconds(TOKEN_SECONDS).0);
        NewDelegatedPayment {
            payment_method: TokenMethod {
                kind: "tollbridge".to_owned(),
                wallet: self.settings.wallet,
                mandate: self.settings.mandate,
                approval: None,
                why: new.why.clone(),
            },
            allowance: Allowance {
                reason: "one_time".to_owned(),
                max_amount: session.total_minor,
                currency: session.currency.clone(),
                checkout_session_id: session.id.clone(),
                merchant_id: session.payee,
                expires_at: DateTime::second_of(expires_at).as_str().to_owned(),
            },
            risk_signals: Vec::new(),
            metadata: BTreeMap::from([("cart".to_owned(), session.cart.clone())]),
        }
    }

    /// Reads a session, and finds the handler whose server is ours.
    fn session(&self, said: &Value) -> Result<Session, NotCheckedOut> {
        let unreadable = || NotCheckedOut::Checkout("the session cannot be read");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if said["status"] != "ready_for_payment" && said["status"] != "completed" {
            return Err(NotCheckedOut::Checkout("the shop says that this cannot be paid now"));
        }
        let handlers = said["capabilities"]["payment"]["handlers"].as_array().ok_or_else(unreadable)?;
        let ours = |handler: &&Value| {
            let config = &handler["config"];
            let server = config["server"].as_str().and_then(|text| Url::parse(text).ok());
            let is_here = server.is_some_and(|url| url.origin() == self.client.base_url().origin());
            is_here && config["network"] == self.settings.network.as_str()
        };
        let handler = handlers.iter().find(ours);
        let handler =
            handler.ok_or(NotCheckedOut::Checkout("the shop takes no money of this wallet's server"))?;
        let totals = said["totals"].as_array().ok_or_else(unreadable)?;
        let mut totals = totals.iter().filter(|total| total["type"] == "total");
        let (Some(total), None) = (totals.next(), totals.next()) else { return Err(unreadable()) };
        Ok(Session {
            id: text(&said["id"]).ok_or_else(unreadable)?,
            cart: text(&said["metadata"]["cart"]).ok_or_else(unreadable)?,
            handler: text(&handler["id"]).ok_or_else(unreadable)?,
            payee: handler["config"]["merchant_id"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or_else(unreadable)?,
            total_minor: total["amount"].as_u64().ok_or_else(unreadable)?,
            currency: text(&said["currency"]).ok_or_else(unreadable)?,
        })
    }

    async fn ask_shop(
        &self,
        new: &NewCheckout,
        step: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, NotCheckedOut> {
        let shop = |why: &dyn std::fmt::Display| NotCheckedOut::Shop(why.to_string());
        let base = new.shop.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{path}")).map_err(|fault| shop(&fault))?;
        let header = |text: String| HeaderValue::try_from(text).map_err(|fault| shop(&fault));
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (AUTHORIZATION, header(format!("Bearer {}", new.api_key))?),
            (HeaderName::from_static(API_VERSION), HeaderValue::from_static(VERSION)),
            (HeaderName::from_static(IDEMPOTENCY_KEY), header(format!("{step}-{}", new.purchase))?),
        ]);
        let answer = self.exchange("POST", &url, headers, body.to_string().into_bytes()).await;
        let answer = answer.map_err(|fault| shop(&fault))?;
        let said: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| shop(&format_args!("status {}", answer.status)))?;
        match answer.status {
            200 | 201 => Ok(said),
            409 if said["code"] == "idempotency_in_flight" => Err(shop(&"the same purchase is under way")),
            400..=499 => Err(NotCheckedOut::Refused {
                code: said["code"].as_str().unwrap_or("unknown").to_owned(),
                message: said["message"].as_str().unwrap_or_default().to_owned(),
            }),
            other => Err(shop(&format_args!("status {other}"))),
        }
    }
}

/// Whether an asset is counted in the smallest unit of a currency of ISO 4217, as ACP counts.
fn counts_as_acp(asset: AssetText) -> bool {
    let currency = Iso4217::parse(asset.code()).ok();
    currency.is_some_and(|currency| currency.exponent() == Some(asset.scale()))
}
