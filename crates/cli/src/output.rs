//! What is printed: lines for people or one JSON object per line for programs, and progress on long work.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// For whom a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Person,
    Program,
}

/// Where a command prints to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    reader: Reader,
    colour: bool,
}

impl Output {
    /// Colour only for people at a terminal who have not said `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn new(reader: Reader) -> Output {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Output { reader, colour: reader == Reader::Person && wanted && io::stdout().is_terminal() }
    }

    pub(crate) fn is_for_programs(&self) -> bool {
        self.reader == Reader::Program
    }

    /// A line for people.
    pub(crate) fn line(&self, text: impl Display) {
        if self.reader == Reader::Person {
            print(&format!("{text}\n"));
        }
    }

    /// An object for programs, on one line.
    pub(crate) fn object(&self, value: &impl Serialize) {
        if self.reader == Reader::Program {
            let text = serde_json::to_string(value).expect("what we print is JSON");
            print(&format!("{text}\n"));
        }
    }

    /// Text that is the command's whole product, the same for everybody.
    pub(crate) fn product(&self, text: &str) {
        print(text);
    }

    /// What went wrong, to standard error.
    pub(crate) fn complain(&self, value: &impl Serialize, text: &str) {
        match self.reader {
            Reader::Person => eprintln!("{} {text}", self.paint("31;1", "error:")),
            Reader::Program => {
                eprintln!("{}", serde_json::to_string(value).expect("what we print is JSON"));
            }
        }
    }

    /// Good news.
    pub(crate) fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bad news.
    pub(crate) fn bad(&self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// What matters less.
    pub(crate) fn faint(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A bar for work of a known length, on standard error; nothing is drawn where nobody watches.
    pub(crate) fn progress(&self, length: u64, what: &'static str) -> ProgressBar {
        if self.reader == Reader::Program || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
        let bar = ProgressBar::new(length).with_message(what);
        bar.set_style(style.expect("the template is well formed"));
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }
}

fn print(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        // Whoever read us has seen enough, as `head` has.
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(fault) => {
            eprintln!("error: standard output: {fault}");
            std::process::exit(1);
        }
    }
}
