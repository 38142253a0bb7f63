//! What the feed keeps and tells at most: one level per key however many were committed, nothing
//! to those who see no difference, no more than a few tells in a tick.

use std::sync::Arc;

use futures::FutureExt;

use super::world::{PlainFaces, World, read};
use crate::feed::{FanOut, FeedKey, FeedLimits, Hub, News, Subscription, View, Who};
use crate::stock::StockKey;

struct Stage {
    world: World,
    hub: Arc<Hub>,
    fan_out: FanOut,
}

impl Stage {
    fn new() -> Stage {
        let hub = Hub::new(Box::new(PlainFaces), FeedLimits::default());
        Stage {
            world: World::default(),
            fan_out: FanOut::of(hub.clone()),
            hub,
        }
    }

    fn follower(&self, view: View, key: &str) -> Subscription {
        let who = Who::Address([127, 0, 0, 1].into());
        let mut follower = self.hub.connect(who, view).unwrap();
        follower
            .follow(&[FeedKey::parse(key).unwrap()], 10)
            .unwrap();
        follower
    }

    fn commit(&self, key: &str, count: u32) {
        let key = StockKey::parse(key).unwrap();
        let level = self.world.commit(&key, Some(count));
        self.hub.publish(&key, &level);
    }

    fn round(&mut self) {
        self.fan_out.round().now_or_never().unwrap();
    }

    fn end_tick(&mut self) {
        self.fan_out.end_tick().now_or_never().unwrap();
    }
}

fn versions(news: Option<News>) -> Vec<u64> {
    let levels = news.unwrap_or_default().levels;
    levels.iter().map(|level| read(level).version).collect()
}

#[test]
fn a_reader_that_stalls_is_told_the_newest_and_how_much_it_missed() {
    let mut stage = Stage::new();
    let mut stalled = stage.follower(View::Exact, "a@*");
    for count in 0..1000 {
        stage.commit("a@x", 10 + count % 2);
        stage.commit("a@y", 5);
        stage.round();
        stage.end_tick();
    }
    let news = stalled.news(10).unwrap();
    assert_eq!(news.conflated, 0, "it was shown nothing before");
    assert_eq!(versions(Some(news)), [1000, 1000]);
    for _ in 0..7 {
        stage.commit("a@x", 9);
    }
    stage.round();
    stage.end_tick();
    let news = stalled.news(10).unwrap();
    assert_eq!(news.conflated, 6);
    assert_eq!(versions(Some(news)), [1007]);
    assert_eq!(stalled.news(10), None);
}

#[test]
fn who_sees_no_difference_is_not_woken() {
    let mut stage = Stage::new();
    let mut page = stage.follower(View::Public, "a@x");
    let mut till = stage.follower(View::Exact, "a@x");
    stage.commit("a@x", 10);
    stage.round();
    assert_eq!(versions(page.news(10)), [1]);
    assert_eq!(versions(till.news(10)), [1]);
    stage.end_tick();
    stage.commit("a@x", 9);
    stage.round();
    assert!(page.unread().now_or_never().is_none(), "the page was woken");
    assert!(till.unread().now_or_never().is_some());
    assert_eq!(versions(till.news(10)), [2]);
}

#[test]
fn within_a_tick_a_key_waits_unless_it_sold_out_or_came_back() {
    let mut stage = Stage::new();
    let mut till = stage.follower(View::Exact, "a@x");
    stage.commit("a@x", 10);
    stage.round();
    assert_eq!(versions(till.news(10)), [1], "the first is told at once");
    stage.commit("a@x", 9);
    stage.round();
    assert_eq!(till.news(10), None, "the next waits");
    stage.commit("a@x", 0);
    stage.round();
    assert_eq!(versions(till.news(10)), [3], "sold out does not");
    stage.commit("a@x", 1);
    stage.round();
    assert_eq!(versions(till.news(10)), [4], "nor does coming back");
    stage.commit("a@x", 2);
    stage.round();
    assert_eq!(till.news(10), None);
    stage.end_tick();
    assert_eq!(versions(till.news(10)), [5], "the tick brings the rest");
}

#[test]
fn the_last_piece_taken_and_returned_over_and_over_does_not_keep_sockets_busy() {
    let mut stage = Stage::new();
    let mut till = stage.follower(View::Exact, "a@x");
    let mut told = 0;
    for turn in 0..100 {
        stage.commit("a@x", turn % 2);
        stage.round();
        told += versions(till.news(10)).len();
    }
    assert!((2..=5).contains(&told), "{told} in one tick");
    stage.end_tick();
    assert_eq!(versions(till.news(10)), [100]);
}

#[test]
fn an_item_is_told_to_those_who_show_it_and_only_as_it_is_now() {
    let mut stage = Stage::new();
    let mut by_key = stage.follower(View::Public, "a@x");
    let mut by_item = stage.follower(View::Public, "a@*");
    let mut by_location = stage.follower(View::Exact, "*@x");
    let mut elsewhere = stage.follower(View::Exact, "*@y");
    let mut other = stage.follower(View::Public, "b@x");
    stage.commit("a@x", 5);
    stage.round();
    for follower in [&mut by_key, &mut by_item, &mut by_location] {
        assert_eq!(versions(follower.news(10)), [1]);
    }
    for _ in 0..3 {
        stage.hub.item_changed("a");
        stage.round();
    }
    for follower in [&mut by_key, &mut by_item, &mut by_location] {
        let news = follower.news(10).unwrap();
        assert_eq!(news.items.len(), 1);
        assert_eq!(&*news.items[0], "item a");
    }
    assert_eq!(elsewhere.news(10), None);
    assert_eq!(other.news(10), None);
}

#[test]
fn an_item_goes_with_the_first_level_of_its_sku_that_a_pattern_brings() {
    let mut stage = Stage::new();
    let mut places = stage.follower(View::Exact, "*@x");
    let also = ["*@y", "b@z"].map(|key| FeedKey::parse(key).unwrap());
    places.follow(&also, 10).unwrap();
    let described = |stage: &mut Stage, follower: &mut Subscription, key: &str| {
        stage.commit(key, 5);
        stage.round();
        stage.end_tick();
        let news = follower.news(10).unwrap();
        assert_eq!(news.levels.len(), 1);
        news.items
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(described(&mut stage, &mut places, "a@x"), ["item a"]);
    assert_eq!(described(&mut stage, &mut places, "a@y"), [""; 0]);
    assert_eq!(described(&mut stage, &mut places, "a@x"), [""; 0]);
    // The answer that says of a key that it is unknown, or of an item that it is nowhere,
    // describes the item.
    assert_eq!(described(&mut stage, &mut places, "b@x"), [""; 0]);
    let mut item = stage.follower(View::Exact, "c@*");
    assert_eq!(described(&mut stage, &mut item, "c@z"), [""; 0]);
    // Once, though it changed as well.
    stage.commit("d@x", 5);
    stage.hub.item_changed("d");
    stage.round();
    assert_eq!(places.news(10).unwrap().items.len(), 1);
    assert_eq!(places.news(10), None);
}

#[test]
fn a_connection_follows_so_many_keys_and_a_pattern_is_one() {
    let stage = Stage::new();
    let mut page = stage.follower(View::Public, "a@*");
    let keys = |names: &[&str]| -> Vec<FeedKey> {
        names
            .iter()
            .map(|name| FeedKey::parse(name).unwrap())
            .collect()
    };
    page.follow(&keys(&["a@*", "b@x"]), 2).unwrap();
    assert!(page.follow(&keys(&["b@y", "c@y"]), 3).is_err());
    // Nothing of what was too much is followed.
    page.follow(&keys(&["d@y"]), 3).unwrap();
    page.leave(&keys(&["a@*", "b@x", "d@y", "never@followed"]));
    assert!(page.is_empty());
    stage.hub.sweep();
    assert_eq!(stage.hub.topics(), 0);
}

#[test]
fn topics_that_nobody_follows_any_more_are_dropped_by_and_by() {
    let stage = Stage::new();
    for number in 0..5_000 {
        let page = stage.follower(View::Public, &format!("sku-{number}@x"));
        drop(page);
    }
    assert!(stage.hub.topics() <= 1_001, "{}", stage.hub.topics());
}
