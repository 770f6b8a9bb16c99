//! The client of a server, as the command line names it: whose key, which address, and what its no means for us.

use crate::args::Caller;
use crate::exit::{Exit, Failure, Outcome};
use evidence::{SigningKey, base64url};
use sdk::{Auth, Client, Credentials};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use wire::account::{Algorithm, NewKey};
use wire::{KeyId, Problem};
use zeroize::Zeroizing;

/// The client that signs each request by itself: what an owner has to be present for takes nothing less.
pub(crate) fn connect(caller: &Caller) -> Outcome<Client> {
    Ok(in_session(caller)?.with_auth(Auth::Signed))
}

/// The client that signs once for many requests, as programs that buy do.
pub(crate) fn in_session(caller: &Caller) -> Outcome<Client> {
    Client::new(&caller.server, credentials(&caller.key)?).map_err(Failure::usage)
}

/// The key in a key file, or the operator's in a data directory.
pub(crate) fn credentials(path: &Path) -> Outcome<Credentials> {
    if !path.is_dir() {
        return Credentials::read(path).map_err(Failure::usage);
    }
    let operator = server::data::operator_key(path)?;
    let malformed =
        |what: &str| Failure::fault(format!("the operator's `{what}` in `{}` is malformed", path.display()));
    let seed = base64url::decode(&operator.seed).map(Zeroizing::new);
    let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed.as_slice()).ok()).map(Zeroizing::new);
    Ok(Credentials {
        key_id: operator.key.parse().map_err(|_| malformed("key"))?,
        key: SigningKey::ed25519(&*seed.ok_or_else(|| malformed("seed"))?),
    })
}

/// Draws a key, keeps it in a new file that only its owner may read, and returns what is enrolled of it.
pub(crate) fn new_key(client: &Client, path: &Path) -> Outcome<NewKey> {
    draw_key(KeyId(client.fresh_id()), path)
}

/// The same for a key with this name.
pub(crate) fn draw_key(id: KeyId, path: &Path) -> Outcome<NewKey> {
    let seed = Zeroizing::new(rand::random::<[u8; 32]>());
    let text = Zeroizing::new(Credentials::file_text(id, Algorithm::Ed25519, &seed));
    let named = |fault: std::io::Error| Failure::usage(format!("key file `{}`: {fault}", path.display()));
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(named)?;
    }
    // Never over another key: that may be the only one somebody has.
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).map_err(named)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(named)?;
    let public_key = base64url::encode(SigningKey::ed25519(&seed).public().bytes());
    Ok(NewKey { id, algorithm: Algorithm::Ed25519, public_key })
}

/// How a command ends where the server said no, or nothing.
pub(crate) fn failed(failure: sdk::Failure) -> Failure {
    match failure {
        sdk::Failure::Refused(problem) => refused(&problem),
        sdk::Failure::Unreachable(why) => {
            Failure::new(Exit::Unreachable, format!("nothing was done: the server was not reached ({why})"))
        }
        sdk::Failure::Unknown(why) | sdk::Failure::Unreadable(why) => {
            Failure::new(Exit::Unknown, format!("it may have been done, for no answer came ({why})"))
        }
    }
}

/// How a command ends where the server said no: a recorded no is a rule's.
pub(crate) fn refused(problem: &Problem) -> Failure {
    let exit = match problem.entry {
        Some(_) => Exit::Refused,
        None if 500 <= problem.status => Exit::Unknown,
        None => Exit::Rejected,
    };
    let remaining = problem.remaining.map_or(String::new(), |left| format!(" Left: {}.", left.in_words()));
    let entry = problem.entry.map_or(String::new(), |entry| format!(", entry {entry}"));
    Failure::new(exit, format!("{}{remaining} ({}{entry})", problem.detail, problem.code))
}
