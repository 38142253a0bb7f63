//! What may happen in the world, chosen at random and shrunk to the fewest that fail.

use proptest::prelude::*;

/// One thing that happens. Keys, reservations and letters are named by a number that wraps
/// around how many there are.
#[derive(Clone, Debug)]
pub enum Act {
    /// Begins to place a reservation.
    Place {
        wants: Vec<(usize, u32)>,
        ttl_seconds: i64,
        partial: bool,
        confirm: bool,
    },
    /// Begins a change of a reservation.
    Change {
        nth: usize,
        call: Call,
    },
    /// A till sells, perhaps out of a reservation.
    Sale {
        key: usize,
        quantity: u32,
        of: Option<usize>,
    },
    Receipt {
        key: usize,
        quantity: u32,
    },
    Transfer {
        key: usize,
        to: usize,
        quantity: u32,
    },
    Count {
        key: usize,
        quantity: u32,
    },
    /// So many letters arrive, this one of the waiting first.
    Arrive {
        nth: usize,
        times: usize,
    },
    /// A letter arrives, and a copy of it goes astray.
    ArriveTwice {
        nth: usize,
    },
    /// A copy that went astray arrives, and is astray still.
    Stray {
        nth: usize,
    },
    /// All goes well for a while: what is written is durable, what was sent arrives, what is owed
    /// is done.
    GoWell,
    /// A letter is lost.
    Lose {
        nth: usize,
    },
    /// A key begins the work that it owes to others.
    Errands {
        key: usize,
    },
    /// A key asks leads about what it doubts.
    Inquire {
        key: usize,
    },
    /// So many records become durable.
    Sync {
        records: usize,
    },
    /// Time passes.
    Wait {
        seconds: i64,
    },
    /// A key is put to rest and comes back.
    Rest {
        key: usize,
    },
    /// The process dies: what is not durable never was, and nobody waits for an answer.
    Crash,
}

/// What is asked of a reservation.
#[derive(Clone, Debug)]
pub enum Call {
    Lines(Vec<(usize, u32)>),
    Extend { ttl_seconds: i64 },
    Confirm { until: Option<i64>, reclaim: bool },
    Fulfil(Option<(usize, u32)>),
    Release,
    Cancel(Option<(usize, u32)>),
}

fn wants() -> impl Strategy<Value = Vec<(usize, u32)>> {
    prop::collection::vec((0..4usize, 1..4u32), 1..4)
}

fn part() -> impl Strategy<Value = Option<(usize, u32)>> {
    prop::option::of((0..4usize, 1..3u32))
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => wants().prop_map(Call::Lines),
        1 => (1..40i64).prop_map(|ttl_seconds| Call::Extend { ttl_seconds }),
        4 => (prop::option::of(1..40i64), any::<bool>())
            .prop_map(|(until, reclaim)| Call::Confirm { until, reclaim }),
        3 => part().prop_map(Call::Fulfil),
        1 => Just(Call::Release),
        2 => part().prop_map(Call::Cancel),
    ]
}

/// Mostly letters arriving, so that what begins comes to something.
pub fn acts() -> impl Strategy<Value = Act> {
    let nth = || 0..64usize;
    let key = || 0..4usize;
    prop_oneof![
        6 => (wants(), 1..40i64, any::<bool>(), any::<bool>()).prop_map(
            |(wants, ttl_seconds, partial, confirm)| Act::Place {
                wants,
                ttl_seconds,
                partial,
                confirm,
            },
        ),
        14 => (nth(), calls()).prop_map(|(nth, call)| Act::Change { nth, call }),
        4 => (key(), 1..4u32, prop::option::weighted(0.8, nth()))
            .prop_map(|(key, quantity, of)| Act::Sale { key, quantity, of }),
        2 => (key(), 1..4u32).prop_map(|(key, quantity)| Act::Receipt { key, quantity }),
        1 => (key(), key(), 1..3u32)
            .prop_map(|(key, to, quantity)| Act::Transfer { key, to, quantity }),
        1 => (key(), 0..8u32).prop_map(|(key, quantity)| Act::Count { key, quantity }),
        20 => (nth(), 1..12usize).prop_map(|(nth, times)| Act::Arrive { nth, times }),
        4 => nth().prop_map(|nth| Act::ArriveTwice { nth }),
        5 => nth().prop_map(|nth| Act::Stray { nth }),
        6 => Just(Act::GoWell),
        3 => nth().prop_map(|nth| Act::Lose { nth }),
        5 => key().prop_map(|key| Act::Errands { key }),
        4 => key().prop_map(|key| Act::Inquire { key }),
        12 => (0..30usize).prop_map(|records| Act::Sync { records }),
        5 => prop_oneof![6 => 0..4i64, 3 => 4..60i64, 1 => Just(90_000i64), 1 => Just(620_000i64)]
            .prop_map(|seconds| Act::Wait { seconds }),
        1 => key().prop_map(|key| Act::Rest { key }),
        1 => Just(Act::Crash),
    ]
}
