//! `cargo xtask evm`: the official x402 packages for EVM chains pay and are paid on a real node, with our server as their
//! facilitator, and the same trials find programs that are broken on purpose.
//!
//! The trials are `sdks/typescript/tests/evm`. The node, the compiler of the token and the packages come from npm.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::dialects::{Row, judge, row};
use crate::workspace::Workspace;
use crate::{program, run, sdks};

/// Where everything lies while the trials run.
const OUT: &str = "target/evm";

/// Where the lane's packages lie; `packages.rs` installs them.
const MODULES: &str = "target/npm/node_modules";

/// The trials that there were when this was written: fewer would be trials that did not run.
const TRIALS_MIN: usize = 41;

/// What is broken on purpose, in `crates/protocols/src/sabotage.rs`, and the trial that has to find it.
const SABOTAGE: &[(&str, &str)] = &[
    ("any-signature", "an authorization signed by somebody else: refused by name, and nothing moves"),
    ("any-bill", "an authorization for somebody else: refused by name, and nothing moves"),
    ("any-time", "the same proof again: refused, and nothing moves"),
    ("forgets", "the server is killed while the chain has it: asked again, it was paid once"),
];

/// Runs every trial: all have to pass.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let program = program::build(root, "tollbridge", &["cli/evm"])?;
    let rows = trials(root, &program, &[])?;
    ensure!(TRIALS_MIN <= rows.len(), "only {} trials ran", rows.len());
    judge(&rows, &[])
}

/// Runs the trials that have to find what is broken on purpose, against programs that are broken so and one that is not.
pub(crate) fn run_broken(root: &Path) -> anyhow::Result<()> {
    let built = program::build(root, "tollbridge", &["cli/evm", "cli/sabotage"])?;
    for (bug, what) in SABOTAGE {
        let broken = program::with_bug(&Workspace::read(root)?.target, &built, bug)?;
        for (program, is_good) in [(&built, true), (&broken, false)] {
            let rows = trials(root, program, &[("TOLLBRIDGE_TRIAL", OsStr::new(what))])?;
            ensure!(rows.len() == 1, "{} trials are called `{what}`", rows.len());
            let passed = rows.iter().all(|row| row.passed);
            let how = if passed { "passes" } else { "fails without" };
            ensure!(passed == is_good, "`{what}` {how} the program with `{bug}`");
        }
        println!("✓ {bug}: found by `{what}`");
    }
    Ok(())
}

/// Measures how many payments a second our facilitator settles on our ledger, beside the official one on a chain.
pub(crate) fn run_rate(root: &Path) -> anyhow::Result<()> {
    run::command(
        root,
        &["cargo", "build", "--release", "--locked", "--quiet", "-p", "cli", "--features", "evm"],
    )?;
    sdks::packed(root, OUT)?;
    let mut rate = Command::new("node");
    rate.arg(root.join(OUT).join("buyer/tests/evm/rate.mjs")).env("TOLLBRIDGE_EVM_NODE", node(root)?);
    rate.env("TOLLBRIDGE_BIN", Workspace::read(root)?.target.join("release/tollbridge"));
    let status = rate.status().context("the measurement does not start")?;
    ensure!(status.success(), "typescript/evm/rate.mjs: {status}");
    Ok(())
}

/// Runs the trials with these variables set, and reads what came of them.
fn trials(root: &Path, program: &Path, variables: &[(&str, &OsStr)]) -> anyhow::Result<Vec<Row>> {
    let out = root.join(OUT);
    if out.exists() {
        std::fs::remove_dir_all(&out).context(OUT)?;
    }
    std::fs::create_dir_all(&out).context(OUT)?;
    run::command(root, &["cp", "-a", "sdks/typescript/tests", OUT])?;
    std::os::unix::fs::symlink(root.join(MODULES), out.join("node_modules")).context(MODULES)?;
    let results = out.join("results.jsonl");
    let mut trials = Command::new("node");
    trials.arg(out.join("tests/evm/trials.mjs")).env("TOLLBRIDGE_BIN", program);
    trials.env("TOLLBRIDGE_EVM_NODE", node(root)?).env("TOLLBRIDGE_RESULTS", &results);
    trials.env("TOLLBRIDGE_PROGRAM", "typescript/evm").envs(variables.iter().copied());
    run::titled("Trials typescript/evm", "cargo xtask evm", || {
        let status = trials.status().context("the trials do not start")?;
        ensure!(status.success(), "typescript/evm: {status}");
        Ok(())
    })?;
    let text = std::fs::read_to_string(&results).context("no trial wrote down what came of it")?;
    text.lines().map(row).collect()
}

/// The node, as its package has it for this machine.
fn node(root: &Path) -> anyhow::Result<PathBuf> {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let node = root.join(MODULES).join(format!("@foundry-rs/anvil-linux-{machine}/bin/anvil"));
    ensure!(node.exists(), "{} is not there", node.display());
    Ok(node)
}
