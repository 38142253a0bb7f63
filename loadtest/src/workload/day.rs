//! A November day: for every ten requests nine look at a product, one changes something. Carts
//! are filled; half are paid for, a quarter emptied, a quarter abandoned until they lapse; tills
//! sell what is in the stores.

use std::collections::VecDeque;

use serde::Deserialize;

use super::movements::sale;
use super::reserve::{RESERVATIONS, TTL_SECONDS};
use crate::connection::Answer;
use crate::keys::Keys;
use crate::load::Workload;
use crate::request::{Target, Template};
use crate::shop::{LOCATION, SKU, Shop};

/// How long an abandoned cart is kept: short, so that lapsing is part of every run.
pub const ABANDONED_SECONDS: u64 = 3;

const READ: usize = 0;
const RESERVE: usize = 1;
const ABANDON: usize = 2;
const CONFIRM: usize = 3;
const RELEASE: usize = 4;
const SALE: usize = 5;

/// Up to which percentage a request is of which kind.
const MIX: [(u8, usize); 6] = [
    (90, READ),
    (93, RESERVE),
    (94, ABANDON),
    (96, CONFIRM),
    (97, RELEASE),
    (100, SALE),
];

/// The day's requests.
pub struct Day {
    target: Target,
    read: Template,
    reserve: Template,
    sale: Template,
    shop: Shop,
    keys: Keys,
    tag: u64,
    number: u64,
    /// Carts that wait to be paid for or emptied.
    carts: VecDeque<String>,
    dealt: Dealt,
}

/// What answers said, in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dealt {
    /// Held by carts that will not lapse.
    pub held: i64,
    /// Promised to orders.
    pub committed: i64,
    /// Sold at tills.
    pub sold: i64,
    /// Asked for with an unknown outcome.
    pub unknown: i64,
    /// Carts that were left to lapse.
    pub abandoned: u64,
}

#[derive(Deserialize)]
struct Placed<'a> {
    id: &'a str,
}

impl Day {
    /// A day in the shop; ids and Idempotency-Keys begin with `tag`.
    pub fn new(target: &Target, shop: Shop, keys: Keys, tag: u64) -> Day {
        let line = format!(r#"{{"sku":"{SKU}","location":"{LOCATION}","quantity":1}}"#);
        let cart = format!(r#"{{"lines":[{line}],"ttl_seconds":<_5>}}"#);
        let sale = format!(r#"{{"movements":[{}]}}"#, sale());
        let page = format!("/v1/availability/{SKU}/{LOCATION}");
        let head = "Idempotency-Key: lt-<13>-<10>\r\n";
        Day {
            read: Template::page(target, &page),
            reserve: Template::new(target, "POST", RESERVATIONS, head, &cart),
            sale: Template::new(target, "POST", "/v1/movements", "", &sale),
            target: target.clone(),
            shop,
            keys,
            tag,
            number: 0,
            carts: VecDeque::new(),
            dealt: Dealt::default(),
        }
    }

    /// What answers said so far.
    pub fn dealt(&self) -> Dealt {
        self.dealt
    }

    /// The kind of the next request; without a cart to pay for, one is filled.
    fn kind(&mut self) -> usize {
        let drawn = self.keys.percent();
        let found = MIX.iter().find(|(until, _)| drawn < *until);
        let (_, kind) = *found.expect("the mix covers all");
        match kind {
            CONFIRM | RELEASE if self.carts.is_empty() => RESERVE,
            kind => kind,
        }
    }

    /// A call on the cart that has waited longest.
    fn call(&mut self, name: &str, out: &mut Vec<u8>) {
        let cart = self.carts.pop_front().expect("a cart waits");
        let path = format!("{RESERVATIONS}/{cart}/{name}");
        Template::new(&self.target, "POST", &path, "", "{}").render(&[], out);
    }
}

impl Workload for Day {
    fn kinds(&self) -> &'static [&'static str] {
        &["read", "reserve", "abandon", "confirm", "release", "sale"]
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let kind = self.kind();
        let [item, location] = self.shop.slots(self.keys.draw());
        let (tag, number) = (self.tag, self.number);
        self.number += 1;
        let ttl = if kind == ABANDON {
            ABANDONED_SECONDS
        } else {
            TTL_SECONDS
        };
        match kind {
            READ => self.read.render(&[item, location], out),
            RESERVE | ABANDON => self
                .reserve
                .render(&[tag, number, item, location, ttl], out),
            CONFIRM => self.call("confirm", out),
            RELEASE => self.call("release", out),
            _ => self.sale.render(&[tag, number, item, location], out),
        }
        Some(kind)
    }

    fn answered(&mut self, kind: usize, answer: Option<&Answer<'_>>) {
        let dealt = &mut self.dealt;
        let Some(answer) = answer.filter(|answer| !answer.is_outcome_unknown()) else {
            dealt.unknown += i64::from(kind != READ);
            return;
        };
        match (kind, answer.status) {
            (RESERVE, 201) => match serde_json::from_slice::<Placed<'_>>(answer.body) {
                Ok(placed) => {
                    dealt.held += 1;
                    self.carts.push_back(placed.id.to_owned());
                }
                Err(_) => dealt.unknown += 1,
            },
            (ABANDON, 201) => dealt.abandoned += 1,
            (CONFIRM, 200) => {
                dealt.held -= 1;
                dealt.committed += 1;
            }
            (RELEASE, 200) => dealt.held -= 1,
            (SALE, 200) => {
                let words = br#""status":"applied""#;
                let applied = answer.body.windows(words.len()).any(|part| part == words);
                dealt.sold += i64::from(applied);
            }
            _ => {}
        }
    }
}
