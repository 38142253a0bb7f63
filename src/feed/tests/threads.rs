//! The same promise with real threads: one that publishes, one that fans out, several that
//! connect, read and go while it runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::world::{PlainFaces, World, read};
use crate::feed::{FanOut, FeedKey, FeedLimits, Hub, Shown, Subscription, View, Who};
use crate::stock::StockKey;

const COMMITS: u32 = 20_000;
const KEYS: u32 = 20;
const READERS: u32 = 3;

fn key(number: u32) -> StockKey {
    StockKey::parse(&format!("a{}@x", number % KEYS)).unwrap()
}

/// Follows some keys from some moment on; what it saw last of each.
fn connect(hub: &Arc<Hub>, world: &World, view: View, by_pattern: bool) -> Reader {
    let mut subscription = hub
        .connect(Who::Address([127, 0, 0, 1].into()), view)
        .unwrap();
    let followed = match by_pattern {
        true => vec![FeedKey::parse("*@x").unwrap()],
        false => (0..KEYS).map(|number| FeedKey::Key(key(number))).collect(),
    };
    subscription.follow(&followed, 100).unwrap();
    let mut reader = Reader {
        seen: HashMap::new(),
        view,
        subscription,
    };
    for number in 0..KEYS {
        let level = world.level(&key(number));
        let shown = reader.subscription.show(&key(number), level.as_ref(), None);
        if let Shown::Level(written) = shown {
            reader.see(&written);
        }
    }
    reader
}

struct Reader {
    seen: HashMap<String, u64>,
    view: View,
    subscription: Subscription,
}

impl Reader {
    fn see(&mut self, written: &str) {
        let written = read(written);
        let before = self.seen.insert(written.key.clone(), written.version);
        assert!(
            before < Some(written.version),
            "{before:?} then {written:?}"
        );
    }

    fn read_news(&mut self) {
        while let Some(news) = self.subscription.news(7) {
            news.levels.iter().for_each(|written| self.see(written));
        }
    }

    /// Reads until it has seen all there is; a level that is lost lets it wait for ever.
    fn read_to_the_end(mut self, world: &World) {
        let waiting = Builder::new_current_thread().build().unwrap();
        loop {
            self.read_news();
            let is_behind = (0..KEYS).any(|number| {
                let newest = self.view.version(&world.level(&key(number)).unwrap());
                self.seen.get(key(number).as_str()) != Some(&newest)
            });
            if !is_behind {
                return;
            }
            waiting.block_on(self.subscription.unread());
        }
    }
}

#[test]
fn nothing_is_missed_while_threads_publish_fan_out_connect_and_read() {
    let limits = FeedLimits {
        tick_ms: 1,
        ..FeedLimits::default()
    };
    let hub = Hub::new(Box::new(PlainFaces), limits);
    let world = Arc::new(World::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let fan_out = FanOut::of(hub.clone());
    let telling = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                () = fan_out.run() => {}
                _ = stopped => {}
            }
        });
    });
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..READERS)
        .map(|number| {
            let (hub, world, done) = (hub.clone(), world.clone(), done.clone());
            thread::spawn(move || {
                let view = View::ALL[number as usize % 2];
                let open = |by_pattern| connect(&hub, &world, view, by_pattern);
                let (mut whole_time, mut turn) = (open(number == 0), false);
                while !done.load(Ordering::Acquire) {
                    turn = !turn;
                    open(turn).read_news();
                    whole_time.read_news();
                }
                open(turn).read_to_the_end(&world);
                whole_time.read_to_the_end(&world);
            })
        })
        .collect();
    for number in 0..COMMITS {
        let key = key(number.wrapping_mul(2_654_435_761) >> 16);
        let level = world.commit(&key, Some(number % 6));
        hub.publish(&key, &level);
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        reader.join().unwrap();
    }
    stop.send(()).unwrap();
    telling.join().unwrap();
    assert_eq!(hub.connections(), 0);
}

#[test]
fn an_item_is_told_once_to_who_follows_it_in_many_places() {
    const CHANGES: usize = 2_000;
    let hub = Hub::new(Box::new(PlainFaces), FeedLimits::default());
    let mut subscription = hub
        .connect(Who::Address([127, 0, 0, 1].into()), View::Exact)
        .unwrap();
    let places = (0..KEYS).map(|number| FeedKey::parse(&format!("a@x{number}")).unwrap());
    let followed: Vec<FeedKey> = places.chain([FeedKey::parse("a@*").unwrap()]).collect();
    subscription.follow(&followed, 100).unwrap();
    let mut fan_out = FanOut::of(hub.clone());
    let telling = thread::spawn(move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        for _ in 0..CHANGES {
            hub.item_changed("a");
            runtime.block_on(fan_out.round());
        }
    });
    let mut told = 0;
    loop {
        let is_last = telling.is_finished();
        while let Some(news) = subscription.news(7) {
            told += news.items.len();
        }
        if is_last {
            break;
        }
    }
    telling.join().unwrap();
    assert!((1..=CHANGES).contains(&told), "{told}");
}
