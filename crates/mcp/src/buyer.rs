//! The buyer's tools: what does it cost, pay exactly that, what became of it, and what may be spent.
//!
//! A quote is a random name for one request and one bill, kept on this machine and bound to the key that asked. It is all
//! that `pay` takes: no model can say whom to pay, or how much.

mod agent;
mod asking;
mod paying;

pub(crate) use agent::limits;
pub(crate) use asking::{report_problem, request_approval};
pub(crate) use paying::{pay, status};

use crate::answer::{Next, Reply, Trouble};
use crate::desk::{Called, Inner};
use crate::kept::{Quoted, Stage};
use crate::limits::{BODY_BYTES_MAX, QUOTE_SECONDS_MAX, URL_BYTES_MAX};
use crate::untrusted;
use evidence::base64url;
use protocols::Time;
use protocols::a402::DateTime;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use sdk::Fetch;
use serde::Deserialize;
use serde_json::json;
use url::Url;
use wire::{Money, RequestId};

/// What `quote` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteArguments {
    url: String,
    #[serde(default)]
    method: Method,
    body: Option<String>,
}

/// What the tools about a quote take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfQuote {
    quote: Token,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// The name of a quote: 256 random bits, so that nobody guesses one.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Token(String);

impl Token {
    fn mint() -> Token {
        Token(format!("quo_{}", base64url::encode(&rand::random::<[u8; 32]>())))
    }
}

impl TryFrom<String> for Token {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Token, Self::Error> {
        let random = text.strip_prefix("quo_").and_then(base64url::decode);
        match random {
            Some(random) if random.len() == 32 => Ok(Token(text)),
            Some(_) | None => Err("not a quote"),
        }
    }
}

/// Asks what a request costs.
pub(crate) async fn quote(desk: &Inner, arguments: QuoteArguments) -> Called {
    let QuoteArguments { url, method, body } = arguments;
    let body_bytes = body.as_ref().map_or(0, String::len);
    let Some(parsed) = Url::parse(&url).ok().filter(|_| url.len() <= URL_BYTES_MAX) else {
        return Err("`url` is no address, or too long".to_owned());
    };
    if BODY_BYTES_MAX < body_bytes {
        return Err("`body` is too long".to_owned());
    }
    Ok(quoted(desk, parsed, method, body).await.unwrap_or_else(Reply::Not))
}

async fn quoted(desk: &Inner, url: Url, method: Method, body: Option<String>) -> Result<Reply, Trouble> {
    let agent = desk.renew_agent().await?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_plain || !agent.buyer.may_ask(&url) {
        let detail =
            "Nothing was asked: only public addresses over TLS are, unless whoever runs this allows others.";
        return Err(Trouble::new("address_refused", Next::Stop, detail));
    }
    let mut fetch = Fetch {
        method: method.as_str().to_owned(),
        url: url.to_string(),
        headers: headers(body.as_deref()),
        body: body.clone().unwrap_or_default().into_bytes(),
        purchase: RequestId(desk.client.fresh_id()).to_string(),
        price_max: nothing(),
        why: None,
    };
    let Some(offer) = agent.buyer.offer(&fetch).await? else {
        return Ok(Reply::Done(
            json!({"costs": "nothing", "detail": "Send the request yourself: it is not for sale."}),
        ));
    };
    let now = desk.client.clock().now();
    let expires_at_nanos = offer.expires_at_nanos.min(now.after(Time::from_seconds(QUOTE_SECONDS_MAX).0).0);
    let token = Token::mint();
    let mut answer = json!({
        "quote": token.0,
        "price": offer.price,
        "price_in_words": offer.price.in_words(),
        "payee": offer.payee,
        "expires_at": text(Time(expires_at_nanos)),
    });
    if let (Some(said), Some(members)) = (&offer.said, answer.as_object_mut()) {
        members.insert(untrusted::TEXT.to_owned(), json!(untrusted::note(said)));
    }
    let quoted = Quoted {
        principal: desk.principal.clone(),
        purchase: std::mem::take(&mut fetch.purchase),
        method: fetch.method,
        url: fetch.url,
        body,
        offer,
        expires_at_nanos,
        why: None,
        answer: None,
    };
    desk.kept.add(&token.0, &quoted).await?;
    Ok(Reply::Done(answer))
}

impl Inner {
    /// The quote of this key with that name.
    fn quoted(&self, token: &Token) -> Result<(Stage, Quoted), Trouble> {
        match self.kept.find(&token.0)? {
            Some((stage, quoted)) if quoted.principal == self.principal => Ok((stage, quoted)),
            Some(_) | None => {
                let detail = "Nothing was spent: there is no such quote. Ask for one with `quote`.";
                Err(Trouble::new("quote_unknown", Next::Quote, detail))
            }
        }
    }
}

impl Quoted {
    fn is_over(&self, now: Time) -> bool {
        self.expires_at_nanos <= now.0
    }

    /// The request, which may cost exactly what was quoted.
    fn fetch(&self) -> Fetch {
        Fetch {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: headers(self.body.as_deref()),
            body: self.body.clone().unwrap_or_default().into_bytes(),
            purchase: self.purchase.clone(),
            price_max: self.offer.price,
            why: self.why.clone(),
        }
    }
}

fn headers(body: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers
}

/// What a request may cost that is only asked about: nothing of nothing.
fn nothing() -> Money {
    Money { amount: wire::AmountText::default(), asset: "NIL/0".parse().expect("an asset") }
}

fn text(time: Time) -> String {
    DateTime::second_of(time).as_str().to_owned()
}
