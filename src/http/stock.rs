//! The exact figures of stock keys: one, many, and what is withheld from sale. What moved at a
//! key is in `stock_ledger`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answered, List, ok, tagged};
use super::auth::{Caller, by, may_change};
use super::body::{Bound, Object, parse};
use super::border::Border;
use super::fault::{At, Faults, Source, Wrong};
use super::movements::status_of;
use super::names::{
    check_decimals, current_level, item_in_path, key_in_body, location_in_path, not_stocked_in_path,
};
use super::problem::{Code, Problem};
use super::problem_schema;
use super::read;
use super::request::{Body, Query, path_key};
use super::stock_document::StockDocument;
use super::stock_schema as schema;
use crate::actors::CallError;
use crate::catalogue::{Item, Scope, Token};
use crate::stock::{By, Command, LocationId, Quantity, Refusal, Sku, StockKey};

/// The figures of one key.
#[utoipa::path(
    get,
    path = "/v1/stock/{sku}/{location}",
    operation_id = "getStock",
    tag = "Stock",
    params(
        ("sku" = String, Path, description = "1–64 printable ASCII characters without @ * , %"),
        ("location" = String, Path, description = "As for SKUs"),
    ),
    responses(
        (status = 200, description = "The figures; the ETag is epoch and version",
            body = schema::Stock),
        (status = 304, description = "The client has them already"),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:read"])),
)]
pub async fn read_one(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    caller.needs(Scope::StockRead)?;
    let key = path_key(&request)?;
    item_in_path(&border, key.sku())?;
    location_in_path(&border, key.location())?;
    let level = current_level(&border, &key).await?;
    let level = level.ok_or_else(|| not_stocked_in_path(&key))?;
    let tag = format!("\"{}-{}\"", border.stock.epoch(), level.version);
    Ok(tagged(&request, &tag, &StockDocument::new(&key, &level)))
}

/// The figures of many keys, in the order of their names. A page may be shorter than asked for, or
/// empty, while `next` says that there is more.
#[utoipa::path(
    get,
    path = "/v1/stock",
    operation_id = "listStock",
    tag = "Stock",
    params(
        ("sku" = Option<String>, Query),
        ("location" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses(
        (status = 200, description = "Figures in the order of their keys",
            body = schema::StockList),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:read"])),
)]
pub async fn list(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    caller.needs(Scope::StockRead)?;
    let mut query = Query::read(&request);
    let sku = query.optional("sku", read::sku_of);
    let location = query.optional("location", read::location_of);
    let after = query.optional("after", read::stock_key_of);
    let limit = query.limit();
    query.finish()?;

    let position = border.position();
    let (sku, location) = (sku.as_ref().map(Sku::as_str), location.as_ref());
    let (location, after) = (
        location.map(LocationId::as_str),
        after.as_ref().map(StockKey::as_str),
    );
    let page = border.stock.levels(sku, location, after, limit).await?;
    Ok(ok(&List {
        next: page.next.map(|key| key.to_string()),
        items: page
            .found
            .iter()
            .map(|(key, level)| StockDocument::new(key, level))
            .collect(),
        position,
    }))
}

/// Sets how much of a key is withheld from sale.
#[utoipa::path(
    put,
    path = "/v1/stock/{sku}/{location}/settings",
    operation_id = "setStock",
    tag = "Stock",
    params(
        ("sku" = String, Path, description = "1–64 printable ASCII characters without @ * , %"),
        ("location" = String, Path, description = "As for SKUs"),
    ),
    request_body = schema::Settings,
    responses(
        (status = 200, description = "The figures as they are now", body = schema::Stock),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:write"])),
)]
pub async fn set(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let token = caller.needs(Scope::StockWrite)?;
    let body = body.read().await?;
    let key = path_key(&request)?;
    let item = item_in_path(&border, key.sku())?;
    location_in_path(&border, key.location())?;
    let by = writer_at(token, &key)?;
    let amount = parse(&body, |raw, at, faults| {
        let mut object = Object::read(raw, at, faults)?;
        let amount = object.required("safety_stock", |raw| withheld(raw, Some(&item)));
        object.finish();
        amount
    })?;
    let command = Command::SetSafetyStock(amount);
    let reply = border.stock.call(&key, by, command).await;
    let reply = reply.map_err(|error| in_path(error, &key))?;
    Ok(ok(&StockDocument::new(&key, &reply.level)))
}

/// Stops stocking a key that has and owes nothing.
#[utoipa::path(
    delete,
    path = "/v1/stock/{sku}/{location}",
    operation_id = "stopStocking",
    tag = "Stock",
    params(
        ("sku" = String, Path, description = "1–64 printable ASCII characters without @ * , %"),
        ("location" = String, Path, description = "As for SKUs"),
    ),
    responses(
        (status = 204, description = "It is no longer stocked"),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:write"])),
)]
pub async fn stop(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    let token = caller.needs(Scope::StockWrite)?;
    let key = path_key(&request)?;
    item_in_path(&border, key.sku())?;
    location_in_path(&border, key.location())?;
    let by = writer_at(token, &key)?;
    let reply = border.stock.call(&key, by, Command::Stop).await;
    reply.map_err(|error| in_path(error, &key))?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who changes stock at the path's key, if the token's bound allows it.
fn writer_at(token: &Token, key: &StockKey) -> Result<By, Problem> {
    let allowed = may_change(token, key.location()).and_then(|()| by(token, None));
    allowed.map_err(|wrong| Problem::from_fault(Source::Parameter("location".into()), wrong))
}

fn in_path(error: CallError, key: &StockKey) -> Problem {
    if error == CallError::Refused(Refusal::NotStocked) {
        return not_stocked_in_path(key);
    }
    error.into()
}

/// How much is withheld: nothing or more, in the item's decimals.
fn withheld(raw: &RawValue, item: Option<&Item>) -> Result<Quantity, Wrong> {
    let amount = read::quantity(raw)?;
    if amount < Quantity::ZERO {
        return Err(Wrong::new(Code::InvalidQuantity, "may not be negative"));
    }
    item.map_or(Ok(()), |item| check_decimals(item, amount))?;
    Ok(amount)
}

/// Sets how much of many keys is withheld from sale, each answered for itself.
#[utoipa::path(
    post,
    path = "/v1/stock/settings/batch",
    operation_id = "batchSettings",
    tag = "Stock",
    request_body = schema::SettingsBatch,
    responses(
        (status = 200, description = "What became of each", body = schema::SettingsResults),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:write"])),
)]
pub async fn set_batch(border: Data<Border>, caller: Caller, body: Body) -> Answered {
    let token = caller.needs(Scope::StockWrite)?;
    let body = body.read().await?;
    let settings = parse(&body, |raw, at, faults| {
        let mut object = Object::read(raw, at, faults)?;
        let bound = Bound::new(1, border.limits.batch_max);
        let settings = object.array("settings", bound, |raw, at, _| {
            Some(Setting::read(raw, at, &border, token))
        });
        object.finish();
        settings
    })?;
    let calls = settings.iter().filter_map(|setting| {
        let (key, by, amount) = setting.as_ref().ok()?;
        let command = Command::SetSafetyStock(*amount);
        Some((key.clone(), by.clone(), command))
    });
    let mut replies = border.stock.call_all(calls.collect()).await.into_iter();
    let results = settings.iter().map(|setting| match setting {
        Err(refused) => SettingResult::refused(refused),
        Ok((key, ..)) => match replies.next().expect("every call has a reply") {
            Ok(reply) => SettingResult {
                sku: Some(key.sku()),
                location: Some(key.location()),
                status: "applied",
                stock: Some(StockDocument::new(key, &reply.level)),
                problem: None,
            },
            Err(error) => SettingResult::problem(key, error.into()),
        },
    });
    Ok(ok(&SettingResults {
        results: results.collect(),
    }))
}

struct Setting;

/// A setting that is refused at the border, with as much of its key as could be read.
struct RefusedSetting {
    sku: Option<Sku>,
    location: Option<LocationId>,
    problem: Problem,
}

impl Setting {
    fn read(
        raw: &RawValue,
        at: At<'_>,
        border: &Border,
        token: &Token,
    ) -> Result<(StockKey, By, Quantity), RefusedSetting> {
        let mut faults = Faults::default();
        let mut named = (None, None);
        let read = Setting::read_sound(raw, at, border, token, (&mut named, &mut faults));
        let (sku, location) = named;
        faults.none_or_problem().map_err(|problem| RefusedSetting {
            sku,
            location,
            problem,
        })?;
        Ok(read.expect("a setting without faults was read"))
    }

    fn read_sound(
        raw: &RawValue,
        at: At<'_>,
        border: &Border,
        token: &Token,
        (named, faults): (&mut (Option<Sku>, Option<LocationId>), &mut Faults),
    ) -> Option<(StockKey, By, Quantity)> {
        let mut object = Object::read(raw, at, faults)?;
        let sku = object.required("sku", read::sku);
        let location = object.required("location", read::location);
        let amount = object.required("safety_stock", |raw| withheld(raw, None));
        object.finish();
        *named = (sku.clone(), location.clone());
        let (sku, location, amount) = (sku?, location?, amount?);
        if let Some(item) = key_in_body(border, &sku, &location, at, faults) {
            let checked = check_decimals(&item, amount);
            faults.unless(At::Member(&at, "safety_stock"), checked);
        }
        let allowed = may_change(token, location.as_str()).and_then(|()| by(token, None));
        let by = faults.unless(At::Member(&at, "location"), allowed)?;
        Some((StockKey::new(&sku, &location), by, amount))
    }
}

#[derive(Serialize)]
struct SettingResults<'a> {
    results: Vec<SettingResult<'a>>,
}

#[derive(Serialize)]
struct SettingResult<'a> {
    sku: Option<&'a str>,
    location: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<StockDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

impl<'a> SettingResult<'a> {
    fn refused(refused: &'a RefusedSetting) -> SettingResult<'a> {
        refused.problem.count();
        SettingResult {
            sku: refused.sku.as_ref().map(Sku::as_str),
            location: refused.location.as_ref().map(LocationId::as_str),
            status: "refused",
            stock: None,
            problem: Some(refused.problem.clone()),
        }
    }

    fn problem(key: &'a StockKey, problem: Problem) -> SettingResult<'a> {
        SettingResult {
            sku: Some(key.sku()),
            location: Some(key.location()),
            status: status_of(problem.code()),
            stock: None,
            problem: Some(problem),
        }
    }
}
