//! No level is told before it is durable: whatever a follower saw of a process that was crashed
//! or lost its disk is there when it comes back, and is the same.

use serde_json::{Value, json};

use crate::follower::Follower;
use crate::server::{ADMIN, DataDir, Start};

/// Sells one piece after the other until the process is gone; what a follower was told meanwhile.
fn sell_until_it_ends(data: &DataDir, points: &str) -> Vec<Value> {
    let mut server = Start::on(&data.path)
        .with("FAILPOINTS", points)
        .with("ONHAND_FEED_TICK_MS", "1")
        .run();
    let client = server.client();
    let mut till = Follower::open_with(&server, ADMIN);
    let state = till.subscribe(&["clogs@malmo"], &json!({}));
    let mut told = state["levels"].as_array().unwrap().clone();
    let listening = std::thread::spawn(move || {
        while let Ok(frame) = till.try_next() {
            if frame["type"] == "update" {
                told.extend(frame["levels"].as_array().unwrap().iter().cloned());
            }
        }
        told
    });
    for number in 0.. {
        let sale = json!({"id": format!("sale-{number}"), "type": "sale", "sku": "clogs",
            "location": "malmo", "quantity": 1});
        let sold = client.json("POST", "/v1/movements", &json!({"movements": [sale]}));
        if sold.map_or(true, |answer| {
            answer.status != 200 || answer.body["results"][0]["status"] != "applied"
        }) {
            break;
        }
    }
    assert!(!server.wait().success());
    listening.join().unwrap()
}

#[test]
fn what_a_follower_saw_is_there_after_a_crash_at_any_point_and_after_a_failed_write() {
    let points = [
        "journal::before_append=60*off->return",
        "journal::append_fails=60*off->return",
        "journal::after_sync=60*off->return",
        "journal::before_publish=60*off->return",
        "journal::before_answer=200*off->return",
    ];
    for point in points {
        let data = DataDir::new();
        let mut server = Start::on(&data.path).run();
        let client = server.client();
        let place = json!({"name": "malmo", "kind": "store"});
        client.put("/v1/locations/malmo", &place);
        client.put("/v1/items/clogs", &json!({"name": "Clogs"}));
        let first = json!({"id": "first", "type": "receipt", "sku": "clogs",
            "location": "malmo", "quantity": 1000});
        client.post("/v1/movements", &json!({"movements": [first]}));
        server.stop();

        let told = sell_until_it_ends(&data, point);
        let server = Start::on(&data.path).run();
        let now = server.client().read("/v1/stock/clogs/malmo");
        assert!(told.len() > 10, "{point}: only {} levels", told.len());
        for level in told {
            // The receipt made version 1; each sale makes the next and takes one piece.
            let version = level["version"].as_i64().unwrap();
            assert_eq!(level["available"], 1001 - version, "{point}");
            assert!(
                version <= now["version"].as_i64().unwrap(),
                "{point}: {level} {now}"
            );
        }
    }
}
