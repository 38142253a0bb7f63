//! `/v1/tokens`: make, list, revoke; all of it needs the scope `admin`. A secret is told once,
//! in the answer that makes it.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{self, Answered, List};
use super::auth::Caller;
use super::body::{Bound, Object, parse};
use super::border::Border;
use super::catalogue_schema as schema;
use super::fault::{At, Faults, Wrong};
use super::item_request::label;
use super::items::who;
use super::problem::{Code, Problem};
use super::problem_schema;
use super::read;
use super::request::{Body, Query, path_text};
use super::wire::Time;
use crate::catalogue::token::{TOKEN_LOCATIONS_MAX, id_text, parse_id};
use crate::catalogue::{Catalogue, Scope, Token, TokenGrant};
use crate::stock::LocationId;

/// A token as JSON; the secret only where it is made.
#[derive(Serialize)]
struct TokenDocument<'a> {
    id: String,
    name: &'a str,
    scopes: Vec<&'static str>,
    locations: Option<Vec<&'a str>>,
    channel: Option<&'a str>,
    unit_price: bool,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

impl<'a> TokenDocument<'a> {
    fn of(token: &'a Token, secret: Option<&'a str>) -> TokenDocument<'a> {
        let grant = &token.grant;
        let locations = grant.locations.as_ref();
        let names = |bound: &'a BTreeSet<LocationId>| bound.iter().map(|it| it.as_str()).collect();
        TokenDocument {
            id: id_text(token.id),
            name: grant.name.as_str(),
            scopes: grant.scopes.iter().map(Scope::as_str).collect(),
            locations: locations.map(names),
            channel: grant.channel.as_ref().map(|channel| channel.as_str()),
            unit_price: grant.unit_price,
            created_at: Time(token.created_at),
            token: secret,
        }
    }
}

/// Makes a token. Its secret is in `token`, this once.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    operation_id = "createToken",
    tag = "Tokens",
    request_body = schema::TokenGrant,
    responses(
        (status = 201, description = "The token with its secret", body = schema::Token),
        problem_schema::Problems,
    ),
    security(("bearer" = ["admin"])),
)]
pub async fn create(caller: Caller, body: Body, border: Data<Border>) -> Answered {
    let admin = caller.needs(Scope::Admin)?;
    let body = body.read().await?;
    let catalogue = &border.catalogue;
    let grant = parse(&body, |raw, at, faults| grant(raw, at, faults, catalogue))?;
    let made = catalogue.create_token(who(admin), grant).await;
    let (token, secret) = made.map_err(|error| Problem::of_catalogue(error, At::Root))?;
    let document = TokenDocument::of(&token, Some(secret.reveal()));
    let mut response = answer::json(StatusCode::CREATED, &document);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// All tokens that are accepted, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    operation_id = "listTokens",
    tag = "Tokens",
    params(
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses(
        (status = 200, description = "The tokens that are accepted", body = schema::TokenList),
        problem_schema::Problems,
    ),
    security(("bearer" = ["admin"])),
)]
pub async fn list(request: HttpRequest, caller: Caller, border: Data<Border>) -> Answered {
    caller.needs(Scope::Admin)?;
    let mut query = Query::read(&request);
    let after = query.optional("after", |text| {
        parse_id(text).ok_or(Wrong::invalid("must be what `next` said"))
    });
    let limit = query.limit();
    query.finish()?;
    let position = border.position();
    let page = border.catalogue.tokens(after, limit);
    let items = page
        .items
        .iter()
        .map(|token| TokenDocument::of(token, None));
    Ok(answer::ok(&List {
        items: items.collect(),
        next: page.next,
        position,
    }))
}

/// Revokes a token: it is accepted no more.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    operation_id = "revokeToken",
    tag = "Tokens",
    params(
        ("id" = String, Path),
    ),
    responses(
        (status = 204, description = "It is accepted no more"),
        problem_schema::Problems,
    ),
    security(("bearer" = ["admin"])),
)]
pub async fn revoke(request: HttpRequest, caller: Caller, border: Data<Border>) -> Answered {
    let admin = caller.needs(Scope::Admin)?;
    let id = parse_id(&path_text(&request, "id")?);
    let id = id.ok_or_else(|| Problem::new(Code::NotFound, "there is no such token"))?;
    let revoked = border.catalogue.revoke_token(who(admin), id).await;
    revoked.map_err(|error| Problem::of_catalogue(error, At::Root))?;
    Ok(HttpResponse::NoContent().finish())
}

fn grant(
    raw: &RawValue,
    at: At<'_>,
    faults: &mut Faults,
    catalogue: &Catalogue,
) -> Option<TokenGrant> {
    let mut object = Object::read(raw, at, faults)?;
    let name = object.required("name", label);
    let every_scope = Bound::new(1, Scope::ALL.len());
    let scopes = object.array("scopes", every_scope, |raw, at, faults| {
        faults.unless(at, scope(raw))
    });
    let bound = Bound::new(1, TOKEN_LOCATIONS_MAX);
    let locations = object.optional_array("locations", bound, |raw, at, faults| {
        faults.unless(at, known_location(raw, catalogue))
    });
    let channel = object.optional("channel", read::channel);
    let unit_price = object.optional("unit_price", read::boolean);
    object.finish();
    Some(TokenGrant {
        name: name?,
        scopes: scopes?.into_iter().collect(),
        locations: locations.map(BTreeSet::from_iter),
        channel,
        unit_price: unit_price.unwrap_or(false),
    })
}

fn scope(raw: &RawValue) -> Result<Scope, Wrong> {
    Scope::parse(&read::string(raw)?).ok_or_else(|| {
        let known: Vec<_> = Scope::ALL.into_iter().map(Scope::as_str).collect();
        Wrong::invalid(format!("must be one of {}", known.join(", ")))
    })
}

fn known_location(raw: &RawValue, catalogue: &Catalogue) -> Result<LocationId, Wrong> {
    let location = read::location(raw)?;
    if catalogue.location(location.as_str()).is_none() {
        return Err(Wrong::new(Code::UnknownLocation, "is not a known location"));
    }
    Ok(location)
}
