//! A client of the feed for tests, over a WebSocket or Server-Sent Events. It must not know what
//! is told, and it answers pings only when asked to.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::Response;
use tungstenite::{Error, Message, WebSocket};

use crate::server::Server;

/// How long anything may take before the test is called off.
const PATIENCE: Duration = Duration::from_secs(60);

/// One who follows the feed over a WebSocket.
pub struct Follower {
    /// The socket.
    pub socket: WebSocket<TcpStream>,
    /// What the server said to the handshake.
    pub response: Response,
}

/// How a connection ended: the close code, or none if it was cut.
pub type Closed = Option<u16>;

/// A connection to the server that waits a bounded time.
pub fn connect(server: &Server) -> TcpStream {
    let address = server.url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl Follower {
    /// Opens the feed with these headers, or says with which status it was refused, and the
    /// headers of the refusal.
    pub fn try_open(server: &Server, headers: &[(&str, &str)]) -> Result<Follower, Box<Response>> {
        Follower::try_open_on(connect(server), server, headers)
    }

    /// The same on a connection of the test's own.
    pub fn try_open_on(
        stream: TcpStream,
        server: &Server,
        headers: &[(&str, &str)],
    ) -> Result<Follower, Box<Response>> {
        let url = server.url.replacen("http", "ws", 1) + "/v1/feed";
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match tungstenite::client(request, stream) {
            Ok((socket, response)) => {
                let response = response.map(|_| None);
                Ok(Follower { socket, response })
            }
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response),
            Err(error) => panic!("the handshake failed: {error}"),
        }
    }

    /// Opens the feed and hears the welcome.
    pub fn open(server: &Server) -> Follower {
        let mut follower = Follower::try_open(server, &[]).unwrap();
        assert_eq!(follower.next()["type"], "welcome");
        follower
    }

    /// The same, with a token.
    pub fn open_with(server: &Server, token: &str) -> Follower {
        let mut follower = Follower::open(server);
        follower.say(&json!({"op": "hello", "token": token}));
        assert_eq!(follower.next()["type"], "welcome");
        follower
    }

    /// Says something.
    pub fn say(&mut self, frame: &Value) {
        self.send(Message::text(frame.to_string()));
    }

    /// Sends any message.
    pub fn send(&mut self, message: Message) {
        self.socket.send(message).unwrap();
    }

    /// The next frame, or how the connection ended.
    pub fn try_next(&mut self) -> Result<Value, Closed> {
        loop {
            return match self.socket.read() {
                Ok(Message::Text(text)) => Ok(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(close)) => Err(close.map(|close| close.code.into())),
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(other) => panic!("unexpected: {other:?}"),
                Err(Error::ConnectionClosed | Error::Protocol(_)) => Err(None),
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("nothing was heard for {PATIENCE:?}")
                }
                Err(Error::Io(_)) => Err(None),
                Err(error) => panic!("{error}"),
            };
        }
    }

    /// The next frame.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        self.try_next().expect("a frame was to come")
    }

    /// The next frame of a type; signs of life in between are let pass.
    #[track_caller]
    pub fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next();
            if frame["type"] == kind {
                return frame;
            }
            assert_eq!(frame["type"], "ping", "{frame}");
        }
    }

    /// How the connection ends; frames before that are let pass.
    pub fn closed(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.try_next() {
                return closed;
            }
        }
    }

    /// Follows keys; the whole state, its parts put together.
    #[track_caller]
    pub fn subscribe(&mut self, keys: &[&str], have: &Value) -> Value {
        self.say(&json!({"op": "subscribe", "id": 7, "keys": keys, "have": have}));
        let state = self.state();
        assert_eq!(state["id"], 7);
        state
    }

    /// The whole state that answers a subscribe, its parts put together.
    #[track_caller]
    pub fn state(&mut self) -> Value {
        let mut whole = self.next_of("state");
        while whole["last"] == false {
            let part = self.next_of("state");
            for list in ["levels", "items", "unknown", "denied"] {
                let more = part[list].as_array().unwrap().clone();
                whole[list].as_array_mut().unwrap().extend(more);
            }
            whole["last"] = part["last"].clone();
        }
        whole
    }

    /// Reads until a key is shown as `wanted` says; all levels of the key that were shown, in
    /// order, the last being the one.
    #[track_caller]
    pub fn until(&mut self, key: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut shown = Vec::new();
        loop {
            let update = self.next_of("update");
            for level in update["levels"].as_array().unwrap() {
                if name(level) == key {
                    shown.push(level.clone());
                    if wanted(level) {
                        return shown;
                    }
                }
            }
        }
    }
}

/// The key a level is of.
pub fn name(level: &Value) -> String {
    let [sku, location] = ["sku", "location"].map(|part| level[part].as_str().unwrap());
    format!("{sku}@{location}")
}

/// One who listens to Server-Sent Events.
pub struct Listener {
    lines: BufReader<TcpStream>,
    /// The status line.
    pub status: String,
    /// The headers, in lower case.
    pub headers: Vec<String>,
}

/// An event.
#[derive(Debug)]
pub struct Event {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// After how many milliseconds a browser is to come back, if that is said with it.
    pub retry: Option<i64>,
    /// Its frame.
    pub frame: Value,
}

impl Listener {
    /// Opens the feed at `path` with these headers.
    pub fn open(server: &Server, path: &str, headers: &[(&str, &str)]) -> Listener {
        let mut stream = connect(server);
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: onhand\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all((request + "\r\n").as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_ascii_lowercase());
        }
        let status = head.remove(0);
        Listener {
            lines,
            status,
            headers: head,
        }
    }

    /// The next event, without signs of life; none once the server has ended it.
    pub fn next(&mut self) -> Option<Event> {
        let (mut id, mut retry) = (None, None);
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            // The last chunk of the body is empty: its size says so.
            if line.is_empty() || line.trim_end() == "0" {
                return None;
            }
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.to_owned());
            }
            if let Some(text) = line.strip_prefix("retry: ") {
                retry = Some(text.parse().unwrap());
            }
            if let Some(text) = line.strip_prefix("data: ") {
                let frame = serde_json::from_str(text).unwrap();
                return Some(Event { id, retry, frame });
            }
        }
    }

    /// The next sign of life.
    pub fn comment(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some(comment) = line.strip_prefix(": ") {
                return comment.trim_end().to_owned();
            }
        }
    }

    /// Says more on the connection, if it still may.
    pub fn send(&mut self, bytes: &[u8]) {
        self.lines.get_mut().write_all(bytes).ok();
    }

    /// Reads on until the connection is gone; false if that is not before a sign of life.
    pub fn is_cut_off(&mut self) -> bool {
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) => return true,
                Ok(_) if line.starts_with(": ping") => return false,
                Ok(_) => {}
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    }
}
