//! `pay` and `status`: a quote is paid once, and what came of it is answered as often as it is asked for.

use super::{OfQuote, Token, text};
use crate::answer::{Asked, Next, Reply, Trouble};
use crate::desk::{Called, Inner};
use crate::kept::{Quoted, Stage};
use crate::limits::QUESTIONS_READ_MAX;
use crate::untrusted;
use protocols::Time;
use reqwest::header::CONTENT_TYPE;
use sdk::{PaymentOutcome, Purchase};
use serde_json::{Value, json};
use wire::{HoldId, Money};

/// Pays what was quoted, or answers what came of it.
pub(crate) async fn pay(desk: &Inner, arguments: OfQuote) -> Called {
    let token = arguments.quote;
    Ok(paid(desk, &token).await.unwrap_or_else(Reply::Not))
}

async fn paid(desk: &Inner, token: &Token) -> Result<Reply, Trouble> {
    let (stage, quoted) = desk.quoted(token)?;
    if let Some(answer) = &quoted.answer {
        return Ok(Reply::Done(again(answer.clone())));
    }
    match stage {
        Stage::Open if quoted.is_over(desk.client.clock().now()) => Err(over()),
        Stage::Open => {
            desk.kept.begin(&token.0, &quoted).await?;
            desk.buy(token, quoted).await
        }
        Stage::Begun => {
            let agent = desk.agent().await?;
            let last = agent.buyer.last_hold(&quoted.purchase)?;
            match last.filter(|last| last.is_asked) {
                Some(last) => match desk.answer_of(last.hold).await?.as_deref() {
                    Some("waiting") => Ok(Reply::Owner(desk.asked(last.hold, quoted.offer.price))),
                    Some("refused") => Err(refused_by_owner()),
                    Some("expired") | None => Err(expired_at_owner()),
                    Some(_) => desk.buy(token, quoted).await,
                },
                // It was to be paid, and the power went out before anything was sent.
                None if last.is_none() && quoted.is_over(desk.client.clock().now()) => Err(over()),
                None => desk.buy(token, quoted).await,
            }
        }
    }
}

impl Inner {
    /// Pays a quote that was begun.
    pub(super) async fn buy(&self, token: &Token, mut quoted: Quoted) -> Result<Reply, Trouble> {
        let agent = self.agent().await?;
        let bought = agent.buyer.fetch_offered(&quoted.fetch(), &quoted.offer).await?;
        let (word, hold) = match &bought.payment {
            PaymentOutcome::Refused(problem) => return Err(Trouble::from(&**problem)),
            PaymentOutcome::Asked(asked) => {
                let hold = asked.id.parse().map_err(|_| unknown())?;
                return Ok(Reply::Owner(self.asked(hold, quoted.offer.price)));
            }
            PaymentOutcome::Unknown(..) => return Err(unknown()),
            PaymentOutcome::NotNeeded => {
                let detail = "Nothing was spent: by now it costs nothing. Send the request yourself.";
                return Err(Trouble::new("costs_nothing", Next::Stop, detail));
            }
            PaymentOutcome::Held(hold) => ("held", *hold),
            PaymentOutcome::Paid(hold) => ("paid", *hold),
            PaymentOutcome::Returned(hold) => ("returned", *hold),
        };
        let answer = self.bought(&bought, word, hold, quoted.offer.price).await?;
        // Without the seller's answer, the next call asks for it again; the money is not asked for again.
        if bought.answer.as_ref().is_some_and(|answer| answer.status < 500) {
            quoted.answer = Some(answer.clone());
            self.kept.end(&token.0, &quoted).await?;
        }
        Ok(Reply::Done(answer))
    }

    /// What was bought, with its receipt.
    async fn bought(
        &self,
        bought: &Purchase,
        word: &str,
        hold: HoldId,
        price: Money,
    ) -> Result<Value, Trouble> {
        let entry = self.client.a402_trade(hold).await?.entry;
        let receipt = self.client.receipt(entry).await?;
        let mut answer = json!({
            "payment": word, "hold": hold, "price": price, "price_in_words": price.in_words(),
            "receipt": receipt, "repeated": false,
        });
        let members = answer.as_object_mut().expect("an answer is an object");
        match &bought.answer {
            Some(seller) => {
                members.insert("status".to_owned(), json!(seller.status));
                let media_type = seller.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                members.extend(untrusted::body(media_type, &seller.body));
            }
            None => {
                let detail =
                    "The seller's answer got lost. The same call again asks for it, and pays nothing.";
                members.insert("detail".to_owned(), json!(detail));
            }
        }
        if word == "returned" {
            let detail =
                "The seller did not deliver, and the money went back. Ask for a new quote to buy it anew.";
            members.insert("detail".to_owned(), json!(detail));
        }
        Ok(answer)
    }

    pub(super) fn asked(&self, question: HoldId, price: Money) -> Asked {
        Asked { question: question.to_string(), url: self.page("/approvals"), price: price.in_words() }
    }

    /// What the owner said to a question: `waiting`, `approved`, `refused`, `used` or `expired`; none if it is not known.
    pub(super) async fn answer_of(&self, question: HoldId) -> Result<Option<String>, Trouble> {
        let name = question.to_string();
        let page = self.client.questions(QUESTIONS_READ_MAX, None).await?;
        Ok(page.data.into_iter().find(|question| question.id == name).map(|question| question.status))
    }
}

/// Answers what became of a quote.
pub(crate) async fn status(desk: &Inner, arguments: OfQuote) -> Called {
    Ok(standing(desk, &arguments.quote).await.map_or_else(Reply::Not, Reply::Done))
}

async fn standing(desk: &Inner, token: &Token) -> Result<Value, Trouble> {
    let (stage, quoted) = desk.quoted(token)?;
    let mut answer = json!({
        "price": quoted.offer.price, "price_in_words": quoted.offer.price.in_words(), "payee": quoted.offer.payee,
    });
    let (status, hold) = match stage {
        Stage::Open if quoted.is_over(desk.client.clock().now()) => ("expired".to_owned(), None),
        Stage::Open => ("open".to_owned(), None),
        Stage::Begun => {
            let agent = desk.agent().await?;
            match agent.buyer.last_hold(&quoted.purchase)? {
                None => ("begun".to_owned(), None),
                Some(last) if last.is_asked => {
                    let said = desk.answer_of(last.hold).await?;
                    (format!("owner_{}", said.as_deref().unwrap_or("expired")), Some(last.hold))
                }
                Some(last) => (desk.client.hold(last.hold).await?.status, Some(last.hold)),
            }
        }
    };
    let members = answer.as_object_mut().expect("an answer is an object");
    if status == "owner_waiting" {
        members.insert("owner_url".to_owned(), json!(desk.page("/approvals")));
    }
    members.insert("status".to_owned(), json!(status));
    members.insert("expires_at".to_owned(), json!(text(Time(quoted.expires_at_nanos))));
    members.extend(hold.map(|hold| ("hold".to_owned(), json!(hold))));
    Ok(answer)
}

/// The same answer once more.
fn again(mut answer: Value) -> Value {
    if let Some(members) = answer.as_object_mut() {
        members.insert("repeated".to_owned(), json!(true));
    }
    answer
}

fn over() -> Trouble {
    Trouble::new("quote_expired", Next::Quote, "Nothing was spent: the quote has expired. Ask for a new one.")
}

fn refused_by_owner() -> Trouble {
    Trouble::new("approval_refused", Next::Stop, "Nothing was spent: the owner said no.")
}

fn expired_at_owner() -> Trouble {
    let detail =
        "Nothing was spent: the owner did not answer in time. Ask for a new quote if it is still wanted.";
    Trouble::new("approval_expired", Next::Quote, detail)
}

fn unknown() -> Trouble {
    let detail = "Nobody can say yet whether it was paid. The same call again asks, and pays nothing twice.";
    Trouble::new("outcome_unknown", Next::Same, detail)
}
