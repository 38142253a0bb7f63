//! The feed without sockets: schedules of everything that can happen between a commit and a
//! client, and the bounds of what it keeps.

mod bounds;
mod schedules;
mod threads;
mod turns;
mod world;
