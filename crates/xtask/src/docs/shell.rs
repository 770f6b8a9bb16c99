//! Typing a page's blocks: one bash a block, with the folder and the variables handed from each to the next.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// How long a block may take; a reader would have given up.
pub(super) const BLOCK_SECONDS_MAX: u64 = 120;

/// How long a server's output is waited for, and how long it may take to end.
const SERVER_SECONDS_MAX: u64 = 20;

/// How often something awaited is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// What each block is wrapped in. `allexport` makes every variable one that can be handed on.
const BEFORE: &str =
    "set -eu -o pipefail -o allexport\n. \"$DOCS_STATE/variables\"\ncd \"$(cat \"$DOCS_STATE/folder\")\"\n";
const AFTER: &str = "\nexport -p > \"$DOCS_STATE/variables\"\npwd > \"$DOCS_STATE/folder\"\n";

/// A page's session. Dropping it ends the servers that it started.
pub(super) struct Shell {
    scratch: PathBuf,
    /// The process groups of blocks that left something running.
    servers: Vec<u32>,
    blocks: usize,
}

impl Shell {
    /// Opens a session in the `tree` of a scratch folder.
    pub(super) fn open(scratch: &Path) -> anyhow::Result<Shell> {
        fs::write(scratch.join("variables"), "")?;
        fs::write(scratch.join("folder"), scratch.join("tree").as_os_str().as_encoded_bytes())?;
        Ok(Shell { scratch: scratch.to_path_buf(), servers: Vec::new(), blocks: 0 })
    }

    /// Gives the session these variables.
    pub(super) fn set(&self, variables: &[(&str, String)]) -> anyhow::Result<()> {
        let lines: String =
            variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        Ok(fs::write(self.scratch.join("variables"), lines)?)
    }

    /// Runs one block; an error when it fails, hangs, or does not print what it should.
    pub(super) fn run(&mut self, script: &str, expected: &[String]) -> anyhow::Result<()> {
        self.blocks += 1;
        let log = self.scratch.join(format!("output-{}", self.blocks));
        let mut bash = self.start(script, &log)?;
        let mut patience = Duration::ZERO;
        if script.lines().any(|line| line.trim_end().ends_with(" &")) {
            // Remembered before anything can fail, so that the server ends with the session in any case.
            self.servers.push(bash.id());
            patience = Duration::from_secs(SERVER_SECONDS_MAX);
        }
        let status = finish(&mut bash).with_context(|| read(&log))?;
        ensure!(status.success(), "{status}\n{}", read(&log));
        let absent = || first_absent(&read(&log), expected);
        if wait_until(patience, || absent().is_none()) {
            return Ok(());
        }
        let line = absent().unwrap_or_default();
        bail!("`{line}` is not in the output, or not in this order:\n{}", read(&log));
    }

    /// Starts a bash in a process group of its own, so that all it leaves behind can be ended together.
    fn start(&self, script: &str, log: &Path) -> anyhow::Result<Child> {
        let output = File::create(log)?;
        let path = std::env::var("PATH").context("there is no PATH")?;
        let home = std::env::var("HOME").context("there is no HOME")?;
        let tool = |name: &str, folder: &str| std::env::var(name).unwrap_or(format!("{home}/{folder}"));
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-c"]).arg(format!("{BEFORE}{script}{AFTER}"));
        bash.process_group(0).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        bash.env("PATH", format!("{}:{path}", self.scratch.join("bin").display()));
        bash.env("CARGO_HOME", tool("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", tool("RUSTUP_HOME", ".rustup"));
        bash.env("HOME", self.scratch.join("home"))
            .env("DOCS_STATE", &self.scratch)
            .env("CARGO_NET_OFFLINE", "true");
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            bash.env_remove(proxy);
        }
        bash.spawn().context("cannot start bash")
    }
}

impl Drop for Shell {
    /// Asks every server to end, waits, and then insists.
    fn drop(&mut self) {
        for group in self.servers.drain(..) {
            let is_gone = || !signal("0", group);
            if signal("TERM", group) && !wait_until(Duration::from_secs(SERVER_SECONDS_MAX), is_gone) {
                signal("KILL", group);
            }
        }
    }
}

/// Waits for a block; one that takes too long is an error, and its group ends with the session.
fn finish(bash: &mut Child) -> anyhow::Result<ExitStatus> {
    let mut ended = None;
    let in_time = wait_until(Duration::from_secs(BLOCK_SECONDS_MAX), || {
        ended = bash.try_wait().transpose();
        ended.is_some()
    });
    if !in_time {
        signal("KILL", bash.id());
        bash.wait()?;
        bail!("still running after {BLOCK_SECONDS_MAX} s; end the line with ` &` if it is a server");
    }
    Ok(ended.context("a block that ended has a status")??)
}

/// Sends a signal to a process group that we started; false when nobody is left in it.
fn signal(name: &str, group: u32) -> bool {
    let mut kill = Command::new("bash");
    kill.args(["-c", "kill -s \"$0\" -- \"-$1\"", name, &group.to_string()]);
    kill.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Looks again and again until `done`, or until it has taken too long; at least once.
fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if done() {
            return true;
        }
        if patience <= started.elapsed() {
            return false;
        }
        thread::sleep(GLANCE);
    }
}

fn read(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first expected line that no line of the output holds, behind the one that held the last.
fn first_absent(output: &str, expected: &[String]) -> Option<String> {
    let mut lines = output.lines();
    let absent = expected.iter().find(|expected| !lines.any(|line| holds(line, expected)));
    absent.cloned()
}

/// Whether the parts of `expected` between its `…` stand in `line`, in their order.
fn holds(line: &str, expected: &str) -> bool {
    let mut rest = line;
    for part in expected.split('…').map(str::trim) {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_stands_between_the_dots() {
        let rows = [
            ("paid 5 USD to pay_01J8", "paid", true),
            ("paid 5 USD to pay_01J8", "paid … USD", true),
            ("paid 5 USD to pay_01J8", "… to pay_…", true),
            ("paid 5 USD to pay_01J8", "USD … paid", false),
            ("paid 5 USD to pay_01J8", "denied", false),
            ("paid", "…", true),
        ];
        for (line, expected, holding) in rows {
            assert_eq!(holds(line, expected), holding, "{line} / {expected}");
        }
    }

    #[test]
    fn expected_lines_come_in_order() {
        let rows: &[(&[&str], Option<&str>)] = &[
            (&["a", "c"], None),
            (&["b", "a"], Some("a")),
            (&["a", "a"], Some("a")),
            (&["d"], Some("d")),
            (&[], None),
        ];
        for (expected, absent) in rows {
            let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(first_absent("a\nb\nc", &expected).as_deref(), *absent, "{expected:?}");
        }
    }
}
