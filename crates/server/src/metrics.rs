//! Metrics: counters for whoever operates the server, in the text format of OpenMetrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// What is counted by route and status.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: String,
    status: u16,
}

/// What is counted by follower.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Behind {
    follower: &'static str,
}

/// Every metric.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Histogram,
    entries: Gauge,
    behind: Family<Behind, Gauge>,
    panics: Counter,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("tollbridge");
        let requests = Family::<Answered, Counter>::default();
        registry.register("http_requests", "Requests that were answered", requests.clone());
        let seconds = Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0]);
        registry.register("http_request_seconds", "How long answers took", seconds.clone());
        let entries = Gauge::default();
        registry.register("journal_entries", "Entries that are durable", entries.clone());
        let behind = Family::<Behind, Gauge>::default();
        registry.register("follower_behind_entries", "Entries a follower has not seen", behind.clone());
        let panics = Counter::default();
        registry.register("http_panics", "Requests that failed by our fault", panics.clone());
        Metrics { registry, requests, seconds, entries, behind, panics }
    }
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = Answered { route: route.to_owned(), method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a panic.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// The text, with where the journal and its followers are now.
    pub fn text(&self, entries: u64, positions: &[(&'static str, book::Seq)]) -> String {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        for (follower, position) in positions {
            let behind = i64::try_from(entries.saturating_sub(position.0)).unwrap_or(i64::MAX);
            self.behind.get_or_create(&Behind { follower }).set(behind);
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}
