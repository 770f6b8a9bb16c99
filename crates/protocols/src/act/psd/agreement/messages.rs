//! The messages that make, show and end a standing agreement.

use super::task::TaskState;
use crate::a402::{AmountText, Currency, Identifier, SignatureText, Uri, words::words};
use crate::act::amount::AmountNumber;
use crate::act::object::{Malformed, messages, object, word_fields};
use crate::act::psd::binding::ValidityPeriod;
use crate::act::psd::signature::signed_request;
use crate::act::text::{Sentence, UtcTime, Word};

object! {
    /// Asks a payment service to make an agreement between a principal and an agent (DLA-01).
    pub struct ApplyRequest closed "request" checked check_apply {
        required request_id: Identifier,
        required principal_id: Identifier,
        /// Masked.
        optional principal_display_name: Sentence,
        required agent_id: Identifier,
        optional agent_display_name: Sentence,
        required agreement_type: AgreementType,
        required sign_validity: ValidityPeriod,
        required single_amount_limit: AmountText,
        optional total_amount_limit: AmountText,
        /// How many payments there are in all. ACT has no name for it; this one is ours.
        optional times_limit: u64,
        required currency: Currency,
        required allowed_payment_methods: Vec<Identifier>,
        /// Required for `DELEGATION_SPECIFIED`.
        optional allowed_merchants: Vec<Identifier>,
        required access_params: AccessParams,
        required notify_url: Uri,
        required return_url: Uri,
        optional external_agreement_no: Identifier,
        required timestamp: UtcTime,
        required signature: SignatureText,
        required signature_algorithm: Word,
    }
}

object! {
    /// How the principal reaches the payment service. The values are the payment service's own.
    pub struct AccessParams closed "access_params" {
        required channel: Word,
        required personal_product_code: Word,
    }
}

object! {
    /// What came of it so far; the rest is pushed to `notify_url` (DLA-02).
    pub struct ApplyResponse open_ended "response" checked check_applied {
        required request_id: Identifier,
        optional agreement_no: Identifier,
        optional external_agreement_no: Identifier,
        optional status: AgreementStatus,
        /// Where the principal signs. Required with `SIGNING`.
        optional sign_url: Uri,
        optional validity: ValidityPeriod,
        optional principal_id: Identifier,
        optional agent_id: Identifier,
        optional psp_id: Identifier,
        optional error_code: Word,
        optional error_message: Sentence,
        required timestamp: UtcTime,
    }
}

object! {
    /// Asks for agreements, by exactly one key (DLQ-01).
    pub struct QueryRequest closed "request" checked check_query {
        required request_id: Identifier,
        optional agreement_no: Identifier,
        optional external_agreement_no: Identifier,
        optional principal_id: Identifier,
        optional agent_id: Identifier,
        required timestamp: UtcTime,
        required signature: SignatureText,
        optional signature_algorithm: Word,
    }
}

object! {
    /// The agreements a key stands for.
    pub struct QueryResponse open_ended "response" {
        required request_id: Identifier,
        required agreements: Vec<Agreement>,
        required timestamp: UtcTime,
    }
}

object! {
    /// An agreement as it stands (DLQ-02).
    pub struct Agreement open_ended "agreements" {
        required agreement_no: Identifier,
        optional external_agreement_no: Identifier,
        required status: AgreementStatus,
        required validity: ValidityPeriod,
        required principal_id: Identifier,
        required agent_id: Identifier,
        required agreement_type: AgreementType,
        required single_amount_limit: AmountText,
        optional total_amount_limit: AmountText,
        optional times_limit: u64,
        required currency: Currency,
        /// What was paid under it, by the payment service's own count.
        required deducted_amount_total: AmountText,
        optional allowed_merchants: Vec<Identifier>,
        optional allowed_payment_methods: Vec<Identifier>,
        nullable sign_time: UtcTime,
        nullable cancel_time: UtcTime,
        optional cancel_reason: Word,
        /// Where the task stands; the name is ours.
        optional task_state: TaskState,
    }
}

object! {
    /// Asks to end an agreement, by either of its numbers (DLC-01).
    pub struct CancelRequest closed "request" checked check_cancel {
        required request_id: Identifier,
        optional agreement_no: Identifier,
        optional external_agreement_no: Identifier,
        required principal_id: Identifier,
        required cancel_reason: Word,
        optional cancel_remark: Sentence,
        optional notify_url: Uri,
        required timestamp: UtcTime,
        required signature: SignatureText,
        required signature_algorithm: Word,
    }
}

object! {
    /// Whether it has ended.
    pub struct CancelResponse open_ended "response" {
        required request_id: Identifier,
        optional agreement_no: Identifier,
        required status: CancelStatus,
        optional cancel_time: UtcTime,
        optional cancel_reason: Word,
        optional error_code: Word,
        required timestamp: UtcTime,
    }
}

words! {
    /// Whether the agreement names its merchants.
    AgreementType {
        /// Bound to merchants or scenes.
        Specified = "DELEGATION_SPECIFIED",
        /// Bound by rules.
        General = "DELEGATION_GENERAL",
    }
}

words! {
    /// Where an agreement stands.
    AgreementStatus {
        /// The principal has not answered yet.
        Signing = "SIGNING",
        Signed = "SIGNED",
        /// Final: the principal did not agree.
        Unsigned = "UNSIGNED",
        /// Final: ended by somebody, or by time.
        Cancelled = "CANCELLED",
    }
}

words! {
    /// What came of a request to end an agreement.
    CancelStatus {
        Cancelled = "CANCELLED",
        CancelFailed = "CANCEL_FAILED",
    }
}

word_fields!(AgreementType, AgreementStatus, CancelStatus);

messages!(
    ApplyRequest in "request",
    ApplyResponse in "response",
    QueryRequest in "request",
    QueryResponse in "response",
    Agreement in "agreements",
    CancelRequest in "request",
    CancelResponse in "response"
);

signed_request!(ApplyRequest covers every member);
signed_request!(QueryRequest covers every member);
signed_request!(CancelRequest covers every member);

/// By what an agreement is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKey<'a> {
    AgreementNo(&'a Identifier),
    ExternalAgreementNo(&'a Identifier),
    Parties { principal_id: &'a Identifier, agent_id: &'a Identifier },
}

impl QueryRequest {
    /// The one key of the request; nothing where there is none, or more than one.
    pub fn key(&self) -> Option<QueryKey<'_>> {
        let parties = (&self.principal_id, &self.agent_id);
        match (&self.agreement_no, &self.external_agreement_no, parties) {
            (Some(number), None, (None, None)) => Some(QueryKey::AgreementNo(number)),
            (None, Some(number), (None, None)) => Some(QueryKey::ExternalAgreementNo(number)),
            (None, None, (Some(principal_id), Some(agent_id))) => {
                Some(QueryKey::Parties { principal_id, agent_id })
            }
            (Some(_), _, _) | (None, Some(_), _) | (None, None, (_, _)) => None,
        }
    }
}

fn check_apply(request: &ApplyRequest) -> Result<(), Malformed> {
    let merchants = request.allowed_merchants.as_deref().unwrap_or_default();
    match request.agreement_type {
        AgreementType::Specified if merchants.is_empty() => {
            return broken("request", "allowed_merchants", "must be there for `DELEGATION_SPECIFIED`");
        }
        AgreementType::Specified | AgreementType::General => {}
    }
    if request.allowed_payment_methods.is_empty() {
        return broken("request", "allowed_payment_methods", "must name at least one method");
    }
    if request.times_limit == Some(0) {
        return broken("request", "times_limit", "must be at least 1");
    }
    let Some(single) = AmountNumber::of_text(&request.single_amount_limit) else {
        return broken("request", "single_amount_limit", "must have at most two decimals");
    };
    match request.total_amount_limit.as_ref().map(AmountNumber::of_text) {
        Some(Some(total)) if single <= total => Ok(()),
        None => Ok(()),
        Some(Some(_) | None) => {
            broken("request", "total_amount_limit", "must be at least the single limit, with two decimals")
        }
    }
}

fn check_applied(response: &ApplyResponse) -> Result<(), Malformed> {
    match (response.status, response.error_code.is_some()) {
        (Some(AgreementStatus::Signing), false) if response.sign_url.is_none() => {
            broken("response", "sign_url", "must be there while the principal has to sign")
        }
        (Some(_), false) if response.agreement_no.is_none() => {
            broken("response", "agreement_no", "must be there for an agreement that was made")
        }
        (Some(_), false) | (None, true) => Ok(()),
        (Some(_), true) | (None, false) => broken("response", "status", "comes instead of an error"),
    }
}

fn check_query(request: &QueryRequest) -> Result<(), Malformed> {
    match request.key() {
        Some(_) => Ok(()),
        None => broken("request", "agreement_no", "exactly one key must be there"),
    }
}

fn check_cancel(request: &CancelRequest) -> Result<(), Malformed> {
    match (&request.agreement_no, &request.external_agreement_no) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        (Some(_), Some(_)) | (None, None) => {
            broken("request", "agreement_no", "either it or `external_agreement_no` must be there")
        }
    }
}

fn broken(path: &'static str, name: &'static str, rule: &'static str) -> Result<(), Malformed> {
    Err(Malformed::Rule { path, name, rule })
}
