//! The checks of a payment service: step by step, and the first that fails gives the class of the refusal.

use super::autonomous::AutonomousRequest;
use super::delegated::DelegatedRequest;
use super::error::{PaymentError, PaymentRefusal};
use super::facts::{IntentFit, OrderFacts, PaymentFacts, RiskVerdict, Tool};
use super::instant::{InstantRequest, PendingConfirmation};
use super::scope;
use super::signature::{NotSigned, SignedRequest, verify_signature};
use super::steps::{AUTONOMOUS_STEPS, CheckStep, DELEGATED_STEPS, INSTANT_STEPS};
use super::tool::{Level, PaymentClaim, ToolClaim};
use crate::a402::Identifier;
use crate::act::amount::AmountNumber;
use crate::act::iac::{IacError, VerifiedIac, verify};
use crate::act::lifecycle::{NotUsable, Standing};
use crate::act::text::UtcTime;
use crate::limits::{CLOCK_SKEW_SECONDS, REQUEST_AGE_SECONDS_MAX};
use book::Time;

/// A request that was refused: at which step, and in which class. Nothing was moved (DEL-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub step: CheckStep,
    pub error: PaymentError,
}

impl Refused {
    /// The refusal as the wire carries it.
    pub fn report(&self, request_id: Identifier) -> PaymentRefusal {
        self.error.refuse(request_id)
    }
}

/// What the checks have found out, for whoever moves the money.
#[derive(Clone, Debug)]
pub struct Passed {
    pub amount: AmountNumber,
    pub iac: VerifiedIac,
    pub standing: Standing,
    pub order: OrderFacts,
    pub tool: Tool,
}

/// Checks a request of level 1. The principal then has until `deadline`.
///
/// # Errors
/// [`Refused`]; the principal is not asked then (INS-04).
pub fn check_instant(
    request: &InstantRequest,
    facts: &dyn PaymentFacts,
    deadline: Time,
    now: Time,
) -> Result<PendingConfirmation, Refused> {
    let mut check = Check::of(request.claim(), request, facts, now)?;
    check.run(INSTANT_STEPS)?;
    let order = check.order().map_err(|error| Refused { step: CheckStep::Order, error })?;
    let payee_name = order.payee_name.clone();
    Ok(PendingConfirmation::of(request.clone(), payee_name, deadline))
}

/// Checks a request of level 2.
///
/// # Errors
/// [`Refused`].
pub fn check_delegated(
    request: &DelegatedRequest,
    facts: &dyn PaymentFacts,
    now: Time,
) -> Result<Passed, Refused> {
    Check::of(request.claim(), request, facts, now)?.pass(DELEGATED_STEPS)
}

/// Checks a request of level 3.
///
/// # Errors
/// [`Refused`].
pub fn check_autonomous(
    request: &AutonomousRequest,
    facts: &dyn PaymentFacts,
    now: Time,
) -> Result<Passed, Refused> {
    Check::of(request.claim(), request, facts, now)?.pass(AUTONOMOUS_STEPS)
}

/// One request under check, and what was found out about it so far.
struct Check<'a, R> {
    claim: PaymentClaim<'a>,
    request: &'a R,
    facts: &'a dyn PaymentFacts,
    amount: AmountNumber,
    now: Time,
    iac: Option<VerifiedIac>,
    order: Option<OrderFacts>,
    tool: Option<Tool>,
}

impl<'a, R: SignedRequest> Check<'a, R> {
    fn of(
        claim: Option<PaymentClaim<'a>>,
        request: &'a R,
        facts: &'a dyn PaymentFacts,
        now: Time,
    ) -> Result<Self, Refused> {
        let unread = Refused { step: CheckStep::Form, error: PaymentError::RequestInvalid };
        let claim = claim.ok_or(unread)?;
        let amount = AmountNumber::of_text(claim.amount).ok_or(unread)?;
        Ok(Check { claim, request, facts, amount, now, iac: None, order: None, tool: None })
    }

    fn run(&mut self, steps: &[CheckStep]) -> Result<(), Refused> {
        for step in steps {
            self.step(*step).map_err(|error| Refused { step: *step, error })?;
        }
        Ok(())
    }

    fn pass(mut self, steps: &[CheckStep]) -> Result<Passed, Refused> {
        self.run(steps)?;
        let refused = |step| move |error| Refused { step, error };
        Ok(Passed {
            amount: self.amount,
            standing: self.standing().map_err(refused(CheckStep::IacState))?,
            iac: self.iac().map_err(refused(CheckStep::IacSignature))?.clone(),
            order: self.order().map_err(refused(CheckStep::Order))?.clone(),
            tool: self.tool().map_err(refused(CheckStep::ToolUsable))?.clone(),
        })
    }

    fn step(&mut self, step: CheckStep) -> Result<(), PaymentError> {
        use PaymentError as E;
        let (claim, facts, now, amount) = (self.claim, self.facts, self.now, self.amount);
        match step {
            CheckStep::Form => Ok(()),
            CheckStep::RequestUnused => {
                unless(facts.request_is_unused(claim.agent_id, claim.request_id), E::DuplicateRequest)
            }
            CheckStep::Fresh => unless(is_fresh(claim.timestamp, now), E::RequestExpired),
            CheckStep::AgentSignature => {
                let signed = verify_signature(self.request, &facts.agent_keys(claim.agent_id));
                signed.map_err(|_: NotSigned| E::AgentSignatureInvalid)
            }
            CheckStep::IacSignature => self.iac().map(|_| ()),
            CheckStep::IacState => self.standing().map(|_| ()),
            CheckStep::IacAgent => {
                let payload = self.iac()?.payload();
                let fits = payload.agent_id == *claim.agent_id
                    && Some(&payload.delegation_id) == claim.delegation_id;
                unless(fits, E::AgentIdentityMismatch)
            }
            CheckStep::DelegationMode => scope::mode(self.iac()?.payload(), claim.level),
            CheckStep::Currency => scope::currency(self.iac()?.payload(), claim.currency),
            CheckStep::SingleAmount => scope::single(self.iac()?.payload(), amount),
            CheckStep::TotalAmount => {
                let iac = self.iac()?;
                scope::total(iac.payload(), facts.spent_under(iac), amount)
            }
            CheckStep::PaymentMethod => scope::method(self.iac()?.payload(), claim.payment_method),
            CheckStep::Order => same_as_ordered(&claim, amount, self.order()?),
            CheckStep::Merchant => {
                let merchant = self.order()?.merchant_id.clone();
                scope::merchant(self.iac()?.payload(), &merchant)
            }
            CheckStep::Category => {
                let bought = self.order()?.categories.clone();
                scope::categories(self.iac()?.payload(), &bought)
            }
            CheckStep::Intent => {
                let order = self.order()?.clone();
                match (facts.intent_fit(&claim, &order, self.iac()?), claim.level) {
                    (IntentFit::Consistent, Level::Instant | Level::Delegated | Level::Autonomous) => Ok(()),
                    (IntentFit::Unclear, Level::Instant | Level::Delegated) => Ok(()),
                    (IntentFit::Unclear, Level::Autonomous) | (IntentFit::Inconsistent, _) => {
                        Err(E::IntentMismatch)
                    }
                }
            }
            CheckStep::ToolUsable => match self.tool()? {
                Tool::Binding(binding) => binding.check_usable(now),
                Tool::SubAccount(sub) => sub.account.check_state().map_err(|error| error.payment_error()),
            },
            CheckStep::ToolAgent => {
                let bound_agent = match self.tool()? {
                    Tool::Binding(binding) => &binding.agent_id,
                    Tool::SubAccount(sub) => &sub.account.agent_id,
                };
                unless(bound_agent == claim.agent_id, E::PaymentToolAgentMismatch)
            }
            CheckStep::ToolPrincipal => {
                let principal = match self.tool()? {
                    Tool::Binding(binding) => binding.principal_id.clone(),
                    Tool::SubAccount(sub) => sub.account.principal_id.clone(),
                };
                let delegator = &self.iac()?.payload().delegator_identity;
                unless(principal == *delegator, E::PaymentToolPrincipalMismatch)
            }
            CheckStep::ToolProof => match (self.tool()?, claim.tool) {
                (Tool::Binding(_), ToolClaim::Token(_)) => Ok(()),
                (Tool::SubAccount(sub), ToolClaim::SubAccount { subaccount_id, proof }) => {
                    let proved = claim.proof_facts(subaccount_id).is_proved_by(proof, &sub.key);
                    unless(proved, E::SubaccountProofInvalid)
                }
                (Tool::Binding(_), ToolClaim::SubAccount { .. })
                | (Tool::SubAccount(_), ToolClaim::Token(_)) => Err(E::PaymentToolInvalid),
            },
            CheckStep::ToolLimits => {
                let merchant = self.order()?.merchant_id.clone();
                match self.tool()? {
                    Tool::Binding(binding) => binding.check_limits(amount, &merchant),
                    Tool::SubAccount(sub) => sub.account.check_limits(amount),
                }
            }
            CheckStep::Balance => match self.tool()? {
                Tool::Binding(binding) => {
                    let covered = facts.account_covers(binding, amount, claim.currency);
                    unless(covered, E::BalanceInsufficient)
                }
                Tool::SubAccount(sub) => {
                    sub.account.check_balance(amount, claim.currency).map_err(|error| error.payment_error())
                }
            },
            CheckStep::Risk => match facts.risk(&claim) {
                RiskVerdict::Accept => Ok(()),
                RiskVerdict::Refuse => Err(E::RiskRefused),
            },
        }
    }

    /// The credential, verified on first use.
    fn iac(&mut self) -> Result<&VerifiedIac, PaymentError> {
        if self.iac.is_none() {
            let token = self.claim.iac.ok_or(PaymentError::IacSignatureInvalid)?;
            let verified = verify(token.as_str(), self.facts.iac_keys(), self.now);
            self.iac = Some(verified.map_err(|error| class_of(&error))?);
        }
        self.iac.as_ref().ok_or(PaymentError::IacSignatureInvalid)
    }

    fn standing(&mut self) -> Result<Standing, PaymentError> {
        let (facts, now, amount) = (self.facts, self.now, self.amount);
        let standing = facts.iac_standing(self.iac()?, now).map_err(|not| match not {
            NotUsable::NotYetValid => PaymentError::IacNotYetValid,
            NotUsable::Suspended => PaymentError::IacSuspended,
            NotUsable::Revoked => PaymentError::IacRevoked,
            NotUsable::Expired => PaymentError::IacExpired,
            NotUsable::Unknown => PaymentError::IacStatusUnknown,
        })?;
        match standing {
            Standing::Provisional { amount_max } if amount_max < amount => {
                Err(PaymentError::IacStatusUnknown)
            }
            Standing::Provisional { .. } | Standing::Confirmed => Ok(standing),
        }
    }

    /// The order, fetched on first use.
    fn order(&mut self) -> Result<&OrderFacts, PaymentError> {
        if self.order.is_none() {
            self.order = self.facts.order(&self.claim);
        }
        self.order.as_ref().ok_or(PaymentError::OrderMismatch)
    }

    /// The tool, fetched on first use.
    fn tool(&mut self) -> Result<&Tool, PaymentError> {
        if self.tool.is_none() {
            self.tool = self.facts.tool(&self.claim.tool);
        }
        let unknown = match self.claim.tool {
            ToolClaim::Token(_) => PaymentError::PaymentToolInvalid,
            ToolClaim::SubAccount { .. } => PaymentError::SubaccountNotOpened,
        };
        self.tool.as_ref().ok_or(unknown)
    }
}

/// Whether a request stamped `timestamp` may be taken at `now`: up to 300 s old, up to 60 s ahead.
///
/// ACT asks for a window and leaves it open; this one is ours.
pub fn is_fresh(timestamp: &UtcTime, now: Time) -> bool {
    let stamped = timestamp.time();
    let (age_max, skew) =
        (Time::from_seconds(REQUEST_AGE_SECONDS_MAX), Time::from_seconds(CLOCK_SKEW_SECONDS));
    stamped <= now.after(skew.0) && now <= stamped.after(age_max.0)
}

fn same_as_ordered(
    claim: &PaymentClaim<'_>,
    amount: AmountNumber,
    order: &OrderFacts,
) -> Result<(), PaymentError> {
    let is_equal = AmountNumber::of_text(&order.amount) == Some(amount)
        && order.currency == *claim.currency
        && claim.merchant_id.is_none_or(|merchant| *merchant == order.merchant_id);
    if !is_equal {
        return Err(PaymentError::OrderMismatch);
    }
    match (claim.cart_snapshot_hash, &order.cart_snapshot_hash) {
        (Some(claimed), Some(confirmed)) if claimed != confirmed => Err(PaymentError::AmountSnapshotMismatch),
        (Some(_), Some(_)) | (Some(_), None) | (None, Some(_) | None) => Ok(()),
    }
}

fn class_of(error: &IacError) -> PaymentError {
    match error {
        IacError::Expired => PaymentError::IacExpired,
        IacError::NotYetValid | IacError::IssuedInFuture => PaymentError::IacNotYetValid,
        IacError::TooLong { .. }
        | IacError::Encoding
        | IacError::Malformed(_)
        | IacError::Algorithm
        | IacError::OtherType
        | IacError::Disagreement { .. }
        | IacError::Key(_) => PaymentError::IacSignatureInvalid,
    }
}

pub(super) fn unless(holds: bool, error: PaymentError) -> Result<(), PaymentError> {
    if holds { Ok(()) } else { Err(error) }
}
