//! The disk fails: nobody is told what may not be durable, and what was told is there afterwards.

use futures::future;

use super::asking::*;
use super::breaking_store::Disk;
use super::test_node::*;
use crate::actors::CallError;
use crate::stock::{Answer, Change, Command, MovementKind, State};

const ALL: &[&str] = &["a", "b", "c"];

async fn stocked() -> TestNode {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10), ("c", 10)]).await;
    node
}

#[actix::test]
async fn when_a_write_fails_all_hear_that_the_outcome_is_unknown_and_nothing_told_is_lost() {
    let mut node = stocked().await;
    let before = node.place(&[("a", 1), ("c", 1)]).await.unwrap();
    node.quiesce(ALL).await;
    node.disk().set(Disk::Gone);
    let placing = (0..5).map(|_| node.place(&[("a", 1), ("b", 1)]));
    for answer in future::join_all(placing).await {
        assert_eq!(answer, Err(CallError::OutcomeUnknown));
    }
    let releasing = node.change(before.id, Change::Release).await;
    assert_eq!(releasing, Err(CallError::OutcomeUnknown));
    let shown = node.stock().level(&key("a")).unwrap();
    assert_eq!(shown.held, q(1), "what is not durable is shown to nobody");

    node.crash().await;
    node.quiesce(ALL).await;
    node.expects(&[("a", 10, 1, 0), ("b", 10, 0, 0), ("c", 10, 1, 0)])
        .await;
    assert_eq!(node.reservation(before.id).await, before);
}

#[actix::test]
async fn a_movement_of_unknown_outcome_is_repeated_without_harm() {
    let mut node = stocked().await;
    for (disk, had_happened) in [(Disk::Gone, false), (Disk::Torn, true)] {
        let receipt = Command::Move(node.movement(MovementKind::Receipt, 5));
        let before = node.figures("a").await.0;
        node.disk().set(disk);
        let unknown = node.call("a", receipt.clone()).await;
        assert_eq!(unknown, Err(CallError::OutcomeUnknown));
        node.crash().await;
        let again = node.call("a", receipt).await.unwrap();
        let Answer::Moved { duplicate, .. } = again.answer else {
            panic!("{again:?}")
        };
        assert_eq!(duplicate, had_happened);
        assert_eq!(node.figures("a").await.0, before + q(5));
    }
}

#[actix::test]
async fn a_place_of_unknown_outcome_is_repeated_without_harm() {
    let mut node = stocked().await;
    for (disk, number) in [(Disk::Gone, 1), (Disk::Torn, 2)] {
        let place = |id| basket(id, &[("a", 2), ("b", 2), ("c", 2)], TTL_MS);
        let (first, second) = (node.new_id(), node.new_id());
        node.disk().set(disk);
        let unknown = node
            .stock()
            .reserve(node.by(), place(first), request(number))
            .await;
        assert_eq!(unknown.unwrap_err(), CallError::OutcomeUnknown);
        node.crash().await;
        let reserved = node
            .stock()
            .reserve(node.by(), place(second), request(number))
            .await
            .unwrap();
        node.quiesce(ALL).await;
        node.expects(&[("a", 10, 2, 0), ("b", 10, 2, 0), ("c", 10, 2, 0)])
            .await;
        let released = node
            .change(reserved.reservation.id, Change::Release)
            .await
            .unwrap();
        assert_eq!(released.state, State::Released);
    }
}
