//! The market: services that sellers offer, for agents to find.
//!
//! What a seller says of a service is kept in a file beside the journal, for it moves no money. The server looks at each
//! service again and again: whether it asks for the price that was said, signed by its seller, and whether its host names
//! that seller. Only what does is found, and what is found stands in the order of what buyers got for their money.
//!
//! Reading order: [`store`] what is kept, `probe` how a service is looked at, `rank` what its place comes from, `alike` which
//! names are refused.

mod alike;
pub mod probe;
pub mod rank;
pub mod store;

use crate::limits::{SERVICE_AGAIN_SECONDS, SERVICE_LOOKS_MAX};
use crate::state::App;
use crate::webhooks::Reach;
use book::Time;
use probe::Prober;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Service, Store};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What is offered, and who looks at it.
#[derive(Debug)]
pub struct Market {
    /// What is kept.
    pub store: Store,
    /// Something is to be looked at sooner than was thought.
    sooner: Notify,
    reach: Reach,
}

impl Market {
    /// Opens the file of the market. Services are looked at as far as `reach`.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path, reach: Reach) -> rusqlite::Result<Market> {
        Ok(Market { store: Store::open(path)?, sooner: Notify::new(), reach })
    }

    /// How far services are looked at.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Looks at what is due at once.
    pub fn hurry(&self) {
        self.sooner.notify_one();
    }
}

/// Looks at services for as long as the server runs.
///
/// # Errors
/// Where TLS cannot be set up.
pub fn run(app: App) -> reqwest::Result<impl Future<Output = ()> + Send> {
    let prober = Prober::new(app.market.reach)?;
    Ok(async move {
        loop {
            let due = due(&app).await;
            let is_more = SERVICE_LOOKS_MAX <= due.len();
            let mut looking = JoinSet::new();
            for service in due {
                looking.spawn(look(app.clone(), prober.clone(), service));
            }
            while looking.join_next().await.is_some() {}
            if !is_more {
                let _woken = tokio::time::timeout(Duration::from_secs(1), app.market.sooner.notified()).await;
            }
        }
    })
}

async fn due(app: &App) -> Vec<Service> {
    let (state, now) = (Arc::clone(app), app.wall_clock());
    let limit = u32::try_from(SERVICE_LOOKS_MAX).unwrap_or(u32::MAX);
    let found = tokio::task::spawn_blocking(move || state.market.store.due(now, limit)).await;
    match found {
        Ok(Ok(found)) => found,
        Ok(Err(fault)) => {
            tracing::error!(%fault, "what is to be looked at cannot be read");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

async fn look(app: App, prober: Prober, service: Service) {
    let id = service.said.id;
    // What could not be found out stays as it was found before.
    let found = prober.look(&app, &service).await.unwrap_or(service.found);
    let again = app.wall_clock().after(Time::from_seconds(SERVICE_AGAIN_SECONDS).0);
    let state = Arc::clone(&app);
    let kept = tokio::task::spawn_blocking(move || state.market.store.looked(id, &found, again)).await;
    if let Ok(Err(fault)) = kept {
        tracing::error!(%fault, "what was found at a service was not kept: it is looked at again");
    }
}
