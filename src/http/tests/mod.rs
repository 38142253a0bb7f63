//! The border over real stock, a real catalogue and a real journal in memory: statuses,
//! documents, every fault by its place, and who may do what.

mod availability;
mod catalogue;
mod entry;
mod events;
mod pages;
mod reservations;
mod reservations_life;
mod shapes;
mod stock;
mod stock_lists;

use std::sync::{Arc, OnceLock};

use actix::Arbiter;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, test};
use serde_json::{Value, json};

use super::border::Border;
use super::gate::gate;
use super::limits::Limits;
use super::routes;
use crate::actors::{
    ActorsConfig, Context, Directory, IdempotencyIndex, PublishedReservations, StockService,
};
use crate::app::feed;
use crate::backup::Backups;
use crate::catalogue::{Catalogue, CatalogueConfig, Recovery, Scope, TokenGrant};
use crate::clock::Clock;
use crate::feed::FeedLimits;
use crate::journal::{Journal, JournalConfig, MemoryStore, Observers};
use crate::stock::{By, Channel, LocationId, Rules, Timestamp};

/// 2027-01-15T08:00:00.000Z
const START_MS: i64 = 1_800_000_000_000;

/// The whole border, and the secret of a token with all scopes.
pub struct TestApp {
    pub border: Data<Border>,
    pub clock: Clock,
    pub admin: String,
    journal: Journal,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl TestApp {
    /// Nothing in it.
    pub async fn empty(limits: Limits) -> TestApp {
        let clock = Clock::manual(Timestamp::from_millis(START_MS));
        let observers = Observers {
            failed: Box::new(|_| {}),
            written: Box::new(|_| {}),
        };
        let store = Arc::new(MemoryStore::default());
        let backups = Backups::of(store.clone());
        let config = JournalConfig::default();
        let journal = Journal::start(store, clock.clone(), config, observers).unwrap();
        let context = Context {
            journal: journal.clone(),
            clock: clock.clone(),
            rules: Rules::default(),
            config: ActorsConfig::default(),
            reservations: PublishedReservations::default(),
            idempotency: IdempotencyIndex::new(1000),
            listener: OnceLock::new(),
        };
        let arbiter = Arbiter::current();
        let stock = StockService::new(Directory::new(context, std::slice::from_ref(&arbiter)), "e");
        let (recovery, config) = (Recovery::default(), CatalogueConfig::default());
        let time = clock.clone();
        let catalogue = Catalogue::start(recovery, config, journal.clone(), time, &arbiter);
        let (few, feed) = (limits.limited_max, FeedLimits::default());
        let feed = feed::start(&stock, &catalogue, few, feed);
        let admin = catalogue.bootstrap().await.unwrap().unwrap();
        TestApp {
            border: Data::new(Border::new(stock, catalogue, backups, feed, limits)),
            clock,
            admin: admin.reveal().to_owned(),
            journal,
        }
    }

    /// With items `clogs` (300 SEK), `cloth` (10.01 SEK a metre, two decimals), `soap` (5 EUR)
    /// and `show` (not to be reserved), locations `malmo` and `lund`, and 10 of each item in
    /// Malmö.
    pub async fn stocked() -> TestApp {
        let app = TestApp::empty(Limits::default()).await;
        let price = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
        let items = json!({"items": [
            {"sku": "clogs", "name": "Clogs", "price": price("300", "SEK")},
            {"sku": "cloth", "name": "Cloth", "unit": "m", "decimals": 2,
             "price": price("10.01", "SEK")},
            {"sku": "soap", "name": "Soap", "price": price("5", "EUR")},
            {"sku": "show", "name": "Showpiece", "reservable": false},
        ]});
        app.post("/v1/items/batch", items).await.expect(200);
        for location in ["malmo", "lund"] {
            let document = json!({"name": location, "kind": "store"});
            let path = format!("/v1/locations/{location}");
            app.put(&path, document).await.expect(201);
        }
        let receipt = |sku: &str| movement(&format!("start-{sku}"), "receipt", sku, json!(10));
        let movements: Vec<Value> = ["clogs", "cloth", "soap", "show"].map(receipt).into();
        app.post("/v1/movements", json!({ "movements": movements }))
            .await
            .expect(200);
        app
    }

    /// The secret of a new token with these scopes.
    pub async fn token(&self, scopes: &[Scope]) -> String {
        self.token_with(scopes, |_| ()).await
    }

    /// The secret of a new token, bound as `change` says.
    pub async fn token_with(
        &self,
        scopes: &[Scope],
        change: impl FnOnce(&mut TokenGrant),
    ) -> String {
        let mut grant = TokenGrant {
            scopes: scopes.iter().copied().collect(),
            ..TokenGrant::all_scopes("test")
        };
        change(&mut grant);
        let made = self.border.catalogue.create_token(By::default(), grant);
        made.await.unwrap().1.reveal().to_owned()
    }

    /// Sends a request with these headers.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let app = App::new().app_data(self.border.clone());
        let app = app.wrap(from_fn(gate));
        let app = app.configure(|service| routes::public(service, true, &self.border.origins));
        let app = test::init_service(app).await;
        let peer = "192.0.2.1:4000".parse().unwrap();
        let request = test::TestRequest::with_uri(path).method(method);
        let mut request = request.peer_addr(peer).set_payload(body.into());
        for header in headers {
            request = request.append_header(*header);
        }
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = test::read_body(response).await;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Sends a JSON body with that secret.
    pub async fn send_as(
        &self,
        secret: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {secret}");
        let body = body.map_or(String::new(), |body| body.to_string());
        self.send(method, path, &[("Authorization", &bearer)], body)
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send_as(&self.admin, Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send_as(&self.admin, Method::PUT, path, Some(body))
            .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send_as(&self.admin, Method::POST, path, Some(body))
            .await
    }

    /// A call with an Idempotency-Key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.admin);
        let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", key)];
        self.send(Method::POST, path, &headers, body.to_string())
            .await
    }

    /// Places a reservation of these lines and gives its name.
    pub async fn reserve(&self, lines: Value) -> String {
        let answer = self
            .post("/v1/reservations", json!({ "lines": lines }))
            .await;
        let body = answer.expect(201);
        body["id"].as_str().unwrap().to_owned()
    }

    /// The figure of an item in Malmö.
    pub async fn figure(&self, sku: &str, name: &str) -> Value {
        let body = self
            .get(&format!("/v1/stock/{sku}/malmo"))
            .await
            .expect(200);
        body[name].clone()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.journal.close();
    }
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// A problem with this status and code, as what is wrong where: `place code`.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Vec<String> {
        let problem = (self.status, self.body["code"].as_str().unwrap_or_default());
        assert_eq!(problem, (status, code), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let errors = self.body["errors"].as_array();
        errors.map_or(Vec::new(), |errors| {
            errors.iter().map(place_and_code).collect()
        })
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// `place code` of one error.
pub fn place_and_code(error: &Value) -> String {
    let places = ["pointer", "parameter", "header"];
    let place = places.iter().find_map(|name| error[name].as_str());
    format!("{} {}", place.unwrap(), error["code"].as_str().unwrap())
}

/// A movement in Malmö.
pub fn movement(id: &str, kind: &str, sku: &str, quantity: Value) -> Value {
    json!({"id": id, "type": kind, "sku": sku, "location": "malmo", "quantity": quantity})
}

/// A line of a reservation, in Malmö.
pub fn line(sku: &str, quantity: Value) -> Value {
    json!({"sku": sku, "location": "malmo", "quantity": quantity})
}

/// Bounds a token to Malmö.
pub fn only_malmo(grant: &mut TokenGrant) {
    grant.locations = Some([LocationId::parse("malmo").unwrap()].into());
}

/// Binds a token to the channel `store`.
pub fn only_store(grant: &mut TokenGrant) {
    grant.channel = Some(Channel::parse("store").unwrap());
}

/// What the fixture answers is what others build upon.
#[actix_web::test]
async fn the_fixture_is_stocked() {
    let app = TestApp::stocked().await;
    assert_eq!(app.figure("clogs", "available").await, json!(10));
    assert_eq!(StatusCode::OK.as_u16(), app.get("/v1/stock").await.status);
}
