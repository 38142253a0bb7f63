//! The integration tests, one binary: they link once.

#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

mod access;
mod backup;
mod backup_refusals;
mod bad_input;
mod book;
mod client;
mod configuration;
mod contract;
mod demo;
mod dice;
mod documentation;
#[cfg(feature = "failpoints")]
mod fail_points;
mod form;
mod import;
mod kills;
mod levels;
mod packaging;
mod proxy;
mod server;
mod shop;
mod shopper;
mod worker;
