//! How a server lives and ends as a process of its machine: what becomes of its log, which signals
//! it stops at. It must not know what is asked of it.

use crate::server::{DataDir, Start, verify};

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
