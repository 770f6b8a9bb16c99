//! `doctor`: what could go wrong with a data directory and the machine it is on, before it does.

use crate::args::Doctor;
use crate::bench::machine::sync_floor;
use crate::data::Data;
use crate::endpoint;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use book::{Entry, Seq, Time};
use engine::Clock;
use engine::limits::RESERVE_BYTES;
use engine::schedule::{Scheduling, hurry_this_thread};
use evidence::{Checkpoint, note::Note};
use serde::Serialize;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Below this much free space a check warns: an hour at ten thousand payments a second.
const FREE_BYTES_LOW: u64 = 8 << 30;
/// A sync slower than this makes every answer slow.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// A checkpoint this much older than the journal says that its follower is stuck.
const CHECKPOINT_LATE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Finding {
    Good,
    Warning,
    Bad,
}

#[derive(Serialize)]
struct Check {
    check: &'static str,
    finding: Finding,
    detail: String,
}

/// Examines a data directory, or an address.
pub(crate) fn run(output: &Output, args: &Doctor) -> Outcome {
    if endpoint::is_address(&args.subject) {
        return endpoint::run(output, args);
    }
    let data = Data::at(Path::new(&args.subject))?;
    let checks =
        [journal(&data), checkpoint(&data), clock(&data), keys(&data), space(&data), sync(&data), class()];
    for check in &checks {
        let mark = match check.finding {
            Finding::Good => output.good("good   "),
            Finding::Warning => output.bad("warning"),
            Finding::Bad => output.bad("bad    "),
        };
        output.line(format!("{mark}  {:<10}  {}", check.check, check.detail));
        output.object(check);
    }
    if checks.iter().any(|check| check.finding == Finding::Bad) {
        return Err(Failure::said(Exit::False));
    }
    Ok(())
}

fn found(check: &'static str, finding: Finding, detail: impl Into<String>) -> Check {
    Check { check, finding, detail: detail.into() }
}

fn journal(data: &Data) -> Check {
    match data.read() {
        Ok(journal) => found("journal", Finding::Good, format!("whole, {} entries", journal.next().0)),
        Err(failure) => found("journal", Finding::Bad, failure.message),
    }
}

fn checkpoint(data: &Data) -> Check {
    let Some(note) = data.checkpoint() else {
        return found(
            "checkpoint",
            Finding::Warning,
            "none yet: the server has not run, or `log/` was deleted",
        );
    };
    let signed = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
    let Some(signed) = signed else {
        return found("checkpoint", Finding::Bad, "`log/state` does not hold a checkpoint");
    };
    let entries = data.read().map_or(0, |journal| journal.next().0);
    if entries < signed.size {
        let detail =
            format!("covers {} entries, the journal has {entries}: answered entries are gone", signed.size);
        return found("checkpoint", Finding::Bad, detail);
    }
    let changed = |path| fs::metadata(path).and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let (kept, written) = (changed(data.log().join("state")), changed(data.journal().join("journal")));
    let late = written.duration_since(kept).unwrap_or_default();
    let detail = format!("covers {} of {entries} entries", signed.size);
    let finding =
        if signed.size < entries && CHECKPOINT_LATE < late { Finding::Warning } else { Finding::Good };
    found("checkpoint", finding, detail)
}

fn clock(data: &Data) -> Check {
    let now = Clock::default().now();
    let last = data.read().ok().and_then(|journal| {
        let frames = journal.frames(Seq(journal.next().0.checked_sub(1)?), 1).ok()?;
        let (_, bytes) = frames.last()?.entries().last()?;
        Entry::from_bytes(bytes).ok()
    });
    let last = last.map_or(Time(0), |entry| entry.at);
    if now < last {
        let behind = Duration::from_nanos(last.0.saturating_sub(now.0)).as_secs();
        let detail = format!(
            "{behind} s behind the last entry: a test book whose clock was put forward, or a wrong clock"
        );
        return found("clock", Finding::Warning, detail);
    }
    found("clock", Finding::Good, "ahead of the last entry")
}

fn keys(data: &Data) -> Check {
    let Ok(listed) = fs::read_dir(data.keys()) else {
        return found(
            "keys",
            Finding::Warning,
            "there is no `keys/` here: a copy that can be verified, not served",
        );
    };
    for file in listed.flatten() {
        let mode = file.metadata().map_or(0, |it| it.permissions().mode() & 0o777);
        if mode & 0o077 != 0 {
            let path = file.path();
            let detail =
                format!("`{}` may be read by others (mode {mode:o}); run `chmod 600` on it", path.display());
            return found("keys", Finding::Bad, detail);
        }
    }
    found("keys", Finding::Good, "only their owner may read them")
}

fn space(data: &Data) -> Check {
    let Ok(disk) = rustix::fs::statvfs(data.path()) else {
        return found("disk", Finding::Warning, "cannot tell how much space is left");
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let detail = format!("{} MB free", free >> 20);
    let finding = match free {
        free if free < RESERVE_BYTES => Finding::Bad,
        free if free < FREE_BYTES_LOW => Finding::Warning,
        _ => Finding::Good,
    };
    found("disk", finding, detail)
}

fn sync(data: &Data) -> Check {
    // A probe beside the journal: another directory may be another disk.
    let probe = sync_floor(data.path(), 64);
    match probe {
        Ok(floor) => {
            let detail = format!("16 KiB durable in {:.2} ms, at worst {:.2} ms", floor.p50_ms, floor.p99_ms);
            let slow = SYNC_SLOW.as_secs_f64() * 1e3 < floor.p99_ms;
            found("sync", if slow { Finding::Warning } else { Finding::Good }, detail)
        }
        Err(fault) => found("sync", Finding::Warning, format!("cannot be measured: {fault}")),
    }
}

fn class() -> Check {
    let class = std::thread::spawn(hurry_this_thread).join().unwrap_or(Scheduling::Default);
    match class {
        Scheduling::Fifo => found("scheduling", Finding::Good, "the writer runs as soon as the disk answers"),
        Scheduling::Default => {
            let detail =
                "the writer waits its turn on a busy machine: 4 ms instead of 0.1; grant CAP_SYS_NICE";
            found("scheduling", Finding::Warning, detail)
        }
    }
}
