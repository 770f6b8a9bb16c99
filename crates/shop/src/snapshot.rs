//! The hash of what was agreed on, over ACT's form of a cart, whichever dialect the buyer speaks.

use crate::cart::{Cart, Line};
use crate::order::Links;
use protocols::Time;
use protocols::a402::{AmountText, Currency, Identifier};
use protocols::act::cid::cart::{CartItem, Snapshot};
use protocols::act::{Sentence, UtcTime};
use wire::{AssetText, OrderId, PayeeId};

/// What the hash of an order covers.
pub fn snapshot(cart: &Cart, number: OrderId, payee: PayeeId, confirmed_at: Time, links: &Links) -> Snapshot {
    let identifier = |text: &String| Identifier::parse(text.as_str()).ok();
    Snapshot {
        items: cart.lines.iter().map(|line| item(line, cart.asset)).collect(),
        merchant_id: our(&payee.to_string()),
        merchant_order_id: our(&number.to_string()),
        delegation_id: links.delegation_id.as_ref().and_then(identifier),
        intent_id: links.intent_id.as_ref().and_then(identifier),
        timestamp: UtcTime::second_of(confirmed_at),
        total_amount: decimal(cart.total, cart.asset),
        currency: Currency::parse(cart.asset.code()).expect("a shop's asset is a currency of three letters"),
    }
}

/// A line in ACT's form.
pub fn item(line: &Line, asset: AssetText) -> CartItem {
    CartItem {
        product_id: our(&line.item),
        product_name: Sentence::parse(line.name.as_str()).expect("a name is 1 to 4,096 characters"),
        category: our(&line.category),
        price: decimal(line.price, asset),
        quantity: line.quantity.into(),
        subtotal: decimal(line.subtotal, asset),
    }
}

/// An amount in whole units, with all decimals that the asset has.
pub fn decimal(amount: wire::AmountText, asset: AssetText) -> AmountText {
    AmountText::of_minor(amount.minor(), asset.scale()).expect("an asset has at most 18 decimals")
}

fn our(text: &str) -> Identifier {
    Identifier::parse(text).expect("our codes and ids are identifiers")
}
