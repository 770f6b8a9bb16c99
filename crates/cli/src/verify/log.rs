//! Verifying the log of a server: every entry is the one below its leaf, follows from those before it, and was signed.

use super::{follow, given_keys, is_false, wrong};
use crate::args::Verify;
use crate::client::{credentials, failed};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use book::{Book, Seq};
use evidence::{Frontier, Hash, KeyHistory, Tile, TileLevel, bundle, leaf_hash};
use sdk::{Auth, Client};
use serde::Serialize;
use std::time::Instant;

#[derive(Serialize)]
struct Verified {
    verified: &'static str,
    entries: u64,
    root: String,
    origin: String,
    seconds: f64,
}

/// Verifies the log that the arguments name.
pub(crate) fn verify(output: &Output, args: &Verify) -> Outcome {
    let address = args.log.as_deref().expect("the command line demands a path or a log");
    let keys = given_keys(args)?.expect("the command line demands the log's key");
    let client = match &args.key {
        Some(path) => Client::new(address, credentials(path)?).map(|client| client.with_auth(Auth::Signed)),
        None => Client::stranger(address),
    };
    let verified = runtime::run(whole(output, &client.map_err(Failure::usage)?, &keys))?;
    output.line(format!(
        "{} {} entries follow from each other, and they are the log that `{}` signed",
        output.good("✓"),
        verified.entries,
        verified.origin
    ));
    output.line(format!("     root {}", verified.root));
    output.object(&verified);
    Ok(())
}

async fn whole(output: &Output, client: &Client, keys: &KeyHistory) -> Outcome<Verified> {
    let began = Instant::now();
    let text = async |path| -> Outcome<String> {
        let bytes = client.read(path).await.map_err(failed)?;
        String::from_utf8(bytes).map_err(|_| is_false(format!("`{path}` is no text")))
    };
    let keys = follow(keys, &text("/log/successions").await?)?;
    let signed = keys.verify(&text("/log/checkpoint").await?);
    let signed = signed.map_err(|why| is_false(format!("the checkpoint is false: {why}")))?.into_inner();
    let bar = output.progress(signed.size, "verifying");
    let (mut book, mut frontier) = (Book::default(), Frontier::default());
    for index in 0.. {
        let tile = |level| Tile::within(level, index, signed.size).ok().flatten();
        let (Some(leaves), Some(entries)) = (tile(TileLevel::Hashes(0)), tile(TileLevel::Entries)) else {
            break;
        };
        let leaves = client.read(&format!("/log/{leaves}")).await.map_err(failed)?;
        let bundle = client.read(&format!("/log/{entries}")).await.map_err(failed)?;
        below(&leaves, &bundle, &mut book, &mut frontier)?;
        if frontier.size() != entries.first_item().saturating_add(u64::from(entries.width())) {
            return Err(is_false(format!("`{entries}` has not as many entries as it should")));
        }
        bar.set_position(frontier.size());
    }
    bar.finish_and_clear();
    let root = frontier.root();
    if root != signed.root {
        let signed = signed.root;
        return Err(is_false(format!(
            "the entries are not those that were signed: their root is {root}, not {signed}"
        )));
    }
    let (entries, root, origin) = (signed.size, root.to_string(), signed.origin.clone());
    Ok(Verified { verified: "log", entries, root, origin, seconds: began.elapsed().as_secs_f64() })
}

/// Adds the entries of a bundle, each of which has to be the one below its leaf.
fn below(leaves: &[u8], bundle: &[u8], book: &mut Book, frontier: &mut Frontier) -> Outcome {
    let entries = bundle::entries(bundle).map_err(|why| wrong(Seq(frontier.size()), why))?;
    let (leaves, _) = leaves.as_chunks::<{ Hash::BYTES }>();
    if entries.len() != leaves.len() {
        return Err(wrong(Seq(frontier.size()), "its bundle has not as many entries as its tile has hashes"));
    }
    for (entry, leaf) in entries.into_iter().zip(leaves) {
        let seq = Seq(frontier.size());
        if leaf_hash(entry) != Hash(*leaf) {
            return Err(wrong(seq, "it is not the one that the log has"));
        }
        book.replay(entry).map_err(|why| wrong(seq, why))?;
        frontier.push(Hash(*leaf));
    }
    Ok(())
}
