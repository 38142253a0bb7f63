//! The writer of a copy: contents in, chunks of bytes out. It reads no further than the chunk it is
//! asked for, so whoever takes the chunks sets the pace.

use xxhash_rust::xxh3::Xxh3;

use super::frame::{self, Kind};
use super::tally::Tally;
use super::{CopyError, Header, MAGIC, Trailer, VERSION};
use crate::journal::{Contents, Part, StoreError};
use crate::stock::Timestamp;

/// A chunk is given out once it has this much; only one large entry makes it larger.
const CHUNK_BYTES: usize = 256 << 10;

/// A copy on its way.
pub struct Copying {
    parts: Parts,
    header: Header,
    tally: Tally,
    digest: Xxh3,
    link: u64,
    /// Not given out yet.
    buffer: Vec<u8>,
    trailer: Option<Trailer>,
    ended: bool,
}

/// What is copied.
type Parts = Box<dyn Iterator<Item = Result<Part, StoreError>> + Send>;

impl Copying {
    /// The copy of these contents, of the data named `epoch`.
    pub fn new(contents: Contents, epoch: &str, taken_at: Timestamp) -> Copying {
        let round = contents.round.map(|round| {
            let (cut, witness) = (round.cut.get(), round.witness.get());
            (cut, witness, round.high_water.as_millis())
        });
        let header = Header {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: epoch.to_owned(),
            taken_at_ms: taken_at.as_millis(),
            base: contents.base.get(),
            begun: contents.begun.get(),
            round,
        };
        Copying::of(header, contents.parts)
    }

    /// The copy of these parts.
    pub(super) fn of(header: Header, parts: Parts) -> Copying {
        let mut copying = Copying {
            parts,
            tally: Tally::new(&header),
            digest: Xxh3::new(),
            link: 0,
            buffer: Vec::with_capacity(CHUNK_BYTES),
            trailer: None,
            ended: false,
            header,
        };
        copying.begin();
        copying
    }

    /// What it says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What it said at its end; none before.
    pub fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    fn begin(&mut self) {
        self.buffer.extend_from_slice(&MAGIC);
        self.buffer.extend_from_slice(&VERSION.to_le_bytes());
        let header = plain(&self.header);
        self.add(Kind::Header, |to| to.extend_from_slice(&header));
    }

    /// Adds a frame to the buffer.
    fn add(&mut self, kind: Kind, content: impl FnOnce(&mut Vec<u8>)) {
        self.link = frame::write(&mut self.buffer, kind, self.link, content);
    }

    /// Fills the buffer with the next chunk.
    fn fill(&mut self) -> Result<(), CopyError> {
        while self.buffer.len() < CHUNK_BYTES {
            let Some(part) = self.parts.next() else {
                return self.end();
            };
            let part = part?;
            self.tally.take(&part).map_err(CopyError::Source)?;
            self.add(Kind::of(&part), |to| frame::write_part(to, &part));
        }
        self.digest.update(&self.buffer);
        Ok(())
    }

    fn end(&mut self) -> Result<(), CopyError> {
        self.ended = true;
        self.digest.update(&self.buffer);
        let trailer = self.tally.trailer(self.digest.digest128());
        let trailer = trailer.map_err(CopyError::Source)?;
        self.add(Kind::Trailer, |to| to.extend_from_slice(&plain(&trailer)));
        self.trailer = Some(trailer);
        Ok(())
    }
}

impl Iterator for Copying {
    type Item = Result<Vec<u8>, CopyError>;

    /// The next chunk; ends after an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if let Err(error) = self.fill() {
            self.ended = true;
            return Some(Err(error));
        }
        let next = Vec::with_capacity(CHUNK_BYTES);
        Some(Ok(std::mem::replace(&mut self.buffer, next)))
    }
}

fn plain(of: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_allocvec(of).expect("numbers and texts are plain data")
}
