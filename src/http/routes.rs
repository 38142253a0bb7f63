//! All routes on one screen. The same table registers them, answers wrong methods, and is
//! compared with the contract and with the OpenAPI document by the tests.

use std::collections::BTreeMap;

use actix_web::guard::{self, Guard};
use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Resource, Route};

use super::origins::{Origins, is_open_to_pages};
use super::problem::{Code, Problem};
use super::route_metrics::RouteMetrics;
use super::{
    asyncapi, availability, backup, board, contention, docs, events, feed_events, feed_socket,
    items, locations, movements, noop, openapi, ops, pages, reservation_calls, reservations,
    route_metrics, stock, stock_ledger, tokens, web_files,
};

/// One route: how it is called and what answers it.
pub struct Entry {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Makes the handler.
    route: fn() -> Route,
}

macro_rules! table {
    ($($method:ident $path:literal => $handler:path,)*) => {
        vec![$(Entry {
            method: Method::$method,
            path: $path,
            route: || web::to($handler),
        },)*]
    };
}

/// The public listener's routes. The first ones are found first: the busiest stand at the top.
#[rustfmt::skip]
pub fn public_table(yardstick: bool) -> Vec<Entry> {
    let mut table = if yardstick { table![POST "/v1/noop" => noop::noop,] } else { Vec::new() };
    table.extend(table![
        POST   "/v1/reservations"                         => reservations::place,
        GET    "/v1/reservations"                         => reservations::list,
        GET    "/v1/reservations/{id}"                    => reservations::read_one,
        PUT    "/v1/reservations/{id}/lines"              => reservation_calls::replace_lines,
        POST   "/v1/reservations/{id}/extend"             => reservation_calls::extend,
        POST   "/v1/reservations/{id}/confirm"            => reservation_calls::confirm,
        POST   "/v1/reservations/{id}/fulfil"             => reservation_calls::fulfil,
        POST   "/v1/reservations/{id}/release"            => reservation_calls::release,
        POST   "/v1/reservations/{id}/cancel"             => reservation_calls::cancel,

        POST   "/v1/movements"                            => movements::record,
        POST   "/v1/stock/settings/batch"                 => stock::set_batch,
        GET    "/v1/stock"                                => stock::list,
        GET    "/v1/stock/{sku}/{location}"               => stock::read_one,
        DELETE "/v1/stock/{sku}/{location}"               => stock::stop,
        PUT    "/v1/stock/{sku}/{location}/settings"      => stock::set,
        GET    "/v1/stock/{sku}/{location}/movements"     => stock_ledger::movements,

        POST   "/v1/availability/query"                   => availability::query,
        GET    "/v1/availability/{sku}"                   => availability::of_item,
        GET    "/v1/availability/{sku}/{location}"        => availability::of_key,

        POST   "/v1/items/batch"                          => items::batch,
        PUT    "/v1/items/{sku}"                          => items::put,
        PATCH  "/v1/items/{sku}"                          => items::merge,
        GET    "/v1/items/{sku}"                          => items::get,
        GET    "/v1/items"                                => items::list,
        PUT    "/v1/locations/{location}"                 => locations::put,
        PATCH  "/v1/locations/{location}"                 => locations::merge,
        GET    "/v1/locations/{location}"                 => locations::get,
        GET    "/v1/locations"                            => locations::list,

        GET    "/v1/events"                               => events::read_on,

        GET    "/v1/feed"                                 => feed_socket::open,
        GET    "/v1/feed/events"                          => feed_events::open,

        POST   "/v1/backup"                               => backup::take,

        POST   "/v1/tokens"                               => tokens::create,
        GET    "/v1/tokens"                               => tokens::list,
        DELETE "/v1/tokens/{id}"                          => tokens::revoke,

        GET    "/openapi.json"                            => openapi::document,
        GET    "/asyncapi.yaml"                           => asyncapi::document,
        GET    "/"                                        => docs::home,
        GET    "/docs"                                    => docs::api,
        GET    "/docs/feed"                               => docs::feed::page,
        GET    "/docs/component"                          => docs::component::page,
        GET    "/docs/style.css"                          => docs::style,
        GET    "/web/{file}"                              => web_files::file,
        GET    "/screen/{location}"                       => pages::screen,
        GET    "/till/{location}"                         => pages::till,
        GET    "/problems"                                => docs::problems::list,
        GET    "/problems/{type}"                         => docs::problems::one,
    ]);
    table
}

/// The ops listener's routes.
#[rustfmt::skip]
pub fn ops_table() -> Vec<Entry> {
    table![
        GET "/" => board::home,
        GET "/livez"  => ops::live,
        GET "/readyz" => ops::ready,
        GET "/metrics" => ops::metrics_text,
        GET "/v1/contention" => contention::read,
        GET "/v1/contention/events" => board::events,
        GET "/board" => board::page,
        GET "/web/{file}" => web_files::file,
    ]
}

/// Has every route counted from the beginning, though nobody asked yet and no worker runs.
pub fn tell_all(yardstick: bool) {
    route_metrics::tell_all();
    for entry in public_table(yardstick) {
        RouteMetrics::of(entry.path, std::iter::once(&entry.method));
    }
}

/// Registers the public listener's routes, under the gate. Pages of `origins` may ask some.
pub fn public(service: &mut ServiceConfig, yardstick: bool, origins: &Origins) {
    register(service, public_table(yardstick), origins, true);
}

/// Registers the ops listener's routes.
pub fn ops(service: &mut ServiceConfig) {
    register(service, ops_table(), &Origins::default(), false);
}

/// Registers a table: one resource for each path, in the order of the table, since a fixed path
/// must come before a parameter that would take it. What it lets pass reaches the parameter, for
/// an item may be named `batch` too. Operators' own questions are not counted.
fn register(service: &mut ServiceConfig, table: Vec<Entry>, origins: &Origins, counted: bool) {
    let mut order: Vec<&'static str> = Vec::new();
    let mut paths: BTreeMap<&'static str, Vec<Entry>> = BTreeMap::new();
    for entry in table {
        if !order.contains(&entry.path) {
            order.push(entry.path);
        }
        paths.entry(entry.path).or_default().push(entry);
    }
    for path in order {
        let entries = &paths[path];
        let mut resource = resource(path, entries, &passed_on(path, &paths));
        if counted {
            let methods = entries.iter().map(|entry| &entry.method);
            resource = resource.app_data(RouteMetrics::of(path, methods));
        }
        if is_open_to_pages(path) {
            service.service(resource.wrap(origins.cors()));
        } else {
            service.service(resource);
        }
    }
    let detail = if counted {
        "no resource has this path; /docs names all"
    } else {
        "no resource has this path; here are /board, /metrics, /livez, /readyz and /v1/contention"
    };
    service.default_service(web::to(move || async move {
        Problem::new(Code::NotFound, detail).response()
    }));
}

/// One path with its methods; any other is answered with those that fit, but for those that are
/// passed on to the path behind it.
fn resource(path: &str, entries: &[Entry], passed_on: &[Method]) -> Resource {
    let mut resource = web::resource(path);
    for entry in entries {
        for method in methods(entry) {
            resource = resource.route((entry.route)().guard(asks(method)));
        }
    }
    for method in passed_on {
        resource = resource.guard(guard::Not(asks(method.clone())));
    }
    let own: Vec<Method> = entries.iter().flat_map(methods).collect();
    let allowed: Vec<&str> = own.iter().chain(passed_on).map(Method::as_str).collect();
    let allowed = allowed.join(", ");
    resource.default_service(web::to(move || {
        let problem = Problem::method_not_allowed(allowed.clone());
        async move { problem.response() }
    }))
}

/// Whether a request asks with this method. The framework's own guard notes the methods with each
/// request, for an answer that is ours here.
fn asks(method: Method) -> impl Guard {
    guard::fn_guard(move |request| request.head().method == method)
}

/// The methods of an entry: who may GET may HEAD.
fn methods(entry: &Entry) -> impl Iterator<Item = Method> + use<> {
    let head = (entry.method == Method::GET).then_some(Method::HEAD);
    std::iter::once(entry.method.clone()).chain(head)
}

/// The methods of other paths whose parameters take the text of this one: there it is the name
/// of something.
fn passed_on(path: &str, paths: &BTreeMap<&'static str, Vec<Entry>>) -> Vec<Method> {
    let behind = paths.iter().filter(|(other, _)| takes(other, path));
    behind
        .flat_map(|(_, entries)| entries.iter().flat_map(methods))
        .collect()
}

/// Whether the parameters of a pattern take what another path says in their place.
fn takes(pattern: &str, path: &str) -> bool {
    let (parts, others) = (pattern.split('/'), path.split('/'));
    pattern != path
        && parts.clone().count() == others.clone().count()
        && parts
            .zip(others)
            .all(|(part, other)| part == other || part.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Pages for people, the descriptions themselves, and the feed, which has one of its own: no
    /// part of what the OpenAPI document describes.
    const PAGES: &[&str] = &[
        "GET /v1/feed",
        "GET /v1/feed/events",
        "GET /docs/feed",
        "GET /openapi.json",
        "GET /asyncapi.yaml",
        "GET /",
        "GET /docs",
        "GET /docs/component",
        "GET /docs/style.css",
        "GET /web/{file}",
        "GET /screen/{location}",
        "GET /till/{location}",
        "GET /problems",
        "GET /problems/{type}",
    ];

    /// What the contract names, but for the listener of the operators.
    const CONTRACT: &str = "
        GET /openapi.json
        GET /asyncapi.yaml
        GET /
        GET /docs
        GET /docs/feed
        GET /docs/component
        GET /docs/style.css
        GET /web/{file}
        GET /screen/{location}
        GET /till/{location}
        GET /problems
        GET /problems/{type}
        PUT /v1/items/{sku}
        PATCH /v1/items/{sku}
        POST /v1/items/batch
        GET /v1/items/{sku}
        GET /v1/items
        PUT /v1/locations/{location}
        PATCH /v1/locations/{location}
        GET /v1/locations/{location}
        GET /v1/locations
        POST /v1/movements
        GET /v1/stock/{sku}/{location}
        PUT /v1/stock/{sku}/{location}/settings
        POST /v1/stock/settings/batch
        GET /v1/stock
        GET /v1/stock/{sku}/{location}/movements
        DELETE /v1/stock/{sku}/{location}
        GET /v1/availability/{sku}
        GET /v1/availability/{sku}/{location}
        POST /v1/availability/query
        POST /v1/reservations
        GET /v1/reservations/{id}
        GET /v1/reservations
        PUT /v1/reservations/{id}/lines
        POST /v1/reservations/{id}/extend
        POST /v1/reservations/{id}/confirm
        POST /v1/reservations/{id}/fulfil
        POST /v1/reservations/{id}/release
        POST /v1/reservations/{id}/cancel
        GET /v1/events
        GET /v1/feed
        GET /v1/feed/events
        POST /v1/backup
        POST /v1/tokens
        GET /v1/tokens
        DELETE /v1/tokens/{id}
    ";

    fn names(table: &[Entry]) -> BTreeSet<String> {
        let name = |entry: &Entry| format!("{} {}", entry.method, entry.path);
        table.iter().map(name).collect()
    }

    #[test]
    fn there_are_no_more_and_no_fewer_routes_than_the_contract_names() {
        let lines = CONTRACT.lines().map(|line| line.trim().to_owned());
        let contract: BTreeSet<String> = lines.filter(|line| !line.is_empty()).collect();
        assert_eq!(names(&public_table(false)), contract);
        assert_eq!(public_table(false).len(), contract.len());

        let with_yardstick = names(&public_table(true));
        let added: Vec<&String> = with_yardstick.difference(&contract).collect();
        assert_eq!(added, ["POST /v1/noop"]);
        let ops = [
            "GET /",
            "GET /livez",
            "GET /readyz",
            "GET /metrics",
            "GET /v1/contention",
            "GET /v1/contention/events",
            "GET /board",
            "GET /web/{file}",
        ];
        assert_eq!(names(&ops_table()), ops.map(str::to_owned).into());
    }

    #[test]
    fn a_fixed_path_comes_before_the_parameters_that_take_it_and_shares_no_method() {
        let table = public_table(true);
        let mut found = BTreeSet::new();
        for (index, fixed) in table.iter().enumerate() {
            for (later, other) in table.iter().enumerate() {
                if takes(other.path, fixed.path) {
                    assert!(index < later, "{} behind {}", fixed.path, other.path);
                    assert_ne!(fixed.method, other.method, "{}", fixed.path);
                    found.insert(fixed.path);
                }
            }
        }
        let all = [
            "/v1/availability/query",
            "/v1/items/batch",
            "/v1/stock/settings/batch",
        ];
        assert_eq!(found, all.into());
    }

    #[test]
    fn every_route_is_described_in_the_openapi_document() {
        let document = serde_json::to_value(openapi::api()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                described.insert(format!("{} {path}", method.to_uppercase()));
                assert!(
                    operation["responses"].as_object().unwrap().len() > 1,
                    "{path}"
                );
            }
        }
        let mut served = names(&public_table(false));
        served.retain(|route| !PAGES.contains(&route.as_str()));
        assert_eq!(described, served);
        assert_eq!(document["openapi"], "3.1.0");
    }
}
