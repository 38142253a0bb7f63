//! Product pages beside a flash sale: reads take published figures, so a sale should slow them no
//! more than it slows a request that touches no stock at all.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;

use crate::bench::Bench;
use crate::load::{self, Load, Phase, Workload};
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::workload::reserve::Placed;
use crate::workload::{Read, Reserve, Want};

/// On hand at each key; more than the sale can sell.
const PLENTY: u64 = 10_000_000;

/// Pages a second where their latency is compared.
const PAGES_PER_SECOND: f64 = 5_000.0;

/// The key that everyone wants.
const ON_SALE: u64 = 0;

#[derive(Default)]
struct Rounds {
    noop_rates: Vec<f64>,
    read_rates: Vec<f64>,
    quiet_p99s: Vec<f64>,
    sale_p99s: Vec<f64>,
    placed: Placed,
}

/// The yardstick and pages in turns, both beside the same sale; then pages on schedule with and
/// without it.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, 10, PLENTY);
    let server = bench.server_with(shop, &[]).await?;
    let mut rounds = Rounds::default();
    for round in 1..=bench.sizes.rounds {
        one_round(bench, &server, shop, round, &mut rounds).await?;
    }
    let pairs = rounds.read_rates.iter().zip(&rounds.noop_rates);
    let ratios = pairs.map(|(read, noop)| read / noop.max(1.0)).collect();
    let ratio = Figure::new("read / noop, both beside the sale", "of the rate", ratios);
    bench.figure(ratio.aiming(Aim::AtLeast(0.95)));
    let pairs = rounds.sale_p99s.iter().zip(&rounds.quiet_p99s);
    let ratios = pairs.map(|(sale, quiet)| sale / quiet.max(0.001)).collect();
    let ratio = Figure::new("read p99 beside the sale / without", "times", ratios);
    bench.figure(ratio.aiming(Aim::AtMost(1.2)));
    bench.figure(Figure::new(
        "read beside the sale",
        "requests/s",
        rounds.read_rates,
    ));
    bench.figure(Figure::new(
        "noop beside the sale",
        "requests/s",
        rounds.noop_rates,
    ));
    bench.figure(Figure::new(
        "read p99 without the sale",
        "ms",
        rounds.quiet_p99s,
    ));
    bench.figure(Figure::new(
        "read p99 beside the sale",
        "ms",
        rounds.sale_p99s,
    ));
    let expected = bench.expect_held(rounds.placed);
    bench.finish(server, expected).await
}

async fn one_round(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    round: u64,
    rounds: &mut Rounds,
) -> Result<()> {
    let name = format!("noop beside the sale {round}");
    let load = bench.load(&name, server);
    let asked = bench.noop(server, shop, Want::One(ON_SALE), 1);
    let (noop, placed) = beside_sale(bench, server, shop, &load, asked).await?;
    rounds.noop_rates.push(noop.per_second());
    rounds.placed += placed;

    let name = format!("read beside the sale {round}");
    let load = bench.load(&name, server);
    let asked = Read::new(&server.target, shop, bench.keys(shop)?);
    let (read, placed) = beside_sale(bench, server, shop, &load, asked).await?;
    rounds.read_rates.push(read.per_second());
    rounds.placed += placed;

    let name = format!("read on schedule {round}");
    let load = bench.open_load(&name, server, PAGES_PER_SECOND);
    let asked = Read::new(&server.target, shop, bench.keys(shop)?);
    let (quiet, _) = bench.drive(&load, asked).await?;
    rounds.quiet_p99s.push(quiet.kind("read").latency.p99_ms);

    let name = format!("read on schedule beside the sale {round}");
    let load = bench.open_load(&name, server, PAGES_PER_SECOND);
    let asked = Read::new(&server.target, shop, bench.keys(shop)?);
    let (sale, placed) = beside_sale(bench, server, shop, &load, asked).await?;
    rounds.sale_p99s.push(sale.kind("read").latency.p99_ms);
    rounds.placed += placed;
    Ok(())
}

/// A load, and beside it as long a flash sale on schedule.
async fn beside_sale<W: Workload + 'static>(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    load: &Load,
    asked: W,
) -> Result<(Phase, Placed)> {
    let asked = Rc::new(RefCell::new(asked));
    let sold = bench.reserve(server, shop, Want::One(ON_SALE), 1);
    let sold: Rc<RefCell<Reserve>> = Rc::new(RefCell::new(sold));
    let name = format!("the sale meanwhile ({})", load.name);
    let rate = bench.sizes.rate;
    let sale = bench.open_load(&name, server, rate);
    let (phase, sale) = tokio::try_join!(load::run(load, &asked), load::run(&sale, &sold))?;
    bench.keep(&phase);
    bench.keep(&sale);
    let placed = sold.borrow().placed();
    Ok((phase, placed))
}
