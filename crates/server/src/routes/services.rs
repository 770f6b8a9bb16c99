//! Services: what sellers offer on the market, and what agents find there.

use crate::answer::json;
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{amount, bits, code, id, money, registered, time_text};
use crate::limits::{SERVICE_PRICE_MINOR_MAX, SERVICE_SCHEMA_BYTES_MAX, SERVICE_SKIP_MAX, SERVICE_WORDS_MAX};
use crate::market::store::{Described, Kept, Search, Service, Store};
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::routes::intents::draft::unreadable;
use crate::routes::{Window, query, window};
use crate::state::{App, State as Server};
use crate::webhooks::address;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Id, PayeeId, Reject, Seq};
use http::StatusCode;
use wire::limits::{SERVICE_DESCRIPTION_CHARS_MAX, SERVICE_NAME_CHARS_MAX};
use wire::list::Page;
use wire::service::{NewService, ServiceQuery, ServiceRecord};

const WHOSE: &[Kind] = &[Kind::Payee, Kind::Owner];

/// Offers a service on the market. It is found once it asks for the price that was said.
#[utoipa::path(post, path = "/v1/services", tag = "services", request_body = NewService,
    responses((status = 201, description = "It is offered", body = wire::service::Service)))]
pub async fn create_service(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, WHOSE).await?;
    let new: NewService = call.json()?;
    let payee = app.seller_named(&caller, new.payee).await?;
    let service = app.offer_service(&caller, payee, new).await?;
    Ok(json(StatusCode::CREATED, &app.service_text(&service)?))
}

/// Services that are open, the best first: by what buyers of their sellers got for their money.
#[utoipa::path(get, path = "/v1/services", tag = "services", params(ServiceQuery),
    responses((status = 200, description = "A page", body = Page<wire::service::Service>)))]
pub async fn search_services(State(app): State<App>, call: Call) -> Answered<Response> {
    app.caller(&call, Kind::ALL).await?;
    let asked: ServiceQuery = query(&call)?;
    let Window { cursor, limit } = window(asked.limit, asked.cursor)?;
    // Places change from one look to the next, so a cursor is how many were shown.
    let skip = cursor.map_or(Some(0), |Seq(shown)| u32::try_from(shown).ok());
    let skip = skip.filter(|skip| *skip <= SERVICE_SKIP_MAX);
    let skip = skip.ok_or_else(|| Problem::from(Edge::CursorInvalid).of("cursor"))?;
    let words: Vec<String> =
        asked.query.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect();
    if SERVICE_WORDS_MAX < words.len() {
        return Err(Problem::from(Edge::ParamMalformed).of("query"));
    }
    if asked.max_price.is_some() && asked.asset.is_none() {
        return Err(Problem::from(Edge::ParamMalformed).of("asset").because("A price is in an asset."));
    }
    let search = Search {
        words,
        category: asked.category,
        asset: asked.asset,
        price_max: asked.max_price.map(amount),
    };
    let mut found = app.look_at_market(move |store| store.search(&search, skip, limit + 1)).await?;
    let is_more = limit < found.len();
    found.truncate(limit);
    let next_cursor = is_more.then(|| (usize::try_from(skip).unwrap_or(0) + limit).to_string());
    let data = found.iter().map(|service| app.service_text(service)).collect::<Answered<_>>()?;
    Ok(json(StatusCode::OK, &Page { data, next_cursor, livemode: app.livemode }))
}

/// A service.
#[utoipa::path(get, path = "/v1/services/{id}", tag = "services", params(("id" = wire::ServiceId, Path)),
    responses((status = 200, description = "The service", body = wire::service::Service)))]
pub async fn get_service(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    app.caller(&call, Kind::ALL).await?;
    Ok(json(StatusCode::OK, &app.service_text(&app.service(&text).await?)?))
}

/// The services of a seller, oldest first, those too that nobody finds.
#[utoipa::path(get, path = "/v1/payees/{id}/services", tag = "services", params(("id" = wire::PayeeId, Path)),
    responses((status = 200, description = "The services", body = Page<wire::service::Service>)))]
pub async fn list_services(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, WHOSE).await?;
    let payee: PayeeId = path_id(&text)?;
    app.check_seller(&caller, payee).await?;
    let found = app.look_at_market(move |store| store.services_of(payee)).await?;
    let data = found.iter().map(|service| app.service_text(service)).collect::<Answered<_>>()?;
    Ok(json(StatusCode::OK, &Page { data, next_cursor: None, livemode: app.livemode }))
}

/// Takes a service off the market, for good.
#[utoipa::path(post, path = "/v1/services/{id}/withdraw", tag = "services", params(("id" = wire::ServiceId, Path)),
    responses((status = 201, description = "Nobody finds it any more", body = wire::service::Service)))]
pub async fn withdraw_service(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, WHOSE).await?;
    let service = app.service(&text).await?;
    let unknown = |_| Problem::from(Edge::ServiceUnknown);
    app.check_seller(&caller, service.said.payee).await.map_err(unknown)?;
    call.no_body()?;
    app.present(&caller).await?;
    let name = service.said.id;
    app.look_at_market(move |store| store.withdraw(name)).await?;
    Ok(json(StatusCode::CREATED, &app.service_text(&app.service(&text).await?)?))
}

/// What a seller says of a service, checked.
fn described(app: &App, payee: PayeeId, new: NewService) -> Answered<Described> {
    let malformed = |param| Problem::from(Edge::ServiceMalformed).of(param);
    let is_line =
        |text: &str| !text.trim().is_empty() && text == text.trim() && !text.contains(['\n', '\r', '\t']);
    let is_text = |text: &str, chars_max: usize| {
        text.chars().count() <= chars_max && is_line(text) && intent::hidden_letter(text).is_none()
    };
    let has_letters = new.name.chars().any(char::is_alphanumeric);
    if !has_letters || !is_text(&new.name, SERVICE_NAME_CHARS_MAX) {
        return Err(malformed("name"));
    }
    if !is_text(&new.description, SERVICE_DESCRIPTION_CHARS_MAX) {
        return Err(malformed("description"));
    }
    code(&new.category, "category")?;
    address::allowed(&new.url, app.market.reach()).ok_or_else(|| malformed("url"))?;
    registered(&app.directory, new.price.asset, "price.asset")?;
    let price = amount(new.price.amount);
    if !(1..=SERVICE_PRICE_MINOR_MAX).contains(&price.minor()) {
        return Err(malformed("price"));
    }
    let is_schema = |text: &String| {
        let parsed = serde_json::from_str(text);
        text.len() <= SERVICE_SCHEMA_BYTES_MAX && parsed.is_ok_and(|it: serde_json::Value| it.is_object())
    };
    for (schema, param) in [(&new.input_schema, "input_schema"), (&new.output_schema, "output_schema")] {
        if schema.as_ref().is_some_and(|text| !is_schema(text)) {
            return Err(malformed(param));
        }
    }
    Ok(Described {
        id: id(new.id.0),
        payee,
        name: new.name,
        description: new.description,
        category: new.category,
        method: new.method,
        url: new.url,
        price,
        asset: new.price.asset,
        input: new.input_schema,
        output: new.output_schema,
    })
}

impl Server {
    /// Puts a service of a seller on the market. The same again is the same service.
    ///
    /// # Errors
    /// [`Edge::ServiceMalformed`], [`Edge::ServiceNameAlike`], [`Reject::TooMany`], [`Reject::IdReused`].
    pub async fn offer_service(
        self: &App,
        caller: &Caller,
        payee: PayeeId,
        new: NewService,
    ) -> Answered<Service> {
        let (said, now) = (described(self, payee, new)?, self.wall_clock());
        self.present(caller).await?;
        let kept = self.look_at_market(move |store| store.keep(&said, now)).await?;
        match kept {
            Kept::There(service) => {
                self.market.hurry();
                Ok(*service)
            }
            Kept::TooMany => Err(Reject::TooMany.into()),
            Kept::Other => Err(Reject::IdReused.into()),
            Kept::Alike(other) => Err(Problem::from(Edge::ServiceNameAlike)
                .of("name")
                .because(format!("It looks like “{other}”."))),
        }
    }

    /// Asks the market's file something, where that may wait for the disk.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn look_at_market<T: Send + 'static>(
        self: &App,
        look: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answered<T> {
        let state = self.clone();
        self.reads.aside(move || look(&state.market.store).map_err(|fault| unreadable(&fault))).await
    }

    async fn service(self: &App, text: &str) -> Answered<Service> {
        let name: wire::ServiceId = path_id(text)?;
        let name: Id = id(name.0);
        let found = self.look_at_market(move |store| store.service(name)).await?;
        found.ok_or_else(|| Edge::ServiceUnknown.into())
    }

    /// A service as it is shown.
    fn service_text(&self, service: &Service) -> Answered<wire::service::Service> {
        let (said, found) = (&service.said, &service.found);
        let asset = registered(&self.directory, said.asset, "price.asset")?;
        Ok(wire::service::Service {
            id: wire::ServiceId(bits(said.id)),
            payee: wire::PayeeId(bits(said.payee.0)),
            name: said.name.clone(),
            description: said.description.clone(),
            category: said.category.clone(),
            method: said.method,
            url: said.url.clone(),
            price: money(said.price, asset),
            input_schema: said.input.clone(),
            output_schema: said.output.clone(),
            made_at: time_text(service.made_at),
            state: found.state,
            checked_at: found.at.map(time_text),
            domain_proved: found.proved,
            record: ServiceRecord {
                purchases: found.record.purchases,
                delivered: found.record.delivered,
                buyers: found.record.buyers,
            },
            livemode: self.livemode,
        })
    }
}
