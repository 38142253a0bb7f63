//! The server under test: the real binary as a process of its own, or one that runs already. It
//! must not know what is asked of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::AbortHandle;

use crate::clock;
use crate::connection::Connection;
use crate::progress;
use crate::request::{Target, Template};
use crate::usage::Usage;

/// The token that servers of our own are started with; they listen on loopback only.
const TOKEN: &str = "loadtest";

/// What the service's unit and the container set.
const AS_SERVICE: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "60000");

/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(300);

/// How long a server is awaited to come to rest, how long it must have been at rest for, and the
/// share of a core that it may use at rest.
const REST_AWAITED_MAX: Duration = Duration::from_secs(180);
const REST_WATCHED: Duration = Duration::from_secs(2);
const IDLE: f64 = 0.03;

/// How often a server's metrics are read; Prometheus reads them every 15 s by default.
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

/// The binary, and where it may put its data.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The program.
    pub path: PathBuf,
}

/// A running server.
pub struct Server {
    child: Option<Child>,
    /// Its public listener.
    pub target: Target,
    /// Its process, if it runs here and may be looked at.
    pub process: Option<u32>,
    /// How long it took from its start until it said it was ready; zero if it ran already.
    pub ready_after: Duration,
    /// Where its data is; none if it is not ours.
    pub data: Option<PathBuf>,
    log: PathBuf,
    /// Reads its metrics as long as it runs.
    watch: Option<AbortHandle>,
}

impl Binary {
    /// Starts a server on `data` that listens at `listen`, and waits until it is ready. Its log
    /// goes beside the data.
    ///
    /// # Errors
    /// It does not get ready; its last words are told.
    pub async fn start(
        &self,
        data: &Path,
        settings: &[(&str, String)],
        listen: SocketAddr,
    ) -> Result<Server> {
        let log = data.with_extension("log");
        let file = File::options().create(true).append(true).open(&log)?;
        let mut command = self.command();
        command
            .args(["serve", "--yardstick", "--listen", &listen.to_string()])
            .args(["--ops-listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .env("ONHAND_ADMIN_TOKEN", TOKEN)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file);
        let started = clock::now();
        let spawned = command.spawn();
        let mut child = spawned.with_context(|| format!("cannot run {}", self.path.display()))?;
        let greeting = child.stdout.take().context("its standard output")?;
        let mut server = Server {
            process: Some(child.id()),
            child: Some(child),
            target: Target {
                address: listen,
                token: TOKEN.to_owned(),
            },
            ready_after: Duration::ZERO,
            data: Some(data.to_owned()),
            log,
            watch: None,
        };
        let ready = server.until_ready(greeting, started).await;
        ready.with_context(|| format!("the server did not start:\n{}", server.last_words()))?;
        Ok(server)
    }

    /// Has the binary do something and end; gives what it wrote.
    ///
    /// # Errors
    /// It fails; what it said is told.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command().args(arguments).output();
        let output = output.with_context(|| format!("cannot run {}", self.path.display()))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        let what = arguments.first().unwrap_or(&"");
        ensure!(
            output.status.success(),
            "`onhand {what}` failed ({}):\n{said}{errors}",
            output.status
        );
        Ok(said)
    }

    /// Recomputes every figure of a data directory that no server has open.
    ///
    /// # Errors
    /// Something does not agree.
    pub fn verify(&self, data: &Path) -> Result<String> {
        let data = data.to_str().context("the data directory's name")?;
        let said = self.run(&["verify", "--data-dir", data])?;
        ensure!(said.contains("everything agrees"), "verify said:\n{said}");
        Ok(said)
    }

    /// The binary, with none of the variables of whoever runs the load.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ONHAND_") {
                command.env_remove(name);
            }
        }
        let (name, value) = AS_SERVICE;
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
        command
    }
}

impl Server {
    /// A server that runs already, here or elsewhere.
    pub fn running(target: Target, process: Option<u32>) -> Server {
        Server {
            child: None,
            target,
            process,
            ready_after: Duration::ZERO,
            data: None,
            log: PathBuf::new(),
            watch: None,
        }
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// It ends otherwise than asked to.
    pub fn stop(mut self) -> Result<Duration> {
        let Some(mut child) = self.child.take() else {
            return Ok(Duration::ZERO);
        };
        let asked = clock::now();
        kill_process(Pid::from_child(&child), Signal::TERM)?;
        let status = child.wait()?;
        ensure!(
            status.success(),
            "the server ended with {status}:\n{}",
            self.last_words()
        );
        Ok(clock::now().saturating_duration_since(asked))
    }

    /// The same while others go on, as those do who follow it.
    ///
    /// # Errors
    /// It ends otherwise than asked to.
    pub async fn stop_meanwhile(self) -> Result<Duration> {
        tokio::task::spawn_blocking(move || self.stop()).await?
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn kill9(mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Waits until it has no work of its own left, such as sorting what an import brought, and the
    /// machine has written what it kept in memory: else whoever syncs next pays for it.
    ///
    /// # Errors
    /// The process is gone.
    pub async fn come_to_rest(&self) -> Result<()> {
        if self.process.is_none() {
            return Ok(());
        }
        let give_up = clock::now() + REST_AWAITED_MAX;
        loop {
            let before = Usage::read(self.process)?;
            tokio::time::sleep(REST_WATCHED).await;
            let used = before.until_now(self.process)?;
            if used.server_cpu_seconds <= IDLE * used.seconds {
                break;
            }
            if clock::now() > give_up {
                let awaited = REST_AWAITED_MAX;
                progress::say(format_args!("  the server did not rest within {awaited:?}"));
                break;
            }
        }
        Ok(tokio::task::spawn_blocking(rustix::fs::sync).await?)
    }

    /// Its metrics are not read any more.
    pub fn leave_alone(&self) {
        self.watch.iter().for_each(AbortHandle::abort);
    }

    /// How many lines of its log hold these words.
    pub fn logged(&self, words: &str) -> usize {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter(|line| line.contains(words)).count()
    }

    /// Reads its greeting for the addresses that the system chose, and asks /readyz.
    async fn until_ready(&mut self, greeting: ChildStdout, started: Instant) -> Result<()> {
        let mut lines = lines(greeting);
        let (mut public, mut ops) = (None, None);
        loop {
            let left = (started + READY_MAX).saturating_duration_since(clock::now());
            let line = tokio::time::timeout(left, lines.recv())
                .await
                .ok()
                .flatten();
            let line = line.context("it ended, or took too long, before its greeting did")?;
            let mut words = line.split_whitespace();
            let (first, second) = (words.next(), words.next().unwrap_or_default());
            let address = || second.trim_start_matches("http://").parse::<SocketAddr>();
            match first {
                Some("public") => public = Some(address().with_context(|| line.clone())?),
                Some("ops") => ops = Some(address().with_context(|| line.clone())?),
                Some("next") => break,
                Some(_) | None => {}
            }
        }
        self.target.address = public.context("its greeting names no public address")?;
        let ops = ops.context("its greeting names no ops address")?;
        let mut request = Vec::new();
        Template::page(&self.target, "/readyz").render(&[], &mut request);
        let mut connection = Connection::new(ops);
        let status = connection.exchange(&request).await?.status;
        self.ready_after = clock::now().saturating_duration_since(started);
        ensure!(status == 200, "it greeted, and /readyz says {status}");
        self.watch = Some(tokio::task::spawn_local(watch(ops)).abort_handle());
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<&str>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.leave_alone();
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Reads the metrics again and again, as Prometheus does: what that costs is part of the load.
async fn watch(ops: SocketAddr) {
    let mut request = Vec::new();
    let target = Target {
        address: ops,
        token: String::new(),
    };
    Template::page(&target, "/metrics").render(&[], &mut request);
    loop {
        tokio::time::sleep(SCRAPE_EVERY).await;
        // A server that is gone has none.
        Connection::new(ops).exchange(&request).await.ok();
    }
}

/// The lines that a process writes, read as it writes them: a full pipe would stop it.
fn lines(from: ChildStdout) -> UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Nobody listens once it is ready.
            tell.send(line).ok();
        }
    });
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_what_is_packaged() {
        let (name, value) = AS_SERVICE;
        let unit = include_str!("../../packaging/onhand.service");
        assert!(unit.contains(&format!("\nEnvironment={name}={value}\n")));
        let container = include_str!("../../packaging/Containerfile");
        assert!(container.contains(&format!("\nENV {name}={value}\n")));
    }
}
