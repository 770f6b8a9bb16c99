//! Commerce between processes: a server, shops, and agents that buy at them as a command; every movement of money, and every no.

pub(crate) mod buying;
mod carts;
mod doors;
mod offers;
mod relay;
mod sources;
mod stories;
pub(crate) mod town;
