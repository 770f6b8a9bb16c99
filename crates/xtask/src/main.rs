//! `cargo xtask`: everything this repository does to itself: test, tidy, count, run its documents.
//!
//! Reading order: [`test`] is what CI runs, [`lanes`] and [`packages`] are the tables it works through, and
//! [`tidy`] holds the rules. Nothing here is needed to build the product.

// What a story does not expect is an error whatever it is, also when there are more kinds of it.
#![allow(clippy::wildcard_enum_match_arm)]

mod ap2;
mod blackbox;
mod browser;
mod checkouts;
mod crates;
mod dialects;
mod docs;
mod evm;
mod freeze;
mod fuzz;
mod kill9;
mod lanes;
mod mcp;
mod micro;
mod packages;
mod program;
mod run;
mod scenarios;
mod schemathesis;
mod sdks;
mod source;
mod storm;
mod suite;
mod tck;
mod test;
mod tidy;
mod ucp;
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
    /// Lives many lives of a book under clients, clocks and disks that misbehave.
    Simulate {
        /// Such as `--seeds 0..500` or `--seed 7`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Plants bugs, and requires that the simulator finds each.
    Sabotage {
        /// Such as `--bug refund-twice --seed 0`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Plays the stories of the product against a real server.
    Scenarios {
        /// Such as `S16`; all of them without.
        names: Vec<String>,
        /// Prints one line of JSON at the end.
        #[arg(long)]
        json: bool,
    },
    /// Kills a server under load, and looks for what is then lost or doubled.
    Kill9 {
        /// How often.
        #[arg(long, default_value_t = 30)]
        kills: usize,
        /// How many clients work meanwhile.
        #[arg(long, default_value_t = 64)]
        clients: usize,
        /// Where the random numbers begin.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Counts tiny charges while the server is killed, and adds them up beside it, to the billionth.
    Micro {
        /// How many charges.
        #[arg(long, default_value_t = 1_000_000)]
        charges: usize,
        /// How many clients charge.
        #[arg(long, default_value_t = 4)]
        clients: usize,
        /// The seconds between two kills.
        #[arg(long, default_value_t = 3)]
        kill_every: u64,
        /// Where the random numbers begin.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Lets a thousand payments race for one limit, again and again.
    Storm {
        /// How often.
        #[arg(long, default_value_t = 100)]
        rounds: usize,
    },
    /// Freezes an agent under full load, round after round: nothing is paid once the freeze is answered.
    Freeze {
        /// How often.
        #[arg(long, default_value_t = 100)]
        rounds: usize,
    },
    /// Feeds every parser with bytes nobody would write; the targets lie in `crates/fuzz`.
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// How many run at once; each keeps one core busy.
        #[arg(long, default_value_t = 2)]
        together: usize,
        /// Only this target.
        target: Option<String>,
    },
    /// Tries the API as its description says; needs `cargo xtask lane schemathesis` once, which installs it.
    Schemathesis {
        /// How many examples are made up, and how many paths of links are followed.
        #[arg(long, default_value_t = 300)]
        examples: usize,
        /// Where the random numbers begin.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Uses owners' pages in Chromium; needs `cargo xtask lane browser` once, which installs it.
    Browser {
        /// Each story in each language at each width, and not each of them once.
        #[arg(long)]
        every_view: bool,
        /// Only the tests whose name contains this.
        name: Option<String>,
    },
    /// Runs the official conformance suite of MCP; needs `cargo xtask lane mcp` once, which installs it.
    Mcp {
        /// Servers that are broken on purpose instead, which the suite has to find.
        #[arg(long)]
        broken: bool,
    },
    /// Builds, checks and tries the TypeScript and Python packages; needs `cargo xtask lane sdks` once, which installs it.
    Sdks,
    /// Has official clients and servers of other protocols buy and sell; needs `cargo xtask lane dialects` once.
    Dialects {
        /// The program to try; built where it is not said.
        #[arg(long)]
        program: Option<std::path::PathBuf>,
        /// Programs that are broken on purpose instead, which the trials have to find.
        #[arg(long, conflicts_with_all = ["program", "rust"])]
        broken: bool,
        /// The official Rust client instead.
        #[arg(long, conflicts_with = "program")]
        rust: bool,
    },
    /// Has the official x402 packages for EVM chains pay and be paid on a real node; needs `cargo xtask lane evm` once.
    Evm {
        /// Programs that are broken on purpose instead, which the trials have to find.
        #[arg(long)]
        broken: bool,
        /// How fast our own scheme is settled instead, beside the official facilitator on the chain.
        #[arg(long, conflicts_with = "broken")]
        rate: bool,
    },
    /// Holds AP2 mandates against the reference implementation; needs `cargo xtask lane ap2` once, which installs the rest.
    Ap2 {
        /// The folder with the reference implementation's package `ap2`.
        #[arg(long)]
        sdk: Option<std::path::PathBuf>,
        /// How many mandates are drawn at random.
        #[arg(long, default_value_t = 400)]
        cases: usize,
        /// Where the random numbers begin.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Holds messages of ACP and UCP against the published schemas, and asks a shop; needs `cargo xtask lane checkouts` once.
    Checkouts {
        /// Shops that are broken on purpose instead, which have to be found.
        #[arg(long)]
        broken: bool,
    },
    /// Runs A2A's technology compatibility kit; needs `cargo xtask lane a2a-tck` once.
    Tck,
    /// Runs UCP's conformance tests against a shop; needs `cargo xtask lane ucp-conformance` once.
    UcpConformance,
    /// Runs the commands in README.md and docs/tutorial.md as a reader would.
    Docs,
}

fn main() -> ExitCode {
    match carry_out(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what these arguments ask for.
fn carry_out(arguments: Arguments) -> anyhow::Result<()> {
    let root = workspace::root()?;
    match arguments.task {
        Task::Test { list: true } => {
            test::list();
            Ok(())
        }
        Task::Test { list: false } => test::run(&root),
        Task::Lane { name } => lanes::run_named(&root, &name),
        Task::Tidy => tidy::run(&root),
        Task::Crates => crates::run(&root),
        Task::Simulate { arguments } => program::simulate(&root, &arguments),
        Task::Sabotage { arguments } => program::sabotage(&root, &arguments),
        Task::Scenarios { names, json } => {
            let reader = if json { scenarios::Reader::Program } else { scenarios::Reader::Person };
            scenarios::run(&root, &names, reader)
        }
        Task::Kill9 { kills, clients, seed } => kill9::run(&root, kill9::Plan { kills, clients, seed }),
        Task::Micro { charges, clients, kill_every, seed } => {
            let kill_every = std::time::Duration::from_secs(kill_every);
            micro::run(&root, micro::Plan { charges, clients, kill_every, seed })
        }
        Task::Storm { rounds } => storm::run(&root, rounds),
        Task::Freeze { rounds } => freeze::run(&root, rounds),
        Task::Fuzz { seconds, together, target } => fuzz::run(&root, seconds, together, target.as_deref()),
        Task::Schemathesis { examples, seed } => schemathesis::run(&root, examples, seed),
        Task::Browser { every_view, name } => {
            let views = if every_view { browser::Views::EachWithEach } else { browser::Views::EachOnce };
            browser::run(&root, views, name.as_deref())
        }
        Task::Mcp { broken: true } => mcp::run_broken(&root),
        Task::Mcp { broken: false } => mcp::run(&root),
        Task::Sdks => sdks::run(&root),
        Task::Dialects { broken: true, .. } => dialects::run_broken(&root),
        Task::Dialects { rust: true, .. } => dialects::run_rust(&root),
        Task::Dialects { program, .. } => dialects::run(&root, program.as_deref()),
        Task::Evm { rate: true, .. } => evm::run_rate(&root),
        Task::Evm { broken: true, .. } => evm::run_broken(&root),
        Task::Evm { .. } => evm::run(&root),
        Task::Ap2 { sdk, cases, seed } => ap2::run(&root, sdk, cases, seed),
        Task::Checkouts { broken: true } => checkouts::run_broken(&root),
        Task::Checkouts { broken: false } => checkouts::run(&root),
        Task::Tck => tck::run(&root),
        Task::UcpConformance => ucp::run(&root),
        Task::Docs => docs::run(&root),
    }
}
