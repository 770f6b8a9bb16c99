//! The life of a standing agreement: signed or not, ended by the principal or by time.

use super::messages::{Agreement, AgreementStatus, CancelRequest, CancelResponse, CancelStatus};
use crate::a402::AmountText;
use crate::act::amount::AmountNumber;
use crate::act::text::{UtcTime, Word};
use book::Time;

/// Why an agreement was not signed or turned down: the principal has answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agreement is `{0}` and waits for no answer")]
pub struct NotDecided(pub AgreementStatus);

/// Why an agreement was not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefused {
    #[error("the agreement is another principal's")]
    OtherPrincipal,
    #[error("the agreement is `{0}`")]
    NotSigned(AgreementStatus),
}

impl Agreement {
    /// Where the agreement stands at `now`. One whose validity is over counts as cancelled; ACT leaves
    /// that open.
    pub fn status_at(&self, now: Time) -> AgreementStatus {
        match self.status {
            AgreementStatus::Signed | AgreementStatus::Signing if self.validity.end_time.time() <= now => {
                AgreementStatus::Cancelled
            }
            AgreementStatus::Signed
            | AgreementStatus::Signing
            | AgreementStatus::Unsigned
            | AgreementStatus::Cancelled => self.status,
        }
    }

    /// The agreement with the principal's yes.
    ///
    /// # Errors
    /// [`NotDecided`].
    pub fn signed(&self, now: Time) -> Result<Agreement, NotDecided> {
        self.awaiting(now)?;
        let sign_time = Some(UtcTime::second_of(now));
        Ok(Agreement { status: AgreementStatus::Signed, sign_time, ..self.clone() })
    }

    /// The agreement with the principal's no.
    ///
    /// # Errors
    /// [`NotDecided`].
    pub fn turned_down(&self, now: Time) -> Result<Agreement, NotDecided> {
        self.awaiting(now)?;
        Ok(Agreement { status: AgreementStatus::Unsigned, ..self.clone() })
    }

    /// The agreement, ended by its principal for a reason that is kept (DLC-01).
    ///
    /// # Errors
    /// [`CancelRefused`].
    pub fn cancelled(&self, request: &CancelRequest, now: Time) -> Result<Agreement, CancelRefused> {
        if request.principal_id != self.principal_id {
            return Err(CancelRefused::OtherPrincipal);
        }
        match self.status_at(now) {
            AgreementStatus::Signed => Ok(Agreement {
                status: AgreementStatus::Cancelled,
                cancel_time: Some(UtcTime::second_of(now)),
                cancel_reason: Some(request.cancel_reason.clone()),
                ..self.clone()
            }),
            status @ (AgreementStatus::Signing | AgreementStatus::Unsigned | AgreementStatus::Cancelled) => {
                Err(CancelRefused::NotSigned(status))
            }
        }
    }

    /// The agreement after a payment, or nothing where the sum does not fit.
    pub fn deducted(&self, amount: AmountNumber) -> Option<Agreement> {
        let total = AmountNumber::of_text(&self.deducted_amount_total)?.checked_add(amount)?;
        let deducted_amount_total: AmountText = total.to_text();
        Some(Agreement { deducted_amount_total, ..self.clone() })
    }

    fn awaiting(&self, now: Time) -> Result<(), NotDecided> {
        match self.status_at(now) {
            AgreementStatus::Signing => Ok(()),
            status @ (AgreementStatus::Signed | AgreementStatus::Unsigned | AgreementStatus::Cancelled) => {
                Err(NotDecided(status))
            }
        }
    }
}

impl CancelRequest {
    /// The answer to whoever asked. Why it failed is one word: whose agreement it is stays unsaid.
    pub fn respond(&self, ended: &Result<Agreement, CancelRefused>, now: Time) -> CancelResponse {
        let agreement = ended.as_ref().ok();
        CancelResponse {
            request_id: self.request_id.clone(),
            agreement_no: agreement.map(|it| it.agreement_no.clone()),
            status: match ended {
                Ok(_) => CancelStatus::Cancelled,
                Err(_) => CancelStatus::CancelFailed,
            },
            cancel_time: agreement.and_then(|it| it.cancel_time.clone()),
            cancel_reason: agreement.and_then(|it| it.cancel_reason.clone()),
            error_code: match ended {
                Ok(_) => None,
                Err(_) => Word::parse("AGREEMENT_NOT_CANCELLED").ok(),
            },
            timestamp: UtcTime::second_of(now),
        }
    }
}
