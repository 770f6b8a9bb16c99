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

/// What is broken on purpose, in `crates/protocols/src/sabotage.rs`, and has to be found.
const SABOTAGE: &[&str] = &["any-signature", "any-constraint"];

/// What asks both sides; `packages.rs` installs what it needs.
const COMPARE: &str = "crates/xtask/src/ap2/compare.py";

/// Compares `cases` random mandates, and everything that is listed, with the random numbers that begin at `seed`.
pub(crate) fn run(root: &Path, sdk: Option<PathBuf>, cases: usize, seed: u64) -> anyhow::Result<()> {
    let Some(sdk) = sdk.or_else(|| std::env::var_os(SDK).map(PathBuf::from)) else {
        println!("  skipped: nobody says where the reference implementation is; see `--sdk`, or {SDK}");
        return Ok(());
    };
    ensure!(sdk.join("ap2/sdk").is_dir(), "{} has no package `ap2`", sdk.display());
    let build = ["cargo", "build", "--locked", "--quiet", "-p", "protocols", "--example", "ap2"];
    let ours = Workspace::read(root)?.target.join("debug/examples/ap2");
    let python = root.join(PYTHON);
    let compare = |bug: &str| {
        let mut compare = Command::new(python.join("python"));
        compare.arg(COMPARE).arg(&sdk).arg(&ours).arg(python.join("a2a-proof"));
        compare.args([seed.to_string(), cases.to_string()]).env("PYTHONDONTWRITEBYTECODE", "1");
        compare.env("TOLLBRIDGE_SABOTAGE", bug).current_dir(root);
        compare.output().context("the comparison does not start")
    };
    run::command(root, &build)?;
    let came = compare("")?;
    let said = String::from_utf8_lossy(&came.stdout);
    print!("{said}");
    ensure!(
        came.status.success(),
        "the comparison: {}; again with --seed {seed} --cases {cases}\n{}",
        came.status,
        String::from_utf8_lossy(&came.stderr)
    );
    run::command(root, &[&build[..], &["--features", "sabotage"]].concat())?;
    for bug in SABOTAGE {
        let found = String::from_utf8_lossy(&compare(bug)?.stderr)
            .lines()
            .filter(|line| line.starts_with('✗'))
            .count();
        ensure!(0 < found, "nobody finds `{bug}`");
        println!("✓ {bug}: {found} differences that are not listed");
    }
    Ok(())
}
