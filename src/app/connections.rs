//! The public listener's connections: accepted, decrypted, their bytes watched, and handed to HTTP.
//! The framework's own server, but for the stream between. It must not know what is asked.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{App, Error};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};

use super::stream::Stream;
use crate::config::Http;
use crate::feed::Courier;
use crate::http::border::Border;
use crate::http::{gate, routes};
use crate::telemetry;

/// How long a connection that ends may take to take its last bytes.
const DISCONNECT: Duration = Duration::from_secs(1);

/// Serves the routes to whoever connects.
pub(super) fn serve(
    config: &Http,
    border: Data<Border>,
    listener: TcpListener,
    tls: Option<ServerConfig>,
) -> io::Result<Server> {
    let mut server = Server::build()
        .disable_signals()
        .shutdown_timeout(config.stop_seconds_max)
        .max_concurrent_connections(config.connections_max);
    if config.workers > 0 {
        server = server.workers(config.workers);
    }
    let config = config.clone();
    let stopping = server.graceful_shutdown_signal();
    let server = match tls {
        None => server.listen("public", listener, move || {
            let accepted = fn_service(|stream: TcpStream| async {
                let peer = stream.peer_addr().ok();
                Ok((Stream::new(stream), Protocol::Http1, peer))
            });
            accepted.and_then(http(&config, &border, &stopping))
        }),
        Some(mut tls) => {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            server.listen("public", listener, move || {
                let decrypted = Acceptor::new(tls.clone()).map_err(TlsError::into_service_error);
                let accepted = decrypted.and_then(|stream: TlsStream<TcpStream>| async {
                    let peer = stream.get_ref().0.peer_addr().ok();
                    Ok((Stream::new(stream), Protocol::Http1, peer))
                });
                accepted.and_then(http(&config, &border, &stopping).map_err(TlsError::Service))
            })
        }
    }?;
    Ok(server.run())
}

/// HTTP over the connections of one thread.
fn http<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    config: &Http,
    border: &Data<Border>,
    stopping: &GracefulShutdownSignal,
) -> impl ServiceFactory<
    (Stream<S>, Protocol, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<S> {
    actix::spawn(telemetry::keep_flushed());
    actix::spawn(Courier::of_this_thread());
    let app = app(config.yardstick, border.clone()).into_factory();
    let app = app.map_err(|error: Error| error.error_response());
    let stopping = stopping.clone();
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .client_request_timeout(Duration::from_millis(config.request_head_ms_max))
        .client_disconnect_timeout(DISCONNECT)
        .keep_alive(Duration::from_secs(config.keep_alive_seconds))
        .finish(map_config(app, |()| AppConfig::default()))
}

fn app(
    yardstick: bool,
    border: Data<Border>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let app = App::new().app_data(border.clone());
    app.wrap(from_fn(gate::gate))
        .configure(|service| routes::public(service, yardstick, &border.origins))
}
