//! `bench`: how fast this program is on this machine, beside what the machine itself allows.

mod a402;
mod gateway;
mod http;
mod ledger;
pub(crate) mod machine;
mod market;
mod mcp;
mod report;
mod rules;
mod workload;

use crate::args::{Bench, BenchPart};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use engine::schedule::Scheduling;
use ledger::{Ledger, Round};
use report::{Bar, Figures, median};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use workload::Workload;

/// Syncs of the floor's probe.
const SYNCS: usize = 1_000;

/// Measures everything, and prints it.
pub(crate) fn run(output: &Output, args: &Bench) -> Outcome {
    let scratch = Scratch::new(&args.directory)?;
    let mut figures = Figures::default();
    figures.note("version", env!("CARGO_PKG_VERSION"));
    figures.note("load_average_before", machine::load_average());
    output.line(format!("load average {}", machine::load_average()));
    floors(output, &mut figures, &scratch.0)?;
    match args.part {
        None => {
            program(output, &mut figures)?;
            in_process(output, &mut figures, args, &scratch.0)?;
            rules::measure(output, &mut figures, args, &scratch.0)?;
            http::measure(output, &mut figures, args, &scratch.0)?;
        }
        Some(BenchPart::Gateway) => gateway::added(output, &mut figures, args, &scratch.0)?,
        Some(BenchPart::Vouchers) => gateway::vouchers(output, &mut figures, args, &scratch.0)?,
        Some(BenchPart::Mcp) => mcp::tools(output, &mut figures, args, &scratch.0)?,
    }
    figures.note("load_average_after", machine::load_average());
    output.line(format!("load average {}", machine::load_average()));
    figures.finish(output);
    Ok(())
}

/// What no program on this machine can beat.
fn floors(output: &Output, figures: &mut Figures, directory: &Path) -> Outcome {
    let sync = machine::sync_floor(directory, SYNCS)?;
    figures.one(output, "sync_floor_p50_ms", sync.p50_ms, Bar::None);
    figures.one(output, "sync_floor_p99_ms", sync.p99_ms, Bar::None);
    let crypto = machine::crypto_floor();
    figures.one(output, "ed25519_verify_per_s", crypto.ed25519_verify_per_s, Bar::None);
    figures.one(output, "ed25519_verify_batch_per_s", crypto.ed25519_verify_batch_per_s, Bar::None);
    figures.one(output, "hmac_512_bytes_per_s", crypto.hmac_512_bytes_per_s, Bar::None);
    figures.one(output, "sha256_leaf_190_bytes_per_s", crypto.sha256_leaf_190_bytes_per_s, Bar::None);
    Ok(())
}

/// How large the program is, and how long it takes to be there.
fn program(output: &Output, figures: &mut Figures) -> Outcome {
    let own = std::env::current_exe()?;
    figures.one(output, "binary_bytes", fs::metadata(&own)?.len() as f64, Bar::None);
    let mut millis = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        Command::new(&own).arg("--version").output()?;
        millis.push(began.elapsed().as_secs_f64() * 1e3);
    }
    figures.median(output, "process_start_ms", &millis, Bar::None);
    Ok(())
}

/// The ledger without HTTP.
fn in_process(output: &Output, figures: &mut Figures, args: &Bench, scratch: &Path) -> Outcome {
    let directory = scratch.join("ledger");
    let mut ledger = Ledger::start(&directory, Workload::new())?;
    ledger.set_up(output, args.wallets)?;
    let made = ledger.size();
    let workload = ledger.stop();
    let with_wallets = replayed_bytes(&directory)?;

    let mut ledger = Ledger::start(&directory, workload)?;
    let bytes_before = journal_bytes(&directory)?;
    let bar = output.progress(u64::from(args.rounds), "paying");
    let mut rounds: Vec<Round> = Vec::new();
    for _ in 0..args.rounds {
        rounds.push(ledger.pay(args.payments)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    figures.rounds(output, "engine_payments_per_s", &rounds, Bar::AtLeast(700_000.0));
    let class = match ledger.scheduling() {
        Some(Scheduling::Fifo) => "fifo",
        Some(Scheduling::Default) => "default",
        None => "unknown",
    };
    figures.note("writer_scheduling", class);
    figures.note("log_entries_behind", ledger.log_is_behind_by());
    output.line(format!("the writer's scheduling class is {class}"));
    let paid = (ledger.size() - made) as f64;
    drop(ledger.stop());

    let per_payment = (journal_bytes(&directory)? - bytes_before) as f64 / paid;
    figures.one(output, "journal_bytes_per_payment", per_payment, Bar::AtMost(400.0));
    let mut recovered = Vec::new();
    let bar = output.progress(u64::from(args.rounds), "recovering");
    for _ in 0..args.rounds {
        recovered.push(ledger::recovery(&directory)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    figures.median(output, "recovery_entries_per_s", &recovered, Bar::AtLeast(1_000_000.0));

    let with_payments = replayed_bytes(&directory)?;
    let per_id = (with_payments - with_wallets) / paid;
    figures.one(output, "memory_bytes_per_remembered_id", per_id, Bar::AtMost(100.0));
    // The same program with as many entries and few wallets, so that what it needs to read them does not count.
    let few = Few::measure(output, args.wallets, made, scratch)?;
    let ids = made as f64 - few.ids;
    let per_wallet = (with_wallets - few.bytes - ids * per_id) / (f64::from(args.wallets) - few.wallets);
    figures.one(output, "memory_bytes_per_wallet", per_wallet, Bar::AtMost(600.0));
    figures.note("wallets", args.wallets);
    figures.note("payments_per_round", args.payments);
    figures.note("recovered_median", median(&recovered).round());
    Ok(())
}

/// The memory of a process of its own that has nothing but the book of this journal.
fn replayed_bytes(directory: &Path) -> Outcome<f64> {
    let child = Command::new(std::env::current_exe()?).arg("--json").arg("replay").arg(directory).output()?;
    let line: serde_json::Value = serde_json::from_slice(&child.stdout).map_err(|fault| {
        Failure::fault(format!("`replay` failed: {fault}: {}", String::from_utf8_lossy(&child.stderr)))
    })?;
    line["resident_bytes"].as_f64().ok_or_else(|| Failure::fault("`replay` did not say its memory"))
}

/// What a book with few wallets takes.
struct Few {
    wallets: f64,
    ids: f64,
    bytes: f64,
}

impl Few {
    /// Of a book with a hundredth of `wallets` and about `entries`.
    fn measure(output: &Output, wallets: u32, entries: u64, scratch: &Path) -> Outcome<Few> {
        let directory = scratch.join("few");
        let mut ledger = Ledger::start(&directory, Workload::new())?;
        let wallets = wallets.div_ceil(100);
        ledger.set_up(output, wallets)?;
        let payments = entries.saturating_sub(ledger.size());
        ledger.pay(u32::try_from(payments).unwrap_or(u32::MAX))?;
        let ids = ledger.size() as f64;
        drop(ledger.stop());
        Ok(Few { wallets: f64::from(wallets), ids, bytes: replayed_bytes(&directory)? })
    }
}

/// What the journal holds, without the zeros kept ahead of its end.
fn journal_bytes(directory: &Path) -> Outcome<u64> {
    let journal = engine::FileJournal::read(&directory.join("journal"))?;
    let mut bytes = 0u64;
    crate::data::walk(&journal, book::Seq(0), |frame| {
        bytes += frame.bytes().len() as u64;
        Ok(())
    })?;
    Ok(bytes)
}

/// A directory that ends with the run.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Outcome<Scratch> {
        let path = parent.join(format!(".tollbridge-bench-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|fault| Failure::from(fault).during(path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be deleted is for whoever gave the directory to see.
        let _ = fs::remove_dir_all(&self.0);
    }
}
