//! Orders: what a buyer ordered, confirmed once by its seller, so that a payment is checked against the seller's own words.
//!
//! An order is no promise of money. A payment for it carries its digest, and it is paid once.

use crate::answer::{json, purchase_name};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{amount, bits, code, id, registered, time};
use crate::papers::OrderPaper;
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::routes::check_label;
use crate::routes::intents::draft::unreadable;
use crate::routes::payment_services::ids;
use crate::state::{App, State as Shared};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, Id, KeyHolder, Pay, Payees, PlaceHold, Purchase, Reject};
use engine::View;
use evidence::Hash;
use http::StatusCode;
use protocols::act::Fingerprint;
use wire::OrderId;
use wire::act::{NewOrder, Order};
use wire::limits::ORDER_CATEGORIES_MAX;

/// Confirms an order. The seller says it once.
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = NewOrder,
    responses((status = 201, description = "Confirmed", body = Order)))]
pub async fn create_order(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let order: NewOrder = call.json()?;
    app.present(&caller).await?;
    Ok(json(StatusCode::CREATED, &confirm(&app, &caller, order).await?))
}

/// Keeps an order as its seller confirmed it.
///
/// # Errors
/// [`Edge::OrderMalformed`], and `id_reused` where the name stands for another order.
pub async fn confirm(app: &App, caller: &Caller, order: NewOrder) -> Answered<Order> {
    let KeyHolder::Payee(payee) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
    let malformed = |param: &'static str| Problem::from(Edge::OrderMalformed).of(param);
    let asset = registered(&app.directory, order.amount.asset, "amount.asset")?;
    if order.amount.amount.minor() == 0 {
        return Err(malformed("amount"));
    }
    if ORDER_CATEGORIES_MAX < order.categories.len() {
        return Err(malformed("categories"));
    }
    for category in &order.categories {
        code(category, "categories")?;
    }
    if let Some(hash) = &order.cart_snapshot_hash {
        Fingerprint::parse(hash.as_str()).map_err(|_| malformed("cart_snapshot_hash"))?;
    }
    if let Some(until) = &order.pay_before {
        time(until, "pay_before")?;
    }
    if let Some(until) = &order.fulfil_by
        && time(until, "fulfil_by")? <= app.clock.now()
    {
        return Err(malformed("fulfil_by"));
    }
    check_label(Some(&order.payee_name))?;
    check_label(order.merchant_reference.as_deref())?;
    let collects = app.ask(move |view| Ok(view.payee(payee)?.map(|row| row.asset))).await?;
    if collects != Some(asset) {
        return Err(Problem::from(Edge::UnitMismatch).of("amount.asset"));
    }
    let name = id(order.id.0);
    let text = serde_json::to_string(&order).expect("an order is JSON");
    let paper = OrderPaper { payee, text };
    let written = paper.clone();
    let kept = app.write_papers(move |papers| papers.keep_order(name, &written)).await?;
    if kept != Some(paper) {
        return Err(Reject::IdReused.into());
    }
    look_up(app, caller.holder, name).await
}

/// An order, for its seller, and for whoever pays it.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders", params(("id" = OrderId, Path)),
    responses((status = 200, description = "The order", body = Order)))]
pub async fn get_order(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let order: OrderId = path_id(&text)?;
    Ok(json(StatusCode::OK, &look_up(&app, caller.holder, id(order.0)).await?))
}

/// An order as it stands. Its name is told to whom it concerns; sellers see their own only.
///
/// # Errors
/// [`Edge::OrderUnknown`].
pub async fn look_up(app: &App, viewer: KeyHolder, name: Id) -> Answered<Order> {
    let state = app.clone();
    app.ask(move |view| {
        let unknown = || Problem::from(Edge::OrderUnknown);
        let (order, paper) = read(&state, name)?.ok_or_else(unknown)?;
        if matches!(viewer, KeyHolder::Payee(payee) if payee != paper.payee) {
            return Err(unknown());
        }
        let trade = match paid_by(&state, view, name)? {
            Some(trade) => view.purchase(trade)?,
            None => None,
        };
        Ok(Order {
            id: order.id,
            payee: wire::PayeeId(bits(paper.payee.0)),
            amount: order.amount,
            categories: order.categories,
            cart_snapshot_hash: order.cart_snapshot_hash,
            payee_name: order.payee_name,
            pay_before: order.pay_before,
            merchant_reference: order.merchant_reference,
            fulfil_by: order.fulfil_by,
            reference: wire::Digest(digest(&paper).0),
            trade_no: trade.map(|trade| purchase_name(trade.id, trade.form)),
            livemode: state.livemode,
        })
    })
    .await
}

/// An order as it was confirmed.
pub(crate) fn read(app: &Shared, name: Id) -> Answered<Option<(NewOrder, OrderPaper)>> {
    let Some(paper) = app.papers.order(name).map_err(|fault| unreadable(&fault))? else { return Ok(None) };
    let order = serde_json::from_str(&paper.text).map_err(|fault| unreadable(&fault))?;
    Ok(Some((order, paper)))
}

/// How an order is paid: at once, or set aside until its seller has delivered.
pub(crate) fn paying(app: &Shared, name: Id, purchase: Purchase) -> Answered<Action> {
    let order = read(app, name)?.map(|(order, _)| order);
    match order.and_then(|order| order.fulfil_by) {
        Some(until) => Ok(Action::PlaceHold(PlaceHold { purchase, expires_at: time(&until, "fulfil_by")? })),
        None => Ok(Action::Pay(Pay { purchase })),
    }
}

/// Whether the time in which an order can be paid is over. A yes that comes later moves nothing.
pub(crate) fn is_over(app: &Shared, name: Id) -> Answered<bool> {
    let order = read(app, name)?.and_then(|(order, _)| order.pay_before);
    let until = order.map(|until| time(&until, "pay_before")).transpose()?;
    Ok(until.is_some_and(|until| until <= app.clock.now()))
}

/// What a payment for an order refers to: who confirmed what.
pub(crate) fn digest(paper: &OrderPaper) -> Hash {
    Hash::of(format!("tollbridge order 1\n{}\n{}", paper.payee, paper.text).as_bytes())
}

/// The payment for an order, if there is one.
pub(crate) fn paid_by(app: &Shared, view: &View, name: Id) -> Answered<Option<Id>> {
    let Some((order, paper)) = read(app, name)? else { return Ok(None) };
    for command in app.papers.commands_for(name).map_err(|fault| unreadable(&fault))? {
        for trade in [command, ids::approved(&app.session_secret, command)] {
            let pays = |row: &engine::views::PurchaseRow| {
                let bought = &row.purchase;
                bought.reference == Some(digest(&paper))
                    && bought.to == Payees::One(paper.payee)
                    && bought.amount == amount(order.amount.amount)
                    && bought.asset.as_str() == order.amount.asset.code()
            };
            if view.purchase(trade)?.is_some_and(|row| pays(&row)) {
                return Ok(Some(trade));
            }
        }
    }
    Ok(None)
}
