//! The seller's tools: ask for money by a link, see what came in, and give money back once for each number.

use crate::answer::{Next, Reply, Trouble};
use crate::desk::{Called, Inner};
use crate::kept::KeptRefund;
use crate::limits::REFUND_NUMBER_BYTES_MAX;
use protocols::Time;
use protocols::a402::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use wire::link::{Link, LinkPayer, NewLink};
use wire::payment::NewRefund;
use wire::{AmountText, AssetText, LinkId, Money, PaymentId, RefundId};

/// What `create_payment_link` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkArguments {
    amount: AmountText,
    asset: AssetText,
    what: String,
    #[serde(default = "once")]
    uses: u32,
    #[serde(default = "a_day")]
    valid_for_seconds: u32,
}

/// What `query_payment` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentArguments {
    payment: String,
}

/// What `refund` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundArguments {
    refund_no: Number,
    payment: String,
    amount: AmountText,
    asset: AssetText,
}

/// What `query_refund` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberArguments {
    refund_no: Number,
}

/// The seller's own number of a refund.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Number(String);

impl TryFrom<String> for Number {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Number, Self::Error> {
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if text.is_empty() || REFUND_NUMBER_BYTES_MAX < text.len() || !is_plain {
            return Err("not a number of a refund");
        }
        Ok(Number(text))
    }
}

fn once() -> u32 {
    1
}

fn a_day() -> u32 {
    86_400
}

/// Opens a payment link.
pub(crate) async fn create_payment_link(desk: &Inner, arguments: LinkArguments) -> Called {
    let LinkArguments { amount, asset, what, uses, valid_for_seconds } = arguments;
    let until = desk.client.clock().now().after(Time::from_seconds(u64::from(valid_for_seconds)).0);
    let new = NewLink {
        id: LinkId(desk.client.fresh_id()),
        payee: None,
        split: None,
        least: Money { amount, asset },
        most: None,
        uses: Some(uses),
        until: DateTime::second_of(until).as_str().to_owned(),
        by: LinkPayer::Anyone,
        what,
    };
    Ok(match desk.client.open_link(&new).await {
        Ok(done) => Reply::Done(json!({
            "payment_link": new.id, "url": desk.page(&format!("/pay/{}", new.id)), "price": new.least,
            "price_in_words": new.least.in_words(), "uses": uses, "until": new.until, "entry": done.entry,
        })),
        Err(failure) => Reply::Not(failure.into()),
    })
}

/// How a payment, a hold, a meter or a link stands.
pub(crate) async fn query_payment(desk: &Inner, arguments: PaymentArguments) -> Called {
    let client = &desk.client;
    let malformed = || "`payment` is no payment, hold, meter or payment link".to_owned();
    let name = arguments.payment.as_str();
    let found = match name.get(..4) {
        Some("pay_") => {
            let id: PaymentId = name.parse().map_err(|_| malformed())?;
            client.payment(id).await.map(|state| json!(state))
        }
        Some("hld_") => client.hold(name.parse().map_err(|_| malformed())?).await.map(|state| json!(state)),
        Some("mtr_") => client.meter(name.parse().map_err(|_| malformed())?).await.map(|state| json!(state)),
        Some("lnk_") => client.link(name.parse().map_err(|_| malformed())?).await.map(|link| shown(&link)),
        Some(_) | None => return Err(malformed()),
    };
    Ok(found.map_or_else(|failure| Reply::Not(failure.into()), Reply::Done))
}

/// A link without the words of others.
fn shown(link: &Link) -> Value {
    let terms = &link.terms;
    json!({
        "payment_link": terms.id, "status": terms.status, "least": terms.least, "most": terms.most,
        "uses_left": terms.uses_left, "until": terms.until, "used": link.used, "paid": link.paid,
    })
}

/// Gives money back, once for each number.
pub(crate) async fn refund(desk: &Inner, arguments: RefundArguments) -> Called {
    Ok(refunded(desk, &arguments).await.unwrap_or_else(Reply::Not))
}

async fn refunded(desk: &Inner, arguments: &RefundArguments) -> Result<Reply, Trouble> {
    let number = &arguments.refund_no.0;
    let amount = Money { amount: arguments.amount, asset: arguments.asset };
    let mut kept = match desk.kept.refund(number)? {
        Some(kept) => kept,
        None => {
            let id = RefundId(desk.client.fresh_id());
            let refund = NewRefund { id, payment: arguments.payment.clone(), amount };
            // The name is on disk before it is sent: the same number is the same refund after a crash, too.
            desk.kept.begin_refund(number, &KeptRefund { refund, answer: None }).await?
        }
    };
    if kept.refund.payment != arguments.payment || kept.refund.amount != amount {
        let detail = "Nothing was given back: this `refund_no` stands for another refund.";
        return Err(Trouble::new("refund_no_reused", Next::Stop, detail));
    }
    if let Some(answer) = kept.answer {
        return Ok(Reply::Done(answer));
    }
    let answer = json!(desk.client.refund(&kept.refund).await?);
    kept.answer = Some(answer.clone());
    desk.kept.end_refund(number, &kept).await?;
    Ok(Reply::Done(answer))
}

/// What became of a refund.
pub(crate) async fn query_refund(desk: &Inner, arguments: NumberArguments) -> Called {
    let found = match desk.kept.refund(&arguments.refund_no.0) {
        Ok(found) => found,
        Err(fault) => return Ok(Reply::Not(fault.into())),
    };
    Ok(match found {
        Some(KeptRefund { answer: Some(answer), .. }) => Reply::Done(answer),
        Some(KeptRefund { refund, answer: None }) => Reply::Done(json!({
            "status": "unknown", "payment": refund.payment, "amount": refund.amount,
            "detail": "No answer is known. Calling `refund` again with the same arguments gives it back once at most.",
        })),
        None => {
            let detail = "There is no refund with this number here.";
            Reply::Not(Trouble::new("refund_unknown", Next::Stop, detail))
        }
    })
}
