//! Every route of the OpenAPI document: parameters, body, answers, an example that works when
//! pasted. It must not say anything about a route that its handler does not say.

use maud::{Markup, html};
use serde_json::Value;

use super::page::{self, prose};
use super::{example, shape};

/// The order in which the groups are read: set up, look, sell, follow, administer.
const GROUPS: &[(&str, &str)] = &[
    ("Catalogue", "What is sold, and where."),
    (
        "Stock",
        "What is there, what changes it, and what is withheld from sale.",
    ),
    (
        "Availability",
        "What shoppers and tills may know. Nobody needs a token for it.",
    ),
    ("Reservations", "From add to cart to hand-over."),
    (
        "Events",
        "What happened, in order, to be read on from where one stopped.",
    ),
    ("Tokens", "Who may do what."),
    ("Backup", "A copy of everything, to be restored elsewhere."),
];

/// One route.
pub struct Route<'d> {
    /// The method, in capitals.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: &'d str,
    operation: &'d Value,
}

impl<'d> Route<'d> {
    /// Its name, which is its anchor too.
    pub fn id(&self) -> &'d str {
        self.operation["operationId"].as_str().unwrap_or_default()
    }

    /// `placeReservation` → `Place reservation`.
    fn title(&self) -> String {
        let mut title = String::new();
        for letter in self.id().chars() {
            match letter {
                _ if title.is_empty() => title.extend(letter.to_uppercase()),
                _ if letter.is_uppercase() => {
                    title.push(' ');
                    title.extend(letter.to_lowercase());
                }
                _ => title.push(letter),
            }
        }
        title
    }

    /// The scope it needs; `None` if nobody needs a token for it.
    pub fn scope(&self) -> Option<&'d str> {
        let needs = self.operation["security"].as_array()?;
        needs.iter().find_map(|need| need["bearer"][0].as_str())
    }

    fn is_in(&self, group: &str) -> bool {
        self.operation["tags"][0] == group
    }
}

/// All routes of a document, group by group, in the order of their examples. A group that is not
/// named above comes last.
pub fn groups(document: &Value) -> Vec<(&str, &str, Vec<Route<'_>>)> {
    let mut routes: Vec<Route<'_>> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let method = method.to_uppercase();
            routes.push(Route {
                method,
                path,
                operation,
            });
        }
    }
    routes.sort_by_key(|route| example::place_of(route.id()));
    let mut groups = Vec::new();
    for (name, about) in GROUPS {
        let (inside, rest) = routes.into_iter().partition(|route| route.is_in(name));
        groups.push((*name, *about, inside));
        routes = rest;
    }
    if !routes.is_empty() {
        groups.push(("More", "", routes));
    }
    groups
}

/// Links to every route.
pub fn contents(document: &Value) -> Markup {
    html! {
        @for (name, _, routes) in groups(document) {
            p { a href=(format!("#{name}")) { (name) } }
            ul {
                @for route in routes {
                    li { a href=(format!("#{}", route.id())) { (route.title()) } }
                }
            }
        }
        p { a href="#shapes" { "Shapes" } }
    }
}

/// Every route, then every shape.
pub fn reference(document: &Value) -> Markup {
    html! {
        @for (name, about, routes) in groups(document) {
            section {
                h2 #(name) { (name) }
                p { (about) }
                @for route in &routes { (one(route)) }
            }
        }
        section {
            h2 #shapes { "Shapes" }
            p { "What requests and answers are made of. Clients ignore members they do not know." }
            @for (name, schema) in shape::all(document) {
                article.shape id=(shape::anchor(name)) {
                    h3 { (name) }
                    @if let Some(about) = schema["description"].as_str() { p { (prose(about)) } }
                    (shape::members(schema))
                }
            }
        }
    }
}

fn one(route: &Route<'_>) -> Markup {
    let operation = route.operation;
    html! {
        article.route id=(route.id()) {
            h3 {
                a.anchor href=(format!("#{}", route.id())) { (route.title()) }
            }
            p.call {
                span class=(format!("method {}", route.method.to_lowercase())) { (route.method) }
                " " code { (route.path) }
                " "
                @match route.scope() {
                    Some(scope) => span.scope { "scope " code { (scope) } },
                    None => span.scope { "no token needed" },
                }
            }
            div.halves {
                div {
                    p { (prose(operation["summary"].as_str().unwrap_or_default())) }
                    @if let Some(text) = operation["description"].as_str() { p { (prose(text)) } }
                    (parameters(operation))
                    (body(operation))
                    (answers(operation))
                }
                div.example { (example(route)) }
            }
        }
    }
}

fn parameters(operation: &Value) -> Markup {
    let Some(parameters) = operation["parameters"]
        .as_array()
        .filter(|all| !all.is_empty())
    else {
        return html! {};
    };
    html! {
        h4 { "Parameters" }
        div.scroll { table.members { tbody {
            @for parameter in parameters {
                tr {
                    td {
                        code { (parameter["name"].as_str().unwrap_or_default()) }
                        @if parameter["required"] == true { " " span.required { "required" } }
                    }
                    td { (parameter["in"].as_str().unwrap_or_default()) }
                    td { (shape::meaning(parameter)) }
                }
            }
        } } }
    }
}

fn body(operation: &Value) -> Markup {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() {
        return html! {};
    }
    html! {
        h4 { "Body" }
        p {
            (shape::kind(schema))
            @if operation["requestBody"]["required"] != true { ", may be left out" }
        }
    }
}

fn answers(operation: &Value) -> Markup {
    html! {
        h4 { "Answers" }
        div.scroll { table.members { tbody {
            @for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                tr {
                    td { code { (status) } }
                    td { (answer_kind(answer)) }
                    td { (prose(answer["description"].as_str().unwrap_or_default())) }
                }
            }
        } } }
    }
}

fn answer_kind(answer: &Value) -> Markup {
    let content = answer["content"].as_object().into_iter().flatten().next();
    match content {
        Some((kind, _)) if kind.contains("problem") => html! { a href="/problems" { "problem" } },
        Some((_, content)) => shape::kind(&content["schema"]),
        None => html! { "nothing" },
    }
}

fn example(route: &Route<'_>) -> Markup {
    let Some(example) = example::of(route.id()) else {
        return html! {};
    };
    html! {
        (page::block(&example.curl(route)))
        @if let Some(answer) = example::answer_to(route.id()) {
            p.status {
                "Answers " (answer.status)
                @if example.is_saved { " with a file." }
                @else if answer.body.is_none() { " without a body." }
            }
            @if let Some(body) = &answer.body { (page::json(body.get())) }
        }
    }
}
