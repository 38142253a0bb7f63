//! The integration tests, one binary: they link once.

#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

mod book;
mod client;
mod dice;
#[cfg(feature = "failpoints")]
mod fail_points;
mod form;
mod kills;
mod levels;
mod server;
mod worker;
