//! How many one server tells, how soon, at what memory; and whether those who never read slow the
//! others.
//!
//! First sockets are held open, for their memory: a server that has served many already would
//! take it from what it kept. Then few and many follow one key while a till sells it on schedule.
//! The same again with one in a hundred more who ask for every key and read nothing. Then they
//! follow many keys, all of which change all the time, for the rate of deliveries.
//!
//! The delay of a level runs from its `at`, the server's clock when the change was decided, to
//! when the generator read it, on the same clock: the commit, the fan-out, the server's and the
//! generator's own share of the cores are in it, and up to a millisecond for the rounding of `at`.

use std::time::Duration;

use anyhow::Result;

use crate::bench::{Bench, whole};
use crate::books::Expected;
use crate::clock;
use crate::feed::{Crowd, Delivered, Places, Slow};
use crate::keys::Keys;
use crate::load;
use crate::open_files;
use crate::progress;
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::usage;
use crate::workload::Movements;
use crate::workload::movements::Recorded;
use crate::workload::reserve::Placed;

/// On hand at each key; more than a run can sell of any.
const PLENTY: u64 = 10_000_000;

/// The key that is sold while its followers' delay is measured.
const HOT: u64 = 0;

/// One of so many more never reads.
const SLOW_PART: u64 = 100;

/// The levels of so many keys are more than the buffers on the way to a slow reader hold.
const SLOW_KEYS_MIN: u64 = 1_000;

/// How long after it stalled for too long a slow reader is woken.
const SLOW_MARGIN: Duration = Duration::from_secs(2);

/// Batches a second at the peak, each of so many sales: each key changes about as often as its
/// followers are told of a key at most (`feed.tick_ms`), so that few changes are left out; and
/// batches come so often that there is always somebody left to be told when the next one comes.
const BATCHES_PER_SECOND: f64 = 80.0;
const BATCH_LINES: u64 = 250;

/// How many keys each follows at the peak: a product page one, a list of products a page of them.
const FOLLOWED: [u64; 2] = [1, 20];

/// One server through all of it.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, 1, PLENTY);
    let wanted = bench.sizes.sockets.max(bench.sizes.connections);
    let fit = open_files::admit(wanted)?;
    if fit < bench.sizes.sockets {
        bench.outcome.notes.push(format!(
            "a process may not open more files here: {fit} sockets are held, not {}",
            bench.sizes.sockets
        ));
        bench.sizes.sockets = fit;
        bench.outcome.sizes = bench.sizes;
    }
    let stalled = Duration::from_secs_f64(bench.sizes.seconds);
    let server = bench.own_server(&settings(stalled)).await?;
    bench.stock(&server, shop).await?;
    // What the import left free would be taken for the sockets, and none of it seen.
    server.stop()?;
    let server = bench.own_server(&settings(stalled)).await?;

    let mut recorded = hold(bench, &server, shop).await?;
    let many = bench.sizes.connections();
    for count in [(many / 10).max(1), many] {
        recorded += delays(bench, &server, shop, count).await?;
    }
    if shop.keys() < SLOW_KEYS_MIN {
        let note = format!("slow readers were left out: they need {SLOW_KEYS_MIN} keys to stall");
        bench.outcome.notes.push(note);
    } else {
        recorded += beside_slow(bench, &server, shop, stalled).await?;
    }
    for each in FOLLOWED {
        recorded += peak(bench, &server, shop, each.min(shop.keys())).await?;
    }
    let expected = Expected {
        sold: whole(recorded.applied),
        unknown: whole(recorded.unknown),
        tills: true,
        ..bench.expect_held(Placed::default())
    };
    bench.finish(server, expected).await
}

/// Admits all followers from few addresses, and shows each change in public: to shoppers few are
/// left of everything.
pub fn settings(stalled: Duration) -> Vec<(&'static str, String)> {
    let many = || "1000000".to_owned();
    vec![
        ("ONHAND_HTTP_CONNECTIONS_MAX", many()),
        ("ONHAND_FEED_CONNECTIONS_MAX", many()),
        ("ONHAND_FEED_ADDRESS_CONNECTIONS_MAX", many()),
        ("ONHAND_FEED_TOKEN_CONNECTIONS_MAX", many()),
        (
            "ONHAND_FEED_STALLED_MS_MAX",
            stalled.as_millis().to_string(),
        ),
        ("ONHAND_FEED_AGE_SECONDS_MAX", "86400".into()),
        ("ONHAND_STOCK_LIMITED_MAX", "4000000000".into()),
    ]
}

/// Holds sockets open for a while, has each told once, and looks at the memory.
async fn hold(bench: &mut Bench, server: &Server, shop: Shop) -> Result<Recorded> {
    let sockets = usize::try_from(bench.sizes.sockets).expect("the flag is bounded");
    let process = server.process.expect("a server of our own");
    progress::say(format_args!("  opening {sockets} sockets"));
    let (before, kernel) = (usage::memory(process)?.anonymous, usage::kernel_tcp()?);
    let began = clock::now();
    let crowd = Crowd::open(&server.target, shop, Places::Hot(sockets, HOT)).await?;
    let took = clock::now().saturating_duration_since(began).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let each = |bytes: u64| vec![bytes as f64 / sockets as f64 / 1e3];
    let idle = usage::memory(process)?.anonymous.saturating_sub(before);
    let recorded = sell(bench, server, shop, "held").await?;
    crowd.settle().await?;
    let told = usage::memory(process)?.anonymous.saturating_sub(before);
    let kernel = usage::kernel_tcp()?.saturating_sub(kernel);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let held = vec![crowd.with_state() as f64];
    bench.figure(Figure::new("sockets held", "sockets", held));
    let figure = Figure::new(
        "server memory a socket, told at least once",
        "kB",
        each(told),
    );
    bench.figure(figure.aiming(Aim::AtMost(24.0)));
    bench.figure(Figure::new(
        "server memory a socket, just opened",
        "kB",
        each(idle),
    ));
    bench.figure(Figure::new(
        "kernel buffers a socket, both ends",
        "kB",
        each(kernel),
    ));
    bench.figure(Figure::new("opening all of them", "s", vec![took]));
    end(bench, crowd).await;
    Ok(recorded)
}

/// The delay of one key to so many, round by round.
async fn delays(bench: &mut Bench, server: &Server, shop: Shop, count: usize) -> Result<Recorded> {
    progress::say(format_args!("  {count} follow one key"));
    let crowd = Crowd::open(&server.target, shop, Places::Hot(count, HOT)).await?;
    let (mut recorded, mut p50s, mut p99s) = (Recorded::default(), Vec::new(), Vec::new());
    for round in 1..=bench.sizes.rounds {
        let name = format!("one key to {count}, {round}");
        let (sold, delivered) = told(bench, server, shop, &crowd, &name).await?;
        recorded += sold;
        p50s.push(delivered.delay_ms(0.5));
        p99s.push(delivered.delay_ms(0.99));
    }
    let figure = Figure::new(format!("one key to {count}, p99"), "ms", p99s);
    bench.figure(figure.aiming(Aim::AtMost(100.0)));
    bench.figure(Figure::new(
        format!("one key to {count}, median"),
        "ms",
        p50s,
    ));
    end(bench, crowd).await;
    Ok(recorded)
}

/// The same with some more who never read, and without them.
async fn beside_slow(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    stalled: Duration,
) -> Result<Recorded> {
    let many = bench.sizes.connections();
    let count = usize::try_from((bench.sizes.connections / SLOW_PART).max(5))?;
    progress::say(format_args!(
        "  {many} follow one key beside {count} who never read"
    ));
    let process = server.process.expect("a server of our own");
    let crowd = Crowd::open(&server.target, shop, Places::Hot(many, HOT)).await?;
    let (mut recorded, without) = told(bench, server, shop, &crowd, "without slow").await?;

    let before = usage::memory(process)?.anonymous;
    let slow = Slow::open(count, &server.target, shop).await?;
    let asleep = clock::now();
    let (sold, with) = told(bench, server, shop, &crowd, "beside slow").await?;
    recorded += sold;
    let grown = usage::memory(process)?.anonymous.saturating_sub(before);
    tokio::time::sleep_until((asleep + stalled + SLOW_MARGIN).into()).await;
    let codes = slow.wake().await?;
    let closed = codes.iter().filter(|code| **code == Some(4008)).count();
    if closed < count {
        let what = format!("{closed} of {count} who never read were closed with 4008: {codes:?}");
        bench.outcome.breaches.push(what);
    }
    crowd.settle().await?;
    end(bench, crowd).await;
    let (with, without) = (with.delay_ms(0.99), without.delay_ms(0.99));
    let ratio = vec![with / without.max(0.001)];
    bench.figure(Figure::new(
        "p99 beside slow readers / without",
        "times",
        ratio,
    ));
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let (closed, each) = (closed as f64, grown as f64 / count as f64 / 1e3);
    bench.figure(Figure::new(
        "slow readers closed with 4008",
        "sockets",
        vec![closed],
    ));
    let name = format!("server memory a slow reader of {} keys", shop.keys());
    bench.figure(Figure::new(name, "kB", vec![each]));
    Ok(recorded)
}

/// Many keys change all the time, each with followers of its own.
async fn peak(bench: &mut Bench, server: &Server, shop: Shop, each: u64) -> Result<Recorded> {
    let count = bench.sizes.connections();
    progress::say(format_args!(
        "  {count} follow {each} of {} keys",
        shop.keys()
    ));
    let crowd = Crowd::open(&server.target, shop, Places::Spread(count, each)).await?;
    let (mut recorded, mut levels, mut frames) = (Recorded::default(), Vec::new(), Vec::new());
    let (mut p99s, mut left_out) = (Vec::new(), Vec::new());
    for round in 1..=bench.sizes.rounds {
        let (keys, tag) = (bench.keys(shop)?, bench.tag());
        let sold = Movements::new(&server.target, shop, keys, BATCH_LINES, tag);
        let name = format!("deliveries, each following {each}, {round}");
        let mut load = bench.open_load(&name, server, BATCHES_PER_SECOND);
        load.connections = 8;
        crowd.take();
        let (phase, sold) = load::drive_apart(load, sold).await?;
        bench.keep(&phase);
        let delivered = crowd.take();
        recorded += sold.recorded();
        levels.push(delivered.per_second(delivered.levels));
        frames.push(delivered.per_second(delivered.frames));
        p99s.push(delivered.delay_ms(0.99));
        left_out.push(delivered.per_second(delivered.conflated));
    }
    crowd.settle().await?;
    let name = |what: &str| format!("{what}, each following {each}");
    let figure = Figure::new(name("deliveries at the peak"), "levels/s", levels);
    bench.figure(figure.aiming(Aim::AtLeast(100_000.0)));
    let figure = |what, unit, rounds| Figure::new(name(what), unit, rounds);
    bench.figure(figure("in frames", "frames/s", frames));
    bench.figure(figure("delay at the peak, p99", "ms", p99s));
    bench.figure(figure(
        "versions left out at the peak",
        "levels/s",
        left_out,
    ));
    end(bench, crowd).await;
    Ok(recorded)
}

/// What a crowd is told while the hot key is sold, and what was sold.
async fn told(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    crowd: &Crowd,
    name: &str,
) -> Result<(Recorded, Delivered)> {
    crowd.take();
    let recorded = sell(bench, server, shop, name).await?;
    crowd.settle().await?;
    let delivered = crowd.take();
    let (p50, p99) = (delivered.delay_ms(0.5), delivered.delay_ms(0.99));
    progress::say(format_args!(
        "  {name}: told after {p50:.1} ms, p99 {p99:.1} ms"
    ));
    Ok((recorded, delivered))
}

/// A till sells the hot key on schedule.
async fn sell(bench: &mut Bench, server: &Server, shop: Shop, name: &str) -> Result<Recorded> {
    let (rate, tag) = (bench.sizes.rate, bench.tag());
    let keys = Keys::new(HOT + 1, None, bench.next_seed())?;
    let sold = Movements::new(&server.target, shop, keys, 1, tag);
    let name = format!("sales ({name})");
    let mut load = bench.open_load(&name, server, rate);
    load.connections = 4;
    load.warm_up = Duration::ZERO;
    Ok(bench.drive(&load, sold).await?.1.recorded())
}

/// Closes a crowd and keeps what should not have happened to it.
async fn end(bench: &mut Bench, crowd: Crowd) {
    bench.outcome.breaches.extend(crowd.close().await);
}
