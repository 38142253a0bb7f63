//! The feed as Server-Sent Events, and what browsers ask before a page of another origin may
//! read: the same frames, a resume by `Last-Event-ID`, one list of origins.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::feed::moved;
use crate::follower::{Listener, name};
use crate::server::{DataDir, Server, Start};
use crate::shop::{Shop, refused};

const PAGE: &str = "/v1/feed/events?keys=clogs@malmo,clogs@lund";

fn shown(frame: &Value) -> Vec<(String, Value)> {
    let levels = frame["levels"].as_array().unwrap().iter();
    levels
        .map(|level| (name(level), level["status"].clone()))
        .collect()
}

#[test]
fn a_page_that_only_listens_is_told_the_same_and_resumes_where_it_was() {
    let shop = Shop::open();
    let client = shop.client();
    moved(&client, "receipt", "clogs@lund", 9);
    let mut page = Listener::open(&shop.server, PAGE, &[]);
    assert!(page.status.contains("200"), "{}", page.status);
    let has = |header: &str| page.headers.iter().any(|known| known == header);
    assert!(has("content-type: text/event-stream") && has("cache-control: no-store"));
    let state = page.next().unwrap();
    assert_eq!(state.frame["type"], "state");
    let both = [("clogs@malmo", "in_stock"), ("clogs@lund", "in_stock")];
    let both = both.map(|(key, status)| (key.to_owned(), json!(status)));
    assert_eq!(shown(&state.frame), both);
    moved(&client, "sale", "clogs@malmo", 5);
    let out = page.next().unwrap();
    assert_eq!(
        shown(&out.frame),
        [("clogs@malmo".to_owned(), json!("out_of_stock"))]
    );
    let id = out.id.unwrap();
    drop(page);

    // While it was away one key changed, then nothing did.
    moved(&client, "sale", "clogs@lund", 7);
    let resume = |id: &str| Listener::open(&shop.server, PAGE, &[("last-event-id", id)]);
    let state = resume(&id).next().unwrap();
    assert_eq!(
        shown(&state.frame),
        [("clogs@lund".to_owned(), json!("limited"))]
    );
    let nothing = resume(&state.id.unwrap()).next().unwrap();
    assert_eq!(shown(&nothing.frame), []);
    assert_eq!(nothing.frame["items"][0]["sku"], "clogs");

    // An id of another epoch, of other keys or of no sense is as none.
    for strange in [
        "",
        "another/p/1.1",
        "x",
        &id.replace("/p/", "/x/"),
        &format!("{id}.1"),
    ] {
        assert_eq!(
            shown(&resume(strange).next().unwrap().frame).len(),
            2,
            "{strange:?}"
        );
    }
}

#[test]
fn a_token_in_the_header_shows_exact_figures_and_patterns_and_silence_is_filled() {
    let data = DataDir::new();
    let server = Start::on(&data.path)
        .with("ONHAND_FEED_PING_SECONDS", "1")
        .run();
    let client = server.client();
    let body = json!({"name": "malmo", "kind": "store"});
    client.put("/v1/locations/malmo", &body);
    client.put("/v1/items/clogs", &json!({"name": "Clogs"}));
    moved(&client, "receipt", "clogs@malmo", 50);
    let bearer = format!("Bearer {}", crate::server::ADMIN);
    let headers = [("authorization", bearer.as_str())];
    let path = "/v1/feed/events?keys=*@malmo";
    let mut screen = Listener::open(&server, path, &headers);
    assert_eq!(screen.next().unwrap().frame["levels"][0]["available"], 50);
    assert_eq!(screen.comment(), "ping");
    moved(&client, "sale", "clogs@malmo", 1);
    assert_eq!(screen.next().unwrap().frame["levels"][0]["available"], 49);
    let nobody = Listener::open(&server, path, &[]).next().unwrap();
    assert_eq!(nobody.frame["denied"], json!(["*@malmo"]));
}

#[test]
fn a_listener_that_asks_for_nonsense_is_told_what_is_wrong() {
    let shop = Shop::open();
    let nobody = shop.server.client_with("");
    for path in [
        "",
        "?keys=",
        "?keys=clogs",
        "?keys=a@b,,c@d",
        "?keys=a@b&have=3",
    ] {
        let answer = nobody.get(&format!("/v1/feed/events{path}")).unwrap();
        refused(&answer, 422, "invalid_request");
    }
}

fn ask(client: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.send(method, path, headers, None).unwrap()
}

#[test]
fn one_list_of_origins_says_whose_pages_may_read_what() {
    let data = DataDir::new();
    let shop = "https://shop.example";
    let server: Server = Start::on(&data.path)
        .with("ONHAND_HTTP_ORIGINS", shop)
        .run();
    let client = server.client();
    client.put("/v1/items/clogs", &json!({"name": "Clogs"}));
    let nobody = server.client_with("");
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").to_owned();
    let path = "/v1/availability/clogs";

    let read = ask(&nobody, "GET", path, &[("origin", shop)]);
    assert_eq!((read.status, allowed(&read).as_str()), (200, shop));
    let vary = read.headers.get_all("vary").iter();
    let vary: Vec<String> = vary
        .map(|header| header.to_str().unwrap().to_ascii_lowercase())
        .collect();
    let vary = vary.join(",");
    assert!(
        vary.contains("origin") && vary.contains("authorization"),
        "{vary}"
    );
    let strange = ask(&nobody, "GET", path, &[("origin", "https://evil.example")]);
    assert_eq!(allowed(&strange), "");
    // A problem can be read as well.
    let absent = ask(&nobody, "GET", "/v1/availability/none", &[("origin", shop)]);
    assert_eq!((absent.status, allowed(&absent).as_str()), (404, shop));

    let question = [
        ("origin", shop),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let may = ask(&nobody, "OPTIONS", "/v1/availability/query", &question);
    assert_eq!((may.status, allowed(&may).as_str()), (200, shop));
    assert!(may.header("access-control-allow-methods").contains("POST"));
    let listener = Listener::open(&server, "/v1/feed/events?keys=a@b", &[("origin", shop)]);
    let header = format!("access-control-allow-origin: {shop}");
    assert!(listener.headers.contains(&header), "{:?}", listener.headers);

    // What changes stock is for back ends, whatever a page is from.
    let may = ask(&nobody, "OPTIONS", "/v1/reservations", &question);
    assert_eq!((may.status, allowed(&may).as_str()), (405, ""));
}
