//! The integration tests, one binary: they link once.

#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

mod access;
mod asyncapi;
mod backup;
mod backup_refusals;
mod bad_input;
mod book;
mod client;
mod configuration;
mod contention;
mod contract;
mod dashboards;
mod demo;
mod dice;
mod documentation;
#[cfg(feature = "failpoints")]
mod fail_points;
mod feed;
#[cfg(feature = "failpoints")]
mod feed_commit;
mod feed_endings;
mod feed_listen;
mod feed_slow;
mod follower;
mod form;
mod import;
mod kills;
mod levels;
mod life;
mod metrics;
mod packaging;
mod proxy;
mod readme;
mod server;
mod shop;
mod shopper;
mod tracing;
mod verify;
mod web_files;
mod worker;
