//! What a merchant signs before a user or an agent approves it: a checkout, in the members that a mandate is about.

use super::constraint::read_quantity;
use super::line_items::Cart;
use super::money::{Iso4217, Money};
use super::parties::{Merchant, list, text};
use super::refusal::Refusal;
use super::token::{read_signed, read_unverified, sign};
use crate::a402::members::{Malformed, Members};
use evidence::{PublicKey, SigningKey, base64url};
use serde_json::{Map, Value, json};

/// A checkout that its merchant signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    pub id: String,
    pub merchant: Option<Merchant>,
    pub lines: Vec<Line>,
}

/// A line of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The item that is bought.
    pub item: String,
    pub quantity: u64,
}

impl Checkout {
    /// Reads a checkout that `merchant` signed.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn verify(jwt: &str, merchant: &PublicKey) -> Result<Checkout, Refusal> {
        let payload = read_signed(jwt, merchant)?.ok_or(Refusal::CheckoutSignature)?;
        // What else a merchant says is between it and the buyer.
        let mut members = Members::open("checkout", payload)?;
        Ok(Checkout {
            id: members.text("id", text)?,
            merchant: members.take_if_any("merchant").map(read_merchant).transpose()?,
            lines: list("checkout", "line_items", members.take("line_items")?, Line::read)?,
        })
    }

    /// How many there are of each item; nothing where that cannot be counted.
    pub(super) fn cart(&self) -> Option<Cart<'_>> {
        let mut cart = Cart::new();
        for line in &self.lines {
            let count = cart.entry(&line.item).or_default();
            *count = count.checked_add(line.quantity)?;
        }
        Some(cart)
    }
}

impl Line {
    fn read(path: &'static str, value: Value) -> Result<Line, Malformed> {
        let mut members = Members::open(path, value)?;
        let quantity = members.take("quantity")?;
        let mut item = Members::open("checkout.item", members.take("item")?)?;
        Ok(Line { item: item.text("id", text)?, quantity: read_quantity(path, &quantity)? })
    }
}

fn read_merchant(value: Value) -> Result<Merchant, Malformed> {
    let mut members = Members::open("checkout.merchant", value)?;
    Ok(Merchant {
        id: members.text("id", text)?,
        name: members.text("name", text)?,
        website: members.text_if_any("website", text)?,
    })
}

/// What a checkout comes to, where it says so: its one entry of `totals` that is the `total`. Whose signature it bears is not looked at.
///
/// # Errors
/// [`Refusal`]: it cannot be read, or says a total that cannot be.
pub fn total_of(jwt: &str) -> Result<Option<Money>, Refusal> {
    let said = read_unverified(jwt)?;
    let Some(Value::Array(totals)) = said.get("totals") else { return Ok(None) };
    let is_total = |entry: &&Value| entry.get("type").and_then(Value::as_str) == Some("total");
    let mut found = totals.iter().filter(is_total);
    let (Some(total), None) = (found.next(), found.next()) else {
        return Err(Refusal::Violated { constraint: "totals", why: "they have to name one total" });
    };
    let amount_minor = total.get("amount").and_then(Value::as_u64);
    let currency = said.get("currency").and_then(Value::as_str).map(Iso4217::parse);
    match (amount_minor, currency) {
        (Some(amount_minor), Some(Ok(currency))) => Ok(Some(Money { amount_minor, currency })),
        (_, _) => {
            Err(Refusal::Violated { constraint: "totals", why: "the total is no amount of a currency" })
        }
    }
}

/// Signs a checkout for a user to approve. Its hash names the checkout to strangers, and must not let them guess what
/// is in it: so it holds a random `jti`, beside the random number of its signature.
pub fn sign_checkout(
    mut checkout: Map<String, Value>,
    salt: [u8; 16],
    key: &SigningKey,
    key_id: &str,
) -> String {
    checkout.insert("jti".to_owned(), base64url::encode(&salt).into());
    sign(&json!({ "alg": "ES256", "kid": key_id, "typ": "JWT" }), &Value::Object(checkout), key)
}
