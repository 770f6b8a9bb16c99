//! `tollbridge`: the one program. Reads the command line, runs a command, and says how it ended.
//!
//! Begin with [`args`], what can be asked. [`exit`] is how a command ends, [`output`] how it speaks; every other file
//! is one command or a family of them.

mod a2a;
mod accounts;
mod args;
mod bench;
mod checkout;
mod client;
mod connect;
mod data;
mod demo;
mod dev;
mod doctor;
mod endpoint;
mod entries;
mod exit;
mod explain;
mod export;
mod files;
mod ledger;
mod link;
mod llm;
mod log;
mod mcp;
mod money;
mod output;
mod pay;
mod payout;
mod replay;
mod runtime;
mod seller;
mod serve;
mod service;
mod shop;
mod skill;
mod tab;
mod torture;
mod verify;
mod words;

use accounts::Switch;
use args::{Command, CommandLine};
use clap::{CommandFactory, Parser};
use exit::{Exit, Failure, Outcome};
use output::{Output, Reader};
use std::process::ExitCode;

// Features are shared by all that is built together; this ends a build that would carry the simulator's bugs into the product.
const _: () = {
    // Trials of others are shown bugs in the product itself, which is then built so by this name only.
    let is_meant = cfg!(feature = "sabotage") || !protocols::sabotage::BUILT;
    assert!(!book::SABOTAGE && is_meant, "the product is not built together with bugs on purpose");
};

/// Requests are allocated by the threads of the sockets and freed by the writer. glibc takes a lock for each such
/// free, which cost the writer up to a third of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    demo::stage::end_with_parent();
    let line = CommandLine::parse();
    let output = Output::new(if line.json { Reader::Program } else { Reader::Person });
    exit::end(&output, run(&output, &line.command))
}

fn run(output: &Output, command: &Command) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(output, args),
        Command::Dev(args) => dev::run(output, args),
        Command::Init(args) => serve::init(output, args),
        Command::Serve(args) => serve::serve(output, args),
        Command::Gateway(args) => serve::gateway(output, args),
        Command::Seller(command) => seller::run(output, command),
        Command::Shop(command) => shop::run(output, command),
        Command::Checkout(command) => checkout::run(output, command),
        Command::Llm(command) => llm::run(output, command),
        Command::Pay(args) => pay::run(output, args),
        Command::Tab(command) => tab::run(output, command),
        Command::Link(command) => link::run(output, command),
        Command::A2a(command) => a2a::run(output, command),
        Command::Mcp(command) => mcp::run(output, command),
        Command::Payout(command) => payout::run(output, command),
        Command::Service(command) => service::run(output, command),
        Command::Skill(command) => skill::run(output, command),
        Command::Connect(args) => connect::run(output, args),
        Command::Owner(command) => accounts::owner(output, command),
        Command::Wallet(command) => accounts::wallet(output, command),
        Command::Agent(command) => accounts::agent(output, command),
        Command::Mandate(command) => accounts::mandate(output, command),
        Command::Payee(command) => accounts::payee(output, command),
        Command::Freeze(args) => accounts::switch(output, Switch::Freeze, args),
        Command::Unfreeze(args) => accounts::switch(output, Switch::Unfreeze, args),
        Command::Revoke(args) => accounts::switch(output, Switch::Revoke, args),
        Command::Clock(command) => accounts::clock(output, command),
        Command::Files(args) => files::run(output, args),
        Command::Log(command) => log::run(output, command),
        Command::Verify(args) => verify::run(output, args),
        Command::Replay(args) => replay::run(output, args),
        Command::Entries(args) => entries::run(output, args),
        Command::Export(args) => export::run(output, args),
        Command::Explain(args) => explain::run(output, args),
        Command::Doctor(args) => doctor::run(output, args),
        Command::Torture(args) => torture::run(output, args),
        Command::Misbehave(args) => torture::misbehave::run(output, args),
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
