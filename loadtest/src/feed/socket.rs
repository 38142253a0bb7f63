//! One WebSocket: opened from an address of its own, read without a buffer of its own. It must
//! not know what is said over it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::frame::{self, Frame};
use crate::request::Target;

/// The nonce of every handshake, and what the server must make of it (RFC 6455, section 1.3).
const NONCE: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPTED: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// More than any answer to a handshake has.
const HEAD_BYTES_MAX: usize = 4_096;

/// A socket that is open.
pub struct Socket {
    stream: TcpStream,
    /// The beginning of a frame that has not all come yet.
    begun: Vec<u8>,
}

/// How a socket is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The address it comes from.
    pub source: Ipv4Addr,
    /// Whether it brings the token; without it the view is public.
    pub with_token: bool,
    /// What the system may hold for it unread; none for what the system likes.
    pub unread_bytes_max: Option<u32>,
}

/// Ports that followers come from, taken in turn: to find a free one among those of thousands of
/// sockets that were just closed takes the kernel milliseconds.
const PORTS: Range<u16> = 10_000..60_000;

/// Binds a socket to the next port of an address that is free.
fn bind(socket: &TcpSocket, source: Ipv4Addr) -> io::Result<()> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    for _ in PORTS {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS.len();
        let port = PORTS.start + u16::try_from(turn).expect("a turn is less than the ports");
        match socket.bind(SocketAddr::from((source, port))) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

impl Socket {
    /// Connects and shakes hands.
    ///
    /// # Errors
    /// The server is not there or does not let it in.
    pub async fn open(target: &Target, opening: Opening) -> io::Result<Socket> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = opening.unread_bytes_max {
            socket.set_recv_buffer_size(bytes)?;
        }
        bind(&socket, opening.source)?;
        let mut stream = socket.connect(target.address).await?;
        stream.set_nodelay(true)?;
        let (address, token) = (target.address, &target.token);
        let who = if opening.with_token {
            format!("Authorization: Bearer {token}\r\n")
        } else {
            String::new()
        };
        let request = format!(
            "GET /v1/feed HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {NONCE}\r\n\
             Sec-WebSocket-Protocol: onhand.v1\r\n{who}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut received = Vec::with_capacity(512);
        let body_at = loop {
            if stream.read_buf(&mut received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let end = received.windows(4).position(|part| part == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None if received.len() > HEAD_BYTES_MAX => {
                    return Err(invalid("the answer to the handshake does not end".into()));
                }
                None => {}
            }
        };
        let head = &received[..body_at];
        let is_accepted = head.windows(ACCEPTED.len()).any(|part| part == ACCEPTED);
        if !head.starts_with(b"HTTP/1.1 101 ") || !is_accepted {
            let said = String::from_utf8_lossy(&received);
            return Err(invalid(format!("the handshake was answered with {said}")));
        }
        let begun = received.split_off(body_at);
        Ok(Socket { stream, begun })
    }

    /// Sends text.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn send(&mut self, words: &str) -> io::Result<()> {
        self.stream.write_all(&frame::text(words)).await
    }

    /// Waits until something comes, reads it through `room`, which may be shared, and has each
    /// frame heard.
    ///
    /// # Errors
    /// The connection is lost, or what came is no frame.
    pub async fn read(
        &mut self,
        room: &RefCell<Vec<u8>>,
        mut hear: impl FnMut(Frame<'_>),
    ) -> io::Result<()> {
        poll_fn(|context| {
            let mut room = room.borrow_mut();
            let mut received = ReadBuf::new(&mut room);
            // Not `try_read`: this one knows that what does not fill the room was all there is,
            // and does not ask the system once more.
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut received))?;
            Poll::Ready(self.take(received.filled(), &mut hear))
        })
        .await
    }

    fn take(&mut self, received: &[u8], mut hear: impl FnMut(Frame<'_>)) -> io::Result<()> {
        if received.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if self.begun.is_empty() {
            let mut rest = received;
            hear_all(&mut rest, &mut hear)?;
            self.begun.extend_from_slice(rest);
            return Ok(());
        }
        self.begun.extend_from_slice(received);
        self.read_begun(hear)
    }

    /// Has what came with the handshake's answer, or was left of it, heard.
    ///
    /// # Errors
    /// It is no frame.
    pub fn read_begun(&mut self, mut hear: impl FnMut(Frame<'_>)) -> io::Result<()> {
        let mut rest = &self.begun[..];
        hear_all(&mut rest, &mut hear)?;
        // A buffer that held a long frame is not kept.
        self.begun = rest.to_vec();
        Ok(())
    }
}

fn hear_all(rest: &mut &[u8], hear: &mut impl FnMut(Frame<'_>)) -> io::Result<()> {
    while let Some(frame) = frame::take(rest)? {
        hear(frame);
    }
    Ok(())
}

fn invalid(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
