//! `cargo xtask browser`: owners' pages in a real Chromium, with a passkey that needs no finger.
//!
//! The product runs as `tollbridge dev` starts it; the scripts lie in `crates/web/tests/browser`, and each brings its own
//! stage. Pictures of every page, in both languages, on a phone and on a desk, by day and by night, are kept in
//! [`PICTURES`], to be looked at.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::program;

/// Where the scripts lie.
const SCRIPTS: &str = "crates/web/tests/browser";

/// Where the lane's packages lie; `packages.rs` installs them.
const PACKAGES: &str = "target/npm/node_modules";

/// Where the pictures are kept.
const PICTURES: &str = "target/browser";

/// How long one file of tests may take, in milliseconds: many times what it does, also where others build beside it.
const TEST_MILLIS_MAX: &str = "600000";

/// In which languages and at which widths a story is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Views {
    /// Each language and each width once.
    EachOnce,
    /// Each language at each width.
    EachWithEach,
}

/// Runs every script, or the tests whose name contains `name`.
pub(crate) fn run(root: &Path, views: Views, name: Option<&str>) -> anyhow::Result<()> {
    let program = program::build(root, "tollbridge", &[])?;
    let pictures = root.join(PICTURES);
    if pictures.exists() && name.is_none() {
        std::fs::remove_dir_all(&pictures).context("the pictures of the last run cannot be removed")?;
    }
    let mut node = Command::new("node");
    node.args([
        "--test",
        "--test-reporter",
        "spec",
        "--test-concurrency",
        "2",
        "--test-timeout",
        TEST_MILLIS_MAX,
    ]);
    if let Some(name) = name {
        node.args(["--test-name-pattern", name]);
    }
    node.args(scripts(root)?);
    node.env("TOLLBRIDGE_PROGRAM", program).env("TOLLBRIDGE_NPM", root.join(PACKAGES));
    node.env("TOLLBRIDGE_PICTURES", &pictures).current_dir(root);
    if views == Views::EachWithEach {
        node.env("TOLLBRIDGE_EVERY_VIEW", "1");
    }
    let status = node.status().context("node does not start")?;
    ensure!(status.success(), "the tests in {SCRIPTS}: {status}");
    println!("✓ pictures of every page: {PICTURES}");
    Ok(())
}

/// The files with tests, in order of their names.
fn scripts(root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = std::fs::read_dir(root.join(SCRIPTS)).with_context(|| SCRIPTS.to_owned())?;
    let names = folder.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<anyhow::Result<Vec<String>>>()?;
    names.retain(|name| name.ends_with(".test.mjs"));
    names.sort();
    ensure!(!names.is_empty(), "{SCRIPTS} has no tests");
    Ok(names.into_iter().map(|name| format!("{SCRIPTS}/{name}")).collect())
}
