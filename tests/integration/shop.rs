//! A small shop to try bad requests on, and what every refusal must look like. It must not know
//! what is tried.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::server::{DataDir, Server};

/// A server with one item, two locations and a little stock.
pub struct Shop {
    /// The server.
    pub server: Server,
    _data: DataDir,
}

impl Shop {
    pub fn open() -> Shop {
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

    pub fn client(&self) -> Client {
        self.server.client()
    }

    /// A token with this grant; its client.
    pub fn with(&self, grant: &Value) -> Client {
        let made = self.client().post("/v1/tokens", grant);
        self.server.client_with(made["token"].as_str().unwrap())
    }

    /// Everything there is to change.
    pub fn all(&self) -> Vec<Vec<Value>> {
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
pub fn refused(answer: &Answer, status: u16, code: &str) {
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
pub fn faults(answer: &Answer, status: u16, code: &str, pointers: &[&str]) {
    refused(answer, status, code);
    let errors = answer.body["errors"].as_array();
    let errors = errors.unwrap_or_else(|| panic!("no errors in {}", answer.body));
    let named: Vec<&str> = errors
        .iter()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    assert_eq!(named, pointers, "{}", answer.body);
}
