//! What must be true whenever somebody looks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::asking::*;
use super::{KEYS, Storm};
use crate::actors::{JournalRecord, ReservationFilter};
use crate::journal::{Position, Store};
use crate::stock::{Ledger, Quantity, Reservation, State, StockKey};

/// So many of the newest answers are asked for again.
const ASKED_AGAIN: usize = 10;

impl Storm {
    /// All that was told is still so: newest revisions, first answers, figures.
    pub async fn check_told(&self) {
        let told: Vec<_> = self.heard.borrow().reservations.values().cloned().collect();
        for known in told {
            let now = self.node.stock().reservation(known.id).await.unwrap();
            let now = now.unwrap_or_else(|| panic!("lost: {known:?}"));
            assert!(now.revision >= known.revision, "{now:?} after {known:?}");
            self.heard.borrow_mut().reservation(&now);
        }
        for name in KEYS {
            if let Some(level) = self.node.stock().level(&key(name)) {
                self.heard.borrow_mut().level(&key(name), level);
            }
        }
        let answers: Vec<_> = {
            let heard = self.heard.borrow();
            heard
                .answers
                .iter()
                .rev()
                .take(ASKED_AGAIN)
                .cloned()
                .collect()
        };
        for (act, first) in answers {
            self.ask_again(&act, &first).await;
        }
    }

    /// When all is quiet: leads and followers agree, nothing is left over, figures add up.
    pub async fn check_quiet(&self) {
        self.node.quiesce(KEYS).await;
        let filter = ReservationFilter::default();
        let all = self
            .node
            .stock()
            .reservations(&filter, None, usize::MAX)
            .await
            .unwrap()
            .found;
        let mut ledgers = HashMap::new();
        for name in KEYS {
            let ledger = self.node.ledger(&key(name)).await;
            if let Some(level) = self.node.stock().level(&key(name)) {
                assert_eq!(level, *ledger.level(), "what is shown is what is");
                self.heard.borrow_mut().level(&key(name), level);
            }
            ledgers.insert(key(name), ledger);
        }
        for reservation in &all {
            follows(reservation, &ledgers);
        }
        for (key, ledger) in &ledgers {
            adds_up(key, ledger, &all);
        }
    }

    /// Every movement that was told to be recorded, and every hand-over, counts exactly once.
    pub async fn check_sums(&self) {
        let mut on_hand = Quantity::ZERO;
        for name in KEYS {
            on_hand += self.node.ledger(&key(name)).await.level().on_hand;
        }
        let filter = ReservationFilter::default();
        let all = self
            .node
            .stock()
            .reservations(&filter, None, usize::MAX)
            .await
            .unwrap()
            .found;
        let shares = all.iter().flat_map(|one| one.shares.iter());
        let handed_over: Quantity = shares.map(|share| share.handed_over).sum();
        let moved: Quantity = self.heard.borrow().moved.values().copied().sum();
        assert_eq!(on_hand, moved - handed_over);
    }

    /// The history that is kept is whole, and nothing in it was ever oversold but by a till.
    pub async fn check_history(&self) {
        let mut after = Position::new(self.node.disk().earliest().get() - 1);
        let mut versions: HashMap<StockKey, u64> = HashMap::new();
        loop {
            let read = self
                .node
                .stock()
                .records_after(after, 1_000, Duration::ZERO)
                .await;
            let read = read.unwrap();
            if read.is_empty() {
                return;
            }
            for (position, record) in read {
                assert_eq!(position, after.next());
                after = position;
                let JournalRecord::Stock(record) = record else {
                    panic!("no catalogue here")
                };
                self.heard.borrow_mut().level(&record.key, record.level);
                let version = record.level.version;
                let before = versions.insert(record.key.clone(), version);
                assert!(
                    before.is_none_or(|before| version == before + 1),
                    "{record:?}"
                );
                if !self.weather.wild_tills {
                    assert!(record.level.shortfall().is_zero(), "oversold: {record:?}");
                }
            }
        }
    }
}

/// Every key has what the lead's newest revision grants it, and has told what it used.
fn follows(reservation: &Arc<Reservation>, ledgers: &HashMap<StockKey, Ledger>) {
    for (key, ledger) in ledgers {
        let hold = ledger.hold(reservation.id);
        let grant = reservation.grant(key);
        if reservation.share(key).is_none() || grant.is_over() {
            assert!(hold.is_none(), "{key} keeps {hold:?} of {reservation:?}");
            continue;
        }
        // A key whose lines went elsewhere forgets what was used here when the reservation
        // expires. If it is reclaimed nothing more can be asked of the key.
        let is_reclaimed = reservation.state == State::Confirmed && grant.granted.is_zero();
        if hold.is_none() && is_reclaimed {
            continue;
        }
        let hold = hold.unwrap_or_else(|| panic!("{key} lost its part of {reservation:?}"));
        let here = &hold.grant;
        let told = (
            here.granted,
            here.committed,
            here.handed_over,
            here.deadline,
        );
        let due = (
            grant.granted,
            grant.committed,
            grant.handed_over,
            grant.deadline,
        );
        assert_eq!(told, due, "{key} follows {reservation:?}");
        assert_eq!(
            hold.till_used, grant.acknowledged,
            "{key} told {reservation:?}"
        );
    }
}

/// What is held and committed is what live reservations have left here, and no hold is without.
fn adds_up(key: &StockKey, ledger: &Ledger, all: &[Arc<Reservation>]) {
    let left = |state| -> Quantity {
        let these = all.iter().filter(|one| one.state == state);
        these.map(|one| one.remaining(key)).sum()
    };
    assert_eq!(ledger.level().held, left(State::Held), "{key}");
    assert_eq!(ledger.level().committed, left(State::Confirmed), "{key}");
    for (id, hold) in ledger.holds() {
        let known = all.iter().find(|one| one.id == id);
        assert!(
            known.is_some_and(|one| one.state.is_live()),
            "{key} keeps {hold:?} of nobody"
        );
    }
}
