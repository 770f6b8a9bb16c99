//! `CID-MER-CAT`: what a merchant sells, and whether it says enough about it to be ordered.

use super::cart::Choice;
use crate::a402::{AmountText, Currency, Identifier, Uri, words::words};
use crate::act::object::{messages, object, word_fields};
use crate::act::text::{Sentence, UtcTime};

object! {
    /// A merchant's items, or a page of them.
    pub struct Catalogue open_ended "catalogue" {
        required merchant_id: Identifier,
        required merchant_name: Sentence,
        required items: Vec<CatalogueItem>,
        /// Where the next page begins; none on the last one.
        optional next_cursor: Identifier,
        required timestamp: UtcTime,
    }
}

object! {
    /// Something that is sold. Without a price or a currency it can be looked at and not ordered (CAT-02).
    pub struct CatalogueItem open_ended "items" {
        /// Unique inside the merchant.
        required item_id: Identifier,
        required name: Sentence,
        /// What it is, to be compared with the limits of an intent.
        required category: Identifier,
        optional price: AmountText,
        optional currency: Currency,
        optional stock: Availability,
        /// How many are left, where they run out.
        optional quantity_left: u64,
        optional price_valid_until: UtcTime,
        /// How long delivery takes, in seconds.
        optional delivery_seconds: u64,
        optional merchant_id: Identifier,
        optional merchant_link: Uri,
        optional item_link: Uri,
        optional description: Sentence,
        /// More facts, by name.
        optional details: Vec<Choice>,
        /// What has to be chosen.
        optional options: Vec<ItemOption>,
        /// Why it cannot be ordered.
        optional not_orderable: Sentence,
    }
}

object! {
    /// Something to choose about an item.
    pub struct ItemOption open_ended "options" {
        required name: Identifier,
        required values: Vec<OptionValue>,
    }
}

object! {
    /// One choice.
    pub struct OptionValue open_ended "values" {
        required value: Sentence,
        /// What it adds to the price.
        optional extra: AmountText,
    }
}

words! {
    /// Whether an item is there.
    Availability {
        Available = "AVAILABLE",
        SoldOut = "SOLD_OUT",
    }
}

word_fields!(Availability);
messages!(Catalogue in "catalogue", CatalogueItem in "items");

/// What an item lacks, so that it goes neither to confirmation nor to payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    #[error("it has no price")]
    Price,
    #[error("its price has no currency")]
    Currency,
    #[error("its merchant does not let it be ordered")]
    Refused,
}

impl CatalogueItem {
    /// The price, of an item that says enough to be ordered.
    ///
    /// # Errors
    /// [`Incomplete`].
    pub fn orderable(&self) -> Result<(&AmountText, &Currency), Incomplete> {
        let price = self.price.as_ref().ok_or(Incomplete::Price)?;
        let currency = self.currency.as_ref().ok_or(Incomplete::Currency)?;
        if self.not_orderable.is_some() {
            return Err(Incomplete::Refused);
        }
        Ok((price, currency))
    }
}
