//! Redis: a hash for each stock key, and one script that decides a reservation, keeps it as the
//! value of its key for 24 hours, and its deadline in a sorted set. `reserve.lua` is the script.

use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use rustix::process::Signal;

use super::process::{self, Process};
use super::{Form, Peer, Way, ask, status};
use crate::connection::{Connection, Head, Protocol};
use crate::request::Template;
use crate::shop::Shop;
use crate::workload::reserve::KEY;

const RESERVE: &str = include_str!("reserve.lua");
const FILL: &str = include_str!("fill.lua");
const BOOKS: &str = include_str!("books.lua");

/// Every answer waits for the disk. Set for speed: the log is not rewritten within a run, and
/// nothing is written but the log.
const SETTINGS: [&str; 7] = [
    "appendonly yes",
    "appendfsync always",
    "no-appendfsync-on-rewrite no",
    "auto-aof-rewrite-percentage 0",
    "save ''",
    "maxclients 1000",
    "bind 127.0.0.1",
];

/// Connections to try; commands of all that are ready share a sync.
const CONNECTIONS: [usize; 2] = [256, 64];

/// What it speaks: RESP 2, of which a script's answers need integers, errors and texts.
const PROTOCOL: Protocol = Protocol {
    greeting: Vec::new(),
    head,
};

/// Starts a server with the shop's stock; none if it is not installed.
///
/// # Errors
/// It does not start.
pub async fn start(folder: &Path, shop: Shop) -> Result<Option<Peer>> {
    let Some(program) = process::find("redis-server", &[]) else {
        return Ok(None);
    };
    let address = process::free_address()?;
    let mut command = Command::new(&program);
    command
        .args(["--port", &address.port().to_string(), "--dir"])
        .arg(folder);
    for setting in SETTINGS {
        let (name, value) = setting.split_once(' ').unwrap_or((setting, ""));
        command
            .arg(format!("--{name}"))
            .arg(value.trim_matches('\''));
    }
    let mut process = Process::start(command, Signal::KILL, folder.join("redis.log"))?;
    let mut connection = process.until_ready(address, &PROTOCOL).await?;
    let Shop {
        items,
        locations,
        opening,
    } = shop;
    let stock = [items, locations, opening].map(|number| number.to_string());
    let [items, locations, opening] = stock.each_ref().map(String::as_str);
    ask(
        &mut connection,
        &bytes(&["EVAL", FILL, "0", items, locations, opening]),
    )
    .await?;
    let script = load(&mut connection).await?;
    let way = |connections| Way {
        connections,
        many: 1,
        with: "",
        protocol: PROTOCOL,
        request: reserve(&script, KEY, &["lt-<7>@store-<4>"], "<_5>"),
    };
    let said = process::said(&program, "--version")?;
    let version: Vec<&str> = said.split(' ').take(3).collect();
    Ok(Some(Peer {
        name: "Redis",
        version: version.join(" "),
        settings: SETTINGS.join(", "),
        address,
        forms: vec![Form {
            name: "Redis",
            ways: CONNECTIONS.map(way).to_vec(),
        }],
        protocol: PROTOCOL,
        books: bytes(&["EVAL", BOOKS, "0"]),
        process,
    }))
}

/// Has the server keep the script; gives the name it gives it.
pub(super) async fn load(connection: &mut Connection) -> Result<String> {
    ask(connection, &bytes(&["SCRIPT", "LOAD", RESERVE])).await
}

/// One reservation of one piece of each of these keys.
pub(super) fn reserve(script: &str, request: &str, keys: &[&str], seconds: &str) -> Template {
    let request = format!("request:{request}");
    let stock: Vec<String> = keys.iter().map(|key| format!("stock:{key}")).collect();
    let count = (keys.len() + 2).to_string();
    let mut parts = vec!["EVALSHA", script, &count, &request, "deadlines"];
    parts.extend(stock.iter().map(String::as_str));
    parts.push(seconds);
    parts.extend(keys.iter().map(|_| "1"));
    command(&parts)
}

/// A command: an array of texts, each behind its length. They may have slots.
fn command(parts: &[&str]) -> Template {
    let begun = Template::parse(&format!("*{}\r\n", parts.len()));
    parts.iter().fold(begun, |command, part| {
        let part = Template::parse(part);
        let length = format!("${}\r\n", part.bytes());
        command
            .then_bytes(length.as_bytes())
            .then(&part)
            .then_bytes(b"\r\n")
    })
}

/// A command whose parts mean themselves.
fn bytes(parts: &[&str]) -> Vec<u8> {
    let mut command = format!("*{}\r\n", parts.len());
    for part in parts {
        command += &format!("${}\r\n{part}\r\n", part.len());
    }
    command.into_bytes()
}

/// The answer, once it is all there.
fn head(received: &[u8]) -> io::Result<Option<Head>> {
    let Some(line_end) = received.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let line = received
        .get(1..line_end)
        .ok_or(io::ErrorKind::InvalidData)?;
    let (from, length) = match received[0] {
        b':' | b'+' | b'-' => (1, line.len()),
        b'$' => {
            let length = std::str::from_utf8(line)
                .ok()
                .and_then(|digits| digits.parse().ok());
            (line_end + 2, length.ok_or(io::ErrorKind::InvalidData)?)
        }
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    let Some(said) = received.get(from..from + length) else {
        return Ok(None);
    };
    let (status, behind) = match received[0] {
        b'-' => (500, 0),
        _ => status(said),
    };
    let (body_at, body_bytes) = (from + behind, length - behind);
    let whole = received[0] != b'$' || received.len() >= from + length + 2;
    Ok(whole.then_some(Head {
        status,
        body_at,
        body_bytes,
    }))
}
