//! Payment links of a seller: what each asks for, what came of it, one more, and the end of one.

use crate::limits::{LINK_PAYMENTS_SHOWN_MAX, LINKS_SHOWN_MAX};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::pay::address;
use crate::pages::selling::{Head, Tab, confirmed, head, seller};
use crate::qr::{self, Picture};
use crate::shown::{Money, Text, machine, moment, typed};
use crate::visit::Visit;
use askama::Template;
use book::{Action, CloseLink, LinkId, LinkPayer, Time};
use engine::views::{LinkPaymentRow, LinkRow, LinkStanding};
use http::StatusCode;
use server::convert::{bits, money, time_text};
use wire::limits::LABEL_CHARS_MAX;
use wire::link::NewLink;

/// The longest that the form lets a link be good, in days.
const DAYS_MAX: u64 = 365;

#[derive(Template)]
#[template(path = "seller_links.html")]
struct LinksPage {
    top: Top,
    head: Head,
    links: Vec<Card>,
    what_chars: usize,
    days_max: u64,
}

/// One link.
struct Card {
    id: String,
    what: Text,
    amount: String,
    state: &'static str,
    takes_person: bool,
    /// How often it was paid, and what that came to.
    paid: String,
    until: String,
    machine: String,
    address: String,
    code: Option<Picture>,
    payments: Vec<Paid>,
    /// The name of the closing, where there is something to close.
    close: Option<String>,
}

/// A payment by a link.
struct Paid {
    entry: u64,
    amount: Money,
    message: Option<Text>,
    when: String,
    machine: String,
}

/// The seller's links, newest first, and the form for one more.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let row = seller(visit).await?;
    let payee = row.id;
    let found = visit.site.app.ask(move |view| {
        let mut found = Vec::new();
        for link in view.links_of_payee(payee, None, LINKS_SHOWN_MAX)?.rows {
            let paid = view.link_payments(link.id, None, LINK_PAYMENTS_SHOWN_MAX)?.rows;
            found.push((link, paid));
        }
        Ok(found)
    });
    let links = found.await?.iter().map(|(link, paid)| card(visit, link, paid)).collect::<Result<_, _>>()?;
    let head = head(visit, &row, Tab::Links).await?;
    let page = LinksPage { top, head, links, what_chars: LABEL_CHARS_MAX, days_max: DAYS_MAX };
    Ok(html(StatusCode::OK, &page))
}

/// Opens one more.
pub async fn add(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let row = seller(visit).await?;
    let odd = || Stop::Refused(visit.lang.selling().link_odd.to_owned());
    let asset = row.asset;
    let read = |name: &str| typed(visit.field(name), asset);
    let least = read("least").ok_or_else(odd)?;
    let most = if visit.field("most").is_empty() { None } else { Some(read("most").ok_or_else(odd)?) };
    if least.is_zero() || most.is_some_and(|most| most < least) || visit.field("what").is_empty() {
        return Err(odd());
    }
    let uses = Some(visit.field("uses")).filter(|text| !text.is_empty());
    let uses: Option<u32> = uses.map(|text| text.parse()).transpose().map_err(|_| odd())?;
    let days: u64 = visit.field("days").parse().map_err(|_| odd())?;
    if uses == Some(0) || !(1..=DAYS_MAX).contains(&days) {
        return Err(odd());
    }
    let caller = confirmed(visit, &row).await?;
    let name = visit.change()?;
    let new = NewLink {
        id: wire::LinkId(bits(name)),
        payee: None,
        split: None,
        least: money(least, asset),
        most: most.map(|most| money(most, asset)),
        uses,
        until: time_text(app.clock.now().after(Time::from_seconds(days * 86_400).0)),
        by: if visit.field("person").is_empty() {
            wire::link::LinkPayer::Anyone
        } else {
            wire::link::LinkPayer::Owner
        },
        what: visit.field("what").to_owned(),
    };
    let (link, action) = app.new_link(&new, Some(row.id)).map_err(|_| odd())?;
    app.execute(&caller, link, action).await?;
    Ok(go(&format!("/selling/{}/links", row.id)))
}

/// Ends one.
pub async fn close(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let link: LinkId = visit.part(3)?;
    let caller = confirmed(visit, &row).await?;
    visit.site.app.execute(&caller, visit.change()?, Action::CloseLink(CloseLink { link })).await?;
    Ok(go(&format!("/selling/{}/links", row.id)))
}

fn card(visit: &Visit, row: &LinkRow, payments: &[LinkPaymentRow]) -> Result<Card, Stop> {
    let (w, s, asked) = (visit.words(), visit.lang.selling(), &row.asked);
    let (least, most) = (visit.money(asked.least, asked.asset)?, visit.money(asked.most, asked.asset)?);
    let standing = row.standing(visit.site.app.clock.now());
    let address = address(visit, row.id);
    let show = |it: &LinkPaymentRow| {
        let message = it.message.map(|digest| visit.site.app.text(digest)).transpose()?.flatten();
        Ok(Paid {
            entry: it.seq.0,
            amount: visit.money(it.amount, asked.asset)?,
            message: message.map(|message| Text::of(&message)),
            when: moment(it.at, &visit.zone, visit.lang),
            machine: machine(it.at),
        })
    };
    Ok(Card {
        id: row.id.to_string(),
        what: Text::of(&visit.site.app.text(asked.document)?.unwrap_or_default()),
        amount: if least == most { least.short } else { format!("{} – {}", least.short, most.short) },
        state: match standing {
            LinkStanding::Open => s.link_state_open,
            LinkStanding::Used => s.link_state_used,
            LinkStanding::Expired => s.link_state_expired,
            LinkStanding::Closed => s.link_state_closed,
        },
        takes_person: asked.by == LinkPayer::Owner,
        paid: w.say_two(s.link_paid, row.used, visit.money(row.paid, asked.asset)?.short),
        until: w.say(s.pay_until, moment(asked.until, &visit.zone, visit.lang)),
        machine: machine(asked.until),
        code: qr::picture(&address).filter(|_| standing == LinkStanding::Open),
        address,
        payments: payments.iter().map(show).collect::<Result<_, Stop>>()?,
        close: (standing == LinkStanding::Open).then(|| visit.site.app.new_id().text()),
    })
}
