//! `CID-CART-CFM`: a cart is confirmed, or not, and what was agreed on has one hash that a payment can quote.

use super::modern;
use crate::a402::{AmountText, Currency, Fingerprint, Identifier, SignatureText, Uri, digest, words::words};
use crate::act::object::{Malformed, canonical, messages, object, word_fields};
use crate::act::psd::signature::signed_request;
use crate::act::text::{Sentence, UtcTime, Word};

object! {
    /// One line of a cart.
    pub struct CartItem closed "items" {
        required product_id: Identifier,
        required product_name: Sentence,
        required category: Identifier,
        /// The price of one.
        required price: AmountText,
        required quantity: u64,
        /// The price of all of them.
        required subtotal: AmountText,
    }
}

object! {
    /// What the hash of a cart covers, and nothing else (CART-10).
    ///
    /// ACT names the meanings and leaves the form open: canonical JSON of an object with exactly these members. What a
    /// purchase has no delegation or intent for is left out.
    pub struct Snapshot closed "snapshot" {
        required items: Vec<CartItem>,
        required merchant_id: Identifier,
        required merchant_order_id: Identifier,
        optional delegation_id: Identifier,
        optional intent_id: Identifier,
        /// When the seller confirmed.
        required timestamp: UtcTime,
        required total_amount: AmountText,
        required currency: Currency,
    }
}

object! {
    /// A name and what stands under it.
    pub struct Choice closed "options" {
        required name: Identifier,
        required value: Sentence,
    }
}

object! {
    /// One line that a buyer wants.
    pub struct WantedItem closed "items" {
        required product_id: Identifier,
        optional product_name: Sentence,
        optional category: Identifier,
        /// The price of one, as the buyer has seen it.
        required price: AmountText,
        required quantity: u64,
        optional subtotal: AmountText,
        /// What was chosen about it.
        optional options: Vec<Choice>,
    }
}

object! {
    /// What a buyer wants to be confirmed.
    pub struct WantedCart closed "cart_snapshot" {
        required items: Vec<WantedItem>,
    }
}

object! {
    /// When, where and how it is to arrive.
    pub struct DeliveryRequirements closed "delivery_requirements" {
        optional delivery_address: Sentence,
        optional estimated_delivery_time: UtcTime,
        /// The merchant's name of a way of delivery.
        optional delivery_option: Identifier,
    }
}

object! {
    /// By what it will be paid, where that was agreed on.
    pub struct ReferencePaymentInfo closed "reference_payment_info" {
        required payment_method: Identifier,
        required psp_id: Identifier,
        required psp_endpoint: Uri,
    }
}

object! {
    /// Asks a merchant to lock a cart.
    pub struct CartRequest closed "request" checked check {
        /// The name of this cart; the same once more is answered by the order there is.
        required request_id: Identifier,
        optional intent_id: Identifier,
        optional delegation_id: Identifier,
        required buyer_agent_id: Identifier,
        required merchant_id: Identifier,
        required cart_snapshot: WantedCart,
        optional coupon_code: Identifier,
        /// What the buyer expects to pay: another total is not confirmed.
        required total_amount: AmountText,
        required currency: Currency,
        optional delivery_requirements: DeliveryRequirements,
        optional reference_payment_info: ReferencePaymentInfo,
        required timestamp: UtcTime,
        optional signer_id: Identifier,
        optional signature_algorithm: Word,
        required signature: SignatureText,
    }
}

object! {
    /// What was agreed on.
    pub struct AgreedCart open_ended "cart_snapshot" {
        required items: Vec<CartItem>,
        required snapshot_hash: Fingerprint,
    }
}

object! {
    /// A cart that is locked: price and stock are kept until `pay_before`, and a payment quotes `merchant_order_id`.
    pub struct CartConfirmation open_ended "confirmation" {
        required request_id: Identifier,
        optional intent_id: Identifier,
        optional delegation_id: Identifier,
        required buyer_agent_id: Identifier,
        required merchant_id: Identifier,
        required merchant_order_id: Identifier,
        required cart_snapshot: AgreedCart,
        required shipping_fee: AmountText,
        required discount_amount: AmountText,
        required tax_amount: AmountText,
        required total_amount: AmountText,
        required currency: Currency,
        optional delivery_requirements: DeliveryRequirements,
        /// Until when it can be paid.
        required pay_before: UtcTime,
        /// Until when the money waits for the delivery; none where it is the merchant's at once.
        optional fulfil_by: UtcTime,
        required reference_payment_info: ReferencePaymentInfo,
        /// When it was confirmed.
        required timestamp: UtcTime,
        required signer_id: Identifier,
        optional signature_algorithm: Word,
        required signature: SignatureText,
    }
}

words! {
    /// Where an order stands.
    OrderStatus {
        Locked = "LOCKED",
        Paid = "PAID",
        Fulfilled = "FULFILLED",
        Cancelled = "CANCELLED",
        Expired = "EXPIRED",
    }
}

words! {
    /// What is to be done with an order.
    OrderAction {
        /// Its merchant has delivered it.
        Fulfil = "FULFIL",
        /// It ends, and its money goes back.
        Cancel = "CANCEL",
    }
}

word_fields!(OrderStatus, OrderAction);

object! {
    /// Says what becomes of an order: its buyer may cancel it, its merchant may do both.
    pub struct OrderChange closed "request" {
        required request_id: Identifier,
        required merchant_order_id: Identifier,
        required action: OrderAction,
        /// The buyer's agent, or the merchant.
        required requester_id: Identifier,
        optional reason: Sentence,
        required timestamp: UtcTime,
        optional signer_id: Identifier,
        optional signature_algorithm: Word,
        required signature: SignatureText,
    }
}

object! {
    /// An order as it stands.
    pub struct OrderState open_ended "order" {
        required merchant_order_id: Identifier,
        required merchant_id: Identifier,
        required status: OrderStatus,
        required total_amount: AmountText,
        required currency: Currency,
        required snapshot_hash: Fingerprint,
        required pay_before: UtcTime,
        optional fulfil_by: UtcTime,
        /// The payment, once there is one.
        optional trade_no: Identifier,
        /// Why it ended.
        optional reason: Sentence,
        required timestamp: UtcTime,
    }
}

messages!(
    CartItem in "items",
    Snapshot in "snapshot",
    CartRequest in "request",
    CartConfirmation in "confirmation",
    OrderChange in "request",
    OrderState in "order"
);
signed_request!(CartRequest covers every member);
signed_request!(CartConfirmation covers every member);
signed_request!(OrderChange covers every member);

impl Snapshot {
    /// The hash: SHA-256 over the canonical bytes, as `sha-256:` and Base64URL.
    pub fn hash(&self) -> Fingerprint {
        digest(&canonical(self))
    }
}

impl CartRequest {
    /// Reads a request, also one with names of version 2.0.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(text: &[u8]) -> Result<CartRequest, Malformed> {
        CartRequest::from_json(&modern("request", text, &[("amount_currency", "currency")])?)
    }
}

/// Why a confirmation is not one of the cart that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    #[error("it answers another request")]
    Request,
    #[error("it is of another merchant, agent, intent or delegation")]
    Party,
    #[error("its items are not those that were asked for")]
    Items,
    #[error("its total is not the one that was expected")]
    Total,
    #[error("its sums do not add up")]
    Sums,
    #[error("its hash is not that of what it says")]
    Hash,
    #[error("it is over before it can be paid")]
    Over,
}

impl CartConfirmation {
    /// What its hash has to cover.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            items: self.cart_snapshot.items.clone(),
            merchant_id: self.merchant_id.clone(),
            merchant_order_id: self.merchant_order_id.clone(),
            delegation_id: self.delegation_id.clone(),
            intent_id: self.intent_id.clone(),
            timestamp: self.timestamp.clone(),
            total_amount: self.total_amount.clone(),
            currency: self.currency.clone(),
        }
    }

    /// Whether it confirms exactly what was asked for: only then is the cart confirmed (CART-07).
    ///
    /// # Errors
    /// [`NotConfirmed`].
    pub fn confirms(&self, request: &CartRequest) -> Result<(), NotConfirmed> {
        if self.request_id != request.request_id {
            return Err(NotConfirmed::Request);
        }
        let parties = self.merchant_id == request.merchant_id
            && self.buyer_agent_id == request.buyer_agent_id
            && self.intent_id == request.intent_id
            && self.delegation_id == request.delegation_id;
        if !parties {
            return Err(NotConfirmed::Party);
        }
        let (agreed, wanted) = (&self.cart_snapshot.items, &request.cart_snapshot.items);
        let is_same = |(ours, theirs): (&WantedItem, &CartItem)| {
            ours.product_id == theirs.product_id
                && ours.quantity == theirs.quantity
                && minor(&ours.price) == minor(&theirs.price)
        };
        if agreed.len() != wanted.len() || !wanted.iter().zip(agreed).all(is_same) {
            return Err(NotConfirmed::Items);
        }
        if minor(&self.total_amount) != minor(&request.total_amount) || self.currency != request.currency {
            return Err(NotConfirmed::Total);
        }
        if !self.adds_up() {
            return Err(NotConfirmed::Sums);
        }
        if self.snapshot().hash() != self.cart_snapshot.snapshot_hash {
            return Err(NotConfirmed::Hash);
        }
        if self.pay_before.time() <= self.timestamp.time() {
            return Err(NotConfirmed::Over);
        }
        Ok(())
    }

    /// Whether goods, delivery and taxes, less the discount, come to the total.
    fn adds_up(&self) -> bool {
        let sum = || {
            let mut goods = 0_u128;
            for item in &self.cart_snapshot.items {
                let subtotal = minor(&item.price)?.checked_mul(u128::from(item.quantity))?;
                if Some(subtotal) != minor(&item.subtotal) {
                    return None;
                }
                goods = goods.checked_add(subtotal)?;
            }
            let more = minor(&self.shipping_fee)?.checked_add(minor(&self.tax_amount)?)?;
            goods.checked_sub(minor(&self.discount_amount)?)?.checked_add(more)
        };
        sum().is_some_and(|sum| Some(sum) == minor(&self.total_amount))
    }
}

/// The finest unit that an amount can be written in, so that amounts of different decimals are compared.
fn minor(amount: &AmountText) -> Option<u128> {
    amount.minor(18)
}

fn check(request: &CartRequest) -> Result<(), Malformed> {
    if request.cart_snapshot.items.is_empty() {
        return Err(Malformed::Rule { path: "cart_snapshot", name: "items", rule: "must hold at least one" });
    }
    Ok(())
}
