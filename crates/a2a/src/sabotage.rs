//! Bugs on purpose, so that a suite can show that it finds them. The product is never built with them.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "sabotage"), allow(dead_code, reason = "without the feature there are none"))]
pub(crate) enum Sabotage {
    /// A task that was canceled goes on.
    GoesOn,
}

/// Whether this program has the bug: named in its environment, where it was built to have any.
#[cfg(feature = "sabotage")]
pub(crate) fn has(bug: Sabotage) -> bool {
    let name = match bug {
        Sabotage::GoesOn => "goes-on",
    };
    std::env::var("TOLLBRIDGE_SABOTAGE").is_ok_and(|wanted| wanted == name)
}

/// None.
#[cfg(not(feature = "sabotage"))]
pub(crate) fn has(_bug: Sabotage) -> bool {
    false
}
