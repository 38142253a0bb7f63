//! Where callers contend for the same stock. Each thread of actors has a window of its own over
//! the keys that live on it, so no two ever meet over one; who looks copies them for a moment.

use std::time::Duration;

use parking_lot::Mutex;

use super::directory::Directory;
use super::service::StockService;
use super::slots::Slot;
use crate::stock::{Level, StockKey, Timestamp};
use crate::telemetry::sketch::Figures;
use crate::telemetry::window::{Glance, Window};

/// What is wanted on each thread of actors.
pub(super) struct Contention(Box<[Mutex<Window<StockKey>>]>);

/// A stock key that many want.
#[derive(Clone, Debug)]
pub struct Hot {
    /// Which.
    pub key: StockKey,
    /// Its published figures; none if it was only ever asked for.
    pub level: Option<Level>,
    /// How many holds there are at it.
    pub holds: usize,
    /// How often some of its stock was asked for within the window.
    pub demand: u64,
    /// How many calls were refused or shed within the window.
    pub refusals: u64,
    /// How long commands waited for its actor, on the average.
    pub waited_mean: Duration,
    /// And the longest.
    pub waited_max: Duration,
}

/// The stock keys wanted most.
#[derive(Clone, Debug)]
pub struct Contended {
    /// How long the window looks back.
    pub window: Duration,
    /// The most wanted first.
    pub keys: Vec<Hot>,
}

impl Contention {
    /// Windows for so many threads.
    pub fn new(threads: usize) -> Contention {
        Contention((0..threads).map(|_| Mutex::default()).collect())
    }

    /// A key that lives on `thread` was wanted so often, and this is what came of it.
    pub fn note(&self, thread: usize, now: Timestamp, key: &StockKey, demand: u64, of: &Figures) {
        self.0[thread].lock().add(now.as_millis(), key, demand, of);
    }
}

impl StockService {
    /// The stock keys wanted most within the last minute, at most so many.
    pub fn contended(&self, most: usize) -> Contended {
        let now_ms = self.now().as_millis();
        let windows = &self.directory().contention.0;
        let glances = windows.iter().map(|window| window.lock().glance(now_ms));
        let glances: Vec<Glance<StockKey>> = glances.collect();
        let covers_ms = glances.iter().map(|glance| glance.covers_ms).max();
        let wanted = Glance::top(glances, most);
        let hot = wanted.into_iter().map(|one| {
            let (level, holds) = self.directory().level_and_holds(&one.key).unzip();
            let commands = one.figures.commands.max(1);
            Hot {
                key: one.key,
                level,
                holds: holds.unwrap_or(0),
                demand: one.demand,
                refusals: one.figures.refusals,
                waited_mean: Duration::from_micros(one.figures.waited_us / commands),
                waited_max: Duration::from_micros(one.figures.waited_us_max),
            }
        });
        let covers_ms = u64::try_from(covers_ms.unwrap_or(0)).unwrap_or(0);
        Contended {
            window: Duration::from_millis(covers_ms),
            keys: hot.collect(),
        }
    }
}

impl Directory {
    /// The published figures of a key and how many holds there are at it.
    fn level_and_holds(&self, key: &StockKey) -> Option<(Level, usize)> {
        self.slots.look(key.as_str(), |slot| {
            let holds = match slot {
                Slot::Active(presence) => presence.holds(),
                Slot::Passive(passive) => passive.holds(),
            };
            (slot.level(), holds)
        })
    }
}
