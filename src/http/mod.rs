//! The border: HTTP in, core types inside, HTTP out.
//!
//! Architecture invariant: JSON shapes live here and nowhere else, and everything that comes in
//! is parsed once, here. Nothing here decides about stock.

pub mod answer;
pub mod auth;
pub mod body;
pub mod border;
pub mod catalogue_problem;
pub mod catalogue_schema;
pub mod fault;
pub mod gate;
pub mod item_document;
pub mod item_request;
pub mod items;
pub mod limits;
pub mod locations;
pub mod problem;
pub mod rate;
pub mod read;
pub mod request;
pub mod reservation_document;
pub mod tokens;
pub mod wire;

#[cfg(test)]
mod catalogue_tests;
