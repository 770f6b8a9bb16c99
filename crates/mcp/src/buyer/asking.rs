//! `request_approval` and `report_problem`: what an agent may ask for, and never decide.

use super::Token;
use crate::answer::{Next, Reply, Trouble};
use crate::desk::{Called, Inner};
use crate::kept::Stage;
use crate::limits::WHY_CHARS_MAX;
use serde::Deserialize;
use serde_json::json;
use wire::RequestId;

/// What `request_approval` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalArguments {
    quote: Token,
    why: Option<String>,
}

/// What `report_problem` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemArguments {
    quote: Token,
    problem: Objection,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Objection {
    NotDelivered,
    Wrong,
    TooMuch,
    NotMe,
}

impl Objection {
    fn in_words(self) -> &'static str {
        match self {
            Objection::NotDelivered => "not delivered",
            Objection::Wrong => "wrong",
            Objection::TooMuch => "too much",
            Objection::NotMe => "not asked for",
        }
    }
}

/// Puts a question before the owner, where the limits ask.
pub(crate) async fn request_approval(desk: &Inner, arguments: ApprovalArguments) -> Called {
    let ApprovalArguments { quote, why } = arguments;
    if why.as_ref().is_some_and(|why| why.is_empty() || WHY_CHARS_MAX < why.chars().count()) {
        return Err("`why` has 1 to 200 characters".to_owned());
    }
    Ok(brought(desk, &quote, why).await.unwrap_or_else(Reply::Not))
}

async fn brought(desk: &Inner, token: &Token, why: Option<String>) -> Result<Reply, Trouble> {
    let (stage, mut quoted) = desk.quoted(token)?;
    let agent = desk.renew_agent().await?;
    match stage {
        Stage::Begun => {
            let last = agent.buyer.last_hold(&quoted.purchase)?;
            let Some(last) = last.filter(|last| last.is_asked) else {
                let detail = "It was to be paid already. Call `pay` with the same quote, or `status`.";
                return Ok(Reply::Done(json!({"approval": "not_needed", "detail": detail})));
            };
            let said = desk.answer_of(last.hold).await?;
            if said.as_deref() == Some("waiting") {
                return Ok(Reply::Owner(desk.asked(last.hold, quoted.offer.price)));
            }
            let said = said.unwrap_or_else(|| "expired".to_owned());
            Ok(Reply::Done(json!({"approval": said, "detail": "Call `pay` with the same quote."})))
        }
        Stage::Open if quoted.is_over(desk.client.clock().now()) => {
            let detail = "Nothing was asked: the quote has expired. Ask for a new one.";
            Err(Trouble::new("quote_expired", Next::Quote, detail))
        }
        Stage::Open if desk.asks_about(&agent, quoted.offer.price).await? => {
            quoted.why = why;
            desk.kept.begin(&token.0, &quoted).await?;
            desk.buy(token, quoted).await
        }
        Stage::Open => {
            let detail = "The limits do not ask the owner about this. Call `pay` with the same quote.";
            Ok(Reply::Done(json!({"approval": "not_needed", "detail": detail})))
        }
    }
}

/// Objects to what was bought, while the money is held.
pub(crate) async fn report_problem(desk: &Inner, arguments: ProblemArguments) -> Called {
    Ok(reported(desk, &arguments).await.unwrap_or_else(Reply::Not))
}

async fn reported(desk: &Inner, arguments: &ProblemArguments) -> Result<Reply, Trouble> {
    let (_, quoted) = desk.quoted(&arguments.quote)?;
    let agent = desk.agent().await?;
    let last = agent.buyer.last_hold(&quoted.purchase)?;
    let Some(last) = last.filter(|last| !last.is_asked) else {
        let detail = "Nothing was spent for this quote, so there is nothing to object to.";
        return Err(Trouble::new("nothing_bought", Next::Stop, detail));
    };
    let words = arguments.problem.in_words();
    let owner_url = desk.page("/activity");
    match desk.client.dispute(RequestId(desk.client.fresh_id()), last.hold).await {
        Ok(_) => Ok(Reply::Done(json!({
            "is_disputed": true, "hold": last.hold, "problem": words, "owner_url": owner_url,
            "detail": "Nothing is paid out by itself now: the owner decides, or the money goes back in time.",
        }))),
        Err(sdk::Failure::Refused(problem)) => Ok(Reply::Done(json!({
            "is_disputed": false, "hold": last.hold, "problem": words, "owner_url": owner_url,
            "code": problem.code, "status": desk.client.hold(last.hold).await?.status,
            "detail": "It cannot be held back by an agent. Tell the person: the owner and the seller can give money back.",
        }))),
        Err(failure) => Err(failure.into()),
    }
}
