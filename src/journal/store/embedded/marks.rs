//! What the embedded store remembers of itself between two starts, and its bytes: all numbers are
//! little-endian, see the layout in `mod.rs`. Knows no group and no snapshot.

use fjall::Keyspace;

use crate::journal::{Position, Round, StoreError};
use crate::stock::time::Timestamp;

/// The meta value that holds the base position.
pub(super) const BASE_NAME: &str = "store/base";
/// The meta value that holds the newest round.
pub(super) const ROUND_NAME: &str = "store/round";

/// How far the base has moved and which round is the newest.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub(super) base: Position,
    pub(super) round: Option<Round>,
}

/// Reads the marks as they were last written.
pub(super) fn read_marks(meta: &Keyspace) -> Result<Marks, StoreError> {
    let base = match meta.get(BASE_NAME)? {
        None => Position::ZERO,
        Some(value) => match value.first_chunk() {
            Some(bytes) if value.len() == 8 => Position::new(u64::from_le_bytes(*bytes)),
            _ => {
                return Err(StoreError::Damaged {
                    what: "the base position",
                });
            }
        },
    };
    let round = match meta.get(ROUND_NAME)? {
        None => None,
        Some(value) => Some(decode_round(&value)?),
    };
    Ok(Marks { base, round })
}

/// The bytes of a round.
pub(super) fn encode_round(round: Round) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&round.cut.get().to_le_bytes());
    bytes[8..16].copy_from_slice(&round.witness.get().to_le_bytes());
    bytes[16..].copy_from_slice(&round.high_water.as_millis().to_le_bytes());
    bytes
}

fn decode_round(value: &[u8]) -> Result<Round, StoreError> {
    let (numbers, rest) = value.as_chunks::<8>();
    match (numbers, rest) {
        ([cut, witness, high_water], []) => Ok(Round {
            cut: Position::new(u64::from_le_bytes(*cut)),
            witness: Position::new(u64::from_le_bytes(*witness)),
            high_water: Timestamp::from_millis(i64::from_le_bytes(*high_water)),
        }),
        _ => Err(StoreError::Damaged {
            what: "the snapshot round",
        }),
    }
}
