//! Payouts of a seller: what can be paid out, what is on its way, what was paid, and the bank account it goes to.

use crate::limits::PAYOUTS_SHOWN_MAX;
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::selling::{Head, Tab, confirmed, head, seller};
use crate::shown::{Money, Text, machine, moment, typed};
use crate::visit::Visit;
use askama::Template;
use book::{Action, PayoutStage, SetDestination, Time};
use engine::views::PayoutRow;
use evidence::Hash;
use http::StatusCode;
use server::limits::HOLDER_CHARS_MAX;
use server::payouts::bank_account;
use wire::payout::BankAccount;

#[derive(Template)]
#[template(path = "seller_payouts.html")]
struct PayoutsPage {
    top: Top,
    head: Head,
    available: Money,
    in_transit: Money,
    paid: Money,
    /// Where payouts go now.
    account: Option<Account>,
    /// Where they go later, and from when on.
    next: Option<(Account, String, String)>,
    payouts: Vec<Row>,
    /// The digest of the account that counts, where there is anything to pay out.
    request: Option<String>,
    /// The name of another account's naming.
    naming: String,
    holder_chars: usize,
}

/// A bank account, of which only the last characters are shown.
struct Account {
    masked: String,
    holder: Option<Text>,
}

/// One payout.
struct Row {
    entry: u64,
    id: String,
    amount: Money,
    state: &'static str,
    account: String,
    said: Option<Text>,
    when: String,
    machine: String,
}

/// The seller's payouts, newest first, and the forms for one more and for its bank account.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let row = seller(visit).await?;
    let payee = row.id;
    let found = visit.site.app.ask(move |view| {
        Ok((view.paid_out(payee)?, view.payouts_of_payee(payee, None, PAYOUTS_SHOWN_MAX)?.rows))
    });
    let (sums, rows) = found.await?;
    let (now, asset) = (visit.site.app.clock.now(), row.asset);
    let counts = sums.destinations.at(now);
    let next = sums.destinations.next.filter(|(_, from)| now < *from);
    let next = next.map(|(digest, from)| {
        let when = visit.words().say(visit.lang.selling().payout_next, moment(from, &visit.zone, visit.lang));
        Ok::<_, Stop>((account(visit, digest)?, when, machine(from)))
    });
    let money = |amount| crate::shown::money(amount, asset);
    let available = row.balance.available();
    let page = PayoutsPage {
        head: head(visit, &row, Tab::Payouts).await?,
        available: money(available),
        in_transit: money(sums.in_transit),
        paid: money(sums.paid),
        account: counts.map(|digest| account(visit, digest)).transpose()?,
        next: next.transpose()?,
        payouts: rows.iter().map(|it| shown(visit, it)).collect::<Result<_, Stop>>()?,
        request: counts.filter(|_| !available.is_zero()).map(|digest| wire::Digest(digest.0).to_string()),
        naming: visit.site.app.new_id().text(),
        holder_chars: HOLDER_CHARS_MAX,
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Asks for one more, to the account that the page showed.
pub async fn request(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let row = seller(visit).await?;
    let odd = || Stop::Refused(visit.lang.selling().payout_odd.to_owned());
    let amount =
        typed(visit.field("amount"), row.asset).filter(|amount| !amount.is_zero()).ok_or_else(odd)?;
    let shown: wire::Digest = visit.field("destination").parse().map_err(|_| Stop::Malformed)?;
    let caller = confirmed(visit, &row).await?;
    let (name, what, state) = (visit.change()?, (row.id, amount, row.asset.code), app.clone());
    let action = app.ask(move |view| state.payout_request(view, name, what, Some(Hash(shown.0)))).await?;
    app.execute(&caller, name, action).await?;
    Ok(go(&format!("/selling/{}/payouts", row.id)))
}

/// Names the bank account.
pub async fn name_account(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let row = seller(visit).await?;
    let odd = |_| Stop::Refused(visit.lang.selling().payout_account_odd.to_owned());
    let said = |iban: Option<&str>, number: Option<&str>| BankAccount {
        holder: visit.field("holder").to_owned(),
        iban: iban.map(str::to_owned),
        number: number.map(str::to_owned),
        bic: Some(visit.field("bic")).filter(|bic| !bic.is_empty()).map(str::to_owned),
    };
    // One field takes both: what fits as an IBAN is one.
    let number = visit.field("number");
    let account = bank_account(&said(Some(number), None), "account")
        .or_else(|_| bank_account(&said(None, Some(number)), "account"))
        .map_err(odd)?;
    let caller = confirmed(visit, &row).await?;
    let destination = app.keep_account(row.id, &account)?;
    let set = Action::SetDestination(SetDestination { payee: row.id, destination });
    app.execute(&caller, visit.change()?, set).await?;
    Ok(go(&format!("/selling/{}/payouts", row.id)))
}

fn account(visit: &Visit, digest: Hash) -> Result<Account, Stop> {
    let kept = visit.site.app.account(digest)?;
    Ok(match kept {
        Some(it) => Account { masked: it.masked(), holder: Some(Text::of(&it.holder)) },
        None => Account { masked: visit.lang.selling().payout_account_erased.to_owned(), holder: None },
    })
}

fn shown(visit: &Visit, row: &PayoutRow) -> Result<Row, Stop> {
    let s = visit.lang.selling();
    let said = row.said.map(|digest| visit.site.app.text(digest)).transpose()?.flatten();
    let at: Time = row.ended.or(row.sent).unwrap_or(row.at);
    Ok(Row {
        entry: row.seq.0,
        id: row.id.to_string(),
        amount: visit.money(row.amount, row.asset)?,
        state: match row.stage {
            PayoutStage::Requested => s.payout_requested,
            PayoutStage::Sent => s.payout_sent,
            PayoutStage::Paid => s.payout_paid,
            PayoutStage::Failed => s.payout_failed,
        },
        account: account(visit, row.destination)?.masked,
        said: said.map(|said| Text::of(&said)),
        when: moment(at, &visit.zone, visit.lang),
        machine: machine(at),
    })
}
