//! The journal as others read it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, future};

use super::asking::*;
use super::breaking_store::Disk;
use super::test_node::*;
use crate::actors::{EventsError, JournalRecord};
use crate::app::pace::Pace;
use crate::app::trim::{Beyond, Trim, older, trim};
use crate::app::upkeep::{Trimmed, trim_in_steps};
use crate::journal::{Position, Store};
use crate::stock::{Event, Ledger, MovementKind, StockRecord};

/// All records after a position, read in pieces.
async fn records(node: &TestNode, after: Position) -> Vec<(Position, StockRecord)> {
    let (mut all, mut after) = (Vec::new(), after);
    loop {
        let piece = node
            .stock()
            .records_after(after, 7, Duration::ZERO)
            .await
            .unwrap();
        let Some((last, _)) = piece.last() else {
            return all;
        };
        after = *last;
        all.extend(piece.into_iter().map(|(position, record)| match record {
            JournalRecord::Stock(stock) => (position, *stock),
            JournalRecord::Catalogue(_) => panic!("no catalogue here"),
        }));
    }
}

#[actix::test]
async fn records_are_read_in_order_without_a_gap() {
    let mut node = TestNode::begin().await;
    node.receive(&[("a", 5), ("b", 5)]).await;
    node.place(&[("a", 1), ("b", 1)]).await.unwrap();
    node.quiesce(&["a", "b"]).await;
    node.crash().await;
    let read = records(&node, Position::ZERO).await;
    assert!(read.len() >= 5);
    for (index, (position, _)) in read.iter().enumerate() {
        assert_eq!(position.get(), index as u64 + 1);
    }
    for name in ["a", "b"] {
        let versions = read.iter().filter(|(_, record)| record.key == key(name));
        let versions: Vec<u64> = versions.map(|(_, record)| record.level.version).collect();
        assert!(
            versions.iter().copied().eq(1..=versions.len() as u64),
            "{versions:?}"
        );
    }
}

#[actix::test]
async fn a_reader_waits_for_the_next_record() {
    let node = TestNode::begin().await;
    let stock = node.stock().clone();
    let after = stock.durable();
    let mut waiting = stock
        .records_after(after, 10, Duration::from_secs(600))
        .boxed_local();
    assert!(hang_up_after(1, waiting.as_mut()).await.is_none());
    node.receive(&[("a", 5)]).await;
    let read = waiting.await.unwrap();
    assert_eq!((read.len(), read[0].0), (1, after.next()));
    let none = stock
        .records_after(read[0].0, 10, Duration::ZERO)
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[actix::test]
async fn a_read_ends_with_the_record_that_brings_as_many_events_as_are_asked_for() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 1_000)]).await;
    let holding = (0..1_000).map(|_| node.hold(&[("a", 1)], 1_000));
    for held in future::join_all(holding).await {
        held.unwrap();
    }
    node.quiesce(&["a"]).await;
    let after = node.stock().durable();
    node.clock.advance(1_000);
    node.until("all come to their end", &["a"], |ledger| {
        ledger.holds().count() == 0
    })
    .await;
    node.quiesce(&["a"]).await;
    let read = node.stock().records_after(after, 300, Duration::ZERO);
    let read = read.await.unwrap();
    let events = |(_, record): &(Position, JournalRecord)| match record {
        JournalRecord::Stock(record) => record.events.len(),
        JournalRecord::Catalogue(_) => panic!("no catalogue here"),
    };
    let events: Vec<usize> = read.iter().map(events).collect();
    let (last, before) = events.split_last().unwrap();
    let before: usize = before.iter().sum();
    assert!(before < 300 && before + last >= 300, "{events:?}");
}

#[actix::test]
async fn a_read_ends_with_the_record_that_makes_it_large() {
    let node = TestNode::begin().await;
    node.receive(&[("a", 3)]).await;
    let after = node.stock().durable();
    for _ in 0..3 {
        let mut place = basket(node.new_id(), &[("a", 1)], TTL_MS);
        place.metadata = Some("x".repeat(700_000).into());
        let placed = node.stock().reserve(node.by(), place, None).await;
        placed.unwrap();
    }
    let read = node.stock().records_after(after, 1_000, Duration::ZERO);
    assert_eq!(read.await.unwrap().len(), 2, "the second passes the bound");
}

#[actix::test]
async fn movements_of_a_key_are_listed_newest_first_across_restarts_and_rest() {
    let mut settings = Settings::default();
    settings.actors.idle_ms = 1;
    let mut node = TestNode::begin_with(settings).await;
    for quantity in 1..=4 {
        node.moves("a", MovementKind::Receipt, quantity).await;
        node.place(&[("a", 1)]).await.unwrap();
        node.receive(&[("b", 1)]).await;
        match quantity {
            2 => node.reopen().await,
            3 => node.crash().await,
            _ => node.clock.advance(50),
        }
    }
    let listed = |moves: &[(Position, StockRecord)]| -> Vec<_> {
        let quantity = |record: &StockRecord| match &record.events[..] {
            [Event::Moved(moved)] => moved.movement.quantity,
            other => panic!("{other:?}"),
        };
        moves.iter().map(|(_, record)| quantity(record)).collect()
    };
    let first = node.stock().movements_of(&key("a"), None, 3).await.unwrap();
    assert_eq!(listed(&first), [q(4), q(3), q(2)]);
    let before = first.last().map(|(position, _)| *position);
    let rest = node
        .stock()
        .movements_of(&key("a"), before, 3)
        .await
        .unwrap();
    assert_eq!(listed(&rest), [q(1)]);
}

#[actix::test]
async fn a_position_that_was_trimmed_away_is_told_with_the_earliest_kept() {
    let mut node = TestNode::begin().await;
    for _ in 0..400 {
        node.receive(&[("a", 1), ("b", 1)]).await;
    }
    node.clock.advance(1);
    let limit = node.clock.now();
    for _ in 0..100 {
        node.receive(&[("a", 1), ("b", 1)]).await;
    }
    node.snapshots().round().await.unwrap();
    let store: Arc<dyn Store> = node.disk().clone();
    assert_eq!(
        trim(&*store, older(BEGIN)).unwrap(),
        0,
        "nothing is that old"
    );
    assert_eq!(trim(&*store, older(limit)).unwrap(), 800);
    drop(store);
    let expired = node
        .stock()
        .records_after(Position::ZERO, 10, Duration::ZERO)
        .await;
    let Err(EventsError::Expired { earliest }) = expired else {
        panic!("{expired:?}")
    };
    assert_eq!(records(&node, earliest).await.len(), 200);
    let moves = node
        .stock()
        .movements_of(&key("a"), None, 1_000)
        .await
        .unwrap();
    assert_eq!(moves.len(), 100, "the list ends where history does");
    assert_eq!(node.verify().differences, [""; 0]);
    node.crash().await;
    node.expects(&[("a", 500, 0, 0), ("b", 500, 0, 0)]).await;
}

#[actix::test]
async fn a_long_trim_lets_snapshot_rounds_through_and_then_goes_on() {
    let node = TestNode::begin().await;
    for _ in 0..400 {
        node.receive(&[("a", 1), ("b", 1)]).await;
    }
    let snapshots = node.snapshots();
    snapshots.round().await.unwrap();
    let (mut trimmed, mut turns) = (0, 0);
    let beyond = older(BEGIN.plus_millis(1));
    loop {
        let turn = trim_in_steps(snapshots, beyond, Duration::ZERO).await;
        let Trimmed { records, is_all } = turn.unwrap();
        (trimmed, turns) = (trimmed + records, turns + 1);
        assert_eq!(node.disk().base_position().get(), trimmed);
        if is_all {
            break;
        }
    }
    assert_eq!(trimmed, 800);
    assert!(turns > 2, "{turns} turns");
    assert_eq!(node.verify().differences, [""; 0]);
}

fn begin(store: &dyn Store) -> Trim {
    Trim::begin(store, older(BEGIN.plus_millis(1)), &Pace::default(), 0).unwrap()
}

#[actix::test]
async fn a_large_group_is_folded_in_many_steps_and_goes_as_a_whole() {
    const RECORDS: u32 = 1_000;
    let node = TestNode::begin().await;
    node.disk().set(Disk::Stuck);
    let receipts = (0..RECORDS).map(|_| node.moves("a", MovementKind::Receipt, 1));
    let freeing = async {
        let are_queued = |ledger: &Ledger| ledger.level().version == u64::from(RECORDS);
        node.until("all are queued", &["a"], are_queued).await;
        node.disk().set(Disk::Sound);
    };
    futures::join!(future::join_all(receipts), freeing);
    node.snapshots().round().await.unwrap();

    let store: Arc<dyn Store> = node.disk().clone();
    let mut trim = begin(&*store);
    let (mut within, mut bases) = (0, BTreeSet::new());
    while trim.step(&*store).unwrap() {
        within += usize::from(!trim.is_between_groups());
        bases.insert(store.base_position());
    }
    assert!(within > 2, "it rested {within} times within a group");
    assert!(bases.len() <= 3, "the base moved within a group: {bases:?}");
    assert_eq!(trim.end(&*store).unwrap(), u64::from(RECORDS));
    assert_eq!(node.verify().differences, [""; 0]);
    drop(store);
    node.expects(&[("a", RECORDS, 0, 0)]).await;
}

#[actix::test]
async fn the_base_is_written_once_for_much_and_read_once_for_each_key() {
    let node = TestNode::begin().await;
    for receipts in [2_000, 600] {
        for _ in 0..receipts {
            node.receive(&[("a", 1)]).await;
        }
        node.snapshots().round().await.unwrap();
        let store = node.disk();
        let (read, mut bases) = (store.base_entries_read(), BTreeSet::new());
        let mut trim = begin(&**store);
        while trim.step(&**store).unwrap() {
            bases.insert(store.base_position());
        }
        assert_eq!(trim.end(&**store).unwrap(), receipts);
        assert!(bases.len() <= 1, "{bases:?}");
        assert_eq!(store.base_entries_read(), read + 1);
    }
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn many_keys_are_folded_a_part_at_a_time() {
    let node = TestNode::begin().await;
    let skus: Vec<String> = (0..200).map(|number| format!("s{number}")).collect();
    for sku in skus.iter().cycle().take(3 * skus.len()) {
        node.receive(&[(sku, 1)]).await;
    }
    node.snapshots().round().await.unwrap();
    let store = node.disk();
    let (mut trim, mut bases) = (begin(&**store), BTreeSet::new());
    while trim.step(&**store).unwrap() {
        bases.insert(store.base_position());
    }
    assert_eq!(trim.end(&**store).unwrap(), 600);
    assert!(bases.len() > 1, "{bases:?}");
    assert_eq!(node.verify().differences, [""; 0]);
}

#[actix::test]
async fn history_past_its_bytes_goes_oldest_first_and_the_base_is_never_read_as_a_whole() {
    let node = TestNode::begin().await;
    for _ in 0..300 {
        node.receive(&[("a", 1), ("b", 1)]).await;
    }
    node.snapshots().round().await.unwrap();
    let store = node.disk().clone();
    let all = store.history_bytes();
    let beyond = Beyond {
        before: BEGIN,
        bytes: all / 2,
    };
    let folded = trim(&*store, beyond).unwrap();
    assert!((200..400).contains(&folded), "{folded} of 600 records");
    assert_eq!(store.base_position().get(), folded);
    let left = store.history_bytes();
    assert!(left <= all - all / 2 && left > 0, "{left} of {all} bytes");
    assert_eq!(trim(&*store, beyond).unwrap() + folded, 600);
    assert_eq!(store.whole_bases_read(), 0);
    assert_eq!(node.verify().differences, [""; 0]);
    assert_eq!(store.whole_bases_read(), 1, "to verify is to read all");
}
