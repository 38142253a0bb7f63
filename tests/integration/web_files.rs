//! The browser's part as browsers load it: from here or from a shop's page, once, and nothing
//! that is not there.

use crate::server::{DataDir, Server, Start};

const SHOP: &str = "https://shop.example";

fn served() -> (DataDir, Server) {
    let data = DataDir::new();
    let start = Start::on(&data.path);
    let server = start.with("ONHAND_HTTP_ORIGINS", SHOP).run();
    (data, server)
}

#[test]
fn scripts_and_styles_are_loaded_once_and_asked_for_anew() {
    let (_data, server) = served();
    let anyone = server.client_with("");
    for (path, kind) in [
        ("/web/onhand-stock.js", "text/javascript"),
        ("/web/feed.js", "text/javascript"),
        ("/web/onhand.css", "text/css"),
    ] {
        let first = anyone.send("GET", path, &[], None).unwrap();
        assert_eq!(first.status, 200, "{path}");
        assert!(first.header("content-type").starts_with(kind), "{path}");
        assert_eq!(first.header("cache-control"), "no-cache", "{path}");
        assert_eq!(first.header("x-content-type-options"), "nosniff", "{path}");
        let policy = first.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let tag = [("if-none-match", first.header("etag"))];
        let again = anyone.send("GET", path, &tag, None).unwrap();
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        let head = anyone.send("HEAD", path, &[], None).unwrap();
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
    }
    for strange in ["/web/", "/web/mod.rs", "/web/..%2Fmod.rs", "/web/a/b"] {
        let answer = anyone.send("GET", strange, &[], None).unwrap();
        assert_eq!(answer.status, 404, "{strange}");
        assert_eq!(answer.body["code"], "not_found", "{strange}");
    }
}

#[test]
fn pages_of_the_origins_on_the_list_may_load_the_component_and_others_may_not() {
    let (_data, server) = served();
    let anyone = server.client_with("");
    for (origin, allowed) in [(SHOP, SHOP), ("https://other.example", "")] {
        let path = "/web/onhand-stock.js";
        let answer = anyone.send("GET", path, &[("origin", origin)], None);
        let answer = answer.unwrap();
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
        let vary = answer.headers.get_all("vary").iter();
        let varies = vary.map(|header| header.to_str().unwrap().to_ascii_lowercase());
        assert!(varies.collect::<String>().contains("origin"));
    }
}
