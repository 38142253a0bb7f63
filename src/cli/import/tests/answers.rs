//! What an import makes of the server's answers, and of none.

use super::*;

#[test]
fn lines_the_server_wants_again_are_sent_again_before_the_next_batch() {
    let mut server = Script::new(takes_all);
    let status = |n: usize| if n == 1 || n == 3 { "retry" } else { "applied" };
    let first: Vec<Value> = (0..1_000).map(|n| json!({"status": status(n)})).collect();
    server
        .queue
        .push_back(Ok(answer(200, json!({"results": first}))));
    let ran = run_with(&Layout::Movements, movements(1_001).as_bytes(), server);
    assert_eq!(ids(&ran.server.asked[1]), ["m-1", "m-3"]);
    assert_eq!(ids(&ran.server.asked[2]), ["m-1000"]);
    assert_eq!(ran.server.waits.len(), 1);
    assert!(
        ran.success && ran.summary.contains("1,001 applied"),
        "{}",
        ran.summary
    );
}

#[test]
fn a_server_that_wants_everything_again_for_ever_stops_the_import() {
    let server = Script::new(|asked: &Asked| {
        Ok(answer(
            200,
            results(&asked.body, |_| json!({"status": "retry"})),
        ))
    });
    let ran = run_with(&Layout::Movements, movements(3).as_bytes(), server);
    assert_eq!(ran.server.asked.len(), 10);
    assert!(
        !ran.success && ran.notes.contains("stopped at line 2"),
        "{}",
        ran.notes
    );
}

#[test]
fn a_lost_connection_repeats_the_same_ids_even_fresh_ones() {
    let mut server = Script::new(takes_all);
    server.queue.push_back(Err("connection reset".to_owned()));
    server
        .queue
        .push_back(Ok(answer(503, json!({"code": "outcome_unknown"}))));
    let file = b"sku,location,on_hand\na,malmo,7\n";
    let ran = run_with(&Layout::Stock { as_of: None }, file, server);
    assert_eq!(ran.server.asked.len(), 3);
    assert_eq!(ran.server.asked[0].text, ran.server.asked[2].text);
    assert!(ran.success);
}

#[test]
fn a_line_the_server_points_at_is_bad_and_the_rest_goes_again() {
    let mut server = Script::new(takes_all);
    let fault = json!({"pointer": "/movements/1/sku", "code": "invalid_request",
        "detail": "no @ in a SKU"});
    let refused = json!({"code": "invalid_request", "errors": [fault]});
    server.queue.push_back(Ok(answer(422, refused)));
    let ran = run_with(&Layout::Movements, movements(3).as_bytes(), server);
    assert_eq!(ids(&ran.server.asked[1]), ["m-0", "m-2"]);
    assert_eq!(ran.notes, "line 3: invalid_request: sku no @ in a SKU\n");
}

#[test]
fn a_line_that_spoils_its_batch_unnamed_is_found_by_halves() {
    let server = Script::new(|asked: &Asked| match ids(asked).contains(&"m-5") {
        true => Ok(answer(
            422,
            json!({"code": "invalid_request", "detail": "too long"}),
        )),
        false => takes_all(asked),
    });
    let ran = run_with(&Layout::Movements, movements(8).as_bytes(), server);
    assert_eq!(ran.notes, "line 7: 422 invalid_request: too long\n");
    assert!(ran.summary.contains("7 applied, 1 bad"), "{}", ran.summary);
    let accepted = ran
        .server
        .asked
        .iter()
        .filter(|asked| !ids(asked).contains(&"m-5"));
    let order: Vec<&str> = accepted.flat_map(ids).collect();
    assert_eq!(order, ["m-0", "m-1", "m-2", "m-3", "m-4", "m-6", "m-7"]);
}

#[test]
fn a_batch_too_large_for_a_slow_line_is_halved_and_none_of_its_lines_is_bad() {
    let server = Script::new(|asked: &Asked| match ids(asked).len() > 2 {
        true => Ok(answer(408, json!({"code": "invalid_request"}))),
        false => takes_all(asked),
    });
    let ran = run_with(&Layout::Movements, movements(8).as_bytes(), server);
    let sent = ran.server.asked.iter().map(|asked| ids(asked).len());
    assert_eq!(sent.collect::<Vec<_>>(), [8, 4, 2, 2, 4, 2, 2]);
    assert!(ran.success && ran.notes.is_empty(), "{}", ran.notes);
}

#[test]
fn one_line_that_came_too_slowly_is_sent_again_and_is_not_bad() {
    let locations = "location,name,kind\nmalmo,Malmö,store\n";
    for (layout, file) in [
        (Layout::Movements, movements(1)),
        (Layout::Locations, locations.to_owned()),
    ] {
        let late = || Ok(answer(408, json!({"code": "invalid_request"})));
        let mut server = Script::new(takes_all);
        server.queue.push_back(late());
        let ran = run_with(&layout, file.as_bytes(), server);
        assert_eq!(ran.server.asked.len(), 2);
        assert!(ran.success && ran.notes.is_empty(), "{}", ran.notes);

        let ran = run_with(&layout, file.as_bytes(), Script::new(move |_| late()));
        assert_eq!(ran.server.asked.len(), 12);
        let stopped = "error: stopped at line 2: gave up after 12 attempts; the last: 408";
        assert!(ran.notes.starts_with(stopped), "{}", ran.notes);
    }
}

#[test]
fn a_token_that_may_not_stops_the_import_at_its_line() {
    let server = Script::new(|_| Ok(answer(403, json!({"code": "forbidden"}))));
    let ran = run_with(&Layout::Movements, movements(3).as_bytes(), server);
    assert_eq!(
        ran.notes,
        "error: stopped at line 2: 403 forbidden; the lines before it are done\n"
    );
    assert!(!ran.success && ran.server.asked.len() == 1);
}

#[test]
fn an_answer_of_another_length_is_not_trusted() {
    let server = Script::new(|_| Ok(answer(200, json!({"results": [{"status": "applied"}]}))));
    let ran = run_with(&Layout::Movements, movements(2).as_bytes(), server);
    assert!(ran.notes.contains("1 results for 2 lines"), "{}", ran.notes);
}

#[test]
fn a_wrong_address_or_token_is_told_before_anything_is_sent() {
    let mut server = Script::new(|_| Err("connection refused".to_owned()));
    assert!(
        begin(&mut server)
            .unwrap_err()
            .to_string()
            .contains("connection refused")
    );
    let mut server = Script::new(|_| Ok(answer(401, json!({"code": "unauthorized"}))));
    assert!(
        begin(&mut server)
            .unwrap_err()
            .to_string()
            .contains("401 unauthorized")
    );
    let mut server = Script::new(|_| Ok(answer(503, json!({"code": "overloaded"}))));
    begin(&mut server).unwrap();
}
