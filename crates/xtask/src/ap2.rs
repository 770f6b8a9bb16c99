//! `cargo xtask ap2`: AP2 mandates against the reference implementation: each side reads and judges what the other wrote.
//!
//! The reference implementation is on no registry, so it is not installed: its sources are named by `--sdk` or by
//! `TOLLBRIDGE_AP2_SDK`, as the folder that has its package `ap2`, and without them the comparison says that it did not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::run;
use crate::sdks::PYTHON;
use crate::workspace::Workspace;

/// Names the folder where `--sdk` does not.
const SDK: &str = "TOLLBRIDGE_AP2_SDK";

/// What asks both sides; `packages.rs` installs what it needs.
const COMPARE: &str = "crates/xtask/src/ap2/compare.py";

/// Compares `cases` random mandates, and everything that is listed, with the random numbers that begin at `seed`.
pub(crate) fn run(root: &Path, sdk: Option<PathBuf>, cases: usize, seed: u64) -> anyhow::Result<()> {
    let Some(sdk) = sdk.or_else(|| std::env::var_os(SDK).map(PathBuf::from)) else {
        println!("  skipped: nobody says where the reference implementation is; see `--sdk`, or {SDK}");
        return Ok(());
    };
    ensure!(sdk.join("ap2/sdk").is_dir(), "{} has no package `ap2`", sdk.display());
    run::command(root, &["cargo", "build", "--locked", "--quiet", "-p", "protocols", "--example", "ap2"])?;
    let ours = Workspace::read(root)?.target.join("debug/examples/ap2");
    let python = root.join(PYTHON);
    let mut compare = Command::new(python.join("python"));
    compare.arg(COMPARE).arg(&sdk).arg(ours).arg(python.join("a2a-proof"));
    compare.args([seed.to_string(), cases.to_string()]).env("PYTHONDONTWRITEBYTECODE", "1");
    let status = compare.current_dir(root).status().context("the comparison does not start")?;
    ensure!(status.success(), "the comparison: {status}; again with --seed {seed} --cases {cases}");
    Ok(())
}
