//! The cart with its countdown, which is the reservation's, and the checkout. It must not know
//! how a cart is held.

use maud::{Markup, html};
use rust_decimal::Decimal;
use serde_json::Value;

use super::backend::{Good, money, place_name};
use super::checkout::{Way, natural};
use super::frame::{Frame, fields};
use super::order::Order;
use super::picture::picture;
use super::reply::Reply;
use super::session::Session;
use super::{Shop, order_page};
use crate::demo::caller::{number, text};

/// The cart, whatever became of it.
pub(super) fn cart(shop: &Shop, session: &Session) -> Reply {
    let cart = shop.cart(session);
    let state = cart.as_ref().map_or("", |cart| text(&cart["state"]));
    let left = cart.as_ref().map_or(0, |cart| shop.seconds_left(cart));
    let awaited = cart
        .as_ref()
        .and_then(|cart| shop.awaited(&session.hand.lock(), cart).into_iter().next());
    let awaited = awaited.as_deref();
    let (again_seconds, main) = match (state, &cart) {
        ("held", Some(cart)) => (Some(left + 1), held(shop, session, cart, left, awaited)),
        ("expired", Some(cart)) => (
            awaited.map(|_| order_page::AGAIN_SECONDS),
            lapsed(shop, session, cart, awaited),
        ),
        _ => (None, nothing()),
    };
    let frame = Frame {
        shop,
        session,
        title: "Cart",
        again_seconds,
    };
    Reply::page(frame.around(&html! { div.narrow { (main) } }))
}

fn nothing() -> Markup {
    html! {
        h1 { "Your cart is empty" }
        p { a.button href="/" { "See what there is" } }
    }
}

/// That a payment is waited for, and what becomes of it; the page asks again when it has come.
fn waits(shop: &Shop, order: &Order, words: &str) -> Markup {
    html! {
        p.notice role="status" data-watch=(order_page::watched(order))
            data-state=(order_page::state(shop, order)) {
            a href=(order_page::path(order)) { "Order " (order.number()) }
            " waits for Swish. " (words)
        }
    }
}

fn held(
    shop: &Shop,
    session: &Session,
    cart: &Value,
    left: i64,
    awaited: Option<&Order>,
) -> Markup {
    html! {
        h1 { "Your cart" }
        @if let Some(order) = awaited {
            (waits(shop, order, "If you change the cart first, what you paid is sent back."))
        }
        (countdown(left))
        div.panel {
            (lines(shop, cart, |line| change(shop, session, line)))
            p.total { "Total " strong { (money(number(&cart["total"]["amount"]))) } }
        }
        div.actions {
            form method="post" action="/cart/empty" {
                (fields(session))
                button type="submit" { "Empty the cart" }
            }
            a.button href="/checkout" { "To the checkout" }
        }
    }
}

/// How long it is held, counted down by the script; the page asks again when it is over.
fn countdown(left: i64) -> Markup {
    html! {
        p.countdown {
            "Held for you for another "
            strong role="timer" data-seconds=(left) {
                (format!("{}:{:02}", left / 60, left % 60))
            }
            span.soft { " Then it goes back to the shelf." }
        }
    }
}

/// How much of a line there is to be, or that there is to be none.
fn change(shop: &Shop, session: &Session, line: &Value) -> Markup {
    let (sku, location) = (text(&line["sku"]), text(&line["location"]));
    let name = shop.name(sku);
    let step = shop.known.get(sku).map_or("1".to_owned(), Good::step);
    let quantity = number(&line["quantity"]).normalize();
    let line = html! {
        (fields(session))
        input type="hidden" name="sku" value=(sku);
        input type="hidden" name="location" value=(location);
    };
    html! {
        div.change {
            form method="post" action="/cart/change" {
                (line)
                input type="number" name="quantity" inputmode="decimal" value=(quantity)
                    min=(step) max="99" step=(step) required aria-label={ "How much of " (name) };
                button type="submit" { "Change" span.unseen { " " (name) } }
            }
            form method="post" action="/cart/change" {
                (line)
                input type="hidden" name="quantity" value="0";
                button type="submit" { "Remove" span.unseen { " " (name) } }
            }
        }
    }
}

/// The lines of a reservation, each with something behind it.
pub(super) fn lines(shop: &Shop, reservation: &Value, behind: impl Fn(&Value) -> Markup) -> Markup {
    html! {
        ul.lines {
            @for line in reservation["lines"].as_array().into_iter().flatten() {
                @let sku = text(&line["sku"]);
                li {
                    (thumbnail(shop, sku))
                    div.what {
                        strong { (shop.name(sku)) }
                        span.soft {
                            (number(&line["quantity"]).normalize()) " × "
                            (money(number(&line["unit_price"]["amount"])))
                            " · " (place_name(text(&line["location"])))
                        }
                    }
                    span.number { (money(number(&line["line_total"]["amount"]))) }
                    (behind(line))
                }
            }
        }
    }
}

/// A small drawing.
fn thumbnail(shop: &Shop, sku: &str) -> Markup {
    let known = shop.known.get(sku);
    let product = known.map_or(sku, Good::kind);
    picture(product, known.and_then(|good| good.attribute("colour")))
}

fn lapsed(shop: &Shop, session: &Session, cart: &Value, awaited: Option<&Order>) -> Markup {
    html! {
        h1 { "Your cart has lapsed" }
        @if let Some(order) = awaited {
            (waits(shop, order, "If you paid, it is taken for you when Swish says so, if it is \
                still there. If you put it back into the cart, what you paid is sent back."))
        }
        p { "No payment came in time, so this went back to the shelf for others:" }
        div.panel { (lines(shop, cart, |_| html! {})) }
        div.actions {
            form method="post" action="/cart/empty" {
                (fields(session))
                button type="submit" { "Forget it" }
            }
            form method="post" action="/cart/again" {
                (fields(session))
                button.primary type="submit" { "Put it back into the cart" }
            }
        }
    }
}

/// Where the customer says how to have it, and pays.
pub(super) fn checkout(shop: &Shop, session: &Session) -> Reply {
    let cart = shop.cart(session).filter(|cart| cart["state"] == "held");
    let Some(cart) = cart else {
        return Reply::See("/cart".to_owned());
    };
    let total = number(&cart["total"]["amount"]);
    let left = shop.seconds_left(&cart);
    let usual = natural(&cart);
    let main = html! {
        h1 { "Checkout" }
        (countdown(left))
        form.checkout method="post" action="/checkout" {
            (fields(session))
            div.panel {
                (lines(shop, &cart, |_| html! {}))
                fieldset {
                    legend { "How would you like to have it?" }
                    @for way in Way::ALL { (choice(way, total, way == usual)) }
                }
                p.soft { "Something from another place is taken there instead, if they have it." }
            }
            div.actions {
                a href="/cart" { "Back to the cart" }
                button.primary type="submit" { "Pay with Swish" }
            }
        }
    };
    let frame = Frame {
        shop,
        session,
        title: "Checkout",
        again_seconds: Some(left + 1),
    };
    Reply::page(frame.around(&html! { div.narrow { (main) } }))
}

fn choice(way: Way, total: Decimal, is_usual: bool) -> Markup {
    let cost = way.cost();
    html! {
        label.choice {
            input type="radio" name="location" value=(way.from()) required checked[is_usual];
            span.way { (way.words()) }
            span.place {
                @if cost.is_zero() { "free" } @else { "plus " (money(cost)) }
            }
            span.number { (money(total + cost)) }
        }
    }
}
