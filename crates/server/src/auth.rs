//! Who is asking: a signature over the request, or a code of a session that was opened with one.
//!
//! Both bind the whole request: method, address and body. What is only shown, like a bearer token, opens nothing here.
//! The nonce is used up by the book, in the same unit as the change, so it is once-only also after a restart. Requests
//! that only read use none up: whoever could send one again has seen the answer.

pub mod session;
pub mod signature;
pub mod verifier;

use crate::codes::Edge;
use crate::directory::{Enrolled, KeyStatus};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::State;
use book::{Action, Actor, Command, Denial, Id, KeyHolder, KeyId, Presence, Present};
use evidence::Hash;
use http::header::AUTHORIZATION;

/// The kinds of keys. Each route says which it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whoever runs the installation.
    Operator,
    /// A person or organisation.
    Owner,
    /// A program that spends.
    Agent,
    /// A seller.
    Payee,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Kind] = &[Kind::Operator, Kind::Owner, Kind::Agent, Kind::Payee];
}

/// Somebody whose request was authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Whom the key speaks for.
    pub holder: KeyHolder,
    /// The key.
    pub key: KeyId,
    /// Whether this very request was signed.
    pub presence: Presence,
    /// Once-only: microseconds since 1970.
    pub nonce: u64,
    /// The hash of what was signed.
    pub request: Hash,
}

/// What a request says about its sender, once its signature or code was found to fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) key: KeyId,
    pub(crate) presence: Presence,
    pub(crate) nonce: u64,
    pub(crate) request: Hash,
}

impl Caller {
    /// The caller as the book knows it.
    pub fn actor(&self) -> Actor {
        let key = self.key;
        match self.holder {
            KeyHolder::Operator => Actor::Operator { key },
            KeyHolder::Owner(owner) => Actor::Owner { owner, key, presence: self.presence },
            KeyHolder::Agent(agent) => Actor::Agent { agent, key },
            KeyHolder::Payee(payee) => Actor::Payee { payee, key },
        }
    }

    /// The kind of the key.
    pub fn kind(&self) -> Kind {
        match self.holder {
            KeyHolder::Operator => Kind::Operator,
            KeyHolder::Owner(_) => Kind::Owner,
            KeyHolder::Agent(_) => Kind::Agent,
            KeyHolder::Payee(_) => Kind::Payee,
        }
    }

    /// A command of the caller.
    pub fn command(&self, id: Id, action: Action) -> Command {
        Command { id, by: self.actor(), action }
    }

    /// The command that uses up the nonce: the first of every unit.
    pub(crate) fn present(&self, id: Id) -> Command {
        self.command(id, Action::Present(Present { nonce: self.nonce, request: self.request }))
    }
}

impl State {
    /// Authenticates a request for a route that takes keys of `kinds`.
    ///
    /// # Errors
    /// A [`Problem`] with status 401 where it is not authentic, and 403 where the key is of another kind or revoked.
    pub async fn caller(&self, call: &Call, kinds: &[Kind]) -> Answered<Caller> {
        let signed = call.headers.contains_key(signature::SIGNATURE_INPUT);
        let shown = match call.one_header(&AUTHORIZATION)? {
            Some(_) if signed => return Err(Problem::from(Edge::HeaderMalformed).of("Authorization")),
            Some(value) => session::open(self, call, value)?,
            None if signed => signature::open(self, call).await?,
            None => return Err(Edge::SignatureMissing.into()),
        };
        let Enrolled { holder, status, .. } =
            self.directory.key(shown.key).ok_or_else(|| Problem::from(Edge::SignerUnknown))?;
        if status == KeyStatus::Revoked {
            return Err(Denial::KeyRevoked.into());
        }
        let Shown { key, presence, nonce, request } = shown;
        let caller = Caller { holder, key, presence, nonce, request };
        if !kinds.contains(&caller.kind()) {
            return Err(Edge::AudienceWrong.into());
        }
        Ok(caller)
    }
}
