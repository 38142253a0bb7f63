//! Reservations as everyone may see them: after the commit, until a day after they resolved.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::stock::ledger::FORGET_AFTER_MS;
use crate::stock::{Reservation, ReservationId, State, Timestamp};

/// How many reservations one look examines under the lock.
const EXAMINE_AT_ONCE_MAX: usize = 2000;

/// How many reservations are examined for one page, which is then answered with what was found
/// and where to go on: a list in which none fits must cost little.
const EXAMINED_MAX: usize = 50_000;

/// What a list of reservations is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// The shop's customer.
    pub customer: Option<String>,
    /// The shop's own id.
    pub reference: Option<String>,
    /// The order it became.
    pub order: Option<String>,
    /// The channel it was placed through.
    pub channel: Option<String>,
    /// A line's SKU.
    pub sku: Option<String>,
    /// A line's location.
    pub location: Option<String>,
    /// Its state.
    pub state: Option<State>,
}

/// Part of the reservations that fit.
pub struct ReservationPage {
    /// What was found, oldest first; may be fewer than asked for although there are more.
    pub found: Vec<Arc<Reservation>>,
    /// What to pass as `after` for the next part; none at the end.
    pub next: Option<ReservationId>,
}

/// The published reservations, found by id, customer, reference and order.
#[derive(Default)]
pub struct PublishedReservations {
    index: RwLock<Index>,
    /// How many there are, for those who must not wait for the index.
    count: AtomicUsize,
}

#[derive(Default)]
struct Index {
    by_id: BTreeMap<ReservationId, Arc<Reservation>>,
    by_word: BTreeSet<(Word, ReservationId)>,
    resolved: BTreeSet<(Timestamp, ReservationId)>,
}

/// A text that reservations are looked up by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Customer(Arc<str>),
    Reference(Arc<str>),
    Order(Arc<str>),
}

impl PublishedReservations {
    /// The newest published revision.
    pub fn get(&self, id: ReservationId) -> Option<Arc<Reservation>> {
        self.index.read().by_id.get(&id).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Publishes a revision; an older one than what is known changes nothing.
    pub fn publish(&self, reservation: &Arc<Reservation>) {
        let id = reservation.id;
        let mut index = self.index.write();
        let Index {
            by_id,
            by_word,
            resolved,
        } = &mut *index;
        let old = match by_id.entry(id) {
            Entry::Vacant(vacant) => {
                vacant.insert(reservation.clone());
                self.count.fetch_add(1, Ordering::Relaxed);
                None
            }
            Entry::Occupied(known) if known.get().revision > reservation.revision => return,
            Entry::Occupied(mut known) => Some(known.insert(reservation.clone())),
        };
        for word in old.iter().flat_map(|old| words(old)) {
            if !words(reservation).any(|kept| kept == word) {
                by_word.remove(&(word, id));
            }
        }
        let said = |word: &Word| old.iter().any(|old| words(old).any(|known| known == *word));
        by_word.extend(
            words(reservation)
                .filter(|word| !said(word))
                .map(|word| (word, id)),
        );
        if let Some(at) = old.as_ref().and_then(|old| old.resolved_at) {
            resolved.remove(&(at, id));
        }
        if let Some(at) = reservation.resolved_at {
            resolved.insert((at, id));
        }
        // The last of an old revision is let go without keeping others out.
        drop(index);
        drop(old);
    }

    /// Forgets what resolved a day before `now`, a bounded number at once.
    pub fn forget(&self, now: Timestamp) {
        let limit = (now.plus_millis(-FORGET_AFTER_MS), ReservationId(u128::MAX));
        loop {
            let index = &mut *self.index.write();
            let due = index.resolved.range(..=limit).take(EXAMINE_AT_ONCE_MAX);
            let due: Vec<_> = due.copied().collect();
            for (at, id) in &due {
                index.resolved.remove(&(*at, *id));
                if let Some(old) = index.by_id.remove(id) {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                    for word in words(&old) {
                        index.by_word.remove(&(word, *id));
                    }
                }
            }
            if due.len() < EXAMINE_AT_ONCE_MAX {
                return;
            }
        }
    }

    /// Up to `limit` reservations after `after`, oldest first, that pass the filter. Looks at a
    /// bounded number, a part of them at once under the lock, then lets others in.
    pub fn page(
        &self,
        filter: &ReservationFilter,
        after: Option<ReservationId>,
        limit: usize,
    ) -> ReservationPage {
        let (mut found, mut next, mut examined) = (Vec::new(), after, 0);
        loop {
            let (just_now, last) = self.examine(filter, next, limit, &mut found);
            examined += just_now;
            next = last;
            if found.len() >= limit || examined >= EXAMINED_MAX {
                return ReservationPage { found, next };
            }
            if just_now < EXAMINE_AT_ONCE_MAX {
                return ReservationPage { found, next: None };
            }
        }
    }

    fn examine(
        &self,
        filter: &ReservationFilter,
        after: Option<ReservationId>,
        limit: usize,
        found: &mut Vec<Arc<Reservation>>,
    ) -> (usize, Option<ReservationId>) {
        let index = self.index.read();
        let mut candidates: Box<dyn Iterator<Item = &Arc<Reservation>>> = match filter.word() {
            Some(word) => {
                let first = after.map_or(0, |id| id.0.saturating_add(1));
                let from = (word.clone(), ReservationId(first));
                let until = (word, ReservationId(u128::MAX));
                let ids = index.by_word.range(from..=until).map(|(_, id)| id);
                Box::new(ids.filter_map(|id| index.by_id.get(id)))
            }
            None => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                Box::new(
                    index
                        .by_id
                        .range((from, Bound::Unbounded))
                        .map(|(_, one)| one),
                )
            }
        };
        let (mut examined, mut last) = (0, after);
        while found.len() < limit
            && examined < EXAMINE_AT_ONCE_MAX
            && let Some(candidate) = candidates.next()
        {
            examined += 1;
            last = Some(candidate.id);
            if filter.passes(candidate) {
                found.push(candidate.clone());
            }
        }
        (examined, last)
    }
}

fn words(reservation: &Reservation) -> impl Iterator<Item = Word> {
    let order = reservation
        .confirmation
        .as_ref()
        .and_then(|confirmed| confirmed.order.clone());
    let customer = reservation.customer.clone().map(Word::Customer);
    let reference = reservation.reference.clone().map(Word::Reference);
    [customer, reference, order.map(Word::Order)]
        .into_iter()
        .flatten()
}

impl ReservationFilter {
    /// The text that narrows most.
    fn word(&self) -> Option<Word> {
        let order = self.order.as_deref().map(|text| Word::Order(text.into()));
        let reference = || {
            self.reference
                .as_deref()
                .map(|text| Word::Reference(text.into()))
        };
        let customer = || {
            self.customer
                .as_deref()
                .map(|text| Word::Customer(text.into()))
        };
        order.or_else(reference).or_else(customer)
    }

    /// Whether it is among those asked for.
    pub(super) fn passes(&self, reservation: &Reservation) -> bool {
        let is = |wanted: &Option<String>, text: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| text == Some(wanted))
        };
        let confirmed = reservation.confirmation.as_deref();
        let at = |wanted: &Option<String>, part: fn(&crate::stock::Line) -> &str| {
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| reservation.lines.iter().any(|line| part(line) == wanted))
        };
        is(&self.customer, reservation.customer.as_deref())
            && is(&self.reference, reservation.reference.as_deref())
            && is(
                &self.order,
                confirmed.and_then(|confirmed| confirmed.order.as_deref()),
            )
            && is(&self.channel, Some(reservation.by.channel.as_str()))
            && at(&self.sku, |line| line.key.sku())
            && at(&self.location, |line| line.key.location())
            && self.state.is_none_or(|state| reservation.state == state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::{By, Confirmation, StockKey};

    #[test]
    fn a_word_that_a_reservation_no_longer_says_finds_nothing_and_is_not_kept() {
        let published = PublishedReservations::default();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let revision = |revision, order: &str| {
            let confirmation = Confirmation {
                order: Some(order.into()),
                ..Confirmation::default()
            };
            Arc::new(Reservation {
                id: ReservationId(7),
                lead: StockKey::parse("A@X").unwrap(),
                revision,
                state: State::Fulfilled,
                lines: [].into(),
                shares: [].into(),
                deadline: None,
                ttl_ms: 1,
                by: By::default(),
                customer: Some("c".into()),
                reference: None,
                metadata: None,
                confirmation: Some(Box::new(confirmation)),
                created_at: now,
                resolved_at: Some(now),
            })
        };
        published.publish(&revision(1, "first"));
        published.publish(&revision(2, "second"));
        let found = |order: &str| {
            let order = Some(order.to_owned());
            let filter = ReservationFilter {
                order,
                ..ReservationFilter::default()
            };
            published.page(&filter, None, 10).found.len()
        };
        assert_eq!((found("first"), found("second")), (0, 1));
        published.forget(now.plus_millis(FORGET_AFTER_MS));
        assert!(published.is_empty() && published.index.read().by_word.is_empty());
    }
}
