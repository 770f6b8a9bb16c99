//! Sub-accounts: money of its own for one agent, moved with a key of its own (`PSD-AGT-SUB`).
//!
//! A sub-account is one of the book's, so it never falls back on the wallet it belongs to. The key that proves payments
//! is one of the agent's enrolled keys: signatures only, for a key we held too would settle no dispute.

use super::facts::minor;
use super::refusal::{malformed, of_sub_account};
use super::{ids, told, tools};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::directory::KeyStatus;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::{
    Account, Action, AgentId, CloseWallet, Freeze, KeyHolder, KeyId, Limit, OpenSubAccount, OwnerId, Period,
    Presence, Subject, Transfer, Unfreeze, WalletId, Window, Zone,
};
use engine::views::WalletRow;
use http::StatusCode;
use protocols::act::AmountNumber;
use protocols::act::psd::{
    KeyType, Requester, RiskLimits, SubAccount, SubAccountError, SubAccountOperation, SubAccountRequest,
};

/// Opens, funds, freezes, thaws, closes or shows a sub-account.
#[utoipa::path(post, path = "/v1/act/sub_accounts", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's sub-account as it stands then", body = Value)))]
pub async fn change_sub_account(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent, Kind::Operator]).await?;
    let request = SubAccountRequest::from_json(&call.body).map_err(|fault| malformed(&fault))?;
    let account = operate(&app, &caller, &request).await?;
    Ok(told(&app, StatusCode::CREATED, &account.to_json(), |_| {}))
}

/// What is known of the sub-account that a request is about.
struct Known {
    home: Option<WalletRow>,
    account: Option<SubAccount>,
}

/// Does what is asked to a sub-account, and shows it.
///
/// # Errors
/// A [`Problem`] with one of ACT's causes (SUB-04), or with what the book refuses.
pub async fn operate(app: &App, caller: &Caller, request: &SubAccountRequest) -> Answered<SubAccount> {
    use SubAccountOperation as O;
    let name = request.request_id.as_str().to_owned();
    let no = |error| of_sub_account(error, &name);
    let agent: AgentId =
        request.agent_id.as_str().parse().map_err(|_| no(SubAccountError::BindingMismatch))?;
    let principal: OwnerId =
        request.principal_id.as_str().parse().map_err(|_| no(SubAccountError::IdentityVerificationFailed))?;
    let command = ids::of_message(&app.session_secret, principal.0, &name, request.timestamp.time());
    let wallet = match &request.subaccount_id {
        Some(text) => text.as_str().parse().map_err(|_| no(SubAccountError::NotOpened))?,
        None => WalletId(command),
    };
    let known = look_up(app, agent, principal, wallet).await?;
    let by = caller.holder;
    let repeated = app
        .ask(move |view| Ok(view.decision_of(command)?.is_some_and(|row| row.by.holder() == Some(by))))
        .await?;
    if let Some(account) = &known.account
        && (account.agent_id != request.agent_id || account.principal_id != request.principal_id)
    {
        return Err(no(SubAccountError::BindingMismatch));
    }
    // What only shows changes nothing: it is never the repetition of something.
    if !repeated || request.operation == O::Query {
        let by = requester(caller, principal, agent);
        let from = known.account.as_ref().map(|account| account.status);
        request.operation.after(from, by).map_err(no)?;
    }
    let home = known.home.as_ref().ok_or_else(|| no(SubAccountError::BindingMismatch))?;
    let subject = Subject::Wallet(wallet);
    let action = match request.operation {
        O::Query => None,
        O::Open => {
            let key = proof_key(app, request, agent).map_err(no)?;
            app.write_papers(move |papers| papers.keep_proof_key(wallet.0, key)).await?;
            let limits = limits(request.risk_limits.as_ref(), home).map_err(no)?;
            Some(Action::OpenSubAccount(OpenSubAccount { wallet: home.id, agent, limits }))
        }
        O::Fund => {
            let amount = request.amount.as_ref().and_then(AmountNumber::of_text);
            let amount = amount.and_then(|amount| minor(amount, home.asset));
            let fits = request.currency.as_ref().is_some_and(|it| it.as_str() == home.asset.code.as_str());
            let unit = || Problem::from(Edge::UnitMismatch).of("currency");
            Some(Action::Transfer(Transfer {
                from: Account::Wallet(home.id),
                to: Account::Wallet(wallet),
                amount: amount.filter(|_| fits).ok_or_else(unit)?,
                asset: home.asset.code,
            }))
        }
        O::Freeze => Some(Action::Freeze(Freeze { subject })),
        O::Unfreeze => Some(Action::Unfreeze(Unfreeze { subject })),
        O::Close => Some(Action::CloseWallet(CloseWallet { wallet })),
    };
    match action {
        Some(action) => {
            app.execute(caller, command, action).await.map_err(|problem| match problem.code() {
                "funds_insufficient" => no(SubAccountError::BalanceInsufficient),
                _ => problem,
            })?;
        }
        None => app.present(caller).await?,
    }
    let known = look_up(app, agent, principal, wallet).await?;
    known.account.ok_or_else(|| no(SubAccountError::NotOpened))
}

async fn look_up(app: &App, agent: AgentId, principal: OwnerId, wallet: WalletId) -> Answered<Known> {
    let state = app.clone();
    app.ask(move |view| {
        let agent = view.agent(agent)?.filter(|row| row.owner == principal);
        let home = match agent {
            Some(agent) => view.wallet(agent.wallet)?,
            None => None,
        };
        let account = match view.wallet(wallet)? {
            Some(row) => tools::account(&state, view, &row)?,
            None => None,
        };
        Ok(Known { home, account })
    })
    .await
}

/// Who asks, as far as this request shows.
fn requester(caller: &Caller, principal: OwnerId, agent: AgentId) -> Requester {
    match caller.holder {
        KeyHolder::Owner(owner) if owner == principal => match caller.presence {
            Presence::Fresh => Requester::VerifiedPrincipal,
            Presence::Session => Requester::UnverifiedPrincipal,
        },
        KeyHolder::Agent(named) if named == agent => Requester::BoundAgent,
        KeyHolder::Operator => Requester::RiskSystem,
        KeyHolder::Owner(_) | KeyHolder::Agent(_) | KeyHolder::Payee(_) => Requester::Other,
    }
}

/// The key that will prove payments: an active one of the agent's.
fn proof_key(app: &App, request: &SubAccountRequest, agent: AgentId) -> Result<KeyId, SubAccountError> {
    let reference = request.key_reference.as_ref().ok_or(SubAccountError::KeyInvalid)?;
    match reference.key_type {
        KeyType::Asymmetric => {}
        KeyType::Symmetric => return Err(SubAccountError::KeyInvalid),
    }
    let key: KeyId = reference.key_id.as_str().parse().map_err(|_| SubAccountError::KeyInvalid)?;
    let enrolled = app.directory.key(key).ok_or(SubAccountError::KeyInvalid)?;
    let is_its = enrolled.holder == KeyHolder::Agent(agent) && enrolled.status == KeyStatus::Active;
    if is_its { Ok(key) } else { Err(SubAccountError::KeyInvalid) }
}

/// The limits of a sub-account; days begin in UTC.
fn limits(risk: Option<&RiskLimits>, home: &WalletRow) -> Result<Vec<Limit>, SubAccountError> {
    let Some(risk) = risk else { return Ok(Vec::new()) };
    let amount = |text: &Option<protocols::act::AmountText>| {
        let read = text.as_ref().map(|text| AmountNumber::of_text(text).and_then(|it| minor(it, home.asset)));
        read.map(|amount| amount.ok_or(SubAccountError::BalanceInsufficient)).transpose()
    };
    let zone = Zone::new("UTC").expect("a zone of the database");
    let window = Window::Calendar { period: Period::Day, zone };
    let mut limits = Vec::new();
    limits.extend(amount(&risk.max_single_transaction)?.map(|max| Limit::PerPayment { max }));
    limits.extend(amount(&risk.daily_transaction_limit)?.map(|max| Limit::Window { window, max }));
    limits.extend(risk.transaction_count_limit.map(|max| Limit::Uses { max }));
    Ok(limits)
}
