//! Looking at a service: what it asks for where nobody pays, and whom its host names. It is called as any buyer would who only
//! wants to know the price, so nothing is bought and nothing is done.

use super::rank::record;
use super::store::{Found, Service};
use crate::limits::{PROOF_BYTES_MAX, SERVICE_MILLIS_MAX};
use crate::problem::Answered;
use crate::routes::a402::read_bill;
use crate::state::App;
use crate::webhooks::address::{Reach, allowed, client};
use book::freeze::Status;
use http::StatusCode;
use protocols::a402::headers::PAYMENT_NEEDED;
use protocols::a402::wallet::Collection;
use serde::Deserialize;
use std::time::Duration;
use url::Url;
use wire::service::{ServiceMethod, ServiceState};

/// Tells a gateway that nobody is about to buy.
const PRICE_ONLY: &str = "tollbridge-price-only";

/// Where a host names the sellers whose services are called there.
pub const PROOF_PATH: &str = "/.well-known/tollbridge.json";

/// What a host says there; it may say more.
#[derive(Deserialize)]
struct Proof {
    payees: Vec<String>,
}

/// Looks at services.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    client: reqwest::Client,
    reach: Reach,
}

impl Prober {
    pub(super) fn new(reach: Reach) -> reqwest::Result<Prober> {
        Ok(Prober { client: client(reach, Duration::from_millis(SERVICE_MILLIS_MAX))?, reach })
    }

    /// What there is to find about a service now.
    pub(super) async fn look(&self, app: &App, service: &Service) -> Answered<Found> {
        let payee = service.said.payee;
        let view = move |view: &engine::View| {
            let Some(row) = view.payee(payee)? else { return Ok(None) };
            Ok(Some((row.status, record(view, payee)?)))
        };
        let (status, record) = app.ask(view).await?.unwrap_or((Status::Revoked, Default::default()));
        let at = Some(app.wall_clock());
        let Some(url) = allowed(&service.said.url, self.reach).filter(|_| status == Status::Active) else {
            return Ok(Found { state: ServiceState::NotSold, at, proved: false, record });
        };
        let (state, proved) =
            tokio::join!(self.ask_price(app, service, url.clone()), self.proves(service, url));
        Ok(Found { state, at, proved, record })
    }

    async fn ask_price(&self, app: &App, service: &Service, url: Url) -> ServiceState {
        let request = match service.said.method {
            ServiceMethod::Get => self.client.get(url),
            ServiceMethod::Post => {
                self.client.post(url).header("content-type", "application/json").body("{}")
            }
        };
        let Ok(answer) = request.header(PRICE_ONLY, "1").send().await else {
            return ServiceState::Unreachable;
        };
        if answer.status().is_server_error() {
            return ServiceState::Unreachable;
        }
        let needed = answer.headers().get(PAYMENT_NEEDED).and_then(|value| value.to_str().ok());
        let Some(needed) = needed.filter(|_| answer.status() == StatusCode::PAYMENT_REQUIRED) else {
            return ServiceState::NotSold;
        };
        let said = &service.said;
        match read_bill(app, needed) {
            Ok(bill) if bill.collection != Collection::Whole => ServiceState::NotSold,
            Ok(bill) => {
                let asset = crate::convert::asset_text(bill.asset);
                let is_as_said = (bill.payee, bill.amount, asset) == (said.payee, said.price, said.asset);
                if is_as_said { ServiceState::Open } else { ServiceState::PriceDiffers }
            }
            // Nobody who would be paid here has signed it.
            Err(_) => ServiceState::NotSold,
        }
    }

    async fn proves(&self, service: &Service, mut url: Url) -> bool {
        url.set_path(PROOF_PATH);
        url.set_query(None);
        let Ok(mut answer) = self.client.get(url).send().await else { return false };
        let mut text = Vec::new();
        while let Ok(Some(piece)) = answer.chunk().await {
            text.extend_from_slice(&piece);
            if PROOF_BYTES_MAX < text.len() {
                return false;
            }
        }
        let payee = service.said.payee.to_string();
        let proof: Result<Proof, _> = serde_json::from_slice(&text);
        answer.status().is_success() && proof.is_ok_and(|proof| proof.payees.contains(&payee))
    }
}
