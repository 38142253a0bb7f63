//! The image of a ledger: everything that replay would need, as few bytes. A snapshot holds it, and
//! so does a passive key in memory, of which a node may have millions: what is not there takes no
//! place, and times are kept as the distance to one another. It must not know who keeps it.
//!
//! Format, version 2. Numbers are postcard's: variable length, signed ones in zigzag.
//!
//! ```text
//! image      = flags u8, level, on-hand version (behind the version) u64, last movement u64,
//!              counted? remembered? more?
//! level      = on hand, version u64, updated at i64, public version u64,
//!              public at (before updated at) i64, (held, committed)?, safety stock?,
//!              deadline (after updated at)? i64
//! counted    = counted until i64, last count at (before updated at) i64
//! remembered = how many u64, then each: id and content as 16 and 8 little-endian bytes,
//!              recorded at (after the one before; the first: after updated at) i64,
//!              occurred at (before recorded at) i64, delta, what u8, used?
//! more       = holds, led, answers, denied, outgoing, as postcard writes them
//! flags      : 1 stocked, 2 held or committed, 4 safety stock, 8 deadline, 16 counted,
//!              32 remembered, 64 more, 128 busy
//! what       : 1 oversold, 2 absorbed, 4 used
//! ```
//!
//! A distance may wrap around: it is taken and given back modulo 2⁶⁴.
//!
//! Version 1 was postcard's encoding of all that a ledger keeps; it is still read.

use std::mem;

use serde::{Deserialize, Serialize};

use super::super::key::StockKey;
use super::super::level::Level;
use super::super::movement::{MovementId, Remembered};
use super::super::quantity::Quantity;
use super::super::time::Timestamp;
use super::{ById, Kept, Ledger};

const STOCKED: u8 = 1;
const PROMISED: u8 = 2;
const SAFETY_STOCK: u8 = 4;
const DEADLINE: u8 = 8;
const COUNTED: u8 = 16;
const REMEMBERED: u8 = 32;
const MORE: u8 = 64;
const BUSY: u8 = 128;

const OVERSOLD: u8 = 1;
const ABSORBED: u8 = 2;
const USED: u8 = 4;

/// A movement remembered takes at least so many bytes; bounds what a damaged count allocates.
const REMEMBERED_BYTES_MIN: usize = 29;

impl Ledger {
    /// Everything that replay would need, as bytes: what a snapshot and a passive key hold.
    pub fn image(&self) -> Vec<u8> {
        image_of(&self.kept, !self.is_idle())
    }

    /// What an image is made of, for somebody else to make it.
    pub fn copy(&self) -> Copied {
        Copied {
            kept: self.kept.clone(),
            is_busy: !self.is_idle(),
        }
    }

    /// How many things it keeps: what its image costs grows with them, some microseconds each.
    pub fn things(&self) -> usize {
        let kept = &self.kept;
        kept.holds.len() + kept.led.len() + kept.answers.len() + kept.remembered.len()
    }

    /// The ledger from its image (see `image`).
    pub fn from_image(key: StockKey, image: &[u8]) -> Result<Ledger, postcard::Error> {
        let mut reader = Reader(image);
        let flags = reader.byte()?;
        let mut kept = reader.before_more(flags)?;
        if flags & MORE != 0 {
            let more = reader.take()?;
            (
                kept.holds,
                kept.led,
                kept.answers,
                kept.denied,
                kept.outgoing,
            ) = more;
        }
        Ok(Ledger::with(key, kept))
    }

    /// The ledger from an image of version 1.
    pub fn from_image_1(key: StockKey, image: &[u8]) -> Result<Ledger, postcard::Error> {
        Ok(Ledger::with(key, postcard::from_bytes(image)?))
    }

    /// The figures at the head of an image.
    pub fn level_of_image(image: &[u8]) -> Result<Level, postcard::Error> {
        let mut reader = Reader(image);
        let flags = reader.byte()?;
        reader.level(flags)
    }

    /// How many holds there are in an image, without reading them: there may be a hundred thousand.
    pub fn holds_of_image(image: &[u8]) -> Result<usize, postcard::Error> {
        let mut reader = Reader(image);
        let flags = reader.byte()?;
        reader.before_more(flags)?;
        // The holds come first, and a map begins with its length.
        if flags & MORE != 0 {
            reader.take()
        } else {
            Ok(0)
        }
    }

    /// When a ledger with this image is next to be woken.
    pub fn deadline_of_image(image: &[u8]) -> Option<Timestamp> {
        let flags = image.first().filter(|flags| **flags & DEADLINE != 0);
        flags.and_then(|_| Ledger::level_of_image(image).ok()?.deadline)
    }

    /// Whether a ledger with this image has something to do by itself: see `is_idle`.
    pub fn is_busy_image(image: &[u8]) -> bool {
        image.first().is_some_and(|flags| flags & BUSY != 0)
    }

    /// Whether a ledger with this image may lead reservations or remember answers.
    pub fn is_indexed_image(image: &[u8]) -> bool {
        image.first().is_some_and(|flags| flags & MORE != 0)
    }
}

/// What a ledger kept at some moment.
pub struct Copied {
    kept: Kept,
    is_busy: bool,
}

impl Copied {
    /// The image that the ledger had.
    pub fn image(&self) -> Vec<u8> {
        image_of(&self.kept, self.is_busy)
    }
}

fn image_of(kept: &Kept, is_busy: bool) -> Vec<u8> {
    let mut flags = flags_of(kept);
    if is_busy {
        flags |= BUSY;
    }
    let mut image = Vec::with_capacity(48 + kept.remembered.len() * 40);
    image.push(flags);
    write_level(&mut image, &kept.level, flags);
    let since = kept.level.version.wrapping_sub(kept.on_hand_version);
    put(&mut image, &since);
    put(&mut image, &kept.last_movement);
    if flags & COUNTED != 0 {
        put(&mut image, &kept.counted_until);
        let ago = distance(kept.last_count_at, kept.level.updated_at);
        put(&mut image, &ago);
    }
    if flags & REMEMBERED != 0 {
        write_remembered(&mut image, &kept.remembered, kept.level.updated_at);
    }
    if flags & MORE != 0 {
        let (holds, led, answers) = (&kept.holds, &kept.led, &kept.answers);
        put(
            &mut image,
            &(holds, led, answers, &kept.denied, &kept.outgoing),
        );
    }
    image
}

/// What an image says of itself first. No field of what is kept is left out here: what is added
/// to a ledger wants a place in its image.
fn flags_of(kept: &Kept) -> u8 {
    let Kept {
        level,
        on_hand_version: _,
        counted_until,
        last_count_at,
        last_movement: _,
        holds,
        led,
        answers,
        remembered,
        denied,
        outgoing,
    } = kept;
    let counted = [counted_until, last_count_at];
    let more = !holds.is_empty()
        || !led.is_empty()
        || !answers.is_empty()
        || !denied.is_empty()
        || !outgoing.is_empty();
    let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
    flag(STOCKED, level.stocked)
        | flag(
            PROMISED,
            !(level.held.is_zero() && level.committed.is_zero()),
        )
        | flag(SAFETY_STOCK, !level.safety_stock.is_zero())
        | flag(DEADLINE, level.deadline.is_some())
        | flag(
            COUNTED,
            counted.iter().any(|at| **at != Timestamp::default()),
        )
        | flag(REMEMBERED, !remembered.is_empty())
        | flag(MORE, more)
}

fn write_level(image: &mut Vec<u8>, level: &Level, flags: u8) {
    let Level {
        stocked: _,
        on_hand,
        held,
        committed,
        safety_stock,
        version,
        updated_at,
        public_version,
        public_at,
        deadline,
    } = level;
    put(image, on_hand);
    put(image, version);
    put(image, updated_at);
    put(image, public_version);
    put(image, &distance(*public_at, *updated_at));
    if flags & PROMISED != 0 {
        put(image, held);
        put(image, committed);
    }
    if flags & SAFETY_STOCK != 0 {
        put(image, safety_stock);
    }
    if let Some(deadline) = deadline {
        put(image, &distance(*deadline, *updated_at));
    }
}

fn write_remembered(
    image: &mut Vec<u8>,
    remembered: &ById<MovementId, Remembered>,
    updated_at: Timestamp,
) {
    put(image, &remembered.len());
    let mut before = updated_at;
    for (id, one) in remembered {
        let Remembered {
            content,
            occurred_at,
            delta,
            recorded_at,
            oversold,
            absorbed,
            used,
        } = one;
        image.extend_from_slice(&id.0.to_le_bytes());
        image.extend_from_slice(&content.to_le_bytes());
        put(image, &distance(*recorded_at, before));
        put(image, &distance(*occurred_at, *recorded_at));
        put(image, delta);
        let what = u8::from(*oversold) * OVERSOLD + u8::from(*absorbed) * ABSORBED;
        image.push(what + u8::from(used.is_some()) * USED);
        if let Some(used) = used {
            put(image, used);
        }
        before = *recorded_at;
    }
}

fn put<T: Serialize>(image: &mut Vec<u8>, value: &T) {
    let written = postcard::to_extend(value, mem::take(image));
    *image = written.expect("a ledger is plain data and always encodes");
}

/// How far `at` is from `other`.
fn distance(at: Timestamp, other: Timestamp) -> i64 {
    at.as_millis().wrapping_sub(other.as_millis())
}

/// What is still to be read of an image.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<T: Deserialize<'a>>(&mut self) -> Result<T, postcard::Error> {
        let (value, rest) = postcard::take_from_bytes(self.0)?;
        self.0 = rest;
        Ok(value)
    }

    fn byte(&mut self) -> Result<u8, postcard::Error> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], postcard::Error> {
        let (array, rest) = self
            .0
            .split_first_chunk()
            .ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.0 = rest;
        Ok(*array)
    }

    /// A time written as its distance to `other`.
    fn near(&mut self, other: Timestamp) -> Result<Timestamp, postcard::Error> {
        let distance: i64 = self.take()?;
        let millis = other.as_millis().wrapping_add(distance);
        Ok(Timestamp::from_millis(millis))
    }

    /// What stands before `more`.
    fn before_more(&mut self, flags: u8) -> Result<Kept, postcard::Error> {
        let level = self.level(flags)?;
        let mut kept = Kept {
            level,
            on_hand_version: level.version.wrapping_sub(self.take()?),
            last_movement: self.take()?,
            ..Kept::default()
        };
        if flags & COUNTED != 0 {
            kept.counted_until = self.take()?;
            kept.last_count_at = self.near(level.updated_at)?;
        }
        if flags & REMEMBERED != 0 {
            kept.remembered = self.remembered(level.updated_at)?;
        }
        Ok(kept)
    }

    fn level(&mut self, flags: u8) -> Result<Level, postcard::Error> {
        let mut level = Level {
            stocked: flags & STOCKED != 0,
            on_hand: self.take()?,
            version: self.take()?,
            updated_at: self.take()?,
            public_version: self.take()?,
            ..Level::default()
        };
        level.public_at = self.near(level.updated_at)?;
        if flags & PROMISED != 0 {
            level.held = self.take()?;
            level.committed = self.take()?;
        }
        if flags & SAFETY_STOCK != 0 {
            level.safety_stock = self.take()?;
        }
        if flags & DEADLINE != 0 {
            level.deadline = Some(self.near(level.updated_at)?);
        }
        Ok(level)
    }

    fn remembered(
        &mut self,
        updated_at: Timestamp,
    ) -> Result<ById<MovementId, Remembered>, postcard::Error> {
        let count: usize = self.take()?;
        let room = count.min(self.0.len() / REMEMBERED_BYTES_MIN);
        let mut remembered = ById::with_capacity_and_hasher(room, Default::default());
        let mut before = updated_at;
        for _ in 0..count {
            let id = MovementId(u128::from_le_bytes(self.array()?));
            let content = u64::from_le_bytes(self.array()?);
            let recorded_at = self.near(before)?;
            let occurred_at = self.near(recorded_at)?;
            let delta = self.take()?;
            let what = self.byte()?;
            let used: Option<Quantity> = match what & USED {
                0 => None,
                _ => Some(self.take()?),
            };
            let one = Remembered {
                content,
                occurred_at,
                delta,
                recorded_at,
                oversold: what & OVERSOLD != 0,
                absorbed: what & ABSORBED != 0,
                used,
            };
            remembered.insert(id, one);
            before = recorded_at;
        }
        Ok(remembered)
    }
}
