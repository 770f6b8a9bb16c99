//! Connections of strangers: limits on everything that they choose, answers that reach them, and an orderly end.
//!
//! What is served is somebody else's: [`serve`] takes any service that answers a request with a [`RequestBody`].

mod body;
mod limits;
mod serve;

pub use body::RequestBody;
pub use limits::{ACCEPT_REST, LINGER_BYTES_MAX, LINGER_TIMEOUT, STREAMS_PER_CONNECTION_MAX};
pub use serve::{Limits, Peer, serve};
