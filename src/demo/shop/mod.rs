//! The demo's web shop, for people: pages on a listener of its own, and the back end behind them
//! that holds the token. It asks the service over HTTP as any shop's back end would, and is the
//! only one who may reserve; browsers hold nothing but a session's cookie and see stock through
//! the component. Every page works without a script.
//!
//! A cart is a reservation. What is in it, for how long, and at which prices is what the service
//! says; the shop remembers only its id. It must not know how the service does any of it.

mod backend;
mod cart;
mod cart_page;
mod checkout;
mod frame;
mod order;
mod order_page;
mod picture;
mod product_page;
mod reply;
mod routes;
mod session;
mod shelf;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{Data, FormConfig, JsonConfig};
use actix_web::{App, HttpServer};
use serde_json::Value;

use super::caller::text;
use super::stop::Stop;
use super::swish::Swish;
use crate::app::{AppError, Ready};
use crate::clock::{Clock, parse_time};

use backend::{Backend, Good};
use order::Orders;
use session::Sessions;

/// Connections at once: a demo has a handful of visitors.
const CONNECTIONS_MAX: usize = 512;
/// The largest body: a form with a few short fields.
const BODY_BYTES_MAX: usize = 16_384;
/// How long a visitor may take to send a request's head.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// How long requests under way may take when the demo ends.
const ENDING_SECONDS: u64 = 2;

/// What the shop's handlers are given.
pub(super) struct Shop {
    backend: Backend,
    sessions: Sessions,
    orders: Orders,
    swish: Swish,
    /// Where the shop is.
    url: String,
    /// Where the service is.
    onhand: String,
    /// How long a cart is held for.
    cart_seconds: u32,
    /// What is on sale, by SKU, as it was when the shop opened: names and how it is counted.
    known: BTreeMap<String, Good>,
    /// The service's time.
    clock: Clock,
}

/// The shop's place, taken before anything starts.
pub(super) struct Premises(TcpListener);

/// The shop, open.
pub(super) struct Open {
    handle: ServerHandle,
    thread: JoinHandle<()>,
}

impl Premises {
    /// Takes an address.
    ///
    /// # Errors
    /// Somebody else has it.
    pub(super) fn take(address: SocketAddr) -> Result<Premises, AppError> {
        TcpListener::bind(address).map(Premises).map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                let flag = "--shop-listen";
                return AppError::AddressInUse { address, flag };
            }
            let what = format!("the shop cannot listen on {address}");
            AppError::Io { what, source }
        })
    }

    /// The port that it has.
    fn port(&self) -> u16 {
        let address = self.0.local_addr();
        address.expect("a bound socket has an address").port()
    }

    /// Where browsers find it.
    pub(super) fn url(&self) -> String {
        let address = self.0.local_addr();
        format!("http://{}", address.expect("a bound socket has an address"))
    }

    /// The origins that its pages may have.
    pub(super) fn origins(&self) -> [String; 2] {
        [self.url(), format!("http://localhost:{}", self.port())]
    }

    /// Opens the shop here.
    ///
    /// # Errors
    /// Why it cannot open.
    pub(super) fn open(
        self,
        ready: &Ready,
        token: &str,
        cart_seconds: u32,
        stop: &Stop,
    ) -> Result<Open, String> {
        let backend = Backend::new(&ready.public, token, stop);
        let goods = backend.goods(None)?;
        let known = goods.into_iter().map(|good| (good.sku.clone(), good));
        let url = self.url();
        let shop = Data::new(Shop {
            backend,
            known: known.collect(),
            sessions: Sessions::default(),
            orders: Orders::default(),
            swish: Swish::start(&format!("{url}/swish"))?,
            url,
            onhand: ready.public.clone(),
            cart_seconds,
            clock: ready.clock.clone(),
        });
        let (tell, told) = mpsc::channel();
        let serve = move || {
            let system = actix_web::rt::System::new();
            let served = system.block_on(async {
                let server = server(self.0, shop)?;
                tell.send(server.handle()).ok();
                server.await
            });
            if let Err(error) = served {
                tracing::error!(%error, "the demo's shop ended");
            }
        };
        let thread = thread::Builder::new().name("shop".to_owned()).spawn(serve);
        let thread = thread.map_err(|error| error.to_string())?;
        let handle = told.recv().map_err(|_| "it cannot listen".to_owned())?;
        Ok(Open { handle, thread })
    }
}

impl Shop {
    /// How long a reservation is held from now, begun seconds counted as whole.
    fn seconds_left(&self, reservation: &Value) -> i64 {
        let expires_at = parse_time(text(&reservation["expires_at"])).unwrap_or_default();
        let left = expires_at.as_millis() - self.clock.now().as_millis();
        (left.max(0) + 999) / 1000
    }
}

fn server(listener: TcpListener, shop: Data<Shop>) -> std::io::Result<actix_web::dev::Server> {
    let server = HttpServer::new(move || {
        let headers = frame::headers(&shop).into_iter();
        let headers = headers.fold(DefaultHeaders::new(), DefaultHeaders::add);
        App::new()
            .app_data(shop.clone())
            .app_data(FormConfig::default().limit(BODY_BYTES_MAX))
            .app_data(JsonConfig::default().limit(BODY_BYTES_MAX))
            .wrap(headers)
            .configure(routes::register)
    });
    let server = server
        .workers(2)
        .disable_signals()
        .shutdown_timeout(ENDING_SECONDS)
        .max_connections(CONNECTIONS_MAX)
        .client_request_timeout(HEAD_MAX)
        .listen(listener)?;
    Ok(server.run())
}

impl Open {
    /// Closes it; requests under way may end.
    pub(super) fn close(self) {
        actix_web::rt::System::new().block_on(self.handle.stop(true));
        self.thread
            .join()
            .expect("a panic stops the process before this");
    }
}
