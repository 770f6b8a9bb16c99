//! The data directory of a server: how it is made, and how a book is opened from it.
//!
//! ```text
//! journal/        the truth
//! log/            its Merkle log, made from it
//! views.sqlite    what is read from, made from it
//! bodies.sqlite   labels and texts that the journal has digests of
//! papers.sqlite   intents, credentials, orders and requests that the journal has digests of
//! market.sqlite   what sellers offer, and what was found there
//! webhooks.sqlite who is told what came in, and how that went
//! offers.sqlite   how many demands sellers' gateways made, as they say
//! coupons.sqlite  how coupons of sellers' gateways were used, and which are switched off
//! evm.sqlite      what was sent to EVM chains, where the server is built to do that
//! snapshot        the book as it stood a while ago, made from it; for its owner's eyes only
//! keys/           server.toml and operator.toml: for their owner's eyes only
//! ```

use crate::auth::verifier::Verifier;
use crate::bodies::Bodies;
use crate::connections::Connections;
use crate::coupons;
use crate::desk;
use crate::directory::Directory;
use crate::drafting::Drafter;
use crate::limits::{RETENTION_SECONDS, STREAMS_MAX};
use crate::log_keys::{LogKeys, RetiredKeys};
use crate::market::Market;
use crate::metrics::Metrics;
use crate::offers;
use crate::papers::Papers;
use crate::reads::Reads;
use crate::recent::Recent;
use crate::serve::Patience;
use crate::state::{App, LogReaders, Nonces, OrdersInHand, State};
use crate::webhooks::{Reach, Webhooks};
use book::{Action, Actor, Code, Command, Id, KeyId, OpenBook, PublicKeyBytes, RegisterAsset, Seq, Verdict};
use engine::{
    BookId, Clock, Engine, FileJournal, FollowerFault, Journal, Options, Recovered, SnapshotNews, Snapshots,
    Stepdown, Tiles, Views, ViewsFault, ViewsReader,
};
use evidence::{Secret, SigningKey, base64url};
use protocols::act::{Identifier, iac::IacKey};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// The assets of a new book.
const ASSETS: [(&str, u8); 3] = [("CNY", 2), ("USD", 2), ("USDC", 6)];

pub(crate) const SERVER_KEYS: &str = "server.toml";
const OPERATOR_KEY: &str = "operator.toml";

/// Why a data directory cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum DataFault {
    /// The directory has a book already.
    #[error("`{0}` has a book already")]
    Exists(String),
    /// Others may read the keys.
    #[error("`{path}` may be read or changed by others: its mode is `{mode:o}`, and has to be `600`")]
    Exposed {
        /// Which file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The keys cannot be read.
    #[error("`{path}` is malformed: {why}")]
    Keys {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// The files fail.
    #[error("`{path}`: {fault}")]
    Files {
        /// Which file.
        path: String,
        /// How.
        fault: io::Error,
    },
    /// The views fail.
    #[error(transparent)]
    Views(#[from] engine::ViewsFault),
    /// SQLite fails.
    #[error("bodies: {0}")]
    Bodies(#[from] rusqlite::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] engine::JournalFault),
    /// The journal contradicts itself.
    #[error(transparent)]
    Recovery(#[from] engine::RecoveryError),
    /// What is sent to chains cannot be kept, or they cannot be asked.
    #[cfg(feature = "evm")]
    #[error("EVM chains: {0}")]
    Evm(String),
    /// The first entries were refused.
    #[error("the book could not be opened: {0}")]
    Refused(String),
}

/// Whether a new book holds real money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookKind {
    /// Play money, and a clock that can be put forward.
    Test,
    /// Real money.
    Live,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerKeys {
    book: String,
    pub(crate) origin: String,
    livemode: bool,
    pub(crate) log_seed: String,
    credential_seed: String,
    /// Of the key that signs intent authorization credentials; directories from before there were any get one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization_seed: Option<String>,
    /// Of the key that signs mandates and receipts of AP2; directories from before there were any get one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mandate_seed: Option<String>,
    session_secret: String,
    metrics_token: String,
    /// The log's keys before the one of `log_seed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retired_log_keys: Option<RetiredKeys>,
    /// The operator's key at the server's own desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) desk: Option<OperatorKey>,
}

impl ServerKeys {
    /// Whose these keys are, which lie at `path`.
    pub(crate) fn book_id(&self, path: &Path) -> Result<BookId, DataFault> {
        let bytes = base64url::decode(&self.book).and_then(|bytes| bytes.try_into().ok());
        bytes.map(BookId).ok_or_else(|| malformed(path, "`book` is not 16 bytes"))
    }
}

/// A key of the operator's: `init` leaves one for whoever operates, and one at the server's own desk.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorKey {
    /// The key's name.
    pub key: String,
    /// The seed of the Ed25519 key, in Base64URL.
    pub seed: String,
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperatorKey({}, [secret])", self.key)
    }
}

/// Makes a data directory with a new book in it.
///
/// # Errors
/// [`DataFault`]. A directory that was begun and not finished has no book, and can be begun again.
pub fn init(directory: &Path, kind: BookKind, origin: &str) -> Result<(), DataFault> {
    let keys = directory.join("keys");
    if keys.join(SERVER_KEYS).exists() {
        return Err(DataFault::Exists(directory.display().to_string()));
    }
    fs::create_dir_all(directory).map_err(|fault| files(directory, fault))?;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&keys);
    made.map_err(|fault| files(&keys, fault))?;

    let book = BookId(rand::random());
    let operator_seed = Zeroizing::new(rand::random::<[u8; 32]>());
    let now = Clock::default().now();
    let key = KeyId(Id::new(now, rand::random()));
    let operator = OperatorKey { key: key.to_string(), seed: base64url::encode(&*operator_seed) };
    let seed = || base64url::encode(&*Zeroizing::new(rand::random::<[u8; 32]>()));
    let (desk, enrol_desk) = desk::draw(now);
    let server = ServerKeys {
        book: base64url::encode(&book.0),
        origin: origin.to_owned(),
        livemode: kind == BookKind::Live,
        log_seed: seed(),
        credential_seed: seed(),
        authorization_seed: Some(new_es256_seed()),
        mandate_seed: Some(new_es256_seed()),
        session_secret: seed(),
        metrics_token: seed(),
        retired_log_keys: None,
        desk: Some(desk),
    };

    let public = SigningKey::ed25519(&operator_seed).public().bytes().try_into();
    let public_key = PublicKeyBytes::Ed25519(public.expect("an Ed25519 key has 32 bytes"));
    let test = kind == BookKind::Test;
    let open = OpenBook { test, retention_seconds: RETENTION_SECONDS, key, public_key };
    let mut actions = vec![(Id::new(now, rand::random()), Action::OpenBook(open))];
    for (code, scale) in ASSETS {
        let code = Code::new(code).expect("three letters are a code");
        actions.push((Id::new(now, rand::random()), Action::RegisterAsset(RegisterAsset { code, scale })));
    }
    actions.push(enrol_desk);
    write_first_entries(directory, book, key, actions)?;
    write_private(&keys, OPERATOR_KEY, &operator)?;
    // Last: a directory with this file has everything else.
    write_private(&keys, SERVER_KEYS, &server)
}

fn write_first_entries(
    directory: &Path,
    book: BookId,
    key: KeyId,
    actions: Vec<(Id, Action)>,
) -> Result<(), DataFault> {
    let journal = directory.join("journal");
    // What an interrupted attempt left was never anybody's book.
    match fs::remove_dir_all(&journal) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(files(&journal, fault)),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(&journal).map_err(|fault| files(&journal, fault))?;
    let file = FileJournal::open(&journal, book, 0)?;
    let mut writer = engine::Writer::recover(book, file, |_| {})?;
    let now = Clock::default().now();
    let unit =
        actions.into_iter().map(|(id, action)| Command { id, by: Actor::Operator { key }, action }).collect();
    let answers = writer.run(now, &[unit]).map_err(|fault| DataFault::Refused(fault.to_string()))?;
    for answer in answers.into_iter().flatten() {
        match answer {
            Ok(Verdict::Record(_, book::Outcome::Done)) => {}
            Ok(verdict) => return Err(DataFault::Refused(format!("{verdict:?}"))),
            Err(fault) => return Err(DataFault::Refused(fault.to_string())),
        }
    }
    Ok(())
}

/// What a server is told beside its directory.
pub struct Opening {
    /// What time it is. A live book needs one that is not ahead.
    pub clock: Arc<Clock>,
    /// Called when the writer had to stop: the process should end, and find out by starting again.
    pub stopped: Box<dyn Fn(&Stepdown) + Send>,
    /// Told the place up to which the journal was read.
    pub recovering: Box<dyn FnMut(Seq) + Send>,
    /// How long strangers may take over a request.
    pub patience: Patience,
    /// The requests that may wait for the writer.
    pub queue_units_max: usize,
    /// Who may read the log's entries.
    pub log_readers: LogReaders,
    /// So many entries behind a snapshot, the next is made.
    pub snapshot_every_entries: u64,
    /// How far messages to webhooks go.
    pub reach: Reach,
    /// Who puts an owner's words more clearly.
    pub drafter: Option<Drafter>,
    /// A file that says which EVM chains payments are settled on.
    #[cfg(feature = "evm")]
    pub evm: Option<std::path::PathBuf>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

impl Default for Opening {
    fn default() -> Opening {
        Opening {
            clock: Arc::new(Clock::default()),
            stopped: Box::new(|stepdown| tracing::error!(%stepdown, "the writer has stopped")),
            recovering: Box::new(|_| {}),
            patience: Patience::default(),
            queue_units_max: engine::limits::QUEUE_UNITS_MAX,
            log_readers: LogReaders::default(),
            snapshot_every_entries: engine::limits::SNAPSHOT_EVERY_ENTRIES,
            reach: Reach::default(),
            drafter: None,
            #[cfg(feature = "evm")]
            evm: None,
        }
    }
}

/// Opens the book of a data directory. What is read from may still be catching up with it.
///
/// # Errors
/// [`DataFault`].
pub fn open(directory: &Path, opening: Opening) -> Result<App, DataFault> {
    let keys = directory.join("keys");
    let mut server: ServerKeys = read_private(&keys, SERVER_KEYS)?;
    let seed = |text: &str| seed_of(text, &keys);
    let id = server.book_id(&keys)?;
    let log_keys = LogKeys::of(&server, &keys)?;

    let log_directory = directory.join("log");
    let at_least = log_keys.at_least(&log_directory);
    // The journal comes first: who has it open leads the book, and nobody else may touch the log.
    let journal = FileJournal::open(&directory.join("journal"), id, at_least)?;
    if server.authorization_seed.is_none() || server.mandate_seed.is_none() {
        server.authorization_seed.get_or_insert_with(new_es256_seed);
        server.mandate_seed.get_or_insert_with(new_es256_seed);
        write_private(&keys, SERVER_KEYS, &server)?;
    }
    let LogKeys { signer, history: log_keys, successions: log_successions, inherited } = log_keys;
    let opened = match inherited {
        None => Tiles::open(&log_directory, signer),
        Some(inherited) => Tiles::succeed(&log_directory, signer, inherited),
    };
    let (tiles, log) = opened.map_err(|fault| files(&log_directory, fault))?;
    let (views, reader) = open_views(&directory.join("views.sqlite"), id, journal.reader().next())?;
    let known = Directory::default();
    let options = Options {
        clock: opening.clock.clone(),
        followers: vec![Box::new(tiles), Box::new(known.follower()), Box::new(views)],
        stopped: opening.stopped,
        faulted: report,
        recovering: opening.recovering,
        beside: Arc::new(known.clone()),
        snapshots: Some(Snapshots {
            path: directory.join("snapshot"),
            every_entries: opening.snapshot_every_entries,
            told: tell,
        }),
        queue_units_max: opening.queue_units_max,
    };
    let engine = Engine::start(id, journal, options)?;
    let Recovered { from_snapshot, replayed } = engine.recovered();
    tracing::info!(from_snapshot, replayed, "the book is open");
    if server.desk.is_none() && keys.join(OPERATOR_KEY).exists() {
        server.desk = Some(desk::furnish(&engine, &opening.clock, &read_private(&keys, OPERATOR_KEY)?)?);
        write_private(&keys, SERVER_KEYS, &server)?;
    }
    let desk_key = server.desk.as_ref().and_then(|desk| desk.key.parse().ok());

    let session_secret = Secret::new(*seed(&server.session_secret)?);
    let metrics_token = Some(Secret::new(*seed(&server.metrics_token)?));
    let credential_key = SigningKey::ed25519(&*seed(&server.credential_seed)?);
    let authorization_key =
        authorization_key(server.authorization_seed.as_deref().unwrap_or_default(), &keys)?;
    let mandate_key = es256_key(server.mandate_seed.as_deref().unwrap_or_default(), &keys)?;
    let webhooks = directory.join("webhooks.sqlite");
    let webhooks = Webhooks::open(&webhooks, &session_secret, Seq(engine.size()), opening.reach)?;
    #[cfg(feature = "evm")]
    let evm = opening.evm.map(|file| open_evm(&file, directory));
    Ok(Arc::new(State {
        #[cfg(feature = "evm")]
        evm: evm.transpose()?,
        engine,
        log,
        log_keys,
        log_successions,
        log_readers: opening.log_readers,
        clock: opening.clock,
        directory: known,
        reads: Reads::new(reader),
        recent: Recent::default(),
        bodies: Bodies::open(&directory.join("bodies.sqlite"))?,
        desk_key,
        nonces: Nonces::default(),
        connections: Connections::default(),
        papers: Papers::open(&directory.join("papers.sqlite"))?,
        webhooks,
        market: Market::open(&directory.join("market.sqlite"), opening.reach)?,
        offers: offers::store::Store::open(&directory.join("offers.sqlite"))?,
        coupons: coupons::store::Store::open(&directory.join("coupons.sqlite"))?,
        drafter: opening.drafter,
        orders_in_hand: OrdersInHand::default(),
        verifier: Verifier::start().map_err(|fault| files(directory, fault))?,
        session_secret,
        credential_key,
        authorization_key,
        mandate_key,
        origin: server.origin,
        livemode: server.livemode,
        metrics: Metrics::default(),
        patience: opening.patience,
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        metrics_token,
    }))
}

#[cfg(feature = "evm")]
fn open_evm(file: &Path, directory: &Path) -> Result<evm::Facilitator, DataFault> {
    let config = evm::Config::read(file).map_err(|fault| DataFault::Evm(fault.to_string()))?;
    evm::Facilitator::open(config, &directory.join("evm.sqlite")).map_err(DataFault::Evm)
}

/// A seed of a key on P-256: of 2^32 random ones, one is none.
fn new_es256_seed() -> String {
    loop {
        let seed = Zeroizing::new(rand::random::<[u8; 32]>());
        if SigningKey::es256(&seed).is_ok() {
            return base64url::encode(&*seed);
        }
    }
}

/// The key that signs intent authorization credentials and nothing else, under its thumbprint.
fn authorization_key(seed: &str, path: &Path) -> Result<IacKey, DataFault> {
    let key = es256_key(seed, path)?;
    let name = base64url::encode(key.public().thumbprint().as_bytes());
    let name = Identifier::parse(name).map_err(|fault| malformed(path, fault))?;
    IacKey::of_service(name, key).map_err(|fault| malformed(path, fault))
}

fn es256_key(seed: &str, path: &Path) -> Result<SigningKey, DataFault> {
    SigningKey::es256(&*seed_of(seed, path)?).map_err(|fault| malformed(path, fault))
}

/// The operator's key of a data directory.
///
/// # Errors
/// [`DataFault`].
pub fn operator_key(directory: &Path) -> Result<OperatorKey, DataFault> {
    read_private(&directory.join("keys"), OPERATOR_KEY)
}

fn tell(news: &SnapshotNews<'_>) {
    match news {
        SnapshotNews::PassedOver(fault) => {
            tracing::warn!(%fault, "the snapshot is passed over: the whole journal is read");
        }
        SnapshotNews::Written { size, took } => {
            tracing::info!(entries = size.0, ms = took.as_millis(), "a snapshot is written");
        }
        SnapshotNews::NotWritten(fault) => tracing::warn!(%fault, "no snapshot could be written"),
    }
}

fn report(name: &'static str, fault: &FollowerFault) {
    tracing::warn!(follower = name, %fault, "a follower failed and is tried again");
}

/// Opens the views. They hold nothing that the journal does not, so whatever else lies there is put aside.
fn open_views(path: &Path, book: BookId, durable: Seq) -> Result<(Views, ViewsReader), DataFault> {
    match Views::open(path, book, durable) {
        Err(ViewsFault::Foreign(_)) => {
            let aside = path.with_extension("foreign");
            tracing::warn!(path = %path.display(), aside = %aside.display(), "put aside: it is no file of views");
            fs::rename(path, &aside).map_err(|fault| files(path, fault))?;
            Ok(Views::open(path, book, durable)?)
        }
        opened => Ok(opened?),
    }
}

/// Writes a file that only its owner may read: it is there whole, or not at all, also after power loss.
pub(crate) fn write_private(directory: &Path, name: &str, value: &impl Serialize) -> Result<(), DataFault> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = directory.join(name);
    let text = Zeroizing::new(toml::to_string(value).expect("keys are texts"));
    let write = || {
        let new = directory.join(format!("{name}.new"));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(|fault| files(&path, fault))
}

pub(crate) fn read_private<T: for<'de> Deserialize<'de>>(
    directory: &Path,
    name: &str,
) -> Result<T, DataFault> {
    let path = directory.join(name);
    let mut file = File::open(&path).map_err(|fault| files(&path, fault))?;
    let mode = file.metadata().map_err(|fault| files(&path, fault))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(DataFault::Exposed { path: path.display().to_string(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|fault| files(&path, fault))?;
    toml::from_str(&text).map_err(|fault| DataFault::Keys {
        path: path.display().to_string(),
        why: fault.message().to_owned(),
    })
}

/// A seed out of the server's keys, which lie at `path`.
pub(crate) fn seed_of(text: &str, path: &Path) -> Result<Zeroizing<[u8; 32]>, DataFault> {
    let bytes = base64url::decode(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Zeroizing::new).ok_or_else(|| malformed(path, "a seed is not 32 bytes"))
}

/// The server's keys, which lie at `path`, cannot be read, and why.
pub(crate) fn malformed(path: &Path, why: impl std::fmt::Display) -> DataFault {
    DataFault::Keys { path: path.join(SERVER_KEYS).display().to_string(), why: why.to_string() }
}

fn files(path: &Path, fault: io::Error) -> DataFault {
    DataFault::Files { path: path.display().to_string(), fault }
}
