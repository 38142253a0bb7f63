//! What counting costs: a flash sale at a server as it comes, its metrics read meanwhile, in turns
//! with one that counts nothing and is not asked.

use anyhow::Result;

use crate::bench::Bench;
use crate::load::Phase;
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::workload::Want;
use crate::workload::reserve::Placed;

/// Keys of the sales: each phase sells another one, as a key holds only so many.
const SALES: u64 = 1_000;

/// On hand at each key; more than a run can hold of any.
const PLENTY: u64 = 10_000_000;

/// A server, and what became of its rounds.
struct Side {
    name: &'static str,
    server: Server,
    phases: Vec<Phase>,
    placed: Placed,
}

/// The same sale with and without; who begins changes each round.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(SALES, 1, PLENTY);
    let counting = bench.own_server(&[]).await?;
    bench.stock(&counting, shop).await?;
    let off = ("ONHAND_TELEMETRY_COUNTING", "false".to_owned());
    let silent = bench.another_server(&[off]).await?;
    bench.stock(&silent, shop).await?;
    silent.leave_alone();
    let mut sides = [("counting", counting), ("silent", silent)].map(|(name, server)| Side {
        name,
        server,
        phases: Vec::new(),
        placed: Placed::default(),
    });
    for round in 0..bench.sizes.rounds {
        for side in &mut sides {
            sell(bench, shop, round, side).await?;
        }
        sides.reverse();
    }
    sides.sort_by_key(|side| side.name);
    compare(bench, &sides);
    for side in sides {
        let expected = bench.expect_held(side.placed);
        bench.finish(side.server, expected).await?;
    }
    Ok(())
}

async fn sell(bench: &mut Bench, shop: Shop, round: u64, side: &mut Side) -> Result<()> {
    let want = Want::One(round % shop.keys());
    let asked = bench.reserve(&side.server, shop, want, 1);
    let name = format!("{} {}", side.name, round + 1);
    let load = bench.load(&name, &side.server);
    let (phase, asked) = bench.drive(&load, asked).await?;
    side.placed += asked.placed();
    side.phases.push(phase);
    Ok(())
}

fn compare(bench: &mut Bench, [counting, silent]: &[Side; 2]) {
    let pairs = || counting.phases.iter().zip(&silent.phases);
    let rates = pairs().map(|(with, without)| with.per_second() / without.per_second().max(1.0));
    let ratio = Figure::new("counting / silent", "of the rate", rates.collect());
    bench.figure(ratio.aiming(Aim::AtLeast(0.95)));
    let costs = pairs().map(|(with, without)| with.server_micros() - without.server_micros());
    bench.figure(Figure::new(
        "what counting adds, server time a request",
        "µs",
        costs.collect(),
    ));
    for side in [counting, silent] {
        let rates = side.phases.iter().map(Phase::per_second).collect();
        bench.figure(Figure::new(side.name, "requests/s", rates));
        let costs = side.phases.iter().map(Phase::server_micros).collect();
        let name = format!("{}, server time a request", side.name);
        bench.figure(Figure::new(name, "µs", costs));
    }
}
