//! Sales as a file: one line for each, as CSV (RFC 4180).

use crate::limits::EXPORT_SALES_MAX;
use crate::page::Shown;
use crate::pages::selling::sales::{Stand, everything, hex, sale_id};
use crate::pages::selling::{Sold, seller};
use crate::pages::statement::{decimal, file};
use crate::visit::Visit;
use book::{Amount, Part};
use std::fmt::Write;

/// The sales of a period, oldest first. What is set aside has not moved.
pub async fn csv(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let mut text = String::from(
        "entry,time,sale,state,price,captured,fee,refunded,fee_refunded,net,currency,agent,what,reference\r\n",
    );
    let nothing = Part { amount: Amount::ZERO, fee: Amount::ZERO };
    let sold = Sold::of(visit, row.id, EXPORT_SALES_MAX).await?;
    for it in everything(visit, row.id, sold.clone()).await? {
        let part = it.parts.iter().find(|part| part.payee == row.id);
        let (paid, back) = part.map_or((nothing, nothing), |part| (part.paid, part.refunded));
        let refunded = back.amount.checked_add(back.fee).unwrap_or(back.amount);
        let net = paid.amount.saturating_sub(paid.fee).saturating_sub(back.amount);
        let [price, captured, fee, refunded, fee_refunded, net] =
            [it.purchase.amount, paid.amount, paid.fee, refunded, back.fee, net]
                .map(|amount| decimal(amount, row.asset));
        let agent = it.agent.map(|agent| agent.to_string()).unwrap_or_default();
        // A spreadsheet must not take a name for a formula.
        let what = sold.what(&it).unwrap_or_default();
        let what = what.trim_start_matches(['=', '+', '-', '@', '\t', '\r']).replace('"', "\"\"");
        let reference = it.purchase.reference.map(hex).unwrap_or_default();
        write!(
            text,
            "{},{},{},{},{price},{captured},{fee},{refunded},{fee_refunded},{net},{},{agent},\"{what}\",{reference}\r\n",
            it.seq.0,
            server::convert::time_text(it.at),
            sale_id(&it),
            Stand::of(&it).code(),
            row.asset.code.as_str(),
        )
        .expect("a text grows");
    }
    Ok(file(text, "text/csv; charset=utf-8", "sales.csv"))
}
