//! Drives load at a server: closed, each caller asking again as soon as it is answered, or open,
//! requests arriving on a schedule that no slow answer holds up. It must not know what is asked.
//!
//! All of a load runs on one thread, which leaves the other cores to the server. Open arrivals are
//! a Poisson stream; a request that finds no free connection waits for one, and that wait counts:
//! its latency runs from when it should have been sent.

mod arrivals;
mod tally;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use crate::clock;
use crate::connection::{Answer, Connection, Protocol};
use crate::progress;
use crate::usage::{Usage, Used};
use arrivals::Arrivals;
use tally::{Fate, Tally};
pub use tally::{Measured, Progress};

/// Connections lost in a row after which there is no point in going on.
const LOST_MAX: u32 = 20;

/// What is asked, and what becomes of it.
pub trait Workload {
    /// The kinds of request it makes.
    fn kinds(&self) -> &'static [&'static str];

    /// Writes the next request over what `out` held and says its kind; none when it has no more.
    fn next(&mut self, out: &mut Vec<u8>) -> Option<usize>;

    /// Hears the answer to a request; none if the connection was lost.
    fn answered(&mut self, kind: usize, answer: Option<&Answer<'_>>);
}

/// How requests are paced.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each connection asks again at once.
    Closed,
    /// Poisson arrivals at this rate.
    Open {
        /// Requests a second.
        per_second: f64,
        /// Of the stream.
        seed: u64,
    },
}

/// A load to drive.
#[derive(Clone, Debug)]
pub struct Load {
    /// What the progress and the result call it.
    pub name: String,
    /// The server.
    pub address: std::net::SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
    /// Its process, if it may be looked at.
    pub process: Option<u32>,
    /// Connections kept open.
    pub connections: usize,
    /// How requests are paced.
    pub pace: Pace,
    /// How long requests run before they are measured.
    pub warm_up: Duration,
    /// How long they are measured; none until the workload has no more.
    pub duration: Option<Duration>,
}

/// What a load came to.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How requests were paced, in words.
    pub pace: String,
    /// How long was measured.
    pub seconds: f64,
    /// By kind of request.
    pub kinds: Vec<Measured>,
    /// What it cost meanwhile.
    pub used: Used,
    /// How late the generator itself was to send, 99th percentile; zero under closed load.
    pub pacing_p99_ms: f64,
    /// The most requests that waited for a free connection.
    pub backlog_max: usize,
}

impl Phase {
    /// Answers a second of all kinds.
    pub fn per_second(&self) -> f64 {
        self.kinds.iter().map(|kind| kind.per_second).sum()
    }

    /// The server's processor time for one request, in microseconds; the machine's noise changes
    /// it least.
    pub fn server_micros(&self) -> f64 {
        let requests = self.per_second() * self.used.seconds;
        self.used.server_cpu_seconds * 1e6 / requests.max(1.0)
    }

    /// What was measured of a kind.
    ///
    /// # Panics
    /// There is no such kind: a bug.
    pub fn kind(&self, name: &str) -> &Measured {
        let found = self.kinds.iter().find(|kind| kind.kind == name);
        found.expect("the workload makes requests of this kind")
    }

    /// Answers that are neither success nor refusal, and lost connections.
    pub fn troubles(&self) -> u64 {
        self.kinds.iter().map(Measured::troubles).sum()
    }

    /// What they were, in words.
    pub fn troubles_in_words(&self) -> String {
        let words = self.kinds.iter().flat_map(Measured::troubles_in_words);
        words.collect::<Vec<_>>().join(", ")
    }
}

struct Shared<W> {
    workload: Rc<RefCell<W>>,
    tally: RefCell<Tally>,
    arrivals: Option<Arrivals>,
    stopping: Cell<bool>,
    lost_in_a_row: Cell<u32>,
}

/// Runs a load to its end. To be awaited inside a `LocalSet`.
///
/// # Errors
/// The server cannot be reached, or connections are lost again and again.
pub async fn run<W: Workload + 'static>(load: &Load, workload: &Rc<RefCell<W>>) -> Result<Phase> {
    let connections = open(load).await?;
    let start = clock::now();
    let from = start + load.warm_up;
    let until = load.duration.map(|duration| from + duration);
    let kinds = workload.borrow().kinds();
    let shared = Rc::new(Shared {
        workload: workload.clone(),
        tally: RefCell::new(Tally::new(kinds, from)),
        arrivals: matches!(load.pace, Pace::Open { .. }).then(Arrivals::default),
        stopping: Cell::new(false),
        lost_in_a_row: Cell::new(0),
    });
    if let Some(until) = until {
        shared.tally.borrow_mut().close(until);
    }
    let mut callers = JoinSet::new();
    for connection in connections {
        callers.spawn_local(call(shared.clone(), connection));
    }
    if let Pace::Open { per_second, seed } = load.pace {
        callers.spawn_local(pace(shared.clone(), per_second, seed, until));
    }
    let used = measure(load, &shared, &mut callers, from, until).await?;
    let ended = clock::now();
    let tally = shared.tally.borrow();
    Ok(Phase {
        name: load.name.clone(),
        pace: load.words(),
        seconds: until
            .unwrap_or(ended)
            .saturating_duration_since(from)
            .as_secs_f64(),
        kinds: tally.measured(ended),
        used,
        pacing_p99_ms: tally.pacing_p99_ms(),
        backlog_max: shared.arrivals.as_ref().map_or(0, Arrivals::backlog_max),
    })
}

/// Runs a load to its end and gives the workload back.
///
/// # Errors
/// As `run`.
pub async fn drive<W: Workload + 'static>(load: &Load, workload: W) -> Result<(Phase, W)> {
    let workload = Rc::new(RefCell::new(workload));
    let phase = run(load, &workload).await?;
    let workload = Rc::into_inner(workload).context("a caller outlived its load: a bug")?;
    Ok((phase, workload.into_inner()))
}

/// The same on a thread of its own: it keeps its schedule whatever this thread is busy with.
///
/// # Errors
/// As `run`.
pub async fn drive_apart<W: Workload + Send + 'static>(
    load: Load,
    workload: W,
) -> Result<(Phase, W)> {
    let apart = move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, drive(&load, workload))
    };
    tokio::task::spawn_blocking(apart).await?
}

impl Load {
    fn words(&self) -> String {
        let connections = self.connections;
        match self.pace {
            Pace::Closed => format!("closed, {connections} connections"),
            Pace::Open { per_second, .. } => {
                format!("open, {per_second:.0}/s over {connections} connections")
            }
        }
    }
}

async fn open(load: &Load) -> Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let mut connection = Connection::speaking(load.address, load.protocol.clone());
        let opened = connection.open().await;
        opened.with_context(|| format!("cannot connect to {}", load.address))?;
        connections.push(connection);
    }
    Ok(connections)
}

/// Waits for the end of the load with a line of progress a second; gives what was used inside
/// the window.
async fn measure<W: Workload + 'static>(
    load: &Load,
    shared: &Rc<Shared<W>>,
    callers: &mut JoinSet<Result<()>>,
    from: Instant,
    until: Option<Instant>,
) -> Result<Used> {
    let mut before = None;
    let mut used = None;
    let mut next_line = clock::now() + Duration::from_secs(1);
    while !callers.is_empty() {
        let now = clock::now();
        if now >= from && before.is_none() {
            before = Some(Usage::read(load.process)?);
        }
        if until.is_some_and(|until| now >= until) && used.is_none() {
            used = before
                .as_ref()
                .map(|before| before.until_now(load.process))
                .transpose()?;
            shared.stopping.set(true);
            shared.arrivals.iter().for_each(Arrivals::close);
        }
        if now >= next_line {
            let ahead = until.map(|until| until.saturating_duration_since(now));
            progress::load(&load.name, ahead, &shared.tally.borrow_mut().progress());
            next_line = now + Duration::from_secs(1);
        }
        let marks = [
            Some(next_line),
            before.is_none().then_some(from),
            until.filter(|_| used.is_none()),
        ];
        let wake = marks.into_iter().flatten().min().unwrap_or(next_line);
        tokio::select! {
            () = tokio::time::sleep_until(wake.into()) => {}
            Some(ended) = callers.join_next() => ended.context("a caller panicked")??,
        }
    }
    let used = match (used, before) {
        (Some(used), _) => used,
        (None, Some(before)) => before.until_now(load.process)?,
        (None, None) => Used::default(),
    };
    Ok(used)
}

/// One caller: a connection that asks until it is told to stop or there is no more to ask.
async fn call<W: Workload>(shared: Rc<Shared<W>>, mut connection: Connection) -> Result<()> {
    let mut request = Vec::with_capacity(1024);
    loop {
        let intended = match &shared.arrivals {
            Some(arrivals) => match arrivals.take().await {
                Some(intended) => Some(intended),
                None => return Ok(()),
            },
            None if shared.stopping.get() => return Ok(()),
            None => None,
        };
        let Some(kind) = shared.workload.borrow_mut().next(&mut request) else {
            shared.arrivals.iter().for_each(Arrivals::close);
            return Ok(());
        };
        let sent = intended.unwrap_or_else(clock::now);
        let answer = connection.exchange(&request).await;
        let done = clock::now();
        let fate = Fate {
            kind,
            status: answer.as_ref().ok().map(|answer| answer.status),
            sent,
            done,
        };
        shared
            .tally
            .borrow_mut()
            .count(fate, intended.unwrap_or(done));
        let mut workload = shared.workload.borrow_mut();
        workload.answered(kind, answer.as_ref().ok());
        drop(workload);
        match answer {
            Ok(_) => shared.lost_in_a_row.set(0),
            Err(error) => give_up(&shared.lost_in_a_row, &error)?,
        }
    }
}

fn give_up(lost_in_a_row: &Cell<u32>, error: &std::io::Error) -> Result<()> {
    lost_in_a_row.set(lost_in_a_row.get() + 1);
    if lost_in_a_row.get() > LOST_MAX {
        bail!("{LOST_MAX} connections were lost in a row, the last: {error}");
    }
    Ok(())
}

/// Lets requests arrive on their schedule.
async fn pace<W: Workload>(
    shared: Rc<Shared<W>>,
    per_second: f64,
    seed: u64,
    until: Option<Instant>,
) -> Result<()> {
    let arrivals = shared.arrivals.as_ref().expect("the load is open");
    let timer = clock::Timer::new()?;
    let mut schedule = arrivals::Schedule::new(per_second, seed)
        .ok_or_else(|| anyhow!("a rate must be above zero"))?;
    let mut intended = clock::now();
    while !arrivals.is_closed() {
        intended += schedule.gap();
        if until.is_some_and(|until| intended > until) {
            return Ok(());
        }
        timer.until(intended).await?;
        let late = clock::now().saturating_duration_since(intended);
        shared.tally.borrow_mut().paced(late);
        if !arrivals.add(intended) {
            bail!("the server is too slow for {per_second:.0} requests a second: too many wait");
        }
    }
    Ok(())
}
