//! Paying a link: what is asked, by whom, and the form of somebody who is logged in. Anybody who has the address may read.

use crate::limits::LINK_WALLETS_MAX;
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::activity::Choice;
use crate::qr::{self, Picture};
use crate::shown::{Money, Text, machine, moment, typed};
use crate::visit::Visit;
use askama::Template;
use book::freeze::Status;
use book::{LinkId, LinkPayer, PayeeId, Provenance, Reject, WalletId};
use engine::views::{LinkRow, LinkStanding};
use http::StatusCode;
use server::answer::Answer;
use server::convert::{bits, money};
use server::problem::Problem;
use wire::limits::MESSAGE_CHARS_MAX;
use wire::link::NewLinkPayment;

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage {
    top: Top,
    id: String,
    what: Text,
    sellers: Vec<Seller>,
    least: Money,
    /// Between which amounts, where the payer chooses.
    between: Option<String>,
    takes_person: bool,
    until: String,
    machine: String,
    left: Option<String>,
    /// Why it cannot be paid any more.
    over: Option<&'static str>,
    address: String,
    code: Option<Picture>,
    /// The wallets of whoever is logged in; none where nobody is.
    wallets: Option<Vec<Choice>>,
    next: String,
    fresh: String,
    message_chars: usize,
}

struct Seller {
    name: Text,
    id: String,
    vouched: &'static str,
    is_vouched: bool,
}

/// What a link asks for.
pub async fn show(visit: &Visit) -> Shown {
    let link: LinkId = visit.part(1)?;
    let top = match &visit.here {
        Some(_) => Top::inside(visit, Place::Paying).await?,
        None => Top::outside(visit),
    };
    let (w, s) = (visit.words(), visit.lang.selling());
    let (row, vouched) = find(visit, link).await?;
    let asked = &row.asked;
    let (least, most) = (visit.money(asked.least, asked.asset)?, visit.money(asked.most, asked.asset)?);
    let between = (least != most).then(|| w.say_two(s.pay_between, &least.short, &most.short));
    let wallets = match &visit.here {
        Some(_) => Some(wallets(visit, &row).await?),
        None => None,
    };
    let what = visit.site.app.text(asked.document)?.unwrap_or_default();
    let address = address(visit, link);
    let sellers = vouched.into_iter().map(|(payee, provenance)| seller(visit, payee, provenance));
    let page = PayPage {
        id: link.to_string(),
        what: Text::of(&what),
        sellers: sellers.collect::<Result<_, _>>()?,
        least,
        between,
        takes_person: asked.by == LinkPayer::Owner,
        until: w.say(s.pay_until, moment(asked.until, &visit.zone, visit.lang)),
        machine: machine(asked.until),
        left: row.left().map(|left| if left == 1 { s.pay_once.to_owned() } else { w.say(s.pay_left, left) }),
        over: over(visit, &row),
        code: qr::picture(&address),
        address,
        wallets,
        next: url::form_urlencoded::byte_serialize(visit.path.as_bytes()).collect(),
        fresh: visit.site.app.new_id().text(),
        message_chars: MESSAGE_CHARS_MAX,
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Pays it, as the owner whose passkey has confirmed this form.
pub async fn pay(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let link: LinkId = visit.part(1)?;
    visit.owner()?;
    let (row, _) = find(visit, link).await?;
    if let Some(over) = over(visit, &row) {
        return Err(Stop::Refused(over.to_owned()));
    }
    let asked = &row.asked;
    let asset = visit.asset(asked.asset)?;
    let is_fixed = asked.least == asked.most;
    let amount = if is_fixed { Some(asked.least) } else { typed(visit.field("amount"), asset) };
    let amount = amount.filter(|amount| (asked.least..=asked.most).contains(amount));
    let amount = amount.ok_or_else(|| odd(visit, &row))?;
    let message = visit.field("message");
    let wallet: WalletId = visit.field("wallet").parse().map_err(|_| Stop::Malformed)?;
    let caller = visit.confirmed()?;
    let payment = visit.change()?;
    let new = NewLinkPayment {
        id: wire::PaymentId(bits(payment)),
        wallet: wire::WalletId(bits(wallet.0)),
        mandate: None,
        amount: Some(money(amount, asset)),
        message: (!message.is_empty()).then(|| message.to_owned()),
        approval: None,
        why: None,
    };
    let action = app.link_payment(link, &new).await?;
    let came = app.execute(&caller, payment, action).await;
    app.keep_message(new.message.as_deref(), &came);
    // An owner who pays is asked nothing: it is paid, or refused.
    let entry = if let Answer::Paid(paid) = came? { Some(paid.entry) } else { None };
    Ok(go(&entry.map_or_else(|| visit.path.clone(), |entry| format!("/activity/{entry}"))))
}

/// Where a link is paid.
pub(crate) fn address(visit: &Visit, link: LinkId) -> String {
    format!("{}/pay/{link}", visit.site.public_url.as_str().trim_end_matches('/'))
}

/// A link, and who vouches for each of those it pays.
async fn find(visit: &Visit, link: LinkId) -> Result<(LinkRow, Vec<(PayeeId, Option<Provenance>)>), Stop> {
    let found = visit.site.app.ask(move |view| {
        let row = view.link(link)?.ok_or(Problem::from(Reject::LinkUnknown))?;
        let mut vouched = Vec::new();
        for payee in row.asked.to.each() {
            vouched.push((payee, view.payee(payee)?.map(|row| row.provenance)));
        }
        Ok((row, vouched))
    });
    Ok(found.await?)
}

fn seller(visit: &Visit, payee: PayeeId, provenance: Option<Provenance>) -> Result<Seller, Stop> {
    let w = visit.words();
    let vouched = match provenance {
        Some(Provenance::Registry) => w.vouched_registry,
        Some(Provenance::Merchant) => w.vouched_merchant,
        Some(Provenance::Owner) => visit.lang.selling().vouched_buyer,
        Some(Provenance::Agent) => w.vouched_agent,
        Some(Provenance::Untrusted) | None => w.vouched_untrusted,
    };
    let is_vouched = provenance.is_some_and(Provenance::is_trusted);
    Ok(Seller { name: visit.seller_called(payee)?, id: payee.to_string(), vouched, is_vouched })
}

/// Why a link cannot be paid any more.
fn over(visit: &Visit, row: &LinkRow) -> Option<&'static str> {
    let s = visit.lang.selling();
    match row.standing(visit.site.app.clock.now()) {
        LinkStanding::Open => None,
        LinkStanding::Used => Some(s.pay_used),
        LinkStanding::Expired => Some(s.pay_expired),
        LinkStanding::Closed => Some(s.pay_closed),
    }
}

fn odd(visit: &Visit, row: &LinkRow) -> Stop {
    let show = |amount| visit.money(amount, row.asked.asset).map(|money| money.short);
    match (show(row.asked.least), show(row.asked.most)) {
        (Ok(least), Ok(most)) => {
            Stop::Refused(visit.words().say_two(visit.lang.selling().pay_amount_odd, least, most))
        }
        (Err(stop), _) | (_, Err(stop)) => stop,
    }
}

/// The wallets that could pay it, with what each has.
async fn wallets(visit: &Visit, row: &LinkRow) -> Result<Vec<Choice>, Stop> {
    let (owner, asset) = (visit.owner()?, row.asked.asset);
    let found =
        visit.site.app.ask(move |view| Ok(view.wallets_of(owner, None, LINK_WALLETS_MAX)?.rows)).await?;
    let mine = found.iter().rev().filter(|row| row.sub.is_none() && row.status == Status::Active);
    let choice = |row: &engine::views::WalletRow| {
        let has = visit.money(row.balance.available(), asset)?.short;
        let name = visit.called(row.id.0, visit.words().wallet)?.in_a_line();
        Ok(Choice { value: row.id.to_string(), said: format!("{name} · {has}"), chosen: false })
    };
    mine.filter(|row| row.asset.code == asset).map(choice).collect()
}
