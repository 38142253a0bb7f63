//! A restart after kill -9 with a long tail to replay, and what a passive key costs in memory.

use anyhow::{Context, Result};

use super::movements::LINES;
use crate::bench::{Bench, whole};
use crate::books::Expected;
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::usage::{self, Memory};
use crate::workload::Movements;
use crate::workload::movements::Recorded;
use crate::workload::reserve::Placed;

/// On hand at each key; more than the tails can sell of any.
const PLENTY: u64 = 100_000;

/// Locations of the shop.
const LOCATIONS: u64 = 1_000;

/// Imports the shop, then writes a tail, kills and starts again, round by round.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let empty = bench.own_server(&[]).await?;
    let memory_empty = memory(&empty)?;
    empty.stop()?;

    let shop = Shop::of(bench.sizes.keys, LOCATIONS, PLENTY);
    let mut server = bench.own_server(&no_rounds()).await?;
    let took = bench.stock(&server, shop).await?;
    #[expect(clippy::cast_precision_loss, reason = "keys are far below 2^52")]
    let keys = shop.keys() as f64;
    bench.figure(Figure::new(
        "import",
        "lines/s",
        vec![keys / took.as_secs_f64()],
    ));
    server.stop()?;

    server = bench.own_server(&no_rounds()).await?;
    let mut clean = vec![server.ready_after.as_secs_f64()];
    let passive = memory(&server)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
    let per_key = |bytes: u64| vec![bytes as f64 / keys];
    let own = passive.anonymous.saturating_sub(memory_empty.anonymous);
    let figure = Figure::new("memory of a passive key", "bytes", per_key(own));
    bench.figure(figure.aiming(Aim::AtMost(300.0)));

    let (mut ready, mut after) = (Vec::new(), Vec::new());
    let mut recorded = Recorded::default();
    for round in 0..bench.sizes.rounds {
        if round > 0 {
            // Else the tail of the round before would be replayed with this one's.
            server.stop()?;
            server = bench.own_server(&no_rounds()).await?;
            clean.push(server.ready_after.as_secs_f64());
        }
        recorded += write_tail(bench, &server, shop).await?;
        server.kill9()?;
        server = bench.own_server(&no_rounds()).await?;
        ready.push(server.ready_after.as_secs_f64());
        after.extend(per_key(memory(&server)?.anonymous));
    }
    bench.figure(Figure::new("ready after a clean stop", "s", clean));
    bench.figure(Figure::new("ready after kill -9", "s", ready).aiming(Aim::AtMost(5.0)));
    bench.figure(Figure::new(
        "memory by key after kill -9, all counted",
        "bytes",
        after,
    ));
    bench.outcome.notes.push(format!(
        "memory is anonymous resident memory; an empty server's, {} MiB, is taken off where a \
         passive key is meant",
        memory_empty.anonymous / 1024 / 1024
    ));
    let expected = Expected {
        sold: whole(recorded.applied),
        unknown: whole(recorded.unknown),
        tills: true,
        ..bench.expect_held(Placed::default())
    };
    bench.finish(server, expected).await
}

/// Without snapshot rounds all that is written stays to be replayed.
fn no_rounds() -> [(&'static str, String); 1] {
    [("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "86400".into())]
}

async fn write_tail(bench: &mut Bench, server: &Server, shop: Shop) -> Result<Recorded> {
    let (keys, tag) = (bench.keys(shop)?, bench.tag());
    let lines = LINES.min(bench.sizes.tail);
    let sold = Movements::new(&server.target, shop, keys, lines, tag);
    let sold = sold.at_most(bench.sizes.tail.div_ceil(lines));
    let mut load = bench.load("writing the tail", server);
    load.connections = 16;
    load.warm_up = std::time::Duration::ZERO;
    load.duration = None;
    Ok(bench.drive(&load, sold).await?.1.recorded())
}

fn memory(server: &Server) -> Result<Memory> {
    usage::memory(server.process.context("a server of our own")?)
}
