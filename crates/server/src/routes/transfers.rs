//! Transfers: money in and out, and between an owner's own accounts.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{account, account_text, amount, bits, id, money, registered, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::Call;
use crate::routes::{page, paged};
use crate::state::{self, App};
use axum::extract::State;
use axum::response::Response;
use book::Action;
use book::KeyHolder;
use engine::views::TransferRow;
use wire::account::{NewTransfer, Transfer};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// Moves money between accounts.
#[utoipa::path(post, path = "/v1/transfers", tag = "transfers", request_body = NewTransfer,
    responses((status = 201, description = "Done", body = Done)))]
pub async fn create_transfer(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Operator, Kind::Owner, Kind::Payee]).await?;
    let transfer: NewTransfer = call.json()?;
    let asset = registered(&app.directory, transfer.amount.asset, "amount.asset")?;
    let action = Action::Transfer(book::Transfer {
        from: account(&transfer.from, "from")?,
        to: account(&transfer.to, "to")?,
        amount: amount(transfer.amount.amount),
        asset: asset.code,
    });
    app.execute(&caller, id(transfer.id.0), action).await
}

/// The transfers that were made and the caller may see, newest first.
#[utoipa::path(get, path = "/v1/transfers", tag = "transfers", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Transfer>)))]
pub async fn list_transfers(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Operator, Kind::Owner, Kind::Payee]).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let (cursor, limit) = (window.cursor, window.limit);
        let rows = match caller.holder {
            KeyHolder::Operator => view.transfers(cursor, limit)?,
            KeyHolder::Owner(owner) => view.transfers_of_owner(owner, cursor, limit)?,
            KeyHolder::Payee(payee) => view.transfers_of_payee(payee, cursor, limit)?,
            KeyHolder::Agent(_) => reads::nothing(),
        };
        paged(rows, app.livemode, |row| transfer_text(app, &row))
    })
    .await
}

fn transfer_text(app: &state::State, row: &TransferRow) -> Answered<Transfer> {
    let asset = app.directory.asset(row.asset).ok_or(Problem::from(Edge::Internal))?;
    Ok(Transfer {
        id: wire::TransferId(bits(row.id.0)),
        from: account_text(row.from),
        to: account_text(row.to),
        amount: money(row.amount, asset),
        status: "done".to_owned(),
        entry: row.seq.0,
        at: time_text(row.at),
        livemode: app.livemode,
    })
}
