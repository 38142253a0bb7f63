//! A connection's bytes, and the end of one that keeps its thread busy without getting anywhere. It
//! must not know what the bytes say.
//!
//! Requests that come behind one that is not answered yet are read ahead. Once the framework holds
//! all that it reads of them (128 KiB), it asks for its turn again and again without a pause, for
//! as long as the first one waits or its client takes no answer: a core is busy. Each such turn
//! offers bytes or a flush to the stream, and reads nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many turns without a byte read or written, some tens of milliseconds, end a connection.
const TURNS_MAX: u32 = 20_000;

/// A stream that ends when its connection turns in circles.
pub(super) struct Stream<S> {
    inner: S,
    /// Since something was read, or written, or to be read was asked for.
    turns: u32,
}

impl<S> Stream<S> {
    pub fn new(inner: S) -> Stream<S> {
        Stream { inner, turns: 0 }
    }

    fn turn(&mut self) -> io::Result<()> {
        self.turns += 1;
        if self.turns > TURNS_MAX {
            let reason = "more and more is asked behind what is not answered yet";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.turns = 0;
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.turn()?;
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        self.turns = 0;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turn()?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// A peer that sends or takes something, or nothing.
    struct Peer {
        is_there: bool,
    }

    impl Peer {
        fn turn<T>(&self, done: T) -> Poll<io::Result<T>> {
            match self.is_there {
                true => Poll::Ready(Ok(done)),
                false => Poll::Pending,
            }
        }
    }

    impl AsyncRead for Peer {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.turn(())
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.turn(bytes.len())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.turn(())
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.turn(())
        }
    }

    struct Connection(Stream<Peer>);

    impl Connection {
        fn read(&mut self) {
            let mut context = Context::from_waker(Waker::noop());
            let mut buffer = [0; 8];
            let read =
                Pin::new(&mut self.0).poll_read(&mut context, &mut ReadBuf::new(&mut buffer));
            assert!(!matches!(read, Poll::Ready(Err(_))));
        }

        fn write(&mut self) -> Poll<io::Result<usize>> {
            let mut context = Context::from_waker(Waker::noop());
            Pin::new(&mut self.0).poll_write(&mut context, b"bytes")
        }

        fn flush(&mut self) -> Poll<io::Result<()>> {
            let mut context = Context::from_waker(Waker::noop());
            Pin::new(&mut self.0).poll_flush(&mut context)
        }
    }

    fn connection(is_there: bool) -> Connection {
        Connection(Stream::new(Peer { is_there }))
    }

    fn is_over<T>(turned: &Poll<io::Result<T>>) -> bool {
        let ended = io::ErrorKind::ConnectionAborted;
        matches!(turned, Poll::Ready(Err(error)) if error.kind() == ended)
    }

    #[test]
    fn a_connection_that_turns_in_circles_ends() {
        let (mut untaken, mut waiting) = (connection(false), connection(true));
        for _ in 0..TURNS_MAX {
            assert!(untaken.write().is_pending());
            assert!(matches!(waiting.flush(), Poll::Ready(Ok(()))));
        }
        assert!(is_over(&untaken.write()) && is_over(&waiting.flush()));
    }

    #[test]
    fn one_that_asks_for_more_or_is_taken_from_does_not() {
        let (mut slow, mut quick) = (connection(false), connection(true));
        for _ in 0..2 * TURNS_MAX {
            slow.read();
            assert!(slow.write().is_pending());
            assert!(!is_over(&quick.write()) && !is_over(&quick.flush()));
        }
    }
}
