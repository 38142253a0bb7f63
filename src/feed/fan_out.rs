//! The fan-out: the one task that tells followers. What changed after a quiet tick is told at
//! once; what changes again within the tick waits for its end, unless it sold out or came back.
//! It must not know what a level looks like, nor wait for anybody who reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::hub::Hub;
use super::topic::{Topic, Turn};
use super::view::View;

/// After so many topics the other tasks of the thread have a turn.
const TOPICS_IN_A_TURN_MAX: usize = 100;

/// Tells followers what was published.
pub struct FanOut {
    hub: Arc<Hub>,
    /// Topics that were told within this tick.
    lately: Vec<Arc<Topic>>,
}

impl FanOut {
    /// The fan-out of `hub`; there must be one.
    pub fn of(hub: Arc<Hub>) -> FanOut {
        FanOut {
            hub,
            lately: Vec::new(),
        }
    }

    /// Runs on and on.
    pub async fn run(mut self) {
        let tick = Duration::from_millis(self.hub.limits.tick_ms);
        let hub = self.hub.clone();
        loop {
            hub.queued.notified().await;
            self.round().await;
            // Ticks do not begin when the last was done with, or they would last the longer the
            // more there is to tell.
            let mut ticks = interval(tick);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks.reset();
            while !self.lately.is_empty() {
                tokio::select! {
                    _ = ticks.tick() => self.end_tick().await,
                    () = hub.queued.notified() => self.round().await,
                }
            }
        }
    }

    /// Tells what need not wait for the end of the tick.
    pub(super) async fn round(&mut self) {
        let queue = self.hub.take_queue();
        for (index, topic) in queue.topics.into_iter().enumerate() {
            if let Turn::Tell { public, is_first } = topic.turn(false) {
                self.tell(&topic, public);
                if is_first {
                    self.lately.push(topic);
                }
            }
            breathe(index).await;
        }
        for sku in queue.items {
            if let Some(item) = self.hub.faces.item(&sku) {
                let (topics, groups) = self.hub.showing_item(&sku);
                let of_topics = topics.iter().map(|topic| &topic.followers);
                let mut followers = HashMap::new();
                for group in of_topics.chain(groups.iter().map(|group| &**group)) {
                    group.gather(&mut followers);
                }
                for inbox in followers.values() {
                    inbox.put_item(&sku, &item);
                }
            }
        }
    }

    /// Ends the tick: tells what waited for it. What was told begins another one.
    pub(super) async fn end_tick(&mut self) {
        let lately = std::mem::take(&mut self.lately);
        for (index, topic) in lately.into_iter().enumerate() {
            if let Turn::Tell { public, .. } = topic.turn(true) {
                self.tell(&topic, public);
                self.lately.push(topic);
            }
            breathe(index).await;
        }
    }

    fn tell(&self, topic: &Arc<Topic>, public: bool) {
        let over = self.hub.groups_over(topic.key());
        let groups = over.iter().flatten().map(|group| &**group);
        for group in groups.chain([&topic.followers]) {
            group.mark(View::Exact, topic);
            if public {
                group.mark(View::Public, topic);
            }
        }
    }
}

async fn breathe(topics: usize) {
    if topics % TOPICS_IN_A_TURN_MAX == TOPICS_IN_A_TURN_MAX - 1 {
        tokio::task::yield_now().await;
    }
}
