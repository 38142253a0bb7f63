//! Followers that ask for much and then read nothing, until they are woken. It must not know what
//! is measured meanwhile.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::frame::Frame;
use super::socket::{Opening, Socket};
use super::source;
use crate::request::Target;
use crate::shop::Shop;

/// What the system may hold unread for one of them: little, so that the server notices.
const UNREAD_BYTES_MAX: u32 = 4_096;

/// How long one that is woken may take to read what there is.
const AWAKE_MAX: Duration = Duration::from_secs(30);

/// Room to read with.
const ROOM_BYTES: usize = 16 << 10;

/// Slow followers.
pub struct Slow {
    sleepers: JoinSet<io::Result<Option<u16>>>,
    wake: watch::Sender<bool>,
}

impl Slow {
    /// Opens so many, each following every key of the shop, of which it reads nothing.
    ///
    /// # Errors
    /// One is not let in.
    pub async fn open(count: usize, target: &Target, shop: Shop) -> Result<Slow> {
        let keys: Vec<String> = (0..shop.keys()).map(|key| shop.feed_key(key)).collect();
        let keys = serde_json::to_string(&keys)?;
        let subscribe: Rc<str> = format!(r#"{{"op":"subscribe","id":1,"keys":{keys}}}"#).into();
        let (wake, woken) = watch::channel(false);
        let mut sleepers = JoinSet::new();
        for place in 0..count {
            let opening = Opening {
                source: source(place),
                with_token: true,
                unread_bytes_max: Some(UNREAD_BYTES_MAX),
            };
            let opened = Socket::open(target, opening).await;
            let mut socket = opened.context("a slow follower")?;
            socket.send(&subscribe).await?;
            sleepers.spawn_local(sleep(socket, woken.clone()));
        }
        Ok(Slow { sleepers, wake })
    }

    /// Wakes them; gives the code that each was closed with, none if it was just cut off.
    ///
    /// # Errors
    /// One of them was not closed at all.
    pub async fn wake(mut self) -> Result<Vec<Option<u16>>> {
        self.wake.send_replace(true);
        let mut codes = Vec::new();
        while let Some(code) = self.sleepers.join_next().await {
            codes.push(code?.context("a slow follower was not closed")?);
        }
        Ok(codes)
    }
}

async fn sleep(mut socket: Socket, mut woken: watch::Receiver<bool>) -> io::Result<Option<u16>> {
    woken
        .wait_for(|woken| *woken)
        .await
        .map_err(io::Error::other)?;
    tokio::time::timeout(AWAKE_MAX, until_closed(&mut socket)).await?
}

async fn until_closed(socket: &mut Socket) -> io::Result<Option<u16>> {
    let room = RefCell::new(vec![0; ROOM_BYTES]);
    let mut code = None;
    loop {
        let read = socket.read(&room, |frame| {
            if let Frame::Close(closed) = frame {
                code = Some(closed);
            }
        });
        match read.await {
            Ok(()) if code.is_none() => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(error),
            Ok(()) | Err(_) => return Ok(code),
        }
    }
}
