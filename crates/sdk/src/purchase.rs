//! What is known about each purchase, on disk before anything is paid, so that one purchase key is paid for once.
//!
//! One file for each purchase key, in a directory of their own, replaced whole. A lock keeps a second buyer of the same
//! purchase out, and ends with the process that holds it.

use crate::buyer::Dialect;
use crate::clock::bits_at;
use crate::limits::{ATTEMPTS_MAX, PURCHASE_FILE_BYTES_MAX, PURCHASE_KEY_BYTES_MAX};
use crate::said::Demanded;
use crate::whole::replace_file;
use evidence::{Hash, base64url};
use protocols::Time;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::{HoldId, MandateId, WalletId};

/// Comes before the bytes that a hold's name is made of.
const DOMAIN: &[u8] = b"toll:purchase/1\n";

/// The directory with the purchases of one buyer.
#[derive(Debug)]
pub struct Purchases(PathBuf);

/// Why the state of a purchase cannot be known or kept. Nothing is paid.
#[derive(Debug, thiserror::Error)]
pub enum PurchaseFault {
    /// The disk, or the directory.
    #[error("purchase file `{path}`: {fault}")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        fault: std::io::Error,
    },
    /// The file is not one that we wrote.
    #[error("purchase file `{0}` is damaged; what was bought cannot be known without it")]
    Damaged(PathBuf),
    /// Somebody else is buying just this.
    #[error("purchase `{0}` is being made by somebody else right now")]
    InProgress(String),
    /// The key stands for another request.
    #[error("purchase key `{0}` was used for another request")]
    KeyReused(String),
    /// The key is empty or too long.
    #[error("a purchase key has 1 to {PURCHASE_KEY_BYTES_MAX} bytes")]
    KeyLength,
    /// It was tried too often.
    #[error("purchase `{0}` was tried {ATTEMPTS_MAX} times")]
    TriedTooOften(String),
}

/// Where a purchase stands, as far as this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The bill is chosen; whether it was paid is to be asked under the same hold.
    Billed,
    /// The money is held, and the proof is kept.
    Paid,
    /// The server did not take the bill, and recorded nothing. The hold's name is still free: for another bill.
    Rejected,
    /// The owner is asked. Nothing was spent under this hold, and nothing will be.
    Asked,
    /// The server refused. Nothing was spent under this hold, and nothing will be.
    Refused,
    /// What was held went back.
    Returned,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) purchase: String,
    /// The fingerprint of the request.
    pub(crate) request: String,
    pub(crate) wallet: WalletId,
    pub(crate) attempt: u32,
    pub(crate) hold: HoldId,
    /// When the bill was opened, in nanoseconds since 1970.
    pub(crate) billed_at_nanos: u64,
    pub(crate) payment_needed: String,
    /// In which dialect it was asked for.
    #[serde(skip_serializing_if = "Dialect::is_a402", default)]
    pub(crate) dialect: Dialect,
    /// The mandate it is paid under, whatever the settings say later: another try must be the same payment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) mandate: Option<MandateId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) approval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) payment_proof: Option<String>,
    /// The quote that came with the bill, as its header had it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) quote: Option<String>,
    pub(crate) stage: Stage,
}

impl Record {
    /// What was asked for.
    pub(crate) fn demanded(&self) -> Demanded {
        let (needed, quote) = (self.payment_needed.clone(), self.quote.clone());
        Demanded { dialect: self.dialect, needed, quote }
    }
}

/// A purchase nobody else can make meanwhile.
#[derive(Debug)]
pub(crate) struct Locked {
    file: OwnFile,
    purchase: String,
}

/// A file that nobody else reads or writes meanwhile.
#[derive(Debug)]
pub(crate) struct OwnFile {
    pub(crate) path: PathBuf,
    /// Held until it is closed, by us or by the end of the process.
    lock: Arc<File>,
}

impl Purchases {
    /// The purchases in `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// [`PurchaseFault::Disk`].
    pub fn open(directory: &Path) -> Result<Purchases, PurchaseFault> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|fault| disk(directory, fault))?;
        Ok(Purchases(directory.to_owned()))
    }

    /// Keeps everybody else from making this purchase.
    pub(crate) fn lock(&self, purchase: &str) -> Result<Locked, PurchaseFault> {
        Ok(Locked { file: self.own_file("", purchase)?, purchase: purchase.to_owned() })
    }

    /// Keeps everybody else from one file of this kind.
    pub(crate) fn own_file(&self, kind: &str, purchase: &str) -> Result<OwnFile, PurchaseFault> {
        if purchase.is_empty() || PURCHASE_KEY_BYTES_MAX < purchase.len() {
            return Err(PurchaseFault::KeyLength);
        }
        let name = base64url::encode(Hash::of(purchase.as_bytes()).as_bytes());
        let lock_path = self.0.join(format!("{kind}{name}.lock"));
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|fault| disk(&lock_path, fault))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(OwnFile { path: self.0.join(format!("{kind}{name}.json")), lock: Arc::new(lock) }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(PurchaseFault::InProgress(purchase.to_owned())),
            Err(fault) => Err(disk(&lock_path, fault.into())),
        }
    }
}

impl Locked {
    /// What is known about the purchase, if it was begun.
    pub(crate) fn read(&self) -> Result<Option<Record>, PurchaseFault> {
        let Some(text) = self.file.read()? else { return Ok(None) };
        match serde_json::from_slice::<Record>(&text) {
            Ok(record) if record.purchase == self.purchase => Ok(Some(record)),
            Ok(_) | Err(_) => Err(PurchaseFault::Damaged(self.file.path.clone())),
        }
    }

    /// Keeps what is known. When this returns, it survives power loss.
    pub(crate) async fn write(&self, record: &Record) -> Result<(), PurchaseFault> {
        assert_eq!(record.purchase, self.purchase, "the file is that of the purchase");
        self.file.replace(serde_json::to_vec(record).expect("a record is JSON")).await
    }

    /// The name of the hold that pays attempt number `attempt`, begun at `at`.
    pub(crate) fn hold(&self, wallet: WalletId, attempt: u32, at: Time) -> Result<HoldId, PurchaseFault> {
        if ATTEMPTS_MAX < attempt {
            return Err(PurchaseFault::TriedTooOften(self.purchase.clone()));
        }
        let millis = at.0 / 1_000_000;
        let named = format!("{wallet}\n{attempt}\n{millis}\n{}", self.purchase);
        let digest = Hash::of(&[DOMAIN, named.as_bytes()].concat());
        let rest: [u8; 16] = digest.as_bytes().first_chunk().copied().expect("a SHA-256 has 32 bytes");
        Ok(HoldId(bits_at(millis, u128::from_be_bytes(rest))))
    }
}

impl OwnFile {
    /// What is in it, if it is there.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, PurchaseFault> {
        let path = &self.path;
        let file = match File::open(path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(disk(path, fault)),
        };
        let mut text = Vec::new();
        let bytes_max = u64::try_from(PURCHASE_FILE_BYTES_MAX).expect("the bound is small");
        file.take(bytes_max).read_to_end(&mut text).map_err(|fault| disk(path, fault))?;
        Ok(Some(text))
    }

    /// Replaces it whole. When this returns, it survives power loss.
    pub(crate) async fn replace(&self, text: Vec<u8>) -> Result<(), PurchaseFault> {
        let (path, lock) = (self.path.clone(), Arc::clone(&self.lock));
        // Disks take many syncs at once sooner than one after the other, so other purchases go on meanwhile.
        let written = tokio::task::spawn_blocking(move || {
            let written = replace(&path, &text);
            // Nobody else begins before this is over, whoever waits for it.
            drop(lock);
            written
        });
        written.await.unwrap_or_else(|fault| Err(disk(&self.path, std::io::Error::other(fault))))
    }

    /// The same, by this thread.
    pub(crate) fn replace_now(&self, text: &[u8]) -> Result<(), PurchaseFault> {
        replace(&self.path, text)
    }
}

fn replace(path: &Path, text: &[u8]) -> Result<(), PurchaseFault> {
    assert!(text.len() < PURCHASE_FILE_BYTES_MAX, "what is written can be read");
    replace_file(path, text).map_err(|fault| disk(path, fault))
}

pub(crate) fn disk(path: &Path, fault: std::io::Error) -> PurchaseFault {
    PurchaseFault::Disk { path: path.to_owned(), fault }
}
