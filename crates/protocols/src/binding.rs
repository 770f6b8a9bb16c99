//! What a payment token is bound to: a seller, one of his checkouts and, where the buyer says so, one cart.
//!
//! ACP calls it the allowance of a delegated payment, UCP the binding of a tokenized credential. The ledger has the digest,
//! so whoever takes the money has to name the same checkout again.

use crate::is_hidden;
use crate::limits::CHECKOUT_NAME_BYTES_MAX;
use evidence::Hash;

/// Begins every digest of a binding, so that nothing else in the ledger has the same one.
const DOMAIN: &str = "toll:token/1";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The seller: a payee's name.
    pub merchant: &'a str,
    /// The seller's name of the checkout.
    pub checkout: &'a str,
    /// The cart in letters of the seller's, for a token that is for just this one.
    pub cart: Option<&'a str>,
}

/// A name that nobody could show, or that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checkout and a cart are named in 1 to 128 bytes that show as they are")]
pub struct NotAName;

impl Binding<'_> {
    /// The digest that the ledger keeps.
    ///
    /// # Errors
    /// [`NotAName`].
    pub fn digest(&self) -> Result<Hash, NotAName> {
        let named = |text: &str| {
            let shows = !text.is_empty() && text.len() <= CHECKOUT_NAME_BYTES_MAX;
            shows && !text.chars().any(is_hidden)
        };
        if ![Some(self.merchant), Some(self.checkout), self.cart].into_iter().flatten().all(named) {
            return Err(NotAName);
        }
        // No name has a line end, so no two bindings have the same letters.
        let mut text = [DOMAIN, self.merchant, self.checkout].join("\n");
        if let Some(cart) = self.cart {
            text.push('\n');
            text.push_str(cart);
        }
        Ok(Hash::of(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Binding, NotAName};
    use std::collections::HashSet;

    #[test]
    fn bindings_that_differ_have_different_digests() {
        let binding = |merchant, checkout, cart| Binding { merchant, checkout, cart };
        let all = [
            binding("a", "b", None),
            binding("a", "b", Some("c")),
            binding("a", "c", Some("b")),
            binding("b", "a", None),
            binding("ab", "c", None),
            binding("a", "bc", None),
        ];
        let digests: HashSet<_> = all.iter().map(|it| it.digest().unwrap().0).collect();
        assert_eq!(digests.len(), all.len());
    }

    #[test]
    fn what_could_be_read_as_something_else_is_no_name() {
        for checkout in ["", "a\nb", "a\u{202e}b", &"x".repeat(129)] {
            let binding = Binding { merchant: "m", checkout, cart: None };
            assert_eq!(binding.digest(), Err(NotAName), "`{checkout}`");
            let binding = Binding { merchant: "m", checkout: "c", cart: Some(checkout) };
            assert_eq!(binding.digest(), Err(NotAName), "`{checkout}`");
        }
        let binding = Binding { merchant: "m", checkout: &"x".repeat(128), cart: None };
        assert!(binding.digest().is_ok());
    }
}
