//! `GET /asyncapi.yaml`: AsyncAPI 3, the feed's frames for machines. Written by hand; the tests
//! hold real frames against it.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;

const DOCUMENT: &str = include_str!("asyncapi.yaml");

/// Serves the description.
pub async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/yaml"))
        .body(DOCUMENT)
}
