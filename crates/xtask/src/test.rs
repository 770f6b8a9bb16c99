//! The one test command: every step that must pass before a change lands, cheapest first.
//!
//! The tests run last, so that the runner's own summary closes the output.

use std::path::Path;

use anyhow::anyhow;

use crate::lanes::{self, Lane, When};
use crate::{packages, run, tidy};

/// One step. Whatever it runs, one command repeats it alone.
struct Step {
    title: &'static str,
    alone: &'static str,
    work: Work,
}

#[derive(Clone, Copy)]
enum Work {
    Install,
    Tidy,
    /// The words of [`Step::alone`].
    Command,
    /// The same, and the last that is printed is its own summary.
    Tests,
}

const BEFORE_LANES: &[Step] = &[
    Step { title: "Install what is missing", alone: "cargo xtask test", work: Work::Install },
    Step { title: "Format", alone: "cargo fmt --check", work: Work::Command },
    Step { title: "Tidy", alone: "cargo xtask tidy", work: Work::Tidy },
    Step {
        title: "Lint",
        alone: "cargo clippy --workspace --all-targets --locked -- -D warnings",
        work: Work::Command,
    },
    Step { title: "Build", alone: "cargo build --workspace --locked", work: Work::Command },
];

/// The examples in doc comments, which nextest does not run.
const DOC_TESTS: Step =
    Step { title: "Examples", alone: "cargo test --workspace --locked --quiet --doc", work: Work::Command };

const NEXTEST: Step =
    Step { title: "Tests", alone: "cargo nextest run --workspace --locked", work: Work::Tests };
const CARGO_TEST: Step = Step { title: "Tests", alone: "cargo test --workspace --locked", work: Work::Tests };

/// Runs every step and stops at the first that fails.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    for step in BEFORE_LANES {
        step.run(root)?;
    }
    let beside: Vec<_> = lanes::of(When::CiBeside).map(Lane::begin).collect();
    for lane in lanes::of(When::Ci) {
        lane.run(root)?;
    }
    for lane in beside {
        lane.join().map_err(|_| anyhow!("a lane panicked"))??;
    }
    for step in after_lanes(run::succeeds(root, &["cargo", "nextest", "--version"])) {
        step.run(root)?;
    }
    Ok(())
}

/// Prints what [`run`] would do, and the lanes that run by name only.
pub(crate) fn list() {
    let print = |title: &str, alone: &str| println!("{title}\n    {alone}");
    for step in BEFORE_LANES {
        print(step.title, step.alone);
    }
    for lane in lanes::of_ci() {
        print(&lane.title(), &lane.alone());
    }
    for step in after_lanes(true) {
        print(step.title, step.alone);
    }
    println!("\nBy name only:");
    for lane in lanes::of(When::Named) {
        print(&lane.title(), &lane.alone());
    }
}

/// `cargo test` runs the examples too, so without nextest one step does both.
fn after_lanes(has_nextest: bool) -> &'static [Step] {
    if has_nextest { &[DOC_TESTS, NEXTEST] } else { &[CARGO_TEST] }
}

impl Step {
    fn run(&self, root: &Path) -> anyhow::Result<()> {
        let command = || run::command(root, &self.alone.split(' ').collect::<Vec<&str>>());
        let install = || {
            let lanes: Vec<&str> = lanes::of_ci().map(|lane| lane.name).collect();
            packages::install(root, &lanes)
        };
        match self.work {
            Work::Install => run::titled(self.title, self.alone, install),
            Work::Tidy => run::titled(self.title, self.alone, || tidy::run(root)),
            Work::Command => run::titled(self.title, self.alone, command),
            Work::Tests => run::opened(self.title, self.alone, command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_close_the_output() {
        for has_nextest in [true, false] {
            let last = after_lanes(has_nextest).last().map(|step| step.work);
            assert!(matches!(last, Some(Work::Tests)), "{has_nextest}");
        }
    }
}
