//! `/v1/items`: put, patch, batch, read and search. Decides nothing: the catalogue does.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{self, Answered, List};
use super::auth::{Caller, by};
use super::body::{Bound, Object, parse};
use super::border::Border;
use super::catalogue_schema as schema;
use super::fault::{At, Faults, Wrong};
use super::item_document::ItemDocument;
use super::item_request::{content, patch, sku_as_sent};
use super::names::item_in_path;
use super::problem::Problem;
use super::problem_schema;
use super::read;
use super::request::{Body, Query, path_sku};
use crate::catalogue::{
    CatalogueError, Item, ItemChange, ItemCommand, ItemFilter, Outcome, Scope, Token, Written,
};
use crate::stock::By;

/// The longest search text, barcode or product in a query.
const SEARCH_CHARACTERS_MAX: usize = 200;

/// Says what an item is from now on. 201 if it is new, else 200.
#[utoipa::path(
    put,
    path = "/v1/items/{sku}",
    operation_id = "putItem",
    tag = "Catalogue",
    params(
        ("sku" = String, Path, description = "Percent-encoded"),
    ),
    request_body = schema::ItemContent,
    responses(
        (status = 201, description = "It is new", body = schema::Item),
        (status = 200, description = "It was there", body = schema::Item),
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
    let sku = path_sku(&request)?;
    let content = parse(&body, |raw, at, faults| whole(raw, at, faults, content))?;
    let change = ItemChange::Put(content);
    write(&border, token, ItemCommand { sku, change }).await
}

/// Changes what is named of an item, by a JSON merge patch (RFC 7396).
#[utoipa::path(
    patch,
    path = "/v1/items/{sku}",
    operation_id = "patchItem",
    tag = "Catalogue",
    params(
        ("sku" = String, Path, description = "Percent-encoded"),
    ),
    request_body = schema::ItemContent,
    responses(
        (status = 200, description = "The item as it is now", body = schema::Item),
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
    let sku = path_sku(&request)?;
    let patch = parse(&body, |raw, at, faults| whole(raw, at, faults, patch))?;
    let change = ItemChange::Patch(patch);
    write(&border, token, ItemCommand { sku, change }).await
}

/// Puts or merges many items, each answered for itself, in the order sent.
///
/// `{"items":[…]}` puts, `{"patches":[…]}` merges; each entry names its `sku` and is otherwise as
/// for one item.
#[utoipa::path(
    post,
    path = "/v1/items/batch",
    operation_id = "batchItems",
    tag = "Catalogue",
    request_body = schema::ItemBatch,
    responses(
        (status = 200, description = "What became of each", body = schema::ItemResults),
        problem_schema::Problems,
    ),
    security(("bearer" = ["catalogue:write"])),
)]
pub async fn batch(caller: Caller, body: Body, border: Data<Border>) -> Answered {
    let token = caller.needs(Scope::CatalogueWrite)?;
    let body = body.read().await?;
    let max = border.limits.batch_max;
    let entries = parse(&body, |raw, at, faults| entries(raw, at, faults, max))?;
    let commands = entries
        .iter()
        .filter_map(|entry| entry.command.as_ref().ok());
    let commands = commands.cloned().collect();
    let catalogue = &border.catalogue;
    let answers = catalogue.write_items(who(token), commands).await;
    let mut answers = answers
        .map_err(|error| Problem::of_catalogue(error, At::Root))?
        .into_iter();
    let now = border.stock.now();
    let results: Vec<Result<Written<Item>, (&'static str, Problem)>> = (entries.iter())
        .map(|entry| match &entry.command {
            Err(problem) => {
                problem.count();
                Err(("refused", problem.clone()))
            }
            Ok(_) => {
                let answer = answers.next().expect("each command has an answer");
                answer.map_err(|error| entry.unwritten(error))
            }
        })
        .collect();
    let results = entries.iter().zip(&results);
    let results = results.map(|(entry, result)| match result {
        Ok(written) => EntryResult {
            sku: entry.sku.as_deref(),
            status: status_word(written.outcome),
            item: Some(ItemDocument::new(&written.entity, now)),
            problem: None,
        },
        Err((status, problem)) => EntryResult {
            sku: entry.sku.as_deref(),
            status,
            item: None,
            problem: Some(problem),
        },
    });
    Ok(answer::ok(&Results {
        results: results.collect(),
    }))
}

/// One item, with the price in force.
#[utoipa::path(
    get,
    path = "/v1/items/{sku}",
    operation_id = "getItem",
    tag = "Catalogue",
    params(
        ("sku" = String, Path, description = "Percent-encoded"),
    ),
    responses(
        (status = 200, description = "The item", body = schema::Item),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn get(request: HttpRequest, _caller: Caller, border: Data<Border>) -> Answered {
    let sku = path_sku(&request)?;
    let item = item_in_path(&border, sku.as_str())?;
    Ok(answer::ok(&ItemDocument::new(&item, border.stock.now())))
}

/// Searches items, in the order of their SKUs.
///
/// A page may be shorter than asked for while `next` says that there is more.
#[utoipa::path(
    get,
    path = "/v1/items",
    operation_id = "listItems",
    tag = "Catalogue",
    params(
        ("query" = Option<String>, Query, description = "Part of the SKU or name, in any case"),
        ("barcode" = Option<String>, Query),
        ("product" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses(
        (status = 200, description = "Items in the order of their SKUs", body = schema::ItemList),
        problem_schema::Problems,
    ),
    security(()),
)]
pub async fn list(request: HttpRequest, _caller: Caller, border: Data<Border>) -> Answered {
    let mut query = Query::read(&request);
    let mut text = |name| {
        query.optional(name, |text| {
            read::text_of(text, SEARCH_CHARACTERS_MAX).map(|t| t.to_string())
        })
    };
    let filter = ItemFilter {
        query: text("query"),
        barcode: text("barcode"),
        product: text("product"),
    };
    let after = query.optional("after", read::sku_of);
    let limit = query.limit();
    query.finish()?;
    let position = border.position();
    let after = after.as_ref().map(|sku| sku.as_str());
    let page = border.catalogue.items(&filter, after, limit);
    let now = border.stock.now();
    let items = page.items.iter().map(|item| ItemDocument::new(item, now));
    Ok(answer::ok(&List {
        items: items.collect(),
        next: page.next,
        position,
    }))
}

/// Who a change of the catalogue is by.
pub(super) fn who(token: &Token) -> By {
    by(token, None).expect("no channel is said, so none is wrong")
}

/// An object of which `members` takes all members.
pub(super) fn whole<'b, T>(
    raw: &'b RawValue,
    at: At<'_>,
    faults: &mut Faults,
    members: impl FnOnce(&mut Object<'b, '_>) -> Option<T>,
) -> Option<T> {
    let mut object = Object::read(raw, at, faults)?;
    let read = members(&mut object);
    object.finish();
    read
}

async fn write(border: &Border, token: &Token, command: ItemCommand) -> Answered {
    let written = border.catalogue.write_item(who(token), command).await;
    let written = written.map_err(|error| Problem::of_catalogue(error, At::Root).in_path())?;
    let document = ItemDocument::new(&written.entity, border.stock.now());
    Ok(answer_written(written.outcome, &document))
}

/// 201 for what is new, else 200.
pub(super) fn answer_written(outcome: Outcome, document: &impl Serialize) -> HttpResponse {
    let status = match outcome {
        Outcome::Created => StatusCode::CREATED,
        Outcome::Updated | Outcome::Unchanged => StatusCode::OK,
    };
    answer::json(status, document)
}

/// One entry of a batch as it was sent.
struct Entry {
    list: &'static str,
    index: usize,
    sku: Option<String>,
    command: Result<ItemCommand, Problem>,
}

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<EntryResult<'a>>,
}

#[derive(Serialize)]
struct EntryResult<'a> {
    sku: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<ItemDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

fn status_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created | Outcome::Updated => "applied",
        Outcome::Unchanged => "duplicate",
    }
}

/// Either list; a fault in an entry is the entry's own.
fn entries(raw: &RawValue, at: At<'_>, faults: &mut Faults, max: usize) -> Option<Vec<Entry>> {
    let mut object = Object::read(raw, at, faults)?;
    let bound = Bound::new(1, max);
    let mut index = 0..;
    let items = object.optional_array("items", bound, |raw, at, _| {
        Some(Entry::read("items", index.next()?, raw, at, |object| {
            content(object).map(ItemChange::Put)
        }))
    });
    let mut index = 0..;
    let patches = object.optional_array("patches", bound, |raw, at, _| {
        Some(Entry::read("patches", index.next()?, raw, at, |object| {
            patch(object).map(ItemChange::Patch)
        }))
    });
    if object.is_sound() && items.is_some() == patches.is_some() {
        let wrong = Wrong::invalid("is required, or patches instead, not both");
        object.wrong("items", wrong);
    }
    object.finish();
    items.or(patches)
}

impl Entry {
    fn read(
        list: &'static str,
        index: usize,
        raw: &RawValue,
        at: At<'_>,
        members: impl FnOnce(&mut Object<'_, '_>) -> Option<ItemChange>,
    ) -> Entry {
        let mut faults = Faults::default();
        let command = whole(raw, at, &mut faults, |object| {
            let sku = object.required("sku", read::sku);
            let change = members(object);
            Some(ItemCommand {
                sku: sku?,
                change: change?,
            })
        });
        let command = faults
            .none_or_problem()
            .map(|()| command.expect("an entry that is not read has a fault"));
        Entry {
            list,
            index,
            sku: sku_as_sent(raw).map(|sku| sku.into_owned()),
            command,
        }
    }

    /// What is said where the catalogue did not write it: refused, or worth sending again.
    fn unwritten(&self, error: CatalogueError) -> (&'static str, Problem) {
        let status = match error {
            CatalogueError::Refused(_) => "refused",
            CatalogueError::Overloaded | CatalogueError::OutcomeUnknown => "retry",
        };
        let list = At::Member(&At::Root, self.list);
        let problem = Problem::of_catalogue(error, At::Element(&list, self.index));
        (status, problem)
    }
}
