//! A2A 1.0: how agents describe themselves, ask each other for work, and follow it; and how x402 is said in it.
//!
//! What is read is ProtoJSON in its one spelling: members in camel case, enums by name, null as absence; members that a later
//! version adds are passed over. Two things are not: a member that comes twice, and a number that no double holds, because what
//! is read here may be signed.
//!
//! Reading order: [`message`] (what is said), [`task`] (what comes of it), [`call`] (what can be asked), [`fault`] (no, in both
//! bindings), [`card`] (who an agent says it is), [`paying`] (money).

pub mod call;
pub mod card;
pub mod fault;
mod fields;
pub mod message;
pub mod paying;
pub mod task;

pub use call::{Call, Listing, Send, Wait};
pub use card::Card;
pub use fault::Fault;
pub use fields::Violation;
pub use message::{Content, Message, Part, Role};
pub use task::{Artifact, Event, State, Status, Task};

/// The version that is spoken: patches are not told apart.
pub const VERSION: &str = "1.0";

/// The header, or member of the query, in which a client says the version.
pub const VERSION_HEADER: &str = "a2a-version";

/// The header in which a client names extensions, and is told which count.
pub const EXTENSIONS_HEADER: &str = "a2a-extensions";

/// The name of the same header before 1.0, which the payment extension still has.
pub const OLD_EXTENSIONS_HEADER: &str = "x-a2a-extensions";

/// Where an agent's card is found.
pub const CARD_PATH: &str = "/.well-known/agent-card.json";

/// The media type of requests and answers in HTTP+JSON.
pub const MEDIA_TYPE: &str = "application/a2a+json";

/// Whether a version that a client says is the one that is spoken. Nothing said means 0.3.
pub fn speaks(version: &str) -> bool {
    let mut parts = version.trim().split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next() == Some("1")
        && parts.next() == Some("0")
        && parts.next().is_none_or(is_number)
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::speaks;

    #[test]
    fn only_one_version_is_spoken_and_patches_do_not_matter() {
        for (version, spoken) in [
            ("1.0", true),
            (" 1.0 ", true),
            ("1.0.1", true),
            ("", false),
            ("0.3", false),
            ("1", false),
            ("1.1", false),
            ("10", false),
            ("1.0.", false),
            ("1.0.x", false),
            ("1.0.1.1", false),
            ("1.00", false),
            ("v1.0", false),
        ] {
            assert_eq!(speaks(version), spoken, "{version}");
        }
    }
}
