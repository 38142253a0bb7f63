//! What is done at random at one key.

use proptest::prelude::*;

#[derive(Clone, Debug)]
pub enum Act {
    Receipt(i64, Option<i64>),
    Sale(i64, Option<usize>, Option<i64>),
    Return(i64, bool),
    Adjust(i64),
    Count(i64, Option<i64>),
    /// The last movement again.
    Repeat,
    Safety(i64),
    Place {
        quantity: i64,
        ttl: i64,
        partial: bool,
        confirm: bool,
    },
    Lines(usize, i64),
    Extend(usize, i64),
    Confirm(usize, Option<i64>, bool),
    Fulfil(usize, Option<i64>),
    Release(usize),
    Cancel(usize, Option<i64>),
    Wait(i64),
    Reopen,
}

pub fn acts() -> impl Strategy<Value = Act> {
    let nth = || 0..6usize;
    let few = || 1..6i64;
    let ago = || prop::option::weighted(0.3, 0..50i64);
    let part = || prop::option::of(1..4i64);
    let place = (few(), 1..90i64, any::<bool>(), any::<bool>());
    prop_oneof![
        3 => (1..12i64, ago()).prop_map(|(q, ago)| Act::Receipt(q, ago)),
        4 => (few(), prop::option::of(nth()), ago()).prop_map(|(q, of, ago)| Act::Sale(q, of, ago)),
        1 => (few(), any::<bool>()).prop_map(|(q, damaged)| Act::Return(q, damaged)),
        1 => (-3..4i64).prop_filter("not nothing", |q| *q != 0).prop_map(Act::Adjust),
        2 => (0..15i64, ago()).prop_map(|(q, ago)| Act::Count(q, ago)),
        1 => Just(Act::Repeat),
        1 => (0..4i64).prop_map(Act::Safety),
        7 => place.prop_map(|(quantity, ttl, partial, confirm)| {
            Act::Place { quantity, ttl, partial, confirm }
        }),
        3 => (nth(), few()).prop_map(|(nth, q)| Act::Lines(nth, q)),
        2 => (nth(), 1..90i64).prop_map(|(nth, ttl)| Act::Extend(nth, ttl)),
        4 => (nth(), prop::option::of(1..90i64), any::<bool>())
            .prop_map(|(nth, until, reclaim)| Act::Confirm(nth, until, reclaim)),
        4 => (nth(), part()).prop_map(|(nth, part)| Act::Fulfil(nth, part)),
        1 => nth().prop_map(Act::Release),
        3 => (nth(), part()).prop_map(|(nth, part)| Act::Cancel(nth, part)),
        4 => prop_oneof![5 => 0..40i64, 1 => 3_000..50_000i64].prop_map(Act::Wait),
        1 => Just(Act::Reopen),
    ]
}
