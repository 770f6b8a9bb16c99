//! What every client has to get right, byte by byte: `/vectors/sdk.json`, written by another implementation.
//! The packages for TypeScript and Python read the same file.

use crate::credentials::Credentials;
use crate::receipt::{NotAReceipt, verify_receipt};
use crate::sign::ToSign;
use evidence::{CheckpointError, KeyHistory, NoteError, ProofError, ReceiptError, SigningKey, base64url};
use serde_json::Value;
use url::Url;

/// The rows of one kind.
pub(crate) fn rows(kind: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/sdk.json");
    let text = std::fs::read(path).expect("the vectors are in the repository");
    let vectors: Value = serde_json::from_slice(&text).expect("the vectors are JSON");
    vectors[kind].as_array().expect("each kind is a list").clone()
}

/// A member that is a text.
pub(crate) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().expect("the member is a text")
}

/// A member that is 32 bytes in Base64URL.
pub(crate) fn bytes(row: &Value, name: &str) -> [u8; 32] {
    base64url::decode(text(row, name)).and_then(|bytes| bytes.try_into().ok()).expect("they are 32 bytes")
}

/// The code that both packages give a receipt that shows nothing.
fn code(fault: &NotAReceipt) -> &'static str {
    match fault {
        NotAReceipt::Malformed(_) => "receipt_malformed",
        NotAReceipt::False(ReceiptError::Checkpoint(fault)) => match fault {
            CheckpointError::Note(fault) => match fault {
                NoteError::TooLong(_) | NoteError::TooManySignatures(_) | NoteError::Malformed => {
                    "note_malformed"
                }
                NoteError::NotSigned(_) => "not_signed",
                NoteError::BadSignature(_) => "signature_false",
            },
            CheckpointError::Malformed => "checkpoint_malformed",
            CheckpointError::Origin { .. } => "log_differs",
            CheckpointError::NoKey(_) => "key_missing",
        },
        NotAReceipt::False(ReceiptError::Proof(fault)) => match fault {
            ProofError::NoSuchLeaf { .. } => "leaf_missing",
            ProofError::Length => "proof_length",
            ProofError::Root => "root_differs",
            ProofError::Shrinks { .. } | ProofError::Size(_) => "not of a receipt",
        },
    }
}

#[test]
fn requests_are_signed_as_by_every_client() {
    for row in rows("requests") {
        let by = Credentials {
            key_id: text(&row, "key").parse().unwrap(),
            key: SigningKey::ed25519(&bytes(&row, "seed")),
        };
        let signed = ToSign {
            method: text(&row, "method"),
            url: &Url::parse(text(&row, "url")).unwrap(),
            body: text(&row, "body").as_bytes(),
            created_seconds: row["created_seconds"].as_u64().unwrap(),
            nonce: text(&row, "nonce").parse().unwrap(),
        }
        .sign(&by);
        let name = text(&row, "name");
        assert_eq!(signed.content_digest.as_deref(), row["content_digest"].as_str(), "{name}");
        assert_eq!(signed.signature_input, text(&row, "signature_input"), "{name}");
        assert_eq!(signed.signature, text(&row, "signature"), "{name}");
    }
}

#[test]
fn receipts_get_the_same_answer_from_every_client() {
    for row in rows("receipts") {
        let keys = KeyHistory::parse(text(&row, "vkey")).unwrap();
        let receipt: wire::entry::Receipt = serde_json::from_value(row["receipt"].clone()).unwrap();
        let (answer, says) = match verify_receipt(&receipt, &keys) {
            Ok(_) => ("good", None),
            Err(fault) => (code(&fault), Some(fault.to_string())),
        };
        let name = text(&row, "name");
        assert_eq!(answer, text(&row, "answer"), "{name}");
        assert_eq!(says.as_deref(), row["says"].as_str(), "{name}");
    }
}

#[test]
fn what_are_no_keys_of_a_log_is_refused_by_every_client() {
    for row in rows("not_keys") {
        assert!(KeyHistory::parse(text(&row, "vkey")).is_err(), "{}", text(&row, "name"));
    }
}
