//! `cargo xtask tck`: A2A's technology compatibility kit against an agent of ours, and against one that is broken on purpose.
//!
//! The kit is on no registry, so it is not installed: `TOLLBRIDGE_A2A_TCK` names the folder of its repository, at [`COMMIT`]. What
//! answers is `tck/agent.py`: the product's own agent before a service that does as the kit's messages say. What does not pass is
//! listed here with its reason; what is not listed and fails, and what is listed and passes, fails the lane.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::program;
use crate::sdks::PYTHON;
use crate::suite::{Known, Stage, emptied};

const KIT: &str = "TOLLBRIDGE_A2A_TCK";

/// What of the kit was read: its branch `1.0-dev`.
const COMMIT: &str = "357c4a87afa2818731590647cccbea31c31733a2";

/// Where the results are kept.
const RESULTS: &str = "target/tck";

/// The agent, and what writes the kit's results.
const AGENT: &str = "crates/xtask/src/tck/agent.py";

/// How many tests passed when this was written: fewer would be a kit that did not run.
const PASSED_MIN: usize = 147;

/// What is broken on purpose, in `crates/protocols/src/sabotage.rs`, and the test that has to find it.
const SABOTAGE: &[(&str, &str)] =
    &[("any-version", "TestJsonRpcErrorCodeMappings::test_version_not_supported_error")];

/// What fails, by the end of its name, and why that is not mended.
#[rustfmt::skip]
const FAILS: &[(&str, &str)] = &[
    ("TestAgentCardLastModified::test_last_modified_present", "a MAY: the card has an ETag, which says the same more exactly"),
    ("TestMessageResponse::test_returns_message_with_text_part[jsonrpc]", "what is sold is a task, always: a message alone could not be asked for again after a crash"),
    ("TestMessageResponse::test_returns_message_with_text_part[http_json]", "the same"),
    ("TestRestErrorStructure::test_error_uses_aip193_format", "asks for `application/json`; 1.0 says `application/a2a+json` (11.1)"),
    ("TestRestFormat::test_response_content_type", "the same"),
    ("TestAIP193ErrorFormat::test_error_content_type", "the same"),
    ("TestHttpJsonStatusCodes::test_content_type_not_supported_returns_415", "asks for 415; 1.0 says 400 (5.4)"),
    ("TestJsonRpcErrorCodeMappings::test_content_type_not_supported_error", "takes the error about parts of messages (3.3.2) for one about the request's own type"),
    ("TestHistoryLengthLimit::test_get_task_history_does_not_exceed_limit[jsonrpc]", "its client writes `history_length`, which is no member in JSON (5.5)"),
    ("TestHistoryLengthZeroGetTask::test_get_task_history_length_zero[jsonrpc]", "the same"),
    ("TestHistoryOrdering::test_history_messages_in_chronological_order[jsonrpc]", "says three messages under one `messageId`, and one message is heard once"),
    ("TestHistoryOrdering::test_history_messages_in_chronological_order[http_json]", "the same"),
    ("TestHistoryContent::test_history_content_matches_sent_messages[jsonrpc]", "the same"),
    ("TestHistoryContent::test_history_content_matches_sent_messages[http_json]", "the same"),
];

const KNOWN: Known = Known { fails: FAILS, is: |test, known| test.ends_with(known) };

/// What the kit does not try, in its own words, how often, and why.
#[rustfmt::skip]
const SKIPS: &[(&str, usize, &str)] = &[
    ("Transport 'grpc' not configured", 36, "gRPC is not spoken"),
    ("Transport 'grpc' not configured (filtered by --transport)", 21, "gRPC is not spoken"),
    ("gRPC transport not configured", 2, "gRPC is not spoken"),
    ("Agent does not support push notifications", 30, "nothing is pushed"),
    ("Agent card does not declare capabilities for: ['agent-card']", 6, "there is no extended card"),
    ("Agent card does not declare urn:a2a:tck:required-extension as required", 2, "no extension is required"),
    ("Agent supports streaming", 1, "it does"),
    ("Agent supports streaming; cannot trigger UnsupportedOperationError", 2, "it does"),
    ("Agent supports streaming; cannot trigger -32004", 1, "it does"),
    ("No requirements at this level", 3, "there are none"),
];

/// What came of the kit.
struct Found {
    passed: usize,
    /// The tests that failed, or were expected to by the kit itself.
    failed: Vec<String>,
    /// How often each reason was said for not trying.
    skipped: BTreeMap<String, usize>,
}

/// Runs the kit, and lets it find what is broken.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let Some(kit) = std::env::var_os(KIT) else {
        println!("  skipped: nobody says where the kit is; see {KIT}");
        return Ok(());
    };
    let kit = Path::new(&kit);
    ensure!(
        kit.join("tests/compatibility").is_dir(),
        "{} is not the kit: clone its branch 1.0-dev at {COMMIT}",
        kit.display()
    );
    let built = program::build(root, "tollbridge", &[])?;
    let found = tried(root, kit, &built, "good")?;
    let skipped: usize = found.skipped.values().sum();
    println!("  {} passed, {} failed, {skipped} were not tried", found.passed, found.failed.len());
    judge(&found)?;
    let built = program::build(root, "tollbridge", &["cli/sabotage"])?;
    for (bug, test) in SABOTAGE {
        let found = tried(root, kit, &program::with_bug(&root.join(RESULTS), &built, bug)?, bug)?;
        let more = KNOWN.unlisted(&found.failed);
        println!("  {bug}: {} more failed", more.len());
        ensure!(more.iter().any(|failed| failed.contains(test)), "`{test}` does not find `{bug}`: {more:#?}");
    }
    Ok(())
}

/// Runs every test of the kit against a program, whose results are kept under `name`.
fn tried(root: &Path, kit: &Path, program: &Path, name: &str) -> anyhow::Result<Found> {
    let agent = Stage::start(root, AGENT, program)?;
    let results = emptied(root.join(RESULTS).join(format!("{name}-results")))?;
    let outcomes = results.join("outcomes.jsonl");
    let log = std::fs::File::create(results.join("log.txt"))?;
    let mut pytest = Command::new(root.join(PYTHON).join("python"));
    pytest.args(["-m", "pytest", "tests/compatibility", "-p", "outcomes", "-p", "no:cacheprovider", "-q"]);
    pytest.arg(format!("--sut-host={}", agent.said)).current_dir(kit);
    pytest.env("PYTHONPATH", root.join(AGENT).with_file_name("")).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.env("TOLLBRIDGE_RESULTS", &outcomes).stdout(log.try_clone()?).stderr(log);
    // Its status says that something failed, and not what.
    let _status = pytest.status().context("the kit does not start")?;
    let text = std::fs::read_to_string(&outcomes)
        .with_context(|| format!("the kit tried nothing; see {}", results.display()))?;
    read(&text)
}

/// Reads what `tck/outcomes.py` writes.
fn read(text: &str) -> anyhow::Result<Found> {
    let mut found = Found { passed: 0, failed: Vec::new(), skipped: BTreeMap::new() };
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).context("a result cannot be read")?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        match (text("outcome"), text("why")) {
            ("passed", _) => found.passed += 1,
            // What the kit itself expects to fail has no reason for being skipped.
            ("failed", _) | ("skipped", "") => found.failed.push(text("test").to_owned()),
            ("skipped", why) => *found.skipped.entry(why.to_owned()).or_default() += 1,
            _ => bail!("no outcome: {line}"),
        }
    }
    Ok(found)
}

/// Holds what came of the kit against what is listed.
fn judge(found: &Found) -> anyhow::Result<()> {
    KNOWN.judge(&found.failed)?;
    let listed: BTreeMap<String, usize> =
        SKIPS.iter().map(|(why, count, _)| ((*why).to_owned(), *count)).collect();
    ensure!(found.skipped == listed, "not tried: {:#?}; listed: {listed:#?}", found.skipped);
    ensure!(PASSED_MIN <= found.passed, "only {} passed", found.passed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_listed_is_said() {
        let row = |test: &str, outcome: &str, why: &str| {
            serde_json::json!({ "test": test, "outcome": outcome, "why": why }).to_string()
        };
        let passed = (0..PASSED_MIN).map(|at| row(&format!("t{at}"), "passed", ""));
        let failed = FAILS.iter().map(|(test, _)| row(test, "failed", ""));
        let skipped =
            SKIPS.iter().flat_map(|(why, count, _)| (0..*count).map(move |_| row("s", "skipped", why)));
        let good: Vec<String> = passed.chain(failed).chain(skipped).collect();
        let judged = |rows: &[String]| read(&rows.join("\n")).and_then(|found| judge(&found));
        judged(&good).unwrap();
        for more in [row("new", "failed", ""), row("new", "skipped", ""), row("new", "skipped", "why not")] {
            assert!(judged(&[&good[..], &[more]].concat()).is_err());
        }
        for at in [0, PASSED_MIN, good.len() - 1] {
            let fewer: Vec<String> =
                good.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, row)| row.clone()).collect();
            assert!(judged(&fewer).is_err(), "{}", good[at]);
        }
        assert!(read("{}").is_err());
    }
}
