//! `cargo xtask checkouts`: what a shop says in ACP and UCP, held against the schemas that both publish; and a shop that is asked
//! whatever ACP's own description allows.
//!
//! The specifications are on no registry, so they are not installed: `TOLLBRIDGE_ACP_SPEC` and `TOLLBRIDGE_UCP_SPEC` name the
//! folders of their repositories, at the versions that are spoken. A part whose folder nobody names says that it did not run.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::run;
use crate::sdks::PYTHON;
use crate::workspace::Workspace;

const ACP: &str = "TOLLBRIDGE_ACP_SPEC";
const UCP: &str = "TOLLBRIDGE_UCP_SPEC";

/// What asks the schemas.
const COMPARE: &str = "crates/xtask/src/checkouts/compare.py";

/// What asks the shop.
const ASK: &str = "crates/xtask/src/checkouts/ask.py";

/// Where it finds what makes requests mean something.
const HOOKS: &str = "crates/xtask/src/checkouts";

/// What is broken on purpose, in `crates/protocols/src/sabotage.rs`, and the check that has to find it.
const SABOTAGE: &[(&str, &str)] = &[("any-key", "IgnoredAuth")];

/// The random numbers begin here where nobody says otherwise.
const SEED: u64 = 1;

/// A shop that ends with its check.
struct Shop(Child);

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = (self.0.kill(), self.0.wait());
    }
}

/// Holds every message against its schema, and everything that is listed as broken on purpose; then asks a shop.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let spec = |name: &str| std::env::var_os(name).unwrap_or_else(|| OsString::from("-"));
    let (acp, ucp) = (spec(ACP), spec(UCP));
    if acp == "-" && ucp == "-" {
        println!("  skipped: nobody says where the specifications are; see {ACP} and {UCP}");
        return Ok(());
    }
    let build = ["cargo", "build", "--workspace", "--locked", "--quiet", "--example", "checkouts"];
    run::command(root, &build)?;
    let ours = Workspace::read(root)?.target.join("debug/examples/checkouts");
    let mut compare = Command::new(root.join(PYTHON).join("python"));
    compare.arg(COMPARE).arg(ours).arg(&acp).arg(&ucp).env("PYTHONDONTWRITEBYTECODE", "1");
    let status = compare.current_dir(root).status().context("the comparison does not start")?;
    ensure!(status.success(), "the comparison: {status}");
    if acp != "-" {
        ask(root, &counter(root, &[])?, &acp, None)?;
    }
    Ok(())
}

/// Asks shops that are broken on purpose: each has to be found.
pub(crate) fn run_broken(root: &Path) -> anyhow::Result<()> {
    let Some(acp) = std::env::var_os(ACP) else {
        println!("  skipped: nobody says where the specification is; see {ACP}");
        return Ok(());
    };
    let broken = counter(root, &["--features", "checkouts/sabotage"])?;
    SABOTAGE.iter().try_for_each(|bug| ask(root, &broken, &acp, Some(*bug)))
}

/// Builds the shop that is asked, with what the whole workspace is built with, and keeps it under a name of its own.
fn counter(root: &Path, features: &[&str]) -> anyhow::Result<PathBuf> {
    let words = ["cargo", "build", "--workspace", "--locked", "--quiet", "--example", "counter"];
    run::command(root, &[&words, features].concat())?;
    let program = Workspace::read(root)?.target.join("debug/examples/counter");
    let kept = program.with_file_name(if features.is_empty() { "counter-good" } else { "counter-bad" });
    std::fs::copy(&program, &kept).with_context(|| kept.display().to_string())?;
    Ok(kept)
}

/// Starts a shop and asks it. A bug has to be found by its check.
fn ask(root: &Path, program: &Path, acp: &OsStr, bug: Option<(&str, &str)>) -> anyhow::Result<()> {
    let mut shop = Command::new(program);
    shop.env_remove("TOLLBRIDGE_SABOTAGE").env("RUST_LOG", "error").stdout(Stdio::piped());
    if let Some((bug, _)) = bug {
        shop.env("TOLLBRIDGE_SABOTAGE", bug);
    }
    let mut shop = Shop(shop.spawn().context("the shop does not start")?);
    let said = shop.0.stdout.take().context("the shop says where it is")?;
    let mut said = BufReader::new(said).lines();
    let mut line = || anyhow::Ok(said.next().context("the shop ended")??);
    let (at, key, there) = (line()?, line()?, line()?);
    let python = root.join(PYTHON);
    let mut asking = Command::new(python.join("python"));
    asking.arg(ASK).arg(python.join("schemathesis")).arg(acp).args([&at, &key, &SEED.to_string()]);
    asking.arg(bug.map_or("-", |(_, check)| check)).env("PYTHONDONTWRITEBYTECODE", "1");
    asking.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", root.join(HOOKS));
    asking.env("TOLLBRIDGE_SHOP", there).env("TOLLBRIDGE_SEED", SEED.to_string());
    let status = asking.current_dir(root).status().context("schemathesis does not start")?;
    match bug {
        None => ensure!(status.success(), "schemathesis on ACP's description: {status}"),
        Some((bug, check)) => {
            ensure!(status.success(), "`{check}` does not find `{bug}`");
            println!("✓ {bug}: found by `{check}`");
        }
    }
    Ok(())
}
