//! What a seller's gateways report, whatever it is about: whose it is, which gateway says it, and whether it was kept.

use crate::auth::Kind;
use crate::codes::Edge;
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::state::App;
use book::{KeyHolder, PayeeId, Reject};
use serde::de::DeserializeOwned;

/// Whether a report was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It was.
    All,
    /// The seller has too many of what is reported: nothing was.
    TooMany,
}

/// The seller of that name, whose own key has to have signed, and the report.
pub(crate) async fn report<T: DeserializeOwned>(
    app: &App,
    seller: &str,
    call: &Call,
) -> Answered<(PayeeId, T)> {
    let caller = app.caller(call, &[Kind::Payee]).await?;
    let payee: PayeeId = path_id(seller)?;
    let report = call.json()?;
    if caller.holder != KeyHolder::Payee(payee) {
        return Err(Reject::PayeeUnknown.into());
    }
    Ok((payee, report))
}

/// Refuses what is no name of a gateway: 8 to 64 letters, digits, `_` and `-`.
pub(crate) fn check_gateway(name: &str) -> Answered<()> {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-');
    if !(8..=64).contains(&name.len()) || !name.chars().all(plain) {
        return Err(Problem::from(Edge::TextMalformed).of("gateway"));
    }
    Ok(())
}
