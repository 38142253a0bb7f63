//! Listeners: sockets bound, TLS loaded, servers running.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_server::{Server, ServerBuilder, ServerHandle};
use actix_web::body::MessageBody;
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use socket2::SockRef;

use super::connections::{self, Routes};
use super::node::Started;
use super::{AppError, feed};
use crate::config::{Config, Http, Origins};
use crate::feed::Courier;
use crate::http::border::Border;
use crate::http::ops::OpsView;
use crate::http::origins::own;
use crate::http::{feed_session, gate, limits::Limits, routes};
use crate::telemetry;

/// Connections that may wait to be accepted: thousands come back at once after a restart.
const BACKLOG: i32 = 4096;

/// A server and where it listens.
pub struct Listening {
    /// Stops it.
    pub server: ServerHandle,
    address: SocketAddr,
    tls: bool,
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.address)
    }
}

/// Starts the ops listener.
pub fn ops(config: &Config, view: &OpsView) -> Result<Listening, AppError> {
    let view = web::Data::new(view.clone());
    let app = move || {
        let app = App::new().app_data(view.clone());
        app.wrap(from_fn(gate::name)).configure(routes::ops)
    };
    let server = Server::build().workers(1).shutdown_timeout(1);
    let address = config.http.ops_listen;
    serve(server, &config.http, (address, "--ops-listen"), None, app)
}

/// What the public listener's handlers are given.
pub fn border(config: &Config, started: &Started) -> web::Data<Border> {
    routes::tell_all(config.http.yardstick);
    feed_session::tell_closes();
    let (stock, catalogue) = (started.stock.clone(), started.catalogue.clone());
    let backups = started.node.backups();
    let limited_max = config.stock.limited_max;
    let feed = feed::start(&stock, &catalogue, limited_max, feed::limits(&config.feed));
    let limits = Limits::of(config);
    web::Data::new(Border::new(stock, catalogue, backups, feed, limits))
}

/// Starts the public listener. Its pages' origins are set when its port is known.
pub fn public(
    config: &Config,
    border: web::Data<Border>,
    ops: &Listening,
) -> Result<Listening, AppError> {
    let (yardstick, origins) = (config.http.yardstick, border.origins.clone());
    let app = move || {
        actix::spawn(telemetry::keep_flushed());
        actix::spawn(Courier::of_this_thread());
        let app = App::new().app_data(border.clone());
        app.wrap(from_fn(gate::gate))
            .configure(|service| routes::public(service, yardstick, &border.origins))
    };
    let http = &config.http;
    let mut server = Server::build()
        .shutdown_timeout(http.stop_seconds_max)
        .max_concurrent_connections(http.connections_max);
    if http.workers > 0 {
        server = server.workers(http.workers);
    }
    let listening = serve(server, http, (http.listen, "--listen"), tls(config)?, app)?;
    let mut listed = http.origins.0.clone();
    if listed.is_empty() || listed.iter().any(|origin| origin == Origins::OWN) {
        let own_pages = [&listening, ops].map(|at| (at.address, at.tls));
        listed.extend(own(&own_pages));
    }
    origins.set(listed);
    Ok(listening)
}

/// Listens at an address, which this option gave.
fn serve<F, A, B>(
    server: ServerBuilder,
    config: &Http,
    (address, flag): (SocketAddr, &'static str),
    tls: Option<ServerConfig>,
    app: F,
) -> Result<Listening, AppError>
where
    F: Fn() -> App<A> + Clone + Send + 'static,
    A: Routes<B>,
    B: MessageBody + 'static,
{
    let encrypted = tls.is_some();
    let started = listener(address, config).and_then(|listener| {
        let at = listener.local_addr()?;
        Ok((at, connections::serve(server, config, listener, tls, app)?))
    });
    let (at, server) = started.map_err(|source| unbound(address, flag, source))?;
    let handle = server.handle();
    actix::spawn(server);
    Ok(Listening {
        server: handle,
        address: at,
        tls: encrypted,
    })
}

/// A listener's socket. What it is set to, every connection inherits: little unsent behind which
/// news would grow old, and an end to peers that take nothing any more, for which HTTP has no timer
/// of its own.
fn listener(address: SocketAddr, config: &Http) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    let socket = SockRef::from(&listener);
    socket.listen(BACKLOG)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(config.unsent_bytes_max)?;
        let unacknowledged = Duration::from_millis(u64::from(config.unacknowledged_ms_max));
        socket.set_tcp_user_timeout(Some(unacknowledged))?;
    }
    Ok(listener)
}

fn unbound(address: SocketAddr, flag: &'static str, source: std::io::Error) -> AppError {
    if source.kind() == std::io::ErrorKind::AddrInUse {
        return AppError::AddressInUse { address, flag };
    }
    AppError::Io {
        what: format!("cannot listen on {address}"),
        source,
    }
}

/// The certificate chain and key, if the configuration names them.
pub fn tls(config: &Config) -> Result<Option<ServerConfig>, AppError> {
    let (Some(chain), Some(key)) = (&config.http.tls_cert, &config.http.tls_key) else {
        return Ok(None);
    };
    let (certificates, secret) = (certificates(chain)?, private_key(key)?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(certificates, secret));
    let server = server.map_err(|error| AppError::Tls(format!("the certificate: {error}")))?;
    Ok(Some(server))
}

/// A certificate chain from its PEM file.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AppError> {
    let read = CertificateDer::pem_file_iter(path);
    let read = read.and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if chain.is_empty() => Err(unreadable(path, &"it holds no certificate")),
        Ok(chain) => Ok(chain),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// A key from its PEM file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, AppError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn fmt::Display) -> AppError {
    AppError::Tls(format!("{} is no usable PEM file: {error}", path.display()))
}
