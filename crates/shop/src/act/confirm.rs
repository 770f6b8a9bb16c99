//! Confirmed carts and what becomes of them: each message asks for one step, and is answered by the order as it then stands.

use super::publish;
use super::sender::{No, Senders};
use crate::cart::{Cart, CartNo, Wanted, WantedLine};
use crate::desk::{Shop, ShopNo};
use crate::order::{Links, Order, Stage};
use crate::snapshot::{decimal, item};
use protocols::act::cid::CommerceError;
use protocols::act::cid::cart::{
    AgreedCart, CartConfirmation, CartRequest, DeliveryRequirements, OrderAction, OrderChange, OrderState,
    OrderStatus,
};
use protocols::act::psd::{is_fresh, sign, verify_signature};
use protocols::act::{Sentence, SignatureText, UtcTime};
use std::collections::BTreeMap;
use wire::{AgentId, OrderId};

/// Confirms a cart, or says why nothing was locked. The same request again is answered by the same order.
pub(crate) async fn confirm(shop: &Shop, senders: &Senders, text: &[u8]) -> Result<CartConfirmation, No> {
    let request = CartRequest::read(text).map_err(|fault| (CommerceError::Format, fault.to_string()))?;
    let agent = senders.check(shop, &request, &request.buyer_agent_id, &request.timestamp).await?;
    if request.merchant_id != publish::merchant_id(shop) {
        return Err((
            CommerceError::Format,
            "nothing was locked; `merchant_id` is not this merchant".to_owned(),
        ));
    }
    if request.currency != publish::currency(shop) {
        let why = format!("nothing was locked; prices here are in {}", publish::currency(shop).as_str());
        return Err((CommerceError::PriceChanged, why));
    }
    let wanted = wanted(&request)?;
    let links = Links {
        intent_id: request.intent_id.as_ref().map(|id| id.as_str().to_owned()),
        delegation_id: request.delegation_id.as_ref().map(|id| id.as_str().to_owned()),
    };
    let name = format!("act {agent} {}", request.request_id.as_str());
    let known = match shop.cart(&name).await {
        Ok(kept) => Some(kept),
        Err(ShopNo::CartUnknown) => None,
        Err(no) => return Err(class(&no)),
    };
    if let Some(kept) = &known
        && (kept.cart.wanted() != wanted || kept.order.as_ref().is_some_and(|order| order.links != links))
    {
        let why = "nothing was locked; this request id was used for another cart: use a new one";
        return Err((CommerceError::Format, why.to_owned()));
    }
    let is_order = known.as_ref().is_some_and(|kept| kept.order.is_some());
    if !is_order {
        let cart =
            Cart::price(&wanted, shop.catalogue(), shop.now()).map_err(|no| class(&ShopNo::Cart(no)))?;
        as_expected(&request, &cart)?;
        shop.put(&name, &agent.to_string(), &wanted).await.map_err(|no| class(&no))?;
    }
    let order = shop.confirm(&name, &links).await.map_err(|no| class(&no))?;
    as_expected(&request, &order.cart)?;
    Ok(confirmation(shop, &request, &order))
}

/// Whether a cart costs what its buyer has seen: each line, and everything together.
fn as_expected(request: &CartRequest, cart: &Cart) -> Result<(), No> {
    let scale = cart.asset.scale();
    let changed = |what: String| {
        let why = format!("nothing was locked; {what}; the total would be {}", cart.money().in_words());
        Err((CommerceError::PriceChanged, why))
    };
    for (wanted, line) in request.cart_snapshot.items.iter().zip(&cart.lines) {
        if wanted.price.minor(scale) != Some(line.price.minor()) {
            let price = decimal(line.price, cart.asset);
            return changed(format!("item `{}` costs {} now", line.item, price.as_str()));
        }
        let subtotal =
            wanted.subtotal.as_ref().is_none_or(|it| it.minor(scale) == Some(line.subtotal.minor()));
        let category = wanted.category.as_ref().is_none_or(|it| it.as_str() == line.category);
        if !subtotal || !category {
            return changed(format!("item `{}` is not as the request has it", line.item));
        }
    }
    if request.total_amount.minor(scale) != Some(cart.total.minor()) {
        return changed(format!("the request expects {}", request.total_amount.as_str()));
    }
    Ok(())
}

fn wanted(request: &CartRequest) -> Result<Wanted, No> {
    let lines = request.cart_snapshot.items.iter().map(|item| {
        let quantity = u32::try_from(item.quantity)
            .map_err(|_| class(&ShopNo::Cart(CartNo::Quantity(item.product_id.as_str().to_owned()))))?;
        let mut options = BTreeMap::new();
        for option in item.options.iter().flatten() {
            let (name, value) = (option.name.as_str().to_owned(), option.value.as_str().to_owned());
            if options.insert(name, value).is_some() {
                let why = format!("nothing was locked; option `{}` is chosen twice", option.name.as_str());
                return Err((CommerceError::Format, why));
            }
        }
        Ok(WantedLine { item: item.product_id.as_str().to_owned(), quantity, options })
    });
    let delivery = request.delivery_requirements.as_ref();
    Ok(Wanted {
        lines: lines.collect::<Result<_, No>>()?,
        delivery: delivery.and_then(|it| it.delivery_option.as_ref()).map(|id| id.as_str().to_owned()),
        coupon: request.coupon_code.as_ref().map(|code| code.as_str().to_owned()),
        address: delivery.and_then(|it| it.delivery_address.as_ref()).map(|text| text.as_str().to_owned()),
    })
}

fn confirmation(shop: &Shop, request: &CartRequest, order: &Order) -> CartConfirmation {
    let (cart, asset) = (&order.cart, order.cart.asset);
    let expected = cart.delivery_seconds.map(|seconds| {
        UtcTime::second_of(order.confirmed_at.after(protocols::Time::from_seconds(seconds).0))
    });
    let delivery = DeliveryRequirements {
        delivery_address: cart.address.as_deref().and_then(|text| Sentence::parse(text).ok()),
        estimated_delivery_time: expected,
        delivery_option: cart.delivery.as_ref().map(|delivery| publish::code(&delivery.id)),
    };
    let signer = shop.signer();
    let confirmation = CartConfirmation {
        request_id: request.request_id.clone(),
        intent_id: request.intent_id.clone(),
        delegation_id: request.delegation_id.clone(),
        buyer_agent_id: request.buyer_agent_id.clone(),
        merchant_id: publish::merchant_id(shop),
        merchant_order_id: publish::code(&order.number.to_string()),
        cart_snapshot: AgreedCart {
            items: cart.lines.iter().map(|line| item(line, asset)).collect(),
            snapshot_hash: order.snapshot_hash.clone(),
        },
        shipping_fee: decimal(cart.shipping, asset),
        discount_amount: decimal(cart.discount, asset),
        tax_amount: decimal(cart.taxes, asset),
        total_amount: decimal(cart.total, asset),
        currency: publish::currency(shop),
        delivery_requirements: Some(delivery),
        pay_before: UtcTime::second_of(order.lock_until),
        fulfil_by: order.fulfil_by.map(UtcTime::second_of),
        reference_payment_info: publish::payment_info(shop),
        timestamp: UtcTime::second_of(order.confirmed_at),
        signer_id: publish::code(&signer.key_id.to_string()),
        signature_algorithm: None,
        signature: unsigned(),
    };
    sign(confirmation, &signer.key)
}

/// An order as it stands, with what the payment service knows of its payment.
pub(crate) async fn state(shop: &Shop, number: &str) -> Result<OrderState, No> {
    let number = order_number(number)?;
    let order = shop.look(number).await.map_err(|no| class(&no))?;
    Ok(stated(shop, &order))
}

/// Carries out a change of an order.
pub(crate) async fn change(
    shop: &Shop,
    senders: &Senders,
    number: &str,
    text: &[u8],
) -> Result<OrderState, No> {
    let request = OrderChange::from_json(text).map_err(|fault| (CommerceError::Format, fault.to_string()))?;
    if request.merchant_order_id.as_str() != number {
        return Err((
            CommerceError::Format,
            "nothing was changed; the message is about another order".to_owned(),
        ));
    }
    let number = order_number(number)?;
    let by_merchant = request.requester_id == publish::merchant_id(shop);
    if by_merchant {
        let is_ours = verify_signature(&request, std::slice::from_ref(shop.signer().key.public())).is_ok();
        if !is_ours || !is_fresh(&request.timestamp, shop.now()) {
            let why = "nothing was changed; no key of the merchant has signed the message just now";
            return Err((CommerceError::AccessRestricted, why.to_owned()));
        }
    } else {
        let agent = senders.check(shop, &request, &request.requester_id, &request.timestamp).await?;
        its_buyer(shop, number, agent).await?;
    }
    let reason = request.reason.as_ref().map_or("no reason was given", Sentence::as_str);
    let changed = match (request.action, by_merchant) {
        (OrderAction::Fulfil, true) => shop.fulfil(number).await,
        (OrderAction::Fulfil, false) => {
            let why = "nothing was changed; only the merchant says that an order is delivered";
            return Err((CommerceError::AccessRestricted, why.to_owned()));
        }
        // A payment that is already there goes back with the order, so it is asked for first.
        (OrderAction::Cancel, true | false) => match shop.look(number).await {
            Ok(_) => shop.cancel(number, reason).await,
            Err(no) => Err(no),
        },
    };
    changed.map(|order| stated(shop, &order)).map_err(|no| class(&no))
}

async fn its_buyer(shop: &Shop, number: OrderId, agent: AgentId) -> Result<(), No> {
    let order = shop.order(number).await.map_err(|no| class(&no))?;
    // Whose an order is, is nobody else's to know.
    if order.buyer == agent.to_string() { Ok(()) } else { Err(class(&ShopNo::OrderUnknown)) }
}

fn stated(shop: &Shop, order: &Order) -> OrderState {
    OrderState {
        merchant_order_id: publish::code(&order.number.to_string()),
        merchant_id: publish::merchant_id(shop),
        status: match order.stage {
            Stage::Open | Stage::Locked => OrderStatus::Locked,
            Stage::Paid => OrderStatus::Paid,
            Stage::Fulfilled => OrderStatus::Fulfilled,
            Stage::Cancelled => OrderStatus::Cancelled,
            Stage::Expired => OrderStatus::Expired,
        },
        total_amount: decimal(order.cart.total, order.cart.asset),
        currency: publish::currency(shop),
        snapshot_hash: order.snapshot_hash.clone(),
        pay_before: UtcTime::second_of(order.lock_until),
        fulfil_by: order.fulfil_by.map(UtcTime::second_of),
        trade_no: order.trade_no.as_deref().map(publish::code),
        reason: order.reason.as_deref().and_then(|reason| Sentence::parse(reason).ok()),
        timestamp: UtcTime::second_of(shop.now()),
    }
}

fn order_number(text: &str) -> Result<OrderId, No> {
    text.parse().map_err(|_| class(&ShopNo::OrderUnknown))
}

/// The class of a no, and words for it, money first.
pub(crate) fn class(no: &ShopNo) -> No {
    let class = match no {
        ShopNo::CartUnknown | ShopNo::OrderUnknown => CommerceError::OrderOver,
        ShopNo::NotOpen(_) | ShopNo::Stage(_) => CommerceError::OrderOver,
        ShopNo::Cart(CartNo::ItemUnknown(_)) => CommerceError::NoMatch,
        ShopNo::Cart(
            CartNo::NotOrderable { .. }
            | CartNo::OptionMissing { .. }
            | CartNo::OptionUnknown { .. }
            | CartNo::DeliveryUnknown(_)
            | CartNo::CouponUnknown(_),
        ) => CommerceError::NotOrderable,
        ShopNo::Cart(
            CartNo::Lines | CartNo::Twice(_) | CartNo::Quantity(_) | CartNo::Address | CartNo::Total,
        ) => CommerceError::Format,
        ShopNo::TooMany => CommerceError::TooManyRequests,
        ShopNo::PriceChanged(_) => CommerceError::PriceChanged,
        ShopNo::Short(_) => CommerceError::OutOfStock,
        ShopNo::NotThisPayment { .. } => CommerceError::NotOrderable,
        ShopNo::Refused(_) | ShopNo::Away(_) | ShopNo::Store(_) => CommerceError::Unavailable,
    };
    let words = match no {
        // What the disk says is for the log.
        ShopNo::Store(fault) => {
            tracing::error!(%fault, "the store fails");
            "nothing more was done; the shop cannot keep anything now".to_owned()
        }
        ShopNo::Away(_) => format!("nobody knows yet whether it was done; ask again with the same id: {no}"),
        other => format!("nothing was changed; {other}"),
    };
    (class, words)
}

fn unsigned() -> SignatureText {
    SignatureText::parse("AA").expect("two letters are a signature's text")
}
