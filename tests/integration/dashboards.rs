//! Dashboards, rules and alerts, by a real Prometheus (Debian's package) that reads the running
//! binary under load: what they ask for is there, and what is there is documented.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use serde_json::{Value, json};

use crate::client::Client;
use crate::follower::{Follower, Listener};
use crate::metrics::{Told, cart, stock};
use crate::server::{ADMIN, DataDir, PATIENCE, Server, Start};

/// So many rounds of a follower are heard of before an expression is said to return nothing.
const ROUNDS_MAX: usize = 5_000;

fn dashboards() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards")
}

fn read(path: &str) -> String {
    fs::read_to_string(dashboards().join(path)).unwrap()
}

/// Every dashboard with the name of its file.
fn boards() -> Vec<(String, Value)> {
    let folder = dashboards().join("grafana/dashboards");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let board = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (
            path.display().to_string(),
            serde_json::from_str(&text).unwrap(),
        )
    };
    let boards: Vec<_> = files.map(board).collect();
    assert_eq!(boards.len(), 4);
    boards
}

/// The panels of a dashboard that show something.
fn panels(board: &Value) -> Vec<&Value> {
    let panels = board["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row").collect()
}

fn expressions(panel: &Value) -> Vec<&str> {
    let targets = panel["targets"].as_array().unwrap().iter();
    targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect()
}

/// A rule: the name of what it records or of the alert, and its expression.
fn rules(file: &str) -> Vec<(String, String, Value)> {
    let parsed: Value = serde_saphyr::from_str(&read(file)).unwrap();
    let groups = parsed["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    let named = rules.map(|rule| {
        let name = rule["record"].as_str().or(rule["alert"].as_str()).unwrap();
        (
            name.to_owned(),
            rule["expr"].as_str().unwrap().to_owned(),
            rule.clone(),
        )
    });
    named.collect()
}

/// The names of metrics and recorded series in an expression.
fn names(expression: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_part(c));
    let metric = |word: &&str| {
        ["onhand_", "process_"]
            .iter()
            .any(|house| word.starts_with(house))
            || word.contains(":onhand")
    };
    words.filter(metric).map(str::to_owned).collect()
}

/// The name under which a series of a histogram is documented.
fn family(name: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"];
    let part = parts.iter().find_map(|part| name.strip_suffix(part));
    part.unwrap_or(name)
}

fn promtool(arguments: &[&str], input: Option<&str>) {
    let mut command = Command::new("promtool");
    command
        .args(arguments)
        .current_dir(dashboards().join("prometheus"));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool comes with Debian's package prometheus: apt-get install prometheus");
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(input.unwrap_or_default().as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "promtool {arguments:?}:\n{told}");
    // Of metrics it tells what is no good style without failing.
    assert!(input.is_none() || told.trim().is_empty(), "{told}");
}

/// Prometheus itself, on the project's rules.
struct Prometheus {
    child: Child,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Reads the ops listener of `server` every second.
    fn on(server: &Server) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let config = read("prometheus/prometheus.yml")
            .replace(
                "localhost:8081",
                server.ops.strip_prefix("http://").unwrap(),
            )
            .replace("10s", "1s");
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        for rules in ["recording.yml", "alerts.yml"] {
            fs::copy(
                dashboards().join("prometheus").join(rules),
                folder.path().join(rules),
            )
            .unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!(
                "--config.file={}/prometheus.yml",
                folder.path().display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}/data",
                folder.path().display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus is Debian's package: apt-get install prometheus");
        Prometheus {
            child,
            client: Client::new(&format!("http://127.0.0.1:{port}"), ""),
            _folder: folder,
        }
    }

    /// What an expression returns now; none if it cannot be asked yet.
    fn ask(&self, expression: &str) -> Option<Vec<Value>> {
        let query: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        let answer = self
            .client
            .get(&format!("/api/v1/query?query={query}"))
            .ok()?;
        assert_ne!(answer.status, 400, "{expression}\n{}", answer.text);
        let results = answer.body["data"]["result"].as_array()?.clone();
        let is_number = |one: &Value| one["value"][1] != "NaN";
        Some(results.into_iter().filter(is_number).collect())
    }

    /// How often it has looked at the server; none before the first time.
    fn looks(&self) -> Option<Value> {
        let results = self.ask("sum(count_over_time(up[1h]))")?;
        Some(results.first()?["value"][1].clone())
    }

    /// Whether all these expressions return something in the end; those that do not. They are
    /// asked each time it has looked again, which is seen to after each round of a follower.
    fn without_data(&self, mut expressions: Vec<String>, rounds: &Receiver<()>) -> Vec<String> {
        let mut looks = None;
        for _ in 0..ROUNDS_MAX {
            let round = rounds.recv_timeout(PATIENCE);
            round.expect("a follower hears of what others do");
            let seen = self.looks();
            if seen == looks {
                continue;
            }
            looks = seen;
            let empty = |one: &String| self.ask(one).is_none_or(|results| results.is_empty());
            expressions.retain(empty);
            if expressions.is_empty() {
                break;
            }
        }
        expressions
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Does a little of everything that is measured.
fn act(client: &Client, turn: usize) {
    let keyed = |key: &str, body: &Value| client.keyed("POST", "/v1/reservations", key, body);
    let key = format!("cart-{turn}");
    let placed = keyed(&key, &cart(1, 600)).unwrap();
    keyed(&key, &cart(1, 600)).unwrap();
    keyed(&format!("late-{turn}"), &cart(1, 1)).unwrap();
    keyed(&format!("many-{turn}"), &cart(1_000_000, 600)).unwrap();
    let id = placed.body["id"].as_str().unwrap_or("none");
    let call = if turn.is_multiple_of(2) {
        "release"
    } else {
        "confirm"
    };
    client
        .json("POST", &format!("/v1/reservations/{id}/{call}"), &json!({}))
        .unwrap();
    let next = if turn.is_multiple_of(4) {
        "cancel"
    } else {
        "fulfil"
    };
    let next = format!("/v1/reservations/{id}/{next}");
    client.json("POST", &next, &json!({})).unwrap();
    let sale =
        json!({"id": key, "type": "sale", "sku": "clog-38", "location": "malmo", "quantity": 1});
    client.post("/v1/movements", &json!({"movements": [sale]}));
    client.read("/v1/availability/clog-38/malmo");
    client.read("/v1/availability/clog-38");
    client.read("/v1/events?after=earliest&limit=10");
}

/// Acts until it is to stop.
fn act_on(client: &Client, stop: &AtomicBool) {
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        act(client, turn);
        turn += 1;
    }
}

/// Follows what others do, coming and going, and tells of each round while somebody hears it.
fn follow(server: &Server, rounds: &SyncSender<()>) {
    while rounds.try_send(()) != Err(TrySendError::Disconnected(())) {
        let mut follower = Follower::open_with(server, ADMIN);
        follower.subscribe(&["clog-38@malmo"], &json!({}));
        for _ in 0..3 {
            follower.next_of("update");
        }
        Listener::open(server, "/v1/feed/events?keys=clog-38@malmo", &[]).next();
    }
}

/// What Grafana puts in for its variables, and in alerts comparisons that always return something.
fn asked(expression: &str) -> String {
    expression
        .replace("$job", "onhand")
        .replace("$instance", ".+")
        .replace("$__rate_interval", "5s")
        .replace("$__range", "10s")
}

fn always(alert: &str) -> String {
    alert
        .replace(" > ", " > bool ")
        .replace(" == ", " == bool ")
}

#[test]
fn every_expression_of_panels_rules_and_alerts_returns_data() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "1");
    let server = start.run();
    stock(&server.client(), 1_000_000);
    let prometheus = Prometheus::on(&server);
    let mut expressions: Vec<String> = Vec::new();
    for (_, board) in boards() {
        let shown = panels(&board).into_iter().flat_map(expressions_of);
        expressions.extend(shown.map(|one| asked(&one)));
    }
    let recorded = rules("prometheus/recording.yml");
    expressions.extend(recorded.iter().map(|(name, _, _)| name.clone()));
    expressions.extend(recorded.into_iter().map(|(_, expression, _)| expression));
    let alerts = rules("prometheus/alerts.yml").into_iter();
    expressions.extend(alerts.map(|(_, expression, _)| always(&expression)));
    assert!(expressions.len() > 100, "{}", expressions.len());

    let (stop, client) = (AtomicBool::new(false), server.client());
    let (rounds, heard) = sync_channel(1);
    let without = thread::scope(|scope| {
        let prometheus = &prometheus;
        let asking = scope.spawn(move || prometheus.without_data(expressions, &heard));
        scope.spawn(|| act_on(&client, &stop));
        follow(&server, &rounds);
        stop.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    assert!(
        without.is_empty(),
        "these return nothing:\n{}",
        without.join("\n")
    );
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_oversells_total"), Some(0.0));
    promtool(&["check", "metrics"], Some(told.text()));
}

fn expressions_of(panel: &Value) -> Vec<String> {
    expressions(panel).into_iter().map(str::to_owned).collect()
}

#[test]
fn every_metric_that_is_named_exists_and_every_one_that_exists_is_documented() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let families = Told::by(&server).families();
    let row =
        |(name, kind, help): &(String, String, String)| format!("| `{name}` | {kind} | {help} |\n");
    let table: String = families.iter().map(row).collect();
    let table = format!("| metric | type | what it says |\n|---|---|---|\n{table}");
    let readme = read("README.md");
    let (_, rest) = readme.split_once("<!-- metrics -->\n").unwrap();
    let (documented, _) = rest.split_once("<!-- /metrics -->").unwrap();
    assert!(
        documented == table,
        "dashboards/README.md should say:\n{table}"
    );

    let told: BTreeSet<&str> = families.iter().map(|(name, _, _)| name.as_str()).collect();
    let recorded = rules("prometheus/recording.yml");
    let alerts = rules("prometheus/alerts.yml");
    let both = recorded.iter().chain(&alerts);
    let mut named: BTreeSet<String> = both
        .flat_map(|(_, expression, _)| names(expression))
        .collect();
    let mut shown = BTreeSet::new();
    for (_, board) in boards() {
        let expressions = panels(&board).into_iter().flat_map(expressions_of);
        shown.extend(expressions.flat_map(|expression| names(&expression)));
    }
    named.extend(shown.iter().cloned());
    let recorded: BTreeSet<&str> = recorded.iter().map(|(name, _, _)| name.as_str()).collect();
    for name in named {
        let exists = recorded.contains(name.as_str()) || told.contains(family(&name));
        assert!(exists, "{name} does not exist");
    }
    let shown: BTreeSet<&str> = shown.iter().map(|name| family(name)).collect();
    let ours = told.iter().filter(|name| name.starts_with("onhand_"));
    let hidden: Vec<&&str> = ours.filter(|name| !shown.contains(**name)).collect();
    assert!(hidden.is_empty(), "no panel shows {hidden:?}");
}

#[test]
fn prometheus_takes_configuration_and_rules_and_the_rules_do_what_they_say() {
    promtool(&["check", "config", "prometheus.yml"], None);
    promtool(&["check", "rules", "recording.yml", "alerts.yml"], None);
    promtool(&["test", "rules", "tests.yml"], None);
}

#[test]
fn every_alert_has_a_paragraph_in_the_runbook_and_a_severity() {
    let runbook = read("RUNBOOK.md");
    let headings: Vec<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let alerts = rules("prometheus/alerts.yml");
    let names: Vec<&str> = alerts.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(headings, names);
    for (name, _, rule) in &alerts {
        let (_, rest) = runbook.split_once(&format!("## {name}\n")).unwrap();
        let paragraph = rest.split("\n## ").next().unwrap();
        assert!(paragraph.len() > 80, "{name}: {paragraph}");
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["page", "ticket"].contains(&severity), "{name}");
        let anchor = format!("dashboards/RUNBOOK.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], anchor);
    }
}

/// The rules of grafana/dashboard-linter.
#[test]
fn dashboards_keep_the_rules_of_their_trade() {
    let recorded = rules("prometheus/recording.yml");
    assert!(
        recorded
            .iter()
            .all(|(name, _, _)| name.matches(':').count() == 2)
    );
    for (file, board) in boards() {
        assert_eq!(board["editable"], false, "{file}");
        let variables = board["templating"]["list"].as_array().unwrap();
        let variable = |name: &str| variables.iter().find(|one| one["name"] == name).unwrap();
        assert_eq!(variable("datasource")["type"], "datasource");
        for name in ["job", "instance"] {
            let variable = variable(name);
            assert_eq!(
                (&variable["multi"], &variable["refresh"]),
                (&json!(true), &json!(2))
            );
            assert_eq!(variable["allValue"], ".+", "{file}");
            assert_eq!(variable["datasource"]["uid"], "${datasource}");
        }
        let mut ids = BTreeSet::new();
        for panel in panels(&board) {
            let title = panel["title"].as_str().unwrap();
            let place = format!("{file}: {title}");
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{place}: its id is another's"
            );
            assert!(
                !title.is_empty() && panel["description"].as_str().unwrap().len() > 10,
                "{place}"
            );
            assert!(
                panel["fieldConfig"]["defaults"]["unit"].is_string(),
                "{place} has no unit"
            );
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{place}");
            let expressions = expressions(panel);
            assert!(!expressions.is_empty(), "{place} asks nothing");
            for expression in expressions {
                keeps_rules(&place, expression);
            }
        }
    }
}

fn keeps_rules(place: &str, expression: &str) {
    let selectors = expression.matches('{').count();
    let matchers = expression
        .matches("{job=~\"$job\", instance=~\"$instance\"")
        .count();
    assert_eq!(
        selectors, matchers,
        "{place}: every selector is for the chosen job and instance"
    );
    for name in names(expression) {
        assert!(
            expression.contains(&format!("{name}{{")),
            "{place}: {name} is not selected"
        );
        let counts = ["_total", "_bucket", "_sum", "_count"]
            .iter()
            .any(|end| name.ends_with(end));
        let over = [format!("rate({name}{{"), format!("increase({name}{{")];
        let rated = over.iter().any(|over| expression.contains(over));
        assert_eq!(
            counts, rated,
            "{place}: rates are of counters, and counters are rated"
        );
    }
    let ranges = expression.matches('[').count();
    let named = ["[$__rate_interval]", "[$__range]"];
    let named: usize = named
        .iter()
        .map(|range| expression.matches(range).count())
        .sum();
    assert_eq!(
        ranges, named,
        "{place}: Grafana chooses how long a rate looks back"
    );
}
