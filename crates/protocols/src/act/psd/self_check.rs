//! What an agent asks itself before it sends a request. A filter, never a substitute for the payment service.

use super::error::PaymentError;
use super::instant::TradeStatus;
use super::scope;
use super::tool::Level;
use crate::a402::{Currency, Identifier};
use crate::act::amount::AmountNumber;
use crate::act::iac::VerifiedIac;
use crate::act::lifecycle::{NotUsable, Standing};
use crate::limits::ACT_AMOUNT_HUNDREDTHS_MAX;
use book::Time;

/// Why a request was not sent, in the class the payment service would give (DEL-02, AUP-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: {}", .0.entry().message)]
pub struct NotSent(pub PaymentError);

/// What the payment service has confirmed under one credential: nothing before the first payment (AUP-04).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTotal(AmountNumber);

/// Whether the tool could be used now, as far as the agent knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolReadiness {
    Usable,
    Unusable,
}

/// A payment an agent is about to ask for.
#[derive(Clone, Copy, Debug)]
pub struct SelfCheck<'a> {
    pub level: Level,
    pub iac: &'a VerifiedIac,
    /// What the agent knows of the credential's state.
    pub standing: Result<Standing, NotUsable>,
    pub local_total: LocalTotal,
    pub amount: AmountNumber,
    pub currency: &'a Currency,
    pub merchant_id: &'a Identifier,
    pub categories: &'a [Identifier],
    pub payment_method: Option<&'a Identifier>,
    pub tool: ToolReadiness,
}

impl LocalTotal {
    /// What is confirmed.
    pub fn confirmed(self) -> AmountNumber {
        self.0
    }

    /// The total after an answer: only a success counts, with the amount the payment service confirmed
    /// (DEL-11). A sum that does not fit stays at the most there is, so that nothing more is sent.
    pub fn after(self, status: TradeStatus, amount: AmountNumber) -> LocalTotal {
        match status {
            TradeStatus::Success => {
                let most = AmountNumber::new(ACT_AMOUNT_HUNDREDTHS_MAX).expect("the bound is within itself");
                LocalTotal(self.0.checked_add(amount).unwrap_or(most))
            }
            TradeStatus::Pending | TradeStatus::Failed | TradeStatus::Closed => self,
        }
    }
}

impl SelfCheck<'_> {
    /// Checks mode, window, state, money, counterparty, kind, method and tool, in this order.
    ///
    /// # Errors
    /// [`NotSent`]: do not send the request.
    pub fn run(&self, now: Time) -> Result<(), NotSent> {
        self.first_failure(now).map_err(NotSent)
    }

    fn first_failure(&self, now: Time) -> Result<(), PaymentError> {
        let payload = self.iac.payload();
        scope::mode(payload, self.level)?;
        if self.iac.valid_until() <= now {
            return Err(PaymentError::IacExpired);
        }
        if now < self.iac.valid_from() {
            return Err(PaymentError::IacNotYetValid);
        }
        match self.standing {
            Ok(Standing::Confirmed) => {}
            Ok(Standing::Provisional { amount_max }) if self.amount <= amount_max => {}
            Ok(Standing::Provisional { .. }) | Err(NotUsable::Unknown) => {
                return Err(PaymentError::IacStatusUnknown);
            }
            Err(NotUsable::NotYetValid) => return Err(PaymentError::IacNotYetValid),
            Err(NotUsable::Suspended) => return Err(PaymentError::IacSuspended),
            Err(NotUsable::Revoked) => return Err(PaymentError::IacRevoked),
            Err(NotUsable::Expired) => return Err(PaymentError::IacExpired),
        }
        scope::currency(payload, self.currency)?;
        scope::single(payload, self.amount)?;
        scope::total(payload, self.local_total.confirmed(), self.amount)?;
        scope::merchant(payload, self.merchant_id)?;
        scope::categories(payload, self.categories)?;
        scope::method(payload, self.payment_method)?;
        match self.tool {
            ToolReadiness::Usable => Ok(()),
            ToolReadiness::Unusable => Err(PaymentError::PaymentToolInvalid),
        }
    }
}
