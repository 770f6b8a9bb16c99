//! What a bill, a payment, a mandate, a checkout, a card or a record is, whatever its dialect; what is wrong with it; what it would cost.
//!
//! Everything is read only to be told: nothing here makes anything count, and no signature is checked. A dialect that nobody
//! here speaks is still explained as far as its document goes.
//!
//! Reading order: [`answer`] for an answer over HTTP, [`text`] for anything else; then one module for each kind of thing.

mod bills;
mod cards;
mod checkouts;
mod payments;
mod records;
mod tokens;

use crate::limits::{EXPLAINED_BYTES_MAX, EXPLAINED_HEADERS_MAX, EXPLAINED_TEXT_CHARS_MAX};
use crate::{is_hidden, json};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use book::Time;
use serde_json::Value;

/// One thing, explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// What it is, in one line.
    pub what: String,
    /// What it says, by name.
    pub facts: Vec<(&'static str, String)>,
    /// What it would cost, for each way of paying it. Empty where it is no demand.
    pub costs: Vec<Cost>,
    /// What is wrong with it, one sentence each.
    pub wrong: Vec<String>,
    /// What to do with it.
    pub next: &'static str,
}

/// What one way of paying costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// In decimals with its currency, or in smallest units where nobody says how large those are.
    pub amount: String,
    pub bound: Bound,
    /// The dialect, and where the money moves.
    pub way: String,
    pub payer: Payer,
}

/// How firm a cost is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Exactly,
    AtMost,
}

/// Whose wallets can pay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// Those of a Tollbridge server.
    Tollbridge,
    /// Those of another network.
    Others,
}

impl Bound {
    /// The word before an amount.
    pub fn in_words(self) -> &'static str {
        match self {
            Bound::Exactly => "exactly",
            Bound::AtMost => "at most",
        }
    }
}

impl Explained {
    fn new(what: impl Into<String>) -> Explained {
        Explained { what: shown(&what.into()), ..Explained::default() }
    }

    fn fact(&mut self, name: &'static str, value: impl ToString) {
        self.facts.push((name, shown(&value.to_string())));
    }

    /// Adds a fact, if there is one.
    fn fact_if_any(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.fact(name, value);
        }
    }

    fn cost(&mut self, cost: Cost) {
        self.costs.push(Cost { amount: shown(&cost.amount), way: shown(&cost.way), ..cost });
    }

    fn wrong(&mut self, why: impl Into<String>) {
        self.wrong.push(shown(&why.into()));
    }

    fn next(mut self, next: &'static str) -> Explained {
        self.next = next;
        self
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    pub status: u16,
    /// In the order they came.
    pub headers: Vec<(String, String)>,
    pub body: &'a [u8],
    /// The address that was asked, where that is known.
    pub asked: Option<&'a str>,
}

/// Explains an answer: first what it is as a whole, then each thing in it.
pub fn answer(answer: &Answer<'_>, now: Time) -> Vec<Explained> {
    let mut found: Vec<Explained> = answer
        .headers
        .iter()
        .take(EXPLAINED_HEADERS_MAX)
        .flat_map(|(name, value)| header(name, value, answer.asked, now))
        .collect();
    let says_required = found.iter().any(|one| one.what.starts_with(bills::X402));
    let body = json::parse(answer.body).ok();
    match &body {
        // Sellers of version 2 may repeat the header in the body.
        Some(body) if says_required && body.get("x402Version").is_some() => {}
        Some(body) => found.extend(object(body, answer.asked, now)),
        None => {
            let body = std::str::from_utf8(answer.body).unwrap_or_default().trim();
            found.extend(records::note(body).or_else(|| tokens::token(body, now)));
        }
    }
    let mut whole = bills::whole(answer, &found);
    if let Some(detail) = body.as_ref().and_then(|body| body.get("detail")).and_then(Value::as_str) {
        whole.fact("detail", detail);
    }
    found.insert(0, whole);
    found
}

/// Explains a text: JSON, the value of a header, a token, a note, a whole answer over HTTP. Empty where it is nothing that
/// is known here.
pub fn text(bytes: &[u8], now: Time) -> Vec<Explained> {
    if EXPLAINED_BYTES_MAX < bytes.len() {
        let mut long = Explained::new("something too long to be read");
        long.wrong(format!("{} bytes are more than {EXPLAINED_BYTES_MAX}", bytes.len()));
        return vec![long];
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let text = text.trim();
    if text.starts_with("HTTP/") {
        return raw_answer(text, now);
    }
    match json::parse(text.as_bytes()) {
        Ok(value) => return object(&value, None, now),
        Err(fault) if text.starts_with('{') => {
            let mut broken = Explained::new("JSON that cannot be read");
            broken.wrong(fault.to_string());
            return vec![broken];
        }
        Err(_) => {}
    }
    if let Some(found) = records::note(text) {
        return vec![found];
    }
    if let Some((name, value)) = text.split_once(':').filter(|_| !text.contains('\n')) {
        let found = header(name.trim(), value.trim(), None, now);
        if !found.is_empty() {
            return found;
        }
    }
    value(text, None, now)
}

/// Explains one header; empty where it is none of payments.
fn header(name: &str, text: &str, asked: Option<&str>, now: Time) -> Vec<Explained> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let is_payment = ["payment-", "x-payment"]
        .iter()
        .any(|start| name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)));
    if is("www-authenticate") || is("authorization") {
        return value(text, asked, now);
    }
    if is(crate::voucher::VOUCHER) {
        return vec![payments::voucher(text)];
    }
    if !is_payment {
        return Vec::new();
    }
    let found = value(text, asked, now);
    if found.is_empty() {
        let mut unread =
            Explained::new(format!("a header `{}` of no dialect that is known here", shown(name)));
        unread.wrong("its value is neither JSON in Base64 nor a token");
        return vec![unread];
    }
    found
}

/// Explains the value of a header, or a token that stands alone.
fn value(text: &str, asked: Option<&str>, now: Time) -> Vec<Explained> {
    if let Some(found) = bills::challenges(text, now) {
        return found;
    }
    if let Some(found) = payments::authorization(text, now) {
        return vec![found];
    }
    if let Some(found) = tokens::token(text, now).or_else(|| checkouts::alone(text)) {
        return vec![found];
    }
    if text.split('.').count() == 3 && text.starts_with("chn_") {
        return vec![payments::voucher(text)];
    }
    let decoded = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).or_else(|_| STANDARD.decode(text));
    match decoded.ok().and_then(|bytes| json::parse(&bytes).ok()) {
        Some(value) => object(&value, asked, now),
        None => Vec::new(),
    }
}

/// Explains a JSON object by its members; empty where they are nobody's.
fn object(value: &Value, asked: Option<&str>, now: Time) -> Vec<Explained> {
    let found = bills::a402(value, now)
        .or_else(|| bills::x402(value, asked))
        .or_else(|| payments::a402(value, now))
        .or_else(|| payments::x402(value, now))
        .or_else(|| payments::credential_of_payment_scheme(value, now))
        .or_else(|| payments::statement(value, now))
        .or_else(|| checkouts::checkout(value, now))
        .or_else(|| checkouts::delegated(value, now))
        .or_else(|| cards::agent(value))
        .or_else(|| cards::commerce(value))
        .or_else(|| cards::discovery(value))
        .or_else(|| records::receipt(value));
    if let Some(found) = found {
        return vec![found];
    }
    // A tool's result or an agent's task carries a demand within.
    bills::within(value).map_or_else(Vec::new, |inner| object(inner, asked, now))
}

/// Takes an answer apart that was saved as it came, such as by `curl -i`.
fn raw_answer(text: &str, now: Time) -> Vec<Explained> {
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    let Some(status) = status else { return Vec::new() };
    answer(&Answer { status, headers, body: body.as_bytes(), asked: None }, now)
}

/// The member of an object that is a text.
fn said<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// A stranger's text, short and on one line: it may be shown on a terminal.
fn shown(text: &str) -> String {
    let mut seen = text.chars().map(|character| if is_hidden(character) { '\u{fffd}' } else { character });
    let mut short: String = seen.by_ref().take(EXPLAINED_TEXT_CHARS_MAX).collect();
    if seen.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
