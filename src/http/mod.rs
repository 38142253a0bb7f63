//! The border: HTTP in, core types inside, HTTP out.
//!
//! Architecture invariant: JSON shapes live here and nowhere else, and everything that comes in
//! is parsed once, here. Nothing here decides about stock.

pub mod answer;
pub mod asyncapi;
pub mod auth;
pub mod availability;
pub mod backup;
pub mod board;
pub mod body;
pub mod border;
pub mod catalogue_schema;
pub mod causes;
pub mod confirmation_request;
pub mod content;
pub mod contention;
pub mod docs;
pub mod event_document;
pub mod event_stream;
pub mod events;
pub mod fault;
pub mod feed_answer;
pub mod feed_events;
pub mod feed_frames;
pub mod feed_messages;
pub mod feed_session;
pub mod feed_socket;
pub mod gate;
pub mod identity;
pub mod item_document;
pub mod item_request;
pub mod items;
pub mod limits;
pub mod locations;
pub mod metadata;
pub mod movement_request;
pub mod movements;
pub mod names;
pub mod noop;
pub mod openapi;
pub mod ops;
pub mod origins;
pub mod pages;
pub mod problem;
pub mod problem_advice;
pub mod problem_schema;
pub mod rate;
pub mod read;
pub mod request;
pub mod reservation_calls;
pub mod reservation_document;
pub mod reservation_request;
pub mod reservation_schema;
pub mod reservations;
pub mod route_metrics;
pub mod routes;
pub mod stock;
pub mod stock_document;
pub mod stock_ledger;
pub mod stock_schema;
pub mod tokens;
pub mod web_files;
pub mod wire;

#[cfg(test)]
mod tests;
