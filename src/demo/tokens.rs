//! Who is given which token: each kind of user no more than it needs. It must not know what they
//! are used for. Tokens of an earlier play on the same data are revoked: nobody has them any more.

use serde_json::{Value, json};

use super::caller::{Caller, text};
use super::sample::WAREHOUSE;
use crate::cli::client::{Method, segment};

/// What the names of the demo's tokens begin with.
const PREFIX: &str = "demo: ";

/// The secrets of the demo's users.
#[derive(Default)]
pub(super) struct Tokens {
    /// The web shop's back end.
    pub(super) web: String,
    /// A marketplace.
    pub(super) marketplace: String,
    /// The till in Malmö.
    pub(super) till_malmo: String,
    /// The till in Lund.
    pub(super) till_lund: String,
    /// The screens on the stores' walls.
    pub(super) screens: String,
    /// The warehouse with its ERP.
    pub(super) warehouse: String,
    /// Who reads what happened.
    pub(super) events: String,
    /// The operator.
    pub(super) operator: String,
}

/// The secret of the office, which opens the shop: catalogue and first stock.
///
/// # Errors
/// Why it could not be made.
pub(super) fn office(admin: &mut Caller) -> Result<String, String> {
    let scopes = ["catalogue:write", "stock:write", "stock:read"];
    make(admin, "office", json!({"scopes": scopes}))
}

impl Tokens {
    /// Has all of them made; the stores they are bound to must be known.
    ///
    /// # Errors
    /// Which could not be made, and why.
    pub(super) fn make(admin: &mut Caller) -> Result<Tokens, String> {
        let mut make = |name: &str, rest: Value| make(admin, name, rest);
        let till = |store: &str| {
            let scopes = ["stock:read", "stock:write", "reserve", "fulfil"];
            json!({"scopes": scopes, "locations": [store], "channel": "store"})
        };
        Ok(Tokens {
            web: make(
                "web shop",
                json!({"scopes": ["reserve", "stock:read"], "channel": "web"}),
            )?,
            marketplace: make(
                "marketplace",
                json!({"scopes": ["reserve"], "channel": "marketplace:torget"}),
            )?,
            till_malmo: make("till in Malmö", till("malmo"))?,
            till_lund: make("till in Lund", till("lund"))?,
            screens: make("screens", json!({"scopes": ["screen"], "channel": "store"}))?,
            // Not bound to the warehouse: it also sends goods to the stores.
            warehouse: make(
                WAREHOUSE,
                json!({"scopes": ["stock:read", "stock:write", "fulfil"], "channel": WAREHOUSE}),
            )?,
            events: make("event reader", json!({"scopes": ["events:read"]}))?,
            operator: make("operator", json!({"scopes": ["admin"]}))?,
        })
    }
}

fn make(admin: &mut Caller, name: &str, mut grant: Value) -> Result<String, String> {
    grant["name"] = json!(format!("{PREFIX}{name}"));
    let made = admin.write(Method::Post, "/v1/tokens", &grant).or_words();
    let made = made.map_err(|reason| format!("no token for the {name}: {reason}"))?;
    Ok(text(&made["token"]).to_owned())
}

/// Revokes the tokens of earlier plays.
///
/// # Errors
/// Why they could not be listed or revoked.
pub(super) fn revoke_earlier(admin: &mut Caller) -> Result<(), String> {
    let listed = admin.read("/v1/tokens?limit=1000").or_words()?;
    for token in listed["items"].as_array().into_iter().flatten() {
        if text(&token["name"]).starts_with(PREFIX) {
            let path = format!("/v1/tokens/{}", segment(text(&token["id"])));
            admin
                .write(Method::Delete, &path, &Value::Null)
                .or_words()?;
        }
    }
    Ok(())
}
