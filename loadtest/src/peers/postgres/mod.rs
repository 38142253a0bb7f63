//! PostgreSQL: a row of `stock` for each stock key, updated on condition, and a row of `hold` for
//! each line of a reservation, in one call of a function and so in one transaction. The batched
//! form decides many reservations in one. `schema.sql` has both.

mod wire;

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Signal, geteuid};

use super::process::{self, Process};
use super::{Form, Peer, Way, ask};
use crate::request::Template;
use crate::shop::Shop;
use crate::workload::reserve::KEY;

const SCHEMA: &str = include_str!("schema.sql");

/// Who runs the server when root started us: it refuses to be root's.
const USER: &str = "postgres";

/// Every commit waits for the disk, as it comes. Set for speed: memory for all data; less to log,
/// as nobody replicates; neither checkpoints nor vacuum within a run, which would slow it.
const SETTINGS: [&str; 15] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=1GB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "wal_buffers=64MB",
    "max_wal_size=16GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
    "jit=off",
    "max_connections=600",
    "update_process_title=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
];

/// Connections to try: few that hardly wait for each other's rows, or many whose commits share a
/// sync. A front end would have its callers wait for one of them.
const CONNECTIONS: [usize; 4] = [256, 64, 16, 4];

/// Microseconds that a commit waits for others to share its sync, where it is tried.
const COMMIT_DELAY: &str = "-c commit_delay=50 -c commit_siblings=2";

/// Connections and reservations in a call: what 256 callers want, gathered.
const BATCHES: [(usize, usize); 3] = [(1, 256), (2, 128), (4, 64)];

/// Starts a server with the shop's stock; none if it is not installed.
///
/// # Errors
/// It does not start.
pub async fn start(folder: &Path, shop: Shop) -> Result<Option<Peer>> {
    let Some(program) = process::find("postgres", &folders()) else {
        return Ok(None);
    };
    let data = folder.join("postgres");
    make_cluster(&program, &data)?;
    let address = process::free_address()?;
    let mut command = as_user(&program, &data)?;
    command
        .arg("-D")
        .arg(&data)
        .args(["-p", &address.port().to_string()]);
    command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    let log = folder.join("postgres.log");
    // Ends those that serve connections as well, without a checkpoint.
    let mut process = Process::start(command, Signal::QUIT, log)?;
    let protocol = wire::protocol(USER, "", &[]);
    let mut connection = process.until_ready(address, &protocol).await?;
    ask(&mut connection, &wire::query(SCHEMA)).await?;
    let Shop {
        items,
        locations,
        opening,
    } = shop;
    let stock = format!("CALL fill({items}, {locations}, {opening})");
    ask(&mut connection, &wire::query(&stock)).await?;
    for tidy in ["VACUUM ANALYZE stock", "CHECKPOINT"] {
        ask(&mut connection, &wire::query(tidy)).await?;
    }
    Ok(Some(Peer {
        name: "PostgreSQL",
        version: process::said(&program, "--version")?,
        settings: SETTINGS.join(", "),
        address,
        forms: forms(),
        protocol,
        books: wire::query("SELECT books()"),
        process,
    }))
}

/// Where Debian puts versions of it, the newest first.
fn folders() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    folders.sort();
    folders.reverse();
    folders
}

fn make_cluster(program: &Path, data: &Path) -> Result<()> {
    fs::create_dir(data).with_context(|| data.display().to_string())?;
    if let Some((user, group)) = user()? {
        chown(data, Some(user), Some(group))?;
    }
    let output = as_user(&program.with_file_name("initdb"), data)?
        .arg("-D")
        .arg(data)
        .args(["--username", USER, "--auth", "trust", "--no-sync"])
        .args(["--encoding", "UTF8", "--locale", "C"])
        .stdin(Stdio::null())
        .output()
        .context("cannot run initdb")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "initdb: {said}");
    Ok(())
}

fn as_user(program: &Path, data: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    // It comes back to where it began, and may not be let in where we are.
    command.current_dir(data);
    if let Some((user, group)) = user()? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

/// User and group that the server needs; none if it may be ours.
fn user() -> Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users
        .lines()
        .find_map(|line| line.strip_prefix("postgres:"));
    let mut fields = line.unwrap_or_default().split(':').skip(1);
    let mut number = || fields.next()?.parse().ok();
    let ids = number().zip(number());
    Ok(Some(ids.context(
        "root may not run PostgreSQL, and there is no user `postgres`",
    )?))
}

fn forms() -> Vec<Form> {
    let one = |connections, with, options| {
        let request = reserve(KEY, &["lt-<7>@store-<4>"], "<_5>");
        way(connections, 1, (with, options), request)
    };
    let mut ways = CONNECTIONS
        .map(|connections| one(connections, "", ""))
        .to_vec();
    ways.push(one(64, ", commit_delay 50 µs", COMMIT_DELAY));
    let many = |(connections, many)| {
        let requests = vec![KEY; many];
        let keys = vec!["lt-<7>@store-<4>"; many];
        way(
            connections,
            many,
            ("", ""),
            reserve_many(&requests, &keys, "<_5>"),
        )
    };
    vec![
        Form {
            name: "PostgreSQL",
            ways,
        },
        Form {
            name: "PostgreSQL, batched",
            ways: BATCHES.map(many).to_vec(),
        },
    ]
}

fn way(
    connections: usize,
    many: usize,
    (with, options): (&'static str, &str),
    request: Template,
) -> Way {
    let prepared = [
        ("one", "SELECT reserve($1, $2, $3, $4)"),
        ("many", "SELECT reserve_many($1, $2, $3, $4)"),
    ];
    Way {
        connections,
        many,
        with,
        protocol: wire::protocol(USER, options, &prepared),
        request,
    }
}

/// One reservation of one piece of each of these keys, which are in their order.
pub(super) fn reserve(request: &str, keys: &[&str], seconds: &str) -> Template {
    wire::call(
        "one",
        &[
            request,
            &array(keys),
            &array(&vec!["1"; keys.len()]),
            seconds,
        ],
    )
}

/// Many reservations in one call, each of one piece of the key at its place.
pub(super) fn reserve_many(requests: &[&str], keys: &[&str], seconds: &str) -> Template {
    let ones = array(&vec!["1"; keys.len()]);
    wire::call("many", &[&array(requests), &array(keys), &ones, seconds])
}

/// An array in PostgreSQL's own words.
fn array(elements: &[&str]) -> String {
    format!("{{{}}}", elements.join(","))
}
