//! `log`: the signed log of a book, and the key that signs it.

use crate::args::LogCommand;
use crate::data::Data;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use engine::JournalFault;
use serde::Serialize;
use server::data::DataFault;
use server::log_keys::rotate_log_key;
use std::path::Path;

#[derive(Serialize)]
struct Rotated {
    directory: String,
    /// The key that signs from now on.
    vkey: String,
    /// The smallest log it signs.
    from_size: u64,
    /// All keys, as `GET /log/vkey` gives them.
    keys: Vec<String>,
}

/// Does what is to be done with the log.
pub(crate) fn run(output: &Output, command: &LogCommand) -> Outcome {
    match command {
        LogCommand::RotateKey { directory } => rotate_key(output, directory),
    }
}

fn rotate_key(output: &Output, directory: &Path) -> Outcome {
    let data = Data::at(directory)?;
    let bar = output.progress(data.read()?.next().0, "reading the journal");
    let history = rotate_log_key(data.path(), |seq| bar.set_position(seq.0));
    bar.finish_and_clear();
    let directory = directory.display().to_string();
    let history = history.map_err(|fault| {
        if !matches!(fault, DataFault::Journal(JournalFault::Locked(_))) {
            return Failure::from(fault);
        }
        let why = "and would go on with the old key; stop it first";
        Failure::fault(format!("nothing was changed: a server runs on `{directory}`, {why}"))
    })?;
    let newest = history.terms().last().expect("a history has a term");
    let keys: Vec<String> = history.to_string().lines().map(str::to_owned).collect();
    output.line(format!(
        "the log of `{directory}` has a new key, for whatever is signed from {} entries on; what was signed before \
         stays good. Give all its keys to whoever checks receipts:",
        newest.from_size
    ));
    for key in &keys {
        output.line(format!("  {key}"));
    }
    let (vkey, from_size) = (newest.verifier.to_string(), newest.from_size);
    output.object(&Rotated { directory, vkey, from_size, keys });
    Ok(())
}
