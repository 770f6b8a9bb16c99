//! A task, from its message to its end: what is asked for it, what it takes, and who hears of it.
//!
//! A task is kept before anything is done for it. It takes one payment and no more; from then on it ends in what the paywall says
//! became of that payment, however often it has to be asked and whatever dies in between. What a task says about money is in
//! the message of its status.

mod follow;
mod words;

pub(crate) use follow::Following;

use crate::limits::{RETRY_MAX, RETRY_MIN, RUNS_MAX, WAIT_MARGIN};
use crate::store::{Created, Kept, Page, Step, Store, StoreFault, Taken};
use crate::till::{Outcome, Till};
use evidence::Hash;
use follow::Followers;
use listen::Peer;
use protocols::a2a::call::Listing;
use protocols::a2a::paying::{COUPON, IDEMPOTENCY_KEY, PAYLOAD, SKILL, STATUS, body_of, status};
use protocols::a2a::{Event, Fault, Message, Send, State, Status, Task, Violation};
use protocols::a402::Identifier;
use protocols::sabotage::{Sabotage, has};
use sdk::Clock;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

/// What keeps tasks going.
#[derive(Debug)]
pub(crate) struct Desk {
    store: Store,
    till: Till,
    skills: Vec<String>,
    clock: Clock,
    /// How long an answer is waited for.
    patience: Duration,
    followers: Followers,
    /// Tasks under way that nothing was paid for, which can be stopped.
    running: Mutex<HashMap<String, AbortHandle>>,
    room: Arc<Semaphore>,
}

/// Who asks: the digest of a key that nobody else has, and over which connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) client: Option<Hash>,
    pub(crate) peer: Option<Peer>,
}

/// A task that took a message, and what is to be done for it now.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) kept: Kept,
    work: Option<OwnedSemaphorePermit>,
}

impl Desk {
    pub(crate) fn new(store: Store, till: Till, skills: Vec<String>, timeout: Duration) -> Desk {
        Desk {
            store,
            till,
            skills,
            clock: Clock::system(),
            patience: timeout + WAIT_MARGIN,
            followers: Followers::new(),
            running: Mutex::default(),
            room: Arc::new(Semaphore::new(RUNS_MAX)),
        }
    }

    pub(crate) fn till(&self) -> &Till {
        &self.till
    }

    /// Goes on with what was under way when the one before us ended: what was paid for is asked again under the same payment,
    /// and what was not is over.
    pub(crate) async fn resume(self: &Arc<Desk>) -> Result<(), StoreFault> {
        for kept in self.store.under_way().await? {
            if kept.payment.is_some() {
                self.spawn(kept, None);
                continue;
            }
            self.change(&kept.task.id, |kept| {
                let words = "Nothing was spent. The agent was stopped while it worked on this: ask again.";
                words::set(kept, State::Failed, words, Map::new());
                Step::Made
            })
            .await?;
        }
        Ok(())
    }

    /// Takes a message: for a new task, or for one that waits for it. What is to be done is done once [`Desk::start`] is called.
    pub(crate) async fn accept(&self, asker: Asker, send: Send) -> Result<Accepted, Fault> {
        match send.message.task_id.clone() {
            Some(id) => self.go_on(asker, &id, send.message).await,
            None => self.begin(asker, send.message).await,
        }
    }

    /// Does what a message asked for. It goes on without whoever asked.
    pub(crate) fn start(self: &Arc<Desk>, accepted: Accepted, peer: Option<Peer>) {
        if let Some(room) = accepted.work {
            self.run(accepted.kept, peer, Some(room));
        }
    }

    /// The task of that name, if it is the asker's to see.
    pub(crate) async fn find(&self, asker: Asker, id: &str) -> Result<Kept, Fault> {
        let found = self.store.find(id).await.map_err(broken)?;
        found.filter(|kept| kept.client == asker.client).ok_or(Fault::TaskNotFound)
    }

    /// The tasks of whoever asks. Nobody's tasks are nobody's to list.
    pub(crate) async fn list(&self, asker: Asker, listing: Listing) -> Result<Page, Fault> {
        let before = match &listing.page_token {
            Some(token) => {
                Some(read_token(token).ok_or_else(|| Violation::new("pageToken", "is none of ours"))?)
            }
            None => None,
        };
        let Some(client) = asker.client else {
            return Ok(Page { tasks: Vec::new(), next: None, count: 0 });
        };
        self.store.list(client, listing, before).await.map_err(broken)
    }

    /// A task is no longer wanted: it ends, unless it is over or was paid for.
    pub(crate) async fn cancel(&self, asker: Asker, id: &str) -> Result<Kept, Fault> {
        self.find(asker, id).await?;
        let changed = self
            .change(id, |kept| {
                let state = kept.task.status.state;
                if state.is_over() || kept.payment.is_some() {
                    return Step::No;
                }
                if !has(Sabotage::GoesOn) {
                    let why = "Nothing was spent. It is canceled, as you wanted.";
                    words::set(kept, State::Canceled, why, Map::new());
                }
                Step::Made
            })
            .await
            .map_err(broken)?;
        match changed {
            Some((kept, Step::Made)) => {
                let running = self.running().remove(id);
                running.inspect(AbortHandle::abort);
                Ok(kept)
            }
            Some((kept, Step::No)) if kept.task.status.state.is_over() => {
                Err(Fault::TaskNotCancelable("it is over".to_owned()))
            }
            Some((_, Step::No)) => Err(Fault::TaskNotCancelable("it is paid for and under way".to_owned())),
            None => Err(Fault::TaskNotFound),
        }
    }

    /// Follows a task, from where it stands now.
    pub(crate) async fn follow(&self, id: &str) -> Result<Following, Fault> {
        let following = self.followers.follow(id).ok_or(Fault::Busy)?;
        let kept = self.store.find(id).await.map_err(broken)?.ok_or(Fault::TaskNotFound)?;
        Ok(following.beginning_with(kept))
    }

    /// The task once it is over or waits, or as it is after a while.
    pub(crate) async fn wait(&self, mut following: Following) -> Result<Kept, Fault> {
        let id = following.id().to_owned();
        let until = async { while following.next().await.is_some_and(|event| !End::AtRest.is_at(&event)) {} };
        // What takes longer is told as it stands.
        let _late = tokio::time::timeout(self.patience, until).await;
        drop(following);
        self.store.find(&id).await.map_err(broken)?.ok_or(Fault::TaskNotFound)
    }

    async fn begin(&self, asker: Asker, message: Message) -> Result<Accepted, Fault> {
        let member = |name: &str| match message.metadata.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(wrong(name, "is not a text"))
            }
        };
        let skill = match member(SKILL)? {
            Some(skill) if self.skills.contains(&skill) => skill,
            Some(_) => {
                return Err(wrong(SKILL, &format!("is none of this agent's: {}", self.skills.join(", "))));
            }
            None => self.skills.first().cloned().ok_or(Fault::Internal)?,
        };
        let Some((kind, body)) = body_of(&message.parts) else {
            let why = "parts are texts, bytes and data here; addresses are not followed";
            return Err(Fault::ContentTypeNotSupported(why.to_owned()));
        };
        if kind.parse::<http::HeaderValue>().is_err() {
            return Err(Violation::new("message.parts[0].mediaType", "is no media type").into());
        }
        let purchase = match member(IDEMPOTENCY_KEY)? {
            Some(key) => {
                let key =
                    Identifier::parse(key).map_err(|fault| wrong(IDEMPOTENCY_KEY, &fault.to_string()))?;
                Some(key.as_str().to_owned())
            }
            None => None,
        };
        let coupon = member(COUPON)?;
        let room = self.room()?;
        let id = words::name();
        let mut message = message;
        let context_id = message.context_id.clone().unwrap_or_else(words::name);
        message.context_id = Some(context_id.clone());
        message.task_id = Some(id.clone());
        let kept = Kept {
            client: asker.client,
            message_id: message.message_id.clone(),
            changed: 0,
            skill,
            purchase: purchase.unwrap_or_else(|| id.clone()),
            coupon,
            kind,
            body,
            payment: None,
            payment_digest: None,
            task: Task {
                id,
                context_id,
                status: Status { state: State::Submitted, message: None, timestamp: None },
                artifacts: Vec::new(),
                history: vec![message],
                metadata: Map::new(),
            },
        };
        match self.store.create(kept, self.clock.now()).await.map_err(broken)? {
            Created::New(kept) => Ok(Accepted { kept, work: Some(room) }),
            Created::Before(kept) => Ok(Accepted { kept, work: None }),
        }
    }

    /// A message for a task there is: a payment, a no, or a wish to hear the price again.
    async fn go_on(&self, asker: Asker, id: &str, mut message: Message) -> Result<Accepted, Fault> {
        let kept = self.find(asker, id).await?;
        if message.context_id.as_ref().is_some_and(|context| *context != kept.task.context_id) {
            return Err(Violation::new("message.contextId", "is not that of the task").into());
        }
        message.context_id = Some(kept.task.context_id.clone());
        let said = message.metadata.get(STATUS).and_then(Value::as_str).unwrap_or_default().to_owned();
        let payload = message.metadata.remove(PAYLOAD);
        if let Some(payload) = payload {
            return self.take(kept, message, &payload).await;
        }
        if said == status::SUBMITTED {
            return Err(wrong(PAYLOAD, "is missing"));
        }
        if kept.task.history.iter().any(|before| before.message_id == message.message_id) {
            return Ok(Accepted { kept, work: None });
        }
        let state = kept.task.status.state;
        if state.is_over() {
            return Err(Fault::UnsupportedOperation("the task is over: begin another".to_owned()));
        }
        if state != State::InputRequired {
            return Err(Fault::UnsupportedOperation(
                "the task is under way, and takes no message now".to_owned(),
            ));
        }
        let room = self.room()?;
        let changed = self.change(id, move |kept| {
            if kept.task.status.state != State::InputRequired {
                return Step::No;
            }
            if said == status::REJECTED {
                words::declined(kept, message);
            } else {
                words::asked_again(kept, message);
            }
            Step::Made
        });
        match changed.await.map_err(broken)? {
            Some((kept, _)) if kept.task.status.state == State::Submitted => {
                Ok(Accepted { kept, work: Some(room) })
            }
            Some((kept, _)) => Ok(Accepted { kept, work: None }),
            None => Err(Fault::TaskNotFound),
        }
    }

    async fn take(&self, kept: Kept, message: Message, payload: &Value) -> Result<Accepted, Fault> {
        let header = self.till.payment(&kept.skill, payload);
        let digest = Hash::of(header.as_bytes());
        let room = self.room()?;
        let taking = self.store.take(&kept.task.id, self.clock.now(), (header, digest), move |kept| {
            words::submitted(kept, message);
        });
        match taking.await.map_err(broken)? {
            Taken::Now(kept) => {
                self.tell(&kept);
                Ok(Accepted { kept, work: Some(room) })
            }
            Taken::Before(kept) => Ok(Accepted { kept, work: None }),
            Taken::NotAwaited(kept) if kept.task.status.state.is_over() => Err(Fault::UnsupportedOperation(
                "Nothing was spent. The task is over: begin another.".to_owned(),
            )),
            Taken::NotAwaited(_) => {
                let why = "Nothing was spent now. The task awaits no payment, or has one already.";
                Err(Fault::UnsupportedOperation(why.to_owned()))
            }
            Taken::Elsewhere => {
                let changed = self.change(&kept.task.id, |kept| {
                    if kept.task.status.state != State::InputRequired {
                        return Step::No;
                    }
                    words::of_other(kept);
                    Step::Made
                });
                let changed = changed.await.map_err(broken)?.ok_or(Fault::TaskNotFound)?;
                Ok(Accepted { kept: changed.0, work: None })
            }
            Taken::Gone => Err(Fault::TaskNotFound),
        }
    }

    fn spawn(self: &Arc<Desk>, kept: Kept, room: Option<OwnedSemaphorePermit>) {
        self.run(kept, None, room);
    }

    /// Asks the paywall until it is known what became of a task.
    fn run(self: &Arc<Desk>, kept: Kept, peer: Option<Peer>, room: Option<OwnedSemaphorePermit>) {
        let desk = Arc::clone(self);
        let (id, is_free_to_stop) = (kept.task.id.clone(), kept.payment.is_none());
        let mut running = self.running();
        let work = tokio::spawn(async move {
            let id = kept.task.id.clone();
            let mut rest = RETRY_MIN;
            let outcome = loop {
                let outcome = desk.till.ask(&kept, peer).await;
                if !matches!(outcome, Outcome::Unknown) {
                    break outcome;
                }
                tracing::warn!(task = id, "nobody can say yet what became of a payment; it is asked again");
                tokio::time::sleep(rest).await;
                rest = rest.saturating_mul(2).min(RETRY_MAX);
            };
            desk.running().remove(&id);
            if let Err(fault) = desk.end(&id, outcome).await {
                tracing::error!(%fault, task = id, "what became of a task is not kept; it is asked again after a start");
            }
            drop(room);
        });
        if is_free_to_stop && !work.is_finished() {
            running.insert(id, work.abort_handle());
        }
    }

    async fn end(&self, id: &str, outcome: Outcome) -> Result<(), StoreFault> {
        let artifacts = matches!(outcome, Outcome::Done { .. });
        let changed = self
            .store
            .step(id, self.clock.now(), move |kept| {
                if !matches!(kept.task.status.state, State::Submitted | State::Working) {
                    return Step::No;
                }
                words::ended(kept, outcome);
                Step::Made
            })
            .await?;
        if let Some((kept, Step::Made)) = changed {
            if artifacts {
                for artifact in &kept.task.artifacts {
                    let (task_id, context_id) = (kept.task.id.clone(), kept.task.context_id.clone());
                    let event = Event::Artifact { task_id, context_id, artifact: artifact.clone() };
                    self.followers.tell(&kept, event);
                }
            }
            self.tell(&kept);
        }
        Ok(())
    }

    async fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Kept) -> Step + std::marker::Send + 'static,
    ) -> Result<Option<(Kept, Step)>, StoreFault> {
        let changed = self.store.step(id, self.clock.now(), change).await?;
        if let Some((kept, Step::Made)) = &changed {
            self.tell(kept);
        }
        Ok(changed)
    }

    /// Tells whoever follows a task where it stands now.
    fn tell(&self, kept: &Kept) {
        let Task { id, context_id, status, .. } = &kept.task;
        let event =
            Event::Status { task_id: id.clone(), context_id: context_id.clone(), status: status.clone() };
        self.followers.tell(kept, event);
    }

    fn room(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| Fault::Busy)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where somebody stops following a task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// Where it is over, or waits for them.
    AtRest,
    /// Where it is over.
    WhenOver,
}

impl End {
    /// Whether a task that says this stands there.
    pub(crate) fn is_at(self, event: &Event) -> bool {
        let state = match event {
            Event::Task(task) => task.status.state,
            Event::Status { status, .. } => status.state,
            Event::Artifact { .. } => return false,
        };
        match self {
            End::AtRest => state.is_over() || state.is_waiting(),
            End::WhenOver => state.is_over(),
        }
    }
}

/// The token of a page that goes on after a change.
pub(crate) fn write_token(changed: i64) -> String {
    evidence::base64url::encode(&changed.to_be_bytes())
}

fn read_token(token: &str) -> Option<i64> {
    let bytes = evidence::base64url::decode(token)?;
    Some(i64::from_be_bytes(bytes.try_into().ok()?)).filter(|changed| 0 < *changed)
}

fn wrong(member: &str, why: &str) -> Fault {
    Violation::new(format!("message.metadata[\"{member}\"]"), why).into()
}

fn broken(fault: StoreFault) -> Fault {
    tracing::error!(%fault, "a task could not be kept or found");
    Fault::Internal
}
