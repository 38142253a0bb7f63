//! Copies of small stores: written and read again, cut at every length, changed at every byte.

use std::io::{self, Read};

use super::*;
use crate::journal::group::{GroupBuilder, GroupLimits};
use crate::journal::store::Changes;
use crate::journal::{EntryChange, MemoryStore, Part, Store};

/// Never to be changed: backups out there hold these bytes.
const GOLDEN: &[u8] = include_bytes!("golden/copy_v1.bin");

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_123);

fn group(records: &[&[u8]]) -> Vec<u8> {
    let mut builder = GroupBuilder::new(GroupLimits::default());
    records.iter().for_each(|record| builder.push(record));
    builder.seal(NOW).to_vec()
}

fn put(key: &str, value: &[u8]) -> EntryChange {
    EntryChange {
        key: key.into(),
        value: Some(value.into()),
    }
}

fn changes(changes: Vec<EntryChange>) -> Changes<'static> {
    Box::new(changes.into_iter())
}

/// A store with something of everything: base at 2, round at 3, five records.
fn store() -> MemoryStore {
    let store = MemoryStore::default();
    store.put_meta("epoch", b"e1 limited_max=3").unwrap();
    store.put_meta("empty", b"").unwrap();
    let groups: [&[&[u8]]; 3] = [&[b"1", b"2"], &[b"", b"4"], &[&[0xff; 300]]];
    for records in groups {
        let first = store.last().next();
        store.append(first, &group(records)).unwrap();
    }
    store
        .put_snapshots(changes(vec![put("a", b"as of 3"), put("b", b"as of 5")]))
        .unwrap();
    let (cut, witness) = (Position::new(3), Position::new(5));
    let high_water = NOW;
    let round = Round {
        cut,
        witness,
        high_water,
    };
    store.finish_round(round).unwrap();
    let newer = changes(vec![put("a", b"as of 2"), put("ab", b"")]);
    store.advance_base(Position::new(2), newer).unwrap();
    store
}

/// The copy of the store, as release 0.1.0 takes it.
fn copying(store: &MemoryStore) -> Copying {
    let mut header = Copying::new(store.contents(), "e1", NOW).header().clone();
    header.release = "0.1.0".to_owned();
    Copying::of(header, store.contents().parts)
}

fn copy(store: &MemoryStore) -> Vec<u8> {
    let chunks: Result<Vec<Vec<u8>>, CopyError> = copying(store).collect();
    chunks.unwrap().concat()
}

fn parts(copy: &[u8]) -> Result<Vec<Part>, CopyError> {
    let mut reader = CopyReader::open(copy)?;
    let mut parts = Vec::new();
    while let Some(part) = reader.next_part()? {
        parts.push(part);
    }
    Ok(parts)
}

#[test]
fn the_format_is_the_one_of_the_backups_out_there() {
    assert_eq!(copy(&store()), GOLDEN);
    let (header, trailer) = check(GOLDEN).unwrap();
    assert_eq!((header.base().get(), header.begun().get()), (2, 5));
    assert_eq!(header.round(), store().round());
    assert_eq!(
        (header.epoch.as_str(), header.taken_at_ms),
        ("e1", NOW.as_millis())
    );
    let counts = (
        trailer.meta,
        trailer.base,
        trailer.snapshots,
        trailer.groups,
    );
    assert_eq!(
        (counts, trailer.records, trailer.last),
        ((2, 2, 2, 2), 3, 5)
    );
    let expected: Vec<Part> = store().contents().parts.map(Result::unwrap).collect();
    assert_eq!(parts(GOLDEN).unwrap(), expected);
}

#[test]
fn a_copy_cut_anywhere_is_cut_short_and_nothing_else() {
    for length in 0..GOLDEN.len() {
        let error = parts(&GOLDEN[..length]).unwrap_err();
        let CopyError::Short { bytes } = error else {
            panic!("cut after {length} bytes: {error}");
        };
        assert_eq!(bytes, length as u64);
    }
}

#[test]
fn a_copy_with_any_bit_changed_is_refused() {
    for at in 0..GOLDEN.len() {
        for bit in 0..8 {
            let mut bytes = GOLDEN.to_vec();
            bytes[at] ^= 1 << bit;
            let error = parts(&bytes).unwrap_err();
            let expected = match at {
                0..8 => matches!(error, CopyError::NotACopy),
                8..12 => matches!(error, CopyError::Version { .. }),
                _ => matches!(error, CopyError::Damaged { at: frame, .. } if frame <= at as u64),
            };
            assert!(expected, "bit {bit} of byte {at}: {error}");
        }
    }
}

#[test]
fn what_follows_the_trailer_is_refused() {
    for more in [&b"\0"[..], GOLDEN] {
        let error = parts(&[GOLDEN, more].concat()).unwrap_err();
        let CopyError::Trailing { at } = error else {
            panic!("{error}");
        };
        assert_eq!(at, GOLDEN.len() as u64);
    }
}

#[test]
fn something_else_is_no_backup_and_a_later_format_is_told_with_advice() {
    for other in [&b"sku,location"[..], &[0; 64], b"\x89PNG\r\n\x1a\n"] {
        assert!(matches!(parts(other), Err(CopyError::NotACopy)));
    }
    let mut later = GOLDEN.to_vec();
    later[8] = 2;
    let error = parts(&later).unwrap_err().to_string();
    assert!(
        error.contains("format 2") && error.contains("newer"),
        "{error}"
    );
}

#[test]
fn a_frame_left_out_repeated_or_moved_is_refused_though_its_own_checksum_is_right() {
    let frames = frames(GOLDEN);
    assert_eq!(frames.len(), 10);
    for (index, frame) in frames.iter().enumerate() {
        let without = [&frames[..index], &frames[index + 1..]].concat().concat();
        let twice = [&frames[..index], &[*frame], &frames[index..]]
            .concat()
            .concat();
        let mut moved = frames.clone();
        moved.swap(index, (index + 1) % frames.len());
        for bytes in [without, twice, moved.concat()] {
            let copy = [&GOLDEN[..12], &bytes].concat();
            assert!(parts(&copy).is_err(), "frame {index}");
        }
    }
}

/// The frames of a whole copy.
fn frames(copy: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut frames) = (&copy[12..], Vec::new());
    while let Some(head) = rest.first_chunk::<9>() {
        let length = u32::from_le_bytes(head[1..5].try_into().unwrap());
        let (frame, after) = rest.split_at(9 + length as usize + 8);
        frames.push(frame);
        rest = after;
    }
    frames
}

#[test]
fn contents_that_lack_a_group_are_never_a_whole_copy() {
    let all = || store().contents();
    let header = Copying::new(all(), "e1", NOW).header().clone();
    let parts: Vec<Part> = all().parts.map(Result::unwrap).collect();
    for left_out in parts.iter().filter(|part| matches!(part, Part::Group(..))) {
        let rest: Vec<Part> = parts
            .iter()
            .filter(|part| *part != left_out)
            .cloned()
            .collect();
        let copying = Copying::of(header.clone(), Box::new(rest.into_iter().map(Ok)));
        let last = copying.last().unwrap();
        assert!(matches!(last, Err(CopyError::Source(_))), "{left_out:?}");
    }
}

#[test]
fn a_large_copy_comes_in_chunks_and_is_read_whatever_pieces_it_arrives_in() {
    let store = store();
    let large = vec![7; 1 << 20];
    let small = (0..2_000).map(|n| put(&format!("key {n:04}"), &[n as u8; 700]));
    store.put_snapshots(Box::new(small)).unwrap();
    store
        .put_snapshots(changes(vec![put("large", &large)]))
        .unwrap();
    let chunks: Vec<Vec<u8>> = copying(&store).map(Result::unwrap).collect();
    assert!(chunks.len() > 4, "{} chunks", chunks.len());
    let limit = (256 << 10) + large.len() + 100;
    assert!(chunks.iter().all(|chunk| chunk.len() < limit));
    let copy = chunks.concat();
    let (_, trailer) = check(Piecemeal(&copy)).unwrap();
    assert_eq!(trailer.snapshots, 2_003);
}

/// Gives a few bytes at a time.
struct Piecemeal<'a>(&'a [u8]);

impl Read for Piecemeal<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(997);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn one_backup_at_a_time_and_the_next_once_it_is_dropped() {
    let backups = Backups::of(std::sync::Arc::new(store()));
    let first = backups.begin("e1", NOW).unwrap();
    assert!(matches!(backups.begin("e1", NOW), Err(Busy)));
    drop(first);
    let mut next = backups.clone().begin("e1", NOW).unwrap();
    while let Some(chunk) = next.next_chunk() {
        chunk.unwrap();
    }
    assert_eq!(next.trailer().unwrap().last, 5);
}
