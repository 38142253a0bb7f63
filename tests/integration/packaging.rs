//! What is packaged fits what the binary does: options that exist, times that leave each other
//! room. It must not know how any of it is run.

use std::time::Duration;

use onhand::config::Config;

use crate::server::onhand;

const UNIT: &str = include_str!("../../packaging/onhand.service");
const NGINX: &str = include_str!("../../packaging/nginx.conf");
const CONTAINER: &str = include_str!("../../packaging/Containerfile");

/// What follows `name` on its line, the end of a directive left aside.
fn setting<'t>(text: &'t str, name: &str) -> &'t str {
    let lines = text.lines().map(str::trim);
    let mut values = lines.filter_map(|line| line.strip_prefix(name));
    values.next().unwrap().trim().trim_end_matches(';')
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.trim_end_matches('s').parse().unwrap())
}

#[test]
fn who_stops_or_waits_for_the_service_waits_longer_than_it_takes() {
    let http = Config::default().http;
    // After the requests under way comes a last snapshot.
    let stop = Duration::from_secs(http.stop_seconds_max);
    assert!(seconds(setting(UNIT, "TimeoutStopSec=")) >= stop + Duration::from_secs(30));
    let kept = Duration::from_secs(http.keep_alive_seconds);
    assert!(seconds(setting(NGINX, "keepalive_timeout ")) < kept);
    let body = setting(NGINX, "client_max_body_size ").trim_end_matches('m');
    assert!(body.parse::<usize>().unwrap() << 20 > http.body_bytes_max);
    let poll = Duration::from_secs(30);
    assert!(seconds(setting(NGINX, "proxy_read_timeout ")) > poll);
}

#[test]
fn the_container_starts_with_options_that_pass_the_check() {
    let mut check = onhand();
    check.args(["config", "check"]);
    let set = CONTAINER
        .lines()
        .filter_map(|line| line.strip_prefix("ENV "));
    for (name, value) in set.map(|line| line.split_once('=').unwrap()) {
        check.env(name, value);
    }
    // The ports and the folder are the container's own; here they may be somebody else's.
    let folder = tempfile::tempdir().unwrap();
    check
        .env("ONHAND_DATA_DIR", folder.path())
        .env("ONHAND_LISTEN", "0.0.0.0:0")
        .env("ONHAND_OPS_LISTEN", "0.0.0.0:0");
    let checked = check.output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    let effective = String::from_utf8_lossy(&checked.stdout);
    assert!(effective.contains("environment variable ONHAND_BEHIND_PROXY"));
    assert_eq!(setting(CONTAINER, "STOPSIGNAL "), "SIGTERM");
    assert!(setting(CONTAINER, "USER ").starts_with("65532:"));
}
