//! Bills: what a 402 asks for, in A402, x402 of both versions, the `Payment` scheme and L402.

use super::{Answer, Bound, Cost, Explained, Payer, said};
use crate::a402::wallet::{Collection, Network, WalletTerms};
use crate::a402::{AmountText, Needed};
use crate::json;
use crate::limits::{EXPLAINED_LIST_COUNT_MAX, MPP_CHALLENGES_MAX};
use crate::mpp::session::{Terms, Unit};
use crate::mpp::{self, Challenge, Intent};
use crate::rfc3339;
use crate::x402::Requirements;
use book::Time;
use evidence::base64url;
use serde_json::Value;

/// How what is said of an x402 demand begins.
pub(super) const X402: &str = "a price in x402";

/// An answer as a whole: whether it asks for money, and whether what it asks for agrees with itself.
pub(super) fn whole(answer: &Answer<'_>, found: &[Explained]) -> Explained {
    let Answer { status, .. } = answer;
    let costs: Vec<&Cost> = found.iter().flat_map(|one| &one.costs).collect();
    let mut whole = match (status, costs.is_empty()) {
        (402, true) => {
            let mut whole = Explained::new("402 without a bill that is known here");
            whole.wrong(
                "no header and no body says what is to be paid: programs cannot pay it, and should not guess",
            );
            whole
        }
        (402, false) => {
            let one = if costs.len() == 1 { "one way" } else { "several ways" };
            let is_ours = costs.iter().any(|cost| cost.payer == Payer::Tollbridge);
            Explained::new(format!("402, payment needed, in {one}")).next(if is_ours {
                "Nothing was spent. `tollbridge pay` pays it, and `tollbridge doctor` grades it."
            } else {
                "Nothing was spent. A wallet of Tollbridge cannot pay it."
            })
        }
        (200..=299, true) => Explained::new(format!("{status}, served without a payment: it costs nothing")),
        (200..=299, false) => {
            let mut whole = Explained::new(format!("{status}, served although it asks for money"));
            whole.wrong("what is sold was given to somebody who did not pay");
            whole
        }
        (_, true) => Explained::new(format!("{status}, and no payment is asked for")),
        (_, false) => {
            let mut whole = Explained::new(format!("{status}, with a bill"));
            whole.wrong("a bill goes with 402; few clients look for one elsewhere");
            whole
        }
    };
    let mut ours: Vec<(&str, Bound)> = costs
        .iter()
        .filter(|cost| cost.payer == Payer::Tollbridge)
        .map(|cost| (cost.amount.as_str(), cost.bound))
        .collect();
    ours.dedup();
    if 1 < ours.len() {
        whole.wrong("the dialects ask for different prices: a buyer may be led to the dearer one");
    }
    let is_stored = |value: &str| !value.to_ascii_lowercase().contains("no-store");
    let control = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
    if *status == 402 && !costs.is_empty() && control.is_none_or(|(_, value)| is_stored(value)) {
        whole.wrong("the bill may be cached (no `Cache-Control: no-store`): somebody else may be shown it");
    }
    whole
}

/// A bill in A402.
pub(super) fn a402(value: &Value, now: Time) -> Option<Explained> {
    let protocol = value.get("protocol")?;
    protocol.get("pay_before")?;
    let mut told = Explained::new("a bill in A402").next(
        "The seller's signature is checked by `tollbridge verify FILE --seller-keys KEYS`, and before any payment.",
    );
    let needed = match Needed::decode(&base64url::encode(&json::canonical(value))) {
        Ok(needed) => needed,
        Err(fault) => {
            told.wrong(fault.to_string());
            return Some(told);
        }
    };
    let demand = &needed.demand;
    told.fact("for", &demand.resource_id);
    told.fact("seller", &demand.seller_unique_id);
    told.fact("bill", &demand.out_trade_no);
    told.fact("request", &demand.request_method);
    told.fact_if_any("only for", demand.buyer_unique_id.as_ref());
    told.fact("to be paid before", demand.pay_before.as_str());
    told.fact("signed by", &needed.signer_id);
    if demand.pay_before.time() <= now {
        told.wrong("its time is over: it cannot be paid any more");
    }
    let amount = format!("{} {}", demand.amount, demand.currency);
    let mut cost = Cost {
        amount,
        bound: Bound::Exactly,
        way: format!("A402, `{}`", demand.method_id),
        payer: Payer::Others,
    };
    match WalletTerms::read(demand, &needed.method) {
        Ok(terms) => {
            told.fact("payment service", &terms.psp);
            cost.payer = Payer::Tollbridge;
            match terms.amount_minor(demand) {
                Ok(0) => told.wrong("it is for nothing"),
                // The other dialects state smallest units: all amounts are shown with the decimals of the asset.
                Ok(minor) => cost.amount = decimal(minor, terms.asset.scale(), demand.currency.as_str()),
                Err(fault) => told.wrong(fault.to_string()),
            }
            let is_metered = Collection::read(&needed.method) == Ok(Collection::Metered);
            if is_metered || needed.method.members().contains_key("capture") {
                cost.bound = Bound::AtMost;
            }
        }
        Err(fault) => told.wrong(format!("a wallet of Tollbridge cannot pay it: {fault}")),
    }
    told.cost(cost);
    Some(told)
}

/// A demand in x402.
pub(super) fn x402(value: &Value, asked: Option<&str>) -> Option<Explained> {
    let accepts = value.get("accepts")?;
    let version = value.get("x402Version");
    let mut told = Explained::new(match version.and_then(Value::as_u64) {
        Some(version) => format!("{X402}, version {version}"),
        None => X402.to_owned(),
    });
    let is_first = match version.and_then(Value::as_u64) {
        Some(1) => true,
        Some(2) => false,
        Some(_) | None => {
            told.wrong("`x402Version` is neither 1 nor 2");
            false
        }
    };
    told.fact_if_any("reason", said(value, "error"));
    let url = value.get("resource").and_then(|resource| said(resource, "url"));
    told.fact_if_any("for", url);
    if url.is_none() && !is_first {
        told.wrong("`resource.url` is missing");
    }
    if let (Some(url), Some(asked)) = (url, asked)
        && origin(url).is_some_and(|said| Some(said) != origin(asked))
    {
        told.wrong(format!(
            "it is for another host than the one that was asked, which is `{}`",
            origin(asked).unwrap_or(asked)
        ));
    }
    match accepts.as_array() {
        None => told.wrong("`accepts` is not a list"),
        Some(accepts) if accepts.is_empty() => told.wrong("`accepts` is empty: nobody can pay it"),
        Some(accepts) => {
            if EXPLAINED_LIST_COUNT_MAX < accepts.len() {
                told.wrong(format!("of {} ways of paying, the first 64 are read", accepts.len()));
            }
            for (place, each) in accepts.iter().take(EXPLAINED_LIST_COUNT_MAX).enumerate() {
                accept(&mut told, each, place, if is_first { "maxAmountRequired" } else { "amount" });
            }
        }
    }
    if is_first {
        told.wrong("version 1 is left by its authors: clients of version 2 do not pay it");
    }
    Some(told)
}

fn accept(told: &mut Explained, each: &Value, place: usize, amount_name: &'static str) {
    let mut wrong = |what: String| told.wrong(format!("way {}: {what}", place + 1));
    let mut member = |name: &'static str| {
        let text = said(each, name).filter(|text| !text.is_empty());
        if text.is_none() {
            wrong(format!("`{name}` is missing"));
        }
        text.unwrap_or("?").to_owned()
    };
    let (scheme, network) = (member("scheme"), member("network"));
    let (amount, asset) = (member(amount_name), member("asset"));
    member("payTo");
    let is_integer = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if amount != "?" && !is_integer(&amount) {
        wrong(format!("`{amount_name}` is `{amount}`, and has to be smallest units, in digits"));
    }
    if amount_name == "amount" && network != "?" && !network.contains(':') {
        wrong(format!("network `{network}` has no namespace, as in `eip155:8453`"));
    }
    if !each.get("maxTimeoutSeconds").is_some_and(Value::is_u64) {
        wrong("`maxTimeoutSeconds` is missing".to_owned());
    }
    let ours = Network::parse(&network).is_some();
    let mut cost = Cost {
        amount: units(&amount, &asset, each.get("extra")),
        bound: if scheme == "upto" { Bound::AtMost } else { Bound::Exactly },
        way: format!("x402, `{scheme}` on `{network}`"),
        payer: if ours { Payer::Tollbridge } else { Payer::Others },
    };
    if ours {
        let read = Requirements::parse(&each.to_string()).and_then(|read| Ok(read.price()?));
        match read {
            Ok(price) => cost.amount = decimal(price.amount_minor, price.scale, price.currency.as_str()),
            Err(fault) => wrong(format!("a wallet of Tollbridge cannot pay it: {fault}")),
        }
    }
    told.cost(cost);
}

/// Challenges of HTTP authentication, if `text` is the value of such a header.
pub(super) fn challenges(text: &str, now: Time) -> Option<Vec<Explained>> {
    if let Some(rest) = strip_scheme(text, "L402").or_else(|| strip_scheme(text, "LSAT")) {
        return rest.contains("invoice=").then(|| vec![lightning(rest)]);
    }
    strip_scheme(text, "Payment").filter(|rest| rest.contains("method="))?;
    let mut found = Vec::new();
    let starts: Vec<usize> = text
        .match_indices("Payment ")
        .filter(|(at, _)| *at == 0 || text.get(..*at).is_some_and(|before| before.trim_end().ends_with(',')))
        .map(|(at, _)| at)
        .take(MPP_CHALLENGES_MAX)
        .collect();
    for (place, start) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(text.len());
        let one = text.get(*start..end).unwrap_or_default();
        found.push(challenge(one.trim_end().trim_end_matches(','), now));
    }
    Some(found)
}

fn challenge(text: &str, now: Time) -> Explained {
    let mut told = Explained::new("a challenge of the `Payment` scheme");
    let parameters = parameters(strip_scheme(text, mpp::SCHEME.trim()).unwrap_or_default());
    let named =
        |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    for name in ["id", "realm", "method", "intent", "request"] {
        match named(name) {
            Some("") | None => told.wrong(format!("`{name}` is missing")),
            Some(_) => {}
        }
    }
    told.fact_if_any("at", named("realm"));
    told.fact_if_any("number", named("id"));
    told.fact_if_any("description", named("description"));
    told.fact_if_any("expires", named("expires"));
    match named("expires").map(rfc3339::parse) {
        Some(None) => told.wrong("`expires` is no instant"),
        Some(Some(expires)) if expires <= now => told.wrong("its time is over: it cannot be paid any more"),
        Some(Some(_)) | None => {}
    }
    let (method, intent) = (named("method").unwrap_or("?"), named("intent").unwrap_or("?"));
    let request = named("request").and_then(base64url::decode).and_then(|text| json::parse(&text).ok());
    let Some(request) = request else {
        told.wrong("`request` is not JSON in Base64URL");
        return told;
    };
    told.fact_if_any("to", said(&request, "recipient"));
    let as_json = || {
        let mut members: serde_json::Map<String, Value> =
            parameters.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        members.remove("description");
        Value::Object(members).to_string()
    };
    if method == mpp::METHOD && intent == Intent::Session.as_str() {
        session(&mut told, &as_json());
        return told;
    }
    let currency = said(&request, "currency").unwrap_or("?");
    let amount = said(&request, "amount").unwrap_or("?");
    let mut cost = Cost {
        amount: units(amount, currency, request.get("methodDetails")),
        bound: if intent == "session" { Bound::AtMost } else { Bound::Exactly },
        way: format!("`Payment` scheme, `{intent}` by `{method}`"),
        payer: Payer::Others,
    };
    if method == mpp::METHOD && intent == Intent::Charge.as_str() {
        cost.payer = Payer::Tollbridge;
        let read = Challenge::parse(&as_json()).and_then(|read| Ok(read.price()?));
        match read {
            Ok(price) => cost.amount = decimal(price.amount_minor, price.scale, price.currency.as_str()),
            Err(fault) => told.wrong(format!("a wallet of Tollbridge cannot pay it: {fault}")),
        }
    } else if request.get("amount").is_none() {
        told.wrong("`request.amount` is missing: nobody can say what it costs");
    }
    told.cost(cost);
    told
}

/// What a session of ours costs: no price of this answer, since a buyer may still pay it by its bill.
fn session(told: &mut Explained, challenge: &str) {
    match Challenge::parse(challenge).and_then(|challenge| Terms::read(&challenge)) {
        Ok((terms, _)) => {
            let currency = terms.currency.as_str();
            let each = match terms.unit {
                Unit::Call => "each call by voucher",
                Unit::Event => "each event by voucher",
            };
            told.fact(each, of_billionths(terms.price_nanos, terms.scale, currency));
            told.fact("smallest channel", of_billionths(terms.deposit_nanos, terms.scale, currency));
            told.fact("payment service", &terms.authority);
        }
        Err(fault) => told.wrong(format!("a wallet of Tollbridge cannot pay it: {fault}")),
    }
}

fn lightning(rest: &str) -> Explained {
    let mut told = Explained::new("a challenge of L402, to be paid over Lightning");
    let parameters = parameters(rest);
    let invoice =
        parameters.iter().find(|(name, _)| name == "invoice").map_or("", |(_, value)| value.as_str());
    if !parameters.iter().any(|(name, value)| (name == "macaroon" || name == "token") && !value.is_empty()) {
        told.wrong("it has no macaroon: paying it buys nothing");
    }
    let amount = lightning_amount(invoice);
    if amount.is_none() {
        told.wrong("its invoice names no amount: whoever pays decides how much");
    }
    told.cost(Cost {
        amount: amount.unwrap_or_else(|| "an amount that is not said".to_owned()),
        bound: Bound::Exactly,
        way: "L402, over Lightning".to_owned(),
        payer: Payer::Others,
    });
    told
}

/// The amount in the prefix of a Lightning invoice (BOLT 11), in millisatoshi: a number and a part of a bitcoin.
fn lightning_amount(invoice: &str) -> Option<String> {
    let invoice = invoice.to_ascii_lowercase();
    let prefix = invoice.get(..invoice.rfind('1')?)?;
    let digits_at = prefix.find(|char: char| char.is_ascii_digit())?;
    let amount = prefix.get(digits_at..)?;
    let part = amount.chars().next_back()?;
    let number: u128 = amount.strip_suffix(part)?.parse().ok()?;
    // In a bitcoin are 100,000,000,000 of them.
    let (times, of) = match part {
        'm' => (100_000_000_u128, 1),
        'u' => (100_000, 1),
        'n' => (100, 1),
        'p' => (1, 10),
        _ => return None,
    };
    Some(format!("{} millisatoshi", number.checked_mul(times)? / of))
}

/// A demand that lies within something else: the result of a tool over MCP, or a task of A2A.
pub(super) fn within(value: &Value) -> Option<&Value> {
    let result = value.get("result").unwrap_or(value);
    let task = result.get("task").unwrap_or(result);
    let metadata = [task.pointer("/status/message/metadata"), task.get("metadata")];
    let in_task = metadata.into_iter().flatten().find_map(|metadata| metadata.get("x402.payment.required"));
    let in_tool = result.get("structuredContent").filter(|content| content.get("x402Version").is_some());
    in_tool.or(in_task)
}

/// An amount as people write it.
pub(super) fn decimal(minor: u128, scale: u8, currency: &str) -> String {
    match AmountText::of_minor(minor, scale) {
        Ok(amount) => format!("{amount} {currency}"),
        Err(_) => format!("{minor} smallest units of {currency}"),
    }
}

/// Billionths of a smallest unit, with as many decimals as they need.
fn of_billionths(nanos: u128, scale: u8, currency: &str) -> String {
    let (mut number, mut decimals) = (nanos, scale + 9);
    while scale < decimals && number % 10 == 0 {
        (number, decimals) = (number / 10, decimals - 1);
    }
    match AmountText::of_minor(number, decimals) {
        Ok(amount) => format!("{amount} {currency}"),
        Err(_) => format!("{nanos} billionths of the smallest unit of {currency}"),
    }
}

/// An amount in smallest units, whose size is known only where the demand itself says it.
fn units(amount: &str, asset: &str, details: Option<&Value>) -> String {
    let details = details.unwrap_or(&Value::Null);
    let scale = details.get("decimals").and_then(Value::as_u64).and_then(|scale| u8::try_from(scale).ok());
    let name = said(details, "name").unwrap_or(asset);
    let exact = amount.parse().ok().zip(scale).filter(|(_, scale)| *scale <= 18);
    match exact {
        Some((minor, scale)) => decimal(minor, scale, name),
        None => format!("{amount} smallest units of {name}"),
    }
}

/// What follows the name of an authentication scheme.
pub(super) fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = text.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// The parameters of one challenge (RFC 9110, section 11.2), those in quotes and those without.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim().trim_start_matches(',').trim().to_owned();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted),
            None => {
                let (value, left) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), left)
            }
        };
        found.push((name, value));
        rest = left.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

/// A quoted text up to its closing quote, and what follows it.
fn quoted_text(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<&str> {
    let host_at = url.find("://")? + 3;
    let end = url.get(host_at..)?.find(['/', '?', '#']).map_or(url.len(), |at| host_at + at);
    url.get(..end)
}
