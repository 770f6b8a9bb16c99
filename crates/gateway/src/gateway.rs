//! A gateway that is ready to serve: its configuration, its keys, its store, and its way to both services.

use crate::config::{Config, ConfigFault};
use crate::deliveries::{Deliveries, StoreFault};
use crate::flight::Flights;
use crate::forward::Forwarder;
use crate::keys::{PaymentService, bill_key};
use crate::metrics::Metrics;
use evidence::MacKey;
use protocols::a402::{Identifier, SellerKey};
use sdk::{Client, Clock, Credentials, KeyFileFault, NotAKey, NotAServer, credential_ring};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// A gateway. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Gateway(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) seller_key: SellerKey,
    pub(crate) bill_key: MacKey,
    pub(crate) service: PaymentService,
    pub(crate) forwarder: Forwarder,
    pub(crate) deliveries: Deliveries,
    pub(crate) flights: Flights,
    pub(crate) metrics: Metrics,
    pub(crate) outbox: Notify,
    pub(crate) livemode: bool,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// The seller's key.
    #[error(transparent)]
    KeyFile(#[from] KeyFileFault),
    /// A credential key of the configuration.
    #[error(transparent)]
    CredentialKey(#[from] NotAKey),
    /// The address of the server.
    #[error(transparent)]
    Server(#[from] NotAServer),
    /// The upstream, or TLS.
    #[error("upstream: {0}")]
    Upstream(String),
    /// The directory with the deliveries.
    #[error("data directory: {0}")]
    Data(#[from] std::io::Error),
    /// The deliveries.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Gateway {
    /// A gateway from the text of its configuration, whose paths are relative to `directory`.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn from_config(text: &str, directory: &Path) -> Result<Gateway, StartFault> {
        Gateway::open(Config::parse(text, directory)?, Clock::system())
    }

    /// A gateway from a checked configuration, with a clock.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn open(config: Config, clock: Clock) -> Result<Gateway, StartFault> {
        let seller = &config.seller;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&seller.data)?;
        let deliveries = Deliveries::open(&seller.data.join("deliveries.sqlite"))?;
        let credentials = Credentials::read(&seller.key_file)?;
        let seller_key = SellerKey {
            signer_id: Identifier::parse(credentials.key_id.to_string())
                .expect("30 characters are an identifier"),
            signing_key: Credentials::read(&seller.key_file)?.key,
        };
        let client = Client::with_clock(seller.server.as_str(), credentials, clock.clone())?;
        let livemode = seller.network == protocols::a402::wallet::Network::Main;
        let pinned = seller.credential_key.as_ref().map(credential_ring).transpose()?;
        Ok(Gateway(Arc::new(Inner {
            bill_key: bill_key(&seller.data)?,
            service: PaymentService::new(pinned, clock, livemode),
            forwarder: Forwarder::new(&config.upstream).map_err(StartFault::Upstream)?,
            seller_key,
            client,
            deliveries,
            flights: Flights::default(),
            metrics: Metrics::default(),
            outbox: Notify::new(),
            livemode,
            config,
        })))
    }

    /// What the gateway did since it was started.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Tells the payment service how deliveries ended, until there is nothing to tell or it cannot be told now.
    ///
    /// [`serve`](crate::serve) does this all the time by itself.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn settle(&self) -> Result<(), StoreFault> {
        self.0.sweep().await.map(|_| ())
    }
}
