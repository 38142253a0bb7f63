//! Patience, and the real client against a listener that says what it is told to.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use super::script::{Script, answer};
use super::*;

#[test]
fn overload_is_waited_out_as_long_as_asked_but_not_longer_than_half_a_minute() {
    let mut server = Script::new(|_| Ok(answer(200, json!({}))));
    let mut overloaded = answer(503, json!({"code": "overloaded"}));
    overloaded.retry_after = Some(Duration::from_secs(7));
    server.queue.push_back(Ok(overloaded.clone()));
    overloaded.retry_after = Some(Duration::from_secs(9_999));
    server.queue.push_back(Ok(overloaded));
    let answer = persist(&mut server, Method::Post, "/v1/movements", Some("{}")).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(
        server.waits,
        [Duration::from_secs(7), Duration::from_secs(30)]
    );
}

#[test]
fn an_unknown_outcome_and_a_lost_connection_repeat_the_same_body() {
    let mut server = Script::new(|_| Ok(answer(200, json!({}))));
    server
        .queue
        .push_back(Ok(answer(503, json!({"code": "outcome_unknown"}))));
    server.queue.push_back(Err("connection reset".to_owned()));
    persist(
        &mut server,
        Method::Post,
        "/v1/movements",
        Some("{\"movements\":[]}"),
    )
    .unwrap();
    let bodies: Vec<&str> = server
        .asked
        .iter()
        .map(|asked| asked.text.as_str())
        .collect();
    assert_eq!(bodies, ["{\"movements\":[]}"; 3]);
    assert!(server.waits[0] < server.waits[1], "{:?}", server.waits);
}

#[test]
fn a_body_that_came_too_slowly_is_sent_again() {
    let mut server = Script::new(|_| Ok(answer(200, json!({}))));
    let late = answer(408, json!({"code": "invalid_request"}));
    server.queue.push_back(Ok(late));
    let answer = persist(&mut server, Method::Put, "/v1/items/a", Some("{}")).unwrap();
    assert_eq!((answer.status, server.asked.len()), (200, 2));
}

#[test]
fn a_request_that_still_runs_is_asked_after_until_it_has_an_answer() {
    let mut server = Script::new(|_| Ok(answer(200, json!({"state": "confirmed"}))));
    let unknown = answer(503, json!({"code": "outcome_unknown"}));
    let running = answer(409, json!({"code": "idempotency_in_progress"}));
    server.queue.extend([Ok(unknown), Ok(running)]);
    let path = "/v1/reservations/r/confirm";
    let heard = persist(&mut server, Method::Post, path, Some("{}")).unwrap();
    assert_eq!((heard.status, server.asked.len()), (200, 3));

    let mut server = Script::new(|_| Ok(answer(409, json!({"code": "already_confirmed"}))));
    let heard = persist(&mut server, Method::Post, path, Some("{}")).unwrap();
    assert_eq!((heard.status, server.asked.len()), (409, 1));
}

#[test]
fn patience_ends_with_the_last_thing_heard() {
    let mut server = Script::new(|_| Err("connection refused".to_owned()));
    let error = persist(&mut server, Method::Get, "/v1/tokens", None).unwrap_err();
    assert!(
        error.contains("12 attempts") && error.contains("connection refused"),
        "{error}"
    );
    let waited: Duration = server.waits.iter().sum();
    assert!(waited < Duration::from_secs(240), "{waited:?}");
}

#[test]
fn a_refusal_is_an_answer_and_is_not_repeated() {
    let mut server = Script::new(|_| Ok(answer(422, json!({"code": "invalid_request"}))));
    let refused = persist(&mut server, Method::Post, "/", None).unwrap();
    assert_eq!((refused.status, server.asked.len()), (422, 1));
}

#[test]
fn a_problem_is_told_in_words_even_if_a_stranger_answered() {
    let told = answer(
        409,
        json!({"code": "stale_version", "detail": "on hand changed"}),
    );
    assert_eq!(told.words(), "409 stale_version: on hand changed");
    let stranger = Answer {
        status: 502,
        retry_after: None,
        body: b"<html>".to_vec(),
    };
    assert_eq!(stranger.words(), "502 refused without a reason");
}

#[test]
fn a_fault_names_the_member_of_a_body_and_of_an_entry_of_a_list() {
    for pointer in ["/latitude", "/movements/3/latitude"] {
        let fault = json!({"pointer": pointer, "code": "invalid_request",
            "detail": "must be -90 to 90"});
        let told = answer(422, json!({"code": "invalid_request", "errors": [fault]}));
        let words = told.problem().words_of_entry();
        assert_eq!(words, "invalid_request: latitude must be -90 to 90");
    }
}

#[test]
fn a_segment_is_encoded_down_to_the_unreserved() {
    assert_eq!(segment("store-1_a.b~"), "store-1_a.b~");
    assert_eq!(segment("a/b c?d#e"), "a%2Fb%20c%3Fd%23e");
}

/// Serves one connection with these bytes and hands back what was received.
fn one_answer(said: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        let mut chunk = [0; 1024];
        while !received.ends_with(b"}") {
            let read = stream.read(&mut chunk).unwrap();
            assert_ne!(read, 0, "the client went away");
            received.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(said.as_bytes()).unwrap();
        String::from_utf8(received).unwrap()
    });
    (url, served)
}

#[test]
fn over_the_wire_the_token_goes_out_and_status_header_and_body_come_in() {
    let (url, served) = one_answer(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 21\r\n\r\n\
         {\"code\":\"overloaded\"}",
    );
    let mut server = HttpServer::new(&ServerArgs {
        url,
        token: "t0k".to_owned(),
        ca: None,
    });
    let heard = server
        .call(Method::Post, "/v1/movements", Some("{\"a\":1}"))
        .unwrap();
    assert_eq!(
        (heard.status, heard.retry_after),
        (503, Some(Duration::from_secs(3)))
    );
    assert_eq!(heard.problem().code, "overloaded");
    let received = served.join().unwrap();
    assert!(
        received.starts_with("POST /v1/movements HTTP/1.1\r\n"),
        "{received}"
    );
    assert!(
        received.contains("authorization: Bearer t0k\r\n"),
        "{received}"
    );
    assert!(
        received.contains("content-type: application/json\r\n"),
        "{received}"
    );
    assert!(received.ends_with("\r\n\r\n{\"a\":1}"), "{received}");
}

#[test]
fn a_connection_cut_before_the_answer_is_an_error_not_an_answer() {
    let (url, served) = one_answer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"results\":");
    let mut server = HttpServer::new(&ServerArgs {
        url,
        token: "t".to_owned(),
        ca: None,
    });
    server
        .call(Method::Post, "/v1/movements", Some("{}"))
        .unwrap_err();
    served.join().unwrap();
}
