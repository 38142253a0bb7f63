//! Do snapshots and trims disturb shoppers? Reservations on schedule beside many keys, with rounds
//! and trims running all the time, and without.

use anyhow::{Result, ensure};

use crate::bench::Bench;
use crate::load::Phase;
use crate::progress;
use crate::result::{Aim, Figure, median};
use crate::shop::Shop;
use crate::workload::Want;
use crate::workload::reserve::Placed;

/// On hand at each key; more than the shoppers can hold of any.
const PLENTY: u64 = 1_000_000;

/// Locations of the shop.
const LOCATIONS: u64 = 1_000;

/// Rounds that come due in each measured phase.
const ROUNDS_IN_PHASE: f64 = 3.0;

/// Quiet and disturbed in turns, each on a server of its own over the same data.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, LOCATIONS, PLENTY);
    let server = bench.own_server(&settings(None)).await?;
    bench.stock(&server, shop).await?;
    server.come_to_rest().await?;
    server.stop()?;

    let (mut quiet, mut disturbed) = (Vec::new(), Vec::new());
    let (mut placed, mut rounds, mut trims) = (Placed::default(), 0, 0);
    for round in 0..bench.sizes.rounds {
        for is_quiet in [round % 2 == 0, round % 2 == 1] {
            let every = (bench.sizes.seconds / ROUNDS_IN_PHASE).max(1.0);
            let settings = settings((!is_quiet).then_some(every));
            let server = bench.own_server(&settings).await?;
            server.come_to_rest().await?;
            let before = (server.logged(ROUND), server.logged(TRIM));
            let want = Want::Any(bench.keys(shop)?);
            let asked = bench.reserve(&server, shop, want, 1);
            let name = if is_quiet { "quiet" } else { "disturbed" };
            let rate = bench.sizes.rate;
            let load = bench.open_load(name, &server, rate);
            let (phase, asked) = bench.drive(&load, asked).await?;
            placed += asked.placed();
            let latency = &phase.kind("reserve").latency;
            progress::say(format_args!("  {name}: p99 {:.2} ms", latency.p99_ms));
            if is_quiet { &mut quiet } else { &mut disturbed }.push(phase);
            rounds += server.logged(ROUND) - before.0;
            trims += server.logged(TRIM) - before.1;
            server.stop()?;
        }
    }
    ensure!(
        rounds > 0,
        "no snapshot round ran: the phases are too short"
    );
    bench.outcome.notes.push(format!(
        "{rounds} snapshot rounds and {trims} trims ran in the disturbed phases, none in the quiet"
    ));
    if trims == 0 {
        let advice = "no trim ended in a disturbed phase: give it longer with --seconds";
        bench.outcome.notes.push(advice.into());
    }
    figures(bench, &quiet, &disturbed, trims > 0);
    let server = bench.own_server(&settings(None)).await?;
    let expected = bench.expect_held(placed);
    bench.finish(server, expected).await
}

const ROUND: &str = "snapshot round finished";

const TRIM: &str = "history trimmed";

/// Rounds and trims every so many seconds, or never.
fn settings(every: Option<f64>) -> Vec<(&'static str, String)> {
    let seconds = every.map_or("86400".to_owned(), |every| format!("{every:.0}"));
    vec![
        ("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", seconds.clone()),
        ("ONHAND_JOURNAL_TRIM_INTERVAL_SECONDS", seconds),
        ("ONHAND_JOURNAL_HISTORY_DAYS", "0".into()),
        ("ONHAND_LOG", "info,onhand::app::upkeep=debug".into()),
    ]
}

/// The medians over the rounds are compared: what one phase's p99 is, a single stall of the disk
/// decides. The aim is judged only if what should disturb did.
fn figures(bench: &mut Bench, quiet: &[Phase], disturbed: &[Phase], is_judged: bool) {
    let p99s = |phases: &[Phase]| -> Vec<f64> {
        let kinds = phases.iter().map(|phase| phase.kind("reserve"));
        kinds.map(|kind| kind.latency.p99_ms).collect()
    };
    let (without, with) = (p99s(quiet), p99s(disturbed));
    let ratio = median(&with) / median(&without).max(0.001);
    let ratio = Figure::new(
        "reserve p99 with rounds and trims / without, medians",
        "times",
        vec![ratio],
    );
    bench.figure(if is_judged {
        ratio.aiming(Aim::AtMost(1.2))
    } else {
        ratio
    });
    bench.figure(Figure::new("reserve p99 without", "ms", without));
    bench.figure(Figure::new("reserve p99 with", "ms", with));
}
