//! The pages that the binary serves itself: every example on them is sent as shown, every problem
//! has its page, every link leads somewhere, and nothing is loaded from elsewhere. It must not
//! know how a page is made.

use std::collections::BTreeSet;

use onhand::http::docs::example::{EXAMPLES, Example};
use onhand::http::docs::layout::laid_out;
use onhand::http::problem::Code;
use serde_json::{Map, Value, json};

use crate::client::{Answer, Client};
use crate::server::{DataDir, Server};

/// Where the answers that the pages show are kept.
const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/docs/answers.json");

/// Reads as a browser does.
fn page(client: &Client, path: &str) -> Answer {
    let accept = [("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")];
    client.send("GET", path, &accept, None).unwrap()
}

/// Who follows the examples: what earlier answers called `id` stands in for the variables.
struct Reader {
    client: Client,
    methods: Map<String, Value>,
    reservation: String,
    token: String,
}

impl Reader {
    fn new(client: Client) -> Reader {
        let document = client.read("/openapi.json");
        let mut methods = Map::new();
        for (_, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                methods.insert(id, method.to_uppercase().into());
            }
        }
        Reader {
            client,
            methods,
            reservation: String::new(),
            token: String::new(),
        }
    }

    /// Sends an example as the page shows it.
    fn follow(&mut self, example: &Example) -> String {
        self.prepare(example.operation);
        let path = example.path.replace("$RESERVATION", &self.reservation);
        let path = path.replace("$TOKEN_ID", &self.token);
        let key: Vec<_> = example
            .key
            .map(|key| ("idempotency-key", key))
            .into_iter()
            .collect();
        let body = example.body.map(str::as_bytes);
        let method = self.methods[example.operation].as_str().unwrap();
        let answer = self.client.send(method, &path, &key, body).unwrap();
        let id = answer.body["id"].as_str().map(str::to_owned);
        match (example.operation, id) {
            ("placeReservation", Some(id)) => self.reservation = id,
            ("createToken", Some(id)) => self.token = id,
            _ => {}
        }
        let body = if example.is_saved {
            assert!(answer.header("content-disposition").contains("attachment"));
            String::new()
        } else {
            made_up(&answer.text)
        };
        let body = if body.is_empty() { "null" } else { &body };
        assert!((200..300).contains(&answer.status), "{example:?}\n{body}");
        laid_out(&format!("{{\"status\":{},\"body\":{body}}}", answer.status))
    }

    /// What the page says in words: a basket of its own to release, a key that is empty.
    fn prepare(&mut self, operation: &str) {
        if operation == "releaseReservation" {
            let lines = json!([{"sku": "clog-38", "location": "malmo", "quantity": 1}]);
            let placed = self
                .client
                .post("/v1/reservations", &json!({ "lines": lines }));
            self.reservation = placed["id"].as_str().unwrap().to_owned();
        }
        if operation == "stopStocking" {
            let outlet = json!({"name": "Outlet", "kind": "store"});
            self.client.put("/v1/locations/outlet", &outlet);
            let none = json!({"id": "count-1", "type": "count", "sku": "clog-38",
                "location": "outlet", "quantity": 0});
            self.client
                .post("/v1/movements", &json!({ "movements": [none] }));
        }
    }
}

/// The same JSON with ids, times and positions that are the same each time.
fn made_up(json: &str) -> String {
    assert!(!json.contains('\\'), "an escape would shift the texts");
    let parts = json.split('"').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        1 => made_up_text(part),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("\"")
}

fn made_up_text(text: &str) -> String {
    let is_time = text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    if is_time {
        return "2026-02-03T04:05:06.789Z".to_owned();
    }
    if let Some(secret) = text.strip_prefix("onh_") {
        return format!("onh_{}", made_up_text(secret));
    }
    let (id, position) = text.split_once('.').unwrap_or((text, ""));
    if id.len() < 16 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return text.to_owned();
    }
    let digits = "01a200c51e537458".chars().cycle().take(id.len());
    let position = if position.is_empty() { "" } else { ".4711" };
    digits.chain(position.chars()).collect()
}

#[test]
fn every_example_works_when_followed_from_the_top_and_answers_what_is_shown() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let mut reader = Reader::new(server.client());
    let answers = EXAMPLES.iter().map(|example| {
        let answer = reader.follow(example);
        format!("\"{}\":{answer}", example.operation)
    });
    let answers = answers.collect::<Vec<_>>().join(",");
    let answers = laid_out(&format!("{{{answers}}}")) + "\n";
    if std::env::var_os("WRITE_ANSWERS").is_some() {
        std::fs::write(ANSWERS, answers).unwrap();
        return;
    }
    let shown = std::fs::read_to_string(ANSWERS).unwrap();
    let mut lines = shown.lines().zip(answers.lines());
    let other = lines.find(|(shown, answered)| shown != answered);
    assert!(
        shown == answers,
        "an example is answered otherwise than {ANSWERS} says: {other:?}; to write it anew: \
         WRITE_ANSWERS=1 cargo nextest run followed_from_the_top"
    );
}

#[test]
fn every_route_has_an_example_and_every_example_a_route() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let reader = Reader::new(server.client());
    let routes: BTreeSet<&str> = reader.methods.keys().map(String::as_str).collect();
    let examples: BTreeSet<&str> = EXAMPLES.iter().map(|example| example.operation).collect();
    assert_eq!(routes, examples);

    let shown = page(&reader.client, "/docs").text;
    for operation in routes {
        assert!(
            shown.contains(&format!("id=\"{operation}\"")),
            "{operation}"
        );
    }
}

#[test]
fn every_problem_has_a_page_for_people_and_a_document_for_programs() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let anyone = server.client_with("");
    for code in Code::ALL {
        let path = code.type_uri();
        let shown = page(&anyone, &path);
        assert_eq!(shown.status, 200, "{path}");
        assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
        assert!(shown.text.contains(code.as_str()) && shown.text.contains("What to do"));

        let accept = [("accept", "application/json")];
        let told = anyone.send("GET", &path, &accept, None).unwrap().ok();
        assert_eq!(told["code"], code.as_str());
        assert_eq!(told["example"]["code"], code.as_str());
        assert_eq!(told["example"]["type"], path);
        assert_eq!(told["statuses"][0], told["example"]["status"]);
        for words in ["means", "when", "act"] {
            assert!(told[words].as_str().unwrap().len() > 20, "{path} {words}");
        }
    }
    let listed = page(&anyone, "/problems").text;
    assert!(
        Code::ALL
            .iter()
            .all(|code| listed.contains(&code.type_uri()))
    );

    for unknown in ["/problems/no-such", "/problems/not_found", "/problems/"] {
        let answer = page(&anyone, unknown);
        assert_eq!(
            (answer.status, answer.code()),
            (404, "not_found"),
            "{unknown}"
        );
    }
}

#[test]
fn pages_load_nothing_from_elsewhere_and_are_not_sent_twice() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let anyone = server.client_with("");
    for path in [
        "/docs",
        "/docs/feed",
        "/docs/component",
        "/docs/style.css",
        "/problems",
        "/problems/overloaded",
    ] {
        let first = page(&anyone, path);
        assert_eq!(first.status, 200, "{path}");
        let policy = first.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert!(
            !first.text.contains("<script") && !first.text.contains("style="),
            "{path}"
        );
        for elsewhere in ["src=\"http", "href=\"http", "href=\"//", "url(", "@import"] {
            assert!(!first.text.contains(elsewhere), "{path} {elsewhere}");
        }
        let tag = first.header("etag");
        let again = anyone
            .send("GET", path, &[("if-none-match", tag)], None)
            .unwrap();
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        let head = anyone.send("HEAD", path, &[], None).unwrap();
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
    }
}

#[test]
fn a_bare_address_leads_to_what_is_there() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    for (url, first) in [(&server.url, "/docs"), (&server.ops, "/board")] {
        let home = page(&Client::new(url, ""), "/");
        assert_eq!((home.status, home.header("location")), (302, first));
    }
}

#[test]
fn every_link_leads_somewhere() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let anyone = server.client_with("");
    for path in [
        "/docs",
        "/docs/feed",
        "/docs/component",
        "/problems",
        "/problems/overloaded",
    ] {
        let shown = page(&anyone, path).text;
        let anchors: BTreeSet<&str> = values(&shown, " id=\"").collect();
        for link in values(&shown, "href=\"").collect::<BTreeSet<_>>() {
            if let Some(anchor) = link.strip_prefix('#') {
                assert!(anchors.contains(anchor), "{path} {link}");
            } else if link != "data:," {
                assert_eq!(page(&anyone, link).status, 200, "{path} {link}");
            }
        }
    }
}

/// The attribute values that follow `before`.
fn values<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    let rest = text.split(before).skip(1);
    rest.map(|rest| rest.split('"').next().unwrap())
}
