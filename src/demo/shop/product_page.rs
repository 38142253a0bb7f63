//! The list of products and the page of one: colour, size, price, offer, and how much is where,
//! live through the component. What the server renders is true as well, and says to machines what
//! it says to people.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::Shop;
use super::backend::{Good, PLACES, money, place_name};
use super::checkout::Way;
use super::frame::{Frame, fields};
use super::picture::picture;
use super::reply::Reply;
use super::session::Session;
use super::shelf::Shelf;
use crate::cli::client::segment;
use crate::demo::sample::WAREHOUSE;

/// Everything on sale.
pub(super) fn list(shop: &Shop, session: &Session) -> Result<Reply, String> {
    let goods = shop.backend.goods(None)?;
    let products = products(&goods);
    let main = html! {
        h1 { "Clogs, cloth and cheese" }
        p.lead { "What you see is what is there, in the warehouse and in both stores, right now." }
        ul.products {
            @for variants in &products { li.panel { (card(shop, variants)) } }
        }
        (machine_readable(&json!({
            "@context": "https://schema.org",
            "@type": "ItemList",
            "itemListElement": products.iter().enumerate().map(|(index, variants)| json!({
                "@type": "ListItem", "position": index + 1, "item": product(shop, variants),
            })).collect::<Vec<_>>(),
        })))
    };
    let frame = Frame {
        shop,
        session,
        title: "Products",
        again_seconds: None,
    };
    Ok(Reply::page(frame.around(&main)))
}

/// Variants together, in the order of their products; what is no variant stands for itself.
fn products(goods: &[Good]) -> Vec<Vec<&Good>> {
    let mut products: Vec<Vec<&Good>> = Vec::new();
    for good in goods {
        match products
            .iter_mut()
            .find(|known| good.product.is_some() && known[0].product == good.product)
        {
            Some(known) => known.push(good),
            None => products.push(vec![good]),
        }
    }
    // What comes in sizes is what the shop is known for.
    products.sort_by_key(|variants| variants[0].attribute("size").is_none());
    products
}

fn card(shop: &Shop, variants: &[&Good]) -> Markup {
    let first = variants[0];
    html! {
        a.title href=(path(first)) {
            (picture(first.kind(), first.attribute("colour")))
            h2 { (first.title()) }
        }
        p.price { (price(first)) (per(first)) }
        ul.sizes {
            @for good in variants {
                li {
                    @if let Some(size) = good.attribute("size") {
                        a href=(path(good)) { span.unseen { "Size " } (size) }
                        " "
                    }
                    (anywhere(shop, good))
                }
            }
        }
    }
}

/// What the price is for, if not for one piece.
fn per(good: &Good) -> Markup {
    html! {
        @if good.unit != "each" { span.unit { " a " (good.unit) } }
    }
}

fn path(good: &Good) -> String {
    let sku = segment(&good.sku);
    match &good.product {
        Some(product) => format!("/product/{}?sku={sku}", segment(product)),
        None => format!("/item/{sku}"),
    }
}

fn price(good: &Good) -> Markup {
    html! {
        strong { (money(good.price_now)) }
        @if good.price_now != good.price {
            " " span.was { span.unseen { "before " } s { (money(good.price)) } }
        }
    }
}

/// The best of all places, live.
fn anywhere(shop: &Shop, good: &Good) -> Markup {
    let all = PLACES.map(|(id, _)| id).join(",");
    html! {
        onhand-stock server=(shop.onhand) sku=(good.sku) location=(all) name=(good.name) {
            (good.best().words(&good.unit))
        }
    }
}

/// One product, one of its variants chosen.
pub(super) fn one(
    shop: &Shop,
    session: &Session,
    goods: &[Good],
    sku: Option<&str>,
) -> Result<Reply, String> {
    let chosen = goods.iter().find(|good| Some(good.sku.as_str()) == sku);
    let Some(good) = chosen.or(goods.first()) else {
        return Err("There is no such product.".to_owned());
    };
    let all: Vec<&Good> = goods.iter().collect();
    let main = html! {
        p.trail { a href="/" { "Products" } }
        div.product {
            div.panel.stage { (picture(good.kind(), good.attribute("colour"))) }
            div {
                h1 { (good.title()) }
                p.price { (live_price(shop, good)) (per(good)) }
                (facts(good))
                @if all.len() > 1 { (sizes(shop, &all, good)) }
                (buy(shop, session, good))
            }
        }
        (machine_readable(&{
            let mut product = product(shop, &all);
            product["@context"] = json!("https://schema.org");
            product
        }))
    };
    let frame = Frame {
        shop,
        session,
        title: &good.name,
        again_seconds: None,
    };
    Ok(Reply::page(frame.around(&main)))
}

/// The price, which follows an offer as it begins and ends.
fn live_price(shop: &Shop, good: &Good) -> Markup {
    html! {
        onhand-stock.only-price price server=(shop.onhand) sku=(good.sku) location=(WAREHOUSE) {
            (price(good))
        }
    }
}

fn facts(good: &Good) -> Markup {
    html! {
        dl.facts {
            @for name in ["colour", "size", "material"] {
                @if let Some(value) = good.attribute(name) {
                    div { dt { (name) } dd { (value) } }
                }
            }
            div { dt { "article" } dd { (good.sku) } }
        }
    }
}

fn sizes(shop: &Shop, all: &[&Good], chosen: &Good) -> Markup {
    html! {
        nav.variants aria-label="Sizes" {
            @for good in all {
                @let is_chosen = good.sku == chosen.sku;
                a href=(path(good)) aria-current=[is_chosen.then_some("true")] {
                    span.unseen { "Size " }
                    (good.attribute("size").unwrap_or(&good.name))
                    (anywhere(shop, good))
                }
            }
        }
    }
}

/// Where it is, and from where to have it.
fn buy(shop: &Shop, session: &Session, good: &Good) -> Markup {
    let usual = good.shelves.iter().find(|shelf| !shelf.is_empty());
    let step = good.step();
    html! {
        form.buy method="post" action="/cart" {
            (fields(session))
            input type="hidden" name="sku" value=(good.sku);
            fieldset {
                legend { "How would you like to have it?" }
                @for shelf in &good.shelves {
                    @let is_usual = usual.is_some_and(|usual| usual.location == shelf.location);
                    (choice(shop, good, shelf, is_usual))
                }
            }
            p.amount {
                label for="quantity" {
                    @if good.unit == "each" { "Quantity" } @else { "Quantity in " (good.unit) }
                }
                input #quantity name="quantity" type="number" inputmode="decimal" value="1"
                    min=(step) max="99" step=(step) required;
                button.primary type="submit" { "Add to cart" }
            }
            p.soft { "Held for you for " (duration(shop.cart_seconds)) " while you decide." }
        }
    }
}

fn choice(shop: &Shop, good: &Good, shelf: &Shelf, is_usual: bool) -> Markup {
    let place = place_name(&shelf.location);
    let words = match Way::at(&shelf.location) {
        Some(way) => way.words(),
        None => place.to_owned(),
    };
    html! {
        label.choice {
            input type="radio" name="location" value=(shelf.location) required
                checked[is_usual] disabled[shelf.is_empty()];
            span.way { (words) }
            span.place { (place) }
            onhand-stock server=(shop.onhand) sku=(good.sku) location=(shelf.location)
                name=(format!("{}, {place}", good.name)) {
                (shelf.words(&good.unit))
            }
        }
    }
}

/// A span of time, as people say it.
pub(super) fn duration(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (1, 0) => "a minute".to_owned(),
        (minutes, 0) => format!("{minutes} minutes"),
        _ => format!("{seconds} seconds"),
    }
}

/// A product as schema.org describes it, each variant an offer.
fn product(shop: &Shop, variants: &[&Good]) -> Value {
    let offers = variants.iter().map(|good| {
        json!({"@type": "Offer", "sku": good.sku, "name": good.name,
            "price": format!("{:.2}", good.price_now), "priceCurrency": "SEK",
            "availability": good.best().schema(),
            "url": format!("{}{}", shop.url, path(good))})
    });
    let first = variants[0];
    json!({"@type": "Product", "name": first.title(), "productID": first.kind(),
        "color": first.attribute("colour"), "material": first.attribute("material"),
        "offers": offers.collect::<Vec<_>>()})
}

/// Data for machines. What could end the element is written as an escape.
fn machine_readable(data: &Value) -> Markup {
    let text = data.to_string().replace('<', "\\u003c");
    html! { script type="application/ld+json" { (PreEscaped(text)) } }
}
