//! README's examples, as a newcomer pastes them, one block after the other; what they are said to
//! answer is what they do. Its numbers are those of the configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

use onhand::config::Config;
use serde_json::{Value, json};

use crate::follower::Listener;
use crate::server::{ADMIN, DataDir, Server, onhand};

const README: &str = include_str!("../../README.md");

/// What is different each time.
const PASSING: [&str; 5] = ["id", "at", "updated_at", "expires_at", "created_at"];

fn section(heading: &str) -> &str {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// The blocks of a text in one language, and what comes after each.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<(&'t str, &'t str)> {
    let fence = format!("```{language}\n");
    let starts = text.match_indices(&fence).map(|(at, _)| at + fence.len());
    let block = |start: usize| text[start..].split_once("\n```").unwrap();
    starts.map(block).collect()
}

#[test]
fn the_api_by_example_works_when_pasted_and_answers_what_it_says() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let folder = tempfile::tempdir().unwrap();
    // A refusal fails.
    fs::write(folder.path().join(".curlrc"), "fail-with-body\nsilent\n").unwrap();
    let blocks = blocks(section("The API by example"), "sh").into_iter();
    // What follows the feed has no end.
    let blocks: Vec<_> = blocks
        .filter(|(block, _)| !block.contains("curl -N"))
        .collect();
    assert!(blocks.len() >= 4, "{blocks:#?}");
    let mut compared = 0;
    for (block, after) in blocks {
        let said = paste(block, &server, folder.path());
        let Some(example) = after.strip_prefix("\n```json\n") else {
            continue;
        };
        let example = example.split("\n```").next().unwrap();
        let answers = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
        assert_eq!(
            lasting(answers.last().unwrap().unwrap()),
            lasting(read(example))
        );
        compared += 1;
    }
    assert_eq!(compared, 2);
}

fn paste(block: &str, server: &Server, folder: &Path) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let pasted = Command::new("sh")
        .args(["-ec", &block.replace("localhost:8080", address)])
        .env("H", format!("Authorization: Bearer {ADMIN}"))
        .env("CURL_HOME", folder)
        .output()
        .unwrap();
    let said = String::from_utf8(pasted.stdout).unwrap();
    assert!(pasted.status.success(), "{block}\n{said}");
    assert!(!said.contains(r#""status":"refused""#), "{block}\n{said}");
    said
}

fn read(example: &str) -> Value {
    serde_json::from_str(example).unwrap_or_else(|error| panic!("{error}: {example}"))
}

/// A document without what is different each time. The id of a movement is its client's own.
fn lasting(mut document: Value) -> Value {
    match &mut document {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let is_own = member.as_str().is_some_and(|text| text == "r1");
                *member = match PASSING.contains(&name.as_str()) && !is_own {
                    true => json!("…"),
                    false => lasting(member.take()),
                };
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = lasting(item.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    document
}

/// A shop as the reader of README has it at the refusal: eight are left.
fn as_far_as_the_refusal() -> (Server, DataDir) {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    client.put("/v1/items/clog-38", &json!({"name": "Red clogs 38"}));
    client.put(
        "/v1/locations/malmo",
        &json!({"name": "Malmö", "kind": "store"}),
    );
    let receipt = json!({"id": "r1", "type": "receipt", "sku": "clog-38", "location": "malmo",
        "quantity": 8});
    client.post("/v1/movements", &json!({"movements": [receipt]}));
    (server, data)
}

#[test]
fn the_refusal_and_the_news_that_are_shown_are_those_that_are_told() {
    let (server, _data) = as_far_as_the_refusal();
    let shown = section("The API by example");
    let example = |start: &str| {
        let mut lines = shown.lines().filter(|line| line.starts_with(start));
        lines.next().unwrap()
    };
    let line = json!({"sku": "clog-38", "location": "malmo", "quantity": 20});
    let wanted = json!({"lines": [line]});
    let refused = server.client().json("POST", "/v1/reservations", &wanted);
    assert_eq!(
        refused.unwrap().body,
        read(example(r#"{"type":"/problems/"#))
    );

    let news = example("data: ").strip_prefix("data: ").unwrap();
    let news = read(&news.replace("[…]", "[]"));
    let (_, path) = shown.split_once("curl -N \"localhost:8080").unwrap();
    let path = path.split('"').next().unwrap();
    let mut frame = Listener::open(&server, path, &[]).next().unwrap().frame;
    frame["items"] = json!([]);
    assert_eq!(lasting(frame), lasting(news));
}

#[test]
fn every_configuration_that_is_shown_passes_the_check() {
    let shown = blocks(README, "toml");
    assert!(!shown.is_empty());
    for (block, _) in shown {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("onhand.toml");
        fs::write(&file, block).unwrap();
        let mut check = onhand();
        check.args(["config", "check", "--config"]).arg(&file);
        check.env("ONHAND_DATA_DIR", folder.path());
        check.env("ONHAND_LISTEN", "127.0.0.1:0");
        check.env("ONHAND_OPS_LISTEN", "127.0.0.1:0");
        let checked = check.output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{block}\n{said}");
    }
}

#[test]
fn every_limit_that_is_named_is_the_default() {
    let Config {
        http,
        journal,
        stock,
        feed,
        telemetry,
        ..
    } = Config::default();
    // A number of README has its thousands apart from 20,000 on.
    let thousands = |number: usize| match number {
        0..10_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    };
    let whole = |number: u64, unit: u64| {
        assert_eq!(number % unit, 0, "README would have to say it otherwise");
        number / unit
    };
    let limits = section("Limits")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let body = whole(http.body_bytes_max as u64, 1 << 20);
    let hours = whole(stock.ttl_seconds_max.into(), 3600);
    let history = whole(journal.history_bytes_max, 1 << 30);
    for named in [
        format!("Bodies {body} MiB,"),
        format!(
            " {} movements or settings in a batch",
            thousands(stock.movements_max)
        ),
        format!(" {} lines a reservation", thousands(stock.lines_max)),
        format!(" {hours} h the longest hold"),
        format!(" history {} days and {history} GiB", journal.history_days),
        format!(" {} connections", thousands(feed.connections_max)),
        format!(" {} of an address", thousands(feed.address_connections_max)),
        format!(" {} keys each", thousands(feed.keys_max)),
        format!(" ({} with a token)", thousands(feed.token_keys_max)),
    ] {
        assert!(limits.contains(&named), "{named} is not in: {limits}");
    }
    for named in [
        format!("`--listen {}`", http.listen),
        format!("`--ops-listen {}`", http.ops_listen),
        format!("`--data-dir {}`", journal.data_dir.display()),
        format!(
            "(`telemetry.slow_request_ms`, {} by default)",
            telemetry.slow_request_ms
        ),
    ] {
        assert!(README.contains(&named), "{named} is not in README.md");
    }
}
