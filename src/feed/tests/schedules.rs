//! Every order in which commits, publishing, following, reading, fan-out, reading of news,
//! leaving and coming back can happen: per key versions strictly rise, each is what was
//! committed under it, and what was shown last is the truth once things calm down.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use futures::FutureExt;
use proptest::prelude::*;

use super::world::{PlainFaces, World, Written, read};
use crate::feed::{FanOut, FeedKey, FeedLimits, Hub, Shown, Subscription, View, Who};
use crate::stock::{Level, StockKey};

const KEYS: [&str; 4] = ["a@x", "a@y", "b@x", "b@y"];
const FOLLOWED: [&str; 8] = ["a@x", "a@y", "b@x", "b@y", "a@*", "b@*", "*@x", "*@y"];
const CLIENTS: usize = 3;

#[derive(Clone, Debug)]
enum Act {
    /// A level becomes durable and can be read.
    Commit(usize, Option<u32>),
    /// The journal's thread goes on to tell the hub of the oldest that it has not told.
    Publish,
    Round,
    EndTick,
    Follow(usize, usize),
    /// The next key of what a client asked for is read.
    Read(usize),
    /// What was read is shown.
    Show(usize),
    News(usize, usize),
    Leave(usize, usize),
    /// The connection breaks, and the client comes back with what it has.
    ComeBack(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let count = prop_oneof![6 => (0u32..7).prop_map(Some), 1 => Just(None)];
    let client = 0..CLIENTS;
    prop_oneof![
        6 => (0..KEYS.len(), count).prop_map(|(key, count)| Act::Commit(key, count)),
        6 => Just(Act::Publish),
        3 => Just(Act::Round),
        2 => Just(Act::EndTick),
        3 => (client.clone(), 0..FOLLOWED.len()).prop_map(|(who, key)| Act::Follow(who, key)),
        5 => client.clone().prop_map(Act::Read),
        5 => client.clone().prop_map(Act::Show),
        4 => (client.clone(), 1usize..4).prop_map(|(who, most)| Act::News(who, most)),
        1 => (client.clone(), 0..FOLLOWED.len()).prop_map(|(who, key)| Act::Leave(who, key)),
        1 => client.prop_map(Act::ComeBack),
    ]
}

struct Client {
    subscription: Option<Subscription>,
    view: View,
    followed: BTreeSet<FeedKey>,
    /// Asked for and not read yet.
    to_read: VecDeque<FeedKey>,
    /// Read and not shown yet.
    to_show: VecDeque<(StockKey, Option<Level>)>,
    /// The versions it came back with.
    have: HashMap<String, u64>,
    screen: HashMap<String, Written>,
    /// The SKUs whose items this connection was told.
    described: BTreeSet<String>,
}

struct Play {
    world: World,
    hub: Arc<Hub>,
    fan_out: FanOut,
    unpublished: VecDeque<(StockKey, Level)>,
    clients: Vec<Client>,
}

fn who() -> Who {
    Who::Address([127, 0, 0, 1].into())
}

impl Play {
    fn new() -> Play {
        let hub = Hub::new(Box::new(PlainFaces), FeedLimits::default());
        let client = |number: usize| {
            let view = View::ALL[number % 2];
            Client {
                subscription: Some(hub.connect(who(), view).unwrap()),
                view,
                followed: BTreeSet::new(),
                to_read: VecDeque::new(),
                to_show: VecDeque::new(),
                have: HashMap::new(),
                screen: HashMap::new(),
                described: BTreeSet::new(),
            }
        };
        Play {
            world: World::default(),
            fan_out: FanOut::of(hub.clone()),
            unpublished: VecDeque::new(),
            clients: (0..CLIENTS).map(client).collect(),
            hub,
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Commit(key, count) => {
                let key = StockKey::parse(KEYS[*key]).unwrap();
                let level = self.world.commit(&key, *count);
                self.unpublished.push_back((key, level));
            }
            Act::Publish => {
                if let Some((key, level)) = self.unpublished.pop_front() {
                    self.hub.publish(&key, &level);
                }
            }
            Act::Round => self.fan_out.round().now_or_never().unwrap(),
            Act::EndTick => self.fan_out.end_tick().now_or_never().unwrap(),
            Act::Follow(who, key) => self.clients[*who].follow(&[FOLLOWED[*key]], HashMap::new()),
            Act::Read(who) => self.clients[*who].read(&self.world),
            Act::Show(who) => self.clients[*who].show(&self.world),
            Act::News(who, most) => drop(self.clients[*who].news(&self.world, *most)),
            Act::Leave(who, key) => self.clients[*who].leave(FOLLOWED[*key]),
            Act::ComeBack(who) => self.clients[*who].come_back(&self.hub),
        }
    }

    /// Nothing more is committed, and all that is under way arrives.
    fn calm_down(&mut self) {
        while let Some((key, level)) = self.unpublished.pop_front() {
            self.hub.publish(&key, &level);
        }
        for act in [Act::Round, Act::EndTick, Act::EndTick] {
            self.act(&act);
        }
        for client in &mut self.clients {
            while !client.to_read.is_empty() || !client.to_show.is_empty() {
                client.read(&self.world);
                client.show(&self.world);
            }
            while client.news(&self.world, 1) {}
        }
    }

    fn check(&self) {
        for (number, client) in self.clients.iter().enumerate() {
            for key in KEYS.map(|key| StockKey::parse(key).unwrap()) {
                if !client.followed.iter().any(|followed| followed.covers(&key)) {
                    continue;
                }
                let truth = self.world.level(&key).filter(|level| level.stocked);
                let shown = client.screen.get(key.as_str());
                let shown = shown.filter(|shown| shown.shows != "removed");
                assert!(
                    shown.is_none() || client.described.contains(key.sku()),
                    "client {number} was never told what {key} is"
                );
                let truth = truth.map(|level| {
                    let version = client.view.version(&level);
                    self.world
                        .looked(key.as_str(), client.view, version)
                        .unwrap()
                });
                assert_eq!(shown, truth.as_ref(), "client {number} on {key}");
            }
        }
    }
}

impl Client {
    fn connection(&mut self) -> &mut Subscription {
        self.subscription.as_mut().unwrap()
    }

    fn follow(&mut self, keys: &[&str], have: HashMap<String, u64>) {
        // An answer is finished before the next command is heard.
        if !self.to_read.is_empty() || !self.to_show.is_empty() {
            return;
        }
        let keys: Vec<FeedKey> = keys
            .iter()
            .map(|key| FeedKey::parse(key).unwrap())
            .collect();
        self.connection().follow(&keys, 100).unwrap();
        for key in keys {
            // Asked anew, it may be told again what it does not say it has.
            self.screen.retain(|shown, _| {
                have.contains_key(shown) || !key.covers(&StockKey::parse(shown).unwrap())
            });
            self.followed.insert(key.clone());
            self.to_read.push_back(key);
        }
        self.have = have;
    }

    fn read(&mut self, world: &World) {
        let Some(key) = self.to_read.pop_front() else {
            return;
        };
        let gone = self.screen.keys().map(|key| StockKey::parse(key).unwrap());
        if let FeedKey::Item(sku) = &key {
            self.described.insert(sku.as_str().to_owned());
        }
        let keys: BTreeSet<StockKey> = match &key {
            FeedKey::Key(key) => [key.clone()].into(),
            FeedKey::Item(_) | FeedKey::Location(_) => {
                let stocked = world.stocked().into_iter();
                stocked.chain(gone).filter(|one| key.covers(one)).collect()
            }
        };
        let read = keys.into_iter().map(|key| (key.clone(), world.level(&key)));
        self.to_show.extend(read);
    }

    fn show(&mut self, world: &World) {
        let Some((key, level)) = self.to_show.pop_front() else {
            return;
        };
        // An answer describes each item that it says anything of.
        self.described.insert(key.sku().to_owned());
        let have = self.have.remove(key.as_str());
        let connection = self.subscription.as_mut().unwrap();
        let mut shown = connection.show(&key, level.as_ref(), have);
        if let (Shown::Unknown, Some(have), Some(level)) = (&shown, have, level) {
            shown = connection.show_removed(&key, &level, have);
        }
        match shown {
            Shown::Level(written) => self.see(world, &written),
            Shown::Known => {}
            Shown::Unknown => drop(self.screen.remove(key.as_str())),
        }
    }

    /// Whether there was any. Not while an answer is on its way.
    fn news(&mut self, world: &World, most: usize) -> bool {
        if !self.to_read.is_empty() || !self.to_show.is_empty() {
            return false;
        }
        let Some(news) = self.connection().news(most) else {
            return false;
        };
        assert!(news.levels.len() <= most);
        for written in &news.levels {
            self.see(world, written);
        }
        for item in &news.items {
            let sku = item.strip_prefix("item ").unwrap();
            self.described.insert(sku.to_owned());
        }
        true
    }

    fn see(&mut self, world: &World, written: &str) {
        let written = read(written);
        let committed = world.looked(&written.key, self.view, written.version);
        assert_eq!(committed.as_ref(), Some(&written), "it was never committed");
        let before = self.screen.insert(written.key.clone(), written.clone());
        if let Some(before) = before {
            assert!(
                before.version < written.version,
                "{before:?} then {written:?}"
            );
        }
    }

    fn leave(&mut self, key: &str) {
        if !self.to_read.is_empty() || !self.to_show.is_empty() {
            return;
        }
        let key = FeedKey::parse(key).unwrap();
        self.connection().leave(std::slice::from_ref(&key));
        self.followed.remove(&key);
        let followed = &self.followed;
        self.screen.retain(|shown, _| {
            let shown = StockKey::parse(shown).unwrap();
            followed.iter().any(|key| key.covers(&shown))
        });
    }

    fn come_back(&mut self, hub: &Arc<Hub>) {
        self.subscription = None;
        self.subscription = Some(hub.connect(who(), self.view).unwrap());
        self.to_read.clear();
        self.to_show.clear();
        self.described.clear();
        let versions = self.screen.values();
        let have = versions
            .map(|shown| (shown.key.clone(), shown.version))
            .collect();
        let followed: Vec<String> = self.followed.iter().map(ToString::to_string).collect();
        let followed: Vec<&str> = followed.iter().map(String::as_str).collect();
        self.follow(&followed, have);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn versions_rise_and_what_was_seen_last_is_the_truth(
        acts in prop::collection::vec(act(), 1..120),
    ) {
        let mut play = Play::new();
        for act in &acts {
            play.act(act);
        }
        play.calm_down();
        play.check();

        // Whoever is gone leaves nothing behind.
        play.clients.clear();
        play.fan_out.end_tick().now_or_never().unwrap();
        play.hub.sweep();
        prop_assert_eq!((play.hub.topics(), play.hub.connections()), (0, 0));
        prop_assert!(play.hub.follows_nothing());
    }
}
