//! `GET /v1/feed`: the feed over a WebSocket.
//!
//! The response's body is pulled by the connection whenever it can write, and makes the next
//! frames only then. So there is no queue between the newest levels and the socket's own buffer,
//! and one task serves a connection both ways. Framing is that of `actix-http`, on which the
//! usual WebSocket crates for actix stand too; those put a queue of 32 messages in between.

use std::convert::Infallible;
use std::mem;

use actix_http::ws::{CloseCode, CloseReason, OpCode, Parser, handshake};
use actix_web::body::BodyStream;
use actix_web::error::PayloadError;
use actix_web::http::header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use actix_web::web::{Bytes, BytesMut, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures::{FutureExt, Stream, StreamExt, stream};

use super::answer::Answered;
use super::auth::Caller;
use super::border::Border;
use super::feed_frames;
use super::feed_messages::{Brought, Messages};
use super::feed_session::{FeedSession, Step, Way, count_close};
use super::gate::client_address;
use super::problem::{Code, Problem};
use crate::feed::{Courier, Ending, Full, Who};
use crate::telemetry::labels::Barred;
use crate::telemetry::metrics;

/// The subprotocol, which a client may ask for.
pub const SUBPROTOCOL: &str = "onhand.v1";

/// The socket is handed so much at a time: it must take this much, and not all of a long answer,
/// within the time it may stall.
const PIECE_BYTES_MAX: usize = 8 << 10;

/// Opens the feed. What is said and told over it is described in `/asyncapi.yaml`.
pub async fn open(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    payload: Payload,
) -> Answered {
    Courier::turn().await;
    let mut response = handshake(request.head()).map_err(|error| {
        let detail = format!("open it as a WebSocket: {error}");
        Problem::new(Code::UpgradeRequired, detail)
    })?;
    if let Some(subprotocol) = subprotocol(&request)? {
        response.insert_header((SEC_WEBSOCKET_PROTOCOL, subprotocol));
    }
    let who = who(&border, &caller, &request);
    let frames = match border.feed.connect(who, caller.view()) {
        Err(Full::Total) => return Err(full()),
        // A browser tells a page nothing of a refused handshake, only how a socket was closed.
        Err(Full::Who) => {
            barred(Barred::Who);
            farewell(Ending::TooManyConnections)
        }
        Ok(_) if !border.origins.allow(request.headers().get(ORIGIN)) => {
            barred_for_origin(&border, &request);
            farewell(Ending::Origin)
        }
        Ok(subscription) => {
            let session = FeedSession::new(border, caller, subscription, Way::Both);
            let socket = Socket::new(session, payload);
            stream::unfold(Box::new(socket), Socket::turn).left_stream()
        }
    };
    let response = response.message_body(BodyStream::new(frames));
    let response = response.map_err(|error| {
        let detail = format!("the handshake cannot be answered: {error}");
        Problem::new(Code::UpgradeRequired, detail)
    })?;
    Ok(HttpResponse::from(response).map_into_boxed_body())
}

/// By what a client is counted.
pub fn who(border: &Border, caller: &Caller, request: &HttpRequest) -> Who {
    match caller.token() {
        Some(token) => Who::Token(token.id),
        None => Who::Address(client_address(request, border)),
    }
}

/// Counts a client that was not let in.
pub fn barred(why: Barred) {
    metrics().feed_barred_total.of(why).inc();
}

/// Counts a page whose origin is not on the list, and tells the operator, who is asked why a screen
/// shows nothing.
pub fn barred_for_origin(border: &Border, request: &HttpRequest) {
    barred(Barred::Origin);
    if let Some(origin) = border.origins.stranger(request.headers().get(ORIGIN)) {
        tracing::warn!(
            origin,
            "a page may not follow the feed: its origin is not on the list http.origins"
        );
    }
}

/// There are all the connections there may be.
pub fn full() -> Problem {
    barred(Barred::Total);
    Problem::new(Code::Overloaded, "all connections are taken: try again")
}

/// The subprotocol to answer with. A client need not ask for one, but not for others only.
fn subprotocol(request: &HttpRequest) -> Result<Option<&'static str>, Problem> {
    let mut offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).peekable();
    if offered.peek().is_none() {
        return Ok(None);
    }
    let names = offered.filter_map(|header| header.to_str().ok());
    let mut names = names.flat_map(|names| names.split(','));
    if names.any(|name| name.trim() == SUBPROTOCOL) {
        Ok(Some(SUBPROTOCOL))
    } else {
        let detail = format!("offer the subprotocol {SUBPROTOCOL}, or none");
        Err(Problem::new(Code::UnsupportedSubprotocol, detail))
    }
}

type Frames<A> = futures::future::Either<A, stream::Once<std::future::Ready<Piece>>>;

type Piece = Result<Bytes, Infallible>;

/// A socket that is closed as soon as it is open.
fn farewell<A: Stream<Item = Piece>>(ending: Ending) -> Frames<A> {
    let mut out = BytesMut::new();
    count_close(ending.code());
    write_close(&mut out, ending);
    stream::once(std::future::ready(Ok(out.freeze()))).right_stream()
}

/// A client at the other end of a WebSocket.
struct Socket {
    session: FeedSession,
    incoming: Payload,
    messages: Messages,
    out: BytesMut,
    ended: bool,
}

impl Socket {
    fn new(session: FeedSession, incoming: Payload) -> Socket {
        Socket {
            session,
            incoming,
            messages: Messages::default(),
            out: BytesMut::new(),
            ended: false,
        }
    }

    /// What is to be written next; none at the end.
    async fn turn(mut self: Box<Self>) -> Option<(Piece, Box<Self>)> {
        self.session.wanted();
        while self.out.is_empty() {
            if self.ended {
                return None;
            }
            // What came in is heard between any two steps: news may never cease.
            if self.session.is_free() && self.take_frame() {
                continue;
            }
            match self.session.step().await {
                Some(step) => self.write(step),
                None => self.listen().await,
            }
        }
        // Most pieces are all there is: no buffer to be shared with a rest, or kept.
        let piece = match self.out.len() {
            ..=PIECE_BYTES_MAX => mem::take(&mut self.out),
            _ => self.out.split_to(PIECE_BYTES_MAX),
        };
        self.session.handed_over(piece.len());
        Some((Ok(piece.freeze()), self))
    }

    fn write(&mut self, step: Step) {
        match step {
            Step::Frame(text) => self.write_text(&text),
            Step::GoingAway(retry_after_ms) => {
                self.write_text(&feed_frames::going_away(retry_after_ms));
            }
            Step::Ping => self.write_text(&feed_frames::ping()),
            Step::End(ending) => {
                write_close(&mut self.out, ending);
                self.ended = true;
            }
        }
    }

    fn write_text(&mut self, text: &str) {
        Parser::write_message(&mut self.out, text, OpCode::Text, true, false);
    }

    /// Waits for whatever comes first: a frame, news, or time.
    async fn listen(&mut self) {
        tokio::select! {
            biased;
            received = self.incoming.next() => {
                // It came just now, however long it was waited for.
                self.session.look_at_clock();
                self.session.heard_all();
                self.receive(received);
            }
            () = self.session.wait() => {}
        }
    }

    fn receive(&mut self, received: Option<Result<Bytes, PayloadError>>) {
        match received {
            Some(Ok(bytes)) => self.messages.receive(&bytes),
            // The client is gone.
            Some(Err(_)) | None => self.ended = true,
        }
    }

    /// Takes one frame, if one has come; whether there may be more to do.
    fn take_frame(&mut self) -> bool {
        let max = self.session.frame_bytes_max();
        loop {
            match self.messages.take(max) {
                Ok(Some(brought)) => {
                    self.session.heard();
                    if brought.is_counted() {
                        self.session.count();
                    }
                    self.obey(brought);
                    return true;
                }
                Ok(None) => {}
                Err(detail) => {
                    self.session.refuse(Ending::BadFrame, None, &detail);
                    return true;
                }
            }
            // Only now: of what is not taken there is never more than a frame and a piece.
            match self.incoming.next().now_or_never() {
                Some(received) => self.receive(received),
                None => {
                    self.session.heard_all();
                    return false;
                }
            }
            if self.ended {
                return true;
            }
        }
    }

    fn obey(&mut self, brought: Brought) {
        match brought {
            Brought::Ping(bytes) => {
                Parser::write_message(&mut self.out, bytes, OpCode::Pong, true, false);
            }
            Brought::Pong | Brought::Fragment(_) => {}
            Brought::Close => self.session.end(Ending::Done),
            Brought::Text(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => self.session.hear(text),
                Err(_) => {
                    let detail = "a frame is UTF-8";
                    self.session.refuse(Ending::BadFrame, None, detail);
                }
            },
        }
    }
}

fn write_close(out: &mut BytesMut, ending: Ending) {
    let reason = CloseReason {
        code: CloseCode::from(ending.code()),
        description: Some(ending.reason().to_owned()),
    };
    Parser::write_close(out, Some(reason), false);
}
