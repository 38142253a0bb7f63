//! `GET /v1/contention`: where callers contend for the same stock, with the pace of the commit
//! pipeline and of the feed beside it. For operators: figures are exact and keys are named.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::Serialize;

use super::answer::{Answered, ok};
use super::border::Border;
use super::ops::OpsView;
use super::read;
use super::request::Query;
use super::stock_document::StockDocument;
use super::wire::{self, Time};
use crate::actors::{Contended, Hot};
use crate::stock::Quantity;
use crate::stock::level::Status;
use crate::telemetry::labels::{Label, Outcome};
use crate::telemetry::{Shape, metrics};

/// Keys shown where nothing else is asked for, and ranks told to Prometheus.
pub const TOP: usize = 20;

/// The most keys one may ask for.
const TOP_MAX: u64 = 100;

/// What operators see.
#[derive(Serialize)]
pub struct ContentionDocument<'a> {
    at: Time,
    window_seconds: f64,
    keys: Vec<HotDocument<'a>>,
    /// Commands since the process began, by outcome.
    commands: serde_json::Map<String, serde_json::Value>,
    journal: JournalDocument,
    feed: FeedDocument,
}

#[derive(Serialize)]
struct HotDocument<'a> {
    rank: usize,
    /// What customers call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
    sku: &'a str,
    location: &'a str,
    demand_per_second: f64,
    refusals_per_second: f64,
    waiting_ms: WaitingDocument,
    holds: usize,
    status: &'static str,
    stock: Option<StockDocument<'a>>,
}

#[derive(Serialize)]
struct WaitingDocument {
    mean: f64,
    max: f64,
}

#[derive(Serialize)]
struct JournalDocument {
    position: String,
    queue_places: usize,
    queue_places_max: usize,
    mailbox_wait_seconds: Shape,
    append_seconds: Shape,
    group_records: Shape,
}

#[derive(Serialize)]
struct FeedDocument {
    connections: usize,
    topics: usize,
    deliveries: u64,
    conflated: u64,
    commit_to_socket_seconds: Shape,
}

impl<'a> ContentionDocument<'a> {
    /// What there is to see now.
    pub fn new(border: &Border, contended: &'a Contended) -> ContentionDocument<'a> {
        let window_seconds = contended.window.as_secs_f64();
        let keys = contended.keys.iter().enumerate();
        let keys = keys.map(|(index, hot)| HotDocument {
            name: name(border, hot),
            status: status(border, hot).as_str(),
            ..HotDocument::new(index + 1, hot, window_seconds)
        });
        let outcomes = Outcome::ALL.iter().map(|outcome| {
            let kinds = metrics().commands_total.each();
            let total: u64 = kinds.map(|kind| kind.of(*outcome).get()).sum();
            (outcome.text().to_owned(), total.into())
        });
        ContentionDocument {
            at: Time(border.stock.now()),
            window_seconds,
            keys: keys.collect(),
            commands: outcomes.collect(),
            journal: JournalDocument::new(border),
            feed: FeedDocument::new(border),
        }
    }
}

impl<'a> HotDocument<'a> {
    fn new(rank: usize, hot: &'a Hot, window_seconds: f64) -> HotDocument<'a> {
        let level = hot.level.as_ref().filter(|level| level.stocked);
        HotDocument {
            rank,
            name: None,
            sku: hot.key.sku(),
            location: hot.key.location(),
            demand_per_second: rate(hot.demand, window_seconds),
            refusals_per_second: rate(hot.refusals, window_seconds),
            waiting_ms: WaitingDocument {
                mean: hot.waited_mean.as_secs_f64() * 1000.0,
                max: hot.waited_max.as_secs_f64() * 1000.0,
            },
            holds: hot.holds,
            status: Status::OutOfStock.as_str(),
            stock: level.map(|level| StockDocument::new(&hot.key, level)),
        }
    }
}

impl JournalDocument {
    fn new(border: &Border) -> JournalDocument {
        let (metrics, sight) = (metrics(), border.stock.sight());
        JournalDocument {
            position: wire::position(border.stock.epoch(), border.stock.durable()),
            queue_places: sight.places_taken,
            queue_places_max: sight.places_max,
            mailbox_wait_seconds: Shape::of(&metrics.mailbox_wait_seconds),
            append_seconds: Shape::of(&metrics.journal_append_seconds),
            group_records: Shape::of(&metrics.journal_group_records),
        }
    }
}

impl FeedDocument {
    fn new(border: &Border) -> FeedDocument {
        let metrics = metrics();
        FeedDocument {
            connections: border.feed.connections(),
            topics: border.feed.topics(),
            deliveries: metrics.feed_deliveries_total.get(),
            conflated: metrics.feed_conflated_total.get(),
            commit_to_socket_seconds: Shape::of(&metrics.feed_commit_to_socket_seconds),
        }
    }
}

fn name(border: &Border, hot: &Hot) -> Option<Arc<str>> {
    let item = border.catalogue.item(hot.key.sku())?;
    Some(item.content.name.as_str().into())
}

fn status(border: &Border, hot: &Hot) -> Status {
    let limited_max = Quantity::from(border.limits.limited_max);
    let level = hot.level.filter(|level| level.stocked);
    level.map_or(Status::OutOfStock, |level| level.status(limited_max))
}

/// A second's share; over a window shorter than that, as if it were one.
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(1.0)
}

/// Tells the ranks to Prometheus: the labels are their numbers, whatever keys hold them.
pub fn tell_ranks(border: &Border) {
    let contended = border.stock.contended(TOP);
    let seconds = contended.window.as_secs_f64();
    let metrics = metrics();
    for rank in 1..=TOP {
        let hot = contended.keys.get(rank - 1);
        let label = format!("{rank:02}");
        let set = |gauge: &prometheus::GaugeVec, value: Option<f64>| {
            gauge.with_label_values(&[&label]).set(value.unwrap_or(0.0));
        };
        let demand = hot.map(|hot| rate(hot.demand, seconds));
        set(&metrics.contention_demand_per_second, demand);
        let refusals = hot.map(|hot| rate(hot.refusals, seconds));
        set(&metrics.contention_refusals_per_second, refusals);
        let waited = hot.map(|hot| hot.waited_mean.as_secs_f64());
        set(&metrics.contention_waiting_seconds, waited);
        set(&metrics.contention_holds, hot.map(|hot| hot.holds as f64));
    }
}

/// The hottest stock keys, and how the node keeps up.
pub async fn read(view: Data<OpsView>, request: HttpRequest) -> Answered {
    let mut query = Query::read(&request);
    let top = query.optional("top", |text| read::whole_of(text, 1..=TOP_MAX));
    query.finish()?;
    let top = top.and_then(|top| usize::try_from(top).ok()).unwrap_or(TOP);
    let border = view.border()?;
    let contended = border.stock.contended(top);
    Ok(ok(&ContentionDocument::new(border, &contended)))
}
