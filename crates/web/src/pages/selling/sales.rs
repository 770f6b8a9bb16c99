//! Sales: every purchase from a seller, with where it stands, found by words, state and days.

use crate::limits::{EXPORT_SALES_MAX, ROWS, SEARCH_ROWS_MAX, SOLD_NAMES_MAX};
use crate::page::{Place, Shown, Stop, Top, html};
use crate::pages::activity::Choice;
use crate::pages::selling::overview::{buyer_called, paid_to, thing_called};
use crate::pages::selling::{Head, Sold, Tab, head, seller};
use crate::shown::{Money, machine, moment, money};
use crate::visit::Visit;
use crate::words::Selling;
use askama::Template;
use book::{Amount, PayeeId, Seq, Time};
use engine::views::{Form, Kind, PayeeRow, PurchaseRow, Ruling, State, View, ViewsFault, Whom};
use http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "seller_sales.html")]
struct SalesPage {
    top: Top,
    head: Head,
    query: String,
    from: String,
    to: String,
    states: Vec<Choice>,
    lines: Vec<SaleLine>,
    older: Option<String>,
    export: String,
}

/// One sale as lists show it.
struct SaleLine {
    link: String,
    state: &'static str,
    tone: &'static str,
    amount: Money,
    what: String,
    buyer: String,
    when: String,
    machine: String,
}

/// Where a sale stands, for its seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Set aside, and not over.
    Held,
    /// Paid, and nothing of it given back.
    Paid,
    /// Paid, and in part given back.
    RefundedInPart,
    /// Paid, and all of it given back.
    Refunded,
    /// Set aside, and given back by the seller.
    Back,
    /// Set aside until its time was over.
    Expired,
    /// Set aside, and the buyer objected.
    Disputed,
}

impl Stand {
    /// Where a purchase stands.
    pub(crate) fn of(row: &PurchaseRow) -> Stand {
        if !row.refunded.is_zero() {
            return if row.refunded < row.captured { Stand::RefundedInPart } else { Stand::Refunded };
        }
        match row.state {
            State::Paid | State::Captured => Stand::Paid,
            State::Held => Stand::Held,
            State::Disputed => Stand::Disputed,
            // A meter whose time is over is settled.
            State::Voided | State::Expired if !row.captured.is_zero() => Stand::Paid,
            State::Voided => Stand::Back,
            State::Expired => Stand::Expired,
        }
    }

    /// In words, with its tone.
    pub(crate) fn said(self, s: &Selling) -> (&'static str, &'static str) {
        match self {
            Stand::Held => (s.state_held, "ask"),
            Stand::Paid => (s.state_paid, "good"),
            Stand::RefundedInPart => (s.state_part_refunded, "plain"),
            Stand::Refunded => (s.state_refunded, "plain"),
            Stand::Back => (s.state_back, "soft"),
            Stand::Expired => (s.state_expired, "soft"),
            Stand::Disputed => (s.state_disputed, "ask"),
        }
    }

    /// Its code in files and addresses.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Stand::Held => "held",
            Stand::Disputed => "disputed",
            Stand::Paid => "paid",
            Stand::RefundedInPart => "refunded_in_part",
            Stand::Refunded => "refunded",
            Stand::Back => "given_back",
            Stand::Expired => "expired",
        }
    }
}

/// Which sales a reader wants to see.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    payee: PayeeId,
    state: String,
    query: String,
    from: Time,
    to: Time,
    sold: Sold,
}

impl Wanted {
    /// What the address asks for. Days begin in the reader's zone; the last counts in full.
    pub(crate) fn of(visit: &Visit, payee: PayeeId, sold: Sold) -> Wanted {
        let day = |name: &str| visit.asked(name).parse::<Date>().ok();
        let from = day("from").and_then(|day| begins(day, &visit.zone)).unwrap_or(Time(0));
        let to = day("to").and_then(|day| begins(day.tomorrow().ok()?, &visit.zone)).unwrap_or(Time::MAX);
        let (state, query) = (visit.asked("state").to_owned(), visit.asked("q").to_lowercase());
        Wanted { payee, state, query, from, to, sold }
    }

    fn takes(&self, row: &PurchaseRow) -> bool {
        let stand = Stand::of(row);
        let state = match self.state.as_str() {
            "held" => stand == Stand::Held,
            "disputed" => stand == Stand::Disputed,
            "paid" => matches!(stand, Stand::Paid | Stand::RefundedInPart),
            "back" => matches!(stand, Stand::Back | Stand::Expired),
            "refunded" => matches!(stand, Stand::Refunded | Stand::RefundedInPart),
            _ => true,
        };
        state && self.from <= row.at && row.at < self.to && (self.query.is_empty() || self.names(row))
    }

    fn names(&self, row: &PurchaseRow) -> bool {
        let agent = row.agent.map(|agent| agent.to_string()).unwrap_or_default();
        let reference = row.purchase.reference.map(hex).unwrap_or_default();
        let what = self.sold.what(row).unwrap_or_default();
        let names = [sale_id(row), agent, row.purchase.wallet.to_string(), what, reference];
        names.iter().any(|name| name.to_lowercase().contains(&self.query))
    }

    /// The sales from a place on, newest first: up to `limit` of them out of `looked_at` decisions, and where to go on.
    pub(crate) fn find(
        &self,
        view: &View,
        mut cursor: Option<Seq>,
        limit: usize,
        looked_at: usize,
    ) -> Result<(Vec<PurchaseRow>, Option<Seq>), ViewsFault> {
        let (mut found, mut looked) = (Vec::new(), 0);
        loop {
            let page = view.decisions(Whom::Payee(self.payee), cursor, ROWS.saturating_mul(4))?;
            looked += page.rows.len();
            for row in page.rows {
                if row.at < self.from {
                    return Ok((found, None));
                }
                let sells = row.kind.form().is_some() || row.kind == Kind::Renew;
                if !sells || !matches!(row.ruling, Ruling::Allowed) || self.to <= row.at {
                    continue;
                }
                let bought = view.purchase(row.id)?.filter(|it| it.seq == row.seq && self.takes(it));
                if bought.is_some() && found.len() == limit {
                    return Ok((found, Some(row.seq)));
                }
                found.extend(bought);
            }
            cursor = page.next;
            if cursor.is_none() || looked_at <= looked {
                return Ok((found, cursor));
            }
        }
    }
}

/// When a day begins.
fn begins(day: Date, zone: &TimeZone) -> Option<Time> {
    let start = day.to_zoned(zone.clone()).ok()?.timestamp().as_nanosecond();
    Some(Time(u64::try_from(start).unwrap_or_default()))
}

/// A purchase by the name that the API has for it.
pub(crate) fn sale_id(row: &PurchaseRow) -> String {
    match row.form {
        Form::Payment => book::PaymentId(row.id).to_string(),
        Form::Hold | Form::Escrow => book::HoldId(row.id).to_string(),
        Form::Meter => book::MeterId(row.id).to_string(),
        Form::Subscription => book::SubscriptionId(row.id).to_string(),
    }
}

pub(crate) fn hex(evidence::Hash(bytes): evidence::Hash) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a sale is of money to its seller, as things stand: what it was paid, or else what it asked for.
pub(crate) fn worth(row: &PurchaseRow, payee: PayeeId) -> Amount {
    let paid = paid_to(row, payee);
    if paid.is_zero() { row.purchase.amount } else { paid }
}

/// The list, newest first.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let s = visit.lang.selling();
    let row = seller(visit).await?;
    let head = head(visit, &row, Tab::Sales).await?;
    let sold = Sold::of(visit, row.id, SOLD_NAMES_MAX).await?;
    let wanted = Wanted::of(visit, row.id, sold.clone());
    let cursor = visit.asked("before").parse::<u64>().ok().map(Seq);
    let (found, next) =
        visit.site.app.ask(move |view| Ok(wanted.find(view, cursor, ROWS, SEARCH_ROWS_MAX)?)).await?;
    let lines = found.iter().map(|it| line(visit, it, &row, &sold)).collect();
    let states = [
        ("", s.state_all),
        ("held", s.state_held),
        ("disputed", s.state_disputed),
        ("paid", s.state_paid),
        ("refunded", s.state_refunded),
        ("back", s.state_back),
    ];
    let states = states.iter().map(|(value, said)| Choice {
        value: (*value).to_owned(),
        said: (*said).to_owned(),
        chosen: *value == visit.asked("state"),
    });
    let page = SalesPage {
        top,
        query: visit.asked("q").to_owned(),
        from: visit.asked("from").to_owned(),
        to: visit.asked("to").to_owned(),
        states: states.collect(),
        lines,
        older: next.map(|seq| address(visit, &format!("/selling/{}/sales", head.id), Some(seq))),
        export: address(visit, &format!("/selling/{}/sales.csv", head.id), None),
        head,
    };
    Ok(html(StatusCode::OK, &page))
}

/// The same question at an address.
fn address(visit: &Visit, path: &str, before: Option<Seq>) -> String {
    let mut link = url::form_urlencoded::Serializer::new(format!("{path}?"));
    for name in ["q", "state", "from", "to"] {
        link.append_pair(name, visit.asked(name));
    }
    if let Some(before) = before {
        link.append_pair("before", &before.0.to_string());
    }
    link.finish()
}

fn line(visit: &Visit, row: &PurchaseRow, seller: &PayeeRow, sold: &Sold) -> SaleLine {
    let (s, payee) = (visit.lang.selling(), seller.id);
    let (state, tone) = Stand::of(row).said(s);
    SaleLine {
        link: format!("/selling/{payee}/sales/{}", row.seq.0),
        state,
        tone,
        amount: money(worth(row, payee), seller.asset),
        what: thing_called(row, sold, s),
        buyer: buyer_called(row, s),
        when: moment(row.at, &visit.zone, visit.lang),
        machine: machine(row.at),
    }
}

/// Everything of a period, oldest first.
pub(crate) async fn everything(visit: &Visit, payee: PayeeId, sold: Sold) -> Result<Vec<PurchaseRow>, Stop> {
    let wanted = Wanted::of(visit, payee, sold);
    let asked = visit.site.app.ask(move |view| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let left = EXPORT_SALES_MAX.saturating_sub(found.len());
            let (more, next) = wanted.find(view, cursor, left, usize::MAX)?;
            found.extend(more);
            cursor = next;
            if cursor.is_none() || EXPORT_SALES_MAX <= found.len() {
                found.reverse();
                return Ok(found);
            }
        }
    });
    Ok(asked.await?)
}
