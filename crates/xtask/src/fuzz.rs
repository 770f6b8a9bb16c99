//! `cargo xtask fuzz`: runs every target of `fuzz/` for a while, two at a time, beginning with the committed seeds.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, anyhow, ensure};

/// How many run at once: each keeps one core busy.
const TOGETHER: usize = 2;

/// What keeps a build without a sanitizer's nightly flags: the targets are safe Rust, and look for panics.
const BUILD: &[&str] = &["--sanitizer", "none", "--release"];

/// Runs all targets, or the one that is named, for `seconds` each.
pub(crate) fn run(root: &Path, seconds: u64, only: Option<&str>) -> anyhow::Result<()> {
    let mut targets = targets(root)?;
    targets.retain(|target| only.is_none_or(|only| only == target));
    ensure!(!targets.is_empty(), "there is no such target in fuzz/Cargo.toml");
    crate::run::command(root, &[&["cargo", "fuzz", "build"], BUILD].concat())?;
    let waiting = Mutex::new(targets.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(target) = next() {
            run_one(root, &target, seconds)?;
        }
        anyhow::Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..TOGETHER).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })
}

fn run_one(root: &Path, target: &str, seconds: u64) -> anyhow::Result<()> {
    let seeds = format!("fuzz/seeds/{target}");
    ensure!(root.join(&seeds).is_dir(), "target `{target}` has no seeds in {seeds}");
    // What it finds interesting goes into the corpus, which is not committed.
    let corpus = format!("fuzz/corpus/{target}");
    std::fs::create_dir_all(root.join(&corpus))?;
    let started = Instant::now();
    let mut command = Command::new("cargo");
    command.args(["fuzz", "run", target, &corpus, &seeds]).args(BUILD).current_dir(root);
    command.args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1"]);
    let output = command.output().context("cargo fuzz does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "target `{target}`: {}\n{said}", output.status);
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let runs = runs.map_or("?", str::trim);
    println!("✓ {target}: {runs} inputs, no crash; {:.0} s", started.elapsed().as_secs_f32());
    Ok(())
}

/// The names of the programs in `fuzz/Cargo.toml`.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml"))?;
    let programs = manifest.split("[[bin]]").skip(1);
    let name = |program: &str| {
        let line = program.lines().find_map(|line| line.strip_prefix("name = "));
        line.map(|name| name.trim_matches('"').to_owned()).context("a program has a name")
    };
    programs.map(name).collect()
}
