//! The real binary, run as a process of its own on a data directory: started, asked, stopped,
//! killed. It must not know what is asked of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::client::Client;

/// The token with all scopes that every server of these tests is started with.
pub const ADMIN: &str = "black-box-admin-token";

/// How long anything may take before the test is called off.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    child: Child,
    ended: Option<ExitStatus>,
    said: Arc<Mutex<String>>,
    lines: Receiver<String>,
    /// The lines of its greeting.
    pub greeting: Vec<String>,
    /// Its public address, as in `http://127.0.0.1:40123`.
    pub url: String,
    /// The address operators ask.
    pub ops: String,
}

/// How to start one.
pub struct Start {
    command: Command,
}

/// The binary under test, with none of the variables of whoever runs the tests.
pub fn onhand() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhand"));
    let ours = std::env::vars_os().map(|(name, _)| name);
    let ours = ours.filter(|name| name.to_string_lossy().starts_with("ONHAND_"));
    ours.for_each(|name| {
        command.env_remove(name);
    });
    command.env_remove("FAILPOINTS");
    command
}

/// Runs a command of the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    onhand().args(arguments).output().unwrap()
}

/// Has `onhand verify` prove a data directory that no server has open.
pub fn verify(data: &Path) {
    let verified = run(&["verify", "--data-dir", data.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&verified.stdout);
    let errors = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{told}\n{errors}");
    assert!(told.contains("everything agrees"), "{told}");
}

impl Start {
    /// A server on `data`, at ports the system chooses.
    pub fn on(data: &Path) -> Start {
        let mut start = Start::command("serve");
        start.command.arg("--data-dir").arg(data);
        start.with("ONHAND_ADMIN_TOKEN", ADMIN)
    }

    /// The demo, at ports the system chooses.
    pub fn demo(flags: &[&str]) -> Start {
        let mut start = Start::command("demo");
        start.command.arg("--shop-listen=127.0.0.1:0").args(flags);
        start
    }

    fn command(name: &str) -> Start {
        let mut command = onhand();
        let (listen, ops) = ("--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0");
        command
            .args([name, listen, ops])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Start { command }
    }

    /// With a variable of its environment.
    pub fn with(mut self, name: &str, value: &str) -> Start {
        self.command.env(name, value);
        self
    }

    /// With a token that it makes itself.
    pub fn without_token(mut self) -> Start {
        self.command.env_remove("ONHAND_ADMIN_TOKEN");
        self
    }

    /// With a log that nobody takes: its reader is gone.
    pub fn unheard(mut self) -> Start {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.command.stderr(writer);
        self
    }

    /// Begun as `nohup` begins it: the end of its terminal is nothing to it.
    pub fn deaf_to_hangups(self) -> Start {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
        shell.arg(self.command.get_program());
        shell.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Start { command: shell }
    }

    /// Starts it and waits until it greets, or until it ends without.
    pub fn try_run(mut self) -> Result<Server, (ExitStatus, String)> {
        let mut child = self.command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        if let Some(log) = child.stderr.take() {
            keep(BufReader::new(log), said.clone());
        }
        let lines = lines(BufReader::new(child.stdout.take().unwrap()));
        let mut greeting = Vec::new();
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            let is_last = line.trim_start().starts_with("next ");
            greeting.push(line);
            if is_last {
                break;
            }
        }
        let address = |name: &str| {
            let line = greeting
                .iter()
                .find(|line| line.trim_start().starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1))
                .map(str::to_owned)
        };
        let (Some(url), Some(ops)) = (address("public "), address("ops ")) else {
            let ended = wait(&mut child);
            return Err((ended, said.lock().unwrap().clone()));
        };
        Ok(Server {
            child,
            ended: None,
            said,
            lines,
            greeting,
            url,
            ops,
        })
    }

    /// Starts it and waits until it is ready.
    pub fn run(self) -> Server {
        let server = self.try_run().unwrap_or_else(|(status, said)| {
            panic!("the server did not start ({status}):\n{said}");
        });
        let ready = Client::new(&server.ops, "").get("/readyz").unwrap();
        assert_eq!(ready.status, 200, "{ready:?}");
        server
    }
}

impl Server {
    /// A server on `data`.
    pub fn start(data: &Path) -> Server {
        Start::on(data).run()
    }

    /// One who asks with all scopes.
    pub fn client(&self) -> Client {
        self.client_with(ADMIN)
    }

    /// One who asks with another token, or with none.
    pub fn client_with(&self, token: &str) -> Client {
        Client::new(&self.url, token)
    }

    /// The next line it tells after its greeting.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("the server tells nothing more:\n{}", self.said());
        })
    }

    /// Kills it as a power cut would.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        self.stop_by("TERM");
    }

    /// Asks it to stop by a signal of this name, and waits until it has.
    pub fn stop_by(&mut self, name: &str) {
        self.signal(name);
        let ended = self.wait();
        assert!(ended.success(), "{ended}:\n{}", self.said());
    }

    /// Sends it the signal of this name.
    pub fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        if self.ended.is_none() {
            self.ended = Some(wait(&mut self.child));
        }
        self.ended.unwrap()
    }

    /// How much memory it has.
    pub fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<usize>().unwrap() * 1024
    }

    /// What it wrote into its log.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if thread::panicking() {
            eprintln!("--- the server said\n{}", self.said());
        }
    }
}

/// A data directory that is gone with the test.
pub struct DataDir {
    _folder: tempfile::TempDir,
    /// Where it is.
    pub path: PathBuf,
}

impl DataDir {
    /// An empty one.
    pub fn new() -> DataDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        DataDir {
            _folder: folder,
            path,
        }
    }
}

/// Waits for the end of a process, but not for ever: a test must fail rather than hang.
fn wait(child: &mut Child) -> ExitStatus {
    let id = child.id().to_string();
    let (ended, waiting) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            signal("KILL", &id);
        }
    });
    let status = child.wait().unwrap();
    drop(ended);
    watch.join().unwrap();
    status
}

/// Every shell has `kill`; not every machine has it as a program.
fn signal(name: &str, id: &str) {
    let kill = ["-c", "kill -s \"$0\" \"$1\"", name, id];
    let sent = Command::new("sh").args(kill).status().unwrap();
    assert!(sent.success(), "signal {name} to {id}");
}

fn lines(from: impl BufRead + Send + 'static) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        from.lines().map_while(Result::ok).for_each(|line| {
            tell.send(line).ok();
        })
    });
    told
}

fn keep(from: impl BufRead + Send + 'static, said: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in from.lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}
