//! The documentation that the service serves itself, offline: `/docs` from the OpenAPI document,
//! `/problems` from the codes. Everything is made by the server and loads nothing from elsewhere.

pub mod component;
pub mod example;
pub mod feed;
pub mod layout;
mod overview;
mod page;
pub mod problems;
mod reference;
mod sample;
mod shape;

use std::sync::LazyLock;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse};
use maud::html;

use super::content::Content;
use super::openapi;
use page::Page;

/// `GET /`: whoever types the address alone wants to know what is here.
pub async fn home() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, "/docs"))
        .finish()
}

/// `GET /docs`: the API.
pub async fn api(request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Page> = LazyLock::new(|| {
        let document = serde_json::to_value(openapi::api()).expect("the description is plain data");
        let main = html! {
            (overview::overview(&document))
            (reference::reference(&document))
        };
        let contents = html! {
            (overview::contents())
            (reference::contents(&document))
        };
        Page::framed("/docs", "API", &contents, &main)
    });
    PAGE.answer(&request)
}

/// `GET /docs/style.css`.
pub async fn style(request: HttpRequest) -> HttpResponse {
    let style = include_str!("style.css");
    Content::read_only("text/css; charset=utf-8", style).answer(&request)
}
