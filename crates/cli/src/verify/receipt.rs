//! Verifying one receipt: the entry in it is in the log, and the log's key signed that it is.

use crate::args::Verify;
use crate::data::{Data, log_keys_of};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use evidence::{Hash, KeyHistory, Proof, base64url};
use serde::Serialize;
use server::routes::entries::entry_text;
use std::fs;
use wire::entry::Receipt;

#[derive(Serialize)]
struct Verified {
    verified: &'static str,
    entry: wire::entry::Entry,
    checkpoint_size: u64,
    root: String,
    origin: String,
}

/// Verifies the receipt in the file.
pub(crate) fn verify(output: &Output, args: &Verify) -> Outcome {
    let path = args.path.display();
    let text = fs::read(&args.path).map_err(|fault| Failure::fault(format!("`{path}`: {fault}")))?;
    let receipt: Receipt = serde_json::from_slice(&text)
        .map_err(|fault| Failure::usage(format!("`{path}` is no receipt: {fault}")))?;
    let keys = keys(args)?;
    let recorded = read(&receipt)?.verify(&keys);
    let recorded =
        recorded.map_err(|why| Failure::new(Exit::False, format!("the receipt is false: {why}")))?;
    let recorded = recorded.into_inner();
    let malformed = |_| Failure::new(Exit::False, "the receipt is false: its bytes are no entry");
    let entry = book::Entry::from_bytes(&recorded.entry).map_err(malformed)?;
    if entry.seq.0 != recorded.index {
        return Err(Failure::new(Exit::False, "the receipt is false: the entry belongs to another place"));
    }
    let text = entry_text(&entry, &recorded.entry, receipt.livemode);
    output.line(format!(
        "{} entry {} of `{}`: {}, {} at {}",
        output.good("✓"),
        text.entry,
        recorded.checkpoint.origin,
        text.action,
        text.outcome,
        text.at
    ));
    output.line(format!("     in the signed log of {} entries", recorded.checkpoint.size));
    output.object(&Verified {
        verified: "receipt",
        entry: text,
        checkpoint_size: recorded.checkpoint.size,
        root: recorded.checkpoint.root.to_string(),
        origin: recorded.checkpoint.origin.clone(),
    });
    Ok(())
}

/// The keys to check with: never the one in the receipt, which proves nothing.
fn keys(args: &Verify) -> Outcome<KeyHistory> {
    match (&args.vkey, &args.data) {
        (Some(vkey), _) => log_keys_of(vkey),
        (None, Some(data)) => Data::at(data)?.log_keys(None),
        (None, None) => Err(Failure::usage(
            "a receipt is checked with the log's key: give `--vkey KEY` (what `GET /log/vkey` said when you first \
             met the server) or `--data DIR`",
        )),
    }
}

fn read(receipt: &Receipt) -> Outcome<evidence::Receipt> {
    let malformed =
        |member: &str| Failure::new(Exit::False, format!("the receipt is false: `{member}` is malformed"));
    let hashes: Option<Vec<Hash>> = receipt.proof.iter().map(|hash| Hash::from_base64(hash)).collect();
    let proof = hashes.and_then(|hashes| Proof::new(hashes).ok());
    Ok(evidence::Receipt {
        entry: base64url::decode(&receipt.bytes).ok_or_else(|| malformed("bytes"))?,
        index: receipt.entry,
        proof: proof.ok_or_else(|| malformed("proof"))?,
        checkpoint: receipt.checkpoint.clone(),
    })
}
