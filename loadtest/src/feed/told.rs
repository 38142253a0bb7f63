//! What the server says, as JSON. It must not know what becomes of it.

use serde::Deserialize;

/// A frame, as far as a follower of levels needs it.
#[derive(Debug, Deserialize)]
pub struct Told<'a> {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Of `state` and `update`.
    #[serde(borrow, default)]
    pub levels: Vec<ToldLevel<'a>>,
    /// Of `update`: versions that were left out.
    #[serde(default)]
    pub conflated: u64,
    /// Of `state`: whether it is all there.
    #[serde(default)]
    pub last: bool,
    /// Of `state`: keys that are not stocked.
    #[serde(borrow, default)]
    pub unknown: Vec<&'a str>,
    /// Of `state`: keys it may not follow.
    #[serde(borrow, default)]
    pub denied: Vec<&'a str>,
    /// Of `welcome`.
    #[serde(default)]
    pub epoch: Option<&'a str>,
    /// Of `going_away`.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// Of `error`.
    #[serde(default)]
    pub code: Option<&'a str>,
}

/// A level.
#[derive(Debug, Deserialize)]
pub struct ToldLevel<'a> {
    /// Whose.
    pub sku: &'a str,
    /// Where.
    pub location: &'a str,
    /// Rises with each change.
    pub version: u64,
    /// When it was decided, by the server's clock.
    pub at: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::Shop;

    #[test]
    fn an_update_names_keys_of_the_shop() {
        let text = r#"{"type":"update","levels":[{"sku":"lt-0000007","location":"store-0001",
            "version":3,"status":"limited","available":2,"at":"2026-02-03T04:05:07.123Z"}],
            "conflated":1}"#;
        let told: Told<'_> = serde_json::from_str(text).unwrap();
        let shop = Shop::of(20, 2, 1);
        assert_eq!((told.kind, told.conflated), ("update", 1));
        let level = &told.levels[0];
        assert_eq!(shop.named(level.sku, level.location), Some(17));
        assert_eq!(shop.slots(17), [7, 1]);
        let other = Shop::of(5, 1, 1);
        assert_eq!(other.named(level.sku, level.location), None);
    }
}
