//! What a load costs: processor time and memory, from `/proc`. On a machine where the generator
//! shares the cores with the server, and others may run too, a rate means little without it.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::clock;

/// Processor time so far.
pub struct Usage {
    at: Instant,
    server: f64,
    generator: f64,
    machine: f64,
    stolen: f64,
}

/// Processor time of an interval, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Used {
    /// Length of the interval.
    pub seconds: f64,
    /// The server's processor time.
    pub server_cpu_seconds: f64,
    /// The generator's own; near `seconds` means that it, not the server, was the limit.
    pub generator_cpu_seconds: f64,
    /// That of all other processes, and of the kernel for them: noise.
    pub others_cpu_seconds: f64,
    /// What the machine's host kept from it. Hosts that grant a machine so much of each tenth of a
    /// second, its disk's work included, stop all its processors when that is used up.
    pub stolen_cpu_seconds: f64,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Memory {
    /// Resident.
    pub resident: u64,
    /// Resident and its own: without files that are mapped.
    pub anonymous: u64,
}

impl Usage {
    /// Reads the counters; `server` is its process, if it may be looked at.
    ///
    /// # Errors
    /// The process is gone.
    pub fn read(server: Option<u32>) -> Result<Usage> {
        let (machine, stolen) = machine()?;
        Ok(Usage {
            at: clock::now(),
            server: server.map_or(Ok(0.0), with_children)?,
            generator: process(std::process::id())?,
            machine,
            stolen,
        })
    }

    /// What was used since.
    ///
    /// # Errors
    /// The process is gone.
    pub fn until_now(&self, server: Option<u32>) -> Result<Used> {
        let now = Usage::read(server)?;
        let (server, generator) = (now.server - self.server, now.generator - self.generator);
        let others = now.machine - self.machine - server - generator;
        Ok(Used {
            seconds: now.at.saturating_duration_since(self.at).as_secs_f64(),
            server_cpu_seconds: server,
            generator_cpu_seconds: generator,
            others_cpu_seconds: others.max(0.0),
            stolen_cpu_seconds: now.stolen - self.stolen,
        })
    }
}

impl Used {
    /// Whether the generator had no time left: then it measured itself.
    pub fn is_generator_bound(&self) -> bool {
        self.seconds >= 0.5 && self.generator_cpu_seconds > 0.95 * self.seconds
    }
}

/// Memory of a process now.
///
/// # Errors
/// The process is gone.
pub fn memory(process: u32) -> Result<Memory> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .with_context(|| format!("{path} does not say {name}"))
    };
    Ok(Memory {
        resident: bytes("VmRSS:")?,
        anonymous: bytes("RssAnon:")?,
    })
}

/// Memory of the kernel for all TCP sockets of this machine, in bytes: what waits in them.
///
/// # Errors
/// The system does not say.
pub fn kernel_tcp() -> Result<u64> {
    let path = "/proc/net/sockstat";
    let said = fs::read_to_string(path).context(path)?;
    let line = said.lines().find_map(|line| line.strip_prefix("TCP:"));
    let mut words = line.unwrap_or_default().split_whitespace();
    let pages = words.find(|word| *word == "mem").and(words.next());
    let pages = pages.and_then(|pages| pages.parse::<u64>().ok());
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(0);
    let pages = pages.with_context(|| format!("{path} does not say mem"))?;
    Ok(pages * page)
}

/// Processor time of a process and of those it started: some servers have one for each connection.
fn with_children(id: u32) -> Result<f64> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|id| id.parse().ok());
    // One may have ended since.
    let theirs: f64 = children.filter_map(|id| process(id).ok()).sum();
    Ok(process(id)? + theirs)
}

/// Processor time of a process in seconds: its own and the kernel's for it.
fn process(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name, in parentheses, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    Ok(seconds(ticks))
}

/// Processor time of all processes in seconds, and what was stolen.
fn machine() -> Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let all = stat.lines().next().unwrap_or_default();
    let fields: Vec<&str> = all.split_whitespace().skip(1).collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal
    let busy = [0, 1, 2, 5, 6].map(|field| fields.get(field).copied().unwrap_or("0"));
    let stolen = fields.get(7).copied();
    Ok((seconds(busy.into_iter()), seconds(stolen.into_iter())))
}

#[expect(clippy::cast_precision_loss, reason = "ticks are far below 2^52")]
fn seconds<'a>(ticks: impl Iterator<Item = &'a str>) -> f64 {
    let sum: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    sum as f64 / rustix::param::clock_ticks_per_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_uses_is_seen() {
        let before = Usage::read(None).unwrap();
        let mut work = 0_u64;
        while before.until_now(None).unwrap().generator_cpu_seconds < 0.05 {
            work = work.wrapping_mul(31).wrapping_add(7);
        }
        let used = before.until_now(Some(std::process::id())).unwrap();
        assert!(used.seconds >= 0.04, "{used:?} {work}");
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.anonymous > 0 && memory.resident >= memory.anonymous);
    }
}
