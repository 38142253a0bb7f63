//! All routes of the shop on one screen: who visits, whether a form is the visitor's own and new,
//! and what then does it. What waits for the service runs apart from the listener's threads.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use actix_web::web::{self, Data, Form, Json, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use maud::html;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::cart::Line;
use super::checkout::Way;
use super::frame::Frame;
use super::order::{Order, Said};
use super::reply::Reply;
use super::session::{Hand, Session};
use super::{Shop, cart_page, order_page, product_page};
use crate::demo::swish::Callback;
use crate::web::asset;

const COOKIE_NAME: &str = "clog-shop";
/// The longest key a form may carry.
const KEY_LENGTH_MAX: usize = 64;

/// Registers all routes.
#[rustfmt::skip]
pub(super) fn register(service: &mut ServiceConfig) {
    service
        .route("/",                  web::get().to(products))
        .route("/product/{name}",    web::get().to(product))
        .route("/item/{sku}",        web::get().to(item))
        .route("/cart",              web::get().to(cart))
        .route("/cart",              web::post().to(put_in))
        .route("/cart/change",       web::post().to(change))
        .route("/cart/again",        web::post().to(again))
        .route("/cart/empty",        web::post().to(empty))
        .route("/checkout",          web::get().to(checkout))
        .route("/checkout",          web::post().to(pay))
        .route("/orders",            web::get().to(orders))
        .route("/order/{id}",        web::get().to(order))
        .route("/order/{id}/state",  web::get().to(order_state))
        .route("/order/{id}/cancel", web::post().to(cancel))
        .route("/swish",             web::post().to(hear))
        .route("/onhand.css",        web::get().to(style))
        .route("/shop.css",          web::get().to(own_style))
        .route("/shop.js",           web::get().to(script))
        .default_service(web::to(nothing));
}

/// What a form sends. What it must have and has not is as if it were empty.
#[derive(Deserialize)]
struct Sent {
    word: String,
    key: String,
    #[serde(default)]
    sku: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    quantity: String,
}

#[derive(Deserialize)]
struct Chosen {
    sku: Option<String>,
}

/// Has a page made for whoever visits, apart from the listener's threads.
async fn visit(
    request: &HttpRequest,
    shop: Data<Shop>,
    make: impl FnOnce(&Shop, &Arc<Session>) -> Reply + Send + 'static,
) -> HttpResponse {
    let cookie = cookie(request);
    let session = shop.sessions.of(cookie);
    let is_new = cookie != Some(session.id.as_str());
    let id = session.id.clone();
    let made = web::block(move || make(&shop, &session)).await;
    let mut response = match made {
        Ok(reply) => reply.written(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    };
    if is_new {
        let cookie = format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Lax");
        let cookie = cookie.parse().expect("a name and hexadecimal digits");
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn cookie(request: &HttpRequest) -> Option<&str> {
    let cookies = request.headers().get(COOKIE)?.to_str().ok()?;
    let mut cookies = cookies.split(';').map(str::trim);
    cookies.find_map(|cookie| cookie.strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Does what a form asks, once, if it is the visitor's own; `act` says which page comes next.
async fn obey(
    request: &HttpRequest,
    shop: Data<Shop>,
    sent: Sent,
    act: impl FnOnce(&Shop, &Session, &mut Hand, &str, &Sent) -> String + Send + 'static,
) -> HttpResponse {
    let origin = request.headers().get(ORIGIN);
    let is_foreign = origin.is_some_and(|origin| !is_own(origin.as_bytes(), &shop, request));
    visit(request, shop, move |shop, session| {
        let is_well_formed = sent.key.len() <= KEY_LENGTH_MAX
            && !sent.key.is_empty()
            && sent.key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_foreign || sent.word != session.word || !is_well_formed {
            let words = "This form has grown old. Go back, reload the page and try again.";
            return apology(shop, session, StatusCode::FORBIDDEN, words);
        }
        let mut hand = session.hand.lock();
        if let Some(location) = hand.sent(&sent.key) {
            return Reply::See(location);
        }
        let key = format!("{}-{}", session.customer, sent.key);
        let location = act(shop, session, &mut hand, &key, &sent);
        hand.remember(&sent.key, &location);
        Reply::See(location)
    })
    .await
}

/// Whether an origin is the one that the request itself is sent to.
fn is_own(origin: &[u8], shop: &Shop, request: &HttpRequest) -> bool {
    let host = request.connection_info().host().to_owned();
    origin == shop.url.as_bytes() || origin == format!("http://{host}").as_bytes()
}

/// A page that says why there is none.
fn apology(shop: &Shop, session: &Session, status: StatusCode, words: &str) -> Reply {
    let main = html! {
        h1 { "Sorry" }
        p { (words) }
        p { a.button href="/" { "See what there is" } }
    };
    let frame = Frame {
        shop,
        session,
        title: "Sorry",
        again_seconds: None,
    };
    Reply::Page(status, frame.around(&main))
}

/// A page, or why the service did not say what belongs on it.
fn or_apology(shop: &Shop, session: &Session, made: Result<Reply, String>) -> Reply {
    made.unwrap_or_else(|words| apology(shop, session, StatusCode::NOT_FOUND, &words))
}

async fn products(request: HttpRequest, shop: Data<Shop>) -> HttpResponse {
    visit(&request, shop, |shop, session| {
        or_apology(shop, session, product_page::list(shop, session))
    })
    .await
}

async fn product(
    request: HttpRequest,
    shop: Data<Shop>,
    name: Path<String>,
    chosen: Query<Chosen>,
) -> HttpResponse {
    visit(&request, shop, move |shop, session| {
        let goods = shop.backend.goods(Some(&name));
        let sku = chosen.sku.as_deref();
        let made = goods.and_then(|goods| product_page::one(shop, session, &goods, sku));
        or_apology(shop, session, made)
    })
    .await
}

/// What is no variant of anything.
async fn item(request: HttpRequest, shop: Data<Shop>, sku: Path<String>) -> HttpResponse {
    visit(&request, shop, move |shop, session| {
        let goods = shop.backend.good(&sku);
        let made = goods.and_then(|goods| product_page::one(shop, session, &goods, Some(&sku)));
        or_apology(shop, session, made)
    })
    .await
}

async fn cart(request: HttpRequest, shop: Data<Shop>) -> HttpResponse {
    visit(&request, shop, |shop, session| {
        cart_page::cart(shop, session)
    })
    .await
}

async fn checkout(request: HttpRequest, shop: Data<Shop>) -> HttpResponse {
    visit(&request, shop, |shop, session| {
        cart_page::checkout(shop, session)
    })
    .await
}

/// A quantity, if it is one.
fn line(sent: &Sent) -> Option<Line> {
    let quantity: Decimal = sent.quantity.trim().parse().ok()?;
    (quantity >= Decimal::ZERO).then(|| Line {
        sku: sent.sku.clone(),
        location: sent.location.clone(),
        quantity,
    })
}

async fn put_in(request: HttpRequest, shop: Data<Shop>, form: Form<Sent>) -> HttpResponse {
    obey(&request, shop, form.0, |shop, session, hand, key, sent| {
        let wanted = line(sent).filter(|line| !line.quantity.is_zero());
        match wanted {
            None => hand.warn("How many would you like?"),
            // A choice that sells out while the page is open is not sent any more.
            Some(line) if line.location.is_empty() => {
                let name = shop.name(&line.sku);
                hand.warn(format!("{name} has just been taken: none is left there."));
            }
            Some(line) => shop.put_in(session, hand, key, line),
        }
        "/cart".to_owned()
    })
    .await
}

async fn change(request: HttpRequest, shop: Data<Shop>, form: Form<Sent>) -> HttpResponse {
    obey(&request, shop, form.0, |shop, session, hand, key, sent| {
        if let Some(line) = line(sent) {
            shop.change(session, hand, key, &line);
        }
        "/cart".to_owned()
    })
    .await
}

async fn again(request: HttpRequest, shop: Data<Shop>, form: Form<Sent>) -> HttpResponse {
    obey(&request, shop, form.0, |shop, session, hand, key, _| {
        shop.take_again(session, hand, key);
        "/cart".to_owned()
    })
    .await
}

async fn empty(request: HttpRequest, shop: Data<Shop>, form: Form<Sent>) -> HttpResponse {
    obey(&request, shop, form.0, |shop, _, hand, key, _| {
        shop.empty(hand, key);
        "/cart".to_owned()
    })
    .await
}

async fn pay(request: HttpRequest, shop: Data<Shop>, form: Form<Sent>) -> HttpResponse {
    obey(&request, shop, form.0, |shop, session, hand, key, sent| {
        let way = Way::at(&sent.location);
        let paid_at = way.and_then(|way| shop.check_out(session, hand, key, way));
        paid_at.unwrap_or_else(|| "/cart".to_owned())
    })
    .await
}

async fn orders(request: HttpRequest, shop: Data<Shop>) -> HttpResponse {
    visit(&request, shop, |shop, session| {
        order_page::all(shop, session)
    })
    .await
}

/// An order of the visitor's own.
fn own(shop: &Shop, session: &Session, id: &str) -> Option<Arc<Order>> {
    let is_own = session.hand.lock().has_order(id);
    shop.orders.find(id).filter(|_| is_own)
}

async fn order(request: HttpRequest, shop: Data<Shop>, id: Path<String>) -> HttpResponse {
    visit(&request, shop, move |shop, session| {
        match own(shop, session, &id) {
            Some(order) => order_page::one(shop, session, &order),
            None => no_order(shop, session),
        }
    })
    .await
}

async fn order_state(request: HttpRequest, shop: Data<Shop>, id: Path<String>) -> HttpResponse {
    visit(&request, shop, move |shop, session| {
        match own(shop, session, &id) {
            Some(order) => Reply::Word(order_page::state(shop, &order)),
            None => no_order(shop, session),
        }
    })
    .await
}

fn no_order(shop: &Shop, session: &Session) -> Reply {
    let words = "You have no such order.";
    apology(shop, session, StatusCode::NOT_FOUND, words)
}

async fn cancel(
    request: HttpRequest,
    shop: Data<Shop>,
    id: Path<String>,
    form: Form<Sent>,
) -> HttpResponse {
    obey(&request, shop, form.0, move |shop, _, hand, key, _| {
        let order = shop.orders.find(&id).filter(|_| hand.has_order(&id));
        let cancelled = order.map(|order| shop.cancel(&order, key));
        if let Some(Err(words)) = cancelled {
            hand.warn(words);
        }
        format!("/order/{id}")
    })
    .await
}

/// Swish's word on a payment. It says it again until it is answered.
async fn hear(request: HttpRequest, shop: Data<Shop>, said: Json<Callback>) -> HttpResponse {
    let authorization = request.headers().get(AUTHORIZATION);
    let known = authorization.and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    if known != Some(shop.swish.secret()) {
        return HttpResponse::Unauthorized().finish();
    }
    let Ok(amount) = said.amount.parse() else {
        return HttpResponse::BadRequest().finish();
    };
    let kept = web::block(move || {
        let order = shop.orders.find(&said.id)?;
        let word = match said.is_paid {
            true => Said::Paid(amount),
            false => Said::Declined,
        };
        Some(shop.settle(&order, &word))
    });
    match kept.await {
        Ok(Some(Some(is_kept))) => HttpResponse::Ok().json(is_kept),
        Ok(Some(None)) | Err(_) => HttpResponse::ServiceUnavailable().finish(),
        Ok(None) => HttpResponse::NotFound().finish(),
    }
}

async fn style() -> HttpResponse {
    let style = asset("onhand.css").expect("the style is part of the program");
    HttpResponse::Ok()
        .content_type(style.media_type)
        .body(style.content())
}

async fn own_style() -> HttpResponse {
    let style = include_str!("shop.css");
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .body(style)
}

async fn script() -> HttpResponse {
    let script = include_str!("shop.js");
    HttpResponse::Ok()
        .content_type("text/javascript; charset=utf-8")
        .body(script)
}

async fn nothing(request: HttpRequest, shop: Data<Shop>) -> HttpResponse {
    visit(&request, shop, |shop, session| {
        let words = "There is no such page.";
        apology(shop, session, StatusCode::NOT_FOUND, words)
    })
    .await
}
