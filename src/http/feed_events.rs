//! `GET /v1/feed/events`: the feed as Server-Sent Events, for those who only listen.
//!
//! Each event's data is a frame as a WebSocket would carry it. Its id says what was told so far,
//! and with `Last-Event-ID` nothing of it is told again: `EPOCH/VIEW/VERSIONS`, the versions of
//! the keys that were asked for one by one, in their order, with dots between, empty where none
//! was told.
//! Patterns have none and are told anew: state may be repeated.

use std::fmt::Write;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, ORIGIN};
use actix_web::web::Data;
use futures::stream;

use super::answer::Answered;
use super::auth::Caller;
use super::border::Border;
use super::event_stream::{self, Piece};
use super::fault::{Source, Wrong};
use super::feed_frames::{Unreadable, going_away, read_keys};
use super::feed_session::{FeedSession, Step, Way};
use super::feed_socket::{self, barred, barred_for_origin, who};
use super::problem::{Code, Problem};
use super::request::Query;
use crate::feed::{Ending, FeedKey, Full, View};
use crate::stock::StockKey;
use crate::telemetry::labels::Barred;

/// What a client was last told.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An id longer than this is left out: the browser then keeps the one before, and is told a
/// little more than needed.
const ID_BYTES_MAX: usize = 1024;

/// Opens the feed for one who only listens: Server-Sent Events, each with a frame of
/// `/asyncapi.yaml` as its data.
pub async fn open(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    if !border.origins.allow(request.headers().get(ORIGIN)) {
        barred_for_origin(&border, &request);
        let detail = Ending::Origin.reason();
        return Err(Problem::new(Code::Forbidden, detail));
    }
    let mut query = Query::read(&request);
    let keys = query.optional("keys", read);
    query.finish()?;
    let keys = keys.ok_or_else(|| fault("is required: keys, separated by commas"))?;
    let limits = border.feed.limits();
    let max = match caller.token() {
        Some(_) => limits.token_keys_max,
        None => limits.keys_max,
    };
    if keys.len() > max {
        return Err(fault(&format!("may name at most {max} keys")));
    }

    let view = caller.view();
    let subscription = border.feed.connect(who(&border, &caller, &request), view);
    let subscription = subscription.map_err(|full| match full {
        Full::Total => feed_socket::full(),
        Full::Who => {
            barred(Barred::Who);
            Problem::new(Code::Overloaded, Full::Who.to_string())
        }
    })?;
    let told = Told::new(border.stock.epoch(), view, &keys);
    let last = request.headers().get(LAST_EVENT_ID);
    let last = last.and_then(|id| id.to_str().ok());
    let have = last.map(|id| told.have(id)).unwrap_or_default();
    Ok(event_stream::answer(&request, || {
        let mut session = FeedSession::new(border, caller, subscription, Way::Out);
        session.follow(keys, have);
        let listener = Box::new(Listener {
            session,
            told,
            ended: false,
        });
        stream::unfold(listener, Listener::turn)
    }))
}

fn read(text: &str) -> Result<Vec<FeedKey>, Wrong> {
    let keys = read_keys(None, text.split(','));
    keys.map_err(|unreadable| match unreadable {
        Unreadable::Frame(detail) | Unreadable::Key(_, detail) => Wrong::invalid(detail),
    })
}

fn fault(detail: &str) -> Problem {
    Problem::from_fault(
        Source::Parameter("keys".into()),
        Wrong::invalid(detail.to_owned()),
    )
}

/// A client that only listens.
struct Listener {
    session: FeedSession,
    told: Told,
    ended: bool,
}

impl Listener {
    async fn turn(mut self: Box<Self>) -> Option<(Piece, Box<Self>)> {
        self.session.wanted();
        while !self.ended {
            let Some(step) = self.session.step().await else {
                self.session.wait().await;
                continue;
            };
            let piece = match step {
                Step::Frame(frame) => self.event(&frame),
                // A browser itself reads no frame, but obeys this line.
                Step::GoingAway(retry_after_ms) => {
                    let event = self.event(&going_away(retry_after_ms));
                    format!("retry: {retry_after_ms}\n{event}")
                }
                Step::Ping => ": ping\n\n".to_owned(),
                Step::End(ending) => {
                    self.ended = true;
                    format!(": {} {}\n\n", ending.code(), ending.reason())
                }
            };
            self.session.handed_over(piece.len());
            return Some((Ok(piece.into()), self));
        }
        None
    }

    fn event(&self, frame: &str) -> String {
        let id = self.told.id(|key| self.session.subscription().seen(key));
        if id.len() > ID_BYTES_MAX {
            return format!("data: {frame}\n\n");
        }
        format!("id: {id}\ndata: {frame}\n\n")
    }
}

/// How what was told is written into an id.
struct Told {
    prefix: String,
    keys: Vec<StockKey>,
}

impl Told {
    fn new(epoch: &str, view: View, keys: &[FeedKey]) -> Told {
        let view = match view {
            View::Public => "p",
            View::Exact => "x",
        };
        let single = keys.iter().filter_map(|key| match key {
            FeedKey::Key(key) => Some(key.clone()),
            FeedKey::Item(_) | FeedKey::Location(_) => None,
        });
        Told {
            prefix: format!("{epoch}/{view}/"),
            keys: single.collect(),
        }
    }

    fn id(&self, seen: impl Fn(&StockKey) -> Option<u64>) -> String {
        let mut id = self.prefix.clone();
        for (index, key) in self.keys.iter().enumerate() {
            if index > 0 {
                id.push('.');
            }
            if let Some(version) = seen(key) {
                write!(id, "{version}").expect("a string takes all");
            }
        }
        id
    }

    /// What an id says was told; nothing if it is of another epoch, view or set of keys.
    fn have(&self, id: &str) -> Vec<(String, u64)> {
        let Some(versions) = id.strip_prefix(self.prefix.as_str()) else {
            return Vec::new();
        };
        let versions: Vec<&str> = versions.split('.').collect();
        if versions.len() != self.keys.len() {
            return Vec::new();
        }
        let told = self.keys.iter().zip(versions);
        told.filter_map(|(key, version)| Some((key.to_string(), version.parse().ok()?)))
            .collect()
    }
}
