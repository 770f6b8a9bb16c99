//! `cargo xtask`: everything this repository does to itself: test, tidy, count, run its documents.
//!
//! Reading order: [`test`] is what CI runs, [`lanes`] and [`packages`] are the tables it works through, and
//! [`tidy`] holds the rules. Nothing here is needed to build the product.

mod crates;
mod docs;
mod lanes;
mod packages;
mod run;
mod source;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tests, checks and documents of this repository.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs everything that must pass before a change lands; CI runs exactly this.
    Test {
        /// Only prints the steps, and the lanes that run by name.
        #[arg(long)]
        list: bool,
    },
    /// Runs one lane, also one that is too long for CI.
    Lane {
        /// A name from `cargo xtask test --list`.
        name: String,
    },
    /// Checks the architecture and the house style; each violation is one line.
    Tidy,
    /// Counts the crates in the product, and fails over the limit.
    Crates,
    /// Runs the commands in README.md and docs/tutorial.md as a reader would.
    Docs,
}

fn main() -> ExitCode {
    match carry_out(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(task: Task) -> anyhow::Result<()> {
    let root = workspace::root()?;
    match task {
        Task::Test { list: true } => {
            test::list();
            Ok(())
        }
        Task::Test { list: false } => test::run(&root),
        Task::Lane { name } => lanes::run_named(&root, &name),
        Task::Tidy => tidy::run(&root),
        Task::Crates => crates::run(&root),
        Task::Docs => docs::run(&root),
    }
}
