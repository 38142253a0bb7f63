//! Reservations over several keys: the lead decides, the followers come after.

use futures::FutureExt;
use futures::future::join_all;

use super::asking::*;
use super::breaking_store::Disk;
use super::test_node::*;
use crate::actors::CallError;
use crate::stock::{Change, Command, Confirmation, Ledger, MovementKind, Refusal, State};

const ALL: &[&str] = &["a", "b", "c", "d"];

async fn stocked() -> TestNode {
    let node = TestNode::begin().await;
    node.receive(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)])
        .await;
    node
}

#[actix::test]
async fn lines_are_raised_lowered_added_and_dropped_even_the_leads_own() {
    let node = stocked().await;
    let placed = node.place(&[("a", 1), ("b", 4), ("c", 2)]).await.unwrap();
    assert_eq!(placed.lead, key("c"), "the greatest key leads");
    node.expects(&[("a", 10, 1, 0), ("b", 10, 4, 0), ("c", 10, 2, 0)])
        .await;

    let wanted = lines(&[("d", 3), ("a", 5), ("b", 1)]);
    let changed = node
        .change(placed.id, Change::ReplaceLines(wanted))
        .await
        .unwrap();
    assert_eq!(
        (&changed.lead, changed.revision),
        (&placed.lead, 2),
        "the lead stays"
    );
    node.expects(&[
        ("a", 10, 5, 0),
        ("b", 10, 1, 0),
        ("c", 10, 0, 0),
        ("d", 10, 3, 0),
    ])
    .await;

    let too_much = lines(&[("a", 11), ("c", 11), ("b", 1)]);
    let refused = node
        .change(placed.id, Change::ReplaceLines(too_much))
        .await
        .unwrap_err();
    let CallError::Refused(Refusal::InsufficientStock(short)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        short.len(),
        2,
        "own holds do not count against it, and all short keys are named"
    );
    assert_eq!(node.reservation(placed.id).await, changed, "all or nothing");

    node.change(placed.id, Change::Release).await.unwrap();
    node.expects(&[
        ("a", 10, 0, 0),
        ("b", 10, 0, 0),
        ("c", 10, 0, 0),
        ("d", 10, 0, 0),
    ])
    .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_basket_that_the_published_figures_promised_in_vain_names_all_that_is_short() {
    let node = stocked().await;
    node.quiesce(ALL).await;
    node.disk().set(Disk::Stuck);
    let mut taking = [&[("b", 10)], &[("c", 10)]].map(|wanted| node.place(wanted).boxed_local());
    for call in &mut taking {
        assert_eq!(begun(call).await, None);
    }
    let has_hold = |ledger: &Ledger| ledger.holds().count() == 1;
    node.until("both are taken", &["b", "c"], has_hold).await;
    assert_eq!(node.stock().level(&key("b")).unwrap().available(), q(10));
    let mut refused = node.place(&[("a", 1), ("b", 1), ("c", 1)]).boxed_local();
    assert_eq!(begun(&mut refused).await, None);
    while !has_hold(&node.ledger(&key("a")).await) {
        tokio::task::yield_now().await;
    }
    node.disk().set(Disk::Sound);
    for taken in join_all(taking).await {
        taken.unwrap();
    }
    let refused = refused.await;
    let CallError::Refused(Refusal::InsufficientStock(short)) = refused.unwrap_err() else {
        panic!("refused for another reason")
    };
    let short: Vec<_> = short.iter().map(|one| (&one.key, one.available)).collect();
    assert_eq!(short, [(&key("b"), q(0)), (&key("c"), q(0))]);
    node.quiesce(ALL).await;
    node.expects(&[("a", 10, 0, 0), ("b", 10, 10, 0), ("c", 10, 10, 0)])
        .await;
}

#[actix::test]
async fn a_basket_takes_what_there_is_where_less_will_do() {
    let node = stocked().await;
    node.place(&[("a", 9)]).await.unwrap();
    node.place(&[("b", 10)]).await.unwrap();
    let mut place = basket(node.new_id(), &[("a", 3), ("b", 2), ("c", 4)], TTL_MS);
    place.partial = true;
    let taken = node
        .stock()
        .reserve(node.by(), place, None)
        .await
        .unwrap()
        .reservation;
    let got: Vec<_> = taken
        .lines
        .iter()
        .map(|line| (line.quantity, line.requested))
        .collect();
    assert_eq!(
        got,
        [(q(1), Some(q(3))), (q(0), Some(q(2))), (q(4), Some(q(4)))]
    );
    node.expects(&[("a", 10, 10, 0), ("b", 10, 10, 0), ("c", 10, 4, 0)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_confirmed_basket_is_handed_over_and_cancelled_in_parts() {
    let node = stocked().await;
    let id = node
        .place(&[("a", 4), ("b", 4), ("c", 4)])
        .await
        .unwrap()
        .id;
    node.change(id, confirm(false)).await.unwrap();
    node.expects(&[("a", 10, 0, 4), ("b", 10, 0, 4), ("c", 10, 0, 4)])
        .await;
    node.change(id, Change::Fulfil(parts(&[("a", 3), ("c", 1)])))
        .await
        .unwrap();
    node.expects(&[("a", 7, 0, 1), ("b", 10, 0, 4), ("c", 9, 0, 3)])
        .await;
    node.change(id, Change::Cancel(parts(&[("b", 3), ("c", 3)])))
        .await
        .unwrap();
    node.expects(&[("a", 7, 0, 1), ("b", 10, 0, 1), ("c", 9, 0, 0)])
        .await;
    let too_much = node
        .change(id, Change::Fulfil(parts(&[("a", 1), ("b", 2)])))
        .await;
    assert!(matches!(
        too_much,
        Err(CallError::Refused(Refusal::OverFulfilled(_)))
    ));
    let done = node.change(id, Change::Fulfil(None)).await.unwrap();
    assert_eq!(done.state, State::Fulfilled);
    node.expects(&[("a", 6, 0, 0), ("b", 9, 0, 0), ("c", 9, 0, 0)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_basket_is_gone_at_its_deadline_at_every_key_and_for_every_reader() {
    let node = stocked().await;
    let id = node
        .hold(&[("a", 10), ("b", 10), ("c", 10)], 1_000)
        .await
        .unwrap()
        .id;
    node.clock.advance(999);
    node.expects(&[("a", 10, 10, 0), ("c", 10, 10, 0)]).await;
    node.clock.advance(1);
    node.expects(&[("a", 10, 0, 0), ("b", 10, 0, 0), ("c", 10, 0, 0)])
        .await;
    assert_eq!(node.reservation(id).await.state, State::Expired);
    let late = node.change(id, confirm(false)).await;
    assert_eq!(late, Err(Refusal::ReservationExpired.into()));
    node.quiesce(ALL).await;
}

#[actix::test]
async fn what_a_basket_held_can_be_had_by_another_from_its_deadline_on() {
    let node = stocked().await;
    node.hold(&[("a", 10), ("b", 10), ("d", 10)], 1_000)
        .await
        .unwrap();
    assert!(node.place(&[("a", 1), ("b", 1), ("c", 1)]).await.is_err());
    node.clock.advance(1_000);
    node.place(&[("a", 10), ("b", 10), ("c", 10)])
        .await
        .unwrap();
    node.quiesce(ALL).await;
    node.expects(&[
        ("a", 10, 10, 0),
        ("b", 10, 10, 0),
        ("c", 10, 10, 0),
        ("d", 10, 0, 0),
    ])
    .await;
}

#[actix::test]
async fn keys_hear_of_a_deadline_that_nobody_asks_about() {
    let node = stocked().await;
    node.hold(&[("a", 1), ("b", 1), ("c", 1)], 1_000)
        .await
        .unwrap();
    node.clock.advance(1_000);
    node.until("the holds are gone", ALL, |ledger| {
        ledger.holds().count() == 0
    })
    .await;
    for name in ["a", "b", "c"] {
        node.quiesce(&[name]).await;
        assert_eq!(node.stock().level(&key(name)).unwrap().held, q(0));
    }
}

#[actix::test]
async fn an_expired_basket_is_reclaimed_if_everything_is_still_there() {
    let node = stocked().await;
    let first = node
        .hold(&[("a", 6), ("b", 1), ("c", 6)], 1_000)
        .await
        .unwrap()
        .id;
    node.clock.advance(1_000);
    let other = node.place(&[("a", 5), ("c", 5)]).await.unwrap().id;
    let refused = node.change(first, confirm(true)).await.unwrap_err();
    let CallError::Refused(Refusal::InsufficientStock(short)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(short.len(), 2);
    node.change(other, Change::Release).await.unwrap();
    let confirmed = node.change(first, confirm(true)).await.unwrap();
    assert_eq!(
        (confirmed.state, confirmed.deadline),
        (State::Confirmed, None)
    );
    node.expects(&[("a", 10, 0, 6), ("b", 10, 0, 1), ("c", 10, 0, 6)])
        .await;
    node.quiesce(ALL).await;
}

#[actix::test]
async fn changes_to_one_basket_at_the_same_time_all_come_to_an_answer() {
    let node = stocked().await;
    let id = node
        .place(&[("a", 1), ("b", 1), ("c", 1)])
        .await
        .unwrap()
        .id;
    let changes = (1..=5).map(|n| {
        let wanted = lines(&[("a", n), ("b", 6 - n), ("d", n)]);
        node.change(id, Change::ReplaceLines(wanted))
    });
    let mut done = 0;
    for answer in join_all(changes).await {
        match answer {
            Ok(_) => done += 1,
            Err(error) => assert_eq!(error, CallError::Overloaded, "never a shortage"),
        }
    }
    assert!(done > 0);
    node.quiesce(ALL).await;
    let newest = node.reservation(id).await;
    assert_eq!(newest.revision, 1 + done);
    for name in ["a", "b", "d"] {
        let (_, held, _) = node.figures(name).await;
        assert_eq!(
            held,
            newest.wanted(&key(name)),
            "{name} follows the newest revision"
        );
    }
}

#[actix::test]
async fn any_number_of_baskets_gone_in_one_moment_are_settled_before_anyone_is_answered() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 450), ("b", 450), ("c", 1)]).await;
    let holding = (0..450).map(|_| node.hold(&[("a", 1), ("b", 1)], 1_000));
    for held in join_all(holding).await {
        held.unwrap();
    }
    assert!(node.place(&[("a", 1), ("c", 1)]).await.is_err());
    let halted = node.halt_actors();
    node.clock.advance(1_000);
    let asking = futures::future::join(node.place(&[("a", 450), ("c", 1)]), node.level("a"));
    let asking = asking.map(|(placed, level)| (placed.unwrap(), level));
    let (_, (placed, level)) = futures::future::join(async { drop(halted) }, asking).await;
    assert!(level.held.is_zero() || level.held == placed.wanted(&key("a")));
    node.quiesce(&["a", "b", "c"]).await;
}

#[actix::test]
async fn a_key_that_is_stocked_no_more_keeps_a_reclaim_back_only_where_it_is_needed() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 5), ("b", 5)]).await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        let placed = node.place(&[("a", 2), ("b", 2)]).await.unwrap();
        let confirmation = Confirmation {
            expires_at: Some(node.clock.now().plus_millis(1_000)),
            ..Confirmation::default()
        };
        let reclaim = false;
        let confirm = Change::Confirm {
            confirmation,
            reclaim,
        };
        node.change(placed.id, confirm).await.unwrap();
        orders.push(placed.id);
    }
    node.change(orders[0], Change::Fulfil(parts(&[("a", 2)])))
        .await
        .unwrap();
    node.clock.advance(1_000);
    node.quiesce(&["a", "b"]).await;
    let reservation = None;
    node.moves("a", MovementKind::Sale { reservation }, 3).await;
    node.call("a", Command::Stop).await.unwrap();
    let again = node.change(orders[0], confirm(true)).await.unwrap();
    assert_eq!(again.state, State::Confirmed);
    node.quiesce(&["a", "b"]).await;
    assert_eq!(node.figures("b").await, (q(5), q(0), q(2)));
    let short = node.change(orders[1], confirm(true)).await.unwrap_err();
    let CallError::Refused(Refusal::InsufficientStock(short)) = short else {
        panic!("{short:?}");
    };
    assert_eq!(short.len(), 1, "{short:?}");
    assert_eq!((&short[0].key, short[0].available), (&key("a"), q(0)));
    assert_eq!(node.verify().differences, [""; 0]);
}
