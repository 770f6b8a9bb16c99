//! `checkout`: what shops sell at checkouts of ACP and UCP, paid by a token for just that cart.

use crate::accounts::wallet_of;
use crate::args::checkouts::{CheckoutBuy, CheckoutCommand, ShopDialect};
use crate::client::{failed, in_session};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::pay::buyer;
use crate::runtime;
use sdk::{CheckedOut, CheckoutDialect, CheckoutOrder, NewCheckout, NotCheckedOut};
use serde::Serialize;
use std::path::Path;
use wire::Money;

/// The longest key for a shop, in bytes.
const SHOP_KEY_BYTES_MAX: usize = 4_096;

/// How many of an item there are where nothing is said.
const ONE: u32 = 1;

#[derive(Serialize)]
struct Bought<'a> {
    payment: &'static str,
    #[serde(flatten)]
    order: &'a CheckoutOrder,
    left: Money,
}

/// Runs a command about checkouts.
pub(crate) fn run(output: &Output, command: &CheckoutCommand) -> Outcome {
    match command {
        CheckoutCommand::Buy(args) => buy(output, args),
    }
}

fn buy(output: &Output, args: &CheckoutBuy) -> Outcome {
    let items = args.items.iter().map(|text| item(text)).collect::<Outcome<Vec<(String, u32)>>>()?;
    let api_key = args.shop_key.as_deref().map(shop_key).transpose()?;
    runtime::run(async {
        let (buyer, price_max) = buyer(&args.purchase, &args.purchases).await?;
        let new = NewCheckout {
            purchase: args.purchase.purchase.clone(),
            shop: args.at.clone(),
            dialect: args.dialect.map(|dialect| match dialect {
                ShopDialect::Acp => CheckoutDialect::Acp,
                ShopDialect::Ucp => CheckoutDialect::Ucp,
            }),
            api_key,
            profile: args.profile.clone(),
            items,
            price_max,
            why: args.purchase.why.clone(),
        };
        let order = match buyer.check_out(&new).await.map_err(not_bought)? {
            CheckedOut::Bought(order) => order,
            CheckedOut::Asked { question, ask } => {
                let why = format!("nothing was spent: the owner is asked ({ask}, {question})");
                return Err(Failure::new(Exit::Asked, why));
            }
        };
        let wallet = args.purchase.wallet.parse().map_err(Failure::usage)?;
        let left = wallet_of(&in_session(&args.purchase.caller)?, wallet).await?.available;
        let paid = order.paid.in_words();
        output.line(format!("bought for {paid}: {} at {}", order.order, args.at));
        output.line(format!("  {}  {}  left {}", order.hold, order.url, left.in_words()));
        output.object(&Bought { payment: "paid", order: &order, left });
        Ok(())
    })
}

/// `tea`, or `tea,2`.
pub(crate) fn item(text: &str) -> Outcome<(String, u32)> {
    let usage = || Failure::usage(format!("`{text}` is no item like `tea` or `tea,2`"));
    let (name, count) = match text.rsplit_once(',') {
        Some((name, count)) => (name, count.parse().ok().filter(|count| *count != 0).ok_or_else(usage)?),
        None => (text, ONE),
    };
    if name.is_empty() { Err(usage()) } else { Ok((name.to_owned(), count)) }
}

/// One line of a file, which is sent to the shop and shown to nobody else.
fn shop_key(path: &Path) -> Outcome<String> {
    let text = std::fs::read_to_string(path).map_err(|fault| Failure::from(fault).during(path.display()))?;
    let key = text.trim();
    let is_line =
        !key.is_empty() && key.len() <= SHOP_KEY_BYTES_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_line {
        return Err(Failure::usage(format!("`{}` does not hold one key on one line", path.display())));
    }
    Ok(key.to_owned())
}

/// How a command ends where nothing was bought, or nobody can say.
fn not_bought(why: NotCheckedOut) -> Failure {
    let exit = match &why {
        NotCheckedOut::Purchase(_) => Exit::Fault,
        NotCheckedOut::Shop(_) => Exit::Unreachable,
        NotCheckedOut::Unknown { .. } => Exit::Unknown,
        NotCheckedOut::Refused { .. } | NotCheckedOut::Checkout(_) | NotCheckedOut::TooDear { .. } => {
            Exit::Refused
        }
        NotCheckedOut::NoOrder { .. } => Exit::False,
        NotCheckedOut::Server(_) => {
            let NotCheckedOut::Server(failure) = why else { return Failure::fault(why) };
            return failed(failure);
        }
    };
    Failure::new(exit, why)
}

#[cfg(test)]
mod tests {
    use super::item;

    #[test]
    fn an_item_may_say_how_many() {
        for (text, name, count) in
            [("tea", "tea", 1), ("tea,2", "tea", 2), ("a,b,3", "a,b", 3), ("tea?size=l", "tea?size=l", 1)]
        {
            assert_eq!(item(text).expect("it is an item"), (name.to_owned(), count), "{text}");
        }
        for text in ["", ",2", "tea,0", "tea,-1", "tea,x", "tea,"] {
            assert!(item(text).is_err(), "{text}");
        }
    }
}
