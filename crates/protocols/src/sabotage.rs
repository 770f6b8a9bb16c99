//! Bugs on purpose, so that the suites of others can show that they find them. The product is never built with them.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "sabotage"), allow(dead_code, reason = "without the feature there are none"))]
pub enum Sabotage {
    /// Whatever a credential says was signed by whom it names.
    AnySignature,
    /// A genuine credential pays for whatever a gateway sells, whatever it was made for and however much.
    AnyBill,
    /// What was settled is settled again.
    AnyTime,
    /// What was sent to a chain is forgotten.
    Forgets,
    /// A constraint of AP2 that nobody knows allows everything.
    AnyConstraint,
    /// A task of A2A that was canceled goes on.
    GoesOn,
    /// A2A is spoken in whatever version.
    AnyVersion,
    /// MCP is answered for any host and from any page.
    AnyHost,
    /// What clients of MCP carry between calls is not checked.
    AnyState,
    /// A shop's doors open for any key.
    AnyKey,
    /// A shop takes the same key of a request for the same request, whatever it says.
    AnyBody,
    /// A shop says of a checkout that is over that it was changed.
    NeverOver,
}

/// Whether this was built to have bugs on purpose.
pub const BUILT: bool = cfg!(feature = "sabotage");

/// Whether this program has the bug: named in its environment, where it was built to have any.
#[cfg(feature = "sabotage")]
pub fn has(bug: Sabotage) -> bool {
    let name = match bug {
        Sabotage::AnySignature => "any-signature",
        Sabotage::AnyBill => "any-bill",
        Sabotage::AnyTime => "any-time",
        Sabotage::Forgets => "forgets",
        Sabotage::AnyConstraint => "any-constraint",
        Sabotage::GoesOn => "goes-on",
        Sabotage::AnyVersion => "any-version",
        Sabotage::AnyHost => "any-host",
        Sabotage::AnyState => "any-state",
        Sabotage::AnyKey => "any-key",
        Sabotage::AnyBody => "any-body",
        Sabotage::NeverOver => "never-over",
    };
    std::env::var("TOLLBRIDGE_SABOTAGE").is_ok_and(|wanted| wanted == name)
}

/// None.
#[cfg(not(feature = "sabotage"))]
pub fn has(_bug: Sabotage) -> bool {
    false
}
