//! `/v1/locations`: put, patch, read. Decides nothing: the catalogue does.

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{self, Answered, List};
use super::auth::Caller;
use super::body::{Object, parse};
use super::border::Border;
use super::catalogue_schema as schema;
use super::fault::{At, Wrong};
use super::item_request::{label, nullable, required_if_present};
use super::items::{answer_written, who, whole};
use super::names::location_in_path;
use super::problem::Problem;
use super::problem_schema;
use super::read;
use super::request::{Body, Query, path_location};
use super::wire::{Number, Time};
use crate::catalogue::{
    Degrees, Location, LocationChange, LocationCommand, LocationContent, LocationKind,
    LocationPatch, Scope, Token,
};

/// A location as JSON.
#[derive(Serialize)]
pub struct LocationDocument<'a> {
    location: &'a str,
    name: &'a str,
    kind: &'static str,
    latitude: Option<Number>,
    longitude: Option<Number>,
    region: Option<&'a str>,
    version: u64,
    updated_at: Time,
}

impl LocationDocument<'_> {
    /// All that is known of it.
    pub fn of(location: &Location) -> LocationDocument<'_> {
        let content = &location.content;
        LocationDocument {
            location: location.location.as_str(),
            name: content.name.as_str(),
            kind: content.kind.as_str(),
            latitude: content.latitude.map(|Degrees(angle)| Number(angle)),
            longitude: content.longitude.map(|Degrees(angle)| Number(angle)),
            region: content.region.as_ref().map(|region| region.as_str()),
            version: location.version,
            updated_at: Time(location.updated_at),
        }
    }
}

/// Says what a location is from now on. 201 if it is new, else 200.
#[utoipa::path(
    put,
    path = "/v1/locations/{location}",
    operation_id = "putLocation",
    tag = "Catalogue",
    params(
        ("location" = String, Path, description = "Percent-encoded"),
    ),
    request_body = schema::LocationContent,
    responses(
        (status = 201, description = "It is new", body = schema::Location),
        (status = 200, description = "It was there", body = schema::Location),
        problem_schema::Problems,
    ),
    security(("bearer" = ["catalogue:write"])),
)]
pub async fn put(
    request: HttpRequest,
    caller: Caller,
    body: Body,
    border: Data<Border>,
) -> Answered {
    let token = caller.needs(Scope::CatalogueWrite)?;
    let body = body.read().await?;
    let location = path_location(&request)?;
    let content = parse(&body, |raw, at, faults| whole(raw, at, faults, content))?;
    let change = LocationChange::Put(content);
    write(&border, token, LocationCommand { location, change }).await
}

/// Changes what is named of a location, by a JSON merge patch (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/locations/{location}",
    operation_id = "patchLocation",
    tag = "Catalogue",
    params(
        ("location" = String, Path, description = "Percent-encoded"),
    ),
    request_body = schema::LocationContent,
    responses(
        (status = 200, description = "The location as it is now", body = schema::Location),
        problem_schema::Problems,
    ),
    security(("bearer" = ["catalogue:write"])),
)]
pub async fn merge(
    request: HttpRequest,
    caller: Caller,
    body: Body,
    border: Data<Border>,
) -> Answered {
    let token = caller.needs(Scope::CatalogueWrite)?;
    let body = body.read().await?;
    let location = path_location(&request)?;
    let patch = parse(&body, |raw, at, faults| whole(raw, at, faults, patch))?;
    let change = LocationChange::Patch(patch);
    write(&border, token, LocationCommand { location, change }).await
}

/// One location.
#[utoipa::path(
    get,
    path = "/v1/locations/{location}",
    operation_id = "getLocation",
    tag = "Catalogue",
    params(
        ("location" = String, Path, description = "Percent-encoded"),
    ),
    responses(
        (status = 200, description = "The location", body = schema::Location),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn get(request: HttpRequest, _caller: Caller, border: Data<Border>) -> Answered {
    let name = path_location(&request)?;
    let location = location_in_path(&border, name.as_str())?;
    Ok(answer::ok(&LocationDocument::of(&location)))
}

/// All locations, in the order of their names.
#[utoipa::path(
    get,
    path = "/v1/locations",
    operation_id = "listLocations",
    tag = "Catalogue",
    params(
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses(
        (status = 200, description = "In the order of their names", body = schema::LocationList),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn list(request: HttpRequest, _caller: Caller, border: Data<Border>) -> Answered {
    let mut query = Query::read(&request);
    let after = query.optional("after", read::location_of);
    let limit = query.limit();
    query.finish()?;
    let position = border.position();
    let after = after.as_ref().map(|location| location.as_str());
    let page = border.catalogue.locations(after, limit);
    let items = page
        .items
        .iter()
        .map(|location| LocationDocument::of(location));
    Ok(answer::ok(&List {
        items: items.collect(),
        next: page.next,
        position,
    }))
}

async fn write(border: &Border, token: &Token, command: LocationCommand) -> Answered {
    let written = border.catalogue.write_location(who(token), command).await;
    let written = written.map_err(|error| Problem::of_catalogue(error, At::Root).in_path())?;
    let document = LocationDocument::of(&written.entity);
    Ok(answer_written(written.outcome, &document))
}

fn content(object: &mut Object<'_, '_>) -> Option<LocationContent> {
    let name = object.required("name", label);
    let kind = object.required("kind", kind);
    let latitude = object.optional("latitude", degrees);
    let longitude = object.optional("longitude", degrees);
    let region = object.optional("region", label);
    Some(LocationContent {
        name: name?,
        kind: kind?,
        latitude,
        longitude,
        region,
    })
}

fn patch(object: &mut Object<'_, '_>) -> Option<LocationPatch> {
    let patch = LocationPatch {
        name: required_if_present(object, "name", label),
        kind: required_if_present(object, "kind", kind),
        latitude: nullable(object, "latitude", degrees).into(),
        longitude: nullable(object, "longitude", degrees).into(),
        region: nullable(object, "region", label).into(),
    };
    object.is_sound().then_some(patch)
}

fn kind(raw: &RawValue) -> Result<LocationKind, Wrong> {
    let kind = LocationKind::parse(&read::string(raw)?);
    kind.ok_or(Wrong::invalid("must be store or warehouse"))
}

fn degrees(raw: &RawValue) -> Result<Degrees, Wrong> {
    read::decimal(raw).map(Degrees)
}
