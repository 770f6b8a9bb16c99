//! `tollbridge`: the one program. Reads the command line, runs a command, and says how it ended.
//!
//! Begin with [`args`], what can be asked. [`exit`] is how a command ends, [`output`] how it speaks; every other file
//! is one command or a family of them.

mod args;
mod bench;
mod data;
mod doctor;
mod entries;
mod exit;
mod export;
mod ledger;
mod output;
mod replay;
mod verify;
mod words;

use args::{Command, CommandLine};
use clap::{CommandFactory, Parser};
use exit::{Exit, Failure, Outcome};
use output::{Output, Reader};
use std::process::ExitCode;

/// Requests are allocated by the threads of the sockets and freed by the writer. glibc takes a lock for each such
/// free, which cost the writer up to a third of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let output = Output::new(if line.json { Reader::Program } else { Reader::Person });
    exit::end(&output, run(&output, &line.command))
}

fn run(output: &Output, command: &Command) -> Outcome {
    match command {
        Command::Verify(args) => verify::run(output, args),
        Command::Replay(args) => replay::run(output, args),
        Command::Entries(args) => entries::run(output, args),
        Command::Export(args) => export::run(output, args),
        Command::Doctor(args) => doctor::run(output, args),
        Command::Bench(args) => bench::run(output, args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut CommandLine::command(), "tollbridge", &mut script);
            output.product(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Help(args) => help(output, args.topic.as_deref()),
    }
}

fn help(output: &Output, topic: Option<&str>) -> Outcome {
    let mut line = CommandLine::command();
    line.build();
    let text = match topic {
        None => line.render_long_help().to_string(),
        Some("exit-codes") => Exit::table(),
        Some(name) => match line.find_subcommand_mut(name) {
            Some(command) => command.render_long_help().to_string(),
            None => {
                return Err(Failure::usage(format!("there is no command `{name}`; see `tollbridge help`")));
            }
        },
    };
    output.product(&text);
    Ok(())
}
