//! One server process with a data directory of its own, that can be killed at any moment and started again.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use evidence::{SigningKey, base64url};

use crate::blackbox::caller::Caller;
use crate::blackbox::http::{Connection, Request};
use crate::workspace::Workspace;

/// How long a server may take until it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The data directory, from the server's own.
const BOOK: &str = "book";

/// Names another build of the program than this workspace's own.
const PROGRAM: &str = "TOLLBRIDGE_PROGRAM";

/// The program, its directory, and, while it runs, its process. Dropping it kills the process and leaves the directory.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    directory: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
    /// So many entries behind a snapshot, it makes the next.
    snapshot_every: u64,
}

/// Builds the program, unless the environment names one.
pub(crate) fn build(root: &Path) -> anyhow::Result<PathBuf> {
    match std::env::var_os(PROGRAM) {
        Some(program) => Ok(std::path::absolute(program)?),
        None => crate::program::build(root, "tollbridge", &[]),
    }
}

impl Server {
    /// Makes a test book in a fresh directory and starts a server on it, on a port that is free.
    pub(crate) fn start(
        root: &Path,
        program: &Path,
        name: &str,
        snapshot_every: u64,
    ) -> anyhow::Result<Server> {
        let name = format!("{name}-{}", std::process::id());
        let directory = Workspace::read(root)?.target.join("blackbox").join(name);
        // What a killed run of the same number left is nobody's.
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        // Bound once to learn a free port; restarts come back to it.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut server =
            Server { program: program.to_owned(), directory, address, process: None, snapshot_every };
        let init =
            server.command(&["init", BOOK, "--test"]).output().context("the program does not start")?;
        ensure!(init.status.success(), "init: {}", String::from_utf8_lossy(&init.stderr));
        server.restart()?;
        Ok(server)
    }

    /// Starts the process, and returns how long it took until it was ready.
    pub(crate) fn restart(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        self.spawn()?;
        while !self.is_ready() {
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().transpose()) {
                bail!("the server has ended: {}; see {}", status?, self.log().display());
            }
            ensure!(
                started.elapsed() < READY_TIMEOUT,
                "the server is not ready; see {}",
                self.log().display()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(started.elapsed())
    }

    /// Starts the process and kills it before it is ready, or soon after.
    pub(crate) fn stumble(&mut self, after: Duration) -> anyhow::Result<()> {
        self.spawn()?;
        std::thread::sleep(after);
        self.kill()
    }

    /// `kill -9`: the process gets no chance to finish anything.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the server does not run")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Whether the whole directory verifies without the server: its log, its receipts, its journal.
    pub(crate) fn verify(&self) -> anyhow::Result<()> {
        let output = self.command(&["verify", BOOK]).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tollbridge verify: {}: {said}", output.status);
        Ok(())
    }

    /// How many of its starts have begun with a snapshot, and how many read the whole journal.
    pub(crate) fn starts(&self) -> anyhow::Result<(usize, usize)> {
        let log = std::fs::read_to_string(self.log())?;
        let opened: Vec<&str> = log.lines().filter(|line| line.contains("the book is open")).collect();
        let whole = opened.iter().filter(|line| line.contains("from_snapshot=0 ")).count();
        Ok((opened.len() - whole, whole))
    }

    /// Whoever holds the operator's key, which `init` left in the directory.
    pub(crate) fn operator(&self) -> anyhow::Result<Caller> {
        let (key, seed) = self.operator_seed()?;
        Ok(Caller::new(self.address, &key, SigningKey::ed25519(&seed)))
    }

    /// The name and the secret half of the operator's key.
    pub(crate) fn operator_seed(&self) -> anyhow::Result<(String, [u8; 32])> {
        let path = self.book().join("keys/operator.toml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix('='));
            line.map(|value| value.trim().trim_matches('"').to_owned())
                .with_context(|| format!("no `{name}`"))
        };
        let seed = base64url::decode(&of("seed")?).and_then(|bytes| bytes.try_into().ok());
        Ok((of("key")?, seed.context("the operator's seed is not 32 bytes")?))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where everything it left lies.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Stops it and removes its directory: for runs that went well.
    pub(crate) fn discard(mut self) -> anyhow::Result<()> {
        self.kill()?;
        Ok(std::fs::remove_dir_all(&self.directory)?)
    }

    /// Reads something that anybody may read.
    pub(crate) fn public(&self, target: &str) -> anyhow::Result<String> {
        let request = Request { method: "GET", target, headers: Vec::new(), body: &[] };
        let reply = Connection::new(self.address).exchange(&request);
        let reply = reply.map_err(|lost| anyhow::anyhow!("{target}: {}", lost.why()))?;
        ensure!(reply.status == 200, "{target}: status {}", reply.status);
        Ok(String::from_utf8(reply.body)?)
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        ensure!(self.process.is_none(), "the server runs already");
        let (listen, every) = (self.address.to_string(), self.snapshot_every.to_string());
        let log = File::options().create(true).append(true).open(self.log())?;
        let words = ["serve", "--data", BOOK, "--listen", &listen, "--snapshot-every", &every];
        let mut command = self.command(&words);
        let process = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        self.process = Some(process.context("the server does not start")?);
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.public("/readyz").is_ok()
    }

    fn book(&self) -> PathBuf {
        self.directory.join(BOOK)
    }

    fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    /// `tollbridge WORD …`, run in the server's directory.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).current_dir(&self.directory);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself, which is as well.
            let _ended = process.kill();
            let _reaped = process.wait();
        }
    }
}
