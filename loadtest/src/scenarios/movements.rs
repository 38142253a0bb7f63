//! Tills and deliveries in batches of a thousand: durable lines a second over the wire.

use anyhow::Result;

use crate::bench::{Bench, whole};
use crate::books::Expected;
use crate::load::Phase;
use crate::result::{Aim, Figure};
use crate::shop::Shop;
use crate::workload::movements::Recorded;
use crate::workload::reserve::Placed;
use crate::workload::{Movements, Want};

/// Lines in a batch: as many as the contract allows.
pub const LINES: u64 = 1_000;

/// On hand at each key; more than a run can sell of any.
const PLENTY: u64 = 10_000_000;

/// Batches in turns with the yardstick, which says how fast the machine was meanwhile.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, 100, PLENTY);
    let server = bench.server_with(shop, &[]).await?;
    let (mut noops, mut batches) = (Vec::new(), Vec::new());
    let mut recorded = Recorded::default();
    for round in 1..=bench.sizes.rounds {
        let asked = bench.noop(&server, shop, Want::One(0), 1);
        let name = format!("noop {round}");
        let mut load = bench.load(&name, &server);
        load.connections = load.connections.max(64);
        noops.push(bench.drive(&load, asked).await?.0.per_second());

        let (keys, tag) = (bench.keys(shop)?, bench.tag());
        let sold = Movements::new(&server.target, shop, keys, LINES, tag);
        let name = format!("movements {round}");
        let load = bench.load(&name, &server);
        let (phase, sold) = bench.drive(&load, sold).await?;
        recorded += sold.recorded();
        batches.push(phase);
    }
    let lines = |phase: &Phase| phase.per_second() * 1e3;
    let rates = batches.iter().map(lines).collect();
    let aim = Aim::AtLeast(350_000.0);
    bench.figure(Figure::new("movements", "durable lines/s", rates).aiming(aim));
    let p99s = batches
        .iter()
        .map(|phase| phase.kind("batch").latency.p99_ms);
    bench.figure(Figure::new("a batch, p99", "ms", p99s.collect()));
    bench.figure(Figure::new("noop", "requests/s", noops));
    let expected = Expected {
        sold: whole(recorded.applied),
        unknown: whole(recorded.unknown),
        tills: true,
        ..bench.expect_held(Placed::default())
    };
    bench.finish(server, expected).await
}
