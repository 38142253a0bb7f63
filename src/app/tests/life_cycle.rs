//! Reservations from place to end, over one key and over several, with real actors.

use super::asking::*;
use super::test_node::*;
use crate::actors::CallError;
use crate::stock::{Change, Refusal, State};

#[actix::test]
async fn a_reservation_at_one_key_is_placed_confirmed_and_handed_over() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10)]).await;
    let held = node.place(&[("a", 4)]).await.unwrap();
    node.expects(&[("a", 10, 4, 0)]).await;
    let confirmed = node.change(held.id, confirm(false)).await.unwrap();
    assert_eq!((confirmed.state, confirmed.revision), (State::Confirmed, 2));
    node.expects(&[("a", 10, 0, 4)]).await;
    node.change(held.id, Change::Fulfil(parts(&[("a", 1)])))
        .await
        .unwrap();
    node.expects(&[("a", 9, 0, 3)]).await;
    let done = node.change(held.id, Change::Fulfil(None)).await.unwrap();
    assert_eq!(done.state, State::Fulfilled);
    node.expects(&[("a", 6, 0, 0)]).await;
    let again = node.change(held.id, Change::Release).await;
    assert_eq!(
        again,
        Err(Refusal::ReservationResolved(State::Fulfilled).into())
    );
    assert_eq!(node.reservation(held.id).await, done);
}

#[actix::test]
async fn nothing_is_reserved_beyond_what_is_available() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 2), ("b", 3), ("c", 1)]).await;
    node.place(&[("a", 1), ("b", 1), ("c", 1)]).await.unwrap();
    let refused = node
        .place(&[("a", 2), ("b", 2), ("c", 1)])
        .await
        .unwrap_err();
    let CallError::Refused(Refusal::InsufficientStock(short)) = refused else {
        panic!("{refused:?}")
    };
    let short: Vec<_> = short
        .iter()
        .map(|s| (s.key.sku(), s.requested, s.available))
        .collect();
    assert_eq!(
        short,
        [("a", q(2), q(1)), ("c", q(1), q(0))],
        "every short key is named"
    );
    node.expects(&[("a", 2, 1, 0), ("b", 3, 1, 0), ("c", 1, 1, 0)])
        .await;
    node.quiesce(&["a", "b", "c"]).await;
}
