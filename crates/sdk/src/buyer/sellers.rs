//! How sellers are asked: one request, no redirection, a limit on the answer, and no further than is allowed.

use super::{Buyer, NotBought, SellerAnswer};
use crate::client::cause;
use crate::limits::{CONNECT_TIMEOUT, SELLER_BODY_BYTES_MAX, SELLER_TIMEOUT};
use protocols::address::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Which sellers are asked, where an address may come from a stranger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Those at addresses of the public Internet, over TLS.
    Public,
    /// Also those on this machine and beside it, and without TLS.
    #[default]
    Anywhere,
}

/// The client of sellers.
#[derive(Debug)]
pub(super) struct Sellers {
    http: reqwest::Client,
    reach: Reach,
}

impl Sellers {
    pub(super) fn new(reach: Reach) -> Result<Sellers, NotBought> {
        let client = match reach {
            // A proxy would resolve names by itself.
            Reach::Public => client().no_proxy().dns_resolver(Arc::new(PublicNames)),
            Reach::Anywhere => client(),
        };
        Ok(Sellers { http: client.build().map_err(malformed)?, reach })
    }

    fn allows(&self, url: &Url) -> bool {
        match self.reach {
            Reach::Anywhere => true,
            Reach::Public => {
                let is_outside = match url.host() {
                    Some(Host::Domain(name)) => !name.is_empty(),
                    Some(Host::Ipv4(ip)) => is_public(IpAddr::V4(ip)),
                    Some(Host::Ipv6(ip)) => is_public(IpAddr::V6(ip)),
                    None => false,
                };
                url.scheme() == "https" && is_outside
            }
        }
    }
}

impl Buyer {
    /// The same buyer, which asks sellers through a proxy; its payment service it still asks directly.
    ///
    /// # Errors
    /// [`NotBought::Request`], where that is no proxy.
    pub fn through(mut self, proxy: &Url) -> Result<Buyer, NotBought> {
        let proxy = reqwest::Proxy::all(proxy.clone()).map_err(malformed)?;
        let http = client().proxy(proxy).build().map_err(malformed)?;
        self.sellers = Sellers { http, reach: Reach::Anywhere };
        Ok(self)
    }

    /// The same buyer, which asks only sellers within `reach`: for addresses that a stranger may have named.
    ///
    /// # Errors
    /// [`NotBought::Request`], where TLS cannot be set up.
    pub fn within(mut self, reach: Reach) -> Result<Buyer, NotBought> {
        self.sellers = Sellers::new(reach)?;
        Ok(self)
    }

    /// Whether an address is one that this buyer asks, as far as its text says.
    pub fn may_ask(&self, url: &Url) -> bool {
        self.sellers.allows(url)
    }

    /// Sends one request to a seller.
    pub(crate) async fn exchange(
        &self,
        method: &str,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<SellerAnswer, String> {
        if !self.sellers.allows(url) {
            return Err("only public addresses over TLS are asked".to_owned());
        }
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|fault| fault.to_string())?;
        let request = self.sellers.http.request(method, url.clone()).headers(headers).body(body);
        let mut response = request.send().await.map_err(|fault| cause(&fault))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|fault| cause(&fault))? {
            if SELLER_BODY_BYTES_MAX < body.len() + chunk.len() {
                return Err("the answer is too long".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(SellerAnswer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(SELLER_TIMEOUT)
        // Another address is another request: it is not what was paid for.
        .redirect(reqwest::redirect::Policy::none())
}

fn malformed(fault: reqwest::Error) -> NotBought {
    NotBought::Request(fault.to_string())
}

/// Resolves names, and drops what is not public: what a name leads to is checked when it is used, every time.
#[derive(Clone, Copy, Debug)]
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads to no public address".into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_address_leads_outside_only() {
        let public = Sellers::new(Reach::Public).unwrap();
        for (url, allowed) in [
            ("https://seller.example/search", true),
            ("https://8.8.8.8/search", true),
            ("http://seller.example/search", false),
            ("https://127.0.0.1/search", false),
            ("https://2130706433/search", false),
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://[::ffff:10.0.0.1]/search", false),
            ("https://[fd00::1]/search", false),
        ] {
            assert_eq!(public.allows(&Url::parse(url).unwrap()), allowed, "{url}");
        }
        let anywhere = Sellers::new(Reach::Anywhere).unwrap();
        assert!(anywhere.allows(&Url::parse("http://127.0.0.1:8410/weather").unwrap()));
    }

    #[tokio::test]
    async fn a_name_for_this_machine_is_nobody() {
        assert!(PublicNames.resolve("localhost".parse().unwrap()).await.is_err());
    }
}
