//! Sellers who are asked in another way than over HTTP: the same request, the same bill and the same proof, in an envelope that
//! somebody else knows.

use super::{Buyer, Dialect, SellerAnswer};
use reqwest::header::HeaderMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A request to a seller, whose method and address are known to whoever asks.
#[derive(Clone, Debug)]
pub struct AskedElsewhere {
    /// Its headers, beside those of the payment.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// What was paid for it.
    pub paid: Option<Shown>,
}

/// A bill that was paid, and the proof of it: as their headers have them.
#[derive(Clone)]
pub struct Shown {
    pub(crate) dialect: Dialect,
    /// The bill.
    pub needed: String,
    /// The proof: whoever has it can use it.
    pub proof: String,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("needed", &self.needed).finish_non_exhaustive()
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<SellerAnswer, String>> + Send>>;

/// How such sellers are asked.
#[derive(Clone)]
pub struct Asking(Arc<dyn Fn(AskedElsewhere) -> Answering + Send + Sync>);

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}

impl Asking {
    /// Asks in this way. What it answers is what HTTP would have: a 402 has the bill in its header.
    pub fn new<A>(ask: impl Fn(AskedElsewhere) -> A + Send + Sync + 'static) -> Asking
    where
        A: Future<Output = Result<SellerAnswer, String>> + Send + 'static,
    {
        Asking(Arc::new(move |asked| Box::pin(ask(asked))))
    }

    pub(super) async fn ask(&self, asked: AskedElsewhere) -> Result<SellerAnswer, String> {
        (self.0)(asked).await
    }
}

impl Buyer {
    /// The same buyer, which fetches in this way. Its payment service it asks as before.
    pub fn asking(mut self, asking: Asking) -> Buyer {
        self.asking = Some(asking);
        self
    }
}
