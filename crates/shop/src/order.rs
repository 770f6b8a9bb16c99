//! An order's states, and the one function that says which follows which.

use crate::cart::Cart;
use protocols::Time;
use protocols::act::Fingerprint;
use wire::OrderId;

/// Where a cart stands, from the first item to the goods or to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It may still be changed; nothing is kept for it.
    Open,
    /// Price and stock are kept for it until a time.
    Locked,
    /// It is paid, or the money for it is set aside.
    Paid,
    /// It is delivered, and the money is the seller's.
    Fulfilled,
    /// It was ended before it was delivered; whatever was paid goes back.
    Cancelled,
    /// Nobody paid while it was locked.
    Expired,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The seller confirms it.
    Confirm,
    /// It is paid.
    Pay,
    /// It is delivered.
    Fulfil,
    /// Somebody ends it.
    Cancel,
    /// Its time is over.
    Expire,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Stage; 6] =
        [Stage::Open, Stage::Locked, Stage::Paid, Stage::Fulfilled, Stage::Cancelled, Stage::Expired];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Open => "open",
            Stage::Locked => "locked",
            Stage::Paid => "paid",
            Stage::Fulfilled => "fulfilled",
            Stage::Cancelled => "cancelled",
            Stage::Expired => "expired",
        }
    }

    /// The stage of a word.
    pub fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == word)
    }

    /// What an event makes of it; nothing where it cannot happen now.
    pub fn after(self, event: Event) -> Option<Stage> {
        match (self, event) {
            (Stage::Open, Event::Confirm) => Some(Stage::Locked),
            (Stage::Locked, Event::Pay) => Some(Stage::Paid),
            (Stage::Paid, Event::Fulfil) => Some(Stage::Fulfilled),
            (Stage::Open | Stage::Locked | Stage::Paid, Event::Cancel) => Some(Stage::Cancelled),
            (Stage::Open | Stage::Locked, Event::Expire) => Some(Stage::Expired),
            (
                Stage::Open
                | Stage::Locked
                | Stage::Paid
                | Stage::Fulfilled
                | Stage::Cancelled
                | Stage::Expired,
                Event::Confirm | Event::Pay | Event::Fulfil | Event::Cancel | Event::Expire,
            ) => None,
        }
    }

    /// Whether its items are kept from others.
    pub fn holds_stock(self) -> bool {
        match self {
            Stage::Locked | Stage::Paid | Stage::Fulfilled => true,
            Stage::Open | Stage::Cancelled | Stage::Expired => false,
        }
    }
}

/// What the parties of a purchase call it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The buyer's intent.
    pub intent_id: Option<String>,
    /// The credential that lets the buyer pay.
    pub delegation_id: Option<String>,
}

/// A confirmed cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number: what a payment quotes.
    pub number: OrderId,
    /// The name of the cart it was.
    pub cart_name: String,
    /// Whose it is, in the buyer's dialect.
    pub buyer: String,
    /// What was bought.
    pub cart: Cart,
    /// Where it stands.
    pub stage: Stage,
    /// When it was confirmed.
    pub confirmed_at: Time,
    /// Until when price and stock are kept, and it can be paid.
    pub lock_until: Time,
    /// Until when the seller delivers, where the money waits for that.
    pub fulfil_by: Option<Time>,
    /// What the buyer calls it elsewhere.
    pub links: Links,
    /// The hash of what was agreed on.
    pub snapshot_hash: Fingerprint,
    /// The payment, once there is one.
    pub trade_no: Option<String>,
    /// What the seller still owes the payment service's answer to.
    pub owed: Owed,
    /// Why it ended, where somebody said so.
    pub reason: Option<String>,
}

/// How a payment was made for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// By the order's number, as the payment service knows: there is one such payment.
    ByNumber,
    /// Aside, such as by a token: the payment service may take another one by the order's number.
    Aside,
}

/// What is still to be said to the payment service about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// Nothing.
    Nothing,
    /// That it may be paid.
    Announcement,
    /// That it was delivered: the money is captured.
    Capture,
    /// That it ended: the money goes back.
    Refund,
    /// Nothing yet; a payment that was begun may still arrive, and goes back then.
    Watch,
}

impl Owed {
    /// Every one.
    pub const ALL: [Owed; 5] = [Owed::Nothing, Owed::Announcement, Owed::Capture, Owed::Refund, Owed::Watch];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Owed::Nothing => "nothing",
            Owed::Announcement => "announcement",
            Owed::Capture => "capture",
            Owed::Refund => "refund",
            Owed::Watch => "watch",
        }
    }

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Owed> {
        Owed::ALL.into_iter().find(|owed| owed.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_events_change_an_order() {
        use Event::{Cancel, Confirm, Expire, Fulfil, Pay};
        let allowed: &[(Stage, Event, Stage)] = &[
            (Stage::Open, Confirm, Stage::Locked),
            (Stage::Open, Cancel, Stage::Cancelled),
            (Stage::Open, Expire, Stage::Expired),
            (Stage::Locked, Pay, Stage::Paid),
            (Stage::Locked, Cancel, Stage::Cancelled),
            (Stage::Locked, Expire, Stage::Expired),
            (Stage::Paid, Fulfil, Stage::Fulfilled),
            (Stage::Paid, Cancel, Stage::Cancelled),
        ];
        for stage in Stage::ALL {
            for event in [Confirm, Pay, Fulfil, Cancel, Expire] {
                let expected = allowed.iter().find(|(from, by, _)| (*from, *by) == (stage, event));
                assert_eq!(stage.after(event), expected.map(|(_, _, to)| *to), "{stage:?} {event:?}");
            }
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
        }
        for owed in Owed::ALL {
            assert_eq!(Owed::parse(owed.as_str()), Some(owed));
        }
    }

    #[test]
    fn stock_is_kept_from_the_lock_on_and_comes_back_where_nothing_is_delivered() {
        let holding: Vec<Stage> = Stage::ALL.into_iter().filter(|stage| stage.holds_stock()).collect();
        assert_eq!(holding, [Stage::Locked, Stage::Paid, Stage::Fulfilled]);
    }
}
