//! `cargo xtask dialects`: official clients and servers of other protocols, as their registries have them, buy from our
//! gateway, sell to our wallets and collect at our server.
//!
//! What came of each trial is a row of [`PAGE`], so the page says what was tried and nothing else. The trials lie beside
//! the tests of our packages, and run against the packages as they would be published.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::workspace::Workspace;
use crate::{packages, program, run, sdks};

/// Where everything is built.
const OUT: &str = "target/dialects";

/// Where the results are published.
const PAGE: &str = "docs/interop.md";

/// Our plug-in for the official Rust client, with a program that buys by it.
const RUST: &str = "sdks/rust/Cargo.toml";

/// The lane, and so the packages.
pub(crate) const LANE: &str = "dialects";

/// The trials: a folder in `sdks`, and a program in its `tests/dialects`.
const PROGRAMS: &[(&str, &str)] = &[
    ("typescript", "x402.mjs"),
    ("typescript", "mpp.mjs"),
    ("python", "x402_trials.py"),
    ("python", "mcp_trials.py"),
    ("python", "a2a_trials.py"),
    ("python", "mpp_trials.py"),
    ("python", "lint_trials.py"),
];

/// What is known to fail, and why: who, what, reason. What is not listed has to pass, and what is listed has to fail.
const KNOWN_FAILURES: &[(&str, &str, &str)] = &[];

/// What is broken on purpose, in `crates/protocols/src/sabotage.rs`, and the trial that has to find it.
const SABOTAGE: &[(&str, (&str, &str), &str)] = &[
    (
        "any-signature",
        ("typescript", "x402.mjs"),
        "a proof whose signature is another: refused, and the true one still pays",
    ),
    (
        "any-bill",
        ("typescript", "x402.mjs"),
        "@x402/fetch → gateway: the proof for one page shown for another: refused, and nothing is delivered",
    ),
    (
        "any-time",
        ("typescript", "x402.mjs"),
        "@x402/express → facilitator: the same proof again: refused, and nothing moves",
    ),
    ("goes-on", ("python", "a2a_trials.py"), "over JSONRPC: answers, lifecycle and card: no failure"),
];

/// What somebody might take for granted.
const UNTRIED: &str = "\n## What is not tried\n\n\
    - `upto` with a stock server: settling it needs the payee's signature, for which these servers have no place.\n\
    - Intents of the `Payment` scheme other than `charge` and `session`; streams by session with `pympp`. Its official Rust client has a lane of its own: `cargo xtask lane dialects-rust`.\n\
    - Chains: `exact` on EVM chains has a lane of its own, on a real node: `cargo xtask lane evm`. No other chain is spoken.\n\
    - Checkouts have lanes of their own: the specifications' schemas and schemathesis, and UCP's public conformance tests, of which 31 of 59 pass through a \
    translation from their version, 2026-01-11, to ours, and each other is listed with its reason: [checkouts.md](checkouts.md#how-that-is-checked).\n";

/// What came of one trial.
pub(crate) struct Row {
    program: String,
    who: String,
    what: String,
    pub(crate) passed: bool,
}

/// Runs every trial against `given`, or the program of this workspace, and checks [`PAGE`]; `UPDATE=1` writes it.
pub(crate) fn run(root: &Path, given: Option<&Path>) -> anyhow::Result<()> {
    let program = match given {
        Some(given) => given.to_path_buf(),
        None => program::build(root, "tollbridge", &[])?,
    };
    sdks::packed(root, OUT)?;
    run::titled("Types of our plug-ins", "cargo xtask dialects", || types(root))?;
    let mut rows = Vec::new();
    for place in PROGRAMS {
        rows.extend(trials(root, &program, *place, &[])?);
    }
    judge(&rows, KNOWN_FAILURES)?;
    let page = page(&rows, KNOWN_FAILURES, &packages::pinned(LANE));
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(root.join(PAGE), page).context(PAGE);
    }
    let published = std::fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    ensure!(published == page, "{PAGE} says something else; UPDATE=1 cargo xtask dialects writes it");
    Ok(())
}

/// Runs the trials that have to find what is broken on purpose, against programs that are broken so and one that is not.
pub(crate) fn run_broken(root: &Path) -> anyhow::Result<()> {
    let built = program::build(root, "tollbridge", &["cli/sabotage"])?;
    sdks::packed(root, OUT)?;
    let copy = root.join(OUT).join("broken");
    std::fs::copy(&built, &copy).context("the broken program cannot be kept")?;
    for (bug, place, what) in SABOTAGE {
        let started = program::with_bug(&root.join(OUT), &copy, bug)?;
        for (program, is_good) in [(&copy, true), (&started, false)] {
            let rows = trials(root, program, *place, &[("TOLLBRIDGE_TRIAL", OsStr::new(what))])?;
            ensure!(!rows.is_empty(), "no trial is called `{what}`");
            let passed = rows.iter().all(|row| row.passed);
            ensure!(
                passed == is_good,
                "`{what}` {} the program with `{bug}`",
                if passed { "passes" } else { "fails without" }
            );
        }
        println!("✓ {bug}: found by `{what}`");
    }
    Ok(())
}

/// Runs the trials of the official Rust client of the `Payment` scheme, which is built with our plug-in for it.
pub(crate) fn run_rust(root: &Path) -> anyhow::Result<()> {
    let program = program::build(root, "tollbridge", &[])?;
    let built = Workspace::read(root)?.target.join("rust");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--quiet", "--example", "buy", "--manifest-path", RUST]);
    let status =
        cargo.arg("--target-dir").arg(&built).current_dir(root).status().context("cargo does not start")?;
    ensure!(status.success(), "{RUST}: {status}");
    sdks::packed(root, OUT)?;
    let client = built.join("debug/examples/buy");
    let rows =
        trials(root, &program, ("typescript", "rust.mjs"), &[("TOLLBRIDGE_MPP_CLIENT", client.as_os_str())])?;
    judge(&rows, &[])
}

/// Runs the trials of one program with these variables set, and reads what came of them.
fn trials(
    root: &Path,
    program: &Path,
    (language, file): (&str, &str),
    variables: &[(&str, &OsStr)],
) -> anyhow::Result<Vec<Row>> {
    let out = root.join(OUT);
    let results = out.join("results.jsonl");
    if results.exists() {
        std::fs::remove_file(&results)?;
    }
    let (mut trials, folder) = if language == "typescript" {
        (Command::new("node"), out.join("buyer/tests/dialects"))
    } else {
        (Command::new(root.join(sdks::PYTHON).join("python")), out.join("python/tests/dialects"))
    };
    trials.arg(folder.join(file)).env("TOLLBRIDGE_BIN", program).env("TOLLBRIDGE_RESULTS", &results);
    trials.env("TOLLBRIDGE_DOCS", root.join("docs"));
    trials.env("PYTHONPATH", std::env::join_paths([out.join("site"), out.join("python/tests")])?);
    trials.env("PYTHONDONTWRITEBYTECODE", "1").env("TOLLBRIDGE_PROGRAM", format!("{language}/{file}"));
    trials.env("TOLLBRIDGE_TOOLS", root.join(sdks::PYTHON));
    trials.envs(variables.iter().copied());
    run::titled(&format!("Trials {language}/{file}"), "cargo xtask dialects", || {
        let status = trials.status().context("the trials do not start")?;
        ensure!(status.success(), "{language}/{file}: {status}");
        Ok(())
    })?;
    let text = std::fs::read_to_string(&results).context("no trial wrote down what came of it")?;
    text.lines().map(row).collect()
}

/// Compares what our plug-ins are by type with what the official packages ask for.
fn types(root: &Path) -> anyhow::Result<()> {
    let file = format!("{OUT}/buyer/tests/dialects/types.ts");
    let strict = [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--target",
        "es2022",
        "--module",
        "nodenext",
    ];
    // The packages' own declarations name packages that they do not bring.
    let lenient = ["--skipLibCheck", "--types", "node", "--typeRoots", sdks::TYPES];
    run::command(root, &[&[sdks::TSC], &strict[..], &lenient[..], &[&file]].concat())
}

/// Reads what came of one trial.
pub(crate) fn row(line: &str) -> anyhow::Result<Row> {
    let row: Value = serde_json::from_str(line).context("a result cannot be read")?;
    let text = |name: &str| {
        row.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .with_context(|| format!("no `{name}`: {line}"))
    };
    Ok(Row {
        program: text("program")?,
        who: text("who")?,
        what: text("what")?,
        passed: text("result")? == "ok",
    })
}

/// Fails for what failed and is not listed, and for what is listed and did not fail.
pub(crate) fn judge(rows: &[Row], known: &[(&str, &str, &str)]) -> anyhow::Result<()> {
    let is_known = |row: &Row| known.iter().any(|(who, what, _)| *who == row.who && *what == row.what);
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| row.passed == is_known(row))
        .map(|row| {
            let why = if row.passed { "passes, and is listed as failing" } else { "failed" };
            format!("{}: {}: {why}", row.who, row.what)
        })
        .collect();
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    for (who, what, _) in known {
        let is_tried = rows.iter().any(|row| row.who == *who && row.what == *what);
        ensure!(is_tried, "{who}: {what}: listed as failing, and not tried");
    }
    Ok(())
}

/// The page, without anything that differs from run to run.
fn page(rows: &[Row], known: &[(&str, &str, &str)], pinned: &[(&str, &str)]) -> String {
    let mut page = String::from(
        "# Who was really tried\n\n\
         Clients, servers and checkers of others, unchanged and in the versions that are named, against a server and a gateway of \
         ours with play money. Written by\n`UPDATE=1 cargo xtask lane dialects`, and checked by it without `UPDATE`: what does not \
         pass is listed at the end, or the lane fails. A payment is\nchecked in the ledger, to the fen. How to use them: \
         [x402.md](x402.md), [mpp.md](mpp.md) and [a2a.md](a2a.md).\n",
    );
    let mut last = "";
    for row in rows {
        if row.program != last {
            last = &row.program;
            let (language, file) = last.split_once('/').unwrap_or(("", last));
            let path = format!("sdks/{language}/tests/dialects/{file}");
            let _ = write!(
                page,
                "\n## [{path}](../{path})\n\n| who | version | what | result |\n| --- | --- | --- | --- |\n"
            );
        }
        let result = if row.passed { "passes" } else { "fails" };
        let _ = writeln!(page, "| {} | {} | {} | {result} |", row.who, versions(&row.who, pinned), row.what);
    }
    page.push_str("\n## What fails\n\n");
    if known.is_empty() {
        page.push_str("Nothing of the above.\n");
    }
    for (who, what, why) in known {
        let _ = writeln!(page, "- {who}: {what}: {why}");
    }
    page.push_str(UNTRIED);
    page
}

/// The versions of the packages that `who` names, in their order.
fn versions(who: &str, pinned: &[(&str, &str)]) -> String {
    let words = who.split([' ', ',']).filter(|word| !word.is_empty());
    let mut found: Vec<&str> =
        words.filter_map(|word| Some(pinned.iter().find(|(name, _)| *name == word)?.1)).collect();
    found.dedup();
    if found.is_empty() { "ours".to_owned() } else { found.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(passed: [bool; 2]) -> Vec<Row> {
        let row = |what: &str, passed| Row {
            program: "python/a.py".to_owned(),
            who: "buyer → shop".to_owned(),
            what: what.to_owned(),
            passed,
        };
        vec![row("pays", passed[0]), row("repeats", passed[1])]
    }

    #[test]
    fn only_what_is_listed_may_fail_and_it_has_to() {
        let listed = [("buyer → shop", "repeats", "it forgets")];
        for (passed, known, good) in [
            ([true, true], &[][..], true),
            ([true, false], &[][..], false),
            ([true, false], &listed[..], true),
            ([true, true], &listed[..], false),
            ([false, false], &listed[..], false),
        ] {
            assert_eq!(judge(&rows(passed), known).is_ok(), good, "{passed:?} {known:?}");
        }
        assert!(judge(&rows([true, true])[..1], &listed).is_err());
    }

    #[test]
    fn a_row_has_the_versions_of_those_it_names() {
        let pinned = [("shop", "2.1.0"), ("x402", "2.25.0"), ("@x402/fetch", "2.27.0")];
        assert_eq!(versions("@x402/fetch → gateway", &pinned), "2.27.0");
        assert_eq!(versions("python x402, httpx → shop", &pinned), "2.25.0, 2.1.0");
        assert_eq!(versions("tollbridge/x402 → gateway", &pinned), "ours");
        assert!(page(&rows([true, true]), &[], &pinned).contains("| buyer → shop | 2.1.0 | pays | passes |"));
    }
}
