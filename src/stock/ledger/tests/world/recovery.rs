//! What becomes durable, what a crash leaves of it, and how the world calms down.

use std::collections::BTreeMap;

use super::super::bench::assert_sound;
use super::engine::World;
use crate::stock::{Event, Ledger, StockKey};

impl World {
    pub fn sync(&mut self, records: usize) {
        let durable = self.journal.len().min(self.durable + records);
        let reserved = self.journal[self.durable..durable].iter();
        for event in reserved.flat_map(|record| &record.events) {
            if let Event::Reserved { reservation, .. } = event {
                self.published.insert(reservation.id, reservation.clone());
            }
        }
        self.durable = durable;
    }

    pub fn rest(&mut self, nth: usize) {
        let key = &self.keys[nth];
        let image = self.ledgers[key].image();
        let back = Ledger::from_image(key.clone(), &image).unwrap();
        assert_eq!(Ledger::holds_of_image(&image), Ok(back.holds().len()));
        self.ledgers.insert(key.clone(), back);
    }

    pub fn crash(&mut self) {
        self.journal.truncate(self.durable);
        self.ledgers = self.replayed();
        self.mail.clear();
        self.astray.clear();
        self.raisings.clear();
        self.ledgers.values().for_each(assert_sound);
    }

    /// What recovery makes of the journal.
    pub fn replayed(&self) -> BTreeMap<StockKey, Ledger> {
        let ledgers = self
            .keys
            .iter()
            .map(|key| (key.clone(), Ledger::new(key.clone())));
        let mut ledgers: BTreeMap<StockKey, Ledger> = ledgers.collect();
        for (index, record) in self.journal.iter().enumerate() {
            let ledger = ledgers.get_mut(&record.key).unwrap();
            assert_eq!(ledger.replay(record, index as u64 + 1), Ok(true));
        }
        ledgers
    }

    /// Whoever ran a raise is gone; what is owed is done, and doubts are asked after, until
    /// nothing happens any more.
    pub fn calm_down(&mut self) {
        for _ in 0..1000 {
            self.sync(usize::MAX - self.durable);
            if !self.mail.is_empty() {
                self.arrive(0);
                continue;
            }
            self.raisings.clear();
            let keys = self.keys.clone();
            let owed: usize = keys
                .iter()
                .map(|key| self.run_errands(key) + self.inquire(key))
                .sum();
            let waits = self.ledgers.values().flat_map(Ledger::holds);
            let waits = waits.filter_map(|(_, hold)| Some(hold.prepared?.before));
            match waits.min() {
                _ if owed > 0 => {}
                Some(before) => self.now = self.now.max(before),
                None => return,
            }
        }
        panic!("it never calms down: {:?}", self.mail);
    }
}
