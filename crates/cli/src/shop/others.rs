//! Other items of the same shop in the same cart: what they cost stands in its catalogue.

use super::{not_served, parsed};
use crate::checkout::item;
use crate::exit::{Failure, Outcome};
use protocols::act::cid::cart::{CartRequest, Choice, WantedItem};
use protocols::act::{AmountNumber, Identifier};
use sdk::shopping::Shopper;
use url::Url;

/// The items that are named, as the shop's catalogue has them now.
pub(super) async fn wanted(shopper: &Shopper, shop: &Url, named: &[String]) -> Outcome<Vec<WantedItem>> {
    let mut wanted = Vec::with_capacity(named.len());
    for text in named {
        let (name, count) = item(text)?;
        let id = parsed(&name, "item", Identifier::parse)?;
        let page = shopper.catalogue(shop, Some(&id)).await.map_err(not_served)?;
        let found = page.items.into_iter().find(|found| found.item_id == id);
        let found =
            found.ok_or_else(|| Failure::usage(format!("nothing was sent: no item `{name}` is there")))?;
        let (price, _) =
            found.orderable().map_err(|why| Failure::usage(format!("`{name}` is not ordered: {why}")))?;
        let choices = found.options.iter().flatten().map(|option| match option.values.as_slice() {
            [only] if only.extra.is_none() => {
                Ok(Choice { name: option.name.clone(), value: only.value.clone() })
            }
            _ => {
                let which = option.name.as_str();
                Err(Failure::usage(format!(
                    "nothing was sent: `{name}` needs a choice of {which}; ask for it first"
                )))
            }
        });
        let choices = choices.collect::<Outcome<Vec<Choice>>>()?;
        wanted.push(WantedItem {
            product_id: found.item_id.clone(),
            product_name: Some(found.name.clone()),
            category: Some(found.category.clone()),
            price: price.clone(),
            quantity: count.into(),
            subtotal: None,
            options: (!choices.is_empty()).then_some(choices),
        });
    }
    Ok(wanted)
}

/// What the items beside the first cost; nothing where that is no amount that a limit can measure.
pub(super) fn goods(request: &CartRequest) -> Option<AmountNumber> {
    let others = request.cart_snapshot.items.iter().skip(1);
    others.into_iter().try_fold(AmountNumber::ZERO, |sum, item| {
        let price = AmountNumber::of_text(&item.price)?;
        let goods = price.hundredths().checked_mul(item.quantity)?;
        sum.checked_add(AmountNumber::new(goods)?)
    })
}
