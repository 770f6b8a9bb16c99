//! Whose key signs our requests, and the file it is kept in.

use crate::limits::KEY_FILE_BYTES_MAX;
use evidence::{SigningKey, base64url};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use wire::KeyId;
use wire::account::Algorithm;
use zeroize::Zeroizing;

/// A key and the name the server knows it by.
#[derive(Debug)]
pub struct Credentials {
    /// The key's name.
    pub key_id: KeyId,
    /// The key.
    pub key: SigningKey,
}

/// Why a key file was not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileFault {
    /// It cannot be read.
    #[error("key file `{path}`: {fault}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        fault: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error("key file `{0}` may be read by others than its owner; run `chmod 600` on it")]
    Open(PathBuf),
    /// It is no key file.
    #[error("key file `{0}` does not hold a key: {1}")]
    Content(PathBuf, String),
}

/// The file, as `tollbridge init` leaves the operator's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    key: KeyId,
    #[serde(default = "ed25519")]
    algorithm: Algorithm,
    seed: String,
}

fn ed25519() -> Algorithm {
    Algorithm::Ed25519
}

impl Credentials {
    /// Reads a key file: TOML with `key`, the key's name, and `seed`, 32 bytes in Base64URL; `algorithm` is `ed25519`
    /// unless it says `es256`.
    ///
    /// # Errors
    /// [`KeyFileFault`]; also where the file is readable by others than its owner.
    pub fn read(path: &Path) -> Result<Credentials, KeyFileFault> {
        let read_fault = |fault| KeyFileFault::Read { path: path.to_owned(), fault };
        let file = std::fs::File::open(path).map_err(read_fault)?;
        if file.metadata().map_err(read_fault)?.mode() & 0o077 != 0 {
            return Err(KeyFileFault::Open(path.to_owned()));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(read_fault)?;
        Credentials::parse(&text).map_err(|why| KeyFileFault::Content(path.to_owned(), why))
    }

    /// Reads the content of a key file.
    ///
    /// # Errors
    /// A sentence that does not show the seed.
    pub fn parse(text: &str) -> Result<Credentials, String> {
        // The reader's own message could quote the seed: say where, not what.
        let file: KeyFile = toml::from_str(text).map_err(|fault| {
            let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}", before.matches('\n').count() + 1)
        })?;
        let bytes = base64url::decode(&file.seed).and_then(|bytes| bytes.try_into().ok());
        let seed: Zeroizing<[u8; 32]> =
            bytes.map(Zeroizing::new).ok_or("`seed` is not 32 bytes in Base64URL")?;
        let key = match file.algorithm {
            Algorithm::Ed25519 => SigningKey::ed25519(&seed),
            Algorithm::Es256 => SigningKey::es256(&seed).map_err(|fault| fault.to_string())?,
        };
        Ok(Credentials { key_id: file.key, key })
    }

    /// The content of a key file for this key: a secret.
    pub fn file_text(key: KeyId, algorithm: Algorithm, seed: &[u8; 32]) -> Zeroizing<String> {
        let file = KeyFile { key, algorithm, seed: base64url::encode(seed) };
        Zeroizing::new(toml::to_string(&file).expect("three texts are TOML"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_read_back_and_never_quoted() {
        let text = Credentials::file_text(KeyId(5), Algorithm::Ed25519, &[7; 32]);
        let read = Credentials::parse(&text).unwrap();
        assert_eq!(read.key_id, KeyId(5));
        assert_eq!(read.key.public(), SigningKey::ed25519(&[7; 32]).public());
        let seed = base64url::encode(&[7; 32]);
        for broken in [
            text.replace("seed", "sead"),
            text.replace(&seed, &seed[1..]),
            text.replace("ed25519", &seed),
            text.replace("ed25519", ""),
        ] {
            let why = Credentials::parse(&broken).unwrap_err();
            assert!(!why.contains(&seed[4..]), "{why}");
        }
    }
}
