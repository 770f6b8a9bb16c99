//! Base 64 for URLs in its one accepted spelling: no padding, no spare bits, nothing between (RFC 4648 §5, PR-06).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The bytes as unpadded Base 64 for URLs.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a text that [`encode`] would have written, or `None` for every other spelling:
/// padding, `+` and `/`, white space, trailing bits that are not zero.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
