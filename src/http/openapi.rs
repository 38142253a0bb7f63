//! `GET /openapi.json`: OpenAPI 3.1, put together from what stands beside the handlers.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::external_docs::ExternalDocs;
use utoipa::openapi::info::Info;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::catalogue_schema::CatalogueApi;
use super::stock_schema::StockApi;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = serde_json::to_vec(&api()).expect("the description is plain data");
    Bytes::from(text)
});

/// Serves the description, made once.
pub async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(DOCUMENT.clone())
}

/// The description of all routes.
pub fn api() -> utoipa::openapi::OpenApi {
    let mut api = CatalogueApi::openapi();
    api.merge(StockApi::openapi());
    let mut info = Info::new("Onhand", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "How many of this product can be sold here, right now. Quantities are exact decimals; \
         times are RFC 3339 in UTC; problems are RFC 9457."
            .to_owned(),
    );
    api.info = info;
    let mut pages = ExternalDocs::new("/docs");
    pages.description = Some("The same for reading, with examples".to_owned());
    api.external_docs = Some(pages);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer);
    api
}
