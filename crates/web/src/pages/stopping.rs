//! Freezing, pausing and ending: one tap stops; going on again takes a passkey.

use crate::page::{Shown, Stop, go};
use crate::visit::Visit;
use book::{Action, AgentId, Freeze, MandateId, Revoke, Subject, Unfreeze, WalletId};

/// Stops everything of the owner's. No question, no passkey.
pub async fn freeze(visit: &Visit) -> Shown {
    let subject = Subject::Owner(visit.owner()?);
    let caller = visit.caller()?;
    visit.site.app.execute(&caller, visit.change()?, Action::Freeze(Freeze { subject })).await?;
    Ok(go("/"))
}

/// Lets everything go on.
pub async fn unfreeze(visit: &Visit) -> Shown {
    let subject = Subject::Owner(visit.owner()?);
    let caller = visit.confirmed()?;
    visit.site.app.execute(&caller, visit.change()?, Action::Unfreeze(Unfreeze { subject })).await?;
    Ok(go("/"))
}

/// Stops an agent, a rule or a wallet.
pub async fn pause(visit: &Visit) -> Shown {
    let (subject, back) = subject(visit)?;
    let caller = visit.caller()?;
    visit.site.app.execute(&caller, visit.change()?, Action::Freeze(Freeze { subject })).await?;
    Ok(go(&back))
}

/// Lets it go on.
pub async fn resume(visit: &Visit) -> Shown {
    let (subject, back) = subject(visit)?;
    let caller = visit.confirmed()?;
    visit.site.app.execute(&caller, visit.change()?, Action::Unfreeze(Unfreeze { subject })).await?;
    Ok(go(&back))
}

/// Ends an agent or a rule for good.
pub async fn end(visit: &Visit) -> Shown {
    let (subject, back) = subject(visit)?;
    let caller = visit.caller()?;
    visit.site.app.execute(&caller, visit.change()?, Action::Revoke(Revoke { subject })).await?;
    Ok(go(&back))
}

/// What the form names, and the page it is on. Whose it is, the book checks.
fn subject(visit: &Visit) -> Result<(Subject, String), Stop> {
    let text = visit.field("subject");
    let found = match text.split_once('_').map(|(prefix, _)| prefix) {
        Some("agt") => text.parse().ok().map(|it: AgentId| (Subject::Agent(it), format!("/agents/{it}"))),
        Some("mdt") => text.parse().ok().map(|it: MandateId| (Subject::Mandate(it), "/rules".to_owned())),
        Some("wal") => text.parse().ok().map(|it: WalletId| (Subject::Wallet(it), "/money".to_owned())),
        Some(_) | None => None,
    };
    found.ok_or(Stop::Malformed)
}
