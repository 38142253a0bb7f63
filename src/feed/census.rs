//! Who is connected: how many in all, from each address, with each token; and the inboxes by
//! which they are told to end. It must not know what they follow.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::inbox::Inbox;
use super::protocol::{Ending, FeedLimits};
use crate::stock::TokenId;

/// Names a connection; never used twice.
pub(super) type ConnectionId = u64;

/// By what a connection is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Its address, without a token.
    Address(IpAddr),
    /// Its token.
    Token(TokenId),
}

/// There are as many connections as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// In all.
    #[error("the service has all the connections it takes")]
    Total,
    /// Of this address or token.
    #[error("this address or token has all the connections it may have")]
    Who,
}

#[derive(Default)]
pub(super) struct Census(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    next: ConnectionId,
    connections: HashMap<ConnectionId, (Who, Arc<Inbox>)>,
    by_who: HashMap<Who, usize>,
    stopping: bool,
}

impl Census {
    /// Counts a new connection in.
    pub fn enter(
        &self,
        who: Who,
        inbox: &Arc<Inbox>,
        limits: &FeedLimits,
    ) -> Result<ConnectionId, Full> {
        let counts = &mut *self.0.lock();
        if counts.connections.len() >= limits.connections_max || counts.stopping {
            return Err(Full::Total);
        }
        counts.count(who, limits)?;
        counts.next += 1;
        counts.connections.insert(counts.next, (who, inbox.clone()));
        Ok(counts.next)
    }

    /// Counts a connection as somebody else's.
    pub fn change(
        &self,
        connection: ConnectionId,
        who: Who,
        limits: &FeedLimits,
    ) -> Result<(), Full> {
        let counts = &mut *self.0.lock();
        counts.count(who, limits)?;
        let entry = counts.connections.get_mut(&connection);
        let entry = entry.expect("a connection is counted until it leaves");
        let before = std::mem::replace(&mut entry.0, who);
        counts.discount(before);
        Ok(())
    }

    /// Counts a connection out.
    pub fn leave(&self, connection: ConnectionId) {
        let counts = &mut *self.0.lock();
        if let Some((who, _)) = counts.connections.remove(&connection) {
            counts.discount(who);
        }
    }

    /// Ends the connections with this token.
    pub fn end_token(&self, token: TokenId) {
        let who = Who::Token(token);
        let counts = self.0.lock();
        if counts.by_who.contains_key(&who) {
            let theirs = counts.connections.values().filter(|(own, _)| *own == who);
            theirs.for_each(|(_, inbox)| inbox.end(Ending::BadToken));
        }
    }

    /// Ends all connections, and lets no more in.
    pub fn end_all(&self) {
        let mut counts = self.0.lock();
        counts.stopping = true;
        for (_, inbox) in counts.connections.values() {
            inbox.end(Ending::GoingAway);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().connections.len()
    }
}

impl Counts {
    fn count(&mut self, who: Who, limits: &FeedLimits) -> Result<(), Full> {
        let max = match who {
            Who::Address(_) => limits.address_connections_max,
            Who::Token(_) => limits.token_connections_max,
        };
        let count = self.by_who.entry(who).or_default();
        if *count >= max {
            return Err(Full::Who);
        }
        *count += 1;
        Ok(())
    }

    fn discount(&mut self, who: Who) {
        let count = self.by_who.get_mut(&who);
        let count = count.expect("whoever leaves was counted");
        *count -= 1;
        if *count == 0 {
            self.by_who.remove(&who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> FeedLimits {
        FeedLimits {
            connections_max: 3,
            address_connections_max: 1,
            token_connections_max: 2,
            ..FeedLimits::default()
        }
    }

    fn address(last: u8) -> Who {
        Who::Address(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn connections_are_bounded_in_all_by_address_and_by_token() {
        let (census, inbox, limits) = (Census::default(), Inbox::here(), limits());
        let enter = |who| census.enter(who, &inbox, &limits);
        let first = enter(address(1)).unwrap();
        assert_eq!(enter(address(1)), Err(Full::Who));
        let token = Who::Token(TokenId(7));
        // With a token it no longer counts for its address.
        census.change(first, token, &limits).unwrap();
        let second = enter(address(1)).unwrap();
        let third = enter(token).unwrap();
        assert_eq!(enter(address(2)), Err(Full::Total));
        assert_eq!(census.change(second, token, &limits), Err(Full::Who));
        for connection in [first, second, third] {
            census.leave(connection);
        }
        assert_eq!(census.len(), 0);
        assert!(census.0.lock().by_who.is_empty());
    }

    #[test]
    fn a_token_ends_its_own_connections_and_a_stop_ends_all() {
        let (census, limits) = (Census::default(), limits());
        let (mine, other) = (Inbox::here(), Inbox::here());
        let token = TokenId(7);
        census.enter(Who::Token(token), &mine, &limits).unwrap();
        census.enter(address(1), &other, &limits).unwrap();
        census.end_token(token);
        assert_eq!(mine.ending(), Some(Ending::BadToken));
        assert_eq!(other.ending(), None);
        census.end_all();
        assert_eq!(mine.ending(), Some(Ending::BadToken));
        assert_eq!(other.ending(), Some(Ending::GoingAway));
        let late = census.enter(address(2), &other, &limits);
        assert_eq!(late, Err(Full::Total));
    }
}
