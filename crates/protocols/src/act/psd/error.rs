//! Every class in which a payment is refused: its code, what may be done about it, and a sentence.
//!
//! ACT names the classes of instant and delegated payments and their advice; the codes are ours.

use crate::a402::{Identifier, words::words};
use crate::act::object::{messages, object, word_fields};
use crate::act::text::Sentence;

words! {
    /// When the same payment may be tried again.
    Retry {
        Never = "NEVER",
        /// Not directly: something about the request, the key or the tool has to be put right.
        AfterCorrection = "AFTER_CORRECTION",
        WithNewRequestId = "WITH_NEW_REQUEST_ID",
        /// With a new time stamp, after asking whether it is still wanted.
        WithNewTimestamp = "WITH_NEW_TIMESTAMP",
        /// Not directly: the principal has to allow more, or again.
        AfterReauthorization = "AFTER_REAUTHORIZATION",
        AfterFunding = "AFTER_FUNDING",
        /// Nothing was moved; the policy of the principal says whether to start over.
        ByPolicy = "BY_POLICY",
        /// A fault of the channel may be tried again soon, one of account or risk may not.
        ByCause = "BY_CAUSE",
        /// Ask how it went: a second payment could be one too many.
        QueryFirst = "QUERY_FIRST",
    }
}

words! {
    /// Why a payment was refused.
    PaymentError {
        RequestInvalid = "REQUEST_INVALID",
        DuplicateRequest = "DUPLICATE_REQUEST",
        RequestExpired = "REQUEST_EXPIRED",
        AgentSignatureInvalid = "AGENT_SIGNATURE_INVALID",
        PaymentToolInvalid = "PAYMENT_TOOL_INVALID",
        PaymentToolAgentMismatch = "PAYMENT_TOOL_AGENT_MISMATCH",
        PaymentToolPrincipalMismatch = "PAYMENT_TOOL_PRINCIPAL_MISMATCH",
        OrderMismatch = "ORDER_MISMATCH",
        UserConfirmationFailed = "USER_CONFIRMATION_FAILED",
        PaymentExecutionFailed = "PAYMENT_EXECUTION_FAILED",
        ResultUnknown = "RESULT_UNKNOWN",
        IacSignatureInvalid = "IAC_SIGNATURE_INVALID",
        IacNotYetValid = "IAC_NOT_YET_VALID",
        IacExpired = "IAC_EXPIRED",
        IacRevoked = "IAC_REVOKED",
        IacSuspended = "IAC_SUSPENDED",
        IacStatusUnknown = "IAC_STATUS_UNKNOWN",
        AgentIdentityMismatch = "AGENT_IDENTITY_MISMATCH",
        DelegationModeInvalid = "DELEGATION_MODE_INVALID",
        CurrencyMismatch = "CURRENCY_MISMATCH",
        SingleAmountExceeded = "SINGLE_AMOUNT_EXCEEDED",
        SingleAmountBelowMinimum = "SINGLE_AMOUNT_BELOW_MINIMUM",
        CumulativeAmountExceeded = "CUMULATIVE_AMOUNT_EXCEEDED",
        PaymentMethodNotAllowed = "PAYMENT_METHOD_NOT_ALLOWED",
        MerchantNotInScope = "MERCHANT_NOT_IN_SCOPE",
        CategoryNotInScope = "CATEGORY_NOT_IN_SCOPE",
        IntentMismatch = "INTENT_MISMATCH",
        AmountSnapshotMismatch = "AMOUNT_SNAPSHOT_MISMATCH",
        SubaccountNotOpened = "SUBACCOUNT_NOT_OPENED",
        SubaccountFrozen = "SUBACCOUNT_FROZEN",
        SubaccountClosed = "SUBACCOUNT_CLOSED",
        SubaccountProofInvalid = "SUBACCOUNT_PROOF_INVALID",
        BalanceInsufficient = "BALANCE_INSUFFICIENT",
        RiskRefused = "RISK_REFUSED",
        AgreementUnknown = "AGREEMENT_UNKNOWN",
        AgreementNotSigned = "AGREEMENT_NOT_SIGNED",
        AgreementExpired = "AGREEMENT_EXPIRED",
    }
}

word_fields!(Retry, PaymentError);

/// What goes with a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentErrorEntry {
    pub retry: Retry,
    /// A sentence for people. Programs read the code and the advice.
    pub message: &'static str,
}

impl Retry {
    /// Whether a program may try again without anybody's doing or asking (INS-10, DEL-13).
    pub fn is_direct(self) -> bool {
        match self {
            Retry::WithNewTimestamp | Retry::AfterFunding | Retry::ByPolicy | Retry::ByCause => true,
            Retry::Never
            | Retry::AfterCorrection
            | Retry::WithNewRequestId
            | Retry::AfterReauthorization
            | Retry::QueryFirst => false,
        }
    }
}

impl PaymentError {
    /// The advice and the sentence of this class (ACT 2.1 sections 9.3 and 9.4).
    #[rustfmt::skip]
    pub fn entry(self) -> PaymentErrorEntry {
        use PaymentError as E;
        use Retry as R;
        let (retry, message) = match self {
            E::RequestInvalid => (R::AfterCorrection, "the request is incomplete or cannot be read"),
            E::DuplicateRequest => (R::WithNewRequestId, "this request id was used before"),
            E::RequestExpired => (R::WithNewTimestamp, "the time of the request is too far from now"),
            E::AgentSignatureInvalid => (R::AfterCorrection, "the agent's signature does not fit, or covers too little"),
            E::PaymentToolInvalid => (R::AfterCorrection, "the payment tool is unknown, frozen, cancelled or out of date"),
            E::PaymentToolAgentMismatch => (R::AfterCorrection, "the payment tool is bound to another agent"),
            E::PaymentToolPrincipalMismatch => (R::AfterCorrection, "the payment tool is of another principal than the authorization"),
            E::OrderMismatch => (R::AfterCorrection, "the order is unknown, or amount, currency or merchant are not the order's"),
            E::UserConfirmationFailed => (R::ByPolicy, "the principal did not confirm this payment; nothing was moved"),
            E::PaymentExecutionFailed => (R::ByCause, "the payment was allowed and could not be carried out"),
            E::ResultUnknown => (R::QueryFirst, "nobody can say yet whether the payment was made"),
            E::IacSignatureInvalid => (R::AfterCorrection, "the authorization is not signed by its principal, or was altered"),
            E::IacNotYetValid => (R::AfterReauthorization, "the authorization is not valid yet"),
            E::IacExpired => (R::AfterReauthorization, "the authorization has expired"),
            E::IacRevoked => (R::Never, "the authorization was revoked"),
            E::IacSuspended => (R::AfterReauthorization, "the authorization is suspended"),
            E::IacStatusUnknown => (R::ByPolicy, "the state of the authorization cannot be asked for, and this payment is too much without it"),
            E::AgentIdentityMismatch => (R::AfterCorrection, "the authorization is for another agent or another delegation"),
            E::DelegationModeInvalid => (R::AfterReauthorization, "the authorization is not of the mode this level of payment needs"),
            E::CurrencyMismatch => (R::AfterReauthorization, "the authorization is in another currency"),
            E::SingleAmountExceeded => (R::AfterReauthorization, "the amount is more than one payment may be"),
            E::SingleAmountBelowMinimum => (R::AfterReauthorization, "the amount is less than one payment may be"),
            E::CumulativeAmountExceeded => (R::AfterReauthorization, "with this amount, all payments together would be too much"),
            E::PaymentMethodNotAllowed => (R::AfterReauthorization, "the method of payment is not among those allowed"),
            E::MerchantNotInScope => (R::AfterReauthorization, "the merchant is not among those allowed"),
            E::CategoryNotInScope => (R::AfterReauthorization, "what is bought is not among the categories allowed"),
            E::IntentMismatch => (R::AfterReauthorization, "the purchase is not what the principal meant"),
            E::AmountSnapshotMismatch => (R::AfterCorrection, "the request is not for the cart that was confirmed"),
            E::SubaccountNotOpened => (R::AfterCorrection, "there is no such sub-account"),
            E::SubaccountFrozen => (R::AfterReauthorization, "the sub-account is frozen"),
            E::SubaccountClosed => (R::Never, "the sub-account is closed"),
            E::SubaccountProofInvalid => (R::AfterCorrection, "the sub-account's key did not authorize this payment"),
            E::BalanceInsufficient => (R::AfterFunding, "the balance does not cover this payment"),
            E::RiskRefused => (R::AfterReauthorization, "the payment service's risk rules refuse this payment"),
            E::AgreementUnknown => (R::AfterCorrection, "there is no such agreement"),
            E::AgreementNotSigned => (R::AfterReauthorization, "the agreement is not signed, or was cancelled"),
            E::AgreementExpired => (R::AfterReauthorization, "the agreement is not valid now"),
        };
        PaymentErrorEntry { retry, message }
    }

    /// The refusal of one request, as the wire carries it.
    pub fn refuse(self, request_id: Identifier) -> PaymentRefusal {
        let entry = self.entry();
        let message = Sentence::parse(entry.message).expect("every sentence is short and not empty");
        let error = RefusalReason { code: self, retry: entry.retry, message: Some(message) };
        PaymentRefusal { request_id, error }
    }
}

object! {
    /// A refused payment. The whole message is ours.
    pub struct PaymentRefusal open_ended "refusal" {
        required request_id: Identifier,
        required error: RefusalReason,
    }
}

object! {
    /// Why, and what now.
    pub struct RefusalReason open_ended "error" {
        required code: PaymentError,
        required retry: Retry,
        optional message: Sentence,
    }
}

messages!(PaymentRefusal in "refusal");
