//! Lanes: the checks that are programs of their own and not `cargo test`.

use std::path::Path;
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use clap::Parser as _;

use crate::{Arguments, packages, run};

/// One check, run in the root of the repository; it fails by its exit status.
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    /// What it would be wrong to believe if it failed.
    pub(crate) why: &'static str,
    pub(crate) command: &'static [&'static str],
    pub(crate) when: When,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// In every `cargo xtask test`.
    Ci,
    /// The same, on one core beside the others, for it is long and needs nobody.
    CiBeside,
    /// By its name only: it is long, or needs what not every machine has.
    Named,
}
use When::{Ci, CiBeside, Named};

/// Every lane, in the order they run. One line each; what a lane needs installed goes into `packages.rs`.
#[rustfmt::skip]
pub(crate) const LANES: &[Lane] = &[
    Lane { name: "crates", why: "what we ask people to trust stays countable", command: &["cargo", "xtask", "crates"], when: Ci },
    Lane { name: "simulate", why: "the invariants hold whatever clients, clocks and disks do", command: &["cargo", "xtask", "simulate", "--seeds", "0..500"], when: Ci },
    Lane { name: "sabotage", why: "the simulator finds the bugs it is there to find", command: &["cargo", "xtask", "sabotage", "--seeds", "0..200"], when: Ci },
    Lane { name: "scenarios", why: "the product's stories come out as written, to the last fen", command: &["cargo", "xtask", "scenarios"], when: Ci },
    Lane { name: "kill9", why: "a killed server loses nothing it acknowledged, and does nothing twice", command: &["cargo", "xtask", "kill9", "--kills", "30"], when: Ci },
    Lane { name: "kill9-long", why: "the same, 200 times", command: &["cargo", "xtask", "kill9", "--kills", "200", "--seed", "200"], when: Named },
    Lane { name: "micro", why: "half a million tiny charges add up to the billionth, whenever the server is killed", command: &["cargo", "xtask", "micro", "--charges", "500000", "--kill-every", "1"], when: Ci },
    Lane { name: "micro-long", why: "the same, ten million", command: &["cargo", "xtask", "micro", "--charges", "10000000", "--kill-every", "5"], when: Named },
    Lane { name: "storm", why: "a thousand at once get exactly what a limit allows", command: &["cargo", "xtask", "storm", "--rounds", "10"], when: Ci },
    Lane { name: "storm-long", why: "the same, 100 rounds", command: &["cargo", "xtask", "storm", "--rounds", "100"], when: Named },
    Lane { name: "freeze", why: "nothing is paid once a freeze is answered, 100 rounds under full load", command: &["cargo", "xtask", "freeze", "--rounds", "100"], when: Named },
    Lane { name: "docs", why: "what the documents tell a newcomer to type works as it stands there", command: &["cargo", "xtask", "docs"], when: Ci },
    Lane { name: "browser", why: "owners' pages work for people, on a phone and on a desk, and for nobody else", command: &["cargo", "xtask", "browser"], when: Ci },
    Lane { name: "browser-long", why: "the same, each story in each language at each width", command: &["cargo", "xtask", "browser", "--every-view"], when: Named },
    Lane { name: "sdks", why: "the TypeScript and Python packages do what they say, as they would be published, against the product", command: &["cargo", "xtask", "sdks"], when: Ci },
    Lane { name: "dialects", why: "other people's clients and servers, unchanged, pay and are paid to the fen, and docs/interop.md says which", command: &["cargo", "xtask", "dialects"], when: Ci },
    Lane { name: "dialects-broken", why: "the trials find programs that are broken on purpose: no signature checked, any bill, any time", command: &["cargo", "xtask", "dialects", "--broken"], when: Named },
    Lane { name: "dialects-rust", why: "the official Rust client of the `Payment` scheme pays with our plug-in (not in CI: building it takes minutes)", command: &["cargo", "xtask", "dialects", "--rust"], when: Named },
    Lane { name: "evm", why: "on a real EVM node the official x402 packages pay and are paid through our server, once, whenever it is killed (not in CI: the program is built once more)", command: &["cargo", "xtask", "evm"], when: Named },
    Lane { name: "evm-broken", why: "these trials find programs that are broken on purpose: any signature, any recipient, paid again, forgotten", command: &["cargo", "xtask", "evm", "--broken"], when: Named },
    Lane { name: "x402-rate", why: "on our ledger x402 is verified and settled at least ten times as fast as by the official facilitator on a chain of this machine (a measurement: it wants the machine for itself)", command: &["cargo", "xtask", "evm", "--rate"], when: Named },
    Lane { name: "a2a-tck", why: "A2A's own kit passes with our agent, but for what is listed, and finds what is broken on purpose (not in CI: it is on no registry)", command: &["cargo", "xtask", "tck"], when: Named },
    Lane { name: "ap2", why: "AP2's reference implementation and we take the same mandates, but for the differences that are listed (not in CI: it is on no registry)", command: &["cargo", "xtask", "ap2"], when: Named },
    Lane { name: "checkouts", why: "what a shop says in ACP and UCP fits the schemas that both publish, those find what is broken on purpose, and a shop that is asked whatever ACP's description allows never ends in a 5xx (not in CI: they are on no registry)", command: &["cargo", "xtask", "checkouts"], when: Named },
    Lane { name: "checkouts-broken", why: "schemathesis finds a shop that opens for any key", command: &["cargo", "xtask", "checkouts", "--broken"], when: Named },
    Lane { name: "ucp-conformance", why: "UCP's public conformance tests pass with a shop of ours, but for what is listed, and find what is broken on purpose (not in CI: they are on no registry)", command: &["cargo", "xtask", "ucp-conformance"], when: Named },
    Lane { name: "fuzz", why: "no bytes from outside stop a parser", command: &["cargo", "xtask", "fuzz", "--seconds", "60", "--together", "1"], when: CiBeside },
    Lane { name: "fuzz-long", why: "the same, 20 minutes for each parser", command: &["cargo", "xtask", "fuzz", "--seconds", "1200"], when: Named },
    Lane { name: "mcp", why: "clients of MCP meet what the official suite asks for", command: &["cargo", "xtask", "mcp"], when: Ci },
    Lane { name: "mcp-broken", why: "the suite finds servers that are broken on purpose: any host, any state", command: &["cargo", "xtask", "mcp", "--broken"], when: Named },
    Lane { name: "schemathesis", why: "the API does what its description says, and nothing ends in a 5xx", command: &["cargo", "xtask", "schemathesis", "--examples", "300"], when: Ci },
    Lane { name: "schemathesis-long", why: "the same with 2,500 examples", command: &["cargo", "xtask", "schemathesis", "--examples", "2500", "--seed", "2500"], when: Named },
    Lane { name: "simulate-long", why: "the same, in twenty times as many lives", command: &["cargo", "xtask", "simulate", "--seeds", "0..10000"], when: Named },
    Lane { name: "deny", why: "licences and sources of all we build on are allowed (not in CI: building cargo-deny takes minutes)", command: &["cargo", "deny", "--all-features", "check", "bans", "licenses", "sources"], when: Named },
];

/// The lanes that run then.
pub(crate) fn of(when: When) -> impl Iterator<Item = &'static Lane> {
    LANES.iter().filter(move |lane| lane.when == when)
}

/// The lanes that run in every `cargo xtask test`.
pub(crate) fn of_ci() -> impl Iterator<Item = &'static Lane> {
    of(CiBeside).chain(of(Ci))
}

/// Runs the lane called `name`, after installing what it needs.
pub(crate) fn run_named(root: &Path, name: &str) -> anyhow::Result<()> {
    let names = || LANES.iter().map(|lane| lane.name).collect::<Vec<&str>>().join(", ");
    let lane = LANES.iter().find(|lane| lane.name == name);
    let lane = lane.with_context(|| format!("no lane is called `{name}`; there are: {}", names()))?;
    packages::install(root, &[lane.name])?;
    lane.run(root)
}

impl Lane {
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<()> {
        run::titled(&self.title(), &self.alone(), || run::command(root, self.command))
    }

    /// Runs it in a thread of this program, so that it ends with it.
    pub(crate) fn begin(&'static self) -> JoinHandle<anyhow::Result<()>> {
        let work = || crate::carry_out(Arguments::try_parse_from(&self.command[1..])?);
        thread::spawn(move || run::titled(&self.title(), &self.alone(), work))
    }

    pub(crate) fn title(&self) -> String {
        format!("Lane {}: {}", self.name, self.why)
    }

    /// The command that runs only this lane.
    pub(crate) fn alone(&self) -> String {
        format!("cargo xtask lane {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_one_name_a_reason_and_a_command() {
        for lane in LANES {
            assert_eq!(LANES.iter().filter(|other| other.name == lane.name).count(), 1, "{}", lane.name);
            assert!(!lane.why.is_empty(), "{}", lane.name);
            assert!(!lane.command.is_empty(), "{}", lane.name);
        }
    }

    #[test]
    fn what_runs_beside_others_is_a_task_of_this_program() {
        for lane in of(CiBeside) {
            assert_eq!(lane.command[0], "cargo", "{}", lane.name);
            assert!(Arguments::try_parse_from(&lane.command[1..]).is_ok(), "{}", lane.name);
        }
    }

    #[test]
    fn what_was_begun_beside_others_says_how_it_ended() {
        static LIST: Lane = Lane {
            name: "list",
            why: "it is short",
            command: &["cargo", "xtask", "test", "--list"],
            when: CiBeside,
        };
        static WRONG: Lane = Lane {
            name: "wrong",
            why: "it is none",
            command: &["cargo", "xtask", "no-such-task"],
            when: CiBeside,
        };
        assert!(LIST.begin().join().is_ok_and(|ended| ended.is_ok()));
        assert!(WRONG.begin().join().is_ok_and(|ended| ended.is_err()));
    }

    #[test]
    fn an_unknown_lane_is_refused_with_the_known_ones() {
        let refused = run_named(Path::new("/"), "no-such-lane").expect_err("there is no such lane");
        assert!(
            refused.to_string().contains("no lane is called `no-such-lane`; there are: crates"),
            "{refused}"
        );
    }
}
