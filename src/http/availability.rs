//! What can be bought where: the truth for shoppers without the counts that competitors would
//! like, and the exact figures for those who may see them.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures::future::try_join_all;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::answer::{Answered, ok, tagged_body};
use super::auth::Caller;
use super::body::{Bound, Object, parse};
use super::border::Border;
use super::fault::Wrong;
use super::item_document::ItemFace;
use super::names::{current_level, item_in_path, location_in_path, not_stocked_in_path};
use super::problem::{Code, Problem};
use super::problem_schema;
use super::read;
use super::request::{Body, Query, path_key, path_sku};
use super::stock_schema as schema;
use super::wire::{Number, Price};
use crate::feed::View;
use crate::stock::level::Status;
use crate::stock::{Level, LocationId, Quantity, Sku, StockKey};

/// The most locations one question may name.
const LOCATIONS_MAX: usize = 100;

/// The most locations one answer shows.
const KEYS_MAX: usize = 1000;

/// An item at the locations that stock it, or at those that are asked for.
#[utoipa::path(
    get,
    path = "/v1/availability/{sku}",
    operation_id = "getAvailability",
    tag = "Availability",
    params(
        ("sku" = String, Path, description = "1–64 printable ASCII characters without @ * , %"),
        ("location" = Option<String>, Query, description = "Locations, separated by commas"),
    ),
    responses(
        (status = 200, description = "The item at its locations", body = schema::ItemAvailability),
        (status = 304, description = "The client has it already"),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn of_item(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    let sku = path_sku(&request)?;
    let mut query = Query::read(&request);
    let locations = query.optional("location", |text| locations(text, &border));
    query.finish()?;
    let item = item_in_path(&border, sku.as_str())?;

    let keys: Vec<StockKey> = match locations {
        Some(named) => named.iter().map(|at| StockKey::new(&sku, at)).collect(),
        None => border.stock.keys_of(sku.as_str(), KEYS_MAX),
    };
    let shown = Shown::to(&caller, &border);
    let levels = try_join_all(keys.iter().map(|key| current_level(&border, key))).await?;
    let found = keys.iter().zip(levels);
    let mut best = Status::OutOfStock;
    let mut entries = Vec::with_capacity(keys.len());
    for (key, level) in found {
        let Some(level) = level else { continue };
        best = best.min(level.status(shown.limited_max));
        entries.push(shown.entry(key.location(), &level));
    }
    let document = ItemAvailability {
        sku: sku.as_str(),
        item: ItemFace::new(&item, border.stock.now()),
        status: best.as_str(),
        epoch: border.stock.epoch(),
        locations: entries,
    };
    Ok(answer(&request, &document))
}

/// An item at one location.
#[utoipa::path(
    get,
    path = "/v1/availability/{sku}/{location}",
    operation_id = "getAvailabilityAt",
    tag = "Availability",
    params(
        ("sku" = String, Path, description = "1–64 printable ASCII characters without @ * , %"),
        ("location" = String, Path, description = "As for SKUs"),
    ),
    responses(
        (status = 200, description = "The item there", body = schema::KeyAvailability),
        (status = 304, description = "The client has it already"),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn of_key(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    let key = path_key(&request)?;
    let item = item_in_path(&border, key.sku())?;
    location_in_path(&border, key.location())?;
    let level = current_level(&border, &key).await?;
    let level = level.ok_or_else(|| not_stocked_in_path(&key))?;
    let document = KeyAvailability {
        sku: key.sku(),
        item: ItemFace::new(&item, border.stock.now()),
        entry: Shown::to(&caller, &border).entry(key.location(), &level),
        epoch: border.stock.epoch(),
    };
    Ok(answer(&request, &document))
}

/// Many items at many locations, answered in the order they are asked for.
#[utoipa::path(
    post,
    path = "/v1/availability/query",
    operation_id = "queryAvailability",
    tag = "Availability",
    request_body = schema::AvailabilityQuery,
    responses(
        (status = 200, description = "Answers in the order asked",
            body = schema::AvailabilityAnswers),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn query(border: Data<Border>, caller: Caller, body: Body) -> Answered {
    let body = body.read().await?;
    let asked = parse(&body, |raw, at, faults| {
        let mut object = Object::read(raw, at, faults)?;
        let bound = Bound::new(1, border.limits.batch_max);
        let items = object.array("items", bound, |raw, at, faults| {
            let mut object = Object::read(raw, at, faults)?;
            let sku = object.required("sku", read::sku);
            let location = object.required("location", read::location);
            object.finish();
            Some((sku?, location?))
        });
        object.finish();
        items
    })?;
    let shown = Shown::to(&caller, &border);
    let answers = asked.iter().map(|(sku, at)| shown.answer(sku, at));
    let items = try_join_all(answers).await?;
    let epoch = border.stock.epoch();
    Ok(ok(&Answers { items, epoch }))
}

/// The locations of `location=a,b`; one that is not known is a fault.
fn locations(text: &str, border: &Border) -> Result<Vec<LocationId>, Wrong> {
    let names: Vec<&str> = text.split(',').collect();
    if names.len() > LOCATIONS_MAX {
        let detail = format!("may name at most {LOCATIONS_MAX} locations");
        return Err(Wrong::invalid(detail));
    }
    let known = |name: &str| {
        let location = read::location_of(name)?;
        if border.catalogue.location(name).is_none() {
            let detail = format!("names {name}, which is not a location");
            return Err(Wrong::new(Code::UnknownLocation, detail));
        }
        Ok(location)
    };
    names.into_iter().map(known).collect()
}

/// The document with a tag made of all it says: prices change without a level's version. What is
/// hashed is what is sent, so it is written once.
fn answer(request: &HttpRequest, document: &impl Serialize) -> HttpResponse {
    let body = serde_json::to_vec(document).expect("documents are plain data");
    let tag = format!("\"{:016x}\"", xxh3_64(&body));
    let mut response = tagged_body(request, &tag, || body);
    let headers = response.headers_mut();
    let vary = actix_web::http::header::HeaderValue::from_static("authorization");
    headers.insert(actix_web::http::header::VARY, vary);
    response
}

/// How levels are shown to this caller.
struct Shown<'b> {
    border: &'b Border,
    limited_max: Quantity,
    view: View,
}

impl<'b> Shown<'b> {
    fn to(caller: &Caller, border: &'b Border) -> Shown<'b> {
        Shown {
            border,
            limited_max: Quantity::from(border.limits.limited_max),
            view: caller.view(),
        }
    }

    fn entry(&self, location: &str, level: &Level) -> Entry {
        let face = self.view.of(level, self.limited_max);
        let known = self.border.catalogue.location(location);
        Entry {
            location: location.to_owned(),
            name: known.map(|known| known.content.name.to_string()),
            status: face.status.as_str(),
            available: face.available.map(Number),
            version: face.version,
        }
    }

    async fn answer<'a>(
        &self,
        sku: &'a Sku,
        location: &'a LocationId,
    ) -> Result<AnswerDocument<'a>, Problem> {
        let not_there = |code: Code| {
            Ok(AnswerDocument::Unknown {
                sku: sku.as_str(),
                location: location.as_str(),
                code: code.as_str(),
            })
        };
        let catalogue = &self.border.catalogue;
        let Some(item) = catalogue.item(sku.as_str()) else {
            return not_there(Code::UnknownItem);
        };
        if catalogue.location(location.as_str()).is_none() {
            return not_there(Code::UnknownLocation);
        }
        let key = StockKey::new(sku, location);
        let Some(level) = current_level(self.border, &key).await? else {
            return not_there(Code::NotStocked);
        };
        let price = item.current_price(self.border.stock.now());
        Ok(AnswerDocument::Known {
            sku: sku.as_str(),
            entry: self.entry(location.as_str(), &level),
            current_price: price.map(Price),
        })
    }
}

#[derive(Serialize)]
struct Entry {
    location: String,
    name: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<Number>,
    version: u64,
}

#[derive(Serialize)]
struct ItemAvailability<'a> {
    sku: &'a str,
    item: ItemFace<'a>,
    status: &'static str,
    epoch: &'a str,
    locations: Vec<Entry>,
}

#[derive(Serialize)]
struct KeyAvailability<'a> {
    sku: &'a str,
    item: ItemFace<'a>,
    #[serde(flatten)]
    entry: Entry,
    epoch: &'a str,
}

#[derive(Serialize)]
struct Answers<'a> {
    items: Vec<AnswerDocument<'a>>,
    epoch: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum AnswerDocument<'a> {
    Known {
        sku: &'a str,
        #[serde(flatten)]
        entry: Entry,
        current_price: Option<Price>,
    },
    Unknown {
        sku: &'a str,
        location: &'a str,
        code: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use actix_web::body::MessageBody;
    use actix_web::http::header::ETAG;
    use actix_web::test::TestRequest;
    use serde::Serializer;

    use super::*;

    /// Counts how often it is written.
    struct Written(Cell<u32>);

    impl Serialize for Written {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            serializer.serialize_str("in stock")
        }
    }

    #[test]
    fn a_document_is_written_once_for_its_tag_and_its_body() {
        let document = Written(Cell::new(0));
        let request = TestRequest::default().to_http_request();
        let response = answer(&request, &document);
        assert_eq!(document.0.get(), 1);
        let tag = format!("\"{:016x}\"", xxh3_64(b"\"in stock\""));
        assert_eq!(response.headers().get(ETAG).unwrap(), tag.as_str());
        let body = response.into_body().try_into_bytes().ok().unwrap();
        assert_eq!(body, "\"in stock\"");
    }
}
