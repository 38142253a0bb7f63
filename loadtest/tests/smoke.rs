//! Each scenario, very short, against the real server: it ends well, and the books agree. Nothing
//! is said about speed.

#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// The server as the workspace's tests build it, beside this tool.
fn server() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_loadtest")).with_file_name("onhand");
    assert!(
        path.is_file(),
        "there is no {}: run the tests of the whole workspace, or `cargo build --bin onhand`",
        path.display()
    );
    path
}

/// Runs a scenario with small sizes and gives its result.
fn run(scenario: &str, sizes: &[&str]) -> Value {
    // A peer may run as a user of its own, who has to come through.
    let open = std::fs::Permissions::from_mode(0o711);
    let folder = tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command
        .arg(scenario)
        .args([
            "--short",
            "--rounds",
            "1",
            "--seconds",
            "0.3",
            "--warm-up",
            "0.1",
        ])
        .args(["--connections", "8", "--keys", "100"])
        .args(sizes)
        .arg("--server")
        .arg(server())
        .arg("--out")
        .arg(folder.path())
        .arg("--data")
        .arg(folder.path());
    let output = command.output().unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains(&format!("{scenario}: books agree")), "{said}");
    let path = folder.path().join(format!("{scenario}.json"));
    let result: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    check(&result);
    result
}

/// What every result says.
fn check(result: &Value) {
    let books = result["books"].as_array().unwrap();
    assert!(!books.is_empty(), "{result}");
    for books in books {
        assert_eq!(books["faults"], serde_json::json!([]), "{books}");
        if books["of"] == "Onhand" {
            let verify = books["verify"].as_str().unwrap();
            assert!(verify.contains("everything agrees"), "{verify}");
        }
    }
    assert!(!result["figures"].as_array().unwrap().is_empty());
    for said in [
        "processor",
        "kernel",
        "server",
        "commit",
        "measured_at",
        "seed",
    ] {
        assert!(!result["machine"][said].is_null(), "{said}");
    }
}

/// A sum that answers add up to.
fn expected(result: &Value, name: &str) -> i64 {
    result["books"][0]["expected"][name].as_i64().unwrap()
}

/// How many answers of a kind were measured, with any status.
fn answers(result: &Value, kind: &str) -> u64 {
    let phases = result["phases"].as_array().unwrap();
    let kinds = phases
        .iter()
        .flat_map(|phase| phase["kinds"].as_array().unwrap());
    let of_kind = kinds.filter(|measured| measured["kind"] == kind);
    let statuses = of_kind.flat_map(|measured| measured["answers"].as_object().unwrap().values());
    statuses.map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn noop_takes_no_stock() {
    let result = run("noop", &[]);
    assert!(answers(&result, "reserve") > 0);
    assert_eq!(expected(&result, "held"), 0);
}

#[test]
fn alone_holds_what_was_answered() {
    assert!(expected(&run("alone", &["--connections", "1"]), "held") > 0);
}

#[test]
fn hot_holds_what_was_answered() {
    assert!(expected(&run("hot", &[]), "held") > 0);
    assert!(expected(&run("hot", &["--without-keys"]), "held") > 0);
}

#[test]
fn spread_holds_what_was_answered() {
    assert!(expected(&run("spread", &["--zipf", "1.1"]), "held") > 0);
}

#[test]
fn basket_holds_every_line_that_was_answered() {
    let held = expected(&run("basket", &[]), "held");
    assert!(held > 0 && held % 3 == 0, "{held}");
}

#[test]
fn peers_hold_what_they_answered_if_they_are_installed() {
    let result = run("peers", &[]);
    let text = |of: &str, what: &str| -> Vec<String> {
        let each = result[of].as_array().unwrap().iter();
        let said = |one: &Value| one.as_str().or(one[what].as_str()).unwrap().to_owned();
        each.map(said).collect()
    };
    let (figures, notes, books) = (
        text("figures", "name"),
        text("notes", ""),
        text("books", "of"),
    );
    for peer in ["PostgreSQL", "Redis"] {
        let absent = format!("{peer} was not compared");
        let is_there = !notes.iter().any(|note| note.starts_with(&absent));
        let ratios = ["hot", "spread"].map(|demand| format!("{demand}: Onhand / {peer}"));
        for ratio in ratios {
            assert_eq!(figures.contains(&ratio), is_there, "{ratio}");
        }
        assert_eq!(books.iter().any(|of| of == peer), is_there);
    }
    for books in result["books"].as_array().unwrap() {
        assert!(books["found"]["held"].as_i64().unwrap() > 0, "{books}");
    }
}

#[test]
fn telemetry_is_measured_against_silence() {
    let result = run("telemetry", &[]);
    assert_eq!(result["books"].as_array().unwrap().len(), 2);
    assert!(expected(&result, "held") > 0);
}

#[test]
fn movements_sell_what_was_answered() {
    let sold = expected(&run("movements", &["--connections", "2"]), "sold");
    assert!(sold > 0 && sold % 1000 == 0, "{sold}");
}

#[test]
fn read_is_answered_beside_a_sale() {
    let result = run("read", &["--rate", "200"]);
    assert!(answers(&result, "read") > 0 && expected(&result, "held") > 0);
}

#[test]
fn mixed_has_every_kind_of_request_and_lets_carts_lapse() {
    let result = run("mixed", &["--rate", "500", "--seconds", "2"]);
    for kind in ["read", "reserve", "abandon", "confirm", "release", "sale"] {
        assert!(answers(&result, kind) > 0, "{kind}");
    }
    assert!(expected(&result, "sold") > 0 && expected(&result, "committed") > 0);
}

#[test]
fn soak_watches_memory() {
    let result = run("soak", &["--rate", "300", "--seconds", "2"]);
    let figures = result["figures"].as_array().unwrap();
    let memory = figures
        .iter()
        .find(|figure| figure["unit"] == "MiB")
        .unwrap();
    assert_eq!(memory["rounds"].as_array().unwrap().len(), 10);
}

#[test]
fn expiry_sees_every_hold_lapse() {
    let result = run(
        "expiry",
        &["--holds", "100", "--due", "50", "--rate", "100"],
    );
    let figures = result["figures"].as_array().unwrap();
    let late = figures.iter().filter(|figure| {
        let name = figure["name"].as_str().unwrap();
        name.starts_with("50 due") && name.ends_with("lateness p99")
    });
    assert_eq!(late.count(), 2);
    assert!(expected(&result, "held") >= 50);
}

#[test]
fn recover_loses_nothing_to_a_kill() {
    assert_eq!(expected(&run("recover", &["--tail", "3000"]), "sold"), 3000);
}

#[test]
fn disturb_has_rounds_while_shoppers_reserve() {
    let result = run("disturb", &["--rate", "100", "--seconds", "4"]);
    assert!(
        result["notes"][0]
            .as_str()
            .unwrap()
            .contains("snapshot rounds")
    );
    assert!(expected(&result, "held") > 0);
}

#[test]
fn feed_tells_everyone_what_is_true_and_closes_who_never_reads() {
    let result = run(
        "feed",
        &[
            "--keys",
            "1000",
            "--sockets",
            "20",
            "--rate",
            "50",
            "--seconds",
            "1",
        ],
    );
    assert_eq!(result["breaches"], serde_json::json!([]));
    assert!(expected(&result, "sold") > 0);
    let figures = result["figures"].as_array().unwrap();
    let slow = figures
        .iter()
        .find(|figure| figure["name"] == "slow readers closed with 4008");
    assert_eq!(slow.unwrap()["value"].as_f64(), Some(5.0));
}

#[test]
fn storm_brings_everyone_back() {
    let result = run("storm", &["--rate", "50"]);
    assert_eq!(result["breaches"], serde_json::json!([]));
    assert!(expected(&result, "sold") > 0);
}
