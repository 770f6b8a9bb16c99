//! The way to a shop: which dialect it speaks and where, each request until it is answered, and the answers read.

use super::{Buyer, CheckoutDialect, NewCheckout, NotCheckedOut, no};
use crate::limits::{BACKOFF_MIN, DELIVERY_TRIES_MAX};
use protocols::offered::{Envelope, Offered, Refusal, Request};
use protocols::ucp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

/// What a shop answered: what was asked for, or a refusal; nothing where no answer came that says either.
pub(super) type Told = Result<Result<Offered, Refusal>, String>;

/// The way to one shop.
pub(super) struct Line<'a> {
    buyer: &'a Buyer,
    new: &'a NewCheckout,
    dialect: CheckoutDialect,
    door: Url,
    /// Where the profile of whoever asks is.
    profile: String,
}

impl Buyer {
    /// Which dialect a shop speaks, and where its door is.
    pub(super) async fn door(&self, new: &NewCheckout) -> Result<(CheckoutDialect, Url), NotCheckedOut> {
        let mut url = new.shop.clone();
        url.set_query(None);
        url.set_fragment(None);
        let last = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
        let named = last.and_then(|last| CheckoutDialect::ALL.into_iter().find(|it| it.place() == last));
        match (named, new.dialect) {
            (Some(named), Some(said)) if named != said => {
                Err(no(format!("that is the address of a checkout of {}", named.as_str())))
            }
            (Some(named), _) => {
                if let Ok(mut parts) = url.path_segments_mut() {
                    parts.pop_if_empty().pop();
                }
                Ok((named, url))
            }
            (None, Some(CheckoutDialect::Acp)) => Ok((CheckoutDialect::Acp, url)),
            (None, Some(CheckoutDialect::Ucp)) => {
                let profile =
                    self.profile(&url).await?.ok_or_else(|| no("the shop has no profile of UCP"))?;
                Ok((CheckoutDialect::Ucp, door_of(&url, &profile)?))
            }
            (None, None) => match self.profile(&url).await? {
                Some(profile) => Ok((CheckoutDialect::Ucp, door_of(&url, &profile)?)),
                None => Ok((CheckoutDialect::Acp, url)),
            },
        }
    }

    /// The profile of a shop, where it has one.
    async fn profile(&self, shop: &Url) -> Result<Option<Value>, NotCheckedOut> {
        let url = shop.join(ucp::PROFILE_PATH).map_err(|fault| no(fault.to_string()))?;
        let answer = self.exchange("GET", &url, HeaderMap::new(), Vec::new()).await;
        let answer = answer.map_err(NotCheckedOut::Shop)?;
        match answer.status {
            200 => Ok(serde_json::from_slice(&answer.body).ok()),
            400..=499 => Ok(None),
            other => Err(NotCheckedOut::Shop(format!("status {other}"))),
        }
    }
}

/// The door that a profile names, where it is at the shop itself: nobody else is shown the buyer's key.
fn door_of(shop: &Url, profile: &Value) -> Result<Url, NotCheckedOut> {
    let endpoint = ucp::buying::endpoint(profile).map_err(|fault| no(fault.to_string()))?;
    let door = Url::parse(&endpoint).map_err(|_| no("the shop's profile names no address"))?;
    if door.origin() != shop.origin() {
        let place = ucp::buying::PLACE;
        return Err(no(format!(
            "the shop's profile leads elsewhere; if that is right, name it yourself: {}/{place}",
            endpoint.trim_end_matches('/').escape_debug()
        )));
    }
    Ok(door)
}

impl<'a> Line<'a> {
    pub(super) fn new(
        buyer: &'a Buyer,
        new: &'a NewCheckout,
        (dialect, door): (CheckoutDialect, Url),
    ) -> Line<'a> {
        // Whoever has no profile is named by the server that speaks for him.
        let profile = new.profile.as_ref().unwrap_or(buyer.client.base_url()).to_string();
        Line { buyer, new, dialect, door, profile }
    }

    pub(super) async fn open(&self, key: &str) -> Told {
        let currency = self.new.price_max.asset;
        self.told(self.dialect.open(self.envelope(key), &self.new.items, currency.code())).await
    }

    pub(super) async fn look(&self, session: &str) -> Told {
        self.told(self.dialect.look(self.envelope(""), session)).await
    }

    pub(super) async fn complete(&self, key: &str, session: &str, handler: &str, token: &str) -> Told {
        self.told(self.dialect.complete(self.envelope(key), session, handler, token)).await
    }

    fn envelope<'b>(&'b self, key: &'b str) -> Envelope<'b> {
        Envelope { key, profile: &self.profile }
    }

    /// Asks until there is an answer that says something, a few times.
    async fn told(&self, request: Request) -> Told {
        let mut told = self.asked(&request).await;
        for tries in 1..DELIVERY_TRIES_MAX {
            let again = match &told {
                Ok(Err(refusal)) => refusal.is_under_way(),
                Ok(Ok(_)) => false,
                Err(_) => true,
            };
            if !again {
                break;
            }
            tokio::time::sleep(BACKOFF_MIN.saturating_mul(1 << tries)).await;
            told = self.asked(&request).await;
        }
        match told {
            Ok(Err(refusal)) if refusal.is_under_way() => Err("the same purchase is under way".to_owned()),
            told => told,
        }
    }

    async fn asked(&self, request: &Request) -> Told {
        let malformed = |fault: &dyn std::fmt::Display| fault.to_string();
        let mut url = self.door.clone();
        url.path_segments_mut()
            .map_err(|()| "its address has no path".to_owned())?
            .pop_if_empty()
            .extend(&request.path);
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let value = HeaderValue::try_from(value).map_err(|fault| malformed(&fault))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(key) = &self.new.api_key {
            let value = HeaderValue::try_from(format!("Bearer {key}"));
            let mut value = value.map_err(|_| "the key for the shop is no line of text".to_owned())?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let answer = self.buyer.exchange(request.method, &url, headers, body.into_bytes()).await?;
        let said: Result<Value, _> = serde_json::from_slice(&answer.body);
        let other = || format!("status {}", answer.status);
        match answer.status {
            200 | 201 => {
                let said = said.map_err(|fault| malformed(&fault))?;
                self.dialect.read(&said).map(Ok).map_err(|fault| fault.to_string())
            }
            429 => Err(other()),
            400..=499 => Ok(Err(self.dialect.refusal(&said.unwrap_or_default()))),
            _ => Err(other()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_profile_that_leads_to_another_host_is_not_followed() {
        let shop = Url::parse("https://shop.example/").unwrap();
        let profile = |endpoint: &str| {
            json!({"ucp": {"version": ucp::VERSION, "services": {ucp::SHOPPING: [
                {"transport": "rest", "endpoint": endpoint}]}}})
        };
        let door = door_of(&shop, &profile("https://shop.example/ucp/")).unwrap();
        assert_eq!(door.as_str(), "https://shop.example/ucp/");
        for elsewhere in
            ["https://thief.example/", "http://shop.example/", "https://shop.example:8443/", "shop.example"]
        {
            let no = door_of(&shop, &profile(elsewhere)).unwrap_err().to_string();
            assert!(no.contains("leads elsewhere") || no.contains("no address"), "{no}");
        }
    }
}
