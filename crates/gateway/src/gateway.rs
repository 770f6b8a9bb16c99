//! A gateway that is ready to serve: its configuration, its keys, its store, and its way to both services.

use crate::channels::{Channels, Claims};
use crate::config::{Config, ConfigFault};
use crate::deliveries::{Deliveries, StoreFault};
use crate::flight::Flights;
use crate::forward::{Behind, Forwarder};
use crate::keys::{PaymentService, front_secret};
use crate::limits::{ANSWER_BODY_BYTES_DEFAULT, BODIES_KIB_MAX, UPSTREAM_TIMEOUT_DEFAULT};
use crate::metrics::Metrics;
use evidence::MacKey;
use protocols::a402::{Identifier, SellerKey};
use sdk::{Client, Clock, Credentials, KeyFileFault, NotAKey, NotAServer, credential_ring, kept_secret};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

/// The file with the key that numbers bills: without the same one, bills that were issued cannot be recalled.
const BILL_KEY: &str = "bill.key";

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
    /// What stands behind, where the configuration says so.
    pub(crate) upstream: Option<Arc<dyn Behind>>,
    /// How long whoever stands behind may take.
    pub(crate) timeout: std::time::Duration,
    /// The longest answer that is kept.
    pub(crate) answer_body_bytes_max: usize,
    /// Room for the bodies of paid requests, in KiB.
    pub(crate) room: Arc<Semaphore>,
    /// The secret of the web server that may ask us.
    pub(crate) front_secret: Option<zeroize::Zeroizing<String>>,
    pub(crate) deliveries: Deliveries,
    pub(crate) channels: Channels,
    pub(crate) flights: Flights,
    pub(crate) metrics: Metrics,
    pub(crate) outbox: Notify,
    pub(crate) livemode: bool,
    /// Who sells, as text.
    pub(crate) payee: String,
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
        let (deliveries, channels) = Deliveries::open_with_channels(&seller.data.join("deliveries.sqlite"))?;
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
            bill_key: kept_secret(&seller.data.join(BILL_KEY))?,
            service: PaymentService::new(pinned, clock, livemode),
            upstream: match config.upstream.as_ref().and_then(|upstream| upstream.url.as_ref()) {
                Some(url) => Some(Arc::new(Forwarder::new(url).map_err(StartFault::Upstream)?)),
                None => None,
            },
            timeout: config.upstream.as_ref().map_or(UPSTREAM_TIMEOUT_DEFAULT, |upstream| upstream.timeout),
            answer_body_bytes_max: config
                .upstream
                .as_ref()
                .map_or(ANSWER_BODY_BYTES_DEFAULT, |upstream| upstream.answer_body_bytes_max),
            room: Arc::new(Semaphore::new(
                usize::try_from(BODIES_KIB_MAX).expect("a usize has at least 32 bits"),
            )),
            front_secret: seller.front_secret_file.as_deref().map(front_secret).transpose()?,
            seller_key,
            client,
            deliveries,
            channels: Channels::new(channels),
            flights: Flights::default(),
            metrics: Metrics::default(),
            outbox: Notify::new(),
            livemode,
            payee: seller.payee.to_string(),
            config,
        })))
    }

    /// What the gateway did since it was started.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Tells the payment service how deliveries ended, how many bills there were and how coupons were used, claims what is owed by
    /// voucher, and keeps its time, for ever. Dropping the future stops it.
    ///
    /// [`serve`](crate::serve) does this by itself; beside a [`Layer`](crate::Layer) somebody has to.
    pub async fn run(self) {
        let mut beside = JoinSet::new();
        beside.spawn(Arc::clone(&self.0).tell_always());
        beside.spawn(Arc::clone(&self.0).claim_always());
        beside.spawn(Arc::clone(&self.0).keep_time());
        beside.spawn(Arc::clone(&self.0).report_always());
        beside.spawn(Arc::clone(&self.0).report_coupons_always());
        while beside.join_next().await.is_some() {}
    }

    /// Tells the payment service how deliveries ended and how coupons were used, and claims what is owed by voucher, as far as
    /// that can be done now.
    ///
    /// [`serve`](crate::serve) does this all the time by itself.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn settle(&self) -> Result<(), StoreFault> {
        self.0.claim_all(Claims::All).await;
        self.0.sweep().await?;
        if self.0.config.coupons.is_empty() { Ok(()) } else { self.0.report_coupons(&mut None).await }
    }
}
