//! How large each scenario is, in full and in short; README.md says the same in its table. A flag
//! wins over it.

use std::time::Duration;

use serde::Serialize;

use crate::options::{Choice, Options};

/// The sizes of one run. What a scenario does not use is zero.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Sizes {
    /// Alternations with the yardstick.
    pub rounds: u64,
    /// Length of a phase.
    pub seconds: f64,
    /// Before it is measured.
    pub warm_up_seconds: f64,
    /// Connections.
    pub connections: u64,
    /// Requests a second of open arrivals; zero for half of the peak just measured.
    pub rate: f64,
    /// Stock keys.
    pub keys: u64,
    /// Live holds.
    pub holds: u64,
    /// Holds due in one second.
    pub due: u64,
    /// Records to replay.
    pub tail: u64,
    /// Sockets held open for their memory.
    pub sockets: u64,
    /// Exponent of Zipf's law; none for uniform keys.
    pub zipf: Option<f64>,
}

impl Sizes {
    /// The sizes of a scenario, as asked for.
    pub fn of(choice: Choice, options: &Options) -> Sizes {
        let sizes = if options.short {
            short(choice)
        } else {
            full(choice)
        };
        Sizes {
            rounds: options.rounds.unwrap_or(sizes.rounds),
            seconds: options.seconds.unwrap_or(sizes.seconds),
            warm_up_seconds: options.warm_up.unwrap_or(sizes.warm_up_seconds),
            connections: options.connections.unwrap_or(sizes.connections),
            rate: options.rate.unwrap_or(sizes.rate),
            keys: options.keys.unwrap_or(sizes.keys),
            holds: options.holds.unwrap_or(sizes.holds),
            due: options.due.unwrap_or(sizes.due),
            tail: options.tail.unwrap_or(sizes.tail),
            sockets: options.sockets.unwrap_or(sizes.sockets),
            zipf: options.zipf.or(sizes.zipf),
        }
    }

    /// Length of a phase.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Length of a warm-up.
    pub fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up_seconds)
    }

    /// Connections, as a count of things in memory.
    pub fn connections(&self) -> usize {
        usize::try_from(self.connections).expect("the flag is bounded")
    }
}

/// What most scenarios have in full.
const FULL: Sizes = Sizes {
    rounds: 5,
    seconds: 10.0,
    warm_up_seconds: 1.0,
    connections: 256,
    rate: 0.0,
    keys: 1,
    holds: 0,
    due: 0,
    tail: 0,
    sockets: 0,
    zipf: None,
};

/// The November day: a few products are wanted by most.
const DAY: Sizes = Sizes {
    rounds: 1,
    keys: 100_000,
    zipf: Some(1.1),
    ..FULL
};

/// Many who follow the feed, and a till.
const FOLLOWERS: Sizes = Sizes {
    rounds: 3,
    connections: 10_000,
    keys: 1_000,
    rate: 100.0,
    ..FULL
};

fn full(choice: Choice) -> Sizes {
    match choice {
        Choice::All | Choice::Noop | Choice::Hot | Choice::Telemetry => FULL,
        Choice::Alone => Sizes {
            connections: 1,
            ..FULL
        },
        Choice::Spread => Sizes {
            keys: 100_000,
            ..FULL
        },
        Choice::Basket => Sizes {
            keys: 10_000,
            ..FULL
        },
        Choice::Peers => Sizes {
            seconds: 5.0,
            keys: 100_000,
            ..FULL
        },
        Choice::Movements => Sizes {
            keys: 100_000,
            connections: 16,
            ..FULL
        },
        Choice::Read => Sizes {
            keys: 1_000,
            rate: 2_000.0,
            ..FULL
        },
        Choice::Mixed => Sizes {
            seconds: 60.0,
            rate: 5_000.0,
            ..DAY
        },
        Choice::Expiry => Sizes {
            rounds: 1,
            keys: 100_000,
            holds: 1_000_000,
            due: 100_000,
            rate: 1_000.0,
            ..FULL
        },
        Choice::Recover => Sizes {
            rounds: 3,
            keys: 1_000_000,
            tail: 1_000_000,
            ..FULL
        },
        Choice::Disturb => Sizes {
            seconds: 30.0,
            keys: 1_000_000,
            rate: 2_000.0,
            ..FULL
        },
        Choice::Feed => Sizes {
            rate: 4.0,
            sockets: 20_000,
            ..FOLLOWERS
        },
        Choice::Storm => FOLLOWERS,
        Choice::Soak => Sizes {
            seconds: 3_600.0,
            rate: 2_000.0,
            ..DAY
        },
    }
}

fn short(choice: Choice) -> Sizes {
    let full = full(choice);
    let quick = Sizes {
        rounds: 2,
        seconds: 1.5,
        warm_up_seconds: 0.5,
        ..full
    };
    match choice {
        Choice::All | Choice::Noop | Choice::Alone | Choice::Hot => quick,
        Choice::Basket | Choice::Telemetry | Choice::Movements | Choice::Read => quick,
        Choice::Spread => Sizes {
            keys: 20_000,
            ..quick
        },
        Choice::Peers => Sizes {
            rounds: 2,
            seconds: 1.0,
            warm_up_seconds: 0.3,
            ..quick
        },
        Choice::Mixed => Sizes {
            rounds: 1,
            seconds: 5.0,
            keys: 10_000,
            rate: 2_000.0,
            ..quick
        },
        Choice::Expiry => Sizes {
            rounds: 1,
            keys: 10_000,
            holds: 100_000,
            due: 20_000,
            ..quick
        },
        Choice::Recover => Sizes {
            rounds: 1,
            keys: 100_000,
            tail: 100_000,
            ..quick
        },
        Choice::Disturb => Sizes {
            rounds: 1,
            seconds: 8.0,
            keys: 100_000,
            ..quick
        },
        Choice::Feed => Sizes {
            rounds: 1,
            seconds: 3.0,
            connections: 500,
            sockets: 1_000,
            ..quick
        },
        Choice::Storm => Sizes {
            rounds: 1,
            connections: 300,
            ..quick
        },
        Choice::Soak => Sizes {
            rounds: 1,
            seconds: 6.0,
            keys: 10_000,
            ..quick
        },
    }
}
