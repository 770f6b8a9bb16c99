//! Offers: how many demands sellers' gateways made, as they report it. Nobody checks it, and nothing but a seller's own
//! page shows it. It lies in a file of its own, for it is no part of the book.

pub mod store;
