//! What a tab knows, on disk: its channel and the key of its vouchers in one file, and its latest call in another.
//!
//! The first is replaced whole, when a channel is opened or closed. The second has two places that are written in turn, so
//! that one of them is whole whatever dies: a call is in it before its voucher leaves.

use crate::purchase::{OwnFile, PurchaseFault, Purchases, disk};
use evidence::Hash;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use wire::{AmountText, MandateId, MeterId, Money, PayeeId, WalletId};

/// Where a tab's channel stands, as far as this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// It is being opened; whether it was is to be asked under the same name.
    Opening,
    /// The owner is asked. Nothing was set aside under this name, and nothing will be.
    Asked,
    Open,
    /// It is being closed; no more calls.
    Closing,
}

/// A channel of a tab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelRecord {
    pub(crate) id: MeterId,
    pub(crate) payee: PayeeId,
    pub(crate) deposit: Money,
    pub(crate) expires_at: String,
    /// The secret of the voucher key, Base64URL.
    pub(crate) seed: String,
    /// The path under which the seller answers for channels.
    pub(crate) at: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) approval: Option<String>,
    pub(crate) stage: Stage,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TabRecord {
    pub(crate) tab: String,
    /// Scheme, host and port of the seller: the tab is for nobody else.
    pub(crate) origin: String,
    pub(crate) wallet: WalletId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) mandate: Option<MandateId>,
    /// What the channels that are closed have come to.
    pub(crate) spent: AmountText,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) channel: Option<ChannelRecord>,
}

/// The latest call on a channel. Sums are in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallRecord {
    pub(crate) channel: MeterId,
    /// What was owed before it.
    pub(crate) owed: u128,
    /// What its voucher says; the same as `owed` once it has ended.
    pub(crate) total: u128,
    /// The largest sum that was ever signed on this channel.
    pub(crate) signed_max: u128,
    /// Which call it is.
    pub(crate) call: Hash,
}

/// A tab that nobody else can use meanwhile.
#[derive(Debug)]
pub(crate) struct TabFile {
    file: OwnFile,
    calls: File,
    calls_path: PathBuf,
    sequence: u64,
}

/// One place: a number, a channel, three sums, a call, and half a digest over all of it.
const PLACE_BYTES: usize = 8 + 4 * 16 + 32 + 16;

/// Where the second place begins: no disk tears both with one write.
const PLACE_STRIDE: u64 = 4_096;

impl TabFile {
    /// Opens the files of a tab.
    pub(crate) fn lock(tabs: &Purchases, tab: &str) -> Result<TabFile, PurchaseFault> {
        let file = tabs.own_file("tab-", tab)?;
        let calls_path = file.path.with_extension("calls");
        let calls = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&calls_path)
            .map_err(|fault| disk(&calls_path, fault))?;
        Ok(TabFile { file, calls, calls_path, sequence: 0 })
    }

    /// What is known about the tab, if it was begun.
    pub(crate) fn read(&self, tab: &str) -> Result<Option<TabRecord>, PurchaseFault> {
        let Some(text) = self.file.read()? else { return Ok(None) };
        match serde_json::from_slice::<TabRecord>(&text) {
            Ok(record) if record.tab == tab => Ok(Some(record)),
            Ok(_) | Err(_) => Err(PurchaseFault::Damaged(self.file.path.clone())),
        }
    }

    /// Keeps what is known. When this returns, it survives power loss. It is rare, and the tab outlives a call that is given up:
    /// so nobody waits for it, and no two of them cross.
    pub(crate) fn write(&self, record: &TabRecord) -> Result<(), PurchaseFault> {
        self.file.replace_now(&serde_json::to_vec(record).expect("a record is JSON"))
    }

    /// Forgets the tab.
    pub(crate) fn remove(&self) -> Result<(), PurchaseFault> {
        let path = &self.file.path;
        match std::fs::remove_file(path) {
            Ok(()) => {}
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(fault) => return Err(disk(path, fault)),
        }
        let directory = path.parent().expect("the file is in the directory");
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(|fault| disk(path, fault))
    }

    /// The latest call, if there was one.
    pub(crate) fn read_call(&mut self) -> Result<Option<CallRecord>, PurchaseFault> {
        let mut latest: Option<(u64, CallRecord)> = None;
        for place in 0..2 {
            let mut bytes = [0; PLACE_BYTES];
            match self.calls.read_exact_at(&mut bytes, place * PLACE_STRIDE) {
                Ok(()) => {}
                Err(fault) if fault.kind() == std::io::ErrorKind::UnexpectedEof => continue,
                Err(fault) => return Err(disk(&self.calls_path, fault)),
            }
            if let Some((sequence, call)) = decode(&bytes)
                && latest.as_ref().is_none_or(|(latest, _)| *latest < sequence)
            {
                latest = Some((sequence, call));
            }
        }
        self.sequence = latest.as_ref().map_or(0, |(sequence, _)| *sequence);
        Ok(latest.map(|(_, call)| call))
    }

    /// Keeps a call before its voucher leaves. When this returns, it survives power loss.
    pub(crate) fn begin_call(&mut self, call: &CallRecord) -> Result<(), PurchaseFault> {
        self.put_call(call)?;
        self.calls.sync_data().map_err(|fault| disk(&self.calls_path, fault))
    }

    /// Keeps how a call ended. It survives this process; if it is lost with the power, the seller is asked again.
    pub(crate) fn end_call(&mut self, call: &CallRecord) -> Result<(), PurchaseFault> {
        self.put_call(call)
    }

    fn put_call(&mut self, call: &CallRecord) -> Result<(), PurchaseFault> {
        self.sequence += 1;
        let bytes = encode(self.sequence, call);
        let at = (self.sequence % 2) * PLACE_STRIDE;
        self.calls.write_all_at(&bytes, at).map_err(|fault| disk(&self.calls_path, fault))
    }
}

fn encode(sequence: u64, call: &CallRecord) -> Vec<u8> {
    let mut bytes = sequence.to_be_bytes().to_vec();
    for number in [call.channel.0, call.owed, call.total, call.signed_max] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(call.call.as_bytes());
    let check = half_digest(&bytes);
    bytes.extend_from_slice(&check);
    bytes
}

fn decode(bytes: &[u8; PLACE_BYTES]) -> Option<(u64, CallRecord)> {
    let (said, check) = bytes.split_last_chunk::<16>()?;
    if half_digest(said) != *check {
        return None;
    }
    let (sequence, mut rest) = said.split_first_chunk::<8>()?;
    let mut number = || {
        let (number, after) = rest.split_first_chunk::<16>()?;
        rest = after;
        Some(u128::from_be_bytes(*number))
    };
    let (channel, owed, total, signed_max) = (number()?, number()?, number()?, number()?);
    let call = Hash(rest.try_into().ok()?);
    Some((
        u64::from_be_bytes(*sequence),
        CallRecord { channel: MeterId(channel), owed, total, signed_max, call },
    ))
}

fn half_digest(bytes: &[u8]) -> [u8; 16] {
    Hash::of(bytes).as_bytes().first_chunk().copied().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_call_that_is_whole_is_found() {
        let directory = std::env::temp_dir().join(format!("tollbridge-tab-{:032x}", rand::random::<u128>()));
        let tabs = Purchases::open(&directory).unwrap();
        let mut file = TabFile::lock(&tabs, "one").unwrap();
        assert!(matches!(TabFile::lock(&tabs, "one"), Err(PurchaseFault::InProgress(_))));
        assert_eq!(file.read_call().unwrap(), None);
        let call = |n: u128| CallRecord {
            channel: MeterId(9),
            owed: n,
            total: n + 1,
            signed_max: n + 1,
            call: Hash::of(&[7]),
        };
        for n in 0..5 {
            file.begin_call(&call(n)).unwrap();
        }
        drop(file);
        let mut file = TabFile::lock(&tabs, "one").unwrap();
        assert_eq!(file.read_call().unwrap(), Some(call(4)));
        // A write that tore: the one before it counts, and is not written over by the next.
        file.calls.write_all_at(b"torn", PLACE_STRIDE).unwrap();
        assert_eq!(file.read_call().unwrap(), Some(call(3)));
        file.end_call(&call(6)).unwrap();
        assert_eq!(file.read_call().unwrap(), Some(call(6)));
        file.calls.write_all_at(b"torn", PLACE_STRIDE).unwrap();
        assert_eq!(file.read_call().unwrap(), Some(call(3)));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
