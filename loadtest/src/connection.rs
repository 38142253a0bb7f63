//! One keep-alive connection: bytes out, one answer in. It must not know what is asked, and of the
//! protocol only how an answer begins and where it ends; that of Onhand is here.
//!
//! It is its own client because the generator shares the machine with the server: a full HTTP
//! client costs more for a request than the server does, and its time would be measured as the
//! server's. What it leaves out, the server does not use towards it: chunked bodies, interim
//! answers, redirects.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for an answer to most questions at the first read.
const ROOM_BYTES: usize = 16 * 1024;

/// More header lines than any answer has.
const HEADERS_MAX: usize = 32;

/// How the answers of a server are read, and what opens a conversation with it.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// What is said first on a new connection; each part has an answer.
    pub greeting: Vec<Vec<u8>>,
    /// Finds the head of an answer in what was received, once it is all there.
    pub head: fn(&[u8]) -> io::Result<Option<Head>>,
}

/// That of Onhand.
pub const HTTP: Protocol = Protocol {
    greeting: Vec::new(),
    head,
};

/// A connection, opened when it is first needed and again after it was lost.
pub struct Connection {
    address: SocketAddr,
    protocol: Protocol,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// Whether it says that something may or may not have happened. Any other 503 says that
    /// nothing did.
    pub fn is_outcome_unknown(&self) -> bool {
        let said = br#""code":"outcome_unknown""#;
        let is_failure = self.status >= 500;
        is_failure && (self.status != 503 || self.body.windows(said.len()).any(|part| part == said))
    }
}

/// Where the parts of an answer lie.
#[derive(Debug)]
pub struct Head {
    /// The status, with the meaning that HTTP gives it.
    pub status: u16,
    /// Where its body begins, in what was received.
    pub body_at: usize,
    /// How long that is.
    pub body_bytes: usize,
}

impl Connection {
    /// A connection to an Onhand at `address`, not yet open.
    pub fn new(address: SocketAddr) -> Connection {
        Connection::speaking(address, HTTP)
    }

    /// A connection to a server that speaks so.
    pub fn speaking(address: SocketAddr, protocol: Protocol) -> Connection {
        Connection {
            address,
            protocol,
            stream: None,
            received: Vec::with_capacity(ROOM_BYTES),
        }
    }

    /// Opens the connection, so that the first exchange is not slower than the others.
    ///
    /// # Errors
    /// Nobody listens, or does not want to talk.
    pub async fn open(&mut self) -> io::Result<()> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        self.stream = Some(stream);
        for part in self.protocol.greeting.clone() {
            let answer = self.ask(&part).await?;
            if answer.status >= 400 {
                let said = String::from_utf8_lossy(answer.body).into_owned();
                self.stream = None;
                return Err(io::Error::other(said));
            }
        }
        Ok(())
    }

    /// Sends a whole request and waits for the whole answer.
    ///
    /// # Errors
    /// The connection was lost: whether anything happened is unknown.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        if self.stream.is_none() {
            self.open().await?;
        }
        self.ask(request).await
    }

    async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut stream = self.stream.take().expect("it was opened");
        stream.write_all(request).await?;
        self.received.clear();
        let head = loop {
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = (self.protocol.head)(&self.received)? {
                break head;
            }
        };
        let end = head.body_at + head.body_bytes;
        self.received
            .reserve(end.saturating_sub(self.received.len()));
        while self.received.len() < end {
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        // Only what ended well is used again.
        self.stream = Some(stream);
        Ok(Answer {
            status: head.status,
            body: &self.received[head.body_at..end],
        })
    }
}

/// The head, once it is all there.
fn head(received: &[u8]) -> io::Result<Option<Head>> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(received);
    let httparse::Status::Complete(body_at) =
        parsed.map_err(|error| invalid(format!("not an HTTP answer: {error}")))?
    else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body_bytes = match length {
        Some(header) => std::str::from_utf8(header.value)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| invalid("the answer's length is no number".into()))?,
        None if status == 204 || status == 304 => 0,
        None => return Err(invalid("the answer does not say its length".into())),
    };
    Ok(Some(Head {
        status,
        body_at,
        body_bytes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_found_when_it_is_all_there() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{\"id\":\"abc\"}";
        assert!(head(&whole[..30]).unwrap().is_none());
        let found = head(whole).unwrap().unwrap();
        assert_eq!((found.status, found.body_bytes), (201, 12));
        assert_eq!(&whole[found.body_at..], b"{\"id\":\"abc\"}");
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").is_err());
        let not_modified = head(b"HTTP/1.1 304 Not Modified\r\n\r\n").unwrap();
        assert_eq!(not_modified.unwrap().body_bytes, 0);
    }
}
