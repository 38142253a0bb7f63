//! Past a bound callers are shed: nothing happened, and what was taken in is served. What many
//! would wait for is done in parts.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, LocalBoxFuture};

use super::asking::*;
use super::breaking_store::Disk;
use super::test_node::*;
use crate::actors::{CallError, Reply, ReservationFilter};
use crate::stock::ledger::FORGET_AFTER_MS;
use crate::stock::{Change, Command, Ledger, MovementKind, Reservation, ReservationId, StockKey};

const ALL: &[&str] = &["a", "b", "c"];

fn receipt<'a>(node: &'a TestNode, name: &'a str) -> LocalBoxFuture<'a, Result<Reply, CallError>> {
    let receipt = Command::Move(node.movement(MovementKind::Receipt, 1));
    node.call(name, receipt).boxed_local()
}

#[actix::test]
async fn past_the_mailbox_bound_callers_are_shed_and_the_rest_are_served() {
    let mut settings = Settings::default();
    settings.actors.mailbox_capacity = 3;
    let node = TestNode::begin_with(settings).await;
    node.receive(&[("a", 1)]).await;
    let halted = node.halt_actors();
    let mut calls: Vec<_> = (0..3).map(|_| receipt(&node, "a")).collect();
    for call in &mut calls {
        assert_eq!(begun(call).await, None);
    }
    for _ in 0..3 {
        let shed = begun(&mut receipt(&node, "a")).await;
        assert_eq!(shed, Some(Err(CallError::Overloaded)));
    }
    assert_eq!(
        begun(&mut receipt(&node, "b")).await,
        None,
        "another key has room"
    );
    drop(halted);
    for answer in future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(node.figures("a").await.0, q(4));
}

#[actix::test]
async fn past_the_journals_queue_callers_are_shed_and_nothing_has_changed() {
    let mut settings = Settings::default();
    settings.journal.queue_places_max = 2;
    let node = TestNode::begin_with(settings).await;
    node.receive(&[("a", 5), ("b", 5), ("c", 5)]).await;
    node.quiesce(ALL).await;
    node.disk().set(Disk::Stuck);
    let mut calls = [receipt(&node, "a"), receipt(&node, "b")];
    for call in &mut calls {
        assert_eq!(begun(call).await, None);
    }
    node.until("both are queued", &["a", "b"], |ledger| {
        ledger.level().version == 2
    })
    .await;
    let place = basket(node.new_id(), &[("c", 1)], TTL_MS);
    let shed = node.stock().reserve(node.by(), place, request(1)).await;
    assert_eq!(shed.unwrap_err(), CallError::Overloaded);
    let place = basket(node.new_id(), &[("b", 1), ("c", 1)], TTL_MS);
    let shed = node.stock().reserve(node.by(), place, request(2)).await;
    assert_eq!(shed.unwrap_err(), CallError::Overloaded);
    for _ in 0..1_000 {
        let taken = node.stock().sight().places_taken;
        assert_eq!(taken, 2, "what was shed leaves nothing to undo");
        tokio::task::yield_now().await;
    }
    assert_eq!(node.ledger(&key("c")).await.level().version, 1);
    assert_eq!(
        node.stock().level(&key("a")).unwrap().version,
        1,
        "not durable, so not shown"
    );

    node.disk().set(Disk::Sound);
    for answer in future::join_all(calls).await {
        answer.unwrap();
    }
    node.expects(&[("a", 6, 0, 0), ("b", 6, 0, 0), ("c", 5, 0, 0)])
        .await;
    let place = basket(node.new_id(), &[("c", 1)], TTL_MS);
    let placed = node
        .stock()
        .reserve(node.by(), place, request(1))
        .await
        .unwrap();
    assert!(
        !placed.replayed,
        "a request that was shed left nothing behind"
    );
    node.quiesce(ALL).await;
}

#[actix::test]
async fn a_refusal_is_told_only_when_what_it_rests_on_is_durable() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 1), ("b", 1)]).await;
    node.quiesce(&["a", "b"]).await;
    node.disk().set(Disk::Stuck);
    let mut taking = node.place(&[("a", 1)]).boxed_local();
    assert_eq!(begun(&mut taking).await, None);
    let has_hold = |ledger: &crate::stock::Ledger| ledger.holds().count() == 1;
    node.until("a is taken", &["a"], has_hold).await;
    let mut refused =
        [&[("a", 1)][..], &[("a", 1), ("b", 1)]].map(|wanted| node.place(wanted).boxed_local());
    for _ in 0..1_000 {
        for call in &mut refused {
            assert_eq!(begun(call).await, None, "a crash could still give it back");
        }
        tokio::task::yield_now().await;
    }
    node.disk().set(Disk::Sound);
    taking.await.unwrap();
    for call in refused {
        assert!(matches!(call.await, Err(CallError::Refused(_))));
    }
    node.quiesce(&["a", "b"]).await;
}

#[actix::test]
async fn nobody_waits_longer_for_the_disk_than_for_a_command() {
    let mut settings = Settings::default();
    settings.actors.command_timeout = Duration::from_secs(2);
    let node = TestNode::begin_with(settings).await;
    node.receive(&[("a", 5), ("b", 5)]).await;
    node.disk().set(Disk::Stuck);
    let (alone, basket) =
        futures::join!(node.place(&[("a", 1)]), node.place(&[("a", 1), ("b", 1)]));
    assert_eq!(alone.unwrap_err(), CallError::OutcomeUnknown);
    assert_eq!(basket.unwrap_err(), CallError::OutcomeUnknown);
    node.disk().set(Disk::Sound);
}

#[actix::test]
async fn past_the_reservations_known_new_ones_are_shed_and_repeats_are_answered() {
    let mut settings = Settings::default();
    settings.actors.reservations_max = 1;
    let node = TestNode::begin_with(settings).await;
    node.receive(&[("a", 5), ("b", 5)]).await;
    let reserve = async |number: u128, wanted: &[(&str, u32)]| {
        let place = basket(node.new_id(), wanted, TTL_MS);
        node.stock()
            .reserve(node.by(), place, request(number))
            .await
    };
    let first = reserve(1, &[("a", 1)]).await.unwrap().reservation;
    for wanted in [&[("b", 1)][..], &[("a", 1), ("b", 1)]] {
        let shed = reserve(2, wanted).await;
        assert_eq!(shed.unwrap_err(), CallError::Overloaded);
    }
    node.expects(&[("a", 5, 1, 0), ("b", 5, 0, 0)]).await;
    let again = reserve(1, &[("a", 1)]).await.unwrap();
    assert!(again.replayed && again.reservation.id == first.id);

    node.change(first.id, Change::Release).await.unwrap();
    node.clock.advance(FORGET_AFTER_MS);
    let now = node.clock.now();
    node.directory().context.reservations.forget(now);
    let placed = reserve(2, &[("b", 1)]).await.unwrap();
    assert!(
        !placed.replayed,
        "a request that was shed left nothing behind"
    );
}

/// More than one page looks at.
const MANY: u32 = 60_000;

#[actix::test]
async fn a_list_of_levels_in_which_few_fit_is_answered_in_parts() {
    let node = TestNode::begin().await;
    for number in 0..MANY {
        let elsewhere = StockKey::parse(&format!("a{number}@lund")).unwrap();
        node.directory().load_changed(&Ledger::new(elsewhere));
    }
    node.receive(&[("b", 1)]).await;
    let part = async |after: Option<&StockKey>| {
        let after = after.map(StockKey::as_str);
        let part = node.stock().levels(None, Some("malmo"), after, 10).await;
        part.unwrap()
    };
    let first = part(None).await;
    assert!(first.found.is_empty(), "the others are looked at first");
    let rest = part(first.next.as_ref()).await;
    assert_eq!(rest.found[0].0, key("b"));
    assert_eq!((rest.found.len(), rest.next), (1, None));
}

#[actix::test]
async fn a_list_of_reservations_in_which_few_fit_is_answered_in_parts() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 1), ("b", 1)]).await;
    let others = node.place(&[("a", 1)]).await.unwrap();
    let wanted = node.place(&[("b", 1)]).await.unwrap();
    let publish = |like: &Reservation, number: u32| {
        let id = ReservationId(wanted.id.0 + u128::from(number));
        let one = Reservation { id, ..like.clone() };
        node.directory().context.reservations.publish(&one.into());
        id
    };
    for number in 1..=MANY {
        publish(&others, number);
    }
    let last = publish(&wanted, MANY + 1);
    let filter = ReservationFilter {
        sku: Some("b".to_owned()),
        ..ReservationFilter::default()
    };
    let first = node.stock().reservations(&filter, Some(wanted.id), 10);
    let first = first.await.unwrap();
    assert!(first.found.is_empty(), "the others are looked at first");
    let rest = node.stock().reservations(&filter, first.next, 10);
    let rest = rest.await.unwrap();
    assert_eq!(rest.found[0].id, last);
    assert_eq!((rest.found.len(), rest.next), (1, None));
}
