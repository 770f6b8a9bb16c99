//! What the checks of a payment ask of this server, all answered from the book as one view shows it.
//!
//! The answers decide early and say why. What counts under concurrency, unused ids and totals above all, the book
//! decides once more when the money moves.

use super::{agreements, ids, tools};
use crate::papers::Party;
use crate::problem::{Answered, Problem};
use crate::routes::credentials::lifecycle;
use crate::routes::intents::draft::identifier;
use crate::routes::orders;
use crate::state::State;
use book::{AgentId, Amount, Asset, KeyHolder, MandateId};
use engine::View;
use engine::views::MandateRow;
use evidence::{Hash, PublicKey};
use protocols::act::iac::{ClaimedIac, VerifiedIac};
use protocols::act::lifecycle::{NotUsable, Standing};
use protocols::act::psd::agreement::{Agreement, AgreementFacts, AgreementKey, AgreementStatus, TaskState};
use protocols::act::psd::{
    Binding, IntentFit, OrderFacts, PaymentClaim, PaymentFacts, RiskVerdict, Tool, ToolClaim,
};
use protocols::act::{AmountNumber, AmountText, Currency, Fingerprint, Identifier, Keyring, Sentence};
use serde_json::Value;
use std::cell::RefCell;
use wire::limits::LIST_MAX;

/// The server's answers about one request, as of one moment.
pub(crate) struct Facts<'a> {
    app: &'a State,
    view: &'a View,
    iac_keys: Keyring,
    /// The digest of the credential's text, as the journal would hold it.
    credential: Option<Hash>,
    /// Whose agreements count.
    agent: Option<AgentId>,
    /// The first thing that could not be read: then no answer counts.
    fault: RefCell<Option<Problem>>,
}

impl<'a> Facts<'a> {
    /// What `view` shows about a request of `agent` that carries this credential.
    pub(crate) fn of(
        app: &'a State,
        view: &'a View,
        agent: &Identifier,
        credential: Option<&str>,
    ) -> Facts<'a> {
        let mut iac_keys = Keyring::default();
        let claimed = credential.and_then(|text| ClaimedIac::read(text).ok());
        if let Some(claimed) = claimed {
            // This book's key speaks for every principal who confirmed to it.
            let delegator = claimed.claimed().payload.delegator_identity.clone();
            let key = &app.authorization_key;
            iac_keys.trust(key.key_id().clone(), delegator, key.public().clone());
        }
        let credential = credential.map(|text| Hash::of(text.as_bytes()));
        let agent = agent.as_str().parse().ok();
        Facts { app, view, iac_keys, credential, agent, fault: RefCell::default() }
    }

    /// What went wrong while the facts were looked up.
    pub(crate) fn fault(self) -> Answered<()> {
        self.fault.into_inner().map_or(Ok(()), Err)
    }

    /// The answer, or, where it could not be read, one that allows nothing.
    fn read<T>(&self, answer: Answered<T>, otherwise: T) -> T {
        answer.unwrap_or_else(|problem| {
            self.fault.borrow_mut().get_or_insert(problem);
            otherwise
        })
    }

    fn mandate(&self, iac: &VerifiedIac) -> Option<MandateRow> {
        let mandate: MandateId = iac.payload().delegation_id.as_str().parse().ok()?;
        let row = self.read(self.view.mandate(mandate).map_err(Problem::from), None)?;
        (Some(row.document) == self.credential).then_some(row)
    }

    /// The order of that number, where it can be paid.
    pub(crate) fn order_called(&self, number: &Identifier) -> Option<OrderFacts> {
        let order: wire::OrderId = number.as_str().parse().ok()?;
        let name = crate::convert::id(order.0);
        let (order, paper) = self.read(orders::read(self.app, name), None)?;
        let until = order.pay_before.as_deref().and_then(|text| crate::convert::time(text, "").ok());
        let is_over = until.is_some_and(|until| until <= self.app.clock.now());
        // An order is paid once; whoever asks how that went asks for the request, not the order.
        let paid = self.read(orders::paid_by(self.app, self.view, name).map(|paid| paid.is_some()), true);
        if is_over || paid {
            return None;
        }
        let asset = order.amount.asset;
        Some(OrderFacts {
            amount: AmountText::of_minor(order.amount.amount.minor(), asset.scale()).ok()?,
            currency: Currency::parse(asset.code()).ok()?,
            merchant_id: identifier(&paper.payee.to_string()),
            payee_name: Sentence::parse(order.payee_name).ok()?,
            categories: order.categories.iter().map(|category| identifier(category)).collect(),
            cart_snapshot_hash: order.cart_snapshot_hash.and_then(|hash| Fingerprint::parse(hash).ok()),
        })
    }

    fn asset_of(&self, row: &MandateRow) -> Option<Asset> {
        let wallet = self.read(self.view.wallet(row.wallet).map_err(Problem::from), None);
        wallet.map(|wallet| wallet.asset)
    }
}

impl PaymentFacts for Facts<'_> {
    fn request_is_unused(&self, agent_id: &Identifier, request_id: &Identifier) -> bool {
        let Ok(agent) = agent_id.as_str().parse::<AgentId>() else { return true };
        let mut every =
            ids::in_every_epoch(&self.app.session_secret, agent.0, request_id.as_str(), self.app.clock.now());
        every.all(|id| {
            let found = self.view.decision_of(id).map_err(Problem::from);
            self.read(found.map(|found| found.is_none()), false)
        })
    }

    fn agent_keys(&self, agent_id: &Identifier) -> Vec<PublicKey> {
        let Ok(agent) = agent_id.as_str().parse::<AgentId>() else { return Vec::new() };
        let rows = self.view.keys_of(KeyHolder::Agent(agent), LIST_MAX).map_err(Problem::from);
        let rows = self.read(rows, Vec::new());
        let active = rows.into_iter().filter(|row| row.revoked.is_none());
        active.filter_map(|row| Some((*self.app.directory.key(row.id)?.key).clone())).collect()
    }

    fn iac_keys(&self) -> &Keyring {
        &self.iac_keys
    }

    fn tool(&self, claim: &ToolClaim<'_>) -> Option<Tool> {
        match claim {
            ToolClaim::Token(token) => {
                let found = tools::binding(self.app, self.view, token.as_str());
                self.read(found, None).map(|(binding, _)| Tool::Binding(binding))
            }
            ToolClaim::SubAccount { subaccount_id, .. } => {
                let found = tools::sub_account(self.app, self.view, subaccount_id.as_str());
                self.read(found, None).map(|facts| Tool::SubAccount(Box::new(facts)))
            }
        }
    }

    fn order(&self, claim: &PaymentClaim<'_>) -> Option<OrderFacts> {
        self.order_called(claim.order_no)
    }

    fn iac_standing(&self, iac: &VerifiedIac, now: book::Time) -> Result<Standing, NotUsable> {
        let row = self.mandate(iac).ok_or(NotUsable::Unknown)?;
        let life = lifecycle(self.view, &row).map(|(life, _)| Some(life));
        let life = self.read(life, None).ok_or(NotUsable::Unknown)?;
        life.usable(now).map(|()| Standing::Confirmed)
    }

    fn spent_under(&self, iac: &VerifiedIac) -> AmountNumber {
        let spent = self.mandate(iac).and_then(|row| {
            let asset = self.asset_of(&row)?;
            number(row.spent.amount, asset)
        });
        // What nobody can count leaves nothing to spend.
        spent.unwrap_or(iac.payload().max_total_amount)
    }

    fn intent_fit(&self, _: &PaymentClaim<'_>, order: &OrderFacts, iac: &VerifiedIac) -> IntentFit {
        let paper = self
            .mandate(iac)
            .and_then(|row| self.read(crate::routes::credentials::paper(self.app, &row), None));
        let isr: Value = paper.and_then(|paper| serde_json::from_str(&paper.isr).ok()).unwrap_or_default();
        let names = |list: &Value| -> Vec<String> {
            let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        let mut meant = names(&isr["ext"]["vendor_private"]["tollbridge"]["about"]);
        meant.extend(names(&isr["ext"]["commerce"]["allowed_categories"]));
        let merchants = names(&isr["ext"]["commerce"]["allowed_merchants"]);
        let named = merchants.iter().any(|merchant| *merchant == order.merchant_id.as_str());
        let mut bought = order.categories.iter();
        match (meant.is_empty(), order.categories.is_empty()) {
            (false, false) if bought.any(|kind| meant.iter().any(|meant| meant == kind.as_str())) => {
                IntentFit::Consistent
            }
            (false, false) => IntentFit::Inconsistent,
            (true, _) | (false, true) if named => IntentFit::Consistent,
            (true, _) | (false, true) => IntentFit::Unclear,
        }
    }

    fn account_covers(&self, binding: &Binding, amount: AmountNumber, currency: &Currency) -> bool {
        let token = binding.payment_token.as_str();
        let wallet = self
            .read(tools::binding(self.app, self.view, token), None)
            .and_then(|(_, row)| self.read(self.view.wallet(row.wallet).map_err(Problem::from), None));
        wallet.is_some_and(|wallet| {
            let needed = minor(amount, wallet.asset);
            wallet.asset.code.as_str() == currency.as_str()
                && needed.is_some_and(|needed| needed <= wallet.balance.available())
        })
    }

    fn risk(&self, _: &PaymentClaim<'_>) -> RiskVerdict {
        // Whom this service does not trust it has frozen, or closed: the book says so when the money would move.
        RiskVerdict::Accept
    }
}

impl AgreementFacts for Facts<'_> {
    fn request_is_unused(&self, agent_id: &Identifier, request_id: &Identifier) -> bool {
        PaymentFacts::request_is_unused(self, agent_id, request_id)
    }

    fn agent_keys(&self, agent_id: &Identifier) -> Vec<PublicKey> {
        PaymentFacts::agent_keys(self, agent_id)
    }

    fn agreement(&self, key: AgreementKey<'_>) -> Option<Agreement> {
        let (number, external) = match key {
            AgreementKey::AgreementNo(number) => (Some(number), None),
            AgreementKey::ExternalAgreementNo(number) => (None, Some(number)),
        };
        let of = Party::Agent(self.agent?);
        let found = agreements::standing::find(self.app, self.view, of, number, external);
        let found = self.read(found, None)?;
        // What is over has a class of its own, further down.
        let status = match found.state {
            TaskState::Expired => AgreementStatus::Signed,
            TaskState::Signing
            | TaskState::Normal
            | TaskState::Finished
            | TaskState::Cancelled
            | TaskState::Terminate
            | TaskState::Invalid => found.shown.status,
        };
        Some(Agreement { status, ..found.shown })
    }
}

/// An amount of the book in hundredths, or nothing where it is finer or larger than ACT's numbers.
pub(crate) fn number(amount: Amount, asset: Asset) -> Option<AmountNumber> {
    AmountNumber::of_text(&AmountText::of_minor(amount.minor(), asset.scale).ok()?)
}

/// An amount of ACT's in the asset's smallest unit, or nothing where it is finer than that.
pub(crate) fn minor(amount: AmountNumber, asset: Asset) -> Option<Amount> {
    Amount::new(amount.to_text().minor(asset.scale)?)
}
