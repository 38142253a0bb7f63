//! What operators' probes ask: whether the process lives, and whether it takes requests.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;

use super::answer::{json, ok};
use super::border::Readiness;

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
pub async fn ready(readiness: Data<Readiness>) -> HttpResponse {
    match readiness.reason() {
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
