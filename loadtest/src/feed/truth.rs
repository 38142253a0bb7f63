//! What is true of a key, asked over HTTP as anybody may: the newest public version. It must not
//! know what followers were told.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::request::{Target, Template};
use crate::shop::Shop;

/// Keys in one question.
const KEYS_MAX: usize = 1_000;

#[derive(Serialize)]
struct Question {
    items: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    sku: String,
    location: String,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    sku: String,
    location: String,
    version: u64,
}

/// The public version of each of these keys now.
///
/// # Errors
/// The server does not say.
pub async fn read<'a>(
    target: &Target,
    shop: Shop,
    keys: impl Iterator<Item = &'a u64>,
) -> Result<HashMap<u64, u64>> {
    let keys: Vec<u64> = keys
        .copied()
        .collect::<BTreeSet<u64>>()
        .into_iter()
        .collect();
    let mut connection = Connection::new(target.address);
    let (mut truth, mut request) = (HashMap::new(), Vec::new());
    for keys in keys.chunks(KEYS_MAX) {
        let named = keys.iter().map(|key| {
            let name = shop.feed_key(*key);
            let (sku, location) = name.split_once('@').expect("a key has two parts");
            Key {
                sku: sku.to_owned(),
                location: location.to_owned(),
            }
        });
        let question = Question {
            items: named.collect(),
        };
        let body = serde_json::to_string(&question)?;
        // With the token the faces would be the exact ones.
        Template::post_without_token(target, "/v1/availability/query", &body)
            .render(&[], &mut request);
        let answer = connection.exchange(&request).await?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(answer.body);
            bail!(
                "the availability of {} keys: {} {said}",
                keys.len(),
                answer.status
            );
        }
        let answer: Answer = serde_json::from_slice(answer.body).context("availability")?;
        truth.extend(
            answer.items.iter().filter_map(|entry| {
                Some((shop.named(&entry.sku, &entry.location)?, entry.version))
            }),
        );
    }
    Ok(truth)
}
