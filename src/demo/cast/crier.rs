//! Reads the event stream on and on: tells what nobody asked for (a hold lapsed, a product sold
//! out or came back, a promise that cannot be kept) and puts orders on the desks of those who
//! hand them over. It must not know who caused what.

use serde_json::{Value, json};

use super::{Hand, people, web_shop};
use crate::cli::client::segment;
use crate::demo::caller::{Heard, number, text};
use crate::demo::desk::Order;
use crate::demo::stop::Stop;

/// How long the stream may be asked to wait, seconds: also how long an end may have to wait.
const WAIT_SECONDS: u32 = 1;

/// The newest position of the stream.
pub(super) fn newest(hand: &mut Hand) -> String {
    let page = hand.caller.read("/v1/events?after=latest&limit=1").done();
    let position = page.map(|page| segment(text(&page["next"])));
    position.unwrap_or_else(|| "latest".to_owned())
}

/// Tells what happens after a position, until the word to end.
pub(super) fn cry(hand: &mut Hand, mut after: String, stop: &Stop) {
    while !stop.is_stopped() {
        let path = format!("/v1/events?after={after}&limit=1000&wait_seconds={WAIT_SECONDS}");
        match hand.caller.read(&path) {
            Heard::Done(page) => {
                for event in page["events"].as_array().into_iter().flatten() {
                    hear(event, hand);
                }
                after = segment(text(&page["next"]));
            }
            // What was missed is gone; go on with what is kept.
            Heard::Refused { code, .. } if code == "position_expired" => {
                after = "latest".to_owned();
            }
            Heard::Refused { .. } => {}
        }
    }
}

/// Tells one event, if it is of interest.
pub(super) fn hear(event: &Value, hand: &Hand) {
    let data = &event["data"];
    let place = text(&data["location"]);
    let name = hand.sample.name(text(&data["sku"])).to_owned();
    match text(&event["type"]) {
        "onhand.stock.out" => hand.voice.say(&format!("{name} is sold out at {place}")),
        "onhand.stock.back" => hand.voice.say(&format!("{name} is back at {place}")),
        "onhand.stock.shortfall" => {
            let short = number(&data["shortfall"]).normalize();
            hand.voice.say(&format!("{place} owes {short} of {name}"));
        }
        "onhand.reservation.expired" => {
            let lines = data["lines"].as_array().map_or(&[][..], Vec::as_slice);
            let lines = web_shop::words(hand, lines);
            let shopper = people::name(text(&data["customer"]));
            hand.voice
                .say(&format!("the hold of {shopper} lapsed: {lines}"));
        }
        "onhand.fulfilment.requested" => put_on_desks(data, hand),
        _ => {}
    }
}

/// Each location hands over its own lines.
fn put_on_desks(reservation: &Value, hand: &Hand) {
    let lines = reservation["lines"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let mut places: Vec<&str> = lines.iter().map(|line| text(&line["location"])).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        let here = lines.iter().filter(|line| line["location"] == place);
        let wanted = here.map(
            |line| json!({"sku": line["sku"], "location": place, "quantity": line["quantity"]}),
        );
        let order = Order {
            id: text(&reservation["id"]).to_owned(),
            customer: text(&reservation["customer"]).to_owned(),
            lines: wanted.collect(),
        };
        hand.desk.put(place, order);
    }
}
