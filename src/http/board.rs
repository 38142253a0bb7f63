//! `GET /board`: a page for a wall that shows where callers contend for the same stock, and
//! `GET /v1/contention/events`: what keeps it up to date. Once a second the whole document, and
//! in between the levels of the keys it names, as soon as they are committed: the stream follows
//! the feed like any client. It must not know how a page looks.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures::stream;

use super::answer::Answered;
use super::border::Border;
use super::content::Content;
use super::contention::{ContentionDocument, TOP};
use super::event_stream::{self, Piece};
use super::feed_frames::LEVELS_MAX;
use super::feed_socket::{barred, full};
use super::gate::client_address;
use super::ops::OpsView;
use super::problem::{Code, Problem};
use super::request::Query;
use crate::actors::Contended;
use crate::feed::{FeedKey, Full, Shown, Subscription, View, Who};
use crate::stock::{StockKey, Timestamp};
use crate::telemetry::labels::Barred;
use crate::web;

/// How often the whole document is told.
const EVERY_MS: i64 = 1000;

/// `GET /`: whoever types the address alone wants to see how it goes.
pub async fn home() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, "/board"))
        .finish()
}

/// The page.
pub async fn page(request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Content> = LazyLock::new(|| {
        let page = web::asset("board.html").expect("it is in the binary");
        Content::scripted(page.media_type, page.content())
    });
    PAGE.answer(&request)
}

/// What keeps the page up to date: Server-Sent Events named `contention` and `levels`.
pub async fn events(view: Data<OpsView>, request: HttpRequest) -> Answered {
    Query::read(&request).finish()?;
    let border = view.border()?.clone();
    let who = Who::Address(client_address(&request, &border));
    let subscription = border.feed.connect(who, View::Exact);
    let subscription = subscription.map_err(|none| match none {
        Full::Total => full(),
        Full::Who => {
            barred(Barred::Who);
            Problem::new(Code::Overloaded, Full::Who.to_string())
        }
    })?;
    Ok(event_stream::answer(&request, || {
        let watcher = Box::new(Watcher {
            next: border.stock.now(),
            border,
            subscription,
            followed: HashSet::new(),
        });
        stream::unfold(watcher, Watcher::turn)
    }))
}

/// One page that is open.
struct Watcher {
    border: Data<Border>,
    subscription: Subscription,
    /// The keys whose levels are told.
    followed: HashSet<StockKey>,
    /// When the whole document is told again.
    next: Timestamp,
}

impl Watcher {
    async fn turn(mut self: Box<Self>) -> Option<(Piece, Box<Self>)> {
        loop {
            if self.subscription.ending().is_some() {
                return None;
            }
            let now = self.border.stock.now();
            if now >= self.next {
                self.next = now.plus_millis(EVERY_MS);
                return Some((Ok(self.document().into()), self));
            }
            if let Some(news) = self.subscription.news(LEVELS_MAX)
                && !news.levels.is_empty()
            {
                return Some((Ok(levels(&news.levels).into()), self));
            }
            tokio::select! {
                () = self.subscription.unread() => {}
                () = self.border.stock.sleep_until(self.next) => {}
            }
        }
    }

    /// The document, and the levels of the keys that are new in it.
    fn document(&mut self) -> String {
        let contended = self.border.stock.contended(TOP);
        let document = ContentionDocument::new(&self.border, &contended);
        let document = serde_json::to_string(&document).expect("documents are plain data");
        let shown = self.follow(&contended);
        let mut events = format!("event: contention\ndata: {document}\n\n");
        if !shown.is_empty() {
            events.push_str(&levels(&shown));
        }
        events
    }

    /// Follows the keys that are shown, and no others.
    fn follow(&mut self, contended: &Contended) -> Vec<Arc<str>> {
        let keys = contended.keys.iter().map(|hot| hot.key.clone());
        let wanted: HashSet<StockKey> = keys.collect();
        let named = |keys: Vec<&StockKey>| -> Vec<FeedKey> {
            keys.into_iter().cloned().map(FeedKey::Key).collect()
        };
        self.subscription
            .leave(&named(self.followed.difference(&wanted).collect()));
        let added: Vec<&StockKey> = wanted.difference(&self.followed).collect();
        let followed = self.subscription.follow(&named(added.clone()), TOP);
        assert!(followed.is_ok(), "as many are followed as are shown");
        let mut levels = Vec::new();
        for key in added {
            let level = self.border.stock.level(key);
            if let Shown::Level(level) = self.subscription.show(key, level.as_ref(), None) {
                levels.push(level);
            }
        }
        self.followed = wanted;
        levels
    }
}

fn levels(levels: &[Arc<str>]) -> String {
    format!("event: levels\ndata: [{}]\n\n", levels.join(","))
}
