//! A seller of two models, and his key.

use evidence::{PublicKey, SigningKey};
use pricing::{Catalogue, Sealed};
use serde_json::{Value, json};

/// The name of the seller's key.
pub(crate) const KEY: &str = "key_seller";

/// The seller's key.
pub(crate) fn key() -> SigningKey {
    SigningKey::ed25519(&[7; 32])
}

/// Knows the seller's key, and nobody else's.
pub(crate) fn keys(name: &str) -> Option<PublicKey> {
    (name == KEY).then(|| key().public().clone())
}

/// A small model with the prices of scenario S12, and a large one with bands and every class.
pub(crate) fn catalogue_text(version: u32, effective_from: &str) -> Value {
    json!({
        "seller": "pay_seller", "asset": "CNY/2", "version": version, "effective_from": effective_from,
        "models": [
            { "name": "small", "input_max": 32_000, "output_max": 8_000, "source": "own",
              "prices": { "input": "2", "output": "8" } },
            { "name": "large", "input_max": 1_000_000, "output_max": 64_000,
              "prices": { "call": "0.001", "input": "9.00", "cached_input": "0.90", "cache_write": "11.25",
                          "audio_input": "70", "output": "36", "reasoning": "36", "image_output": "210" },
              "bands": [ { "input_from": 200_000,
                           "prices": { "call": "0.001", "input": "18", "cached_input": "1.80",
                                       "cache_write": "22.50", "output": "220.00" } } ] },
        ],
    })
}

/// That catalogue, signed.
pub(crate) fn catalogue(version: u32, effective_from: &str) -> Sealed<Catalogue> {
    let catalogue = Catalogue::read(&catalogue_text(version, effective_from)).expect("it is a catalogue");
    Sealed::sign(catalogue, KEY, &key())
}
