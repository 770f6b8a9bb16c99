//! `PSD-PMT-BND`: a principal gives an agent a reference to a payment tool, and never the account.

use super::error::PaymentError;
use crate::a402::{Identifier, words::words};
use crate::act::amount::AmountNumber;
use crate::act::object::{Malformed, messages, object, word_fields};
use crate::act::text::{MaskedAccount, UtcTime, Word};
use book::Time;

object! {
    /// Asks for a reference. Names as in version 2.0.
    pub struct BindingRequest closed "request" checked check_request {
        required request_id: Identifier,
        required principal_id: Identifier,
        required agent_id: Identifier,
        /// The account as its holder sees it, masked.
        required payment_account_ref: MaskedAccount,
        required token_constraints: TokenConstraints,
        /// By what the principal is recognised.
        required authentication_method: Word,
        required timestamp: UtcTime,
    }
}

object! {
    /// Within which limits the reference may be used.
    pub struct TokenConstraints closed "token_constraints" {
        optional max_amount_per_transaction: AmountNumber,
        required validity_period: ValidityPeriod,
        /// Only these merchants, where there is a list.
        optional allowed_merchants: Vec<Identifier>,
    }
}

object! {
    /// From when, and until when, exclusive.
    pub struct ValidityPeriod closed "validity_period" checked check_period {
        required start_time: UtcTime,
        required end_time: UtcTime,
    }
}

object! {
    /// The reference, or why there is none.
    pub struct BindingResponse open_ended "response" checked check_response {
        required request_id: Identifier,
        required status: BindingStatus,
        optional payment_token: Identifier,
        optional token_expiry: UtcTime,
        optional bound_agent_id: Identifier,
        optional error: BindingError,
        required timestamp: UtcTime,
    }
}

words! {
    /// Whether there is a reference.
    BindingStatus {
        Success = "SUCCESS",
        Failed = "FAILED",
    }
}

words! {
    /// Why there is no reference (BND-05).
    BindingError {
        IdentityVerificationFailed = "IDENTITY_VERIFICATION_FAILED",
        AgentIdentificationFailed = "AGENT_IDENTIFICATION_FAILED",
        AccountAmountExceeded = "ACCOUNT_AMOUNT_EXCEEDED",
        Other = "OTHER",
    }
}

words! {
    /// Where a binding stands. ACT leaves the names open; these are ours.
    BindingState {
        Active = "ACTIVE",
        Frozen = "FROZEN",
        /// Final.
        Cancelled = "CANCELLED",
        /// Final.
        Expired = "EXPIRED",
    }
}

word_fields!(BindingStatus, BindingError, BindingState);
messages!(BindingRequest in "request", BindingResponse in "response");

/// What the principal is shown before agreeing: who gets the reference, to what, within which limits (BND-03).
#[derive(Clone, Debug, PartialEq)]
pub struct Consent {
    pub agent_id: Identifier,
    pub payment_account_ref: MaskedAccount,
    pub token_constraints: TokenConstraints,
}

/// What the account service found out. A request alone is never enough: the principal has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identified {
    /// The principal was recognised and agreed to the [`Consent`]; the agent is who it says.
    PrincipalAndAgent,
    NoPrincipal,
    NoAgent,
    /// The account does not allow amounts as large as asked for.
    BeyondAccount,
}

/// A reference, what it is bound to, and where it stands. The account stays with whoever made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub payment_token: Identifier,
    pub agent_id: Identifier,
    pub principal_id: Identifier,
    pub constraints: TokenConstraints,
    /// As stored: ask [`Binding::state_at`].
    pub state: BindingState,
}

impl BindingRequest {
    /// What to show the principal.
    pub fn consent(&self) -> Consent {
        Consent {
            agent_id: self.agent_id.clone(),
            payment_account_ref: self.payment_account_ref.clone(),
            token_constraints: self.token_constraints.clone(),
        }
    }

    /// Makes the binding, with a reference the caller has drawn.
    ///
    /// # Errors
    /// [`BindingError`]; there is no reference then, not even half of one (BND-05).
    pub fn bind(
        &self,
        identified: Identified,
        payment_token: Identifier,
        now: Time,
    ) -> Result<Binding, BindingError> {
        match identified {
            Identified::PrincipalAndAgent => {}
            Identified::NoPrincipal => return Err(BindingError::IdentityVerificationFailed),
            Identified::NoAgent => return Err(BindingError::AgentIdentificationFailed),
            Identified::BeyondAccount => return Err(BindingError::AccountAmountExceeded),
        }
        if self.token_constraints.validity_period.end_time.time() <= now {
            return Err(BindingError::Other);
        }
        Ok(Binding {
            payment_token,
            agent_id: self.agent_id.clone(),
            principal_id: self.principal_id.clone(),
            constraints: self.token_constraints.clone(),
            state: BindingState::Active,
        })
    }

    /// The answer to whoever asked.
    pub fn respond(&self, bound: &Result<Binding, BindingError>, now: Time) -> BindingResponse {
        let (binding, error) = match bound {
            Ok(binding) => (Some(binding), None),
            Err(error) => (None, Some(*error)),
        };
        BindingResponse {
            request_id: self.request_id.clone(),
            status: if error.is_none() { BindingStatus::Success } else { BindingStatus::Failed },
            payment_token: binding.map(|it| it.payment_token.clone()),
            token_expiry: binding.map(|it| it.constraints.validity_period.end_time.clone()),
            bound_agent_id: binding.map(|it| it.agent_id.clone()),
            error,
            timestamp: UtcTime::second_of(now),
        }
    }
}

impl Binding {
    /// Where the binding stands at `now`: its validity ends by itself.
    pub fn state_at(&self, now: Time) -> BindingState {
        match self.state {
            BindingState::Active | BindingState::Frozen
                if self.constraints.validity_period.end_time.time() <= now =>
            {
                BindingState::Expired
            }
            BindingState::Active | BindingState::Frozen | BindingState::Cancelled | BindingState::Expired => {
                self.state
            }
        }
    }

    /// Whether the reference may be used at all at `now` (BND-04, BND-06).
    ///
    /// # Errors
    /// [`PaymentError::PaymentToolInvalid`].
    pub fn check_usable(&self, now: Time) -> Result<(), PaymentError> {
        let begun = self.constraints.validity_period.start_time.time() <= now;
        match self.state_at(now) {
            BindingState::Active if begun => Ok(()),
            BindingState::Active | BindingState::Frozen | BindingState::Cancelled | BindingState::Expired => {
                Err(PaymentError::PaymentToolInvalid)
            }
        }
    }

    /// Whether the reference may be used for this much, at this merchant.
    ///
    /// # Errors
    /// [`PaymentError::SingleAmountExceeded`] and [`PaymentError::MerchantNotInScope`].
    pub fn check_limits(&self, amount: AmountNumber, merchant: &Identifier) -> Result<(), PaymentError> {
        if self.constraints.max_amount_per_transaction.is_some_and(|most| most < amount) {
            return Err(PaymentError::SingleAmountExceeded);
        }
        if self.constraints.allowed_merchants.as_ref().is_some_and(|list| !list.contains(merchant)) {
            return Err(PaymentError::MerchantNotInScope);
        }
        Ok(())
    }
}

fn check_request(request: &BindingRequest) -> Result<(), Malformed> {
    if request.principal_id == request.agent_id {
        let rule = "must be somebody else than the agent";
        return Err(Malformed::Rule { path: "request", name: "principal_id", rule });
    }
    Ok(())
}

fn check_period(period: &ValidityPeriod) -> Result<(), Malformed> {
    if period.end_time.time() <= period.start_time.time() {
        let rule = "must be later than the start";
        return Err(Malformed::Rule { path: "validity_period", name: "end_time", rule });
    }
    Ok(())
}

fn check_response(response: &BindingResponse) -> Result<(), Malformed> {
    let references = [&response.payment_token, &response.bound_agent_id].into_iter().flatten().count();
    let expiry = response.token_expiry.is_some();
    let fits = match response.status {
        BindingStatus::Success => references == 2 && expiry && response.error.is_none(),
        BindingStatus::Failed => references == 0 && !expiry && response.error.is_some(),
    };
    if fits {
        return Ok(());
    }
    let rule = "a success has a reference and no error, a failure an error and no reference";
    Err(Malformed::Rule { path: "response", name: "status", rule })
}
