//! One stock key that somebody follows: its newest level, how each view writes it, and who
//! follows it. It decides what may wait for the tick; it must not know who reads.

use std::sync::Arc;

use parking_lot::Mutex;

use super::group::Group;
use super::view::{Faces, View};
use crate::clock::Stopwatch;
use crate::stock::{Level, StockKey};

/// Names a topic; never used twice.
pub(super) type TopicId = u64;

/// How often within one tick a key that sold out or came back skips the wait. Who takes and
/// returns the last piece over and over must not keep every socket busy.
const AT_ONCE_IN_A_TICK_MAX: u8 = 4;

/// A stock key as its followers know it.
pub(super) struct Topic {
    id: TopicId,
    key: StockKey,
    known: Mutex<Known>,
    /// Those who follow this very key.
    pub followers: Group,
}

#[derive(Default)]
struct Known {
    level: Option<Level>,
    /// `level` as each view writes it, once somebody asked.
    written: [Option<Arc<str>>; 2],
    /// Since when `level` is published; none if it was read.
    published_at: Option<Stopwatch>,
    /// The newest version that was published while this topic was here.
    published: u64,
    /// Whether it waits to be told.
    waits: bool,
    /// Whether it may not wait for the tick.
    at_once: bool,
    /// Whether it was told within this tick.
    told_lately: bool,
    at_once_in_this_tick: u8,
    /// What was told last.
    told: Option<Told>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    public_version: u64,
    can_be_sold: bool,
}

/// What a fan-out has to do about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing: it was told already.
    Nothing,
    /// It was told within this tick and waits for the end of it.
    Wait,
    /// Its followers are told; those with the public view only if their face changed.
    Tell {
        /// Whether it did.
        public: bool,
        /// Whether nothing was told of it within this tick before.
        is_first: bool,
    },
}

/// A topic's newest level as a view shows it.
pub(super) struct Newest {
    /// The view's version.
    pub version: u64,
    pub stocked: bool,
    /// As the view writes it, shared by all who have that view.
    pub written: Arc<str>,
    /// Since when it is published, if that was while the topic was here.
    pub published_at: Option<Stopwatch>,
}

fn can_be_sold(level: &Level) -> bool {
    level.stocked && !level.available().is_zero()
}

impl Topic {
    pub fn new(id: TopicId, key: StockKey) -> Topic {
        Topic {
            id,
            key,
            known: Mutex::default(),
            followers: Group::default(),
        }
    }

    pub fn id(&self) -> TopicId {
        self.id
    }

    pub fn key(&self) -> &StockKey {
        &self.key
    }

    /// A level was committed. True if the fan-out is to be told.
    pub fn publish(&self, level: &Level) -> bool {
        let mut known = self.known.lock();
        if level.version <= known.published {
            return false;
        }
        known.published = level.version;
        if known.learn(level) {
            known.published_at = Some(Stopwatch::start());
        }
        let turned = known
            .told
            .is_none_or(|told| told.can_be_sold != can_be_sold(level));
        let skips = turned
            && known.told_lately
            && !known.at_once
            && known.at_once_in_this_tick < AT_ONCE_IN_A_TICK_MAX;
        if skips {
            known.at_once = true;
            known.at_once_in_this_tick += 1;
        }
        let is_news = !known.waits || skips;
        known.waits = true;
        is_news
    }

    /// A level was read, for somebody who begins to follow. What was published still counts as
    /// news for those who began before.
    pub fn learn(&self, level: &Level) {
        self.known.lock().learn(level);
    }

    /// What is to be done now; `is_tick` at the end of a tick.
    pub fn turn(&self, is_tick: bool) -> Turn {
        let mut known = self.known.lock();
        if is_tick {
            known.told_lately = false;
            known.at_once_in_this_tick = 0;
        }
        let Some(level) = known.level.filter(|_| known.waits) else {
            return Turn::Nothing;
        };
        if known.told_lately && !known.at_once {
            return Turn::Wait;
        }
        let told = Told {
            public_version: level.public_version,
            can_be_sold: can_be_sold(&level),
        };
        let before = known.told.replace(told);
        let is_first = !known.told_lately;
        (known.waits, known.at_once, known.told_lately) = (false, false, true);
        Turn::Tell {
            public: before.is_none_or(|before| before.public_version != told.public_version),
            is_first,
        }
    }

    /// The newest level as the view shows it; none if none is known.
    pub fn newest(&self, view: View, faces: &dyn Faces) -> Option<Newest> {
        let mut known = self.known.lock();
        let known = &mut *known;
        let level = known.level.as_ref()?;
        let written = &mut known.written[view.index()];
        let written = written.get_or_insert_with(|| faces.level(&self.key, level, view));
        Some(Newest {
            version: view.version(level),
            stocked: level.stocked,
            written: written.clone(),
            published_at: known.published_at,
        })
    }
}

impl Known {
    /// Takes a level unless a newer one is known; whether it did.
    fn learn(&mut self, level: &Level) -> bool {
        if self.level.is_some_and(|old| old.version >= level.version) {
            return false;
        }
        self.published_at = None;
        let same_face = self
            .level
            .is_some_and(|old| old.public_version == level.public_version);
        self.level = Some(*level);
        self.written[View::Exact.index()] = None;
        if !same_face {
            self.written[View::Public.index()] = None;
        }
        true
    }
}
