//! A restart under many followers: how soon has each its state again, and do tills notice?
//!
//! Each round stops the server as a release does, and starts it again; then kills it as a power
//! cut would, and starts it again. Followers come back as the contract says. A till sells one
//! piece at a time, on schedule, from the moment the server is ready until all are back.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::feed::settings;
use crate::bench::{Bench, whole};
use crate::books::Expected;
use crate::clock;
use crate::connection::Answer;
use crate::feed::{Crowd, Places};
use crate::load::{self, Workload};
use crate::open_files;
use crate::progress;
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::workload::Movements;
use crate::workload::movements::Recorded;
use crate::workload::reserve::Placed;

/// On hand at each key; more than a run can sell of any.
const PLENTY: u64 = 10_000_000;

/// How long all may take to come back before it is given up.
const BACK_MAX: Duration = Duration::from_secs(120);

/// How long a follower may stall: no shorter than by default.
const STALLED: Duration = Duration::from_secs(10);

/// How the server goes.
#[derive(Clone, Copy)]
enum End {
    Stop,
    Kill9,
}

/// What one way of going came to, round by round.
#[derive(Default)]
struct Rounds {
    gone: Vec<f64>,
    back: Vec<f64>,
    half_back: Vec<f64>,
    till_p99s: Vec<f64>,
}

/// One crowd through all restarts.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, 1, PLENTY);
    let fit = open_files::admit(bench.sizes.connections)?;
    ensure!(
        fit == bench.sizes.connections,
        "a process may have too few files open for {} followers: {fit} with --connections",
        bench.sizes.connections
    );
    let mut server = bench.own_server(&settings(STALLED)).await?;
    bench.stock(&server, shop).await?;
    let count = bench.sizes.connections();
    progress::say(format_args!("  opening {count} sockets"));
    let crowd = Rc::new(Crowd::open(&server.target, shop, Places::Spread(count, 1)).await?);

    let mut recorded = Recorded::default();
    let (mut stops, mut kills) = (Rounds::default(), Rounds::default());
    for _ in 0..bench.sizes.rounds {
        for (end, rounds) in [(End::Stop, &mut stops), (End::Kill9, &mut kills)] {
            let (again, sold) = restart(bench, server, shop, &crowd, end, rounds).await?;
            server = again;
            recorded += sold;
        }
    }
    bench.outcome.breaches.extend(crowd.breaches());
    drop(crowd);
    figures(bench, "a stop", stops, Some(10.0));
    figures(bench, "kill -9", kills, None);
    let expected = Expected {
        sold: whole(recorded.applied),
        unknown: whole(recorded.unknown),
        tills: true,
        ..bench.expect_held(Placed::default())
    };
    bench.finish(server, expected).await
}

/// Ends the server, starts it again and sells until all are back.
async fn restart(
    bench: &mut Bench,
    server: Server,
    shop: Shop,
    crowd: &Rc<Crowd>,
    end: End,
    rounds: &mut Rounds,
) -> Result<(Server, Recorded)> {
    let listen = server.target.address;
    crowd.expect_storm();
    let gone = clock::now();
    let name = match end {
        End::Stop => {
            server.stop_meanwhile().await?;
            "a stop"
        }
        End::Kill9 => {
            server.kill9()?;
            "kill -9"
        }
    };
    let server = bench.own_server_at(listen, &settings(STALLED)).await?;
    let ready = clock::now();

    let (keys, tag) = (bench.keys(shop)?, bench.tag());
    let is_over = Arc::new(AtomicBool::new(false));
    let till = UntilBack {
        sales: Movements::new(&server.target, shop, keys, 1, tag),
        is_over: is_over.clone(),
    };
    let name = format!("till after {name}");
    let rate = bench.sizes.rate;
    let mut load = bench.open_load(&name, &server, rate);
    load.connections = 4;
    load.warm_up = Duration::ZERO;
    load.duration = None;
    let returning = async {
        crowd.until_back(BACK_MAX).await;
        is_over.store(true, Ordering::Relaxed);
    };
    let (sold, ()) = tokio::join!(load::drive_apart(load, till), returning);
    let (phase, till) = sold?;
    bench.keep(&phase);
    crowd.until_complete(Duration::from_secs(1)).await?;
    let mut back: Vec<Duration> = crowd
        .end_storm()
        .iter()
        .map(|at| at.saturating_duration_since(ready))
        .collect();
    crowd.settle().await?;

    back.sort_unstable();
    let at = |place: usize| back.get(place).map_or(0.0, Duration::as_secs_f64);
    let (half, last) = (at(back.len() / 2), at(back.len().saturating_sub(1)));
    progress::say(format_args!("  {} are back after {last:.2} s", crowd.len()));
    rounds
        .gone
        .push(ready.saturating_duration_since(gone).as_secs_f64());
    rounds.half_back.push(half);
    rounds.back.push(last);
    rounds.till_p99s.push(phase.kind("batch").latency.p99_ms);
    Ok((server, till.sales.recorded()))
}

/// A till that sells until all followers are back.
struct UntilBack {
    sales: Movements,
    is_over: Arc<AtomicBool>,
}

impl Workload for UntilBack {
    fn kinds(&self) -> &'static [&'static str] {
        self.sales.kinds()
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let goes_on = !self.is_over.load(Ordering::Relaxed);
        goes_on.then(|| self.sales.next(out)).flatten()
    }

    fn answered(&mut self, kind: usize, answer: Option<&Answer<'_>>) {
        self.sales.answered(kind, answer);
    }
}

fn figures(bench: &mut Bench, after: &str, rounds: Rounds, aim: Option<f64>) {
    let back = Figure::new(format!("all back after {after}"), "s", rounds.back);
    bench.figure(match aim {
        Some(seconds) => back.aiming(Aim::AtMost(seconds)),
        None => back,
    });
    let half = Figure::new(format!("half of them after {after}"), "s", rounds.half_back);
    bench.figure(half);
    let p99 = Figure::new(format!("till p99 after {after}"), "ms", rounds.till_p99s);
    bench.figure(p99.aiming(Aim::AtMost(50.0)));
    let gone = Figure::new(format!("the server was gone by {after}"), "s", rounds.gone);
    bench.figure(gone);
}
