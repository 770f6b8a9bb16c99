//! UCP 2026-04-08 over REST: a shop's profile, checkouts, orders, and signatures of messages.
//!
//! Reading order: [`request`] (what a platform sends), [`checkout`] and [`order`] (what it is answered and told), [`profile`],
//! [`signature`]; [`buying`], the other side. What UCP leaves open, and what is done about it here, stands in `docs/checkouts.md`.

pub mod buying;
pub mod checkout;
pub mod order;
pub mod profile;
pub mod request;
pub mod signature;

/// The version that is spoken.
pub const VERSION: &str = "2026-04-08";

/// Names the platform that asks, by its profile.
pub const UCP_AGENT: &str = "ucp-agent";

/// Where a shop's profile is.
pub const PROFILE_PATH: &str = "/.well-known/ucp";

/// The one capability that every shop here has.
pub const CHECKOUT: &str = "dev.ucp.shopping.checkout";

/// The capability of telling of orders.
pub const ORDER: &str = "dev.ucp.shopping.order";

/// The service that both belong to.
pub const SHOPPING: &str = "dev.ucp.shopping";

/// The longest `UCP-Agent` that is read, in bytes.
pub const AGENT_BYTES_MAX: usize = 2 * 1024;

/// The address of the platform's profile: `profile="https://…"`.
pub fn agent_profile(value: &str) -> Option<&str> {
    let short = Some(value).filter(|value| value.len() <= AGENT_BYTES_MAX)?;
    let mut parts = short.split(';').map(str::trim);
    let quoted = parts.find_map(|part| part.strip_prefix("profile="))?;
    let address = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let shows = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    shows.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::agent_profile;

    #[test]
    fn a_platform_is_named_by_its_profile() {
        let check = |value: &str, expected| assert_eq!(agent_profile(value), expected, "`{value}`");
        check(r#"profile="https://p.example/ucp.json""#, Some("https://p.example/ucp.json"));
        check(r#"profile="https://p.example/"; version="2026-04-08""#, Some("https://p.example/"));
        check(r#"version="1"; profile="https://p.example/""#, Some("https://p.example/"));
        check("profile=https://p.example/", None);
        check(r#"profile="""#, None);
        check(r#"profile="a b""#, None);
        check("", None);
        check(&format!("profile=\"{}\"", "x".repeat(3_000)), None);
    }
}
