//! The web shop's back end: baskets are held, changed, paid, given up or left to lapse. It must
//! not know how orders leave the shelves.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Hand, Player, people};
use crate::cli::client::Method;
use crate::demo::caller::{Heard, number, reservation_path, text};
use crate::demo::sample::{STORES, WAREHOUSE};

/// Baskets whose shoppers have not made up their minds; past it somebody does.
const BASKETS_MAX: usize = 12;

/// How long a basket may be held for, seconds: short enough to watch one lapse.
const TTL_SECONDS: [u32; 3] = [10, 30, 60];

/// What shipping costs.
const SHIPPING: &str = "49.00";

/// The web shop.
#[derive(Default)]
pub(super) struct WebShop {
    baskets: Vec<Basket>,
    shoppers: u32,
}

/// A basket that is held.
struct Basket {
    id: String,
    shopper: String,
    lines: Vec<Value>,
    total: Decimal,
    /// Where it will be collected; else it is shipped.
    collect: Option<&'static str>,
}

impl Player for WebShop {
    fn act(&mut self, hand: &mut Hand) {
        let full = self.baskets.len() >= BASKETS_MAX;
        if self.baskets.is_empty() || (!full && hand.dice.chance(50)) {
            return self.place(hand);
        }
        let basket = self
            .baskets
            .swap_remove(hand.dice.place(self.baskets.len()));
        match hand.dice.below(100) {
            0..58 => pay(&basket, hand),
            58..75 => self.change(basket, hand),
            75..88 => give_up(&basket, hand),
            _ => walk_away(&basket, hand),
        }
    }
}

impl WebShop {
    fn place(&mut self, hand: &mut Hand) {
        self.shoppers += 1;
        let shopper = people::id("c", self.shoppers);
        let name = people::name(&shopper);
        let collect = hand.dice.chance(30).then(|| *hand.dice.one(&STORES));
        let from = collect.unwrap_or(WAREHOUSE);
        let lines = lines(hand, from);
        let ttl = *hand.dice.one(&TTL_SECONDS);
        let body = json!({"lines": lines, "ttl_seconds": ttl, "customer": shopper});
        let wanted = words(hand, &lines);
        match hand.caller.once(Method::Post, "/v1/reservations", &body) {
            Heard::Done(held) => {
                hand.voice
                    .say(&format!("{name} holds {wanted} for {ttl} s"));
                self.baskets.push(Basket {
                    id: text(&held["id"]).to_owned(),
                    total: number(&held["total"]["amount"]),
                    shopper,
                    lines,
                    collect,
                });
            }
            Heard::Refused { code, problem } => {
                let why = why(hand, &code, &problem);
                hand.voice.say(&format!("{name} wanted {wanted}: {why}"));
            }
        }
    }

    /// Wants something else; what is held stays held if that is not there.
    fn change(&mut self, mut basket: Basket, hand: &mut Hand) {
        let from = basket.collect.unwrap_or(WAREHOUSE);
        let lines = lines(hand, from);
        let path = reservation_path(&basket.id, "lines");
        let heard = hand
            .caller
            .once(Method::Put, &path, &json!({"lines": lines}));
        let (name, wanted) = (people::name(&basket.shopper), words(hand, &lines));
        match heard {
            Heard::Done(changed) => {
                hand.voice.say(&format!("{name} takes {wanted} instead"));
                basket.total = number(&changed["total"]["amount"]);
                basket.lines = lines;
                self.baskets.push(basket);
            }
            Heard::Refused { code, problem } => {
                let why = why(hand, &code, &problem);
                hand.voice
                    .say(&format!("{name} would rather have {wanted}: {why}"));
                if code == "insufficient_stock" {
                    self.baskets.push(basket);
                }
            }
        }
    }
}

fn pay(basket: &Basket, hand: &mut Hand) {
    let order = hand.caller.name();
    let shipping: Decimal = SHIPPING.parse().expect("a constant amount");
    let (amount, adjustments, fulfilment, how) = match basket.collect {
        Some(store) => (
            basket.total,
            json!([]),
            json!({"method": "collect", "location": store}),
            format!("will collect at {store}"),
        ),
        None => (
            basket.total + shipping,
            json!([{"label": "shipping", "amount": SHIPPING}]),
            json!({"method": "ship"}),
            "has it sent".to_owned(),
        ),
    };
    let payment = json!({"method": "card", "reference": order, "amount": format!("{amount:.2}"),
        "currency": "SEK"});
    let body = json!({"payments": [payment], "adjustments": adjustments,
        "fulfilment": fulfilment, "order": order});
    let path = reservation_path(&basket.id, "confirm");
    let heard = hand.caller.once(Method::Post, &path, &body);
    let name = people::name(&basket.shopper);
    match heard {
        Heard::Done(_) => {
            let bought = words(hand, &basket.lines);
            hand.voice.say(&format!(
                "{name} pays {amount:.2} SEK for {bought} and {how}"
            ));
        }
        Heard::Refused { code, problem } => {
            let why = why(hand, &code, &problem);
            hand.voice.say(&format!("{name} comes to pay: {why}"));
        }
    }
}

fn give_up(basket: &Basket, hand: &mut Hand) {
    let path = reservation_path(&basket.id, "release");
    let heard = hand.caller.once(Method::Post, &path, &json!({}));
    let (name, had) = (people::name(&basket.shopper), words(hand, &basket.lines));
    match heard {
        Heard::Done(_) => hand.voice.say(&format!("{name} puts {had} back")),
        Heard::Refused { code, problem } => {
            let why = why(hand, &code, &problem);
            hand.voice.say(&format!("{name} empties the basket: {why}"));
        }
    }
}

/// Nothing is asked: the hold lapses by itself.
fn walk_away(basket: &Basket, hand: &mut Hand) {
    let name = people::name(&basket.shopper);
    let left = words(hand, &basket.lines);
    hand.voice.say(&format!(
        "{name} closes the page and leaves {left} in the basket"
    ));
}

/// One to three products, each once. A parcel may be put together from several places.
fn lines(hand: &mut Hand, from: &str) -> Vec<Value> {
    let count = 1 + hand.dice.below(6) / 3 + hand.dice.below(6) / 5;
    let mut lines: Vec<Value> = Vec::new();
    for _ in 0..count {
        let good = hand.dice.one(&hand.sample.goods);
        let quantity = good.amount(&mut hand.dice).to_string();
        let is_from_store = from == WAREHOUSE && hand.dice.chance(10);
        let location = if is_from_store {
            *hand.dice.one(&STORES)
        } else {
            from
        };
        if lines.iter().all(|line| line["sku"] != good.sku.as_str()) {
            lines.push(json!({"sku": good.sku, "location": location, "quantity": quantity}));
        }
    }
    lines
}

/// Lines as people say them: the place after what is there.
pub(super) fn words(hand: &Hand, lines: &[Value]) -> String {
    let mut said = String::new();
    for (index, line) in lines.iter().enumerate() {
        let words = hand
            .sample
            .words(text(&line["sku"]), number(&line["quantity"]));
        said.push_str(if index == 0 { "" } else { ", " });
        said.push_str(&words);
        let next = lines.get(index + 1);
        if next.is_none_or(|next| next["location"] != line["location"]) {
            said.push_str(" at ");
            said.push_str(text(&line["location"]));
        }
    }
    said
}

/// Why something was refused, as a shopper would put it.
pub(super) fn why(hand: &Hand, code: &str, problem: &Value) -> String {
    match code {
        "insufficient_stock" => {
            let shortages = problem["shortages"].as_array().into_iter().flatten();
            let short = shortages.map(|short| {
                let available = number(&short["available"]).normalize();
                format!(
                    "{available} left of {}",
                    hand.sample.name(text(&short["sku"]))
                )
            });
            short.collect::<Vec<_>>().join(", ")
        }
        "reservation_expired" => "too late, the hold has lapsed".to_owned(),
        "reservation_resolved" | "wrong_state" => {
            format!("too late, it is {}", text(&problem["state"]))
        }
        "no_answer" => "no answer".to_owned(),
        code => format!("refused as {code}"),
    }
}
