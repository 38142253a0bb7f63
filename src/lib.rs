//! Onhand: real-time stock availability. ARCHITECTURE.md is the map; DESIGN words are used
//! everywhere with one meaning.
//!
//! Directions: `main` → `demo` → `app` → everything; `http` → `actors`, `backup`, `catalogue`,
//! `clock`, `feed`, `stock`, `web`; `feed` → `clock`, `stock`; `cli` → `backup`;
//! `backup` → `journal`; `actors` → `stock`, `journal`, `clock`; `journal` → `stock`;
//! `stock` and `web` → nothing of ours. All may use `telemetry`.

pub mod actors;
pub mod app;
pub mod backup;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod feed;
pub mod http;
pub mod journal;
pub mod stock;
pub mod telemetry;
pub mod web;
