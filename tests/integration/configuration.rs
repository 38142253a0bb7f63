//! `onhand config` as a person runs it: the example printed, a configuration checked. It must not
//! know how options are read.

use std::process::{Output, Stdio};

use crate::server::{ADMIN, DataDir, Server, onhand, run};

/// What a command said, on both of its outputs.
fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_example_is_printed_as_committed_and_passes_the_check() {
    let printed = run(&["config", "default"]);
    let committed = include_str!("../../onhand.toml.example");
    assert!(printed.status.success());
    assert_eq!(said(&printed).0, committed);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("onhand.toml");
    std::fs::write(&file, committed).unwrap();
    let check = ["config", "check", "--config", file.to_str().unwrap()];
    let anywhere = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let checked = onhand().args(check).args(anywhere).output().unwrap();
    let (listed, faults) = said(&checked);
    assert!(checked.status.success(), "{faults}");
    assert!(listed.contains("flag --ops-listen"), "{listed}");
}

#[test]
fn one_who_stops_reading_the_answer_breaks_nothing() {
    let anywhere = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    for (action, flags) in [("default", &[][..]), ("check", &anywhere[..])] {
        let mut printing = onhand();
        printing.args(["config", action]).args(flags);
        printing.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut printing = printing.spawn().unwrap();
        drop(printing.stdout.take());
        let ended = printing.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{:?}", said(&ended));
    }
}

#[test]
fn everything_wrong_is_told_by_the_check_and_by_the_server_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("onhand.toml");
    std::fs::write(
        &file,
        "[http]\nlisen = \"0.0.0.0:1\"\n[stock]\nlines_max = 0\n",
    )
    .unwrap();
    let data = folder.path().join("data");
    for command in [&["config", "check"][..], &["serve"]] {
        let mut process = onhand();
        let ended = process
            .args(command)
            .arg("--config")
            .arg(&file)
            .arg("--listen")
            .arg("0.0.0.0:0")
            .arg("--data-dir")
            .arg(&data)
            .env("ONHAND_JURNAL_HISTORY_DAYS", "4")
            .output()
            .unwrap();
        let (_, faults) = said(&ended);
        assert_eq!(ended.status.code(), Some(1), "{faults}");
        let told: Vec<&str> = faults.lines().collect();
        assert_eq!(told.len(), 4, "{faults}");
        assert!(told[0].ends_with(
            "line 2, column 1: unknown option `http.lisen`; did you mean `http.listen`?"
        ));
        assert!(told[1].contains("line 4, column 1: `stock.lines_max` cannot be `0`"));
        assert!(told[2].ends_with("did you mean `ONHAND_JOURNAL_HISTORY_DAYS`?"));
        assert!(told[3].contains("http.listen: 0.0.0.0:0 is reachable from other machines"));
        assert!(!data.exists());
    }
}

#[test]
fn certificates_and_the_data_directory_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert, "no certificate").unwrap();
    let check = |data: &std::path::Path| {
        let mut command = onhand();
        command.args(["config", "check", "--listen", "127.0.0.1:0"]);
        command
            .args(["--ops-listen", "127.0.0.1:0", "--tls-cert"])
            .arg(&cert);
        command
            .arg("--tls-key")
            .arg(&key)
            .arg("--data-dir")
            .arg(data);
        command.output().unwrap()
    };
    let refused = check(&cert);
    let (_, faults) = said(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(faults.lines().count(), 3, "{faults}");
    assert!(faults.contains("cert.pem is no usable PEM file: it holds no certificate"));
    assert!(faults.contains("key.pem is no usable PEM file"), "{faults}");
    assert!(faults.contains("cert.pem is not a directory"), "{faults}");
}

/// Each is a place where the server cannot make or use one, whoever asks.
#[test]
fn a_data_directory_that_the_server_cannot_have_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data");
    let check = |data: &std::path::Path| {
        let mut command = onhand();
        command.args(["config", "check", "--listen=127.0.0.1:0"]);
        command.args(["--ops-listen=127.0.0.1:0", "--data-dir"]);
        command.arg(data).output().unwrap()
    };
    let mut refused = vec![below.as_path()];
    if cfg!(target_os = "linux") {
        refused.extend(["/proc", "/proc/x", "/proc/x/y"].map(std::path::Path::new));
    }
    for data in refused {
        let checked = check(data);
        let (_, faults) = said(&checked);
        assert_eq!(checked.status.code(), Some(1), "{data:?}: {faults}");
        assert!(faults.contains("journal.data_dir: "), "{faults}");
    }
    let new = folder.path().join("not/yet");
    let (told, faults) = said(&check(&new));
    assert!(
        told.contains("not/yet will be made at the first start"),
        "{told}{faults}"
    );
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn ready_asks_the_ops_listener_and_its_exit_code_says_what_it_heard() {
    let data = DataDir::new();
    let mut server = Server::start(&data.path);
    let ask = |ops: &str| run(&["ready", "--ops-url", ops]);
    let ready = ask(&server.ops);
    assert!(ready.status.success() && said(&ready).0.contains("ready"));
    let ops = server.ops.clone();
    server.stop();
    let gone = ask(&ops);
    assert_eq!(gone.status.code(), Some(1));
    assert!(said(&gone).0.contains(&ops));
}

#[test]
fn an_empty_variable_is_the_absence_of_its_option() {
    let told = |empty: &[&str], arguments: &[&str]| {
        let mut command = onhand();
        command.envs(empty.iter().map(|name| (name, "")));
        let ended = command.args(arguments).output().unwrap();
        let (told, faults) = said(&ended);
        (ended.status.success(), format!("{told}{faults}"))
    };
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let list = ["token", "list", "--url", &server.url, "--token", ADMIN];
    let (listed, words) = told(&["ONHAND_CA", "ONHAND_LOG", "ONHAND_LOG_FORMAT"], &list);
    assert!(listed, "{words}");

    let here = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let check = [&["config", "check"][..], &here].concat();
    let (checked, words) = told(&["ONHAND_CONFIG"], &check);
    assert!(checked, "{words}");

    let (_, words) = told(&["ONHAND_OPS_URL"], &["ready"]);
    assert!(!words.contains("''") && !words.starts_with('/'), "{words}");
    let (_, words) = told(&["ONHAND_URL", "ONHAND_TOKEN"], &["token", "list"]);
    assert!(
        words.contains("required") && words.contains("--token"),
        "{words}"
    );
}
