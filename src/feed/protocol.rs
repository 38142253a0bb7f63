//! What clients may ask for, why a connection ends, and the bounds of both. Knows no way of
//! writing them.

use super::key::FeedKey;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Says who it is; only as its first command.
    Hello {
        /// The secret of its token.
        token: Option<String>,
    },
    /// Follows keys.
    Subscribe {
        /// Comes back with the answer.
        id: Option<u64>,
        /// What to follow.
        keys: Vec<FeedKey>,
        /// Versions it has already, by stock key.
        have: Vec<(String, u64)>,
    },
    /// Follows keys no longer.
    Unsubscribe {
        /// What not to follow.
        keys: Vec<FeedKey>,
    },
    /// Is still there.
    Pong,
}

macro_rules! endings {
    ($($(#[$doc:meta])* $name:ident $code:literal $reason:literal,)*) => {
        /// Why a connection ends. 4000–4499: come back; 4500–4999: stay away.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Ending {
            $($(#[$doc])* $name,)*
        }

        impl Ending {
            /// Every ending there is.
            pub const ALL: &'static [Ending] = &[$(Ending::$name,)*];

            /// The close code.
            pub fn code(self) -> u16 {
                match self { $(Ending::$name => $code,)* }
            }

            /// Says it to people, in less than 124 bytes, which is all a close frame holds.
            pub fn reason(self) -> &'static str {
                match self { $(Ending::$name => $reason,)* }
            }
        }
    };
}

endings! {
    /// The client said that it is done.
    Done 1000 "goodbye",
    /// The service stops and comes back.
    GoingAway 1001 "the service restarts",
    /// The client took nothing for too long.
    TooSlow 4008 "too slow: nothing was taken for too long",
    /// The client was silent for too long.
    NoPong 4012 "nothing was heard, not even a pong",
    /// Commands came faster than they may.
    TooManyCommands 4013 "too many commands a second",
    /// The connection is old; a new one spreads the load.
    MaximumAge 4014 "the connection reached its maximum age",
    /// The token is unknown or was revoked.
    BadToken 4500 "the token is unknown or revoked",
    /// The frame is none of the protocol, too large, or comes out of turn.
    BadFrame 4501 "the frame is not what the protocol says",
    /// The address or the token has too many connections.
    TooManyConnections 4504 "too many connections",
    /// More keys than one connection may follow.
    TooManyKeys 4505 "too many keys",
    /// The page's origin is not on the list.
    Origin 4507 "this origin is not on the list",
}

/// The bounds and times of the feed. From the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLimits {
    /// Connections at once; past it new ones are told to come back.
    pub connections_max: usize,
    /// Connections of one client address, of those without a token.
    pub address_connections_max: usize,
    /// Connections of one token.
    pub token_connections_max: usize,
    /// Keys that one connection may follow; a pattern counts as one.
    pub keys_max: usize,
    /// The same with a token.
    pub token_keys_max: usize,
    /// The largest frame taken.
    pub frame_bytes_max: usize,
    /// The same with a token.
    pub token_frame_bytes_max: usize,
    /// Messages taken in a second, and fragments that are crumbs.
    pub commands_per_second_max: u32,
    /// How long after the opening a hello may come.
    pub hello_ms_max: i64,
    /// How often a ping is sent.
    pub ping_ms: i64,
    /// How long after a ping was due something must be heard.
    pub pong_ms_max: i64,
    /// How long a client may take nothing.
    pub stalled_ms_max: i64,
    /// How old a connection gets; each by up to a fifth more or less.
    pub age_ms: i64,
    /// What a client may be told to wait at most before it comes back after a stop.
    pub retry_after_ms_max: i64,
    /// How often a key's followers are told of changes that may wait.
    pub tick_ms: u64,
}

impl Default for FeedLimits {
    fn default() -> FeedLimits {
        FeedLimits {
            connections_max: 20_000,
            address_connections_max: 500,
            token_connections_max: 2_000,
            keys_max: 200,
            token_keys_max: 5_000,
            frame_bytes_max: 16 << 10,
            token_frame_bytes_max: 256 << 10,
            commands_per_second_max: 20,
            hello_ms_max: 10_000,
            ping_ms: 25_000,
            pong_ms_max: 8_000,
            stalled_ms_max: 10_000,
            age_ms: 900_000,
            retry_after_ms_max: 5_000,
            tick_ms: 50,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_ending_has_a_code_of_its_own_and_fits_a_close_frame() {
        let codes: HashSet<u16> = Ending::ALL.iter().map(|ending| ending.code()).collect();
        assert_eq!(codes.len(), Ending::ALL.len());
        assert!(Ending::ALL.iter().all(|ending| ending.reason().len() < 124));
    }
}
