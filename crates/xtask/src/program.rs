//! The programs of this workspace, as lanes run them: in the profile of the tests, built once for all.
//!
//! Features are those of the whole workspace: cargo would otherwise choose fewer for a program alone, and build
//! half of what both need a second time.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::run;
use crate::workspace::Workspace;

/// Builds the program called `name`, and returns where it lies.
pub(crate) fn build(root: &Path, name: &str, features: &[&str]) -> anyhow::Result<PathBuf> {
    let mut words = vec!["cargo", "build", "--workspace", "--locked", "--quiet", "--bin", name];
    for feature in features {
        words.extend(["--features", feature]);
    }
    run::command(root, &words)?;
    Ok(Workspace::read(root)?.target.join("debug").join(name))
}

/// A program in `folder` that starts `built` with this bug, which it was built to have when it is named.
pub(crate) fn with_bug(folder: &Path, built: &Path, bug: &str) -> anyhow::Result<PathBuf> {
    let started = folder.join(bug);
    let text = format!("#!/bin/sh\nTOLLBRIDGE_SABOTAGE={bug} exec '{}' \"$@\"\n", built.display());
    std::fs::write(&started, text)?;
    std::fs::set_permissions(&started, std::fs::Permissions::from_mode(0o755))?;
    Ok(started)
}

/// Builds the simulator and lives the lives that `arguments` say.
pub(crate) fn simulate(root: &Path, arguments: &[String]) -> anyhow::Result<()> {
    execute(root, &build(root, "sim", &[])?, arguments)
}

/// Builds the simulator with bugs on purpose, as a program of its own, and has them found.
pub(crate) fn sabotage(root: &Path, arguments: &[String]) -> anyhow::Result<()> {
    execute(root, &build(root, "sabotage", &["sim/sabotage"])?, arguments)
}

fn execute(root: &Path, program: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let program = program.to_string_lossy();
    let words = std::iter::once(program.as_ref()).chain(arguments.iter().map(String::as_str));
    run::command(root, &words.collect::<Vec<&str>>())
}
