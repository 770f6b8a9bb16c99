//! The product from outside: a real process, its public interface, and nothing else.
//!
//! [`server`] starts and kills the process. [`caller`] signs requests and sends them over [`http`]. [`installation`] makes
//! owners, wallets, sellers and agents. [`proof`] checks receipts, and whole journals, without believing the server.

pub(crate) mod caller;
pub(crate) mod http;
pub(crate) mod installation;
pub(crate) mod proof;
pub(crate) mod server;
