//! Keys go to rest when nobody needs them and wake when somebody does, without a second ledger
//! ever, and without losing one.

use std::sync::Arc;
use std::task::Context;

use futures::task::{ArcWake, waker};
use futures::{FutureExt, future};

use super::asking::*;
use super::breaking_store::Disk;
use super::test_node::*;
use crate::actors::CallError;
use crate::clock::Clock;
use crate::stock::ledger::REMEMBER_MOVEMENTS_MS;
use crate::stock::time::DAY_MS;
use crate::stock::{Change, Command, Ledger, MovementKind};

const ALL: &[&str] = &["a", "b", "c"];

async fn restless() -> TestNode {
    let mut settings = Settings::default();
    settings.actors.idle_ms = 1;
    TestNode::begin_with(settings).await
}

#[actix::test]
async fn a_key_keeps_all_it_knows_while_at_rest() {
    let node = restless().await;
    node.receive(&[("a", 9), ("b", 9), ("c", 9)]).await;
    let id = node
        .place(&[("a", 2), ("b", 2), ("c", 2)])
        .await
        .unwrap()
        .id;
    node.change(id, confirm(false)).await.unwrap();
    node.quiesce(ALL).await;
    for _ in 0..20 {
        node.clock.advance(10);
        node.expects(&[("a", 9, 0, 2), ("b", 9, 0, 2), ("c", 9, 0, 2)])
            .await;
        node.quiesce(ALL).await;
    }
    node.change(id, Change::Fulfil(None)).await.unwrap();
    node.expects(&[("a", 7, 0, 0), ("b", 7, 0, 0), ("c", 7, 0, 0)])
        .await;
}

#[actix::test]
async fn rest_and_waking_under_traffic_lose_nothing() {
    let node = restless().await;
    node.receive(&[("a", 50), ("b", 50), ("c", 50)]).await;
    for round in 0..100 {
        let rush = (0..4).map(|n| {
            let wanted = if n % 2 == 0 {
                [("a", 2), ("c", 1)]
            } else {
                [("b", 3), ("a", 1)]
            };
            let node = &node;
            async move {
                let id = node.place(&wanted).await.unwrap().id;
                node.clock.advance(1);
                node.change(id, Change::Extend { ttl_ms: TTL_MS })
                    .await
                    .unwrap();
                node.clock.advance(1);
                node.change(id, Change::Release).await.unwrap();
            }
        });
        future::join_all(rush).await;
        node.clock.advance(round);
        node.expects(&[("a", 50, 0, 0), ("b", 50, 0, 0), ("c", 50, 0, 0)])
            .await;
    }
    node.quiesce(ALL).await;
    assert_eq!(node.verify().differences, [""; 0]);
}

/// Moves the clock past an alarm in the midst of an actor's turn: when it sheds a command.
struct Late(Clock);

impl ArcWake for Late {
    fn wake_by_ref(late: &Arc<Late>) {
        late.0.advance(2_000);
    }
}

#[actix::test]
async fn an_alarm_that_was_called_off_does_not_ring_although_it_is_due_by_then() {
    let mut settings = Settings::default();
    settings.actors.idle_ms = 1_000;
    settings.journal.queue_places_max = 1;
    let mut node = TestNode::begin_with(settings).await;
    node.receive(&[("a", 1)]).await;

    // In one turn the actor sets an earlier alarm instead of the one it has, and both are due.
    let halted = node.halt_actors();
    node.disk().set(Disk::Stuck);
    let mut holding = node.hold(&[("a", 1)], 10).boxed_local();
    assert!(hang_up_after(1, holding.as_mut()).await.is_none());
    let receipt = Command::Move(node.movement(MovementKind::Receipt, 1));
    let mut shed = node.call("a", receipt).boxed_local();
    let waker = waker(Arc::new(Late(node.clock.clone())));
    assert!(
        shed.poll_unpin(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(halted);
    assert_eq!(shed.await, Err(CallError::Overloaded));
    node.disk().set(Disk::Sound);
    holding.await.unwrap();

    for _ in 0..3 {
        node.comes_to_rest("a").await;
        node.receive(&[("a", 1)]).await;
    }
    node.reopen().await;
    node.expects(&[("a", 4, 0, 0)]).await;
}

#[actix::test]
async fn keys_gathered_in_memory_are_as_they_were_at_rest_and_awake() {
    let node = restless().await;
    node.receive(&[("a", 9), ("b", 8), ("c", 7)]).await;
    for at_rest in ["a", "b"] {
        node.comes_to_rest(at_rest).await;
    }
    node.receive(&[("c", 1)]).await;
    node.directory().gather(|| async {}).await;
    node.expects(&[("a", 9, 0, 0), ("b", 8, 0, 0), ("c", 8, 0, 0)])
        .await;
    node.place(&[("a", 9), ("b", 8), ("c", 8)]).await.unwrap();
}

#[actix::test]
async fn a_key_too_large_to_be_packed_in_a_moment_stays_awake() {
    let mut node = restless().await;
    node.receive(&[("a", 7_000)]).await;
    for _ in 0..6 {
        let holding = (0..1_000).map(|_| node.hold(&[("a", 1)], TTL_MS));
        for held in future::join_all(holding).await {
            held.unwrap();
        }
    }
    let mut small = 0;
    for _ in 0..2 {
        for _ in 0..20 {
            node.receive(&[("b", 1)]).await;
            small += 1;
            node.comes_to_rest("b").await;
            assert!(!node.is_at_rest("a"));
            node.expects(&[("a", 7_000, 6_000, 0), ("b", small, 0, 0)])
                .await;
        }
        node.crash().await;
    }
}

#[actix::test]
async fn a_large_key_forgets_and_goes_to_rest_although_nothing_happens_to_it() {
    let mut node = restless().await;
    for _ in 0..11 {
        let receipts = (0..1_000).map(|_| node.receive(&[("a", 1)]));
        future::join_all(receipts).await;
    }
    for _ in 0..20 {
        node.clock.advance(10);
        tokio::task::yield_now().await;
        assert!(!node.is_at_rest("a"));
    }
    // After a silence it speaks once, and remembers for a day more what it recorded before.
    node.clock.advance(REMEMBER_MOVEMENTS_MS);
    let speaks = |ledger: &Ledger| ledger.level().version > 11_000;
    node.until("it speaks", &["a"], speaks).await;
    assert!(!node.is_at_rest("a"));
    node.clock.advance(DAY_MS);
    node.comes_to_rest("a").await;
    assert_eq!(node.verify().differences, [""; 0]);
    node.reopen().await;
    node.expects(&[("a", 11_000, 0, 0)]).await;
}
