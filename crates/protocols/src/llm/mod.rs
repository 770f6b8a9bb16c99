//! Language models: what a call asks for, and what its answer says it used, in the shapes of OpenAI and Anthropic.
//!
//! A request says how far it can go ([`Call::read`]) and is changed as little as metering needs ([`Call::rewrite`]). An answer
//! is read whole ([`read_whole`]) or as a stream of events cut anywhere ([`StreamReader`]), into one [`Tally`]: what was
//! reported, and what arrived. Counts are disjoint, whatever the dialect does: a cached token is not an input token
//! as well. A count that was reported as zero is zero; what makes no sense was not reported.

mod answer;
mod counts;
mod events;
mod request;
mod shape;
mod stream;

pub use answer::read_whole;
pub use counts::{InputCounts, OutputCounts, Tally};
pub use events::EventTooLong;
pub use request::{Call, NotACall, Rewrite};
pub use shape::{Family, Shape};
pub use stream::{Piece, StreamReader, with_member};
