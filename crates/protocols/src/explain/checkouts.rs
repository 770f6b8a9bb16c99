//! Checkouts of ACP and UCP, and the tokens that pay them.

use super::{Bound, Cost, Explained, Payer, said};
use crate::a402::AmountText;
use crate::ap2::Iso4217;
use crate::limits::EXPLAINED_LIST_COUNT_MAX;
use crate::offered::{Dialect, Offered, Standing};
use crate::rfc3339;
use book::Time;
use serde_json::Value;

/// What a token of a Tollbridge server begins with, and how long it is.
const TOKEN: (&str, usize) = ("vt_", 29);

/// A checkout of either dialect.
pub(super) fn checkout(value: &Value, now: Time) -> Option<Explained> {
    if !value.get("line_items").is_some_and(Value::is_array) || value.get("status").is_none() {
        return None;
    }
    let (dialect, what) = match (value.get("ucp"), value.get("protocol"), value.get("capabilities")) {
        (Some(_), _, _) => (Dialect::Ucp, "a checkout of UCP"),
        (None, Some(_), _) | (None, None, Some(_)) => (Dialect::Acp, "a checkout session of ACP"),
        (None, None, None) => return None,
    };
    let mut told = Explained::new(what);
    let version = match dialect {
        Dialect::Acp => value.pointer("/protocol/version"),
        Dialect::Ucp => value.pointer("/ucp/version"),
    };
    told.fact_if_any("version of the protocol", version.and_then(Value::as_str));
    let offered = match dialect.read(value) {
        Ok(offered) => offered,
        Err(fault) => {
            told.wrong(fault.to_string());
            return Some(told.next("Nobody should pay what cannot be read whole."));
        }
    };
    told.fact("called", &offered.id);
    told.fact("stands", standing(offered.standing));
    for line in offered.lines.iter().take(EXPLAINED_LIST_COUNT_MAX) {
        told.fact("item", format!("{} × {} ({})", line.quantity, line.title, line.item));
    }
    if let Some(order) = &offered.order {
        told.fact("order", format!("{} at {}", order.id, order.url));
    }
    for error in &offered.errors {
        told.wrong(format!("the shop says: {error}"));
    }
    let until = said(value, "expires_at");
    told.fact_if_any("can be paid until", until.filter(|_| offered.standing == Standing::Ready));
    let is_late = until.and_then(rfc3339::parse).is_some_and(|until| until <= now);
    match offered.standing {
        Standing::Ready if is_late => told.wrong("its time is over: it cannot be paid any more"),
        Standing::Ready | Standing::NotReady => costs(&mut told, &offered),
        Standing::Over => told.wrong("it was ended, or its time is over: it cannot be paid"),
        Standing::InProgress | Standing::Completed => {}
    }
    Some(told.next(match offered.standing {
        Standing::Ready if offered.ways.is_empty() => "No wallet of Tollbridge can pay it.",
        Standing::Ready => "`tollbridge checkout buy SHOP --item …` opens one of its own and pays it, once for each purchase key.",
        Standing::NotReady => "Something has to be changed, or somebody asked, before it can be paid.",
        Standing::InProgress => "Ask the shop again: whether it is paid is not known yet.",
        Standing::Completed | Standing::Over => "",
    }))
}

fn costs(told: &mut Explained, offered: &Offered) {
    let amount = amount(offered.total_minor, &offered.currency);
    for way in offered.ways.iter().take(EXPLAINED_LIST_COUNT_MAX) {
        told.cost(Cost {
            amount: amount.clone(),
            bound: Bound::Exactly,
            way: format!("a token of {} for {}, on {}", way.server, way.merchant, way.network),
            payer: Payer::Tollbridge,
        });
    }
    if offered.ways.is_empty() {
        let way = "by a way of paying of others".to_owned();
        told.cost(Cost { amount, bound: Bound::Exactly, way, payer: Payer::Others });
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Ready => "it can be paid",
        Standing::NotReady => "it cannot be paid yet",
        Standing::InProgress => "it is being paid",
        Standing::Completed => "it is paid",
        Standing::Over => "it is over",
    }
}

/// A token that was just made, as a server answers it in either dialect.
pub(super) fn delegated(value: &Value, now: Time) -> Option<Explained> {
    if let (Some(text), Some(metadata)) =
        (said(value, "id").filter(|text| is_token(text)), value.get("metadata"))
    {
        let mut told = paying(text);
        told.fact_if_any("for the seller", said(metadata, "merchant_id"));
        told.fact_if_any("for the checkout", said(metadata, "checkout_session_id"));
        let most = said(metadata, "max_amount").and_then(|text| text.parse().ok());
        let currency = said(metadata, "currency").unwrap_or("?").to_ascii_uppercase();
        match most {
            Some(most) => told.fact("takes at most", amount(most, &currency)),
            None => told.wrong("it does not say how much may be taken"),
        }
        told.fact_if_any(
            "play or real money",
            said(metadata, "livemode").map(|live| if live == "true" { "real" } else { "play" }),
        );
        let until = said(metadata, "expires_at");
        told.fact_if_any("until", until);
        match until.map(rfc3339::parse) {
            Some(Some(until)) if until <= now => told.wrong("its time is over: what was not taken went back"),
            Some(Some(_)) => {}
            Some(None) | None => told.wrong("it does not say until when it counts"),
        }
        return Some(told);
    }
    let text = said(value, "token").filter(|text| is_token(text))?;
    Some(paying(text))
}

/// A token that stands alone.
pub(super) fn alone(text: &str) -> Option<Explained> {
    is_token(text).then(|| paying(text))
}

fn is_token(text: &str) -> bool {
    let (prefix, length) = TOKEN;
    text.len() == length
        && text.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn paying(text: &str) -> Explained {
    let mut told = Explained::new("a payment token for one checkout of one seller, of a Tollbridge server");
    told.fact("is the hold", text.replacen(TOKEN.0, "hld_", 1));
    told.next("It costs nothing more: the money is set aside. Only that seller can take it, once; what is not taken goes back.")
}

/// So many smallest units of a currency, in its whole units where anybody knows how large those are.
fn amount(minor: u64, currency: &str) -> String {
    let exponent = Iso4217::parse(currency).ok().and_then(|currency| currency.exponent());
    let whole = exponent.and_then(|exponent| AmountText::of_minor(minor.into(), exponent).ok());
    match whole {
        Some(whole) => format!("{} {currency}", whole.as_str()),
        None => format!("{minor} smallest units of {currency}"),
    }
}
