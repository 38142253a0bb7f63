//! An order, from the payment to the handing over. It must not know how it gets there.

use maud::{Markup, html};
use serde_json::Value;

use super::Shop;
use super::backend::{money, place_name};
use super::cart_page::lines;
use super::checkout::Way;
use super::frame::{Frame, fields};
use super::order::{Order, Payment};
use super::reply::Reply;
use super::session::Session;
use crate::demo::caller::text;

/// How often a page without a script asks whether something happened.
pub(super) const AGAIN_SECONDS: i64 = 3;

/// Where an order is shown.
pub(super) fn path(order: &Order) -> String {
    format!("/order/{}", order.id)
}

/// Where a page that waits asks.
pub(super) fn watched(order: &Order) -> String {
    format!("{}/state", path(order))
}

/// What a page that waits compares: it asks for itself again when this is another.
pub(super) fn state(shop: &Shop, order: &Order) -> String {
    let (payment, ordered) = look(shop, order);
    state_of(&payment, &ordered)
}

fn state_of(payment: &Payment, ordered: &Value) -> String {
    format!("{} {}", payment.word(), text(&ordered["state"]))
}

/// The payment, then what is ordered: what is known to be paid is confirmed by then, so no page
/// says that it is paid and has to say so again when the rest is known.
fn look(shop: &Shop, order: &Order) -> (Payment, Value) {
    let payment = order.payment.lock().clone();
    (payment, shop.ordered(order).unwrap_or_default())
}

/// One order, with what it was made of: the figures are those of the payment, whatever became of
/// the cart or of the goods.
pub(super) fn one(shop: &Shop, session: &Session, order: &Order) -> Reply {
    let (payment, ordered) = look(shop, order);
    let state = state_of(&payment, &ordered);
    let is_over = ["fulfilled", "cancelled"].contains(&text(&ordered["state"]));
    let main = html! {
        h1 { "Order " (order.number()) }
        div data-watch=[(!is_over).then(|| watched(order))]
            data-state=(state) {
            (news(&payment, &ordered, order))
            (steps(&payment, &ordered, order))
        }
        div.panel {
            (lines(shop, &order.cart, |_| html! {}))
            p.total {
                @if order.way == Way::Ship {
                    span.soft { "with shipping for " (money(order.way.cost())) " " }
                }
                "Total " strong { (money(order.amount)) }
            }
        }
        (actions(session, &payment, &ordered, order))
    };
    let title = format!("Order {}", order.number());
    let frame = Frame {
        shop,
        session,
        title: &title,
        again_seconds: (!is_over).then_some(AGAIN_SECONDS),
    };
    Reply::page(frame.around(&html! { div.narrow { (main) } }))
}

fn news(payment: &Payment, ordered: &Value, order: &Order) -> Markup {
    let good = |words: String| html! { p.notice.good role="status" { (words) } };
    let bad = |words: String| html! { p.notice.bad role="status" { (words) } };
    match (payment, text(&ordered["state"])) {
        (Payment::Awaited, _) => html! {
            p.notice role="status" {
                "We wait for Swish to say that it is paid. You may close this page."
            }
        },
        (Payment::Declined, _) => bad("The payment was declined. Nothing was paid.".to_owned()),
        (Payment::Withdrawn, _) => html! {
            p.notice role="status" {
                "You put this back into your cart. What is paid for this order is sent back to you."
            }
        },
        (Payment::Wrong(paid), _) => bad(format!(
            "{} was paid instead of {}, so it is sent back to you.",
            money(*paid),
            money(order.amount)
        )),
        (Payment::Returned(why), _) => bad(format!("{why} Your money is sent back to you.")),
        (Payment::Taken, "fulfilled") => good(match order.way {
            Way::Ship => "Your parcel is on its way.".to_owned(),
            Way::Collect(_) => "You have collected it. Thank you!".to_owned(),
        }),
        (Payment::Taken, "cancelled") => bad("Cancelled. Your money is sent back.".to_owned()),
        (Payment::Taken, _) => good(match order.way {
            Way::Ship => "Paid, thank you! We pack your parcel.".to_owned(),
            Way::Collect(store) => format!(
                "Paid, thank you! It is set aside for you in {}.",
                place_name(store)
            ),
        }),
    }
}

/// The way of an order, each step with whether it is done, to its end or as far as it can come.
fn steps(payment: &Payment, ordered: &Value, order: &Order) -> Markup {
    let last = match order.way {
        Way::Ship => "Sent",
        Way::Collect(_) => "Collected",
    };
    let held = ("Held for you", true);
    let steps = match (payment, text(&ordered["state"])) {
        (Payment::Awaited, _) => vec![held, ("Paid", false), (last, false)],
        (Payment::Declined | Payment::Withdrawn | Payment::Wrong(_) | Payment::Returned(_), _) => {
            vec![held, ("Not paid", true)]
        }
        (Payment::Taken, "cancelled") => vec![held, ("Paid", true), ("Cancelled", true)],
        (Payment::Taken, state) => vec![held, ("Paid", true), (last, state == "fulfilled")],
    };
    html! {
        ol.steps {
            @for (words, is_done) in steps {
                li.done[is_done] {
                    (words) span.unseen { @if is_done { " (done)" } @else { " (to come)" } }
                }
            }
        }
    }
}

fn actions(session: &Session, payment: &Payment, ordered: &Value, order: &Order) -> Markup {
    html! {
        div.actions {
            @match (payment, text(&ordered["state"])) {
                (Payment::Withdrawn, _) => { a.button href="/cart" { "To your cart" } }
                (Payment::Declined | Payment::Wrong(_) | Payment::Returned(_), "held") => {
                    a.button href="/checkout" { "Try again" }
                }
                (Payment::Declined | Payment::Wrong(_) | Payment::Returned(_), _) => {
                    a.button href="/" { "See what there is" }
                }
                (Payment::Taken, "confirmed") => {
                    form method="post" action=(format!("{}/cancel", path(order))) {
                        (fields(session))
                        button type="submit" { "Cancel the order" }
                    }
                }
                _ => { a href="/orders" { "All your orders" } }
            }
        }
    }
}

/// All orders of a visitor.
pub(super) fn all(shop: &Shop, session: &Session) -> Reply {
    let ids = session.hand.lock().orders();
    let orders: Vec<_> = ids.iter().filter_map(|id| shop.orders.find(id)).collect();
    let main = html! {
        h1 { "Your orders" }
        @if orders.is_empty() {
            p { "You have not ordered anything yet." }
            p { a.button href="/" { "See what there is" } }
        } @else {
            ul.orders {
                @for order in &orders {
                    li.panel {
                        a href=(path(order)) { "Order " (order.number()) }
                        span.soft { (order.way.words()) " · " (stage(shop, order)) }
                        span.number { (money(order.amount)) }
                    }
                }
            }
        }
    };
    let frame = Frame {
        shop,
        session,
        title: "Orders",
        again_seconds: None,
    };
    Reply::page(frame.around(&html! { div.narrow { (main) } }))
}

/// How far it is, in a word or two.
fn stage(shop: &Shop, order: &Order) -> &'static str {
    let (payment, ordered) = look(shop, order);
    match (payment, text(&ordered["state"])) {
        (Payment::Awaited, _) => "waits for Swish",
        (Payment::Taken, "fulfilled") => match order.way {
            Way::Ship => "sent",
            Way::Collect(_) => "collected",
        },
        (Payment::Taken, "cancelled") => "cancelled",
        (Payment::Taken, _) => "paid",
        (Payment::Declined | Payment::Withdrawn | Payment::Wrong(_) | Payment::Returned(_), _) => {
            "not paid"
        }
    }
}
