//! Checking what a server says without believing it: receipts by the log's key, whole journals by the auditor.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use book::{Entry, Id};
use evidence::{Checkpoint, Hash, KeyHistory, NoteVerifier, Proof, Receipt, base64url};
use serde_json::Value;

use crate::blackbox::caller::{Auth, Call};
use crate::blackbox::installation::Installation;

/// How long an entry may take until a checkpoint covers it.
const SIGNED_WITHIN: Duration = Duration::from_secs(5);

/// A whole journal, audited.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(crate) entries: Vec<Entry>,
    report: sim::audit::Report,
}

impl Installation {
    /// The entry at a place, from a receipt that was checked offline.
    pub(crate) fn recorded(&mut self, place: u64) -> anyhow::Result<Entry> {
        let target = format!("/v1/entries/{place}/receipt");
        let call = Call { method: "GET", target: &target, change: None, body: None };
        let asked = Instant::now();
        let shown = loop {
            let answer = self.operator.send(Auth::Session, &call);
            let answer = answer.map_err(|lost| anyhow::anyhow!("{target}: {}", lost.why()))?;
            if answer.code() != "receipt_pending" {
                break answer.expect_success(&target)?;
            }
            ensure!(asked.elapsed() < SIGNED_WITHIN, "entry {place} is under no checkpoint after 5 s");
            std::thread::sleep(Duration::from_millis(5));
        };
        let receipt = read_receipt(&shown, place)?;
        let recorded =
            receipt.verify(&self.keys()?).with_context(|| format!("the receipt of entry {place}"))?;
        let entry = Entry::from_bytes(&recorded.into_inner().entry);
        entry.map_err(|fault| anyhow::anyhow!("entry {place}: {fault:?}"))
    }

    /// Reads the whole journal, recomputes it with the auditor, and compares it with what the log has signed.
    pub(crate) fn audit(&mut self) -> anyhow::Result<Audited> {
        // What was read before is read no more: the signed root is over it too.
        let mut bytes = std::mem::take(&mut self.journal);
        let mut cursor = Some(bytes.len().to_string());
        while let Some(from) = cursor {
            let page = self.operator.get(&format!("/v1/entries?limit=100&cursor={from}"))?;
            for entry in page["data"].as_array().into_iter().flatten() {
                ensure!(entry["entry"] == bytes.len(), "entry {} is missing", bytes.len());
                let text = entry["bytes"].as_str().unwrap_or_default();
                bytes.push(base64url::decode(text).context("an entry is not Base64URL")?);
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
        }
        let report = sim::audit::audit(&bytes);
        if let Some(violation) = report.violations.first() {
            bail!("the auditor: {violation} ({} in all)", report.violations.len());
        }
        self.check_root(&bytes, &report)?;
        let entries = bytes.iter().map(|bytes| Entry::from_bytes(bytes)).collect::<Result<_, _>>();
        let entries = entries.map_err(|fault| anyhow::anyhow!("an entry cannot be read: {fault:?}"))?;
        self.journal = bytes;
        Ok(Audited { entries, report })
    }

    /// The signed root, at a size the journal was read to, is the root over what was read.
    fn check_root(&self, bytes: &[Vec<u8>], report: &sim::audit::Report) -> anyhow::Result<()> {
        let asked = Instant::now();
        loop {
            let note = self.server.public("/log/checkpoint")?;
            let Checkpoint { size, root, .. } = self.keys()?.verify(&note)?.into_inner();
            if size == u64::try_from(bytes.len())? {
                ensure!(root == Hash(report.root), "the log has signed another root than the journal's");
                return Ok(());
            }
            ensure!(asked.elapsed() < SIGNED_WITHIN, "the log is at {size}, the journal at {}", bytes.len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn keys(&self) -> anyhow::Result<KeyHistory> {
        Ok(KeyHistory::of(NoteVerifier::parse(&self.vkey)?))
    }
}

impl Audited {
    /// What the auditor says a wallet or seller has to spend, and has set aside.
    pub(crate) fn account(&self, name: &str) -> anyhow::Result<(u128, u128)> {
        let id = name.split_once('_').and_then(|(_, text)| Id::from_text(text)).context("not a name")?;
        let (debits, credits, held) = self.report.account(id.0);
        let available = credits.checked_sub(debits).and_then(|left| left.checked_sub(held));
        Ok((available.with_context(|| format!("I2: {name} owes"))?, held))
    }
}

fn read_receipt(shown: &Value, place: u64) -> anyhow::Result<Receipt> {
    let hash = |text: &Value| text.as_str().and_then(Hash::from_base64).context("a hash of the proof");
    let hashes = shown["proof"].as_array().into_iter().flatten().map(hash).collect::<anyhow::Result<_>>()?;
    let bytes = shown["bytes"].as_str().and_then(base64url::decode).context("the entry's bytes")?;
    Ok(Receipt {
        entry: bytes,
        index: place,
        proof: Proof::new(hashes)?,
        checkpoint: shown["checkpoint"].as_str().context("the checkpoint")?.to_owned(),
    })
}
