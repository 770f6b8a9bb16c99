//! The crate as its users see it, against published vectors and independent implementations.

mod mac;
mod notes;
mod oracle;
mod signatures;
mod successions;
mod tiles;
mod tree;
