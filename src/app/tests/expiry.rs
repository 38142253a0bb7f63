//! Deadlines by the thousand in one moment: nobody waits for them to be recorded, and nobody sees
//! what is past its deadline.

use futures::future;

use super::asking::*;
use super::test_node::*;
use crate::stock::command::Place;
use crate::stock::ledger::EXPIRE_AT_ONCE_MAX;
use crate::stock::{Change, Command, Refusal, State};

/// Far more than one record lets expire.
const MANY: u32 = 2_000;
const SLICES: u64 = MANY as u64 / EXPIRE_AT_ONCE_MAX as u64;

/// A node on which one key's stock is all held, until one and the same moment.
async fn all_held(keys: &[(&str, u32)]) -> TestNode {
    let node = TestNode::begin().await;
    let stock: Vec<_> = keys.iter().map(|(name, _)| (*name, MANY)).collect();
    node.receive(&stock).await;
    let holding = (0..MANY).map(|_| node.hold(keys, 1_000));
    for held in future::join_all(holding).await {
        held.unwrap();
    }
    node
}

#[actix::test]
async fn one_who_asks_while_thousands_expire_waits_for_no_more_than_a_slice() {
    let node = all_held(&[("a", 1)]).await;
    let before = node.level("a").await.version;
    let halted = node.halt_actors();
    node.clock.advance(1_000);
    let (id, wanted) = (node.new_id(), lines(&[("a", MANY)]));
    let placing = Command::Change {
        reservation: id,
        change: Change::Place(Box::new(Place {
            lines: wanted,
            ..basket(id, &[], TTL_MS)
        })),
        raise: None,
        uses: Vec::new(),
        idempotency: None,
    };
    let placing = node.call("a", placing);
    let (placed, ()) = future::join(placing, async { drop(halted) }).await;
    let level = placed.expect("all is free again").level;
    assert_eq!(level.held, q(MANY), "what is due is gone from the figures");
    let slices = level.version - before - 1;
    assert!(
        slices <= 2,
        "its own, and the alarm's if that was first: {slices} of {SLICES}"
    );
    node.until("all come to their end", &["a"], |ledger| {
        ledger.holds().count() == 1
    })
    .await;
    node.quiesce(&["a"]).await;
    assert!(node.level("a").await.version <= before + 3 + 2 * SLICES);
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn a_reservation_past_its_deadline_is_over_for_whoever_names_it() {
    let node = TestNode::begin().await;
    node.receive(&[("a", MANY)]).await;
    let holding = (0..MANY).map(|_| node.hold(&[("a", 1)], 1_000));
    let held: Vec<_> = future::join_all(holding).await;
    let last = held.last().unwrap().as_ref().unwrap().id;
    let (other, sold) = (
        held[1_900].as_ref().unwrap().id,
        held[1_800].as_ref().unwrap().id,
    );
    let halted = node.halt_actors();
    node.clock.advance(1_000);
    let asking = async {
        let late = node.change(last, confirm(false));
        let (late, read) = future::join(late, node.reservation(other)).await;
        assert_eq!(late, Err(Refusal::ReservationExpired.into()));
        assert_eq!(read.state, State::Expired);
        assert_eq!(
            node.sell("a", 1, sold).await,
            q(0),
            "there is nothing to use"
        );
    };
    future::join(asking, async { drop(halted) }).await;
    node.quiesce(&["a"]).await;
    assert_eq!(node.figures("a").await, (q(MANY - 1), q(0), q(0)));
}

#[actix::test]
async fn a_process_killed_between_two_slices_goes_on_with_the_rest() {
    let mut node = all_held(&[("a", 1)]).await;
    node.snapshots().round().await.unwrap();
    node.clock.advance(1_000);
    node.place(&[("a", 1)]).await.unwrap();
    node.snapshots().round().await.unwrap();
    for _ in 0..2 {
        node.crash().await;
        assert_eq!(node.figures("a").await, (q(MANY), q(1), q(0)));
    }
    node.until("all come to their end", &["a"], |ledger| {
        ledger.holds().count() == 1
    })
    .await;
    node.quiesce(&["a"]).await;
    node.crash().await;
    assert_eq!(node.figures("a").await, (q(MANY), q(1), q(0)));
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn followers_of_thousands_of_baskets_hear_of_them_in_few_messages() {
    let node = all_held(&[("a", 1), ("b", 1), ("c", 1)]).await;
    let before = node.level("a").await.version;
    node.clock.advance(1_000);
    node.until("the followers let go", &["a", "b", "c"], |ledger| {
        ledger.holds().count() == 0
    })
    .await;
    node.quiesce(&["a", "b", "c"]).await;
    let records = node.level("a").await.version - before;
    assert!(records <= u64::from(MANY) / 10, "{records} records");
    node.expects(&[("a", MANY, 0, 0), ("b", MANY, 0, 0), ("c", MANY, 0, 0)])
        .await;
}

#[actix::test]
async fn a_key_rests_while_its_deadlines_are_far_and_is_woken_for_them() {
    let mut node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10)]).await;
    let placed = node.hold(&[("a", 1), ("b", 2)], TTL_MS).await.unwrap();
    node.quiesce(&["a", "b"]).await;
    node.comes_to_rest("a").await;
    node.comes_to_rest("b").await;
    node.expects(&[("a", 10, 1, 0), ("b", 10, 2, 0)]).await;
    node.comes_to_rest("b").await;
    node.crash().await;
    for name in ["a", "b"] {
        assert!(node.is_at_rest(name), "{name} rests after a start, too");
    }
    let left = placed.deadline.unwrap().as_millis() - node.clock.now().as_millis();
    node.clock.advance(left);
    node.until("the holds are gone", &["a", "b"], |ledger| {
        ledger.holds().count() == 0
    })
    .await;
    node.quiesce(&["a", "b"]).await;
    assert_eq!(node.stock().level(&key("a")).unwrap().held, q(0));
    assert_eq!(node.stock().level(&key("b")).unwrap().held, q(0));
}
