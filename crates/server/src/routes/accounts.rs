//! Assets, owners, keys, wallets and payees: what exists before anything is spent.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::convert::{
    asset_text, bits, code, id, key_holder, limits, limits_text, money, new_key, provenance, provenance_text,
    public_key, registered,
};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::routes::{check_label, page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::freeze::Status;
use book::{
    Action, CloseWallet, KeyHolder, KeyId, OpenSubAccount, OpenWallet, OwnerId, PartsPerMillion, PayeeId,
    RegisterAsset, RegisterOwner, RegisterPayee, Reject, RevokeKey, WalletId,
};
use engine::views::{AssetRow, PayeeRow, WalletRow};
use wire::account::{Asset, EnrolKey, NewAsset, NewOwner, NewPayee, NewSubAccount, NewWallet, Payee, Wallet};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// Adds an asset that accounts may be kept in.
#[utoipa::path(post, path = "/v1/assets", tag = "accounts", request_body = NewAsset,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, description = "Registered", body = Done)))]
pub async fn create_asset(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let change = call.change_id()?;
    let NewAsset { asset } = call.json()?;
    let code = code(asset.code(), "asset")?;
    app.execute(&caller, change, Action::RegisterAsset(RegisterAsset { code, scale: asset.scale() })).await
}

/// The assets, in the order they were registered.
#[utoipa::path(get, path = "/v1/assets", tag = "accounts",
    responses((status = 200, description = "All of them", body = Page<Asset>)))]
pub async fn list_assets(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let operates = caller.kind() == Kind::Operator;
    let amount =
        move |amount: book::Amount| if operates { amount.minor().to_string() } else { "0".to_owned() };
    show(&app, &call, move |app, view| {
        let asset = |row: AssetRow| Asset {
            asset: asset_text(row.asset),
            in_circulation: amount(row.world.debits.saturating_sub(row.world.credits)),
            fees: amount(row.fees.available()),
            in_transit: amount(row.transit.available()),
            livemode: app.livemode,
        };
        let data: Vec<Asset> = view.assets()?.into_iter().map(asset).collect();
        Ok(Page { data, next_cursor: None, livemode: app.livemode })
    })
    .await
}

/// Registers an owner with a first key.
#[utoipa::path(post, path = "/v1/owners", tag = "accounts", request_body = NewOwner,
    responses((status = 201, description = "Registered", body = Done)))]
pub async fn create_owner(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let owner: NewOwner = call.json()?;
    check_label(owner.label.as_deref())?;
    let (key, public_key) = new_key(&owner.key)?;
    let name = id(owner.id.0);
    let answer = app.execute(&caller, name, Action::RegisterOwner(RegisterOwner { key, public_key })).await?;
    app.keep_label(name, owner.label.as_deref());
    Ok(answer)
}

/// Adds a key that speaks for somebody.
#[utoipa::path(post, path = "/v1/keys", tag = "accounts", request_body = EnrolKey,
    responses((status = 201, description = "Enrolled", body = Done)))]
pub async fn create_key(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let key: EnrolKey = call.json()?;
    let public_key = public_key(key.algorithm, &key.public_key, "public_key")?;
    let holder = key_holder(&key.holder)?;
    app.execute(&caller, id(key.id.0), Action::EnrolKey(book::EnrolKey { holder, public_key })).await
}

/// Ends a key for good.
#[utoipa::path(post, path = "/v1/keys/{id}/revoke", tag = "accounts",
    params(("id" = wire::KeyId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Revoked", body = Done)))]
pub async fn revoke_key(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (key, change): (KeyId, _) = (path_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::RevokeKey(RevokeKey { key })).await
}

/// Opens a wallet.
#[utoipa::path(post, path = "/v1/wallets", tag = "accounts", request_body = NewWallet,
    responses((status = 201, description = "Opened", body = Done)))]
pub async fn create_wallet(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Operator]).await?;
    let wallet: NewWallet = call.json()?;
    check_label(wallet.label.as_deref())?;
    let action = Action::OpenWallet(OpenWallet {
        owner: OwnerId(id(wallet.owner.0)),
        asset: registered(&app.directory, wallet.asset, "asset")?.code,
        limits: limits(&wallet.limits)?,
    });
    let name = id(wallet.id.0);
    let answer = app.execute(&caller, name, action).await?;
    app.keep_label(name, wallet.label.as_deref());
    Ok(answer)
}

/// The wallets that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/wallets", tag = "accounts", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Wallet>)))]
pub async fn list_wallets(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = reads::wallets(view, caller.holder, window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| wallet_text(app, row))
    })
    .await
}

/// One wallet with its money.
#[utoipa::path(get, path = "/v1/wallets/{id}", tag = "accounts", params(("id" = wire::WalletId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The wallet", body = Wallet)))]
pub async fn get_wallet(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let wallet: WalletId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let row = reads::wallet(view, caller.holder, wallet)?;
        wallet_text(app, row.ok_or_else(|| Problem::from(Reject::WalletUnknown))?)
    })
    .await
}

fn wallet_text(app: &state::State, row: WalletRow) -> Answered<Wallet> {
    Ok(Wallet {
        id: wire::WalletId(bits(row.id.0)),
        owner: wire::OwnerId(bits(row.owner.0)),
        parent: row.sub.map(|sub| wire::WalletId(bits(sub.parent.0))),
        agent: row.sub.map(|sub| wire::AgentId(bits(sub.agent.0))),
        available: money(row.balance.available(), row.asset),
        held: money(row.balance.held, row.asset),
        status: status_text(row.status, "closed").to_owned(),
        limits: limits_text(&row.limits),
        limits_version: row.version,
        label: app.label(row.id.0)?,
        livemode: app.livemode,
    })
}

pub(crate) fn status_text(status: Status, ended: &'static str) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Frozen => "frozen",
        Status::Revoked => ended,
    }
}

/// Opens a sub-account that one agent alone may spend from.
#[utoipa::path(post, path = "/v1/wallets/{id}/sub_accounts", tag = "accounts", request_body = NewSubAccount,
    params(("id" = wire::WalletId, Path)), responses((status = 201, description = "Opened", body = Done)))]
pub async fn create_sub_account(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let wallet: WalletId = path_id(&text)?;
    let sub: NewSubAccount = call.json()?;
    check_label(sub.label.as_deref())?;
    let agent = book::AgentId(id(sub.agent.0));
    let action = Action::OpenSubAccount(OpenSubAccount { wallet, agent, limits: limits(&sub.limits)? });
    let name = id(sub.id.0);
    let answer = app.execute(&caller, name, action).await?;
    app.keep_label(name, sub.label.as_deref());
    Ok(answer)
}

/// Closes a wallet for good. A sub-account gives its balance back first.
#[utoipa::path(post, path = "/v1/wallets/{id}/close", tag = "accounts",
    params(("id" = wire::WalletId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Closed", body = Done)))]
pub async fn close_wallet(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let (wallet, change): (WalletId, _) = (path_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::CloseWallet(CloseWallet { wallet })).await
}

/// Registers a payee.
#[utoipa::path(post, path = "/v1/payees", tag = "accounts", request_body = NewPayee,
    responses((status = 201, description = "Registered", body = Done)))]
pub async fn create_payee(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let payee: NewPayee = call.json()?;
    check_label(payee.label.as_deref())?;
    let fee = PartsPerMillion::new(payee.fee_ppm)
        .ok_or_else(|| Problem::from(Reject::AmountTooLarge).of("fee_ppm"));
    let action = Action::RegisterPayee(RegisterPayee {
        owner: payee.owner.map(|owner| OwnerId(id(owner.0))),
        asset: registered(&app.directory, payee.asset, "asset")?.code,
        category: code(&payee.category, "category")?,
        provenance: provenance(payee.provenance),
        fee: fee?,
        key: payee.key.as_ref().map(new_key).transpose()?,
    });
    let name = id(payee.id.0);
    let answer = app.execute(&caller, name, action).await?;
    app.keep_label(name, payee.label.as_deref());
    Ok(answer)
}

/// The payees, newest first.
#[utoipa::path(get, path = "/v1/payees", tag = "accounts", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Payee>)))]
pub async fn list_payees(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = view.payees(window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| payee_text(app, caller.holder, row))
    })
    .await
}

/// One payee.
#[utoipa::path(get, path = "/v1/payees/{id}", tag = "accounts", params(("id" = wire::PayeeId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The payee", body = Payee)))]
pub async fn get_payee(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let payee: PayeeId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let row = view.payee(payee)?.ok_or_else(|| Problem::from(Reject::PayeeUnknown))?;
        payee_text(app, caller.holder, row)
    })
    .await
}

/// Everybody may see whom they could pay; the money and whose it is only the payee, its owner and the operator.
fn payee_text(app: &state::State, viewer: KeyHolder, row: PayeeRow) -> Answered<Payee> {
    let may_see = match viewer {
        KeyHolder::Operator => true,
        KeyHolder::Payee(payee) => payee == row.id,
        KeyHolder::Owner(owner) => row.owner == Some(owner),
        KeyHolder::Agent(_) => false,
    };
    Ok(Payee {
        id: wire::PayeeId(bits(row.id.0)),
        owner: row.owner.filter(|_| may_see).map(|owner| wire::OwnerId(bits(owner.0))),
        available: may_see.then(|| money(row.balance.available(), row.asset)),
        asset: asset_text(row.asset),
        category: row.category.as_str().to_owned(),
        provenance: provenance_text(row.provenance),
        fee_ppm: row.fee.get(),
        status: status_text(row.status, "closed").to_owned(),
        label: app.label(row.id.0)?,
        livemode: app.livemode,
    })
}
