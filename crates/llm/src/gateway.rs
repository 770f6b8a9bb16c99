//! A gateway that is ready to serve: its configuration, its keys, its store, and its way to both services.

use crate::config::{Config, ConfigFault};
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::progress::{Left, OpenCalls};
use crate::service::Service;
use crate::store::{Signer, Store, StoreFault};
use crate::upstream::Forwarder;
use evidence::{Hash, MacKey, PublicKey, SigningKey};
use pricing::{Catalogue, History, Sealed};
use protocols::a402::wallet::Network;
use protocols::a402::{Identifier, SellerKey};
use sdk::{Client, Clock, Credentials, KeyFileFault, NotAServer, kept_secret};
use std::collections::HashSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The file with the gateway's secret: without the same one, bills and keys that were given out are worth nothing.
const SECRET_KEY: &str = "secret.key";

/// A gateway. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Gateway(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) history: History,
    pub(crate) service: Service,
    pub(crate) seller_key: SellerKey,
    pub(crate) signer: Arc<Signer>,
    /// Numbers bills and makes keys; each use has its own words in front.
    pub(crate) secret: MacKey,
    pub(crate) forwarder: Forwarder,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) store: Store,
    pub(crate) open_calls: OpenCalls,
    /// Calls under way that have a name of their caller's.
    pub(crate) named: Mutex<HashSet<(Hash, String)>>,
    pub(crate) metrics: Metrics,
    pub(crate) outbox: Notify,
    pub(crate) sweeping: tokio::sync::Mutex<()>,
    /// What a killed process left, until it is charged.
    left: Mutex<Vec<Left>>,
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
    /// The address of the server.
    #[error(transparent)]
    Server(#[from] NotAServer),
    /// The upstream, or TLS.
    #[error("upstream: {0}")]
    Upstream(String),
    /// A price list, or that there is none.
    #[error("catalogues: {0}")]
    Catalogues(String),
    /// The directory with sessions and records.
    #[error("data directory: {0}")]
    Data(#[from] std::io::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Gateway {
    /// A gateway from a checked configuration, with a clock.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn open(config: Config, clock: Clock) -> Result<Gateway, StartFault> {
        let seller = &config.seller;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&seller.data)?;
        let credentials = Credentials::read(&seller.key_file)?;
        let (key_id, public) = (credentials.key_id.to_string(), credentials.key.public().clone());
        let history = catalogues(&config, &key_id, &public)?;
        let (store, sessions) = Store::open(&seller.data)?;
        let (open_calls, left) = OpenCalls::open(&seller.data.join("calls.open"))?;
        let again = |path: &Path| Credentials::read(path).map(|credentials| credentials.key);
        let key: SigningKey = again(&seller.key_file)?;
        let seller_key = SellerKey {
            signer_id: Identifier::parse(key_id.clone()).expect("30 characters are an identifier"),
            signing_key: again(&seller.key_file)?,
        };
        let client = Client::with_clock(seller.server.as_str(), credentials, clock.clone())?;
        let livemode = seller.network == Network::Main;
        Ok(Gateway(Arc::new(Inner {
            secret: kept_secret(&seller.data.join(SECRET_KEY))?,
            forwarder: Forwarder::new(&config.upstream).map_err(StartFault::Upstream)?,
            service: Service::new(client, clock, livemode),
            signer: Arc::new(Signer { key_id, key }),
            ledger: Arc::new(Ledger::with(sessions)),
            history,
            seller_key,
            store,
            open_calls,
            named: Mutex::default(),
            metrics: Metrics::default(),
            outbox: Notify::new(),
            sweeping: tokio::sync::Mutex::default(),
            left: Mutex::new(left),
            config,
        })))
    }

    /// Signs the price list of a configuration with the seller's key, to be put where [`Gateway::open`] looks for it. Answers
    /// the file's name and text.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn sign_catalogue(config: &Config) -> Result<(String, String), StartFault> {
        let wrong = |why: String| StartFault::Catalogues(why);
        let text =
            config.catalogue.as_ref().ok_or_else(|| wrong("the file has no `[catalogue]`".to_owned()))?;
        let catalogue = Catalogue::read(text).map_err(|fault| wrong(fault.to_string()))?;
        let credentials = Credentials::read(&config.seller.key_file)?;
        let name = format!("{:08}.json", catalogue.version());
        let sealed = Sealed::sign(catalogue, &credentials.key_id.to_string(), &credentials.key);
        Ok((name, format!("{:#}\n", sealed.to_value())))
    }

    /// What the gateway did since it was started.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Tells the payment service what was counted, until there is nothing to tell or it cannot be told now.
    ///
    /// [`serve`](crate::serve) does this all the time by itself.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn settle(&self) -> Result<(), StoreFault> {
        self.0.sweep().await
    }
}

impl Inner {
    /// Charges the calls that a killed process left: what had arrived of them.
    pub(crate) async fn recover(self: &Arc<Inner>) -> Result<(), StoreFault> {
        let left = std::mem::take(&mut *self.left.lock().expect("nobody panics while holding it"));
        for (begun, tally, slot) in left {
            self.metrics.recovered.count();
            tracing::warn!(call = begun.call, meter = %begun.meter, "a call was under way when the gateway was killed");
            self.charge_recovered(&begun, &tally).await?;
            drop(slot);
        }
        Ok(())
    }
}

/// Reads every signed price list, in the order of their names.
fn catalogues(config: &Config, key_id: &str, public: &PublicKey) -> Result<History, StartFault> {
    let directory = config.seller.catalogues();
    let wrong = |why: String| StartFault::Catalogues(why);
    let missing =
        || wrong(format!("there is none in `{}`; `tollbridge llm sign` writes one", directory.display()));
    let mut paths: Vec<_> = std::fs::read_dir(&directory)
        .map_err(|_| missing())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let mut history = History::default();
    for path in &paths {
        let at = |why: &dyn std::fmt::Display| wrong(format!("`{}`: {why}", path.display()));
        let text = std::fs::read(path).map_err(|fault| at(&fault))?;
        let known = |name: &str| (name == key_id).then(|| public.clone());
        let sealed = Sealed::<Catalogue>::open(&text, known).map_err(|fault| at(&fault))?;
        let body = sealed.body();
        if body.seller() != config.seller.payee.to_string() {
            return Err(at(&"it is of another seller"));
        }
        let asset = format!("{}/{}", body.asset().code.as_str(), body.asset().scale);
        if asset != config.seller.asset.as_str() {
            return Err(at(&"it is in another asset"));
        }
        history.add(sealed).map_err(|fault| at(&fault))?;
    }
    if paths.is_empty() { Err(missing()) } else { Ok(history) }
}
