//! Services: what a seller offers on the market, and what was found there.

use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::selling::{Head, Tab, confirmed, head, seller};
use crate::shown::{Text, money, typed};
use crate::visit::Visit;
use askama::Template;
use book::{Id, Reject};
use http::StatusCode;
use server::codes::Edge;
use server::convert;
use server::market::store::Service;
use server::problem::Problem;
use wire::service::{NewService, ServiceMethod, ServiceState};

#[derive(Template)]
#[template(path = "seller_services.html")]
struct ListPage {
    top: Top,
    head: Head,
    unit: String,
    services: Vec<Line>,
}

/// One service.
struct Line {
    id: String,
    name: Text,
    description: Text,
    url: Text,
    price: String,
    state: &'static str,
    tone: &'static str,
    host: &'static str,
    record: String,
    is_offered: bool,
}

/// The seller's services, and the form for one more.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let row = seller(visit).await?;
    let payee = row.id;
    let found = visit.site.app.look_at_market(move |store| store.services_of(payee)).await?;
    let services = found.iter().map(|service| line(visit, service, row.asset)).collect();
    let head = head(visit, &row, Tab::Services).await?;
    let unit = row.asset.code.as_str().to_owned();
    Ok(html(StatusCode::OK, &ListPage { top, head, unit, services }))
}

fn line(visit: &Visit, service: &Service, asset: book::Asset) -> Line {
    let (w, s) = (visit.words(), visit.lang.selling());
    let (said, found) = (&service.said, &service.found);
    let (state, tone) = match found.state {
        ServiceState::Unchecked => (s.service_unchecked, "soft"),
        ServiceState::Open => (s.service_open, "good"),
        ServiceState::PriceDiffers => (s.service_price_differs, "deny"),
        ServiceState::NotSold => (s.service_not_sold, "deny"),
        ServiceState::Unreachable => (s.service_unreachable, "deny"),
        ServiceState::Withdrawn => (s.service_withdrawn, "soft"),
    };
    Line {
        id: said.id.text(),
        name: Text::of(&said.name),
        description: Text::of(&said.description),
        url: Text::of(&said.url),
        price: money(said.price, asset).short,
        state,
        tone,
        host: if found.proved { s.service_proved } else { s.service_unproved },
        record: w.say_two(s.service_record, found.record.delivered, found.record.purchases),
        is_offered: found.state != ServiceState::Withdrawn,
    }
}

/// Offers one more.
pub async fn offer(visit: &Visit) -> Shown {
    let s = visit.lang.selling();
    let row = seller(visit).await?;
    let odd = || Stop::Refused(s.service_odd.to_owned());
    let price = typed(visit.field("price"), row.asset).ok_or_else(odd)?;
    let new = NewService {
        id: wire::ServiceId(convert::bits(visit.change()?)),
        payee: None,
        name: visit.field("name").to_owned(),
        description: visit.field("description").to_owned(),
        category: visit.field("category").to_owned(),
        method: if visit.field("method") == "POST" { ServiceMethod::Post } else { ServiceMethod::Get },
        url: visit.field("url").to_owned(),
        price: convert::money(price, row.asset),
        input_schema: None,
        output_schema: None,
    };
    let caller = confirmed(visit, &row).await?;
    let offered = visit.site.app.offer_service(&caller, row.id, new).await;
    let is = |problem: &Problem, edge: Edge| problem.code() == Problem::from(edge).code();
    offered.map_err(|problem| {
        if is(&problem, Edge::ServiceNameAlike) {
            Stop::Refused(s.service_alike.to_owned())
        } else if problem.code() == Reject::TooMany.code() {
            Stop::Refused(s.service_many.to_owned())
        } else if is(&problem, Edge::ServiceMalformed) || is(&problem, Edge::TextMalformed) {
            odd()
        } else {
            Stop::from(problem)
        }
    })?;
    Ok(go(&format!("/selling/{}/services", row.id)))
}

/// Takes one off the market.
pub async fn withdraw(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let text: String = visit.part(3)?;
    let (id, payee) = (Id::from_text(&text).ok_or(Stop::Missing)?, row.id);
    let app = &visit.site.app;
    let found = app.look_at_market(move |store| store.service(id)).await?;
    found.filter(|service| service.said.payee == payee).ok_or(Stop::Missing)?;
    visit.confirmed()?;
    app.look_at_market(move |store| store.withdraw(id)).await?;
    Ok(go(&format!("/selling/{payee}/services")))
}
