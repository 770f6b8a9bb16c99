//! Limits on trial: whether new ones are narrower than old ones, and what they would have said of past payments.
//!
//! Both answers are the book's own functions over what is there; nothing is changed, and nothing is promised.

use crate::answer::{json, purchase_name};
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{bits, id, limits, money, time_text};
use crate::limits::REHEARSAL_PAYMENTS_MAX;
use crate::problem::{Answered, Problem};
use crate::reads;
use crate::request::Call;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::compare::{Change, Dimension, compare};
use book::{AgentId, Limit, Past, PastPayee, PayeeId, Rehearsed, Reject, WalletId, rehearse};
use engine::View;
use engine::views::{PurchaseRow, Whom};
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use wire::limits::LIST_MAX;
use wire::trial::{Comparison, Difference, NewComparison, NewRehearsal, Rehearsal, RehearsedPayment};

/// Compares two sets of limits, each as if it stood alone. Nothing is changed.
#[utoipa::path(post, path = "/v1/limits/compare", tag = "mandates", request_body = NewComparison,
    responses((status = 200, description = "How the second relates to the first", body = Comparison)))]
pub async fn compare_limits(State(app): State<App>, call: Call) -> Answered<Response> {
    app.caller(&call, &[Kind::Owner, Kind::Agent, Kind::Operator]).await?;
    let NewComparison { before, after } = call.json()?;
    let compared = compare(&limits(&before)?, &limits(&after)?);
    let difference = |it: &book::compare::Difference| Difference {
        dimension: dimension(it.dimension).to_owned(),
        change: change(it.change).to_owned(),
        before: it.before.clone(),
        after: it.after.clone(),
    };
    Ok(json(
        StatusCode::OK,
        &Comparison {
            change: change(compared.change()).to_owned(),
            differences: compared.differences.iter().map(difference).collect(),
            livemode: app.livemode,
        },
    ))
}

fn change(it: Change) -> &'static str {
    match it {
        Change::Same => "same",
        Change::Narrower => "narrower",
        Change::Wider => "wider",
        Change::Mixed => "mixed",
    }
}

fn dimension(it: Dimension) -> &'static str {
    match it {
        Dimension::PerPayment => "per_payment",
        Dimension::Total => "total",
        Dimension::Uses => "uses",
        Dimension::Window(_) => "window",
        Dimension::Velocity(_) => "velocity",
        Dimension::Payees => "payees",
        Dimension::Categories => "categories",
        Dimension::Validity => "validity",
        Dimension::AskAbove => "ask_above",
        Dimension::AskFirstContact => "ask_first_contact",
        Dimension::Unknown => "unknown",
        Dimension::Price => "price",
    }
}

/// What limits would have said of a wallet's past payments, had they stood since the first, and alone. Nothing is changed.
#[utoipa::path(post, path = "/v1/limits/rehearse", tag = "mandates", request_body = NewRehearsal,
    responses((status = 200, description = "What would have come of them", body = Rehearsal)))]
pub async fn rehearse_limits(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent, Kind::Operator]).await?;
    let NewRehearsal { wallet, agent, limits: tried } = call.json()?;
    let (wallet, tried) = (WalletId(id(wallet.0)), limits(&tried)?);
    // An agent sees what it paid itself.
    let of = match caller.holder {
        book::KeyHolder::Agent(own) => Some(own),
        book::KeyHolder::Owner(_) | book::KeyHolder::Operator | book::KeyHolder::Payee(_) => {
            agent.map(|agent| AgentId(id(agent.0)))
        }
    };
    let (state, viewer) = (app.clone(), caller.holder);
    let rehearsed = app.ask(move |view| {
        let row = reads::wallet(view, viewer, wallet)?.ok_or_else(|| Problem::from(Reject::WalletUnknown))?;
        let rows = past_rows(view, wallet, of)?;
        let mut shown =
            Rehearsal { allowed: 0, asked: 0, denied: 0, rows: Vec::new(), livemode: state.livemode };
        for (row_of, it) in rehearsed(view, &rows, &tried)? {
            let payment = |verdict: &str, code: &str, rule: book::RuleRef, left| RehearsedPayment {
                payment: purchase_name(row_of.id, row_of.form),
                at: time_text(row_of.at),
                amount: money(row_of.purchase.amount, row.asset),
                payees: row_of.purchase.to.each().map(|payee| wire::PayeeId(bits(payee.0))).collect(),
                verdict: verdict.to_owned(),
                code: code.to_owned(),
                limit: (rule.scope == book::Scope::Mandate).then_some(rule.limit),
                remaining: left,
            };
            let otherwise = match it {
                Rehearsed::Allowed => {
                    shown.allowed += 1;
                    continue;
                }
                Rehearsed::Asked { rule, ask } => {
                    shown.asked += 1;
                    payment("ask", ask.code(), rule, None)
                }
                Rehearsed::Denied(no) => {
                    shown.denied += 1;
                    let left = no.remaining.map(|left| money(left, row.asset));
                    payment("deny", no.denial.code(), no.rule, left)
                }
            };
            shown.rows.push(otherwise);
        }
        // The newest are shown, so many as a list has at most.
        shown.rows.reverse();
        shown.rows.truncate(LIST_MAX);
        Ok(shown)
    });
    Ok(json(StatusCode::OK, &rehearsed.await?))
}

/// The latest purchases of a wallet, oldest first.
fn past_rows(view: &View, wallet: WalletId, of: Option<AgentId>) -> Answered<Vec<PurchaseRow>> {
    let mut rows = Vec::new();
    for held in [false, true] {
        let (mut cursor, mut found) = (None, 0usize);
        loop {
            let whom = Whom::Wallet(wallet);
            let page =
                if held { view.holds(whom, cursor, 1_000)? } else { view.payments(whom, cursor, 1_000)? };
            found = found.saturating_add(page.rows.len());
            rows.extend(page.rows.into_iter().filter(|row| of.is_none_or(|agent| row.agent == Some(agent))));
            cursor = page.next;
            if cursor.is_none() || REHEARSAL_PAYMENTS_MAX <= found {
                break;
            }
        }
    }
    rows.sort_by_key(|row| row.seq);
    let first = rows.len().saturating_sub(REHEARSAL_PAYMENTS_MAX);
    Ok(rows.split_off(first))
}

fn rehearsed<'a>(
    view: &View,
    rows: &'a [PurchaseRow],
    tried: &[Limit],
) -> Answered<Vec<(&'a PurchaseRow, Rehearsed)>> {
    let sellers: BTreeSet<PayeeId> = rows.iter().flat_map(|row| row.purchase.to.each()).collect();
    let mut payees = BTreeMap::new();
    for payee in &sellers {
        let row = view.payee(*payee)?.ok_or_else(|| Problem::from(Edge::Internal))?;
        let is_trusted = row.provenance.is_trusted();
        payees.insert(*payee, PastPayee { payee: *payee, category: row.category, is_trusted });
    }
    let past: Vec<Past> = rows
        .iter()
        .map(|row| Past {
            at: row.at,
            amount: row.purchase.amount,
            payees: row.purchase.to.each().filter_map(|payee| payees.get(&payee).copied()).collect(),
            category: row.purchase.category,
        })
        .collect();
    let since = past.first().map(|first| first.at).unwrap_or_default();
    // Whom the wallet had paid before each is not known here: whom it knows now counts as known.
    let contacts: Vec<PayeeId> = sellers.into_iter().collect();
    Ok(rows.iter().zip(rehearse(tried, since, &contacts, &past)).collect())
}
