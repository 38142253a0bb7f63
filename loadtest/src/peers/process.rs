//! A peer's process: found where packages put it, started on an address of the loopback, ended
//! when it is dropped. It must not know what the process is for.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::clock;
use crate::connection::{Connection, Protocol};

/// How long a peer may take until it answers.
const READY_MAX: Duration = Duration::from_secs(60);

/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A process that runs until it is dropped.
pub struct Process {
    child: Child,
    /// What ends it, and those it started, at once: nobody wants its data.
    end: Signal,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says goes to `log`.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn start(mut command: Command, end: Signal, log: PathBuf) -> Result<Process> {
        let said = File::create(&log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stderr(said.try_clone()?);
        let spawned = command.stdout(said).spawn();
        let child = spawned.with_context(|| format!("cannot run {:?}", command.get_program()))?;
        Ok(Process { child, end, log })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection, as soon as it gives one.
    ///
    /// # Errors
    /// It ends, or takes too long; its last words are told.
    pub async fn until_ready(
        &mut self,
        address: SocketAddr,
        protocol: &Protocol,
    ) -> Result<Connection> {
        let give_up = clock::now() + READY_MAX;
        loop {
            let mut connection = Connection::speaking(address, protocol.clone());
            let Err(error) = connection.open().await else {
                return Ok(connection);
            };
            let has_ended = self.child.try_wait()?;
            if has_ended.is_some() || clock::now() > give_up {
                let said = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("it does not get ready: {error}\n{said}");
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.child), self.end).ok();
        self.child.wait().ok();
    }
}

/// A program in one of the folders, or else in the path.
pub fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(std::env::split_paths(&path));
    folders
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The first line that a program says.
///
/// # Errors
/// It fails.
pub fn said(program: &Path, argument: &str) -> Result<String> {
    let output = Command::new(program).arg(argument).output();
    let output = output.with_context(|| program.display().to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// An address of the loopback where nobody listens: the system's choice, given back.
///
/// # Errors
/// There is none left.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
