//! How a server lives and ends as a process of its machine: what becomes of its log, which signals
//! it stops at. It must not know what is asked of it.

use std::path::Path;
use std::process::Command;

use crate::server::{ADMIN, DataDir, Start, run, verify};

#[test]
fn a_server_whose_log_nobody_takes_serves_and_stops() {
    let data = DataDir::new();
    let mut server = Start::on(&data.path)
        .with("ONHAND_LOG", "trace")
        .unheard()
        .run();
    assert_eq!(server.client().get("/v1/locations").unwrap().status, 200);
    server.stop();
    verify(&data.path);
}

#[test]
fn what_begins_nothing_says_so_by_its_exit_code_even_unheard() {
    let data = DataDir::new();
    let refused = Start::on(&data.path)
        .with("ONHAND_LISTEN", "nowhere")
        .unheard()
        .try_run();
    assert_eq!(refused.err().and_then(|(ended, _)| ended.code()), Some(1));
}

#[test]
fn a_terminal_that_is_closed_stops_a_server_as_any_stop_does() {
    let data = DataDir::new();
    let mut server = Start::on(&data.path).run();
    server.stop_by("HUP");
    assert!(server.said().contains("stopped"), "{}", server.said());
    verify(&data.path);
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_begun_with_nohup_outlives_its_terminal() {
    let data = DataDir::new();
    let mut server = Start::on(&data.path).deaf_to_hangups().run();
    server.signal("HUP");
    assert_eq!(server.client().get("/v1/locations").unwrap().status, 200);
    server.stop();
}

#[test]
fn the_command_line_trusts_the_retailers_own_authority_when_told_to() {
    let data = DataDir::new();
    let folder = data.path.parent().unwrap();
    certificate(folder, "CA:FALSE");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let server = Start::on(&data.path)
        .with("ONHAND_TLS_CERT", cert)
        .with("ONHAND_TLS_KEY", key)
        .run();
    let list = ["token", "list", "--url", &server.url, "--token", ADMIN];
    let told = |more: &[&str]| {
        let ended = run(&[&list, more].concat());
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        (ended.status.success(), errors)
    };
    assert!(!told(&[]).0);
    assert_eq!(told(&["--ca", cert]), (true, String::new()));
    let (_, refused) = told(&["--ca", key]);
    assert!(refused.contains("no certificate"), "{refused}");
    let (_, refused) = told(&["--ca", "absent.pem"]);
    assert!(refused.contains("absent.pem"), "{refused}");
}

#[test]
fn a_server_that_shows_an_authoritys_certificate_is_refused_with_what_to_do() {
    let data = DataDir::new();
    let folder = data.path.parent().unwrap();
    certificate(folder, "CA:TRUE");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let cert = cert.to_str().unwrap();
    let server = Start::on(&data.path)
        .with("ONHAND_TLS_CERT", cert)
        .with("ONHAND_TLS_KEY", key.to_str().unwrap())
        .run();
    let server = ["--url", &server.url, "--token", ADMIN, "--ca", cert];
    for command in [&["token", "list"][..], &["backup", "-"]] {
        let ended = run(&[command, &server].concat());
        let refused = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success());
        assert!(
            refused.contains("-addext basicConstraints=critical,CA:FALSE"),
            "{refused}"
        );
    }
}

/// A certificate for this machine that only those trust who were given it.
fn certificate(folder: &Path, authority: &str) {
    let constraints = format!("basicConstraints=critical,{authority}");
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-nodes", "-newkey", "ec", "-days", "2"])
        .args([
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-subj",
            "/CN=onhand",
        ])
        .args(["-addext", &constraints])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .output();
    let made = made.unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}
