//! The feed's frames as JSON: commands in, frames out, and the faces of levels and items. Knows
//! no socket and no connection.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::item_document::ItemFace;
use super::wire::{Number, Time};
use crate::actors::StockService;
use crate::catalogue::Catalogue;
use crate::feed::{Command, Ending, Face, Faces, FeedKey, News, View};
use crate::stock::{Level, Quantity, StockKey};

/// The most levels in one frame.
pub const LEVELS_MAX: usize = 500;

/// Writes levels and items for the feed.
pub struct JsonFaces {
    /// For the time, on which a price depends.
    pub stock: StockService,
    /// Where items are found.
    pub catalogue: Catalogue,
    /// Up to so many are a few.
    pub limited_max: Quantity,
}

#[derive(Serialize)]
struct LevelDocument<'a> {
    sku: &'a str,
    location: &'a str,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<Number>,
    at: Time,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

#[derive(Serialize)]
struct FeedItem<'a> {
    sku: &'a str,
    #[serde(flatten)]
    face: ItemFace<'a>,
}

impl Faces for JsonFaces {
    fn level(&self, key: &StockKey, level: &Level, view: View) -> Arc<str> {
        let Face {
            status,
            available,
            version,
            at,
        } = view.of(level, self.limited_max);
        let document = LevelDocument {
            sku: key.sku(),
            location: key.location(),
            version,
            status: level.stocked.then(|| status.as_str()),
            available: available.filter(|_| level.stocked).map(Number),
            at: Time(at),
            removed: !level.stocked,
        };
        written(&document).into()
    }

    fn item(&self, sku: &str) -> Option<Arc<str>> {
        let item = self.catalogue.item(sku)?;
        let face = ItemFace::new(&item, self.stock.now());
        Some(written(&FeedItem { sku, face }).into())
    }
}

fn written(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("documents are plain data")
}

/// A frame as it comes in.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Incoming {
    Hello {
        token: Option<String>,
    },
    Subscribe {
        id: Option<u64>,
        keys: Vec<String>,
        #[serde(default)]
        have: HashMap<String, u64>,
    },
    Unsubscribe {
        id: Option<u64>,
        keys: Vec<String>,
    },
    Pong {},
}

/// Why a frame is no command.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no frame of the protocol.
    Frame(String),
    /// One of the keys it names is none; the command's id and what is wrong.
    Key(Option<u64>, String),
}

/// Reads a client's frame.
pub fn read(text: &str) -> Result<Command, Unreadable> {
    let frame = serde_json::from_str(text);
    Ok(
        match frame.map_err(|error| Unreadable::Frame(error.to_string()))? {
            Incoming::Hello { token } => Command::Hello { token },
            Incoming::Subscribe { id, keys, have } => Command::Subscribe {
                id,
                keys: read_keys(id, keys.iter().map(String::as_str))?,
                have: have.into_iter().collect(),
            },
            Incoming::Unsubscribe { id, keys } => Command::Unsubscribe {
                keys: read_keys(id, keys.iter().map(String::as_str))?,
            },
            Incoming::Pong {} => Command::Pong,
        },
    )
}

/// Reads the keys of a command.
pub fn read_keys<'a>(
    id: Option<u64>,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<FeedKey>, Unreadable> {
    let key = |(index, text): (usize, &str)| {
        FeedKey::parse(text).map_err(|error| Unreadable::Key(id, format!("keys/{index} {error}")))
    };
    keys.enumerate().map(key).collect()
}

/// A frame as it goes out, but for those that hold levels.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Outgoing<'a> {
    Welcome {
        epoch: &'a str,
        ping_seconds: i64,
        max_keys: usize,
    },
    Ping,
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        code: &'a str,
        detail: &'a str,
    },
    GoingAway {
        retry_after_ms: i64,
    },
}

/// Says which lineage of data this is and what is allowed.
pub fn welcome(epoch: &str, ping_ms: i64, max_keys: usize) -> String {
    let ping_seconds = ping_ms / 1000;
    written(&Outgoing::Welcome {
        epoch,
        ping_seconds,
        max_keys,
    })
}

/// Asks whether somebody is there.
pub fn ping() -> String {
    written(&Outgoing::Ping)
}

/// Says what is wrong with a command, or why the connection ends.
pub fn error(id: Option<u64>, code: &str, detail: &str) -> String {
    written(&Outgoing::Error { id, code, detail })
}

/// The code in the frame that comes before the end.
pub fn refusal_code(ending: Ending) -> &'static str {
    match ending {
        Ending::BadToken => "unauthorized",
        Ending::TooManyConnections => "too_many_connections",
        Ending::TooManyKeys => "too_many_keys",
        Ending::TooManyCommands => "rate_limited",
        Ending::Origin => "forbidden",
        Ending::BadFrame
        | Ending::Done
        | Ending::GoingAway
        | Ending::TooSlow
        | Ending::NoPong
        | Ending::MaximumAge => "invalid_request",
    }
}

/// Says when to come back.
pub fn going_away(retry_after_ms: i64) -> String {
    written(&Outgoing::GoingAway { retry_after_ms })
}

/// Part of the answer to a subscribe.
#[derive(Debug, Default)]
pub struct State {
    /// The command's id.
    pub id: Option<u64>,
    /// Levels as they are written.
    pub levels: Vec<Arc<str>>,
    /// Items as they are written.
    pub items: Vec<Arc<str>>,
    /// Keys that are not stocked.
    pub unknown: Vec<String>,
    /// Keys that the client may not follow.
    pub denied: Vec<String>,
    /// Whether it is the last part.
    pub last: bool,
}

impl State {
    /// The frame.
    pub fn frame(&self) -> String {
        let mut frame = String::from(r#"{"type":"state","#);
        if let Some(id) = self.id {
            frame.push_str(&format!(r#""id":{id},"#));
        }
        frame.push_str(r#""levels":"#);
        list(&mut frame, &self.levels);
        frame.push_str(r#","items":"#);
        list(&mut frame, &self.items);
        let (unknown, denied) = (written(&self.unknown), written(&self.denied));
        let last = self.last;
        frame + &format!(r#","unknown":{unknown},"denied":{denied},"last":{last}}}"#)
    }
}

/// What is new, as frames: an update if there are levels, and one for each item.
pub fn news(news: &News) -> impl Iterator<Item = String> + use<'_> {
    let update = (!news.levels.is_empty()).then(|| {
        let mut frame = String::with_capacity(160 * (news.levels.len() + 1));
        frame.push_str(r#"{"type":"update","levels":"#);
        list(&mut frame, &news.levels);
        write!(frame, r#","conflated":{}}}"#, news.conflated).expect("a string takes all");
        frame
    });
    let item = |item: &Arc<str>| format!(r#"{{"type":"item","item":{item}}}"#);
    update.into_iter().chain(news.items.iter().map(item))
}

/// Appends a list of what is written already.
fn list(frame: &mut String, entries: &[Arc<str>]) {
    frame.push('[');
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            frame.push(',');
        }
        frame.push_str(entry);
    }
    frame.push(']');
}
