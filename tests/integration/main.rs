//! The integration tests, one binary: they link once.

#![allow(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

mod form;
