//! The answer to a subscribe: the state of everything that is followed now, in parts that are
//! made one by one as the client takes them. Everything in it was followed before it is read.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::future::join_all;

use super::border::Border;
use super::feed_frames::{LEVELS_MAX, State};
use super::names::current_level;
use crate::feed::{FeedKey, Shown, Subscription};
use crate::stock::{Level, StockKey};

/// An answer under way.
pub struct StateAnswer {
    id: Option<u64>,
    keys: VecDeque<FeedKey>,
    /// Where the pattern in front is.
    after: Option<String>,
    have: HashMap<String, u64>,
    denied: Vec<String>,
    /// SKUs whose items were sent.
    sent: HashSet<String>,
}

impl StateAnswer {
    /// The answer to the command with that id: `keys` are followed, `denied` are not.
    pub fn new(
        id: Option<u64>,
        keys: Vec<FeedKey>,
        have: Vec<(String, u64)>,
        denied: Vec<String>,
    ) -> StateAnswer {
        StateAnswer {
            id,
            keys: keys.into(),
            after: None,
            have: have.into_iter().collect(),
            denied,
            sent: HashSet::new(),
        }
    }

    /// The next part.
    pub async fn part(&mut self, border: &Border, subscription: &mut Subscription) -> State {
        let mut state = State {
            id: self.id,
            denied: std::mem::take(&mut self.denied),
            ..State::default()
        };
        let mut examined = 0;
        while examined < LEVELS_MAX {
            let room = LEVELS_MAX - examined;
            match self.keys.front() {
                None => break,
                Some(FeedKey::Key(_)) => {
                    let keys = self.single_keys(room);
                    examined += keys.len();
                    self.show(border, subscription, &keys, &mut state).await;
                }
                Some(FeedKey::Item(_) | FeedKey::Location(_)) => {
                    let (keys, is_end) = self.look(border, room);
                    examined += keys.len();
                    self.show(border, subscription, &keys, &mut state).await;
                    if is_end && let Some(pattern) = self.keys.pop_front() {
                        self.after = None;
                        examined += self.gone(border, subscription, &pattern, &mut state);
                        if let FeedKey::Item(sku) = &pattern {
                            // Though it be stocked nowhere yet: news of it comes without.
                            examined += 1;
                            self.describe(subscription, sku.as_str(), &mut state);
                        }
                    } else {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        state.last = self.keys.is_empty();
        state
    }

    /// The next keys that are followed by themselves.
    fn single_keys(&mut self, room: usize) -> Vec<StockKey> {
        let mut keys = Vec::new();
        while keys.len() < room
            && let Some(FeedKey::Key(key)) = self.keys.front()
        {
            keys.push(key.clone());
            self.keys.pop_front();
        }
        keys
    }

    /// The next stocked keys of the pattern in front, and whether these are the last.
    fn look(&mut self, border: &Border, room: usize) -> (Vec<StockKey>, bool) {
        let (sku, location) = match self.keys.front() {
            Some(FeedKey::Item(sku)) => (Some(sku.as_str()), None),
            Some(FeedKey::Location(location)) => (None, Some(location.as_str())),
            Some(FeedKey::Key(_)) | None => return (Vec::new(), true),
        };
        let after = self.after.as_deref();
        let look = border.stock.look(sku, location, after, room);
        self.after = look.next;
        (look.keys, self.after.is_none())
    }

    /// Shows what these keys are now.
    async fn show(
        &mut self,
        border: &Border,
        subscription: &mut Subscription,
        keys: &[StockKey],
        state: &mut State,
    ) {
        let levels = join_all(keys.iter().map(|key| newest(border, key))).await;
        for (key, level) in keys.iter().zip(levels) {
            let have = self.have.remove(key.as_str());
            let shown = subscription.show(key, level.as_ref(), have);
            self.tell(subscription, key, shown, state);
        }
    }

    /// Tells what there is to show of a key, and its item.
    fn tell(
        &mut self,
        subscription: &Subscription,
        key: &StockKey,
        shown: Shown,
        state: &mut State,
    ) {
        match shown {
            Shown::Level(level) => state.levels.push(level),
            Shown::Known => {}
            Shown::Unknown => state.unknown.push(key.to_string()),
        }
        self.describe(subscription, key.sku(), state);
    }

    /// Tells how an item looks, once in an answer.
    fn describe(&mut self, subscription: &Subscription, sku: &str, state: &mut State) {
        if !self.sent.contains(sku) {
            self.sent.insert(sku.to_owned());
            state.items.extend(subscription.item(sku));
        }
    }

    /// Tells what the client has of a pattern and is stocked no longer; how many those are.
    fn gone(
        &mut self,
        border: &Border,
        subscription: &mut Subscription,
        pattern: &FeedKey,
        state: &mut State,
    ) -> usize {
        let theirs = |name: &String| {
            let key = StockKey::parse(name).ok()?;
            pattern.covers(&key).then_some(key)
        };
        let left: Vec<StockKey> = self.have.keys().filter_map(theirs).collect();
        let mut told = 0;
        for key in left {
            let have = self.have.remove(key.as_str()).unwrap_or_default();
            let shown = match border.stock.level(&key) {
                // Stocked again since it was looked for: that is news, and comes as such.
                Some(level) if level.stocked => continue,
                Some(level) => subscription.show_removed(&key, &level, have),
                None => Shown::Unknown,
            };
            self.tell(subscription, &key, shown, state);
            told += 1;
        }
        told
    }
}

/// The level as it is now. When it cannot be settled in time, what is published: the rest comes
/// as news.
async fn newest(border: &Border, key: &StockKey) -> Option<Level> {
    match current_level(border, key).await {
        Ok(level) => level,
        Err(_) => border.stock.level(key),
    }
}
