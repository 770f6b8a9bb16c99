//! How a command ends: the closed list of exit codes, and the sentence that goes with each failure.

use crate::output::Output;
use serde::Serialize;
use std::fmt;
use std::process::ExitCode;

/// The exit codes. Scripts rely on them: a number is never given another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Fault,
    Usage,
    Refused,
    Asked,
    Unknown,
    False,
    Unreachable,
    Rejected,
}

impl Exit {
    /// The whole list.
    pub(crate) const ALL: [Exit; 9] = [
        Exit::Done,
        Exit::Fault,
        Exit::Usage,
        Exit::Refused,
        Exit::Asked,
        Exit::Unknown,
        Exit::False,
        Exit::Unreachable,
        Exit::Rejected,
    ];

    /// The number.
    pub(crate) fn number(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Fault => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Asked => 4,
            Exit::Unknown => 5,
            Exit::False => 6,
            Exit::Unreachable => 7,
            Exit::Rejected => 8,
        }
    }

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Fault => "fault",
            Exit::Usage => "usage",
            Exit::Refused => "refused",
            Exit::Asked => "asked",
            Exit::Unknown => "unknown",
            Exit::False => "false",
            Exit::Unreachable => "unreachable",
            Exit::Rejected => "rejected",
        }
    }

    /// What it says about the money, and what to do.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "It is done.",
            Exit::Fault => "Something broke here: a file, the disk, a defect. The message says what.",
            Exit::Usage => "The command line makes no sense. Nothing was done.",
            Exit::Refused => "A rule said no. Nothing was spent; the refusal is recorded.",
            Exit::Asked => {
                "The owner is asked first. Nothing was spent; repeat the command after the answer."
            }
            Exit::Unknown => {
                "No answer came. It may have been done; repeating the command pays nothing twice."
            }
            Exit::False => "A check failed: evidence that does not hold, a difference, a problem found.",
            Exit::Unreachable => "The server or the seller was not reached. Nothing was spent.",
            Exit::Rejected => "The server does not understand the request. Nothing was spent or recorded.",
        }
    }

    /// The list as people read it.
    pub(crate) fn table() -> String {
        Exit::ALL.iter().map(|exit| format!("  {}  {}\n", exit.number(), exit.meaning())).collect()
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// Whether the command has printed all there is to say.
    pub(crate) said: bool,
}

/// What every command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Failure {
        Failure { exit, message: message.to_string(), said: false }
    }

    pub(crate) fn fault(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::Fault, message)
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// The same, after the command has shown on its own what is wrong.
    pub(crate) fn said(exit: Exit) -> Failure {
        Failure { exit, message: String::new(), said: true }
    }

    /// The same failure, saying first what was being done.
    pub(crate) fn during(self, what: impl fmt::Display) -> Failure {
        Failure { message: format!("{what}: {}", self.message), ..self }
    }
}

impl From<std::io::Error> for Failure {
    fn from(fault: std::io::Error) -> Failure {
        Failure::fault(fault)
    }
}

impl From<engine::JournalFault> for Failure {
    fn from(fault: engine::JournalFault) -> Failure {
        Failure::fault(fault)
    }
}

impl From<server::data::DataFault> for Failure {
    fn from(fault: server::data::DataFault) -> Failure {
        Failure::fault(fault)
    }
}

#[derive(Serialize)]
struct Said<'a> {
    error: &'a str,
    exit_code: u8,
    detail: &'a str,
}

/// Says how a command ended, to standard error, and gives the number to the system.
pub(crate) fn end(output: &Output, outcome: Outcome) -> ExitCode {
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    if !failure.said {
        let said =
            Said { error: failure.exit.name(), exit_code: failure.exit.number(), detail: &failure.message };
        output.complain(&said, &failure.message);
    }
    ExitCode::from(failure.exit.number())
}
