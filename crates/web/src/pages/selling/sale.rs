//! One sale: what became of the money, the proof, and giving money back.

use crate::limits::{REFUNDS_SHOWN_MAX, SOLD_NAMES_MAX};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::selling::overview::thing_called;
use crate::pages::selling::sales::{Stand, hex, sale_id};
use crate::pages::selling::{Head, Sold, Tab, confirmed, head, seller};
use crate::shown::{Money, machine, moment, money, typed};
use crate::visit::Visit;
use askama::Template;
use book::{Action, Amount, Part, PayeeId, Refund, Seq};
use engine::views::{Form, PurchaseRow, RefundRow};
use http::{HeaderValue, StatusCode, header};

#[derive(Template)]
#[template(path = "seller_sale.html")]
struct SalePage {
    top: Top,
    head: Head,
    entry: u64,
    id: String,
    state: &'static str,
    tone: &'static str,
    price: Money,
    captured: Option<Money>,
    fee: Money,
    net: Money,
    /// Of a split: that others are paid too.
    is_shared: bool,
    when: String,
    machine: String,
    ends: Option<String>,
    buyer: String,
    what: String,
    reference: Option<String>,
    delivery: Option<&'static str>,
    refunds: Vec<(Money, String, String)>,
    evidence: String,
    left: Left,
}

/// What of a sale can be given back.
enum Left {
    /// Nothing.
    Nothing,
    /// Another seller has to.
    NotLead,
    /// So much: as people type it, and in words.
    Some(String, String),
}

/// The page.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let (w, s) = (visit.words(), visit.lang.selling());
    let row = seller(visit).await?;
    let (it, refunds) = find(visit, row.id).await?;
    let (state, tone) = Stand::of(&it).said(s);
    let nothing = Part { amount: Amount::ZERO, fee: Amount::ZERO };
    let place = it.purchase.to.each().position(|payee| payee == row.id).unwrap_or_default();
    let part = it.parts.get(place);
    let (paid, back) = part.map_or((nothing, nothing), |part| (part.paid, part.refunded));
    let money = |amount| money(amount, row.asset);
    let given = refunds.iter().filter_map(|refund| {
        let part = refund.parts.get(place)?;
        let amount = part.amount.checked_add(part.fee)?;
        let when = moment(refund.at, &visit.zone, visit.lang);
        (!amount.is_zero()).then(|| (money(amount), when, machine(refund.at)))
    });
    let given = given.collect();
    let left = left(&it);
    let left = match it.purchase.to.each().next() {
        Some(lead) if lead != row.id => Left::NotLead,
        Some(_) | None if left.is_zero() => Left::Nothing,
        Some(_) | None => {
            let short = money(left).short;
            let plain = short.chars().filter(|it| it.is_ascii_digit() || *it == '.').collect();
            Left::Some(plain, w.say(s.give_back_amount, short))
        }
    };
    let delivery = match (it.redeemed, it.form) {
        (Some(_), _) => Some(s.delivered),
        (None, Form::Hold | Form::Meter | Form::Escrow) => Some(s.not_delivered),
        (None, Form::Payment | Form::Subscription) => None,
    };
    let buyer = it.agent.map_or_else(|| it.purchase.wallet.to_string(), |agent| agent.to_string());
    let page = SalePage {
        top,
        head: head(visit, &row, Tab::Sales).await?,
        entry: it.seq.0,
        id: sale_id(&it),
        state,
        tone,
        price: money(it.purchase.amount),
        captured: (!paid.amount.is_zero()).then(|| money(paid.amount)),
        fee: money(paid.fee.saturating_sub(back.fee)),
        net: money(paid.amount.saturating_sub(paid.fee).saturating_sub(back.amount)),
        is_shared: 1 < it.purchase.to.each().count(),
        when: moment(it.at, &visit.zone, visit.lang),
        machine: machine(it.at),
        ends: it.expires_at.filter(|_| !it.held().is_zero()).map(|at| moment(at, &visit.zone, visit.lang)),
        buyer,
        what: thing_called(&it, &Sold::of(visit, row.id, SOLD_NAMES_MAX).await?, s),
        reference: it.purchase.reference.map(hex),
        delivery,
        refunds: given,
        evidence: w.say(w.evidence_text, it.seq.0),
        left,
    };
    Ok(html(StatusCode::OK, &page))
}

/// What buyers can still get back of a sale.
fn left(it: &PurchaseRow) -> Amount {
    it.captured.saturating_sub(it.refunded)
}

/// The sale at the entry in the address, if the seller takes part in it, and its refunds.
async fn find(visit: &Visit, payee: PayeeId) -> Result<(PurchaseRow, Vec<RefundRow>), Stop> {
    let seq = Seq(visit.part::<u64>(3)?);
    let asked = visit.site.app.ask(move |view| {
        let Some(decision) = view.decision(seq)? else { return Ok(None) };
        let bought = view.purchase(decision.id)?;
        let bought = bought.filter(|it| it.seq == seq && it.purchase.to.each().any(|each| each == payee));
        let Some(bought) = bought else { return Ok(None) };
        let refunds = view.refunds_of(&bought, REFUNDS_SHOWN_MAX)?;
        Ok(Some((bought, refunds)))
    });
    asked.await?.ok_or(Stop::Missing)
}

/// The receipt of a sale, for anybody to check.
pub async fn receipt(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let (it, _) = find(visit, row.id).await?;
    let (_, bytes) = visit.site.app.entry(it.seq)?.ok_or(Stop::Missing)?;
    let receipt = server::routes::entries::receipt(&visit.site.app, it.seq, &bytes)?;
    let mut response = server::answer::json(StatusCode::OK, &receipt);
    let name = format!("attachment; filename=\"receipt-{}.json\"", it.seq.0);
    let name = HeaderValue::from_str(&name).expect("a number is ASCII");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Gives money back to whoever paid.
pub async fn refund(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let (it, _) = find(visit, row.id).await?;
    let amount = typed(visit.field("amount"), row.asset).filter(|it| !it.is_zero());
    let amount = amount.filter(|amount| *amount <= left(&it));
    let amount = amount.ok_or_else(|| Stop::Refused(visit.lang.selling().amount_odd.to_owned()))?;
    let caller = confirmed(visit, &row).await?;
    let refund = Action::Refund(Refund { payment: it.id, amount });
    visit.site.app.execute(&caller, visit.change()?, refund).await?;
    Ok(go(&format!("/selling/{}/sales/{}", row.id, it.seq.0)))
}
