//! A request that comes again gets the first answer, whatever became of its caller meanwhile.

use super::asking::*;
use super::test_node::*;
use crate::actors::{CallError, Reserved};
use crate::stock::command::Idempotency;
use crate::stock::time::DAY_MS;
use crate::stock::{Change, Refusal};

const ALL: &[&str] = &["a", "b", "c"];

async fn stocked() -> TestNode {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10), ("c", 10)]).await;
    node
}

async fn place_as(node: &TestNode, number: u128) -> Result<Reserved, CallError> {
    let place = basket(node.new_id(), &[("a", 2), ("b", 2), ("c", 2)], TTL_MS);
    node.stock()
        .reserve(node.by(), place, request(number))
        .await
}

#[actix::test]
async fn every_call_that_is_repeated_gets_its_first_answer_also_after_a_restart() {
    let mut node = stocked().await;
    let id = place_as(&node, 100).await.unwrap().reservation.id;
    let changes = [
        (101, Change::Extend { ttl_ms: 60_000 }),
        (
            102,
            Change::ReplaceLines(lines(&[("a", 3), ("b", 1), ("c", 2)])),
        ),
        (103, confirm(false)),
        (104, Change::Fulfil(parts(&[("a", 1)]))),
        (105, Change::Cancel(parts(&[("b", 1)]))),
        (106, Change::Fulfil(None)),
        // Took effect before; the request is remembered all the same.
        (107, Change::Fulfil(None)),
    ];
    let mut first = Vec::new();
    for (number, change) in changes {
        let answer = node.ask(id, change.clone(), request(number)).await.unwrap();
        assert!(!answer.replayed);
        first.push((number, change, answer.reservation));
    }
    for how in ["at once", "after a stop", "after a crash"] {
        let placed = place_as(&node, 100).await.unwrap();
        let is_first = placed.replayed && placed.reservation.id == id;
        assert!(is_first && placed.reservation.revision == 1, "{how}");
        for (number, change, reservation) in &first {
            let again = node
                .ask(id, change.clone(), request(*number))
                .await
                .unwrap();
            assert!(again.replayed, "{number} {how}");
            assert_eq!(&again.reservation, reservation, "{number} {how}");
        }
        match how {
            "at once" => node.reopen().await,
            _ => node.crash().await,
        }
    }
    node.quiesce(ALL).await;
    node.expects(&[("a", 7, 0, 0), ("b", 10, 0, 0), ("c", 8, 0, 0)])
        .await;
}

#[actix::test]
async fn the_same_key_with_another_body_is_refused() {
    let node = stocked().await;
    let id = place_as(&node, 100).await.unwrap().reservation.id;
    let other = Some(Idempotency { key: 100, body: 7 });
    let refused = node.ask(id, Change::Release, other).await;
    assert_eq!(refused, Err(Refusal::IdempotencyMismatch.into()));
}

#[actix::test]
async fn a_refusal_is_not_remembered_and_its_key_is_free_at_once() {
    let node = stocked().await;
    let other = node.place(&[("a", 9)]).await.unwrap().id;
    for _ in 0..50 {
        let refused = place_as(&node, 100).await;
        assert!(matches!(
            refused,
            Err(CallError::Refused(Refusal::InsufficientStock(_)))
        ));
    }
    let alone = || async {
        let place = basket(node.new_id(), &[("a", 2)], TTL_MS);
        node.stock().reserve(node.by(), place, request(200)).await
    };
    for _ in 0..50 {
        let refused = alone().await;
        assert!(matches!(
            refused,
            Err(CallError::Refused(Refusal::InsufficientStock(_)))
        ));
    }
    node.change(other, Change::Release).await.unwrap();
    assert!(!place_as(&node, 100).await.unwrap().replayed);
    assert!(!alone().await.unwrap().replayed);
}

#[actix::test]
async fn a_request_that_still_runs_is_said_to_be_in_progress() {
    let node = stocked().await;
    let halted = node.halt_actors();
    let first = place_as(&node, 100);
    let second = async {
        let second = place_as(&node, 100).await;
        drop(halted);
        second
    };
    let (first, second) = futures::future::join(first, second).await;
    assert_eq!(second, Err(CallError::IdempotencyInProgress));
    assert!(!first.unwrap().replayed);
    assert!(place_as(&node, 100).await.unwrap().replayed);
}

#[actix::test]
async fn a_day_later_a_request_is_a_new_one() {
    let node = stocked().await;
    let first = place_as(&node, 100).await.unwrap().reservation.id;
    node.clock.advance(DAY_MS);
    let second = place_as(&node, 100).await.unwrap();
    assert!(!second.replayed && second.reservation.id != first);
    node.quiesce(ALL).await;
    node.expects(&[("a", 10, 2, 0), ("b", 10, 2, 0), ("c", 10, 2, 0)])
        .await;
}

#[actix::test]
async fn a_caller_that_hangs_up_anywhere_and_asks_again_gets_one_reservation() {
    let node = stocked().await;
    for polls in 1..30 {
        let number = 1_000 + polls as u128;
        let hung_up = hang_up_after(polls, place_as(&node, number))
            .await
            .is_none();
        let (mut answer, mut tries) = (place_as(&node, number).await, 0);
        while answer == Err(CallError::IdempotencyInProgress) {
            tokio::task::yield_now().await;
            answer = place_as(&node, number).await;
            tries += 1;
            assert!(tries < 1_000_000, "what runs comes to its end");
        }
        let reserved = answer.unwrap();
        assert!(hung_up || reserved.replayed);
        node.quiesce(ALL).await;
        node.expects(&[("a", 10, 2, 0), ("b", 10, 2, 0), ("c", 10, 2, 0)])
            .await;
        node.change(reserved.reservation.id, Change::Release)
            .await
            .unwrap();
        node.expects(&[("a", 10, 0, 0), ("b", 10, 0, 0), ("c", 10, 0, 0)])
            .await;
    }
    node.quiesce(ALL).await;
}
