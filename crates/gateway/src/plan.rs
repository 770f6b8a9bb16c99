//! What calls that were made would have earned under the prices of a configuration: exactly where that can be known, and
//! from the least to the most where it depends on answers that nobody kept.

use crate::config::Config;
use crate::pricing::{Period, Price};
use crate::route::{Path, Route};
use crate::tariff::{Measure, Tariff, Units};
use protocols::Time;
use std::collections::HashMap;
use std::sync::Arc;

/// One call, as an access log has it.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Its method.
    pub method: String,
    /// Its path, perhaps with a query.
    pub target: String,
    /// How it was answered.
    pub status: u16,
    /// How long the answer was.
    pub bytes: Option<u64>,
    /// Who called; free calls are counted by it.
    pub caller: Option<String>,
    /// When.
    pub at: Option<Time>,
}

/// What the calls of one route would have earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earned {
    /// Method and path of the route.
    pub route: String,
    /// Its price, in words.
    pub price: String,
    /// The calls that had an answer which counts as delivered.
    pub calls: u64,
    /// Those of them that were free for their callers.
    pub free: u64,
    /// The calls that would have cost nothing, since nothing was delivered.
    pub failed: u64,
    /// The least it would have been, in the asset's smallest unit.
    pub least_minor: u128,
    /// The most. The same as the least where every price is known.
    pub most_minor: u128,
}

/// Adds calls up.
#[derive(Debug)]
pub struct Plan<'a> {
    config: &'a Config,
    earned: HashMap<String, Earned>,
    used: HashMap<(String, String, String), u32>,
    /// The calls of routes that are free.
    pub given: u64,
    /// The calls that nobody would have been answered: not sold, or not by this method.
    pub not_sold: u64,
}

impl<'a> Plan<'a> {
    /// A plan for the prices of a configuration.
    pub fn new(config: &'a Config) -> Plan<'a> {
        Plan { config, earned: HashMap::new(), used: HashMap::new(), given: 0, not_sold: 0 }
    }

    /// Adds one call.
    pub fn add(&mut self, visit: &Visit) {
        let path = visit.target.split(['?', '#']).next().unwrap_or_default();
        let route = Path::read(path).map(|path| self.config.routes.route(&visit.method, &path));
        match route {
            Ok(Route::Priced(price)) => self.earn(&price, visit),
            Ok(Route::Free) => self.given += 1,
            // A `HEAD` is shown the price, and never settles.
            Ok(Route::PriceOnly(_) | Route::Refused | Route::MethodRefused(_)) | Err(_) => self.not_sold += 1,
        }
    }

    fn earn(&mut self, price: &Arc<Price>, visit: &Visit) {
        let route = price.offer.resource_id.as_str().to_owned();
        let delivered = (200..300).contains(&visit.status)
            || (price.charge_client_errors && (400..500).contains(&visit.status) && visit.status != 402);
        let (mut least, most) = cost(price, self.config, visit);
        let is_free = match (price.free_calls, &visit.caller, visit.at) {
            (Some(calls), Some(caller), Some(at)) if delivered => {
                let key = (route.clone(), caller.clone(), calls.per.of(at));
                self.take(key, calls.count)
            }
            (Some(calls), Some(caller), None) if delivered && calls.per == Period::Ever => {
                self.take((route.clone(), caller.clone(), String::new()), calls.count)
            }
            // On which day it was is not known; so it may have been free.
            (Some(_), Some(_), None) if delivered => {
                least = 0;
                false
            }
            (None | Some(_), _, _) => false,
        };
        let earned = self.earned.entry(route.clone()).or_insert_with(|| Earned {
            route,
            price: price.in_words.clone(),
            calls: 0,
            free: 0,
            failed: 0,
            least_minor: 0,
            most_minor: 0,
        });
        match (delivered, is_free) {
            (false, _) => earned.failed += 1,
            (true, true) => {
                earned.calls += 1;
                earned.free += 1;
            }
            (true, false) => {
                earned.calls += 1;
                earned.least_minor = earned.least_minor.saturating_add(least);
                earned.most_minor = earned.most_minor.saturating_add(most);
            }
        }
    }

    fn take(&mut self, key: (String, String, String), count: u32) -> bool {
        let used = self.used.entry(key).or_default();
        let is_free = *used < count;
        *used += u32::from(is_free);
        is_free
    }

    /// What each route would have earned, the most first.
    pub fn routes(&self) -> Vec<Earned> {
        let mut routes: Vec<Earned> = self.earned.values().cloned().collect();
        routes.sort_by(|a, b| (b.most_minor, &a.route).cmp(&(a.most_minor, &b.route)));
        routes
    }
}

/// What one answer cost, from the least it can have been to the most.
fn cost(price: &Price, config: &Config, visit: &Visit) -> (u128, u128) {
    match (&price.tariff, visit.bytes) {
        (Tariff::PerCall, _) => {
            let minor = price.minor(&config.seller.asset);
            (minor, minor)
        }
        (Tariff::PerUnit(metered), Some(bytes)) if metered.measure == Measure::Bytes => {
            let minor = metered.cost(Some(Units::whole(bytes))).minor;
            (minor, minor)
        }
        (Tariff::PerUnit(metered), _) => (metered.least_minor, metered.most_minor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller_at;

    const CONFIG: &str = r#"
[seller]
server = "http://127.0.0.1:8402"
payee = "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D"
key_file = "seller.json"
network = "toll:test"
public_url = "http://127.0.0.1:8410"
asset = "CNY/2"
data = "gateway"
[[price]]
method = "GET"
path = "/search"
amount = "0.03 CNY"
free_calls = { count = 2, per = "day" }
[[price]]
method = "GET"
path = "/file/*"
unit = "bytes"
every = 1000
rate = "0.01 CNY"
at_most = "0.50 CNY"
[[price]]
method = "POST"
path = "/render"
unit = { json = "/pages" }
rate = "0.01 CNY"
at_least = "0.02 CNY"
at_most = "0.30 CNY"
charge_client_errors = true
[[free]]
path = "/health"
"#;

    fn visit(line: &str) -> Visit {
        let words: Vec<&str> = line.split_whitespace().collect();
        Visit {
            method: words[0].to_owned(),
            target: words[1].to_owned(),
            status: words[2].parse().unwrap(),
            bytes: words[3].parse().ok(),
            caller: Some(caller_at(words[4].parse().unwrap())),
            at: words[5].parse().ok().map(Time::from_seconds),
        }
    }

    #[test]
    fn calls_earn_what_their_prices_say() {
        let config = Config::parse(CONFIG, std::path::Path::new("")).unwrap();
        let mut plan = Plan::new(&config);
        for line in [
            // Two are free a day and address; of version 6 one address is as good as its neighbour.
            "GET /search?q=1 200 5 10.0.0.1 100",
            "GET /search?q=2 200 5 10.0.0.1 200",
            "GET /search?q=3 200 5 10.0.0.1 300",
            "GET /search?q=4 500 5 10.0.0.1 400",
            "GET /search?q=5 200 5 10.0.0.1 90000",
            "GET /search 200 5 2001:db8::1 100",
            "GET /search 200 5 2001:db8::2 100",
            "GET /search 200 5 2001:db8::3 100",
            // On a day that nobody knows.
            "GET /search 200 5 10.0.0.9 -",
            "GET /file/a 200 1499 10.0.0.1 100",
            "GET /file/b 200 1500 10.0.0.1 100",
            "GET /file/c 200 - 10.0.0.1 100",
            "POST /render 200 5 10.0.0.1 100",
            "POST /render 422 5 10.0.0.1 100",
            "POST /render 402 5 10.0.0.1 100",
            "GET /health 200 5 10.0.0.1 100",
            "GET /elsewhere 200 5 10.0.0.1 100",
            "DELETE /search 200 5 10.0.0.1 100",
            "HEAD /search 200 5 10.0.0.1 100",
            "GET /a/../search 200 5 10.0.0.1 100",
        ] {
            plan.add(&visit(line));
        }
        let found: Vec<String> = plan
            .routes()
            .iter()
            .map(|it| {
                let Earned { route, calls, free, failed, least_minor, most_minor, .. } = it;
                format!("{route}: {calls} {free} {failed} {least_minor}-{most_minor}")
            })
            .collect();
        assert_eq!(found, ["POST /render: 2 0 1 4-60", "GET /file/*: 3 0 0 3-53", "GET /search: 8 5 1 6-9"]);
        assert_eq!((plan.given, plan.not_sold), (1, 4));
    }
}
