//! Records: receipts of one entry of a log, signed states of a log, and proofs in the text form of C2SP.

use super::{Explained, said};
use book::Entry;
use evidence::{Checkpoint, Hash, Note, Proof, base64url, leaf_hash, verify_inclusion};
use serde_json::Value;

/// A receipt: an entry of a log, with the way to a signed state.
pub(super) fn receipt(value: &Value) -> Option<Explained> {
    let (bytes, proof, note) = (said(value, "bytes")?, value.get("proof")?, said(value, "checkpoint")?);
    let mut told = Explained::new("a receipt: one entry of a book, and where it is in the signed log").next(
        "`tollbridge verify FILE --vkey KEY` checks the log's signature; the key is the server's to give.",
    );
    let index = value.get("entry").and_then(Value::as_u64);
    let bytes = base64url::decode(bytes);
    match bytes.as_deref().map(Entry::from_bytes) {
        Some(Ok(entry)) => {
            told.fact("entry", entry.seq.0);
            told.fact("decided at", crate::rfc3339::format_seconds(entry.at));
            if Some(entry.seq.0) != index {
                told.wrong("the entry belongs to another place than the receipt says");
            }
        }
        Some(Err(fault)) => told.wrong(format!("its bytes are no entry: {fault}")),
        None => told.wrong("`bytes` is not Base64URL"),
    }
    let Some(state) = state_of(note) else {
        told.wrong("`checkpoint` is no signed state of a log");
        return Some(told);
    };
    state_facts(&mut told, &state, note);
    let hashes =
        proof.as_array().map(|proof| proof.iter().map(|hash| Hash::from_base64(hash.as_str()?)).collect());
    let proof: Option<Proof> = hashes.and_then(|hashes: Option<Vec<Hash>>| Proof::new(hashes?).ok());
    let is_in = match (proof, bytes, index) {
        (Some(proof), Some(bytes), Some(index)) => {
            verify_inclusion(&leaf_hash(&bytes), index, state.size, &state.root, &proof)
                .map_err(|fault| fault.to_string())
        }
        (_, _, _) => Err("a part is missing".to_owned()),
    };
    match is_in {
        Ok(()) => told.fact("the proof", "leads to the log's root"),
        Err(fault) => told.wrong(format!("the proof does not lead to the log's root: {fault}")),
    }
    Some(told)
}

/// A signed state of a log, alone or behind a proof.
pub(super) fn note(text: &str) -> Option<Explained> {
    let (proof, note) = match text.strip_prefix("c2sp.org/tlog-proof@v1\n") {
        Some(rest) => {
            let (proof, note) = rest.split_once("\n\n")?;
            (Some(proof), note)
        }
        None => (None, text),
    };
    let note = format!("{}\n", note.trim_end());
    let state = state_of(&note)?;
    let mut told = Explained::new(match proof {
        Some(_) => "a proof that an entry is in a log, in C2SP's form",
        None => "a signed state of a log (C2SP checkpoint)",
    })
    .next("Its signature is checked with the log's key, as `GET /log/vkey` gives it.");
    if let Some(index) = proof.and_then(|proof| proof.lines().find_map(|line| line.strip_prefix("index "))) {
        told.fact("entry", index);
        if index.parse::<u64>().is_ok_and(|index| state.size <= index) {
            told.wrong("it is about an entry that this state of the log does not have");
        }
    }
    state_facts(&mut told, &state, &note);
    Some(told)
}

fn state_of(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(Note::parse(note).ok()?.text()).ok()
}

fn state_facts(told: &mut Explained, state: &Checkpoint, note: &str) {
    told.fact("log", &state.origin);
    told.fact("entries in it", state.size);
    told.fact("root", state.root);
    let signers: Vec<&str> =
        note.lines().filter_map(|line| line.strip_prefix("— ")?.split_whitespace().next()).collect();
    told.fact("signed by", signers.join(", "));
}
