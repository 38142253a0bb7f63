//! What operators ask: whether the process lives, whether it takes requests, and how it fares.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use serde::Serialize;

use super::answer::{json, ok};
use super::border::{Border, Readiness};
use super::contention::tell_ranks;
use super::problem::{Code, Problem};
use crate::telemetry::{self, metrics};

/// What the ops listener's handlers are given: it answers before there is a border.
#[derive(Clone)]
pub struct OpsView {
    readiness: Readiness,
    border: Arc<OnceLock<Data<Border>>>,
}

impl OpsView {
    /// A view of a process that is not ready yet.
    pub fn new(readiness: Readiness) -> OpsView {
        OpsView {
            readiness,
            border: Arc::default(),
        }
    }

    /// From now on there is a border to look at.
    pub fn set(&self, border: Data<Border>) {
        // There is one in a process's life.
        self.border.set(border).ok();
    }

    /// The border.
    ///
    /// # Errors
    /// The process has not recovered yet.
    pub fn border(&self) -> Result<&Data<Border>, Problem> {
        let recovering = || Problem::new(Code::Overloaded, "still recovering: ask again");
        self.border.get().ok_or_else(recovering)
    }
}

#[derive(Serialize)]
struct Probe {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// `GET /livez`: answering is living.
pub async fn live() -> HttpResponse {
    let (status, reason) = ("live", None);
    ok(&Probe { status, reason })
}

/// `GET /readyz`: 200 when requests are taken, else 503 with the reason.
pub async fn ready(view: Data<OpsView>) -> HttpResponse {
    match view.readiness.reason() {
        None => {
            let (status, reason) = ("ready", None);
            ok(&Probe { status, reason })
        }
        Some(reason) => {
            let (status, reason) = ("not_ready", Some(reason));
            json(StatusCode::SERVICE_UNAVAILABLE, &Probe { status, reason })
        }
    }
}

/// `GET /metrics`: all there is, as Prometheus reads it.
pub async fn metrics_text(view: Data<OpsView>) -> HttpResponse {
    let is_ready = view.readiness.reason().is_none();
    metrics().ready.set(i64::from(is_ready));
    if let Ok(border) = view.border() {
        look(border);
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(telemetry::exposition())
}

/// Looks at what is there now; everything else is counted as it happens.
fn look(border: &Border) {
    let metrics = metrics();
    let set = |gauge: &prometheus::IntGauge, number: usize| {
        gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
    };
    let now = Duration::from_millis(border.stock.now().as_millis().unsigned_abs());
    metrics.clock_timestamp_seconds.set(now.as_secs_f64());
    let sight = border.stock.sight();
    set(&metrics.stock_keys, sight.keys);
    set(&metrics.reservations_known, sight.reservations);
    set(&metrics.journal_queue_places, sight.places_taken);
    set(&metrics.journal_queue_places_max, sight.places_max);
    let position = border.stock.durable().get();
    metrics
        .journal_position
        .set(i64::try_from(position).unwrap_or(i64::MAX));
    set(&metrics.feed_connections, border.feed.connections());
    set(&metrics.feed_topics, border.feed.topics());
    tell_ranks(border);
}
