//! A token of our own for one machine: drawn at the start, printed once, and forgotten with the program.

use evidence::{Hash, base64url};
use subtle::ConstantTimeEq;

/// What a token has to be, without being it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer(Hash);

/// The token is not this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotABearer;

impl Bearer {
    /// Draws a token of 256 bits, and answers it with what knows it again.
    pub fn draw() -> (String, Bearer) {
        let token = format!("tbm_{}", base64url::encode(&rand::random::<[u8; 32]>()));
        let known = Bearer(Hash::of(token.as_bytes()));
        (token, known)
    }

    /// Whether a token is this one.
    ///
    /// # Errors
    /// [`NotABearer`].
    pub fn check(&self, token: &str) -> Result<(), NotABearer> {
        let is_known = self.0.as_bytes().ct_eq(Hash::of(token.as_bytes()).as_bytes());
        if bool::from(is_known) { Ok(()) } else { Err(NotABearer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_again_and_no_other_is() {
        let (token, bearer) = Bearer::draw();
        assert_eq!(bearer.check(&token), Ok(()));
        assert_eq!(bearer.check(&token[..token.len() - 1]), Err(NotABearer));
        assert_eq!(bearer.check(&Bearer::draw().0), Err(NotABearer));
        assert_eq!(bearer.check(""), Err(NotABearer));
    }
}
