//! The hub: which topics there are, who follows which pattern, and what waits to be told.
//!
//! Three kinds of callers meet here. Who publishes looks a key up and leaves its newest level;
//! who follows adds itself to a group; the fan-out takes what waits. No lock is held while
//! followers are told but that of the group they are in, which publishing never takes.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::Hasher;
use super::census::{Census, ConnectionId, Full, Who};
use super::group::Group;
use super::inbox::Inbox;
use super::key::FeedKey;
use super::protocol::FeedLimits;
use super::subscription::Subscription;
use super::topic::{Topic, TopicId};
use super::view::{Faces, View};
use crate::stock::{Level, StockKey, TokenId};

/// Topics nobody follows are swept out once so many were let go.
const LET_GO_MAX: usize = 1000;

/// Where what is published meets those who follow it.
pub struct Hub {
    topics: DashMap<StockKey, Arc<Topic>, Hasher>,
    patterns: RwLock<Patterns>,
    queue: Mutex<Queue>,
    /// Wakes the fan-out.
    pub(super) queued: Notify,
    pub(super) faces: Box<dyn Faces>,
    pub(super) limits: FeedLimits,
    pub(super) census: Census,
    next_topic: AtomicU64,
    let_go: AtomicUsize,
}

/// Who follows more than one key, and which keys of a SKU are followed by themselves.
#[derive(Default)]
struct Patterns {
    items: HashMap<Arc<str>, OfItem>,
    locations: HashMap<Arc<str>, Arc<Group>>,
}

#[derive(Default)]
struct OfItem {
    everywhere: Arc<Group>,
    keys: HashSet<StockKey>,
}

/// What waits for the fan-out: bounded by the topics and items there are.
#[derive(Default)]
pub(super) struct Queue {
    pub topics: Vec<Arc<Topic>>,
    pub items: HashSet<Arc<str>>,
}

impl Hub {
    /// A hub that nobody follows yet.
    pub fn new(faces: Box<dyn Faces>, limits: FeedLimits) -> Arc<Hub> {
        Arc::new(Hub {
            topics: DashMap::with_hasher(Hasher::default()),
            patterns: RwLock::default(),
            queue: Mutex::default(),
            queued: Notify::new(),
            faces,
            limits,
            census: Census::default(),
            next_topic: AtomicU64::new(0),
            let_go: AtomicUsize::new(0),
        })
    }

    /// The bounds it keeps.
    pub fn limits(&self) -> &FeedLimits {
        &self.limits
    }

    /// A level was committed and can be read. Called on the journal's thread: it leaves the
    /// level with the key's topic, if anybody follows it, and returns.
    pub fn publish(&self, key: &StockKey, level: &Level) {
        let topic = self.topics.get(key.as_str()).map(|topic| topic.clone());
        let topic = topic.or_else(|| self.is_in_pattern(key).then(|| self.topic(key)));
        let Some(topic) = topic else {
            return;
        };
        if topic.publish(level) {
            self.queue.lock().topics.push(topic);
            self.queued.notify_one();
        }
    }

    /// An item was committed and can be read, or its price turned.
    pub fn item_changed(&self, sku: &str) {
        let patterns = self.patterns.read();
        let followed = patterns
            .items
            .get_key_value(sku)
            .map(|(sku, _)| sku.clone());
        let sku = followed.or_else(|| (!patterns.locations.is_empty()).then(|| sku.into()));
        drop(patterns);
        if let Some(sku) = sku {
            self.queue.lock().items.insert(sku);
            self.queued.notify_one();
        }
    }

    /// A token was revoked: whoever came with it has to go.
    pub fn end_token(&self, token: TokenId) {
        self.census.end_token(token);
    }

    /// Tells everyone that the service stops, and lets nobody in any more.
    pub fn stop(&self) {
        self.census.end_all();
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.census.len()
    }

    /// How many keys it keeps the newest level of.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Whether nobody is known to follow anything.
    #[cfg(test)]
    pub(super) fn follows_nothing(&self) -> bool {
        let patterns = self.patterns.read();
        patterns.items.is_empty() && patterns.locations.is_empty()
    }

    /// Lets a connection of this thread in.
    ///
    /// # Errors
    /// There are as many as there may be.
    pub fn connect(self: &Arc<Hub>, who: Who, view: View) -> Result<Subscription, Full> {
        let inbox = Inbox::here();
        let id = self.census.enter(who, &inbox, &self.limits)?;
        Ok(Subscription::new(self.clone(), id, inbox, view))
    }

    /// The topic of `key`, made if need be.
    pub(super) fn topic(&self, key: &StockKey) -> Arc<Topic> {
        let topic = self.topics.entry(key.clone()).or_insert_with(|| {
            let id: TopicId = self.next_topic.fetch_add(1, Ordering::Relaxed);
            Arc::new(Topic::new(id, key.clone()))
        });
        topic.clone()
    }

    /// Follows one key.
    pub(super) fn follow(
        &self,
        key: &StockKey,
        connection: ConnectionId,
        view: View,
        inbox: &Arc<Inbox>,
    ) -> Arc<Topic> {
        let topic = self.topic(key);
        topic.followers.join(connection, view, inbox);
        let known = |patterns: &Patterns| {
            let item = patterns.items.get(key.sku());
            item.is_some_and(|item| item.keys.contains(key))
        };
        // The topic is there before its name is: a sweep keeps the name of what is there.
        if !known(&self.patterns.read()) {
            let mut patterns = self.patterns.write();
            let item = patterns.items.entry(key.sku().into()).or_default();
            item.keys.insert(key.clone());
        }
        topic
    }

    /// Follows a pattern.
    pub(super) fn follow_pattern(
        &self,
        pattern: &FeedKey,
        connection: ConnectionId,
        view: View,
        inbox: &Arc<Inbox>,
    ) {
        let mut patterns = self.patterns.write();
        if let Some(group) = patterns.group(pattern) {
            group.join(connection, view, inbox);
        }
    }

    /// Follows a pattern no longer.
    pub(super) fn leave_pattern(&self, pattern: &FeedKey, connection: ConnectionId, view: View) {
        let mut patterns = self.patterns.write();
        if let Some(group) = patterns.group(pattern) {
            group.leave(connection, view);
            patterns.drop_empty(pattern);
        }
    }

    fn is_in_pattern(&self, key: &StockKey) -> bool {
        let patterns = self.patterns.read();
        let of_item = patterns.items.get(key.sku());
        of_item.is_some_and(|item| !item.everywhere.is_empty())
            || patterns.locations.contains_key(key.location())
    }

    /// The groups of patterns that cover `key`.
    pub(super) fn groups_over(&self, key: &StockKey) -> [Option<Arc<Group>>; 2] {
        let patterns = self.patterns.read();
        let of_item = patterns.items.get(key.sku());
        let at_location = patterns.locations.get(key.location());
        [
            of_item.map(|item| item.everywhere.clone()),
            at_location.cloned(),
        ]
    }

    /// Everyone who may show the item: its keys' topics, its pattern, all locations.
    pub(super) fn showing_item(&self, sku: &str) -> (Vec<Arc<Topic>>, Vec<Arc<Group>>) {
        let patterns = self.patterns.read();
        let mut groups: Vec<Arc<Group>> = patterns.locations.values().cloned().collect();
        let mut keys = Vec::new();
        if let Some(item) = patterns.items.get(sku) {
            groups.push(item.everywhere.clone());
            keys.extend(item.keys.iter().cloned());
        }
        drop(patterns);
        let topic = |key: &StockKey| self.topics.get(key.as_str()).map(|topic| topic.clone());
        (keys.iter().filter_map(topic).collect(), groups)
    }

    pub(super) fn take_queue(&self) -> Queue {
        mem::take(&mut *self.queue.lock())
    }

    /// A connection let go of so many topics. Now and then those that nobody holds are dropped.
    pub(super) fn let_go(&self, topics: usize) {
        let let_go = self.let_go.fetch_add(topics, Ordering::Relaxed) + topics;
        if let_go > LET_GO_MAX.max(self.topics.len() / 2) {
            self.let_go.store(0, Ordering::Relaxed);
            self.sweep();
        }
    }

    /// Drops topics that nobody holds but this hub. Under the lock of their shard, from which
    /// alone they could be taken, nobody can begin to.
    pub(super) fn sweep(&self) {
        let mut dropped = Vec::new();
        self.topics.retain(|key, topic| {
            let is_held = Arc::strong_count(topic) > 1;
            if !is_held {
                dropped.push(key.clone());
            }
            is_held
        });
        let mut patterns = self.patterns.write();
        for key in dropped {
            // It may have been made anew meanwhile.
            if !self.topics.contains_key(key.as_str())
                && let Some(item) = patterns.items.get_mut(key.sku())
            {
                item.keys.remove(&key);
                if item.is_idle() {
                    patterns.items.remove(key.sku());
                }
            }
        }
    }
}

impl OfItem {
    fn is_idle(&self) -> bool {
        self.keys.is_empty() && self.everywhere.is_empty()
    }
}

impl Patterns {
    /// The group that follows a pattern, made if need be; none for a single key.
    fn group(&mut self, pattern: &FeedKey) -> Option<Arc<Group>> {
        match pattern {
            FeedKey::Key(_) => None,
            FeedKey::Item(sku) => {
                let item = self.items.entry(sku.as_str().into()).or_default();
                Some(item.everywhere.clone())
            }
            FeedKey::Location(location) => {
                let group = self.locations.entry(location.as_str().into()).or_default();
                Some(group.clone())
            }
        }
    }

    fn drop_empty(&mut self, pattern: &FeedKey) {
        match pattern {
            FeedKey::Key(_) => {}
            FeedKey::Item(sku) => {
                if self.items.get(sku.as_str()).is_some_and(OfItem::is_idle) {
                    self.items.remove(sku.as_str());
                }
            }
            FeedKey::Location(location) => {
                let group = self.locations.get(location.as_str());
                if group.is_some_and(|group| group.is_empty()) {
                    self.locations.remove(location.as_str());
                }
            }
        }
    }
}
