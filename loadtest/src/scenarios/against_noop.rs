//! Reservations measured against the yardstick: the same requests, in turns, to `/v1/noop` of the
//! same server. What the machine does meanwhile to one, it does to the other; the ratio stays.

use anyhow::Result;

use crate::bench::Bench;
use crate::load::Phase;
use crate::result::{Aim, Figure, median};
use crate::server::Server;
use crate::shop::Shop;
use crate::workload::Want;
use crate::workload::reserve::Placed;

/// More than all requests of a run could take, so that every reservation succeeds.
const PLENTY: u64 = 10_000_000;

/// Keys of the flash sales: each round sells another one, as a key holds only so many.
const SALES: u64 = 1_000;

/// How keys are wanted.
#[derive(Clone, Copy)]
enum Demand {
    OneAtATime,
    Any,
}

/// A scenario of this family.
struct Plan {
    shop: Shop,
    demand: Demand,
    lines: usize,
    ratio_min: Option<f64>,
}

/// The yardstick by itself.
pub async fn noop(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(SALES, 1, PLENTY);
    let server = bench.server_with(shop, &[]).await?;
    let mut phases = Vec::new();
    for round in 1..=bench.sizes.rounds {
        let asked = bench.noop(&server, shop, Want::One(0), 1);
        let name = format!("noop {round}");
        let load = bench.load(&name, &server);
        phases.push(bench.drive(&load, asked).await?.0);
    }
    bench.figure(Figure::new("noop", "requests/s", rates(&phases)));
    bench.figure(Figure::new("noop p99", "ms", p99s(&phases)));
    let expected = bench.expect_held(Placed::default());
    bench.finish(server, expected).await
}

/// One caller alone: how long a durable answer takes.
pub async fn alone(bench: &mut Bench) -> Result<()> {
    let plan = Plan {
        shop: Shop::of(SALES, 1, PLENTY),
        demand: Demand::OneAtATime,
        lines: 1,
        ratio_min: None,
    };
    let server = bench.server_with(plan.shop, &[]).await?;
    let rounds = alternate(bench, &server, &plan).await?;
    let aim = Aim::AtMost(bench.outcome.machine.fdatasync_ms + 0.2);
    let medians = |phases: &[Phase]| -> Vec<f64> {
        let kinds = phases.iter().map(|phase| phase.kind("reserve"));
        kinds.map(|kind| kind.latency.p50_ms).collect()
    };
    bench.figure(Figure::new("alone, median", "ms", medians(&rounds.phases)).aiming(aim));
    bench.figure(Figure::new("alone, p99", "ms", p99s(&rounds.phases)));
    bench.figure(Figure::new(
        "noop alone, median",
        "ms",
        medians(&rounds.noops),
    ));
    let fdatasync = bench.outcome.machine.fdatasync_ms;
    bench.figure(Figure::new(
        "fdatasync of one record, median",
        "ms",
        vec![fdatasync],
    ));
    let expected = bench.expect_held(rounds.placed);
    bench.finish(server, expected).await
}

/// A flash sale on one key.
pub async fn hot(bench: &mut Bench) -> Result<()> {
    let plan = Plan {
        shop: Shop::of(SALES, 1, PLENTY),
        demand: Demand::OneAtATime,
        lines: 1,
        ratio_min: Some(0.80),
    };
    measure(bench, &plan).await
}

/// Reservations over many keys.
pub async fn spread(bench: &mut Bench) -> Result<()> {
    let plan = Plan {
        shop: Shop::of(bench.sizes.keys, 100, PLENTY),
        demand: Demand::Any,
        lines: 1,
        ratio_min: Some(0.75),
    };
    measure(bench, &plan).await
}

/// Reservations of three lines.
pub async fn basket(bench: &mut Bench) -> Result<()> {
    let plan = Plan {
        shop: Shop::of(bench.sizes.keys, 10, PLENTY),
        demand: Demand::Any,
        lines: 3,
        ratio_min: Some(0.5),
    };
    measure(bench, &plan).await
}

/// What the rounds came to.
#[derive(Default)]
struct Rounds {
    noops: Vec<Phase>,
    phases: Vec<Phase>,
    placed: Placed,
}

async fn measure(bench: &mut Bench, plan: &Plan) -> Result<()> {
    let server = bench.server_with(plan.shop, &[]).await?;
    let mut rounds = alternate(bench, &server, plan).await?;
    compare(bench, &rounds, plan.ratio_min);

    let peak = median(&rates(&rounds.phases));
    let rate = match bench.sizes.rate {
        0.0 => (peak / 2.0).max(1.0),
        asked => asked,
    };
    let want = want(bench, plan, bench.sizes.rounds)?;
    let asked = bench.reserve(&server, plan.shop, want, plan.lines);
    let load = bench.open_load("on schedule", &server, rate);
    let (phase, asked) = bench.drive(&load, asked).await?;
    rounds.placed += asked.placed();
    let latency = &phase.kind("reserve").latency;
    let name = bench.outcome.scenario.clone();
    for (quantile, value) in [("median", latency.p50_ms), ("p99", latency.p99_ms)] {
        let said = format!("{name} at {rate:.0}/s on schedule, {quantile}");
        bench.figure(Figure::new(said, "ms", vec![value]));
    }
    let expected = bench.expect_held(rounds.placed);
    bench.finish(server, expected).await
}

/// Yardstick and scenario in turns; who begins changes each round, so that a machine that slows
/// down or speeds up favours neither.
async fn alternate(bench: &mut Bench, server: &Server, plan: &Plan) -> Result<Rounds> {
    let mut rounds = Rounds::default();
    let scenario = bench.outcome.scenario.clone();
    for round in 0..bench.sizes.rounds {
        for is_noop in [round % 2 == 0, round % 2 == 1] {
            let want = want(bench, plan, round)?;
            if is_noop {
                let asked = bench.noop(server, plan.shop, want, plan.lines);
                let name = format!("noop {}", round + 1);
                let load = bench.load(&name, server);
                rounds.noops.push(bench.drive(&load, asked).await?.0);
            } else {
                let asked = bench.reserve(server, plan.shop, want, plan.lines);
                let name = format!("{scenario} {}", round + 1);
                let load = bench.load(&name, server);
                let (phase, asked) = bench.drive(&load, asked).await?;
                rounds.placed += asked.placed();
                rounds.phases.push(phase);
            }
        }
    }
    Ok(rounds)
}

fn want(bench: &mut Bench, plan: &Plan, round: u64) -> Result<Want> {
    Ok(match plan.demand {
        Demand::OneAtATime => Want::One(round % plan.shop.keys()),
        Demand::Any => Want::Any(bench.keys(plan.shop)?),
    })
}

/// Adds the figures of a comparison with the yardstick.
fn compare(bench: &mut Bench, rounds: &Rounds, ratio_min: Option<f64>) {
    let Rounds { noops, phases, .. } = rounds;
    let name = bench.outcome.scenario.clone();
    let (base, rate) = (rates(noops), rates(phases));
    let ratios = rate
        .iter()
        .zip(&base)
        .map(|(rate, base)| rate / base.max(1.0));
    let ratio = Figure::new(format!("{name} / noop"), "of the rate", ratios.collect());
    bench.figure(match ratio_min {
        Some(bound) => ratio.aiming(Aim::AtLeast(bound)),
        None => ratio,
    });
    bench.figure(Figure::new(name.clone(), "requests/s", rate));
    bench.figure(Figure::new("noop", "requests/s", base));
    bench.figure(Figure::new(
        format!("{name} p99 at its peak"),
        "ms",
        p99s(phases),
    ));
    // Of a server that runs already it is known only with --process.
    if bench.options.running.is_some() && bench.options.process.is_none() {
        return;
    }
    let cost = |phases: &[Phase]| phases.iter().map(Phase::server_micros).collect();
    bench.figure(Figure::new(
        format!("{name}, server time a request"),
        "µs",
        cost(phases),
    ));
    bench.figure(Figure::new(
        "noop, server time a request",
        "µs",
        cost(noops),
    ));
}

fn rates(phases: &[Phase]) -> Vec<f64> {
    phases.iter().map(Phase::per_second).collect()
}

fn p99s(phases: &[Phase]) -> Vec<f64> {
    let kinds = phases.iter().map(|phase| phase.kind("reserve"));
    kinds.map(|kind| kind.latency.p99_ms).collect()
}
