//! UCP 2026-04-08 over REST: a shop's profile, checkouts, orders, and signatures of messages.
//!
//! Reading order: [`request`] (what a platform sends), [`checkout`] and [`order`] (what it is answered and told), [`fulfillment`]
//! (ways of delivery, in both), [`profile`], [`signature`]; [`buying`], the other side. What UCP leaves open, and what is done about it here, stands in `docs/checkouts.md`.

pub mod buying;
pub mod checkout;
pub mod fulfillment;
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

/// What every shop here can do.
pub const CHECKOUT: &str = "dev.ucp.shopping.checkout";

/// The capability of telling of orders.
pub const ORDER: &str = "dev.ucp.shopping.order";

/// The extension of choosing a delivery, and saying where to.
pub const FULFILLMENT: &str = "dev.ucp.shopping.fulfillment";

/// The extension of words that take something off.
pub const DISCOUNT: &str = "dev.ucp.shopping.discount";

/// The service that they belong to.
pub const SHOPPING: &str = "dev.ucp.shopping";

/// The longest `UCP-Agent` that is read, in bytes.
pub const AGENT_BYTES_MAX: usize = 2 * 1024;

/// The address of the platform's profile: `profile="https://…"`.
pub fn agent_profile(value: &str) -> Option<&str> {
    let address = stated(value, "profile=")?;
    let shows = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    shows.then_some(address)
}

/// The version that a platform says it speaks, where it says one beside its profile.
pub fn agent_version(value: &str) -> Option<&str> {
    stated(value, "version=")
}

fn stated<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let short = Some(value).filter(|value| value.len() <= AGENT_BYTES_MAX)?;
    let quoted = short.split(';').map(str::trim).find_map(|part| part.strip_prefix(name))?;
    quoted.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::{agent_profile, agent_version};

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

    #[test]
    fn a_platform_may_say_its_version_beside_its_profile() {
        let said = |value| agent_version(value);
        assert_eq!(said(r#"profile="https://p.example/"; version="2026-04-08""#), Some("2026-04-08"));
        assert_eq!(said(r#"profile="https://p.example/?version=1""#), None);
        assert_eq!(said("profile=\"https://p.example/\"; version=1"), None);
    }
}
