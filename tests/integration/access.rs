//! Who may do what, over the wire: tokens that are wrong, tokens that may not, and every route
//! shut to a token without its scope.

use std::io::{BufRead, BufReader, Write};

use serde_json::{Value, json};

use crate::client::Client;
use crate::follower::connect;
use crate::server::{DataDir, Server, Start};
use crate::shop::{Shop, faults, refused};

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
    assert_eq!(routes, 33);
}

/// The status of a request that announces a body and sends but the beginning of it.
fn status_of_begun(server: &Server, method: &str, path: &str, token: &str) -> String {
    let mut stream = connect(server);
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n");
    if !token.is_empty() {
        head.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    stream
        .write_all(format!("{head}\r\n{{").as_bytes())
        .unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn who_may_not_is_told_so_before_the_body_has_come() {
    let data = DataDir::new();
    let server = Start::on(&data.path)
        .with("ONHAND_HTTP_BODY_MS_MAX", "100")
        .run();
    let grant = json!({"name": "Shopper", "scopes": ["availability"]});
    let made = server.client().post("/v1/tokens", &grant);
    let shopper = made["token"].as_str().unwrap();
    let document = server.client().read("/openapi.json");
    let mut routes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let takes_body = ["post", "put", "patch"].contains(&method.as_str());
            if !takes_body || operation["security"][0]["bearer"] == Value::Null {
                continue;
            }
            routes += 1;
            let (method, named) = (method.to_uppercase(), path.replace(['{', '}'], ""));
            for (token, status) in [("", "401"), (shopper, "403"), ("wrong", "401")] {
                let told = status_of_begun(&server, &method, &named, token);
                assert_eq!(told, status, "{method} {path} with {token:?}");
            }
        }
    }
    assert_eq!(routes, 17);
}
