//! The epoch: it names a lineage of data, so that clients forget the versions and positions of
//! another. Kept as a meta value, with the rules of the public view that it holds for.

use crate::journal::{Store, StoreError};

/// The meta value's name.
pub const EPOCH: &str = "epoch";

/// The lineage of the data in `store`. A new one begins when the rules of the public view change:
/// its versions would otherwise name other faces than before.
pub fn of(store: &dyn Store, limited_max: u32) -> Result<String, StoreError> {
    let rules = format!(" limited_max={limited_max}");
    if let Some(known) = store.meta(EPOCH)? {
        let known = String::from_utf8_lossy(&known).into_owned();
        if let Some(epoch) = known.strip_suffix(&rules) {
            return Ok(epoch.to_owned());
        }
    }
    let epoch = new_name();
    store.put_meta(EPOCH, format!("{epoch}{rules}").as_bytes())?;
    Ok(epoch)
}

/// A new lineage under the same rules: what its meta value becomes, and its name.
pub fn renewed(known: &[u8]) -> (Vec<u8>, String) {
    let known = String::from_utf8_lossy(known);
    let rules = known.split_once(' ').map_or("", |(_, rules)| rules);
    let epoch = new_name();
    (format!("{epoch} {rules}").into_bytes(), epoch)
}

fn new_name() -> String {
    format!("{:016x}", rand::random::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MemoryStore;

    #[test]
    fn an_epoch_stays_until_the_rules_change_or_it_is_renewed() {
        let store = MemoryStore::default();
        let first = of(&store, 3).unwrap();
        assert_eq!(of(&store, 3).unwrap(), first);
        let other_rules = of(&store, 4).unwrap();
        assert_ne!(other_rules, first);

        let (value, renewed) = renewed(&store.meta(EPOCH).unwrap().unwrap());
        assert_ne!(renewed, other_rules);
        store.put_meta(EPOCH, &value).unwrap();
        assert_eq!(of(&store, 4).unwrap(), renewed);
    }
}
