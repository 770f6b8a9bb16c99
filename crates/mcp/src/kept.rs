//! What is remembered, one small file each: quotes until they are paid, purchases with their answers, refunds by number.
//!
//! A file is replaced whole: written beside, synced, renamed, and the directory synced. A quote moves to the purchases
//! before anything is paid for it, and stays there: so it is paid once, whoever is started again in between.

use crate::limits::{KEPT_FILE_BYTES_MAX, QUOTE_KEPT_SECONDS_MAX, QUOTES_OPEN_MAX};
use evidence::{Hash, base64url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The files of one key.
#[derive(Debug)]
pub(crate) struct Kept {
    open: PathBuf,
    begun: PathBuf,
    refunds: PathBuf,
}

/// Why something is not kept or not known.
#[derive(Debug, thiserror::Error)]
pub enum KeptFault {
    /// The disk, or the directory.
    #[error("`{0}`: {1}")]
    Disk(PathBuf, std::io::Error),
    /// The file is not one that we wrote.
    #[error("`{0}` is damaged")]
    Damaged(PathBuf),
    /// Too many quotes wait to be paid.
    #[error("more than {QUOTES_OPEN_MAX} quotes of this key wait to be paid")]
    TooMany,
}

/// A request that was quoted, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quoted {
    /// The key that asked: nobody else may pay it.
    pub(crate) principal: String,
    /// The purchase key: this pays once.
    pub(crate) purchase: String,
    pub(crate) method: String,
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) body: Option<String>,
    pub(crate) offer: sdk::Offer,
    pub(crate) expires_at_nanos: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) why: Option<String>,
    /// What was answered once it was bought: the same again, whenever it is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) answer: Option<Value>,
}

/// A refund by the seller's own number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptRefund {
    pub(crate) refund: wire::payment::NewRefund,
    /// What the server answered, once it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) answer: Option<Value>,
}

/// Where a quote is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing was tried.
    Open,
    /// It was to be paid once.
    Begun,
}

impl Kept {
    /// The files in `directory`, which is made if it is not there.
    pub(crate) fn open(directory: &Path) -> Result<Kept, KeptFault> {
        let kept = Kept {
            open: directory.join("quotes"),
            begun: directory.join("bought"),
            refunds: directory.join("refunds"),
        };
        for directory in [&kept.open, &kept.begun, &kept.refunds] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(|fault| KeptFault::Disk(directory.clone(), fault))?;
        }
        Ok(kept)
    }

    /// Remembers a new quote under its token, and forgets those that nobody paid for a day.
    pub(crate) fn add(&self, token: &str, quoted: &Quoted) -> Result<(), KeptFault> {
        if QUOTES_OPEN_MAX <= self.sweep()? {
            return Err(KeptFault::TooMany);
        }
        replace(&self.open.join(name(token)), quoted)
    }

    /// The quote of a token, if it is known.
    pub(crate) fn find(&self, token: &str) -> Result<Option<(Stage, Quoted)>, KeptFault> {
        if let Some(quoted) = read(&self.begun.join(name(token)))? {
            return Ok(Some((Stage::Begun, quoted)));
        }
        Ok(read(&self.open.join(name(token)))?.map(|quoted| (Stage::Open, quoted)))
    }

    /// Moves a quote to what was begun, before anything is paid for it. What somebody else has begun meanwhile stays.
    pub(crate) fn begin(&self, token: &str, quoted: &Quoted) -> Result<(), KeptFault> {
        let (open, begun) = (self.open.join(name(token)), self.begun.join(name(token)));
        let beside = self.open.join(format!("{:016x}.new", rand::random::<u64>()));
        replace(&beside, quoted)?;
        let linked = std::fs::hard_link(&beside, &begun);
        // It has its second name, or another one has that already.
        let _gone = (std::fs::remove_file(&beside), std::fs::remove_file(&open));
        match linked {
            Err(fault) if fault.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(fault) => Err(KeptFault::Disk(begun, fault)),
            Ok(()) => File::open(&self.begun)
                .and_then(|directory| directory.sync_all())
                .map_err(|fault| KeptFault::Disk(begun, fault)),
        }
    }

    /// Keeps what came of a purchase.
    pub(crate) fn end(&self, token: &str, quoted: &Quoted) -> Result<(), KeptFault> {
        replace(&self.begun.join(name(token)), quoted)
    }

    /// The refund with this number.
    pub(crate) fn refund(&self, number: &str) -> Result<Option<KeptRefund>, KeptFault> {
        read(&self.refunds.join(name(number)))
    }

    /// Keeps a refund under its number.
    pub(crate) fn keep_refund(&self, number: &str, refund: &KeptRefund) -> Result<(), KeptFault> {
        replace(&self.refunds.join(name(number)), refund)
    }

    /// Forgets old quotes, and counts those that are left.
    fn sweep(&self) -> Result<usize, KeptFault> {
        let disk = |fault| KeptFault::Disk(self.open.clone(), fault);
        let oldest = SystemTime::now().checked_sub(Duration::from_secs(QUOTE_KEPT_SECONDS_MAX));
        let mut left = 0;
        for entry in std::fs::read_dir(&self.open).map_err(disk)? {
            let entry = entry.map_err(disk)?;
            let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            if changed < oldest {
                // Somebody else may have been faster.
                let _gone = std::fs::remove_file(entry.path());
            } else {
                left += 1;
            }
        }
        Ok(left)
    }
}

/// What a token's file is called: whoever reads the directory cannot use the quotes.
fn name(token: &str) -> String {
    format!("{}.json", base64url::encode(Hash::of(token.as_bytes()).as_bytes()))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, KeptFault> {
    let disk = |fault| KeptFault::Disk(path.to_owned(), fault);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(disk(fault)),
    };
    let mut text = Vec::new();
    file.take(KEPT_FILE_BYTES_MAX).read_to_end(&mut text).map_err(disk)?;
    serde_json::from_slice(&text).map(Some).map_err(|_| KeptFault::Damaged(path.to_owned()))
}

/// Replaces a file whole. When this returns, it survives power loss.
fn replace<T: Serialize>(path: &Path, content: &T) -> Result<(), KeptFault> {
    let text = serde_json::to_vec(content).expect("what is kept is JSON");
    // Two calls at once write to two files, and the last one stays.
    let beside = path.with_extension(format!("{:016x}.new", rand::random::<u64>()));
    let directory = path.parent().expect("the file is in a directory");
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path))
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|fault| KeptFault::Disk(path.to_owned(), fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whoever_begins_later_forgets_no_answer() {
        let directory = std::env::temp_dir().join(format!("tollbridge-kept-{:016x}", rand::random::<u64>()));
        let kept = Kept::open(&directory).unwrap();
        let offer = json!({
            "price": {"amount": "3", "asset": "CNY/2"}, "payee": "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D",
            "expires_at_nanos": 1, "needed": "",
        });
        let open = Quoted {
            principal: "key".to_owned(),
            purchase: "1".to_owned(),
            method: "GET".to_owned(),
            url: "https://seller.example/".to_owned(),
            body: None,
            offer: serde_json::from_value(offer).unwrap(),
            expires_at_nanos: 1,
            why: None,
            answer: None,
        };
        let bought = Quoted { answer: Some(json!({"payment": "paid"})), ..open.clone() };
        kept.add("quo_1", &open).unwrap();
        assert_eq!(kept.find("quo_1").unwrap(), Some((Stage::Open, open.clone())));
        kept.begin("quo_1", &open).unwrap();
        assert_eq!(kept.find("quo_1").unwrap(), Some((Stage::Begun, open.clone())));
        kept.end("quo_1", &bought).unwrap();
        kept.begin("quo_1", &open).unwrap();
        assert_eq!(kept.find("quo_1").unwrap(), Some((Stage::Begun, bought)));
        assert_eq!(kept.sweep().unwrap(), 0);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
