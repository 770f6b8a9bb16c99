//! `ADD-IAC-ISS`: the intent authorization credential, by which others check what an agent may do.
//!
//! An [`UnsignedIac`] is selected from a [`ConfirmedIsr`](super::intent::ConfirmedIsr) and signed by an
//! [`IacKey`] into a compact VC-JWT. [`verify()`] turns such a text into a [`VerifiedIac`], without asking
//! its issuer (ACT 2.1 section 3).

mod issue;
mod payload;
mod verify;

pub use issue::{IacKey, IacReferences, IssueError, NotAnIacKey, Risk, Selection, SourceDigest, UnsignedIac};
pub use payload::IacPayload;
pub use verify::{ClaimedIac, Iac, IacError, VerifiedIac, verify};
