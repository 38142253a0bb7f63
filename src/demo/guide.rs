//! What the demo prints once its shop is open: links, and commands for each kind of user that
//! work when pasted. It must not know how the demo is played.
//!
//! A command stands alone on its line, four columns in, with the words for it above. Ids and keys
//! in it are fixed: pasted twice, it gives the first answer again.

use std::fmt::{self, Formatter};

use super::Play;
use super::opening::Opened;
use super::sample::{STORES, WAREHOUSE, YOURS};
use crate::app::Ready;

/// Pages to open, and what they show. Pages for people (the shop, a store's screen, a till) belong
/// here, in front.
const PAGES: &[(&str, &str)] = &[
    ("/docs", "the API and the feed, to read"),
    ("/openapi.json", "the API, for programs"),
];

/// What stock is looked at: it changes while the simulated people act.
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

impl fmt::Display for Guide<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nThe clog shop is open: a web warehouse, stores in Malmö and Lund."
        )?;
        let Guide { ready, play, .. } = self;
        let kept = if play.keeps {
            "kept"
        } else {
            "gone when the demo ends"
        };
        writeln!(f, "  data     {kept}")?;
        writeln!(f, "  play     --seed {} --rate {}", play.seed, play.rate)?;
        for (path, what) in PAGES {
            writeln!(f, "  open     {}{path}  {what}", ready.public)?;
        }
        writeln!(
            f,
            "\nCommands to paste. Nobody but you buys the yellow clogs."
        )?;
        self.shoppers(f)?;
        self.web(f)?;
        self.till(f)?;
        self.warehouse(f)?;
        self.operator(f)?;
        if play.rate > 0.0 && !play.quiet {
            writeln!(
                f,
                "\nWhat the simulated people do (times are UTC), until Ctrl-C:"
            )?;
        }
        Ok(())
    }
}

impl Guide<'_> {
    fn shoppers(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n  A product page (needs no token)")?;
        self.get(
            f,
            "what shoppers see",
            &format!("/v1/availability/{LIVELY}"),
            None,
        )?;
        let two = format!(
            r#"{{"items":[{{"sku":"{LIVELY}","location":"{WAREHOUSE}"}},{{"sku":"wool-socks","location":"{}"}}]}}"#,
            STORES[0]
        );
        self.post(
            f,
            "a page with several products",
            "/v1/availability/query",
            &two,
            None,
            None,
        )
    }

    fn web(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let token = Some(self.opened.tokens.web.as_str());
        writeln!(
            f,
            "\n  The web shop's back end, a marketplace, a call centre"
        )?;
        let basket = format!(
            r#"{{"lines":[{{"sku":"{YOURS}","location":"{WAREHOUSE}","quantity":2}}],"ttl_seconds":600,"customer":"c-1"}}"#
        );
        let key = Some("try-1");
        self.post(
            f,
            "add to cart: two pairs for ten minutes",
            "/v1/reservations",
            &basket,
            key,
            token,
        )?;
        let confirm = format!("/v1/reservations/{}/confirm", self.opened.held);
        let paid = format!(
            r#"{{"payments":[{{"method":"card","reference":"p-1","amount":"300.00","currency":"SEK"}}],"fulfilment":{{"method":"ship"}},"order":"order-{}","reclaim":true}}"#,
            self.opened.held
        );
        self.post(
            f,
            "pay for a basket that is held",
            &confirm,
            &paid,
            Some("try-2"),
            token,
        )?;
        self.get(
            f,
            "your reservations",
            "/v1/reservations?customer=you",
            token,
        )
    }

    fn till(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let token = Some(self.opened.tokens.till_malmo.as_str());
        let store = STORES[0];
        writeln!(f, "\n  The till in Malmö")?;
        self.get(
            f,
            "exact figures",
            &format!("/v1/stock/{LIVELY}/{store}"),
            token,
        )?;
        self.movement(f, "a sale", &format!(r#"{{"id":"try-3","type":"sale","sku":"{YOURS}","location":"{store}","quantity":1}}"#), token)?;
        self.movement(f, "a return", &format!(r#"{{"id":"try-4","type":"return","sku":"{YOURS}","location":"{store}","quantity":1,"condition":"sellable"}}"#), token)?;
        let fulfil = format!("/v1/reservations/{}/fulfil", self.opened.paid);
        self.post(
            f,
            "hand over an order that was paid online",
            &fulfil,
            "{}",
            Some("try-5"),
            token,
        )
    }

    fn warehouse(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let token = Some(self.opened.tokens.warehouse.as_str());
        writeln!(f, "\n  The warehouse and the ERP")?;
        self.movement(f, "a delivery", &format!(r#"{{"id":"try-6","type":"receipt","sku":"{YOURS}","location":"{WAREHOUSE}","quantity":24}}"#), token)?;
        self.movement(f, "goods for a store", &format!(r#"{{"id":"try-7","type":"transfer","sku":"{YOURS}","location":"{WAREHOUSE}","to":"{}","quantity":5}}"#, STORES[1]), token)?;
        self.get(
            f,
            "all that is in stock",
            &format!("/v1/stock?location={WAREHOUSE}&limit=1000"),
            token,
        )?;
        let ledger = format!("/v1/stock/{YOURS}/{WAREHOUSE}/movements");
        self.get(f, "the ledger of one product", &ledger, token)?;
        let events = Some(self.opened.tokens.events.as_str());
        self.get(
            f,
            "what happened, in order, from the beginning",
            "/v1/events?after=earliest&limit=10",
            events,
        )
    }

    fn operator(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let operator = &self.opened.tokens.operator;
        let (token, url) = (Some(operator.as_str()), &self.ready.public);
        writeln!(f, "\n  The operator")?;
        command(
            f,
            "is it ready?",
            &format!("curl -sS {}/readyz", self.ready.ops),
        )?;
        self.get(f, "who may ask", "/v1/tokens", token)?;
        let till = r#"{"name":"till-7","scopes":["stock:read","stock:write"],"locations":["lund"],"channel":"store"}"#;
        self.post(
            f,
            "a token for one more till, shown once",
            "/v1/tokens",
            till,
            None,
            token,
        )?;
        let binary = binary();
        let backup = format!("{binary} backup --url {url} --token {operator} onhand-demo.backup");
        command(f, "a consistent copy while it runs", &backup)
    }

    fn movement(
        &self,
        f: &mut Formatter<'_>,
        words: &str,
        movement: &str,
        token: Option<&str>,
    ) -> fmt::Result {
        let body = format!(r#"{{"movements":[{movement}]}}"#);
        self.post(f, words, "/v1/movements", &body, None, token)
    }

    fn get(
        &self,
        f: &mut Formatter<'_>,
        words: &str,
        path: &str,
        token: Option<&str>,
    ) -> fmt::Result {
        let url = &self.ready.public;
        let token = token.map(bearer).unwrap_or_default();
        command(f, words, &format!("curl -sS '{url}{path}'{token}"))
    }

    fn post(
        &self,
        f: &mut Formatter<'_>,
        words: &str,
        path: &str,
        body: &str,
        key: Option<&str>,
        token: Option<&str>,
    ) -> fmt::Result {
        let url = &self.ready.public;
        let token = token.map(bearer).unwrap_or_default();
        let key = key.map(|key| format!(" -H 'Idempotency-Key: {key}'"));
        let key = key.unwrap_or_default();
        command(
            f,
            words,
            &format!("curl -sS '{url}{path}'{token}{key} -d '{body}'"),
        )
    }
}

fn bearer(token: &str) -> String {
    format!(" -H 'Authorization: Bearer {token}'")
}

fn command(f: &mut Formatter<'_>, words: &str, command: &str) -> fmt::Result {
    writeln!(f, "  # {words}\n    {command}")
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
