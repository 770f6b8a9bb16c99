//! What every handler shares, and the one way in which a change reaches the book.

use crate::answer::{Answer, Answers, about};
use crate::auth::{Caller, verifier::Verifier};
use crate::bodies::Bodies;
use crate::codes::Edge;
use crate::connections::Connections;
use crate::convert::{amount, registered};
use crate::coupons;
use crate::directory::Directory;
use crate::drafting::Drafter;
use crate::market::Market;
use crate::metrics::Metrics;
use crate::offers;
use crate::papers::Papers;
use crate::problem::{Answered, Problem};
use crate::reads::Reads;
use crate::recent::{Bought, Recent};
use crate::serve::Patience;
use crate::webhooks::Webhooks;
use book::{
    Action, Amount, Command, Entry, Id, KeyHolder, KeyId, Outcome, Presence, Reject, Seq, Time, Verdict,
};
use engine::{Busy, Clock, Engine, Fault, Log};
use evidence::{Hash, KeyHistory, Secret, SigningKey};
use protocols::act::iac::IacKey;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Handlers get it by reference count.
pub type App = Arc<State>;

/// Who may read the entries of the log as it publishes them, bundle by bundle. Its hashes are for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogReaders {
    /// The operator: entries name who paid whom.
    #[default]
    Operator,
    /// Everybody, of a book that is public.
    Everybody,
}

/// The orders that are being paid now: each by one request at a time, so that none is paid twice.
#[derive(Debug, Default)]
pub struct OrdersInHand(Mutex<HashSet<Id>>);

/// An order taken in hand, until this is dropped.
#[derive(Debug)]
pub struct InHand<'a> {
    orders: &'a OrdersInHand,
    order: Id,
}

impl OrdersInHand {
    /// Takes an order in hand; none while another request has it.
    pub fn take(&self, order: Id) -> Option<InHand<'_>> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(order);
        // Made only where it is free: dropping it lets go of the order.
        is_free.then(|| InHand { orders: self, order })
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.orders.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.order);
    }
}

/// A running book and what the border needs beside it.
#[derive(Debug)]
pub struct State {
    /// The book.
    pub engine: Engine,
    /// Its transparency log.
    pub log: Log,
    /// The log's keys.
    pub log_keys: KeyHistory,
    /// What each key of the log said of the next, oldest first.
    pub log_successions: String,
    /// Who may read the log's entries.
    pub log_readers: LogReaders,
    /// What time it is in the book.
    pub clock: Arc<Clock>,
    /// Who holds which key.
    pub directory: Directory,
    /// What is read from: views computed from the journal.
    pub reads: Reads,
    /// The newest holds and meters.
    pub recent: Recent,
    /// Labels and texts, which the journal never holds.
    pub bodies: Bodies,
    /// The key of the desk. None in a book from before there were desks, whose operator keeps the key elsewhere.
    pub desk_key: Option<KeyId>,
    /// The nonces of what the server itself asks of the book, for somebody who is there.
    pub nonces: Nonces,
    /// Agents that want to be connected.
    pub connections: Connections,
    /// What was said, agreed to and ordered, which the journal never holds.
    pub papers: Papers,
    /// Who is told what, and what they were told.
    pub webhooks: Webhooks,
    /// What sellers offer.
    pub market: Market,
    /// What sellers' gateways report.
    pub offers: offers::store::Store,
    /// What sellers' gateways report of coupons.
    pub coupons: coupons::store::Store,
    /// Who puts an owner's words more clearly, where anybody does.
    pub drafter: Option<Drafter>,
    /// The EVM chains that payments are settled on, where there are any.
    #[cfg(feature = "evm")]
    pub evm: Option<evm::Facilitator>,
    /// The orders that are being paid now.
    pub orders_in_hand: OrdersInHand,
    /// Checks signatures.
    pub verifier: Verifier,
    /// What the sessions' secrets are derived from.
    pub session_secret: Secret,
    /// Signs payment credentials.
    pub credential_key: SigningKey,
    /// Signs intent authorization credentials, and nothing else.
    pub authorization_key: IacKey,
    /// Signs mandates and receipts of AP2, and nothing else.
    pub mandate_key: SigningKey,
    /// Under which name others know this book.
    pub origin: String,
    /// Whether the book holds real money.
    pub livemode: bool,
    /// Counters.
    pub metrics: Metrics,
    /// How long strangers may take.
    pub patience: Patience,
    /// The event streams that may still be opened.
    pub streams: Arc<Semaphore>,
    /// A bearer token that may read `/metrics`, and nothing else.
    pub metrics_token: Option<Secret>,
}

/// Nonces for requests that come without one: microseconds since 1970, each once.
#[derive(Debug, Default)]
pub struct Nonces(AtomicU64);

impl Nonces {
    fn next(&self, now: Time) -> u64 {
        let micros = now.0 / 1_000;
        let last = self.0.fetch_max(micros, Ordering::SeqCst);
        if last < micros { micros } else { self.0.fetch_add(1, Ordering::SeqCst).saturating_add(1) }
    }
}

impl State {
    /// Somebody who is there in a way that the border has checked otherwise than by a signature over an API request:
    /// with a passkey, or in a session of the console's. `request` is the hash of what was asked.
    pub fn visitor(&self, holder: KeyHolder, key: KeyId, presence: Presence, request: Hash) -> Caller {
        Caller { holder, key, presence, nonce: self.nonces.next(self.wall_clock()), request }
    }

    /// The desk, as it asks something of the book.
    ///
    /// # Errors
    /// [`Edge::DeskClosed`] where the server holds no key for it.
    pub fn desk(&self, request: Hash) -> Answered<Caller> {
        let key = self.desk_key.ok_or(Problem::from(Edge::DeskClosed))?;
        Ok(self.visitor(KeyHolder::Operator, key, Presence::Fresh, request))
    }

    /// What time it is outside: the clock that signatures are dated by, also where a test book's is ahead.
    pub fn wall_clock(&self) -> Time {
        Clock::default().now()
    }

    /// A new id, made now.
    pub fn new_id(&self) -> Id {
        Id::new(self.clock.now(), rand::random())
    }

    /// Executes one command of a caller, and answers what came of it.
    ///
    /// # Errors
    /// A [`Problem`] for every answer that is not what was asked for.
    pub async fn execute(&self, caller: &Caller, id: Id, action: Action) -> Answered<Answer> {
        let command = caller.command(id, action);
        let unit = vec![caller.present(self.new_id()), command.clone()];
        let answers = self.submit(unit).await?;
        let mut answers = answers.into_iter();
        presented(answers.next())?;
        let verdict = answers.next().ok_or(Problem::from(Edge::OutcomeUnknown))?;
        self.answer(&command, verdict).await
    }

    /// Executes what somebody said before, in a request that was authenticated then: that a payment may be collected.
    ///
    /// # Errors
    /// A [`Problem`] where it was not executed.
    pub(crate) async fn execute_as_said(&self, command: Command) -> Answered<Answer> {
        let verdict = self.submit(vec![command.clone()]).await?.into_iter().next();
        self.answer(&command, verdict.ok_or(Problem::from(Edge::OutcomeUnknown))?).await
    }

    /// Executes many commands of a caller, and answers each for itself.
    ///
    /// # Errors
    /// A [`Problem`] where none of them was executed.
    pub async fn execute_all(
        &self,
        caller: &Caller,
        actions: Vec<(Id, Action)>,
    ) -> Answered<Vec<Answered<Answer>>> {
        let mut seen = HashSet::with_capacity(actions.len());
        if !actions.iter().all(|(id, _)| seen.insert(*id)) {
            return Err(Edge::ItemRepeated.into());
        }
        let commands = actions.into_iter().map(|(id, action)| caller.command(id, action)).collect();
        self.execute_unit(caller, commands).await
    }

    /// Executes commands in one unit behind a caller's nonce, and answers each for itself. What is not the caller's own
    /// command has to be somebody's who has signed for it before.
    ///
    /// # Errors
    /// A [`Problem`] where none of them was executed.
    pub async fn execute_unit(
        &self,
        caller: &Caller,
        commands: Vec<Command>,
    ) -> Answered<Vec<Answered<Answer>>> {
        let mut unit = Vec::with_capacity(commands.len() + 1);
        unit.push(caller.present(self.new_id()));
        unit.extend(commands.iter().cloned());
        let mut answers = self.submit(unit).await?.into_iter();
        presented(answers.next())?;
        let mut results = Vec::with_capacity(commands.len());
        for (command, verdict) in commands.iter().zip(answers) {
            results.push(self.answer(command, verdict).await);
        }
        Ok(results)
    }

    /// Writes to the papers, where that may wait for the disk.
    pub(crate) async fn write_papers<T: Send + 'static>(
        self: &Arc<Self>,
        write: impl FnOnce(&Papers) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answered<T> {
        let state = self.clone();
        let written = self.reads.aside(move || {
            write(&state.papers).map_err(|fault| {
                tracing::error!(%fault, "the papers cannot be written");
                Problem::from(Edge::Internal)
            })
        });
        written.await
    }

    /// Uses up a caller's nonce for a request that changes nothing else.
    ///
    /// # Errors
    /// A [`Problem`] where the book refuses it.
    pub async fn present(&self, caller: &Caller) -> Answered<()> {
        let answers = self.submit(vec![caller.present(self.new_id())]).await?;
        presented(answers.into_iter().next())
    }

    /// The entry at a place.
    ///
    /// # Errors
    /// [`Edge::Internal`] where the journal cannot be read.
    pub fn entry(&self, seq: Seq) -> Answered<Option<(Entry, Vec<u8>)>> {
        let bytes = self.engine.entry(seq).map_err(|fault| {
            tracing::error!(%fault, seq = seq.0, "the journal cannot be read");
            Problem::from(Edge::Internal)
        })?;
        bytes
            .map(|bytes| match Entry::from_bytes(&bytes) {
                Ok(entry) => Ok((entry, bytes)),
                Err(fault) => {
                    tracing::error!(%fault, seq = seq.0, "an entry cannot be read");
                    Err(Edge::Internal.into())
                }
            })
            .transpose()
    }

    async fn submit(&self, unit: Vec<Command>) -> Answered<Vec<Result<Verdict, Fault>>> {
        let ticket = self.engine.submit(unit).map_err(|busy| match busy {
            Busy::Full => Problem::from(Edge::Busy),
            Busy::Stopped => Problem::from(Edge::NotReady),
        })?;
        ticket.await.map_err(|_| Edge::OutcomeUnknown.into())
    }

    async fn answer(&self, command: &Command, verdict: Result<Verdict, Fault>) -> Answered<Answer> {
        match verdict {
            Ok(Verdict::Record(seq, outcome)) => {
                let about = self.about(command, &outcome).await;
                self.learn(seq, command, &outcome);
                self.tell(seq, command, &outcome, about.as_ref(), false)
            }
            Ok(Verdict::Repeat(seq)) => self.repeat(seq).await,
            Ok(Verdict::Reject(Reject::IdStale)) => self.recall(command).await,
            Ok(Verdict::Reject(reject)) => Err(reject.into()),
            Err(fault) => Err(faulted(fault)),
        }
    }

    async fn repeat(&self, seq: Seq) -> Answered<Answer> {
        let (entry, _) = self.entry(seq)?.ok_or(Problem::from(Edge::Internal))?;
        let about = self.about(&entry.command, &entry.outcome).await;
        self.tell(seq, &entry.command, &entry.outcome, about.as_ref(), true)
    }

    fn tell(
        &self,
        seq: Seq,
        command: &Command,
        outcome: &Outcome,
        about: Option<&Bought>,
        repeated: bool,
    ) -> Answered<Answer> {
        Answers { directory: &self.directory, about, livemode: self.livemode }
            .of(seq, command, outcome, repeated)
    }

    /// Answers a command whose id is older than the book remembers: the views never forget one.
    async fn recall(&self, command: &Command) -> Answered<Answer> {
        let id = command.id;
        let Some(seq) = self.ask(move |view| Ok(view.decision_of(id)?.map(|row| row.seq))).await? else {
            return Err(Reject::IdStale.into());
        };
        let (entry, _) = self.entry(seq)?.ok_or(Problem::from(Edge::Internal))?;
        // One party is whoever the key speaks for, whichever of its keys it was.
        if entry.command.action != command.action || entry.command.by.holder() != command.by.holder() {
            return Err(Reject::IdReused.into());
        }
        self.repeat(seq).await
    }

    /// What a command is about, where its answer needs it and it can be found.
    async fn about(&self, command: &Command, outcome: &Outcome) -> Option<Bought> {
        let id = about(&command.action, outcome)?;
        self.bought(id).await.ok().flatten()
    }

    /// The payment, hold or meter of that name, if it was made.
    ///
    /// # Errors
    /// [`Edge::ViewsBehind`] where nobody can say yet.
    pub async fn bought(&self, id: Id) -> Answered<Option<Bought>> {
        if let Some(bought) = self.recent.find(id) {
            return Ok(Some(bought));
        }
        self.ask(move |view| Ok(view.purchase(id)?.map(Bought::from))).await
    }

    /// Checks that the money named in a request is in the asset of the purchase it is about.
    ///
    /// # Errors
    /// [`Edge::UnitMismatch`], and what the purchase's absence is called.
    pub async fn same_asset(&self, id: Id, named: wire::Money, absent: Reject) -> Answered<Amount> {
        let asset = registered(&self.directory, named.asset, "amount.asset")?;
        let bought = self.bought(id).await?.ok_or_else(|| Problem::from(absent))?;
        if bought.purchase.asset == asset.code {
            Ok(amount(named.amount))
        } else {
            Err(Problem::from(Edge::UnitMismatch).of("amount.asset"))
        }
    }

    /// Makes a new key, asset or hold usable before any follower has come to it.
    fn learn(&self, seq: Seq, command: &Command, outcome: &Outcome) {
        self.recent.learn(seq, command, outcome);
        self.directory.learn(command, outcome);
    }
}

/// Whether the nonce was used up by this very request.
fn presented(verdict: Option<Result<Verdict, Fault>>) -> Answered<()> {
    match verdict {
        Some(Ok(Verdict::Record(_, Outcome::Done))) => Ok(()),
        Some(Ok(Verdict::Record(seq, Outcome::Denied(refusal)))) => {
            let rule = crate::problem::rule(refusal.rule, None, None, None);
            Err(Problem::denied(&refusal, rule, None, seq.0, false))
        }
        Some(Ok(Verdict::Reject(Reject::KeyUnknown))) => Err(Edge::SignerUnknown.into()),
        Some(Ok(Verdict::Reject(reject))) => Err(reject.into()),
        Some(Err(fault)) => Err(faulted(fault)),
        Some(Ok(Verdict::Record(_, _) | Verdict::Repeat(_))) | None => Err(Edge::OutcomeUnknown.into()),
    }
}

/// What the writer could not do. Nothing was recorded in either case.
fn faulted(fault: Fault) -> Problem {
    match fault {
        Fault::Full => Edge::DiskFull.into(),
        Fault::Panicked => {
            tracing::error!("a rule failed on a request");
            Edge::Internal.into()
        }
    }
}
