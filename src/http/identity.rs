//! The names under which repeated requests and movements are recognised: hashes of who asks and
//! what they call it. Part of the disk format, for they are kept in the journal.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::stock::command::Idempotency;
use crate::stock::movement::MovementId;
use crate::stock::{StockKey, TokenId};

/// A movement's name at its key: SHA-256 of token, key and the caller's id, its first 128 bits.
pub fn movement_id(token: TokenId, key: &StockKey, name: &str) -> MovementId {
    let mut hash = Sha256::new();
    hash.update(token.0.to_be_bytes());
    hash.update(key.as_str());
    // No stock key holds a zero byte, so key and id cannot run into each other.
    hash.update([0]);
    hash.update(name);
    MovementId(first_bits(hash))
}

/// How a repetition of this request is recognised: the key by SHA-256 of token and key, the
/// body by XXH3 of the parsed request in its disk form and of what it asks for.
pub fn idempotency(
    token: TokenId,
    key: &str,
    operation: &str,
    request: &impl Serialize,
) -> Idempotency {
    let mut hash = Sha256::new();
    hash.update(token.0.to_be_bytes());
    hash.update(key);
    let body = postcard::to_stdvec(&(operation, request)).expect("requests are plain data");
    Idempotency {
        key: first_bits(hash),
        body: xxhash_rust::xxh3::xxh3_128(&body),
    }
}

fn first_bits(hash: Sha256) -> u128 {
    let digest = hash.finalize();
    let first: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::{LocationId, Sku};

    #[test]
    fn names_depend_on_everything_they_are_made_of_and_never_change() {
        let key = |sku: &str| {
            let location = LocationId::parse("malmo").unwrap();
            StockKey::new(&Sku::parse(sku).unwrap(), &location)
        };
        let first = movement_id(TokenId(7), &key("a"), "till-1");
        assert_eq!(first.0, 0x0a28_fefb_bcf9_2a00_dedb_ec56_37dd_82db);
        assert_ne!(first, movement_id(TokenId(8), &key("a"), "till-1"));
        assert_ne!(first, movement_id(TokenId(7), &key("b"), "till-1"));
        assert_ne!(first, movement_id(TokenId(7), &key("a"), "till-2"));

        let first = idempotency(TokenId(7), "k", "release 1", &(1, "x"));
        assert_eq!(first.key, 0xac75_f094_6e27_825c_503b_3c97_cf96_fef5);
        assert_eq!(first.body, 0x7dc9_d209_e4bb_3b6f_07d0_f4da_1757_e294);
        let other = idempotency(TokenId(7), "k", "release 2", &(1, "x"));
        assert_eq!(first.key, other.key);
        assert_ne!(first.body, other.body);
    }
}
