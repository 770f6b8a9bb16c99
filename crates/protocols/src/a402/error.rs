//! The eleven errors of A402: what went wrong, in which phase, and what a program may do next.
//!
//! Ids, classes and actions are those of artefact 2.1-artifact.1; the sentences are ours.

use super::envelope::put;
use super::members::{Malformed, Members};
use super::text::Misshapen;
use super::words::words;
use serde_json::{Map, Value};

words! {
    /// The class of an error, and with it the advice of ACT 2.1.
    Category {
        SignatureValidation = "SIGNATURE_VALIDATION",
        RequestParameter = "REQUEST_PARAMETER",
        ProtocolMethod = "PROTOCOL_METHOD",
        ParticipantIdentity = "PARTICIPANT_IDENTITY",
        LimitAsset = "LIMIT_ASSET",
        AuthorizationRisk = "AUTHORIZATION_RISK",
        TransactionState = "TRANSACTION_STATE",
        Refund = "REFUND",
        FulfillmentReceipt = "FULFILLMENT_RECEIPT",
        PaymentProofValidation = "PAYMENT_PROOF_VALIDATION",
        System = "SYSTEM",
    }
}

words! {
    /// The step that failed. Nothing is said about the steps behind it.
    Phase {
        Requirement = "REQUIREMENT",
        Authorization = "AUTHORIZATION",
        Payment = "PAYMENT",
        ProofValidation = "PROOF_VALIDATION",
        Delivery = "DELIVERY",
        Fulfillment = "FULFILLMENT",
        Evidence = "EVIDENCE",
    }
}

words! {
    /// When trying again can help.
    Retryability {
        Never = "NEVER",
        AfterCorrection = "AFTER_CORRECTION",
        AfterAuthorization = "AFTER_AUTHORIZATION",
        Retryable = "RETRYABLE",
        /// Ask how it went before doing anything that could happen twice.
        QueryFirst = "QUERY_FIRST",
        Terminal = "TERMINAL",
    }
}

words! {
    /// Something a program may do about an error.
    NextAction {
        CorrectRequest = "CORRECT_REQUEST",
        RenegotiateMethod = "RENEGOTIATE_METHOD",
        Reauthorize = "REAUTHORIZE",
        ChangePaymentTool = "CHANGE_PAYMENT_TOOL",
        QueryPaymentStatus = "QUERY_PAYMENT_STATUS",
        ObtainNewProof = "OBTAIN_NEW_PROOF",
        RetryValidation = "RETRY_VALIDATION",
        RetryDelivery = "RETRY_DELIVERY",
        RetryFulfillment = "RETRY_FULFILLMENT",
        ReturnPriorResult = "RETURN_PRIOR_RESULT",
        CreateNewRequirement = "CREATE_NEW_REQUIREMENT",
        SwitchCounterparty = "SWITCH_COUNTERPARTY",
        Escalate = "ESCALATE",
        Abort = "ABORT",
    }
}

words! {
    /// One error of the catalogue. There are eleven, and we send no other.
    ErrorId {
        SignatureInvalid = "ACT-A402-SIGNATURE_INVALID",
        RequestInvalid = "ACT-A402-REQUEST_INVALID",
        MethodUnsupported = "ACT-A402-METHOD_UNSUPPORTED",
        ParticipantInvalid = "ACT-A402-PARTICIPANT_INVALID",
        LimitOrAssetRejected = "ACT-A402-LIMIT_OR_ASSET_REJECTED",
        AuthorizationRejected = "ACT-A402-AUTHORIZATION_REJECTED",
        StateConflict = "ACT-A402-STATE_CONFLICT",
        RefundFailed = "ACT-A402-REFUND_FAILED",
        FulfillmentFailed = "ACT-A402-FULFILLMENT_FAILED",
        ProofInvalid = "ACT-A402-PROOF_INVALID",
        SystemUnavailable = "ACT-A402-SYSTEM_UNAVAILABLE",
    }
}

/// What the catalogue says about one error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    pub category: Category,
    pub phase: Phase,
    pub retryability: Retryability,
    /// At least one, the most promising first.
    pub valid_next_actions: &'static [NextAction],
    /// A sentence for people. Programs read the other members.
    pub message: &'static str,
}

impl ErrorId {
    /// The catalogue's entry for this error.
    #[rustfmt::skip]
    pub fn entry(self) -> CatalogueEntry {
        use NextAction as A;
        let (category, phase, retryability, valid_next_actions, message): (_, _, _, &[A], _) = match self {
            ErrorId::SignatureInvalid => (
                Category::SignatureValidation, Phase::Requirement, Retryability::AfterCorrection,
                &[A::CorrectRequest, A::Escalate, A::Abort],
                "the demand's signature does not verify, or is of a kind its key is not good for",
            ),
            ErrorId::RequestInvalid => (
                Category::RequestParameter, Phase::Requirement, Retryability::AfterCorrection,
                &[A::CorrectRequest, A::CreateNewRequirement, A::Abort],
                "the payment demand or the request it belongs to is incomplete, ill-formed, changed or out of date",
            ),
            ErrorId::MethodUnsupported => (
                Category::ProtocolMethod, Phase::Requirement, Retryability::AfterCorrection,
                &[A::RenegotiateMethod, A::SwitchCounterparty, A::Abort],
                "this payment method, or this version of it, is not accepted here",
            ),
            ErrorId::ParticipantInvalid => (
                Category::ParticipantIdentity, Phase::Authorization, Retryability::AfterAuthorization,
                &[A::Reauthorize, A::CorrectRequest, A::Escalate, A::Abort],
                "a party is not known, or is not the one its key or session belongs to",
            ),
            ErrorId::LimitOrAssetRejected => (
                Category::LimitAsset, Phase::Authorization, Retryability::AfterAuthorization,
                &[A::ChangePaymentTool, A::Reauthorize, A::Abort],
                "the wallet's balance, asset, status or limits do not allow this payment",
            ),
            ErrorId::AuthorizationRejected => (
                Category::AuthorizationRisk, Phase::Authorization, Retryability::AfterAuthorization,
                &[A::Reauthorize, A::Escalate, A::Abort],
                "the mandate or a rule of its owner does not allow this payment",
            ),
            ErrorId::StateConflict => (
                Category::TransactionState, Phase::Payment, Retryability::QueryFirst,
                &[A::QueryPaymentStatus, A::ReturnPriorResult, A::Escalate, A::Abort],
                "no such trade, or it is not in a state in which this can happen",
            ),
            ErrorId::RefundFailed => (
                Category::Refund, Phase::Fulfillment, Retryability::QueryFirst,
                &[A::QueryPaymentStatus, A::Escalate, A::Abort],
                "the refund did not succeed, or nobody can say yet whether it did",
            ),
            ErrorId::FulfillmentFailed => (
                Category::FulfillmentReceipt, Phase::Fulfillment, Retryability::Retryable,
                &[A::RetryDelivery, A::RetryFulfillment, A::ReturnPriorResult, A::Escalate],
                "the payment stands, but delivery or its confirmation did not complete",
            ),
            ErrorId::ProofInvalid => (
                Category::PaymentProofValidation, Phase::ProofValidation, Retryability::AfterCorrection,
                &[A::ObtainNewProof, A::RetryValidation, A::CreateNewRequirement, A::Abort],
                "the payment proof is missing, false, out of date, used up or for something else",
            ),
            ErrorId::SystemUnavailable => (
                Category::System, Phase::Payment, Retryability::QueryFirst,
                &[A::QueryPaymentStatus, A::RetryValidation, A::Escalate, A::Abort],
                "a service this step needs cannot be reached; nothing may be concluded about the payment",
            ),
        };
        CatalogueEntry { category, phase, retryability, valid_next_actions, message }
    }

    /// The error as the wire carries it, with the catalogue's sentence.
    pub fn report(self) -> ErrorReport {
        let entry = self.entry();
        ErrorReport {
            error_id: ErrorName(self.as_str().to_owned()),
            category: entry.category,
            phase: entry.phase,
            retryability: entry.retryability,
            valid_next_actions: entry.valid_next_actions.to_vec(),
            message: entry.message.to_owned(),
            retry_after_seconds: None,
            details: None,
        }
    }
}

/// The name of an error, which need not be one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorName(String);

impl ErrorName {
    /// The error of our catalogue that has this name.
    pub fn known(&self) -> Option<ErrorId> {
        ErrorId::parse(&self.0)
    }

    /// The name as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: String) -> Result<Self, Misshapen> {
        let holds = text.len() <= 96
            && text.strip_prefix("ACT-A402-").is_some_and(|name| {
                let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
                !name.is_empty() && name.bytes().all(fits)
            });
        if holds {
            return Ok(ErrorName(text));
        }
        Err(Misshapen::new(&text, "an error id like `ACT-A402-PROOF_INVALID`"))
    }
}

/// An error on the wire: ours, or a stranger's with a class we know.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorReport {
    pub(crate) error_id: ErrorName,
    pub(crate) category: Category,
    pub(crate) phase: Phase,
    pub(crate) retryability: Retryability,
    pub(crate) valid_next_actions: Vec<NextAction>,
    pub(crate) message: String,
    pub(crate) retry_after_seconds: Option<u32>,
    pub(crate) details: Option<Map<String, Value>>,
}

impl ErrorReport {
    /// The longest wait an error may ask for: a day.
    pub const RETRY_AFTER_SECONDS_MAX: u32 = 86_400;

    /// Asks the reader to wait, at most [`ErrorReport::RETRY_AFTER_SECONDS_MAX`].
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds.min(Self::RETRY_AFTER_SECONDS_MAX));
        self
    }

    /// Adds facts for a program to read. No secret belongs here: errors are logged.
    #[must_use]
    pub fn with_details(mut self, details: Map<String, Value>) -> Self {
        self.details = Some(details);
        self
    }

    /// Which error it is.
    pub fn error_id(&self) -> &ErrorName {
        &self.error_id
    }

    /// Its class.
    pub fn category(&self) -> Category {
        self.category
    }

    /// The step that failed.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When trying again can help.
    pub fn retryability(&self) -> Retryability {
        self.retryability
    }

    /// What a program may do, at least one thing, none twice.
    pub fn valid_next_actions(&self) -> &[NextAction] {
        &self.valid_next_actions
    }

    /// A sentence for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How long to wait before trying again.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// Facts for a program.
    pub fn details(&self) -> Option<&Map<String, Value>> {
        self.details.as_ref()
    }

    /// Reads an error object.
    ///
    /// # Errors
    /// [`Malformed`], naming the member.
    pub fn read(value: Value) -> Result<Self, Malformed> {
        let mut members = Members::open("error", value)?;
        let error_id = members.text("error_id", ErrorName::parse)?;
        let category = members.text("category", word(Category::parse, "a category"))?;
        let phase = members.text("phase", word(Phase::parse, "a phase"))?;
        let retryability = members.text("retryability", word(Retryability::parse, "a retryability"))?;
        let valid_next_actions = members.take("valid_next_actions")?;
        let valid_next_actions = read_actions(&valid_next_actions).ok_or_else(|| {
            members.misshapen(
                "valid_next_actions",
                &valid_next_actions,
                "a list of at least one known action, none twice",
            )
        })?;
        let message = members.text("message", |text| match text.chars().count() {
            1..=1024 => Ok(text),
            _ => Err(Misshapen::new(&text, "a sentence of 1 to 1024 characters")),
        })?;
        let retry_after_seconds =
            members.integer_if_any("retry_after_seconds", (0, Self::RETRY_AFTER_SECONDS_MAX))?;
        let details = match members.take_if_any("details") {
            Some(Value::Object(details)) => Some(details),
            Some(value) => return Err(members.misshapen("details", &value, "an object")),
            None => None,
        };
        members.end()?;
        Ok(ErrorReport {
            error_id,
            category,
            phase,
            retryability,
            valid_next_actions,
            message,
            retry_after_seconds,
            details,
        })
    }

    /// The error object.
    pub fn to_json(&self) -> Value {
        let actions = self.valid_next_actions.iter().map(|action| action.as_str().into()).collect();
        let mut members = Map::new();
        put(&mut members, "error_id", self.error_id.as_str());
        put(&mut members, "category", self.category.as_str());
        put(&mut members, "phase", self.phase.as_str());
        put(&mut members, "retryability", self.retryability.as_str());
        members.insert("valid_next_actions".to_owned(), Value::Array(actions));
        put(&mut members, "message", self.message.as_str());
        if let Some(seconds) = self.retry_after_seconds {
            members.insert("retry_after_seconds".to_owned(), seconds.into());
        }
        if let Some(details) = &self.details {
            members.insert("details".to_owned(), Value::Object(details.clone()));
        }
        Value::Object(members)
    }
}

/// Reads a word of one of our enums.
pub(crate) fn word<T>(
    parse: fn(&str) -> Option<T>,
    rule: &'static str,
) -> impl FnOnce(String) -> Result<T, Misshapen> {
    move |text| parse(&text).ok_or_else(|| Misshapen::new(&text, rule))
}

fn read_actions(value: &Value) -> Option<Vec<NextAction>> {
    let mut actions = Vec::new();
    for item in value.as_array()? {
        let action = NextAction::parse(item.as_str()?)?;
        if actions.contains(&action) {
            return None;
        }
        actions.push(action);
    }
    (!actions.is_empty()).then_some(actions)
}
