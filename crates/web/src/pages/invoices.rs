//! Invoices: those that an owner got for what she paid, those that her sellers issued, and each as a paper.

use crate::page::{Place, Shown, Stop, Top, html};
use crate::pages::selling::{Head, Tab, head, seller};
use crate::shown::{Money, Text, machine, moment};
use crate::visit::Visit;
use askama::Template;
use axum::response::{IntoResponse, Response};
use book::{Amount, Code, CreditNoteId, InvoiceId, KeyHolder, OwnerId, PayeeId, Reject, Time};
use engine::View;
use engine::views::{CreditNoteRow, InvoiceRow};
use http::{HeaderValue, StatusCode, header};
use server::invoicing::Paper;
use server::problem::Problem;

/// The invoices of one page, newest first; and as many credit notes.
const INVOICES: usize = 200;

#[derive(Template)]
#[template(path = "invoices.html")]
struct InvoicesPage {
    top: Top,
    lists: Lists,
}

#[derive(Template)]
#[template(path = "seller_invoices.html")]
struct SellerInvoicesPage {
    top: Top,
    head: Head,
    lists: Lists,
}

/// Invoices and credit notes.
struct Lists {
    invoices: Vec<Line>,
    notes: Vec<Line>,
}

/// One of them.
struct Line {
    id: String,
    number: String,
    /// Who issued it, to who got it.
    seller: Text,
    amount: Money,
    when: String,
    machine: String,
    /// What credit notes took back, and what they have to.
    more: Vec<String>,
}

/// Those that the reader got.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Money).await?;
    let owner = visit.owner()?;
    let asked = visit.site.app.ask(move |view| {
        let invoices = view.invoices_of_owner(owner, None, INVOICES)?.rows;
        Ok((invoices, view.credit_notes_of_owner(owner, None, INVOICES)?.rows))
    });
    let lists = lists(visit, asked.await?)?;
    Ok(html(StatusCode::OK, &InvoicesPage { top, lists }))
}

/// Those that one of her sellers issued.
pub async fn of_seller(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let top = Top::inside(visit, Place::Selling).await?;
    let head = head(visit, &row, Tab::Invoices).await?;
    let payee = row.id;
    let asked = visit.site.app.ask(move |view| {
        let invoices = view.invoices_of_payee(payee, None, INVOICES)?.rows;
        Ok((invoices, view.credit_notes_of_payee(payee, None, INVOICES)?.rows))
    });
    let lists = lists(visit, asked.await?)?;
    Ok(html(StatusCode::OK, &SellerInvoicesPage { top, head, lists }))
}

fn lists(visit: &Visit, (invoices, notes): (Vec<InvoiceRow>, Vec<CreditNoteRow>)) -> Result<Lists, Stop> {
    let (app, w) = (&visit.site.app, visit.words());
    let line = |id: String, number: String, payee: PayeeId, amount: Amount, asset: Code, at: Time| {
        let (when, machine) = (moment(at, &visit.zone, visit.lang), machine(at));
        let seller = visit.seller_called(payee)?;
        let amount = visit.money(amount, asset)?;
        Ok::<_, Stop>(Line { id, number, seller, amount, when, machine, more: Vec::new() })
    };
    let invoice = |it: &InvoiceRow| {
        let number = app.invoice_number(it)?;
        let mut line = line(it.id.to_string(), number, it.payee, it.amount, it.asset, it.at)?;
        for (amount, said) in [(it.credited, w.credited_of), (it.to_credit, w.to_be_credited)] {
            if !amount.is_zero() {
                line.more.push(w.say(said, visit.money(amount, it.asset)?.short));
            }
        }
        Ok::<_, Stop>(line)
    };
    let note = |it: &CreditNoteRow| {
        let number = app.credit_note_number(it)?;
        line(it.id.to_string(), number, it.payee, it.amount, it.asset, it.at)
    };
    Ok(Lists {
        invoices: invoices.iter().map(invoice).collect::<Result<_, _>>()?,
        notes: notes.iter().map(note).collect::<Result<_, _>>()?,
    })
}

/// One of them as a file: `/invoices/inv_…/pdf`.
pub async fn paper(visit: &Visit) -> Shown {
    let owner = visit.owner()?;
    let (name, form): (String, String) = (visit.part(1)?, visit.part(2)?);
    let paper = Paper::ALL.iter().find(|paper| paper.ending().trim_start_matches('.') == form);
    let paper = *paper.ok_or(Stop::Missing)?;
    let state = visit.site.app.clone();
    let printed = visit.site.app.ask(move |view| {
        let bill = if let Ok(invoice) = name.parse::<InvoiceId>() {
            let row = view.invoice(invoice)?.ok_or(Problem::from(Reject::InvoiceUnknown))?;
            let row = state.invoice(view, viewer(view, owner, row.payee)?, invoice)?;
            state.invoice_bill(view, &row)?
        } else {
            let note: CreditNoteId = name.parse().map_err(|_| Problem::from(Reject::InvoiceUnknown))?;
            let row = view.credit_note(note)?.ok_or(Problem::from(Reject::InvoiceUnknown))?;
            let row = state.credit_note(view, viewer(view, owner, row.payee)?, note)?;
            state.credit_note_bill(view, &row)?
        };
        Ok((bill.printed_number(), paper.print(&bill)?))
    });
    let (number, bytes) = printed.await?;
    Ok(file(bytes, paper, &number.replace('/', "-")))
}

/// As whom an owner looks at what `payee` issued: as that seller, where it is hers.
fn viewer(view: &View, owner: OwnerId, payee: PayeeId) -> Result<KeyHolder, Problem> {
    let is_hers = view.payee(payee)?.is_some_and(|row| row.owner == Some(owner));
    Ok(if is_hers { KeyHolder::Payee(payee) } else { KeyHolder::Owner(owner) })
}

fn file(bytes: Vec<u8>, paper: Paper, name: &str) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(paper.media_type()));
    let name = format!("attachment; filename=\"{name}{}\"", paper.ending());
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a number is ASCII"));
    response
}
