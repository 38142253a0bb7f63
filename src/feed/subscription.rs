//! What one connection follows, what it has seen of it, and what it is to be told next. It
//! belongs to one connection and knows no socket.
//!
//! The order that misses nothing: follow, then read the level, then show it, then take news. A
//! level committed before the reading is in what is read; one committed after the following
//! lies in the inbox; one that is both is told once, because versions are compared.

use std::collections::HashMap;
use std::future::poll_fn;
use std::mem;
use std::ops::Bound;
use std::sync::Arc;

use super::Hasher;
use super::census::{ConnectionId, Full, Who};
use super::hub::Hub;
use super::inbox::{Inbox, Unread};
use super::key::{FeedKey, FeedKeys};
use super::protocol::Ending;
use super::topic::Topic;
use super::view::View;
use crate::stock::{Level, LocationId, StockKey};
use crate::telemetry::local;

/// What one connection follows.
pub struct Subscription {
    hub: Arc<Hub>,
    id: ConnectionId,
    inbox: Arc<Inbox>,
    view: View,
    followed: FeedKeys,
    /// The topics of the keys that it follows by themselves.
    topics: HashMap<StockKey, Arc<Topic>, Hasher>,
    /// The version it was last shown, by key.
    seen: HashMap<StockKey, u64, Hasher>,
    /// Taken from the inbox, not yet told.
    changed: Unread,
}

/// What is new for a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Levels, as its view writes them.
    pub levels: Vec<Arc<str>>,
    /// How many levels of these keys it was not told, because newer ones came.
    pub conflated: u64,
    /// Items, as they are written.
    pub items: Vec<Arc<str>>,
}

/// What there is to show of a key to somebody who begins to follow it.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its level, as the view writes it.
    Level(Arc<str>),
    /// Nothing: this version is known.
    Known,
    /// It is not stocked.
    Unknown,
}

/// A connection may not follow so many keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyKeys;

impl Subscription {
    pub(super) fn new(
        hub: Arc<Hub>,
        id: ConnectionId,
        inbox: Arc<Inbox>,
        view: View,
    ) -> Subscription {
        Subscription {
            hub,
            id,
            inbox,
            view,
            followed: FeedKeys::default(),
            topics: HashMap::default(),
            seen: HashMap::default(),
            changed: Unread::default(),
        }
    }

    /// Says who it is, before it follows anything: counted so, and with that view, from now on.
    ///
    /// # Errors
    /// They have all the connections they may have.
    pub fn introduce(&mut self, who: Who, view: View) -> Result<(), Full> {
        assert!(
            self.is_empty(),
            "views do not change under what is followed"
        );
        self.hub.census.change(self.id, who, &self.hub.limits)?;
        self.view = view;
        Ok(())
    }

    /// Which view it has.
    pub fn view(&self) -> View {
        self.view
    }

    /// Follows keys from now on, all or none. What was shown of a key that it followed before is
    /// forgotten: it asks anew.
    pub fn follow(&mut self, keys: &[FeedKey], keys_max: usize) -> Result<(), TooManyKeys> {
        let asked: FeedKeys = keys.iter().collect();
        let mut added: Vec<&FeedKey> = Vec::new();
        for key in keys {
            if self.followed.insert(key) {
                added.push(key);
            }
        }
        if self.followed.len() > keys_max {
            for key in added {
                self.followed.remove(key);
            }
            return Err(TooManyKeys);
        }
        for key in added {
            if let FeedKey::Key(key) = key {
                let topic = self.hub.follow(key, self.id, self.view, &self.inbox);
                self.topics.insert(topic.key().clone(), topic);
            } else {
                let (id, view) = (self.id, self.view);
                self.hub.follow_pattern(key, id, view, &self.inbox);
            }
        }
        self.seen.retain(|key, _| !asked.cover(key));
        Ok(())
    }

    /// Follows keys no longer.
    pub fn leave(&mut self, keys: &[FeedKey]) {
        let mut let_go = 0;
        for key in keys {
            if !self.followed.remove(key) {
                continue;
            }
            if let FeedKey::Key(key) = key {
                if let Some(topic) = self.topics.remove(key) {
                    topic.followers.leave(self.id, self.view);
                    let_go += 1;
                }
            } else {
                self.hub.leave_pattern(key, self.id, self.view);
            }
        }
        let followed = &self.followed;
        self.seen.retain(|key, _| followed.cover(key));
        self.hub.let_go(let_go);
    }

    /// Shows a level that was read after it was followed, unless `have` or newer was shown. A
    /// version that was never told is no version of ours.
    pub fn show(&mut self, key: &StockKey, level: Option<&Level>, have: Option<u64>) -> Shown {
        let Some(level) = level else {
            return Shown::Unknown;
        };
        // The text that all followers share is in the cache when the next level comes.
        let key = self.topics.get(key).map_or(key, |topic| topic.key());
        let version = self.view.version(level);
        if !level.stocked {
            // It was read before what was shown since.
            let is_old = self.seen.get(key).is_some_and(|seen| *seen > version);
            return if is_old { Shown::Known } else { Shown::Unknown };
        }
        let have = have.filter(|have| *have <= version);
        let seen = self.seen.get(key).copied().max(have);
        let newest = seen.map_or(version, |seen| seen.max(version));
        self.seen.insert(key.clone(), newest);
        if seen.is_some_and(|seen| seen >= version) {
            return Shown::Known;
        }
        let faces = &*self.hub.faces;
        let Some(topic) = self.topics.get(key) else {
            return Shown::Level(faces.level(key, level, self.view));
        };
        topic.learn(level);
        let newest = topic
            .newest(self.view, faces)
            .expect("the topic just learnt a level");
        self.seen.insert(key.clone(), newest.version);
        if newest.stocked {
            Shown::Level(newest.written)
        } else {
            Shown::Unknown
        }
    }

    /// Shows that a key which the client has a level of is stocked no more.
    pub fn show_removed(&mut self, key: &StockKey, level: &Level, have: u64) -> Shown {
        let version = self.view.version(level);
        if have >= version {
            return Shown::Unknown;
        }
        self.seen.insert(key.clone(), version);
        Shown::Level(self.hub.faces.level(key, level, self.view))
    }

    /// How the item of that SKU looks now.
    pub fn item(&self, sku: &str) -> Option<Arc<str>> {
        self.hub.faces.item(sku)
    }

    /// The next news, of at most so many levels; none if there are none.
    pub fn news(&mut self, levels_max: usize) -> Option<News> {
        let mut news = News::default();
        loop {
            while news.levels.len() < levels_max
                && let Some((_, topic)) = self.changed.topics.pop()
            {
                self.tell(&topic, &mut news);
            }
            while news.items.len() < levels_max
                && let Some((sku, item)) = self.changed.items.pop()
            {
                if self.shows_item(&sku) {
                    news.items.push(item);
                }
            }
            if news != News::default() {
                return Some(news);
            }
            self.changed = self.inbox.take(self.changed.emptied());
            if self.changed.is_empty() {
                return None;
            }
        }
    }

    fn tell(&mut self, topic: &Topic, news: &mut News) {
        let key = topic.key();
        let Some(newest) = topic.newest(self.view, &*self.hub.faces) else {
            return;
        };
        let version = newest.version;
        let conflated = match self.seen.get_mut(key) {
            Some(seen) if *seen >= version => return,
            // What was seen is followed: what is not followed any more is forgotten.
            Some(seen) => version - mem::replace(seen, version) - 1,
            // A key that was never shown as stocked need not be told as removed.
            None if !newest.stocked || !self.followed.cover(key) => return,
            None => {
                if !self.shows_item(key.sku()) {
                    news.items.extend(self.item(key.sku()));
                    // That is as new as what lies here.
                    self.changed.items.swap_remove(key.sku());
                }
                self.seen.insert(key.clone(), version);
                0
            }
        };
        let since = newest.published_at.map(|published| published.elapsed());
        local(|count| {
            count.feed_deliveries_total.inc();
            count.feed_conflated_total.inc_by(conflated);
            if let Some(since) = since {
                count
                    .feed_commit_to_socket_seconds
                    .observe(since.as_secs_f64());
            }
        });
        news.conflated += conflated;
        news.levels.push(newest.written);
    }

    /// Whether it was told of the item, and is to be told when that changes: with the answer to
    /// whoever follows the SKU, with the first level where a place is followed.
    fn shows_item(&self, sku: &str) -> bool {
        let prefix = format!("{sku}@");
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let first = self.followed.keys.range::<str, _>(from).next();
        let at =
            |location: &LocationId| self.seen.contains_key(format!("{sku}@{location}").as_str());
        first.is_some_and(|key| key.sku() == sku)
            || self.followed.items.contains(sku)
            || self.followed.locations.iter().any(at)
    }

    /// The version it was last shown of a key.
    pub fn seen(&self, key: &StockKey) -> Option<u64> {
        self.seen.get(key).copied()
    }

    /// Why it is to end, if it is.
    pub fn ending(&self) -> Option<Ending> {
        self.inbox.ending()
    }

    /// Returns once there may be news, or a reason to end.
    pub async fn unread(&self) {
        if !self.changed.is_empty() {
            return;
        }
        poll_fn(|context| self.inbox.poll_unread(context)).await;
    }

    /// Whether it follows nothing.
    pub fn is_empty(&self) -> bool {
        self.followed.len() == 0
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.census.leave(self.id);
        for pattern in self.followed.patterns() {
            self.hub.leave_pattern(&pattern, self.id, self.view);
        }
        for topic in self.topics.values() {
            topic.followers.leave(self.id, self.view);
        }
        let let_go = self.topics.len();
        self.topics.clear();
        self.hub.let_go(let_go);
    }
}
