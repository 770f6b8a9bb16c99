//! Decisions as lists show them: one line for each, and for a purchase one line whatever became of it.

use crate::page::Stop;
use crate::reasons;
use crate::shown::{Money, Text, machine, moment};
use crate::visit::Visit;
use book::{Actor, Id, Refusal};
use engine::views::{DecisionRow, Form, Kind, PurchaseRow, Ruling, State};
use std::collections::BTreeMap;

/// One decision as lists show it.
pub(crate) struct Line {
    pub(crate) entry: u64,
    pub(crate) what: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) seller: Option<Text>,
    /// The agent that the owner did something to.
    pub(crate) about: Option<Text>,
    pub(crate) agent: Option<Text>,
    pub(crate) amount: Option<Money>,
    pub(crate) why: &'static str,
    pub(crate) when: String,
    pub(crate) machine: String,
}

/// Whether it is what became of a purchase or a quota: the line of that says it.
pub(crate) fn is_part(kind: Kind) -> bool {
    let of_purchase = matches!(
        kind,
        Kind::Capture
            | Kind::CloseMeter
            | Kind::Void
            | Kind::Expire
            | Kind::Redeem
            | Kind::Charge
            | Kind::Claim
            | Kind::Dispute
    );
    of_purchase || matches!(kind, Kind::Deduct | Kind::Restore)
}

/// Decisions as lists show them.
pub(crate) async fn lines(visit: &Visit, rows: Vec<DecisionRow>) -> Result<Vec<Line>, Stop> {
    let sets_aside =
        |row: &&DecisionRow| matches!(row.kind.form(), Some(Form::Hold | Form::Meter | Form::Escrow));
    let ids: Vec<Id> = rows.iter().filter(sets_aside).map(|row| row.id).collect();
    let bought = visit.site.app.ask(move |view| {
        let mut bought: BTreeMap<Id, PurchaseRow> = BTreeMap::new();
        for id in ids {
            bought.extend(view.purchase(id)?.map(|it| (id, it)));
        }
        Ok(bought)
    });
    let bought = bought.await?;
    rows.iter().map(|row| line(visit, row, bought.get(&row.id))).collect()
}

/// One decision, and where the purchase stands that it made.
pub(crate) fn line(visit: &Visit, row: &DecisionRow, bought: Option<&PurchaseRow>) -> Result<Line, Stop> {
    let w = visit.words();
    let (what, tone) = match row.ruling {
        Ruling::Denied(_) => (w.filter_refused, "deny"),
        Ruling::Asked(..) => (w.filter_asked, "ask"),
        Ruling::Allowed => (bought.map_or_else(|| deed(visit, row), |it| became(visit, it)), "plain"),
    };
    let collected = bought.filter(|it| it.state == State::Captured).map(|it| it.captured);
    let amount = match (collected.or(row.amount), row.asset) {
        (Some(amount), Some(asset)) => Some(visit.money(amount, asset)?),
        (Some(_) | None, _) => None,
    };
    let agent = row.agent.map(|agent| visit.agent_called(agent)).transpose()?;
    let seller = row.payee.map(|payee| visit.seller_called(payee)).transpose()?;
    let (about, agent) = match row.by {
        Actor::Owner { .. } => (agent.filter(|_| seller.is_none()), Some(visit.actor_called(row.by)?)),
        Actor::Agent { .. } => (None, Some(visit.actor_called(row.by)?)),
        Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => (None, agent),
    };
    let delivered = bought.is_some_and(|it| it.redeemed.is_some());
    Ok(Line {
        entry: row.seq.0,
        what,
        tone,
        seller,
        about,
        agent,
        amount,
        why: if delivered { w.was_delivered } else { why(visit, row) },
        when: moment(row.at, &visit.zone, visit.lang),
        machine: machine(row.at),
    })
}

/// Why a rule said no or asked; nothing where it allowed.
pub(crate) fn why(visit: &Visit, row: &DecisionRow) -> &'static str {
    match row.ruling {
        Ruling::Allowed => "",
        Ruling::Denied(Refusal { denial, .. }) => reasons::denial(visit.lang, denial),
        Ruling::Asked(ask, _) => reasons::ask(visit.lang, ask),
    }
}

/// What became of money that was set aside.
fn became(visit: &Visit, bought: &PurchaseRow) -> &'static str {
    let w = visit.words();
    match bought.state {
        State::Paid | State::Captured => w.paid,
        State::Held => w.was_held,
        State::Disputed => w.deed_dispute,
        State::Voided | State::Expired => w.released,
    }
}

/// What was done, in a word or two.
fn deed(visit: &Visit, row: &DecisionRow) -> &'static str {
    let w = visit.words();
    let is_everything =
        row.wallet.is_none() && row.agent.is_none() && row.mandate.is_none() && row.payee.is_none();
    if row.kind == Kind::Freeze && is_everything {
        return w.deed_freeze_all;
    }
    if row.kind == Kind::Unfreeze && is_everything {
        return w.deed_unfreeze_all;
    }
    if row.kind == Kind::Transfer && matches!(row.by, Actor::Operator { .. }) {
        return w.topped_up;
    }
    w.deed(row.kind)
}
