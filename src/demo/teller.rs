//! What the person at the terminal reads, written by a thread of its own: a terminal that takes
//! nothing, or a closed pipe, must not hold up who has something to tell. It must not know what
//! is told.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Texts that may wait to be written; past it news are left out.
const WAITING_MAX: usize = 1_024;

/// How long the last texts may take to be written.
const FINISHING_MAX: Duration = Duration::from_secs(2);

/// Takes texts to be written. A clone writes to the same place, in turn.
#[derive(Clone)]
pub(super) struct Teller {
    texts: SyncSender<Told>,
}

enum Told {
    Text(String),
    /// All before it is written then.
    Finish(SyncSender<()>),
}

impl Teller {
    /// Writes to `out` from now on.
    pub(super) fn start(out: Box<dyn Write + Send>) -> Teller {
        let (texts, told) = sync_channel(WAITING_MAX);
        thread::spawn(move || write(out, &told));
        Teller { texts }
    }

    /// Writes a text that must not be missing.
    pub(super) fn tell(&self, text: String) {
        // Nobody reads any more once the output is closed.
        self.texts.send(Told::Text(text)).ok();
    }

    /// Takes what the service itself has to say.
    pub(super) fn greeting(&self) -> Greeting {
        Greeting {
            teller: self.clone(),
            bytes: Vec::new(),
        }
    }

    /// Writes a line of news, unless too much waits already.
    pub(super) fn news(&self, line: String) {
        self.texts.try_send(Told::Text(line + "\n")).ok();
    }

    /// Waits until all is written, but not for ever: the terminal may take nothing.
    pub(super) fn finish(&self) {
        let (done, finished) = sync_channel(1);
        if self.texts.try_send(Told::Finish(done)).is_ok() {
            finished.recv_timeout(FINISHING_MAX).ok();
        }
    }
}

/// The service's own greeting on its way to a teller: told as a whole once it is flushed.
pub(super) struct Greeting {
    teller: Teller,
    bytes: Vec<u8>,
}

impl Write for Greeting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        self.teller
            .tell(String::from_utf8_lossy(&bytes).into_owned());
        Ok(())
    }
}

fn write(mut out: Box<dyn Write + Send>, told: &Receiver<Told>) {
    while let Ok(told) = told.recv() {
        match told {
            Told::Text(text) => {
                let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                if written.is_err() {
                    return;
                }
            }
            // Who waited may have given up.
            Told::Finish(done) => drop(done.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Pipe(Sender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let sent = self.0.send(bytes.to_vec());
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn texts_are_written_in_their_order() {
        let (pipe, read) = channel();
        let teller = Teller::start(Box::new(Pipe(pipe)));
        let mut greeting = teller.greeting();
        write!(greeting, "a{}", 1).unwrap();
        greeting.flush().unwrap();
        teller.news("b".to_owned());
        teller.tell("c".to_owned());
        teller.finish();
        assert_eq!(read.try_iter().collect::<Vec<_>>().concat(), b"a1b\nc");
    }

    #[test]
    fn a_closed_output_holds_up_nobody() {
        let (pipe, read) = channel();
        drop(read);
        let teller = Teller::start(Box::new(Pipe(pipe)));
        for _ in 0..2 * WAITING_MAX {
            teller.tell("text".to_owned());
        }
        teller.finish();
    }
}
