//! `cargo xtask fuzz`: runs every target of the crate `fuzz` for a while, some at a time, beginning with its seeds.
//!
//! The targets are built with coverage for libFuzzer and without a sanitizer: that needs the stable compiler only, and
//! no program to be installed. They are safe Rust, and what is looked for are panics, and inputs that cost too much
//! time or memory. Only our own crates are built for it; what they depend on is what the tests depend on.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, anyhow, ensure};

use crate::workspace::Workspace;

/// What names the targets.
const MANIFEST: &str = "crates/fuzz/Cargo.toml";

/// One entry of each kind, in hexadecimal: the seeds of the entry decoder.
const GOLDEN: &str = "vectors/entries";

/// The longest input in bytes: as long as the body of a request may be.
const INPUT_BYTES_MAX: usize = 64 * 1_024;

/// What is repeated until it is that long: what a parser might nest, split, keep or count more than once for.
const REPEATED: &[(&str, &str)] = &[
    ("arrays", "["),
    ("objects", "{\"a\":"),
    ("members", "\"a\":0,"),
    ("digits", "9"),
    ("escapes", "\\u0061"),
    ("parameters", "a=\"b\", "),
    ("lists", "(a);b, "),
    ("parts", "a.b~"),
    ("headers", "a: b\r\n"),
    ("events", "data: {}\n\n"),
    ("spaces", " "),
    ("zeros", "\0"),
];

/// Runs all targets, or the one that is named, for `seconds` each, `together` at once: each keeps one core busy.
pub(crate) fn run(root: &Path, seconds: u64, together: usize, only: Option<&str>) -> anyhow::Result<()> {
    let mut targets = targets(root)?;
    targets.retain(|target| only.is_none_or(|only| only == target));
    ensure!(!targets.is_empty(), "there is no such target in {MANIFEST}");
    let target_folder = Workspace::read(root)?.target;
    build(root, &targets)?;
    let (programs, found) = (target_folder.join("debug"), target_folder.join("fuzz"));
    let waiting = Mutex::new(targets.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(target) = next() {
            run_one(root, &programs, &found, &target, seconds)?;
        }
        anyhow::Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..together).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })
}

fn build(root: &Path, targets: &[String]) -> anyhow::Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--workspace", "--locked", "--quiet", "--features", "fuzz/fuzzing"]);
    cargo.args(targets.iter().flat_map(|target| ["--bin", target]));
    cargo.env("RUSTC_WORKSPACE_WRAPPER", root.join("crates/fuzz/rustc"));
    let status = cargo.current_dir(root).status().context("cannot start cargo")?;
    ensure!(status.success(), "building the fuzz targets: {status}");
    Ok(())
}

fn run_one(root: &Path, programs: &Path, found: &Path, target: &str, seconds: u64) -> anyhow::Result<()> {
    // What it finds interesting goes into the corpus, and what stops it into the artifacts.
    let (corpus, artifacts) = (found.join("corpus").join(target), found.join("artifacts").join(target));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let artifacts = format!("{}/", artifacts.display());
    sow(root, target, &corpus).with_context(|| format!("the seeds of `{target}`"))?;
    let started = Instant::now();
    let mut command = Command::new(programs.join(target));
    command.arg(&corpus).current_dir(root);
    command.args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={artifacts}")]);
    command.args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"]);
    command.arg(format!("-max_len={INPUT_BYTES_MAX}"));
    let output = command.output().with_context(|| format!("{target} does not start"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let stat = |name: &str| {
        let found = said.lines().find_map(|line| line.strip_prefix(&format!("stat::{name}:")));
        found.map_or("?", str::trim)
    };
    ensure!(
        output.status.success(),
        "target `{target}`: {}; the input lies in {artifacts}; run it with {}\n{said}",
        output.status,
        programs.join(target).display()
    );
    ensure!(
        !said.contains("Is the code instrumented"),
        "target `{target}` sees nothing: it was built without coverage"
    );
    let inputs = stat("number_of_executed_units");
    println!(
        "✓ {target}: {inputs} inputs, no crash, none too costly; {:.0} s",
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// Puts what is known to be well formed into a corpus, the committed seeds or the golden files where there are some; and
/// long inputs, of which chance alone makes few: what is repeated, and every seed again and again.
fn sow(root: &Path, target: &str, corpus: &Path) -> anyhow::Result<()> {
    let is_entry = target == "entry";
    let seeds = match target {
        "entry" => root.join(GOLDEN),
        "explain" => root.join("vectors/explain"),
        _ => root.join("crates/fuzz/seeds").join(target),
    };
    for seed in fs::read_dir(&seeds).with_context(|| seeds.display().to_string())? {
        let seed = seed?.path();
        let bytes = if is_entry { unhex(&fs::read_to_string(&seed)?)? } else { fs::read(&seed)? };
        let name = seed.file_name().and_then(|name| name.to_str()).context("a file has a name")?;
        fs::write(corpus.join(format!("long_{name}")), long(&bytes))?;
        fs::write(corpus.join(name), bytes)?;
    }
    for (name, repeated) in REPEATED {
        fs::write(corpus.join(format!("long_{name}")), long(repeated.as_bytes()))?;
    }
    Ok(())
}

/// These bytes again and again, until the input is as long as it may be.
fn long(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().cycle().take(INPUT_BYTES_MAX).collect()
}

/// The bytes of a golden entry: hexadecimal, with a comment behind each field.
fn unhex(text: &str) -> anyhow::Result<Vec<u8>> {
    let fields = text.lines().filter_map(|line| line.split('#').next());
    let digits: Vec<char> = fields.flat_map(str::chars).filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    digits.chunks(2).map(|pair| byte(pair).context("not hexadecimal")).collect()
}

/// The names of the programs of the crate `fuzz`.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let manifest = fs::read_to_string(root.join(MANIFEST))?;
    let programs = manifest.split("[[bin]]").skip(1);
    let name = |program: &str| {
        let line = program.lines().find_map(|line| line.strip_prefix("name = "));
        line.map(|name| name.trim_matches('"').to_owned()).context("a program has a name")
    };
    programs.map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_entries_are_read_without_their_comments() {
        let text = "# pay\n18    # seq = 24\n81c0  # at = 8256\n";
        assert_eq!(unhex(text).expect("it is hexadecimal"), [0x18, 0x81, 0xC0]);
        assert!(unhex("zz # seq").is_err());
    }

    #[test]
    fn long_inputs_are_as_long_as_they_may_be() {
        assert_eq!(long(b"abc").len(), INPUT_BYTES_MAX);
        assert!(long(b"abc").starts_with(b"abcabc"));
        assert_eq!(long(b""), b"");
    }
}
