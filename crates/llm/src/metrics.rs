//! What the gateway did since it was started.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was counted.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Declares the counters, each with its line for people and programs.
macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        /// Counters.
        #[derive(Debug, Default)]
        pub struct Metrics {$(
            $(#[doc = $doc])*
            pub $name: Counter,
        )*}

        impl Metrics {
            pub(crate) fn text(&self) -> String {
                let mut text = String::new();
                $(
                    let name = concat!("tollbridge_llm_", stringify!($name), "_total");
                    text.push_str(&format!("# HELP {name}{}\n# TYPE {name} counter\n", concat!($($doc)*)));
                    text.push_str(&format!("{name} {}\n", self.$name.get()));
                )*
                text
            }
        }
    };
}

counters! {
    /// Requests of any kind.
    requests;
    /// Requests that were answered with a refusal of ours.
    refused;
    /// Calls that were passed to the upstream.
    calls;
    /// Calls whose answer was whole.
    done;
    /// Calls whose caller left, or whose answer broke off.
    cut;
    /// Callers who left before their stream was over.
    left;
    /// Calls whose usage was estimated.
    estimated;
    /// Calls whose reported usage was beyond what the call could reach, and did not count.
    beyond_reach;
    /// Answers that were given a second time.
    repeated;
    /// Deposits that were taken.
    deposits;
    /// Charges that the payment service was told.
    charges;
    /// Meters that were settled.
    settled;
    /// Meters that could not be charged any more.
    unsettled;
    /// Calls that a crash cut, found when the gateway was started.
    recovered;
}
