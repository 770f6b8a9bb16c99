//! Transfers: money in and out, and between an owner's own accounts.

use crate::answer::{Answer, json};
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{account, account_text, amount, bits, id, money, registered, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::TransferRow;
use crate::request::Call;
use crate::routes::{one_more, page, paged};
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::Action;
use http::StatusCode;
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

/// The transfers that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/transfers", tag = "transfers", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Transfer>)))]
pub async fn list_transfers(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Operator, Kind::Owner, Kind::Payee]).await?;
    let window = page(&call)?;
    app.settle().await?;
    let rows = app.reads.transfers(caller.holder, one_more(window));
    let page = paged(rows, window, app.livemode, |row| row.id, |row| transfer_text(&app, &row))?;
    Ok(json(StatusCode::OK, &page))
}

fn transfer_text(app: &App, row: &TransferRow) -> Answered<Transfer> {
    let asset = app.directory.asset(row.transfer.asset).ok_or(Problem::from(Edge::Internal))?;
    Ok(Transfer {
        id: wire::TransferId(bits(row.id)),
        from: account_text(row.transfer.from),
        to: account_text(row.transfer.to),
        amount: money(row.transfer.amount, asset),
        status: if row.done { "done" } else { "denied" }.to_owned(),
        entry: row.seq.0,
        at: time_text(row.at),
        livemode: app.livemode,
    })
}
