//! The command line: what can be asked, in which words.

use crate::exit::Exit;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Payments for AI agents: an owner says what may be spent, agents spend it, and anybody can check it.
#[derive(Debug, Parser)]
#[command(name = "tollbridge", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = exit_codes())]
pub(crate) struct CommandLine {
    /// Print JSON, one object per line, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a whole journal, or one receipt, without asking anybody.
    Verify(Verify),
    /// Compute a book again from its journal.
    Replay(Replay),
    /// Show what is in a journal.
    Entries(Entries),
    /// Write a book as double-entry text for accounting programs.
    Export(Export),
    /// Look for what could go wrong with a data directory and its machine.
    Doctor(Doctor),
    /// Measure this machine and this program on it.
    Bench(Bench),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Explain a command, or the exit codes.
    Help(Help),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A server's data directory, or a file with a receipt.
    #[arg(value_name = "DIR|RECEIPT")]
    pub(crate) path: PathBuf,
    /// The log's key, as `GET /log/vkey` gives it; by default the data directory's own.
    #[arg(long, value_name = "KEY")]
    pub(crate) vkey: Option<String>,
    /// Of a receipt: the data directory whose log's key to use.
    #[arg(long, value_name = "DIR", conflicts_with = "vkey")]
    pub(crate) data: Option<PathBuf>,
    /// A checkpoint you kept, instead of the directory's newest: shows that nothing before it was changed since.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Decide each entry again by the rules of this program, and list those that would differ.
    #[arg(long)]
    pub(crate) against: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Entries {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The first entry to show.
    #[arg(long, value_name = "ENTRY", default_value_t = 0)]
    pub(crate) from: u64,
    /// How many to show.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// As a Beancount file, which ends with an assertion for every balance.
    #[arg(long, required = true)]
    pub(crate) beancount: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// A server's data directory.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Where to keep the journals that are measured; they are deleted afterwards.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) directory: PathBuf,
    /// How often each figure is measured; the median is told.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: u32,
    /// How many wallets there are, each with an agent and a mandate.
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) wallets: u32,
    /// How many payments each round makes.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(100..=100_000_000))]
    pub(crate) payments: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// For which shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Help {
    /// A command, or `exit-codes`.
    pub(crate) topic: Option<String>,
}

fn exit_codes() -> String {
    format!("Exit codes:\n{}", Exit::table())
}
