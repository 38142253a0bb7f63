//! Those who follow the feed, tens of thousands of them on one thread: how they open, what they
//! are told, how they come back. It must not know what is sold meanwhile, nor what is measured.
//!
//! The WebSocket client is our own for the same reason as the HTTP one: the generator shares the
//! cores with the server. What it leaves out, the server does not use towards it: fragments,
//! compression, binary frames. One buffer serves all sockets; each keeps only the part of a frame
//! that has not all come yet.

mod crowd;
mod follower;
mod frame;
mod slow;
mod socket;
mod tally;
mod told;
mod truth;

pub use crowd::{Crowd, Places};
pub use slow::Slow;
pub use tally::Delivered;

use std::net::Ipv4Addr;

/// Sockets that share a source address: far fewer than the 28,000 ports that each has.
const ADDRESS_SOCKETS_MAX: usize = 5_000;

/// The loopback address that a socket of this place comes from. Not 127.0.0.1, whose ports the
/// server needs again when it restarts.
fn source(place: usize) -> Ipv4Addr {
    let address = 2 + place / ADDRESS_SOCKETS_MAX;
    Ipv4Addr::new(127, 0, 0, u8::try_from(address).unwrap_or(u8::MAX - 1))
}
