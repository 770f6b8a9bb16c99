//! `seller invoice`: what was paid on paper, and what went back.

use crate::args::{InvoiceCommand, InvoiceCredit, InvoiceGet, InvoiceIssue, InvoiceList, PaperForm};
use crate::client::{connect, failed};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use wire::invoice::{Invoice, NewCreditNote, NewInvoice};
use wire::list::Page;
use wire::{CreditNoteId, InvoiceId};

/// Runs a command about invoices.
pub(super) fn run(output: &Output, command: &InvoiceCommand) -> Outcome {
    match command {
        InvoiceCommand::Issue(args) => issue(output, args),
        InvoiceCommand::List(args) => list(output, args),
        InvoiceCommand::Credit(args) => credit(output, args),
        InvoiceCommand::Get(args) => get(output, args),
    }
}

fn issue(output: &Output, args: &InvoiceIssue) -> Outcome {
    let named = |fault: &dyn std::fmt::Display| Failure::usage(format!("`{}`: {fault}", args.said.display()));
    let text = std::fs::read_to_string(&args.said).map_err(|fault| named(&fault))?;
    let mut said: Value = serde_json::from_str(&text).map_err(|fault| named(&fault))?;
    let client = connect(&args.caller)?;
    // Who sends the same file again gets no second invoice: what is on one is on no other.
    if let Some(members) = said.as_object_mut() {
        members.entry("id").or_insert_with(|| InvoiceId(client.fresh_id()).to_string().into());
    }
    let new: NewInvoice = serde_json::from_value(said).map_err(|fault| named(&fault))?;
    runtime::run(async {
        client.issue_invoice(&new).await.map_err(failed)?;
        let issued = client.invoice(new.id).await.map_err(failed)?;
        output.line(format!("{}  {}  {}", issued.printed_number, issued.total.in_words(), issued.id));
        output.object(&issued);
        Ok(())
    })
}

fn list(output: &Output, args: &InvoiceList) -> Outcome {
    let client = connect(&args.caller)?;
    runtime::run(async {
        let mut cursor: Option<String> = None;
        loop {
            let page: Page<Invoice> = if args.to_credit {
                client.invoices_to_credit(cursor.as_deref()).await.map_err(failed)?
            } else {
                client
                    .list("/v1/invoices", wire::limits::LIST_MAX, cursor.as_deref())
                    .await
                    .map_err(failed)?
            };
            for invoice in &page.data {
                let mut line =
                    format!("{}  {}  {}", invoice.printed_number, invoice.total.in_words(), invoice.id);
                for (sum, said) in [(&invoice.credited, "credited"), (&invoice.to_credit, "to be credited")] {
                    if sum.amount.minor() != 0 {
                        line.push_str(&format!("  {} {said}", sum.in_words()));
                    }
                }
                output.line(line);
                output.object(invoice);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    })
}

fn credit(output: &Output, args: &InvoiceCredit) -> Outcome {
    let client = connect(&args.caller)?;
    let invoice: InvoiceId = args
        .invoice
        .parse()
        .map_err(|fault| Failure::usage(format!("invoice `{}`: {fault}", args.invoice)))?;
    let id = CreditNoteId(client.fresh_id());
    let new = NewCreditNote { id, invoice, total: None, prefix: None, note: args.note.clone() };
    runtime::run(async {
        client.issue_credit_note(&new).await.map_err(failed)?;
        let issued = client.credit_note(id).await.map_err(failed)?;
        output.line(format!("{}  {}  {}", issued.printed_number, issued.total.in_words(), issued.id));
        output.object(&issued);
        Ok(())
    })
}

fn get(output: &Output, args: &InvoiceGet) -> Outcome {
    let path = match (args.name.parse::<InvoiceId>(), args.name.parse::<CreditNoteId>()) {
        (Ok(invoice), _) => format!("/v1/invoices/{invoice}"),
        (Err(_), Ok(note)) => format!("/v1/credit_notes/{note}"),
        (Err(_), Err(fault)) => return Err(Failure::usage(format!("`{}`: {fault}", args.name))),
    };
    let ending = match args.form {
        PaperForm::Pdf => ".pdf",
        PaperForm::Xml => ".xml",
    };
    let client = connect(&args.caller)?;
    runtime::run(async {
        let paper = client.read(&format!("{path}{ending}")).await.map_err(failed)?;
        let named = |fault: std::io::Error| Failure::usage(format!("`{}`: {fault}", args.out.display()));
        let mut file = File::create_new(&args.out).map_err(named)?;
        file.write_all(&paper).and_then(|()| file.sync_all()).map_err(named)?;
        output.line(format!("{} bytes in `{}`", paper.len(), args.out.display()));
        Ok(())
    })
}
