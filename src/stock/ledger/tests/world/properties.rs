//! What must hold once the world is calm. What holds after every record is in `bench`.

use std::collections::BTreeMap;

use super::engine::{Why, World};
use crate::stock::command::Raise;
use crate::stock::hold::Grant;
use crate::stock::{Change, Command, Event, Quantity, Reservation, State, StockKey};

impl World {
    /// What every key grants is what the lead's newest record gives it, and nothing is left of
    /// raises that came to nothing.
    pub fn assert_followers_agree(&self) {
        for (key, ledger) in &self.ledgers {
            for (id, hold) in ledger.holds() {
                assert_eq!(hold.prepared, None, "{key} waits for {id}");
                let lead = &self.ledgers[&hold.lead];
                let newest = lead
                    .reservation(id)
                    .unwrap_or_else(|| panic!("phantom {hold:?}"));
                assert_eq!(told(&hold.grant), told(&newest.grant(key)), "{key} of {id}");
                assert_eq!(hold.till_used, hold.grant.acknowledged, "{key} of {id}");
            }
            for reservation in ledger.reservations() {
                for share in reservation.shares.iter() {
                    assert_used_once(reservation, &share.key);
                    let there = self.ledgers[&share.key].hold(reservation.id);
                    let grant = reservation.grant(&share.key);
                    // A key whose hold ended keeps none for a reclaim that wants nothing there.
                    let keeps = !grant.granted.is_zero() || there.is_some();
                    assert!(
                        there.is_some() == (keeps && !grant.is_over()),
                        "{reservation:?} at {share:?}"
                    );
                }
            }
        }
    }

    /// On hand is what movements did, less what was handed over: each exactly once.
    pub fn assert_on_hand_adds_up(&self) {
        let mut on_hand: BTreeMap<&StockKey, Quantity> = BTreeMap::new();
        for record in &self.journal {
            for event in &record.events {
                if let Event::Moved(moved) = event {
                    *on_hand.entry(&record.key).or_default() += moved.delta;
                }
            }
        }
        for reservation in self.published.values() {
            for share in reservation.shares.iter() {
                *on_hand.entry(&share.key).or_default() -= share.handed_over;
            }
        }
        for (key, ledger) in &self.ledgers {
            assert_eq!(ledger.level().on_hand, on_hand[key], "{key}");
        }
    }

    pub fn assert_replay_gives_the_same(&self) {
        assert_eq!(self.replayed(), self.ledgers);
    }

    /// Ends every reservation: time for the held, a cancellation for the confirmed.
    pub fn resolve_all(&mut self) {
        self.now = self.now.plus_millis(100_000);
        for key in self.keys.clone() {
            self.record_due(&key);
        }
        self.calm_down();
        let confirmed: Vec<_> = self
            .published
            .values()
            .filter(|reservation| reservation.state == State::Confirmed)
            .cloned()
            .collect();
        for reservation in confirmed {
            // No till sells any more: what is there need not be set aside.
            let aside = |key: &StockKey| (key.clone(), reservation.grant(key).granted);
            let raise = Raise {
                base_revision: reservation.revision,
                prepared: reservation.followers().map(aside).collect(),
                before: self.now.plus_millis(1),
            };
            let cancel = Command::Change {
                reservation: reservation.id,
                change: Change::Cancel(None),
                raise: Some(raise),
                uses: Vec::new(),
                idempotency: None,
            };
            self.send(reservation.lead.clone(), cancel, Why::Alone, 0);
        }
        self.calm_down();
    }

    pub fn assert_nothing_is_left(&self) {
        for (key, ledger) in &self.ledgers {
            let level = ledger.level();
            assert_eq!((level.held, level.committed), Default::default(), "{key}");
            assert_eq!(ledger.holds().count(), 0, "{key}");
            assert_eq!(ledger.errands(), [], "{key}");
            let next = (ledger.next_deadline(), ledger.next_doubt());
            assert_eq!(next, (None, None), "{key} has nothing to wake for");
            assert!(ledger.is_idle(), "{key} owes nothing");
        }
    }
}

/// What was handed over, cancelled and used by tills at a key is no more than the lines want.
fn assert_used_once(reservation: &Reservation, key: &StockKey) {
    let here = reservation.lines.iter().filter(|line| line.key == *key);
    let cancelled: Quantity = here.map(|line| line.cancelled).sum();
    let handed_over = reservation.share(key).unwrap().handed_over;
    if handed_over.is_positive() || cancelled.is_positive() {
        let (used, wanted) = (reservation.used(key), reservation.wanted(key));
        assert!(used <= wanted, "{key} twice in {reservation:?}");
    }
}

fn told(grant: &Grant) -> Grant {
    let (revision, acknowledged) = (0, Quantity::ZERO);
    Grant {
        revision,
        acknowledged,
        ..*grant
    }
}
