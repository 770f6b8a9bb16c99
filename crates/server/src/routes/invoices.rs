//! Invoices and credit notes: issued by sellers, read by sellers and by those who paid, as JSON or as papers.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{bits, id, money, purchase_id, time_text};
use crate::invoicing::{self, CREDIT_NOTE_PREFIX, INVOICE_PREFIX, Paper};
use crate::problem::{Answered, Problem};
use crate::reads::show;
use crate::request::{Call, path_id};
use crate::routes::{page, paged, query, window};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, Amount, CreditNoteId, InvoiceId, IssueCreditNote, IssueInvoice, KeyHolder, Reject};
use engine::View;
use engine::views::{CreditNoteRow, InvoiceRow};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use wire::AmountText;
use wire::invoice::{
    CreditNote, CreditNoteDocument, Invoice, InvoiceDocument, InvoiceLine, InvoicesQuery, Issued,
    NewCreditNote, NewInvoice,
};
use wire::list::{Page, PageQuery};
use wire::version::POSITION_HEADER;

/// Issues an invoice for what one buyer paid. The book gives the number, the next of the seller's, and the amounts: what was
/// paid, not refunded, and not invoiced before.
#[utoipa::path(post, path = "/v1/invoices", tag = "invoices", request_body = NewInvoice,
    responses((status = 201, description = "Issued", body = Issued)))]
pub async fn create_invoice(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let new: NewInvoice = call.json()?;
    let prefix = new.prefix.unwrap_or_else(|| INVOICE_PREFIX.to_owned());
    let taxes: Vec<invoice::Tax> = new.lines.iter().map(|line| invoicing::tax(&line.tax)).collect();
    let (seller, buyer) =
        (invoicing::party(String::new(), &new.seller), invoicing::party(String::new(), &new.buyer));
    invoice::bill::check_prefix(&prefix)
        .and_then(|()| invoice::bill::check_note(new.note.as_deref()))
        .and_then(|()| invoice::bill::check_parties(&seller, &buyer, taxes.iter()))
        .and_then(|()| new.lines.iter().try_for_each(|line| invoice::bill::check_line_text(&line.text)))
        .map_err(malformed)?;
    let purchases = new.lines.iter().map(|line| purchase_id(&line.purchase, "purchase"));
    let purchases = purchases.collect::<Answered<_>>()?;
    let document = InvoiceDocument {
        seller: new.seller,
        buyer: new.buyer,
        lines: new.lines.into_iter().map(|line| (line.text, line.tax)).collect(),
        prefix,
        note: new.note,
        language: new.language,
    };
    let action = Action::IssueInvoice(IssueInvoice {
        purchases,
        total: new.total.map(amount).transpose()?,
        document: keep(&app, &document)?,
    });
    app.execute(&caller, id(new.id.0), action).await
}

/// The invoices that the caller issued or, for an owner, got; newest first. `to_credit=true` lists those of a seller that say
/// more than it kept: a credit note for each is due.
#[utoipa::path(get, path = "/v1/invoices", tag = "invoices", params(InvoicesQuery),
    responses((status = 200, description = "A page", body = Page<Invoice>)))]
pub async fn list_invoices(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner]).await?;
    let InvoicesQuery { to_credit, limit, cursor, at_least: _ } = query(&call)?;
    let window = window(limit, cursor)?;
    show(&app, &call, move |app, view| {
        let rows = match caller.holder {
            KeyHolder::Payee(payee) if to_credit => {
                view.invoices_to_credit(payee, window.cursor, window.limit)?
            }
            KeyHolder::Owner(_) if to_credit => {
                return Err(Problem::from(Edge::ParamMalformed).of("to_credit"));
            }
            KeyHolder::Payee(payee) => view.invoices_of_payee(payee, window.cursor, window.limit)?,
            KeyHolder::Owner(owner) => view.invoices_of_owner(owner, window.cursor, window.limit)?,
            KeyHolder::Operator | KeyHolder::Agent(_) => return Err(Edge::AudienceWrong.into()),
        };
        paged(rows, app.livemode, |row| text(app, view, &row, Lines::LeftOut))
    })
    .await
}

/// One invoice as it stands. With `.pdf` or `.xml` behind its name, or asked for as `application/pdf` or `application/xml`,
/// it is the paper: pages to print out, or UBL 2.1 in the core of EN 16931.
#[utoipa::path(get, path = "/v1/invoices/{id}", tag = "invoices", params(("id" = wire::InvoiceId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The invoice", body = Invoice)))]
pub async fn get_invoice(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (name, paper) = wanted(&text, &call);
    let invoice: InvoiceId = path_id(name)?;
    let Some(paper) = paper else {
        return show(&app, &call, move |app, view| {
            let row = app.invoice(view, caller.holder, invoice)?;
            self::text(app, view, &row, Lines::Shown)
        })
        .await;
    };
    print(&app, paper, move |app, view| {
        let row = app.invoice(view, caller.holder, invoice)?;
        app.invoice_bill(view, &row)
    })
    .await
}

/// Issues a credit note for all that was refunded of an invoice since. The book gives the number and the amounts.
#[utoipa::path(post, path = "/v1/credit_notes", tag = "invoices", request_body = NewCreditNote,
    responses((status = 201, description = "Issued", body = Issued)))]
pub async fn create_credit_note(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let new: NewCreditNote = call.json()?;
    let prefix = new.prefix.unwrap_or_else(|| CREDIT_NOTE_PREFIX.to_owned());
    invoice::bill::check_prefix(&prefix)
        .and_then(|()| invoice::bill::check_note(new.note.as_deref()))
        .map_err(malformed)?;
    let action = Action::IssueCreditNote(IssueCreditNote {
        invoice: InvoiceId(id(new.invoice.0)),
        total: new.total.map(amount).transpose()?,
        document: keep(&app, &CreditNoteDocument { prefix, note: new.note })?,
    });
    app.execute(&caller, id(new.id.0), action).await
}

/// The credit notes that the caller issued or, for an owner, got; newest first.
#[utoipa::path(get, path = "/v1/credit_notes", tag = "invoices", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<CreditNote>)))]
pub async fn list_credit_notes(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner]).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = match caller.holder {
            KeyHolder::Payee(payee) => view.credit_notes_of_payee(payee, window.cursor, window.limit)?,
            KeyHolder::Owner(owner) => view.credit_notes_of_owner(owner, window.cursor, window.limit)?,
            KeyHolder::Operator | KeyHolder::Agent(_) => return Err(Edge::AudienceWrong.into()),
        };
        paged(rows, app.livemode, |row| note_text(app, &row))
    })
    .await
}

/// One credit note. With `.pdf` or `.xml` behind its name, or asked for by media type, it is the paper.
#[utoipa::path(get, path = "/v1/credit_notes/{id}", tag = "invoices", params(("id" = wire::CreditNoteId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The credit note", body = CreditNote)))]
pub async fn get_credit_note(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (name, paper) = wanted(&text, &call);
    let note: CreditNoteId = path_id(name)?;
    let Some(paper) = paper else {
        return show(&app, &call, move |app, view| {
            note_text(app, &app.credit_note(view, caller.holder, note)?)
        })
        .await;
    };
    print(&app, paper, move |app, view| {
        let row = app.credit_note(view, caller.holder, note)?;
        app.credit_note_bill(view, &row)
    })
    .await
}

/// Whether the lines of an invoice are told.
#[derive(Clone, Copy)]
enum Lines {
    Shown,
    LeftOut,
}

fn text(app: &state::State, view: &View, row: &InvoiceRow, lines: Lines) -> Answered<Invoice> {
    let asset = app.directory.asset(row.asset).ok_or(Problem::from(Edge::Internal))?;
    let said: Option<InvoiceDocument> = app.said(row.document)?;
    let line = |it: engine::views::InvoiceLineRow| -> Answered<InvoiceLine> {
        let place = usize::try_from(it.line).unwrap_or(usize::MAX);
        let (text, tax) = said.as_ref().and_then(|said| said.lines.get(place)).cloned().unzip();
        Ok(InvoiceLine {
            purchase: app.purchase_called(view, it.purchase)?,
            amount: money(it.amount, asset),
            credited: money(it.credited, asset),
            to_credit: money(it.to_credit, asset),
            text,
            tax,
        })
    };
    let lines = match lines {
        Lines::Shown => view.invoice_lines(row.seq)?.into_iter().map(line).collect::<Answered<_>>()?,
        Lines::LeftOut => Vec::new(),
    };
    let prefix = said.as_ref().map_or(INVOICE_PREFIX, |said| said.prefix.as_str());
    Ok(Invoice {
        id: wire::InvoiceId(bits(row.id.0)),
        printed_number: format!("{prefix}{}", row.number),
        number: row.number,
        payee: wire::PayeeId(bits(row.payee.0)),
        owner: wire::OwnerId(bits(row.owner.0)),
        total: money(row.amount, asset),
        credited: money(row.credited, asset),
        to_credit: money(row.to_credit, asset),
        lines,
        seller: said.as_ref().map(|said| said.seller.clone()),
        buyer: said.map(|said| said.buyer),
        document: wire::Digest(row.document.0),
        entry: row.seq.0,
        at: time_text(row.at),
        livemode: app.livemode,
    })
}

fn note_text(app: &state::State, row: &CreditNoteRow) -> Answered<CreditNote> {
    let asset = app.directory.asset(row.asset).ok_or(Problem::from(Edge::Internal))?;
    let said: Option<CreditNoteDocument> = app.said(row.document)?;
    let prefix = said.as_ref().map_or(CREDIT_NOTE_PREFIX, |said| said.prefix.as_str());
    Ok(CreditNote {
        id: wire::CreditNoteId(bits(row.id.0)),
        printed_number: format!("{prefix}{}", row.number),
        number: row.number,
        invoice: wire::InvoiceId(bits(row.invoice.0)),
        payee: wire::PayeeId(bits(row.payee.0)),
        owner: wire::OwnerId(bits(row.owner.0)),
        total: money(row.amount, asset),
        note: said.and_then(|said| said.note),
        document: wire::Digest(row.document.0),
        entry: row.seq.0,
        at: time_text(row.at),
        livemode: app.livemode,
    })
}

/// Keeps what the seller says beside the journal.
fn keep(app: &App, document: &impl Serialize) -> Answered<evidence::Hash> {
    let text = serde_json::to_string(document).expect("a document is JSON");
    app.bodies.keep_text(&text).map_err(|fault| {
        tracing::error!(%fault, "a text cannot be kept");
        Edge::Internal.into()
    })
}

fn amount(text: AmountText) -> Answered<Amount> {
    Amount::new(text.minor()).ok_or_else(|| Problem::from(Reject::AmountTooLarge).of("total"))
}

fn malformed(wrong: invoice::Wrong) -> Problem {
    Problem::from(Edge::BillMalformed).because(format!("It cannot be issued because: {wrong}."))
}

/// The name that a path asks for, and in which form: as it ends, or as the caller accepts.
fn wanted<'t>(text: &'t str, call: &Call) -> (&'t str, Option<Paper>) {
    for paper in Paper::ALL {
        if let Some(name) = text.strip_suffix(paper.ending()) {
            return (name, Some(*paper));
        }
    }
    let accepted = call.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
    (text, Paper::ALL.iter().find(|paper| paper.media_type() == first).copied())
}

/// Answers with a paper.
async fn print(
    app: &App,
    paper: Paper,
    find: impl FnOnce(&state::State, &View) -> Answered<invoice::Bill> + Send + 'static,
) -> Answered<Response> {
    let state = app.clone();
    let printed = app.ask(move |view| {
        let bill = find(&state, view)?;
        Ok((bill.printed_number(), paper.print(&bill)?, view.position()))
    });
    let (number, bytes, position) = printed.await?;
    let mut response = Response::new(bytes.into());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(paper.media_type()));
    headers.insert(HeaderName::from_static(POSITION_HEADER), HeaderValue::from(position.0));
    let file = format!("attachment; filename=\"{}{}\"", number.replace('/', "-"), paper.ending());
    headers.extend(HeaderValue::try_from(file).ok().map(|file| (header::CONTENT_DISPOSITION, file)));
    Ok(response)
}
