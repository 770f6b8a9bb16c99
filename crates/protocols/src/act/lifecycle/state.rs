//! The states of a credential as a machine: what may follow what, by whom, and what time does alone.

use crate::a402::words::words;
use crate::act::iac::VerifiedIac;
use crate::act::object::word_fields;
use book::Time;

words! {
    /// Where a credential stands. Written in mixed case, unlike every other state of ACT.
    IacState {
        Active = "Active",
        /// Not usable for now.
        Suspended = "Suspended",
        /// Final: taken back.
        Revoked = "Revoked",
        /// Final: its validity is over.
        Expired = "Expired",
    }
}

word_fields!(IacState);

words! {
    /// What is reported about a credential, after it has happened (LCM-07, ISS-12).
    DelegationEvent {
        IntentCreated = "act:delegation:intent-created",
        Issued = "act:delegation:delegation-issued",
        Suspended = "act:delegation:delegation-suspended",
        Resumed = "act:delegation:delegation-resumed",
        Revoked = "act:delegation:delegation-revoked",
        Expired = "act:delegation:delegation-expired",
    }
}

words! {
    /// What somebody may do to a credential. Nobody makes it expire: time does.
    Change {
        Suspend = "SUSPEND",
        Resume = "RESUME",
        Revoke = "REVOKE",
    }
}

words! {
    /// Who asks for a change, in relation to the credential.
    Caller {
        Principal = "PRINCIPAL",
        RiskSystem = "RISK_SYSTEM",
        /// The agent the credential names.
        DelegatedAgent = "DELEGATED_AGENT",
        Other = "OTHER",
    }
}

/// Why a change was not made. The state is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// LCM-04.
    #[error("`{caller}` may not `{change}` this credential")]
    NotAllowed { caller: Caller, change: Change },
    /// LCM-02, LCM-03.
    #[error("`{change}` does nothing to a credential that is `{from}`")]
    NoSuchTransition { from: IacState, change: Change },
}

/// Why a credential may not be used for anything (LCM-06). Four reasons, four classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotUsable {
    #[error("the credential is not valid yet")]
    NotYetValid,
    #[error("the credential is suspended")]
    Suspended,
    #[error("the credential was revoked")]
    Revoked,
    #[error("the credential has expired")]
    Expired,
    /// The state is not known, and policy allows no decision without it (LCM-08).
    #[error("the state of the credential is not known")]
    Unknown,
}

/// The state of one credential, and its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    valid_from: Time,
    valid_until: Time,
    state: IacState,
    changed_at: Time,
}

/// A change that was made: where the credential stands now, and what to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    pub lifecycle: Lifecycle,
    pub event: DelegationEvent,
}

impl IacState {
    /// Whether `next` may ever follow this state (LCM-02).
    pub fn may_become(self, next: IacState) -> bool {
        use IacState as S;
        match (self, next) {
            (S::Active, S::Suspended | S::Revoked | S::Expired) => true,
            (S::Suspended, S::Active | S::Revoked | S::Expired) => true,
            (S::Active, S::Active) | (S::Suspended, S::Suspended) => false,
            (S::Revoked | S::Expired, S::Active | S::Suspended | S::Revoked | S::Expired) => false,
        }
    }

    /// Whether nothing may follow this state (LCM-03).
    pub fn is_final(self) -> bool {
        match self {
            IacState::Active | IacState::Suspended => false,
            IacState::Revoked | IacState::Expired => true,
        }
    }
}

impl Change {
    fn leads_to(self) -> (IacState, DelegationEvent) {
        match self {
            Change::Suspend => (IacState::Suspended, DelegationEvent::Suspended),
            Change::Resume => (IacState::Active, DelegationEvent::Resumed),
            Change::Revoke => (IacState::Revoked, DelegationEvent::Revoked),
        }
    }

    /// Whether `caller` may ask for this (LCM-04).
    pub fn is_open_to(self, caller: Caller) -> bool {
        match (self, caller) {
            (Change::Suspend | Change::Resume, Caller::Principal | Caller::RiskSystem) => true,
            (Change::Suspend | Change::Resume, Caller::DelegatedAgent | Caller::Other) => false,
            (Change::Revoke, Caller::Principal | Caller::DelegatedAgent) => true,
            (Change::Revoke, Caller::RiskSystem | Caller::Other) => false,
        }
    }
}

impl Lifecycle {
    /// The life of a credential that has just been issued (LCM-01).
    ///
    /// It is `Active` from the start, and refused as not yet valid before its window; ACT leaves that open.
    pub fn issued(iac: &VerifiedIac) -> Self {
        Lifecycle {
            valid_from: iac.valid_from(),
            valid_until: iac.valid_until(),
            state: IacState::Active,
            changed_at: iac.iac().issued_at,
        }
    }

    /// The life as it was stored.
    pub fn stored(window: (Time, Time), state: IacState, changed_at: Time) -> Self {
        let (valid_from, valid_until) = window;
        Lifecycle { valid_from, valid_until, state, changed_at }
    }

    /// Where the credential stands at `now`. At its end it is `Expired` without anybody's doing (LCM-05).
    pub fn state_at(&self, now: Time) -> IacState {
        match self.state {
            IacState::Active | IacState::Suspended if self.valid_until <= now => IacState::Expired,
            IacState::Active | IacState::Suspended | IacState::Revoked | IacState::Expired => self.state,
        }
    }

    /// When the state at `now` was reached.
    pub fn changed_at(&self, now: Time) -> Time {
        if self.state_at(now) == self.state { self.changed_at } else { self.valid_until }
    }

    /// Makes a change.
    ///
    /// # Errors
    /// [`NotChanged`], who may not before what cannot be: a stranger learns nothing about the state.
    pub fn change(&self, change: Change, caller: Caller, now: Time) -> Result<Transition, NotChanged> {
        if !change.is_open_to(caller) {
            return Err(NotChanged::NotAllowed { caller, change });
        }
        let from = self.state_at(now);
        let (state, event) = change.leads_to();
        if !from.may_become(state) {
            return Err(NotChanged::NoSuchTransition { from, change });
        }
        let lifecycle = Lifecycle { state, changed_at: now, ..*self };
        Ok(Transition { lifecycle, event })
    }

    /// The transition time has made by `now`, once: what to store, and the event to report.
    pub fn expiry(&self, now: Time) -> Option<Transition> {
        if self.state_at(now) == self.state {
            return None;
        }
        let lifecycle = Lifecycle { state: IacState::Expired, changed_at: self.valid_until, ..*self };
        Some(Transition { lifecycle, event: DelegationEvent::Expired })
    }

    /// Whether the credential may be used at `now`: inside its window, and `Active` (LCM-06).
    ///
    /// # Errors
    /// [`NotUsable`], another for every reason.
    pub fn usable(&self, now: Time) -> Result<(), NotUsable> {
        usable(self.state_at(now), (self.valid_from, self.valid_until), now)
    }
}

/// Whether a credential in `state` may be used at `now`.
pub(super) fn usable(state: IacState, window: (Time, Time), now: Time) -> Result<(), NotUsable> {
    let (valid_from, valid_until) = window;
    match state {
        IacState::Revoked => Err(NotUsable::Revoked),
        IacState::Expired => Err(NotUsable::Expired),
        IacState::Active | IacState::Suspended if valid_until <= now => Err(NotUsable::Expired),
        IacState::Suspended => Err(NotUsable::Suspended),
        IacState::Active if now < valid_from => Err(NotUsable::NotYetValid),
        IacState::Active => Ok(()),
    }
}
