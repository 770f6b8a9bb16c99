//! Counters of what the gateway did, in the text that Prometheus reads.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it happened.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($name:ident $about:literal;)*) => {
        /// What the gateway did since it was started.
        #[derive(Debug, Default)]
        pub struct Metrics { $(#[doc = $about] pub $name: Counter,)* }

        impl Metrics {
            /// The counters as text.
            pub fn text(&self) -> String {
                let mut text = String::new();
                $(
                    let name = concat!("tollbridge_gateway_", stringify!($name), "_total");
                    let value = self.$name.get();
                    writeln!(text, "# HELP {name} {}\n# TYPE {name} counter\n{name} {value}", $about)
                        .expect("a string can be written to");
                )*
                text
            }
        }
    };
}

counters! {
    requests "Requests of any kind.";
    bills "Answers 402 with a bill to a request without a proof.";
    looks "Bills among them for whoever only wanted to know the price.";
    proofs_refused "Proofs that did not count.";
    unavailable "Requests that could not be served because a service or store was away.";
    upstream_calls "Calls of the upstream that were paid for.";
    delivered "Paid requests that were delivered for the first time.";
    redelivered "Answers that were given again for a proof that was used.";
    failed "Paid requests that were not delivered, and not charged.";
    confirmed "Deliveries that the payment service has paid out.";
    voided "Failed deliveries whose money went back.";
    unsettled "Deliveries that the payment service refused to pay out.";
    streamed "Paid answers that were passed on as they came.";
    unmeasured "Answers in which the units of their price could not be counted; they cost the least.";
    free "Requests that cost nothing.";
    free_calls "Requests that a caller had free.";
    vouchers "Calls that were delivered for a voucher.";
    vouchers_refused "Vouchers that did not count.";
    claims "Claims that the payment service has counted.";
    channels_lost "Channels that ended before all that was owed on them was claimed.";
    coupons "Bills that were lower for a coupon.";
    refused "Requests that are not sold, or cannot be routed.";
}
