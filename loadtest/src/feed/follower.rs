//! One follower, as the contract wants it: subscribes with the versions it has, answers pings,
//! and when its connection ends comes back after as long as it was told, else after a random
//! time that grows. It must not know who else follows.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::crowd::Shared;
use super::frame::Frame;
use super::socket::{Opening, Socket};
use super::source;
use super::told::{Told, ToldLevel};
use crate::clock;

/// The least and the most that the random times grow to.
const RETRY_MS: (u64, u64) = (500, 30_000);

/// Close codes from here on say: stay away.
const STAY_AWAY: u16 = 4500;

/// A follower.
pub struct Follower {
    shared: Rc<Shared>,
    place: usize,
    /// Openings in a row that came to nothing.
    attempt: u32,
    /// The lineage of data that its versions belong to.
    epoch: String,
}

/// What was heard over one connection, and what is to be done about it.
struct Hearing<'a> {
    shared: &'a Shared,
    place: usize,
    epoch: &'a mut String,
    is_welcome: bool,
    is_pinged: bool,
    has_state: bool,
    retry_after: Option<Duration>,
    closed: Option<u16>,
}

impl Follower {
    /// The follower at that place of a crowd.
    pub fn new(shared: Rc<Shared>, place: usize) -> Follower {
        Follower {
            shared,
            place,
            attempt: 0,
            epoch: String::new(),
        }
    }

    /// Follows on and on, or until it is told to stay away.
    pub async fn follow(mut self) {
        loop {
            let shared = self.shared.clone();
            let opened = {
                // Only the first opening is queued for: who comes back does not ask the others.
                let first = self.epoch.is_empty();
                let door = if first {
                    shared.doors.acquire().await.ok()
                } else {
                    None
                };
                let opening = Opening {
                    source: source(self.place),
                    with_token: false,
                    unread_bytes_max: None,
                };
                let opened = Socket::open(&shared.target, opening).await;
                drop(door);
                opened
            };
            let mut hearing = Hearing {
                shared: &shared,
                place: self.place,
                epoch: &mut self.epoch,
                is_welcome: false,
                is_pinged: false,
                has_state: false,
                retry_after: None,
                closed: None,
            };
            let parted = match opened {
                Ok(socket) => hearing.stay(socket).await,
                Err(error) => Err(error),
            };
            let (had_state, retry_after) = (hearing.has_state, hearing.retry_after);
            let closed = hearing.closed;
            if had_state {
                shared.lost();
            }
            if !shared.storm.get() {
                let how = match (&parted, closed) {
                    (_, Some(code)) => format!("closed with {code}"),
                    (Err(error), None) => error.to_string(),
                    (Ok(()), None) => "told to go".into(),
                };
                let what = format!("a connection was lost or not let in: {how}");
                shared.tally.borrow_mut().breach(what);
            }
            if closed.is_some_and(|code| code >= STAY_AWAY) {
                return;
            }
            self.attempt = if had_state { 0 } else { self.attempt + 1 };
            let wait = retry_after.unwrap_or_else(|| jittered(self.attempt));
            tokio::time::sleep(wait).await;
        }
    }
}

/// A random time of up to a bound that doubles.
fn jittered(attempt: u32) -> Duration {
    let (base, most) = RETRY_MS;
    let bound = (base << attempt.min(10)).min(most);
    Duration::from_millis(rand::random_range(0..=bound))
}

impl Hearing<'_> {
    /// Follows over one connection until it ends.
    async fn stay(&mut self, mut socket: Socket) -> io::Result<()> {
        socket.read_begun(|frame| self.hear(frame))?;
        while self.closed.is_none() {
            if std::mem::take(&mut self.is_welcome) {
                socket.send(&self.subscribe()).await?;
            }
            if std::mem::take(&mut self.is_pinged) {
                socket.send(r#"{"op":"pong"}"#).await?;
            }
            let room = &self.shared.room;
            socket.read(room, |frame| self.hear(frame)).await?;
        }
        Ok(())
    }

    /// The command that follows what it follows, from where it left off.
    fn subscribe(&self) -> String {
        let seat = &self.shared.seats[self.place];
        let name = |key: &u64| format!("\"{}\"", self.shared.shop.feed_key(*key));
        let keys: Vec<String> = seat.keys.iter().map(name).collect();
        let known = seat.known.borrow();
        let have = known
            .iter()
            .map(|(key, version)| format!("{}:{version}", name(key)));
        let (keys, have) = (keys.join(","), have.collect::<Vec<String>>().join(","));
        format!(r#"{{"op":"subscribe","id":1,"keys":[{keys}],"have":{{{have}}}}}"#)
    }

    fn hear(&mut self, frame: Frame<'_>) {
        match frame {
            Frame::Close(code) => self.closed = Some(code),
            Frame::Life => {}
            Frame::Text(text) => match serde_json::from_slice(text) {
                Ok(told) => self.told(&told),
                Err(error) => self.breach(format!("a frame that cannot be read: {error}")),
            },
        }
    }

    fn told(&mut self, told: &Told<'_>) {
        match told.kind {
            "update" => {
                let now = clock::wall();
                self.shared.tally.borrow_mut().update(told.conflated);
                for level in &told.levels {
                    let at = level.at.parse::<Timestamp>().ok();
                    self.shared.tally.borrow_mut().level(at, now);
                    self.learn(level);
                }
            }
            "state" => {
                told.levels.iter().for_each(|level| self.learn(level));
                if !told.unknown.is_empty() || !told.denied.is_empty() {
                    self.breach("a key was unknown or denied");
                }
                if told.last && !self.has_state {
                    self.has_state = true;
                    self.shared.gained();
                    self.shared.tally.borrow_mut().returned.push(clock::now());
                }
            }
            "welcome" => {
                let epoch = told.epoch.unwrap_or_default();
                if *self.epoch != epoch {
                    self.shared.seats[self.place].known.borrow_mut().clear();
                    epoch.clone_into(self.epoch);
                }
                self.is_welcome = true;
            }
            "ping" => self.is_pinged = true,
            "going_away" => self.retry_after = told.retry_after_ms.map(Duration::from_millis),
            "error" => self.breach(format!("an error: {}", told.code.unwrap_or_default())),
            _ => {}
        }
    }

    fn learn(&self, level: &ToldLevel<'_>) {
        let Some(key) = self.shared.shop.named(level.sku, level.location) else {
            return self.breach("a level of a key that nobody asked for");
        };
        let seat = &self.shared.seats[self.place];
        if !seat.keys.contains(&key) {
            return self.breach("a level of a key that it does not follow");
        }
        let before = seat.known.borrow_mut().insert(key, level.version);
        if before.is_some_and(|before| before >= level.version) {
            self.breach("a version that did not rise");
        }
    }

    fn breach(&self, what: impl Into<String>) {
        self.shared.tally.borrow_mut().breach(what);
    }
}
