//! The way back: what was told is there, what was begun is ended, what was due is done.

use futures::future;

use super::asking::*;
use super::breaking_store::Disk;
use super::test_node::*;
use crate::actors::CallError;
use crate::stock::{Change, Command, Movement, MovementKind, State};

const ALL: &[&str] = &["a", "b", "c"];

async fn stocked() -> TestNode {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10), ("c", 10)]).await;
    node.quiesce(ALL).await;
    node
}

#[actix::test]
async fn after_a_clean_stop_nothing_is_replayed_and_all_is_there() {
    let mut node = stocked().await;
    let placed = node.place(&[("a", 1), ("b", 2), ("c", 3)]).await.unwrap();
    node.quiesce(ALL).await;
    node.reopen().await;
    assert_eq!((node.recovered().keys, node.recovered().records), (3, 0));
    assert_eq!(node.reservation(placed.id).await, placed);
    node.expects(&[("a", 10, 1, 0), ("b", 10, 2, 0), ("c", 10, 3, 0)])
        .await;
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn after_a_crash_the_tail_is_replayed_over_snapshots_taken_among_traffic() {
    let mut node = stocked().await;
    let shopping = |n: u32| {
        let node = &node;
        async move {
            let mut ids = Vec::new();
            for _ in 0..20 {
                let wanted = if n < 2 {
                    [("a", 1), ("b", 1)]
                } else {
                    [("c", 1), ("b", 1)]
                };
                if let Ok(placed) = node.place(&wanted).await {
                    ids.push(placed.id);
                }
                if ids.len() > 2 {
                    node.change(ids.swap_remove(0), Change::Release)
                        .await
                        .unwrap();
                }
            }
            ids
        }
    };
    let rounds = async {
        for _ in 0..10 {
            node.snapshots().round().await.unwrap();
        }
    };
    let (mut kept, ()) = future::join(future::join_all((0..4).map(shopping)), rounds).await;
    kept.push(vec![node.place(&[("a", 1)]).await.unwrap().id]);
    node.crash().await;
    assert!(node.recovered().records > 0);
    let mut held = [q(0), q(0), q(0)];
    for id in kept.into_iter().flatten() {
        let reservation = node.reservation(id).await;
        assert_eq!(reservation.state, State::Held);
        for (sum, name) in held.iter_mut().zip(ALL) {
            *sum += reservation.wanted(&key(name));
        }
    }
    node.quiesce(ALL).await;
    for (sum, name) in held.into_iter().zip(ALL) {
        assert_eq!(node.figures(name).await, (q(10), sum, q(0)), "{name}");
    }
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn followers_settle_although_the_process_died_right_after_the_leads_record() {
    let mut node = stocked().await;
    let id = node
        .place(&[("a", 1), ("b", 2), ("c", 3)])
        .await
        .unwrap()
        .id;
    node.quiesce(ALL).await;
    node.disk().set(Disk::Torn);
    let unknown = node.change(id, Change::Release).await;
    assert_eq!(unknown, Err(CallError::OutcomeUnknown));
    node.crash().await;
    assert_eq!(
        node.reservation(id).await.state,
        State::Released,
        "the lead's record decides"
    );
    node.quiesce(ALL).await;
    node.expects(&[("a", 10, 0, 0), ("b", 10, 0, 0), ("c", 10, 0, 0)])
        .await;
}

#[actix::test]
async fn a_raise_whose_asker_died_with_the_process_is_given_back_at_the_start() {
    let mut node = stocked().await;
    node.disk().set(Disk::Torn);
    let unknown = node.place(&[("a", 10), ("b", 10), ("c", 10)]).await;
    assert_eq!(unknown, Err(CallError::OutcomeUnknown));
    node.crash().await;
    let started = node.clock.now();
    let versions = node.ledger(&key("a")).await.level().version;
    assert!(versions >= 2, "the raise was durable");
    node.directory().idle().await;
    node.place(&[("a", 10), ("b", 10), ("c", 10)])
        .await
        .unwrap();
    assert_eq!(
        node.clock.now(),
        started,
        "nobody waited for its time limit"
    );
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_raise_whose_asker_alone_died_is_given_back_after_its_time_limit() {
    let node = stocked().await;
    let prepare = Command::Prepare {
        reservation: node.new_id(),
        lead: key("c"),
        base: Default::default(),
        granted: q(10),
        partial: false,
        before: node.clock.now().plus_millis(5_000),
    };
    node.call("a", prepare).await.unwrap();
    assert_eq!(
        node.level("a").await.available(),
        q(10),
        "a raise is shown to nobody"
    );
    assert!(
        node.place(&[("a", 1)]).await.is_err(),
        "but counts in decisions"
    );
    node.clock.advance(5_000);
    node.place(&[("a", 10), ("b", 10), ("c", 10)])
        .await
        .unwrap();
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_transfer_arrives_although_the_process_died_right_after_it_left() {
    let mut node = stocked().await;
    node.disk().set(Disk::Torn);
    let transfer = Command::Move(node.movement(MovementKind::Transfer { to: key("b") }, 4));
    assert_eq!(
        node.call("a", transfer).await,
        Err(CallError::OutcomeUnknown)
    );
    node.crash().await;
    node.quiesce(ALL).await;
    node.expects(&[("a", 6, 0, 0), ("b", 14, 0, 0)]).await;
}

#[actix::test]
async fn the_lead_hears_of_a_tills_use_although_the_process_died_right_after_it() {
    let mut node = stocked().await;
    let id = node.place(&[("a", 2), ("c", 2)]).await.unwrap().id;
    node.quiesce(ALL).await;
    node.disk().set(Disk::Torn);
    let reservation = Some(id.to_string().into());
    let sale = Command::Move(node.movement(MovementKind::Sale { reservation }, 2));
    assert_eq!(node.call("a", sale).await, Err(CallError::OutcomeUnknown));
    node.crash().await;
    node.quiesce(ALL).await;
    assert_eq!(node.reservation(id).await.used(&key("a")), q(2));
    node.expects(&[("a", 8, 0, 0), ("c", 10, 2, 0)]).await;
}

#[actix::test]
async fn what_expired_while_nobody_ran_is_gone_at_the_start() {
    let mut node = stocked().await;
    let id = node
        .hold(&[("a", 1), ("b", 1), ("c", 1)], 1_000)
        .await
        .unwrap()
        .id;
    node.quiesce(ALL).await;
    node.die().await;
    node.clock.advance(60_000);
    node.start().await;
    assert_eq!(
        node.stock().level(&key("c")).unwrap().held,
        q(0),
        "recorded before it is ready"
    );
    node.quiesce(ALL).await;
    for name in ALL {
        assert_eq!(node.stock().level(&key(name)).unwrap().held, q(0), "{name}");
    }
    assert_eq!(node.reservation(id).await.state, State::Expired);
}

#[actix::test]
async fn a_round_that_nobody_waits_for_any_more_still_takes_its_keys_along() {
    let mut node = stocked().await;
    node.snapshots().round().await.unwrap();
    node.receive(&[("a", 1), ("b", 1)]).await;
    let aborted = hang_up_after(1, node.snapshots().round()).await;
    assert!(aborted.is_none());
    node.receive(&[("c", 1)]).await;
    node.quiesce(ALL).await;
    node.snapshots().round().await.unwrap();
    node.crash().await;
    assert_eq!(
        node.recovered().records,
        0,
        "the last round's cut covers everything"
    );
    node.expects(&[("a", 11, 0, 0), ("b", 11, 0, 0), ("c", 11, 0, 0)])
        .await;
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn a_transfer_that_never_arrives_keeps_no_acknowledgement_back() {
    let mut node = stocked().await;
    let to = key("b");
    let transfer = node.movement(MovementKind::Transfer { to }, 1);
    // The name its other half will have is taken at the destination.
    let taken = Movement {
        id: transfer.id.at_destination(&key("c")),
        ..node.movement(MovementKind::Receipt, 5)
    };
    node.call("b", Command::Move(taken)).await.unwrap();
    node.call("c", Command::Move(transfer)).await.unwrap();
    let placed = node.place(&[("a", 1), ("c", 1)]).await.unwrap();
    node.crash().await;
    // Work between the keys never comes to its end here, so nothing waits for that.
    for _ in 0..10_000 {
        if node.ledger(&key("c")).await.unsettled(placed.id).is_empty() {
            return;
        }
        node.clock.advance(10);
    }
    panic!("the lead never knows that its follower settled");
}
