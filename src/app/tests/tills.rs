//! Tills sell what a reservation holds: the key that sold knows, the lead hears of it, and a
//! physical fact is never refused.

use super::asking::*;
use super::test_node::*;
use crate::actors::CallError;
use crate::stock::{Answer, Change, Command, MovementKind, Quantity, Refusal, State};

const ALL: &[&str] = &["a", "b", "c"];

async fn with_basket() -> (TestNode, crate::stock::ReservationId) {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10), ("c", 10)]).await;
    let id = node
        .place(&[("a", 3), ("b", 3), ("c", 3)])
        .await
        .unwrap()
        .id;
    (node, id)
}

#[actix::test]
async fn tills_use_up_a_held_basket_at_lead_and_followers() {
    let (node, id) = with_basket().await;
    assert_eq!(node.sell("a", 2, id).await, q(2), "at a follower");
    node.expects(&[("a", 8, 1, 0)]).await;
    assert_eq!(
        node.reservation(id).await.used(&key("a")),
        q(2),
        "the lead knows"
    );
    assert_eq!(
        node.sell("c", 5, id).await,
        q(3),
        "at the lead, no more than it holds"
    );
    node.expects(&[("c", 5, 0, 0)]).await;
    assert_eq!(node.sell("b", 3, id).await, q(3));
    assert_eq!(node.reservation(id).await.state, State::Held);
    assert_eq!(node.sell("a", 1, id).await, q(1));
    assert_eq!(
        node.reservation(id).await.state,
        State::Fulfilled,
        "nothing is left"
    );
    assert_eq!(
        node.sell("a", 1, id).await,
        q(0),
        "a plain sale from now on"
    );
    node.expects(&[("a", 6, 0, 0), ("b", 7, 0, 0), ("c", 5, 0, 0)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn what_tills_used_is_neither_handed_over_nor_cancelled_again() {
    let (node, id) = with_basket().await;
    node.sell("a", 1, id).await;
    node.change(id, confirm(false)).await.unwrap();
    node.sell("a", 1, id).await;
    node.sell("b", 3, id).await;
    node.expects(&[("a", 8, 0, 1), ("b", 7, 0, 0), ("c", 10, 0, 3)])
        .await;
    node.change(id, Change::Cancel(parts(&[("c", 1)])))
        .await
        .unwrap();
    let done = node.change(id, Change::Fulfil(None)).await.unwrap();
    assert_eq!(done.state, State::Fulfilled);
    let fulfilled = done.fulfilled_by_line();
    assert_eq!(fulfilled, [q(3), q(3), q(2)]);
    node.expects(&[("a", 7, 0, 0), ("b", 7, 0, 0), ("c", 8, 0, 0)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_till_and_a_hand_over_at_the_same_moment_never_take_the_same_goods() {
    let node = TestNode::begin().await;
    for round in 0..40 {
        node.receive(&[("a", 10), ("b", 10), ("c", 10)]).await;
        let before = node.level("a").await.on_hand;
        let placed = node.place(&[("a", 2), ("b", 2), ("c", 2)]).await.unwrap();
        node.change(placed.id, confirm(false)).await.unwrap();
        let change = match round % 4 {
            0 => Change::Fulfil(None),
            1 => Change::Fulfil(parts(&[("a", 2)])),
            2 => Change::Cancel(None),
            _ => Change::Cancel(parts(&[("a", 2)])),
        };
        let change = node.change(placed.id, change);
        let (sold, changed) = futures::join!(node.sell("a", 1, placed.id), change);
        node.quiesce(ALL).await;

        // Whichever came first: all of the line, or what the till left of it, or too much.
        let known = node.reservation(placed.id).await;
        let share = known.share(&key("a")).unwrap();
        let cancelled: Quantity = known.lines.iter().map(|line| line.cancelled).sum();
        assert_eq!(share.till_used, sold, "{round}: {known:?}");
        assert!(
            known.used(&key("a")) <= known.wanted(&key("a")),
            "{round}: {known:?}"
        );
        assert!(share.handed_over + sold <= q(2), "{round}: {known:?}");
        assert!(
            sold.is_zero() || changed.is_err() || cancelled < q(6),
            "{round}: {known:?}"
        );
        let gone = before - node.level("a").await.on_hand;
        assert_eq!(gone, share.handed_over + q(1), "{round}: {known:?}");
        if known.state.is_live() {
            node.change(placed.id, Change::Cancel(None)).await.unwrap();
        }
    }
    node.quiesce(ALL).await;
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn hand_overs_of_one_order_at_the_same_moment_are_done_one_after_the_other() {
    let (node, id) = with_basket().await;
    let piece = || Change::Fulfil(parts(&[("a", 1)]));
    let confirmed = node.change(id, confirm(false));
    let handed_over = || node.change(id, piece());
    let all = futures::join!(confirmed, handed_over(), handed_over(), handed_over());
    all.0.unwrap();
    let mut done = 0;
    for handed_over in [all.1, all.2, all.3] {
        match handed_over {
            Ok(_) => done += 1,
            // It came before the order was confirmed.
            Err(CallError::Refused(Refusal::WrongState(_))) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    while done < 3 {
        node.change(id, piece()).await.unwrap();
        done += 1;
    }
    node.expects(&[("a", 7, 0, 0), ("b", 10, 0, 3), ("c", 10, 0, 3)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_sale_at_a_follower_meets_the_deadline_as_the_lead_knows_it() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10)]).await;
    let expired = node.hold(&[("a", 2), ("b", 2)], 1_000).await.unwrap().id;
    let extended = node.hold(&[("a", 2), ("b", 2)], 1_000).await.unwrap().id;
    node.change(extended, Change::Extend { ttl_ms: 9_000 })
        .await
        .unwrap();
    node.clock.advance(1_000);
    assert_eq!(node.sell("a", 2, expired).await, q(0), "its time was over");
    assert_eq!(node.sell("a", 2, extended).await, q(2), "its time went on");
    node.expects(&[("a", 6, 0, 0), ("b", 10, 2, 0)]).await;
    node.quiesce(&["a", "b"]).await;
}

#[actix::test]
async fn a_reservation_used_in_part_and_expired_is_reclaimed_for_the_rest() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 3), ("b", 3)]).await;
    let id = node.hold(&[("a", 3), ("b", 3)], 1_000).await.unwrap().id;
    node.sell("a", 2, id).await;
    node.sell("b", 2, id).await;
    node.clock.advance(1_000);
    node.expects(&[("a", 1, 0, 0), ("b", 1, 0, 0)]).await;
    node.change(id, confirm(true)).await.unwrap();
    node.expects(&[("a", 1, 0, 1), ("b", 1, 0, 1)]).await;
    node.quiesce(&["a", "b"]).await;
}

#[actix::test]
async fn a_sale_that_happened_is_recorded_below_zero_and_online_sells_nothing() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 2)]).await;
    node.place(&[("a", 2)]).await.unwrap();
    let plain = MovementKind::Sale { reservation: None };
    let reply = node.moves("a", plain, 3).await;
    assert!(matches!(reply.answer, Answer::Moved { oversold: true, .. }));
    assert_eq!(reply.level.shortfall(), q(3));
    assert!(node.place(&[("a", 1)]).await.is_err());
}

#[actix::test]
async fn a_transfer_leaves_here_and_arrives_there_once() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 5), ("b", 1)]).await;
    let transfer = node.movement(MovementKind::Transfer { to: key("b") }, 3);
    let first = node
        .call("a", Command::Move(transfer.clone()))
        .await
        .unwrap();
    assert!(matches!(
        first.answer,
        Answer::Moved {
            duplicate: false,
            ..
        }
    ));
    node.expects(&[("a", 2, 0, 0), ("b", 4, 0, 0)]).await;
    let again = node.call("a", Command::Move(transfer)).await.unwrap();
    assert!(matches!(
        again.answer,
        Answer::Moved {
            duplicate: true,
            ..
        }
    ));
    node.expects(&[("a", 2, 0, 0), ("b", 4, 0, 0)]).await;
    node.quiesce(&["a", "b"]).await;
}

#[actix::test]
async fn transfers_of_one_id_from_two_keys_both_arrive() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 5), ("b", 5)]).await;
    let transfer = node.movement(MovementKind::Transfer { to: key("c") }, 2);
    node.call("a", Command::Move(transfer.clone()))
        .await
        .unwrap();
    node.call("b", Command::Move(transfer)).await.unwrap();
    node.expects(&[("a", 3, 0, 0), ("b", 3, 0, 0), ("c", 4, 0, 0)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_batch_keeps_its_order_although_a_sale_in_it_waits_for_its_lead() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10)]).await;
    let id = node.hold(&[("a", 2), ("b", 2)], 1_000).await.unwrap().id;
    node.clock.advance(1_000);
    let reservation = Some(id.to_string().into());
    let sale = node.movement(MovementKind::Sale { reservation }, 1);
    let count = MovementKind::Count {
        counted_at: None,
        expected_version: None,
    };
    let count = node.movement(count, 7);
    let elsewhere = node.movement(MovementKind::Receipt, 1);
    let calls = [("a", sale), ("b", elsewhere), ("a", count)];
    let calls = calls.map(|(name, it)| (key(name), node.by(), Command::Move(it)));
    let replies = node.stock().call_all(calls.into()).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    node.expects(&[("a", 7, 0, 0), ("b", 11, 0, 0)]).await;
    node.quiesce(&["a", "b"]).await;
}
