//! The process that pretends to be Swish. It must not know the shop but by its callback.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, Form, FormConfig, Json, JsonConfig, Path, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use indexmap::IndexMap;
use parking_lot::Mutex;
use rust_decimal::Decimal;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{Asked, Callback, Introduction, page};
use crate::cli::ServerArgs;
use crate::cli::client::{HttpServer as Client, Method};
use crate::web::asset;

/// Payments that are remembered; past it the oldest is forgotten.
const PAYMENTS_MAX: usize = 20_000;
/// The largest body.
const BODY_BYTES_MAX: usize = 16_384;
/// The longest that a word may be kept back.
const LATE_SECONDS_MAX: u64 = 600;
/// How often a word is said again if nobody answers, once a second.
const AGAIN_MAX: u32 = 60;
/// What is missing if another amount is paid than was agreed.
const MISSING: Decimal = Decimal::ONE;

struct Bank {
    callback: String,
    secret: String,
    payments: Mutex<IndexMap<String, Payment>>,
}

/// A payment that was asked for.
struct Payment {
    asked: Asked,
    is_answered: bool,
}

/// What the person who pays chose.
#[derive(Deserialize)]
struct Answer {
    choice: Choice,
    #[serde(default)]
    seconds: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Pay,
    Late,
    Twice,
    Wrong,
    Decline,
}

/// Pretends to be Swish until the input ends.
///
/// # Errors
/// The input says nothing of use, or nothing can be listened on.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    let mut input = io::BufReader::new(io::stdin());
    input.read_line(&mut line)?;
    let introduction: Introduction = serde_json::from_str(&line).map_err(|_| {
        let words = "this is a part of `onhand demo`, which starts it by itself";
        io::Error::new(io::ErrorKind::InvalidInput, words)
    })?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    writeln!(out, "http://{}", listener.local_addr()?)?;
    out.flush()?;
    let (tell, ended) = oneshot::channel();
    thread::spawn(move || {
        // Nothing comes any more; an error ends it just as well.
        input.read_to_end(&mut Vec::new()).ok();
        tell.send(()).ok();
    });
    let bank = Data::new(Bank {
        callback: introduction.callback,
        secret: introduction.secret,
        payments: Mutex::default(),
    });
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let headers = DefaultHeaders::new()
                .add(("content-security-policy", policy(&bank)))
                .add(("x-content-type-options", "nosniff"))
                .add(("referrer-policy", "no-referrer"));
            App::new()
                .app_data(bank.clone())
                .wrap(headers)
                .configure(routes)
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0);
        let server = server.listen(listener)?.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        // The sender is dropped only after it was used.
        ended.await.ok();
        handle.stop(false).await;
        Ok(())
    })
}

/// What the pages may load, and where their form may lead.
fn policy(bank: &Bank) -> String {
    let shop = bank.callback.trim_end_matches("/swish");
    format!(
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {shop}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

fn routes(service: &mut ServiceConfig) {
    service
        .app_data(FormConfig::default().limit(BODY_BYTES_MAX))
        .app_data(JsonConfig::default().limit(BODY_BYTES_MAX))
        .route("/payments", web::post().to(ask))
        .route("/pay/{id}", web::get().to(show))
        .route("/pay/{id}", web::post().to(answer))
        .route("/onhand.css", web::get().to(style));
}

/// The shop asks for money.
async fn ask(request: HttpRequest, bank: Data<Bank>, asked: Json<Asked>) -> HttpResponse {
    let authorization = request.headers().get(AUTHORIZATION);
    let known = authorization.and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    if known != Some(bank.secret.as_str()) {
        return HttpResponse::Unauthorized().finish();
    }
    let mut payments = bank.payments.lock();
    if payments.len() == PAYMENTS_MAX {
        payments.shift_remove_index(0);
    }
    let (asked, is_answered) = (asked.0, false);
    let id = asked.id.clone();
    payments.entry(id).or_insert(Payment { asked, is_answered });
    HttpResponse::Created().json(true)
}

/// Somebody looks at a payment.
async fn show(bank: Data<Bank>, id: Path<String>) -> HttpResponse {
    let payments = bank.payments.lock();
    let Some(payment) = payments.get(id.as_str()) else {
        return HttpResponse::NotFound().body("There is no such payment.");
    };
    let page = page::page(&payment.asked, payment.is_answered);
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(page.into_string())
}

/// Somebody pays or declines, once; the browser goes back to the shop.
async fn answer(bank: Data<Bank>, id: Path<String>, form: Form<Answer>) -> HttpResponse {
    let asked = {
        let mut payments = bank.payments.lock();
        let Some(payment) = payments.get_mut(id.as_str()) else {
            return HttpResponse::NotFound().body("There is no such payment.");
        };
        if !std::mem::replace(&mut payment.is_answered, true) {
            let late = form.seconds.parse().unwrap_or_default();
            let told = tell(bank.clone(), payment.asked.clone(), form.choice, late);
            actix_web::rt::spawn(told);
        }
        payment.asked.clone()
    };
    HttpResponse::SeeOther()
        .insert_header((LOCATION, asked.back))
        .finish()
}

/// Tells the shop, as was chosen.
async fn tell(bank: Data<Bank>, asked: Asked, choice: Choice, late_seconds: u64) {
    let mut said = Callback {
        id: asked.id,
        is_paid: true,
        amount: asked.amount,
    };
    let mut times = 1;
    match choice {
        Choice::Pay => {}
        Choice::Late => {
            let late = Duration::from_secs(late_seconds.min(LATE_SECONDS_MAX));
            tokio::time::sleep(late).await;
        }
        Choice::Twice => times = 2,
        Choice::Wrong => {
            let amount: Decimal = said.amount.parse().unwrap_or_default();
            said.amount = format!("{:.2}", amount - MISSING);
        }
        Choice::Decline => said.is_paid = false,
    }
    let body = serde_json::to_string(&said).expect("texts and a number");
    for _ in 0..times {
        deliver(&bank, &body).await;
    }
}

/// Says it until it is answered.
async fn deliver(bank: &Data<Bank>, body: &str) {
    for _ in 0..AGAIN_MAX {
        let (bank, body) = (bank.clone(), body.to_owned());
        let sent = web::block(move || {
            let mut client = Client::new(&ServerArgs {
                url: bank.callback.clone(),
                token: bank.secret.clone(),
                ca: None,
            });
            client.send(Method::Post, "", Some(&body), None)
        });
        if let Ok(Ok(answer)) = sent.await
            && answer.status < 500
        {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tracing::warn!("the shop does not hear what became of a payment");
}

async fn style() -> HttpResponse {
    let style = asset("onhand.css").expect("the style is part of the program");
    HttpResponse::Ok()
        .content_type(style.media_type)
        .body(style.content())
}
