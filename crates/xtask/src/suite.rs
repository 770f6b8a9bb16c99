//! Suites of others against a program of ours: what they try, where their results lie, and what of them is known to fail.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::sdks::PYTHON;

/// A Python program that runs the product for a suite, and ends with its standard input.
pub(crate) struct Stage {
    child: Child,
    input: Option<ChildStdin>,
    /// Its first line: where it is.
    pub(crate) said: String,
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may have ended by itself.
        let _ended = self.child.wait();
    }
}

impl Stage {
    /// Starts `script` with the product's `program`.
    pub(crate) fn start(root: &Path, script: &str, program: &Path) -> anyhow::Result<Stage> {
        let python = root.join("sdks/python");
        let mut stage = Command::new(root.join(PYTHON).join("python"));
        stage.arg(root.join(script)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        stage.env("TOLLBRIDGE_BIN", program).env("PYTHONDONTWRITEBYTECODE", "1");
        stage.env("PYTHONPATH", std::env::join_paths([python.join("tests"), python.join("src")])?);
        let mut child = stage.spawn().with_context(|| format!("{script} does not start"))?;
        let said = child.stdout.take().context("it says where it is")?;
        let input = child.stdin.take();
        let mut stage = Stage { child, input, said: String::new() };
        BufReader::new(said).read_line(&mut stage.said)?;
        stage.said = stage.said.trim().to_owned();
        ensure!(stage.said.starts_with("http://"), "{script} ended");
        Ok(stage)
    }
}

/// What is known to fail, each with its reason, and how a test's name is told.
pub(crate) struct Known {
    pub(crate) fails: &'static [(&'static str, &'static str)],
    /// Whether a test has a listed name.
    pub(crate) is: fn(&str, &str) -> bool,
}

impl Known {
    /// What failed and is not listed.
    pub(crate) fn unlisted<'a>(&self, failed: &'a [String]) -> Vec<&'a String> {
        failed.iter().filter(|test| !self.fails.iter().any(|(known, _)| (self.is)(test, known))).collect()
    }

    /// Holds what failed against what is listed.
    pub(crate) fn judge(&self, failed: &[String]) -> anyhow::Result<()> {
        let unlisted = self.unlisted(failed);
        ensure!(unlisted.is_empty(), "failed, and not listed: {unlisted:#?}");
        let names = self.fails.iter().map(|(known, _)| *known);
        let mended: Vec<&str> =
            names.filter(|known| !failed.iter().any(|test| (self.is)(test, known))).collect();
        ensure!(mended.is_empty(), "listed, and passing: {mended:#?}");
        Ok(())
    }
}

/// A folder for results with nothing of the last run.
pub(crate) fn emptied(results: PathBuf) -> anyhow::Result<PathBuf> {
    if results.exists() {
        std::fs::remove_dir_all(&results).context("the results of the last run cannot be removed")?;
    }
    std::fs::create_dir_all(&results)?;
    Ok(results)
}
