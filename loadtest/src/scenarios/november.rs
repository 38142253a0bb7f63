//! A November day, for a while (`mixed`) and for long (`soak`).

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::books::Expected;
use crate::load::Phase;
use crate::result::Figure;
use crate::server::Server;
use crate::shop::Shop;
use crate::usage;
use crate::workload::Day;
use crate::workload::day::{ABANDONED_SECONDS, Dealt};
use crate::workload::reserve::Placed;

/// On hand at each key; more than a day can sell of any.
const PLENTY: u64 = 10_000_000;

/// Parts of a soak; memory is looked at after each.
const PARTS: u64 = 10;

/// How long after its deadline the last abandoned cart is certainly gone.
const SETTLE: Duration = Duration::from_secs(ABANDONED_SECONDS + 2);

/// The day at one rate.
pub async fn mixed(bench: &mut Bench) -> Result<()> {
    let (shop, server) = open(bench).await?;
    let (keys, tag) = (bench.keys(shop)?, bench.tag());
    let mut day = Day::new(&server.target, shop, keys, tag);
    let mut phases = Vec::new();
    for round in 1..=bench.sizes.rounds {
        let name = format!("mixed {round}");
        let rate = bench.sizes.rate;
        let load = bench.open_load(&name, &server, rate);
        let (phase, lived) = bench.drive(&load, day).await?;
        day = lived;
        phases.push(phase);
    }
    for kind in ["read", "reserve", "confirm", "release", "sale"] {
        let of = |phase: &Phase| phase.kind(kind).latency.clone();
        let medians = phases.iter().map(|phase| of(phase).p50_ms).collect();
        bench.figure(Figure::new(format!("{kind}, median"), "ms", medians));
        let p99s = phases.iter().map(|phase| of(phase).p99_ms).collect();
        bench.figure(Figure::new(format!("{kind}, p99"), "ms", p99s));
    }
    bench.figure(Figure::new(
        "all requests",
        "requests/s",
        phases.iter().map(Phase::per_second).collect(),
    ));
    close(bench, server, day.dealt()).await
}

/// The day in parts, with memory and latency watched.
pub async fn soak(bench: &mut Bench) -> Result<()> {
    let (shop, server) = open(bench).await?;
    let (keys, tag) = (bench.keys(shop)?, bench.tag());
    let mut day = Day::new(&server.target, shop, keys, tag);
    let (mut memory, mut p99s, mut requests) = (Vec::new(), Vec::new(), 0.0);
    for part in 1..=PARTS {
        let name = format!("soak {part} of {PARTS}");
        let rate = bench.sizes.rate;
        let mut load = bench.open_load(&name, &server, rate);
        load.duration = Some(bench.sizes.duration().div_f64(10.0));
        let (phase, lived) = bench.drive(&load, day).await?;
        day = lived;
        p99s.push(phase.kind("reserve").latency.p99_ms);
        if part > 1 {
            requests += phase.per_second() * phase.seconds;
        }
        if let Some(process) = server.process {
            #[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
            memory.push(usage::memory(process)?.anonymous as f64);
        }
    }
    if let (Some(first), Some(last)) = (memory.first(), memory.last()) {
        let growth = (last - first) / requests.max(1.0) * 1e3;
        bench.figure(Figure::new(
            "growth after the first part",
            "bytes/1000 requests",
            vec![growth],
        ));
    }
    let mib = memory.iter().map(|bytes| bytes / 1024.0 / 1024.0).collect();
    bench.figure(Figure::new("memory, part by part", "MiB", mib));
    bench.figure(Figure::new("reserve p99, part by part", "ms", p99s));
    bench.outcome.notes.push(
        "a reservation is remembered for 24 hours after it resolves, and an Idempotency-Key as \
         long: memory grows by these until the first are forgotten"
            .into(),
    );
    close(bench, server, day.dealt()).await
}

async fn open(bench: &mut Bench) -> Result<(Shop, Server)> {
    let shop = Shop::of(bench.sizes.keys, 100, PLENTY);
    Ok((shop, bench.server_with(shop, &[]).await?))
}

/// Waits until what was abandoned has lapsed, then the books.
async fn close(bench: &mut Bench, server: Server, dealt: Dealt) -> Result<()> {
    tokio::time::sleep(SETTLE).await;
    let before = bench.expect_held(Placed::default());
    let expected = Expected {
        sold: dealt.sold,
        held: before.held + dealt.held,
        committed: before.committed + dealt.committed,
        unknown: dealt.unknown,
        tills: true,
        ..before
    };
    bench.finish(server, expected).await
}
