//! The body of an answer as it comes, read by a thread of its own: so network and disk work at
//! once, and a server that falls silent is noticed. It must not know what it is.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

const CHUNK_BYTES: usize = 256 << 10;

/// Chunks that wait to be written.
const CHUNKS_MAX: usize = 4;

/// How long the server may say nothing: it reads the copy from its disk meanwhile.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// A body being received.
pub(super) struct Download {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
}

impl Download {
    /// Starts receiving. The thread ends with the body, or when nobody takes any more.
    pub(super) fn start(mut body: impl Read + Send + 'static) -> Download {
        let (give, chunks) = sync_channel(CHUNKS_MAX);
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                let received = body.read(&mut chunk).map(|received| {
                    chunk.truncate(received);
                    chunk
                });
                let is_last = received.as_ref().map_or(true, Vec::is_empty);
                if give.send(received).is_err() || is_last {
                    return;
                }
            }
        });
        Download {
            chunks,
            chunk: io::Cursor::default(),
        }
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.chunk.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        match self.chunks.recv_timeout(SILENCE_MAX) {
            Ok(chunk) => self.chunk = io::Cursor::new(chunk?),
            // The body ended before.
            Err(RecvTimeoutError::Disconnected) => return Ok(0),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = SILENCE_MAX.as_secs();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the server sent nothing for {seconds} s"),
                ));
            }
        }
        self.chunk.read(buffer)
    }
}
