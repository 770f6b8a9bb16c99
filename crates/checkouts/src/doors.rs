//! The doors: which request is whose, who asks, and the same answer for the same request.

use crate::config::{Client, Config, Door};
use crate::once::Busy;
use crate::said::{Call, Said};
use crate::store::{Answer, Key, Store, StoreFault};
use crate::till::Till;
use crate::{acp, events, ucp};
use bytes::Bytes;
use evidence::Hash;
use http::{Method, Request, Response, StatusCode};
use protocols::ap2::Iso4217;
use protocols::checkout::{Handler, INSTRUMENT, OrderState};
use protocols::sabotage::{Sabotage, has};
use protocols::ucp::PROFILE_PATH;
use protocols::ucp::profile::profile;
use serde_json::{Value, json};
use shop::{RealMoney, Shop, Stage};
use std::sync::Arc;
use tokio::sync::Notify;

/// A shop's doors. Cloning them is cheap.
#[derive(Clone, Debug)]
pub struct Doors(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) till: Till,
    /// The requests that are being answered now.
    pub(crate) in_flight: Busy<Key>,
}

/// Why doors do not open.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// What remembers sessions.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The shop's asset is nothing that ACP and UCP can count.
    #[error(
        "[checkouts]: ACP and UCP count in the smallest unit of a currency of ISO 4217, and the shop's asset is `{0}`"
    )]
    Asset(String),
}

/// Where a request stands whose key was used before, or not.
pub(crate) enum Before {
    /// It is answered as it was then.
    Replayed(Said),
    /// The key is that of another request.
    Conflict,
    /// The same request is being answered.
    InFlight,
}

impl Doors {
    /// Opens the doors of a shop.
    ///
    /// # Errors
    /// [`StartFault`].
    pub async fn open(shop: Shop, config: Config) -> Result<Doors, StartFault> {
        let seller = shop.seller();
        let asset = seller.asset;
        let currency = Iso4217::parse(asset.code()).ok();
        let currency = currency.filter(|currency| currency.exponent() == Some(asset.scale()));
        let currency = currency.ok_or_else(|| StartFault::Asset(asset.to_string()))?;
        let store = Store::open(&seller.data.join("checkouts.sqlite"))?;
        let secret = store.secret(rand::random()).await?;
        let handler = Handler {
            id: "tollbridge".to_owned(),
            name: config.namespace.clone(),
            described_at: seller.public_url.join("checkouts").map(String::from).unwrap_or_default(),
            server: seller.server.as_str().trim_end_matches('/').to_owned(),
            merchant: seller.payee.to_string(),
            network: match seller.money {
                RealMoney::Yes => "toll:main".to_owned(),
                RealMoney::No => "toll:test".to_owned(),
            },
        };
        let till =
            Till { shop, store, handler, currency, secret, busy: Busy::default(), paid: Notify::new() };
        Ok(Doors(Arc::new(Inner { config, till, in_flight: Busy::default() })))
    }

    /// Whether a path is one for these doors.
    pub fn is_theirs(&self, path: &str) -> bool {
        let config = &self.0.config;
        match path.strip_prefix('/').unwrap_or_default().split('/').next().unwrap_or_default() {
            "checkout_sessions" => config.acp == Door::Open,
            "checkout-sessions" | "orders" => config.ucp == Door::Open,
            ".well-known" => config.ucp == Door::Open && path == PROFILE_PATH,
            "checkouts" => true,
            _ => false,
        }
    }

    /// The answer to a request; nothing where it is none for these doors.
    pub async fn answer(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let call = Call::of(request);
        let inner = &*self.0;
        let said = match call.parts().first().copied().unwrap_or_default() {
            "checkout_sessions" if inner.config.acp == Door::Open => acp::answer(inner, &call).await,
            "checkout-sessions" | "orders" if inner.config.ucp == Door::Open => {
                ucp::answer(inner, &call).await
            }
            ".well-known" if inner.config.ucp == Door::Open && call.path == PROFILE_PATH => {
                inner.profile(&call)
            }
            "checkouts" => inner.described(&call).await?,
            _ => return None,
        };
        Some(said.respond())
    }

    /// Tells clients of their orders, and finds out what became of payments that were begun, for as long as the shop is open.
    pub async fn run_always(&self) {
        events::run(&self.0).await;
    }
}

impl Inner {
    /// Who asks, by an API key.
    pub(crate) fn by_key(&self, key: &str) -> Option<&Client> {
        if has(Sabotage::AnyKey) {
            return self.config.clients.first();
        }
        let digest = Hash::of(key.as_bytes());
        self.config.clients.iter().find(|client| client.key == Some(digest))
    }

    /// Answers a request under its key: at once where it was answered before, and else by `work`, whose answer is kept unless
    /// it says that nobody knows.
    pub(crate) async fn once(
        &self,
        key: Key,
        body: &[u8],
        work: impl Future<Output = Said>,
    ) -> Result<Result<Said, Before>, StoreFault> {
        let Some(_guard) = self.in_flight.enter(key.clone()) else { return Ok(Err(Before::InFlight)) };
        let digest = Hash::of(body);
        if let Some(before) = self.till.store.answer(key.clone()).await? {
            if before.digest != digest && !has(Sabotage::AnyBody) {
                return Ok(Err(Before::Conflict));
            }
            let body = serde_json::from_str(&before.body).unwrap_or(Value::Null);
            let status = StatusCode::from_u16(before.status).unwrap_or(StatusCode::OK);
            return Ok(Err(Before::Replayed(Said::new(status, body))));
        }
        let said = work.await;
        if is_final(said.status) {
            let answer = Answer { digest, status: said.status.as_u16(), body: said.body.to_string() };
            self.till.store.keep(key, answer, self.till.seconds()).await?;
        }
        Ok(Ok(said))
    }

    fn profile(&self, call: &Call) -> Said {
        if call.method != Method::GET {
            return Said::new(StatusCode::METHOD_NOT_ALLOWED, json!({})).with("allow", "GET");
        }
        let endpoint = self.till.shop.seller().public_url.as_str().trim_end_matches('/').to_owned();
        let key = self.config.signing_key.as_ref().map(|key| key.public());
        let body = profile(&endpoint, &self.till.handler, key);
        Said::new(StatusCode::OK, body).with("cache-control", "public, max-age=300")
    }

    /// What our payment handler is, for people and for programs; and how an order stands, for whoever has its number.
    async fn described(&self, call: &Call) -> Option<Said> {
        let handler = &self.till.handler;
        let body = match (&call.method, call.parts().as_slice()) {
            (&Method::GET, ["checkouts", "handler"]) => json!({
                "name": handler.name,
                "participants": "A wallet's agent has money set aside for one checkout of one seller, and gives the seller the \
                    token for it. The seller takes the money, once, or as much of it as the checkout costs; the rest goes back.",
                "acquire": "Ask `config.server` for a token, as the wallet's agent: POST /v1/agentic_commerce/delegate_payment \
                    or POST /v1/ucp/tokenize, for `config.merchant_id` and the checkout's id.",
                "instrument": INSTRUMENT,
                "config_schema": handler.config_schema(),
                "instrument_schema": handler.instrument_schema(),
            }),
            (&Method::GET, ["checkouts", "handler", "config.json"]) => json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": handler.config_schema(),
                "type": "object",
                "required": ["server", "merchant_id", "network"],
                "properties": {
                    "server": { "type": "string", "format": "uri" },
                    "merchant_id": { "type": "string", "pattern": "^pye_[0-7][0-9A-HJKMNP-TV-Z]{25}$" },
                    "network": { "enum": ["toll:main", "toll:test"] },
                    "cart": { "type": "string" },
                },
            }),
            (&Method::GET, ["checkouts", "handler", "instrument.json"]) => json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": handler.instrument_schema(),
                "type": "object",
                "required": ["type", "credential"],
                "properties": {
                    "type": { "const": INSTRUMENT },
                    "credential": {
                        "type": "object",
                        "required": ["type", "token"],
                        "properties": {
                            "type": { "type": "string" },
                            "token": { "type": "string", "pattern": "^vt_[0-7][0-9A-HJKMNP-TV-Z]{25}$" },
                        },
                    },
                },
            }),
            (&Method::GET, ["checkouts", "orders", number]) => {
                let order = self.till.shop.order(number.parse().ok()?).await.ok()?;
                json!({ "id": order.number.to_string(), "status": order.stage.as_str() })
            }
            _ => return None,
        };
        Some(Said::new(StatusCode::OK, body))
    }
}

/// The word that says how an order stands, where its client is to be told.
pub(crate) fn stands(state: OrderState) -> &'static str {
    match state {
        OrderState::Confirmed => Stage::Paid.as_str(),
        OrderState::Fulfilled => Stage::Fulfilled.as_str(),
        OrderState::Canceled => Stage::Cancelled.as_str(),
    }
}

/// Whether the same request will be answered the same: what failed on our side, or came too often, is asked again.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error() && !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT)
}
