//! What the border asks of stock: one handle, cheap to clone, behind which keys, actors and
//! protocols stay hidden.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use futures::future;

use super::LevelListener;
use super::call::{CallError, Deliver, Replied};
use super::directory::Directory;
use super::published::{ReservationFilter, ReservationPage};
use super::reply::Replies;
use super::slots::KeyHasher;
use crate::journal::Position;
use crate::stock::{By, Command, Level, Reservation, ReservationId, StockKey, Timestamp};

/// How many looks into the directory, each at a thousand keys, one page of levels may take: where
/// few keys fit, it is answered with what was found and where to go on.
const LOOKS_MAX: usize = 50;

/// Stock, as the border sees it.
#[derive(Clone)]
pub struct StockService {
    directory: Arc<Directory>,
    epoch: Arc<str>,
}

/// Part of the stocked keys.
pub struct Look {
    /// What was found.
    pub keys: Vec<StockKey>,
    /// What to pass as `after` for the next part; none at the end.
    pub next: Option<String>,
}

/// Part of the stocked keys with their figures.
pub struct Levels {
    /// What was found, in the order of the keys; may be fewer than asked for although there are
    /// more.
    pub found: Vec<(StockKey, Level)>,
    /// What to pass as `after` for the next part; none at the end.
    pub next: Option<StockKey>,
}

/// How much there is, for those who watch.
pub struct Sight {
    /// Stock keys.
    pub keys: usize,
    /// Reservations known.
    pub reservations: usize,
    /// Places taken in the journal's queue.
    pub places_taken: usize,
    /// Places there are.
    pub places_max: usize,
}

impl StockService {
    /// The service over `directory`, in the lineage of data named `epoch`.
    pub fn new(directory: Arc<Directory>, epoch: &str) -> StockService {
        StockService {
            directory,
            epoch: epoch.into(),
        }
    }

    pub(super) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The lineage of data.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The last durable and published position.
    pub fn durable(&self) -> Position {
        self.directory.context.journal.durable()
    }

    /// How much there is now.
    pub fn sight(&self) -> Sight {
        let context = &self.directory.context;
        Sight {
            keys: self.directory.len(),
            reservations: context.reservations.len(),
            places_taken: context.journal.places_taken(),
            places_max: context.journal.places_max(),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.directory.context.clock.now()
    }

    /// Waits until it is that time.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        self.directory.context.clock.sleep_until(deadline).await;
    }

    /// Has `listener` told of every level from now on.
    ///
    /// # Panics
    /// There is one already: that is an error in the wiring.
    pub fn listen(&self, listener: LevelListener) {
        let set = self.directory.context.listener.set(listener);
        assert!(set.is_ok(), "levels have one listener");
    }

    /// A name that no reservation has.
    pub fn new_reservation_id(&self) -> ReservationId {
        ReservationId(uuid::Uuid::now_v7().as_u128())
    }

    /// One command to one key.
    pub async fn call(&self, key: &StockKey, by: By, command: Command) -> Replied {
        let (deliver, replied) = Deliver::new(by, command);
        self.directory.call(key, deliver, replied).await
    }

    /// Commands to many keys at once, in the order given per key: none overtakes another whose lead
    /// had to be asked first, and once one was shed, later ones of its key are too.
    pub async fn call_all(&self, calls: Vec<(StockKey, By, Command)>) -> Vec<Replied> {
        let (mut replies, places) = Replies::of(calls.len());
        let mut deliveries: Vec<(StockKey, Deliver)> = Vec::with_capacity(calls.len());
        let mut first_of: HashMap<StockKey, usize, KeyHasher> = HashMap::default();
        first_of.reserve(calls.len());
        for ((key, by, command), reply) in calls.into_iter().zip(places) {
            let deliver = Deliver::answering(reply, by, command);
            match first_of.entry(key) {
                Entry::Occupied(first) => deliveries[*first.get()].1.then.push_back(deliver),
                Entry::Vacant(none) => {
                    deliveries.push((none.key().clone(), deliver));
                    none.insert(deliveries.len() - 1);
                }
            }
        }
        self.directory.send_all(deliveries);
        let timeout = self.directory.context.config.command_timeout;
        let unanswered = match tokio::time::timeout(timeout, replies.complete()).await {
            Ok(()) => CallError::Overloaded,
            Err(_) => CallError::OutcomeUnknown,
        };
        replies.take(&unanswered)
    }

    /// The published figures; none, or `stocked: false`, for a key that is not stocked.
    pub fn level(&self, key: &StockKey) -> Option<Level> {
        self.directory.level(key.as_str())
    }

    /// The published figures, after what is overdue was settled.
    pub async fn fresh_level(&self, key: &StockKey) -> Result<Option<Level>, CallError> {
        match self.level(key) {
            Some(level) if level.is_overdue(self.now()) => {
                self.call(key, By::onhand(), Command::Touch).await?;
                Ok(self.level(key))
            }
            level => Ok(level),
        }
    }

    /// Up to `limit` stocked keys after `after`, in order, with their figures; what is overdue is
    /// settled first.
    pub async fn levels(
        &self,
        sku: Option<&str>,
        location: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Levels, CallError> {
        let mut page = self.page(sku, location, after, limit);
        self.settle(&mut page.found).await?;
        page.found.retain(|(_, level)| level.stocked);
        Ok(page)
    }

    /// Settles what is overdue of these, all at once, and takes the figures that are left.
    async fn settle(&self, levels: &mut [(StockKey, Level)]) -> Result<(), CallError> {
        let now = self.now();
        let overdue = levels.iter_mut().filter(|(_, level)| level.is_overdue(now));
        let overdue: Vec<_> = overdue.collect();
        if overdue.is_empty() {
            return Ok(());
        }
        let touches = overdue.iter();
        let touches = touches.map(|(key, _)| (key.clone(), By::onhand(), Command::Touch));
        let settled = self.call_all(touches.collect()).await;
        for ((_, level), settled) in overdue.into_iter().zip(settled) {
            *level = settled?.level;
        }
        Ok(())
    }

    /// Up to `limit` stocked keys of a SKU, by location.
    pub fn keys_of(&self, sku: &str, limit: usize) -> Vec<StockKey> {
        let page = self.page(Some(sku), None, None, limit);
        page.found.into_iter().map(|(key, _)| key).collect()
    }

    /// As published: up to `limit` of the keys that a bounded number of looks finds.
    fn page(
        &self,
        sku: Option<&str>,
        location: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Levels {
        let prefix = sku.map_or_else(String::new, |sku| format!("{sku}@"));
        let suffix = location.map_or_else(String::new, |location| format!("@{location}"));
        let ends = (prefix.as_str(), suffix.as_str());
        let (mut found, mut next): (Vec<_>, Option<StockKey>) = (Vec::new(), None);
        for _ in 0..LOOKS_MAX {
            let after = next.as_ref().map(StockKey::as_str).or(after);
            let (page, last) = self.directory.page(ends, after, limit - found.len());
            found.extend(page);
            next = last;
            if next.is_none() || found.len() >= limit {
                break;
            }
        }
        Levels { found, next }
    }

    /// Some of the stocked keys of a SKU or at a location, at most `limit`, those after `after`.
    /// Where few fit there may be none among those that were looked at: others have a turn.
    pub fn look(
        &self,
        sku: Option<&str>,
        location: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Look {
        let prefix = sku.map_or_else(String::new, |sku| format!("{sku}@"));
        let suffix = location.map_or_else(String::new, |location| format!("@{location}"));
        let ends = (prefix.as_str(), suffix.as_str());
        let (found, last) = self.directory.page(ends, after, limit);
        Look {
            keys: found.into_iter().map(|(key, _)| key).collect(),
            next: last.map(|key| key.to_string()),
        }
    }

    /// The newest published revision, after what is overdue was settled.
    pub async fn reservation(
        &self,
        id: ReservationId,
    ) -> Result<Option<Arc<Reservation>>, CallError> {
        let published = &self.directory.context.reservations;
        let Some(known) = published.get(id) else {
            return Ok(None);
        };
        let overdue = known
            .deadline
            .is_some_and(|deadline| deadline <= self.now());
        if known.state.is_live() && overdue {
            self.call(&known.lead, By::onhand(), Command::TouchReservation(id))
                .await?;
            return Ok(published.get(id));
        }
        Ok(Some(known))
    }

    /// Up to `limit` reservations after `after`, oldest first; what is overdue is settled first.
    pub async fn reservations(
        &self,
        filter: &ReservationFilter,
        after: Option<ReservationId>,
        limit: usize,
    ) -> Result<ReservationPage, CallError> {
        let published = &self.directory.context.reservations;
        let mut page = published.page(filter, after, limit);
        let now = self.now();
        let is_overdue = |one: &&mut Arc<Reservation>| {
            one.state.is_live() && one.deadline.is_some_and(|deadline| deadline <= now)
        };
        let overdue: Vec<_> = page.found.iter_mut().filter(is_overdue).collect();
        if overdue.is_empty() {
            return Ok(page);
        }
        let settled = overdue.iter().map(|one| {
            let touch = Command::TouchReservation(one.id);
            self.call(&one.lead, By::onhand(), touch)
        });
        future::try_join_all(settled).await?;
        for one in overdue {
            *one = published.get(one.id).unwrap_or_else(|| one.clone());
        }
        page.found.retain(|one| filter.passes(one));
        Ok(page)
    }
}
