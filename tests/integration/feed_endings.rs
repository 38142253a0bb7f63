//! How connections of the feed end: every close code, every limit, the stop of the service.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, Message};

use crate::client::Client;
use crate::feed::moved;
use crate::follower::{Follower, Listener};
use crate::server::{ADMIN, DataDir, PATIENCE, Server, Start};
use crate::shop::Shop;

/// A server with these options and nothing in it.
fn server(options: &[(&str, &str)]) -> (Server, DataDir) {
    let data = DataDir::new();
    let start = options
        .iter()
        .fold(Start::on(&data.path), |start, (name, value)| {
            start.with(&format!("ONHAND_FEED_{name}"), value)
        });
    (start.run(), data)
}

/// Waits until the server has let go of a place, by trying.
fn until_let_in(server: &Server) -> Follower {
    loop {
        let mut follower = match Follower::try_open(server, &[]) {
            Ok(follower) => follower,
            Err(_) => continue,
        };
        if let Ok(frame) = follower.try_next() {
            assert_eq!(frame["type"], "welcome");
            return follower;
        }
    }
}

#[test]
fn who_is_silent_is_closed_with_4012_and_any_traffic_counts_as_life() {
    let (server, _data) = server(&[("PING_SECONDS", "1"), ("PONG_MS_MAX", "200")]);
    let mut silent = Follower::open(&server);
    assert_eq!(silent.next(), json!({"type": "ping"}));
    assert_eq!(silent.closed(), Some(4012));

    let signs: [fn(&mut Follower); 3] = [
        |it| it.say(&json!({"op": "pong"})),
        |it| it.send(Message::Ping(Bytes::from_static(b"there?"))),
        |it| it.say(&json!({"op": "unsubscribe", "keys": []})),
    ];
    for sign in signs {
        let mut lively = Follower::open(&server);
        for _ in 0..3 {
            assert_eq!(lively.next(), json!({"type": "ping"}));
            sign(&mut lively);
        }
    }
}

#[test]
fn more_commands_than_may_come_in_a_second_are_closed_with_4013() {
    let (server, _data) = server(&[("PING_SECONDS", "1")]);
    // That one was silent before saves nothing up.
    for pings in [0, 3] {
        let mut hasty = Follower::open(&server);
        for _ in 0..pings {
            hasty.next_of("ping");
        }
        for _ in 0..30 {
            // It may be closed before the last.
            let frame = json!({"op": "subscribe", "keys": ["a@b"]}).to_string();
            if hasty.socket.send(Message::text(frame)).is_err() {
                break;
            }
        }
        assert_eq!(hasty.closed(), Some(4013));
    }
    let mut calm = Follower::open(&server);
    for _ in 0..15 {
        calm.subscribe(&["a@b"], &json!({}));
    }
}

/// A text in fragments of so many bytes; false if the connection was closed before the last.
fn say_in_fragments(follower: &mut Follower, text: &str, bytes: usize) -> bool {
    let count = text.len().div_ceil(bytes);
    text.as_bytes()
        .chunks(bytes)
        .enumerate()
        .all(|(index, part)| {
            let kind = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let part = Bytes::copy_from_slice(part);
            let frame = Frame::message(part, OpCode::Data(kind), index + 1 == count);
            follower.socket.send(Message::Frame(frame)).is_ok()
        })
}

#[test]
fn a_message_in_many_fragments_is_one_command_unless_they_are_crumbs() {
    let (server, _data) = server(&[]);
    let keys: Vec<String> = (0..5000)
        .map(|number| format!("sku-{number:016}@malmo"))
        .collect();
    let subscribe = json!({"op": "subscribe", "id": 1, "keys": keys}).to_string();
    let mut till = Follower::open_with(&server, ADMIN);
    // In the pieces that a common client library cuts, and in the smallest that are free.
    for bytes in [4096, 1024] {
        assert!(say_in_fragments(&mut till, &subscribe, bytes));
        let state = till.state();
        assert_eq!(state["unknown"].as_array().unwrap().len(), 5000);
    }
    let mut crumbs = Follower::open(&server);
    say_in_fragments(&mut crumbs, &json!({"op": "pong"}).to_string().repeat(3), 1);
    assert_eq!(crumbs.closed(), Some(4013));
}

#[test]
fn a_connection_of_the_maximum_age_is_closed_with_4014() {
    let (server, _data) = server(&[("AGE_SECONDS_MAX", "1")]);
    assert_eq!(Follower::open(&server).closed(), Some(4014));
}

#[test]
fn a_bad_token_is_closed_with_4500_and_a_revoked_one_ends_what_it_opened() {
    let shop = Shop::open();
    let mut wrong = Follower::open(&shop.server);
    wrong.say(&json!({"op": "hello", "token": "wrong"}));
    assert_eq!(wrong.next()["code"], "unauthorized");
    assert_eq!(wrong.closed(), Some(4500));
    let refused = Follower::try_open(&shop.server, &[("authorization", "Bearer wrong")]);
    assert_eq!(refused.err().unwrap().status(), 401);

    let grant = json!({"name": "Wall", "scopes": ["screen"]});
    let made = shop.client().post("/v1/tokens", &grant);
    let secret = made["token"].as_str().unwrap();
    let mut by_hello = Follower::open_with(&shop.server, secret);
    let bearer = format!("Bearer {secret}");
    let headers: &[(&str, &str)] = &[("authorization", &bearer)];
    let mut by_header = Follower::try_open(&shop.server, headers).unwrap();
    let mut listener = Listener::open(&shop.server, "/v1/feed/events?keys=*@malmo", headers);
    assert_eq!(listener.next().unwrap().frame["type"], "state");
    let mut other = Follower::open_with(&shop.server, ADMIN);
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(
        shop.client()
            .send("DELETE", &path, &[], None)
            .unwrap()
            .status,
        204
    );
    assert_eq!(by_hello.closed(), Some(4500));
    assert_eq!(by_header.closed(), Some(4500));
    assert!(listener.next().is_none());
    other.subscribe(&["*@malmo"], &json!({}));
}

#[test]
fn what_is_no_frame_of_the_protocol_is_closed_with_4501() {
    let shop = Shop::open();
    let bad: [&dyn Fn(&mut Follower); 9] = [
        &|it| it.send(Message::text("hello")),
        &|it| it.send(Message::binary(&b"{\"op\":\"pong\"}"[..])),
        &|it| it.say(&json!(["op", "pong"])),
        &|it| it.say(&json!({"op": "sing"})),
        &|it| it.say(&json!({"keys": []})),
        &|it| it.say(&json!({"op": "subscribe", "keys": "clogs@malmo"})),
        &|it| it.say(&json!({"op": "subscribe", "keys": [], "since": 1})),
        &|it| it.say(&json!({"op": "subscribe", "keys": [], "have": {"a@b": -1}})),
        &|it| it.send(Message::text(format!("{}{{}}", " ".repeat(16 << 10)))),
    ];
    for (number, say) in bad.iter().enumerate() {
        let mut follower = Follower::open(&shop.server);
        say(&mut follower);
        let error = follower.next();
        assert_eq!(error["type"], "error", "{number}");
        assert!(!error["detail"].as_str().unwrap().is_empty());
        assert_eq!(follower.closed(), Some(4501), "{number}");
    }
    // With a token there is room for more.
    let mut till = Follower::open_with(&shop.server, ADMIN);
    let keys: Vec<String> = (0..5000)
        .map(|number| format!("sku-{number}@malmo"))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let state = till.subscribe(&keys, &json!({}));
    assert_eq!(state["unknown"].as_array().unwrap().len(), 5000);
}

/// The head of a frame of text whose bytes are not there yet.
fn announced(bytes: u64) -> Vec<u8> {
    [&[0x81, 0xFF][..], &bytes.to_be_bytes()].concat()
}

#[test]
fn a_frame_that_is_too_large_is_refused_before_it_is_there() {
    let shop = Shop::open();
    let raw = |follower: &mut Follower, bytes: &[u8]| {
        follower.socket.get_mut().write_all(bytes).unwrap();
    };
    let refused = |mut follower: Follower| {
        let error = follower.next();
        assert!(
            error["detail"].as_str().unwrap().contains("bytes"),
            "{error}"
        );
        assert_eq!(follower.closed(), Some(4501));
    };
    for bytes in [(16 << 10) + 1, 400_000_000, u64::MAX] {
        let mut page = Follower::open(&shop.server);
        raw(&mut page, &announced(bytes));
        refused(page);
    }
    let mut till = Follower::open_with(&shop.server, ADMIN);
    raw(&mut till, &announced((256 << 10) + 1));
    refused(till);
    // A ping that is a fragment, and one that is too long.
    for ping in [&[0x09, 0x80][..], &[0x89, 0xFE, 0, 126]] {
        let mut page = Follower::open(&shop.server);
        raw(&mut page, ping);
        refused(page);
    }

    // What comes after is dropped, as long as anything is taken.
    let before = shop.server.resident_bytes();
    let mut page = Follower::open(&shop.server);
    raw(&mut page, &announced(400_000_000));
    let piece = vec![0; 1 << 20];
    for _ in 0..100 {
        if page.socket.get_mut().write_all(&piece).is_err() {
            break;
        }
    }
    let grown = shop.server.resident_bytes().saturating_sub(before);
    assert!(grown < 20_000_000, "{grown} bytes more");
}

#[test]
fn a_hello_comes_first_and_in_time() {
    let (server, _data) = server(&[("HELLO_MS_MAX", "50"), ("PING_SECONDS", "1")]);
    let hello = json!({"op": "hello", "token": ADMIN});
    let mut second = Follower::open(&server);
    second.say(&json!({"op": "unsubscribe", "keys": []}));
    second.say(&hello);
    assert_eq!(second.closed(), Some(4501));
    let mut late = Follower::open(&server);
    // The first ping comes a second after the opening.
    assert_eq!(late.next()["type"], "ping");
    late.say(&hello);
    assert_eq!(late.closed(), Some(4501));
    let mut nameless = Follower::open(&server);
    nameless.say(&json!({"op": "hello"}));
    assert_eq!(nameless.next()["type"], "welcome");
}

#[test]
fn too_many_connections_of_one_address_or_token_are_closed_with_4504() {
    let limits = [
        ("ADDRESS_CONNECTIONS_MAX", "2"),
        ("TOKEN_CONNECTIONS_MAX", "1"),
    ];
    let (server, _data) = server(&limits);
    let _first = Follower::open(&server);
    // With a token it counts for the token.
    let mut till = Follower::open_with(&server, ADMIN);
    let second = Follower::open(&server);
    let mut third = Follower::try_open(&server, &[]).unwrap();
    assert_eq!(third.closed(), Some(4504));
    let nobody = server.client_with("");
    let listener = nobody.get("/v1/feed/events?keys=a@b").unwrap();
    assert_eq!(listener.status, 503);
    // The page for people says the same.
    let page = nobody.get("/docs/feed").unwrap();
    let told = "2000 of one token: one more is closed with <code>4504</code>";
    assert!(page.text.contains(told), "{}", page.text);
    drop(second);
    let mut other_till = until_let_in(&server);
    other_till.say(&json!({"op": "hello", "token": ADMIN}));
    assert_eq!(other_till.next()["code"], "too_many_connections");
    assert_eq!(other_till.closed(), Some(4504));
    till.subscribe(&["a@b"], &json!({}));
}

#[test]
fn who_asks_for_the_headers_only_takes_no_place() {
    let (server, _data) = server(&[("CONNECTIONS_MAX", "1")]);
    let client = server.client_with("");
    let head =
        |path: &str, headers: &[(&str, &str)]| client.send("HEAD", path, headers, None).unwrap();
    let path = "/v1/feed/events?keys=a@b";
    for _ in 0..3 {
        let answer = head(path, &[]);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/event-stream");
    }
    let board = Client::new(&server.ops, "");
    let answer = board.send("HEAD", "/v1/contention/events", &[], None);
    assert_eq!(answer.unwrap().status, 200);
    // The same is asked of it as of one who stays.
    assert_eq!(head("/v1/feed/events?keys=a", &[]).status, 422);
    let strange = [("origin", "https://evil.example")];
    assert_eq!(head(path, &strange).status, 403);
    let _only = Follower::open(&server);
    assert_eq!(head(path, &[]).status, 503);
}

#[test]
fn who_listens_and_keeps_asking_is_cut_off() {
    let (server, _data) = server(&[]);
    let path = "/v1/feed/events?keys=a@b";
    let mut listener = Listener::open(&server, path, &[]);
    assert_eq!(listener.next().unwrap().frame["type"], "state");
    let more = format!("GET {path} HTTP/1.1\r\nhost: onhand\r\n\r\n").repeat(12_000);
    listener.send(more.as_bytes());
    assert!(listener.is_cut_off());
}

#[test]
fn who_keeps_asking_and_takes_no_answer_is_cut_off() {
    let data = DataDir::new();
    // Not by the system, which gives up those who take nothing any more.
    let start = Start::on(&data.path).with("ONHAND_HTTP_UNACKNOWLEDGED_MS_MAX", "3600000");
    let server = start.run();
    for (url, path) in [(&server.url, "/openapi.json"), (&server.ops, "/metrics")] {
        let address = url.strip_prefix("http://").unwrap();
        let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(1_000);
        let mut client = TcpStream::connect(address).unwrap();
        client.set_write_timeout(Some(PATIENCE)).unwrap();
        let cut_off = loop {
            if let Err(error) = client.write_all(asked.as_bytes()) {
                break error;
            }
        };
        let expected = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(expected.contains(&cut_off.kind()), "{path}: {cut_off}");
    }
    assert_eq!(server.client().get("/v1/items").unwrap().status, 200);
}

#[test]
fn past_the_total_the_handshake_is_refused_with_a_time_to_come_back() {
    let (server, _data) = server(&[("CONNECTIONS_MAX", "2")]);
    let first = Follower::open(&server);
    let _second = Listener::open(&server, "/v1/feed/events?keys=a@b", &[]);
    let refused = Follower::try_open(&server, &[]).err().unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let refused = server
        .client_with("")
        .get("/v1/feed/events?keys=a@b")
        .unwrap();
    assert_eq!((refused.status, refused.code()), (503, "overloaded"));
    drop(first);
    until_let_in(&server);
}

#[test]
fn more_keys_than_one_may_follow_are_closed_with_4505() {
    let (server, _data) = server(&[("KEYS_MAX", "2")]);
    let mut page = Follower::open(&server);
    page.subscribe(&["a@b", "c@b"], &json!({}));
    // The same again are no more.
    page.subscribe(&["a@b", "c@b"], &json!({}));
    page.say(&json!({"op": "unsubscribe", "keys": ["a@b"]}));
    page.subscribe(&["d@b"], &json!({}));
    page.say(&json!({"op": "subscribe", "id": 4, "keys": ["e@b"]}));
    let error = page.next();
    assert_eq!(
        (&error["code"], &error["id"]),
        (&json!("too_many_keys"), &json!(4))
    );
    assert_eq!(page.closed(), Some(4505));
    let refused = server
        .client_with("")
        .get("/v1/feed/events?keys=a@b,c@b,d@b")
        .unwrap();
    assert_eq!(refused.status, 422);
}

#[test]
fn a_page_of_a_strange_origin_is_closed_with_4507_and_one_of_the_list_is_not() {
    let data = DataDir::new();
    let shops = "https://shop.example, https://www.shop.example:8443";
    let mut server = Start::on(&data.path)
        .with("ONHAND_HTTP_ORIGINS", shops)
        .run();
    let open = |origin: &str| Follower::try_open(&server, &[("origin", origin)]).unwrap();
    for good in ["https://shop.example", "https://www.shop.example:8443"] {
        assert_eq!(open(good).next()["type"], "welcome");
    }
    let own = server.url.clone();
    for bad in [
        "https://shop.example.evil.example",
        "http://shop.example",
        "null",
        &own,
    ] {
        assert_eq!(open(bad).closed(), Some(4507), "{bad}");
        let listener = Listener::open(&server, "/v1/feed/events?keys=a@b", &[("origin", bad)]);
        assert!(listener.status.contains("403"), "{}", listener.status);
    }
    // The log names each of them once, and what mends it.
    server.stop();
    let said = server.said();
    let told = said.lines().filter(|line| line.contains("http.origins"));
    let told: Vec<&str> = told.filter(|line| line.contains("WARN")).collect();
    assert_eq!(told.len(), 4, "{said}");
    assert!(told[1].contains("http://shop.example"), "{said}");
    // Without a list, or by one word of it, the service's own two listeners.
    for listed in ["", "https://shop.example,own"] {
        let data = DataDir::new();
        let server = Start::on(&data.path)
            .with("ONHAND_HTTP_ORIGINS", listed)
            .run();
        for origin in [
            &server.url,
            &server.ops,
            &server.url.replace("127.0.0.1", "localhost"),
        ] {
            let mut follower = Follower::try_open(&server, &[("origin", origin)]).unwrap();
            assert_eq!(follower.next()["type"], "welcome");
        }
    }
}

#[test]
fn what_is_no_websocket_or_speaks_another_protocol_is_told_so() {
    let (server, _data) = server(&[]);
    let plain = server.client_with("").get("/v1/feed").unwrap();
    assert_eq!((plain.status, plain.code()), (426, "upgrade_required"));
    assert_eq!(plain.header("upgrade"), "websocket");
    let offer =
        |protocols: &str| Follower::try_open(&server, &[("sec-websocket-protocol", protocols)]);
    let known = offer("onhand.v2, onhand.v1").ok().unwrap();
    assert_eq!(
        known.response.headers()["sec-websocket-protocol"],
        "onhand.v1"
    );
    let refused = offer("graphql-ws").err().unwrap();
    assert_eq!(refused.status(), 400);
    let body: Value = serde_json::from_slice(refused.body().as_ref().unwrap()).unwrap();
    assert_eq!(body["code"], "unsupported_subprotocol");
    let silent = Follower::try_open(&server, &[]).unwrap();
    assert!(
        !silent
            .response
            .headers()
            .contains_key("sec-websocket-protocol")
    );
}

#[test]
fn a_stop_tells_everyone_when_to_come_back_each_another_time() {
    let (mut server, _data) = server(&[("RETRY_AFTER_MS_MAX", "100000")]);
    let mut followers: Vec<Follower> = (0..8).map(|_| Follower::open(&server)).collect();
    let mut listener = Listener::open(&server, "/v1/feed/events?keys=a@b", &[]);
    assert_eq!(listener.next().unwrap().frame["type"], "state");
    let waiting = std::thread::spawn(move || {
        let mut told = Vec::new();
        for follower in &mut followers {
            let going = follower.next_of("going_away");
            told.push(going["retry_after_ms"].as_i64().unwrap());
            assert_eq!(follower.closed(), Some(1001));
        }
        let going = listener.next().unwrap();
        assert_eq!(going.frame["type"], "going_away");
        // A browser obeys the stream's own line, not the frame.
        assert_eq!(going.retry, going.frame["retry_after_ms"].as_i64());
        assert!(going.retry.is_some());
        assert!(listener.next().is_none());
        told
    });
    server.stop();
    let mut told = waiting.join().unwrap();
    assert!(
        told.iter().all(|ms| (10_000..=100_000).contains(ms)),
        "{told:?}"
    );
    told.sort_unstable();
    told.dedup();
    assert!(
        told.len() > 4,
        "they were told to come back at once: {told:?}"
    );
}

#[test]
fn a_client_that_says_goodbye_hears_it_back() {
    let shop = Shop::open();
    let mut follower = Follower::open(&shop.server);
    follower.subscribe(&["clogs@malmo"], &json!({}));
    follower.socket.close(None).unwrap();
    assert_eq!(follower.closed(), Some(1000));
    moved(&shop.client(), "sale", "clogs@malmo", 5);
}
