//! The report over a quota and all below it, as a file: a line for each, and one in which it adds up.

use crate::limits::QUOTA_LINES_MAX;
use crate::page::{Shown, Stop};
use crate::pages::quotas::{called, own, tree};
use crate::pages::statement::file;
use crate::visit::Visit;
use engine::views::QuotaRow;
use std::fmt::Write;

/// The report as CSV (RFC 4180), in units of the quota: uses, or billionths of a smallest unit of money.
pub async fn csv(visit: &Visit) -> Shown {
    let row = own(visit).await?;
    let (lines, is_cut) = visit.site.app.ask(move |view| tree(view, row)).await?;
    if is_cut {
        // What does not show all of it does not add up.
        return Err(Stop::Refused(visit.words().say(visit.lang.quotas().report_long, QUOTA_LINES_MAX)));
    }
    let mut text = String::from("quota,above,agent,name,granted,used,allotted,left\r\n");
    let (mut used, mut left) = (0u64, 0u64);
    for (_, it) in &lines {
        let QuotaRow { id, granted, .. } = it;
        let above = it.parent.filter(|_| *id != row.id).map(|above| above.to_string()).unwrap_or_default();
        let agent = it.agent.map(|agent| agent.to_string()).unwrap_or_default();
        let name = called(visit, it)?.text;
        // A spreadsheet must not take a name for a formula.
        let name = name.trim_start_matches(['=', '+', '-', '@', '\t', '\r']).replace('"', "\"\"");
        let numbers = format!("{granted},{},{},{}", it.used, it.allotted, it.left());
        write!(text, "{id},{above},{agent},\"{name}\",{numbers}\r\n").expect("a text grows");
        used = used.saturating_add(it.used);
        left = left.saturating_add(it.left());
    }
    // What was given on is another line's, so of the sum there is none.
    write!(text, "sum,,,,{},{used},0,{left}\r\n", row.granted).expect("a text grows");
    Ok(file(text, "text/csv; charset=utf-8", "quota.csv"))
}
