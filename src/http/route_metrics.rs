//! What is counted of the requests to each route. Labels are patterns of the table of routes,
//! never a path as it was asked for; their metrics are looked up once, when routes are
//! registered.

use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use prometheus::{Histogram, IntCounter};

use super::problem::Code;
use crate::telemetry::{is_counting, metrics};

/// The route of what has no route, or is asked by a method of its own.
const NONE: &str = "none";

/// The first digit of a status, as it is told.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The metrics of one path.
pub struct RouteMetrics(Vec<(Method, Answers)>);

struct Answers {
    seconds: Histogram,
    total: [IntCounter; 5],
}

impl RouteMetrics {
    /// Those of `path`, which is asked by these methods.
    pub fn of<'a>(path: &str, methods: impl Iterator<Item = &'a Method>) -> RouteMetrics {
        let answers = |method: &Method| (method.clone(), Answers::of(path, method.as_str()));
        RouteMetrics(methods.map(answers).collect())
    }

    /// Those of what has no route.
    pub fn none() -> RouteMetrics {
        RouteMetrics(vec![(Method::GET, Answers::of(NONE, "any"))])
    }

    /// Counts a request that was answered.
    fn count(&self, method: &Method, status: StatusCode, took: Duration) -> bool {
        // Who may GET may HEAD.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let Some((_, answers)) = self.0.iter().find(|(own, _)| own == method) else {
            return false;
        };
        answers.seconds.observe(took.as_secs_f64());
        answers.total[usize::from(status.as_u16() / 100).clamp(1, 5) - 1].inc();
        true
    }
}

impl Answers {
    fn of(path: &str, method: &str) -> Answers {
        let total = |class: &str| {
            let labels = [path, method, class];
            metrics().http_requests_total.with_label_values(&labels)
        };
        Answers {
            seconds: metrics()
                .http_request_seconds
                .with_label_values(&[path, method]),
            total: CLASSES.map(total),
        }
    }
}

/// Counts a request that was answered, under its route.
pub fn count<B>(response: &ServiceResponse<B>, took: Duration) {
    if !is_counting() {
        return;
    }
    let request = response.request();
    let (method, status) = (request.method(), response.status());
    let route = request.app_data::<RouteMetrics>();
    if route.is_some_and(|route| route.count(method, status, took)) {
        return;
    }
    let labels = [
        NONE,
        "any",
        CLASSES[usize::from(status.as_u16() / 100).clamp(1, 5) - 1],
    ];
    metrics()
        .http_requests_total
        .with_label_values(&labels)
        .inc();
    let seconds = metrics()
        .http_request_seconds
        .with_label_values(&labels[..2]);
    seconds.observe(took.as_secs_f64());
}

/// Counts a problem.
pub fn count_problem(code: Code) {
    let problems = &metrics().http_problems_total;
    problems.with_label_values(&[code.as_str()]).inc();
}

/// Has all problems and the route of what has none told, though none was met yet.
pub fn tell_all() {
    for code in Code::ALL {
        metrics()
            .http_problems_total
            .with_label_values(&[code.as_str()]);
    }
    RouteMetrics::none();
}
