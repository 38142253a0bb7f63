//! Many holds due in one second: how late do they lapse, and what do shoppers notice?
//!
//! First so many holds are placed that stay. Then others are placed so that all fall due within
//! the same second: once over all keys, once on one key. Shoppers reserve on schedule before and
//! during that second.
//!
//! Lateness is what the event stream says: the time of a lapse, by the server's clock, less the
//! deadline. It is read after the second, since reading would disturb what is measured. For
//! readers a hold is gone at its deadline however late the lapse is recorded.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::Deserialize;

use crate::bench::Bench;
use crate::clock;
use crate::connection::Connection;
use crate::load::{self, Phase};
use crate::progress;
use crate::request::{Target, Template};
use crate::result::{Aim, Figure};
use crate::server::Server;
use crate::shop::Shop;
use crate::workload::Want;
use crate::workload::reserve::{Placed, Ttl};

/// On hand at each key; more than all holds of a run.
const PLENTY: u64 = 10_000_000;

/// How long before the second placing must have ended, and shoppers are measured.
const AHEAD: Duration = Duration::from_secs(5);

/// How long shoppers are measured before, for comparison.
const BEFORE: Duration = Duration::from_secs(3);

/// The second itself.
const SECOND: Duration = Duration::from_secs(1);

/// How long after the second all lapses must have been recorded.
const LAPSE_MAX: Duration = Duration::from_secs(60);

/// Events in one page.
const PAGE: usize = 1_000;

/// The key with many holds.
const CROWDED: u64 = 0;

/// Places what stays, then has others fall due over all keys and on one.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let shop = Shop::of(bench.sizes.keys, 100, PLENTY);
    let server = bench.server_with(shop, &[]).await?;
    let staying = bench.sizes.holds.saturating_sub(bench.sizes.due).max(1);
    let keys = bench.keys(shop)?;
    let asked = bench
        .reserve(&server, shop, Want::Any(keys), 1)
        .at_most(staying);
    let mut load = bench.load("placing what stays", &server);
    load.duration = None;
    load.warm_up = Duration::ZERO;
    let (filled, asked) = bench.drive(&load, asked).await?;
    server.come_to_rest().await?;
    let mut placed = asked.placed();
    let rate = filled.per_second().max(100.0);
    for _ in 0..bench.sizes.rounds {
        let keys = bench.keys(shop)?;
        let wants = [
            ("over all keys", Want::Any(keys)),
            ("on one key", Want::One(CROWDED)),
        ];
        for (place, want) in wants {
            placed += one_second(bench, &server, shop, place, want, rate).await?;
        }
    }
    let expected = bench.expect_held(placed);
    bench.finish(server, expected).await
}

/// Has holds fall due in one second; gives what shoppers hold in the end.
async fn one_second(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    place: &str,
    want: Want,
    rate: f64,
) -> Result<Placed> {
    #[expect(clippy::cast_precision_loss, reason = "holds are far below 2^52")]
    let placing = Duration::from_secs_f64(1.5 * bench.sizes.due as f64 / rate);
    let second = clock::now() + placing + AHEAD + SECOND;
    let due = place_due(bench, server, shop, place, want, second).await?;
    let position = latest(&server.target).await?;

    let (quiet, mut placed) =
        shoppers(bench, server, shop, "before", Duration::ZERO, BEFORE).await?;
    let wait = second.saturating_duration_since(clock::now());
    let name = format!("while holds {place} fall due");
    let (busy, more) = shoppers(bench, server, shop, &name, wait, SECOND).await?;
    placed += more;

    progress::say("  reading how late they lapsed");
    let late = lateness(&server.target, position, due, second).await?;
    figures(bench, place, &quiet, &busy, &late);
    Ok(placed)
}

/// Places the holds that fall due in the second that begins at `second`; gives how many.
async fn place_due(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    place: &str,
    want: Want,
    second: Instant,
) -> Result<u64> {
    let asked = bench.reserve(server, shop, want, 1);
    let asked = asked.at_most(bench.sizes.due).lasting(due_in(second));
    let name = format!("placing what falls due {place}");
    let mut load = bench.load(&name, server);
    load.duration = None;
    load.warm_up = Duration::ZERO;
    let (_, asked) = bench.drive(&load, asked).await?;
    let placed = asked.placed();
    if placed.unknown > 0 || placed.held < bench.sizes.due {
        let (held, wanted) = (placed.held, bench.sizes.due);
        bench.outcome.notes.push(format!(
            "{place}: {held} of {wanted} holds could be placed in time to fall due together"
        ));
    }
    if placed.held == 0 {
        bail!("no hold could be placed in time: try fewer with --due");
    }
    Ok(placed.held)
}

/// Lives that end in the second that begins at `second`: whole seconds, as the contract has it.
/// None once it is too near.
fn due_in(second: Instant) -> Ttl {
    Box::new(move || {
        let left = second.saturating_duration_since(clock::now());
        (left > AHEAD).then(|| left.as_secs() + 1)
    })
}

/// Shoppers on schedule; the first of them `warm_up` before they are measured.
async fn shoppers(
    bench: &mut Bench,
    server: &Server,
    shop: Shop,
    name: &str,
    warm_up: Duration,
    duration: Duration,
) -> Result<(Phase, Placed)> {
    let keys = bench.keys(shop)?;
    let asked = Rc::new(RefCell::new(bench.reserve(
        server,
        shop,
        Want::Any(keys),
        1,
    )));
    let rate = bench.sizes.rate;
    let mut load = bench.open_load(name, server, rate);
    load.warm_up = warm_up;
    load.duration = Some(duration);
    let phase = load::run(&load, &asked).await?;
    bench.keep(&phase);
    let placed = asked.borrow().placed();
    Ok((phase, placed))
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<Event<'a>>,
    next: String,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    time: &'a str,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    expires_at: Option<&'a str>,
}

async fn latest(target: &Target) -> Result<String> {
    let mut connection = Connection::new(target.address);
    let mut next = String::new();
    read_page(target, &mut connection, "latest", |page| next = page.next).await?;
    Ok(next)
}

/// How late each lapse since `position` was, in milliseconds.
async fn lateness(
    target: &Target,
    position: String,
    due: u64,
    second: Instant,
) -> Result<Histogram<u64>> {
    let mut late = Histogram::new_with_bounds(1, 3_600_000, 3).expect("the bounds are sound");
    let mut connection = Connection::new(target.address);
    let mut after = position;
    while late.len() < due {
        if clock::now() > second + LAPSE_MAX {
            bail!(
                "only {} of {due} holds lapsed within {LAPSE_MAX:?}",
                late.len()
            );
        }
        let mut read: Result<()> = Ok(());
        let mut next = String::new();
        read_page(target, &mut connection, &after, |page| {
            let lapses = page.events.iter().filter(|event| event.kind == LAPSED);
            read = lapses.map(millis_late).try_for_each(|millis| {
                late.saturating_record(millis?);
                Ok(())
            });
            next = page.next;
        })
        .await?;
        read?;
        after = next;
    }
    Ok(late)
}

const LAPSED: &str = "onhand.reservation.expired";

fn millis_late(event: &Event<'_>) -> Result<u64> {
    let deadline = event
        .data
        .expires_at
        .context("a lapse names its deadline")?;
    let (deadline, lapsed): (Timestamp, Timestamp) = (deadline.parse()?, event.time.parse()?);
    let millis = lapsed.as_millisecond() - deadline.as_millisecond();
    u64::try_from(millis).with_context(|| format!("a hold lapsed {millis} ms after its deadline"))
}

async fn read_page(
    target: &Target,
    connection: &mut Connection,
    after: &str,
    mut hear: impl FnMut(Page<'_>),
) -> Result<()> {
    let path = format!("/v1/events?after={after}&limit={PAGE}&wait_seconds=1");
    let mut request = Vec::new();
    Template::new(target, "GET", &path, "", "").render(&[], &mut request);
    let answer = connection.exchange(&request).await?;
    if answer.status != 200 {
        let said = String::from_utf8_lossy(answer.body);
        bail!("GET {path} answered {}: {said}", answer.status);
    }
    hear(serde_json::from_slice(answer.body).context("a page of events")?);
    Ok(())
}

fn figures(bench: &mut Bench, place: &str, quiet: &Phase, busy: &Phase, late: &Histogram<u64>) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are far below 2^52"
    )]
    let at = |part: f64| vec![late.value_at_quantile(part) as f64];
    let due = late.len();
    let p99 = Figure::new(format!("{due} due {place}, lateness p99"), "ms", at(0.99));
    bench.figure(p99.aiming(Aim::AtMost(20.0)));
    bench.figure(Figure::new(
        format!("{due} due {place}, lateness median"),
        "ms",
        at(0.5),
    ));
    bench.figure(Figure::new(
        format!("{due} due {place}, latest"),
        "ms",
        at(1.0),
    ));
    let p99 = |phase: &Phase| vec![phase.kind("reserve").latency.p99_ms];
    let name = format!("reserve p99 while {due} fall due {place}");
    bench.figure(Figure::new(name, "ms", p99(busy)).aiming(Aim::AtMost(50.0)));
    bench.figure(Figure::new(
        format!("reserve p99 before ({place})"),
        "ms",
        p99(quiet),
    ));
}
