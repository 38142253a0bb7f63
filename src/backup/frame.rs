//! Frames: how each thing in a copy is delimited and sealed. Knows no contents.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::journal::Part;
use crate::journal::Position;

/// Bytes of a frame before its content: kind, length, check.
pub(super) const HEAD_BYTES: usize = 9;
/// Bytes of a frame after its content.
pub(super) const LINK_BYTES: usize = 8;

/// What a frame holds. The order is the one in which kinds come in a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Header = 1,
    Meta = 2,
    Base = 3,
    Snapshot = 4,
    Group = 5,
    Trailer = 6,
}

impl Kind {
    pub(super) fn of(part: &Part) -> Kind {
        match part {
            Part::Meta(_) => Kind::Meta,
            Part::Base(_) => Kind::Base,
            Part::Snapshot(_) => Kind::Snapshot,
            Part::Group(..) => Kind::Group,
        }
    }

    fn read(byte: u8) -> Option<Kind> {
        let all = [
            Kind::Header,
            Kind::Meta,
            Kind::Base,
            Kind::Snapshot,
            Kind::Group,
            Kind::Trailer,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Adds a frame to `to` and gives its link. The content is written by `write`.
///
/// # Panics
/// If the content has 4 GiB or more; the store's engine holds no such value.
pub(super) fn write(
    to: &mut Vec<u8>,
    kind: Kind,
    link: u64,
    write: impl FnOnce(&mut Vec<u8>),
) -> u64 {
    let start = to.len();
    to.push(kind as u8);
    to.extend_from_slice(&[0; HEAD_BYTES - 1]);
    write(to);
    let length = u32::try_from(to.len() - start - HEAD_BYTES);
    let length = length.expect("the store's engine holds no value of 4 GiB");
    to[start + 1..start + 5].copy_from_slice(&length.to_le_bytes());
    let check = head_check(&to[start..start + 5], link);
    to[start + 5..start + HEAD_BYTES].copy_from_slice(&check);
    let next = xxh3_64_with_seed(&to[start..], link);
    to.extend_from_slice(&next.to_le_bytes());
    next
}

/// Kind and length of a frame's content, if its head is what was written.
pub(super) fn read_head(head: &[u8; HEAD_BYTES], link: u64) -> Option<(Kind, usize)> {
    let (said, check) = head.split_at(5);
    if check != head_check(said, link) {
        return None;
    }
    let length = u32::from_le_bytes(said[1..].try_into().ok()?);
    Some((Kind::read(said[0])?, usize::try_from(length).ok()?))
}

/// The link that a frame must end with: `frame` is all of it before.
pub(super) fn link_of(frame: &[u8], link: u64) -> u64 {
    xxh3_64_with_seed(frame, link)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn head_check(said: &[u8], link: u64) -> [u8; 4] {
    (xxh3_64_with_seed(said, link) as u32).to_le_bytes()
}

/// Writes the content of a part's frame.
pub(super) fn write_part(to: &mut Vec<u8>, part: &Part) {
    match part {
        Part::Meta((key, value)) | Part::Base((key, value)) | Part::Snapshot((key, value)) => {
            let length = u32::try_from(key.len()).expect("keys are short");
            to.extend_from_slice(&length.to_le_bytes());
            to.extend_from_slice(key);
            to.extend_from_slice(value);
        }
        Part::Group(first, group) => {
            to.extend_from_slice(&first.get().to_le_bytes());
            to.extend_from_slice(group);
        }
    }
}

/// The part that a frame holds, unless it is none or its content does not make sense.
pub(super) fn read_part(kind: Kind, content: &[u8]) -> Option<Part> {
    let entry = || {
        let (length, rest) = content.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (key, value) = rest.split_at_checked(length)?;
        Some((key.to_vec(), value.to_vec()))
    };
    match kind {
        Kind::Meta => entry().map(Part::Meta),
        Kind::Base => entry().map(Part::Base),
        Kind::Snapshot => entry().map(Part::Snapshot),
        Kind::Group => {
            let (first, group) = content.split_first_chunk()?;
            let first = Position::new(u64::from_le_bytes(*first));
            Some(Part::Group(first, group.to_vec()))
        }
        Kind::Header | Kind::Trailer => None,
    }
}
