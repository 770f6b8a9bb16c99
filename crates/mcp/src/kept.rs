//! What is remembered, one small file each: quotes until they are paid, purchases with their answers, refunds by number.
//!
//! A file is replaced whole. A quote moves to the purchases before anything is paid for it, and stays there: so it is paid once,
//! whoever is started again in between. Disks take many syncs at once sooner than one after the other, so what is written is
//! written beside what else the calls' threads do.

use crate::limits::{KEPT_FILE_BYTES_MAX, QUOTE_KEPT_SECONDS_MAX, QUOTES_OPEN_MAX};
use evidence::{Hash, base64url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The files of one key.
#[derive(Clone, Debug)]
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
    pub(crate) async fn add(&self, token: &str, quoted: &Quoted) -> Result<(), KeptFault> {
        let (kept, path, text) = (self.clone(), self.open.join(name(token)), json(quoted));
        on_disk(self.open.clone(), move || {
            if QUOTES_OPEN_MAX <= kept.sweep()? {
                return Err(KeptFault::TooMany);
            }
            replace(&path, &text)
        })
        .await
    }

    /// The quote of a token, if it is known.
    pub(crate) fn find(&self, token: &str) -> Result<Option<(Stage, Quoted)>, KeptFault> {
        if let Some(quoted) = read(&self.begun.join(name(token)))? {
            return Ok(Some((Stage::Begun, quoted)));
        }
        Ok(read(&self.open.join(name(token)))?.map(|quoted| (Stage::Open, quoted)))
    }

    /// Moves a quote to what was begun, before anything is paid for it. What somebody else has begun meanwhile stays.
    pub(crate) async fn begin(&self, token: &str, quoted: &Quoted) -> Result<(), KeptFault> {
        let (open, begun, text) = (self.open.join(name(token)), self.begun.join(name(token)), json(quoted));
        on_disk(begun.clone(), move || {
            keep_first(&begun, &text)?;
            // Somebody else may have been faster.
            let _gone = std::fs::remove_file(&open);
            Ok(())
        })
        .await
    }

    /// Keeps what came of a purchase.
    pub(crate) async fn end(&self, token: &str, quoted: &Quoted) -> Result<(), KeptFault> {
        let (path, text) = (self.begun.join(name(token)), json(quoted));
        on_disk(path.clone(), move || replace(&path, &text)).await
    }

    /// The refund with this number.
    pub(crate) fn refund(&self, number: &str) -> Result<Option<KeptRefund>, KeptFault> {
        read(&self.refunds.join(name(number)))
    }

    /// Keeps a refund under its number, before it is sent; answers the one that is kept there, which may be another's.
    pub(crate) async fn begin_refund(
        &self,
        number: &str,
        refund: &KeptRefund,
    ) -> Result<KeptRefund, KeptFault> {
        let (path, text) = (self.refunds.join(name(number)), json(refund));
        on_disk(path.clone(), move || {
            keep_first(&path, &text)?;
            read(&path)?.ok_or(KeptFault::Damaged(path))
        })
        .await
    }

    /// Keeps what came of a refund.
    pub(crate) async fn end_refund(&self, number: &str, refund: &KeptRefund) -> Result<(), KeptFault> {
        let (path, text) = (self.refunds.join(name(number)), json(refund));
        on_disk(path.clone(), move || replace(&path, &text)).await
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

fn json(content: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(content).expect("what is kept is JSON")
}

/// Does what waits for the disk where nothing else waits for it, and to its end also where nobody waits any more.
async fn on_disk<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, KeptFault> + Send + 'static,
) -> Result<T, KeptFault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|fault| Err(KeptFault::Disk(path, std::io::Error::other(fault))))
}

/// Replaces a file whole. When this returns, it survives power loss.
fn replace(path: &Path, text: &[u8]) -> Result<(), KeptFault> {
    sdk::replace_file(path, text).map_err(|fault| KeptFault::Disk(path.to_owned(), fault))
}

/// Writes a file that is not there yet; one that is there stays. When this returns, it survives power loss.
fn keep_first(path: &Path, text: &[u8]) -> Result<(), KeptFault> {
    sdk::make_file(path, text).map_err(|fault| KeptFault::Disk(path.to_owned(), fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn whoever_begins_later_forgets_no_answer() {
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
        kept.add("quo_1", &open).await.unwrap();
        assert_eq!(kept.find("quo_1").unwrap(), Some((Stage::Open, open.clone())));
        kept.begin("quo_1", &open).await.unwrap();
        assert_eq!(kept.find("quo_1").unwrap(), Some((Stage::Begun, open.clone())));
        kept.end("quo_1", &bought).await.unwrap();
        kept.begin("quo_1", &open).await.unwrap();
        assert_eq!(kept.find("quo_1").unwrap(), Some((Stage::Begun, bought)));
        assert_eq!(kept.sweep().unwrap(), 0);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_number_is_one_refund_however_many_begin_it_at_once() {
        let directory = std::env::temp_dir().join(format!("tollbridge-kept-{:016x}", rand::random::<u64>()));
        let kept = Kept::open(&directory).unwrap();
        let begun = (1..=32).map(|id| {
            let (kept, refund) = (kept.clone(), refund(id));
            tokio::spawn(async move { kept.begin_refund("1", &refund).await.unwrap() })
        });
        let begun: Vec<_> = begun.collect();
        let mut found = Vec::new();
        for task in begun {
            found.push(task.await.unwrap());
        }
        assert!(found.iter().all(|refund| *refund == found[0]), "{found:?}");
        let ended = KeptRefund { answer: Some(json!({"status": "done"})), ..found[0].clone() };
        kept.end_refund("1", &ended).await.unwrap();
        assert_eq!(kept.begin_refund("1", &refund(33)).await.unwrap(), ended);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    fn refund(id: u128) -> KeptRefund {
        let amount = serde_json::from_value(json!({"amount": "3", "asset": "CNY/2"})).unwrap();
        let refund = wire::payment::NewRefund { id: wire::RefundId(id), payment: "1".to_owned(), amount };
        KeptRefund { refund, answer: None }
    }
}
