//! Opens the shop, as a retailer would who begins with Onhand: tokens, catalogue, first stock,
//! and two reservations for the person at the terminal to go on with. It must not know how the
//! service does any of it.

use serde_json::{Value, json};

use super::caller::{Caller, reservation_path, text};
use super::sample::{self, STORES, Sample, WAREHOUSE, YOURS};
use super::tokens::{self, Tokens};
use super::wire::Patient;
use crate::cli::client::Method;
use crate::cli::{Layout, send_all};

/// The longest a reservation may be held.
const HELD_SECONDS: u32 = 14_400;

/// The shop, open.
pub(super) struct Opened {
    /// Everybody's tokens.
    pub(super) tokens: Tokens,
    /// A reservation that is held, to be paid.
    pub(super) held: String,
    /// A reservation that is paid, to be collected at the first store.
    pub(super) paid: String,
}

/// Opens it over clients that `wire` makes of tokens.
///
/// # Errors
/// What went wrong.
pub(super) fn open(
    admin: &str,
    sample: &Sample,
    wire: impl Fn(&str) -> Patient,
) -> Result<Opened, String> {
    let mut admin = Caller::new("opening", wire(admin));
    tokens::revoke_earlier(&mut admin)?;
    let office_token = tokens::office(&mut admin)?;
    let mut office = wire(&office_token);
    send_all(&Layout::Locations, sample::LOCATIONS, &mut office)?;
    send_all(&Layout::Items, sample::ITEMS, &mut office)?;
    // Counts would undo what an earlier play did to the figures.
    let stock = Caller::new("opening", wire(&office_token)).read("/v1/stock?limit=1");
    let is_stocked = stock.or_words()?["items"] != json!([]);
    if !is_stocked {
        send_all(&Layout::Stock { as_of: None }, sample::STOCK, &mut office)?;
    }
    let tokens = Tokens::make(&mut admin)?;
    let mut web = Caller::new("opening", wire(&tokens.web));
    let held = reserve(&mut web, WAREHOUSE)?;
    let paid = reserve(&mut web, STORES[0])?;
    // Without `fulfilment` nobody is asked to hand it over: it waits for the person's command.
    let order = json!({"order": format!("collect-{paid}")});
    let confirm = reservation_path(&paid, "confirm");
    web.once(Method::Post, &confirm, &order).or_words()?;
    tracing::debug!(goods = sample.goods.len(), "the demo's shop is open");
    Ok(Opened { tokens, held, paid })
}

fn reserve(web: &mut Caller, location: &str) -> Result<String, String> {
    let line = json!({"sku": YOURS, "location": location, "quantity": 1});
    let body = json!({"lines": [line], "ttl_seconds": HELD_SECONDS, "customer": "you"});
    let held: Value = web
        .once(Method::Post, "/v1/reservations", &body)
        .or_words()?;
    Ok(text(&held["id"]).to_owned())
}
