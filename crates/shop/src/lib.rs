//! A shop for agents: a catalogue, carts whose price and stock are locked when they are confirmed, and orders that learn of
//! their payment from a Tollbridge server as any seller does.
//!
//! Whoever speaks a dialect to buyers puts carts, confirms them, and reads orders; [`act`] speaks ACT's.
//!
//! Reading order: [`Catalogue`]; [`Cart`], which prices what is wanted by it; [`Stage`], an order's states; [`Shop`].

#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod act;
mod cart;
mod catalogue;
mod config;
mod desk;
pub mod limits;
mod order;
mod service;
mod snapshot;
mod store;
mod surplus;

pub use cart::{Carried, Cart, CartNo, Line, Wanted, WantedLine};
pub use catalogue::{Catalogue, Coupon, Delivery, Item, ItemOption, Shipped, Tax};
pub use config::{Config, ConfigFault, Negotiation, RealMoney, Seller, Settle};
pub use desk::{Shop, ShopNo, Signer, StartFault};
pub use order::{Event, Links, Order, Owed, Stage};
pub use snapshot::{decimal, item, snapshot};
pub use store::{Kept, StoreFault};
