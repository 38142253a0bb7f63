//! Who tells thousands lets others have their turn between.

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::{LocalSet, spawn_local, yield_now};

use super::world::{PlainFaces, World};
use crate::feed::{Courier, FanOut, FeedKey, FeedLimits, Hub, View, Who};
use crate::stock::StockKey;

const FOLLOWERS: usize = 200;

#[tokio::test]
async fn a_thread_wakes_its_connections_a_few_at_a_time_and_all_of_them() {
    let told = Rc::new(Cell::new(0));
    let counted = told.clone();
    let play = async move {
        spawn_local(Courier::of_this_thread());
        let hub = Hub::new(Box::new(PlainFaces), FeedLimits::default());
        for _ in 0..FOLLOWERS {
            let who = Who::Address([127, 0, 0, 1].into());
            let mut follower = hub.connect(who, View::Exact).unwrap();
            let key = FeedKey::parse("a@x").unwrap();
            follower.follow(&[key], 1).unwrap();
            let counted = counted.clone();
            spawn_local(async move {
                loop {
                    follower.unread().await;
                    counted.set(counted.get() + follower.news(1).map_or(0, |_| 1));
                }
            });
        }
        for _ in 0..FOLLOWERS {
            // Until all of them wait.
            yield_now().await;
        }
        let mut fan_out = FanOut::of(hub.clone());
        let (world, key) = (World::default(), StockKey::parse("a@x").unwrap());
        for round in 1..=3 {
            hub.publish(&key, &world.commit(&key, Some(round)));
            fan_out.round().await;
            fan_out.end_tick().await;
            let all = FOLLOWERS * round as usize;
            let mut most = 0;
            while told.get() < all {
                let before = told.get();
                yield_now().await;
                most = most.max(told.get() - before);
            }
            assert!(most < FOLLOWERS / 4, "{most} before anybody else's turn");
        }
    };
    let task = async { spawn_local(play).await.unwrap() };
    LocalSet::new().run_until(task).await;
}

#[tokio::test]
async fn work_that_many_ask_for_at_once_is_done_for_a_few_at_a_time_and_for_all() {
    let done = Rc::new(Cell::new(0));
    let counted = done.clone();
    let play = async move {
        spawn_local(Courier::of_this_thread());
        yield_now().await;
        for _ in 0..FOLLOWERS {
            let counted = counted.clone();
            spawn_local(async move {
                Courier::turn().await;
                counted.set(counted.get() + 1);
            });
        }
        // One that goes away takes nobody's turn.
        spawn_local(Courier::turn()).abort();
        let mut most = 0;
        while done.get() < FOLLOWERS {
            let before = done.get();
            yield_now().await;
            most = most.max(done.get() - before);
        }
        assert!(most < FOLLOWERS / 4, "{most} before anybody else's turn");
    };
    let task = async { spawn_local(play).await.unwrap() };
    LocalSet::new().run_until(task).await;
}

#[tokio::test]
async fn a_thread_without_a_courier_makes_nobody_wait() {
    Courier::turn().await;
}
