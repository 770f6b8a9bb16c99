//! Statements: every movement of one wallet, as CSV for spreadsheets and OFX 1.0.2 for accounting programs.

use crate::page::{Shown, Stop};
use crate::pages::money::find_wallet;
use crate::visit::Visit;
use axum::response::{IntoResponse, Response};
use book::{Account, Actor, Amount, Asset, Seq, Time, WalletId};
use engine::views::{DecisionRow, Kind, Ruling, WalletRow, Whom};
use http::{HeaderValue, header};
use jiff::Timestamp;
use std::fmt::Write;

/// The movements of one statement.
const MOVEMENTS_MAX: usize = 100_000;

/// One movement, seen from the wallet.
struct Movement {
    seq: Seq,
    at: Time,
    what: &'static str,
    with: String,
    /// Whether money came in.
    comes_in: bool,
    amount: Amount,
}

/// The statement as CSV (RFC 4180).
pub async fn csv(visit: &Visit) -> Shown {
    let (wallet, movements) = movements(visit).await?;
    let mut text = String::from("entry,time,what,with,amount,currency\r\n");
    for it in &movements {
        let sign = if it.comes_in { "" } else { "-" };
        let amount = decimal(it.amount, wallet.asset);
        let time = server::convert::time_text(it.at);
        let code = wallet.asset.code.as_str();
        // A spreadsheet must not take a name for a formula.
        let with = it.with.trim_start_matches(['=', '+', '-', '@', '\t', '\r']).replace('"', "\"\"");
        write!(text, "{},{time},{},\"{with}\",{sign}{amount},{code}\r\n", it.seq.0, it.what)
            .expect("a text grows");
    }
    Ok(file(text, "text/csv; charset=utf-8", "statement.csv"))
}

/// The statement as OFX.
pub async fn ofx(visit: &Visit) -> Shown {
    let (wallet, movements) = movements(visit).await?;
    let now = visit.site.app.clock.now();
    let first = movements.first().map_or(wallet.at, |it| it.at);
    let mut text = String::from(
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:UTF-8\r\nCHARSET:NONE\r\n\
         COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n",
    );
    let (code, id) = (wallet.asset.code.as_str(), wallet.id);
    let head = format!(
        "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>{}<LANGUAGE>ENG</SONRS>\
         </SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS><TRNUID>0<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>\
         <CURDEF>{code}<BANKACCTFROM><BANKID>tollbridge<ACCTID>{id}<ACCTTYPE>CHECKING</BANKACCTFROM>\
         <BANKTRANLIST><DTSTART>{}<DTEND>{}\r\n",
        date(now),
        date(first),
        date(now)
    );
    text.push_str(&head);
    for it in &movements {
        let sign = if it.comes_in { "" } else { "-" };
        let kind = if it.comes_in { "CREDIT" } else { "DEBIT" };
        let with: String = it.with.chars().filter(|it| !matches!(it, '<' | '>' | '&')).take(32).collect();
        let line = format!(
            "<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{}<TRNAMT>{sign}{}<FITID>{}<NAME>{with}<MEMO>{}</STMTTRN>\r\n",
            date(it.at),
            decimal(it.amount, wallet.asset),
            it.seq.0,
            it.what
        );
        text.push_str(&line);
    }
    let balance = wallet.balance.credits.saturating_sub(wallet.balance.debits);
    let end = format!(
        "</BANKTRANLIST><LEDGERBAL><BALAMT>{}<DTASOF>{}</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\r\n",
        decimal(balance, wallet.asset),
        date(now)
    );
    text.push_str(&end);
    Ok(file(text, "application/x-ofx", "statement.ofx"))
}

/// What moved, oldest first. Money that is only held has not moved.
async fn movements(visit: &Visit) -> Result<(WalletRow, Vec<Movement>), Stop> {
    let wallet = find_wallet(visit, visit.part::<WalletId>(1)?).await?;
    let id = wallet.id;
    let asked = visit.site.app.ask(move |view| {
        let mut cursor = None;
        let mut rows: Vec<(DecisionRow, bool)> = Vec::new();
        loop {
            let page = view.decisions(Whom::Wallet(id), cursor, 1_000)?;
            for row in page.rows {
                if !matches!(row.ruling, Ruling::Allowed) || !moves(row.kind) {
                    continue;
                }
                let moved = view.transfer(book::TransferId(row.id))?;
                let comes_in =
                    row.kind == Kind::Refund || moved.is_some_and(|it| it.to == Account::Wallet(id));
                rows.push((row, comes_in));
            }
            cursor = page.next;
            if cursor.is_none() || MOVEMENTS_MAX <= rows.len() {
                return Ok(rows);
            }
        }
    });
    let mut found = Vec::new();
    for (row, comes_in) in asked.await?.into_iter().rev() {
        let Some(amount) = row.amount.filter(|amount| !amount.is_zero()) else { continue };
        found.push(Movement {
            seq: row.seq,
            at: row.at,
            what: row.kind.code(),
            with: with(visit, &row)?,
            comes_in,
            amount,
        });
    }
    Ok((wallet, found))
}

fn moves(kind: Kind) -> bool {
    let is_plan = matches!(kind, Kind::Subscribe | Kind::Renew | Kind::ChangePlan);
    is_plan
        || matches!(
            kind,
            Kind::Pay | Kind::PayLink | Kind::Capture | Kind::CloseMeter | Kind::Refund | Kind::Transfer
        )
}

fn with(visit: &Visit, row: &DecisionRow) -> Result<String, Stop> {
    match (row.payee, row.by) {
        (Some(payee), _) => Ok(visit.seller_called(payee)?.text),
        (None, Actor::Operator { .. }) => Ok(visit.words().top_up.to_owned()),
        (None, _) => Ok(String::new()),
    }
}

pub(crate) fn decimal(amount: Amount, asset: Asset) -> String {
    let short = crate::shown::money(amount, asset).short;
    short.chars().filter(|it| it.is_ascii_digit() || *it == '.').collect()
}

fn date(at: Time) -> String {
    let at = Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default();
    at.strftime("%Y%m%d%H%M%S").to_string()
}

pub(crate) fn file(text: String, kind: &'static str, name: &str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).expect("a name is ASCII");
    headers.insert(header::CONTENT_DISPOSITION, name);
    response
}
