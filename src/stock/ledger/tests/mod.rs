//! Tests of the core. `bench` runs commands at one ledger and checks after each that it is sound;
//! `script` says the same in a line of text. Scenario tables come first, then random commands
//! against a small model (`model`), then several keys with messages that come late, twice or
//! never (`world`), and the bytes that later releases must read (`golden`).

mod bench;
mod bounds;
mod calls;
mod followers;
mod golden;
mod idempotency;
mod levels;
mod model;
mod movements;
mod pair;
mod payments;
mod raises;
mod script;
mod table;
mod world;
