//! Whatever is wrong with a request, over the wire: a clear problem that names the fault, never
//! a 500, and nothing changed.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{DataDir, Server};

/// A server with one item, two locations and a little stock.
struct Shop {
    server: Server,
    _data: DataDir,
}

impl Shop {
    fn open() -> Shop {
        let data = DataDir::new();
        let server = Server::start(&data.path);
        let client = server.client();
        for location in ["malmo", "lund"] {
            let body = json!({"name": location, "kind": "store"});
            client.put(&format!("/v1/locations/{location}"), &body);
        }
        client.put("/v1/items/clogs", &json!({"name": "Clogs"}));
        let receipt = json!({"id": "first", "type": "receipt", "sku": "clogs",
            "location": "malmo", "quantity": 5});
        client.post("/v1/movements", &json!({"movements": [receipt]}));
        Shop {
            server,
            _data: data,
        }
    }

    fn client(&self) -> Client {
        self.server.client()
    }

    /// A token with this grant; its client.
    fn with(&self, grant: &Value) -> Client {
        let made = self.client().post("/v1/tokens", grant);
        self.server.client_with(made["token"].as_str().unwrap())
    }

    /// Everything there is to change.
    fn all(&self) -> Vec<Vec<Value>> {
        let lists = [
            "/v1/items",
            "/v1/locations",
            "/v1/stock",
            "/v1/reservations",
        ];
        lists.map(|list| self.client().list(list)).into()
    }
}

/// The problem is well-formed, and of this status and code.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    let body = &answer.body;
    assert_eq!((answer.status, answer.code()), (status, code), "{body}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(!answer.header("request-id").is_empty());
    assert_eq!(body["status"], status, "{body}");
    let kind = format!("/problems/{}", code.replace('_', "-"));
    assert_eq!(body["type"], kind);
    for member in ["title", "detail"] {
        assert!(
            body[member].as_str().is_some_and(|text| !text.is_empty()),
            "{body}"
        );
    }
}

/// As `refused`, naming exactly these places.
#[track_caller]
fn faults(answer: &Answer, status: u16, code: &str, pointers: &[&str]) {
    refused(answer, status, code);
    let errors = answer.body["errors"].as_array();
    let errors = errors.unwrap_or_else(|| panic!("no errors in {}", answer.body));
    let named: Vec<&str> = errors
        .iter()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    assert_eq!(named, pointers, "{}", answer.body);
}

#[test]
fn a_body_that_is_no_document_of_ours_is_a_problem() {
    let shop = Shop::open();
    let (client, before) = (shop.client(), shop.all());
    let deep = "[".repeat(100_000);
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"   ".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b"{\"lines\":}".to_vec(),
        b"{} {}".to_vec(),
        b"lines=1".to_vec(),
        b"<lines/>".to_vec(),
        b"{\"lines\":[{\"sku\":\"\xff\xfe\"}]}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        deep.clone().into_bytes(),
        format!("{{\"lines\":{deep}").into_bytes(),
        format!("{{\"metadata\":{}{}}}", "{\"a\":".repeat(50_000), "1").into_bytes(),
        vec![0; 4096],
        format!(
            "{{{}}}",
            (0..5000)
                .map(|n| format!("\"f{n}\":1"))
                .collect::<Vec<_>>()
                .join(",")
        )
        .into_bytes(),
    ];
    let routes = [
        ("POST", "/v1/reservations"),
        ("POST", "/v1/movements"),
        ("PUT", "/v1/items/clogs"),
        ("PATCH", "/v1/items/clogs"),
        ("POST", "/v1/items/batch"),
        ("PUT", "/v1/locations/malmo"),
        ("PUT", "/v1/stock/clogs/malmo/settings"),
        ("POST", "/v1/stock/settings/batch"),
        ("POST", "/v1/availability/query"),
        ("POST", "/v1/tokens"),
    ];
    for (method, path) in routes {
        for body in &bodies {
            let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = client.send(method, path, &[], Some(body));
            let answer = answer.unwrap_or_else(|_| panic!("{method} {path} {start}: no answer"));
            eprintln!("{method} {path} {start}: {}", answer.body["detail"]);
            refused(&answer, 422, "invalid_request");
        }
        let large = format!("{{\"lines\":\"{}\"}}", "x".repeat(1 << 20));
        let answer = client
            .send(method, path, &[], Some(large.as_bytes()))
            .unwrap();
        refused(&answer, 413, "body_too_large");
    }
    assert_eq!(shop.all(), before);
}

#[test]
fn every_fault_of_a_reservation_is_named_with_its_place() {
    let shop = Shop::open();
    let (client, before) = (shop.client(), shop.all());
    let place = |body: &str| client.send("POST", "/v1/reservations", &[], Some(body.as_bytes()));
    let line = |quantity: &str| {
        format!(r#"{{"lines":[{{"sku":"clogs","location":"malmo","quantity":{quantity}}}]}}"#)
    };
    let quantity = "/lines/0/quantity";
    for bad in ["0", "-1", "0.5", "1.0000001", "\"-2\""] {
        let answer = place(&line(bad)).unwrap();
        faults(&answer, 422, "invalid_quantity", &[quantity]);
    }
    let numbers = [
        "1e400",
        "1e-400",
        "12345678901234567890",
        "true",
        "null",
        "[]",
        "\"\"",
        "\"x\"",
    ];
    for bad in numbers
        .into_iter()
        .chain(["\"1,5\"", "\"0x10\"", "\" 1\"", "1E999999999"])
    {
        let answer = place(&line(bad)).unwrap();
        assert!(
            ["invalid_request", "invalid_quantity"].contains(&answer.code()),
            "{bad}"
        );
        faults(&answer, 422, &answer.code().to_owned(), &[quantity]);
    }
    let cases = [
        (r#"{"lines":[]}"#, "invalid_request", vec!["/lines"]),
        (r#"{"lines":{}}"#, "invalid_request", vec!["/lines"]),
        (r#"{}"#, "invalid_request", vec!["/lines"]),
        (r#"{"lines":[7]}"#, "invalid_request", vec!["/lines/0"]),
        (
            r#"{"lines":[{"sku":"a@b","location":" x","quantity":"1"}],"ttl":5,"ttl_seconds":0}"#,
            "invalid_request",
            vec!["/lines/0/sku", "/lines/0/location", "/ttl_seconds", "/ttl"],
        ),
        (
            r#"{"lines":[{"sku":"none","location":"nowhere","quantity":1}]}"#,
            "unknown_item",
            vec!["/lines/0/sku", "/lines/0/location"],
        ),
        (
            r#"{"lines":[{"sku":"clogs","location":"lund","quantity":1}]}"#,
            "not_stocked",
            vec!["/lines/0"],
        ),
        (
            r#"{"lines":[{"sku":"clogs","sku":"clogs","location":"malmo","quantity":1}]}"#,
            "invalid_request",
            vec!["/lines/0/sku"],
        ),
        (
            r#"{"lines":[{"sku":"clogs","location":"malmo","quantity":1,"qty/~":2}]}"#,
            "invalid_request",
            vec!["/lines/0/qty~1~0"],
        ),
    ];
    for (body, code, pointers) in cases {
        faults(&place(body).unwrap(), 422, code, &pointers);
    }
    let lines: Vec<Value> = (0..101)
        .map(|_| json!({"sku": "clogs", "location": "malmo", "quantity": 1}))
        .collect();
    let answer = place(&json!({"lines": lines}).to_string()).unwrap();
    faults(&answer, 422, "too_many_lines", &["/lines"]);
    for ttl in ["14401", "1.5", "\"600\"", "-1", "99999999999999999999"] {
        let body = line("1").replacen('{', &format!("{{\"ttl_seconds\":{ttl},"), 1);
        faults(
            &place(&body).unwrap(),
            422,
            "invalid_request",
            &["/ttl_seconds"],
        );
    }
    assert_eq!(shop.all(), before);
}

#[test]
fn a_movement_that_is_wrong_does_not_stop_the_others() {
    let shop = Shop::open();
    let client = shop.client();
    let sale = |id: &str| json!({"id": id, "type": "sale", "sku": "clogs", "location": "malmo", "quantity": 1});
    let mut movements = vec![sale("good-1")];
    let bad = [
        ("type", json!("gift"), "invalid_request"),
        ("quantity", json!(0.5), "invalid_quantity"),
        ("quantity", json!(-1), "invalid_quantity"),
        ("sku", json!("none"), "unknown_item"),
        ("location", json!("nowhere"), "unknown_location"),
        ("reason", json!(7), "invalid_request"),
        ("to", json!("lund"), "invalid_request"),
        ("occurred_at", json!("yesterday"), "invalid_request"),
        (
            "occurred_at",
            json!("2999-01-01T00:00:00Z"),
            "invalid_request",
        ),
        ("surprise", json!(1), "invalid_request"),
        ("id", json!(""), "invalid_request"),
    ];
    for (index, (field, value, _)) in bad.iter().enumerate() {
        let mut movement = sale(&format!("bad-{index}"));
        movement[*field] = value.clone();
        movements.push(movement);
    }
    movements.push(sale("good-2"));
    let mut reused = sale("good-1");
    reused["quantity"] = json!(2);
    movements.push(reused);
    let answer = client.post("/v1/movements", &json!({"movements": movements}));
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), movements.len());
    assert_eq!(results[0]["status"], "applied");
    for (result, (field, value, code)) in results[1..].iter().zip(&bad) {
        assert_eq!(result["status"], "refused", "{field} {value}: {result}");
        assert_eq!(
            result["problem"]["code"], *code,
            "{field} {value}: {result}"
        );
    }
    assert_eq!(results[bad.len() + 1]["status"], "applied");
    assert_eq!(results[bad.len() + 2]["problem"]["code"], "id_reused");
    assert_eq!(client.read("/v1/stock/clogs/malmo")["on_hand"], 3);
}

#[test]
fn paths_queries_and_methods_that_do_not_fit_are_told_apart() {
    let shop = Shop::open();
    let client = shop.client();
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/items",
        "/v1/items/a/b/c",
        "/v1/items/",
        "//v1/items",
    ] {
        refused(&client.get(path).unwrap(), 404, "not_found");
    }
    let methods = [
        ("DELETE", "/v1/items/clogs", "PUT, PATCH, GET, HEAD"),
        ("POST", "/v1/items", "GET, HEAD"),
        ("PUT", "/v1/movements", "POST"),
        ("GET", "/v1/movements", "POST"),
        ("PATCH", "/v1/stock/clogs/malmo", "GET, HEAD, DELETE"),
        ("POST", "/v1/events", "GET, HEAD"),
        ("OPTIONS", "/v1/items", "GET, HEAD"),
    ];
    for (method, path, allowed) in methods {
        let body =
            (method != "GET" && method != "DELETE" && method != "OPTIONS").then_some(&b"{}"[..]);
        let answer = client.send(method, path, &[], body).unwrap();
        refused(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
    let long = "x".repeat(65);
    for sku in [
        "a%40b",
        "%FF",
        "%2",
        "%zz",
        "a%2Cb",
        "%20a",
        "%00",
        "%E2%82%AC",
        &long,
    ] {
        refused(
            &client.get(&format!("/v1/items/{sku}")).unwrap(),
            422,
            "invalid_request",
        );
        refused(
            &client.get(&format!("/v1/stock/{sku}/malmo")).unwrap(),
            422,
            "invalid_request",
        );
    }
    let queries = [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "surprise=1",
        "q=%FF",
    ];
    for query in queries {
        for list in [
            "/v1/items",
            "/v1/locations",
            "/v1/stock",
            "/v1/reservations",
            "/v1/tokens",
        ] {
            let answer = client.get(&format!("{list}?{query}")).unwrap();
            refused(&answer, 422, "invalid_request");
            assert!(
                answer.body["errors"][0]["parameter"].is_string(),
                "{}",
                answer.body
            );
        }
    }
    refused(&client.get("/v1/items/none").unwrap(), 404, "unknown_item");
    refused(
        &client.get("/v1/locations/none").unwrap(),
        404,
        "unknown_location",
    );
    refused(
        &client.get("/v1/stock/none/malmo").unwrap(),
        404,
        "unknown_item",
    );
    refused(
        &client.get("/v1/stock/clogs/none").unwrap(),
        404,
        "unknown_location",
    );
    refused(
        &client.get("/v1/stock/clogs/lund").unwrap(),
        404,
        "not_stocked",
    );
    for id in ["none", "00000000000000000000000000000000", "%FF"] {
        let answer = client.get(&format!("/v1/reservations/{id}")).unwrap();
        assert!(
            answer.status == 404 || answer.status == 422,
            "{}",
            answer.body
        );
    }
    // A slash is part of a name when it is encoded.
    client.put("/v1/items/a%2Fb", &json!({"name": "Half"}));
    assert_eq!(client.read("/v1/items/a%2Fb")["sku"], "a/b");
}

#[test]
fn tokens_that_are_wrong_are_told_from_those_that_may_not() {
    let shop = Shop::open();
    for token in ["wrong", "a b", &"x".repeat(4000)] {
        let header = format!("Bearer {token}");
        let nobody = shop.server.client_with("");
        let headers: &[(&str, &str)] = &[("authorization", &header)];
        refused(
            &nobody.send("GET", "/v1/stock", headers, None).unwrap(),
            401,
            "unauthorized",
        );
        // Whoever sends a token means it: a wrong one is told even where none is needed.
        let open = nobody.send("GET", "/v1/items", headers, None).unwrap();
        refused(&open, 401, "unauthorized");
        assert!(open.header("www-authenticate").starts_with("Bearer"));
    }
    for header in ["Basic YWRtaW46", "Bearer", "bearer-token", ""] {
        let nobody = shop.server.client_with("");
        let answer = nobody
            .send("GET", "/v1/stock", &[("authorization", header)], None)
            .unwrap();
        refused(&answer, 401, "unauthorized");
    }
    let bound = json!({"name": "Till", "scopes": ["stock:write", "stock:read", "reserve", "fulfil"],
        "locations": ["lund"], "channel": "store"});
    let till = shop.with(&bound);
    let sale = json!({"id": "s", "type": "sale", "sku": "clogs", "location": "malmo",
        "quantity": 1});
    let answer = till.post("/v1/movements", &json!({"movements": [sale]}));
    assert_eq!(answer["results"][0]["problem"]["code"], "forbidden");
    let transfer = json!({"id": "t", "type": "transfer", "sku": "clogs", "location": "lund",
        "to": "malmo", "quantity": 1});
    let answer = till.post("/v1/movements", &json!({"movements": [transfer]}));
    assert_eq!(
        answer["results"][0]["problem"]["code"], "forbidden",
        "{answer}"
    );
    let settings = json!({"safety_stock": 1});
    let answer = till
        .json("PUT", "/v1/stock/clogs/malmo/settings", &settings)
        .unwrap();
    refused(&answer, 403, "forbidden");
    let mut place = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 1}],
        "channel": "web"});
    let answer = till.json("POST", "/v1/reservations", &place).unwrap();
    faults(&answer, 403, "wrong_channel", &["/channel"]);
    // The bound limits what it changes, not what it may reserve.
    place["channel"] = json!("store");
    place["confirm"] = json!({});
    let placed = till.post("/v1/reservations", &place);
    let fulfil = format!("/v1/reservations/{}/fulfil", placed["id"].as_str().unwrap());
    refused(
        &till.json("POST", &fulfil, &json!({})).unwrap(),
        403,
        "forbidden",
    );
    let now = shop.client().read("/v1/stock/clogs/malmo");
    assert_eq!((&now["on_hand"], &now["committed"]), (&json!(5), &json!(1)));
}

#[test]
fn every_route_is_shut_to_a_token_without_its_scope() {
    let shop = Shop::open();
    let scopes = [
        "availability",
        "screen",
        "stock:read",
        "stock:write",
        "reserve",
        "fulfil",
        "catalogue:write",
        "events:read",
        "admin",
    ];
    let nobody = shop.server.client_with("");
    let others: Vec<Client> = scopes
        .iter()
        .map(|left_out| {
            let rest: Vec<&&str> = scopes.iter().filter(|scope| *scope != left_out).collect();
            shop.with(&json!({"name": "All but one", "scopes": rest}))
        })
        .collect();
    let document = nobody.read("/openapi.json");
    let mut routes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let named = path
            .replace("{sku}", "clogs")
            .replace("{location}", "malmo");
        let named = named.replace("{id}", "00000000000000000000000000000001");
        for (method, operation) in operations.as_object().unwrap() {
            routes += 1;
            let method = method.to_uppercase();
            let body = ["POST", "PUT", "PATCH"]
                .contains(&method.as_str())
                .then_some(&b"{"[..]);
            let scope = operation["security"][0]["bearer"][0].as_str();
            let told = format!("{method} {path} needs {scope:?}");
            let anonymous = nobody.send(&method, &named, &[], body).unwrap();
            let Some(scope) = scope else {
                assert!(
                    ![401, 403].contains(&anonymous.status),
                    "{told}: {}",
                    anonymous.body
                );
                continue;
            };
            refused(&anonymous, 401, "unauthorized");
            let at = scopes
                .iter()
                .position(|known| *known == scope)
                .expect(&told);
            let answer = others[at].send(&method, &named, &[], body).unwrap();
            refused(&answer, 403, "forbidden");
        }
    }
    assert_eq!(routes, 32);
}
