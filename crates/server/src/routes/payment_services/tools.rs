//! Payment tools as the book keeps them: a reference is a mandate that asks every time, a sub-account is one of the book's.
//!
//! So a tool is frozen, cancelled and over exactly where the book says so, and nothing can be paid with it behind that.

use super::facts::number;
use crate::problem::Answered;
use crate::routes::intents::draft::{identifier, unreadable};
use crate::state::State;
use book::freeze::Status;
use book::{Id, Limit, MandateId, WalletId};
use engine::View;
use engine::views::{MandateRow, WalletRow};
use protocols::act::psd::{
    Binding, BindingState, KeyReference, KeyType, RiskLimits, SubAccount, SubAccountFacts, SubAccountKey,
    SubAccountState, TokenConstraints, ValidityPeriod,
};
use protocols::act::{AmountText, Currency, UtcTime};

/// What a reference begins with.
const TOKEN: &str = "tok";

/// The reference to a mandate that is one.
pub(crate) fn token(mandate: MandateId) -> String {
    format!("{TOKEN}_{}", mandate.0.text())
}

/// The mandate that a reference refers to.
pub(crate) fn mandate_of(token: &str) -> Option<MandateId> {
    let rest = token.strip_prefix(TOKEN)?.strip_prefix('_')?;
    Id::from_text(rest).map(MandateId)
}

/// The binding behind a reference, with its mandate.
pub(crate) fn binding(app: &State, view: &View, token: &str) -> Answered<Option<(Binding, MandateRow)>> {
    let Some(mandate) = mandate_of(token) else { return Ok(None) };
    let Some(row) = view.mandate(mandate)? else { return Ok(None) };
    // What asks for no confirmation is no reference, whatever its name; nor is an authorization.
    let asks = row.limits.contains(&Limit::AskAlways);
    let is_credential = crate::routes::credentials::paper(app, &row)?.is_some();
    let Some(wallet) = view.wallet(row.wallet)? else { return Ok(None) };
    if !asks || is_credential {
        return Ok(None);
    }
    let most = row.limits.iter().find_map(|limit| {
        if let Limit::PerPayment { max } = limit { number(*max, wallet.asset) } else { None }
    });
    let merchants = row.limits.iter().find_map(|limit| {
        let Limit::PayeesAllowed { payees } = limit else { return None };
        Some(payees.iter().map(|payee| identifier(&payee.to_string())).collect())
    });
    let binding = Binding {
        payment_token: identifier(token),
        agent_id: identifier(&row.agent.to_string()),
        principal_id: identifier(&row.owner.to_string()),
        constraints: TokenConstraints {
            max_amount_per_transaction: most,
            validity_period: ValidityPeriod {
                start_time: UtcTime::second_of(row.valid_from),
                end_time: UtcTime::second_of(row.expires_at),
            },
            allowed_merchants: merchants,
        },
        state: match row.status {
            Status::Active => BindingState::Active,
            Status::Frozen => BindingState::Frozen,
            Status::Revoked => BindingState::Cancelled,
        },
    };
    Ok(Some((binding, row)))
}

/// A sub-account with the key that proves payments from it; none where that is not known or was revoked.
pub(crate) fn sub_account(app: &State, view: &View, name: &str) -> Answered<Option<SubAccountFacts>> {
    let Some(wallet) = name.parse::<WalletId>().ok() else { return Ok(None) };
    let Some(row) = view.wallet(wallet)? else { return Ok(None) };
    let Some(account) = account(app, view, &row)? else { return Ok(None) };
    let key: Option<book::KeyId> = account.key_reference.key_id.as_str().parse().ok();
    let Some(key) = key.and_then(|key| app.directory.key(key)) else { return Ok(None) };
    let key = SubAccountKey::Asymmetric((*key.key).clone());
    Ok(Some(SubAccountFacts { account, key }))
}

/// A sub-account as ACT shows it.
pub(crate) fn account(app: &State, view: &View, row: &WalletRow) -> Answered<Option<SubAccount>> {
    let Some(sub) = row.sub else { return Ok(None) };
    let Some(key) = app.papers.proof_key(row.id.0).map_err(|fault| unreadable(&fault))? else {
        return Ok(None);
    };
    let revoked = view.key(key)?.is_none_or(|key| key.revoked.is_some());
    let home = view.wallet(sub.parent)?.map(|home| home.status);
    let text = |amount: book::Amount| AmountText::of_minor(amount.minor(), row.asset.scale).ok();
    let available = row.balance.available();
    let held = row.balance.held;
    let balance = available.checked_add(held).and_then(text);
    let (Some(balance), Some(frozen_amount), Some(available_balance), Ok(currency)) =
        (balance, text(held), text(available), Currency::parse(row.asset.code.as_str()))
    else {
        return Ok(None);
    };
    let single = row
        .limits
        .iter()
        .find_map(|limit| if let Limit::PerPayment { max } = limit { text(*max) } else { None });
    let status = match (row.status, home, revoked) {
        (Status::Revoked, _, _) => SubAccountState::Closed,
        // Its key is good only while it is, and it is good only while its key is.
        (Status::Frozen, _, _) | (Status::Active, Some(Status::Frozen | Status::Revoked) | None, _) => {
            SubAccountState::Frozen
        }
        (Status::Active, Some(Status::Active), true) => SubAccountState::Frozen,
        (Status::Active, Some(Status::Active), false) => SubAccountState::Active,
    };
    Ok(Some(SubAccount {
        subaccount_id: identifier(&row.id.to_string()),
        principal_id: identifier(&row.owner.to_string()),
        agent_id: identifier(&sub.agent.to_string()),
        balance,
        frozen_amount,
        available_balance,
        currency,
        status,
        created_at: UtcTime::second_of(row.at),
        key_reference: KeyReference {
            key_id: identifier(&key.to_string()),
            key_type: KeyType::Asymmetric,
            public_key_id: None,
        },
        risk_limits: single.map(|single| RiskLimits {
            max_single_transaction: Some(single),
            daily_transaction_limit: None,
            transaction_count_limit: None,
        }),
        auto_recharge_enabled: None,
        auto_recharge_threshold: None,
        auto_recharge_amount: None,
        last_transaction_at: None,
        total_transactions: Some(row.spent.uses),
        psp_id: identifier(&app.origin),
    }))
}
