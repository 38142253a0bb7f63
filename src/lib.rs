//! Onhand: real-time stock availability. ARCHITECTURE.md is the map: its words are used everywhere
//! with one meaning, and it says which part may use which.

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
