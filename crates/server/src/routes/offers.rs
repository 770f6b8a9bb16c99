//! Offers: a seller's gateways report how many demands they made.

use crate::answer::json;
use crate::codes::Edge;
use crate::limits::{OFFERS_DAYS_MAX, OFFERS_DEMANDS_MAX};
use crate::problem::{Answered, Problem};
use crate::reported::{Kept, check_gateway, report};
use crate::request::Call;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{PayeeId, Reject};
use http::StatusCode;
use jiff::civil::Date;
use jiff::{Timestamp, tz};
use wire::offers::{NewOffers, Offers};

/// Keeps how many demands a gateway of the seller's made. Counts are absolute, so the same report may be sent again; it
/// changes nothing in the book and uses up no nonce.
#[utoipa::path(post, path = "/v1/payees/{id}/offers", tag = "accounts", request_body = NewOffers,
    params(("id" = wire::PayeeId, Path)), responses((status = 200, description = "Kept", body = Offers)))]
pub async fn report_offers(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let (payee, report): (_, NewOffers) = report(&app, &text, &call).await?;
    let malformed = |param| Problem::from(Edge::TextMalformed).of(param);
    check_gateway(&report.gateway)?;
    let today = today(&app);
    let days = report.days.iter().map(|it| {
        let day: Date = it.day.parse().ok().filter(|day: &Date| day.to_string() == it.day)?;
        let days = day.since(today).ok()?.get_days();
        // A week for those that could not be reported at once, and a day for clocks that differ.
        ((-7..=1).contains(&days) && it.demands <= OFFERS_DEMANDS_MAX).then_some((day, it.demands))
    });
    let days: Option<Vec<(Date, u64)>> = days.collect();
    let days =
        days.filter(|days| (1..=OFFERS_DAYS_MAX).contains(&days.len())).ok_or_else(|| malformed("days"))?;
    let (state, gateway, count) = (app.clone(), report.gateway, days.len());
    let kept = app
        .reads
        .aside(move || {
            state.offers.keep(payee, &gateway, &days, today).map_err(|fault| {
                tracing::error!(%fault, "a report of a gateway cannot be kept");
                Problem::from(Edge::Internal)
            })
        })
        .await?;
    match kept {
        Kept::All => {
            let days = u64::try_from(count).unwrap_or_default();
            Ok(json(StatusCode::OK, &Offers { days, livemode: app.livemode }))
        }
        Kept::TooMany => Err(Reject::TooMany.into()),
    }
}

/// What day it is, of UTC, on the clock outside.
fn today(app: &App) -> Date {
    let now = Timestamp::from_nanosecond(i128::from(app.wall_clock().0)).unwrap_or_default();
    now.to_zoned(tz::TimeZone::UTC).date()
}

impl crate::state::State {
    /// How many demands a seller's gateways reported from so many days ago on, and how many purchases were made on demands
    /// since; none where no gateway ever reported.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn offered(self: &App, payee: PayeeId, back: Option<i64>) -> Answered<Option<(u64, u64)>> {
        let (state, today) = (self.clone(), today(self));
        let since = back.map_or(Date::MIN, |back| today.saturating_sub(jiff::Span::new().days(back)));
        let begins = since.to_zoned(tz::TimeZone::UTC).map(|start| start.timestamp().as_millisecond());
        let begins = begins.ok().and_then(|millis| u64::try_from(millis).ok()).unwrap_or_default();
        let read = self.reads.aside(move || {
            let unreadable = |fault: rusqlite::Error| {
                tracing::error!(%fault, "what gateways reported cannot be read");
                Problem::from(Edge::Internal)
            };
            let Some(demands) = state.offers.demands(payee, since).map_err(unreadable)? else {
                return Ok(None);
            };
            let bought = state.bodies.count_sold(payee, begins).map_err(unreadable)?;
            Ok(Some((demands, bought)))
        });
        read.await
    }
}
