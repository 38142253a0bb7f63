//! The reader of a copy. It trusts nothing: a copy that is cut, changed or not one at all is an
//! error, and its end is believed only when the trailer agrees with all that came before.

use std::io::Read;

use xxhash_rust::xxh3::Xxh3;

use super::frame::{self, HEAD_BYTES, Kind, LINK_BYTES};
use super::tally::Tally;
use super::{CopyError, Header, MAGIC, Trailer, VERSION};
use crate::journal::Part;

/// What is set aside for a frame before its bytes have come.
const AHEAD_BYTES_MAX: usize = 1 << 20;

/// Reads a copy, part by part.
pub struct CopyReader<R> {
    frames: Frames<R>,
    header: Header,
    tally: Tally,
    trailer: Option<Trailer>,
}

/// Reads a copy to its end; what it says of itself, if it is whole.
pub fn check(input: impl Read) -> Result<(Header, Trailer), CopyError> {
    let mut reader = CopyReader::open(input)?;
    loop {
        if reader.next_part()?.is_none() {
            let trailer = reader.trailer().expect("it was read to its end");
            return Ok((reader.header, trailer));
        }
    }
}

impl<R: Read> CopyReader<R> {
    /// Reads as far as the header. The input should be buffered: small pieces are read.
    pub fn open(input: R) -> Result<CopyReader<R>, CopyError> {
        let mut frames = Frames::open(input)?;
        let at = frames.read;
        let kind = frames.next()?;
        frames.digest.update(&frames.frame);
        let header: Header = match postcard::from_bytes(frames.content()) {
            Ok(header) if kind == Kind::Header => header,
            Ok(_) | Err(_) => {
                let what = "its header makes no sense";
                return Err(CopyError::Damaged { at, what });
            }
        };
        Ok(CopyReader {
            frames,
            tally: Tally::new(&header),
            header,
            trailer: None,
        })
    }

    /// What the copy says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What it said at its end; none before.
    pub fn trailer(&self) -> Option<Trailer> {
        self.trailer
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.frames.read
    }

    /// The next part; none once the copy was read to its end and is whole. To be called no more
    /// after an error.
    pub fn next_part(&mut self) -> Result<Option<Part>, CopyError> {
        if self.trailer.is_some() {
            return Ok(None);
        }
        let at = self.frames.read;
        let kind = self.frames.next()?;
        let damaged = |what| CopyError::Damaged { at, what };
        if kind == Kind::Trailer {
            let trailer = self.tally.trailer(self.frames.digest.digest128());
            let trailer = trailer.map_err(damaged)?;
            if postcard::from_bytes(self.frames.content()) != Ok(trailer) {
                return Err(damaged("its trailer does not agree with it"));
            }
            self.frames.expect_end()?;
            self.trailer = Some(trailer);
            return Ok(None);
        }
        self.frames.digest.update(&self.frames.frame);
        let part = frame::read_part(kind, self.frames.content());
        let part = part.ok_or(damaged("its content makes no sense"))?;
        self.tally.take(&part).map_err(damaged)?;
        Ok(Some(part))
    }
}

/// The frames of a copy, each proven by its link.
struct Frames<R> {
    input: R,
    /// Bytes read so far.
    read: u64,
    link: u64,
    /// Of what the caller has added to it.
    digest: Xxh3,
    /// The last frame, all of it.
    frame: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// Reads what a copy begins with.
    fn open(input: R) -> Result<Frames<R>, CopyError> {
        let mut frames = Frames {
            input,
            read: 0,
            link: 0,
            digest: Xxh3::new(),
            frame: Vec::new(),
        };
        let whole = frames.read_on(MAGIC.len() + 4);
        let start = frames.frame.len().min(MAGIC.len());
        if !MAGIC.starts_with(&frames.frame[..start]) {
            return Err(CopyError::NotACopy);
        }
        whole?;
        frames.digest.update(&frames.frame);
        let version = frames.frame.last_chunk().copied();
        match version.map(u32::from_le_bytes) {
            Some(VERSION) => Ok(frames),
            found => Err(CopyError::Version {
                found: found.unwrap_or_default(),
            }),
        }
    }

    /// Reads the next frame and proves it.
    fn next(&mut self) -> Result<Kind, CopyError> {
        let at = self.read;
        let damaged = |what| CopyError::Damaged { at, what };
        self.frame.clear();
        self.read_on(HEAD_BYTES)?;
        let head = self.frame.first_chunk().expect("it was just read");
        let head = frame::read_head(head, self.link);
        let (kind, length) = head.ok_or(damaged("the checksum of its head differs"))?;
        self.read_on(length + LINK_BYTES)?;
        let (before, link) = self.frame.split_last_chunk().expect("it was just read");
        let link = u64::from_le_bytes(*link);
        if link != frame::link_of(before, self.link) {
            return Err(damaged("its checksum differs"));
        }
        self.link = link;
        Ok(kind)
    }

    fn content(&self) -> &[u8] {
        &self.frame[HEAD_BYTES..self.frame.len() - LINK_BYTES]
    }

    /// Adds so many bytes to the frame, which grows only as they come.
    fn read_on(&mut self, bytes: usize) -> Result<(), CopyError> {
        self.frame.reserve(bytes.min(AHEAD_BYTES_MAX));
        let mut input = (&mut self.input).take(bytes as u64);
        let read = input.read_to_end(&mut self.frame);
        let read = read.map_err(CopyError::Read)?;
        self.read += read as u64;
        if read < bytes {
            return Err(CopyError::Short { bytes: self.read });
        }
        Ok(())
    }

    fn expect_end(&mut self) -> Result<(), CopyError> {
        let read = (&mut self.input).take(1).read_to_end(&mut Vec::new());
        match read.map_err(CopyError::Read)? {
            0 => Ok(()),
            _ => Err(CopyError::Trailing { at: self.read }),
        }
    }
}
