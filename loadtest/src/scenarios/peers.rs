//! Onhand beside what else a retailer could keep stock in: the same reservations, with the same
//! rules and as durable, in turns on one machine. Each is first asked in every way that it may
//! like, and then measured in the one that it did best.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::books::Books;
use crate::connection::HTTP;
use crate::load::{Load, Pace, Phase};
use crate::peers::{self, Form, Peer, Way};
use crate::progress;
use crate::report::number;
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::workload::reserve::{NOOP, Placed, RESERVATIONS, request};
use crate::workload::{Reserve, Want};

/// On hand at each key; more than a run can hold of any.
const PLENTY: u64 = 10_000_000;

/// Connections that Onhand and the yardstick are tried with.
const CONNECTIONS: [usize; 2] = [256, 64];

/// A trial is shorter than a phase.
const TRIAL_PART: f64 = 0.4;

const ONHAND: &str = "Onhand";
const YARDSTICK: &str = "noop";

/// What must be so, by whom is compared with and in which demand.
const AIMS: [(&str, &str, f64); 3] = [
    ("hot", "PostgreSQL", 20.0),
    ("hot", "Redis", 1.2),
    ("spread", "PostgreSQL", 3.0),
];

/// One that is asked for reservations.
struct Contender {
    name: &'static str,
    address: SocketAddr,
    process: Option<u32>,
    ways: Vec<Way>,
    placed: Placed,
}

/// How keys are wanted.
#[derive(Clone, Copy)]
enum Demand {
    /// All want one; another one each time, as a key holds only so many.
    Hot,
    Spread,
}

impl Demand {
    fn name(self) -> &'static str {
        match self {
            Demand::Hot => "hot",
            Demand::Spread => "spread",
        }
    }
}

/// Everyone in turns, on one key and over all.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, 100, PLENTY);
    let server = bench.server_with(shop, &[]).await?;
    let peers = start(bench, shop).await?;
    let mut contenders = vec![
        http(YARDSTICK, NOOP, &server),
        http(ONHAND, RESERVATIONS, &server),
    ];
    for peer in &peers {
        let contender = |form: &Form| Contender {
            name: form.name,
            address: peer.address,
            process: Some(peer.process()),
            ways: form.ways.clone(),
            placed: Placed::default(),
        };
        contenders.extend(peer.forms.iter().map(contender));
    }
    for demand in [Demand::Hot, Demand::Spread] {
        let best = try_ways(bench, shop, demand, &mut contenders).await?;
        let rates = alternate(bench, shop, demand, &mut contenders, &best).await?;
        compare(bench, demand, &contenders, &best, &rates);
    }
    let onhand = bench.expect_held(placed(&contenders, |one| one.name == ONHAND));
    for peer in &peers {
        let expected = bench.expect_held(placed(&contenders, |one| one.address == peer.address));
        let (found, holds) = peer.read_books().await?;
        let mut books = Books::check(expected, found);
        if holds != books.found.held {
            let held = books.found.held;
            books
                .faults
                .push(format!("the holds add up to {holds}, {held} are held"));
        }
        books.of = peer.name;
        bench.outcome.books.push(books);
    }
    bench.finish(server, onhand).await
}

/// What the answers of some add up to.
fn placed(contenders: &[Contender], of: impl Fn(&Contender) -> bool) -> Placed {
    let mut sum = Placed::default();
    let some = contenders.iter().filter(|one| of(one));
    some.for_each(|one| sum += one.placed);
    sum
}

/// Starts every peer that is installed, with the shop's stock.
async fn start(bench: &mut Bench, shop: Shop) -> Result<Vec<Peer>> {
    let folder = bench.folder.clone();
    progress::say("  starting the peers");
    let started = [
        ("PostgreSQL", peers::postgres::start(&folder, shop).await?),
        ("Redis", peers::redis::start(&folder, shop).await?),
    ];
    let mut running = Vec::new();
    for (name, peer) in started {
        let note = match &peer {
            Some(Peer {
                version, settings, ..
            }) => format!("{version}: {settings}"),
            None => format!("{name} was not compared: it is not installed; see loadtest/peers"),
        };
        progress::say(format_args!("  {note}"));
        bench.outcome.notes.push(note);
        running.extend(peer);
    }
    Ok(running)
}

/// The server itself, asked over HTTP.
fn http(name: &'static str, path: &str, server: &Server) -> Contender {
    let way = |connections| Way {
        connections,
        many: 1,
        with: "",
        protocol: HTTP,
        request: request(&server.target, path, 1, true),
    };
    Contender {
        name,
        address: server.target.address,
        process: server.process,
        ways: CONNECTIONS.map(way).to_vec(),
        placed: Placed::default(),
    }
}

/// Asks each in all of its ways, shortly; gives the place of the best of each.
async fn try_ways(
    bench: &mut Bench,
    shop: Shop,
    demand: Demand,
    contenders: &mut [Contender],
) -> Result<Vec<usize>> {
    let duration = bench.sizes.duration().mul_f64(TRIAL_PART);
    let before = bench.outcome.phases.len();
    let mut best = Vec::new();
    for contender in contenders {
        let mut rates = Vec::new();
        for way in contender.ways.clone() {
            let phase = ask(bench, shop, demand, contender, &way, duration).await?;
            rates.push(phase.per_second() * way.many as f64);
        }
        let ways = 0..rates.len();
        let first = ways.max_by(|one, other| rates[*one].total_cmp(&rates[*other]));
        best.push(first.context("each has a way to be asked")?);
        let tried = contender.ways.iter().zip(&rates);
        let tried = tried.map(|(way, rate)| format!("{}: {}/s", way.words(), number(*rate)));
        let tried: Vec<String> = tried.collect();
        let (demand, name) = (demand.name(), contender.name);
        let note = format!("{demand}: {name} tried with {}", tried.join("; "));
        bench.outcome.notes.push(note);
    }
    // They are not what is compared, unless something was wrong.
    let trials = bench.outcome.phases.split_off(before);
    let troubled = trials.into_iter().filter(|trial| trial.troubles() > 0);
    bench.outcome.phases.extend(troubled);
    Ok(best)
}

/// Everyone in turns, in the best way; who begins changes each round. Gives their rates, round by
/// round, and what a reservation cost the server.
async fn alternate(
    bench: &mut Bench,
    shop: Shop,
    demand: Demand,
    contenders: &mut [Contender],
    best: &[usize],
) -> Result<Vec<Rates>> {
    let mut rates = vec![Rates::default(); contenders.len()];
    let rounds = usize::try_from(bench.sizes.rounds).unwrap_or(usize::MAX);
    let duration = bench.sizes.duration();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let at = (round + turn) % contenders.len();
            let way = contenders[at].ways[best[at]].clone();
            let phase = ask(bench, shop, demand, &mut contenders[at], &way, duration).await?;
            let many = way.many as f64;
            rates[at].per_second.push(phase.per_second() * many);
            rates[at].server_micros.push(phase.server_micros() / many);
        }
    }
    Ok(rates)
}

/// What the rounds of one came to.
#[derive(Clone, Default)]
struct Rates {
    per_second: Vec<f64>,
    server_micros: Vec<f64>,
}

async fn ask(
    bench: &mut Bench,
    shop: Shop,
    demand: Demand,
    contender: &mut Contender,
    way: &Way,
    duration: Duration,
) -> Result<Phase> {
    let want = match demand {
        Demand::Hot => Want::One(bench.next_seed() % shop.keys()),
        Demand::Spread => Want::Any(bench.keys(shop)?),
    };
    let tag = Some(bench.tag());
    let asked = Reserve::by(way.request.clone(), shop, want, (way.many, 1), tag);
    let name = format!("{}: {}, {}", demand.name(), contender.name, way.words());
    let load = Load {
        name,
        address: contender.address,
        protocol: way.protocol.clone(),
        process: contender.process,
        connections: way.connections,
        pace: Pace::Closed,
        warm_up: bench.sizes.warm_up(),
        duration: Some(duration),
    };
    let (phase, asked) = bench.drive(&load, asked).await?;
    contender.placed += asked.placed();
    Ok(phase)
}

/// Adds the figures: everyone's rate, how many times each other's Onhand's is, and what a
/// reservation costs.
fn compare(
    bench: &mut Bench,
    demand: Demand,
    contenders: &[Contender],
    best: &[usize],
    rates: &[Rates],
) {
    let demand = demand.name();
    let all = || contenders.iter().zip(rates);
    for ((contender, rates), best) in all().zip(best) {
        let (name, way) = (contender.name, contender.ways[*best].words());
        let name = format!("{demand}: {name} ({way})");
        bench.figure(Figure::new(
            name,
            "reservations/s",
            rates.per_second.clone(),
        ));
    }
    let ours = all().find(|(contender, _)| contender.name == ONHAND);
    let ours = ours.map_or(&[][..], |(_, rates)| rates.per_second.as_slice());
    for (contender, rates) in all().filter(|(contender, _)| contender.name != ONHAND) {
        let name = contender.name;
        let pairs = ours.iter().zip(&rates.per_second);
        let ratios = pairs.map(|(ours, theirs)| ours / theirs.max(1.0)).collect();
        let ratio = Figure::new(format!("{demand}: Onhand / {name}"), "times", ratios);
        let aim = AIMS
            .iter()
            .find(|(place, of, _)| (*place, *of) == (demand, name));
        bench.figure(match aim {
            Some((_, _, least)) => ratio.aiming(Aim::AtLeast(*least)),
            None => ratio,
        });
    }
    for (contender, rates) in all() {
        let name = format!("{demand}: {}, server time each", contender.name);
        bench.figure(Figure::new(name, "µs", rates.server_micros.clone()));
    }
}
