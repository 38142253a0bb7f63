//! One client of the feed: what it says, what it is told, and when it has to go. The same for
//! WebSockets and for Server-Sent Events; it knows neither, and is asked for the next step
//! whenever the socket takes more. So nothing waits behind a slow reader but what it has not
//! been told.

use std::collections::VecDeque;

use actix_web::web::Data;
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::auth::Caller;
use super::border::Border;
use super::feed_answer::StateAnswer;
use super::feed_frames::{self as frames, LEVELS_MAX, Unreadable};
use crate::catalogue::Scope;
use crate::feed::{Command, Courier, Ending, FeedKey, FeedLimits, Subscription, Who};
use crate::stock::Timestamp;
use crate::telemetry::labels::Transport;
use crate::telemetry::{local, metrics};

/// What is to be written next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A frame.
    Frame(String),
    /// It is to come back after so many milliseconds.
    GoingAway(i64),
    /// A sign of life.
    Ping,
    /// The last: why it ends.
    End(Ending),
}

/// Whether the client can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It can, and must answer pings.
    Both,
    /// It only listens.
    Out,
}

/// One client.
pub struct FeedSession {
    border: Data<Border>,
    caller: Caller,
    subscription: Subscription,
    way: Way,
    replies: VecDeque<Step>,
    answer: Option<StateAnswer>,
    ending: Option<Ending>,
    /// The end it was told.
    told_to_end: Option<Ending>,
    commands: u64,
    /// What the clock said when it was waited for something last.
    now: Timestamp,
    opened_at: Timestamp,
    heard_at: Timestamp,
    ping_at: Timestamp,
    age_until: Timestamp,
    /// The earliest time, in microseconds, by which what was counted so far may have come.
    pace_us: i64,
    /// Until then nothing came in that was not heard.
    nothing_until: Timestamp,
    /// When the last piece was handed to the socket, until it wants the next.
    handed_at: Option<Timestamp>,
    /// Rings no later than time asks for something.
    alarm: Option<LocalBoxFuture<'static, ()>>,
}

impl FeedSession {
    /// A client that was let in.
    pub fn new(
        border: Data<Border>,
        caller: Caller,
        subscription: Subscription,
        way: Way,
    ) -> FeedSession {
        let now = border.stock.now();
        let limits = border.feed.limits();
        // A fifth more or less, so that those who came together do not come back together.
        let age_ms = limits.age_ms * 8 / 10 + limits.age_ms * rand::random_range(0..=400) / 1000;
        let mut session = FeedSession {
            now,
            opened_at: now,
            heard_at: now,
            ping_at: now.plus_millis(limits.ping_ms),
            age_until: now.plus_millis(age_ms),
            pace_us: 0,
            nothing_until: now,
            handed_at: None,
            alarm: None,
            border,
            caller,
            subscription,
            way,
            replies: VecDeque::new(),
            answer: None,
            ending: None,
            told_to_end: None,
            commands: 0,
        };
        let transport = match way {
            Way::Both => Transport::WebSocket,
            Way::Out => Transport::ServerSentEvents,
        };
        metrics().feed_opened_total.of(transport).inc();
        session.welcome();
        session
    }

    /// The largest frame it may send.
    pub fn frame_bytes_max(&self) -> usize {
        let limits = self.limits();
        match self.caller.token() {
            Some(_) => limits.token_frame_bytes_max,
            None => limits.frame_bytes_max,
        }
    }

    /// The session of a page that only listens follows these keys from its beginning.
    pub fn follow(&mut self, keys: Vec<FeedKey>, have: Vec<(String, u64)>) {
        self.subscribe(None, keys, have);
    }

    /// A frame came in.
    pub fn hear(&mut self, text: &str) {
        match frames::read(text) {
            Ok(command) => self.obey(command),
            Err(Unreadable::Frame(detail)) => self.refuse(Ending::BadFrame, None, &detail),
            Err(Unreadable::Key(id, detail)) => {
                self.commands += 1;
                self.reply(frames::error(id, "invalid_request", &detail));
            }
        }
    }

    /// Anything came in, if only a sign of life.
    pub fn heard(&mut self) {
        self.heard_at = self.now;
    }

    /// What came in counts among those that may come in a second.
    pub fn count(&mut self) {
        let cost_us = 1_000_000 / i64::from(self.limits().commands_per_second_max);
        let [nothing_until_us, now_us] =
            [self.nothing_until, self.now].map(|time| time.as_millis().saturating_mul(1000));
        self.pace_us = self.pace_us.max(nothing_until_us) + cost_us;
        if self.pace_us > now_us + 1_000_000 {
            self.end(Ending::TooManyCommands);
        }
    }

    /// Nothing is there that was not heard. What is heard next came after this: who is not
    /// listened to, while it is answered, may go on to say what it may.
    pub fn heard_all(&mut self) {
        self.nothing_until = self.now;
    }

    /// Ends it; the first reason counts.
    pub fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// Ends it and says why in a frame of its own, for whoever writes a client.
    pub fn refuse(&mut self, ending: Ending, id: Option<u64>, detail: &str) {
        if self.ending.is_none() {
            self.reply(frames::error(id, frames::refusal_code(ending), detail));
            self.end(ending);
        }
    }

    /// A piece of so many bytes was handed to the socket.
    pub fn handed_over(&mut self, bytes: usize) {
        local(|count| count.feed_bytes_total.inc_by(bytes as u64));
        self.handed_at = Some(self.now);
    }

    /// The socket wants more. If that took too long, all there is to say is why it ends.
    pub fn wanted(&mut self) {
        self.look_at_clock();
        if let Some(handed_at) = self.handed_at.take()
            && self.now >= handed_at.plus_millis(self.limits().stalled_ms_max)
        {
            self.replies.clear();
            self.end(Ending::TooSlow);
        }
    }

    /// The next step, if there is something to do now.
    pub async fn step(&mut self) -> Option<Step> {
        let step = self.next_step().await;
        match &step {
            Some(Step::Frame(_) | Step::GoingAway(_) | Step::Ping) => {
                local(|count| count.feed_frames_total.inc());
            }
            Some(Step::End(ending)) => self.told_to_end = Some(*ending),
            None => {}
        }
        step
    }

    async fn next_step(&mut self) -> Option<Step> {
        if let Some(reply) = self.replies.pop_front() {
            return Some(reply);
        }
        if let Some(ending) = self.ending {
            return Some(Step::End(ending));
        }
        if let Some(ending) = self.subscription.ending() {
            self.end(ending);
            if ending == Ending::GoingAway {
                let max = self.limits().retry_after_ms_max;
                let retry_after_ms = rand::random_range(max / 10..=max);
                return Some(Step::GoingAway(retry_after_ms));
            }
            return Some(Step::End(ending));
        }
        if let Some(step) = self.due() {
            return Some(step);
        }
        if let Some(answer) = &mut self.answer {
            Courier::turn().await;
            // In a box: it is seldom needed, and each connection would keep the room for it.
            let part = answer.part(&self.border, &mut self.subscription);
            let state = Box::pin(part).await;
            self.look_at_clock();
            if state.last {
                self.answer = None;
                self.heard_at = self.now;
            }
            return Some(Step::Frame(state.frame()));
        }
        let news = self.subscription.news(LEVELS_MAX)?;
        self.replies.extend(frames::news(&news).map(Step::Frame));
        self.replies.pop_front()
    }

    /// Waits until there may be a next step.
    pub async fn wait(&mut self) {
        let next = self.ping_at.min(self.age_until).min(self.silent_until());
        // Times only move away, so an alarm that was set rings early enough, if not too early:
        // none need be set for each frame.
        let alarm = self.alarm.get_or_insert_with(|| {
            let stock = self.border.stock.clone();
            async move { stock.sleep_until(next).await }.boxed_local()
        });
        tokio::select! {
            biased;
            () = self.subscription.unread() => {}
            () = alarm => self.alarm = None,
        }
        self.look_at_clock();
    }

    /// What time asks for.
    fn due(&mut self) -> Option<Step> {
        let now = self.now;
        if now >= self.age_until {
            self.end(Ending::MaximumAge);
        } else if now >= self.silent_until() {
            self.end(Ending::NoPong);
        } else if now >= self.ping_at {
            self.ping_at = now.plus_millis(self.limits().ping_ms);
            return Some(Step::Ping);
        }
        self.ending.map(Step::End)
    }

    /// By when something must be heard. Who is being answered is not: taking the answer is its
    /// sign of life, and taking too long over it its end.
    fn silent_until(&self) -> Timestamp {
        let limits = self.limits();
        match (self.way, &self.answer) {
            (Way::Both, None) => self
                .heard_at
                .plus_millis(limits.ping_ms + limits.pong_ms_max),
            (Way::Both, Some(_)) | (Way::Out, _) => self.age_until,
        }
    }

    fn obey(&mut self, command: Command) {
        let is_first = self.commands == 0;
        self.commands += u64::from(command != Command::Pong);
        match command {
            Command::Pong => {}
            Command::Hello { token } => self.hello(is_first, token.as_deref()),
            Command::Subscribe { id, keys, have } => self.subscribe(id, keys, have),
            Command::Unsubscribe { keys } => self.subscription.leave(&keys),
        }
    }

    fn hello(&mut self, is_first: bool, secret: Option<&str>) {
        let limit = self.opened_at.plus_millis(self.limits().hello_ms_max);
        if !is_first || self.now > limit {
            let seconds = self.limits().hello_ms_max / 1000;
            let detail = format!("a hello is the first command, within {seconds} s");
            return self.refuse(Ending::BadFrame, None, &detail);
        }
        let Some(secret) = secret else {
            return self.welcome();
        };
        let catalogue = &self.border.catalogue;
        let Some(token) = catalogue.token(secret) else {
            return self.refuse(Ending::BadToken, None, Ending::BadToken.reason());
        };
        let caller = Caller::new(Some(token.clone()));
        let introduced = self
            .subscription
            .introduce(Who::Token(token.id), caller.view());
        if introduced.is_err() {
            let ending = Ending::TooManyConnections;
            return self.refuse(ending, None, ending.reason());
        }
        self.caller = caller;
        // From here on a revocation reaches it; one that came before this is seen here.
        if self.border.catalogue.token(secret).is_none() {
            return self.refuse(Ending::BadToken, None, Ending::BadToken.reason());
        }
        self.welcome();
    }

    fn subscribe(&mut self, id: Option<u64>, keys: Vec<FeedKey>, have: Vec<(String, u64)>) {
        let may_follow_patterns =
            self.caller.may(Scope::Screen) || self.caller.may(Scope::StockRead);
        let (keys, denied): (Vec<FeedKey>, Vec<FeedKey>) = keys
            .into_iter()
            .partition(|key| may_follow_patterns || !key.is_pattern());
        let max = self.keys_max();
        if self.subscription.follow(&keys, max).is_err() {
            let detail = format!("a connection may follow {max} keys");
            return self.refuse(Ending::TooManyKeys, id, &detail);
        }
        let denied = denied.iter().map(ToString::to_string).collect();
        self.answer = Some(StateAnswer::new(id, keys, have, denied));
    }

    /// Whether the client is to be heard: not before it was answered.
    pub fn is_free(&self) -> bool {
        self.answer.is_none() && self.replies.is_empty() && self.ending.is_none()
    }

    /// What it follows, and what it has been told of that.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    fn keys_max(&self) -> usize {
        let limits = self.limits();
        match self.caller.token() {
            Some(_) => limits.token_keys_max,
            None => limits.keys_max,
        }
    }

    fn welcome(&mut self) {
        if self.way == Way::Both {
            let (epoch, max) = (self.border.stock.epoch(), self.keys_max());
            let frame = frames::welcome(epoch, self.limits().ping_ms, max);
            self.reply(frame);
        }
    }

    fn reply(&mut self, frame: String) {
        self.replies.push_back(Step::Frame(frame));
    }

    fn limits(&self) -> &FeedLimits {
        self.border.feed.limits()
    }

    /// Time has passed: it was waited for something.
    pub fn look_at_clock(&mut self) {
        self.now = self.border.stock.now();
    }
}

impl Drop for FeedSession {
    fn drop(&mut self) {
        count_close(self.told_to_end.map_or(0, Ending::code));
    }
}

/// Counts a connection that ended with a close code; 0: the client was gone.
pub fn count_close(code: u16) {
    add_closes(code, 1);
}

/// Has every close code told from the beginning, though none was used yet.
pub fn tell_closes() {
    for code in Ending::ALL.iter().map(|ending| ending.code()).chain([0]) {
        add_closes(code, 0);
    }
}

fn add_closes(code: u16, count: u64) {
    let closes = &metrics().feed_closes_total;
    closes.with_label_values(&[&code.to_string()]).inc_by(count);
}
