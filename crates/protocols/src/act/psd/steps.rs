//! The steps of a payment service's check, as one ordered list for each level.
//!
//! The order of the lists is that of version 2.0, which 2.1 keeps: replay, signature, credential, money,
//! meaning, tool. Steps ACT does not place stand with their kin.

use crate::a402::words::words;

words! {
    /// One check.
    CheckStep {
        /// The request names one order, one tool, and an amount that can be compared.
        Form = "FORM",
        RequestUnused = "REQUEST_UNUSED",
        Fresh = "FRESH",
        AgentSignature = "AGENT_SIGNATURE",
        IacSignature = "IAC_SIGNATURE",
        /// Inside its window, and neither suspended nor revoked.
        IacState = "IAC_STATE",
        /// The credential is for this agent and this delegation.
        IacAgent = "IAC_AGENT",
        DelegationMode = "DELEGATION_MODE",
        Currency = "CURRENCY",
        SingleAmount = "SINGLE_AMOUNT",
        TotalAmount = "TOTAL_AMOUNT",
        PaymentMethod = "PAYMENT_METHOD",
        /// Amount, currency, merchant and cart are the order's.
        Order = "ORDER",
        Merchant = "MERCHANT",
        Category = "CATEGORY",
        Intent = "INTENT",
        ToolUsable = "TOOL_USABLE",
        ToolAgent = "TOOL_AGENT",
        /// The tool is of the principal who delegated (DEL-14).
        ToolPrincipal = "TOOL_PRINCIPAL",
        /// A sub-account's own key authorized this payment.
        ToolProof = "TOOL_PROOF",
        ToolLimits = "TOOL_LIMITS",
        Balance = "BALANCE",
        Risk = "RISK",
    }
}

/// Level 1, all before the principal is asked anything (INS-03).
pub const INSTANT_STEPS: &[CheckStep] = &[
    CheckStep::Form,
    CheckStep::RequestUnused,
    CheckStep::Fresh,
    CheckStep::AgentSignature,
    CheckStep::ToolUsable,
    CheckStep::ToolAgent,
    CheckStep::Order,
    CheckStep::ToolLimits,
];

/// Level 2 (DEL-05).
pub const DELEGATED_STEPS: &[CheckStep] = &[
    CheckStep::Form,
    CheckStep::RequestUnused,
    CheckStep::Fresh,
    CheckStep::AgentSignature,
    CheckStep::IacSignature,
    CheckStep::IacState,
    CheckStep::IacAgent,
    CheckStep::DelegationMode,
    CheckStep::Currency,
    CheckStep::SingleAmount,
    CheckStep::TotalAmount,
    CheckStep::PaymentMethod,
    CheckStep::Order,
    CheckStep::Merchant,
    CheckStep::Category,
    CheckStep::Intent,
    CheckStep::ToolUsable,
    CheckStep::ToolAgent,
    CheckStep::ToolPrincipal,
    CheckStep::ToolProof,
    CheckStep::ToolLimits,
    CheckStep::Balance,
];

/// Level 3: as level 2, and the payment service's own rules last (AUP-06).
pub const AUTONOMOUS_STEPS: &[CheckStep] = &[
    CheckStep::Form,
    CheckStep::RequestUnused,
    CheckStep::Fresh,
    CheckStep::AgentSignature,
    CheckStep::IacSignature,
    CheckStep::IacState,
    CheckStep::IacAgent,
    CheckStep::DelegationMode,
    CheckStep::Currency,
    CheckStep::SingleAmount,
    CheckStep::TotalAmount,
    CheckStep::PaymentMethod,
    CheckStep::Order,
    CheckStep::Merchant,
    CheckStep::Category,
    CheckStep::Intent,
    CheckStep::ToolUsable,
    CheckStep::ToolAgent,
    CheckStep::ToolPrincipal,
    CheckStep::ToolProof,
    CheckStep::ToolLimits,
    CheckStep::Balance,
    CheckStep::Risk,
];
