//! `cargo xtask checkouts`: what a shop says in ACP and UCP, held against the schemas that both publish.
//!
//! The specifications are on no registry, so they are not installed: `TOLLBRIDGE_ACP_SPEC` and `TOLLBRIDGE_UCP_SPEC` name the
//! folders of their repositories, at the versions that are spoken. A part whose folder nobody names says that it did not run.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::run;
use crate::sdks::PYTHON;
use crate::workspace::Workspace;

const ACP: &str = "TOLLBRIDGE_ACP_SPEC";
const UCP: &str = "TOLLBRIDGE_UCP_SPEC";

/// What asks the schemas.
const COMPARE: &str = "crates/xtask/src/checkouts/compare.py";

/// Holds every message against its schema, and everything that is listed as broken on purpose.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let spec = |name: &str| std::env::var_os(name).unwrap_or_else(|| OsString::from("-"));
    let (acp, ucp) = (spec(ACP), spec(UCP));
    if acp == "-" && ucp == "-" {
        println!("  skipped: nobody says where the specifications are; see {ACP} and {UCP}");
        return Ok(());
    }
    run::command(
        root,
        &["cargo", "build", "--locked", "--quiet", "-p", "protocols", "--example", "checkouts"],
    )?;
    let ours = Workspace::read(root)?.target.join("debug/examples/checkouts");
    let mut compare = Command::new(root.join(PYTHON).join("python"));
    compare.arg(COMPARE).arg(ours).arg(acp).arg(ucp).env("PYTHONDONTWRITEBYTECODE", "1");
    let status = compare.current_dir(root).status().context("the comparison does not start")?;
    ensure!(status.success(), "the comparison: {status}");
    Ok(())
}
