//! Running programs: where, with what said before and after, and what to do when one fails.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};

/// Does one titled piece of work and says how long it took; a failure says how to repeat the piece alone.
pub(crate) fn titled(
    title: &str,
    alone: &str,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let outcome = opened(title, alone, work);
    let mark = if outcome.is_ok() { '✓' } else { '✗' };
    println!("{mark} {title}: {:.1} s", started.elapsed().as_secs_f32());
    outcome
}

/// The same without a last line, for work whose own summary closes the output.
pub(crate) fn opened(
    title: &str,
    alone: &str,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    println!("▶ {title}");
    work().with_context(|| format!("{title}: failed; to run it alone: {alone}"))
}

/// Runs a program in `root` with our input and output; an error when it does not succeed.
pub(crate) fn command(root: &Path, words: &[&str]) -> anyhow::Result<()> {
    let (program, arguments) = words.split_first().context("a command has a program")?;
    let mut command = Command::new(program);
    let status = command.args(arguments).current_dir(root).env("DEBIAN_FRONTEND", "noninteractive").status();
    let status = status.with_context(|| format!("cannot start `{program}`"))?;
    ensure!(status.success(), "`{}`: {status}", words.join(" "));
    Ok(())
}

/// Whether a program runs and succeeds; it prints nothing.
pub(crate) fn succeeds(root: &Path, words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    let quiet = command.args(arguments).current_dir(root).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Whether a program of this name lies on the path.
pub(crate) fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_that_repeats_it() {
        let root = Path::new("/");
        let failed = titled("Say no", "cargo xtask no", || command(root, &["false"]));
        let message = format!("{:#}", failed.expect_err("`false` fails"));
        assert_eq!(message, "Say no: failed; to run it alone: cargo xtask no: `false`: exit status: 1");
        assert!(titled("Say yes", "cargo xtask yes", || command(root, &["true"])).is_ok());
    }

    #[test]
    fn presence_is_told_from_absence() {
        assert!(is_on_path("sh"));
        assert!(!is_on_path("no-such-program"));
        assert!(succeeds(Path::new("/"), &["true"]));
        assert!(!succeeds(Path::new("/"), &["false"]));
        assert!(!succeeds(Path::new("/"), &["no-such-program"]));
    }
}
