//! What the demo prints once its shop is open: links, and commands for each kind of user that
//! work when pasted. It must not know how the demo is played.
//!
//! A command stands alone on its line, four columns in, with the words for it above. Ids and keys
//! in it are fixed: pasted twice, it gives the first answer again.

use std::fmt::{self, Formatter};

use serde_json::{Value, json};

use super::Play;
use super::opening::Opened;
use super::sample::{STORES, WAREHOUSE, YOURS};
use crate::app::Ready;

/// Pages of the service to open, and what they show.
const PAGES: &[(&str, &str)] = &[
    ("/docs", "the API and the feed, to read"),
    ("/openapi.json", "the API, for programs"),
];

/// A product that is worth looking at: its stock changes while the simulated people act.
const LIVELY: &str = "red-clogs-38";

/// Links and commands.
pub(super) struct Guide<'a> {
    /// Where the service listens.
    pub(super) ready: &'a Ready,
    /// What there is to work with.
    pub(super) opened: &'a Opened,
    /// What is played.
    pub(super) play: &'a Play,
}

/// A command, with words for it.
struct Example {
    words: &'static str,
    command: String,
}

impl fmt::Display for Guide<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Guide { ready, play, .. } = self;
        let kept = match play.keeps {
            true => "kept for the next time",
            false => "gone when the demo ends",
        };
        writeln!(
            f,
            "\nThe clog shop is open: a web warehouse, stores in Malmö and Lund."
        )?;
        writeln!(f, "  data     {kept}")?;
        writeln!(f, "  play     --seed {} --rate {}", play.seed, play.rate)?;
        writeln!(f, "  open     {}/  the web shop, to buy in", play.shop_url)?;
        for (path, token, what) in self.store_pages() {
            writeln!(f, "  open     {}{path}#token={token}  {what}", ready.public)?;
        }
        let board = "what shoppers fight over, for the operator";
        writeln!(f, "  open     {}/board  {board}", ready.ops)?;
        for (path, what) in PAGES {
            writeln!(f, "  open     {}{path}  {what}", ready.public)?;
        }
        writeln!(
            f,
            "\nCommands to paste. Nobody but you buys the yellow clogs."
        )?;
        let users = [
            ("A product page, which needs no token", self.shoppers()),
            (
                "The web shop's back end, a marketplace, a call centre",
                self.web(),
            ),
            ("The till in Malmö", self.till()),
            ("The warehouse and the ERP", self.warehouse()),
            ("The operator", self.operator()),
        ];
        for (user, examples) in users {
            writeln!(f, "\n  {user}")?;
            for Example { words, command } in examples {
                writeln!(f, "  # {words}\n    {command}")?;
            }
        }
        if play.rate > 0.0 && !play.quiet {
            let until = "(times are UTC), until Ctrl-C:";
            writeln!(f, "\nWhat the simulated people do {until}")?;
        }
        Ok(())
    }
}

impl Guide<'_> {
    /// Pages that a device opens with a token of its own. What stands behind `#` no server sees.
    fn store_pages(&self) -> [(String, &str, &'static str); 3] {
        let tokens = &self.opened.tokens;
        [
            (
                format!("/screen/{}", STORES[0]),
                tokens.screens.as_str(),
                "the screen in Malmö",
            ),
            (
                format!("/till/{}", STORES[0]),
                tokens.till_malmo.as_str(),
                "the till in Malmö",
            ),
            (
                format!("/till/{}", STORES[1]),
                tokens.till_lund.as_str(),
                "the till in Lund",
            ),
        ]
    }

    fn shoppers(&self) -> Vec<Example> {
        let several = json!({"items": [
            {"sku": LIVELY, "location": WAREHOUSE},
            {"sku": "wool-socks", "location": STORES[0]},
        ]});
        let query = "/v1/availability/query";
        vec![
            self.get(
                "what shoppers see",
                &format!("/v1/availability/{LIVELY}"),
                "",
            ),
            self.post("a page with several products", query, &several, "", ""),
        ]
    }

    fn web(&self) -> Vec<Example> {
        let token = self.opened.tokens.web.as_str();
        let line = json!({"sku": YOURS, "location": WAREHOUSE, "quantity": 2});
        let basket = json!({"lines": [line], "ttl_seconds": 600, "customer": "c-1"});
        let reservations = "/v1/reservations";
        let held = &self.opened.held;
        let confirm = format!("{reservations}/{held}/confirm");
        let payment = json!({"method": "card", "reference": "p-1", "amount": "300.00",
            "currency": "SEK"});
        // Should the hold have lapsed meanwhile, it is taken again.
        let paid = json!({"payments": [payment], "fulfilment": {"method": "ship"},
            "order": format!("order-{held}"), "reclaim": true});
        vec![
            self.post(
                "add to cart: two pairs for ten minutes",
                reservations,
                &basket,
                token,
                "try-1",
            ),
            self.post(
                "pay for a basket that is held",
                &confirm,
                &paid,
                token,
                "try-2",
            ),
            self.get("your reservations", "/v1/reservations?customer=you", token),
        ]
    }

    fn till(&self) -> Vec<Example> {
        let token = self.opened.tokens.till_malmo.as_str();
        let (store, hand_over) = (STORES[0], "hand over an order that was paid online");
        let sale = json!({"id": "try-3", "type": "sale", "sku": YOURS, "location": store,
            "quantity": 1});
        let back = json!({"id": "try-4", "type": "return", "sku": YOURS, "location": store,
            "quantity": 1, "condition": "sellable"});
        let fulfil = format!("/v1/reservations/{}/fulfil", self.opened.paid);
        vec![
            self.get(
                "exact figures",
                &format!("/v1/stock/{LIVELY}/{store}"),
                token,
            ),
            Example {
                words: "all figures of the store as they change, until Ctrl-C",
                command: self.following(&format!("*@{store}"), token),
            },
            self.movement("a sale", &sale, token),
            self.movement("a return", &back, token),
            self.post(hand_over, &fulfil, &json!({}), token, "try-5"),
        ]
    }

    fn warehouse(&self) -> Vec<Example> {
        let tokens = &self.opened.tokens;
        let token = tokens.warehouse.as_str();
        let delivery = json!({"id": "try-6", "type": "receipt", "sku": YOURS,
            "location": WAREHOUSE, "quantity": 24});
        let transfer = json!({"id": "try-7", "type": "transfer", "sku": YOURS,
            "location": WAREHOUSE, "to": STORES[1], "quantity": 5});
        let all = format!("/v1/stock?location={WAREHOUSE}&limit=1000");
        let ledger = format!("/v1/stock/{YOURS}/{WAREHOUSE}/movements");
        let events = "/v1/events?after=earliest&limit=10";
        vec![
            self.movement("a delivery", &delivery, token),
            self.movement("goods for a store", &transfer, token),
            self.get("all that is in stock", &all, token),
            self.get("the ledger of one product", &ledger, token),
            self.get(
                "what happened, in order, from the beginning",
                events,
                &tokens.events,
            ),
        ]
    }

    fn operator(&self) -> Vec<Example> {
        let token = self.opened.tokens.operator.as_str();
        let (url, ops) = (&self.ready.public, &self.ready.ops);
        let scopes = ["stock:read", "stock:write", "reserve", "fulfil"];
        let till = json!({"name": "till-7", "scopes": scopes, "locations": [STORES[1]],
            "channel": "store"});
        let one_more = "a token for one more till, shown once";
        let mut examples = vec![
            Example {
                words: "is it ready?",
                command: format!("curl -sS {ops}/readyz"),
            },
            self.get("who may ask", "/v1/tokens", token),
            self.post(one_more, "/v1/tokens", &till, token, ""),
        ];
        let backup = format!("backup --force --url {url} --token {token} onhand-demo.backup");
        examples.push(Example {
            words: "a consistent copy while it runs",
            command: format!("{} {backup}", binary()),
        });
        examples
    }

    fn movement(&self, words: &'static str, movement: &Value, token: &str) -> Example {
        let body = json!({"movements": [movement]});
        self.post(words, "/v1/movements", &body, token, "")
    }

    fn get(&self, words: &'static str, path: &str, token: &str) -> Example {
        let url = &self.ready.public;
        let token = header("Authorization: Bearer ", token);
        let command = format!("curl -sS '{url}{path}'{token}");
        Example { words, command }
    }

    fn following(&self, keys: &str, token: &str) -> String {
        let (url, token) = (&self.ready.public, header("Authorization: Bearer ", token));
        format!("curl -sSN '{url}/v1/feed/events?keys={keys}'{token}")
    }

    fn post(
        &self,
        words: &'static str,
        path: &str,
        body: &Value,
        token: &str,
        key: &str,
    ) -> Example {
        let url = &self.ready.public;
        let token = header("Authorization: Bearer ", token);
        let key = header("Idempotency-Key: ", key);
        let command = format!("curl -sS '{url}{path}'{token}{key} -d '{body}'");
        Example { words, command }
    }
}

/// A header for curl, unless there is nothing to say in it.
fn header(name: &str, value: &str) -> String {
    match value.is_empty() {
        true => String::new(),
        false => format!(" -H '{name}{value}'"),
    }
}

/// This program, as the shell finds it.
fn binary() -> String {
    let path = std::env::current_exe().ok();
    let path = path.map(|path| path.display().to_string());
    let path = path.unwrap_or_else(|| "onhand".to_owned());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if path.chars().all(is_plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}
