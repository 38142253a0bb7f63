//! Fan-out: what is published reaches everyone who follows it, as fast as each can take it.
//!
//! The feed carries state, not events. Whoever follows a key is told that its level changed and
//! takes the newest one when there is room; what came in between is conflated. So a reader that
//! stalls costs a set of key names, never a backlog, and slows nobody.
//!
//! Three parties work here and none waits for another. The journal's thread calls
//! [`Hub::publish`] and only notes the newest level. The [`FanOut`] task marks that level in the
//! inbox of each follower and wakes it. Each connection owns a [`Subscription`] and asks it for
//! [`News`] when its socket takes more.
//!
//! Architecture invariant: nothing here knows sockets, HTTP or JSON. What a level or an item
//! looks like on the wire is made by the [`Faces`] that the hub is given, once for each view.

mod census;
mod courier;
mod fan_out;
mod group;
mod hub;
mod inbox;
mod key;
mod protocol;
mod subscription;
mod topic;
mod view;

#[cfg(test)]
mod tests;

pub use census::{Full, Who};
pub use courier::Courier;
pub use fan_out::FanOut;
pub use hub::Hub;
pub use key::{FeedKey, InvalidFeedKey};
pub use protocol::{Command, Ending, FeedLimits};
pub use subscription::{News, Shown, Subscription, TooManyKeys};
pub use view::{Face, Faces, View};

/// Of names that are short.
type Hasher = foldhash::fast::RandomState;
