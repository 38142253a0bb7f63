//! Stock as the feed's tests see it: what is committed, and what each version looked like. It
//! must not know what the feed does with it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::feed::{Faces, View};
use crate::stock::{Level, Quantity, StockKey};

/// Up to so many are a few.
pub const FEW: u32 = 3;

/// Writes a level so that a test can read it: key, version, what is shown.
pub struct PlainFaces;

/// A level as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub key: String,
    pub version: u64,
    pub shows: String,
}

impl Faces for PlainFaces {
    fn level(&self, key: &StockKey, level: &Level, view: View) -> Arc<str> {
        let face = view.of(level, Quantity::from(FEW));
        let shows = match (level.stocked, face.available) {
            (false, _) => "removed".to_owned(),
            (true, None) => face.status.as_str().to_owned(),
            (true, Some(count)) => count.to_string(),
        };
        format!("{key} {} {shows}", face.version).into()
    }

    fn item(&self, sku: &str) -> Option<Arc<str>> {
        Some(format!("item {sku}").into())
    }
}

/// Reads what `PlainFaces` wrote.
pub fn read(text: &str) -> Written {
    let mut parts = text.split(' ');
    let mut next = || parts.next().unwrap().to_owned();
    Written {
        key: next(),
        version: next().parse().unwrap(),
        shows: next(),
    }
}

/// What is committed.
#[derive(Default)]
pub struct World(Mutex<Committed>);

#[derive(Default)]
struct Committed {
    newest: HashMap<StockKey, Level>,
    /// How each version looked in each view.
    looked: HashMap<(StockKey, View, u64), Written>,
}

impl World {
    /// The newest level of a key.
    pub fn level(&self, key: &StockKey) -> Option<Level> {
        self.0.lock().newest.get(key).copied()
    }

    /// The keys that are stocked.
    pub fn stocked(&self) -> Vec<StockKey> {
        let committed = self.0.lock();
        let stocked = committed.newest.iter().filter(|(_, level)| level.stocked);
        let mut keys: Vec<StockKey> = stocked.map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys
    }

    /// Commits so many of a key, or that it is stocked no more.
    pub fn commit(&self, key: &StockKey, count: Option<u32>) -> Level {
        let committed = &mut *self.0.lock();
        let before = committed.newest.get(key).copied().unwrap_or_default();
        let mut level = Level {
            stocked: count.is_some(),
            on_hand: Quantity::from(count.unwrap_or(0)),
            version: before.version + 1,
            ..before
        };
        if !level.same_face(&before, Quantity::from(FEW)) {
            level.public_version += 1;
        }
        committed.newest.insert(key.clone(), level);
        for view in View::ALL {
            let written = read(&PlainFaces.level(key, &level, view));
            let version = (key.clone(), view, view.version(&level));
            let first = committed.looked.entry(version).or_insert(written.clone());
            assert_eq!(*first, written, "a version names two faces");
        }
        level
    }

    /// How a version of a key looked, if it was ever committed.
    pub fn looked(&self, key: &str, view: View, version: u64) -> Option<Written> {
        let key = StockKey::parse(key).unwrap();
        self.0.lock().looked.get(&(key, view, version)).cloned()
    }
}
