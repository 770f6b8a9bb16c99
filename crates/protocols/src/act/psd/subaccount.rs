//! `PSD-AGT-SUB`: money of its own for one agent, with a key of its own, so the main account stays out of it.

use super::error::PaymentError;
use crate::a402::{AmountText, Currency, Identifier, words::words};
use crate::act::amount::AmountNumber;
use crate::act::object::{Malformed, messages, object, word_fields};
use crate::act::text::{UtcTime, Word};

object! {
    /// A sub-account as a query shows it. Names as in version 2.0.
    pub struct SubAccount open_ended "account" checked check_account {
        required subaccount_id: Identifier,
        required principal_id: Identifier,
        required agent_id: Identifier,
        required balance: AmountText,
        required frozen_amount: AmountText,
        /// The balance less what is frozen.
        required available_balance: AmountText,
        required currency: Currency,
        required status: SubAccountState,
        required created_at: UtcTime,
        required key_reference: KeyReference,
        optional risk_limits: RiskLimits,
        optional auto_recharge_enabled: bool,
        optional auto_recharge_threshold: AmountText,
        optional auto_recharge_amount: AmountText,
        optional last_transaction_at: UtcTime,
        optional total_transactions: u64,
        required psp_id: Identifier,
    }
}

object! {
    /// Which key authorizes payments from the sub-account.
    pub struct KeyReference closed "key_reference" {
        required key_id: Identifier,
        required key_type: KeyType,
        optional public_key_id: Identifier,
    }
}

object! {
    /// How much the agent may do with it.
    pub struct RiskLimits closed "risk_limits" {
        optional max_single_transaction: AmountText,
        optional daily_transaction_limit: AmountText,
        optional transaction_count_limit: u64,
    }
}

object! {
    /// Asks for something to be done to a sub-account. The whole message is ours.
    pub struct SubAccountRequest closed "request" checked check_request {
        required request_id: Identifier,
        required operation: SubAccountOperation,
        required principal_id: Identifier,
        required agent_id: Identifier,
        /// Which; absent only where it is to be opened.
        optional subaccount_id: Identifier,
        /// How much, where it is to be funded.
        optional amount: AmountText,
        optional currency: Currency,
        /// With which key, where it is to be opened.
        optional key_reference: KeyReference,
        optional risk_limits: RiskLimits,
        optional authentication_method: Word,
        optional reason: Word,
        required timestamp: UtcTime,
    }
}

words! {
    /// Where a sub-account stands. Of the names, ACT shows only `ACTIVE` (SUB-03).
    SubAccountState {
        Active = "ACTIVE",
        Frozen = "FROZEN",
        /// Final: the balance went back.
        Closed = "CLOSED",
    }
}

words! {
    /// What can be asked for.
    SubAccountOperation {
        Open = "OPEN",
        Fund = "FUND",
        Freeze = "FREEZE",
        Unfreeze = "UNFREEZE",
        Close = "CLOSE",
        Query = "QUERY",
    }
}

words! {
    /// How the key authorizes.
    KeyType {
        /// By signature.
        Asymmetric = "ASYMMETRIC",
        /// By MAC.
        Symmetric = "SYMMETRIC",
    }
}

words! {
    /// Who asks, as far as the payment service has found out.
    Requester {
        /// The principal, recognised for this very request (SUB-06).
        VerifiedPrincipal = "VERIFIED_PRINCIPAL",
        UnverifiedPrincipal = "UNVERIFIED_PRINCIPAL",
        RiskSystem = "RISK_SYSTEM",
        /// The payment service itself, because the agent's identity has lapsed.
        IdentityLapse = "IDENTITY_LAPSE",
        /// The agent the sub-account is bound to.
        BoundAgent = "BOUND_AGENT",
        Other = "OTHER",
    }
}

words! {
    /// Why a sub-account does not do what was asked (SUB-04).
    SubAccountError {
        IdentityVerificationFailed = "IDENTITY_VERIFICATION_FAILED",
        NotOpened = "SUBACCOUNT_NOT_OPENED",
        Frozen = "SUBACCOUNT_FROZEN",
        Closed = "SUBACCOUNT_CLOSED",
        BalanceInsufficient = "BALANCE_INSUFFICIENT",
        KeyInvalid = "KEY_INVALID",
        /// The sub-account is another agent's.
        BindingMismatch = "BINDING_MISMATCH",
        /// It stands as asked already.
        NothingToDo = "NOTHING_TO_DO",
    }
}

word_fields!(SubAccountState, SubAccountOperation, KeyType, SubAccountError);
messages!(SubAccount in "account", SubAccountRequest in "request");

impl SubAccountError {
    /// The class under which a payment is refused for this.
    pub fn payment_error(self) -> PaymentError {
        match self {
            SubAccountError::NotOpened => PaymentError::SubaccountNotOpened,
            SubAccountError::Frozen => PaymentError::SubaccountFrozen,
            SubAccountError::Closed => PaymentError::SubaccountClosed,
            SubAccountError::BalanceInsufficient => PaymentError::BalanceInsufficient,
            SubAccountError::KeyInvalid => PaymentError::SubaccountProofInvalid,
            SubAccountError::BindingMismatch => PaymentError::PaymentToolAgentMismatch,
            SubAccountError::IdentityVerificationFailed | SubAccountError::NothingToDo => {
                PaymentError::PaymentToolInvalid
            }
        }
    }
}

impl SubAccountOperation {
    /// Where a sub-account stands after this; `from` is nothing where none was opened yet.
    ///
    /// # Errors
    /// [`SubAccountError`]: who may not ask before what cannot be done.
    pub fn after(
        self,
        from: Option<SubAccountState>,
        by: Requester,
    ) -> Result<SubAccountState, SubAccountError> {
        use SubAccountError as E;
        use SubAccountOperation as O;
        use SubAccountState as S;
        if !self.is_open_to(by) {
            return Err(E::IdentityVerificationFailed);
        }
        match (self, from) {
            (O::Open, None) => Ok(S::Active),
            (O::Open, Some(S::Active | S::Frozen | S::Closed)) => Err(E::NothingToDo),
            (O::Fund | O::Freeze | O::Unfreeze | O::Close | O::Query, None) => Err(E::NotOpened),
            (O::Query, Some(state)) => Ok(state),
            (O::Fund | O::Freeze | O::Unfreeze | O::Close, Some(S::Closed)) => Err(E::Closed),
            (O::Fund, Some(state @ (S::Active | S::Frozen))) => Ok(state),
            (O::Freeze, Some(S::Active)) => Ok(S::Frozen),
            (O::Close, Some(S::Active | S::Frozen)) => Ok(S::Closed),
            (O::Unfreeze, Some(S::Frozen)) => Ok(S::Active),
            (O::Freeze, Some(S::Frozen)) | (O::Unfreeze, Some(S::Active)) => Err(E::NothingToDo),
        }
    }

    /// Whether `by` may ask for this (SUB-01, SUB-02, SUB-06).
    fn is_open_to(self, by: Requester) -> bool {
        match self {
            SubAccountOperation::Open | SubAccountOperation::Fund | SubAccountOperation::Unfreeze => {
                by == Requester::VerifiedPrincipal
            }
            SubAccountOperation::Freeze | SubAccountOperation::Close => match by {
                Requester::VerifiedPrincipal | Requester::RiskSystem | Requester::IdentityLapse => true,
                Requester::UnverifiedPrincipal | Requester::BoundAgent | Requester::Other => false,
            },
            SubAccountOperation::Query => match by {
                Requester::VerifiedPrincipal | Requester::BoundAgent | Requester::RiskSystem => true,
                Requester::UnverifiedPrincipal | Requester::IdentityLapse | Requester::Other => false,
            },
        }
    }
}

impl SubAccount {
    /// Whether it may pay: its key is good only while it is (SUB-02).
    ///
    /// # Errors
    /// [`SubAccountError::Frozen`] and [`SubAccountError::Closed`].
    pub fn check_state(&self) -> Result<(), SubAccountError> {
        match self.status {
            SubAccountState::Active => Ok(()),
            SubAccountState::Frozen => Err(SubAccountError::Frozen),
            SubAccountState::Closed => Err(SubAccountError::Closed),
        }
    }

    /// Whether it covers `amount` of `currency` by itself: nothing else is ever asked to (SUB-05).
    ///
    /// # Errors
    /// [`SubAccountError::BalanceInsufficient`].
    pub fn check_balance(&self, amount: AmountNumber, currency: &Currency) -> Result<(), SubAccountError> {
        let available = AmountNumber::of_text(&self.available_balance);
        if self.currency == *currency && available.is_some_and(|available| amount <= available) {
            return Ok(());
        }
        Err(SubAccountError::BalanceInsufficient)
    }

    /// Whether one payment may be this much.
    ///
    /// # Errors
    /// [`PaymentError::SingleAmountExceeded`].
    pub fn check_limits(&self, amount: AmountNumber) -> Result<(), PaymentError> {
        let most = self.risk_limits.as_ref().and_then(|limits| limits.max_single_transaction.as_ref());
        match most.map(AmountNumber::of_text) {
            Some(Some(most)) if amount <= most => Ok(()),
            Some(_) => Err(PaymentError::SingleAmountExceeded),
            None => Ok(()),
        }
    }
}

fn check_account(account: &SubAccount) -> Result<(), Malformed> {
    let broken = |name, rule| Err(Malformed::Rule { path: "account", name, rule });
    let amounts = [&account.balance, &account.frozen_amount, &account.available_balance];
    let [Some(balance), Some(frozen), Some(available)] = amounts.map(AmountNumber::of_text) else {
        return broken("balance", "amounts must have at most two decimals and fifteen digits");
    };
    if balance.checked_sub(frozen) != Some(available) {
        return broken("available_balance", "must be the balance less what is frozen");
    }
    Ok(())
}

fn check_request(request: &SubAccountRequest) -> Result<(), Malformed> {
    let broken = |name, rule| Err(Malformed::Rule { path: "request", name, rule });
    match request.operation {
        SubAccountOperation::Open => {
            if request.key_reference.is_none() || request.currency.is_none() {
                return broken("key_reference", "must be there, with `currency`, to open a sub-account");
            }
            if request.subaccount_id.is_some() {
                return broken("subaccount_id", "is given by the payment service");
            }
        }
        SubAccountOperation::Fund
        | SubAccountOperation::Freeze
        | SubAccountOperation::Unfreeze
        | SubAccountOperation::Close
        | SubAccountOperation::Query => {
            if request.subaccount_id.is_none() {
                return broken("subaccount_id", "must say which sub-account is meant");
            }
        }
    }
    let funded = request.operation == SubAccountOperation::Fund;
    if funded && (request.amount.is_none() || request.currency.is_none()) {
        return broken("amount", "must be there, with `currency`, to fund a sub-account");
    }
    Ok(())
}
