//! Many followers at once: who follows what, how many have their state, what they were told. It
//! must not know how a follower behaves.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::follower::Follower;
use super::tally::{Delivered, FeedTally};
use super::truth;
use crate::clock;
use crate::request::Target;
use crate::shop::Shop;

/// Handshakes under way at once when a crowd first opens: those of a morning, not of a storm.
const OPENING_MAX: usize = 128;

/// Room to read with, shared by all.
const ROOM_BYTES: usize = 64 << 10;

/// How long a crowd may take to open.
const OPEN_MAX: Duration = Duration::from_secs(120);

/// How long all may take to be told what is true when nothing changes any more.
const SETTLE_MAX: Duration = Duration::from_secs(15);

/// How often it is looked whether they have been, or are back.
const LOOK: Duration = Duration::from_millis(20);

/// Which keys of the shop who follows.
#[derive(Clone, Copy, Debug)]
pub enum Places {
    /// So many, all the same key.
    Hot(usize, u64),
    /// So many, each so many keys, spread over all there are.
    Spread(usize, u64),
}

/// Followers, without a token: what they see is the public face.
pub struct Crowd {
    shared: Rc<Shared>,
    followers: JoinSet<()>,
}

/// What followers share.
pub struct Shared {
    pub target: Target,
    pub shop: Shop,
    pub seats: Vec<Seat>,
    pub doors: Semaphore,
    pub room: RefCell<Vec<u8>>,
    pub tally: RefCell<FeedTally>,
    /// Whether connections may be lost now.
    pub storm: Cell<bool>,
    with_state: Cell<usize>,
    complete: Notify,
}

/// What one follower knows.
pub struct Seat {
    /// What it follows.
    pub keys: Vec<u64>,
    /// The newest version of each key that it was told.
    pub known: RefCell<BTreeMap<u64, u64>>,
}

impl Places {
    fn seats(self, shop: Shop) -> Vec<Seat> {
        let seat = |keys| Seat {
            keys,
            known: RefCell::default(),
        };
        match self {
            Places::Hot(count, key) => (0..count).map(|_| seat(vec![key])).collect(),
            Places::Spread(count, each) => {
                let from = |place| place as u64 * each;
                let keys = |from| (from..from + each).map(|key| key % shop.keys()).collect();
                (0..count).map(|place| seat(keys(from(place)))).collect()
            }
        }
    }
}

impl Crowd {
    /// Opens all of them and waits until each has its state. To be awaited inside a `LocalSet`.
    ///
    /// # Errors
    /// They do not get in.
    pub async fn open(target: &Target, shop: Shop, places: Places) -> Result<Crowd> {
        let shared = Rc::new(Shared {
            target: target.clone(),
            shop,
            seats: places.seats(shop),
            doors: Semaphore::new(OPENING_MAX),
            room: RefCell::new(vec![0; ROOM_BYTES]),
            tally: RefCell::new(FeedTally::new()),
            storm: Cell::new(false),
            with_state: Cell::new(0),
            complete: Notify::new(),
        });
        let mut followers = JoinSet::new();
        for place in 0..shared.seats.len() {
            followers.spawn_local(Follower::new(shared.clone(), place).follow());
        }
        let crowd = Crowd { shared, followers };
        let all = crowd.until_complete(OPEN_MAX).await;
        all.with_context(|| crowd.breaches().join("; "))?;
        Ok(crowd)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shared.seats.len()
    }

    /// How many are connected and have their state.
    pub fn with_state(&self) -> usize {
        self.shared.with_state.get()
    }

    /// What they were told since the last call.
    pub fn take(&self) -> Delivered {
        self.shared.tally.borrow_mut().take()
    }

    /// What happened that the contract rules out.
    pub fn breaches(&self) -> Vec<String> {
        self.shared.tally.borrow().breaches()
    }

    /// Waits until each has its state.
    ///
    /// # Errors
    /// Some have none after `within`.
    pub async fn until_complete(&self, within: Duration) -> Result<()> {
        let all = async {
            while self.with_state() < self.len() {
                self.shared.complete.notified().await;
            }
        };
        let waited = tokio::time::timeout(within, all).await;
        waited.with_context(|| {
            let (some, all) = (self.with_state(), self.len());
            format!("only {some} of {all} followers have their state after {within:?}")
        })
    }

    /// From now on connections may be lost, all of them and once: each comes back by itself.
    pub fn expect_storm(&self) {
        self.shared.storm.set(true);
        self.shared.tally.borrow_mut().returned.clear();
    }

    /// Waits until everyone that was lost in the storm is back and has its state, or `within` is
    /// over.
    pub async fn until_back(&self, within: Duration) {
        let give_up = clock::now() + within;
        while !self.is_back() && clock::now() < give_up {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn is_back(&self) -> bool {
        let returned = self.shared.tally.borrow().returned.len();
        self.with_state() == self.len() && returned >= self.len()
    }

    /// Ends the storm; gives when each had its state again.
    pub fn end_storm(&self) -> Vec<Instant> {
        self.shared.storm.set(false);
        std::mem::take(&mut self.shared.tally.borrow_mut().returned)
    }

    /// Waits until what each was told last is what is true, now that nothing changes; those that
    /// were not told it are breaches.
    ///
    /// # Errors
    /// The server does not tell what is true.
    pub async fn settle(&self) -> Result<()> {
        let followed = self.shared.seats.iter().flat_map(|seat| seat.keys.iter());
        let truth = truth::read(&self.shared.target, self.shared.shop, followed).await?;
        let looks = SETTLE_MAX.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            if self.behind(&truth) == 0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        let behind = self.behind(&truth);
        let what = format!("{behind} followers were last told something that is not true");
        self.shared.tally.borrow_mut().breach(what);
        Ok(())
    }

    fn behind(&self, truth: &HashMap<u64, u64>) -> usize {
        let is_behind = |seat: &&Seat| {
            let known = seat.known.borrow();
            seat.keys.iter().any(|key| known.get(key) != truth.get(key))
        };
        self.shared.seats.iter().filter(is_behind).count()
    }

    /// Closes them all.
    pub async fn close(mut self) -> Vec<String> {
        let breaches = self.breaches();
        self.followers.shutdown().await;
        breaches
    }
}

impl Shared {
    /// One more has its state.
    pub fn gained(&self) {
        self.with_state.set(self.with_state.get() + 1);
        if self.with_state.get() == self.seats.len() {
            self.complete.notify_one();
        }
    }

    /// One that had its state lost its connection.
    pub fn lost(&self) {
        self.with_state.set(self.with_state.get() - 1);
    }
}
