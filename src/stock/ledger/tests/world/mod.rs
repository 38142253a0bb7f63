//! Several keys, one journal, and messages between them that come late, twice, in any order or
//! never, while tills sell, time leaps and the process dies. The protocol is the one that the
//! actors run; what must hold is in `properties`.

mod acts;
mod engine;
mod properties;
mod raise;
mod recovery;

use proptest::prelude::*;

use self::acts::{Act, Call, acts};
use self::engine::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4096, ..Default::default() })]

    #[test]
    fn nothing_is_oversold_lost_or_left_behind(
        eager in any::<bool>(),
        hurried in any::<bool>(),
        repeats_changes in any::<bool>(),
        acts in prop::collection::vec(acts(), 1..160),
    ) {
        let mut world = World::new(eager, hurried, repeats_changes);
        for act in &acts {
            world.act(act);
        }
        world.calm_down();
        world.assert_followers_agree();
        world.assert_on_hand_adds_up();
        world.assert_replay_gives_the_same();
        world.resolve_all();
        world.assert_nothing_is_left();
    }
}

/// What a plain life of a reservation over three keys looks like, without any mishap.
#[test]
fn a_basket_over_three_keys_is_placed_confirmed_and_handed_over() {
    let mut world = World::new(true, false, false);
    let wants = vec![(0, 2), (1, 1), (2, 3)];
    world.act(&Act::Place {
        wants,
        ttl_seconds: 600,
        partial: false,
        confirm: false,
    });
    world.calm_down();
    let held: Vec<_> = world.levels().map(|level| level.held.to_string()).collect();
    assert_eq!(held, ["2", "1", "3", "0"]);
    let (nth, until, reclaim) = (0, None, false);
    let call = Call::Confirm { until, reclaim };
    world.act(&Act::Change { nth, call });
    world.calm_down();
    let committed: Vec<_> = world
        .levels()
        .map(|one| one.committed.to_string())
        .collect();
    assert_eq!(committed, ["2", "1", "3", "0"]);
    let call = Call::Fulfil(None);
    world.act(&Act::Change { nth, call });
    world.calm_down();
    let on_hand: Vec<_> = world.levels().map(|one| one.on_hand.to_string()).collect();
    assert_eq!(on_hand, ["3", "4", "2", "5"]);
    world.assert_followers_agree();
    world.assert_on_hand_adds_up();
    world.assert_nothing_is_left();
}
