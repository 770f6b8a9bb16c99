//! Where messages may go: strangers name addresses, and none of them may lead into our own network.

use crate::limits::WEBHOOK_URL_BYTES_MAX;
use protocols::address::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// How far messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To addresses of the public Internet, over TLS.
    #[default]
    Public,
    /// Also to this machine and its neighbours, and without TLS: for trying things out.
    Anywhere,
}

/// The address, if a message may go there as far as its text says.
pub(crate) fn allowed(text: &str, reach: Reach) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= WEBHOOK_URL_BYTES_MAX)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_safe = match (reach, url.scheme()) {
        (_, "https") | (Reach::Anywhere, "http") => true,
        (Reach::Public | Reach::Anywhere, _) => false,
    };
    let is_outside = match url.host()? {
        Host::Domain(name) => !name.is_empty(),
        Host::Ipv4(ip) => reach == Reach::Anywhere || is_public(IpAddr::V4(ip)),
        Host::Ipv6(ip) => reach == Reach::Anywhere || is_public(IpAddr::V6(ip)),
    };
    (is_plain && is_safe && is_outside).then_some(url)
}

/// A client that goes as far as `reach`, follows no redirection, and waits for so long.
pub(crate) fn client(reach: Reach, timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("tollbridge/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Resolver(reach)))
        .build()
}

/// Resolves names, and drops what is not public: what a name leads to is checked when it is used, every time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver(pub(crate) Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| reach == Reach::Anywhere || is_public(address.ip())).collect();
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
    fn nothing_leads_into_our_own_network() {
        for inside in [
            "http://example.com/",
            "https://127.0.0.1/x",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.8/",
            "https://172.16.3.4/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://198.18.0.1/",
            "https://192.0.0.170/",
            "https://203.0.113.7/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:db8::1]/",
            "https://user:word@example.com/",
            "https://example.com/#part",
            "ftp://example.com/",
            "file:///etc/passwd",
            "example.com",
            "",
        ] {
            assert!(allowed(inside, Reach::Public).is_none(), "{inside}");
        }
        for outside in
            ["https://example.com/hook?for=us", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/"]
        {
            assert!(allowed(outside, Reach::Public).is_some(), "{outside}");
        }
        assert!(allowed("http://127.0.0.1:9/", Reach::Anywhere).is_some());
        assert!(allowed("gopher://127.0.0.1:9/", Reach::Anywhere).is_none());
        let long = format!("https://example.com/{}", "a".repeat(WEBHOOK_URL_BYTES_MAX));
        assert!(allowed(&long, Reach::Public).is_none());
    }

    #[tokio::test]
    async fn a_name_for_this_machine_is_nobody() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Resolver(Reach::Public).resolve(name()).await.is_err());
        assert!(Resolver(Reach::Anywhere).resolve(name()).await.is_ok());
    }
}
