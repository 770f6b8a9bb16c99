//! The processes of a demonstration: a server, services and gateways, all children of this one, gone when it ends.

use crate::exit::{Exit, Failure, Outcome};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Tells a child whose it is.
pub(crate) const PARENT: &str = "TOLLBRIDGE_PARENT";

/// How long a process may take until it answers, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// A child process that listens.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts this program with `words`, logging to `log`, and waits until something answers at `address`.
    pub(crate) fn start(words: &[&str], address: SocketAddr, log: &Path) -> Outcome<Process> {
        // Whoever listens there already would be taken for the child.
        TcpListener::bind(address).map_err(|fault| Failure::fault(format!("`{address}`: {fault}")))?;
        let file = File::options().create(true).append(true).open(log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(words)
            .env(PARENT, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()?;
        let mut process = Process { child, log: log.to_owned() };
        let began = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            if let Some(status) = process.child.try_wait()? {
                return Err(process.failed(&format!("ended with {status}")));
            }
            if PATIENCE < began.elapsed() {
                return Err(process.failed("does not answer"));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    /// `kill -9`: it gets no chance to say goodbye.
    pub(crate) fn kill(&mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Outcome {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::fault("a process has a number"))?;
        // It may have ended already.
        let _ = kill_process(pid, Signal::TERM);
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            if PATIENCE < began.elapsed() {
                return self.kill();
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The memory it has now, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap_or_default();
        let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
        pages * rustix::param::page_size() as u64
    }

    fn failed(&self, how: &str) -> Failure {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n");
        Failure::fault(format!("a process {how}; the end of `{}`:\n{tail}", self.log.display()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.stop();
    }
}

/// Ends this process with the one that started it here, however that one ends.
pub(crate) fn end_with_parent() {
    let Some(parent) = std::env::var(PARENT).ok().and_then(|pid| Pid::from_raw(pid.parse().ok()?)) else {
        return;
    };
    let told = set_parent_process_death_signal(Some(Signal::KILL));
    if told.is_err() || getppid() != Some(parent) {
        std::process::exit(i32::from(Exit::Fault.number()));
    }
}

/// An address of this machine that nothing listens at.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
