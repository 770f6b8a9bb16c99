//! ACT's commerce domain: what is for sale, what is wanted, how it may be paid, and what was agreed on.
//!
//! ACT names the meanings of these messages and leaves most of their form open; what is chosen is told in
//! `docs/commerce.md`. Names of version 2.0 are read, those of 2.1 are written.
//!
//! Reading order: [`catalogue`] (`CID-MER-CAT`); [`transfer`], what a buyer wants and who may have it (`CID-INT-XFR`);
//! [`capability`], by which method it can be paid (`CID-PCA-NEG`); [`cart`], what was agreed on under one hash
//! (`CID-CART-CFM`); [`precheck`], what a buyer asks itself before it says anything.

pub mod capability;
pub mod cart;
pub mod catalogue;
pub mod precheck;
pub mod transfer;

use super::object::Malformed;
use crate::a402::Identifier;
use crate::a402::words::words;
use crate::act::object::{messages, object, word_fields};
use crate::act::text::Sentence;
use crate::json;
use crate::limits::ACT_MESSAGE_BYTES_MAX;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

words! {
    /// Why a merchant gave no candidates or confirmed no cart, in classes that a buyer can act on (XFR-04).
    CommerceError {
        /// The message cannot be read, is not signed, or repeats an id: mend it.
        Format = "FORMAT_ERROR",
        /// Nothing that is sold fits: try another merchant.
        NoMatch = "NO_MATCH",
        /// The merchant does not deal with this sender.
        AccessRestricted = "ACCESS_RESTRICTED",
        /// The constraints contradict each other: adjust them.
        ConstraintConflict = "CONSTRAINT_CONFLICT",
        /// Wait.
        TooManyRequests = "TOO_MANY_REQUESTS",
        /// A thing is listed, and cannot be ordered as it is (CAT-02).
        NotOrderable = "NOT_ORDERABLE",
        /// Too few are left: nothing was locked (CART-07).
        OutOfStock = "OUT_OF_STOCK",
        /// It costs something else than the request says: nothing was locked.
        PriceChanged = "PRICE_CHANGED",
        /// The order is over, or was never there.
        OrderOver = "ORDER_OVER",
        /// The merchant cannot say now: ask again with the same id.
        Unavailable = "UNAVAILABLE",
    }
}

word_fields!(CommerceError);

object! {
    /// A no that a buyer can act on. It is never an empty success.
    pub struct Refusal open_ended "error" {
        /// The request, where it could be read.
        optional request_id: Identifier,
        required error: CommerceError,
        /// Why, for people.
        required message: Sentence,
        /// What stands in the way: names of members, or ids of items.
        optional about: Vec<Identifier>,
    }
}

messages!(Refusal in "error");

impl CommerceError {
    /// The HTTP status of such an answer.
    pub fn status(self) -> u16 {
        match self {
            CommerceError::Format => 400,
            CommerceError::AccessRestricted => 403,
            CommerceError::NoMatch | CommerceError::OrderOver => 404,
            CommerceError::OutOfStock | CommerceError::PriceChanged | CommerceError::NotOrderable => 409,
            CommerceError::ConstraintConflict => 422,
            CommerceError::TooManyRequests => 429,
            CommerceError::Unavailable => 503,
        }
    }
}

/// Reads a message that may have names of version 2.0: each is taken for the name of 2.1 that stands beside it.
///
/// A message that has both is none, for they could differ.
fn modern(path: &'static str, text: &[u8], names: &[(&str, &'static str)]) -> Result<Vec<u8>, Malformed> {
    if ACT_MESSAGE_BYTES_MAX < text.len() {
        return Err(Malformed::TooLong { bytes: text.len() });
    }
    json::parse(text)?;
    let members: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(text);
    let mut members = members.map_err(|_| Malformed::NotAnObject { path })?;
    for (old, name) in names {
        let Some(value) = members.remove(*old) else { continue };
        if members.insert((*name).to_owned(), value).is_some() {
            return Err(Malformed::Rule {
                path,
                name,
                rule: "must not stand there twice, under an old and a new name",
            });
        }
    }
    Ok(serde_json::to_vec(&members).expect("what was read as JSON is written as such"))
}
