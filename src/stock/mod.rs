//! The core: what a stock key has, promises and owes, and what each command does to it.

pub mod time;
